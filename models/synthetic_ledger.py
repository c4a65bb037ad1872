"""Supplier invoices as they were posted, with the orders, receipts and payments behind them.

Hard negatives stand among them on purpose: rent of the same amount each month, contract numbers used as
invoice numbers, several deliveries on one day, instalments, a credit note followed by a new bill.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from models.invoice import Invoice
from models.synthetic_company import Company, Supplier
from models.synthetic_numbers import cents, stream

HISTORY_DAYS = 150
RECURRING = ("telecom", "landlord", "leasing")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an order or invoice; the price is in hundredths, net."""

    sku: str
    description: str
    quantity: int
    price: int

    @property
    def net(self) -> int:
        return self.quantity * self.price

    def row(self, number: int) -> dict[str, Any]:
        return {
            "line": number,
            "sku": self.sku,
            "description": self.description,
            "quantity": str(self.quantity),
            "unit_price": str(cents(self.price)),
            "amount": str(cents(self.net)),
        }


def net(lines: Sequence[Line]) -> int:
    return sum(line.net for line in lines)


def tax(lines: Sequence[Line], rate: int) -> int:
    """Tax in hundredths on the net sum, half up."""
    return (net(lines) * rate + 50) // 100


def gross(lines: Sequence[Line], rate: int) -> int:
    return net(lines) + tax(lines, rate)


@dataclass(slots=True)
class Numbers:
    """Hands out invoice and order numbers; every supplier has its own style and its own counter."""

    rng: random.Random
    used: Counter[str] = field(default_factory=Counter)
    orders: int = 45_000_000

    def invoice(self, supplier: Supplier, day: date) -> str:
        self.used[supplier.id] += self.rng.choice((1, 1, 1, 2, 5))
        count = supplier.first_number + self.used[supplier.id]
        match supplier.style:
            case "yearly":
                return f"{day.year}-{self.used[supplier.id] + 12:04d}"
            case "branch":
                return f"RE-{int(supplier.id[-2:]) % 9 + 1:02d}-{count}"
            case "random":
                return "".join(self.rng.choices("ABCDEFGHJKLMNPQRSTUVWXYZ0123456789", k=9))
            case "monthly":
                return f"{day.year}/{day.month:02d}/{self.used[supplier.id]:03d}"
            case "slash":
                return f"INV/{day.year % 100}/{count:06d}"
            case "reused":
                return supplier.contract
            case _:
                return str(count)

    def order(self) -> str:
        self.orders += self.rng.randint(1, 7)
        return f"PO-{self.orders}"


@dataclass(frozen=True, slots=True)
class PostedLedger:
    invoices: list[Invoice]
    orders: list[dict[str, Any]]
    receipts: list[dict[str, Any]]
    payments: list[dict[str, Any]]
    lines: dict[str, tuple[Line, ...]]
    numbers: Numbers


def basket(rng: random.Random, supplier: Supplier) -> tuple[Line, ...]:
    """One to five lines out of the supplier's catalogue."""
    chosen = rng.sample(supplier.catalogue, k=min(rng.choice((1, 1, 2, 3, 5)), len(supplier.catalogue)))
    heavy = supplier.kind in ("services", "telecom", "landlord", "leasing")
    return tuple(
        Line(sku, text, rng.choice((1, 2, 3)) if heavy else rng.choice((1, 2, 5, 10, 20, 40)), price)
        for sku, text, price in chosen
    )


def order_row(order: str, supplier: Supplier, lines: Sequence[Line]) -> dict[str, Any]:
    return {
        "id": order,
        "supplier_id": supplier.id,
        "entity": supplier.entity,
        "currency": supplier.currency,
        "total": str(cents(net(lines))),
        "lines": [line.row(number) for number, line in enumerate(lines, 1)],
    }


def receipt_row(number: int, order: str, day: date, quantities: Sequence[tuple[str, int]]) -> dict[str, Any]:
    """A goods receipt; `quantities` holds (sku, received) in the order's line order."""
    return {
        "id": f"GR-{number:06d}",
        "order_id": order,
        "date": day.isoformat(),
        "lines": [{"line": at, "sku": sku, "quantity": str(count)} for at, (sku, count) in enumerate(quantities, 1)],
    }


@dataclass(frozen=True, slots=True)
class _Draft:
    """An invoice before it has a number: numbers are handed out in the order of the days."""

    day: date
    supplier: Supplier
    lines: tuple[Line, ...]
    po: str | None = None
    credit: bool = False


