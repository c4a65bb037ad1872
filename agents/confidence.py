"""How likely people are to agree with a proposal: calibrated on their recorded decisions, or null.

A score says how well a proposal is supported; it orders proposals and means nothing by itself, so nobody is shown it.
Action by action, once enough decisions are on record, the score becomes the share of such proposals that people
agreed with (models.agreement).
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from agents.recall import leaning
from agents.state import View
from governance.record.agreed import Answered, answered
from governance.record.db import Connection
from models.agreement import Calibration, fitted

_AGAIN_SECONDS = 900.0


def support(view: View, action: str, rank: int) -> float:
    """A score in 0 to 1. `rank`: the place of the action among the rules' options, 0 the first.

    The mean of five parts: is the kind certain, is the cause backed and alone, do the checks of the match agree or
    differ clearly, do people decide such cases like this, did the rules put it first.
    """
    _, count, share = leaning([one for one in view.precedents if one.get("action") == action])
    known = share * min(1.0, count / 3) if view.precedents else 0.5
    return round((_kind(view) + _cause(view) + _match(view) + known + 1 / (1 + rank)) / 5, 4)


def _kind(view: View) -> float:
    if view.kind.get("abstained"):
        return 0.0
    said = view.brief.reading.get("confidence")
    return min(1.0, max(0.0, float(said))) if isinstance(said, int | float) and not isinstance(said, bool) else 0.5


def _cause(view: View) -> float:
    if view.cause.get("primary") in (None, "unknown"):
        return 0.0
    facts = min(2, len(view.cause.get("facts", ()))) / 2
    return facts / (1 + len(view.cause.get("contributing", ())))


def _match(view: View) -> float:
    """The share of comparisons that could be made; 0.5 where there is nothing to match."""
    checks = view.match["checks"] if view.match else []
    return sum(one["status"] in ("ok", "differs") for one in checks) / len(checks) if checks else 0.5


def calibrated(answers: Sequence[Answered], least: int) -> Calibration:
    """Curves of every action with at least `least` answers; oldest answer first."""
    by_action: dict[str, list[Answered]] = {}
    for one in answers:
        by_action.setdefault(one.action, []).append(one)
    curves = {
        action: curve
        for action, own in by_action.items()
        if (curve := fitted([one.support for one in own], [one.agreed for one in own], least)) is not None
    }
    return Calibration(curves)


class Answers:
    """The calibration of a worker's tenant, made again at most every `seconds`."""

    def __init__(self, seconds: float = _AGAIN_SECONDS) -> None:
        self._seconds = seconds
        self._held: Calibration | None = None
        self._again_at = 0.0

    def calibration(self, conn: Connection, least: int) -> Calibration:
        """What the record says now. `conn`: of role `agent`."""
        if self._held is None or time.monotonic() >= self._again_at:
            self._held = calibrated(answered(conn), least)
            self._again_at = time.monotonic() + self._seconds
        return self._held
