"""The buying company of a made-up ledger: entities, clerks, channels, columns and habits, drawn anew for every seed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from models.pair_works_words import COUNTRIES, NEIGHBOURS, SURNAMES

# Shares of the kinds of suppliers by trade; the rest is drawn around them.
TRADES: dict[str, dict[str, float]] = {
    "manufacturer": {"goods": 9, "freight": 2, "service": 3, "staff": 1.5, "energy": 0.6, "lease": 0.7, "telecom": 0.4},
    "retailer": {"goods": 12, "freight": 2, "service": 3, "energy": 1.5, "lease": 0.6, "telecom": 0.6, "staff": 0.7},
    "logistics": {
        "freight": 9,
        "goods": 3,
        "lease": 3,
        "staff": 2,
        "insurance": 1,
        "telecom": 1,
        "service": 2,
        "energy": 1,
    },
    "construction": {"stage": 8, "goods": 6, "lease": 2, "staff": 2, "service": 2, "freight": 1, "insurance": 0.6},
    "family": {"goods": 5, "service": 4, "telecom": 0.7, "energy": 0.7, "insurance": 0.8, "lease": 0.5, "stage": 0.7},
    "holding": {"service": 8, "telecom": 1.5, "lease": 1.5, "insurance": 1.5, "energy": 1, "goods": 2, "staff": 1},
}
_EVERYBODY = {"service": 2.0, "telecom": 0.4, "energy": 0.4, "insurance": 0.4, "lease": 0.3, "stage": 0.15}
CLASSES = (
    "exact", "format", "ocr", "typo", "suffix", "vendor", "date", "penny", "entity", "renumbered", "currency", "split",
)  # fmt: skip
_WORDS_FOR_TYPES = (
    ("invoice", "credit_note"), ("INV", "CRN"), ("RE", "KG"), ("KR", "KG"), ("Rechnung", "Gutschrift"), ("380", "381"),
    ("AP Invoice", "AP Credit Memo"), ("STANDARD", "CREDIT"), ("I", "C"), ("Facture", "Avoir"), ("Invoice",
    "Credit Note"),
    ("PI", "PC"), ("bill", "vendor_credit"), ("FATTURA", "NOTA CREDITO"), ("", ""), ("KZ", "KZ"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entity:
    """One company of the buying group."""

    code: str
    country: str
    currency: str


@dataclass(frozen=True, slots=True)
class Clerk:
    """Who enters bills. `way`: how numbers are written; `po` and `text`: how often those are filled in."""

    way: str
    po: float
    text: float
    slip: float
    writes: str


@dataclass(frozen=True, slots=True)
class House:
    """The buyer. Shares are per row or per supplier; `lag` is the usual days from a bill's date to its posting."""

    trade: str
    country: str
    entities: tuple[Entity, ...]
    first: date
    last: date
    columns: frozenset[str]
    signed: bool
    types: tuple[str, str]
    clerks: tuple[Clerk, ...]
    channels: tuple[tuple[str, float], ...]  # edi, scan, hand
    lag: float
    sloppy: float
    scan: float
    vendor_style: str
    vendor_by_entity: bool
    id_style: str
    order: str
    names: str
    names_vary: float
    po_style: str
    cut: int
    foreign: float
    alias: float
    gaps: float
    hard: float
    kinds: tuple[tuple[str, float], ...]
    classes: tuple[tuple[str, float], ...]

    def has(self, column: str) -> bool:
        """Whether the export carries that column at all."""
        return column in self.columns


def _entities(rng: Random, count: int, country: str) -> tuple[Entity, ...]:
    style = rng.choice(("number", "land", "letters", "name", "short", "long"))
    start, step = rng.choice((1000, 100, 1, 10, 2000, 5000)), rng.choice((1, 10, 100))
    abroad = rng.random() * 0.8
    found: dict[str, Entity] = {}
    while len(found) < count:
        at = len(found)
        land = rng.choice(NEIGHBOURS) if at and rng.random() < abroad else country
        name = rng.choice(SURNAMES[COUNTRIES[country].language].split())
        code = {
            "number": str(start + at * step),
            "land": f"{land}{at + 1:02d}",
            "letters": "".join(rng.choices("ABCDEFGHKLMNPRSTUVW", k=3)),
            "name": f"{name} {land} {rng.choice(COUNTRIES[land].legal)}".strip(),
            "short": str(at + 1),
            "long": f"CC-{rng.randint(10, 99)}{at:02d}",
        }[style]
        found[code] = Entity(
            code, land, COUNTRIES[land].currency if rng.random() < 0.9 else COUNTRIES[country].currency
        )
    return tuple(found.values())


