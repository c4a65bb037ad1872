"""What looks like a duplicate and is none: thirteen habits of honest suppliers, each as a group of bills."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from evals.third_bill import Bill, make
from evals.third_firm import Firm
from evals.third_house import CENT, House
from evals.third_words import FEES, PART, words

Group = list[Bill]


def _rhythm(house: House, least: int, most: int, weekly: int = 0) -> list[date]:
    """Days a month or a quarter (`weekly`: perhaps a week) apart, as far as the ledger's years go."""
    rng = house.rng
    apart = rng.choices([7, 30.4, 91.3], [weekly, 6, 2])[0]
    possible = min(most, int(house.days / apart))
    count = rng.randint(min(least, possible), max(possible, 1))
    start = rng.randrange(max(1, int(house.days - count * apart)))
    fixed = rng.random() < 0.5 and apart > 30
    days = [house.first + timedelta(int(start + turn * apart)) for turn in range(count)]
    return [day.replace(day=1 + start % 28) for day in days] if fixed else days


def _fee(house: House, firm: Firm, day: date, text: str) -> str | None:
    if not house.columns.text or house.rng.random() > house.texts:
        return None
    return f"{text} {day.month:02}/{day.year}" if house.period_texts else text


def _stream(house: House, firm: Firm, days: list[date], number: str, fair: int) -> Group:
    rng, where = house.rng, house.entity()
    amount = firm.fresh(rng)
    text = rng.choice(words(FEES, firm.country.language))
    order = house.order() if rng.random() < firm.order_share else None
    bills = []
    for day in days:
        bill = make(house, firm, day, amount, where)
        bill.text, bill.number, bill.po, bill.fair = _fee(house, firm, day, text), number, order, fair
        bills.append(bill)
    return bills


def recurring_sequence(house: House, firm: Firm) -> Group:
    """The same fee month by month, each bill with its own number."""
    return _stream(house, firm, _rhythm(house, 3, 24, 1), "", 1)


