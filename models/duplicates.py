"""Likely duplicates in a ledger of supplier invoices: keys, candidates, features, score, words.

The door to this part: other packages import from here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from models.blocking import (
    Keys,
    KeyTable,
    Pairs,
    Rates,
    blocking_keys,
    candidate_pairs,
    key_tables,
    require_spark,
    spark_candidate_pairs,
)
from models.dated_rates import WITHIN_DAYS, DatedRates, rate_reason, rated_features, worths
from models.invoice import Invoice, normal_name
from models.pair_columns import Columns, columns
from models.pair_context import LedgerContext, ordinal
from models.pair_features import PAIR_FEATURES, pair_features, renumbered_rows
from models.pair_reasons import AGAINST, kind, reasons
from models.pair_scorer import RENUMBERED_THRESHOLD, LabelledLedger, PairScorer, contributions
from models.pair_training import train_pair_scorer, training_pairs

__all__ = [
    "AGAINST", "PAIR_FEATURES", "RENUMBERED_THRESHOLD", "WITHIN_DAYS", "DatedRates", "DuplicatePair", "Invoice", "Join",
    "LabelledLedger", "LedgerContext", "PairScorer", "Progress", "Queue", "Rates", "blocking_keys", "candidate_pairs",
    "find_duplicates", "normal_name", "pair_features", "require_spark", "score_pairs", "spark_candidate_pairs",
    "train_pair_scorer", "training_pairs",
]  # fmt: skip

Join = Callable[[Keys, Keys | None], Pairs]
Ints = NDArray[np.int64]
Queue = Literal["duplicate", "renumbered"]

_CHUNK, _SCORED = 50_000, 4_000
_AMOUNTS = (
    "amount_same",
    "amount_remainder",
    "amount_whole",
    "amount_sum",
    "amount_shifted",
    "amount_anagram",
    "amount_tax_ratio",
)


class Scorer(Protocol):
    """Anything that gives probabilities to rows of pair features and says what each feature adds; PairScorer is one."""

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]: ...  # noqa: N803
    def shares(self, rows: NDArray[np.float64]) -> NDArray[np.float64]: ...


class Progress(Protocol):
    """Told how far a long search is: a stage's name, how much of it is done, of how much (0 = not known)."""

    def __call__(self, stage: str, done: int, total: int) -> None: ...


@dataclass(frozen=True, slots=True)
class DuplicatePair:
    """Two invoices that may be one. `left_id` is the earlier one; reasons hold counter-evidence too.

    queue: `renumbered` where the same work seems to be billed under a new number: such pairs are looked at
    apart, and promise less. parts: family of fields → its contribution to the probability in log odds,
    largest first.
    """

    left_id: str
    right_id: str
    probability: float
    kind: str
    reasons: tuple[str, ...]
    queue: Queue = "duplicate"
    parts: tuple[tuple[str, float], ...] = ()


def _ordered(a: Invoice, b: Invoice) -> tuple[Invoice, Invoice]:
    def key(one: Invoice) -> tuple[int, int, str]:
        return (one.posting_date.toordinal() if one.posting_date else 0, ordinal(one) or 0, one.invoice_id)

    return (a, b) if key(a) <= key(b) else (b, a)


def _unheard(stage: str, done: int, total: int) -> None:
    """Nobody wants to know."""


@dataclass(frozen=True, slots=True)
class _Judge:
    """A scorer, and from which probability a pair of each queue is kept. worth: of each invoice, see `worths`."""

    scorer: Scorer
    threshold: float
    renumbered: float
    worth: NDArray[np.float64] | None = None

    def kept(self, invoices: Sequence[Invoice], table: Columns, pairs: Ints) -> Iterator[DuplicatePair]:
        """The pairs (rows of `table`) that are likely enough, in their order."""
        rows, apart = rated_features(table, pairs, self.worth)
        # Trees are walked one after the other: rows that fit the processor's cache are scored twice as fast.
        slices = (rows[at : at + _SCORED] for at in range(0, len(rows), _SCORED))
        probabilities = np.concatenate([np.empty(0), *(self.scorer.predict_proba(few)[:, 1] for few in slices)])
        unlike = renumbered_rows(rows)
        kept = np.flatnonzero(probabilities >= np.where(unlike, self.renumbered, self.threshold))
        for at, parts in zip(kept.tolist(), contributions(self.scorer, rows[kept]) if len(kept) else [], strict=True):
            a, b = _ordered(invoices[pairs[at, 0]], invoices[pairs[at, 1]])
            yield DuplicatePair(
                left_id=a.invoice_id,
                right_id=b.invoice_id,
                probability=round(float(probabilities[at]), 4),
                kind=kind(a, b, rows[at]),
                reasons=_reasons(a, b, rows[at], apart[at]),
                queue="renumbered" if unlike[at] else "duplicate",
                parts=parts,
            )

    def alone(self, invoices: Sequence[Invoice], table: Columns, pairs: Ints) -> list[DuplicatePair]:
        """The same in a thread of its own: the trees are then not divided among threads once more."""
        with threadpool_limits(limits=1):
            return list(self.kept(invoices, table, pairs))


