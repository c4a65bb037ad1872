"""Receivables scored with what was known on their own posting day: how the collection model would have done."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from math import ceil, floor, log

import numpy as np

from models.events import Ints
from models.features import Receivable
from models.risk import LATE, CollectionRisk, Ledger, RiskEstimate

_GROWTH = 1.25


def estimate_as_of_posting(
    items: Sequence[Receivable],
    history: Sequence[Receivable],
    *,
    min_rows: int = 500,
    seed: int = 0,
    fallback: CollectionRisk | None = None,
) -> list[RiskEstimate]:
    """One estimate per item with what was known on its own posting date.

    Month by month: the rates of all customers and the reach of intervals are those of the month's first day. A
    model is fitted on the first of the month after `min_rows` invoices were settled, and again each time there are a
    quarter more: the calendar of fits hangs on the history alone, not on what is asked. Until the first, `fallback`
    answers for customers with enough history, or the rates alone where there is none.
    """
    certain = np.sort([max(one.due_date.toordinal() + LATE[-1], one.posting_date.toordinal()) for one in history])
    past = Ledger(history)
    months: dict[date, list[int]] = {}
    for at, one in enumerate(items):
        months.setdefault(one.posting_date.replace(day=1), []).append(at)
    fitted: dict[date, CollectionRisk] = {}
    made: dict[int, RiskEstimate] = {}
    for first in sorted(months):
        day = _fit_day(certain, first, min_rows)
        if day not in fitted:
            fitted[day] = CollectionRisk(min_rows=min_rows, seed=seed).fit(past, day)
        foreign = fallback is not None and not fitted[day].has_model
        judge = fallback if fallback is not None and foreign else fitted[day]
        own = [items[at] for at in months[first]]
        today = judge.rebased(past, first, foreign=foreign)
        estimates = today.predict(own, [one.posting_date for one in own], past)
        made.update(zip(months[first], estimates, strict=True))
    return [made[at] for at in range(len(items))]


def _fit_day(certain: Ints, first: date, min_rows: int) -> date:
    """The day of the model that judges the month that starts on `first`; `certain`: sorted days on which the fate
    of each invoice was settled."""
    settled = int(np.searchsorted(certain, first.toordinal()))
    if settled < min_rows:
        return first
    step = floor(log(settled / min_rows, _GROWTH) + 1e-9)
    reached = date.fromordinal(int(certain[ceil(min_rows * _GROWTH**step) - 1]) + 1)
    return min(first, _month_from(reached))


def _month_from(day: date) -> date:
    """The first of a month on or after a day."""
    if day.day == 1:
        return day
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)
