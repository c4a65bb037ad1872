"""Bills that come back: contracts, lines, tours, yearly numbers, one fee for many. All owed; see pair_works_hard."""

from __future__ import annotations

from datetime import date, timedelta

from models.pair_works_desk import Desk, Draft
from models.pair_works_supplier import Supplier


def months(desk: Desk, most: int) -> list[date]:
    """One day a month (or quarter), from a random month on, within the ledger."""
    rng, house = desk.rng, desk.house
    step = rng.choice((1, 1, 1, 1, 3))
    day, at = rng.choice((1, 1, 3, 10, 15, 28)), house.first.year * 12 + house.first.month
    at += rng.randint(0, 3)
    found: list[date] = []
    while len(found) < most:
        when = date(at // 12, at % 12 + 1, day) + timedelta(days=rng.choice((0, 0, 0, 1, 2)))
        if when > house.last:
            break
        found.append(when)
        at += step
    return found


def period(desk: Desk, day: date, item: str) -> str:
    return desk.rng.choice((f"{item} {day:%m/%Y}", f"{item} {day:%b %Y}", item, f"{item} {day:%Y-%m}"))


def _reference(desk: Desk) -> str:
    rng = desk.rng
    return rng.choice((
        f"{rng.randint(10**6, 10**9)}", f"V-{rng.randint(10000, 99999)}",
        f"0{rng.randint(151, 179)} {rng.randint(10**6, 10**7)}",
        f"LEASE {rng.randint(1000, 9999)}-{rng.randint(1, 20):02d}", f"KD{rng.randint(10000, 999999)}",
        f"MV/{rng.randint(100, 999)}",
        f"CONTRACT {rng.randint(100, 9999)}", f"{rng.randint(100, 999)}.{rng.randint(100, 999)}.{rng.randint(10, 99)}",
    ))  # fmt: skip


def recurring_sequence(desk: Desk, supplier: Supplier) -> list[Draft]:
    """The same fee every month, each with the supplier's next number."""
    cents, item, entity = desk.cents(supplier), desk.item(supplier), desk.rng.choice(supplier.entities)
    days = months(desk, desk.rng.choice((3, 6, 12, 12, 24)))
    return [desk.draft(supplier, day, cents, text=period(desk, day, item), entity=entity) for day in days]


def recurring_reference(desk: Desk, supplier: Supplier) -> list[Draft]:
    """The same fee every month under the contract's number, again and again; now and then the fee goes up."""
    item, entity, number = desk.item(supplier), desk.rng.choice(supplier.entities), _reference(desk)
    cents, made = desk.cents(supplier), []
    for day in months(desk, desk.rng.choice((3, 6, 12, 12, 24))):
        made.append(desk.draft(supplier, day, cents, text=period(desk, day, item), entity=entity, number=number))
        if desk.rng.random() < 0.05:
            cents = desk.cents(supplier)
    return made


def group_contract(desk: Desk, supplier: Supplier) -> list[Draft]:
    """A group contract: every entity gets its own bill over the same share, month by month."""
    rng, count = desk.rng, len(desk.house.entities)
    if count < 2:
        return []
    entities = rng.sample(range(count), min(count, rng.choice((2, 2, 3, 4))))
    cents, item, days = desk.cents(supplier), desk.item(supplier), months(desk, rng.choice((1, 3, 6, 12)))
    how = rng.choice(("own", "own", "own", "part", "same" if desk.house.has("description") else "part"))
    made = []
    for day in days:
        root = desk.fresh_number(supplier, day) if how != "own" else ""
        for at, entity in enumerate(entities, start=1):
            number = f"{root}-{at:02d}" if how == "part" else root
            word = rng.choice(("share", "allocation", "Umlage"))
            text = f"{item} {word} {at}/{len(entities)} {desk.house.entities[entity].code}"
            made.append(desk.draft(supplier, day, cents, text=text, entity=entity, number=number, keep=how == "same"))
    return made


def numbers_restart(desk: Desk, supplier: Supplier) -> list[Draft]:
    """A small number that comes back every year because the supplier starts anew; the fee may be the same."""
    rng, house = desk.rng, desk.house
    years = range(house.first.year, house.last.year + 1)
    number, cents, item = (
        rng.choice(("{}", "{:03d}", "R{}", "{:02d}")).format(rng.randint(1, 40)),
        desk.cents(supplier),
        desk.item(supplier),
    )
    month, entity, steady = rng.randint(1, 12), rng.choice(supplier.entities), rng.random() < 0.6
    days = [date(year, month, rng.randint(1, 28)) for year in years]
    return [
        desk.draft(supplier, day, cents if steady else desk.cents(supplier), text=f"{item} {day.year}",
                   entity=entity, number=number)
        for day in days if house.first <= day <= house.last
    ]  # fmt: skip


def many_lines(desk: Desk, supplier: Supplier) -> list[Draft]:
    """Telephone lines, policies, vehicles: the same fee on the same day each, under own or one shared number."""
    rng, cents, item = desk.rng, desk.cents(supplier, 0.3), desk.item(supplier)
    entity, count = rng.choice(supplier.entities), rng.choice((2, 3, 4, 6))
    names = [
        rng.choice((_reference(desk), f"{rng.choice('ABHKM')}-{rng.choice('XYLS')} {rng.randint(100, 9999)}"))
        for _ in range(count)
    ]
    how = rng.choice(("own", "name", "together" if desk.house.has("description") else "name"))
    made = []
    for day in months(desk, rng.choice((1, 1, 2, 4))):
        shared = desk.fresh_number(supplier, day)
        for name in dict.fromkeys(names):
            number = {"own": "", "name": name, "together": shared}[how]
            made.append(
                desk.draft(
                    supplier, day, cents, text=f"{item} {name}", entity=entity, number=number, keep=how == "together"
                )
            )
    return made


def freight_daily(desk: Desk, supplier: Supplier) -> list[Draft]:
    """The same tour every working day at the same rate, a bill a day."""
    rng, cents, start = desk.rng, desk.cents(supplier, 0.4), desk.day()
    tour, entity = f"{desk.item(supplier)} tour {rng.randint(1, 80)}", rng.choice(supplier.entities)
    days = [start + timedelta(days=at) for at in range(rng.choice((3, 5, 10, 14, 28)))]
    return [
        desk.draft(supplier, day, cents, text=rng.choice((tour, f"{tour} {day:%d.%m.}")), entity=entity)
        for day in days if day.weekday() < 5 and day <= desk.house.last
    ]  # fmt: skip


def sister_vendors(desk: Desk, supplier: Supplier) -> list[Draft]:
    """Two firms of one family, nearly the same name, charging the same in the same month."""
    if supplier.sister < 0:
        return []
    other, cents, rng = desk.suppliers[supplier.sister], desk.cents(supplier), desk.rng
    used = desk.amounts.setdefault(other.at, set())
    if other.currency != supplier.currency or cents in used:
        return []
    used.add(cents)
    item, days = desk.item(supplier), months(desk, rng.choice((1, 1, 3)))
    number = str(rng.randint(1, 300)) if rng.random() < 0.15 and len(days) == 1 else ""
    return [
        desk.draft(firm, day, cents, text=period(desk, day, item), number=number)
        for day in days
        for firm in (supplier, other)
    ]
