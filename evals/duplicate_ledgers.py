"""Ledgers whose duplicates are known, in one form for every source: both generators, and real ones with plants.

Rows are places in `invoices`. A pair is (lower row, higher row).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import combinations

from evals.datasets import Ledger, held_out, near_miss_ledgers, sized
from evals.second_generator import second_ledger
from evals.second_twins import RATES
from evals.third_generator import third_ledger
from evals.third_words import rate
from models.duplicates import Invoice, Rates
from models.synthetic import company_month

Pair = tuple[int, int]

SECOND_SHARE = 0.0178
"""Planted cases for each invoice: as a split has two or three parts, 2 % of the rows are duplicates of another."""
SECOND_LEDGERS, SECOND_ROWS = 8, 8000
THIRD_LEDGERS, THIRD_ROWS = 16, 4000
"""Smaller and more than those of the second generator: each is another firm."""
COMPANIES, COMPANY_INVOICES = 4, 1800
RENUMBERED = "renumbered"


@dataclass(frozen=True, slots=True)
class Planted:
    """A ledger and its truth.

    twins: true pairs and their class. aside: pairs that count neither for nor against a finder, such as two parts of
    one split. lookalikes: kind of honest look-alike → rows that are part of one. complete: False where rows of which
    nobody knows (a real ledger's own) are taken as no duplicates of each other. rates: exchange rates of its days.
    """

    name: str
    invoices: Sequence[Invoice]
    twins: Mapping[Pair, str]
    aside: frozenset[Pair] = frozenset()
    lookalikes: Mapping[str, frozenset[int]] = field(default_factory=dict)
    complete: bool = True
    rates: Rates | None = None

    @property
    def rows(self) -> dict[str, int]:
        """Place by invoice id."""
        return {one.invoice_id: row for row, one in enumerate(self.invoices)}


def ordered(left: int, right: int) -> Pair:
    return (left, right) if left < right else (right, left)


def siblings(twins: Iterable[Pair]) -> frozenset[Pair]:
    """Pairs of rows that are twins of one original: the same finding, so neither right nor wrong on their own."""
    known = set(twins)
    partners: dict[int, list[int]] = {}
    for left, right in known:
        partners.setdefault(left, []).append(right)
        partners.setdefault(right, []).append(left)
    return frozenset(
        pair for rows in partners.values() for pair in (ordered(*two) for two in combinations(rows, 2))
    ) - frozenset(known)


def of_ledger(ledger: Ledger) -> Planted:
    """A ledger whose duplicates are named by id."""
    rows = {one.invoice_id: row for row, one in enumerate(ledger.invoices)}
    twins = {ordered(rows[left], rows[right]): kind for left, right, kind in ledger.duplicate_pairs}
    return Planted(ledger.name, ledger.invoices, twins, siblings(twins), complete=ledger.complete)


def companies(seed: int, scale: float) -> list[Planted]:
    """Ledgers of made-up companies, from the generator of the training data, with seeds that no training uses."""
    months = [
        company_month(held_out(seed, 1 + number), suppliers=sized(120, scale, 20), customers=5,
                      invoices=sized(COMPANY_INVOICES, scale, 150), exceptions=0, mail=0)
        for number in range(sized(COMPANIES, scale, 2))
    ]  # fmt: skip
    return [of_ledger(Ledger("company", month.invoices, month.duplicate_pairs)) for month in months]


def near_misses(seed: int, scale: float) -> list[Planted]:
    """Ledgers full of invoices that look alike and are not, likewise."""
    return [of_ledger(one) for one in near_miss_ledgers(seed, scale)]


def second(seed: int, scale: float) -> list[Planted]:
    """Ledgers of the second generator, whose noise no training knows; 2 % of their rows are duplicates."""
    return [
        second_planted(held_out(seed, 600 + number), sized(SECOND_ROWS, scale, 700), SECOND_SHARE)
        for number in range(sized(SECOND_LEDGERS, scale, 1))
    ]


def second_planted(seed: int, rows: int, share: float, classes: Sequence[str] | None = None) -> Planted:
    """One ledger of the second generator."""
    made = second_ledger(seed, rows, share, classes)
    place = {one.invoice_id: row for row, one in enumerate(made.invoices)}
    twins = {ordered(place[pair.left_id], place[pair.right_id]): pair.kind for pair in made.true_pairs}
    looks: dict[str, set[int]] = {}
    for pair in made.hard_negatives:
        looks.setdefault(pair.kind, set()).update((place[pair.left_id], place[pair.right_id]))
    return Planted(
        "second", made.invoices, twins, siblings(twins), {kind: frozenset(rows) for kind, rows in looks.items()},
        rates=_second_rate,
    )  # fmt: skip


def _second_rate(currency: str, day: date) -> Decimal | None:
    return 1 / RATES[currency] if currency in RATES else None


def third(seed: int, scale: float) -> list[Planted]:
    """Ledgers of a generator that was written without sight of the others, of the features and of any result."""
    return [
        third_planted(held_out(seed, 700 + number), sized(THIRD_ROWS, scale, 700))
        for number in range(sized(THIRD_LEDGERS, scale, 2))
    ]


def third_planted(seed: int, rows: int, share: float = 0.02) -> Planted:
    """One ledger of the third generator."""
    made = third_ledger(seed, rows, share)
    place = {one.invoice_id: row for row, one in enumerate(made.invoices)}
    twins = {ordered(place[left], place[right]): kind for left, right, kind in made.pairs}
    looks: dict[str, set[int]] = {}
    for ids, kind in made.hard:
        looks.setdefault(_LOOKS.get(kind, kind), set()).update(place[one] for one in ids)
    return Planted(
        "third", made.invoices, twins, siblings(twins), {kind: frozenset(rows) for kind, rows in looks.items()},
        rates=_third_rate,
    )  # fmt: skip


# What the second generator calls them.
_LOOKS = {"credit_rebill": "credit_and_rebill", "same_day": "same_day_deliveries", "restart": "number_restarts"}


def _third_rate(currency: str, day: date) -> Decimal | None:
    try:
        return Decimal(str(round(rate(currency, "EUR", day), 6)))
    except KeyError:
        return None
