"""How long one case's search for twins takes: candidates, score, reasons, out of a small and out of a large ledger."""

from __future__ import annotations

import contextlib
import shutil
import statistics
import tempfile
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from agents.tolerances import Tolerances
from agents.twin_keys import KEYS_VERSION, stored_keys
from agents.twins import likely_twins, read_twins, twin_findings
from governance.case import CaseFacts
from governance.record import twin_states
from governance.record.queue import Brief, Job
from models.duplicates import Invoice, PairScorer

if TYPE_CHECKING:
    from governance.record.db import Database

SMALL, LARGE = 20_000, 1_000_000
CASES = 200
_SLICE = 20_000
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


def searched(invoices: int, scorer: PairScorer, seed: int) -> Searched:
    """Makes a ledger of that size and asks for the twins of CASES of its invoices, one at a time."""
    from evals.second_generator import second_ledger

    made = second_ledger(seed, invoices)
    other: dict[str, set[str]] = {}
    for pair in made.true_pairs:
        other.setdefault(pair.right_id, set()).add(pair.left_id)
    # Half of the cases are duplicates, as a cautious clerk would send them; the rest comes as it comes.
    late = [one for one in made.invoices if one.invoice_id in other]
    step, count = max(1, len(made.invoices) // (CASES // 2)), CASES // 2
    chosen = {one.invoice_id: one for one in [*late[:: max(1, len(late) // count)][:count], *made.invoices[::step]]}
    asked = list(chosen.values())[:CASES]
    with _record() as (database, owner_url, tenant, token):
        _load(owner_url, tenant, made.invoices, chosen)
        del made
        times, found = _timed(database, token, scorer, asked)
    planted = [one.invoice_id for one in asked if one.invoice_id in other]
    hits = [bool(other[one] & found[one]) for one in planted]
    cut = statistics.quantiles(times, n=20, method="inclusive")
    twins = sum(map(len, found.values())) / len(asked)
    return Searched(
        invoices, statistics.median(times), cut[-1], max(times), twins, sum(hits) / max(1, len(hits)), len(asked)
    )


@contextlib.contextmanager
def _record() -> Iterator[tuple[Database, str, str, str]]:
    """A record of its own for this run: (database, the owner's URL, tenant, the agent's token)."""
    from api.founding import first_start
    from api.keyring import read_keyring
    from governance.record.db import Database, urls_for
    from governance.record.embedded import EmbeddedPostgres, erase

    home = Path(tempfile.mkdtemp(prefix="countersign-bench-"))
    home.chmod(0o711)  # the server's user may pass, so that its data stays here
    persons = [
        {"id": one, "name": one, "roles": [role]}
        for one, role in (("a", "administrator"), ("b", "administrator"), ("c", "controller"), ("d", "reviewer"))
    ]
    try:
        with EmbeddedPostgres(home) as server:
            url = server.superuser_url()
            first_start(home, url, "bench", persons)
            known = read_keyring(home)
            assert known is not None
            with Database(urls_for(url, known.roles)) as database:
                yield database, url, "bench", known.tokens["agent"]
        erase(home)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _load(owner_url: str, tenant: str, invoices: Sequence[Invoice], cases: Collection[str]) -> None:
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


def _timed(
    database: Database, token: str, scorer: PairScorer, asked: Sequence[Invoice]
) -> tuple[list[float], dict[str, set[str]]]:
    """Milliseconds of each case, and the twins that it found. Every case is asked alone; the first few warm up."""
    times, found, least = [], {}, float(Tolerances().duplicate_shown)
    for n, invoice in enumerate([*asked[:5], *asked]):
        brief = _brief(invoice)
        started = time.perf_counter()
        with database.transaction("agent", token) as conn:
            read = read_twins(conn, {invoice.invoice_id: brief})
        likely = likely_twins(read, scorer, least)
        ids = {one.twin.invoice_id for one in likely} | {invoice.invoice_id}
        with database.transaction("agent", token) as conn:
            findings = twin_findings(read, likely, twin_states.states(conn, ids) if likely else {})
        if n >= 5:
            times.append((time.perf_counter() - started) * 1000)
            found[invoice.invoice_id] = {one["invoice_id"] for one in findings.get(invoice.invoice_id, ())}
    return times, found


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
