"""Sums of dated events up to a day, for many groups and many days at once.

Every figure is a difference of two prefix sums, so nothing that happened on the day in question or later
can enter it. The summed values are whole numbers: a later event cannot even change how an earlier figure
is rounded. (int64 wraps around, and the difference of two wrapped sums is still right.)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

SPAN = 8_000_000
NEVER = 4_000_000
"""A day after all others."""


def mean(total: Ints, count: Ints) -> Floats:
    """total / count, nan where there is nothing to divide by."""
    found: Floats = total / np.where(count > 0, count, np.nan)
    return found


@dataclass(frozen=True, slots=True)
class Asked:
    """Questions to one stream, (n,) each: from which event to which one, and the question's own event among them,
    -1 for none (None: none at all): it is not counted."""

    start: Ints
    end: Ints
    own: Ints | None


class Stream:
    """Whole numbers on days, per group.

    group, day: (m,), one event for each row of a ledger; events of one day keep the order of the rows.
    values: (m, v).
    """

    def __init__(self, group: Ints, day: Ints, values: Ints) -> None:
        keys = group * SPAN + day
        self._order = np.argsort(keys, kind="stable")
        self._keys = keys[self._order]
        self._day = day
        self._values, self._sums = values, self._summed(values)

    def _summed(self, values: Ints) -> Ints:
        sums = np.zeros((len(values) + 1, values.shape[1]), dtype=values.dtype)
        np.cumsum(values[self._order], axis=0, out=sums[1:])
        return sums

    def starts(self, group: Ints) -> Ints:
        """The place of each group's first event: (n,). The same in every stream over the same groups."""
        found: Ints = self._keys.searchsorted(group * SPAN)
        return found

    def ask(self, group: Ints, day: Ints, own: Ints | None, starts: Ints) -> Asked:
        """The events of each group strictly before each day. `own`: the question's row of the ledger, which is of the
        question's group, -1 for none; None where no question has one."""
        return self.asked(group * SPAN + day, day, own, starts)

    def asked(self, keys: Ints, day: Ints, own: Ints | None, starts: Ints) -> Asked:
        """The same where group * SPAN + day is at hand."""
        end = self._keys.searchsorted(keys)
        if own is None:
            return Asked(starts, end, None)
        counted = self._day[own] < day
        counted &= own >= 0
        return Asked(starts, end, np.where(counted, own, -1) if np.count_nonzero(counted) else None)

    def total(self, asked: Asked) -> Ints:
        """The sums of all values: (n, v)."""
        found: Ints = self._sums[asked.end] - self._sums[asked.start]
        if asked.own is not None:
            rows = np.flatnonzero(asked.own >= 0)
            found[rows] -= self._values[asked.own[rows]]
        return found

    def last(self, value: int, count: int, asked: Asked) -> Floats:
        """The mean of one value over the last `count` events, nan where there is none.

        The question's own event is not left out here: ask only for events that end what is asked about.
        """
        start = np.maximum(asked.start, asked.end - count)
        sums = self._sums[:, value]
        return mean(sums[asked.end] - sums[start], asked.end - start)

    def latest(self, asked: Asked) -> Floats:
        """The day of the last event, nan where there is none: (n,)."""
        return self._day_at(asked.end - 1, asked)

    def first(self, asked: Asked) -> Floats:
        """The day of the group's first event, nan where none lies before the day: (n,)."""
        return self._day_at(asked.start, asked)

    def _day_at(self, place: Ints, asked: Asked) -> Floats:
        if not len(self._keys):
            return np.full(len(place), np.nan)
        days = self._keys[np.minimum(np.maximum(place, 0), len(self._keys) - 1)] % SPAN
        return np.where(asked.end > asked.start, days.astype(float), np.nan)
