"""A monitor of collection risk over simulated ledgers: quiet without drift, and soon with it; and its parts."""

# ruff: noqa: E501

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.features import RISK_FEATURES
from models.risk_challenge import duel
from models.risk_monitor import UNPAID, Floats, Judged, Lines, Portfolio, calibration, coverage, share_of
from models.risk_reference import reference_of
from models.risk_report import report
from models.risk_shift import as_json, of_json, psi

BASE = date(2024, 1, 1).toordinal()
BEGAN = 300
"""The day of a simulated ledger on which it begins to drift."""


def ledger(
    seed: int, days: int, *, customers: int = 80, a_day: int = 12, later: float = 0.0, shift: float = 0.0
) -> Judged:
    """Estimates that were right until BEGAN. Customers differ in size, rate and features; from BEGAN on `later` more are
    late than was said, and two features are `shift` higher."""
    rng = np.random.default_rng(seed)
    size = rng.pareto(1.5, customers) + 0.2
    n = int(rng.poisson(a_day * days))
    customer = rng.choice(customers, n, p=size / size.sum())
    due = np.sort(rng.integers(0, days, n))
    scored = due - rng.integers(0, 30, n)
    usual = rng.beta(1.2, 2.2, customers)[customer]
    said = 1.0 / (1.0 + np.exp(-np.log(usual / (1.0 - usual)) - rng.normal(0, 0.6, n)))
    true = np.where(due >= BEGAN, np.clip(said + later, 0.0, 0.995), said)
    late = 1 + np.floor(rng.exponential(5.0 + 10.0 * said))
    early = -np.floor(rng.exponential(6.0, n))
    after = np.where(rng.random(n) < true, late, early).astype(np.int64)
    scale = 5.0 + 10.0 * said
    chances = np.column_stack([said, said * np.exp(-15 / scale), said * np.exp(-30 / scale)])
    # An interval of 80 % by the same law.
    grid = np.arange(-60, 120)
    below = np.where(
        grid < 0,
        (1 - said[:, None]) * np.exp((grid + 0.5) / 6.0),
        1 - said[:, None] * np.exp(-np.maximum(grid, 0) / scale[:, None]),
    )
    low, high = (grid[np.minimum((below < level).sum(axis=1), len(grid) - 1)].astype(float) for level in (0.1, 0.9))
    table = 0.7 * rng.normal(size=(customers, len(RISK_FEATURES)))[customer] + 0.7 * rng.normal(
        size=(n, len(RISK_FEATURES))
    )
    for name in ("amount", "late_rate"):
        table[scored >= BEGAN, RISK_FEATURES.index(name)] += shift
    return Judged(customer.astype(np.int64), scored + BASE, due + BASE, due + after + BASE, chances, low, high, table)


def judge(lived: Judged, day: int, lines: Lines | None = None) -> tuple[str, ...]:
    """What is raised on a day of the ledger, by what was known then."""
    today = BASE + day
    start = reference_of(lived.features[lived.scored < BASE + 42])
    rows = (lived.scored < today) & (lived.scored >= today - 150)
    known = lived.kept(rows)
    known = replace(known, paid=np.where(known.paid < today, known.paid, UNPAID))
    seen = lived.due < today
    late = (lived.paid > lived.due).astype(np.int64)
    whole = Portfolio(lived.customer[seen], lived.due[seen], np.ones(seen.sum(), dtype=np.int64), late[seen])
    return report(known, whole, date.fromordinal(today), lines or Lines(), start=start).causes


def first_alarm(lived: Judged, days: int, step: int = 3) -> int | None:
    """Days from BEGAN to the first alarm."""
    return next((day - BEGAN for day in range(BEGAN + 3, days, step) if judge(lived, day)), None)


