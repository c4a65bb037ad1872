"""Features of the past: nothing of the day itself or later enters them, and they say what a slow count says."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from math import isnan, nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.features import RISK_FEATURES, Receivable, lateness, risk_features
from models.risk_ledger import Ledger

START = date(2026, 1, 1)
DAYS = st.integers(0, 120).map(lambda days: START + timedelta(days=days))


@st.composite
def receivables(draw: st.DrawFn, number: int) -> Receivable:
    posted = draw(DAYS)
    due = posted + timedelta(days=draw(st.sampled_from([0, 14, 30])))
    cleared = draw(st.none() | st.integers(-5, 70).map(lambda days: posted + timedelta(days=days)))
    amount = draw(st.decimals("0", "90000", places=2))
    lag = draw(st.sampled_from([None, None, 0, 1, 9, 40]))
    recorded = None if cleared is None or lag is None else cleared + timedelta(days=lag)
    return Receivable(f"R{number:03d}", draw(st.sampled_from("ABC")), posted, due, amount, cleared, recorded)


@st.composite
def histories(draw: st.DrawFn) -> list[Receivable]:
    return [draw(receivables(number)) for number in range(draw(st.integers(0, 30)))]


def as_known(one: Receivable, day: date) -> Receivable | None:
    """The row as a ledger held it at the start of that day."""
    if one.posting_date >= day:
        return None
    return one if known_by(one, day) else replace(one, clear_date=None, recorded=None)


def known_by(one: Receivable, day: date) -> bool:
    """Paid before the day and recorded by it."""
    return one.clear_date is not None and one.clear_date < day and (one.recorded is None or one.recorded <= day)


@st.composite
def questions(draw: st.DrawFn) -> tuple[list[Receivable], Receivable, date]:
    history = draw(histories())
    in_history = bool(history) and draw(st.integers(0, 1)) == 1
    item = draw(st.sampled_from(history)) if in_history else draw(receivables(900))
    return history, item, draw(DAYS)


@given(questions(), st.data())
@settings(deadline=None, max_examples=150)
def test_what_happens_later_changes_no_byte(
    question: tuple[list[Receivable], Receivable, date], data: st.DataObject
) -> None:
    history, item, day = question
    before = risk_features([item], [day], history)
    changed = []
    for one in history:
        if one.posting_date >= day:
            if data.draw(st.booleans()):
                continue
            later = Decimal(data.draw(st.integers(0, 10**9)))
            cleared = data.draw(st.none() | st.just(day + timedelta(days=3)))
            one = replace(one, amount=later, clear_date=cleared, recorded=None)
        elif not known_by(one, day):
            cleared = data.draw(st.none() | st.integers(0, 99).map(lambda n: day + timedelta(n)))
            late = data.draw(st.just(day + timedelta(days=1)) | st.just(day + timedelta(days=50)))
            change = data.draw(st.sampled_from(["paid later", "told later"]))
            paid = day - timedelta(days=4) if change == "told later" else cleared
            one = replace(one, clear_date=paid, recorded=late if change == "told later" else None)
        changed.append(one)
    changed += [replace(item, invoice_id=f"new{n}", posting_date=day, amount=Decimal(77)) for n in range(3)]
    other = replace(item, clear_date=day + timedelta(days=40))
    assert risk_features([other], [day], changed).tobytes() == before.tobytes()


@given(questions())
@settings(deadline=None, max_examples=100)
def test_only_what_was_known_is_used(question: tuple[list[Receivable], Receivable, date]) -> None:
    history, item, day = question
    known = [row for one in history if (row := as_known(one, day)) is not None]
    assert risk_features([item], [day], known).tobytes() == risk_features([item], [day], history).tobytes()


@given(questions())
@settings(deadline=None, max_examples=60)
def test_order_and_other_customers_do_not_matter(question: tuple[list[Receivable], Receivable, date]) -> None:
    history, item, day = question
    expected = risk_features([item], [day], history).tobytes()
    assert risk_features([item], [day], history[::-1]).tobytes() == expected
    own = [one for one in history if one.customer_id == item.customer_id]
    assert risk_features([item], [day], own).tobytes() == expected
    assert risk_features([item] * 2, [day, START], history)[0].tobytes() == expected


def told(one: Receivable) -> date:
    """The day after which the ledger knows of a payment."""
    assert one.clear_date is not None
    return max(one.clear_date, one.recorded - timedelta(days=1)) if one.recorded else one.clear_date


def slow(history: list[Receivable], item: Receivable, day: date) -> dict[str, float]:
    """The same figures counted one by one."""
    rows = [
        row
        for one in history
        if one.customer_id == item.customer_id
        and one.invoice_id != item.invoice_id
        and (row := as_known(one, day)) is not None
    ]
    paid = [one for one in rows if one.clear_date is not None]
    passed = [one for one in rows if one.due_date < day]
    late = [one for one in passed if one.clear_date is None or one.clear_date > one.due_date]
    days = [(one.clear_date - one.due_date).days for one in paid if one.clear_date]
    owed = [one for one in rows if one.clear_date is None]
    overdue = [one for one in owed if one.due_date < day]
    dues = [one for one in passed if one.due_date.weekday() == item.due_date.weekday()]
    return {
        "paid_count": np.log1p(len(paid)),
        "days_late_mean": np.mean(days) if days else nan,
        "days_late_spread": np.std(days) if days else nan,
        "mature_count": np.log1p(len(passed)),
        "late_rate": len(late) / len(passed) if passed else nan,
        "weekday_late_rate": sum(one in late for one in dues) / len(dues) if dues else nan,
        "open_count": np.log1p(len(owed)),
        "open_amount": np.log1p(float(sum(one.amount for one in owed))),
        "overdue_count": np.log1p(len(overdue)),
        "overdue_days": np.mean([(day - one.due_date).days for one in overdue]) if overdue else nan,
        "days_since_payment": min((day - told(one)).days for one in paid) if paid else nan,
        "terms": (item.due_date - item.posting_date).days,
        "due_weekday": item.due_date.weekday(),
        "due_month": item.due_date.month,
        "due_month_day": item.due_date.day,
    }


@given(questions())
@settings(deadline=None, max_examples=150)
def test_figures_are_those_of_a_slow_count(question: tuple[list[Receivable], Receivable, date]) -> None:
    history, item, day = question
    # An item that was paid by then is no question that anybody asks; a payment before the posting is known from it.
    paid = any(one.invoice_id == item.invoice_id and as_known(one, day) not in (None, replace(one, clear_date=None))
               for one in history)  # fmt: skip
    early = any(one.clear_date is not None and one.clear_date < one.posting_date for one in history)
    if paid or early:
        return
    row = dict(zip(RISK_FEATURES, risk_features([item], [day], history)[0], strict=True))
    for name, expected in slow(history, item, day).items():
        assert (isnan(row[name]) and isnan(expected)) or row[name] == pytest.approx(expected, abs=1e-6), name


def test_lateness_counts_what_is_still_open() -> None:
    def row(number: int, due: int, cleared: int | None) -> Receivable:
        clear = None if cleared is None else START + timedelta(days=cleared)
        return Receivable(str(number), "A", START, START + timedelta(days=due), Decimal(5), clear)

    history = [row(1, 10, 8), row(2, 10, None), row(3, 10, 40), row(4, 60, 30)]
    item = replace(history[0], invoice_id="new")
    for day, threshold, expected in ((20, 0, (3, 2)), (20, 15, (0, 0)), (30, 15, (3, 2)), (45, 30, (3, 1))):
        certain, late = lateness(Ledger(history).ask([item], [START + timedelta(days=day)]), threshold)
        assert (int(certain[0]), int(late[0])) == expected


def test_shape_of_nothing() -> None:
    assert risk_features([], [], []).shape == (0, len(RISK_FEATURES))
    lone = Receivable("1", "A", START, START + timedelta(days=30), Decimal("10.00"), None)
    row = dict(zip(RISK_FEATURES, risk_features([lone], [START], [])[0], strict=True))
    assert isnan(row["late_rate"])
    assert row["paid_count"] == 0.0
    with pytest.raises(ValueError, match="1 items"):
        risk_features([lone], [], [])


def paid(number: str, amount: str, cleared: int | None, due: int = 10) -> Receivable:
    clear = None if cleared is None else START + timedelta(days=cleared)
    return Receivable(number, "A", START, START + timedelta(days=due), Decimal(amount), clear)


def seen(history: list[Receivable], day: int, item: Receivable | None = None) -> dict[str, float]:
    asked = item or paid("new", "100", None)
    table = risk_features([asked], [START + timedelta(days=day)], history)
    return dict(zip(RISK_FEATURES, table[0].tolist(), strict=True))


def test_a_payment_counts_only_when_it_was_made_and_recorded() -> None:
    told_late = replace(paid("1", "100", 8), recorded=START + timedelta(days=20))
    assert seen([told_late], 15)["late_rate"] == 1.0, "on that day it looked unpaid"
    assert seen([told_late], 15)["overdue_count"] > 0.0
    assert isnan(seen([told_late], 15)["days_late_mean"])
    assert seen([told_late], 20)["late_rate"] == 0.0, "recorded by the day"
    assert seen([told_late], 20)["days_late_mean"] == -2.0
    assert seen([told_late], 20)["overdue_count"] == 0.0


def test_an_invoice_in_parts_is_paid_with_the_last_of_them() -> None:
    parts = [paid("1", "60", 8), paid("1", "40", 25)]
    whole = seen(parts, 30)
    assert np.expm1(whole["paid_count"]) == pytest.approx(1.0)
    assert whole["days_late_mean"] == 15.0
    assert whole["parts_share"] == 1.0
    between = seen(parts, 15)
    assert between["late_rate"] == 1.0
    assert np.expm1(between["open_amount"]) == pytest.approx(40.0)
    own = seen([parts[0], paid("1", "40", None)], 15, paid("1", "100", None))
    assert own["part_paid"] == pytest.approx(0.6)
    assert own["open_count"] == 0.0, "the invoice itself is no history"
    instalments = [paid("1", "60", 8), paid("1", "40", 25, due=40)]
    assert np.expm1(seen(instalments, 30)["paid_count"]) == pytest.approx(2.0)


def test_a_credit_note_is_money_to_set_off_and_no_invoice_that_was_paid_late() -> None:
    history = [paid("1", "60", 8), paid("C", "-25", None, due=0)]
    row = seen(history, 30)
    assert np.expm1(row["credit_amount"]) == pytest.approx(25.0)
    assert (row["late_rate"], row["overdue_count"]) == (0.0, 0.0)
    assert np.expm1(row["mature_count"]) == pytest.approx(1.0)
    used = seen([history[0], paid("C", "-25", 9, due=0)], 30)
    assert used["credit_amount"] == 0.0
