"""Duplicates of posted invoices, one maker per way in which they come about."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from models.invoice import Invoice
from models.synthetic_company import ENTITIES, Company
from models.synthetic_numbers import stream

_OCR = {"0": "O", "O": "0", "1": "I", "I": "1", "5": "S", "S": "5", "8": "B", "B": "8", "2": "Z", "Z": "2", "6": "G"}
Maker = Callable[[random.Random, Invoice, Company], "Invoice | None"]


def _scale(amount: Decimal, factor: Decimal) -> Decimal:
    return (amount * factor).quantize(Decimal("0.01"))


def _resubmitted(rng: random.Random, invoice: Invoice, firm: Company) -> Invoice:
    return replace(invoice, description=invoice.description if rng.random() < 0.6 else None)


def _format(rng: random.Random, invoice: Invoice, firm: Company) -> Invoice | None:
    number = invoice.invoice_no
    stripped = "".join(letter for letter in number if letter.isalnum())
    variants = {
        stripped, stripped.lower(), number.replace("-", "/"), number.replace("/", "-"), number.replace("/", " "),
        f"Nr. {number}", f"#{number}", f"{number}.", number.replace("-0", "-"), f"00{number}",
        number.removeprefix("INV/").removeprefix("RE-"),
    } - {number}  # fmt: skip
    return replace(invoice, invoice_no=rng.choice(sorted(variants)))


def _ocr(rng: random.Random, invoice: Invoice, firm: Company) -> Invoice | None:
    places = [at for at, letter in enumerate(invoice.invoice_no) if letter in _OCR]
    if not places:
        return None
    letters = list(invoice.invoice_no)
    for at in rng.sample(places, k=min(len(places), rng.choice((1, 1, 2)))):
        letters[at] = _OCR[letters[at]]
    return replace(invoice, invoice_no="".join(letters))


def _typo(rng: random.Random, invoice: Invoice, firm: Company) -> Invoice | None:
    number = invoice.invoice_no
    places = [at for at in range(len(number) - 1) if number[at].isdigit() and number[at + 1].isdigit()]
    if not places:
        return None
    at = rng.choice(places)
    if rng.random() < 0.5 and number[at] != number[at + 1]:
        return replace(invoice, invoice_no=number[:at] + number[at + 1] + number[at] + number[at + 2 :])
    if rng.random() < 0.3:
        return replace(invoice, invoice_no=number[:at] + number[at + 1 :])
    other = rng.choice([digit for digit in "0123456789" if digit != number[at]])
    return replace(invoice, invoice_no=number[:at] + other + number[at + 1 :])


def _suffix(rng: random.Random, invoice: Invoice, firm: Company) -> Invoice:
    ending = rng.choice(("-A", "-1", "/2", "R", " COPY", "_2", " dupl", "-REV", "B"))
    return replace(invoice, invoice_no=invoice.invoice_no + ending)


def _other_vendor_record(rng: random.Random, invoice: Invoice, firm: Company) -> Invoice | None:
    twins = [supplier for supplier in firm.suppliers if supplier.twin_of == invoice.vendor_id]
    if not twins:
        return None
    twin = rng.choice(twins)
    lost = rng.random() < 0.4
    return replace(invoice, vendor_id=twin.id, vendor_name=twin.name, tax_id=None if lost else invoice.tax_id)


def _date(rng: random.Random, invoice: Invoice, firm: Company) -> Invoice | None:
    day = invoice.invoice_date
    if day is None:
        return None
    if rng.random() < 0.4 and day.day <= 12 and day.day != day.month:
        return replace(invoice, invoice_date=date(day.year, day.day, day.month))
    return replace(invoice, invoice_date=day + timedelta(days=rng.choice((-3, -1, 1, 2, 7, 14))))


def _penny(rng: random.Random, invoice: Invoice, firm: Company) -> Invoice:
    cent = Decimal(rng.choice((-99, -50, -10, -4, -2, -1, 1, 2, 3, 5, 10, 50))).scaleb(-2)
    return replace(invoice, amount=invoice.amount + cent)


def _other_entity(rng: random.Random, invoice: Invoice, firm: Company) -> Invoice:
    return replace(invoice, entity=rng.choice([row["id"] for row in ENTITIES if row["id"] != invoice.entity]))


def _renumbered(rng: random.Random, invoice: Invoice, firm: Company) -> Invoice | None:
    """The supplier issues the same delivery again under a new number; the order or text still tells."""
    if invoice.po is None and invoice.description is None:
        return None
    number = "".join(rng.choice("0123456789") if letter.isdigit() else letter for letter in invoice.invoice_no)
    if number == invoice.invoice_no or invoice.invoice_date is None:
        return None
    return replace(invoice, invoice_no=number, invoice_date=invoice.invoice_date + timedelta(days=rng.randint(0, 9)))


def _currency(rng: random.Random, invoice: Invoice, firm: Company) -> Invoice:
    """Keyed in another currency: the same figure, or the figure converted."""
    other, rate = rng.choice((("USD", "1.09"), ("CHF", "0.95"), ("GBP", "0.85"), ("EUR", "1.16")))
    if other == invoice.currency:
        other, rate = "CHF", "0.95"
    amount = invoice.amount if rng.random() < 0.5 else _scale(invoice.amount, Decimal(rate))
    return replace(invoice, currency=other, amount=amount)


KINDS: dict[str, tuple[Maker, float]] = {
    "resubmitted": (_resubmitted, 0.20),
    "format": (_format, 0.16),
    "ocr": (_ocr, 0.09),
    "typo": (_typo, 0.09),
    "suffix": (_suffix, 0.09),
    "other_vendor_record": (_other_vendor_record, 0.08),
    "date": (_date, 0.07),
    "penny": (_penny, 0.06),
    "other_entity": (_other_entity, 0.05),
    "renumbered": (_renumbered, 0.05),
    "currency": (_currency, 0.03),
}
"""Kind → maker and share of all duplicates. `split` is made beside them: two parts of one invoice."""
SPLIT_SHARE = 0.03


def duplicate(rng: random.Random, invoice: Invoice, kind: str, firm: Company) -> Invoice | None:
    """The invoice as it came a second time, with the same invoice_id still; None where this kind cannot be made."""
    return KINDS[kind][0](rng, invoice, firm)


def _split(rng: random.Random, invoice: Invoice) -> tuple[Invoice, Invoice]:
    part = _scale(invoice.amount, Decimal(rng.choice(("0.5", "0.4", "0.3", "0.25"))))
    number = invoice.invoice_no
    return (
        replace(invoice, invoice_no=f"{number}-1", amount=part),
        replace(invoice, invoice_no=f"{number}-2", amount=invoice.amount - part),
    )


def _copies(
    rng: random.Random, pool: Sequence[Invoice], twinned: Sequence[Invoice], firm: Company
) -> tuple[Invoice, str, tuple[Invoice, ...]]:
    """(original, kind, its copies): the kind is drawn first, so that rare makers get their share."""
    if rng.random() < SPLIT_SHARE:
        original = rng.choice(pool)
        return original, "split", _split(rng, original)
    while True:
        kind = rng.choices(list(KINDS), weights=[share for _, share in KINDS.values()])[0]
        original = rng.choice(twinned if kind == "other_vendor_record" and twinned else pool)
        copy = duplicate(rng, original, kind, firm)
        if copy is not None:
            return original, kind, (copy,)


def add_duplicates(
    firm: Company, seed: int, invoices: Sequence[Invoice], share: float, today: date
) -> tuple[list[Invoice], list[tuple[str, str, str]]]:
    """The ledger with duplicates of `share` of its invoices, and the pairs (first id, second id, kind).

    A copy keeps its kind's one change; it is posted 2 to 45 days later, and a third of the copies also
    lose their order number, tax id or IBAN, as a second keying does.
    """
    rng = stream(seed, "duplicates")
    twins = {supplier.twin_of for supplier in firm.suppliers}
    pool = [invoice for invoice in invoices if invoice.doc_type == "invoice"]
    copies: list[Invoice] = []
    pairs: list[tuple[str, str, str]] = []
    last = max((int(invoice.invoice_id.rsplit("-", 1)[1]) for invoice in invoices), default=0)
    for _ in range(round(len(pool) * share)):
        original, kind, made = _copies(rng, pool, [one for one in pool if one.vendor_id in twins], firm)
        pool.remove(original)
        for copy in made:
            posted = (original.posting_date or today) + timedelta(days=rng.randint(2, 45))
            keyed = _rekeyed(rng, copy)
            number = last + len(copies) + 1
            copies.append(replace(keyed, invoice_id=f"AP-{number:06d}", posting_date=min(posted, today)))
            pairs.append((original.invoice_id, copies[-1].invoice_id, kind))
    return [*invoices, *copies], pairs


def _rekeyed(rng: random.Random, invoice: Invoice) -> Invoice:
    draw = rng.random()
    if draw < 0.12:
        return replace(invoice, po=None)
    if draw < 0.22:
        return replace(invoice, tax_id=None)
    if draw < 0.32:
        return replace(invoice, iban=None)
    return invoice
