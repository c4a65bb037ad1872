"""What an action on an unpaid invoice is worth, and which actions a day has room for. Pure, exact decimals.

Worth of an action = amount that can be collected x probability of late payment x days late still to come x cost of
capital a day x share of these days that the action is assumed to save, less what the action costs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

_CENT = Decimal("0.01")
_DAYS_A_YEAR = 365
_NONE = Decimal(0)


@dataclass(frozen=True, slots=True)
class Stake:
    """What late payment of one invoice costs if nobody does anything, and its parts.

    collectible: the amount that can be collected now. probability: of being late. days: late days still to come where
    it is late. percent: cost of capital a year. cost: collectible x probability x days x percent / 100 / 365.
    """

    collectible: Decimal
    probability: Decimal
    days: Decimal
    percent: Decimal

    @property
    def cost(self) -> Decimal:
        return self.collectible * self.probability * self.days * self.percent / 100 / _DAYS_A_YEAR


@dataclass(frozen=True, slots=True)
class Worth:
    """What one action brings: `gain` is `effect` x the stake's cost, `value` is the gain less the action's cost."""

    gain: Decimal
    cost: Decimal

    @property
    def value(self) -> Decimal:
        return self.gain - self.cost


def stake(amount: Decimal, share: Decimal, p_late: float, mean_late: float, overdue: int, percent: Decimal) -> Stake:
    """The stake of an invoice that is unpaid today.

    share: of the amount that can be collected. p_late: probability of being late. mean_late: mean of the days late,
    early counting as 0. overdue: days since the due date, negative before it: they are spent, only those that are
    still to come can be saved. Raises ValueError for a probability outside of 0..1.
    """
    if not 0.0 <= p_late <= 1.0:
        raise ValueError(f"{p_late} is no probability")
    where_late = mean_late / p_late if p_late > 0 else 0.0
    days = max(0.0, where_late - max(0, overdue))
    return Stake(
        collectible=(max(_NONE, amount) * share).quantize(_CENT),
        probability=Decimal(str(round(p_late, 4))),
        days=Decimal(str(round(days, 2))),
        percent=percent,
    )


def worth(of: Stake, effect: Decimal, cost: Decimal) -> Worth:
    """What an action is worth that saves the share `effect` of the late days and costs `cost`."""
    return Worth((of.cost * effect).quantize(_CENT), cost.quantize(_CENT))


@dataclass(frozen=True, slots=True)
class Task:
    """One action that could be done today. `value` may be negative; `minutes` of a collector's time, at least 0."""

    key: str
    value: Decimal
    minutes: int


def ranked(tasks: Iterable[Task]) -> list[Task]:
    """By value, the highest first; ties by key, so that the order is always the same."""
    return sorted(tasks, key=lambda task: (-task.value, task.key))


def chosen(tasks: Iterable[Task], minutes: int, most: int) -> list[Task]:
    """The tasks that bring the most in `minutes` and at most `most` actions, the most valuable first.

    Exact (dynamic programming over minutes and actions, in cents). Of tasks that take equally long only the best
    `most` can be part of a best choice: the others are not looked at. What brings nothing is left out.
    """
    found = [task for task in ranked(tasks) if task.value > 0 and task.minutes <= minutes]
    kept: dict[int, list[Task]] = defaultdict(list)
    for task in found:
        same = kept[task.minutes]
        if len(same) < (most if task.minutes == 0 else min(most, minutes // task.minutes)):
            same.append(task)
    candidates = ranked(task for same in kept.values() for task in same)
    if len(candidates) <= most and sum(task.minutes for task in candidates) <= minutes:
        return candidates
    return _best(candidates, minutes, most) if most > 0 else []


def _best(candidates: Sequence[Task], minutes: int, most: int) -> list[Task]:
    value = np.zeros((most + 1, minutes + 1), dtype=np.int64)
    taken = np.zeros((len(candidates), most + 1, minutes + 1), dtype=bool)
    for at, task in enumerate(candidates):
        cents = int((task.value * 100).to_integral_value())
        with_it = np.full_like(value, -1)
        with_it[1:, task.minutes :] = value[:-1, : minutes + 1 - task.minutes] + cents
        taken[at] = with_it > value
        value = np.maximum(value, with_it)
    made: list[Task] = []
    left, time = most, minutes
    for at in range(len(candidates) - 1, -1, -1):
        if taken[at, left, time]:
            made.append(candidates[at])
            left, time = left - 1, time - candidates[at].minutes
    return ranked(made)
