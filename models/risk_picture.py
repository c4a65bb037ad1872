"""What a monitor of collection risk shows beside its alarms: calibration in bins, and its figures over time."""

from __future__ import annotations

from typing import Any

import numpy as np

from models.risk_monitor import Floats, Ints, Judged, Lines, Portfolio, rounded, share_of

_BINS = 10
_RESAMPLES = 200


def resampled(count: int, customer: Ints, seed: int = 0) -> Floats:
    """(count, n) weights of the rows, where customers are drawn with replacement (bootstrap by customer)."""
    _, group = np.unique(customer, return_inverse=True)
    groups = int(group.max()) + 1 if len(group) else 0
    drawn = np.random.default_rng(seed).multinomial(groups, np.full(groups, 1.0 / groups), size=count)
    found: Floats = drawn[:, group].astype(float)
    return found


def calibration_error(judged: Judged, ends: int, lines: Lines) -> dict[str, Any]:
    """Expected calibration error over both periods in ten bins of equal size, with a bootstrap interval by customer,
    and what was said and what came in each bin, to be plotted."""
    late, said = judged.outcome
    day = judged.certain
    rows = (day >= ends - 2 * lines.period_days) & (day < ends) & ~np.isnan(said)
    late, said, customer = late[rows], said[rows], judged.customer[rows]
    if rows.sum() < lines.least_rows or len(np.unique(customer)) < lines.least_customers:
        return {"value": None, "low": None, "high": None, "rows": int(rows.sum()), "bins": []}
    place = np.minimum(np.argsort(np.argsort(said, kind="stable")) * _BINS // len(said), _BINS - 1)
    ones = np.eye(_BINS)[place]

    def error(weights: Floats) -> Floats:
        mass = weights @ ones
        gap = np.abs(weights @ (ones * (late - said)[:, None]))
        found: Floats = gap.sum(axis=1) / mass.sum(axis=1)
        return found

    value = float(error(np.ones((1, len(said))))[0])
    low, high = np.quantile(error(resampled(_RESAMPLES, customer)), (0.025, 0.975))
    bins = [
        {"said": rounded(said[place == at].mean()), "came": rounded(late[place == at].mean()),
         "rows": int((place == at).sum())}
        for at in range(_BINS) if (place == at).any()
    ]  # fmt: skip
    return {
        "value": rounded(value), "low": rounded(low), "high": rounded(high), "rows": len(said), "bins": bins,
        "brier": rounded(float(((late - said) ** 2).mean())),
    }  # fmt: skip


def over_time(judged: Judged, portfolio: Portfolio, ends: int, lines: Lines, periods: int = 6) -> list[dict[str, Any]]:
    """Late minus said, and the portfolio's late rate, of the last periods, oldest first: to be plotted."""
    late, said = judged.outcome
    day = judged.certain
    rate = portfolio.late / np.maximum(portfolio.invoices, 1)
    found = []
    for back in range(periods, 0, -1):
        begin, end = ends - back * lines.period_days, ends - (back - 1) * lines.period_days
        rows = (day >= begin) & (day < end) & ~np.isnan(said)
        due = (portfolio.due + 1 >= begin) & (portfolio.due + 1 < end)
        found.append({
            "from": begin, "until": end - 1,
            "off": share_of((late - said)[rows], judged.customer[rows]).shown(),
            "late_rate": share_of(rate[due], portfolio.customer[due], portfolio.invoices[due].astype(float)).shown(),
        })  # fmt: skip
    return found
