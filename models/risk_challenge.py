"""A challenger beside the champion: the same live cases, judged by what became of them. Nobody saw its scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from models.risk_monitor import Floats, Judged, Lines, rounded
from models.risk_picture import resampled

_RESAMPLES = 1000
_LEAST = 0.001
"""A Brier score better by less changes nothing for anybody."""


@dataclass(frozen=True, slots=True)
class Duel:
    """Brier scores over the same certain outcomes, and their difference with a 95 % interval, by customers that are
    drawn with replacement; negative: the challenger is better. Null where there were too few. lost: cases of which the
    challenger gave no score (it failed, or took too long)."""

    rows: int
    customers: int
    lost: int
    champion: float | None = None
    challenger: float | None = None
    difference: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def better(self) -> bool:
        """The challenger is better by more than noise, and did not fail at more than one case in twenty."""
        sure = self.high is not None and self.high < 0 and (self.difference or 0.0) <= -_LEAST
        return sure and self.lost * 20 <= self.rows + self.lost

    def shown(self) -> dict[str, Any]:
        numbers = ("champion", "challenger", "difference", "low", "high")
        found = {name: value if (value := getattr(self, name)) is None else rounded(value, 5) for name in numbers}
        return {"rows": self.rows, "customers": self.customers, "lost": self.lost, **found, "better": self.better}


def duel(judged: Judged, chances: Floats, today: int, lines: Lines, seed: int = 0) -> Duel:
    """Both over what is certain `today`. chances: (n, 3) of the challenger, nan where it gave none."""
    late, said = judged.outcome
    other = Judged(judged.customer, judged.scored, judged.due, judged.paid, chances, judged.low, judged.high,
                   judged.features).outcome[1]  # fmt: skip
    certain = (judged.certain + lines.grace_days <= today) & ~np.isnan(said)
    lost = int((certain & np.isnan(other)).sum())
    rows = certain & ~np.isnan(other)
    customer = judged.customer[rows]
    count = len(np.unique(customer))
    # Of two periods, as the alarms.
    if rows.sum() < 2 * lines.least_rows or count < lines.least_customers:
        return Duel(int(rows.sum()), count, lost)
    mine, its = (late[rows] - said[rows]) ** 2, (late[rows] - other[rows]) ** 2
    weights = resampled(_RESAMPLES, customer, seed)
    drawn = (weights @ (its - mine)) / weights.sum(axis=1)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return Duel(
        int(rows.sum()), count, lost, float(mine.mean()), float(its.mean()), float((its - mine).mean()), float(low),
        float(high),
    )  # fmt: skip
