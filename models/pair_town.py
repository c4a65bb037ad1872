"""Ledgers of public bodies and service firms with planted duplicates, to train the scorer of pairs: one firm a seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from random import Random

from models.invoice import Invoice
from models.pair_town_body import Supplier, draw_suppliers, draw_town
from models.pair_town_desk import Desk
from models.pair_town_hard import HARD
from models.pair_town_twice import CLASSES, LONELY, in_parts

DUPLICATE_CLASSES = (*CLASSES, "split")
HARD_KINDS = tuple(HARD)


@dataclass(frozen=True)
class TownLedger:
    """A ledger and its truth. pairs: first id, second id, class; hard: the ids of look-alikes that are right, kind."""

    invoices: list[Invoice]
    pairs: list[tuple[str, str, str]]
    hard: list[tuple[tuple[str, ...], str]]


def _paced(rng: Random, supplier: Supplier, daily: float) -> Supplier:
    """The supplier with numbers enough for `daily` bills a day: more where it has other customers."""
    series = supplier.series
    if not series.counts and daily > 0.1:
        series = replace(series, parts=(*series.parts, "=/", "#2"), first=1)
    pace = max(series.pace, daily * rng.choice([1.1, 1.1, 1.5, 3, 20]))
    return replace(supplier, series=replace(series, pace=pace))


def _fill(desk: Desk, count: int) -> None:
    """The bills that are right, about `count` of them (never more): ordinary ones and look-alikes."""
    rng = desk.rng
    busy = [rng.gammavariate(0.6, 1) / one.every + 1e-6 for one in desk.suppliers]
    daily = count / sum(busy) / desk.town.days
    desk.suppliers = [_paced(rng, one, daily * share) for one, share in zip(desk.suppliers, busy, strict=True)]
    kinds = [rng.gammavariate(0.5, 1) + 0.05 for _ in HARD]
    alike = int(count * rng.uniform(0.08, 0.4))
    # A group has at most a few dozen rows: near the end only single bills fit.
    while len(desk.rows) < alike and len(desk.rows) < count - 60:
        HARD[rng.choices(HARD_KINDS, kinds)[0]](desk, rng.choice(desk.suppliers))
    for supplier in rng.choices(desk.suppliers, busy, k=max(0, count - len(desk.rows))):
        desk.background(supplier)


def _source(desk: Desk, kind: str, last: int, used: set[int]) -> int | None:
    """A bill that may be entered twice in this way."""
    for _ in range(400):
        place = desk.rng.randrange(last)
        row, owner = desk.rows[place], desk.owners[place]
        if place in used or place in desk.closed or row.amount <= 0:
            continue
        if row.doc_type != desk.town.invoice_word and desk.rng.random() < 0.7:
            continue
        if kind not in LONELY or desk.amounts[owner.ring, row.amount] == 1:
            return place
    return None


def _plant(desk: Desk, count: int, classes: Sequence[str]) -> list[tuple[int, int, str]]:
    """Enter `count` rows a second time; every class first once, then by the town's own shares."""
    rng, last = desk.rng, len(desk.rows)
    shares = [rng.gammavariate(1, 1) + 0.15 for _ in classes]
    waiting = rng.sample(list(classes), len(classes))
    pairs: list[tuple[int, int, str]] = []
    used: set[int] = set()
    tries = 0
    while len(pairs) < count and tries < 60 * count + 1000:
        tries += 1
        left = count - len(pairs)
        kind = waiting[-1] if waiting else rng.choices(classes, shares)[0]
        if kind == "split" and left < 2:
            waiting = [one for one in waiting if one != kind]
            continue
        place = _source(desk, kind, last, used)
        if place is None:
            continue
        row, owner = desk.rows[place], desk.owners[place]
        if kind == "split":
            parts = left if left < 4 else rng.choice([2, 2, 3]) if left != 4 else 2
            copies = in_parts(desk, owner, row, parts)
        else:
            copies = CLASSES[kind](desk, owner, row)
        # A bill that a credit of its amount may have taken back is no sure duplicate.
        if copies is None or any((owner.ring, copy.amount) in desk.credits for copy in (row, *copies)):
            continue
        waiting = waiting[:-1]
        used.add(place)
        pairs.extend((place, desk.enter(copy, owner), kind) for copy in copies)
    return pairs


def _ids(rng: Random, shape: int, first: int, count: int) -> list[str]:
    """Document ids in order of posting, as this system makes them."""
    step = rng.choice([1, 1, 1, 3])
    numbers = [first + step * place for place in range(count)]
    if shape == 1:
        return [f"{number:010d}" for number in numbers]
    if shape == 2:
        return [f"PI-{number}" for number in numbers]
    if shape == 3:
        return [f"{(number * 2654435761) % 2**32:08x}-{number % 65536:04x}" for number in numbers]
    if shape == 4:
        return [f"51{number:08d}" for number in numbers]
    return [str(number) for number in numbers]


def _order(rng: Random, rows: list[Invoice]) -> list[int]:
    """Places in order of entry; within a day nothing tells which came first."""
    epoch = date(1970, 1, 1)
    return sorted(
        range(len(rows)), key=lambda at: (rows[at].posting_date or rows[at].invoice_date or epoch, rng.random())
    )


def town_ledger(
    seed: int, invoices: int, duplicate_share: float = 0.02, classes: Sequence[str] | None = None
) -> TownLedger:
    """The ledger of one drawn organisation: `invoices` rows, `duplicate_share` of them entered a second time.

    classes: only these kinds of duplicates (DUPLICATE_CLASSES); a split adds two or three rows, each paired with the
    whole. The same arguments give the same ledger. Raises ValueError for an unknown class or fewer than 200 invoices.
    """
    chosen = DUPLICATE_CLASSES if classes is None else tuple(dict.fromkeys(classes))
    unknown = sorted(set(chosen) - set(DUPLICATE_CLASSES))
    if unknown or not chosen:
        raise ValueError(f"unknown or no classes of duplicates: {unknown}; known are {', '.join(DUPLICATE_CLASSES)}")
    if invoices < 200 or not 0 <= duplicate_share <= 0.2:
        raise ValueError("a ledger needs at least 200 invoices and a share of duplicates from 0 to 0.2")
    rng = Random(f"town {seed}")  # noqa: S311  (synthetic data, no secret)
    town = draw_town(rng)
    suppliers = draw_suppliers(rng, town, max(12, int(invoices ** rng.uniform(0.5, 0.85))))
    desk = Desk(rng, town, suppliers)
    again = round(invoices * duplicate_share)
    if chosen == ("split",) and again == 1:
        again = 2
    _fill(desk, invoices - again)
    planted = _plant(desk, again, chosen)
    order = _order(rng, desk.rows)
    ids = dict(zip(order, _ids(rng, town.id_shape, town.id_first, len(order)), strict=True))
    return TownLedger(
        [replace(desk.rows[at], invoice_id=ids[at]) for at in order],
        [(ids[first], ids[second], kind) for first, second, kind in planted],
        [(tuple(ids[at] for at in places), kind) for places, kind in desk.hard],
    )
