"""Bills that are the sum of two or three others of their vendor: what was paid whole and again in parts."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from models.pair_grouping import Flags, Floats, Ints

_REACH = 6
_DAYS = 60.0


def parts_of(group: Ints, day: Floats, amount: Floats, counted: Flags) -> Ints:
    """(n,): the row of the bill that this one is a part of, -1 where of none.

    A part and its whole are of one group and lie within 60 days and few bills of each other; the parts sum to the
    whole to the hundredth. Of several such wholes the first one in order of date counts.
    """
    found = np.full(len(group), -1, dtype=np.int64)
    rows = np.flatnonzero((group >= 0) & counted & ~np.isnan(day) & (amount > 0))
    if len(rows) < 3:
        return found
    rows = rows[np.bincount(group[rows])[group[rows]] >= 3]
    order = rows[np.lexsort((amount[rows], day[rows], group[rows]))]
    # Padding: a neighbour beyond either end is of no group.
    own = np.pad(group[order], _REACH, constant_values=-1)
    when = np.pad(day[order], _REACH)
    cents = np.pad(np.round(amount[order] * 100).astype(np.int64), _REACH)
    place = np.pad(order, _REACH, constant_values=-1)
    here = np.arange(_REACH, _REACH + len(order))
    steps = [step for step in range(-_REACH, _REACH + 1) if step]
    smaller = {
        step: (own[here + step] == own[here]) & (np.abs(when[here + step] - when[here]) <= _DAYS)
        & (cents[here + step] < cents[here])
        for step in steps
    }  # fmt: skip
    for size in (2, 3):
        for chosen in combinations(steps, size):
            fits = smaller[chosen[0]] & smaller[chosen[1]]
            if size == 3:
                fits &= smaller[chosen[2]]
            at = np.flatnonzero(fits)
            at = at[sum(cents[here[at] + step] for step in chosen) == cents[here[at]]]
            for step in chosen:
                part, whole = place[here[at] + step], place[here[at]]
                new = found[part] < 0
                found[part[new]] = whole[new]
    return found