class _Planner:
    """Drafts what suppliers bill, with the orders and receipts behind it."""

    def __init__(self, rng: random.Random, numbers: Numbers, today: date) -> None:
        self.rng, self.numbers, self.today = rng, numbers, today
        self.drafts: list[_Draft] = []
        self.orders: list[dict[str, Any]] = []
        self.receipts: list[dict[str, Any]] = []

    def bill(self, supplier: Supplier, day: date, lines: tuple[Line, ...], po: str | None = None) -> None:
        self.drafts.append(_Draft(day, supplier, lines, po))

    def on_order(self, supplier: Supplier, day: date) -> None:
        lines, order = basket(self.rng, supplier), self.numbers.order()
        self.orders.append(order_row(order, supplier, lines))
        received = day - timedelta(days=self.rng.randint(0, 6))
        counts = [(line.sku, line.quantity) for line in lines]
        self.receipts.append(receipt_row(len(self.receipts) + 1, order, received, counts))
        self.bill(supplier, day, lines, order)

    def recurring(self, supplier: Supplier) -> None:
        """Rent, telecom and leasing: every month, rent and leasing to the cent, telecom almost."""
        sku, text, price = supplier.catalogue[0]
        of_month = self.rng.randint(1, 5)
        for back in range(HISTORY_DAYS // 30):
            year, month = divmod(self.today.year * 12 + self.today.month - 1 - back, 12)
            day = date(year, month + 1, of_month)
            amount = price if supplier.kind != "telecom" else price + self.rng.randint(-price // 12, price // 12)
            if day <= self.today:
                self.bill(supplier, day, (Line(sku, f"{text} {day:%m/%Y}", 1, amount),))

    def same_day(self, supplier: Supplier, day: date) -> None:
        """Two deliveries of one day, each with its own bill, half of the time of one amount."""
        first = basket(self.rng, supplier)
        self.bill(supplier, day, first)
        self.bill(supplier, day, first if self.rng.random() < 0.5 else basket(self.rng, supplier))

    def instalments(self, supplier: Supplier, day: date) -> None:
        sku, text, price = self.rng.choice(supplier.catalogue)
        order, count = self.numbers.order(), self.rng.choice((2, 3))
        lines = tuple(Line(sku, f"{text}, instalment {part}/{count}", 1, price) for part in range(1, count + 1))
        self.orders.append(order_row(order, supplier, lines))
        for part, line in enumerate(lines):
            due = day + timedelta(days=30 * part)
            if due <= self.today:
                self.bill(supplier, due, (line,), order)

    def credit_and_rebill(self, supplier: Supplier, day: date) -> None:
        """Billed wrongly, credited in full, billed again: three documents, no duplicate."""
        lines = basket(self.rng, supplier)
        self.bill(supplier, day, lines)
        self.drafts.append(_Draft(day + timedelta(days=4), supplier, lines, credit=True))
        self.bill(supplier, day + timedelta(days=5), lines)

    def trade(self, supplier: Supplier) -> None:
        """One business event of a supplier on some day of the history."""
        day = self.today - timedelta(days=self.rng.randint(8, HISTORY_DAYS))
        draw = self.rng.random()
        if draw < 0.72 and supplier.kind in ("goods", "parts"):
            self.on_order(supplier, day)
        elif draw < 0.86:
            self.bill(supplier, day, basket(self.rng, supplier))
        elif draw < 0.93:
            self.same_day(supplier, day)
        elif draw < 0.97:
            self.instalments(supplier, day)
        else:
            self.credit_and_rebill(supplier, day)


def _post(rng: random.Random, numbers: Numbers, number: int, draft: _Draft, today: date) -> Invoice:
    supplier, amount = draft.supplier, cents(gross(draft.lines, draft.supplier.tax_rate))
    return Invoice(
        invoice_id=f"AP-{number:06d}",
        entity=supplier.entity,
        vendor_id=supplier.id,
        vendor_name=supplier.name,
        tax_id=supplier.vat_id if rng.random() < 0.92 else None,
        iban=supplier.iban if rng.random() < 0.95 else None,
        invoice_no=numbers.invoice(supplier, draft.day),
        invoice_date=draft.day,
        posting_date=min(today, draft.day + timedelta(days=rng.randint(1, 12))),
        currency=supplier.currency,
        amount=-amount if draft.credit else amount,
        po=draft.po,
        description=("Credit: " if draft.credit else "") + ", ".join(line.description for line in draft.lines[:2]),
        doc_type="credit_note" if draft.credit else "invoice",
    )


def payment_row(number: int, invoice: Invoice, day: date) -> dict[str, Any]:
    return {
        "id": f"PAY-{number:06d}",
        "kind": "supplier",
        "party_id": invoice.vendor_id,
        "invoice_id": invoice.invoice_id,
        "date": day.isoformat(),
        "amount": str(invoice.amount),
        "currency": invoice.currency,
    }


def post_ledger(firm: Company, seed: int, invoices: int, today: date) -> PostedLedger:
    """About `invoices` posted invoices of the last HISTORY_DAYS, none of them a duplicate, in order of their date."""
    rng = stream(seed, "ledger")
    numbers = Numbers(rng)
    planner = _Planner(rng, numbers, today)
    firms = [supplier for supplier in firm.suppliers if supplier.twin_of is None]
    for supplier in firms:
        if supplier.kind in RECURRING and len(planner.drafts) < invoices * 0.3:
            planner.recurring(supplier)
    traders = [supplier for supplier in firms if supplier.kind not in RECURRING]
    weights = [1.0 / (rank + 2) for rank in range(len(traders))]
    while len(planner.drafts) < invoices:
        planner.trade(rng.choices(traders, weights=weights)[0])
    drafts = sorted(planner.drafts, key=lambda draft: draft.day)
    posted = [_post(rng, numbers, number, draft, today) for number, draft in enumerate(drafts, 1)]
    terms = {supplier.id: supplier.terms for supplier in firms}
    payments: list[dict[str, Any]] = []
    for invoice in posted:
        due = (invoice.invoice_date or today) + timedelta(days=terms[invoice.vendor_id])
        if due < today:
            payments.append(payment_row(len(payments) + 1, invoice, due))
    lines = {invoice.invoice_id: draft.lines for invoice, draft in zip(posted, drafts, strict=True)}
    return PostedLedger(posted, planner.orders, planner.receipts, payments, lines, numbers)
