"""How often people agree with a proposal, by a score that orders proposals: calibrated, or nothing.

Isotonic regression (Zadrozny and Elkan, 2002) where there are many answers, Platt's sigmoid (1999) where there are
some. What does not hold on the later third of the answers is not used; a plain share of agreement that does hold is.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

MANY = 400
"""Answers from which a free shape is fitted rather than a sigmoid."""
_LATER = 3  # one part in so many is held back: the latest
_ROOM = 0.03
_MIXED = 10  # answers of either kind without which there is no shape to fit
Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Curve:
    """From score to the calibrated share of agreement, by straight lines between knots. `method`: isotonic | platt |
    share; `answers`: how many it rests on."""

    method: str
    scores: tuple[float, ...]
    shares: tuple[float, ...]
    answers: int

    def at(self, score: float) -> float:
        """Never 0 and never 1: an answer more could always have been the other one."""
        edge = 1 / (self.answers + 2)
        return float(np.clip(np.interp(score, self.scores, self.shares), edge, 1 - edge))


@dataclass(frozen=True, slots=True)
class Calibration:
    """Curves by action. Without any, every confidence is null."""

    curves: Mapping[str, Curve] = field(default_factory=dict)

    def confidence(self, action: str, score: float) -> float | None:
        """The calibrated share of agreement, two decimals; None where too few decisions speak of this action."""
        curve = self.curves.get(action)
        return None if curve is None else round(curve.at(score), 2)


def fitted(scores: Sequence[float], agreed: Sequence[bool], least: int) -> Curve | None:
    """The curve of these answers, oldest first; None below `least` answers, or where nothing holds on the later ones.

    Shapes: two sequences of one length; scores are finite.
    """
    if len(scores) < max(least, 2 * _LATER):
        return None
    at, said = np.asarray(scores, dtype=float), np.asarray(agreed, dtype=float)
    cut = len(at) - len(at) // _LATER
    first, later = (at[:cut], said[:cut]), (at[cut:], said[cut:])
    plain = _share(*first)
    shaped = _shape(*first)
    if shaped is not None and _holds(shaped, *later) and _brier(shaped, *later) < _brier(plain, *later):
        return _shape(at, said)
    return _share(at, said) if _holds(plain, *later) else None


def _share(scores: Numbers, said: Numbers) -> Curve:
    """The same for all, after Laplace."""
    return Curve("share", (0.0, 1.0), ((said.sum() + 1) / (len(said) + 2),) * 2, len(said))


def _shape(scores: Numbers, said: Numbers) -> Curve | None:
    yes = said.sum()
    if min(yes, len(said) - yes) < _MIXED or np.ptp(scores) == 0:
        return None
    if len(said) >= MANY:
        fit = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(scores, said)
        return Curve("isotonic", tuple(map(float, fit.X_thresholds_)), tuple(map(float, fit.y_thresholds_)), len(said))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sigmoid = LogisticRegression(C=1e3).fit(scores[:, None], said)
    if sigmoid.coef_[0, 0] <= 0:
        return None  # the score orders the wrong way: it says nothing
    knots = np.linspace(scores.min(), scores.max(), 33)
    return Curve("platt", tuple(knots.tolist()), tuple(sigmoid.predict_proba(knots[:, None])[:, 1].tolist()), len(said))


def _said(curve: Curve, scores: Numbers) -> Numbers:
    return np.array([curve.at(one) for one in scores])


def _brier(curve: Curve, scores: Numbers, said: Numbers) -> float:
    return float(np.mean((_said(curve, scores) - said) ** 2))


def _holds(curve: Curve, scores: Numbers, said: Numbers) -> bool:
    """Whether it says on average what came, within two standard errors and a little: in all, and in either half."""
    expected = _said(curve, scores)
    halves = np.array_split(np.argsort(expected, kind="stable"), 2)
    return all(_close(expected[at], said[at]) for at in (np.arange(len(said)), *halves) if len(at))


def _close(expected: Numbers, said: Numbers) -> bool:
    error = np.sqrt(np.sum(expected * (1 - expected))) / len(said)
    return bool(abs(expected.mean() - said.mean()) <= 2 * error + _ROOM)
