"""How one invoice comes to be paid twice: the classes of the second ledger generator, one function each.

Every function takes the booked invoice and gives what is booked a second time. Numbers, dates and amounts are
changed the way clerks, scanners and suppliers change them; no function knows how a scorer compares.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

import numpy as np

from evals.second_suppliers import ENTITIES, REFERENCE, Supplier, iban, number_of
from evals.second_writing import ending, keyed, other_spelling, pick, rewritten, scanned
from models.invoice import Invoice

CENT = Decimal("0.01")
# Units of the currency for one euro: round figures, as a clerk's conversion.
RATES = {"EUR": Decimal("1"), "GBP": Decimal("0.86"), "CHF": Decimal("0.96"), "USD": Decimal("1.08")}


@dataclass(frozen=True, slots=True)
class Source:
    """A booked invoice that may get a twin, with the supplier that sent it and its serial there."""

    invoice: Invoice
    supplier: Supplier
    serial: int


Plant = Callable[[Source, np.random.Generator], Invoice]


def _moved(day: date, days: int) -> date:
    return day + timedelta(days=days)


def _issued(invoice: Invoice) -> date:
    if invoice.invoice_date is None:
        raise ValueError(f"invoice {invoice.invoice_id} has no date: only dated invoices get a twin")
    return invoice.invoice_date


def _reworded(text: str, rng: np.random.Generator) -> str:
    """The line as a second clerk enters it: a field that is too short, capitals, a word left out or put in front."""
    words = text.split()
    ways = [
        text.upper(),
        text[: int(rng.integers(10, 31))].strip(),
        f"{pick(rng, ('re:', 'Inv', 'as per', 'zu'))} {text}",
    ]
    if len(words) > 2:
        gone = int(rng.integers(len(words)))
        ways += [" ".join(words[:gone] + words[gone + 1 :]), f"{words[-1]} {' '.join(words[:-1])}"]
        ways.append(" ".join(word[:4] + "." if len(word) > 6 and word.isalpha() else word for word in words))
    return pick(rng, ways)


def _drifted(invoice: Invoice, rng: np.random.Generator) -> Invoice:
    """The side fields as a second clerk fills them: some left out, the text retyped."""
    text, order, account = invoice.description, invoice.po, invoice.iban
    chance = rng.random(4)
    if text and chance[0] < 0.15:
        text = None
    elif text and chance[1] < 0.3:
        text = _reworded(text, rng)
    if order and chance[2] < 0.15:
        order = None
    elif order and chance[2] > 0.92:  # with its kind or its line
        order = pick(rng, (f"PO{order}", f"{order}-10", f"{order}/1", order.lower()))
    return replace(invoice, description=text, po=order, iban=None if chance[3] < 0.1 else account)


def exact(source: Source, rng: np.random.Generator) -> Invoice:
    """The same paper booked again: the mail came twice, or a reminder carried a copy. The only class an ERP stops."""
    return source.invoice


def reformatted(source: Source, rng: np.random.Generator) -> Invoice:
    """The number in another form (evals.second_writing.rewritten). The exact check of an ERP is blind here, yet nothing
    was misread: told apart from OCR and typos because rules alone can undo it."""
    return _drifted(replace(source.invoice, invoice_no=rewritten(source.invoice.invoice_no, rng)), rng)


def misread(source: Source, rng: np.random.Generator) -> Invoice:
    """One paper keyed, the other scanned: one or two characters read as what they look like. Told apart from typos
    because the change follows shapes, not keys."""
    return _drifted(replace(source.invoice, invoice_no=scanned(source.invoice.invoice_no, rng)), rng)


def mistyped(source: Source, rng: np.random.Generator) -> Invoice:
    """A slip of the hand in the number: two characters swapped, one missing, doubled or the key beside it. Hard
    because the next invoice of the same supplier looks the same; amount, date and text must decide."""
    return _drifted(replace(source.invoice, invoice_no=keyed(source.invoice.invoice_no, rng)), rng)


def suffixed(source: Source, rng: np.random.Generator) -> Invoice:
    """A clerk got past the duplicate check by adding to the number. Told apart because instalments wear the same
    endings in good faith."""
    return _drifted(replace(source.invoice, invoice_no=source.invoice.invoice_no + ending(rng)), rng)


def vendor_double(source: Source, rng: np.random.Generator) -> Invoice:
    """The same firm stands twice in the vendor master and was paid under both records; the tax id is often missing
    in one and the account may be newer. A check by vendor never sees it."""
    firm = source.supplier
    first = source.invoice.vendor_id == firm.vendor_id
    spare = firm.second or (f"9{firm.vendor_id}", other_spelling(rng, firm.name))
    record = spare if first else (firm.vendor_id, firm.name)
    twin = _drifted(replace(source.invoice, vendor_id=record[0], vendor_name=record[1]), rng)
    if rng.random() < 0.4:
        twin = replace(twin, tax_id=None)
    if twin.iban and rng.random() < 0.2:
        twin = replace(twin, iban=iban(rng, twin.iban[:2]))
    return twin


def date_moved(source: Source, rng: np.random.Generator) -> Invoice:
    """The date of receipt, a swapped day and month, a wrong year or a plain slip instead of the invoice's date."""
    day = _issued(source.invoice)
    received, due = _moved(day, int(rng.integers(1, 15))), _moved(day, pick(rng, (7, 14, 21, 30)))
    ways = [
        received,
        received,
        due,
        _moved(day, pick(rng, (-3, -2, -1, 1, 2, 3))),
        day.replace(day=1),
        day.replace(day=28),
    ]
    if day.day <= 12 and day.day != day.month:
        ways.append(date(day.year, day.day, day.month))
    if (day.month, day.day) != (2, 29):
        ways.append(day.replace(year=day.year + pick(rng, (-1, 1))))
    ways = [way for way in ways if way != day]
    return _drifted(replace(source.invoice, invoice_date=pick(rng, ways)), rng)


