"""Likely twins of the invoices of a batch: which the ledger holds, how likely each is, and what is said of them.

Which invoices are compared is decided by blocking keys and how usual a bill is by its vendor's rows; both stand in
the record (governance/record/candidates.py).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from agents import facts
from agents.assess import twin_finding
from agents.twin_keys import asked_keys, name_key, number_key
from governance.record import candidates, twin_keys
from governance.record.candidates import BookedInvoice
from governance.record.db import Connection
from governance.record.queue import Brief
from models.duplicates import Invoice, LedgerContext, PairScorer, score_pairs

LEDGER_ROWS = 500
"""Invoices of a vendor that its habits are learnt from: those of the latest days. A vendor with no more of them has the
habits that the whole ledger gives it."""

_MOST_TWINS = 200
_NUMBER_ROWS = 256


@dataclass(frozen=True, slots=True)
class TwinsRead:
    """What the ledger holds beside the invoices of a batch. `asked`: the batch's invoices by case id; `twins`: (case
    id, invoice that shares a key with it), its own row too where it is booked; `ledger`: rows of the same vendors, and
    of others that use the same numbers."""

    asked: Mapping[str, Invoice]
    twins: Sequence[tuple[str, BookedInvoice]]
    ledger: Sequence[BookedInvoice]


def read_twins(conn: Connection, briefs: Mapping[str, Brief]) -> TwinsRead:
    """What the ledger holds beside these cases, by case id. `conn`: role `agent`, in a transaction."""
    asked = {case_id: made for case_id, brief in briefs.items() if (made := invoice_of(brief)) is not None}
    if not asked:
        return TwinsRead({}, (), ())
    keys = [key for case_id, invoice in asked.items() for key in asked_keys(case_id, invoice)]
    shared = twin_keys.sharing(conn, keys, most=_MOST_TWINS)
    found = {row.invoice_id: row for row in candidates.invoices(conn, {one for ids in shared.values() for one in ids})}
    twins = [(case_id, found[one]) for case_id, ids in shared.items() for one in sorted(ids) if one in found]
    return TwinsRead(asked, twins, _background(conn, [*asked.values(), *map(_as_invoice, found.values())]))


def _background(conn: Connection, compared: Sequence[Invoice]) -> list[BookedInvoice]:
    """What says how usual these invoices are: bills of their vendors, and the vendors that use their numbers."""
    rows = candidates.ledger(conn, {one.vendor_id for one in compared if one.vendor_id.strip()}, most=LEDGER_ROWS)
    names = {key for one in compared if (key := name_key(one)) is not None}
    others = [
        *twin_keys.latest_sharing(conn, names, most=LEDGER_ROWS),
        *twin_keys.vendors_sharing(conn, {number_key(one) for one in compared}, most=_NUMBER_ROWS),
    ]
    known = {row.invoice_id for row in rows}
    return [*rows, *candidates.invoices(conn, set(others) - known)]


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


def twins_of(read: TwinsRead, scorer: PairScorer) -> dict[str, list[dict[str, Any]]]:
    """Twins by case, scored in one call over all pairs of the batch."""
    own = {case_id: row for case_id, row in read.twins if row.case_id == case_id}
    invoices = {**read.asked, **{case_id: _as_invoice(row) for case_id, row in own.items()}}
    asked = [(case_id, row) for case_id, row in read.twins if row.case_id != case_id]
    asked = [(case_id, row) for case_id, row in asked if row.invoice_id != invoices[case_id].invoice_id]
    if not asked:
        return {}
    booked = {row.invoice_id: _as_invoice(row) for row in [*read.ledger, *(row for _, row in read.twins)]}
    known = [*booked.values(), *(one for case_id, one in invoices.items() if case_id not in own)]
    pairs = [(invoices[case_id], booked[row.invoice_id]) for case_id, row in asked]
    found: dict[str, list[dict[str, Any]]] = {}
    for (case_id, row), pair in zip(asked, score_pairs(pairs, LedgerContext.fit(known), scorer), strict=True):
        mine = own.get(case_id)
        found.setdefault(case_id, []).append(
            twin_finding(pair, row, mine or invoices[case_id], _earlier(row, mine), {})
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
