"""The twelve ways in which a bill gets into the third ledger twice."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random

from evals.third_bill import Bill
from evals.third_firm import Record, account, new_record
from evals.third_house import CENT, House, money
from evals.third_noise import ascii_text, other_name, plain, reformat, retell, scan, scan_digit, slip
from evals.third_words import rate


def again(house: House, bill: Bill) -> Bill:
    """The bill booked a second time, later, as it stands."""
    rng = house.rng
    lag = rng.choice([0, 0, 1, 2, 7, 14, 30, rng.randint(0, 120)])
    return replace(bill, posted=bill.posted + timedelta(lag), fair=0)


def exact(house: House, bill: Bill) -> Bill | None:
    return again(house, bill)


def format_(house: House, bill: Bill) -> Bill | None:
    number = reformat(house.rng, bill.number)
    return replace(again(house, bill), number=number) if number != bill.number else None


def ocr(house: House, bill: Bill) -> Bill | None:
    rng = house.rng
    number = scan(rng, bill.number, rng.choice([1, 1, 1, 2]) if len(plain(bill.number)) > 6 else 1)
    if not mistaken(bill.number, number):
        return None
    copy = replace(again(house, bill), number=number)
    if rng.random() < 0.15:
        copy.name = scan(rng, bill.name or bill.firm.records[bill.record].name, 2)
    if rng.random() < 0.07 and bill.amount > 20:
        copy.amount = Decimal(scan_digit(rng, str(bill.amount)))
    return copy


def typo(house: House, bill: Bill) -> Bill | None:
    rng = house.rng
    copy = again(house, bill)
    if rng.random() < 0.1 and bill.amount > 100:
        digits = str(bill.amount)
        at = rng.randrange(len(digits) - 4)
        copy.amount = Decimal(digits[:at] + digits[at : at + 2][::-1] + digits[at + 2 :])
        return copy if copy.amount != bill.amount and copy.amount > 20 else None
    copy.number = slip(rng, bill.number)
    return copy if mistaken(bill.number, copy.number) else None


def mistaken(number: str, read: str) -> bool:
    """Whether one number can be known as the other misread: not where it looks like the next bill's number."""
    if plain(number) == plain(read) or len(plain(read)) < 4:
        return False
    if len(number) != len(read):
        return True
    apart = [at for at in range(len(number)) if number[at] != read[at]]
    last = apart[0]
    counted = number[last].isdigit() and read[last].isdigit() and not number[last + 1 : last + 2].isdigit()
    return len(apart) > 1 or not counted


def suffix(house: House, bill: Bill) -> Bill | None:
    rng = house.rng
    tails = [
        "-A",
        "A",
        "-1",
        "/1",
        ".2",
        "-2",
        "/2",
        " DUP",
        "-DUP",
        " COPY",
        "*",
        "_1",
        "B",
        "-R",
        " (2)",
        "#2",
        ".",
        "X",
    ]
    head = ["COPY ", "DUP-", "2-", "*"]
    number = rng.choice(head) + bill.number if rng.random() < 0.08 else bill.number + rng.choice(tails)
    return replace(again(house, bill), number=number)


def vendor(house: House, bill: Bill) -> Bill | None:
    """The firm's second record in the vendor master; without tax id or account on file the name stays close."""
    rng, firm = house.rng, bill.firm
    first = firm.records[bill.record]
    if not house.columns.vendor_id and not house.columns.name:
        return None
    place = next((at for at in range(len(firm.records)) if at != bill.record), 0)
    if len(firm.records) == 1:
        name = first.name
        while plain(ascii_text(name)) in ("", plain(ascii_text(first.name))):
            name = other_name(rng, first.name, firm.country.towns)
        second = new_record(
            house, firm.country, name if rng.random() < 0.85 or not house.columns.vendor_id else first.name
        )
        second.tax = rng.choice([first.tax, first.tax, None]) if house.columns.name else first.tax
        second.iban = rng.choice([first.iban, first.iban, None, _other_account(house, first, bill)])
        firm.records.append(second)
        place = 1
    copy = replace(again(house, bill), record=place, name=None)
    seen = plain(ascii_text(bill.name or first.name))
    # Where no vendor number is exported, the name alone must show that there are two records.
    while not house.columns.vendor_id and plain(ascii_text(copy.name or firm.records[place].name)) in ("", seen):
        copy.name = other_name(rng, first.name, firm.country.towns)
    return copy


