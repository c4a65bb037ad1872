"""The context of a batch: what the record and the models say about all claimed cases, asked for once.

A dozen queries and one call to each model, whatever the size of the batch; once a day the whole portfolio of
receivables. A case that cannot be computed fails the batch; the worker then asks for each case alone, so that its
neighbours go on.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol

from agents.confidence import Answers
from agents.dunning import Dunning
from agents.dunning_read import read_dunning
from agents.letter import Composer
from agents.recall import precedent_findings
from agents.risk_scores import Portfolio, Scored, Standing, scored
from agents.routes_read import HabitsRead, read_routes
from agents.state import BatchContext, Filing, Json
from agents.tolerances import Tolerances
from agents.tolerances_read import read_tolerances
from agents.tracing import Tracer
from agents.twin_texts import spoken
from agents.twins import TwinsRead, likely_twins, order_habits, read_twins, twin_findings, with_neighbours
from governance.record import candidates, precedents, queue, templates, twin_states, twin_texts
from governance.record.candidates import Beside, BookedItem
from governance.record.db import Connection
from governance.record.queue import Brief, Job
from models.duplicates import PairScorer
from models.precedents import case_text
from models.risk import CollectionRisk

_TEXT_LIMIT, _MOST_VENDORS = 2000, 100
_NAMING = re.compile(r"name|payer|owner|approver|contact|person|booking_text|invoice_id|vat|tax_id|lines|candidates")


class ModelSet(Protocol):
    """What the agent needs of a models.bundle.Bundle."""

    @property
    def pair_scorer(self) -> PairScorer: ...
    @property
    def risk(self) -> CollectionRisk: ...
    @property
    def digest(self) -> str: ...


class Encoder(Protocol):
    """What the agent needs of a models.embedding.Embedder."""

    @property
    def name(self) -> str: ...
    def encode(self, texts: Sequence[str]) -> Any: ...


@dataclass(frozen=True, slots=True)
class Models:
    bundle: ModelSet
    embedder: Encoder


class Memory:
    """Vectors of texts that were embedded lately: many cases of one kind and size read alike. And vendors."""

    def __init__(self, most: int = 4096) -> None:
        self._most = most
        self._known: OrderedDict[str, list[float]] = OrderedDict()
        self._vendors: dict[str, None] = {}

    def see_vendors(self, vendors: Iterable[str]) -> None:
        """Cases of these vendors came in; the last hundred are remembered."""
        for vendor in filter(None, vendors):
            self._vendors.pop(vendor, None)
            self._vendors[vendor] = None
        for vendor in list(self._vendors)[:-_MOST_VENDORS]:
            del self._vendors[vendor]

    def vendors(self) -> tuple[str, ...]:
        return tuple(self._vendors)

    def forget_vendors(self, vendors: Iterable[str]) -> None:
        for vendor in vendors:
            self._vendors.pop(vendor, None)

    def encode(self, texts: Sequence[str], encoder: Encoder) -> list[list[float]]:
        """One vector a text, in order; the encoder is asked once, for those that are not remembered."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        made = encoder.encode(new) if new else ()
        for text, row in zip(new, made, strict=True):
            self._known[text] = [float(value) for value in row]
        found = [self._known[text] for text in texts]
        for text in texts:
            self._known.move_to_end(text)
        while len(self._known) > self._most:
            self._known.popitem(last=False)
        return found


@dataclass(frozen=True, slots=True)
class Parts:
    """What a context needs besides the record: fixed for a worker's life. `today` None: the database's day."""

    models: Models
    memory: Memory
    composer: Composer
    stamps: Mapping[str, str]
    tolerances: Tolerances
    file: Filing
    tracer: Tracer
    today: date | None = None
    portfolio: Portfolio = field(default_factory=Portfolio)
    answers: Answers = field(default_factory=Answers)
    habits: HabitsRead = field(default_factory=HabitsRead)


@dataclass(frozen=True, slots=True)
class _Read:
    """What one transaction read."""

    today: date
    briefs: dict[str, Brief]
    beside: dict[str, Beside]
    notes: dict[str, tuple[str, ...]]
    twins: TwinsRead
    items: list[BookedItem]
    dunning: dict[str, Dunning]
    templates: dict[tuple[str, str], Json]
    limits: dict[str, Tolerances]


Transaction = Callable[[], AbstractContextManager[Connection]]


