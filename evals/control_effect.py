"""What a reminder changes: the control slice's delayed reminders against those that went out as usual.

Whoever was delayed was chosen by lot, so the difference in days late is the effect of the delay; each case weighs by
the inverse of the chance of its group (Hajek's estimator), for shares and ceilings change over time. A case counts in
the group it was drawn into, whatever people did then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from governance.record import collections
from governance.record.db import Connection

RESAMPLES = 1000
LEAST = 20
_LEVEL = 0.95

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Drawn:
    """One case of the slice after it was paid. propensity: the chance of the group that it is in, 0..1 exclusive."""

    customer_id: str
    delayed: bool
    propensity: float
    days_late: float


@dataclass(frozen=True, slots=True)
class Effect:
    """days: mean days late of delayed reminders less that of reminders in time; low, high: 95 % interval, by bootstrap
    over customers. delayed, as_usual: cases."""

    days: float
    low: float
    high: float
    delayed: int
    as_usual: int


def recorded_effect(conn: Connection, seed: int = 0) -> Effect | None:
    """The effect as the record shows it so far. `conn`: a transaction of role `review` or `audit`."""
    rows = [
        Drawn(row.customer_id, row.delayed, float(row.propensity), float(row.days_late))
        for row in collections.drawn(conn)
    ]
    return delay_effect(rows, seed)


def delay_effect(rows: Sequence[Drawn], seed: int = 0, resamples: int = RESAMPLES) -> Effect | None:
    """The effect; None where one group has fewer than LEAST cases. Raises ValueError for a propensity that is none."""
    if any(not 0.0 < row.propensity < 1.0 for row in rows):
        raise ValueError("a propensity lies between 0 and 1")
    delayed = sum(row.delayed for row in rows)
    if min(delayed, len(rows) - delayed) < LEAST:
        return None
    sums = _sums(rows)
    rng = np.random.default_rng(seed)
    picks = rng.integers(0, len(sums), size=(resamples, len(sums)))
    found = np.array([_difference(sums[pick].sum(axis=0)) for pick in picks])
    low, high = np.nanquantile(found, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return Effect(_difference(sums.sum(axis=0)), float(low), float(high), delayed, len(rows) - delayed)


def _sums(rows: Sequence[Drawn]) -> Floats:
    """By customer: weights and weighted days of the delayed, then of the others: (customers, 4)."""
    places = {customer: at for at, customer in enumerate(dict.fromkeys(row.customer_id for row in rows))}
    sums = np.zeros((len(places), 4))
    for row in rows:
        weight = 1.0 / row.propensity
        side = 0 if row.delayed else 2
        sums[places[row.customer_id], side : side + 2] += weight, weight * row.days_late
    return sums


def _difference(sums: Floats) -> float:
    if not sums[0] or not sums[2]:
        return float("nan")
    return float(sums[1] / sums[0] - sums[3] / sums[2])
