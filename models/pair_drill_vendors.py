"""Vendors of made-up ledgers: how they number, price and time their bills, and what they do that looks like twice."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

from models.synthetic_numbers import digits

START = date(2025, 1, 6)
_NUMBERINGS = (
    "counter", "counter", "counter", "prefixed", "prefixed", "sparse", "restarted", "yearly", "branch", "random",
    "dated", "period", "reused", "reused", "reused", "short", "client", "parts", "yearend", "padded", "lines",
    "two", "long", "run", "lettered", "drifting",
)  # fmt: skip
PERIODIC = ("period", "reused")
_AMOUNTS = ("constant", "prices", "prices", "free", "free", "free", "free", "round", "hourly")
_RHYTHMS = ("daily", "weekly", "fortnightly", "monthly", "monthly", "monthly", "quarterly", "random", "random",
            "random", "random", "rare")  # fmt: skip
WORDS = ("care", "transport", "catering", "cleaning", "printing", "training", "repairs", "rent", "security", "energy",
          "paper", "software", "legal", "garden", "water", "waste", "travel", "books", "lease", "advice")  # fmt: skip
_STARTS = ("Alder", "Ber", "Brom", "Cald", "Dun", "Elm", "Fair", "Glen", "Hart", "Kings", "Lang", "Mar", "North",
           "Oak", "Pen", "Quil", "Rad", "Sand", "Thorn", "Wal", "Yar")  # fmt: skip
_ENDS = ("bury", "combe", "dale", "erwick", "field", "ford", "ham", "ley", "mere", "omley", "stead", "ton", "unton",
         "well", "wood")  # fmt: skip
_PERSONS_SHARE = 0.4
_MASKS = ("REDACTED PERSONAL DATA", "Redacted", "NAME WITHHELD", "XXXX")


@dataclass(frozen=True, slots=True)
class Fashion:
    """What a ledger's columns say, for how many `days`, and how many vendors for each regular one bill once or twice.

    dates: own, posting (no invoice date) or run (the day of the payment run)."""

    tax: bool
    account: bool
    orders: bool
    text: str
    entities: int
    vendor_ids: bool
    withheld: float
    mask: str
    masks_ids: bool
    dates: str
    numbers: str
    share_of_near_misses: float
    days: int
    one_offs: int


def fashion(rng: random.Random) -> Fashion:
    """One drawn at random."""
    return Fashion(
        tax=rng.random() < 0.5,
        account=rng.random() < 0.5,
        orders=rng.random() < 0.55,
        text=rng.choice(("none", "own", "own", "category")),
        entities=rng.choice((1, 1, 2, 3)),
        vendor_ids=rng.random() < 0.8,
        withheld=rng.choice((0.0, 0.0, 0.1, 0.3)),
        mask=rng.choice(_MASKS),
        masks_ids=rng.random() < 0.5,
        dates=rng.choice(("own", "own", "own", "run", "run", "posting")),
        numbers=rng.choices(("own", "document", "none"), weights=(86, 11, 3))[0],
        share_of_near_misses=rng.choice((0.05, 0.1, 0.25)),
        days=rng.choice((90, 90, 200, 400)),
        one_offs=rng.choice((0, 1, 3, 6)),
    )


@dataclass(slots=True)
class Vendor:
    """One vendor's way to bill. `serial` is the last number it gave out."""

    rng: random.Random
    id: str
    name: str
    tax_id: str | None
    iban: str | None
    entities: tuple[str, ...]
    currency: str
    numbering: str
    amounts: str
    rhythm: str
    orders: str
    described: str
    prices: tuple[int, ...]
    serial: int
    near_misses: float
    prefix: str
    span: int
    most: int = 10_000
    years: Counter[int] = field(default_factory=Counter)

    def number(self, day: date) -> str:
        """The next number."""
        rng = self.rng
        self.serial += {"sparse": rng.randint(1, 90), "branch": rng.randint(1, 6)}.get(self.numbering, 1)
        if self.numbering == "drifting":
            self.serial += int(rng.expovariate(0.02))
        count = self.serial
        made = {
            "prefixed": f"{self.prefix}{count}",
            "restarted": f"{self._this_year(day):03d}",
            "yearly": f"{day.year}-{self._this_year(day):03d}",
            "branch": f"B{count % 4}/{count}",
            "random": "".join(rng.choices("ABCDEFGHJKMNPQRTUVWXYZ2346789", k=8)),
            "dated": f"{day:%d%m%y}" + (f"/{count}" if self.rhythm in ("daily", "random") else ""),
            "period": f"{day:%b %Y}".upper(),
            "reused": f"CONTRACT {self.prices[0]}",
            "short": str(count % 400 + 1),
            "client": f"{rng.choice(self.prices) * 7 % 900000} {day:%Y%m%d} {50000 + count}",
            "padded": f"SI{count:08d}",
            "parts": f"{count // 2}{'AB'[count % 2]}",
            "yearend": f"{count}/{day:%y}",
            "batch": f"RUN{day.toordinal()}",
            "docket": f"J{day.toordinal() * 37 + int(self.id) // 37 % 37} {day:%d%m%y}",
            "lines": f"{self.prefix}{count // 5}{'-/_'[self.prices[0] % 3]}{count % 5 + 1}",
            "two": str(count if rng.random() < 0.6 else 7_000_000 + 3 * count),
            "long": f"{self.prices[0]:05d}{day.toordinal() % 10_000:04d}{count:06d}",
            "run": f"{self.prices[0] * 13 % 9000}/{count}/{self.prefix or 'S'}",
            "case": f"{self.prefix}{(self.prices[0] * 7 + count // 3) % 900_000 + 1000}",
            "lettered": f"{rng.choice('ABCDEFGH')}{count}{rng.choice(('', '', 'A', 'C'))}",
        }
        return made.get(self.numbering, str(count))

    def _this_year(self, day: date) -> int:
        """A count that starts again every January."""
        self.years[day.year] += self.rng.choice((1, 1, 3)) if self.numbering == "yearly" else 1
        return self.years[day.year]

    def amount(self) -> int:
        """In hundredths."""
        rng = self.rng
        if self.amounts == "constant":
            return self.prices[0]
        if self.amounts == "prices":
            return rng.choice(self.prices)
        if self.amounts == "hourly":
            return self.prices[0] // 40 * rng.randint(2, 40) + 100
        free = max(500, round(self.prices[0] * rng.lognormvariate(0.0, 0.8)))
        return free if self.amounts == "free" else max(5000, free // 5000 * 5000)

    def days(self) -> Iterator[date]:
        """The days on which this vendor bills."""
        step = {"daily": 2, "weekly": 7, "fortnightly": 14, "monthly": 30, "quarterly": 91}.get(self.rhythm)
        together = self.numbering == "batch"
        day = START + timedelta(days=0 if together else self.rng.randint(0, 28))
        if self.most < 10:
            day = START + timedelta(days=self.rng.randint(0, self.span))
        end = START + timedelta(days=min(60, self.span) if self.rhythm == "daily" else self.span)
        made = 0
        while day <= end and made < self.most:
            for _ in range(self.rng.choice((1, 1, 2, 4)) if self.rhythm == "daily" else 1):
                yield day
                made += 1
            gap = (
                step
                if step is not None
                else 1 + round(self.rng.expovariate(1 / (110 if self.rhythm == "rare" else 25)))
            )
            day += timedelta(days=gap + (self.rng.choice((-1, 0, 0, 1)) if gap > 6 and not together else 0))


def _vendor(rng: random.Random, number: int, way: Fashion) -> Vendor:
    numbering = rng.choice(_NUMBERINGS)
    # A number that names a month or a contract comes once a period: more often, nobody could tell two bills apart.
    rhythm = rng.choice(("monthly", "quarterly") if numbering in PERIODIC else _RHYTHMS)
    own = rng.choice(("none", "same", "period", "topic", "topic", "topic"))
    entities = tuple(f"E{at + 1}" for at in range(way.entities))
    return Vendor(
        rng=rng,
        id=f"{300000 + number * 37}",
        name=f"{rng.choice(_STARTS)}{rng.choice(_ENDS)} {rng.choice(WORDS).title()} "
        f"{rng.choice(('Ltd', 'Limited', 'GmbH', 'SARL', '& Sons', ''))}".strip(),
        tax_id=f"GB{digits(rng, 9)}" if way.tax and rng.random() < 0.9 else None,
        iban=f"GB{digits(rng, 20)}" if way.account and rng.random() < 0.9 else None,
        entities=entities if rng.random() < 0.4 else (rng.choice(entities),),
        currency=rng.choice(("GBP", "GBP", "EUR")),
        numbering=numbering,
        amounts=rng.choice(_AMOUNTS),
        rhythm=rhythm,
        orders=rng.choice(("none", "each", "each", "framework", "few")) if way.orders else "none",
        described={"none": "none", "category": "same"}.get(way.text, own),
        prices=tuple(rng.randint(20, 900) * rng.choice((25, 50, 100, 137, 900, 9000)) for _ in range(3)),
        serial=rng.choice((0, rng.randint(100, 9000), rng.randint(10000, 900000), rng.randint(10**6, 10**9))),
        near_misses=way.share_of_near_misses,
        span=way.days,
        prefix=rng.choice(("RE-", "INV", "SI/", "A", "No ", "KD 7-", f"{rng.randint(10, 99)}-", "")),
    )  # fmt: skip


def vendors_of(rng: random.Random, way: Fashion, count: int) -> list[Vendor]:
    """The vendors of one ledger: some share a payment run's number, some are branches of others."""
    vendors = [_vendor(rng, number, way) for number in range(count)]
    # Most vendors of a real ledger send one bill or two.
    once = [_vendor(rng, 3 * count + number, way) for number in range(count * way.one_offs)]
    for one in once:
        one.most = rng.choice((1, 1, 2, 3))
    for party in rng.sample(vendors, k=rng.choice((0, 0, 4, count // 3))):
        party.numbering, party.rhythm, party.amounts = "batch", "fortnightly", "prices"
        party.prices = tuple(range(12000, 60000, 3137))
    # Persons who are paid in one run, at a few rates, under its number; a ledger often withholds their names.
    if rng.random() < _PERSONS_SHARE:
        vendors += _persons(rng, way, count)
    # A branch: its own record and its own bills at the same prices, under the tax id and account of the first.
    for number, first in enumerate(rng.sample(vendors, k=max(1, count // 10))):
        branch = _vendor(rng, count + number, way)
        branch.name, branch.tax_id, branch.iban = first.name, first.tax_id, first.iban
        branch.prices, branch.amounts = first.prices, first.amounts
        if branch.numbering not in PERIODIC:
            branch.rhythm = first.rhythm
        vendors.append(branch)
    return vendors + once


def _persons(rng: random.Random, way: Fashion, count: int) -> list[Vendor]:
    rates = tuple(rng.randint(60, 900) * 100 for _ in range(6))
    rhythm, numbering = rng.choice(("fortnightly", "monthly")), rng.choice(("batch", "client", "docket", "docket"))
    persons = []
    for at in range(rng.choice((10, 20, 30))):
        one = _vendor(rng, 2 * count + at, way)
        one.numbering, one.rhythm, one.amounts, one.near_misses = numbering, rhythm, "constant", 0.02
        one.prices, one.name = (rng.choice(rates),), way.mask if rng.random() < 0.7 else one.name
        persons.append(one)
    return persons
