"""Bills that look like duplicates and are none: recurring, parallel, divided, reversed, numbered alike."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

from models.pair_town_body import Supplier, weekday
from models.pair_town_desk import Desk, money
from models.pair_town_numbers import squeezed

_STEPS = [7, 7, 14, 28, 30, 30, 30, 31, 91]


def _rhythm(desk: Desk, supplier: Supplier, least: int) -> list[date]:
    """At least `least` days in a steady step."""
    step = desk.rng.choice(_STEPS)
    while step > 7 and step * least > desk.town.days:
        step = 7
    count = max(least, min(desk.rng.randint(least, 14), desk.town.days // step))
    first = desk.some_day(supplier, step * count)
    return [weekday(first + timedelta(days=step * turn)) for turn in range(count)]


def recurring_sequence(desk: Desk, supplier: Supplier) -> None:
    """The same fee every week or month, each time with the next number."""
    amount = desk.lone_price(supplier, desk.town.start)
    text = desk.text(supplier, desk.town.start) if desk.rng.random() < 0.5 else ""
    places = [desk.bill(supplier, day, amount, text=text) for day in _rhythm(desk, supplier, 3)]
    desk.group(places, "recurring_sequence", closed=False)


def _reference(desk: Desk, supplier: Supplier) -> str:
    rng = desk.rng
    while True:
        word = rng.choice(
            ["RENT", "DD", "S/O", "LEASE", "GRANT", "CONTRACT", "ACC", "REF", "RETAINER", "A/C", "STO", ""]
        )
        number = rng.choice(
            [f"{word} {supplier.place}", f"{word}{rng.randint(1, 10**7)}", f"{rng.randint(10**5, 10**9)}"]
        )
        if desk.free(supplier, number):
            return desk.take(supplier, number.strip())


def recurring_same_reference(desk: Desk, supplier: Supplier) -> None:
    """The same fee under the same reference, month by month."""
    amount, number = desk.lone_price(supplier, desk.town.start), _reference(desk, supplier)
    text = desk.text(supplier, desk.town.start) if desk.rng.random() < 0.6 else ""
    days = _rhythm(desk, supplier, 4)
    desk.group(
        [desk.bill(supplier, day, amount, number=number, text=text) for day in days],
        "recurring_same_reference",
        closed=True,
    )


def same_day_same_price(desk: Desk, supplier: Supplier) -> None:
    """Several deliveries, shifts or jobs of one day at one price."""
    day = desk.some_day(supplier)
    amount = desk.price(supplier, day)
    text = desk.text(supplier, day) if desk.rng.random() < 0.4 else ""
    count = desk.rng.randint(2, 5)
    desk.group([desk.bill(supplier, day, amount, text=text) for _ in range(count)], "same_day_same_price", closed=False)


def instalments(desk: Desk, supplier: Supplier) -> None:
    """One order paid in equal parts, numbered in sequence or as parts of one number."""
    rng, count = desk.rng, desk.rng.randint(3, 6)
    first = desk.some_day(supplier, 30 * count)
    amount = money(desk.lone_price(supplier, first) / rng.choice([1, 2, 4]))
    order = f"PO{rng.randint(10000, 999999)}"
    base = desk.number(supplier, first) if rng.random() < 0.3 else None
    sep, gap = rng.choice(["/", "-", ".", " pt "]), rng.choice([7, 14, 30, 30])
    places = []
    for turn in range(count):
        day = weekday(first + timedelta(days=gap * turn))
        text = f"{rng.choice(['part', 'stage', 'instalment'])} {turn + 1}/{count}" if rng.random() < 0.4 else ""
        number = f"{base}{sep}{turn + 1}" if base else None
        places.append(desk.bill(supplier, day, amount, number=number, text=text, po=order))
    desk.group(places, "instalments", closed=True)


def credit_rebill(desk: Desk, supplier: Supplier) -> None:
    """A bill, the credit note that takes it back, and the bill that comes instead."""
    rng, day = desk.rng, desk.some_day(supplier, 60)
    amount = desk.lone_price(supplier, day)
    bill = desk.bill(supplier, day, amount)
    number = desk.rows[bill].invoice_no
    then = weekday(day + timedelta(days=rng.randint(1, 40)))
    credited = rng.choice([None, f"{number}CR", f"CN{number}", f"{number} C", number, f"CR-{number}"])
    text = desk.rows[bill].description if rng.random() < 0.6 else f"credit {number}"
    credit = desk.bill(supplier, then, amount, number=credited, text=text, credit=True)
    again = rng.choice([None, None, f"{number}R", f"{number}-2", number])
    later = weekday(then + timedelta(days=rng.randint(0, 20)))
    new = amount if rng.random() < 0.7 else money(amount * Decimal(rng.randint(60, 130)) / 100)
    rebill = desk.bill(supplier, later, new, number=again, text=desk.rows[bill].description)
    desk.group((bill, credit, rebill), "credit_rebill", closed=True)


def group_contract(desk: Desk, supplier: Supplier) -> None:
    """A framework contract that bills each entity the same on the same day, one bill each."""
    rng, amount = desk.rng, desk.lone_price(supplier, desk.town.start)
    entities = rng.sample(desk.town.entities, rng.randint(2, min(4, len(desk.town.entities))))
    way, shared = rng.random(), _reference(desk, supplier)
    places = []
    for day in _rhythm(desk, supplier, 3)[:5]:
        base = desk.number(supplier, day) if way < 0.25 else None
        for entity in entities:
            number = f"{base}-{entity}" if base else shared if way > 0.85 else None
            places.append(desk.bill(supplier, day, amount, number=number, entity=entity))
    desk.group(places, "group_contract", closed=True)


def restarting_numbers(desk: Desk, supplier: Supplier) -> None:
    """Numbers that begin again each year, with the same fee under the same number a year later."""
    rng, town = desk.rng, desk.town
    if town.days < 420 or not town.posting:
        return
    lead, width = rng.choice(["", "", "R", "INV ", "No ", "A-"]), rng.choice([1, 2, 3, 4])
    count, first = rng.randint(3, 8), desk.some_day(supplier, 415)
    base = rng.randint(1, 40)
    numbers = [f"{lead}{base + turn:0{width}d}" for turn in range(count)]
    if not all(desk.free(supplier, number) for number in numbers):
        return
    fee = desk.lone_price(supplier, first)
    for turn, number in enumerate(numbers):
        days = [first + timedelta(days=365 * year + turn * 40 // count) for year in range(2)]
        bills = [desk.bill(supplier, weekday(day), fee, number=number, posting=weekday(day)) for day in days]
        desk.group(bills, "restarting_numbers", closed=True)


def chance_amount(desk: Desk, supplier: Supplier) -> None:
    """Two firms that happen to bill the same amount, now and then under the same simple number."""
    rng, day = desk.rng, desk.some_day(supplier, 20)
    other = rng.choice(desk.suppliers)
    if other.ring == supplier.ring:
        return
    amount = desk.lone_price(supplier, day)
    number = None
    simple = rng.choice([str(rng.randint(1, 3000)), f"INV{rng.randint(1, 900):03d}"])
    words = [{word for word in one.masters[0].name.upper().split() if len(word) > 3} for one in (supplier, other)]
    named = not (desk.hidden(supplier) or desk.hidden(other) or words[0] & words[1])
    if named and rng.random() < 0.4 and desk.free(supplier, simple) and desk.free(other, simple):
        number = simple
    then = weekday(day + timedelta(days=rng.randint(0, 15)))
    places = [desk.bill(supplier, day, amount, number=number), desk.bill(other, then, amount, number=number)]
    desk.group(places, "chance_amount", closed=True)


def annual_price(desk: Desk, supplier: Supplier) -> None:
    """The same item of a price list each year, or several of it in one year."""
    rng, amount = desk.rng, desk.lone_price(supplier, desk.town.start)
    text = desk.text(supplier, desk.town.start)
    if desk.town.days < 400:
        days = [desk.some_day(supplier) for _ in range(rng.randint(3, 5))]
    else:
        first = desk.some_day(supplier, 370)
        days = [weekday(first + timedelta(days=365 * year + rng.randint(-9, 9))) for year in range(2)]
    desk.group([desk.bill(supplier, day, amount, text=text) for day in sorted(days)], "annual_price", closed=False)


def parallel_lines(desk: Desk, supplier: Supplier) -> None:
    """Several telephone lines, policies, leases or meters with the same fee on the same day."""
    rng, count = desk.rng, desk.rng.randint(2, 6)
    amount, one_bill = desk.lone_price(supplier, desk.town.start), bool(desk.town.text_mode) and rng.random() < 0.3
    account = rng.randint(10**5, 10**8)
    places = []
    for day in _rhythm(desk, supplier, 2)[: rng.randint(1, 3)]:
        shared = desk.number(supplier, day) if one_bill else None
        for line in range(count):
            named = f"{account + 11 * line}"
            text = (
                f"{rng.choice(['line', 'a/c', 'policy', 'meter', 'Nr.', 'ref', 'no', '#', 'cpte', 'id'])} {named}"
                if one_bill or rng.random() < 0.6
                else ""
            )
            places.append(desk.bill(supplier, day, amount, number=shared, text=text))
    desk.group(places, "parallel_lines", closed=one_bill)


def refund_repaid(desk: Desk, supplier: Supplier) -> None:
    """A payment that came back and was made again under its own number."""
    rng, day = desk.rng, desk.some_day(supplier, 40)
    amount = desk.lone_price(supplier, day)
    first = desk.bill(supplier, day, amount)
    row = desk.rows[first]
    number = row.invoice_no
    back = weekday(day + timedelta(days=rng.randint(2, 20)))
    again = weekday(back + timedelta(days=rng.randint(0, 20)))
    returned = desk.bill(
        supplier, back, amount, number=rng.choice([number, f"{number}RET", f"REFUND {number}"]), po=row.po,
        text=rng.choice([row.description, "BACS return", "refund"]), credit=True,
    )  # fmt: skip
    repaid = desk.bill(supplier, again, amount, number=number, text=row.description, po=row.po)
    desk.group((first, returned, repaid), "refund_repaid", closed=True)


def batch_lines(desk: Desk, supplier: Supplier) -> None:
    """The lines of one payment or batch: one number and day, several cost centres or payees, some amounts equal."""
    rng, day, count = desk.rng, desk.some_day(supplier), desk.rng.randint(3, 12)
    number = desk.number(supplier, day)
    fees = [desk.price(supplier, day) for _ in range(rng.randint((count + 3) // 2, count))]
    posting = desk.posted(day + timedelta(days=rng.randint(0, 14)))
    places = []
    for turn in range(count):
        amount = fees[turn] if turn < len(fees) else rng.choice(fees)
        entity = rng.choice(desk.town.entities) if rng.random() < 0.3 else None
        places.append(desk.bill(supplier, day, amount, number=number, posting=posting, entity=entity))
    desk.group(places, "batch_lines", closed=True)


def near_sequence(desk: Desk, supplier: Supplier) -> None:
    """Numbers a step or a turned digit apart, equal amounts, and days that fit the sequence."""
    rng, day = desk.rng, desk.some_day(supplier, 90)
    # Two bills suffice where the price is a usual one; three show it where it is not.
    usual = [price for price in supplier.prices if desk.amounts[supplier.ring, price] > 1]
    amount = rng.choice(usual) if usual else desk.lone_price(supplier, day)
    base = desk.number(supplier, day)
    digits = [place for place, letter in enumerate(base) if letter.isdigit()]
    if not supplier.series.counts or not digits or not 2 < len(squeezed(base)) < 14:
        return
    step = rng.choice([1, 1, 2, 9, 10, 18])
    end = digits[-1] + 1
    start = end
    while start and base[start - 1].isdigit():
        start -= 1
    counts = [int(base[start:end]) + step * turn for turn in range(2 if usual else 3)]
    numbers = [f"{base[:start]}{count:0{end - start}d}{base[end:]}" for count in counts]
    if not all(desk.free(supplier, number) for number in numbers[1:]):
        return
    gap = rng.randint(5, 40)
    days = [weekday(day + timedelta(days=gap * turn)) for turn in range(len(numbers))]
    bills = [desk.bill(supplier, when, amount, number=number) for when, number in zip(days, numbers, strict=True)]
    desk.group(bills, "near_sequence", closed=True)


HARD: dict[str, Callable[[Desk, Supplier], None]] = {
    made.__name__: made
    for made in (
        recurring_sequence, recurring_same_reference, same_day_same_price, instalments, credit_rebill, group_contract,
        restarting_numbers, chance_amount, annual_price, parallel_lines, refund_repaid, batch_lines, near_sequence,
    )
}  # fmt: skip
