"""Bills that look alike and are all owed: one function per habit of suppliers, each a group that is no duplicate.

Each returns the group's bills, fewer than two where the ledger gives no room for it. Groups whose bills share number,
amount and day tell themselves apart by their text, and are made only where the export has one.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from models.pair_works_desk import Desk, Draft
from models.pair_works_steady import (
    freight_daily,
    group_contract,
    many_lines,
    numbers_restart,
    recurring_reference,
    recurring_sequence,
    sister_vendors,
)  # fmt: skip
from models.pair_works_supplier import Supplier


def same_day(desk: Desk, supplier: Supplier) -> list[Draft]:
    """Several deliveries of the same thing on one day, each billed on its own."""
    rng, day, cents, item = desk.rng, desk.day(), desk.cents(supplier), desk.item(supplier)
    entity, order = rng.choice(supplier.entities), desk.order(supplier, day)
    note = rng.randint(10000, 9999999)
    return [
        desk.draft(
            supplier,
            day,
            cents,
            po=order if rng.random() < 0.8 else desk.order(supplier, day),
            entity=entity,
            text=rng.choice((f"{item} LS {note + at}", f"{item} DN{note + at}", item)),
        )
        for at in range(rng.choice((2, 2, 3, 4, 6)))
    ]


def instalments(desk: Desk, supplier: Supplier) -> list[Draft]:
    """Equal stage bills on one order, weeks apart, numbered in sequence or within the order."""
    rng, start, item = desk.rng, desk.day(), desk.item(supplier)
    count, cents, entity = rng.choice((2, 3, 4, 6)), desk.cents(supplier, 4), rng.choice(supplier.entities)
    order, root = desk.order(supplier, start), desk.fresh_number(supplier, start)
    inner, gap = rng.random() < 0.4, rng.choice((7, 14, 30, 30))
    word = rng.choice(("stage", "instalment", "AR", "Abschlag", "AZ", "acompte", "application", "valuation"))
    made = []
    for at in range(1, count + 1):
        day = start + timedelta(days=gap * at + rng.randint(-2, 2))
        number = f"{root}{rng.choice('-/.')}{at}" if inner else ""
        part = cents if rng.random() < 0.85 else desk.cents(supplier, 4)
        made.append(
            desk.draft(supplier, day, part, po=order, text=f"{item} {word} {at}/{count}", entity=entity, number=number)
        )
    return [draft for draft in made if draft.day <= desk.house.last]


def credit_rebill(desk: Desk, supplier: Supplier) -> list[Draft]:
    """A bill, the credit note that takes it back, and the bill that came instead; or a booking reversed and redone."""
    rng, day, cents = desk.rng, desk.day(), desk.cents(supplier)
    entity, order, text = rng.choice(supplier.entities), desk.order(supplier, day), desk.item(supplier)
    first = desk.fresh_number(supplier, day)
    back, again = day + timedelta(days=rng.randint(1, 40)), day + timedelta(days=rng.randint(1, 60))
    again = max(back, again)
    reversal = rng.choice((first, f"ST-{first}", f"{first} STORNO", ""))
    second = rng.choice(("", "", f"{first}R", f"{first}-1", first, f"{first}/N"))
    return [
        desk.draft(supplier, day, cents, po=order, text=text, entity=entity, number=first),
        desk.draft(supplier, back, -cents, text=f"{rng.choice(('credit', 'Storno', 'reversal', 'avoir'))} {first}",
                   entity=entity, number=reversal, keep=True),
        desk.draft(supplier, day if second == first else again, cents, po=order, text=text, entity=entity,
                   number=second),
    ]  # fmt: skip


def refund_repaid(desk: Desk, supplier: Supplier) -> list[Draft]:
    """A payment the bank sent back, or a refund, and the same debt paid anew under its own number."""
    rng, day, cents = desk.rng, desk.day(), desk.cents(supplier)
    entity, number = rng.choice(supplier.entities), desk.fresh_number(supplier, day)
    back = day + timedelta(days=rng.randint(2, 20))
    word = rng.choice(("payment returned", "refund", "Rückläufer", "bounced", "wrong account"))
    again = rng.choice(("re-payment", "paid again after return", "Neuzahlung"))
    return [
        desk.draft(supplier, day, cents, text=desk.item(supplier), entity=entity, number=number),
        desk.draft(supplier, back, -cents, text=f"{word} {number}", entity=entity, number=number, keep=True),
        desk.draft(supplier, back + timedelta(days=rng.randint(0, 15)), cents, text=f"{again} {number}", entity=entity,
                   number=number, keep=True),
    ]  # fmt: skip


def chance_amount(desk: Desk, supplier: Supplier) -> list[Draft]:
    """The same amount by chance: one supplier twice, or two suppliers who never heard of each other."""
    rng, day, cents = desk.rng, desk.day(), desk.cents(supplier)
    other = supplier if rng.random() < 0.6 else rng.choice(desk.suppliers)
    used = desk.amounts.setdefault(other.at, set())
    if other.currency != supplier.currency or (other is not supplier and cents in used):
        other = supplier
    used.add(cents)
    second = desk.day() if other is supplier or rng.random() < 0.5 else day
    return [
        desk.draft(supplier, day, cents, po=desk.order(supplier, day), text=desk.item(supplier)),
        desk.draft(other, second, cents, po=desk.order(other, second), text=desk.item(other)),
    ]


def price_list(desk: Desk, supplier: Supplier) -> list[Draft]:
    """An item at its list price, ordered now and then all year."""
    rng, cents, item = desk.rng, desk.cents(supplier), desk.item(supplier)
    year = rng.randint(desk.house.first.year, desk.house.last.year)
    first, last = max(date(year, 1, 1), desk.house.first), min(date(year, 12, 31), desk.house.last)
    days = sorted(desk.day(first=first, last=last) for _ in range(rng.choice((2, 3, 5, 8))))
    return [desk.draft(supplier, day, cents, po=desk.order(supplier, day), text=item) for day in days]


def batch_number(desk: Desk, supplier: Supplier) -> list[Draft]:
    """One collective bill booked line by line: every line carries its number, some the same amount."""
    rng, day = desk.rng, desk.day()
    number, entity, cents = desk.fresh_number(supplier, day), rng.choice(supplier.entities), desk.cents(supplier, 0.3)
    even = desk.house.has("description") and rng.random() < 0.5
    start = rng.randint(100000, 999999)
    return [
        desk.draft(
            supplier,
            day,
            cents if even and rng.random() < 0.5 else desk.cents(supplier, 0.3),
            entity=entity,
            number=number,
            text=f"{desk.item(supplier)} {start + at * rng.randint(1, 3) * 7}-{at}",
            keep=True,
        )
        for at in range(rng.choice((2, 3, 5, 8, 12)))
    ]


def near_numbers(desk: Desk, supplier: Supplier) -> list[Draft]:
    """Bills that follow each other in number, a few days apart, over equal amounts: separate orders all the same."""
    rng, day, cents, entity = desk.rng, desk.day(), desk.cents(supplier), desk.rng.choice(supplier.entities)
    days = [
        min(day + timedelta(days=rng.choice((0, 0, 1, 2, 5))), desk.house.last) for _ in range(rng.choice((2, 2, 3)))
    ]
    return [
        desk.draft(supplier, when, cents, po=desk.order(supplier, when), text=desk.item(supplier), entity=entity)
        for when in days
    ]


def advance_settled(desk: Desk, supplier: Supplier) -> list[Draft]:
    """A down payment billed, then the whole, and the down payment taken off by a credit: paid once in the end."""
    rng, day, item = desk.rng, desk.day(), desk.item(supplier)
    whole, entity, order = desk.cents(supplier, 4), rng.choice(supplier.entities), desk.order(supplier, day)
    part = whole * rng.choice((10, 20, 30, 50)) // 100 + 7
    desk.amounts[supplier.at].add(part)
    later = min(day + timedelta(days=rng.randint(14, 120)), desk.house.last)
    return [
        desk.draft(
            supplier,
            day,
            part,
            po=order,
            text=f"{rng.choice(('down payment', 'Anzahlung', 'acompte'))} {item}",
            entity=entity,
        ),
        desk.draft(
            supplier,
            later,
            whole,
            po=order,
            text=f"{item} {rng.choice(('final', 'Schlussrechnung', 'solde'))}",
            entity=entity,
        ),
        desk.draft(supplier, later, -part, po=order, text=f"less down payment {item}", entity=entity, keep=True),
    ]


Maker = Callable[[Desk, Supplier], list[Draft]]
_EVERYWHERE: dict[str, Maker] = {
    "chance_amount": chance_amount,
    "credit_rebill": credit_rebill,
    "sister_vendors": sister_vendors,
}
_STEADY: dict[str, Maker] = {
    "recurring_sequence": recurring_sequence, "recurring_same_reference": recurring_reference,
    "group_contract": group_contract, "numbers_restart": numbers_restart,
}  # fmt: skip
_WARES: dict[str, Maker] = {
    "same_day_deliveries": same_day, "near_numbers": near_numbers, "price_list": price_list,
    "advance_settled": advance_settled,
    "batch_number": batch_number, "refund_repaid": refund_repaid, "instalments": instalments,
}  # fmt: skip
_LINES: dict[str, Maker] = {**_STEADY, "many_lines": many_lines, "refund_repaid": refund_repaid}
HARD: dict[str, dict[str, Maker]] = {
    "goods": {**_EVERYWHERE, **_WARES, "group_contract": group_contract, "numbers_restart": numbers_restart},
    "freight": {**_EVERYWHERE, **_WARES, "freight_daily": freight_daily},
    "stage": {**_EVERYWHERE, "instalments": instalments, "advance_settled": advance_settled},
    "lease": {**_EVERYWHERE, **_LINES},
    "telecom": {**_EVERYWHERE, **_LINES},
    "service": {
        **_EVERYWHERE,
        **_STEADY,
        "instalments": instalments,
        "price_list": price_list,
        "refund_repaid": refund_repaid,
    },
    "energy": {**_EVERYWHERE, **_LINES, "instalments": instalments},
    "staff": {
        **_EVERYWHERE,
        "near_numbers": near_numbers,
        "recurring_sequence": recurring_sequence,
        "price_list": price_list,
    },
    "insurance": {**_EVERYWHERE, **_LINES},
}
