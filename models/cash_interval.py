"""How sure expected cash is: invoices of one customer are paid early or late together, customers independently."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.events import Floats
from models.outlook import paid_between
from models.receivable import Receivable
from models.risk import Seen

_DAYS = 7
_CELLS = 4_000_000


@dataclass(frozen=True, slots=True)
class CashRange:
    """80 % of the draws lie between: receipts of a week, and of all weeks up to it."""

    low: float
    high: float
    low_so_far: float
    high_so_far: float


def cash_ranges(
    items: Sequence[Receivable], seen: Seen, weeks: int, *, draws: int = 1000, seed: int = 0
) -> list[CashRange]:
    """The 10th and 90th percentile of what unpaid items of one currency bring in, for each of the weeks from today on.

    seen: what CollectionRisk.seen says of the same items. A customer's invoices are drawn by one number, so that its
    habits do not average out; what moves all customers at once is not in it. Deterministic by seed.
    """
    if not items:
        return [CashRange(0.0, 0.0, 0.0, 0.0)] * weeks
    amounts = np.array([float(one.amount) for one in items])
    codes = {name: at for at, name in enumerate(dict.fromkeys(one.customer_id for one in items))}
    customer = np.array([codes[one.customer_id] for one in items])
    by = np.array([
        paid_between(seen.curves, seen.overdue, seen.overdue, seen.overdue + (week + 1) * _DAYS - 1)
        for week in range(weeks)
    ])  # fmt: skip
    rng = np.random.default_rng(seed)
    received = np.empty((weeks, draws))
    step = max(1, _CELLS // len(items))
    for start in range(0, draws, step):
        end = min(draws, start + step)
        luck: Floats = rng.random((end - start, len(codes)))[:, customer]
        for week in range(weeks):
            received[week, start:end] = (luck < by[week]) @ amounts
    of_week = np.diff(received, axis=0, prepend=0.0)
    low, high = np.quantile(of_week, (0.1, 0.9), axis=1)
    low_so_far, high_so_far = np.quantile(received, (0.1, 0.9), axis=1)
    return [CashRange(*map(float, row)) for row in zip(low, high, low_so_far, high_so_far, strict=True)]
