"""A bill on its way into the third ledger, and the everyday trade that surrounds what is planted."""

from __future__ import annotations

from bisect import bisect
from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import accumulate

from evals.third_firm import Firm, new_record
from evals.third_house import House
from evals.third_noise import ascii_text, other_name, plain, reformat, scan, slip
from evals.third_words import PERIOD
from models.invoice import Invoice


@dataclass(slots=True, eq=False)
class Bill:
    """One row before it has an id. `record` is a line of the firm's master.

    number: '' until the firm numbers it: `form` filled with the number of `base`, or with the next one without a base.

    fair: what may be planted on it: 2 any class, 1 only classes in which the number itself tells, 0 nothing.
    """

    firm: Firm
    entity: int
    day: date
    posted: date
    currency: str
    amount: Decimal
    po: str | None = None
    text: str | None = None
    credit: bool = False
    number: str = ""
    step: int = 0
    base: Bill | None = None
    form: str = "{}"
    record: int = 0
    name: str | None = None
    fair: int = 2


def say(house: House, firm: Firm, day: date) -> str | None:
    """What the ledger says the bill was for; None where the clerk left it empty."""
    rng = house.rng
    if not house.columns.text or rng.random() > house.texts:
        return None
    item = rng.choice(firm.items)
    tail = rng.random()
    if house.period_texts and tail < 0.3:
        item += rng.choice(
            [f" {day.month:02}/{day.year}", f" {PERIOD[firm.country.language]} {day.month}", f" {day:%b %Y}"]
        )
    elif tail < 0.5:
        item += f" {rng.randint(1, 80)} x" if rng.random() < 0.5 else f" {rng.choice(firm.country.towns)}"
    elif tail < 0.6:
        item += f" LS {rng.randint(1000, 99999)}"
    return item


def make(house: House, firm: Firm, day: date, amount: Decimal, entity: int | None = None) -> Bill:
    """A plain bill of that firm."""
    where = house.entity() if entity is None else entity
    return Bill(firm, where, day, house.posted(day), firm.country.currency, amount, text=say(house, firm, day))


def everyday(house: House, firms: list[Firm], count: int) -> list[Bill]:
    """So many ordinary bills and a few credit notes; a firm's orders take one to five bills each."""
    rng = house.rng
    steep = rng.uniform(0.6, 1.3)
    edges = list(accumulate((place + 2) ** -steep for place in range(len(firms))))
    credit_share = rng.uniform(0.0, 0.04)
    bills = []
    for _ in range(count):
        firm = firms[min(bisect(edges, rng.random() * edges[-1]), len(firms) - 1)]
        bill = make(house, firm, house.day(), firm.open_price(rng))
        if rng.random() < firm.order_share:
            if firm.order is None or rng.random() < 0.45:
                firm.order = house.order()
            bill.po = firm.order
        if rng.random() < firm.second_share:
            if len(firm.records) == 1:
                other = other_name(rng, firm.records[0].name, firm.country.towns)
                firm.records.append(new_record(house, firm.country, other))
                firm.records[1].tax = rng.choice([firm.records[0].tax, None])
                firm.records[1].iban = rng.choice([firm.records[0].iban, firm.records[1].iban])
            bill.record = 1
        if rng.random() < credit_share:
            bill.credit, bill.fair = True, 1
        bills.append(bill)
    return bills


def number_bills(house: House, bills: list[Bill]) -> None:
    """Each firm numbers what has no number yet, in the order of the days."""
    open_bills = [bill for bill in bills if not bill.number]
    printed = {}
    for bill in sorted(open_bills, key=lambda bill: bill.day):
        if bill.base is None:
            printed[id(bill)] = bill.firm.write(house.rng, bill.day, bill.step)
    for bill in open_bills:
        bill.number = bill.form.format(printed[id(bill.base or bill)])


