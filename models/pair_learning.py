"""Learning from few labels: the default scorer as prior, and a small correction that labelled pairs pay for.

With no labels the default scorer is what there is, exactly. With some, a linear correction of its log odds is fitted
on the pair features, drawn strongly towards no correction; how strongly, and whether at all, is chosen on vendors that
were left out (one standard error rule: Breiman et al., "Classification and Regression Trees", 1984).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize  # type: ignore[import-untyped]
from sklearn.model_selection import GroupKFold

from models.pair_features import PAIR_FEATURES
from models.pair_scorer import PairScorer

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

STRENGTHS = (100.0, 30.0, 10.0)
"""Penalties of the correction that are tried, the strongest first."""
LEAST_EACH = 3
"""Labelled duplicates, and labelled others, from which on a correction is tried."""
_FOLDS = 5
_FAR = 3.0  # standard deviations: a feature counts no further than that
_ALERT = 0.3
_LOOKED_AT = 400


@dataclass(frozen=True, slots=True)
class LabelledPairs:
    """rows: (n, len(PAIR_FEATURES)). labels: (n,) 1 duplicate, 0 not. vendors: (n,) whose bills they are."""

    rows: Floats
    labels: Ints
    vendors: Sequence[str]

    def __len__(self) -> int:
        return len(self.labels)

    def taken(self, at: Ints) -> LabelledPairs:
        """Some of the pairs."""
        return LabelledPairs(self.rows[at], self.labels[at], [self.vendors[int(one)] for one in at])


class TunedScorer(PairScorer):
    """A fitted scorer whose log odds are corrected by a linear term in the pair features.

    log odds = those of the prior + weights · (1, log odds of the prior / 3, standardised features). What a pair does
    not say (nan) counts as what is usual.
    """

    mean_: Floats
    scale_: Floats
    weights_: Floats
    labels_: int

    @classmethod
    def over(cls, prior: PairScorer, mean: Floats, scale: Floats, weights: Floats, labels: int) -> Self:
        """`prior` with a correction: mean, scale (features,) and weights (features + 2,), fitted on so many labels."""
        tuned = cls(**prior.get_params())
        tuned.__dict__.update(vars(prior))
        tuned.mean_, tuned.scale_, tuned.weights_, tuned.labels_ = mean, scale, weights, labels
        return tuned

    def prior(self) -> PairScorer:
        """The scorer without the correction."""
        own = ("mean_", "scale_", "weights_", "labels_")
        bare = PairScorer(**self.get_params())
        bare.__dict__.update({name: value for name, value in vars(self).items() if name not in own})
        return bare

    def predict_proba(self, X: ArrayLike) -> Floats:  # noqa: N803
        """(n, 2): probability of other, of duplicate."""
        table = np.asarray(X, dtype=float)
        said = super().predict_proba(table)
        if not len(table):
            return said
        odds = _log_odds(said[:, 1])
        duplicate = _chance(odds + _terms(table, odds, self.mean_, self.scale_) @ self.weights_)
        return np.column_stack([1.0 - duplicate, duplicate])

    def shares(self, rows: Floats) -> Floats:
        """(n, features): what each feature adds to the log odds. The correction's constant is in none of them."""
        weights = self.weights_
        own: Floats = (1.0 + weights[1] / 3.0) * super().shares(rows)
        corrected: Floats = own + _standard(rows, self.mean_, self.scale_) * weights[2:]
        return corrected


def bare(scorer: PairScorer) -> PairScorer:
    """The scorer that labels correct: without the correction of earlier labels."""
    return scorer.prior() if isinstance(scorer, TunedScorer) else scorer


# Fitting ------------------------------------------------------------------------------------------------------------


def tuned(prior: PairScorer, labelled: LabelledPairs, unlabelled: Floats, seed: int = 0) -> PairScorer:
    """The prior with the correction that its labels pay for; the prior itself where they pay for none.

    `unlabelled`: (m, features) pairs of the same ledger: what is usual in it. `labelled` should be all labels that
    there are: an earlier correction of `prior` is left out.
    """
    prior = bare(prior)
    if min(int(labelled.labels.sum()), int((1 - labelled.labels).sum())) < LEAST_EACH:
        return prior
    table = np.vstack([labelled.rows, unlabelled])
    mean, scale = _usual(table)
    odds = _log_odds(prior.predict_proba(labelled.rows)[:, 1])
    terms = _terms(labelled.rows, odds, mean, scale)
    strength = _strength(terms, odds, labelled, seed)
    if strength is None:
        return prior
    return TunedScorer.over(prior, mean, scale, _fitted(terms, odds, labelled.labels, strength), len(labelled))


