"""Suppliers of the second ledger generator: who they are, how they number, how often and how much they bill."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from evals.second_writing import other_spelling, pick


@dataclass(frozen=True, slots=True)
class Entity:
    """One buying company. `blank` names the columns that its books do not export."""

    code: str
    currency: str
    blank: frozenset[str]


ENTITIES = (
    Entity("UK01", "GBP", frozenset()),
    Entity("UK02", "GBP", frozenset({"po"})),
    Entity("DE10", "EUR", frozenset()),
    Entity("IE20", "EUR", frozenset({"iban"})),
    Entity("AT30", "EUR", frozenset({"tax_id", "posting_date"})),
    Entity("CH40", "CHF", frozenset({"description"})),
)

NUMBERINGS = (
    "sequence",  # 88120, 88123: one counter for all customers, so with gaps
    "padded",  # HX-004312
    "year",  # 2024-00017: the counter restarts, the year tells the two apart
    "restarts",  # 1, 2, 3 again each January: the number alone names nothing
    "random",  # 7c41f09a2b or ten digits out of a billing platform
    "department",  # 18289/FAC
    "dated",  # 140324 with a branch letter: a date used as a number
    "account",  # telecoms and water: account plus month
    "requisition",  # the buyer's own number: REQ INVOICE 125877
)
REFERENCE = "reference"  # a landlord's or telecom's contract number, the same on every bill

_SYLLABLES = (
    "bar",
    "den",
    "fol",
    "gar",
    "hul",
    "kes",
    "lam",
    "mor",
    "nev",
    "ost",
    "pel",
    "quin",
    "ros",
    "sel",
    "tav",
    "ul",
    "ver",
    "wick",
    "yar",
    "zan",
)
_TRADES = {
    "Plumbing": ("Repairs at {site}", "Boiler service {site}", "Call-out job {job} {site}"),
    "Catering": ("Catering {month} {site}", "Buffet for {job} persons"),
    "Staffing": ("Agency staff week {week}", "Temp cover ref {job}"),
    "Bau": ("Abschlag Bauarbeiten {site}", "Reparatur Dach {site}, Auftrag {job}"),
    "Logistik": ("Fracht Sendung {job}", "Lieferung {site} KW {week}"),
    "Software": ("Licences {month}", "Support hours, ticket {job}"),
    "Druck": ("Drucksachen Auftrag {job}", "Plakate {month}"),
    "Consulting": ("Fees {month}, engagement {job}", "Workshop {site}"),
    "Fuels": ("Diesel {site}, ticket {job}", "Heating oil {site}"),
    "Care": ("Placement fees {month}", "Respite care ref {job}"),
    "Signs": ("Signage {site} job {job}", "Road markings {site}"),
    "Foods": ("Goods delivered {site}, note {job}", "Order {job}"),
}
_RECURRING = {
    "Estates": ("Rent {site} {month}", "Service charge {site}"),
    "Telecom": ("Line rental {month}", "Mobile account {month}"),
    "Leasing": ("Fahrzeugleasing {month}", "Copier lease {month}"),
    "Cleaning": ("Contract cleaning {site} {month}", "Reinigung {site}"),
}
_FORMS = {
    "GB": ("Ltd", "Limited", "LLP", "plc"),
    "DE": ("GmbH", "AG", "KG"),
    "AT": ("GmbH", "OG"),
    "IE": ("Ltd", "DAC"),
}
_SITES = ("Mill Lane", "North Depot", "Hafenstr. 9", "Unit 4", "Block C", "Altbau", "Quay House", "Werk 2", "Hall 7")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Supplier:
    """One firm and its habits.

    second: (vendor_id, name) of the same firm's second record in the vendor master, where it was entered twice.
    rhythm: 'monthly', 'weekly' or 'irregular'. pricing: 'spread' (log-normal), 'constant', 'tariff' (a short price
    list) or 'round' (whole hundreds). prices: the list of a tariff or the constant amount, in cents. centre and
    spread: mean and deviation of the natural logarithm of the cents. gap: how many numbers other customers take
    between two of ours, on average.
    """

    vendor_id: str
    name: str
    second: tuple[str, str] | None
    tax_id: str | None
    iban: str | None
    entities: tuple[int, ...]
    numbering: str
    prefix: str
    start: int
    width: int
    gap: float
    rhythm: str
    pricing: str
    prices: tuple[int, ...]
    centre: float
    spread: float
    order_share: float
    texts: tuple[str, ...]

    @property
    def recurring(self) -> bool:
        return self.rhythm != "irregular"


def digits(rng: np.random.Generator, count: int) -> str:
    """`count` random digits, the first not zero."""
    return str(rng.integers(1, 10)) + "".join(map(str, rng.integers(0, 10, count - 1)))


def iban(rng: np.random.Generator, country: str) -> str:
    """A random IBAN with sound check digits (ISO 13616) for GB, IE, DE or AT."""
    lengths = {"GB": 14, "IE": 14, "DE": 18, "AT": 16}
    bank = "".join(pick(rng, "ABCDEFGHKLMNPRSTUW") for _ in range(4)) if country in ("GB", "IE") else ""
    account = bank + digits(rng, lengths[country])
    number = int("".join(str(int(letter, 36)) for letter in f"{account}{country}00"))
    return f"{country}{98 - number % 97:02d}{account}"


def tax_id(rng: np.random.Generator, country: str) -> str:
    """A random VAT number with a sound check digit, by the published rule of GB, IE, DE or AT."""
    body = digits(rng, 8 if country == "DE" else 7)
    figures = [int(figure) for figure in body]
    weighted = sum(weight * figure for weight, figure in zip(range(8, 1, -1), figures, strict=False))
    if country == "GB":
        return f"GB{body}{97 - weighted % 97:02d}"
    if country == "IE":
        return f"IE{body}{'WABCDEFGHIJKLMNOPQRSTUV'[weighted % 23]}"
    if country == "AT":
        total = sum(sum(divmod(figure * (1 + place % 2), 10)) for place, figure in enumerate(figures))
        return f"ATU{body}{(96 - total) % 10}"
    product = 10
    for figure in figures:
        product = ((figure + product) % 10 or 10) * 2 % 11
    return f"DE{body}{(11 - product) % 10}"


def make_supplier(rng: np.random.Generator, place: int, recurring: bool) -> Supplier:
    """Supplier number `place` of a ledger; its habits are drawn once and then kept."""
    country = pick(rng, tuple(_FORMS))
    trades = _RECURRING if recurring else _TRADES
    trade = pick(rng, tuple(trades))
    stem = "".join(pick(rng, _SYLLABLES) for _ in range(int(rng.integers(2, 4)))).capitalize()
    partner = f" & {pick(rng, _SYLLABLES).capitalize()}ley" if rng.random() < 0.15 else ""
    name = f"{stem}{partner} {trade} {pick(rng, _FORMS[country])}"
    vendor_id = f"{400000 + 7 * place}"
    centre = float(rng.normal(11.3, 1.1))
    pricing = "constant" if recurring else str(rng.choice(["spread", "tariff", "round"], p=[0.7, 0.2, 0.1]))
    price_count = {"constant": 1, "tariff": int(rng.integers(3, 9))}.get(pricing, 0)
    numbering = NUMBERINGS[place % len(NUMBERINGS)]
    if recurring and place % 2:
        numbering = REFERENCE
    elif recurring and numbering in ("random", "dated"):
        numbering = "sequence"
    return Supplier(
        vendor_id=vendor_id,
        name=name,
        second=(f"{900000 + place}", other_spelling(rng, name)) if rng.random() < 0.06 else None,
        tax_id=tax_id(rng, country) if rng.random() < 0.7 else None,
        iban=iban(rng, country) if rng.random() < 0.8 else None,
        entities=tuple(int(i) for i in rng.permutation(len(ENTITIES))[: 1 if recurring else int(rng.integers(1, 4))]),
        numbering=numbering,
        prefix="".join(pick(rng, "ABCDFGHKLMNPRSTVX") for _ in range(int(rng.integers(1, 4)))),
        start=int(10 ** rng.uniform(2.5, 6.5)),
        width=int(rng.integers(5, 8)),
        gap=0.0 if numbering == "restarts" else float(rng.exponential(6)),
        rhythm=("weekly" if rng.random() < 0.25 else "monthly") if recurring else "irregular",
        pricing=pricing,
        prices=tuple(int(cents) for cents in np.exp(rng.normal(centre, 0.5, price_count))),
        centre=centre,
        spread=float(rng.uniform(0.3, 1.3)),
        order_share=pick(rng, (0.0, 0.3, 0.95)),
        texts=trades[trade],
    )


def number_of(supplier: Supplier, serial: int, day: date, rng: np.random.Generator) -> str:
    """The number this supplier prints on its `serial`-th invoice (counted as its numbering counts) of that day."""
    count = supplier.start + serial
    match supplier.numbering:
        case "padded":
            return f"{supplier.prefix}-{count:0{supplier.width}d}"
        case "year":
            return f"{day.year}-{serial:05d}"
        case "restarts":
            return f"{supplier.prefix}{serial}" if supplier.width % 2 else f"{serial:03d}"
        case "random":
            return digits(rng, 10) if supplier.width % 2 else f"{int(rng.integers(16**9, 16**10)):x}"
        case "department":
            return f"{count}/{supplier.prefix}"
        case "dated":
            return f"{day:%d%m%y}{'ABCDEFGH'[serial % 8]}{serial // 8 or ''}"
        case "account":
            return f"{supplier.start:08d}{day:%y%m}{serial:02d}"
        case "requisition":
            return f"REQ INVOICE {count}"
        case "reference":
            return f"{supplier.prefix}/{supplier.start:07d}"
        case _:
            return str(count)


def description_of(supplier: Supplier, day: date, rng: np.random.Generator) -> str:
    """One line of text about the work, in the supplier's usual words."""
    return pick(rng, supplier.texts).format(
        site=pick(rng, _SITES),
        month=f"{_MONTHS[day.month - 1]} {day.year}",
        week=day.isocalendar().week,
        job=int(rng.integers(1000, 90000)),
    )
