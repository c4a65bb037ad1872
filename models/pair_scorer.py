"""How likely two invoices are one: gradient boosting on pair features, calibrated on pairs it did not see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.utils.validation import check_is_fitted

from models.boosting import filled
from models.invoice import Invoice
from models.pair_features import PAIR_FEATURES, family, renumbered_rows
from models.pair_forest import feature_shares, summed
from models.pair_rules import settled

Floats = NDArray[np.float64]

# More likeness never makes two invoices less alike, and what is common says less: whatever the training ledger says.
_RISING = {
    "number_same_plain": 1, "number_written_anew": 1, "number_same_folded": 1, "number_same_stem": 1,
    "number_same_digits": 1,
    "number_similarity": 1, "number_prefix": 1, "amount_same": 1, "amount_ratio": 1, "amount_remainder": 1,
    "amount_whole": 1, "amount_sum": 1, "amount_open": 1, "amount_tax_ratio": 1, "amount_shifted": 1,
    "amount_anagram": 1,
    "type_same": 1, "vendor_same": 1, "name_similarity": 1, "account_same": 1, "tax_same": 1, "entity_same": 1,
    "currency_same": 1, "order_same": 1, "description_similarity": 1, "description_digits_same": 1, "number_edits":
    -1, "number_middle_short": -1, "number_middle_long": -1, "number_count": -1, "number_reuse": -1, "number_lines":
    -1, "number_heads": -1, "number_vendors": -1, "number_rows": -1, "serial_course": -1, "amount_opposite": -1,
    "amount_count": -1, "amount_share": -1, "amount_repeats": -1, "amount_twin_days": -1, "amount_day_count": -1,
    "credit_involved": -1, "date_gap": -1, "order_share": -1, "order_count": -1, "description_share": -1,
    "description_count": -1, "entity_habit": -1,
}  # fmt: skip
# What the booster without numbers does not see.
_NUMBERS = [name.startswith(("number_", "serial_", "style_")) for name in PAIR_FEATURES]
# Where no renumbered bill was ever seen: what the rest of a bill says, less what an unlike number says against it.
_UNSEEN_SLOPES, _UNSEEN_INTERCEPT, _ENOUGH = (0.0, 1.0), -1.3, 8
RENUMBERED_THRESHOLD = 0.15
"""From which probability a pair with unlike numbers is worth the queue of its own."""


def _blinded(table: Floats) -> Floats:
    """The table without what the numbers say."""
    made: Floats = np.where(np.array(_NUMBERS)[None, :], np.nan, table)
    return made


def _decisions(full: Any, blind: Any, table: Floats) -> Floats:
    """(n, 2): raw scores."""
    return np.column_stack([full.decision_function(table), blind.decision_function(_blinded(table))])


class LabelledLedger(Protocol):
    """A ledger whose duplicates are known, such as models.synthetic.CompanyMonth."""

    @property
    def invoices(self) -> Sequence[Invoice]: ...

    @property
    def duplicate_pairs(self) -> Sequence[tuple[str, str, str]]: ...


class Explained(Protocol):
    """Anything that says what each feature adds to the log odds of a pair; PairScorer is one."""

    def shares(self, rows: Floats) -> Floats: ...


class PairScorer(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Probability that a pair of invoices is a duplicate.

    X: (n, len(PAIR_FEATURES)) as pair_features makes it, nan allowed; y: 1 duplicate, 0 not. Two boosters
    see each pair: one everything, one all but the numbers, so that it knows what speaks for one bill where the
    numbers differ. The first gives the probability; where the numbers are unlike (renumbered_rows), both do.
    Probabilities are calibrated by Platt scaling on out-of-fold scores (Niculescu-Mizil and Caruana, ICML
    2005), for ledgers like the training ledgers: elsewhere they rank, and their level has to be checked.
    """

    def __init__(self, seed: int = 0, max_iter: int = 250, folds: int = 3) -> None:
        self.seed = seed
        self.max_iter = max_iter
        self.folds = folds

    def _booster(self, max_iter: int) -> HistGradientBoostingClassifier:
        constraints = [_RISING.get(name, 0) for name in PAIR_FEATURES]
        return HistGradientBoostingClassifier(
            max_iter=max_iter, learning_rate=0.1, max_leaf_nodes=31, min_samples_leaf=20, l2_regularization=1.0,
            monotonic_cst=constraints, early_stopping=False, random_state=self.seed,
        )  # fmt: skip

    def _fitted(self, table: Floats, labels: NDArray[np.int64], weights: Floats) -> tuple[Any, Any]:
        """(booster on everything, booster on all but the numbers)."""
        blind = self._booster(max(1, self.max_iter // 2)).fit(filled(_blinded(table)), labels, weights)
        return self._booster(self.max_iter).fit(filled(table), labels, weights), blind

    def fit(
        self,
        X: ArrayLike,  # noqa: N803
        y: ArrayLike,
        groups: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        judged: ArrayLike | None = None,
    ) -> Self:
        """Fits on labelled pairs. `groups` (n,): pairs of one group (a ledger, a vendor) share a fold. `judged`
        (n,) bool: the pairs that probabilities are held against, where not all: made-up pairs teach, no more.

        Raises ValueError for another number of features or a single class.
        """
        table, labels = np.asarray(X, dtype=float), np.asarray(y, dtype=int)
        if table.ndim != 2 or table.shape[1] != len(PAIR_FEATURES):
            raise ValueError(f"a pair has {len(PAIR_FEATURES)} features, not {table.shape[1:]}")
        self.classes_ = np.unique(labels)
        if self.classes_.tolist() != [0, 1]:
            raise ValueError("training pairs must hold both duplicates (1) and others (0)")
        weights = np.ones(len(labels)) if sample_weight is None else np.asarray(sample_weight, dtype=float)
        fold_of = np.arange(len(labels)) if groups is None else np.asarray(groups)
        folds = GroupKFold(n_splits=min(self.folds, len(np.unique(fold_of))), shuffle=True, random_state=self.seed)
        held_out = np.full((len(labels), 2), np.nan)
        for train, test in folds.split(table, labels, fold_of):
            if len(np.unique(labels[train])) == 2:
                full, blind = self._fitted(table[train], labels[train], weights[train])
                held_out[test] = _decisions(full, blind, table[test])
        if judged is not None:
            held_out[~np.asarray(judged, dtype=bool)] = np.nan
        self._calibrate(table, labels, weights, held_out)
        self.booster_, self.blind_ = self._fitted(table, labels, weights)
        self.n_features_in_ = table.shape[1]
        return self

    def _calibrate(self, table: Floats, labels: NDArray[np.int64], weights: Floats, held_out: Floats) -> None:
        """Slopes and intercepts, apart for pairs with unlike numbers: too few of those, and they are assumed."""
        seen, unlike = ~np.isnan(held_out[:, 0]), renumbered_rows(table)
        alike = seen & ~unlike
        if len(np.unique(labels[alike])) < 2:
            alike = seen
        platt = LogisticRegression(C=1e3).fit(held_out[alike, :1], labels[alike], weights[alike])
        self.slope_, self.intercept_ = max(float(platt.coef_[0, 0]), 1e-3), float(platt.intercept_[0])
        other = seen & unlike
        self.unlike_ = (_UNSEEN_SLOPES, _UNSEEN_INTERCEPT)
        if labels[other].sum() >= _ENOUGH:
            both = LogisticRegression(C=1.0).fit(held_out[other], labels[other], weights[other])
            slopes = np.maximum(both.coef_[0], 1e-3)
            self.unlike_ = ((float(slopes[0]), float(slopes[1])), float(both.intercept_[0]))

    def predict_proba(self, X: ArrayLike) -> Floats:  # noqa: N803
        """(n, 2): probability of other, of duplicate."""
        check_is_fitted(self, "booster_")
        table = np.asarray(X, dtype=float)
        if not len(table):
            return np.empty((0, 2))
        logit = self._learned(table)
        logit = logit + sum(settled(table, logit).values())
        duplicate = 1.0 / (1.0 + np.exp(-np.clip(logit, -30.0, 30.0)))
        return np.column_stack([1.0 - duplicate, duplicate])

    def _learned(self, table: Floats) -> Floats:
        """(n,): the log odds that the boosters give."""
        full = self.booster_.decision_function(table)
        logit: Floats = self.slope_ * full + self.intercept_
        if (unlike := renumbered_rows(table)).any():
            (seen, hidden), intercept = self.unlike_
            blind = self.blind_.decision_function(_blinded(table[unlike]))
            logit[unlike] = seen * full[unlike] + hidden * blind + intercept
        return logit

    def shares(self, rows: Floats) -> Floats:
        """(n, features): what each feature adds to the log odds of each row, above those of the training pairs."""
        check_is_fitted(self, "booster_")
        made = self.slope_ * feature_shares(self.booster_, rows)[1]
        if (unlike := renumbered_rows(rows)).any():
            (full, blind), _ = self.unlike_
            made[unlike] = full * feature_shares(self.booster_, rows[unlike])[1]
            made[unlike] += blind * feature_shares(self.blind_, _blinded(rows[unlike]))[1]
        for name, added in settled(rows, self._learned(rows)).items():
            made[:, PAIR_FEATURES.index(name)] += added
        return made

    def predict(self, X: ArrayLike) -> NDArray[np.int64]:  # noqa: N803
        """(n,) 1 where a duplicate is more likely than not."""
        return (self.predict_proba(X)[:, 1] >= 0.5).astype(np.int64)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def contributions(scorer: Explained, rows: Floats) -> list[tuple[tuple[str, float], ...]]:
    """What each field family adds to the log odds of each pair, largest magnitude first.

    rows: (n, len(PAIR_FEATURES)). The sum and the log odds of the training pairs make the log odds of the pair.
    """
    return summed(scorer.shares(np.asarray(rows, dtype=float)), [family(name) for name in PAIR_FEATURES])
