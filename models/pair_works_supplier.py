"""The suppliers of a made-up ledger: names, papers, and how each of them numbers its bills."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from random import Random

from models.pair_works_house import House
from models.pair_works_names import german_letters, plain_letters, renamed
from models.pair_works_words import COUNTRIES, NEIGHBOURS, SURNAMES, SYLLABLES, TOWNS, TRADES

_ISO_A = ord("A") - 10
_PARTS = (
    "{n}", "{n}", "{p}{n}", "{p}{n}", "{p}{s}{n}", "{p}{s}{n}", "{y}{s}{n}", "{p}{s}{y}{s}{n}", "{p}{y}{n}",
    "{n}{s}{y}",
    "{n}/{yy}", "{yy}{n}", "{yy}{s}{n}", "{p}{yy}{s}{n}", "{p}{s}{n}/{yy}", "{b}{s}{n}", "{b}{n}", "{p}{n}{s}{b}",
    "{y}{m}{n}", "{y}{s}{m}{s}{n}", "{yy}{m}{s}{n}", "{k}{s}{n}", "{k}/{n}", "{n}-{c}", "{p}{n}{c}", "{h}", "{p}{s}{h}",
    "{day}{s}{n}", "{p} {y} {n}", "{n}/{m}/{y}", "{p}{s}{b}{s}{n}", "{n} {yy}", "{b}/{m}/{n}", "{l}{n}{l}",
)  # fmt: skip
_PREFIXES = (
    "INV", "RE", "R", "RG", "F", "FA", "FV", "SI", "IN", "A", "AR", "K", "V", "S", "FT", "FAC", "E", "B", "C",
    "VF", "FS", "RA", "RN", "BILL", "TAX", "I", "D", "SINV", "PSI", "VK", "ARI", "INVOICE", "Rech", "FR", "FC",
    "W", "X",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Scheme:
    """How bills are numbered: a pattern, a width, the first count, counts a day; from one each year if `restart`."""

    pattern: str
    prefix: str
    mark: str
    width: int
    first: int
    pace: float
    restart: bool
    customer: str
    branches: tuple[str, ...]

    def write(self, rng: Random, count: int, day: date) -> str:
        """The number printed on the bill with that count."""
        return self.pattern.format(
            n=str(count).zfill(self.width), p=self.prefix, s=self.mark, y=day.year, yy=f"{day.year % 100:02d}",
            m=f"{day.month:02d}", b=rng.choice(self.branches), k=self.customer, c=count * 7 % 10,
            day=day.strftime("%Y%m%d"), h=f"{count * 2654435761 % 2**32:X}", l="ABCDEFGHKLMNPRSTUVWXYZ"[count % 22],
        )  # fmt: skip

    def due(self, start: date, day: date) -> int:
        """About where the count stands on that day."""
        if self.restart:
            return 1 + int(self.pace * (day.timetuple().tm_yday - 1))
        return self.first + int(self.pace * (day - start).days)


@dataclass(frozen=True, slots=True)
class Supplier:
    """One firm as the vendor master holds it; `alias` marks a second record of a firm that is there already."""

    at: int
    vendor_id: str
    name: str
    tax_id: str | None
    iban: str | None
    country: str
    currency: str
    kind: str
    scheme: Scheme
    volume: float
    level: float
    entities: tuple[int, ...]
    alias: bool = False
    sister: int = -1


def _fill(rng: Random, pattern: str) -> str:
    return "".join(
        rng.choice("0123456789") if mark == "#" else rng.choice("ABCDEFGHJKLMNPRSTUVWXYZ") if mark == "@" else mark
        for mark in pattern
    )


def draw_iban(rng: Random, country: str) -> str | None:
    """An IBAN whose check digits hold (ISO 13616), a plain account number where there is none."""
    pattern = COUNTRIES[country].account
    if not pattern:
        return str(rng.randint(10**7, 10**10)) if rng.random() < 0.5 else None
    account = _fill(rng, pattern)
    turned = "".join(str(ord(mark) - _ISO_A) if mark.isalpha() else mark for mark in f"{account}{country}00")
    return f"{country}{98 - int(turned) % 97:02d}{account}"


def draw_tax_id(rng: Random, country: str) -> str:
    """A tax number of the country's shape."""
    return _fill(rng, COUNTRIES[country].tax)


def draw_scheme(rng: Random, share: float) -> Scheme:
    """A way to number bills. `share` near 1: this buyer is nearly the only customer, so numbers run close."""
    width = rng.choice((0, 0, 3, 4, 5, 6, 7, 8))
    digits = rng.choice((2, 3, 4, 4, 5, 5, 6, 6, 7, 8, 9))
    pattern = rng.choice(_PARTS)
    dated = any(mark in pattern for mark in ("{y}", "{yy}"))
    return Scheme(
        pattern=pattern,
        prefix="".join(rng.choices("ABCDEFGHKLMNPRSTUVWXYZ", k=rng.randint(1, 4)))
        if rng.random() < 0.4
        else rng.choice(_PREFIXES),
        mark=rng.choice(("-", "-", "-", "/", "/", ".", " ", "_", "")),
        width=width,
        first=rng.randint(10 ** (digits - 1), 10**digits),
        pace=rng.choice((0.02, 0.2, 1, 5, 20, 100, 600)) * (0.05 if share > 0.5 else 1),
        restart=rng.random() < (0.6 if dated else 0.03),
        customer=str(rng.randint(100, 99999)),
        branches=tuple(
            rng.choice(("1", "2", "01", "07", "A", "HH", "N", "S", "10", "21", "305")) for _ in range(rng.randint(1, 3))
        ),
    )


