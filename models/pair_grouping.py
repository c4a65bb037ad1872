"""Grouping of arrays: sizes, medians, gaps and neighbours within groups, without a loop over rows.

A group is an integer per row, -1 for a row that belongs to none; such a row gets nan.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.signedinteger[Any]]
Flags = NDArray[np.bool_]


def together(where: Flags, *keys: Ints) -> Ints:
    """Groups of the rows that agree in all keys (non-negative codes), numbered from 0; -1 outside `where`."""
    group = np.full(len(where), -1, dtype=np.int64)
    if not where.any():
        return group
    code = np.zeros(int(where.sum()), dtype=np.int64)
    for key in keys:
        part = np.asarray(key[where], dtype=np.int64)
        code = code * (int(part.max()) + 1) + part
        if len(keys) > 1:
            code = np.unique(code, return_inverse=True)[1].astype(np.int64)
    group[where] = np.unique(code, return_inverse=True)[1]
    return group


def sizes(group: Ints) -> Floats:
    """How many rows each row's group has."""
    if not (group >= 0).any():
        return np.full(len(group), np.nan)
    counts = np.bincount(group[group >= 0])
    return np.where(group >= 0, counts[group], np.nan)


def medians(group: Ints, values: Floats) -> Floats:
    """The median of the values in each row's group."""
    found = np.full(len(group), np.nan)
    rows = np.flatnonzero(group >= 0)
    if not len(rows):
        return found
    order = rows[np.lexsort((values[rows], group[rows]))]
    counts = np.bincount(group[rows])
    starts = np.cumsum(counts) - counts
    used = counts > 0
    low, high = starts + (counts - 1) // 2, starts + counts // 2
    middle = np.full(len(counts), np.nan)
    middle[used] = (values[order[low[used]]] + values[order[high[used]]]) / 2.0
    found[rows] = middle[group[rows]]
    return found


def gap_medians(group: Ints, day: Ints) -> tuple[Floats, Floats]:
    """(median days between the distinct days of each row's group, their median deviation over that median).

    nan below two distinct days, the deviation below three.
    """
    nothing = np.full(len(group), np.nan)
    rows = np.flatnonzero(group >= 0)
    if len(rows) < 2:
        return nothing, nothing
    distinct = np.unique(np.column_stack([group[rows], day[rows]]), axis=0)
    gaps = np.diff(distinct[:, 1]).astype(float)
    owner = np.where(distinct[1:, 0] == distinct[:-1, 0], distinct[1:, 0], -1)
    usual = medians(owner, gaps)
    varies = np.where(sizes(owner) > 1, medians(owner, np.abs(gaps - usual)) / np.maximum(usual, 1.0), np.nan)
    table = np.full((int(group.max()) + 1, 2), np.nan)
    table[owner[owner >= 0]] = np.column_stack([usual, varies])[owner >= 0]
    at = np.where(group >= 0, group, 0)
    return np.where(group >= 0, table[at, 0], np.nan), np.where(group >= 0, table[at, 1], np.nan)


def others(whole: Ints, part: Ints, differs: Ints | None = None) -> Floats:
    """The share of the other parts of each row's whole that hold more than one row.

    `part` divides `whole`. With `differs`, a part counts where its rows hold more than one value of it. nan
    where a whole has no other part.
    """
    found = np.full(len(whole), np.nan)
    rows = np.flatnonzero((whole >= 0) & (part >= 0))
    if not len(rows):
        return found
    count = int(part[rows].max()) + 1
    if differs is None:
        several = np.bincount(part[rows], minlength=count) > 1
    else:
        low, high = np.full(count, np.iinfo(np.int64).max), np.full(count, -1, dtype=np.int64)
        np.minimum.at(low, part[rows], differs[rows])
        np.maximum.at(high, part[rows], differs[rows])
        several = high > low
    owner = np.full(count, -1, dtype=np.int64)
    owner[part[rows]] = whole[rows]
    used = owner >= 0
    parts = np.bincount(owner[used], minlength=int(whole.max()) + 1)
    repeated = np.bincount(owner[used], weights=several[used].astype(float), minlength=int(whole.max()) + 1)
    rest = parts[whole[rows]] - 1
    again = repeated[whole[rows]] - several[part[rows]]
    found[rows] = np.where(rest > 0, again / np.maximum(rest, 1), np.nan)
    return found


def nearby(group: Ints, day: Floats, marked: Flags, before: int, after: int) -> tuple[Floats, Floats]:
    """(days from each row to the next marked row of its group, marked rows of its group within a window).

    The window runs from `before` days before to `after` days after; a marked row within `before` days before
    counts as 0 days away. nan where none follows, and for rows without a group.
    """
    upcoming, count = np.full(len(group), np.nan), np.full(len(group), np.nan)
    rows = np.flatnonzero((group >= 0) & ~np.isnan(day))
    if not len(rows):
        return upcoming, count
    count[rows] = 0.0
    chosen = rows[marked[rows]]
    if not len(chosen):
        return upcoming, count
    # One number line on which the groups lie far apart, so that one search serves all of them.
    first = float(day[rows].min())
    width = float(day[rows].max()) - first + 2 * (before + after) + 2
    line = np.sort(group[chosen] * width + (day[chosen] - first))
    place = group[rows] * width + (day[rows] - first)
    start, end = np.searchsorted(line, place - before, "left"), np.searchsorted(line, place + after, "right")
    count[rows] = end - start
    same = np.append(np.sort(group[chosen]), -1)[start] == group[rows]
    upcoming[rows] = np.where(same, np.maximum(0.0, np.append(line, np.inf)[start] - place), np.nan)
    return upcoming, count


def makes_up(group: Ints, values: Floats) -> Floats:
    """1 where a row's value is the sum of all others in its group, of which there are two or more; else 0."""
    found = np.zeros(len(group))
    rows = np.flatnonzero(group >= 0)
    if len(rows):
        total = np.bincount(group[rows], weights=values[rows])[group[rows]]
        several = np.bincount(group[rows])[group[rows]] >= 3
        found[rows] = several & (np.abs(total - 2.0 * values[rows]) < 0.005)
    return found
