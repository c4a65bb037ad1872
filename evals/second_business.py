"""Ordinary business of the second ledger generator: what is billed once, and what only looks as if it came twice.

The kinds of look-alike, each an honest pair that rules flag and a person has to clear:
recurring_sequence: rent or a contract, the same amount every period under the next number.
recurring_reference: the same, under one reference that never changes (landlords, telecoms): number and amount agree.
same_day: several deliveries of one price on one day, each with its own note.
instalments: parts of one order, equal amounts, often ORDER/1, ORDER/2.
credit_and_rebill: an invoice, the credit note that cancels it whole, and the invoice written anew: paid once.
two_entities: a supplier bills two companies of the group the same share on the same day, each with its own number.
number_restarts: the counter starts again in January, so number 17 exists once a year.
chance_amount: equal amounts by accident, different work.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from evals.second_suppliers import REFERENCE, Supplier, description_of, digits, make_supplier, number_of
from evals.second_writing import pick

HARD_NEGATIVES = (
    "recurring_sequence",
    "recurring_reference",
    "same_day",
    "instalments",
    "credit_and_rebill",
    "two_entities",
    "number_restarts",
    "chance_amount",
)
FIRST_DAY, DAYS, LAST_YEAR = date(2022, 1, 1), 1096, 2024
_SAME_CURRENCY = ((0, 1), (2, 3), (3, 4))
_LEAST = 500  # cents: nobody bills less


@dataclass(frozen=True, slots=True)
class Slot:
    """One invoice before it is numbered. `supplier` is a place in Business.suppliers, `entity` one in ENTITIES,
    `cents` signed. `staged`: part of an arranged look-alike, hence never a source of a twin. `part`: (first slot of
    the event, place in it) where the number continues the first one's."""

    supplier: int
    day: date
    cents: int
    entity: int
    po: str | None = None
    text: str | None = None
    doc_type: str = "invoice"
    staged: bool = False
    part: tuple[int, int] | None = None


@dataclass(slots=True)
class Business:
    """Slots being collected; pairs and groups hold places in `slots`."""

    rng: np.random.Generator
    suppliers: list[Supplier] = field(default_factory=list)
    slots: list[Slot] = field(default_factory=list)
    pairs: list[tuple[int, int, str]] = field(default_factory=list)
    groups: list[tuple[tuple[int, ...], str]] = field(default_factory=list)

    def add(self, slot: Slot) -> int:
        """The place of the added slot."""
        self.slots.append(slot)
        return len(self.slots) - 1

    def relate(self, places: list[int], kind: str) -> None:
        """Every neighbouring two of these places as a look-alike pair."""
        self.pairs += [(left, right, kind) for left, right in pairwise(places)]


def weekday(day: date) -> date:
    """The day, or the Friday before a weekend; within the years of the ledger."""
    friday = day - timedelta(days=max(0, day.weekday() - 4))
    return friday if friday >= FIRST_DAY else day + timedelta(days=7 - day.weekday())


