"""The context of a batch: what the record and the models say about all claimed cases, asked for once.

Six queries and one call to each model, whatever the size of the batch. A case that cannot be computed fails the
batch; the worker then asks for each case alone, so that its neighbours go on.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from agents import facts
from agents.assess import risk_finding, twin_finding
from agents.letter import Composer
from agents.recall import precedent_findings
from agents.state import BatchContext, Filing, Json
from agents.tolerances import Tolerances
from agents.tracing import Tracer
from governance.record import candidates, queue, vectors
from governance.record.candidates import Beside, BookedInvoice, BookedItem
from governance.record.db import Connection
from governance.record.queue import Brief, Job
from models.blocking import CAP
from models.duplicates import Invoice, LedgerContext, PairScorer, blocking_keys, score_pairs
from models.features import Receivable
from models.precedents import Precedent, case_text
from models.risk import CollectionRisk

LEDGER_ROWS = 2000
"""Invoices of a vendor that its habits are learnt from: the last ones."""

_KEY_LIMIT, _TEXT_LIMIT = 500, 2000
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
    """Vectors of texts that were embedded lately: many cases of one kind and size read alike."""

    def __init__(self, most: int = 4096) -> None:
        self._most = most
        self._known: OrderedDict[str, list[float]] = OrderedDict()

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


@dataclass(frozen=True, slots=True)
class _Read:
    """What one transaction read."""

    today: date
    briefs: dict[str, Brief]
    beside: dict[str, Beside]
    notes: dict[str, tuple[str, ...]]
    invoices: dict[str, Invoice]
    twins: list[tuple[str, BookedInvoice]]
    ledger: list[BookedInvoice]
    items: list[BookedItem]


Transaction = Callable[[], AbstractContextManager[Connection]]


def build_context(transaction: Transaction, jobs: Sequence[Job], parts: Parts) -> BatchContext:
    """The context of these jobs. `transaction` opens one of role `agent`. Raises what the record or a model raises."""
    tracer = parts.tracer
    with tracer.step("read"), transaction() as conn:
        read = _read(conn, jobs, parts.today)
    with tracer.step("embed"):
        texts = [_text(brief) for brief in read.briefs.values()]
        rows = parts.memory.encode(texts, parts.models.embedder)
        embeddings = dict(zip(read.briefs, rows, strict=True))
    with tracer.step("precedents"), transaction() as conn:
        precedents = _precedents(conn, read, embeddings, parts.tolerances)
    with tracer.step("duplicates"):
        duplicates = _duplicates(read, parts.models.bundle.pair_scorer)
    with tracer.step("risk"):
        risks = _risks(read, parts.models.bundle.risk)
    return BatchContext(
        today=read.today,
        briefs=read.briefs,
        beside=read.beside,
        embeddings=embeddings,
        duplicates=duplicates,
        risks=risks,
        precedents=precedents,
        notes=read.notes,
        order_habits=_order_habits(read),
        composer=parts.composer,
        stamps=parts.stamps,
        tolerances=parts.tolerances,
        file=parts.file,
        tracer=tracer,
    )


def _read(conn: Connection, jobs: Sequence[Job], today: date | None) -> _Read:
    briefs = {brief.facts.case_id: brief for brief in queue.briefs(conn, jobs)}
    cases = [(job.case_id, job.revision) for job in jobs]
    invoices = {case_id: made for case_id, brief in briefs.items() if (made := invoice_of(brief)) is not None}
    keys = [
        (case_id, kind, key)
        for case_id, invoice in invoices.items()
        for _, kind, key in blocking_keys([invoice])
        if len(key) <= _KEY_LIMIT
    ]
    twins = candidates.twins(conn, keys, cap=CAP) if keys else []
    vendors = {row.vendor_id for _, row in twins} | {one.vendor_id for one in invoices.values()}
    customers = {brief.facts.customer_id for brief in briefs.values() if brief.facts.queue == "order_to_cash"}
    return _Read(
        today=today or candidates.today(conn),
        briefs=briefs,
        beside=candidates.beside(conn, cases),
        notes=candidates.notes(conn, cases),
        invoices=invoices,
        twins=twins,
        ledger=candidates.ledger(conn, sorted(vendors - {""}), most=LEDGER_ROWS) if vendors else [],
        items=candidates.receivables(conn, sorted(filter(None, customers))) if customers else [],
    )


def invoice_of(brief: Brief) -> Invoice | None:
    """The case as a row of the supplier ledger; None where it is none, or lacks number or amount."""
    case, number = brief.facts, facts.invoice_number(brief)
    bill = case.document_class in (None, "invoice", "credit_note")
    if case.queue != "accounts_payable" or not bill or number is None or case.amount is None:
        return None
    return Invoice(
        invoice_id=facts.invoice_ref(brief) or case.case_id,
        entity=case.entity,
        vendor_id=case.supplier_id or "",
        vendor_name=facts.field(brief, "supplier") or (brief.supplier.name if brief.supplier else ""),
        tax_id=facts.field(brief, "supplier_vat_id") or (brief.supplier.vat_id if brief.supplier else None),
        iban=case.payee_iban,
        invoice_no=number,
        invoice_date=case.issue_date,
        posting_date=None,
        currency=case.currency or "",
        amount=case.amount,
        po=facts.order_number(brief),
        description=facts.text(case.details, "description"),
        doc_type="credit_note" if case.document_class == "credit_note" else "invoice",
    )


def _as_invoice(row: BookedInvoice) -> Invoice:
    return Invoice(**{name: getattr(row, name) for name in Invoice.__dataclass_fields__})


def _duplicates(read: _Read, scorer: PairScorer) -> dict[str, list[Json]]:
    """Twins by case, scored in one call over all pairs of the batch."""
    own = {case_id: row for case_id, row in read.twins if row.case_id == case_id}
    invoices = {**read.invoices, **{case_id: _as_invoice(row) for case_id, row in own.items()}}
    asked = [(case_id, row) for case_id, row in read.twins if row.case_id != case_id]
    asked = [(case_id, row) for case_id, row in asked if row.invoice_id != invoices[case_id].invoice_id]
    if not asked:
        return {}
    booked = {row.invoice_id: _as_invoice(row) for row in [*read.ledger, *(row for _, row in read.twins)]}
    known = [*booked.values(), *(one for case_id, one in invoices.items() if case_id not in own)]
    pairs = [(invoices[case_id], booked[row.invoice_id]) for case_id, row in asked]
    found: dict[str, list[Json]] = {}
    for (case_id, row), pair in zip(asked, score_pairs(pairs, LedgerContext.fit(known), scorer), strict=True):
        found.setdefault(case_id, []).append(twin_finding(pair, row, _earlier(row, own.get(case_id))))
    return found


def _earlier(twin: BookedInvoice, own: BookedInvoice | None) -> bool:
    """The twin was there first. Imported history counts as earlier, unless it was posted after this invoice came."""
    if own is None:
        return True
    if twin.case_id is None:
        return twin.as_of <= own.as_of or twin.posting_date is None or twin.posting_date < own.as_of.date()
    if twin.as_of != own.as_of:
        return twin.as_of < own.as_of
    days = [one.invoice_date or one.posting_date or date.max for one in (twin, own)]
    return (days[0], twin.invoice_id) < (days[1], own.invoice_id)


def _order_habits(read: _Read) -> dict[str, tuple[int, int]]:
    habits: dict[str, tuple[int, int]] = {}
    for row in read.ledger:
        if row.doc_type == "invoice" and row.case_id not in read.briefs:
            known, with_order = habits.get(row.vendor_id, (0, 0))
            habits[row.vendor_id] = (known + 1, with_order + (row.po is not None))
    return habits


def _risks(read: _Read, risk: CollectionRisk) -> dict[str, Json]:
    booked = {item.invoice_id: item for item in read.items}
    items: dict[str, Receivable] = {}
    for case_id, brief in read.briefs.items():
        case, number = brief.facts, facts.invoice_ref(brief)
        known = booked.get(number or "")
        posted = case.issue_date or (known.posting_date if known else None)
        due = case.due_date or (known.due_date if known else None)
        if case.queue == "order_to_cash" and case.customer_id and posted and due and case.amount is not None:
            items[case_id] = Receivable(number or case_id, case.customer_id, posted, due, case.amount, None)
    if not items:
        return {}
    history = [
        Receivable(one.invoice_id, one.customer_id, one.posting_date, one.due_date, one.amount, one.clear_date)
        for one in read.items
    ]
    estimates = risk.predict(list(items.values()), [read.today] * len(items), history)
    return {case_id: risk_finding(estimate) for case_id, estimate in zip(items, estimates, strict=True)}


def _precedents(
    conn: Connection, read: _Read, embeddings: Mapping[str, Sequence[float]], tolerances: Tolerances
) -> dict[str, list[Json]]:
    asked = [(case_id, brief.facts.queue, embeddings[case_id]) for case_id, brief in read.briefs.items()]
    found = vectors.nearest(conn, asked, most=tolerances.precedents)
    return {
        case_id: precedent_findings(
            [Precedent(one.case_id, one.similarity, one.action, one.decision, one.role, one.outcome) for one in near],
            tolerances,
        )
        for case_id, near in found.items()
    }


def _text(brief: Brief) -> str:
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