def amount_off(source: Source, rng: np.random.Generator) -> Invoice:
    """The amount differs by pennies or was rounded: line-by-line tax, or a total keyed without its cents. A check on
    the equal amount fails by one cent."""
    amount = source.invoice.amount
    shift = Decimal(int(rng.integers(1, 6)) * pick(rng, (-1, 1))) * CENT
    ways = [amount + shift, amount + shift, *(amount.quantize(Decimal(step), ROUND_HALF_UP) for step in ("1", "0.1"))]
    changed = pick(rng, [way for way in ways if way not in (amount, 0)]).quantize(CENT)
    return _drifted(replace(source.invoice, amount=changed), rng)


def other_entity(source: Source, rng: np.random.Generator) -> Invoice:
    """One paper reached two companies of the group and both paid; some keep their own vendor ids. Told apart from
    two companies that were each billed for their own share, which have each its own number."""
    elsewhere = pick(rng, [entity for entity in ENTITIES if entity.code != source.invoice.entity])
    twin = _drifted(replace(source.invoice, entity=elsewhere.code), rng)
    if rng.random() < 0.4:
        twin = replace(
            twin, vendor_id=f"{elsewhere.code[:2]}{zlib.crc32(source.supplier.vendor_id.encode()) % 90_000 + 10_000}"
        )
    return replace(twin, **dict.fromkeys(elsewhere.blank))  # type: ignore[arg-type]


def renumbered(source: Source, rng: np.random.Generator) -> Invoice:
    """The supplier wrote the same work up again under a new number and date. Nothing in the number helps: order,
    text and an unusual amount are all there is, hence a queue of its own with lower confidence."""
    day = _moved(_issued(source.invoice), int(rng.integers(2, 46)))
    number = number_of(source.supplier, source.serial + int(rng.integers(1, 40)), day, rng)
    if number == source.invoice.invoice_no:
        number = number_of(source.supplier, source.serial + 41, day, rng)
    return replace(source.invoice, invoice_no=number, invoice_date=day)


def other_currency(source: Source, rng: np.random.Generator) -> Invoice:
    """Booked once in the currency of the paper and once in another: the same figure under the wrong sign, or
    converted at about the day's rate. Told apart because no comparison of amounts in one currency meets it."""
    booked = source.invoice
    currency = pick(rng, [code for code in RATES if code != booked.currency])
    amount = booked.amount
    if rng.random() < 0.6:
        rate = RATES[currency] / RATES[booked.currency] * Decimal(str(round(float(rng.uniform(0.985, 1.015)), 4)))
        amount = (amount * rate).quantize(CENT, ROUND_HALF_UP)
    return _drifted(replace(booked, currency=currency, amount=amount), rng)


def split(source: Source, parts: int, rng: np.random.Generator) -> list[Invoice]:
    """An invoice already paid whole comes again in two or three parts that add up to it, often to stay under a limit
    of approval. No single pair has an equal amount, so only the group shows it."""
    booked = source.invoice
    total = int(booked.amount / CENT)
    even = rng.random() < 0.35
    shares = [1 / parts] * parts if even else list(rng.dirichlet([6.0] * parts))
    cents = [max(1, int(total * share)) for share in shares[:-1]]
    cents.append(total - sum(cents))
    own_numbers = rng.random() < 0.4
    twins = []
    for place, part in enumerate(cents):
        day = _moved(_issued(booked), int(rng.integers(0, 15)))
        number = f"{booked.invoice_no}{'-/'[total % 2]}{place + 1}"
        if own_numbers:
            number = number_of(source.supplier, source.serial + 1 + place, day, rng)
        amount = (Decimal(part) * CENT).quantize(CENT)
        twins.append(replace(booked, invoice_no=number, invoice_date=day, amount=amount))
    return twins


SPLIT = "split"
PLANTS: dict[str, Plant] = {
    "exact": exact,
    "format": reformatted,
    "ocr": misread,
    "typo": mistyped,
    "suffix": suffixed,
    "vendor_double": vendor_double,
    "date": date_moved,
    "amount": amount_off,
    "other_entity": other_entity,
    "renumbered": renumbered,
    "currency": other_currency,
}
CLASSES = (*PLANTS, SPLIT)
_NUMBER_CHANGED = ("format", "ocr", "typo", "suffix")


def eligible(kind: str, source: Source) -> bool:
    """Whether this invoice can get a twin of that class that a person with both papers could still tell.

    A rent under next month's number is next month's rent, and a reused reference with another date is the next
    bill: those are no duplicates, so they are never planted as one.
    """
    invoice, habits = source.invoice, source.supplier
    reused = habits.numbering in (REFERENCE, "restarts")
    if kind in _NUMBER_CHANGED:
        return sum(letter.isdigit() for letter in invoice.invoice_no) >= 4
    if kind == "renumbered":
        told = invoice.description is not None or invoice.po is not None
        return told and not habits.recurring and habits.pricing == "spread"
    if kind == "date":
        return not reused and not habits.recurring
    if kind == SPLIT:
        return not reused and not habits.recurring and invoice.amount > 100
    return kind != "other_entity" or habits.numbering != REFERENCE