def firm_name(rng: Random, country: str, core: str | None = None) -> tuple[str, str]:
    """(what a firm is called, what stays of it in a sister's name)."""
    language = COUNTRIES[country].language
    names, trades, towns = SURNAMES[language].split(), TRADES[language].split(), TOWNS[language].split()
    core = core or rng.choice((
        rng.choice(names), rng.choice(names), f"{rng.choice(names)} & {rng.choice(names)}",
        "".join(rng.choices(SYLLABLES, k=rng.randint(2, 3))).title(), "".join(rng.choices(SYLLABLES, k=2)).title(),
        f"{rng.choice(towns)} {rng.choice(trades)}", "".join(rng.choices("ABCDEFGHIKLMNPRSTVW", k=3)),
        f"{rng.choice(names)[0]}. {rng.choice(names)}", rng.choice(towns) + rng.choice(SYLLABLES),
    ))  # fmt: skip
    trade = rng.choice(trades)
    legal = rng.choice(COUNTRIES[country].legal)
    body = rng.choice((f"{core} {trade}", f"{core} {trade}", core, f"{trade} {core}", f"{core} {rng.choice(towns)}"))
    return f"{body} {legal}".strip(), core


def as_kept(house: House, name: str) -> str:
    """A name the way this house's vendor master keeps names."""
    if house.names == "upper":
        return name.upper()
    if house.names == "upper_flat":
        return plain_letters(name).upper()
    if house.names == "cut30":
        return name[:30].rstrip()
    if house.names == "cut20":
        return name[:20].rstrip()
    if house.names == "german":
        return german_letters(name)
    if house.names == "no_legal" and len(name.split()) > 2:
        return " ".join(name.split()[:-1])
    return name


def vendor_number(rng: Random, house: House, name: str, taken: set[str]) -> str:
    """A fresh vendor id in the house's style; '' where the export has none."""
    if not house.has("vendor_id"):
        return ""
    letters = "".join(letter for letter in plain_letters(name).upper() if letter.isalpha())
    while True:
        made = {
            "sap": f"{rng.randint(100000, 399999):010d}",
            "datev": str(rng.randint(70000, 99999)),
            "v": f"V{rng.randint(1, 99999):05d}",
            "mnemonic": f"{letters[:5]}{rng.randint(1, 99):02d}",
            "plain": str(rng.randint(1, 999999)),
            "dash": f"L-{rng.randint(100, 99999)}",
        }[house.vendor_style]
        if made not in taken:
            taken.add(made)
            return made


def draw_suppliers(rng: Random, house: House, count: int, taken: set[str]) -> list[Supplier]:
    """`count` suppliers; a few are sisters of the one before: same core of a name, another firm all the same."""
    made: list[Supplier] = []
    seen: set[str] = set()
    core, tilt = "", rng.uniform(0.6, 1.3)
    kinds, weights = zip(*house.kinds, strict=True)
    while len(made) < count:
        sister = bool(made) and rng.random() < 0.05
        country = made[-1].country if sister else house.country
        if not sister and rng.random() < house.foreign:
            country = rng.choice(NEIGHBOURS)
        name, core = firm_name(rng, country, core if sister else None)
        kept = as_kept(house, name)
        if kept.upper() in seen:
            continue
        seen.add(kept.upper())
        at = len(made)
        wide = range(len(house.entities))
        made.append(Supplier(
            at=at, vendor_id=vendor_number(rng, house, name, taken), name=kept,
            tax_id=draw_tax_id(rng, country) if rng.random() < 0.9 else None,
            iban=draw_iban(rng, country) if rng.random() < 0.93 else None,
            country=country,
            currency=rng.choice(("USD", "EUR", "GBP")) if rng.random() < 0.05 else COUNTRIES[country].currency,
            kind=made[-1].kind if sister else rng.choices(kinds, weights)[0],
            scheme=draw_scheme(rng, rng.random()), volume=min(rng.paretovariate(tilt), 60.0), level=rng.gauss(6.3, 1.2),
            entities=tuple(sorted(rng.sample(wide, min(len(wide), rng.choice((1, 1, 2, len(wide))))))),
            sister=at - 1 if sister else -1,
        ))  # fmt: skip
    return made


def second_record(rng: Random, house: House, supplier: Supplier, taken: set[str]) -> Supplier:
    """The same firm entered once more in the vendor master, by somebody who did not look."""
    towns = TOWNS[COUNTRIES[supplier.country].language].split()
    draw, bank = rng.random(), rng.random()
    tax = supplier.tax_id
    if draw < 0.35:
        tax = None
    elif draw < 0.45 or not tax:
        tax = draw_tax_id(rng, supplier.country)
    elif draw < 0.6:
        tax = tax.replace(".", "").replace("-", "").replace(" ", "")[2 if rng.random() < 0.4 else 0 :]
    iban = supplier.iban if bank < 0.55 else None if bank < 0.75 else draw_iban(rng, supplier.country)
    if not house.has("vendor_id") or rng.random() < 0.85:
        name = renamed(rng, supplier.name, towns)
    else:
        name = supplier.name
    return Supplier(
        at=supplier.at, vendor_id=vendor_number(rng, house, name, taken), name=name, tax_id=tax, iban=iban,
        country=supplier.country, currency=supplier.currency, kind=supplier.kind, scheme=supplier.scheme,
        volume=supplier.volume, level=supplier.level, entities=supplier.entities, alias=True,
    )  # fmt: skip
