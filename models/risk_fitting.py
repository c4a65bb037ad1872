"""The two kinds of model that say how likely an invoice is late at a few days, the anchors: linear and boosted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from models.boosting import filled
from models.events import NEVER, Bools, Floats, Ints
from models.features import RATED, RISK_FEATURES
from models.risk_curves import Own
from models.risk_ledger import Columns

_LEAST_OF_A_KIND = 12
_LARGE = 4000
_SHRINKAGE = 0.015
# The month and the age of a customer stand for the calendar of the history itself where that is short.
_NOT_LINEAR = frozenset({"due_month", "tenure"})
_RISES = frozenset({
    "late_rate", "late_15_rate", "late_30_rate", "late_rate_90", "terms_late_rate", "weekday_late_rate",
    "days_late_mean", "days_late_last_3", "days_late_last_10", "overdue_count",
})  # fmt: skip
"""What finance expects to raise the risk: a booster may not learn the opposite from noise."""


def columns_of(anchors: Ints, knots: Ints) -> tuple[str, ...]:
    """Names of the columns of `design`."""
    days = [int(day) for day in knots[anchors]]
    return (
        *RISK_FEATURES,
        *(f"own_{day}" for day in days),
        *(f"weekday_{day}" for day in days),
        *(f"rated_{day}" for day in RATED),
    )


def design(features: Floats, own: Own, anchors: Ints) -> Floats:
    """What models see: features, the customer's own curve at the anchors, how the weekday differs from it, and the
    rates of what had matured, all drawn towards all customers: (n, len(columns_of(...)))."""
    plain = own.plain[:, anchors]
    return np.hstack([features, plain, own.curve[:, anchors] - plain, own.rated])


@dataclass(frozen=True, slots=True)
class Labels:
    """What was certain before a day (an ordinal), for each invoice and anchor: (n, a) each."""

    known: Bools
    late: Bools

    @classmethod
    def before(cls, cut: int, table: Columns, days: Ints) -> Labels:
        """`days`: (a,) days late of the anchors. What is not known to be paid counts as unpaid."""
        known = np.column_stack([certain(table, int(day), cut) for day in days])
        clear = np.where(table.known < cut, table.clear, NEVER)
        return cls(known, clear[:, None] > table.due[:, None] + days[None, :])

    def kept(self, rows: Bools) -> Labels:
        return Labels(self.known & rows[:, None], self.late)


def certain(table: Columns, threshold: int, cut: int) -> Bools:
    """(n,) True where it was certain before `cut` whether the invoice is more than `threshold` days late."""
    settled: Bools = np.maximum(table.due + threshold, table.post) < cut
    return settled


def told_apart(labels: Labels) -> Bools:
    """(a,) True at anchors where enough invoices are late, and enough are not."""
    late, all_known = (labels.late & labels.known).sum(axis=0), labels.known.sum(axis=0)
    found: Bools = np.minimum(late, all_known - late) >= _LEAST_OF_A_KIND
    return found


@dataclass(frozen=True, slots=True)
class Linear:
    """Logistic regressions on standardized columns. mean, scale: (f,). weights: (f, a). start: (a,)."""

    mean: Floats
    scale: Floats
    weights: Floats
    start: Floats

    @classmethod
    def fit(cls, table: Floats, labels: Labels, names: Sequence[str]) -> Linear:
        """Ridge (L2) logistic regression at each anchor, over what was certain."""
        seen = ~np.isnan(table)
        count = np.maximum(seen.sum(axis=0), 1)
        mean = np.where(seen, table, 0.0).sum(axis=0) / count
        centred = np.where(seen, table - mean, 0.0)
        scale = np.sqrt((centred**2).mean(axis=0))
        scale = np.where(scale > 1e-9, scale, np.inf)
        scale[[name in _NOT_LINEAR for name in names]] = np.inf
        standard = np.clip(centred / scale, -6.0, 6.0)
        weights, start = [], []
        for at in range(labels.late.shape[1]):
            rows = labels.known[:, at]
            model = LogisticRegression(C=_SHRINKAGE, max_iter=300).fit(standard[rows], labels.late[rows, at])
            weights.append(model.coef_[0])
            start.append(float(model.intercept_[0]))
        return cls(mean, scale, np.array(weights).T, np.array(start))

    def standard(self, table: Floats) -> Floats:
        """The columns as the regressions see them: (n, f); what is not known is as usual."""
        found: Floats = np.clip(np.where(np.isnan(table), 0.0, table - self.mean) / self.scale, -6.0, 6.0)
        return found

    def odds(self, table: Floats) -> Floats:
        """Logits at the anchors: (n, a)."""
        found: Floats = self.standard(table) @ self.weights + self.start
        return found


def _booster(names: Sequence[str], rows: int, main: bool, seed: int) -> HistGradientBoostingClassifier:
    rises = [int(name in _RISES or name.startswith(("own_", "rated_"))) for name in names]
    if rows < _LARGE:
        return HistGradientBoostingClassifier(
            max_iter=60, learning_rate=0.06, max_leaf_nodes=8, min_samples_leaf=20, max_features=0.3,
            l2_regularization=2.0, monotonic_cst=rises, early_stopping=False, random_state=seed,
        )  # fmt: skip
    # Shallow trees, few of them: what is lost in the third decimal is won twice over in time.
    return HistGradientBoostingClassifier(
        max_iter=60 if main else 25, learning_rate=0.12 if main else 0.15, max_leaf_nodes=28, max_depth=6,
        min_samples_leaf=40, max_features=0.25, l2_regularization=2.0, monotonic_cst=rises, early_stopping=False,
        random_state=seed,
    )  # fmt: skip


def boosted(table: Floats, labels: Labels, names: Sequence[str], main: int, seed: int) -> list[Any]:
    """One gradient boosting model for each anchor; `main`: the anchor at which most is asked."""
    fitted = []
    for at in range(labels.late.shape[1]):
        rows = labels.known[:, at]
        model = _booster(names, int(rows.sum()), at == main, seed)
        fitted.append(model.fit(filled(table[rows]), labels.late[rows, at].astype(np.int64)))
    return fitted
