"""Whether a model of collection risk still fits what became of the invoices it judged. Pure: numbers in, numbers out.

An outcome counts from the day on which it was certain for everybody: the day after the due date (or 15 or 30 days after
it, where the invoice was overdue already when it was judged). Counting payments as they come would make every young
month look punctual, for those who pay early are known first. Customers pay by their own habits, so every interval is by
customer (cluster-robust, Liang & Zeger 1986), and nothing is said of a period with too few of them.

An alarm takes two periods running that point the same way, more than noise together, and by more than matters. Two
periods of three weeks are judged every day, so a shift is seen six to eight weeks after it began.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import isfinite, sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

UNPAID = 10**7
"""Day of the payment of what is not paid."""
HORIZONS = (0, 15, 30)
"""Days late whose probabilities are judged."""
CAUSES = ("calibration", "coverage", "late_rate", "features")

_TARGET = 0.80
_EACH, _TOGETHER = 1.0, 2.5
_USUAL = 1.96
_YEAR = 365
_DRAWN = 5.0
"""Invoices that the rate of all counts for in a customer's own."""
_TAILS = 8.0
"""(t / z)² - 1 is about this over the degrees of freedom, for z of 3."""


@dataclass(frozen=True, slots=True)
class Lines:
    """From where on an alarm is raised. A governed setting of kind `threshold`, subject `risk_monitor`.

    period_days: length of a period; two running ones are judged. grace_days: for payments that are booked late.
    least_rows, least_customers: of each period; with fewer nothing is said. The shifts are shares: how much more or
    fewer invoices were late than was said (calibration), than in the year before (late rate), how far below 80 % the
    intervals covered. psi: population stability index of a feature. quiet_days: how long a cause that people have
    decided on is not raised again.
    """

    period_days: int = 21
    grace_days: int = 3
    least_rows: int = 100
    least_customers: int = 20
    calibration_shift: float = 0.04
    late_rate_shift: float = 0.05
    coverage_shift: float = 0.08
    psi: float = 0.20
    quiet_days: int = 28

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Lines:
        """From a setting, whose values are texts; what it does not name stays as it is. Raises ValueError."""
        known = {one.name: one.type for one in fields(cls)}
        content = {name: value for name, value in content.items() if name != "expires_at"}
        if strange := sorted(set(content) - set(known)):
            raise ValueError(f"the monitor has no line {', '.join(strange)}")
        values = {name: (int if known[name] == "int" else float)(value) for name, value in content.items()}
        if any(not isfinite(value) or value <= 0 for value in values.values()):
            raise ValueError("the monitor's lines are above zero")
        return cls(**values)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Judged:
    """Estimates as they were shown, and what became of the invoices: (n,) each, days as ordinals.

    customer: whose it is, as a number. scored: the day of the estimate. paid: the day of the payment, UNPAID while
    there is none. chances: (n, 3), of more than 0, 15 and 30 days late, nan where none was shown. low, high: the 80 %
    interval in days late, nan where there is none. features: (n, f), rows of nan where they were not kept.
    """

    customer: Ints
    scored: Ints
    due: Ints
    paid: Ints
    chances: Floats
    low: Floats
    high: Floats
    features: Floats

    def kept(self, rows: Bools) -> Judged:
        return Judged(*(getattr(self, name)[rows] for name in self.__slots__))

    @property
    def open_at(self) -> Ints:
        """The first of HORIZONS that was not over when the invoice was judged; 3 where all were."""
        passed = self.scored[:, None] > self.due[:, None] + np.array(HORIZONS)
        found: Ints = passed.sum(axis=1)
        return found

    @property
    def certain(self) -> Ints:
        """The day from which on the outcome at that horizon is certain for everybody; never for 3."""
        days = np.array([*HORIZONS, UNPAID])
        found: Ints = self.due + days[self.open_at] + 1
        return found

    @property
    def outcome(self) -> tuple[Floats, Floats]:
        """(1 where it was late at that horizon, what was said of that), nan where nothing was said."""
        at = np.minimum(self.open_at, len(HORIZONS) - 1)
        said = np.where(self.open_at < len(HORIZONS), self.chances[np.arange(len(at)), at], np.nan)
        late = (self.paid > self.due + np.array(HORIZONS)[at]).astype(float)
        return late, said


@dataclass(frozen=True, slots=True)
class Portfolio:
    """Invoices of the whole ledger by customer and due day: (m,) each. late: those that were not paid by then."""

    customer: Ints
    due: Ints
    invoices: Ints
    late: Ints


@dataclass(frozen=True, slots=True)
class Share:
    """A mean with its standard error and 95 % interval, by customer. Null numbers where there are too few.

    alike: how many customers of equal size would say as much (Kish): a few large ones say less than they count for.
    """

    mean: float
    error: float
    rows: int
    customers: int
    alike: float = 0.0

    def shown(self) -> dict[str, Any]:
        known = self.rows > 0
        wide = _USUAL * self.error
        return {
            "mean": rounded(self.mean) if known else None,
            "low": rounded(self.mean - wide) if isfinite(wide) else None,
            "high": rounded(self.mean + wide) if isfinite(wide) else None,
            "rows": self.rows,
            "customers": self.customers,
        }

    def enough(self, lines: Lines) -> bool:
        return self.rows >= lines.least_rows and self.customers >= lines.least_customers


def rounded(value: float, places: int = 4) -> float:
    """Never a minus before a zero."""
    return round(float(value), places) + 0.0


