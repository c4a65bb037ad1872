"""Figures of the suite `risk`, worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from evals.risk_countries import countries_of
from evals.risk_figures import (
    Outcomes,
    by_period,
    group_rows,
    groups,
    late_value,
    lift,
    owed_late,
    periods,
    wape,
    weekly_cash,
)
from models.risk import CollectionRisk, Ledger, Receivable
from models.synthetic import company_month

DAY = date(2026, 1, 5)


def test_the_worklist_is_judged_by_money_times_days() -> None:
    owed = owed_late(np.array([100.0, 10.0, 50.0, 5.0, 1.0]), np.array([-3.0, 20.0, 2.0, np.nan, 0.0]))
    assert owed.tolist() == [0.0, 200.0, 100.0, 300.0, 0.0]
    assert late_value(owed, np.array([1.0, 5.0, 3.0, 9.0, 0.0])) == pytest.approx(0.5)
    assert late_value(owed, np.array([9.0, 5.0, 3.0, 1.0, 0.0])) == 0.0
    assert late_value(owed * 0, np.zeros(5)) is None
    curve = lift(owed, owed)
    assert curve[0] == (0.0, 0.0)
    assert curve[-1] == (1.0, 1.0)
    assert [share for _, share in curve] == sorted(share for _, share in curve)


def test_cash_in_the_wrong_week_is_an_error() -> None:
    assert wape(np.array([10.0, 0.0]), np.array([10.0, 0.0])) == 0.0
    assert wape(np.array([0.0, 10.0]), np.array([10.0, 0.0])) == 2.0
    assert wape(np.zeros(2), np.zeros(2)) is None


def test_weekly_cash_adds_up_to_what_was_asked_for() -> None:
    month = company_month(3, suppliers=3, customers=30, invoices=5, exceptions=0, mail=0)
    cut = month.today - timedelta(days=200)
    past = Ledger(month.receivables)
    tested = [one for one in month.receivables if cut <= one.posting_date < cut + timedelta(days=60)]
    said = CollectionRisk().fit(past, cut).seen(tested, [one.posting_date for one in tested], past)
    foreseen, received = weekly_cash(tested, [said], [np.arange(len(tested))], month.today)
    whole = float(sum(one.amount for one in tested))
    assert 0.9 * whole < foreseen.sum() <= whole * (1 + 1e-9)
    paid = sum(one.amount for one in tested if one.clear_date and one.clear_date < month.today - timedelta(days=7))
    assert received.sum() >= float(paid)
    evenly = np.full(len(received), received.sum() / len(received))
    error, naive = wape(foreseen, received), wape(evenly, received)
    assert error is not None
    assert naive is not None
    assert error < naive, "knowing when invoices are due is worth something"


def test_periods_and_groups_leave_out_what_is_too_small() -> None:
    items = [
        Receivable(str(at), "A", DAY + timedelta(days=2 * at), DAY + timedelta(days=2 * at + 30), Decimal(at + 1), None)
        for at in range(80)
    ]
    names = periods(items, 3)
    assert (names[0], names[-1]) == ("2026-Q1", "2026-Q2")
    assert periods(items, 1)[0] == "2026-01"
    held = np.array([float(name == "2026-Q1") for name in names])
    assert [(name, share) for name, share, _ in by_period(names, held)] == [("2026-Q1", 1.0), ("2026-Q2", 0.0)]
    parts = groups(items, np.array([3] * 40 + [50] * 35 + [0] * 5), ["DE"] * 80)
    assert [(kind, name) for kind, name, _ in parts if kind != "amount"] == [
        ("settled invoices", "1 to 4"), ("settled invoices", "20 to 99"), ("country", "DE"),
    ]  # fmt: skip


def test_groups_have_their_errors_and_how_sure_they_are() -> None:
    late = np.array([0, 1] * 30)
    outcomes = Outcomes(late, np.where(late > 0, 10.0, -2.0), [f"C{at % 12}" for at in range(60)], np.zeros(60))
    chance = np.where(np.arange(60) < 30, late, 1 - late) * 0.8 + 0.1
    rows = [np.arange(60) < 30, np.arange(60) >= 30]
    good, bad = group_rows(
        [("half", "first", rows[0]), ("half", "second", rows[1])], chance, np.zeros(60), outcomes, 1, 40
    )
    assert good[:5] == ("half", "first", 30, 0.5, 1.0)
    assert bad[4] == 0.0
    assert good[6] == pytest.approx(0.01)
    assert good[7] == pytest.approx(6.0)
    low, _, high = good[8].partition(" to ")
    assert float(low) <= 6.0 <= float(high)


def test_countries_come_from_the_file_and_from_nowhere_else(tmp_path: Path) -> None:
    (tmp_path / "risk").mkdir()
    (tmp_path / "risk" / "north_invoices.csv").write_text("invoice_id,customer_id,country_code\n1,A,DE\n2,A,\n")
    one = Receivable("1", "A", DAY, DAY, Decimal(1), None)
    items = [one, replace(one, invoice_id="2"), replace(one, invoice_id="3")]
    assert countries_of(tmp_path, "north", items) == ["DE", "unknown", "unknown"]
    assert countries_of(tmp_path, "south", items) is None
    assert countries_of(None, "north", items) is None
