"""Cash that scored invoices are expected to bring in, by currency and week, with an interval; never over currencies."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np

from api.audit.receivables import Booked
from models.cash_interval import cash_ranges
from models.outlook import Curves
from models.risk import RiskEstimate, Seen
from models.risk_cash import expected_cash

WEEKS = 13
COLUMNS = ("currency", "week", "expected", "low", "high", "expected_so_far", "low_so_far", "high_so_far")
_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Week:
    """Receipts of the seven days from `start` on, None for all that comes later; low to high: 80 % of the draws."""

    start: date | None
    expected: Decimal
    so_far: Decimal
    low: Decimal | None = None
    high: Decimal | None = None
    low_so_far: Decimal | None = None
    high_so_far: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Forecast:
    """One currency ('' where none is stated). unknown: the amount of the invoices of which nothing can be said."""

    currency: str
    amount: Decimal
    weeks: tuple[Week, ...]
    unknown: Decimal
    unknown_count: int


def forecasts(
    asked: Sequence[Booked], estimates: Sequence[RiskEstimate], seen: Seen, today: date, weeks: int
) -> list[Forecast]:
    """One forecast a currency, the largest number of invoices first."""
    by_currency: dict[str, list[int]] = {}
    for at, one in enumerate(asked):
        by_currency.setdefault(one.currency, []).append(at)
    ranked = sorted(by_currency.items(), key=lambda found: (-len(found[1]), found[0]))
    return [_forecast(name, rows, asked, estimates, seen, today, weeks) for name, rows in ranked]


def _forecast(
    currency: str,
    rows: Sequence[int],
    asked: Sequence[Booked],
    estimates: Sequence[RiskEstimate],
    seen: Seen,
    today: date,
    weeks: int,
) -> Forecast:
    known = [at for at in rows if estimates[at].expected_days_late is not None]
    items = [asked[at].item for at in known]
    unknown = [asked[at].item.amount for at in rows if estimates[at].expected_days_late is None]
    own = _rows(seen, known)
    ranges = cash_ranges(items, own, weeks)
    made, so_far = [], Decimal(0)
    for at, week in enumerate(expected_cash(items, own, today, weeks)):
        so_far += week.expected
        if week.start is None:
            made.append(Week(None, week.expected, so_far))
            continue
        one = ranges[at]
        made.append(
            Week(week.start, week.expected, so_far, *_ends(one.low, week.expected, one.high),
                 *_ends(one.low_so_far, so_far, one.high_so_far))
        )  # fmt: skip
    amount = sum((one.amount for one in items), Decimal(0))
    return Forecast(currency, amount, tuple(made), sum(unknown, Decimal(0)), len(unknown))


def _rows(seen: Seen, rows: Sequence[int]) -> Seen:
    """What a forecast needs of some rows: curves and days overdue."""
    at = np.array(rows, dtype=np.int64)
    return replace(
        seen, curves=Curves(seen.curves.chances[at], seen.curves.knots, seen.curves.tail), overdue=seen.overdue[at]
    )


def _ends(low: float, expected: Decimal, high: float) -> tuple[Decimal, Decimal]:
    """Both ends, so wide that what is expected lies between: of few invoices that nearly all pay, the mean is below."""
    return min(_money(low), expected), max(_money(high), expected)


def _money(value: float) -> Decimal:
    return Decimal(value).quantize(_CENT)


def write(path: Path, found: Sequence[Forecast]) -> None:
    """One row a currency and week as CSV; the last row of a currency, without a week, is all that comes later."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        for one in found:
            for week in one.weeks:
                told = (week.expected, week.low, week.high, week.so_far, week.low_so_far, week.high_so_far)
                start = week.start.isoformat() if week.start else ""
                writer.writerow([one.currency, start, *("" if cell is None else str(cell) for cell in told)])
