"""Likely twins of the invoices of a batch: which the ledger holds, how likely each is, and what is said of them.

Which invoices are compared is decided by blocking keys and how usual a bill is by its vendor's rows; both stand in
the record (governance/record/candidates.py).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import numpy as np

from agents import facts
from agents.assess import as_taken_back, twin_finding, with_groups
from agents.twin_keys import asked_keys, name_key, number_key
from agents.twin_rates import rates_of, worth_the_same
from agents.twin_texts import neighbours
from governance.record import candidates, twin_keys, twin_memories
from governance.record.candidates import BookedInvoice
from governance.record.db import Connection
from governance.record.queue import Brief
from governance.record.twin_states import TwinState
from models.dated_rates import DatedRates
from models.duplicates import DuplicatePair, Invoice, LedgerContext, PairScorer, score_pairs
from models.pair_context import HABITS
from models.pair_groups import groups
from models.twin_memory import SupplierHabit, damped

LEDGER_ROWS = 500
"""Invoices of a vendor that its habits are learnt from: those of the latest days. A vendor with no more of them has the
habits that the whole ledger gives it."""

MOST_SHOWN = 10
"""Twins of a case of which findings are made."""

_MOST_TWINS = 200
_NUMBER_ROWS = 256


@dataclass(frozen=True, slots=True)
class TwinsRead:
    """What the ledger holds beside the invoices of a batch.

    asked: the batch's invoices by case id. twins: (case id, invoice that shares enough with it), its own row too where
    it is booked. ledger: rows of the same vendors. users: vendors and rows that have the same numbers, by number key.
    habits: what people approved of how these vendors bill. rates: of the days and currencies of all of these.
    suspects: cases whose sender takes them for duplicates.
    """

    asked: Mapping[str, Invoice]
    twins: Sequence[tuple[str, BookedInvoice]]
    ledger: Sequence[BookedInvoice]
    users: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    habits: Sequence[SupplierHabit] = ()
    rates: DatedRates | None = None
    suspects: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class LikelyTwin:
    """One pair: the case's invoice, as it is booked (None where it is not), its twin, and how likely they are one.

    settled: it is told only where a credit note took one of them back, so that nobody looks for it in vain.
    """

    case_id: str
    invoice: Invoice
    own: BookedInvoice | None
    twin: BookedInvoice
    pair: DuplicatePair
    settled: bool = False


def read_twins(conn: Connection, briefs: Mapping[str, Brief]) -> TwinsRead:
    """What the ledger holds beside these cases, by case id. `conn`: role `agent`, in a transaction."""
    asked = {case_id: made for case_id, brief in briefs.items() if (made := invoice_of(brief)) is not None}
    if not asked:
        return TwinsRead({}, (), ())
    shared = twin_keys.sharing(conn, asked_keys(asked), most=_MOST_TWINS)
    for case_id, invoice_id in worth_the_same(conn, asked, rates_of(conn, asked.values())):
        if invoice_id not in shared[case_id]:
            shared[case_id].append(invoice_id)
    found = {row.invoice_id: row for row in candidates.invoices(conn, {one for ids in shared.values() for one in ids})}
    twins = [(case_id, found[one]) for case_id, ids in shared.items() for one in sorted(ids) if one in found]
    compared = [*asked.values(), *map(_as_invoice, found.values())]
    vendors = sorted({one.vendor_id for one in compared} - {""})
    habits = [SupplierHabit.stored(one) for one in twin_memories.of(conn, vendors)]
    background, users = _background(conn, compared), _users(conn, compared)
    suspects = [case_id for case_id in asked if briefs[case_id].facts.exception_type == "duplicate_suspect"]
    return TwinsRead(asked, twins, background, users, habits, rates_of(conn, compared), suspects)


def with_neighbours(conn: Connection, read: TwinsRead, vectors: Mapping[str, Sequence[float]]) -> TwinsRead:
    """The same with the bills that say nearly the same as a case's own. `vectors`: of those that say something."""
    if not vectors:
        return read
    seen = {(case_id, row.invoice_id) for case_id, row in read.twins}
    seen |= {(case_id, invoice.invoice_id) for case_id, invoice in read.asked.items()}
    found = [one for one in neighbours(conn, read.asked, vectors) if one not in seen]
    rows = {row.invoice_id: row for row in candidates.invoices(conn, {invoice_id for _, invoice_id in found})}
    if not rows:
        return read
    twins = [(case_id, rows[invoice_id]) for case_id, invoice_id in found if invoice_id in rows]
    known = {row.invoice_id for row in read.ledger}
    more = [row for row in _background(conn, list(map(_as_invoice, rows.values()))) if row.invoice_id not in known]
    users = {**read.users, **_users(conn, [_as_invoice(row) for row in rows.values()])}
    compared = [*read.asked.values(), *(_as_invoice(row) for _, row in [*read.twins, *twins])]
    return replace(
        read, twins=[*read.twins, *twins], ledger=[*read.ledger, *more], users=users, rates=rates_of(conn, compared)
    )