def recurring_reference(house: House, firm: Firm) -> Group:
    """The same fee under the contract's or the customer's number, month by month."""
    rng = house.rng
    number = rng.choice(["{}", "KD{}", "C-{}", "{}-1", "VTR {}", "ACC{}"]).format(rng.randint(10**4, 10**8))
    bills = _stream(house, firm, _rhythm(house, 3, 24), number, 0)
    if rng.random() < 0.3:
        raised = firm.fresh(rng)
        for bill in bills[len(bills) // 2 :]:
            bill.amount = raised
    return bills


def same_day(house: House, firm: Firm) -> Group:
    """Several deliveries of one day at one price."""
    rng = house.rng
    first = replace(make(house, firm, house.day(), firm.fresh(rng)), fair=0)
    if rng.random() < firm.order_share:
        first.po = house.order()
    bills = [first]
    for _ in range(rng.randint(1, 4)):
        text = first.text if rng.random() < 0.6 else make(house, firm, first.day, first.amount).text
        posted = first.posted if rng.random() < 0.8 else house.posted(first.day)
        bills.append(replace(first, text=text, posted=posted, step=rng.choice([1, 1, 1, 2, 3])))
    return bills


def instalments(house: House, firm: Firm) -> Group:
    """One order, billed in equal or unequal parts."""
    rng, count = house.rng, house.rng.randint(2, 6)
    order = house.order() if house.columns.po else None
    whole, day, where = firm.fresh(rng), house.day(), house.entity()
    equal = rng.random() < 0.6
    based = rng.random() < 0.35 and order is not None and house.columns.text
    mark = rng.choice("-/.")
    bills: Group = []
    for turn in range(count):
        amount = whole if equal else (whole * rng.randint(50, 200) / 100).quantize(CENT)
        bill = make(house, firm, day, amount, where)
        bill.po, bill.fair = order, 0
        if based:
            bill.base, bill.form = bills[0] if bills else None, f"{{}}{mark}{turn + 1}"
        if house.columns.text:
            bill.text = f"{firm.items[0]} {PART[firm.country.language]} {turn + 1}/{count}"
        bills.append(bill)
        day += timedelta(rng.randint(25, 65))
    return bills


def credit_rebill(house: House, firm: Firm) -> Group:
    """A bill, the credit note that took it back, and the bill that came instead: nothing was paid twice."""
    rng = house.rng
    bill = replace(make(house, firm, house.day(), firm.fresh(rng)), fair=0)
    bill.po = house.order() if rng.random() < firm.order_share else None
    back = bill.day + timedelta(rng.randint(1, 40))
    note = replace(bill, day=back, posted=max(house.posted(back), bill.posted), credit=True)
    note.base, note.form = rng.choice([(None, "{}"), *((bill, form) for form in ("{}", "CN{}", "{}-C", "G{}"))])
    again = note.day + timedelta(rng.choice([0, 0, 1, 5, 14]))
    rebill = replace(bill, day=again, posted=max(house.posted(again), note.posted))
    own: tuple[Bill | None, str] = (None, "{}")
    rebill.base, rebill.form = rng.choice([own, own, *((bill, form) for form in ("{}", "{}R", "{}-1", "{}/2"))])
    if rng.random() < 0.4:
        rebill.amount = (bill.amount * rng.randint(90, 110) / 100).quantize(CENT)
    return [bill, note, rebill]


def refund_repay(house: House, firm: Firm) -> Group:
    """Paid, sent back (wrong account, wrong entity) and paid again under the same number."""
    rng = house.rng
    bill = replace(make(house, firm, house.day(), firm.fresh(rng)), fair=0)
    gap = timedelta(rng.randint(1, 20))
    back = replace(
        bill, base=bill, posted=bill.posted + gap, credit=True, text="Refund" if house.columns.text else None
    )
    back.day = rng.choice([bill.day, max(back.posted - timedelta(1), bill.day)])
    again = replace(bill, base=bill, posted=back.posted + timedelta(rng.randint(0, 15)))
    if rng.random() < 0.3:
        again.entity = house.entity()
    return [bill, back, again]


def group_contract(house: House, firm: Firm) -> Group:
    """One contract for the whole group: each entity gets its own bill of the same amount, for some months."""
    rng = house.rng
    amount, text = firm.fresh(rng), rng.choice(words(FEES, firm.country.language))
    where = rng.sample(range(len(house.entities)), min(len(house.entities), rng.randint(2, 5)))
    suffixed = rng.random() < 0.2 and len(where) > 2
    bills = []
    for day in _rhythm(house, 2, 4):
        first: Bill | None = None
        for turn, entity in enumerate(where):
            bill = make(house, firm, day, amount, entity)
            bill.text, bill.step, bill.fair = _fee(house, firm, day, text), int(turn > 0), 0
            if suffixed:
                bill.base, bill.form = first, f"{{}}-{turn + 1:02}"
            first = first or bill
            bills.append(bill)
    return bills


def restart(house: House, firm: Firm) -> Group:
    """Numbers that begin again each year, without the year: last year's number comes back, often at the same price."""
    rng = house.rng
    number = rng.choice(["{}", "{:03}", "{:04}", f"{firm.tag}{{}}", f"{firm.tag}-{{:03}}"]).format(rng.randint(1, 99))
    amount, same = firm.fresh(rng), rng.random() < 0.6
    day = house.first + timedelta(rng.randrange(max(1, house.days - 380)))
    bills = []
    for turn in range(rng.randint(2, 3)):
        # Never on the very day: that alone would look like a year typed wrong.
        when = day + timedelta(365 * turn + rng.choice([-1, 1]) * rng.randint(2, 12) * (turn > 0))
        if turn > 1 and when > house.last():
            break
        bill = make(house, firm, when, amount if same else firm.fresh(rng))
        bill.number, bill.fair = number, 0
        if bill.text:
            bill.text = f"{firm.items[0]} {when.year}"
        bills.append(bill)
    return bills


def chance(house: House, firm: Firm, other: Firm | None = None) -> Group:
    """A round amount that two bills share by chance, months apart or from two suppliers on one day."""
    rng = house.rng
    amount = Decimal(
        rng.choice([50, 100, 120, 150, 200, 250, 300, 400, 500, 750, 1000, 1200, 1500, 2000, 2500, 5000])
    ).quantize(CENT)
    while amount in firm.used or (other and amount in other.used):
        amount += rng.choice([10, 50, 100])
    day = house.day()
    later = day if other else day + timedelta(rng.randint(60, 300))
    group = [make(house, firm, day, amount), make(house, other or firm, later, amount)]
    for bill in group:
        bill.fair = 0
        bill.firm.used.add(amount)
        bill.firm.reserved.add(amount)
        if rng.random() < firm.order_share:
            bill.po = house.order()
    return group


def price_list(house: House, firm: Firm) -> Group:
    """One item of the yearly price list, bought now and again."""
    rng = house.rng
    amount, text, where = firm.fresh(rng), rng.choice(firm.items), house.entity()
    yearly = rng.random() < 0.4 and house.days > 700
    day = house.first + timedelta(rng.randrange(200))
    bills = []
    for _ in range(rng.randint(3, 6)):
        bill = make(house, firm, day, amount, where)
        bill.fair, bill.text = 1, bill.text and (f"{text} {day.year}" if yearly else text)
        bill.po = house.order() if rng.random() < firm.order_share else None
        bills.append(bill)
        day += timedelta(rng.randint(350, 380) if yearly else rng.randint(12, 90))
        if day > house.last():
            break
    return bills


def lines(house: House, firm: Firm) -> Group:
    """Several telephone lines, policies or leased cars: each its own bill, one fee, one day, month by month."""
    rng = house.rng
    amount, text = firm.fresh(rng), rng.choice(words(FEES, firm.country.language))
    base, style = rng.randint(10**4, 10**8), rng.choice(["{}", "{}/{}", "{}-{:03}"])
    count, where, own = rng.randint(3, 8), house.entity(), rng.random() < 0.4
    bills = []
    for day in _rhythm(house, 2, 4):
        for line in range(count):
            bill = make(house, firm, day, amount, where)
            bill.step, bill.fair = int(line > 0), 0
            if own:
                bill.number = style.format(base + line * (style == "{}"), line + 1)
            if house.columns.text:
                bill.text = f"{text} {base + line}"
            bills.append(bill)
    return bills


def batch(house: House, firm: Firm) -> Group:
    """Many rows under one batch number: an expense run, a collective bill, a payroll file."""
    rng, count = house.rng, house.rng.randint(3, 12)
    day, where = house.day(), house.entity()
    number = rng.choice(["BATCH {}", "B{:05}", "SAMMEL-{}", "{:06}", "RUN{:04}"]).format(rng.randint(1, 9999))
    posted = house.posted(day)
    amounts = [firm.fresh(rng) for _ in range(count)]
    if house.columns.text and rng.random() < 0.6:
        amounts[-1] = amounts[0]
    people = rng.sample(firm.country.people, min(len(firm.country.people), 8))
    bills = []
    for turn, amount in enumerate(amounts):
        text = f"{people[turn % len(people)]} {rng.choice(firm.items)} {turn + 1}" if house.columns.text else None
        bills.append(Bill(firm, where, day, posted, firm.country.currency, amount, None, text, number=number, fair=0))
    return bills


def near_sequence(house: House, firm: Firm) -> Group:
    """A tariff (a tour, a tip, an hour) billed every few days: numbers side by side, one amount."""
    rng, day = house.rng, house.day()
    amount, text, where = firm.fresh(rng), rng.choice(firm.items), house.entity()
    bills = []
    for _ in range(rng.randint(3, 6)):
        bill = make(house, firm, day, amount, where)
        bill.step, bill.fair, bill.text = rng.choice([1, 1, 2, 3]), 0, bill.text and text
        bills.append(bill)
        day += timedelta(rng.randint(1, 6))
    return bills


HARD: dict[str, Callable[[House, Firm], Group]] = {
    build.__name__: build
    for build in (
        *(recurring_sequence, recurring_reference, same_day, instalments, credit_rebill, group_contract, restart),
        *(chance, price_list, lines, refund_repay, batch, near_sequence),
    )
}


def hard_groups(house: House, firms: list[Firm], budget: int) -> Iterator[tuple[Group, str]]:
    """Groups of every kind in turn, then by the company's own mix, until so many rows are made (never more)."""
    rng = house.rng
    kinds = rng.sample(list(HARD), len(HARD))
    mix = [rng.lognormvariate(0.0, 0.8) for _ in kinds]
    turn = 0
    while budget > 1:
        kind = kinds[turn] if turn < len(kinds) else rng.choices(kinds, mix)[0]
        firm = rng.choice(firms)
        if kind == "chance" and rng.random() < 0.5:
            group = chance(house, firm, next(other for other in rng.sample(firms, 2) if other is not firm))
        else:
            group = HARD[kind](house, firm)
        turn += 1
        group = whole_part(group, kind, budget)
        if len(group) > 1:
            budget -= len(group)
            yield group, kind
        elif turn > len(kinds) + 40:
            return


def whole_part(group: Group, kind: str, room: int) -> Group:
    """As much of a group as there is room for; credits and refunds come whole, a rhythm with three beats or more."""
    if len(group) <= room:
        return group
    least = 3 if kind in ("recurring_sequence", "recurring_reference", "lines", "batch", "near_sequence") else 2
    return [] if kind in ("credit_rebill", "refund_repay") or room < least else group[:room]
