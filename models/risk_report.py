"""One day's judgement of a model of collection risk: which causes are raised, and the figures behind them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from models.risk_challenge import Duel
from models.risk_monitor import Judged, Lines, Portfolio, calibration, coverage, late_rate
from models.risk_picture import calibration_error, over_time
from models.risk_reference import Reference
from models.risk_shift import features

_WORDS = {
    "calibration": ("more invoices are paid late than was said", "fewer invoices are paid late than was said"),
    "coverage": (
        "80 % intervals of days late hold more than they say",
        "80 % intervals of days late hold less than they say",
    ),
    "late_rate": ("more is paid late than in the year before", "less is paid late than in the year before"),
    "features": ("the cases are of another kind than when this model began",) * 2,
}


@dataclass(frozen=True, slots=True)
class Report:
    """causes: of CAUSES, to be raised. figures: plain JSON, to be kept and shown."""

    causes: tuple[str, ...]
    figures: dict[str, Any]

    def why(self, cause: str) -> str:
        """The cause in words, for people who are to decide."""
        more, less = _WORDS[cause]
        said = self.figures.get(cause) or {}
        if not isinstance(said, dict):
            return more
        return more if said["both"]["mean"] > (said["target"] or 0.0) else less


def report(
    judged: Judged,
    portfolio: Portfolio,
    today: date,
    lines: Lines,
    *,
    start: Reference | None = None,
    trained: Reference | None = None,
    duel: Duel | None = None,
) -> Report:
    """`today`: the last day that the books know of. `start`, `trained`: see models.risk_shift.features."""
    ends = today.toordinal() - lines.grace_days
    trials = {
        "calibration": calibration(judged, ends, lines),
        "coverage": coverage(judged, ends, lines),
        "late_rate": late_rate(portfolio, ends, lines),
    }
    moved = features(judged, start, trained, ends, lines)
    causes = [name for name, trial in trials.items() if trial.alarms(lines)]
    if any(one.alarms for one in moved):
        causes.append("features")
    # Of what is not certain yet nothing is counted: the portfolio's rows up to the end of the period are.
    figures: dict[str, Any] = {
        "until": date.fromordinal(ends - 1).isoformat(),
        "periods_days": lines.period_days,
        "matured": int((judged.certain < ends).sum()),
        "waiting": int((judged.certain >= ends).sum()),
        **{name: trial.shown() for name, trial in trials.items()},
        "calibration_error": calibration_error(judged, ends, lines),
        "features": [one.shown() for one in moved],
        "over_time": [_dated(one) for one in over_time(judged, portfolio, ends, lines)],
        "causes": causes,
    }
    if duel is not None:
        figures["challenger"] = duel.shown()
    return Report(tuple(causes), figures)


def _dated(one: dict[str, Any]) -> dict[str, Any]:
    return {**one, **{name: date.fromordinal(one[name]).isoformat() for name in ("from", "until")}}
