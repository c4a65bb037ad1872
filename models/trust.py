"""How far an answer is to be trusted: the chance that it is right, also where the text may be of no known class.

Learned from answers to texts that the models had not seen, some of them of classes that were kept from the models:
a text of a class that nobody taught leaves other traces than one of a class that was (leave-one-class-out, as in
Bendale and Boult 2016, "Towards Open Set Deep Networks"; Platt 1999 for the logistic form).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_LEAST = 20


@dataclass(frozen=True, slots=True)
class Trust:
    """A logistic regression over signals (n, s), as plain arrays: mean, scale, coef (s,) and intercept (1,)."""

    mean: Floats
    scale: Floats
    coef: Floats
    intercept: Floats

    @classmethod
    def fit(cls, signals: Floats, right: Bools, weight: Floats) -> Trust:
        """Fits on answers, right or wrong, each with its weight. A few answers, or answers all alike, give their
        share of right ones, drawn towards one half."""
        width = signals.shape[1]
        if min(int(right.sum()), int((~right).sum())) < _LEAST:
            share = (weight[right].sum() + 1.0) / (weight.sum() + 2.0)
            return cls(np.zeros(width), np.ones(width), np.zeros(width), np.array([np.log(share / (1.0 - share))]))
        mean, deviation = signals.mean(axis=0), signals.std(axis=0)
        scale = np.where(deviation > 1e-9, deviation, 1.0)
        model = LogisticRegression(C=1.0, max_iter=500).fit((signals - mean) / scale, right, sample_weight=weight)
        return cls(mean, scale, np.asarray(model.coef_[0]), np.asarray(model.intercept_))

    def chance(self, signals: Floats) -> Floats:
        """(n,) chances that the answers are right."""
        odds = np.clip((signals - self.mean) / self.scale, -5.0, 5.0) @ self.coef + self.intercept
        return np.asarray(1.0 / (1.0 + np.exp(-odds)), dtype=np.float64)

    def state(self) -> list[Any]:
        return [self.mean, self.scale, self.coef, self.intercept]


def temperature(scores: Floats, truth: NDArray[np.int64]) -> float:
    """The temperature between 0.05 and 20 with the least log loss (Guo et al. 2017, "On Calibration of Modern
    Neural Networks"). scores: (n, k), truth: (n,) columns."""
    rows = np.arange(len(truth))
    grid = np.geomspace(0.05, 20.0, 120)

    def loss(divisor: float) -> float:
        scaled = scores / divisor
        top = scaled.max(axis=1)
        return float((np.log(np.exp(scaled - top[:, None]).sum(axis=1)) + top - scaled[rows, truth]).mean())

    return float(grid[int(np.argmin([loss(float(one)) for one in grid]))])


def threshold(chance: Floats, right: Bools, weight: Floats, precision: float) -> float:
    """The lowest chance from which on answers are right as often as `precision`, by weight; 0.5 to 0.95."""
    order = np.argsort(-chance)
    shares = np.cumsum((weight * right)[order]) / np.cumsum(weight[order])
    enough = np.flatnonzero(shares >= precision)
    return float(min(0.95, max(0.5, chance[order][enough[-1]]))) if len(enough) else 0.95
