"""One public body or service firm and its suppliers: everything about them is drawn, so that no two are alike."""

from __future__ import annotations

import string
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from models.pair_town_names import firm_name, iban, other_spelling, tax_number
from models.pair_town_numbers import Series, draw_series
from models.pair_town_words import AREAS, LANGUAGES, PLACES, REDACTED, listed

CENT = Decimal("0.01")
CURRENCIES = {"GB": "GBP", "US": "USD", "AU": "AUD", "CA": "CAD", "CH": "CHF", "SE": "SEK"}
# What one supplier kind is like: days between two bills, ways of pricing, usual amount as a power of ten.
KINDS: dict[str, tuple[tuple[float, float], str, tuple[float, float]]] = {
    "care": ((2, 14), "hours fixed list any", (2.3, 3.7)), "agency": ((1, 8), "hours hours list", (2.3, 3.4)),
    "utility": ((4, 40), "any any fixed", (1.5, 3.6)), "telecom": ((10, 31), "fixed list any", (1.2, 2.8)),
    "property": ((14, 92), "fixed round", (2.4, 4.2)), "grant": ((30, 200), "round round any", (2.5, 4.6)),
    "works": ((5, 60), "any round any", (2.4, 4.8)), "supplies": ((1, 20), "any list any", (1.2, 3.2)),
    "advice": ((10, 90), "hours round any", (2.5, 4.2)), "person": ((7, 90), "any round list fixed", (1.3, 2.9)),
    "subscription": ((60, 365), "list round any", (1.9, 3.8)), "insurance": ((30, 365), "any fixed", (2.2, 4)),
    "it": ((10, 90), "any list hours", (2, 4.3)), "training": ((15, 120), "list round", (1.9, 3.4)),
    "transport": ((2, 14), "list hours any", (1.4, 3.5)), "cleaning": ((5, 31), "fixed any list", (1.8, 3.3)),
    "food": ((1, 10), "any any list", (1.3, 3)), "medical": ((1, 15), "any list any", (1.5, 3.9)),
    "event": ((20, 150), "any list round", (1.9, 3.5)),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Master:
    """One record of the vendor master."""

    vendor_id: str
    name: str
    tax_id: str | None
    iban: str | None


@dataclass(frozen=True, slots=True)
class Supplier:
    """Who bills the town, and how.

    ring: what a reader knows it by; persons whose names are withheld share one. masters: two where the firm was
    entered twice. size: the usual amount in major units. prices: its list. every: days between two bills.
    """

    ring: str
    kind: str
    masters: tuple[Master, ...]
    second_share: float
    place: str
    currency: str
    series: Series
    pricing: str
    size: float
    prices: tuple[Decimal, ...]
    tax: Decimal
    every: float
    po: str | None
    po_share: float
    entity: str


@dataclass(frozen=True, slots=True)
class Town:
    """The organisation's habits; shares are 0..1, lags in days."""

    country: str
    language: str
    currency: str
    entities: tuple[str, ...]
    start: date
    days: int
    pay_day: int | None
    lag: float
    posting: bool
    date_missing: float
    invoice_word: str
    credit_word: str
    credit_positive: bool
    text_mode: int
    text_case: str
    text_length: int
    text_missing: float
    name_case: str
    name_length: int
    ascii_only: bool
    number_case: str
    number_length: int
    retyped: float
    id_shape: int
    id_first: int
    resubmit_gap: float
    second_noise: float
    name_noise: float
    areas: tuple[str, ...]
    foreign: tuple[str, ...]


def _entities(rng: Random, areas: tuple[str, ...]) -> tuple[str, ...]:
    count = rng.choice([2, 2, 2, 3, 4, 6, 9])
    way = rng.random()
    if way < 0.3:
        return tuple(rng.sample(areas, min(count, len(areas))))
    if way < 0.6:
        first = rng.choice([1, 10, 100, 1000, 5000])
        return tuple(str(first + number * max(1, first // 10)) for number in range(count))
    lead = "".join(rng.choices(string.ascii_uppercase, k=rng.randint(1, 3)))
    return tuple(f"{lead}{number:02d}" for number in range(1, count + 1))


def draw_town(rng: Random) -> Town:
    """One organisation."""
    country = rng.choices(list(LANGUAGES), [9, 2, 4, 2, 2, 4, 1, 1, 3, 1, 2, 2, 2, 1])[0]
    language = LANGUAGES[country]
    areas = listed(AREAS[language])
    words = rng.choices(
        [("invoice", "credit_note"), ("INV", "CRN"), ("Invoice", "Credit Memo"), ("KR", "KG"), ("invoice", "invoice")],
        [12, 1, 1, 1, 1],
    )[0]
    home = CURRENCIES.get(country, "EUR")
    money = [code for code in ("EUR", "USD", "GBP", "CHF", "SEK", "NOK", "DKK", "PLN", "AUD", "CAD") if code != home]
    return Town(
        country, language, home, _entities(rng, areas),
        date(rng.randint(2015, 2023), rng.randint(1, 12), 1), int(10 ** rng.uniform(2.0, 3.25)),
        rng.choice([None, None, 1, 3, 4]), rng.choice([0, 1, 3, 6, 12, 25]), rng.random() < 0.88,
        rng.choice([0, 0, 0, 0.02, 0.1]), *words, words[1] == "credit_note" and rng.random() < 0.15,
        rng.choices(range(6), [1, 3, 3, 3, 5, 4])[0], rng.choice(["", "", "", "upper", "lower", "title"]),
        rng.choice([18, 25, 40, 50, 80, 80]), rng.choice([0, 0, 0.05, 0.3]),
        rng.choice(["", "", "upper", "upper", "title"]),
        rng.choice([20, 30, 35, 60, 60, 60]), rng.random() < 0.35, rng.choice(["", "", "", "upper", "strip"]),
        rng.choice([12, 16, 20, 40, 40]), rng.choice([0, 0.01, 0.03, 0.1]), rng.randrange(6),
        int(10 ** rng.uniform(2, 7)), rng.uniform(4, 60), rng.choice([0, 0.1, 0.25, 0.4]), rng.uniform(0.1, 0.9),
        areas, tuple(rng.sample(money, 3)),
    )  # fmt: skip


def _vendor_id(rng: Random, shape: int, name: str, number: int) -> str:
    code = "".join(letter for letter in name.upper() if letter.isalpha())[:5] or "VEND"
    return [
        "", f"{number}", f"V{number:05d}", f"{code}{number % 1000:03d}", f"{number + 1_000_000}", f"{number:010d}",
        f"{code[:4]}-{number % 100:02d}", f"S/{number:06d}", f"{number % 97:02d}-{number:04d}",
    ][shape]  # fmt: skip


def _prices(rng: Random, size: float, pricing: str) -> tuple[Decimal, ...]:
    grain = Decimal(rng.choice(["0.01", "0.05", "0.50", "1", "5", "10"]) if size < 2000 else rng.choice(["1", "50"]))
    count = 1 if pricing == "fixed" else rng.randint(2, 14)
    drawn = (Decimal(str(round(size * rng.lognormvariate(0, 0.5), 2))) for _ in range(count))
    return tuple(max(grain, (price // grain) * grain).quantize(CENT) for price in drawn)


def draw_suppliers(rng: Random, town: Town, count: int) -> list[Supplier]:
    """The town's suppliers, the sectors mixed by its own weights."""
    weights = [rng.gammavariate(0.7, 1) + 0.02 for _ in KINDS]
    shape = rng.choices(range(9), [3, 4, 3, 3, 2, 2, 1, 1, 1])[0]
    tax_share = rng.choice([0, 0, 0.1, 0.4, 0.8])
    iban_share = rng.choice([0, 0, 0.3, 0.7, 0.95])
    po_share = rng.choice([0, 0, 0.1, 0.4, 0.8])
    hidden = rng.choice([0, 0, 0.02, 0.08, 0.2])
    twice = rng.choice([0.01, 0.03, 0.1])
    found = []
    for place, kind in enumerate(rng.choices(list(KINDS), weights, k=count)):
        found.append(
            _supplier(
                rng, town, kind, 1000 + 7 * place + place % 5, shape, (tax_share, iban_share, po_share, hidden, twice)
            )
        )
    return found


def _supplier(
    rng: Random, town: Town, kind: str, number: int, shape: int, shares: tuple[float, float, float, float, float]
) -> Supplier:
    tax_share, iban_share, po_share, hidden, twice = shares
    abroad = rng.random() < 0.06
    country = rng.choice(list(LANGUAGES)) if abroad else town.country
    name = firm_name(rng, country, kind)
    vendor_id = _vendor_id(rng, shape, name, number)
    place = rng.choice(listed(PLACES[LANGUAGES[country]]))
    code = "".join(word[0] for word in name.split() if word[0].isalpha())[:3].upper() or "X"
    hides = False
    if kind in ("person", "care") and rng.random() < 4 * hidden:
        name, hides = listed(REDACTED)[town.id_first % 9], True
        vendor_id = "999999" if shape and town.id_first % 2 else ""
    elif vendor_id and rng.random() < 0.03:
        # A vendor record for payees that come once: many names, one id.
        vendor_id, hides = "ONETIME", True
    first = Master(
        vendor_id, name,
        tax_number(rng, country) if rng.random() < tax_share and kind != "person" else None,
        iban(rng, country) if rng.random() < iban_share and not hides else None,
    )  # fmt: skip
    masters: tuple[Master, ...] = (first,)
    if not hides and rng.random() < twice:
        masters = (first, second_master(rng, town, first, place, _vendor_id(rng, shape, name, number + 5013)))
    (low, high), ways, (small, large) = KINDS[kind]
    pricing = rng.choice(ways.split())
    size = 10 ** rng.uniform(small, large)
    every = rng.uniform(low, high) * rng.choice([0.5, 1, 1, 2])
    return Supplier(
        (vendor_id or name).upper(), kind, masters, rng.choice([0.05, 0.3, 0.5]), place,
        rng.choice(town.foreign) if abroad and rng.random() < 0.7 else town.currency,
        draw_series(rng, code, rng.choice([1, 1, 2, 5, 20, 100]) / every), pricing, size, _prices(rng, size, pricing),
        rng.choice([Decimal(1), Decimal(1), Decimal("1.2"), Decimal("1.19"), Decimal("1.21"), Decimal("1.05")]), every,
        rng.choice([None, f"PO{rng.randint(1000, 999999)}", f"45{rng.randint(10**7, 10**8 - 1)}"]),
        po_share * rng.choice([0, 1, 1]), rng.choice(town.entities) if rng.random() < 0.5 else town.entities[0],
    )  # fmt: skip


def second_master(rng: Random, town: Town, first: Master, place: str, vendor_id: str) -> Master:
    """The same firm entered again by somebody who did not find it."""
    tax = first.tax_id
    if rng.random() < 0.6:
        tax = rng.choice([None, None, tax_number(rng, town.country), tax and tax[2:]])
    account = first.iban
    if rng.random() < 0.6:
        account = rng.choice([None, iban(rng, town.country)])
    name = other_spelling(rng, first.name, place, town.name_noise)
    if vendor_id and rng.random() < 0.12:
        name = first.name
    return Master(vendor_id, name, tax, account)


def weekday(when: date) -> date:
    """That day, or the Monday after a weekend."""
    return when + timedelta(days=max(0, 7 - when.weekday()) if when.weekday() > 4 else 0)
