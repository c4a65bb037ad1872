"""The company that keeps the third ledger: its size, habits and columns, drawn afresh for every seed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from evals.third_words import COUNTRIES, Country

CENT = Decimal("0.01")


def money(value: float) -> Decimal:
    """A float in cents."""
    return Decimal(value).quantize(CENT)


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns the company's export fills at all."""

    vendor_id: bool
    name: bool
    tax: bool
    iban: bool
    po: bool
    text: bool
    posting: bool
    credit_type: bool
    """False: a credit note is an invoice below zero."""


@dataclass(slots=True, eq=False)
class House:
    """One company. Shares and rates lie in 0..1; `lag` is the median days from a bill's date to its posting."""

    rng: Random
    country: Country
    abroad: tuple[Country, ...]
    foreign: float
    entities: tuple[str, ...]
    weights: tuple[float, ...]
    first: date
    days: int
    columns: Columns
    credits_below_zero: bool
    own_masters: bool
    ascii_only: bool
    capitals: bool
    spaced_iban: bool
    text_width: int
    lag: float
    run_days: tuple[int, ...]
    sloppy: float
    """How often a clerk types a number or name another way than the vendor prints it."""
    misread: float
    texts: float
    orders: float
    period_texts: bool
    level: float
    po_style: str
    id_style: str
    vendor_style: str
    shuffled: bool
    _orders: int = 0
    _vendors: int = 0
    _ids: dict[tuple[str, int], str] = field(default_factory=dict)

    def last(self) -> date:
        """The ledger's last day."""
        return self.first + timedelta(self.days)

    def day(self) -> date:
        """A day of the ledger, seldom on a weekend."""
        day = self.first + timedelta(self.rng.randrange(self.days))
        if day.weekday() > 4 and self.rng.random() < 0.9:
            day -= timedelta(day.weekday() - 4)
        return max(day, self.first)

    def posted(self, day: date) -> date:
        """When a bill of that day was booked: some days later, on the days on which the clerks book."""
        booked = day + timedelta(min(int(self.rng.lognormvariate(0.0, 0.8) * self.lag), 120))
        while booked.weekday() not in self.run_days:
            booked += timedelta(1)
        return booked

    def entity(self) -> int:
        return self.rng.choices(range(len(self.entities)), self.weights)[0]

    def order(self) -> str:
        """A new purchase order's number."""
        self._orders += self.rng.randint(1, 9)
        return self.po_style.format(n=self._orders)

    def vendor(self) -> str:
        """A new number in the vendor master."""
        self._vendors += self.rng.randint(1, 30)
        return self.vendor_style.format(n=self._vendors)

    def vendor_at(self, vendor: str, entity: int) -> str:
        """The vendor's number in this entity: the same everywhere, or its own where each entity keeps a master."""
        if not self.own_masters or not entity:
            return vendor
        key = (vendor, entity)
        if key not in self._ids:
            self._ids[key] = self.vendor()
        return self._ids[key]


def _columns(rng: Random) -> Columns:
    names = rng.random()
    telling = names > 0.92
    return Columns(
        vendor_id=names > 0.07,
        name=not telling,
        tax=telling or rng.random() < 0.55,
        iban=rng.random() < 0.5,
        po=rng.random() < 0.72,
        text=rng.random() < 0.72,
        posting=rng.random() < 0.88,
        credit_type=rng.random() < 0.75,
    )


def _entities(rng: Random) -> tuple[tuple[str, ...], tuple[float, ...]]:
    count = rng.choice([2, 2, 2, 3, 3, 4, 6, 9, 14])
    style = rng.choice(["{n}000", "{n:02}", "E{n}", "{t}", "BU-{n:03}", "{t}{n:02}", "1{n}0"])
    towns = rng.sample([t for c in COUNTRIES.values() for t in c.towns], count)
    codes = tuple(style.format(n=n + 1, t=towns[n][:3].upper()) for n in range(count))
    if len(set(codes)) < count:
        codes = tuple(f"{n + 1:04}" for n in range(count))
    return codes, tuple((n + 1) ** -rng.uniform(0.3, 2.5) for n in range(count))


def build_house(rng: Random) -> House:
    """A company at random: country, years, entities, habits of its clerks and of its system."""
    country = COUNTRIES[rng.choices(list(COUNTRIES), [6, 6, 5, 3, 3, 2, 3, 2, 2, 2, 2, 2])[0]]
    entities, weights = _entities(rng)
    columns = _columns(rng)
    return House(
        rng=rng,
        country=country,
        abroad=tuple(rng.sample([c for c in COUNTRIES.values() if c is not country], rng.randint(2, 6))),
        foreign=rng.choice([0.02, 0.06, 0.15, 0.35]),
        entities=entities,
        weights=weights,
        first=date(rng.randint(2015, 2023), rng.choice([1, 1, 1, 4, 7, 10]), 1),
        days=rng.choice([430, 430, 548, 730, 730, 1096, 1461]),
        columns=columns,
        credits_below_zero=not columns.credit_type or rng.random() < 0.7,
        own_masters=columns.vendor_id and rng.random() < 0.25,
        ascii_only=rng.random() < 0.3,
        capitals=rng.random() < 0.3,
        spaced_iban=rng.random() < 0.25,
        text_width=rng.choice([20, 25, 40, 50, 80]),
        lag=rng.choice([1.0, 2.0, 4.0, 7.0, 12.0]),
        run_days=rng.choice([(0, 1, 2, 3, 4), (0, 1, 2, 3, 4), (0, 1, 2, 3, 4, 5), (1, 3), (4,)]),
        sloppy=rng.choice([0.0, 0.005, 0.02, 0.06]),
        misread=rng.choice([0.0, 0.002, 0.01]),
        texts=rng.uniform(0.6, 1.0),
        orders=rng.uniform(0.15, 0.9),
        period_texts=rng.random() < 0.65,
        level=rng.choice([0.3, 1.0, 1.0, 3.0]) * {"INR": 60, "ZAR": 15, "SEK": 10, "PLN": 4}.get(country.currency, 1),
        po_style=rng.choice(["45{n:08}", "PO-{n:05}", "PO{n:06}", "B{n}", "{n:07}", "P/{n:05}", "BEST-{n}"]),
        id_style=rng.choice(["{n}", "{n:08}", "51{n:08}", "AP-{n:06}", "DOC{n:07}", "{n:06x}", "{y}-{n:06}"]),
        vendor_style=rng.choice(["{n}", "V{n:05}", "7{n:05}", "{n:010}", "SUP-{n:04}", "K{n}"]),
        shuffled=rng.random() < 0.2,
    )