def spoil(house: House, bills: list[Bill]) -> None:
    """Clerks and scanners at work on ordinary bills too: an odd number alone is no sign of a duplicate."""
    rng = house.rng
    for bill in bills:
        if rng.random() < house.sloppy:
            bill.number = reformat(rng, bill.number)
        elif rng.random() < house.misread:
            bill.number = scan(rng, bill.number)
        elif rng.random() < house.sloppy / 10:
            bill.number = slip(rng, bill.number)
        elif rng.random() < house.sloppy / 4:
            bill.number += rng.choice(["-1", "/1", "A", "-R", "*"])
        if rng.random() < house.sloppy / 2:
            bill.name = other_name(rng, bill.firm.records[bill.record].name, bill.firm.country.towns)


def alike(left: str, right: str) -> bool:
    """Whether a careful person would take two numbers for one: the same, one within the other, a swap, a look-alike."""
    if left == right or (min(len(left), len(right)) >= 3 and (left in right or right in left)):
        return True
    if len(left) != len(right):
        return False
    apart = [at for at in range(len(left)) if left[at] != right[at]]
    return len(apart) == 2 and left[apart[0]] == right[apart[1]] and left[apart[1]] == right[apart[0]]


def set_apart(house: House, bills: list[Bill], groups: list[tuple[list[Bill], str]]) -> list[tuple[list[Bill], str]]:
    """Leave no accidental duplicate: change an amount where two ordinary bills could be taken for one.

    Bills of one firm that share an amount and are still told apart by number, order or text are returned as new groups.
    """
    planted = {id(bill) for members, _ in groups for bill in members}
    shared = defaultdict(list)
    numbers = set()
    for bill in bills:
        key = (plain(bill.number), bill.amount)
        while id(bill) not in planted and key in numbers:
            bill.amount += Decimal(house.rng.randint(100, 4000)) / 100
            key = (key[0], bill.amount)
        numbers.add(key)
        shared[(id(bill.firm), bill.amount)].append(bill)
    found = []
    for same in shared.values():
        kept: list[Bill] = []
        for bill in same:
            if len(same) > 1 and id(bill) not in planted and any(_too_near(bill, other) for other in kept):
                while (id(bill.firm), bill.amount) in shared or (plain(bill.number), bill.amount) in numbers:
                    bill.amount += Decimal(house.rng.randint(100, 4000)) / 100
                numbers.add((plain(bill.number), bill.amount))
            else:
                kept.append(bill)
        for bill in kept if len(kept) > 1 else ():
            bill.fair = min(bill.fair, 1)
        loose = [bill for bill in kept if id(bill) not in planted]
        if len(loose) > 1:
            found.append((loose, "price_list" if loose[0].firm.pricing == "tariff" else "chance"))
    return found


def _too_near(bill: Bill, other: Bill) -> bool:
    same_work = bill.text == other.text and abs((bill.day - other.day).days) < 45
    same_order = bill.po is not None and bill.po == other.po
    return same_order or same_work or alike(plain(bill.number), plain(other.number))


def row(house: House, bill: Bill, ident: str) -> Invoice:
    """The bill as the company's system exports it."""
    columns, record = house.columns, bill.firm.records[bill.record]
    name, text = bill.name or record.name, bill.text
    if house.ascii_only:
        name, text = ascii_text(name), text and ascii_text(text)
    if house.capitals:
        name, text = name.upper(), text and text.upper()
    return Invoice(
        invoice_id=ident,
        entity=house.entities[bill.entity],
        vendor_id=house.vendor_at(record.vendor, bill.entity) if columns.vendor_id else "",
        vendor_name=name if columns.name else "",
        tax_id=record.tax if columns.tax else None,
        iban=record.iban if columns.iban else None,
        invoice_no=bill.number,
        invoice_date=bill.day,
        posting_date=bill.posted if columns.posting else None,
        currency=bill.currency,
        amount=-bill.amount if bill.credit and house.credits_below_zero else bill.amount,
        po=bill.po if columns.po else None,
        description=text[: house.text_width].strip() or None if text and columns.text else None,
        doc_type="credit_note" if bill.credit and columns.credit_type else "invoice",
    )