def build_context(transaction: Transaction, jobs: Sequence[Job], parts: Parts) -> BatchContext:
    """The context of these jobs. `transaction` opens one of role `agent`. Raises what the record or a model raises."""
    tracer = parts.tracer
    with tracer.step("read"), transaction() as conn:
        read = _read(conn, jobs, parts)
    with tracer.step("embed"):
        texts = [case_words(brief) for brief in read.briefs.values()]
        said = {case_id: text for case_id, bill in read.twins.asked.items() if (text := spoken(bill.description))}
        rows = parts.memory.encode([*texts, *said.values()], parts.models.embedder)
        embeddings = dict(zip(read.briefs, rows[: len(texts)], strict=True))
        told = dict(zip(said, rows[len(texts) :], strict=True))
        parts.memory.see_vendors(read.twins.asked[case_id].vendor_id for case_id in said)
    with tracer.step("precedents"), transaction() as conn:
        recalled = _precedents(conn, read, embeddings, parts.tolerances)
        routes = read_routes(conn, read.briefs, parts.habits)
        calibration = parts.answers.calibration(conn, parts.tolerances.confidence_least)
        twins = _told(conn, read.twins, said, told)
    with tracer.step("duplicates"):
        duplicates = _duplicates(transaction, twins, parts)
    with tracer.step("risk"):
        risks = _risks(transaction, read, parts)
    return BatchContext(
        today=read.today,
        briefs=read.briefs,
        beside=read.beside,
        embeddings=embeddings,
        duplicates=duplicates,
        risks=risks.findings,
        scored=risks,
        precedents=recalled,
        notes=read.notes,
        order_habits=order_habits(read.twins, read.briefs),
        composer=parts.composer,
        stamps=parts.stamps,
        tolerances=parts.tolerances,
        limits=read.limits,
        file=parts.file,
        tracer=tracer,
        dunning=read.dunning,
        routes=routes,
        calibration=calibration,
        templates=read.templates,
    )


def _read(conn: Connection, jobs: Sequence[Job], parts: Parts) -> _Read:
    briefs = {brief.facts.case_id: brief for brief in queue.briefs(conn, jobs)}
    cases = [(job.case_id, job.revision) for job in jobs]
    customers = {brief.facts.customer_id for brief in briefs.values() if brief.facts.queue == "order_to_cash"}
    day = parts.today or candidates.today(conn)
    return _Read(
        today=day,
        briefs=briefs,
        beside=candidates.beside(conn, cases),
        notes=candidates.notes(conn, cases),
        twins=read_twins(conn, briefs),
        items=candidates.receivables(conn, sorted(filter(None, customers))) if customers else [],
        dunning=read_dunning(conn, briefs, day),
        templates=templates.current(conn),
        limits=read_tolerances(conn, briefs, day, parts.tolerances),
    )


def _told(conn: Connection, read: TwinsRead, said: Mapping[str, str], told: Mapping[str, Sequence[float]]) -> TwinsRead:
    """With what says nearly the same; what the batch's own bills say is kept. `said`, `told`: by case."""
    if not told:
        return read
    booked = [(case_id, row.invoice_id) for case_id, row in read.twins if row.case_id == case_id]
    twin_texts.remember(conn, [(bill, said[one], told[one]) for one, bill in booked if one in told])
    return with_neighbours(conn, read, told)


def _duplicates(transaction: Transaction, read: TwinsRead, parts: Parts) -> dict[str, list[Json]]:
    likely = likely_twins(read, parts.models.bundle.pair_scorer, float(parts.tolerances.duplicate_shown))
    if not likely:
        return {}
    ids = {one.invoice.invoice_id for one in likely} | {one.twin.invoice_id for one in likely}
    with transaction() as conn:
        return twin_findings(read, likely, twin_states.states(conn, ids))


def _risks(transaction: Transaction, read: _Read, parts: Parts) -> Scored:
    bundle = parts.models.bundle

    def standing() -> Standing:
        return parts.portfolio.standing(transaction, bundle.risk, bundle.digest, read.today)

    return scored(read.briefs, read.items, read.today, standing)


def _precedents(
    conn: Connection, read: _Read, embeddings: Mapping[str, Sequence[float]], tolerances: Tolerances
) -> dict[str, list[Json]]:
    asked = [
        (one, brief.facts.queue, brief.facts.exception_type, embeddings[one]) for one, brief in read.briefs.items()
    ]
    found = precedents.recall(conn, asked, most=tolerances.precedents)
    return {case_id: precedent_findings(near, tolerances) for case_id, near in found.items()}


def case_words(brief: Brief) -> str:
    """What is embedded: kind, size and evidence of the case. The cause is not known yet, so it is left out.

    Names of people and firms are left out too: vectors are kept when texts are erased.
    """
    case = brief.facts
    said = {
        **{name: value for name, value in case.details.items() if not _NAMING.search(name)},
        "document_class": case.document_class,
        "amount": case.amount,
        "currency": case.currency,
        "supplier": brief.supplier is not None if case.queue == "accounts_payable" else None,
    }
    return case_text(case.queue, case.exception_type, None, said)[:_TEXT_LIMIT]