def _other_account(house: House, first: Record, bill: Bill) -> str | None:
    return account(house.rng, bill.firm.country, house.spaced_iban) if first.tax else first.iban


def date_(house: House, bill: Bill) -> Bill | None:
    """The bill's date moved: the posting date, day and month swapped, another year, some days."""
    rng, day = house.rng, bill.day
    copy = again(house, bill)
    kind = rng.choice(["posting", "swap", "year", "days", "days"])
    if kind == "posting":
        copy.day = copy.posted
    elif kind == "swap":
        if day.day > 12:
            return None
        copy.day = date(day.year, day.day, day.month)
    elif kind == "year":
        if not house.columns.posting and len(plain(bill.number)) < 5:
            return None
        copy.day = day.replace(year=day.year + rng.choice([-1, 1, 1]), day=min(day.day, 28))
    else:
        copy.day = day + timedelta(rng.choice([-7, -3, -2, -1, 1, 1, 2, 3, 5, 7, 10, 14, 30]))
    return copy if copy.day != day else None


def penny(house: House, bill: Bill) -> Bill | None:
    """The amount off by cents, rounded, or with a small charge on one of the two."""
    rng, amount = house.rng, bill.amount
    if amount < 40:
        return None
    kind = rng.choice(["cents", "cents", "round", "ten", "charge"])
    if kind == "cents":
        changed = amount + rng.choice([-1, 1]) * CENT * rng.choice([1, 1, 1, 2, 3, 5, 10])
    elif kind == "round":
        changed = amount.quantize(Decimal(1), ROUND_HALF_UP).quantize(CENT)
    elif kind == "ten":
        changed = amount.quantize(Decimal("0.1"), ROUND_HALF_UP).quantize(CENT)
    else:
        small = [Decimal(text) for text in ("0.50", "1.50", "2.50", "3.95", "5.00", "7.50", "12.00", "25.00")]
        fitting = [charge for charge in small if charge * 20 < amount]
        changed = amount + rng.choice([-1, 1]) * rng.choice(fitting or [CENT])
    return replace(again(house, bill), amount=changed) if changed != amount else None


def entity(house: House, bill: Bill) -> Bill | None:
    others = [place for place in range(len(house.entities)) if place != bill.entity]
    return replace(again(house, bill), entity=house.rng.choice(others)) if others else None


def currency(house: House, bill: Bill) -> Bill | None:
    """The same bill in the house's money, or in another where it was in the house's, at the day's rate or about it."""
    rng = house.rng
    home = house.country.currency
    choices = [c.currency for c in house.abroad] + ["EUR", "USD"] if bill.currency == home else [home]
    into = rng.choice([money for money in choices if money != bill.currency])
    near = 1.0 if rng.random() < 0.55 else 1 + rng.uniform(-0.02, 0.02)
    when = rng.choice([bill.day, bill.day, bill.posted])
    changed = money(float(bill.amount) * rate(bill.currency, into, when) * near)
    return replace(again(house, bill), currency=into, amount=changed) if changed > 5 else None


TWINS: dict[str, Callable[[House, Bill], Bill | None]] = {
    "exact": exact,
    "format": format_,
    "ocr": ocr,
    "typo": typo,
    "suffix": suffix,
    "vendor": vendor,
    "date": date_,
    "penny": penny,
    "entity": entity,
    "currency": currency,
}
UNRELATED = ("renumbered", "split")
CLASSES = (*TWINS, *UNRELATED)
# On a bill whose amount the firm charges again and again, only these still show that it is one bill.
NUMBER_TELLS = ("exact", "format", "suffix", "vendor", "entity", "currency")


