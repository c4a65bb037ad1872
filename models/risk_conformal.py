"""How far intervals must reach to hold 80 %, learned again and again from the latest invoices that have matured.

Split conformal prediction over a rolling window (Gibbs and Candès, "Adaptive conformal inference under distribution
shift", NeurIPS 2021, for why a fixed set of scores does not stay valid). What is unpaid yet has at least the score of
today: such scores are open above, and the quantile is that of Kaplan and Meier (1958; Candès, Lei and Ren,
"Conformalized survival analysis", JRSS B 2023, for why leaving them out or taking them for misses does not do).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.events import Bools, Floats, Ints
from models.outlook import REACH

COVERAGE = 0.8
_WINDOW = 92
_LEAST = 200
_ENOUGH = 500
_NARROW, _WIDE = 0.02, 0.495


@dataclass(frozen=True, slots=True)
class Scores:
    """Conformity scores of invoices that no fit had seen, (m,) each. day: of posting. unpaid: the score is at least
    this one. thin: the customer had few settled invoices."""

    day: Ints
    score: Floats
    unpaid: Bools
    thin: Bools

    @classmethod
    def joined(cls, *parts: Scores) -> Scores:
        return cls(*(np.concatenate([getattr(one, name) for one in parts]) for name in cls.__slots__))

    @classmethod
    def none(cls) -> Scores:
        return cls(np.empty(0, dtype=np.int64), np.empty(0), np.empty(0, dtype=bool), np.empty(0, dtype=bool))

    def kept(self, rows: Bools) -> Scores:
        return Scores(*(getattr(self, name)[rows] for name in self.__slots__))

    def followed(self, later: Scores) -> Scores:
        """These, of a model fitted on less, and the `later` ones of the model in use: those alone once there are
        enough."""
        known = [self.kept(self.thin == few) if (later.thin == few).sum() < _ENOUGH else Scores.none()
                 for few in (False, True)]  # fmt: skip
        return Scores.joined(*known, later)

    def reaches(self) -> tuple[float, float]:
        """The reach for customers of some history, and for those of little."""
        few, many = self.kept(self.thin), self.kept(~self.thin)
        return reach(many.day, many.score, many.unpaid), reach(few.day, few.score, few.unpaid)


def reach(days: Ints, scores: Floats, unpaid: Bools | None = None, coverage: float = COVERAGE) -> float:
    """The reach that held `coverage` of the latest quarter. days, scores, unpaid: (m,) as in Scores.

    The quarter is extended back where it holds fewer than 200 invoices. With fewer than 30 there is nothing to
    learn from, and the model is taken at its word.
    """
    if len(scores) < 30:
        return REACH
    order = np.argsort(days, kind="stable")
    latest = max(int((days > days.max() - _WINDOW).sum()), min(_LEAST, len(days)))
    rows = order[-latest:]
    open_above = np.zeros(latest, dtype=bool) if unpaid is None else unpaid[rows]
    return float(np.clip(_quantile(scores[rows], open_above, coverage), _NARROW, _WIDE))


def _quantile(scores: Floats, open_above: Bools, coverage: float) -> float:
    """The least score that as many as `coverage` of all scores, and one yet to come, do not pass."""
    order = np.lexsort((open_above, scores))
    held, certain = scores[order], ~open_above[order]
    at_risk = np.arange(len(held), 0, -1.0)
    passed = np.cumprod(np.where(certain, 1.0 - 1.0 / at_risk, 1.0))
    # Of few scores the quantile is as likely too near as too far: a standard error more is asked of them (Vovk,
    # "Conditional validity of inductive conformal predictors", 2012).
    careful = coverage + np.sqrt(coverage * (1.0 - coverage) / len(held))
    wanted = 1.0 - min(1.0, careful * (len(held) + 1) / len(held))
    found = np.flatnonzero(passed <= wanted + 1e-9)
    return float(held[found[0]]) if len(found) else _WIDE
