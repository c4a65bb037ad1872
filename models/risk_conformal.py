"""How far intervals must reach to hold 80 %, learned again and again from the latest invoices that have matured.

Split conformal prediction over a rolling window (Gibbs and Candès, "Adaptive conformal inference under distribution
shift", NeurIPS 2021, for why a fixed set of scores does not stay valid).
"""

from __future__ import annotations

import numpy as np

from models.events import Floats, Ints
from models.outlook import REACH

COVERAGE = 0.8
_WINDOW = 92
_LEAST = 200
_NARROW, _WIDE = 0.02, 0.495


def reach(days: Ints, scores: Floats, coverage: float = COVERAGE) -> float:
    """The reach that held `coverage` of the latest quarter. days, scores: (m,) posting days and conformity scores.

    The quarter is extended back where it holds fewer than 200 invoices. With fewer than 30 there is nothing to
    learn from, and the model is taken at its word.
    """
    if len(scores) < 30:
        return REACH
    order = np.argsort(days, kind="stable")
    latest = max(int((days > days.max() - _WINDOW).sum()), min(_LEAST, len(days)))
    held = np.sort(scores[order[-latest:]])
    rank = min(len(held), int(np.ceil(coverage * (len(held) + 1))))
    return float(np.clip(held[rank - 1], _NARROW, _WIDE))
