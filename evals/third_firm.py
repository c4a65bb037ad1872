"""The suppliers of the third ledger: names, bank and tax data, how each numbers and prices its bills."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from random import Random

from evals.third_house import CENT, House, money
from evals.third_words import FEES, GOODS, SYLLABLES, WORK, Country, words


@dataclass(slots=True, eq=False)
class Record:
    """One line of the vendor master."""

    vendor: str
    name: str
    tax: str | None
    iban: str | None


@dataclass(slots=True, eq=False)
class Firm:
    """One supplier. `reserved` holds the amounts that only a planted group may use, `used` every amount it billed."""

    country: Country
    records: list[Record]
    scheme: str
    tag: str
    yearly: bool
    gap: float
    serial: int
    pricing: str
    prices: tuple[Decimal, ...]
    scale: float
    items: tuple[str, ...]
    order_share: float
    second_share: float
    code: int
    site: int
    year: int = 0
    written: set[str] = field(default_factory=set)
    used: set[Decimal] = field(default_factory=set)
    reserved: set[Decimal] = field(default_factory=set)
    order: str | None = None

    def write(self, rng: Random, day: date, step: int = 0) -> str:
        """The next number this supplier prints on a bill of `day`; `step` says how far to count on (0: as usual)."""
        if self.yearly and day.year != self.year:
            self.serial = 0 if self.year else self.serial % 500
            self.year = day.year
        self.serial += step or 1 + int(rng.expovariate(1 / self.gap))
        number = self._form(rng, day)
        while number in self.written:
            self.serial += 1
            number = self._form(rng, day)
        self.written.add(number)
        return number

    def _form(self, rng: Random, day: date) -> str:
        letters = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
        return self.scheme.format(
            t=self.tag,
            n=self.serial,
            y=day.year,
            yy=day.year % 100,
            m=day.month,
            d=day.day,
            c=self.code,
            s=self.site,
            zz=day.year % 100 + 1,
            r=rng.randrange(10**7, 10**9),
            x="".join(rng.choices(letters, k=8)),
        )

    def price(self, rng: Random) -> Decimal:
        """What one bill comes to; only free prices are all different."""
        if self.pricing == "tariff":
            amount = rng.choice(self.prices) * rng.choice([1, 1, 1, 2, 3, 4, 5, 6, 10, 12])
        elif self.pricing == "hours":
            amount = (self.prices[0] * rng.randint(4, 360) / 4 * Decimal(str(1 + self.country.vat))).quantize(
                Decimal("0.01")
            )
        elif self.pricing == "round":
            amount = Decimal(max(1, round(rng.lognormvariate(0.0, 0.9) * self.scale / 50)) * 50).quantize(CENT)
        else:
            amount = max(money(rng.lognormvariate(0.0, 1.1) * self.scale), Decimal("2.15"))
        return amount

    def fresh(self, rng: Random) -> Decimal:
        """An amount this supplier has billed nowhere else and will not bill again: kept for a planted group."""
        for _ in range(20):
            amount = self.price(rng)
            if amount not in self.used:
                break
        while amount in self.used:
            amount += Decimal(rng.randint(1, 900)) / 100
        self.used.add(amount)
        self.reserved.add(amount)
        return amount

    def open_price(self, rng: Random) -> Decimal:
        """An everyday amount: free prices are never the same twice, list prices may be."""
        amount = self.price(rng)
        while amount in self.reserved or (self.pricing == "free" and amount in self.used):
            amount += Decimal(rng.randint(1, 900)) / 100
        self.used.add(amount)
        return amount


_PLAIN: tuple[str, ...] = (
    "{n}",
    "{n:05}",
    "{n:06}",
    "{n:08}",
    "{t}{n}",
    "{t}{n:05}",
    "{t}-{n:06}",
    "{t}-{n}",
    "{t} {n}",
    "{c}-{n:04}",
)
_PLAIN += ("{c}/{n}", "{r}", "{r}", "{x}", "{t}{c}{n:04}", "0{n:07}", "{s}{n:06}", "{s}.{n:04}", "{t}#{n}", "{n}/{s}")
_DATED: tuple[str, ...] = (
    "{t}{y}{n:05}",
    "{t}-{y}-{n:04}",
    "{y}/{n:04}",
    "{yy}-{n:05}",
    "{n}/{yy}",
    "{n}/{y}",
    "{yy}{n:05}",
    "{y}-{n}",
)
_DATED += (
    "{t}{yy}{m:02}-{n:04}",
    "{y}{m:02}{d:02}-{n}",
    "{t}/{yy}-{zz}/{n:04}",
    "{t}{yy}-{n:03}",
    "{t} {n}/{m:02}/{y}",
)
_DATED += ("{n:03}/A/{y}", "{t}.{y}.{n:05}", "{yy}.{m:02}.{n:04}", "{c}{yy}{m:02}{n:03}")


def _name(rng: Random, country: Country) -> str:
    form = rng.choice(country.forms)
    person, other = rng.sample(country.people, 2)
    trade, town = rng.choice(country.trades), rng.choice(country.towns)
    coined = "".join(rng.choices(SYLLABLES, k=rng.randint(2, 3))).capitalize()
    initials = "".join(rng.choices("ABCDEFGHKLMNPRSTVW", k=rng.choice([2, 3, 3])))
    body = rng.choice(
        [
            f"{person} {trade}",
            f"{person} {trade}",
            f"{person} & {other} {trade}",
            f"{trade} {town}",
            f"{coined} {trade}",
            f"{coined} {trade}",
            f"{coined}",
            f"{initials} {trade} {town}",
            f"{person}-{other}",
            f"{trade} {person}",
        ]
    )
    return f"{body} {form}".strip()


def _pattern(rng: Random, pattern: str) -> str:
    digits = {"#": "0123456789", "@": "ABCDEFGHKLMNPRSTW"}
    return "".join(rng.choice(digits[sign]) if sign in digits else sign for sign in pattern)


def account(rng: Random, country: Country, spaced: bool) -> str | None:
    """An IBAN with its check digits (ISO 13616), None where the country has none."""
    if not country.iban:
        return None
    bban = _pattern(rng, country.iban)
    value = int("".join(str(int(sign, 36)) for sign in bban + country.code + "00"))
    iban = f"{country.code}{98 - value % 97:02}{bban}"
    return " ".join(iban[at : at + 4] for at in range(0, len(iban), 4)) if spaced else iban


def new_record(house: House, country: Country, name: str) -> Record:
    """A vendor in the master, with its tax id and account mostly on file."""
    rng = house.rng
    tax = _pattern(rng, country.tax) if rng.random() < 0.93 or not house.columns.name else None
    return Record(house.vendor(), name, tax, account(rng, country, house.spaced_iban) if rng.random() < 0.9 else None)


def _build(house: House, names: set[str]) -> Firm:
    rng = house.rng
    country = rng.choice(house.abroad) if rng.random() < house.foreign else house.country
    name = _name(rng, country)
    while name in names:
        name = f"{_name(rng, country)} {rng.choice(country.towns)}"
    names.add(name)
    dated = rng.random() < 0.45
    big = rng.random()
    factor = {"INR": 60, "ZAR": 15, "SEK": 10, "PLN": 4}
    scale = rng.lognormvariate(6.4, 1.2) * house.level / factor.get(house.country.currency, 1)
    scale *= factor.get(country.currency, 1)
    supply = words(rng.choice([GOODS, GOODS, WORK]), country.language)
    if rng.random() < 0.2:
        supply = words(FEES, country.language)
    return Firm(
        country=country,
        records=[new_record(house, country, name)],
        scheme=rng.choice(_DATED if dated else _PLAIN),
        tag=rng.choice(country.tags) or rng.choice(["", "X", "".join(rng.choices("ABCDEFGHKLMPRST", k=2))]),
        yearly=dated and rng.random() < 0.75,
        gap=0.3 if big < 0.15 else rng.lognormvariate(2.0, 1.5),
        serial=rng.choice([rng.randint(3, 900), rng.randint(1000, 30000), rng.randint(100000, 900000)]),
        pricing=rng.choices(["free", "tariff", "hours", "round"], [6, 1.5, 1.2, 1])[0],
        prices=tuple(money(rng.lognormvariate(0.0, 0.8) * scale / 3) + 1 for _ in range(rng.randint(4, 15))),
        scale=scale,
        items=tuple(rng.sample(supply, min(len(supply), rng.randint(2, 6)))),
        order_share=rng.choice([0.0, 0.2, 0.8, 0.95]) * house.orders * house.columns.po,
        second_share=rng.uniform(0.05, 0.4) if rng.random() < 0.08 else 0.0,
        code=rng.randint(100, 99999),
        site=rng.randint(1, 39),
    )


def build_firms(house: House, bills: int) -> list[Firm]:
    """The suppliers of a ledger of so many bills, the busiest first."""
    count = max(12, int(bills ** house.rng.uniform(0.55, 0.78)))
    names: set[str] = set()
    return [_build(house, names) for _ in range(count)]