def test_without_drift_at_most_one_month_in_twenty_raises_an_alarm() -> None:
    months = alarms = 0
    for seed in range(5):
        lived = ledger(seed, 540)
        raised = {day // 30 for day in range(150, 540, 6) if judge(lived, day)}
        months, alarms = months + 13, alarms + len(raised)
    assert alarms <= 0.05 * months, (alarms, months)


@pytest.mark.parametrize(("later", "shift"), [(0.10, 0.0), (0.0, 0.8)], ids=["ten points later", "other features"])
def test_a_drift_is_raised_within_sixty_days(later: float, shift: float) -> None:
    found = [first_alarm(ledger(seed, 362, later=later, shift=shift), 362) for seed in range(10)]
    assert sum(one is not None for one in found) >= 9, found


def test_the_cause_of_a_shift_is_its_features_alone() -> None:
    causes = judge(ledger(3, 400, shift=0.8), 380)
    assert causes == ("features",)


def test_with_few_rows_or_few_customers_nothing_is_said() -> None:
    assert judge(ledger(2, 400, a_day=3, later=0.4), 390) == ()
    assert judge(ledger(2, 400, customers=12, later=0.4), 390) == ()
    assert "calibration" in judge(ledger(2, 400, later=0.4), 390)


def judged(due: list[int], paid: list[int | None], scored: list[int] | None = None, said: float = 0.5) -> Judged:
    n = len(due)
    days = np.array(due, dtype=np.int64)
    return Judged(
        np.arange(n), np.array(scored, dtype=np.int64) if scored else days - 10, days,
        np.array([UNPAID if one is None else one for one in paid], dtype=np.int64), np.full((n, 3), said),
        np.full(n, -2.0), np.full(n, 10.0), np.full((n, len(RISK_FEATURES)), np.nan),
    )  # fmt: skip


def test_an_outcome_counts_when_it_is_certain_for_all_and_not_when_it_came() -> None:
    # Due on day 100: paid early, paid late, unpaid; and one that was ten days overdue when it was judged.
    one = judged([100, 100, 100, 100], [90, 105, None, None], [95, 95, 95, 110])
    assert one.certain.tolist() == [101, 101, 101, 116]
    late, said = one.outcome
    assert late.tolist() == [0.0, 1.0, 1.0, 1.0]
    assert said.tolist() == [0.5] * 4
    beyond = judged([100], [None], [140])
    assert beyond.certain[0] > 10**6
    assert np.isnan(beyond.outcome[1][0])


def test_those_who_pay_early_do_not_make_a_young_month_look_punctual() -> None:
    """Half of what falls due in the last period is paid before it; of the rest nothing is known yet."""
    due = [200 + at for at in range(40)]
    one = judged(due, [day - 5 if at % 2 else None for at, day in enumerate(due)])
    lines = Lines(period_days=20, least_rows=1, least_customers=1)
    assert calibration(one, 221, lines).newer.mean == pytest.approx(0.0)


def test_what_is_unpaid_after_thirty_days_is_in_no_interval_that_ends_before() -> None:
    one = judged([100, 100, 100], [105, None, 160])
    lines = Lines(period_days=50, least_rows=1, least_customers=1)
    assert coverage(one, 150, lines).newer.mean == pytest.approx(1 / 3)
    wide = replace(one, high=np.full(3, 90.0))
    assert coverage(wide, 150, lines).newer.mean == 1.0


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 6)), min_size=2, max_size=60))
def test_an_error_by_customer_is_never_below_that_of_rows(rows: list[tuple[float, int]]) -> None:
    values = np.array([value for value, _ in rows])
    found = share_of(values, np.array([customer for _, customer in rows]))
    assert found.error * len(values) >= np.sqrt(((values - values.mean()) ** 2).sum()) - 1e-9
    assert 1.0 - 1e-9 <= found.alike <= found.customers + 1e-9
    assert found.rows == len(rows)


def test_one_customer_s_rows_are_one_thing() -> None:
    values = np.tile([0.0, 1.0], 50)
    own = share_of(values, np.arange(100))
    few = share_of(values, np.repeat(np.arange(10), 10))
    same = share_of(np.repeat([0.0, 1.0], 50), np.repeat(np.arange(10), 10))
    assert own.error < few.error < same.error
    assert share_of(values, np.zeros(100, dtype=np.int64)).error == float("inf")


@given(st.lists(st.floats(0.001, 1), min_size=3, max_size=8), st.lists(st.floats(0.001, 1), min_size=8, max_size=8))
def test_the_index_is_zero_for_the_same_and_above_for_others(one: list[float], other: list[float]) -> None:
    shares = np.array(one) / sum(one)
    others = np.array(other[: len(one)]) / sum(other[: len(one)])
    assert psi(shares, shares) == 0.0
    assert psi(shares, others) == pytest.approx(psi(others, shares))
    assert psi(shares, others) >= 0.0


def test_a_reference_comes_back_from_the_record_as_it_was() -> None:
    made = reference_of(np.random.default_rng(0).normal(size=(200, len(RISK_FEATURES))))
    again = of_json(as_json(made))
    assert np.array_equal(again.edges, made.edges)
    assert np.array_equal(again.shares, made.shares)


def _noisy(lived: Judged, noise: float, seed: int = 5) -> Floats:
    return np.clip(lived.chances + np.random.default_rng(seed).normal(0, noise, lived.chances.shape), 0.001, 0.999)


def test_a_challenger_is_better_only_by_more_than_chance() -> None:
    lived = ledger(4, 200)
    today = BASE + 200
    poor = replace(lived, chances=_noisy(lived, 0.2))
    lines = Lines()
    assert duel(poor, lived.chances, today, lines).better
    assert not duel(lived, poor.chances, today, lines).better
    same = duel(lived, lived.chances, today, lines)
    assert (same.difference, same.better) == (0.0, False)


def test_a_challenger_that_often_fails_is_not_better_and_one_of_few_cases_neither() -> None:
    lived = ledger(4, 200)
    today, lines = BASE + 200, Lines()
    poor = replace(lived, chances=_noisy(lived, 0.2))
    gaps = lived.chances.copy()
    gaps[::10] = np.nan
    found = duel(poor, gaps, today, lines)
    assert found.high is not None
    assert found.high < 0
    assert (found.lost > 0, found.better) == (True, False)
    few = poor.kept(np.arange(len(poor.due)) < 80)
    assert duel(few, lived.chances[:80], today, lines).difference is None


@pytest.mark.parametrize("content", [{"psi": "0"}, {"psi": "-1"}, {"mood": "1"}, {"period_days": "x"}, {"psi": "nan"}])
def test_lines_that_are_none_are_refused(content: dict[str, str]) -> None:
    with pytest.raises(ValueError):
        Lines.of(content)


def test_lines_are_read_from_texts_and_the_rest_stays() -> None:
    found = Lines.of({"period_days": "14", "psi": "0.3", "expires_at": "2030-01-01T00:00:00Z"})
    assert (found.period_days, found.psi, found.least_rows) == (14, 0.3, Lines().least_rows)
