"""What all parts of one made-up ledger share: the house, its suppliers, the amounts and numbers already given out."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from models.pair_works_house import House
from models.pair_works_noise import bare
from models.pair_works_supplier import Supplier
from models.pair_works_words import COUNTRIES, ITEMS, WHOLE, rate


@dataclass(frozen=True, slots=True)
class Draft:
    """A bill before it is entered. `cents` are signed hundredths; `number` '' = the supplier's next one; `keep`: its
    text tells it from its neighbours, so no clerk leaves it out; `group` counts the hard groups, -1 = none."""

    supplier: int
    entity: int
    day: date
    cents: int
    currency: str
    po: str
    text: str
    number: str = ""
    keep: bool = False
    group: int = -1


@dataclass(frozen=True, slots=True)
class Desk:
    """The working state of one build: filled while bills are planned, never seen outside."""

    rng: Random
    house: House
    suppliers: list[Supplier]
    taken: set[str]
    amounts: dict[int, set[int]] = field(default_factory=dict)
    numbers: dict[int, set[str]] = field(default_factory=dict)
    records: dict[tuple[int, int], Supplier] = field(default_factory=dict)
    vendor_ids: dict[tuple[str, int], str] = field(default_factory=dict)
    groups: list[str] = field(default_factory=list)

    def day(self, *, first: date | None = None, last: date | None = None) -> date:
        """A day on which suppliers write bills, mostly a working day, often the end of a month."""
        start, end = first or self.house.first, last or self.house.last
        found = start + timedelta(days=self.rng.randint(0, max((end - start).days, 0)))
        if self.rng.random() < 0.12:
            found = min(max(found.replace(day=28) + timedelta(days=self.rng.randint(0, 3)), start), end)
        if found.weekday() >= 5 and self.rng.random() < 0.85:
            found = found - timedelta(days=found.weekday() - 4)
        return max(found, start)

    def cents(self, supplier: Supplier, factor: float = 1.0) -> int:
        """A positive amount this supplier has never charged before."""
        used = self.amounts.setdefault(supplier.at, set())
        spread = 0.4 + supplier.at % 7 / 6
        scale, step = factor * rate(supplier.currency, self.house.last), 100 if supplier.currency in WHOLE else 1
        level = math.exp(self.rng.gauss(supplier.level, spread)) * scale
        made = self._shaped(supplier, min(max(level, 3.0), 5e6))
        tries = 0
        # A firm that bills often runs out of round amounts: the odd ones are always free.
        while made in used:
            tries += 1
            made += step * self.rng.randint(1, 50 * tries)
        used.add(made)
        return made

    def _shaped(self, supplier: Supplier, level: float) -> int:
        rng = self.rng
        if supplier.currency in WHOLE:
            return max(int(level), 1) * 100
        style = (supplier.at * 7 + len(supplier.name)) % 6
        net = int(level * 100)
        if style == 0:
            return max(int(level / 10) * 1000, 1000)
        if style == 1:
            return max(round(level * 2) * 50, 50)
        if style == 2:
            price = rng.choice((495, 1290, 1999, 2475, 8900, 349, 125, 4210, 77))
            net = max(1, net // price) * price
        vat = rng.choice(COUNTRIES[supplier.country].vat) if style != 3 else 0
        return max(round(net * (100 + vat) / 100), 101)

    def fresh_number(self, supplier: Supplier, day: date) -> str:
        """A number out of the supplier's own series about that day, not used before."""
        seen = self.numbers.setdefault(supplier.at, set())
        scheme = supplier.scheme
        count = scheme.due(self.house.first, day) + self.rng.randint(0, 3 + int(scheme.pace * 3))
        while True:
            made = scheme.write(self.rng, count, day)
            if bare(made) not in seen:
                seen.add(bare(made))
                return made
            count += self.rng.randint(1, 5)

    def order(self, supplier: Supplier, day: date) -> str:
        """A purchase order number of the house; '' for what is bought without one."""
        rng = self.rng
        if supplier.kind in ("telecom", "energy", "insurance") or rng.random() < 0.1:
            return ""
        return {
            "45": f"45{rng.randint(0, 99999999):08d}",
            "po": f"PO{rng.randint(1000, 999999)}",
            "year": f"{day.year}-{rng.randint(1, 99999):05d}",
            "p": f"P{rng.randint(10000, 99999)}",
            "site": f"{rng.randint(100, 999)}/{rng.randint(1, 400):03d}",
            "dash": f"B-{day.year % 100}-{rng.randint(1, 9999)}",
        }[self.house.po_style]

    def item(self, supplier: Supplier) -> str:
        """What the bill is for, in the supplier's language or in English."""
        words = ITEMS[supplier.kind]
        language = COUNTRIES[supplier.country].language
        kind = words.get(language if self.rng.random() < 0.85 else "en", words["en"])
        return self.rng.choice(kind.split("|"))

    def draft(self, supplier: Supplier, day: date, cents: int, **more: str | int | bool) -> Draft:
        """A bill of that supplier to one of the entities it serves."""
        entity = more.get("entity", self.rng.choice(supplier.entities))
        return Draft(
            supplier=supplier.at, entity=int(entity), day=day, cents=cents, currency=supplier.currency,
            po=str(more.get("po", "")), text=str(more.get("text", "")), number=str(more.get("number", "")),
            keep=bool(more.get("keep", False)),
        )  # fmt: skip

    def money(self, cents: int) -> Decimal:
        """Cents as an amount in the major unit."""
        return Decimal(cents).scaleb(-2)
