"""Duplicates planted in real ledgers, and the pairs that are obvious in them without any plant.

A row of the ledger is booked a second time, changed as evals.second_writing says that clerks and scanners write. What
a public ledger does not hold is not made up, but for a second currency and a second company.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import combinations

import numpy as np

from evals.datasets import held_out
from evals.duplicate_ledgers import RENUMBERED, Pair, Planted, ordered, siblings
from evals.duplicate_real import RealLedger, vendor_of
from evals.second_writing import ending, keyed, other_spelling, pick, rewritten, scanned
from models.duplicates import Invoice

SHARE = 0.0178
"""Planted cases of all rows; 2 % of the rows, as a split has two or three parts."""
_CENT = Decimal("0.01")
_EUROS = 1.17  # for a pound, about
_NUMBER_CHANGED = ("format", "ocr", "typo", "suffix")
_MOST_TOGETHER = 40

Plant = Callable[[Invoice, np.random.Generator], Invoice]


def _renumbered(one: Invoice, rng: np.random.Generator) -> Invoice:
    """The last figures of the number counted on, as the supplier's next bills have them; a few weeks later."""
    on = int(rng.integers(1, 40))
    number = re.sub(
        r"\d+(?=\D*$)", lambda found: f"{int(found[0]) + on:0{len(found[0])}d}", one.invoice_no.strip(), count=1
    )
    return replace(_moved(one, int(rng.integers(2, 30))), invoice_no=number)


def _moved(one: Invoice, days: int) -> Invoice:
    return replace(one, invoice_date=one.invoice_date and one.invoice_date + timedelta(days=days))


def _pennies(one: Invoice, rng: np.random.Generator) -> Invoice:
    whole = one.amount.quantize(Decimal(1))
    off = _CENT * int(rng.integers(1, 6)) * pick(rng, (-1, 1))
    return replace(one, amount=whole if whole not in (one.amount, 0) and rng.random() < 0.4 else one.amount + off)


def _other_vendor(one: Invoice, rng: np.random.Generator) -> Invoice:
    name = other_spelling(rng, one.vendor_name) if _is_named(one) else one.vendor_name
    return replace(one, vendor_id=f"{int(rng.integers(700_000, 999_999))}", vendor_name=name)


def _in_euros(one: Invoice, rng: np.random.Generator) -> Invoice:
    rate = Decimal(str(round(_EUROS * float(rng.uniform(0.985, 1.015)), 4))) if rng.random() < 0.6 else Decimal(1)
    return replace(one, currency="EUR", amount=(one.amount * rate).quantize(_CENT))


def _numbered(write: Callable[[str, np.random.Generator], str]) -> Plant:
    return lambda one, rng: replace(one, invoice_no=write(one.invoice_no, rng))


_PLANTS: dict[str, Plant] = {
    "exact": lambda one, rng: one,
    "format": _numbered(rewritten),
    "ocr": _numbered(scanned),
    "typo": _numbered(keyed),
    "suffix": _numbered(lambda number, rng: number + ending(rng)),
    "vendor_double": _other_vendor,
    "date": lambda one, rng: _moved(one, pick(rng, (-3, -2, -1, 1, 2, 3, 7, 10, 14, 21, 30))),
    "amount": _pennies,
    "other_entity": lambda one, rng: one,  # the entity is set where all of them are known
    RENUMBERED: _renumbered,
    "currency": _in_euros,
}
CLASSES = (*_PLANTS, "split")


def _is_named(one: Invoice) -> bool:
    """Whether the vendor's name is a name, of at least two words."""
    return len(one.vendor_name.split()) > 1 and "redact" not in one.vendor_name.lower()


@dataclass(frozen=True, slots=True)
class _Usual:
    """How often: an amount of a vendor, the same on one day, and invoices of a vendor."""

    amounts: Counter[tuple[str, Decimal]]
    days: Counter[tuple[str, Decimal, date | None]]
    vendors: Counter[str]


def _eligible(kind: str, one: Invoice, usual: _Usual) -> bool:
    """Whether the ledger still tells that this row is booked twice as that class.

    One of several bills of one amount on one day is a look-alike already: with a number by one slip off, nobody could
    say whose copy it is.
    """
    once = usual.amounts[vendor_of(one), one.amount] == 1
    if kind in _NUMBER_CHANGED and usual.days[vendor_of(one), one.amount, one.invoice_date] > 1:
        return False
    if one.amount <= 20 or sum(letter.isdigit() for letter in one.invoice_no) < 4:
        return False
    if kind in ("date", "currency"):
        return one.invoice_date is not None and once
    if kind == "vendor_double":
        return _is_named(one)
    if kind in (RENUMBERED, "split"):  # an amount that this vendor asks for once, and that is no round figure
        odd = one.amount % 5 != 0 and one.amount > 100
        return once and odd and usual.vendors[vendor_of(one)] >= 4 and one.invoice_date is not None
    return True


