"""The shape of a planted exception, and the accounts-payable ones with the invoices that cause them.

`details` of a row carries the evidence that an ERP would send along; the keys are named beside each maker.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from models.synthetic_company import ENTITIES, Company, Supplier
from models.synthetic_duplicates import duplicate
from models.synthetic_ledger import RECURRING, Line, PostedLedger, basket, order_row, receipt_row, tax
from models.synthetic_numbers import cents, digits, iban, stream, vat_id
from models.synthetic_ubl import Bill

REGION = {row["id"]: row["region"] for row in ENTITIES}


@dataclass(frozen=True, slots=True)
class PlantedException:
    """An exception whose truth is known: its cause, the action that a careful clerk takes, the document behind it.

    `row` is the body of POST /v1/cases (plain JSON). `duplicate_of` is an invoice_id of the ledger where
    the item is a true duplicate.
    """

    queue: str
    exception_type: str
    cause: str
    action: str
    source_key: str
    row: dict[str, Any]
    document: str | None = None
    duplicate_of: str | None = None


@dataclass(frozen=True, slots=True)
class Plant:
    """What a maker hands back: the truth, what the bill says, and the evidence."""

    cause: str
    action: str
    title: str
    bill: Bill
    details: dict[str, Any] = field(default_factory=dict)
    duplicate_of: str | None = None


class Arrivals:
    """Invoices that have just arrived and are not yet posted, and the orders and receipts behind them."""

    def __init__(self, firm: Company, ledger: PostedLedger, seed: int, today: date) -> None:
        self.rng = stream(seed, "arrivals")
        self.firm, self.ledger, self.today = firm, ledger, today
        self.traders = [s for s in firm.suppliers if s.kind not in RECURRING and s.twin_of is None]
        self.domestic = [s for s in self.traders if s.tax_rate] or self.traders
        self.taken: set[str] = set()

    def supplier(self, domestic: bool = False) -> Supplier:
        return self.rng.choice(self.domestic if domestic else self.traders)

    def order(self, supplier: Supplier, lines: Sequence[Line]) -> str:
        number = self.ledger.numbers.order()
        self.ledger.orders.append(order_row(number, supplier, lines))
        return number

    def receive(self, order: str, lines: Sequence[Line], short: int = 0) -> None:
        """Posts the goods receipt; the first line `short` pieces short."""
        counts = [(line.sku, line.quantity - (short if at == 0 else 0)) for at, line in enumerate(lines)]
        day = self.today - timedelta(days=self.rng.randint(2, 12))
        self.ledger.receipts.append(receipt_row(len(self.ledger.receipts) + 1, order, day, counts))

    def bill(self, supplier: Supplier, lines: Sequence[Line], order: str | None, rate: int | None = None) -> Bill:
        issued = self.today - timedelta(days=self.rng.randint(1, 9))
        used = supplier.tax_rate if rate is None else rate
        return Bill(
            supplier=supplier,
            number=self.ledger.numbers.invoice(supplier, issued),
            issued=issued,
            due=issued + timedelta(days=supplier.terms),
            lines=lines,
            rate=used,
            tax=tax(lines, used),
            iban=supplier.iban,
            vat_id=supplier.vat_id,
            supplier_name=supplier.name,
            order=order,
        )

    def sound(self, supplier: Supplier | None = None) -> tuple[Bill, tuple[Line, ...]]:
        """A bill that agrees with its order and receipt."""
        chosen = supplier or self.supplier()
        lines = basket(self.rng, chosen)
        order = self.order(chosen, lines)
        self.receive(order, lines)
        return self.bill(chosen, lines, order), lines


def _missing_order_reference(at: Arrivals) -> Plant:
    bill, _ = at.sound()
    bill = replace(bill, order=None)
    return Plant("missing_order_reference", "request_purchase_order", "Invoice without an order number", bill)


def _price_variance(at: Arrivals) -> Plant:
    """details: ordered_unit_price, billed_unit_price, variance_percent, tolerance_percent."""
    bill, lines = at.sound()
    agreed = at.rng.random() < 0.25
    percent = at.rng.choice((3, 4)) if agreed else at.rng.randint(6, 25)
    first = replace(lines[0], price=lines[0].price + max(1, lines[0].price * percent // 100))
    billed = (first, *lines[1:])
    note = "Energy surcharge as agreed with your purchasing department." if agreed else None
    bill = replace(bill, lines=billed, tax=tax(billed, bill.rate), note=note)
    details = {
        "ordered_unit_price": str(cents(lines[0].price)),
        "billed_unit_price": str(cents(first.price)),
        "variance_percent": str(percent),
        "tolerance_percent": "2",
    }
    truth = ("policy_exception", "route_for_approval") if agreed else ("counterparty", "request_credit_note")
    return Plant(*truth, "Billed price is above the order price", bill, details)


def _quantity_variance(at: Arrivals) -> Plant:
    """details: billed_quantity, received_quantity, delivery_note_quantity (None where there is no note)."""
    supplier = at.supplier()
    lines = tuple(replace(line, quantity=max(2, line.quantity)) for line in basket(at.rng, supplier))
    order = at.order(supplier, lines)
    short = at.rng.randint(1, lines[0].quantity - 1)
    at.receive(order, lines, short)
    lost = at.rng.random() < 0.3
    details = {
        "billed_quantity": str(lines[0].quantity),
        "received_quantity": str(lines[0].quantity - short),
        "delivery_note_quantity": str(lines[0].quantity) if lost else str(lines[0].quantity - short),
    }
    truth = ("integration_failure", "route_for_approval") if lost else ("counterparty", "request_credit_note")
    return Plant(*truth, "Billed quantity is above the received quantity", at.bill(supplier, lines, order), details)


def _missing_receipt(at: Arrivals) -> Plant:
    """details: delivery_note (its number or None), expected_delivery (ISO date)."""
    supplier = at.supplier()
    lines = basket(at.rng, supplier)
    order = at.order(supplier, lines)
    late = at.rng.random() < 0.4
    offset = at.rng.randint(3, 14)
    details = {
        "delivery_note": None if late else f"DN-{digits(at.rng, 6)}",
        "expected_delivery": (at.today + timedelta(days=offset if late else -offset)).isoformat(),
    }
    truth = ("counterparty", "wait_until") if late else ("integration_failure", "route_for_approval")
    return Plant(*truth, "Invoice for an order without a goods receipt", at.bill(supplier, lines, order), details)


def _tax_mismatch(at: Arrivals) -> Plant:
    """details: billed_rate_percent, expected_rate_percent."""
    supplier = at.supplier(domestic=True)
    lines = basket(at.rng, supplier)
    order = at.order(supplier, lines)
    at.receive(order, lines)
    wrong = at.rng.choice([rate for rate in (7, 5, 16, 10) if rate != supplier.tax_rate])
    details = {"billed_rate_percent": str(wrong), "expected_rate_percent": str(supplier.tax_rate)}
    bill = at.bill(supplier, lines, order, rate=wrong)
    return Plant("counterparty", "request_credit_note", "VAT rate is not the expected one", bill, details)


def _supplier_master_mismatch(at: Arrivals) -> Plant:
    """details: books_name, document_name, books_vat_id, document_vat_id."""
    bill, _ = at.sound()
    supplier = bill.supplier
    if at.rng.random() < 0.5:
        bill = replace(bill, vat_id=vat_id(at.rng, supplier.country))
    else:
        bill = replace(bill, supplier_name=f"{supplier.name.split()[0]} Group {supplier.name.split()[-1]}")
    details = {
        "books_name": supplier.name,
        "document_name": bill.supplier_name,
        "books_vat_id": supplier.vat_id,
        "document_vat_id": bill.vat_id,
    }
    title = "Supplier on the invoice differs from the books"
    return Plant("supplier_master_mismatch", "send_supplier_email", title, bill, details)


def _bank_detail_mismatch(at: Arrivals) -> Plant:
    """details: books_iban, document_iban."""
    bill, _ = at.sound()
    country = bill.supplier.country if at.rng.random() < 0.6 else at.rng.choice(("ES", "NL", "GB"))
    bill = replace(bill, iban=iban(at.rng, country))
    details = {"books_iban": bill.supplier.iban, "document_iban": bill.iban}
    title = "Bank account on the invoice differs from the books"
    return Plant("supplier_master_mismatch", "verify_bank_details_by_callback", title, bill, details)


_SUSPECTS = ("resubmitted", "format", "ocr", "typo", "suffix", "renumbered")


def _duplicate_suspect(at: Arrivals) -> Plant:
    """A posted invoice that comes again, or (one in four) a monthly bill that only looks like one.

    Under another number nothing but circumstances speak for one bill: it is held, and marked by nobody but a person.
    details: none; the ledger tells.
    """
    by_id = {supplier.id: supplier for supplier in at.firm.suppliers}
    title = "Possible duplicate of a posted invoice"
    if at.rng.random() < 0.25 and (bill := _monthly_bill(at, by_id)) is not None:
        return Plant("data_quality", "route_for_approval", title, bill)
    trade = [i for i in at.ledger.invoices if i.doc_type == "invoice" and i.invoice_id not in at.taken]
    while True:
        original = at.rng.choice(trade)
        kind = at.rng.choice(_SUSPECTS)
        copy = duplicate(at.rng, original, kind, at.firm)
        if copy is not None and copy.invoice_date is not None:
            break
    at.taken.add(original.invoice_id)
    supplier, day = by_id[original.vendor_id], copy.invoice_date
    bill = at.bill(supplier, at.ledger.lines[original.invoice_id], copy.po)
    bill = replace(bill, number=copy.invoice_no, issued=day, due=day + timedelta(days=supplier.terms))
    action = "hold_payment" if kind == "renumbered" else "mark_duplicate"
    return Plant("data_quality", action, title, bill, duplicate_of=original.invoice_id)


def _monthly_bill(at: Arrivals, by_id: dict[str, Supplier]) -> Bill | None:
    """The newest monthly bill of some landlord or lessor, taken out of the ledger again: it arrives only now."""
    monthly = [i for i in at.ledger.invoices if by_id[i.vendor_id].kind in RECURRING and i.invoice_date is not None]
    if not monthly:
        return None
    vendor = at.rng.choice(monthly).vendor_id
    last = max((i for i in monthly if i.vendor_id == vendor), key=lambda invoice: invoice.invoice_id)
    at.ledger.invoices.remove(last)
    at.ledger.payments[:] = [row for row in at.ledger.payments if row["invoice_id"] != last.invoice_id]
    bill = at.bill(by_id[vendor], at.ledger.lines[last.invoice_id], None)
    issued = last.invoice_date or bill.issued
    return replace(bill, number=last.invoice_no, issued=issued, due=issued + timedelta(days=bill.supplier.terms))


def _approval_stalled(at: Arrivals) -> Plant:
    """details: approver, waiting_days, absent_until (ISO date or None)."""
    bill, _ = at.sound()
    waiting = at.rng.randint(6, 30)
    absent = (at.today + timedelta(days=at.rng.randint(4, 20))).isoformat() if at.rng.random() < 0.6 else None
    details = {"approver": f"manager-{at.rng.randint(1, 9)}", "waiting_days": waiting, "absent_until": absent}
    bill = replace(bill, issued=bill.issued - timedelta(days=waiting), due=bill.due - timedelta(days=waiting))
    return Plant("approval_bottleneck", "route_for_approval", "Invoice waits for an approval", bill, details)


PAYABLE_MAKERS: dict[str, Callable[[Arrivals], Plant]] = {
    "missing_order_reference": _missing_order_reference,
    "price_variance": _price_variance,
    "quantity_variance": _quantity_variance,
    "missing_receipt": _missing_receipt,
    "tax_mismatch": _tax_mismatch,
    "supplier_master_mismatch": _supplier_master_mismatch,
    "bank_detail_mismatch": _bank_detail_mismatch,
    "duplicate_suspect": _duplicate_suspect,
    "approval_stalled": _approval_stalled,
}


def payable_exception(at: Arrivals, exception_type: str, number: int) -> tuple[PlantedException, Bill]:
    """One accounts-payable exception and the bill that its document is written from."""
    plant = PAYABLE_MAKERS[exception_type](at)
    bill = plant.bill
    key = f"AP-EX-{number:04d}"
    row = {
        "queue": "accounts_payable",
        "exception_type": exception_type,
        "source_key": key,
        "title": f"{plant.title}: {bill.number}, {bill.supplier_name}",
        "entity": bill.supplier.entity,
        "region": REGION[bill.supplier.entity],
        "amount": str(bill.total),
        "currency": bill.supplier.currency,
        "supplier_id": bill.supplier.id,
        "customer_id": None,
        "invoice_number": bill.number,
        "purchase_order": bill.order,
        "iban": bill.iban,
        "issue_date": bill.issued.isoformat(),
        "due_date": bill.due.isoformat(),
        "document_class": "invoice",
        "details": plant.details,
    }
    planted = PlantedException(
        "accounts_payable", exception_type, plant.cause, plant.action, key, row, f"{key}.xml", plant.duplicate_of
    )
    return planted, bill


def mixed_types(rng: random.Random, types: Sequence[str], count: int) -> list[str]:
    """`count` exception types in random order, each as often as any other, give or take one."""
    chosen = list(types) * (count // len(types)) + rng.sample(list(types), k=count % len(types))
    rng.shuffle(chosen)
    return chosen
