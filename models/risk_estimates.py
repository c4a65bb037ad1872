"""What is said about one invoice, from the arrays that are said about many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.events import Bools, Ints
from models.outlook import Outlook
from models.receivable import Receivable

BUCKETS = ("on time", "1-15 days late", "16-30 days late", "over 30 days late")
_LEAST_PORTFOLIO = 5
_LEAST_FOR_INTERVAL = 20
_LATE = (0, 15, 30)


@dataclass(frozen=True, slots=True)
class RiskEstimate:
    """How late one invoice will be paid. Days count from the due date, early is negative.

    p_late, p_late_15, p_late_30: probability of more than 0, 15, 30 days late. expected_days_late: the median, half of
    such invoices are paid by then. days_late_low, days_late_high: where 80 % of such invoices fall. basis: model |
    rule (the customer's own rate) | cold_start (the rate of all). priority: amount times mean months late (early
    counts as 0). bucket: the likeliest of BUCKETS. mean_days_late: the mean, which the few that are very late raise.
    None where nothing is known.
    """

    invoice_id: str
    p_late: float | None
    p_late_15: float | None
    p_late_30: float | None
    expected_days_late: float | None
    days_late_low: float | None
    days_late_high: float | None
    basis: str
    reasons: tuple[str, ...]
    priority: float | None
    bucket: str | None = None
    mean_days_late: float | None = None


def estimates(
    items: Sequence[Receivable],
    seen: Outlook,
    overdue: Ints,
    settled: Ints,
    modelled: Bools,
    words: Sequence[tuple[str, ...]],
    known: int,
) -> list[RiskEstimate]:
    """One estimate per item. known: settled invoices of all customers: of few of them nothing is said."""
    if not items:
        return []
    amounts = np.array([max(0.0, float(one.amount)) for one in items])
    late = np.array([seen.late, seen.late_15, seen.late_30])
    buckets = np.array([1.0 - late[0], late[0] - late[1], late[1] - late[2], late[2]]).argmax(axis=0)
    rows = zip(
        items, words, modelled.tolist(), settled.tolist(), overdue.tolist(), np.round(late.T, 4).tolist(),
        seen.median.tolist(), seen.low.tolist(), seen.high.tolist(), np.round(seen.mean, 1).tolist(),
        np.round(amounts * seen.mean_late / 30.0, 2).tolist(), buckets.tolist(), strict=True,
    )  # fmt: skip
    made = []
    for one, why, by_model, count, days, chances, median, low, high, mean, priority, bucket in rows:
        basis = "model" if by_model else ("rule" if count else "cold_start")
        if days > 0:
            why = (f"already {days} days overdue", *why)
        if basis == "cold_start" and known < _LEAST_PORTFOLIO:
            made.append(_facts_alone(one.invoice_id, days, why))
            continue
        told = by_model or known >= _LEAST_FOR_INTERVAL
        made.append(
            RiskEstimate(
                invoice_id=one.invoice_id,
                p_late=chances[0],
                p_late_15=chances[1],
                p_late_30=chances[2],
                expected_days_late=median,
                days_late_low=low if told else None,
                days_late_high=high if told else None,
                basis=basis,
                reasons=why,
                priority=priority,
                bucket=BUCKETS[bucket],
                mean_days_late=mean,
            )
        )
    return made


def _facts_alone(invoice_id: str, overdue: int, words: tuple[str, ...]) -> RiskEstimate:
    """What the calendar says is certain; everything else would be invented."""
    late, late_15, late_30 = (1.0 if overdue > days else None for days in _LATE)
    low = float(overdue) if overdue > 0 else None
    return RiskEstimate(invoice_id, late, late_15, late_30, None, low, None, "cold_start", words, None)