def _clerks(rng: Random, count: int) -> tuple[Clerk, ...]:
    rule = rng.choice(("raw", "raw", "raw", "tight", "upper", "no_zeros", "no_spaces", "digits", "no_prefix"))
    loose = rng.random() * 0.5
    return tuple(
        Clerk(
            way=rule
            if rng.random() > loose
            else rng.choice(("raw", "tight", "no_zeros", "upper", "no_prefix", "blanks")),
            po=rng.choice((0.3, 0.8, 0.95, 1.0)),
            text=rng.choice((0.2, 0.7, 0.95, 1.0)),
            slip=rng.choice((0.0, 0.001, 0.004, 0.01)),
            writes=rng.choice(("item", "item", "full", "short", "account", "number", "upper")),
        )
        for _ in range(count)
    )


def _columns(rng: Random, trade: str) -> frozenset[str]:
    keep = {"tax_id": 0.75, "iban": 0.65, "po": 0.8, "description": 0.8, "posting_date": 0.88, "vendor_id": 0.94}
    if trade == "family":
        keep |= {"po": 0.35, "vendor_id": 0.7, "iban": 0.5, "posting_date": 0.7}
    if trade == "construction":
        keep["po"] = 0.9
    return frozenset(name for name, share in keep.items() if rng.random() < share)


def _weights(rng: Random, base: dict[str, float], shape: float) -> tuple[tuple[str, float], ...]:
    return tuple((name, weight * rng.gammavariate(shape, 1 / shape)) for name, weight in base.items())


def _classes(rng: Random, wanted: tuple[str, ...] | None, entities: int) -> tuple[tuple[str, float], ...]:
    names = [name for name in (wanted or CLASSES) if entities > 1 or name != "entity"]
    return _weights(rng, dict.fromkeys(names, 1.0), 1.2)


def _end(rng: Random) -> date:
    day = date(rng.randint(2016, 2025), rng.choice((3, 6, 9, 12, 12, 12, rng.randint(1, 12))), 28)
    return day + timedelta(days=rng.randint(0, 3))


def build_house(rng: Random, size: int, wanted: tuple[str, ...] | None) -> House:
    """A buyer fit for a ledger of `size` bills; two entities at least where "entity" alone is wanted."""
    small = rng.random() < (0.7 if size < 400 else 0.12)
    trade = "family" if small and rng.random() < 0.7 else rng.choice([name for name in TRADES if name != "family"])
    country = rng.choice(("DE", "DE", "GB", "US", "FR", "AT", "CH", "IT", "ES", "NL", "PL", "BE", "SE", "IE", "CZ",
    "HU", "RO",
                          "PT", "NO", "DK", "CA", "AU", "ZA", "MX", "BR"))  # fmt: skip
    count = rng.choice((1, 1, 1, 2)) if trade == "family" else rng.choice((1, 2, 2, 3, 4, 5, 6, 8, 12))
    if wanted and "entity" in wanted:
        count = max(count, 2)
    last = _end(rng)
    types = rng.choice(_WORDS_FOR_TYPES)
    scan, hand = rng.random(), rng.random()
    edi = 0.0 if trade == "family" else rng.random()
    return House(
        trade=trade,
        country=country,
        entities=_entities(rng, count, country),
        first=last - timedelta(days=rng.choice((90, 181, 364, 364, 364, 729, 729, 1094, 1459))),
        last=last,
        columns=_columns(rng, trade),
        # Where the type does not tell a credit, only its sign can.
        signed=types[0] == types[1] or rng.random() < 0.75,
        types=types,
        clerks=_clerks(rng, rng.randint(1, 2) if trade == "family" else rng.randint(2, 12)),
        channels=(("edi", edi), ("scan", scan), ("hand", hand + 0.05)),
        lag=rng.choice((0.5, 2, 4, 7, 12, 20)),
        sloppy=rng.uniform(0.05, 0.55),
        scan=rng.choice((0.0, 0.002, 0.006, 0.015)),
        vendor_style=rng.choice(("sap", "datev", "v", "mnemonic", "plain", "dash")),
        vendor_by_entity=rng.random() < 0.2,
        id_style=rng.choice(("sap", "ap", "hex", "plain", "year", "entity", "long")),
        order=rng.choice(("posted", "posted", "vendor", "mixed", "entity")),
        names=rng.choice(("as_is", "as_is", "upper", "upper_flat", "cut30", "cut20", "german", "no_legal")),
        names_vary=rng.choice((0.0, 0.0, 0.0, 0.02, 0.1)),
        po_style=rng.choice(("45", "po", "year", "p", "site", "dash")),
        cut=rng.choice((0, 0, 0, 0, 16, 16, 20, 25)),
        foreign=rng.choice((0.02, 0.1, 0.25, 0.45)),
        alias=rng.choice((0.0, 0.02, 0.06, 0.15)),
        gaps=rng.choice((0.0, 0.0, 0.003, 0.02)),
        hard=rng.uniform(0.15, 0.6),
        kinds=_weights(rng, _EVERYBODY | TRADES[trade], 2.0),
        classes=_classes(rng, wanted, count),
    )