def _strength(terms: Floats, odds: Floats, labelled: LabelledPairs, seed: int) -> float | None:
    """The strongest penalty whose loss on vendors left out is within one standard error of the best, and below that of
    no correction; None for no correction."""
    groups = np.asarray(labelled.vendors)
    count = len(np.unique(groups))
    if count < 2:
        return None
    folds = list(
        GroupKFold(n_splits=min(_FOLDS, count), shuffle=True, random_state=seed).split(terms, labelled.labels, groups)
    )
    losses = []
    for strength in STRENGTHS:
        held = np.zeros(len(labelled))
        for train, test in folds:
            weights = _fitted(terms[train], odds[train], labelled.labels[train], strength)
            held[test] = _loss(odds[test] + terms[test] @ weights, labelled.labels[test])
        losses.append(held)
    best = min(losses, key=lambda loss: float(loss.mean()))
    if not _better(best, _loss(odds, labelled.labels)):
        return None
    return next(one for one, loss in zip(STRENGTHS, losses, strict=True) if not _better(best, loss))


def _better(one: Floats, other: Floats) -> bool:
    """The mean loss of `one` is lower by more than a standard error of the difference, pair by pair."""
    gain = other - one
    return bool(gain.mean() > gain.std() / np.sqrt(len(gain)))


def _fitted(terms: Floats, odds: Floats, labels: Ints, strength: float) -> Floats:
    """The weights with the least penalised log loss, the prior's log odds being given."""
    penalty = np.full(terms.shape[1], strength)
    penalty[:2] = 0.1, 1.0  # level and slope are corrected first

    def loss(weights: Floats) -> tuple[float, Floats]:
        raw = odds + terms @ weights
        value = _loss(raw, labels).sum() + 0.5 * float(penalty @ weights**2)
        return value, terms.T @ (_chance(raw) - labels) + penalty * weights

    found: Floats = minimize(loss, np.zeros(terms.shape[1]), jac=True, method="L-BFGS-B").x
    return found


def _usual(table: Floats) -> tuple[Floats, Floats]:
    """(mean, scale) of each feature over the pairs that say it; 0 and 1 where none does or all say the same."""
    known = ~np.isnan(table)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, table, 0.0).sum(axis=0) / count
    spread = np.sqrt((np.where(known, table - mean, 0.0) ** 2).sum(axis=0) / count)
    return mean, np.where(spread > 1e-6, spread, 1.0)


def _standard(table: Floats, mean: Floats, scale: Floats) -> Floats:
    return np.nan_to_num(np.clip((table - mean) / scale, -_FAR, _FAR))


def _terms(table: Floats, odds: Floats, mean: Floats, scale: Floats) -> Floats:
    return np.column_stack([np.ones(len(table)), odds / 3.0, _standard(table, mean, scale)])


def _log_odds(probability: Floats) -> Floats:
    kept = np.clip(probability, 1e-12, 1.0 - 1e-12)
    odds: Floats = np.log(kept) - np.log1p(-kept)
    return odds


def _chance(odds: Floats) -> Floats:
    chance: Floats = 1.0 / (1.0 + np.exp(-np.clip(odds, -30.0, 30.0)))
    return chance


def _loss(odds: Floats, labels: Ints) -> Floats:
    signed: Floats = np.where(labels == 1, -odds, odds)
    return np.logaddexp(0.0, signed)


# Asking -------------------------------------------------------------------------------------------------------------


def teaching(
    probability: ArrayLike,
    groups: Sequence[str],
    kinds: Sequence[str],
    count: int,
    seed: int = 0,
    known: Sequence[int] = (),
) -> list[int]:
    """The pairs whose labels would teach most, as rows: half of them the most uncertain, half of them alerts, for what
    is wrongly certain shows nowhere else. Both over many groups and kinds.

    probability, groups, kinds: (n,), groups being vendors. `known`: rows that are labelled already; their groups and
    kinds count as asked.
    """
    said = np.asarray(probability, dtype=float)
    shuffled = np.random.default_rng(seed).permutation(len(said))
    uncertain = shuffled[np.argsort(np.abs(said[shuffled] - 0.5), kind="stable")]
    alerts = shuffled[said[shuffled] >= _ALERT]
    lists = [[int(at) for at in rows] for rows in (uncertain, alerts)]
    taken = set(known)
    asked: dict[str, int] = {}
    for at in known:
        for name in (f"group {groups[at]}", f"kind {kinds[at]}"):
            asked[name] = asked.get(name, 0) + 1
    found: list[int] = []
    while len(found) < count:
        pick = _pick(lists[len(found) % 2], taken, asked, groups, kinds)
        if pick is None:
            pick = _pick(lists[1 - len(found) % 2], taken, asked, groups, kinds)
        if pick is None:
            break
        found.append(pick)
        taken.add(pick)
        for name in (f"group {groups[pick]}", f"kind {kinds[pick]}"):
            asked[name] = asked.get(name, 0) + 1
    return found


def _pick(
    rows: list[int], taken: set[int], asked: dict[str, int], groups: Sequence[str], kinds: Sequence[str]
) -> int | None:
    """Of the first rows that are free, one whose group was asked about least, then one whose kind was."""
    free = islice((at for at in rows if at not in taken), _LOOKED_AT)
    return min(
        free, key=lambda at: (asked.get(f"group {groups[at]}", 0), asked.get(f"kind {kinds[at]}", 0)), default=None
    )


__all__ = ["PAIR_FEATURES", "LabelledPairs", "TunedScorer", "bare", "teaching", "tuned"]
