"""Sums of dated events up to a day, for many groups and many days at once.

Every figure is a difference of two prefix sums, so nothing that happened on the day in question or later
can enter it. The summed values are whole numbers: a later event cannot even change how an earlier figure
is rounded. (int64 wraps around, and the difference of two wrapped sums is still right.)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_SPAN = 8_000_000
NEVER = 4_000_000
"""A day after all others."""


def mean(total: Ints, count: Ints) -> Floats:
    """total / count, nan where there is nothing to divide by."""
    found: Floats = np.divide(total, count, out=np.full(len(total), np.nan), where=count > 0)
    return found


class Events:
    """Whole numbers on days, per group.

    group, day, each value: (m,). `own` (n,): the event that belongs to each question and must not be
    counted for it, -1 for none. `rank` (m,): order among events of one group and day.
    """

    def __init__(self, group: Ints, day: Ints, *values: Ints, own: Ints, rank: Ints | None = None) -> None:
        keys = group * _SPAN + day
        order = np.argsort(keys, kind="stable") if rank is None else np.lexsort((rank, keys))
        self._keys = keys[order]
        self._sums = [np.concatenate(([0], np.cumsum(value[order]))) for value in values]
        self._group, self._day, self._values, self._own = group, day, values, own

    def _place(self, group: Ints, day: Ints) -> tuple[Ints, Ints]:
        """(first event of the group, first event of it on that day or later) in the sorted events."""
        start = np.searchsorted(self._keys, group * _SPAN, side="left")
        return start, np.searchsorted(self._keys, group * _SPAN + day, side="left")

    def _own_counted(self, group: Ints, day: Ints) -> NDArray[np.bool_]:
        if not len(self._day):
            return np.zeros(len(day), dtype=bool)
        counted: NDArray[np.bool_] = (self._own >= 0) & (self._group[self._own] == group) & (self._day[self._own] < day)
        return counted

    def count(self, group: Ints, day: Ints) -> Ints:
        """How many events of each group lie strictly before each day: (n,)."""
        start, end = self._place(group, day)
        found: Ints = end - start - self._own_counted(group, day)
        return found

    def total(self, value: int, group: Ints, day: Ints) -> Ints:
        """The sum of one value over the events strictly before each day: (n,)."""
        start, end = self._place(group, day)
        found: Ints = self._sums[value][end] - self._sums[value][start]
        if len(self._day):
            found = found - np.where(self._own_counted(group, day), self._values[value][self._own], 0)
        return found

    def mean(self, value: int, group: Ints, day: Ints) -> Floats:
        """The mean of one value over the events strictly before each day, nan where there is none: (n,)."""
        return mean(self.total(value, group, day), self.count(group, day))

    def last(self, value: int, count: int, group: Ints, day: Ints) -> Floats:
        """The mean of one value over the last `count` events strictly before each day, nan where there is none.

        The question's own event is not left out here: ask only for events that end what is asked about.
        """
        start, end = self._place(group, day)
        start = np.maximum(start, end - count)
        return mean(self._sums[value][end] - self._sums[value][start], end - start)

    def latest(self, group: Ints, day: Ints) -> Floats:
        """The day of the last event strictly before each day, nan where there is none: (n,)."""
        start, end = self._place(group, day)
        return self._day_at(end - 1, end > start)

    def first(self, group: Ints, day: Ints) -> Floats:
        """The day of the group's first event, nan where none lies strictly before each day: (n,)."""
        start, end = self._place(group, day)
        return self._day_at(start, end > start)

    def _day_at(self, place: Ints, known: NDArray[np.bool_]) -> Floats:
        if not len(self._keys):
            return np.full(len(place), np.nan)
        days = self._keys[np.clip(place, 0, len(self._keys) - 1)] % _SPAN
        return np.where(known, days.astype(float), np.nan)
