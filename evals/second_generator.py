"""A second generator of invoice ledgers with planted duplicates, written apart from the first and from the scorer.

It knows the list of classes alone: neither the features of the scorer nor the noise of the other generator. What it
plants stands in evals.second_twins (CLASSES), what only looks like a twin in evals.second_business (HARD_NEGATIVES).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

import numpy as np

from evals.second_business import Business, Slot, number_slots, run_business
from evals.second_suppliers import ENTITIES, Supplier
from evals.second_twins import CLASSES, PLANTS, SPLIT, Source, eligible, split
from models.invoice import Invoice

FEWEST_INVOICES, LARGEST_SHARE = 200, 0.15
_FRESH_NUMBER = ("renumbered", SPLIT)
_FIRST_ID = 5_100_000_000


@dataclass(frozen=True, slots=True)
class LedgerPair:
    """Two invoices by id, the one posted first on the left, and the class or kind of look-alike they are."""

    left_id: str
    right_id: str
    kind: str


@dataclass(frozen=True, slots=True)
class LedgerGroup:
    """Three or more invoices that are understood only together: a split and its whole, or a credit and rebill."""

    invoice_ids: tuple[str, ...]
    kind: str


@dataclass(frozen=True, slots=True)
class SecondLedger:
    """A ledger in order of posting, and the truth about it.

    true_pairs: every original with what was paid for it again; of a split, the original with each part. groups: all
    splits (kind 'split') and credit-and-rebills. hard_negatives: pairs that are no duplicates though they look it, one
    bill with the next of its series; bills further apart in a series are not listed. Every pair outside true_pairs is
    negative, but two parts of one split belong to one finding: do not count an alert between them as false.
    """

    invoices: tuple[Invoice, ...]
    true_pairs: tuple[LedgerPair, ...]
    groups: tuple[LedgerGroup, ...]
    hard_negatives: tuple[LedgerPair, ...]


@dataclass(frozen=True, slots=True)
class _Books:
    """Invoices by place with the day each was posted (kept apart: some books do not show it)."""

    invoices: list[Invoice]
    posted: list[date]

    def enter(self, invoice: Invoice, posted: date) -> int:
        blank = next(entity.blank for entity in ENTITIES if entity.code == invoice.entity)
        self.invoices.append(replace(invoice, posting_date=None if "posting_date" in blank else posted))
        self.posted.append(posted)
        return len(self.invoices) - 1


def _invoice(slot: Slot, supplier: Supplier, number: str, rng: np.random.Generator) -> Invoice:
    entity = ENTITIES[slot.entity]
    chance = rng.random(3)
    vendor_id, name = supplier.vendor_id, supplier.name
    if supplier.second and not slot.staged and not supplier.recurring and chance[0] < 0.15:
        vendor_id, name = supplier.second
    shown: dict[str, str | None] = {
        "tax_id": supplier.tax_id if chance[1] > 0.05 else None,
        "iban": supplier.iban if chance[2] > 0.05 else None,
        "po": slot.po,
        "description": slot.text,
    }
    shown |= {column: None for column in entity.blank if column in shown}
    return Invoice(
        invoice_id="",
        entity=entity.code,
        vendor_id=vendor_id,
        vendor_name=name,
        invoice_no=number,
        invoice_date=slot.day,
        posting_date=None,
        currency=entity.currency,
        amount=Decimal(slot.cents).scaleb(-2),
        doc_type=slot.doc_type,
        **shown,
    )


def _book(business: Business, numbers: Sequence[str]) -> _Books:
    rng, books = business.rng, _Books([], [])
    delays = rng.integers(0, 25, len(numbers))
    for slot, number, delay in zip(business.slots, numbers, delays, strict=True):
        invoice = _invoice(slot, business.suppliers[slot.supplier], number, rng)
        books.enter(invoice, slot.day + timedelta(days=int(delay)))
    return books


def _cases(invoices: int, share: float, classes: Sequence[str], rng: np.random.Generator) -> list[tuple[str, int]]:
    """(class, rows it adds) of every planted duplicate: each class as often, and every class once at the least."""
    count = max(len(classes), round(invoices * share)) if share else 0
    kinds = [classes[case % len(classes)] for case in range(count)]
    return [(kind, int(rng.integers(2, 4)) if kind == SPLIT else 1) for kind in kinds]


def _sources(business: Business, books: _Books, numbers: Sequence[str], serials: Sequence[int]) -> list[Source | None]:
    return [
        None if slot.staged else Source(replace(invoice, invoice_no=number), business.suppliers[slot.supplier], serial)
        for slot, invoice, number, serial in zip(business.slots, books.invoices, numbers, serials, strict=True)
    ]


def _twins(
    kind: str, rows: int, source: Source, taken: set[tuple[str, str]], rng: np.random.Generator
) -> list[Invoice]:
    """What is booked again. New numbers move on until the supplier has not used them."""
    while True:
        made = split(source, rows, rng) if kind == SPLIT else [PLANTS[kind](source, rng)]
        names = [(source.supplier.vendor_id, twin.invoice_no) for twin in made]
        if kind not in _FRESH_NUMBER or (len(set(names)) == rows and not taken.intersection(names)):
            taken.update(names)
            return made
        source = replace(source, serial=source.serial + 7)


def _plant(
    cases: Sequence[tuple[str, int]], sources: Sequence[Source | None], books: _Books, rng: np.random.Generator
) -> list[tuple[int, list[int], str]]:
    """Book the twins: (place of the original, places of its twins, class). No invoice is an original twice."""
    order = [int(place) for place in rng.permutation(len(sources))]
    taken = {(source.supplier.vendor_id, source.invoice.invoice_no) for source in sources if source}
    used: set[int] = set()
    reached = dict.fromkeys((kind for kind, _ in cases), 0)
    planted = []
    for kind, rows in cases:
        while reached[kind] < len(order):
            place = order[reached[kind]]
            reached[kind] += 1
            source = sources[place]
            if source and place not in used and eligible(kind, source):
                break
        else:
            raise ValueError(f"no invoice is left for a duplicate of class {kind!r}: ask for more invoices or fewer")
        used.add(place)
        late = int(rng.integers(1, 15)) if rng.random() < 0.6 else int(rng.integers(15, 90))
        twins = _twins(kind, rows, source, taken, rng)
        planted.append((place, [books.enter(twin, books.posted[place] + timedelta(days=late)) for twin in twins], kind))
    return planted


def second_ledger(
    seed: int, invoices: int, duplicate_share: float = 0.02, classes: Sequence[str] | None = None
) -> SecondLedger:
    """A ledger of exactly `invoices` rows over three years, the same for the same arguments.

    duplicate_share: planted duplicates for each invoice, 0 to LARGEST_SHARE (a split counts as one). Where it is not 0
    every class is planted at least once. classes: which of CLASSES, all of them by default. Raises ValueError for
    fewer than FEWEST_INVOICES, another share or an unknown class.
    """
    chosen = CLASSES if classes is None else tuple(dict.fromkeys(classes))
    unknown = sorted(set(chosen) - set(CLASSES))
    if unknown or not chosen:
        raise ValueError(f"unknown or no classes {unknown}: choose from {', '.join(CLASSES)}")
    if invoices < FEWEST_INVOICES or not 0 <= duplicate_share <= LARGEST_SHARE:
        raise ValueError(f"needs {FEWEST_INVOICES} invoices or more and a share from 0 to {LARGEST_SHARE}")
    rng = np.random.default_rng(seed)
    cases = _cases(invoices, duplicate_share, chosen, rng)
    business = run_business(invoices - sum(rows for _, rows in cases), rng)
    numbers, serials = number_slots(business)
    books = _book(business, numbers)
    planted = _plant(cases, _sources(business, books, numbers, serials), books, rng)
    return _closed(business, books, planted)


def _closed(business: Business, books: _Books, planted: Sequence[tuple[int, list[int], str]]) -> SecondLedger:
    """The ledger in order of posting: ids are given now, so that they tell nothing but that order."""
    shuffled = business.rng.permutation(len(books.invoices))
    order = sorted((int(place) for place in shuffled), key=books.posted.__getitem__)
    rank = {place: position for position, place in enumerate(order)}

    def named(position: int) -> str:
        return str(_FIRST_ID + position)

    def pair(one: int, two: int, kind: str) -> LedgerPair:
        left, right = sorted((rank[one], rank[two]))
        return LedgerPair(named(left), named(right), kind)

    def group(places: Sequence[int], kind: str) -> LedgerGroup:
        return LedgerGroup(tuple(named(position) for position in sorted(rank[place] for place in places)), kind)

    return SecondLedger(
        invoices=tuple(replace(books.invoices[place], invoice_id=named(rank[place])) for place in order),
        true_pairs=tuple(pair(place, twin, kind) for place, twins, kind in planted for twin in twins),
        groups=tuple(group((place, *twins), kind) for place, twins, kind in planted if kind == SPLIT)
        + tuple(group(places, kind) for places, kind in business.groups),
        hard_negatives=tuple(pair(left, right, kind) for left, right, kind in business.pairs),
    )