def share_of(values: Floats, customer: Ints, weights: Floats | None = None) -> Share:
    """The (weighted) mean of values, with an error that takes the rows of one customer for one thing."""
    weights = np.ones(len(values)) if weights is None else weights
    total = weights.sum()
    if not total:
        return Share(float("nan"), float("inf"), 0, 0)
    mean = float((weights * values).sum() / total)
    _, group = np.unique(customer, return_inverse=True)
    sizes = np.bincount(group, weights)
    count, alike = len(sizes), float(total**2 / (sizes**2).sum())
    if alike <= 1.0:
        return Share(mean, float("inf"), int(total), count, alike)
    sums = np.bincount(group, weights * (values - mean))
    spread = float((weights * (values - mean) ** 2).sum())
    # Rows of one customer are not less alike than rows of many: what a few of them seem to say is noise. Where all rows
    # agree the data say that there is no error; one row that does not is always possible.
    error = sqrt(max(count / (count - 1) * float((sums**2).sum()), spread)) / float(total)
    # An error that is itself known from few has Student's tails.
    error *= sqrt(1.0 + _TAILS / (alike - 1.0))
    return Share(mean, max(error, 1.0 / (float(total) + 4.0)), int(total), count, alike)


@dataclass(frozen=True, slots=True)
class Trial:
    """One figure over two periods running and over both together, beside what it should be.

    worse: +1 where only more is an alarm, -1 where only less is, 0 where both are.
    """

    older: Share
    newer: Share
    both: Share
    target: float
    target_error: float
    least: float
    worse: int = 0

    def alarms(self, lines: Lines) -> bool:
        """Both periods point the same way, and together by more than noise and by more than matters."""
        if not (self.older.enough(lines) and self.newer.enough(lines)) or not isfinite(self.target):
            return False
        off = [one.mean - self.target for one in (self.older, self.newer, self.both)]
        way = 1.0 if off[2] > 0 else -1.0
        if self.worse and way != self.worse:
            return False
        each = all(
            way * shift >= _EACH * one.error for shift, one in zip(off[:2], (self.older, self.newer), strict=True)
        )
        noise = sqrt(self.both.error**2 + self.target_error**2)
        return each and abs(off[2]) >= max(self.least, _TOGETHER * noise)

    def shown(self) -> dict[str, Any]:
        return {
            "older": self.older.shown(), "newer": self.newer.shown(), "both": self.both.shown(),
            "target": rounded(self.target) if isfinite(self.target) else None, "least_shift": self.least,
        }  # fmt: skip


def _trial(
    values: Floats, customer: Ints, day: Ints, ends: int, lines: Lines, least: float, target: tuple[float, float],
    weights: Floats | None = None, worse: int = 0,
) -> Trial:  # fmt: skip
    """`day`: when each value was certain. Periods end before `ends`."""
    middle, start = ends - lines.period_days, ends - 2 * lines.period_days
    made = []
    for begin, end in ((start, middle), (middle, ends), (start, ends)):
        rows = (day >= begin) & (day < end) & ~np.isnan(values)
        made.append(share_of(values[rows], customer[rows], None if weights is None else weights[rows]))
    return Trial(made[0], made[1], made[2], target[0], target[1], least, worse)


def calibration(judged: Judged, ends: int, lines: Lines) -> Trial:
    """Calibration in the large: late minus what was said."""
    late, said = judged.outcome
    return _trial(late - said, judged.customer, judged.certain, ends, lines, lines.calibration_shift, (0.0, 0.0))


def coverage(judged: Judged, ends: int, lines: Lines) -> Trial:
    """Share of 80 % intervals that held what came, 30 days after the due date. What is unpaid then is later than
    that: in an interval that reaches beyond, and in no other."""
    last = HORIZONS[-1]
    day = np.maximum(judged.due, judged.scored) + last + 1
    days = np.minimum(judged.paid - judged.due, np.maximum(last, judged.scored - judged.due) + 1)
    beyond = days > last
    held = np.where(beyond, judged.high >= days, (judged.low <= days) & (days <= judged.high)).astype(float)
    held[np.isnan(judged.low) | np.isnan(judged.high)] = np.nan
    return _trial(held, judged.customer, day, ends, lines, lines.coverage_shift, (_TARGET, 0.0), worse=-1)


def late_rate(portfolio: Portfolio, ends: int, lines: Lines) -> Trial:
    """Share of the whole portfolio's invoices that were not paid by their due date, beside the year before.

    Each customer is compared with itself, drawn towards all: a month with more invoices of slow payers is no drift.
    """
    day, weights = portfolio.due + 1, portfolio.invoices.astype(float)
    start = ends - 2 * lines.period_days
    before = (day >= start - _YEAR) & (day < start)
    values = portfolio.late / np.maximum(portfolio.invoices, 1)
    usual = share_of(values[before], portfolio.customer[before], weights[before])
    if not usual.enough(lines):
        return _trial(values, portfolio.customer, day, ends, lines, lines.late_rate_shift, (np.nan, np.inf), weights)
    size = int(portfolio.customer.max()) + 1
    known = np.bincount(portfolio.customer[before], weights[before], minlength=size)
    late = np.bincount(portfolio.customer[before], portfolio.late[before].astype(float), minlength=size)
    own = (late + _DRAWN * usual.mean) / (known + _DRAWN)
    values = values - own[portfolio.customer] + usual.mean
    # What each was like before is known from its invoices alone.
    now = np.where((day >= start) & (day < ends), weights, 0.0)
    part = np.bincount(portfolio.customer, now, minlength=size) / max(float(now.sum()), 1.0)
    error = float(np.sqrt((part**2 * np.maximum(own * (1.0 - own), 0.05) / (known + _DRAWN)).sum()))
    return _trial(values, portfolio.customer, day, ends, lines, lines.late_rate_shift, (usual.mean, error), weights)
