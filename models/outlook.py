"""From the chance of being more than k days late to probabilities, expected days, an interval and cash by day.

A curve is a survival function over days late, T: S(k) = P(T > k), given at knots, whole days in rising order. Before
the first knot it is 1, between two it is linear, beyond the last it falls off exponentially, so however long an
invoice is overdue there is a next day. What is unpaid at the start of today has T >= overdue: every figure is
conditional on that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.events import Floats, Ints

REACH = 0.4
"""How far from the median an interval reaches on either side, in probability: 0.4 is 10 % to 90 %."""

_LEAST = 1e-9


@dataclass(frozen=True, slots=True)
class Curves:
    """Survival curves of n invoices. chances: (n, k), falling. knots: (k,). tail: mean days beyond the last knot."""

    chances: Floats
    knots: Ints
    tail: float

    def at(self, days: Ints) -> Floats:
        """S of each curve at its own whole days: (..., n) as `days`."""
        right = np.minimum(np.maximum(self.knots.searchsorted(days), 1), len(self.knots) - 1)
        rows = np.arange(days.shape[-1])
        low, high = self.knots[right - 1], self.knots[right]
        before, after = self.chances[rows, right - 1], self.chances[rows, right]
        share = np.minimum(np.maximum((days - low) / (high - low), 0.0), 1.0)
        beyond = np.exp(-np.maximum(days - self.knots[-1], 0) / self.tail)
        found: Floats = np.where(days < self.knots[0], 1.0, (before + (after - before) * share) * beyond)
        return np.maximum(found, _LEAST)

    def beyond(self, day: int) -> Floats:
        """S of all curves at one whole day: (n,)."""
        place = int(self.knots.searchsorted(day))
        if place < len(self.knots) and self.knots[place] == day:
            return np.maximum(self.chances[:, place], _LEAST)
        return self.at(np.full(len(self.chances), day))

    def day_of(self, targets: Floats) -> Floats:
        """The first whole day on which S is at most the target: (q, n) as `targets`."""
        reached = self.chances <= targets[:, :, None]
        right = np.where(reached[:, :, -1], reached.argmax(axis=2), len(self.knots))
        inside = np.minimum(np.maximum(right, 1), len(self.knots) - 1)
        rows = np.arange(targets.shape[1])
        before, after = self.chances[rows, inside - 1], self.chances[rows, inside]
        share = (before - targets) / np.maximum(before - after, _LEAST)
        between = self.knots[inside - 1] + np.ceil(share * (self.knots[inside] - self.knots[inside - 1]) - 1e-7)
        last = np.maximum(self.chances[:, -1], _LEAST)
        beyond = self.knots[-1] + np.ceil(self.tail * np.log(np.maximum(last / np.maximum(targets, _LEAST), 1.0)))
        found: Floats = np.where(right == 0, self.knots[0], np.where(right < len(self.knots), between, beyond))
        return found

    def rest(self, days: Ints, here: Floats) -> Floats:
        """The sum of S over all whole days from each curve's own days on: (j, n) as `days`. here: S at those days."""
        width = np.diff(self.knots)
        left, right = self.chances[:, :-1], self.chances[:, 1:]
        pieces = width * (left + right) / 2.0 + (left - right) / 2.0
        # What is left from each knot on; beyond the last the mean wait is the tail.
        last = np.maximum(self.chances[:, -1], _LEAST)
        from_knot = np.zeros_like(self.chances)
        from_knot[:, :-1] = np.cumsum(pieces[:, ::-1], axis=1)[:, ::-1]
        from_knot += (last * (self.tail + 0.5))[:, None]
        place = np.minimum(self.knots.searchsorted(days), len(self.knots) - 1)
        rows = np.arange(days.shape[-1])
        gap = np.maximum(self.knots[place] - days, 0)
        there = self.chances[rows, place]
        inside = from_knot[rows, place] + gap * (here + there) / 2.0 + (here - there) / 2.0 * (gap > 0)
        found: Floats = np.where(days > self.knots[-1], here * (self.tail + 0.5), inside)
        return found


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a curve says, (n,) each: P(T > 0), P(T > 15), P(T > 30), the median of T, E[T], E[max(T, 0)], both ends of
    the interval."""

    late: Floats
    late_15: Floats
    late_30: Floats
    median: Floats
    mean: Floats
    mean_late: Floats
    low: Floats
    high: Floats


def falling(curves: Floats) -> Floats:
    """Curves that never rise from one knot to the next: (n, k) within [0, 1]."""
    fallen: Floats = np.minimum.accumulate(np.minimum(np.maximum(curves, 0.0), 1.0), axis=1)
    return fallen


def reach_of(curves: Curves, days: Ints) -> Floats:
    """How far the interval of each curve must reach to hold what happened, T = days: (n,) from 0 to 0.5.

    The conformity score of Chernozhukov, Wüthrich and Zhu, "Distributional conformal prediction" (PNAS 2021),
    for whole days.
    """
    by, before = 1.0 - curves.at(days), 1.0 - curves.at(days - 1)
    return np.maximum(0.0, np.maximum(before - 0.5, 0.5 - by))


def outlook(curves: Curves, overdue: Ints, reach: Floats) -> Outlook:
    """The outlook of invoices that are unpaid now: (n,) each.

    curves: as seen from the posting. overdue: (n,) days between the due date and today, negative before it: an
    overdue invoice is late for certain and its low end is at least `overdue`. reach: (n,) of each interval
    (see REACH).
    """
    start = np.maximum(overdue, curves.knots[0])
    asked = np.array([overdue - 1, start, np.maximum(start, 0)])
    alive = curves.at(asked)
    still = alive[0]

    def chance(threshold: int) -> Floats:
        seen = np.minimum(curves.beyond(threshold) / still, 1.0)
        return np.where(overdue > threshold, 1.0, seen)

    shares = np.array([0.5 + reach, np.full(len(reach), 0.5), 0.5 - reach])
    low, median, high = np.maximum(curves.day_of(shares * still), overdue)
    mean, mean_late = asked[1:] + curves.rest(asked[1:], alive[1:]) / still
    return Outlook(
        late=chance(0),
        late_15=chance(15),
        late_30=chance(30),
        median=median,
        mean=mean,
        mean_late=mean_late,
        low=low,
        high=np.maximum(low, high),
    )


def paid_between(curves: Curves, overdue: Ints, first: Ints, last: Ints) -> Floats:
    """The chance that what is unpaid now is paid on days late `first` to `last`, both included: (n,)."""
    still = curves.at(overdue - 1)
    return np.maximum(curves.at(np.maximum(first, overdue) - 1) - curves.at(np.maximum(last, overdue - 1)), 0.0) / still