def blur(house: House, copy: Bill, kind: str) -> Bill:
    """A second, light noise, as in life: the text typed anew, the order left out, the date or the number moved."""
    rng = house.rng
    if kind == "exact":
        return copy
    if copy.text and rng.random() < 0.35:
        copy.text = retell(rng, copy.text) if rng.random() < 0.7 else None
    if copy.po and rng.random() < 0.15:
        copy.po = None
    if kind in ("format", "suffix", "vendor", "penny", "entity", "currency") and rng.random() < 0.12:
        copy.day += timedelta(rng.choice([-1, 1, 1, 2, 3]))
    if kind in ("vendor", "date", "penny", "entity", "currency") and rng.random() < 0.15:
        copy.number = reformat(rng, copy.number)
    if kind != "vendor" and rng.random() < max(house.sloppy, 0.02):
        copy.name = other_name(rng, copy.firm.records[copy.record].name, copy.firm.country.towns)
    return copy


def tellable(bill: Bill) -> bool:
    """Whether a bill under an unrelated number could still be known by its order or its uneven amount."""
    return bill.fair == 2 and not bill.credit and bill.amount > 60 and bool(bill.po or bill.amount % 10)


def renumbered(house: House, bill: Bill) -> Bill:
    """The same work billed again, days to months later, under the supplier's next number."""
    rng = house.rng
    day = min(
        bill.day + timedelta(int(min(3 + rng.expovariate(1 / 35), 150))), max(house.last(), bill.day + timedelta(3))
    )
    copy = replace(bill, day=day, posted=max(house.posted(day), bill.posted), fair=0)
    if copy.text and copy.po and rng.random() < 0.3:
        copy.text = retell(rng, copy.text)
    elif copy.po and copy.text and bill.amount % 10 and rng.random() < 0.2:
        copy.po = None
    return copy


def split(house: House, whole: Bill, parts: int) -> tuple[list[Bill], str]:
    """The bill again in parts that add up to it, and how the parts are numbered: 'same', 'suffixed' or 'own'."""
    rng = house.rng
    mode = rng.choices(["same", "suffixed", "own"], [3, 3, 4])[0]
    shares = _shares(rng, whole.amount, parts, equal=mode != "same" and rng.random() < 0.35)
    day = whole.day + timedelta(rng.choice([0, 0, 0, 1, 3, 7, 14, 30]))
    bills = []
    for share in shares:
        copy = replace(whole, amount=share, day=day, posted=max(house.posted(day), whole.posted), fair=0)
        if copy.text and copy.po and rng.random() < 0.3:
            copy.text = retell(rng, copy.text)
        bills.append(copy)
        day += timedelta(rng.choice([0, 0, 0, 1, 7, 30] if whole.po else [0, 0, 1, 2]))
    return bills, mode


def _shares(rng: Random, amount: Decimal, parts: int, equal: bool) -> list[Decimal]:
    """Amounts that add up to `amount`, no two the same unless they are to be equal."""
    if equal:
        shares = [(amount / parts).quantize(CENT)] * (parts - 1)
    else:
        weights = [Decimal(weight) for weight in rng.sample(range(15, 60), parts)]
        shares = [(amount * weight / sum(weights)).quantize(CENT) for weight in weights[:-1]]
        if rng.random() < 0.4:
            shares = [share.quantize(Decimal(10)).quantize(CENT) if share > 200 else share for share in shares]
    shares.append(amount - sum(shares))
    return shares if equal or len(set(shares)) == parts else _shares(rng, amount, parts, equal)


def number_parts(rng: Random, whole: Bill, parts: list[Bill], mode: str) -> None:
    """The parts' numbers from the whole's: the very same, or with what a clerk puts behind it."""
    if mode == "own":
        return
    style = rng.choice(["{}-{}", "{}/{}", "{}.{}", "{} {}", "{}_{}"])
    names = rng.choice(["123", "ABC", "abc"])
    for turn, part in enumerate(parts):
        stem = re.sub(r"\s+$", "", whole.number)
        part.number = whole.number if mode == "same" else style.format(stem, names[turn])