def _reasons(a: Invoice, b: Invoice, row: NDArray[np.float64], apart: float) -> tuple[str, ...]:
    """`reasons`; of amounts in two currencies the rates speak alone."""
    if np.isnan(apart):
        return reasons(a, b, row)
    unsaid = row.copy()
    unsaid[[PAIR_FEATURES.index(name) for name in _AMOUNTS]] = np.nan
    unsaid[PAIR_FEATURES.index("amount_ratio")] = np.nan
    said, rest = rate_reason(a, b, apart), reasons(a, b, unsaid)
    return (*rest, said) if said.startswith(AGAINST) else (said, *rest)


def score_pairs(
    pairs: Sequence[tuple[Invoice, Invoice]], context: LedgerContext, scorer: Scorer, *, rates: Rates | None = None
) -> list[DuplicatePair]:
    """Every pair with its probability, in the order given. `context` must hold the invoices of the pairs.

    rates: with them, amounts in two currencies are compared at the rates of their days.
    """
    if not pairs:
        return []
    row = {id(one): one for pair in pairs for one in pair}
    invoices = list(row.values())
    at = {key: place for place, key in enumerate(row)}
    indices = np.array([(at[id(a)], at[id(b)]) for a, b in pairs], dtype=np.int64)
    judge = _Judge(scorer, -1.0, -1.0, worths(invoices, rates))
    return list(judge.kept(invoices, columns(invoices, context), indices))


def find_duplicates(
    ledger: Sequence[Invoice],
    scorer: Scorer,
    *,
    against: Sequence[Invoice] = (),
    threshold: float = 0.5,
    renumbered: float | None = None,
    join: Join = candidate_pairs,
    rates: Rates | None = None,
    progress: Progress = _unheard,
) -> list[DuplicatePair]:
    """Pairs within `ledger`, and between it and `against`, at or above `threshold`; most likely first.

    Pairs within `against` are not looked at, nor pairs of one invoice_id. renumbered: from which probability a
    pair with unlike numbers is kept for its own queue; None = RENUMBERED_THRESHOLD, or `threshold` where that
    is lower; above 1 = never. `join` makes candidate pairs of blocking keys: DuckDB by default,
    spark_candidate_pairs for ledgers that need many machines. rates: values of currencies by day; without them, and
    where none is known, amounts in two currencies are not compared.
    """
    known = {one.invoice_id for one in ledger}
    others = [one for one in against if one.invoice_id not in known]
    invoices = [*ledger, *others]

    def keys(of: Sequence[Invoice], before: int) -> Iterator[KeyTable]:
        for table in key_tables(of, rates):
            progress("keys", before + int(table.item.max(initial=-1)) + 1, len(invoices))
            yield table
        progress("join", 0, 0)

    pairs = join(keys(ledger, 0), None)
    if others:
        across = join(key_tables(ledger, rates), keys(others, len(ledger)))
        pairs = np.vstack([pairs, across + np.array([0, len(ledger)])])
    progress("habits", 0, len(invoices))
    table = columns(invoices, LedgerContext.fit(invoices))
    progress("habits", len(invoices), len(invoices))
    least = min(threshold, RENUMBERED_THRESHOLD) if renumbered is None else renumbered
    judge = _Judge(scorer, threshold, least, worths(invoices, rates))
    found: list[DuplicatePair] = []
    chunks = [pairs[start : start + _CHUNK] for start in range(0, len(pairs), _CHUNK)]
    with ThreadPoolExecutor(max_workers=max(1, min(4, os.cpu_count() or 1))) as pool:
        for done, kept in enumerate(pool.map(lambda chunk: judge.alone(invoices, table, chunk), chunks)):
            progress("pairs", done * _CHUNK, len(pairs))
            found += kept
    progress("pairs", len(pairs), len(pairs))
    return sorted(found, key=lambda pair: (-pair.probability, pair.left_id, pair.right_id))
