"""From the chance of being more than k days late to probabilities, expected days and an interval.

A curve is a survival function over days late, T: S(k) = P(T > k), given at a few thresholds. Between them it
is linear; beyond them it falls off exponentially, so however long an invoice is overdue there is a next day.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.events import Floats, Ints

_BEFORE, _AFTER = 120, 400
_CHUNK = 4096
REACH = 0.4
"""How far from the median an interval reaches on either side, in probability: 0.4 is 10 % to 90 %."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a curve says, (n,) each: P(T > 0), P(T > 15), P(T > 30), E[T], E[max(T, 0)], both ends of the interval."""

    late: Floats
    late_15: Floats
    late_30: Floats
    expected: Floats
    expected_late: Floats
    low: Floats
    high: Floats


def falling(curves: Floats) -> Floats:
    """Curves that never rise from one threshold to the next: (n, k) within [0, 1]."""
    fallen: Floats = np.minimum.accumulate(np.clip(curves, 0.0, 1.0), axis=1)
    return fallen


def _survival(curves: Floats, thresholds: Ints, tail: float, head: float, days: Ints) -> Floats:
    """S at whole days: (n, len(days)). `tail`, `head`: mean days beyond the last and before the first threshold."""
    inside = np.clip(days, thresholds[0], thresholds[-1])
    right = np.clip(np.searchsorted(thresholds, inside, side="left"), 1, len(thresholds) - 1)
    width = thresholds[right] - thresholds[right - 1]
    share = (inside - thresholds[right - 1]) / width
    found = curves[:, right - 1] * (1.0 - share) + curves[:, right] * share
    after, before = days > thresholds[-1], days < thresholds[0]
    found[:, after] = curves[:, -1:] * np.exp(-(days[after] - thresholds[-1]) / tail)
    found[:, before] = 1.0 - (1.0 - curves[:, :1]) * np.exp(-(thresholds[0] - days[before]) / head)
    return found


def reach_of(curves: Floats, thresholds: Ints, tail: float, head: float, days: Ints) -> Floats:
    """How far the interval of each curve must reach to hold what happened, T = days: (n,) from 0 to 0.5.

    The conformity score of Chernozhukov, Wüthrich and Zhu, "Distributional conformal prediction" (PNAS 2021),
    for whole days.
    """
    scores = np.empty(len(curves))
    for at in range(0, len(curves), _CHUNK):
        part, happened = curves[at : at + _CHUNK], np.clip(days[at : at + _CHUNK], -_BEFORE, _AFTER)
        grid = np.arange(-_BEFORE - 1, _AFTER + 1)
        paid = 1.0 - _survival(part, thresholds, tail, head, grid)
        place = (happened - grid[0])[:, None]
        by, before = (np.take_along_axis(paid, where, axis=1)[:, 0] for where in (place, place - 1))
        scores[at : at + _CHUNK] = np.maximum(0.0, np.maximum(before - 0.5, 0.5 - by))
    return scores


def outlook(curves: Floats, thresholds: Ints, tail: float, head: float, overdue: Ints, reach: Floats) -> Outlook:
    """The outlook of invoices that are unpaid now: (n,) each.

    curves: (n, k) falling S at `thresholds` as seen from the posting. overdue: (n,) days between the due date
    and today, negative before it. reach: (n,) of each interval (see REACH). What is unpaid at the start of
    today has T >= overdue: every figure is conditional on that, so an overdue invoice is late for certain
    and its low end is at least `overdue`.
    """
    parts = [
        _outlook(
            curves[start : start + _CHUNK],
            thresholds,
            tail,
            head,
            overdue[start : start + _CHUNK],
            reach[start : start + _CHUNK],
        )
        for start in range(0, len(curves), _CHUNK)
    ]
    return Outlook(*(np.concatenate([part[at] for part in parts]) if parts else np.empty(0) for at in range(7)))


def _outlook(
    curves: Floats, thresholds: Ints, tail: float, head: float, overdue: Ints, reach: Floats
) -> tuple[Floats, ...]:
    # Beyond the last threshold the curve has no memory: what lies further is the same picture, shifted.
    held = np.clip(overdue, -_BEFORE, thresholds[-1] + 1)
    shift = np.maximum(overdue - held, 0)
    days = np.arange(-_BEFORE - 1, _AFTER + 1)
    survival = _survival(np.maximum(curves, 1e-9), thresholds, tail, head, days)
    place = held - 1 - days[0]
    still_open = np.take_along_axis(survival, place[:, None], axis=1)
    known = days[None, :] < held[:, None]
    given = np.where(known, 1.0, np.minimum(survival / still_open, 1.0))

    def chance(threshold: int) -> Floats:
        at = np.clip(threshold - shift - days[0], 0, len(days) - 1)
        return np.take_along_axis(given, at[:, None], axis=1)[:, 0]

    rest = tail * given[:, -1]
    expected = days[0] + 1 + given[:, 1:].sum(axis=1) + rest + shift
    positive = days >= 0
    expected_late = given[:, positive].sum(axis=1) + rest + shift
    # The q point is the first day by which at least q of the invoices are paid.
    low, high = (days[np.argmax(given <= 1.0 - q[:, None], axis=1)] + shift for q in (0.5 - reach, 0.5 + reach))
    return chance(0), chance(15), chance(30), expected, expected_late, low.astype(float), high.astype(float)