def _background(conn: Connection, compared: Sequence[Invoice]) -> list[BookedInvoice]:
    """What says how usual these invoices are: bills of their vendors."""
    rows = candidates.ledger(conn, {one.vendor_id for one in compared if one.vendor_id.strip()}, most=LEDGER_ROWS)
    names = {key for one in compared if (key := name_key(one)) is not None}
    known = {row.invoice_id for row in rows}
    return [*rows, *candidates.invoices(conn, set(twin_keys.latest_sharing(conn, names, most=LEDGER_ROWS)) - known)]


def _users(conn: Connection, compared: Sequence[Invoice]) -> dict[int, tuple[int, int]]:
    """How many vendors and rows have the numbers of these invoices, by number key."""
    numbers = {key for one in compared if (key := number_key(one)) is not None}
    return twin_keys.users_of(conn, numbers, most=_NUMBER_ROWS)


def _context(known: Sequence[Invoice], users: Mapping[int, tuple[int, int]]) -> LedgerContext:
    """The habits of these rows; how common a number is in the whole ledger the record knows better."""
    context = LedgerContext.fit(known)
    counted = np.array([users.get(number_key(one) or 0, (0, 0)) for one in known], dtype=np.float32)
    habits = context.habits.copy()
    for column, name in enumerate(("vendors", "number_rows")):
        habits[:, HABITS.index(name)] = np.maximum(habits[:, HABITS.index(name)], counted[:, column])
    return replace(context, habits=habits)


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


def likely_twins(read: TwinsRead, scorer: PairScorer, least: float) -> list[LikelyTwin]:
    """The likeliest twins of each case that are as likely as `least` before a supplier's habits explain anything, and
    those that a credit note may have taken back.

    One call scores all pairs of the batch.
    """
    own = {case_id: row for case_id, row in read.twins if row.case_id == case_id}
    invoices = {**read.asked, **{case_id: _as_invoice(row) for case_id, row in own.items()}}
    asked = [(case_id, row) for case_id, row in read.twins if row.case_id != case_id]
    asked = [(case_id, row) for case_id, row in asked if row.invoice_id != invoices[case_id].invoice_id]
    if not asked:
        return []
    booked = {row.invoice_id: _as_invoice(row) for row in [*read.ledger, *(row for _, row in read.twins)]}
    known = [*booked.values(), *(one for case_id, one in invoices.items() if case_id not in own)]
    pairs = [(invoices[case_id], booked[row.invoice_id]) for case_id, row in asked]
    found: dict[str, list[LikelyTwin]] = {}
    scored = score_pairs(pairs, _context(known, read.users), scorer, rates=read.rates)
    order = sorted(range(len(scored)), key=lambda at: (-scored[at].probability, asked[at][1].invoice_id))
    for at in order:
        (case_id, row), (one, other), pair = asked[at], pairs[at], scored[at]
        of_case = found.setdefault(case_id, [])
        settled = pair.probability < least
        if (settled and not _rebilled(pair, one, other, case_id in read.suspects)) or len(of_case) == MOST_SHOWN:
            continue
        pair = damped(pair, one, other, read.habits)
        of_case.append(LikelyTwin(case_id, one, own.get(case_id), row, pair, settled))
    return [one for twins in found.values() for one in twins]


def _rebilled(pair: DuplicatePair, one: Invoice, other: Invoice, suspect: bool) -> bool:
    """The same bill but for a credit note; under another number only where somebody suspects a duplicate."""
    alike = (abs(one.amount), one.currency) == (abs(other.amount), other.currency)
    return pair.kind == "credit_and_rebill" and alike and (suspect or pair.queue == "duplicate")


def twin_findings(
    read: TwinsRead, likely: Sequence[LikelyTwin], states: Mapping[str, TwinState]
) -> dict[str, list[dict[str, Any]]]:
    """Likely twins as findings by case, each with the group of documents it belongs to. `states`: by invoice id."""
    by_case: dict[str, list[LikelyTwin]] = {}
    for one in likely:
        by_case.setdefault(one.case_id, []).append(one)
    found: dict[str, list[dict[str, Any]]] = {}
    for case_id, twins in by_case.items():
        made = [
            twin_finding(one.pair, one.twin, one.own or one.invoice, _earlier(one.twin, one.own), states)
            for one in twins
        ]
        made = [
            told
            for one, found_one in zip(twins, made, strict=True)
            if (told := as_taken_back(found_one) if one.settled else found_one) is not None
        ]
        beside = {twins[0].invoice.invoice_id: twins[0].invoice}
        vendors = {one.invoice.vendor_id for one in twins} | {one.twin.vendor_id for one in twins}
        rows = [*(one.twin for one in twins), *(row for row in read.ledger if row.vendor_id in vendors)]
        for row in rows:
            beside.setdefault(row.invoice_id, _as_invoice(row))
        found[case_id] = with_groups(
            made, twins[0].invoice.invoice_id, groups(list(beside.values()), [one.pair for one in twins])
        )
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


def order_habits(read: TwinsRead, cases: Collection[str]) -> dict[str, tuple[int, int]]:
    """Supplier id → (invoices known, of them with an order), the batch's own cases left out."""
    habits: dict[str, tuple[int, int]] = {}
    for row in read.ledger:
        if row.doc_type == "invoice" and row.case_id not in cases:
            known, with_order = habits.get(row.vendor_id, (0, 0))
            habits[row.vendor_id] = (known + 1, with_order + (row.po is not None))
    return habits
