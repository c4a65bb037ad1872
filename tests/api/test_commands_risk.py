"""countersign risk: what was known on the day, said with its basis, and every row that could not be scored named."""

from __future__ import annotations

import csv
import json
import sys
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from api.cli import main
from models.risk import CollectionRisk, Receivable
from models.synthetic import company_month

TODAY = date(2026, 11, 20)
HEADER = "invoice_id,customer_id,posting_date,due_date,amount,clear_date\n"
KEYS = {
    "invoice_id", "p_late", "p_late_15", "p_late_30", "expected_days_late", "days_late_low", "days_late_high", "basis",
    "reasons", "priority", "bucket", "mean_days_late", "customer_id", "due_date", "amount", "currency",
}  # fmt: skip
FIRST = ["invoice_id", "p_late", "p_late_15", "p_late_30", "expected_days_late", "days_late_low", "days_late_high",
         "basis", "reasons", "priority"]  # fmt: skip


def lines(items: list[Receivable]) -> str:
    return HEADER + "".join(
        f"{one.invoice_id},{one.customer_id},{one.posting_date},{one.due_date},{one.amount},{one.clear_date or ''}\n"
        for one in items
    )


@pytest.fixture(scope="module")
def book() -> list[Receivable]:
    return company_month(21, suppliers=5, customers=60, invoices=10, exceptions=0, today=TODAY).receivables


@pytest.fixture(scope="module")
def standard(book: list[Receivable]) -> CollectionRisk:
    return CollectionRisk(min_rows=300).fit(book, TODAY)


@pytest.fixture(autouse=True)
def small_models(monkeypatch: pytest.MonkeyPatch, standard: CollectionRisk) -> None:
    bundle = SimpleNamespace(risk=standard)
    monkeypatch.setitem(
        sys.modules, "models.bundle", SimpleNamespace(default_bundle=lambda home, progress=None: bundle)
    )


