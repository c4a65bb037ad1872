"""How long one case's search for twins takes: candidates, score, reasons, out of a small and out of a large ledger."""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from agents.context import Encoder
from agents.tolerances import Tolerances
from agents.twin_keys import KEYS_VERSION, stored_keys
from agents.twin_texts import spoken, tell
from agents.twins import likely_twins, read_twins, twin_findings, with_neighbours
from evals.ground import record
from governance.case import CaseFacts
from governance.record import twin_states
from governance.record.queue import Brief, Job
from models.duplicates import Invoice, PairScorer

if TYPE_CHECKING:
    from governance.record.db import Database

LEAST_INVOICES, CASES = 200, 200
_SLICE, _TOLD, _WARM = 20_000, 1000, 5
_NEVER = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Searched:
    """One ledger. Times in ms a case: median, 95 in 100, longest. twins: findings a case; found: share of the cases
    with a planted duplicate, whose other half is among the findings."""

    invoices: int
    p50: float
    p95: float
    longest: float
    twins: float
    found: float
    cases: int


def searched(sizes: Sequence[int], scorer: PairScorer, encoder: Encoder, seed: int) -> list[Searched]:
    """Makes a ledger of each size and asks for the twins of CASES of its invoices, one at a time.

    The ledgers take turns, case by case, so that what else the machine does is the same for all.
    """
    with contextlib.ExitStack() as stack:
        grounds = [stack.enter_context(_ground(size, seed)) for size in sizes]
        for ground in grounds:
            tell(ground.transaction, {one.vendor_id for one in ground.asked}, encoder.encode, most=_TOLD)
        for number in range(-_WARM, max(len(ground.asked) for ground in grounds)):
            for ground in grounds:
                if number < len(ground.asked):
                    ground.ask(ground.asked[max(0, number)], scorer, encoder, counts=number >= 0)
    return [ground.result() for ground in grounds]


@dataclass(slots=True)
class _Ground:
    """One ledger in a record of its own, the cases that are asked about, and what was measured."""

    invoices: int
    asked: Sequence[Invoice]
    other: dict[str, set[str]]
    database: Database
    token: str
    times: list[float] = field(default_factory=list)
    found: dict[str, set[str]] = field(default_factory=dict)

    def transaction(self) -> AbstractContextManager[Any]:
        return self.database.transaction("agent", self.token)

    def ask(self, invoice: Invoice, scorer: PairScorer, encoder: Encoder, *, counts: bool) -> None:
        """One case from its brief to its findings, as agents.context does it.

        The vector of its words comes with that of the case, in the one call of a batch, and is not counted.
        """
        brief, case_id, words = _brief(invoice), invoice.invoice_id, spoken(invoice.description)
        vectors = {case_id: [float(value) for value in encoder.encode([words])[0]]} if words else {}
        started = time.perf_counter()
        with self.transaction() as conn:
            read = with_neighbours(conn, read_twins(conn, {case_id: brief}), vectors)
        likely = likely_twins(read, scorer, float(Tolerances().duplicate_shown))
        findings: dict[str, list[dict[str, Any]]] = {}
        if likely:
            with self.transaction() as conn:
                ids = {one.twin.invoice_id for one in likely} | {case_id}
                findings = twin_findings(read, likely, twin_states.states(conn, ids))
        if counts:
            self.times.append((time.perf_counter() - started) * 1000)
            self.found[case_id] = {one["invoice_id"] for one in findings.get(case_id, ())}

    def result(self) -> Searched:
        planted = [one for one in self.found if one in self.other]
        hits = sum(bool(self.other[one] & self.found[one]) for one in planted)
        return Searched(
            invoices=self.invoices,
            p50=statistics.median(self.times),
            p95=statistics.quantiles(self.times, n=20, method="inclusive")[-1],
            longest=max(self.times),
            twins=sum(map(len, self.found.values())) / len(self.found),
            found=hits / max(1, len(planted)),
            cases=len(self.found),
        )


@contextlib.contextmanager
def _ground(invoices: int, seed: int) -> Iterator[_Ground]:
    from evals.second_generator import second_ledger

    made = second_ledger(seed, invoices)
    other: dict[str, set[str]] = {}
    for pair in made.true_pairs:
        other.setdefault(pair.right_id, set()).add(pair.left_id)
    # Half of the cases are duplicates, as a cautious clerk would send them; the rest comes as it comes.
    late = [one for one in made.invoices if one.invoice_id in other]
    half = CASES // 2
    chosen = [*late[:: max(1, len(late) // half)][:half], *made.invoices[:: max(1, len(made.invoices) // half)][:half]]
    asked = {one.invoice_id: one for one in chosen}
    with record() as ground:
        load(ground.owner_url, ground.tenant, made.invoices, asked)
        del made, late
        yield _Ground(invoices, list(asked.values()), other, ground.database, ground.tokens["agent"])


def load(owner_url: str, tenant: str, invoices: Sequence[Invoice], cases: Collection[str]) -> None:
    """A ledger into the record of `tenant`; `cases`: ids of the invoices that came as a case, which has the same id."""
    from governance.record.twin_load import load_invoices

    def rows() -> Iterator[tuple[object, ...]]:
        for start in range(0, len(invoices), _SLICE):
            part = invoices[start : start + _SLICE]
            for one, keys in zip(part, stored_keys(part), strict=True):
                yield (
                    one.invoice_id, one.invoice_id if one.invoice_id in cases else None, one.entity, one.vendor_id,
                    one.vendor_name, one.tax_id, one.iban, one.invoice_no, one.invoice_date, one.posting_date,
                    one.currency, one.amount, one.po, one.description, one.doc_type, keys, KEYS_VERSION,
                )  # fmt: skip

    load_invoices(owner_url, tenant, rows())


def _brief(one: Invoice) -> Brief:
    """The case of an invoice, as the worker would read it."""
    facts = CaseFacts(
        case_id=one.invoice_id,
        revision=1,
        queue="accounts_payable",
        exception_type="invoice_received",
        document_class=one.doc_type,
        amount=one.amount,
        currency=one.currency,
        entity=one.entity,
        region="EU",
        initiator="intake",
        supplier_id=one.vendor_id,
        customer_id=None,
        payee_iban=one.iban,
        issue_date=one.invoice_date,
        due_date=None,
        details={"invoice_id": one.invoice_id, "description": one.description},
    )
    fields = {"invoice_number": one.invoice_no, "supplier": one.vendor_name, "supplier_vat_id": one.tax_id}
    return Brief(
        job=Job(0, one.invoice_id, 1, "triage", None, 0, 1, _NEVER),
        facts=facts,
        facts_digest="",
        title="",
        reading={"fields": {**fields, "purchase_order": one.po}},
        supplier=None,
        supplier_ibans=(),
        customer=None,
        order=None,
        receipts=(),
        allowed_actions=(),
        returned=None,
    )
