"""Training rows and the booster of the collection model: one row per invoice and threshold of days late."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from models.boosting import filled
from models.events import Floats, Ints
from models.features import Columns

_MOST_ROWS = 150_000


def _booster(features: int, seed: int) -> HistGradientBoostingClassifier:
    # The last column is the threshold: more days late are never more likely than fewer.
    return HistGradientBoostingClassifier(
        max_iter=150, learning_rate=0.1, max_leaf_nodes=31, min_samples_leaf=60, l2_regularization=5.0,
        monotonic_cst=[0] * features + [-1], early_stopping=False, random_state=seed,
    )  # fmt: skip


def certain(table: Columns, threshold: int, cut: int) -> NDArray[np.bool_]:
    """(n,) True where it was certain before `cut` whether the invoice is more than `threshold` days late."""
    settled: NDArray[np.bool_] = np.maximum(table.due + threshold, table.post) < cut
    return settled


def stacked(X: Floats, table: Columns, thresholds: Ints, cut: int, rows: NDArray[np.bool_]) -> tuple[Floats, Ints]:  # noqa: N803
    """One row per invoice among `rows` and threshold that was certain before `cut`: (m, features + 1), (m,)."""
    tables, late = [], []
    for threshold in thresholds:
        kept = rows & certain(table, int(threshold), cut)
        tables.append(np.column_stack([X[kept], np.full(kept.sum(), float(threshold))]))
        late.append((table.clear[kept] > table.due[kept] + threshold).astype(np.int64))
    return np.vstack(tables), np.concatenate(late)


def fitted(
    X: Floats,  # noqa: N803
    table: Columns,
    thresholds: Ints,
    cut: int,
    rows: NDArray[np.bool_],
    seed: int,
) -> HistGradientBoostingClassifier | None:
    """The booster over what was certain before `cut`, or None where all of that is late, or none of it."""
    # "Late or not" is the question most asked, so its rows stand there three times. (Sample weights would say
    # the same, but with them scikit-learn 1.9 finds its bins by weighted percentiles: four times slower.)
    table_rows, late = stacked(X, table, np.concatenate([thresholds, [0, 0]]), cut, rows)
    if len(np.unique(late)) < 2:
        return None
    if len(late) > _MOST_ROWS:
        chosen = np.sort(np.random.default_rng(seed).choice(len(late), _MOST_ROWS, replace=False))
        table_rows, late = table_rows[chosen], late[chosen]
    return _booster(X.shape[1], seed).fit(filled(table_rows), late)
