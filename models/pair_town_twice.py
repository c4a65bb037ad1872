"""One bill entered a second time, in the ways this happens at a town's desk. None = this bill does not lend itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from models.invoice import Invoice
from models.pair_town_body import Supplier, second_master, weekday
from models.pair_town_desk import Desk, money
from models.pair_town_numbers import misread, mistyped, reformatted, squeezed, suffixed

# Units of each currency for one euro, yearly means 2015 to 2025 rounded to three digits.
_RATES = {
    "EUR": "1 1 1 1 1 1 1 1 1 1 1",
    "USD": "1.11 1.11 1.13 1.18 1.12 1.14 1.18 1.05 1.08 1.08 1.13",
    "GBP": ".726 .819 .877 .885 .878 .89 .86 .853 .87 .847 .856",
    "CHF": "1.07 1.09 1.11 1.16 1.11 1.07 1.08 1 .972 .953 .937",
    "SEK": "9.35 9.47 9.64 10.3 10.6 10.5 10.1 10.6 11.5 11.4 11.1",
    "NOK": "8.95 9.29 9.33 9.6 9.85 10.7 10.2 10.1 11.4 11.6 11.7",
    "DKK": "7.46 7.45 7.44 7.45 7.47 7.45 7.44 7.44 7.45 7.46 7.46",
    "PLN": "4.18 4.36 4.26 4.26 4.3 4.44 4.57 4.69 4.54 4.31 4.24",
    "AUD": "1.48 1.49 1.47 1.58 1.61 1.66 1.58 1.52 1.63 1.64 1.74",
    "CAD": "1.42 1.47 1.47 1.53 1.49 1.53 1.48 1.37 1.46 1.48 1.57",
}


def _per_euro(currency: str, when: date) -> float:
    rates = [float(rate) for rate in _RATES[currency].split()]
    place = min(max(when.year - 2015 + (when.timetuple().tm_yday - 183) / 365, 0), 9.99)
    low = int(place)
    return rates[low] + (rates[low + 1] - rates[low]) * (place - low)


def _day(row: Invoice) -> date | None:
    return row.invoice_date or row.posting_date


def again(desk: Desk, row: Invoice) -> Invoice:
    """The row as it comes in once more: posted in the same run or some weeks later."""
    if row.posting_date is None:
        return row
    gap = 0 if desk.rng.random() < 0.2 else int(desk.rng.expovariate(1 / desk.town.resubmit_gap))
    return replace(row, posting_date=desk.posted(row.posting_date + timedelta(days=gap)) if gap else row.posting_date)


def _reworded(desk: Desk, supplier: Supplier, row: Invoice, same: float) -> Invoice:
    """The row with another clerk's text and order, now and then."""
    rng, text, day = desk.rng, row.description, _day(row)
    if rng.random() >= same:
        ways = [None, desk.text(supplier, day) if day else None]
        if text:
            ways += [text.lower(), text.upper(), mistyped(rng, text), text[: len(text) * 2 // 3].strip() or None]
        row = replace(row, description=rng.choice(ways))
    if rng.random() > 0.9:
        row = replace(row, po=None if row.po else f"PO{rng.randint(10000, 999999)}")
    return row


def _renamed(desk: Desk, supplier: Supplier, row: Invoice, number: str) -> Invoice | None:
    """The row under another spelling of its number, unless that is the number of another bill."""
    if number == row.invoice_no or not squeezed(number):
        return None
    if squeezed(number) != squeezed(row.invoice_no) and not desk.free(supplier, number):
        return None
    return replace(row, invoice_no=number)


def _nearby(desk: Desk, row: Invoice) -> Invoice:
    if row.invoice_date is None:
        return row
    return replace(row, invoice_date=row.invoice_date + timedelta(days=desk.rng.choice([-7, -3, -1, 1, 1, 2, 5, 10])))


def _second(desk: Desk, supplier: Supplier, row: Invoice | None, *, number: bool) -> list[Invoice] | None:
    """The copy with, now and then, a light second noise: its date, or how its number is written."""
    if row is None:
        return None
    row = _reworded(desk, supplier, row, 0.6)
    if desk.rng.random() < desk.town.second_noise:
        if number and desk.rng.random() < 0.6:
            row = _renamed(desk, supplier, row, reformatted(desk.rng, row.invoice_no)) or row
        else:
            row = _nearby(desk, row)
    return [row]


def exact(desk: Desk, supplier: Supplier, row: Invoice) -> list[Invoice] | None:
    """Resubmitted as it was."""
    return [again(desk, row)]


def written_otherwise(desk: Desk, supplier: Supplier, row: Invoice) -> list[Invoice] | None:
    """The number in another notation."""
    number = reformatted(desk.rng, row.invoice_no)
    if desk.rng.random() < 0.25:
        number = reformatted(desk.rng, number)
    return _second(desk, supplier, _renamed(desk, supplier, again(desk, row), number), number=False)


def scanned(desk: Desk, supplier: Supplier, row: Invoice) -> list[Invoice] | None:
    """Characters confused by a scanner: the number, perhaps the name, seldom the amount."""
    rng, copy = desk.rng, again(desk, row)
    if rng.random() < 0.07:
        read = misread(rng, str(row.amount), 1)
        if not read.replace(".", "", 1).isdigit() or money(Decimal(read)) == row.amount:
            return None
        return _second(desk, supplier, replace(copy, amount=money(Decimal(read))), number=False)
    number = misread(rng, row.invoice_no, rng.choice([1, 1, 1, 2, 2, 3]))
    if rng.random() < 0.3:
        copy = replace(copy, vendor_name=misread(rng, row.vendor_name, rng.choice([1, 2])))
    return _second(desk, supplier, _renamed(desk, supplier, copy, number), number=False)


def slipped(desk: Desk, supplier: Supplier, row: Invoice) -> list[Invoice] | None:
    """A clerk's slip in the number."""
    number = mistyped(desk.rng, row.invoice_no)
    if desk.rng.random() < 0.1:
        number = mistyped(desk.rng, number)
    return _second(desk, supplier, _renamed(desk, supplier, again(desk, row), number), number=False)


def marked(desk: Desk, supplier: Supplier, row: Invoice) -> list[Invoice] | None:
    """A mark behind the number that lets it pass the check for a second copy."""
    return _second(
        desk, supplier, _renamed(desk, supplier, again(desk, row), suffixed(desk.rng, row.invoice_no)), number=False
    )


def under_another_vendor(desk: Desk, supplier: Supplier, row: Invoice) -> list[Invoice] | None:
    """The same firm under its other record of the vendor master."""
    rng, first = desk.rng, supplier.masters[0]
    if first.vendor_id in ("999999", "ONETIME") or sum(letter.isalnum() for letter in first.name) < 4:
        return None
    others = [
        one for one in supplier.masters if desk.shown(one.name) != row.vendor_name or one.vendor_id != row.vendor_id
    ]
    vendor_id = f"{first.vendor_id[:-1]}{rng.randint(0, 9)}" if rng.random() < 0.2 else f"{rng.randint(10**3, 10**6)}"
    if first.vendor_id[:1].isalpha():
        vendor_id = first.vendor_id + rng.choice(["A", "-1", "X", "2", "B"])
    other = second_master(rng, desk.town, first, supplier.place, vendor_id if first.vendor_id else "")
    if others and rng.random() < 0.8:
        other = rng.choice(others)
    name = desk.shown(other.name)
    if (other.vendor_id or name) == (row.vendor_id or row.vendor_name):
        return None
    copy = replace(again(desk, row), vendor_id=other.vendor_id, vendor_name=name, tax_id=other.tax_id, iban=other.iban)
    return _second(desk, supplier, copy, number=True)


def moved(desk: Desk, supplier: Supplier, row: Invoice) -> list[Invoice] | None:
    """Another invoice date: the posting's, day and month swapped, a wrong year, some days."""
    rng, day, copy = desk.rng, row.invoice_date, again(desk, row)
    if day is None:
        return None
    ways = [day + timedelta(days=rng.choice([-30, -14, -7, -2, -1, 1, 2, 3, 6, 10, 20, 30, 31]))]
    ways += [copy.posting_date, copy.posting_date] if copy.posting_date else []
    if day.day <= 12:
        ways += [date(day.year, day.day, day.month)] * 2
    if day.day <= 28 and copy.posting_date:
        ways += [day.replace(year=day.year + rng.choice([-1, -1, 1])), day.replace(day=1)]
        ways.append(day.replace(month=day.month % 12 + 1))
    new = rng.choice(ways)
    return _second(desk, supplier, replace(copy, invoice_date=new), number=True) if new != day else None


def by_pennies(desk: Desk, supplier: Supplier, row: Invoice) -> list[Invoice] | None:
    """The amount a little off: cents, rounding, a small charge on or off."""
    rng, amount = desk.rng, row.amount
    if amount < 8:
        return None
    charge = Decimal(
        rng.choice(["0.30", "0.50", "1.50", "2.00", "2.50", "3.95", "5.00", "7.50", "10.00", "12.50", "15.00"])
    )
    new = rng.choice(
        [
            amount + Decimal(rng.choice([-5, -3, -2, -1, 1, 1, 2, 4, 9])) / 100,
            amount + Decimal(rng.choice([-90, -50, -10, 10, 20, 99])) / 100,
            amount.quantize(Decimal(1)), (amount / 5).quantize(Decimal(1)) * 5,
            amount + charge if charge * 12 < amount else amount, amount - charge if charge * 12 < amount else amount,
        ]
    )  # fmt: skip
    if new == amount or abs(new - amount) * 10 > amount:
        return None
    return _second(desk, supplier, replace(again(desk, row), amount=money(new)), number=True)


def in_another_entity(desk: Desk, supplier: Supplier, row: Invoice) -> list[Invoice] | None:
    """The same bill booked in another entity."""
    others = [entity for entity in desk.town.entities if entity != row.entity]
    return _second(desk, supplier, replace(again(desk, row), entity=desk.rng.choice(others)), number=True)


def billed_again(desk: Desk, supplier: Supplier, row: Invoice) -> list[Invoice] | None:
    """The same work under a new number, days to months later."""
    rng, day = desk.rng, _day(row)
    if day is None:
        return None
    gap = int(2 + rng.expovariate(1 / rng.choice([8, 30, 90])))
    later = weekday(day + timedelta(days=gap))
    number = desk.number(supplier, later)
    if rng.random() < 0.3:
        number = rng.choice(
            [f"{rng.randint(100, 10**7)}", f"{later:%d%m%y}", f"{supplier.place[:3].upper()}{rng.randint(1, 9999)}",
             f"{later:%b%y}", f"ADJ{rng.randint(1, 9999)}", f"{rng.choice('ABCDEFGHKLMPRW')}{rng.randint(100, 99999)}"]
        )  # fmt: skip
        if not desk.free(supplier, number):
            return None
    copy = replace(
        row, invoice_no=number, invoice_date=later if row.invoice_date else None,
        posting_date=desk.posted(later + timedelta(days=rng.randint(0, 10))) if row.posting_date else None,
    )  # fmt: skip
    return [_reworded(desk, supplier, copy, 0.65)]


def in_another_currency(desk: Desk, supplier: Supplier, row: Invoice) -> list[Invoice] | None:
    """The same bill in another currency: at the dated rate, about it, or with the amount left as it was."""
    rng, day = desk.rng, _day(row)
    others = [code for code in (*desk.town.foreign, desk.town.currency) if code != row.currency]
    if day is None or row.amount < 5:
        return None
    target = desk.town.currency if row.currency != desk.town.currency and rng.random() < 0.8 else rng.choice(others)
    rate = _per_euro(target, day) / _per_euro(row.currency, day)
    rate *= rng.choice([1, 1, rng.uniform(0.997, 1.003), rng.uniform(0.98, 1.02)])
    amount = row.amount if rng.random() < 0.06 else money(row.amount * Decimal(str(rate)))
    return _second(desk, supplier, replace(again(desk, row), currency=target, amount=amount), number=True)


def in_parts(desk: Desk, supplier: Supplier, row: Invoice, count: int) -> list[Invoice] | None:
    """A bill paid whole, and paid again in `count` parts that add up to it."""
    rng, day = desk.rng, _day(row)
    if day is None or row.amount < 30:
        return None
    way = rng.choice(["same", "suffix", "other", "other"])
    shares = [Decimal(rng.choice([1, 1, 2, 3, 4, 7])) for _ in range(count)]
    if way == "same" and len(set(shares)) < count:
        shares = [Decimal(rng.randint(5, 60)) + turn * 71 for turn in range(count)]
    amounts = [money(row.amount * share / sum(shares)) for share in shares[:-1]]
    amounts.append(row.amount - sum(amounts))
    step, sep, base = rng.choice([0, 3, 14, 30]), rng.choice(["/", "-", ".", " ", "_"]), row.invoice_no
    first = day + timedelta(days=rng.choice([-20, 0, 0, 5, 15, 40]))
    made = []
    for turn, amount in enumerate(amounts):
        when = weekday(first + timedelta(days=step * turn))
        number = {"same": base, "suffix": f"{base}{sep}{turn + 1 if step else 'ABC'[turn]}"}.get(way)
        number = number or desk.number(supplier, when)
        if number != base and way == "suffix" and not desk.free(supplier, number):
            return None
        copy = replace(
            row, invoice_no=number, amount=amount, invoice_date=when if row.invoice_date else None,
            posting_date=desk.posted(when + timedelta(days=rng.randint(0, 9))) if row.posting_date else None,
        )  # fmt: skip
        made.append(_reworded(desk, supplier, copy, 0.7))
    return made


CLASSES: dict[str, Callable[[Desk, Supplier, Invoice], list[Invoice] | None]] = {
    "exact": exact,
    "format": written_otherwise,
    "ocr": scanned,
    "typo": slipped,
    "suffix": marked,
    "vendor": under_another_vendor,
    "date": moved,
    "penny": by_pennies,
    "entity": in_another_entity,
    "renumbered": billed_again,
    "currency": in_another_currency,
}
# These lean on the amount alone to tell the bill: it must be the only one of its supplier at that amount.
LONELY = frozenset({"ocr", "typo", "renumbered", "split"})