class Shell:
    """Runs the command and keeps what it said."""

    def __init__(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capsys = tmp_path, capsys
        self.err = ""

    def file(self, name: str, content: str) -> str:
        path = self.folder / name
        path.write_text(content, encoding="utf-8")
        return str(path)

    def __call__(self, *argv: str) -> tuple[int, list[dict[str, Any]]]:
        code = main(["risk", *argv, "--json", "--home", str(self.folder)])
        said = self.capsys.readouterr()
        self.err = said.err
        return code, [json.loads(line) for line in said.out.splitlines()]


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(tmp_path, capsys)


def test_open_invoices_are_scored_from_the_payments_of_the_past(shell: Shell, book: list[Receivable]) -> None:
    paid = shell.file("paid.csv", lines([one for one in book if one.clear_date]))
    owed = [one for one in book if one.clear_date is None]
    code, found = shell(shell.file("open.csv", lines(owed)), "--history", paid, "--as-of", str(TODAY))
    assert code == 0
    assert [one["invoice_id"] for one in found] == [one.invoice_id for one in owed]
    assert all(set(one) == KEYS for one in found)
    assert {"model"} <= {one["basis"] for one in found} <= {"model", "rule", "cold_start"}
    assert "model trained on" in shell.err
    for item, one in zip(owed, found, strict=True):
        assert one["p_late"] >= one["p_late_15"] >= one["p_late_30"]
        if item.due_date < TODAY:
            assert one["p_late"] == 1.0
            assert one["days_late_low"] >= (TODAY - item.due_date).days


def unpaid(one: Receivable, day: date) -> Receivable:
    """The row as it stood at the start of that day."""
    return one if one.clear_date and one.clear_date < day else replace(one, clear_date=None)


def test_as_of_posting_does_not_look_ahead(shell: Shell, book: list[Receivable]) -> None:
    first, last = TODAY - timedelta(days=60), book[-1].posting_date
    past, items = ([one for one in book if (one.posting_date < first) == early] for early in (True, False))
    told = shell(
        shell.file("open.csv", lines(items)), "--history", shell.file("paid.csv", lines(past)), "--as-of", "posting"
    )
    blind = shell(
        shell.file("open.csv", lines([unpaid(one, last) for one in items])),
        "--history", shell.file("paid.csv", lines([unpaid(one, last) for one in past])), "--as-of", "posting",
    )  # fmt: skip
    assert told[0] == blind[0] == 0
    assert [one["invoice_id"] for one in told[1]] == [one.invoice_id for one in items]
    assert "models trained month by month" in shell.err
    of_last_day = [at for at, one in enumerate(items) if one.posting_date == last]
    assert [told[1][at] for at in of_last_day] == [blind[1][at] for at in of_last_day]


def test_a_short_history_uses_the_standard_model_and_says_so(shell: Shell, book: list[Receivable]) -> None:
    busiest = max({one.customer_id for one in book}, key=lambda name: sum(one.customer_id == name for one in book))
    own = [one for one in book if one.customer_id == busiest]
    items = [Receivable("new", busiest, TODAY, TODAY + timedelta(days=30), own[0].amount, None),
             Receivable("other", "nobody", TODAY, TODAY + timedelta(days=30), own[0].amount, None)]  # fmt: skip
    open_file, paid = shell.file("open.csv", lines(items)), shell.file("paid.csv", lines(own))
    code, found = shell(open_file, "--history", paid, "--as-of", str(TODAY))
    assert code == 0
    assert [one["basis"] for one in found] == ["model", "cold_start"]
    assert "too few to train on (500 needed)" in shell.err
    assert "1 customers have no row in the history" in shell.err


def test_no_history_is_null_and_not_a_guess(shell: Shell) -> None:
    items = [Receivable("n", "A", TODAY, TODAY + timedelta(days=30), Decimal(10), None)]
    code, found = shell(
        shell.file("open.csv", lines(items)), "--history", shell.file("paid.csv", HEADER), "--as-of", str(TODAY)
    )
    assert code == 0
    assert found[0] == {
        **dict.fromkeys(KEYS), "invoice_id": "n", "basis": "cold_start",
        "reasons": ["no settled invoice of any customer: nothing to go by"],
        "customer_id": "A", "due_date": "2026-12-20", "amount": "10",
    }  # fmt: skip


def test_rows_of_no_use_are_counted_and_the_others_kept(shell: Shell, book: list[Receivable]) -> None:
    paid = shell.file("paid.csv", lines([one for one in book if one.clear_date]) + "H1,A,2026-01-01,2026-02-01,-5,\n")
    content = (
        HEADER
        + "good,A,2026-11-01,2026-12-01,100.00,\n"
        + "credit,A,2026-11-01,2026-12-01,-100.00,\n"
        + "future,A,2026-11-21,2026-12-21,100.00,\n"
        + "paid,A,2026-10-01,2026-10-31,100.00,2026-11-05\n"
        + "good,A,2026-11-01,2026-12-01,100.00,\n"
        + "nodate,A,2026-11-01,soon,100.00,\n"
        + ",A,2026-11-01,2026-12-01,100.00,\n"
    )
    code, found = shell(shell.file("open.csv", content), "--history", paid, "--as-of", str(TODAY))
    assert code == 1
    assert [one["invoice_id"] for one in found] == ["good"]
    for message in (
        ":4: posted on 2026-11-21, after 2026-11-20", ":5: paid on 2026-11-05",
        ":6: invoice_id good stands on an earlier row", "'soon' is not a date", "5 of 7 rows were left out",
        "1 negative amounts are read as credit notes", "1 credit notes are no debts",
    ):  # fmt: skip
        assert message in shell.err


def test_what_the_history_says_about_the_future_is_not_used(shell: Shell, book: list[Receivable]) -> None:
    day = TODAY - timedelta(days=60)
    paid = shell.file("paid.csv", lines([one for one in book if one.clear_date]))
    item = [Receivable("n", book[0].customer_id, day, day + timedelta(days=30), book[0].amount, None)]
    code, found = shell(shell.file("open.csv", lines(item)), "--history", paid, "--as-of", str(day))
    assert code == 0
    assert "rows posted on or after" in shell.err
    assert "are not known yet: those invoices count as open" in shell.err
    known = [one for one in book if one.posting_date < day and one.clear_date]
    masked = [unpaid(one, day) for one in known]
    again = shell(
        str(shell.folder / "open.csv"), "--history", shell.file("masked.csv", lines(masked)), "--as-of", str(day)
    )
    assert again == (0, found)


def test_usage(shell: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    open_file = shell.file("open.csv", HEADER + "n,A,2026-11-01,2026-12-01,100.00,\n")
    assert shell(open_file)[0] == 2
    assert shell(open_file, "--history", open_file, "--as-of", "tomorrow")[0] == 2
    assert "neither a date" in shell.err
    bare = shell.file("bare.csv", "invoice_id,customer_id,posting_date,due_date,amount\n1,A,2026-01-01,2026-02-01,5\n")
    assert shell(open_file, "--history", bare)[0] == 2
    assert "no column for clear_date" in shell.err
    assert shell(str(shell.folder / "nowhere.csv"), "--history", open_file)[0] == 2


def test_default_day_is_today_and_a_stale_history_is_told(shell: Shell, book: list[Receivable]) -> None:
    old = [one for one in book if one.posting_date < date(2025, 9, 1)]
    open_file = shell.file("open.csv", HEADER + f"n,A,{old[-1].posting_date},2025-09-30,100.00,\n")
    code, found = shell(open_file, "--history", shell.file("paid.csv", lines(old)))
    assert code == 0
    assert found[0]["p_late"] == 1.0
    assert "the day that you mean?" in shell.err


def test_out_writes_csv(shell: Shell, tmp_path: Path, book: list[Receivable]) -> None:
    paid, out = shell.file("paid.csv", lines(book)), tmp_path / "risk.csv"
    open_file = shell.file("open.csv", HEADER + "n,A,2026-11-01,2026-12-01,100.00,\n")
    argv = ["risk", open_file, "--history", paid, "--as-of", str(TODAY), "--out", str(out), "--home", str(tmp_path)]
    assert main(argv) == 0
    with out.open(encoding="utf-8", newline="") as stream:
        row = next(csv.DictReader(stream))
    assert set(row) == KEYS
    assert list(row)[: len(FIRST)] == FIRST
    assert 0.0 <= float(row["p_late"]) <= 1.0
