"""Findings about likely twins as the agent makes them, for the pages that show them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from agents.assess import twin_finding, with_groups
from governance.record.candidates import BookedInvoice
from governance.record.twin_states import TwinState
from models.duplicates import DuplicatePair
from models.invoice import Invoice
from models.pair_groups import groups
from models.twin_memory import DampedPair, SupplierHabit

OWN = Invoice(
    invoice_id="INV-1", entity="DE01", vendor_id="S-1", vendor_name="Talwick Bürobedarf GmbH & Co. KG",
    tax_id="DE 558 960 221", iban="DE02120300000000202051", invoice_no="265-008542.", invoice_date=date(2026, 11, 3),
    posting_date=date(2026, 11, 5), currency="EUR", amount=Decimal("1200.00"), po="PO-77120",
    description="Ring binders blue, label rolls 57 mm, delivery of October 2026", doc_type="invoice",
)  # fmt: skip
TWIN = replace(
    OWN, invoice_id="AP-000123", invoice_no="265-008542", vendor_name="Talwick Buerobedarf GmbH", tax_id="DE558960221",
    invoice_date=date(2026, 10, 30), posting_date=date(2026, 11, 2), po=None, iban="DE89370400440532013000",
    description="Ring binders blue, label rolls 58 mm, delivery of October 2026",
)  # fmt: skip
PARTS = (
    ("number", 4.31), ("amount", 2.4), ("vendor", 1.12), ("date", 0.71), ("text", 0.4), ("payment details", -0.64),
    ("habits", -1.2),
)  # fmt: skip
REASONS = (
    "numbers 265-008542. and 265-008542 have the same digits", "same amount 1200.00 EUR", "dated 4 days apart",
    "but: different bank accounts", "but: this amount recurs about monthly (11 times)",
)  # fmt: skip
PAID = TwinState("AP-000123", "paid", Decimal("1200.00"), "EUR", date(2026, 11, 12), ("PAY-000771",))


def booked(one: Invoice, case_id: str | None = None) -> BookedInvoice:
    values = {name: getattr(one, name) for name in Invoice.__dataclass_fields__}
    return BookedInvoice(**values, case_id=case_id, as_of=datetime(2026, 11, 2, tzinfo=UTC))


def twin_findings(case_id: str | None = None) -> list[dict[str, Any]]:
    """Three twins of one invoice: a paid one, one under a new number, and one that a memory explains."""
    likely = DuplicatePair("AP-000123", "INV-1", 0.9871, "format", REASONS, "duplicate", PARTS)
    states = {"AP-000123": PAID, "INV-1": TwinState("INV-1", "open", known_until=date(2026, 11, 20))}
    copy = replace(OWN, invoice_id="AP-000200", invoice_no="265-008542-COPY")
    ledger = [OWN, TWIN, copy]
    third = DuplicatePair("AP-000123", "AP-000200", 0.93, "suffix", (), "duplicate")
    first = twin_finding(likely, booked(TWIN), OWN, True, states)
    new = DuplicatePair("AP-000300", "INV-1", 0.61, "renumbered", REASONS[1:4], "renumbered", PARTS[1:5])
    other = replace(TWIN, invoice_id="AP-000300", invoice_no="A 77\u200b41", entity="FR01")
    habit = SupplierHabit("S-1", "recurring_amount", date(2027, 6, 30), amount=Decimal("1200.00"), currency="EUR",
                          rhythm="monthly", approved_by=("controller",), recommendation_id="r-1")  # fmt: skip
    said = (*REASONS[:2], "but: this supplier bills 1200.00 EUR monthly")
    damped = DampedPair("AP-000400", "INV-1", 0.25, "date", said, "duplicate", PARTS[:2], 0.9, (habit,))
    rent = replace(OWN, invoice_id="AP-000400", invoice_no="265 008542.", invoice_date=date(2026, 10, 3))
    found = [
        first,
        twin_finding(new, booked(other, case_id), OWN, False, {}),
        twin_finding(damped, booked(rent), OWN, True, {"AP-000400": TwinState("AP-000400", "on_hold", effect="r-9")}),
    ]
    return with_groups(found, "INV-1", groups(ledger, [likely, third]))
