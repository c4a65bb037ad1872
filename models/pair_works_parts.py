"""A bill paid whole and again in parts; and the table of all classes of second registrations."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal

from models.pair_works_desk import Desk
from models.pair_works_entry import Booked
from models.pair_works_twins import (
    again,
    exact,
    invented,
    later,
    marked,
    misread,
    moved_date,
    number_format,
    other_currency,
    other_entity,
    other_vendor,
    pennies,
    renumbered,
    slip,
    smallest_unit,
)  # fmt: skip
from models.pair_works_words import COUNTRIES


def _shares(desk: Desk, source: Booked, count: int) -> list[Decimal]:
    rng, amount, unit = desk.rng, source.invoice.amount, smallest_unit(source.invoice)
    vat = rng.choice(COUNTRIES[desk.suppliers[source.draft.supplier].country].vat)
    if count == 2 and vat and rng.random() < 0.2:
        first = (amount * 100 / (100 + vat)).quantize(unit, ROUND_HALF_UP)
    else:
        first = (
            amount * Decimal(rng.choice(("0.3", "0.4", "0.5", "0.6", "0.7", f"{rng.uniform(0.2, 0.8):.4f}")))
        ).quantize(unit)
    if first * 2 == amount:
        first += unit
    if count == 2:
        return [first, amount - first]
    second = ((amount - first) * Decimal(f"{rng.uniform(0.3, 0.7):.3f}")).quantize(unit)
    return [first, second, amount - first - second]


def split(desk: Desk, source: Booked) -> list[Booked]:
    """A bill paid whole and once more in parts, which add up to it."""
    rng, invoice = desk.rng, source.invoice
    count = rng.choice((2, 2, 2, 3))
    if invoice.amount < 200 or invoice.invoice_date is None:
        return []
    shares = _shares(desk, source, count)
    if len(set(shares)) < count or min(shares) <= 1:
        return []
    how = rng.choice(("same", "marked", "marked", "fresh", "fresh", "other"))
    marks = rng.choice((("-1", "-2", "-3"), ("/1", "/2", "/3"), ("A", "B", "C"), (" T1", " T2", " T3"), ("-a", "-b",
    "-c"),
                        (" 1/2", " 2/2", " 3/3"), (" part 1", " part 2", " part 3"), (".1", ".2", ".3"), ("", "-1",
                        "-2")))  # fmt: skip
    supplier, posted = desk.suppliers[source.draft.supplier], later(desk, source, most=90)
    moved = 0 if how in ("same", "marked") and rng.random() < 0.7 else rng.randint(1, 45)
    made = []
    for at, share in enumerate(shares):
        day = invoice.invoice_date + timedelta(days=moved + (rng.randint(0, 20) if moved else 0))
        number = invoice.invoice_no + (marks[at] if how == "marked" else "")
        if how == "fresh":
            number = desk.fresh_number(supplier, day)
        elif how == "other":
            number = invented(desk, source, day) + f"-{at + 1}"
        copy = again(desk, source, posted, amount=share, invoice_no=number, invoice_date=day)
        posted += timedelta(days=rng.choice((0, 0, 0, 3, 14, 30)))
        made.append(copy)
    return made


Twin = Callable[[Desk, Booked], list[Booked]]
TWINS: dict[str, Twin] = {
    "exact": exact, "format": number_format, "ocr": misread, "typo": slip, "suffix": marked, "vendor": other_vendor,
    "date": moved_date, "penny": pennies, "entity": other_entity, "renumbered": renumbered, "currency": other_currency,
    "split": split,
}  # fmt: skip
