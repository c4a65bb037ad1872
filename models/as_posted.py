"""Receivables scored with what was known on their own posting day: how the collection model would have done."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from models.features import Receivable, moment
from models.risk import LATE, CollectionRisk, RiskEstimate
from models.risk_fitting import certain


def estimate_as_of_posting(
    items: Sequence[Receivable],
    history: Sequence[Receivable],
    *,
    min_rows: int = 500,
    seed: int = 0,
    fallback: CollectionRisk | None = None,
) -> list[RiskEstimate]:
    """One estimate per item with what was known on its own posting date.

    Month by month: the rates of all customers are those of the month's first day, and a model is fitted
    once `min_rows` invoices were settled, and again each time they have doubled. Until then `fallback`
    answers for customers with enough history, or the rates alone where there is none.
    """
    made: dict[int, RiskEstimate] = {}
    months: dict[date, list[int]] = {}
    for at, one in enumerate(items):
        months.setdefault(one.posting_date.replace(day=1), []).append(at)
    current: CollectionRisk | None = None
    for first in sorted(months):
        current = _next(current, history, first, min_rows, seed)
        judge = current if current.has_model or fallback is None else fallback.rebased(history, first)
        own = [items[at] for at in months[first]]
        estimates = judge.predict(own, [one.posting_date for one in own], history)
        made.update(zip(months[first], estimates, strict=True))
    return [made[at] for at in range(len(items))]


def _next(
    current: CollectionRisk | None, history: Sequence[Receivable], as_of: date, min_rows: int, seed: int
) -> CollectionRisk:
    """The model for `as_of`: the last one over the present rates, or a new one where the history has doubled."""
    if current is not None and current.has_model:
        known = moment(history, [one.posting_date for one in history], ()).item
        settled = int((certain(known, LATE[-1], as_of.toordinal()) & (known.post < as_of.toordinal())).sum())
        if settled < 2 * current.trained_rows_:
            return current.rebased(history, as_of)
    return CollectionRisk(min_rows=min_rows, seed=seed).fit(history, as_of)
