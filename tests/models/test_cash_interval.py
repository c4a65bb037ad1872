"""The band of expected cash: deterministic, holds its mean, wider where one customer owes it all."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from models.cash_interval import cash_ranges
from models.risk import CollectionRisk, Receivable
from models.risk_cash import expected_cash

TODAY = date(2026, 6, 1)
HISTORY = [
    Receivable(f"H{at}", f"C{at % 40}", TODAY - timedelta(days=300 - at), TODAY - timedelta(days=270 - at), Decimal(10),
               TODAY - timedelta(days=270 - at) + timedelta(days=at * 7 % 31 - 10))
    for at in range(240)
]  # fmt: skip


def ranges(customers: int) -> tuple[list[float], list[float], list[float]]:
    """(mean, low, high) of all cash up to each week, of 40 invoices."""
    items = [
        Receivable(f"N{at}", f"C{at % customers}", TODAY, TODAY + timedelta(days=10), Decimal(100), None)
        for at in range(40)
    ]
    risk = CollectionRisk().fit(HISTORY, TODAY)
    seen = risk.seen(items, [TODAY] * 40, HISTORY)
    found = cash_ranges(items, seen, 6)
    assert found == cash_ranges(items, seen, 6)
    expected, middle = Decimal(0), []
    for week in expected_cash(items, seen, TODAY, 6)[:6]:
        expected += week.expected
        middle.append(float(expected))
    return middle, [one.low_so_far for one in found], [one.high_so_far for one in found]


def test_the_band_holds_the_mean_and_rises() -> None:
    middle, low, high = ranges(40)
    assert all(a <= b * 1.02 and b <= c * 1.02 for a, b, c in zip(low, middle, high, strict=True))
    assert low == sorted(low)
    assert high == sorted(high)
    assert high[-1] <= 4000.0


def test_what_one_customer_owes_is_less_sure_than_what_many_owe() -> None:
    many, one = ranges(40), ranges(1)
    assert max(high - low for _, low, high in zip(*one, strict=True)) > 2 * max(
        high - low for _, low, high in zip(*many, strict=True)
    )


def test_nothing_open_brings_nothing() -> None:
    risk = CollectionRisk().fit(HISTORY, TODAY)
    assert [one.high_so_far for one in cash_ranges([], risk.seen([], [], HISTORY), 3)] == [0.0] * 3


@pytest.mark.parametrize("draws", [1, 7])
def test_few_draws_are_enough_to_run(draws: int) -> None:
    items = [Receivable("N", "C1", TODAY, TODAY + timedelta(days=10), Decimal(100), None)]
    risk = CollectionRisk().fit(HISTORY, TODAY)
    assert len(cash_ranges(items, risk.seen(items, [TODAY], HISTORY), 2, draws=draws)) == 2
