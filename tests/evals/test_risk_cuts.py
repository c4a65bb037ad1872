"""Figures of one model before several cuts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from evals.risk_cuts import at_cut, over_cuts
from evals.suite_risk import outcomes_of
from models.risk import Ledger
from models.synthetic import company_month


def test_a_cut_is_measured_on_what_was_posted_after_it() -> None:
    month = company_month(5, suppliers=3, customers=60, invoices=5, exceptions=0, mail=0)
    past, cut = Ledger(month.receivables), month.today - timedelta(days=150)
    tested = [one for one in month.receivables
              if one.posting_date >= cut and one.due_date + timedelta(days=30) < month.today]  # fmt: skip
    outcomes = outcomes_of(tested, month.today)
    row = at_cut(cut, tested, outcomes, past, 1)
    assert row is not None
    assert row[:2] == (cut.isoformat(), len(tested))
    assert row[2] == pytest.approx(outcomes.late.mean())
    assert isinstance(row[3], float)
    assert 0.6 < row[3] < 1.0
    assert isinstance(row[4], float)
    assert isinstance(row[5], float)
    assert row[4] < row[5], "better than to say the share late of everybody"
    first = min(one.posting_date for one in month.receivables) + timedelta(days=20)
    assert at_cut(first, tested, outcomes, past, 1) is None
    assert over_cuts("ibm", [None]) == []
    assert list(over_cuts("ibm", [None, row])[0].rows) == [row]
