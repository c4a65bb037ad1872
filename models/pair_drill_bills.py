"""The bills of made-up vendors, with what looks like twice and is not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from models.invoice import Invoice
from models.pair_drill_vendors import PERIODIC, START, WORDS, Vendor
from models.synthetic_numbers import cents


def bills(vendor: Vendor) -> Iterator[Invoice]:
    """Everything that this vendor bills, with what looks like twice and is not."""
    rng = vendor.rng
    text = rng.choice(WORDS)
    for order, day in enumerate(vendor.days()):
        po = {"each": f"PO{vendor.id}{order:04d}", "framework": f"PO{vendor.id}",
              "few": f"PO{vendor.id}{order // 4:03d}"}.get(vendor.orders)  # fmt: skip
        topic = f"{text} {rng.choice(WORDS)} {rng.choice(WORDS)}"
        described = {"same": text, "period": f"{text} {day:%m/%Y}", "topic": topic}.get(vendor.described)
        posted = day + timedelta(days=rng.randint(0, 20))
        invoice = Invoice(
            "", rng.choice(vendor.entities), vendor.id, vendor.name, vendor.tax_id, vendor.iban, vendor.number(day),
            day, posted, vendor.currency, cents(vendor.amount()), po, described, "invoice",
        )  # fmt: skip
        yield invoice
        if rng.random() < vendor.near_misses:
            miss = rng.choice(_NEAR_MISSES)
            # The same number and amount once more is a copy, whatever the reason: nobody could tell.
            yield from (
                one
                for one in miss(vendor, invoice)
                if one.invoice_no != invoice.invoice_no or abs(one.amount - invoice.amount) > 1
            )


def _later(vendor: Vendor, invoice: Invoice, days: int, **other: object) -> Invoice:
    """One more bill of this vendor, `days` later, under its next number."""
    day = (invoice.invoice_date or START) + timedelta(days=days)
    posted = (invoice.posting_date or day) + timedelta(days=max(0, days))
    made = replace(invoice, invoice_no=vendor.number(day), invoice_date=day, posting_date=posted)
    return replace(made, **other)  # type: ignore[arg-type]


def _lines(vendor: Vendor, invoice: Invoice) -> Iterator[Invoice]:
    """The lines of one bill, each its own row; now and then two of one price."""
    shares = vendor.rng.choice((("0.7",), ("0.35", "1.4"), ("0.99", "1.02"), ("0.98",), ("1.01", "0.5", "0.97")))
    for share in shares:
        yield replace(invoice, amount=(invoice.amount * Decimal(share)).quantize(Decimal("0.01")) + 1)


def _credited(vendor: Vendor, invoice: Invoice) -> Iterator[Invoice]:
    """A credit note, and mostly a new bill: the same, corrected, or under a number close to the first."""
    rng = vendor.rng
    days = rng.randint(0, 20)
    own = rng.random() < 0.5
    credit = _later(vendor, invoice, days, amount=-invoice.amount, doc_type="credit_note")
    yield replace(credit, invoice_no=f"{rng.choice(('CN', 'GS-', 'C'))}{invoice.invoice_no}") if own else credit
    if rng.random() < 0.8:
        again = _later(vendor, invoice, days + rng.choice((0, 0, 1, 5)))
        if rng.random() < 0.3:
            again = replace(again, invoice_no=f"{invoice.invoice_no}{rng.choice(('A', '-1', 'R', '/2'))}")
        factor = rng.choice(("1", "1", "1", "0.9", "1.02", "0.5"))
        yield replace(again, amount=(invoice.amount * Decimal(factor)).quantize(Decimal("0.01")))


def _same_day(vendor: Vendor, invoice: Invoice) -> Iterator[Invoice]:
    """The same again for another client, order or week: more bills, not copies."""
    rng = vendor.rng
    if vendor.numbering in PERIODIC:
        return
    own_orders, own_text = vendor.orders == "each" and rng.random() < 0.8, rng.random() < 0.5
    for extra in range(rng.choice((1, 1, 2, 3))):
        more = _later(vendor, invoice, rng.choice((0, 0, 0, 1, 7)))
        if own_orders:
            more = replace(more, po=f"{invoice.po}{extra}")
        if own_text and vendor.described == "topic":
            more = replace(more, description=f"{rng.choice(WORDS)} {rng.choice(WORDS)} {extra + 1}")
        yield more


def _instalments(vendor: Vendor, invoice: Invoice) -> Iterator[Invoice]:
    """The rest of a sum that is paid in equal parts, on one order, a month apart or as the work goes on."""
    rng = vendor.rng
    step, numbered = rng.choice((7, 14, 30, 30, 30)), rng.random() < 0.3
    for part in range(2, rng.choice((3, 4, 6)) + 1):
        made = _later(vendor, invoice, step * (part - 1))
        if numbered:
            made = replace(made, invoice_no=f"{invoice.invoice_no}/{part}")
        if invoice.description and rng.random() < 0.5:
            made = replace(made, description=f"{invoice.description} part {part}")
        yield made


def _partial(vendor: Vendor, invoice: Invoice) -> Iterator[Invoice]:
    """More deliveries on one order, each at its own amount."""
    rng = vendor.rng
    for _ in range(rng.choice((1, 2, 3))):
        factor = Decimal(str(round(rng.uniform(0.2, 1.8), 3)))
        amount = (invoice.amount * factor).quantize(Decimal("0.01")) + 1
        yield _later(vendor, invoice, rng.choice((0, 2, 5, 9, 20)), amount=amount)


def _both_entities(vendor: Vendor, invoice: Invoice) -> Iterator[Invoice]:
    """Each company of the group gets its own bill over its own share of one service."""
    if len(vendor.entities) < 2 or vendor.numbering in PERIODIC:
        return
    for entity in vendor.entities:
        if entity != invoice.entity:
            yield _later(vendor, invoice, 0, entity=entity)


def _supplements(vendor: Vendor, invoice: Invoice) -> Iterator[Invoice]:
    """More bills under the number of the first with a part behind it, each over its own sum."""
    rng = vendor.rng
    glue, letters = rng.choice(("/", "-", " ", ".", "")), rng.random() < 0.4
    days = rng.choice((0, 0, 0, 5, 30))
    for part in range(1, rng.choice((1, 1, 2, 3, 8)) + 1):
        end = "ABCDEFGHJ"[part] if letters else f"{glue or '/'}{part}"
        factor = Decimal(str(round(rng.lognormvariate(-0.7, 0.8), 3)))
        amount = (invoice.amount * factor).quantize(Decimal("0.01")) + Decimal("1.01")
        later = _later(vendor, invoice, days * part, amount=amount)
        yield replace(later, invoice_no=f"{invoice.invoice_no}{glue if letters else ''}{end}")


_NEAR_MISSES = (
    _lines, _credited, _same_day, _same_day, _same_day, _instalments, _partial, _both_entities, _both_entities,
    _supplements, _supplements,
)  # fmt: skip
