"""Expected cash by week and aging of receivables: figures and the geometry of a chart, for each currency by itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from api.console.plain import amount

WEEKS = 13
WIDTH, HEIGHT, BASE = 520, 240, 212
"""The canvas, and where the bars stand on it."""
_TOP = 10
AGES = ("Not due", "1 to 30 days", "31 to 60 days", "61 to 90 days", "Over 90 days")


@dataclass(frozen=True, slots=True)
class Bar:
    """One week. x, y, width, height on a canvas of WIDTH by HEIGHT; `tick`: a short name under every other bar."""

    x: float
    y: float
    width: float
    height: float
    middle: float
    tick: str | None


@dataclass(frozen=True, slots=True)
class Week:
    """One line of the table beside the chart: when, what is expected in it, and all until then."""

    name: str
    expected: str
    until: str


@dataclass(frozen=True, slots=True)
class Curve:
    currency: str
    total: str
    invoices: int
    weeks: tuple[Week, ...]
    bars: tuple[Bar, ...]
    most: str
    line: str
    """Points of the cumulated share, for a polyline."""


@dataclass(frozen=True, slots=True)
class Age:
    name: str
    amount: str
    invoices: int


@dataclass(frozen=True, slots=True)
class Aging:
    """Open items of one currency by days past due."""

    currency: str
    total: str
    invoices: int
    ages: tuple[Age, ...]


def curves(rows: Iterable[Mapping[str, Any]], today: date) -> list[Curve]:
    """One curve a currency, of governance.record.collections.cash; the largest number of invoices first."""
    by: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        by.setdefault(row["currency"], []).append(row)
    made = [_curve(currency, found, today) for currency, found in by.items()]
    return sorted(made, key=lambda curve: (-curve.invoices, curve.currency))


def _curve(currency: str, rows: Sequence[Mapping[str, Any]], today: date) -> Curve:
    first = today - timedelta(days=today.weekday())
    weeks = [first + timedelta(weeks=number) for number in range(WEEKS)]
    expected = dict.fromkeys(weeks, Decimal(0))
    later = Decimal(0)
    for row in rows:
        if row["week"] in expected:
            expected[row["week"]] += row["expected"]
        else:
            later += row["expected"]
    total = sum(expected.values(), later)
    until, lines = Decimal(0), []
    for week, value in expected.items():
        until += value
        lines.append(Week(f"Week of {_short(week)}", amount(value, currency), amount(until, currency)))
    lines.append(Week("Later", amount(later, currency), amount(total, currency)))
    values = list(expected.values())
    return Curve(
        currency=currency,
        total=amount(total, currency),
        invoices=max((int(row["invoices"]) for row in rows), default=0),
        weeks=tuple(lines),
        bars=_bars(weeks, values),
        most=amount(max(values), currency),
        line=_line(values, total),
    )


def _short(day: date) -> str:
    return f"{day.day} {day:%b}"


def _bars(weeks: Sequence[date], values: Sequence[Decimal]) -> tuple[Bar, ...]:
    most = max(values) or Decimal(1)
    step = WIDTH / len(values)
    made = []
    for at, (week, value) in enumerate(zip(weeks, values, strict=True)):
        height = round(float(max(value, Decimal(0)) / most) * (BASE - _TOP), 1)
        x = round(at * step + 3, 1)
        tick = _short(week) if at % 2 == 0 else None
        made.append(Bar(x, round(BASE - height, 1), round(step - 6, 1), height, round(x + (step - 6) / 2, 1), tick))
    return tuple(made)


def _line(values: Sequence[Decimal], total: Decimal) -> str:
    if total <= 0:
        return ""
    step, until, points = WIDTH / len(values), Decimal(0), []
    for at, value in enumerate(values):
        until += value
        points.append(f"{at * step + step / 2:.1f},{BASE - float(until / total) * (BASE - _TOP):.1f}")
    return " ".join(points)


def agings(rows: Iterable[Mapping[str, Any]]) -> list[Aging]:
    """One table a currency, of governance.record.collections.aging."""
    by: dict[str, dict[int, tuple[Decimal, int]]] = {}
    for row in rows:
        by.setdefault(row["currency"], {})[int(row["bucket"])] = (row["amount"], int(row["invoices"]))
    made = []
    for currency, found in by.items():
        ages = tuple(
            Age(name, amount(found.get(at, (Decimal(0), 0))[0], currency), found.get(at, (Decimal(0), 0))[1])
            for at, name in enumerate(AGES)
        )
        total = sum((value for value, _ in found.values()), Decimal(0))
        made.append(Aging(currency, amount(total, currency), sum(count for _, count in found.values()), ages))
    return sorted(made, key=lambda aging: (-aging.invoices, aging.currency))