def cents_of(supplier: Supplier, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """`count` amounts in cents as this supplier charges, shape (count,)."""
    if supplier.prices:
        drawn = rng.choice(np.array(supplier.prices, dtype=np.int64), count)
    else:
        drawn = np.exp(rng.normal(supplier.centre, supplier.spread, count)).astype(np.int64)
        if supplier.pricing == "round":
            drawn = (drawn // 10_000 + 1) * 10_000
    charged: NDArray[np.int64] = np.maximum(drawn, _LEAST)
    return charged


def _recurring(business: Business, rows: int) -> None:
    rng, longest = business.rng, max(2, rows // 4)  # so that a small ledger has both kinds too
    while rows > 0:
        place = len(business.suppliers)
        supplier = make_supplier(rng, place, recurring=True)
        business.suppliers.append(supplier)
        weekly = supplier.rhythm == "weekly"
        periods = min(rows, longest, int(rng.integers(10, 60 if weekly else 37)))
        cents = int(cents_of(supplier, 1, rng)[0])
        raised = int(rng.integers(0, periods)) if rng.random() < 0.3 else periods
        begin, day_of_month = int(rng.integers(0, DAYS - 7 * 60)), int(rng.integers(1, 29))
        first_month = int(rng.integers(0, 37 - periods)) if not weekly else 0
        order = f"CT{digits(rng, 5)}" if rng.random() < 0.3 else None
        places = []
        for period in range(periods):
            month = first_month + period
            day = date(FIRST_DAY.year + month // 12, month % 12 + 1, day_of_month) if not weekly else FIRST_DAY
            day = FIRST_DAY + timedelta(days=begin + 7 * period) if weekly else day
            charged = cents + cents // 30 * (period >= raised)
            text = description_of(supplier, day, rng)
            places.append(business.add(Slot(place, day, charged, supplier.entities[0], order, text)))
        same = supplier.numbering == REFERENCE
        business.relate(places, "recurring_reference" if same else "recurring_sequence")
        rows -= periods


def _irregular(business: Business, members: list[int], rows: int) -> None:
    """Ordinary invoices: few suppliers send most of them."""
    rng = business.rng
    weights = np.minimum(rng.pareto(1.2, len(members)) + 0.15, 15)
    for place, count in zip(members, rng.multinomial(rows, weights / weights.sum()), strict=True):
        supplier = business.suppliers[place]
        orders = [f"45{digits(rng, 8)}" for _ in range(1 + int(count) // 4)]
        offsets = rng.integers(0, DAYS, count)
        ordered = rng.random(count) < supplier.order_share
        worded = rng.random(count) < 0.9
        for offset, cents, order, text in zip(offsets, cents_of(supplier, count, rng), ordered, worded, strict=True):
            day = weekday(FIRST_DAY + timedelta(days=int(offset)))
            described = description_of(supplier, day, rng) if text else None
            po = pick(rng, orders) if order else None
            business.add(Slot(place, day, int(cents), pick(rng, supplier.entities), po, described))


def _arrange(business: Business, members: list[int], kind: str) -> None:
    """One event of that kind, at a random supplier and day."""
    rng = business.rng
    place = pick(rng, members)
    supplier = business.suppliers[place]
    day = weekday(FIRST_DAY + timedelta(days=int(rng.integers(0, DAYS - 200))))
    cents = int(cents_of(supplier, 1, rng)[0])
    order = f"45{digits(rng, 8)}" if rng.random() < 0.6 else None
    text = description_of(supplier, day, rng)
    first = Slot(place, day, cents, pick(rng, supplier.entities), order, text, staged=True)
    match kind:
        case "same_day":
            notes = [description_of(supplier, day, rng) for _ in range(int(rng.integers(2, 5)))]
            business.relate([business.add(replace(first, text=note)) for note in notes], kind)
        case "instalments":
            first = replace(first, po=order or f"45{digits(rng, 8)}")
            start, count, slashed = len(business.slots), int(rng.integers(2, 5)), rng.random() < 0.5
            for part in range(count):
                due = weekday(day + timedelta(days=30 * part))
                wording = f"{text}, {part + 1} of {count}"
                business.add(replace(first, day=due, text=wording, part=(start, part + 1) if slashed else None))
            business.relate(list(range(start, start + count)), kind)
        case "credit_and_rebill":
            credited, again = (day + timedelta(days=int(days)) for days in (rng.integers(3, 30), rng.integers(30, 50)))
            corrected = cents if rng.random() < 0.5 else max(_LEAST, int(cents * rng.uniform(0.8, 1.1)))
            note = replace(first, day=credited, cents=-cents, doc_type="credit_note", text=f"Credit: {text}")
            places = [business.add(slot) for slot in (first, note, replace(first, day=again, cents=corrected))]
            business.groups.append((tuple(places), kind))
            business.relate(places, kind)
            business.pairs.append((places[0], places[2], kind))
        case "two_entities":
            left, right = pick(rng, _SAME_CURRENCY)
            for month in range(int(rng.integers(1, 5))):
                billed = replace(first, day=weekday(day + timedelta(days=30 * month)), po=None)
                business.relate([business.add(replace(billed, entity=entity)) for entity in (left, right)], kind)
        case "chance_amount":
            other = place if rng.random() < 0.5 else pick(rng, members)
            later = weekday(day + timedelta(days=int(rng.integers(3, 45))))
            wording = description_of(business.suppliers[other], later, rng)
            second = replace(first, supplier=other, day=later, po=None, text=wording)
            business.relate([business.add(first), business.add(second)], kind)
        case "number_restarts":
            place = pick(rng, [member for member in members if business.suppliers[member].numbering == "restarts"])
            amounts = cents_of(business.suppliers[place], 3, rng)
            for year, charged in zip(range(FIRST_DAY.year, LAST_YEAR + 1), amounts, strict=True):
                january = date(year, 1, int(rng.integers(3, 29)))
                wording = description_of(business.suppliers[place], january, rng)
                business.add(replace(first, supplier=place, day=january, cents=int(charged), po=None, text=wording))


def run_business(rows: int, rng: np.random.Generator) -> Business:
    """`rows` invoices without a duplicate among them: a quarter recurring, some arranged, the rest plain."""
    business = Business(rng)
    _recurring(business, rows // 4)
    first = len(business.suppliers)
    members = list(range(first, first + max(24, rows // 50)))
    business.suppliers += [make_supplier(rng, place, recurring=False) for place in members]
    for _ in range(max(2, rows // 250)):
        for kind in HARD_NEGATIVES[2:]:
            _arrange(business, members, kind)
    _irregular(business, members, rows - len(business.slots))
    return business


def _period(supplier: Supplier, day: date) -> tuple[int, ...]:
    """The stretch of time within which this supplier counts up."""
    match supplier.numbering:
        case "year" | "restarts":
            return (day.year,)
        case "account":
            return (day.year, day.month)
        case "dated":
            return (day.year, day.month, day.day)
        case _:
            return ()


def number_slots(business: Business) -> tuple[list[str], list[int]]:
    """The printed number and the serial of every slot, and the pairs of numbers that came round again.

    Numbers follow the invoice dates, with the gaps that a supplier's other customers leave.
    """
    rng, slots = business.rng, business.slots
    numbers, serials = [""] * len(slots), [0] * len(slots)
    last: dict[tuple[int, tuple[int, ...]], int] = {}
    seen: dict[tuple[int, str], int] = {}
    related = {(left, right) for left, right, _ in business.pairs}
    for place in sorted(range(len(slots)), key=lambda place: (slots[place].day, place)):
        slot = slots[place]
        supplier = business.suppliers[slot.supplier]
        counter = (slot.supplier, _period(supplier, slot.day))
        gap = int(rng.poisson(supplier.gap)) if not counter[1] or supplier.numbering == "year" else 0
        serials[place] = last[counter] = last.get(counter, 0) + 1 + gap
        number = number_of(supplier, serials[place], slot.day, rng)
        if slot.part:
            begin, part = slot.part
            number = f"{numbers[begin].removesuffix('/1') if part > 1 else number}/{part}"
        elif slot.doc_type == "credit_note" and supplier.width == 5:
            number = f"CN{number}"
        numbers[place] = number
        before = seen.get((slot.supplier, number))
        if supplier.numbering == "restarts" and before is not None and (before, place) not in related:
            business.pairs.append((before, place, "number_restarts"))
        seen[slot.supplier, number] = place
    return numbers, serials