def _parts(one: Invoice, rng: np.random.Generator) -> list[Invoice]:
    count = int(rng.integers(2, 4))
    shares = rng.dirichlet([6.0] * count)
    cents = [max(1, int(one.amount * 100 * Decimal(str(share)))) for share in shares[:-1]]
    cents.append(int(one.amount * 100) - sum(cents))
    own = rng.random() < 0.4
    parts = []
    for place, part in enumerate(cents):
        later = _moved(one, int(rng.integers(0, 15)))
        number = _renumbered(one, rng).invoice_no if own else f"{one.invoice_no}{pick(rng, '-/')}{place + 1}"
        parts.append(replace(later, invoice_no=number, amount=Decimal(part) / 100))
    return parts


def _twins(kind: str, one: Invoice, entities: Sequence[str], rng: np.random.Generator) -> list[Invoice]:
    """What is booked again, some days later. A clerk of another company or record may leave out the text."""
    made = _parts(one, rng) if kind == "split" else [_PLANTS[kind](one, rng)]
    if kind == "other_entity":
        made = [replace(each, entity=pick(rng, [name for name in entities if name != one.entity])) for each in made]
    last = one.posting_date
    later = int(rng.integers(1, 15)) if rng.random() < 0.6 else int(rng.integers(15, 80))
    silent = kind != "exact" and rng.random() < 0.15
    return [
        replace(
            each,
            posting_date=last and last + timedelta(days=later),
            description=None if silent else each.description,
        )
        for each in made
    ]


def injected(real: RealLedger, seed: int) -> Planted:
    """The ledger with every class planted as often, in order of posting.

    Pairs of the ledger's own rows that are obvious duplicates count neither for nor against a finder; all other pairs
    of its own rows are taken as no duplicates, which some may be.
    """
    rng = np.random.default_rng(held_out(seed, 702))
    own = real.invoices
    usual = _Usual(
        Counter((vendor_of(one), one.amount) for one in own),
        Counter((vendor_of(one), one.amount, one.invoice_date) for one in own),
        Counter(map(vendor_of, own)),
    )
    taken = {(vendor_of(one), one.invoice_no) for one in own}
    entities = sorted({one.entity for one in own} | {"second company"})
    rows: list[tuple[Invoice, int, str]] = [(one, -1, "") for one in own]
    order = [int(at) for at in rng.permutation(len(own))]
    wanted = max(len(CLASSES), round(len(own) * SHARE))
    for case in range(wanted):
        kind = CLASSES[case % len(CLASSES)]
        at = next((at for at in order if _eligible(kind, own[at], usual)), None)
        if at is None:
            continue
        order.remove(at)
        made = _twins(kind, own[at], entities, rng)
        fresh = [(vendor_of(each), each.invoice_no) for each in made]
        if kind in (RENUMBERED, "split") and (taken & set(fresh) or len(set(fresh)) < len(made)):
            continue  # the number is another bill's: nobody could tell
        taken.update(fresh)
        rows += [(each, at, kind) for each in made]
    return _closed(real.name, rows)


def _closed(name: str, rows: Sequence[tuple[Invoice, int, str]]) -> Planted:
    """The ledger in order of posting, its ids by that order so that they tell nothing else."""
    order = sorted(range(len(rows)), key=lambda at: (rows[at][0].posting_date or date.min, at))
    place = {at: position for position, at in enumerate(order)}
    invoices = [replace(rows[at][0], invoice_id=f"{4_000_000 + position}") for position, at in enumerate(order)]
    twins = {ordered(place[source], place[at]): kind for at, (_, source, kind) in enumerate(rows) if source >= 0}
    known = obvious(invoices) | _twice_alike(invoices)
    return Planted(name, invoices, twins, (siblings(twins) | known) - frozenset(twins), complete=False,
                   rates=_in_pounds)  # fmt: skip


def _in_pounds(currency: str, day: date) -> Decimal | None:
    return {"GBP": Decimal(1), "EUR": 1 / Decimal(str(_EUROS))}.get(currency)


def _bare(number: str) -> str:
    return "".join(letter for letter in number.upper() if letter.isalnum())


def _pairs_by(keys: Iterable[tuple[int, object]]) -> Iterable[Pair]:
    places: dict[object, list[int]] = {}
    for row, key in keys:
        places.setdefault(key, []).append(row)
    for rows in places.values():
        if len(rows) <= _MOST_TOGETHER:
            yield from (ordered(*two) for two in combinations(rows, 2))


def obvious(invoices: Sequence[Invoice]) -> frozenset[Pair]:
    """Pairs that anybody would look at: one vendor, one amount, and numbers that differ in punctuation alone."""
    keys = (
        (row, (vendor_of(one), one.amount, _bare(one.invoice_no)))
        for row, one in enumerate(invoices)
        if _bare(one.invoice_no)
    )
    return frozenset(pair for pair in _pairs_by(keys) if len({invoices[row].invoice_no for row in pair}) == 2)


def _twice_alike(invoices: Sequence[Invoice]) -> frozenset[Pair]:
    """Pairs that agree in vendor, number, date and amount: nobody knows of a real ledger's own what they are."""
    keys = (
        (row, (vendor_of(one), one.amount, one.invoice_no, one.invoice_date))
        for row, one in enumerate(invoices)
        if one.invoice_no
    )
    return frozenset(_pairs_by(keys))
