"""Scores of predictions, and how far they would move on another sample of the same groups. Pure.

truth: (n,) 0 or 1. score, probability: (n,). All functions return None where the sample cannot say, such as an AUC
over one class.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

RESAMPLES = 200
BINS = 10
_LEVEL = 0.95


def _thresholds(truth: Ints, score: Floats) -> tuple[Floats, Floats]:
    """(positives, all) at or above each distinct score, highest first: (k,) each."""
    order = np.argsort(-score, kind="stable")
    last = np.append(np.flatnonzero(np.diff(score[order])), len(score) - 1)
    return np.cumsum(truth[order], dtype=float)[last], last + 1.0


def auc(truth: Ints, score: Floats) -> float | None:
    """Area under the ROC curve: the chance that a positive ranks above a negative; equal scores count half."""
    if not len(truth) or not 0 < truth.sum() < len(truth):
        return None
    hits, above = _thresholds(truth, score)
    misses = above - hits
    area = np.sum(np.diff(misses, prepend=0.0) * (hits + np.concatenate(([0.0], hits[:-1]))) / 2)
    return float(area / (hits[-1] * misses[-1]))


def average_precision(truth: Ints, score: Floats) -> float | None:
    """Area under the precision-recall curve, as the step-wise sum that does not interpolate."""
    if not len(truth) or not truth.any():
        return None
    hits, above = _thresholds(truth, score)
    return float(np.sum(np.diff(hits, prepend=0.0) * hits / above) / hits[-1])


def recall_at_precision(truth: Ints, score: Floats, precision: float) -> float | None:
    """The largest recall at any threshold whose precision is at least `precision`; 0 where there is none."""
    if not len(truth) or not truth.any():
        return None
    hits, above = _thresholds(truth, score)
    enough = hits[hits / above >= precision]
    return float(enough.max() / hits[-1]) if len(enough) else 0.0


def brier(truth: Ints, probability: Floats) -> float | None:
    """Mean squared error of probabilities (Brier, Monthly Weather Review 78, 1950)."""
    return float(np.mean((probability - truth) ** 2)) if len(truth) else None


def reliability(truth: Ints, probability: Floats, bins: int = BINS) -> list[tuple[float, float, int]]:
    """(mean probability, share of positives, count) of each equal-width bin that holds anything."""
    place = np.minimum((probability * bins).astype(int), bins - 1)
    return [
        (float(probability[place == at].mean()), float(truth[place == at].mean()), int((place == at).sum()))
        for at in range(bins)
        if (place == at).any()
    ]


def ece(truth: Ints, probability: Floats, bins: int = BINS) -> float | None:
    """Expected calibration error over equal-width bins (Naeini, Cooper and Hauskrecht, AAAI 2015).

    Noise raises it, and resampling adds noise: a bootstrap interval would lie above the value, so none is given.
    """
    if not len(truth):
        return None
    return sum(count / len(truth) * abs(said - seen) for said, seen, count in reliability(truth, probability, bins))


def mean(values: Floats) -> float | None:
    """The mean, None of nothing."""
    return float(np.mean(values)) if len(values) else None


def coverage_curve(confidence: Floats, right: Ints) -> list[tuple[float, float]]:
    """(share answered, share of right answers among them) as the least confident are left out, most confident first."""
    if not len(right):
        return []
    order = np.argsort(-confidence, kind="stable")
    shares = np.cumsum(right[order]) / np.arange(1, len(right) + 1)
    # Answers of equal confidence come in or stay out together.
    last = np.append(np.diff(confidence[order]) != 0, True)
    return [((int(at) + 1) / len(right), float(shares[at])) for at in np.flatnonzero(last)]


@dataclass(frozen=True, slots=True)
class Interval:
    """A value and its 95 % interval; the ends are None where there are too few groups."""

    value: float | None
    low: float | None
    high: float | None


def resampled(
    statistic: Callable[[Ints], float | None],
    groups: Sequence[Hashable],
    seed: int,
    resamples: int = RESAMPLES,
) -> Interval:
    """The statistic of all rows with a percentile bootstrap interval over whole groups.

    `statistic` gets row indices, in which a row may stand more than once. Rows of one group (a customer, a vendor, a
    document) come and go together: they are not independent (Field and Welsh, JRSS B 69, 2007).
    """
    rows: dict[Hashable, list[int]] = {}
    for at, group in enumerate(groups):
        rows.setdefault(group, []).append(at)
    parts = [np.array(part, dtype=np.int64) for part in rows.values()]
    value = statistic(np.arange(len(groups), dtype=np.int64))
    if value is None or len(parts) < 2:
        return Interval(value, None, None)
    rng = np.random.default_rng(seed)
    drawn = (
        statistic(np.concatenate([parts[at] for at in rng.integers(len(parts), size=len(parts))]))
        for _ in range(resamples)
    )
    found = [one for one in drawn if one is not None]
    if len(found) < max(2, resamples // 2):
        return Interval(value, None, None)
    low, high = np.quantile(found, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return Interval(value, float(low), float(high))
