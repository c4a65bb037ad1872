"""Likely duplicates in a ledger of supplier invoices: keys, candidates, features, score, words.

The door to this part: other packages import from here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models.blocking import (
    Keys,
    Pairs,
    blocking_keys,
    candidate_pairs,
    key_tables,
    require_spark,
    spark_candidate_pairs,
)
from models.invoice import Invoice, normal_name
from models.pair_columns import Columns, columns
from models.pair_context import LedgerContext, ordinal
from models.pair_features import PAIR_FEATURES, column_features, pair_features
from models.pair_reasons import AGAINST, kind, reasons
from models.pair_scorer import LabelledLedger, PairScorer, train_pair_scorer, training_pairs

__all__ = [
    "AGAINST", "PAIR_FEATURES", "DuplicatePair", "Invoice", "Join", "LabelledLedger", "LedgerContext", "PairScorer",
    "Queue", "blocking_keys", "candidate_pairs", "find_duplicates", "normal_name", "pair_features",
    "require_spark", "score_pairs", "spark_candidate_pairs", "train_pair_scorer", "training_pairs",
]  # fmt: skip

Join = Callable[[Keys, Keys | None], Pairs]
Ints = NDArray[np.int64]
Queue = Literal["duplicate", "renumbered"]

_CHUNK = 100_000


class Scorer(Protocol):
    """Anything that gives probabilities to rows of pair features; PairScorer is one."""

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]: ...  # noqa: N803


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


def _scored(
    invoices: Sequence[Invoice], table: Columns, pairs: Ints, scorer: Scorer, threshold: float
) -> list[DuplicatePair]:
    found = []
    for start in range(0, len(pairs), _CHUNK):
        chunk = pairs[start : start + _CHUNK]
        rows = column_features(table, chunk[:, 0], chunk[:, 1])
        probabilities = scorer.predict_proba(rows)[:, 1]
        for at in np.flatnonzero(probabilities >= threshold):
            a, b = _ordered(invoices[chunk[at, 0]], invoices[chunk[at, 1]])
            probability = round(float(probabilities[at]), 4)
            found.append(
                DuplicatePair(a.invoice_id, b.invoice_id, probability, kind(a, b, rows[at]), reasons(a, b, rows[at]))
            )
    return found


def score_pairs(
    pairs: Sequence[tuple[Invoice, Invoice]], context: LedgerContext, scorer: Scorer
) -> list[DuplicatePair]:
    """Every pair with its probability, in the order given. `context` must know the vendors of the pairs."""
    if not pairs:
        return []
    row = {id(one): one for pair in pairs for one in pair}
    invoices = list(row.values())
    at = {key: place for place, key in enumerate(row)}
    indices = np.array([(at[id(a)], at[id(b)]) for a, b in pairs], dtype=np.int64)
    return _scored(invoices, columns(invoices, context), indices, scorer, threshold=-1.0)


def find_duplicates(
    ledger: Sequence[Invoice],
    scorer: Scorer,
    *,
    against: Sequence[Invoice] = (),
    threshold: float = 0.5,
    join: Join = candidate_pairs,
) -> list[DuplicatePair]:
    """Pairs within `ledger`, and between it and `against`, at or above `threshold`; most likely first.

    Pairs within `against` are not looked at, nor pairs of one invoice_id. `join` makes candidate pairs of
    blocking keys: DuckDB by default, spark_candidate_pairs for ledgers that need many machines.
    """
    known = {one.invoice_id for one in ledger}
    others = [one for one in against if one.invoice_id not in known]
    invoices = [*ledger, *others]
    pairs = join(key_tables(ledger), None)
    if others:
        across = join(key_tables(ledger), key_tables(others))
        pairs = np.vstack([pairs, across + np.array([0, len(ledger)])])
    table = columns(invoices, LedgerContext.fit(invoices))
    found = _scored(invoices, table, pairs, scorer, threshold)
    return sorted(found, key=lambda pair: (-pair.probability, pair.left_id, pair.right_id))
