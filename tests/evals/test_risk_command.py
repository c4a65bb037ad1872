"""`countersign risk` gives the numbers that the suite measures, at the same cut, to the last place."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.cli import main
from evals import datasets, suite_risk
from evals.datasets import Portfolio
from models.risk import CollectionRisk, Ledger, Receivable
from models.synthetic import company_month

FIELDS = ("p_late", "p_late_15", "p_late_30", "expected_days_late", "days_late_low", "days_late_high", "basis",
          "priority", "bucket", "mean_days_late")  # fmt: skip


def written(path: Path, items: list[Receivable]) -> str:
    with path.open("w", encoding="utf-8", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(("invoice_id", "customer_id", "posting_date", "due_date", "amount", "clear_date"))
        for one in items:
            table.writerow((one.invoice_id, one.customer_id, one.posting_date, one.due_date, one.amount,
                            one.clear_date or ""))  # fmt: skip
    return str(path)


def differences(portfolio: Portfolio, folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, int]:
    """(invoices asked, fields that differ between the command and the suite)."""
    cut, tested = suite_risk.split(portfolio)
    history = [one for one in portfolio.items if one.posting_date < portfolio.end]
    past = Ledger(history)
    told = suite_risk._told(CollectionRisk().fit(past, cut), tested, past, cut).estimates
    argv = ["risk", written(folder / "open.csv", tested), "--history", written(folder / "paid.csv", history)]
    code = main([*argv, "--as-of", "posting", "--fit-before", str(cut), "--json", "--home", str(folder)])
    assert code == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["invoice_id"] for one in found] == [one.invoice_id for one in tested]
    return len(found), sum(
        one[name] != getattr(other, name) for one, other in zip(found, told, strict=True) for name in FIELDS
    )


def test_a_made_up_company(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    month = company_month(21, suppliers=5, customers=60, invoices=10, exceptions=0, mail=0)
    asked, unlike = differences(Portfolio("company", month.receivables, month.today), tmp_path, capsys)
    assert asked > 300
    assert unlike == 0


@pytest.fixture
def others(shared: Path) -> Iterator[Portfolio]:
    return datasets.real_portfolios(shared)


@pytest.mark.slow
@pytest.mark.shared
def test_others_data(others: Iterator[Portfolio], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = {one.name: differences(one, tmp_path, capsys) for one in others}
    assert {name: unlike for name, (_, unlike) in found.items()} == {"highradius": 0, "ibm": 0}
    assert {name: asked for name, (asked, _) in found.items()} == {"highradius": 10325, "ibm": 532}
