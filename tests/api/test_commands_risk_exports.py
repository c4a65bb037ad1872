"""countersign risk on exports as companies have them: every row of no use is named, the others are scored."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from api.cli import main
from models.risk import Receivable
from models.synthetic import company_month

TODAY = date(2026, 11, 20)
Ran = tuple[int, list[dict[str, Any]], str]
Run = Callable[..., Ran]

GERMAN = """\
Offene Posten zum 20.11.2026;;;;;
Rechnungs-Nr.;Kundennummer;Rechnungsdatum;Fälligkeit;Betrag;Bemerkung
R-1;{a};01.11.2026;01.12.2026;1.234,50 €;
R-2;{a};1.11.26;01.12.2026;(12,50);Gutschrift
R-3;{a};2026-11-01;01.12.2026;99,00;
R-4;Neukunde;45962;01.12.2026;99,00;
R-5;{a};01.11.2026;31.02.2026;99,00;
R-6;{a};01.11.2026;01.12.2026;neunzig;
R-7;;01.11.2026;01.12.2026;99,00;
R-8;{a};01.12.2026;31.12.2026;99,00;
R-9;{a};15.11.2026;10.11.2026;99,00;
R-1;{a};01.11.2026;01.12.2026;1.234,50 €;
Summe;;;;1.531,50;
"""


@pytest.fixture(scope="module")
def book() -> list[Receivable]:
    return company_month(21, suppliers=5, customers=60, invoices=10, exceptions=0, today=TODAY).receivables


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], book: list[Receivable]) -> Run:
    def ran(open_: str, *argv: str, encoding: str = "utf-8", more: str = "", as_of: str = str(TODAY)) -> Ran:
        paid = "invoice_id,customer_id,posting_date,due_date,amount,clear_date\n" + "".join(
            f"{one.invoice_id},{one.customer_id},{one.posting_date},{one.due_date},{one.amount},{one.clear_date}\n"
            for one in book
            if one.clear_date
        )
        (tmp_path / "open.csv").write_bytes(open_.encode(encoding))
        (tmp_path / "paid.csv").write_text(paid + more, encoding="utf-8")
        files = [str(tmp_path / "open.csv"), "--history", str(tmp_path / "paid.csv")]
        code = main(["risk", *files, "--as-of", as_of, *argv, "--json", "--home", str(tmp_path)])
        said = capsys.readouterr()
        return code, [json.loads(line) for line in said.out.splitlines()], said.err

    return ran


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1252", "utf-16"])
def test_a_german_export_as_it_comes(run: Run, book: list[Receivable], encoding: str) -> None:
    code, found, err = run(GERMAN.format(a=book[0].customer_id), encoding=encoding)
    assert code == 1
    assert [one["invoice_id"] for one in found] == ["R-1", "R-3", "R-4", "R-9"]
    assert [(one["amount"], one["currency"]) for one in found[:2]] == [("1234.50", "EUR"), ("99.00", None)]
    assert [one["basis"] for one in found] == ["model", "model", "cold_start", "model"]
    assert found[3]["p_late"] == 1.0
    for words in (
        ":7: date '31.02.2026'", ":8: amount 'neunzig' is not a number", ":9: customer_id is empty",
        ":10: posted on 2026-12-01, after 2026-11-20", "1 credit notes are no debts", "lines are totals",
        "1 invoices are due before they were posted", "1 customers have no row in the history",
        "stands on an earlier row already, line 3", "5 of 10 rows were left out",
    ):  # fmt: skip
        assert words in err, words


HEADER = "invoice_id,customer_id,posting_date,due_date,amount,clear_date\n"


def test_open_parts_of_an_invoice_are_one_debt_and_instalments_are_not(run: Run, book: list[Receivable]) -> None:
    a = book[0].customer_id
    code, found, err = run(
        HEADER
        + f"P,{a},2026-10-01,2026-12-01,60.00,2026-10-30\n"
        + f"P,{a},2026-10-01,2026-12-01,25.00,\n"
        + f"P,{a},2026-10-01,2026-12-01,15.00,\n"
        + f"Q,{a},2026-10-01,2026-12-01,50.00,\n"
        + f"Q,{a},2026-10-01,2027-01-01,50.00,\n"
    )
    assert code == 1
    assert [(one["invoice_id"], one["due_date"], one["amount"]) for one in found] == [
        ("P", "2026-12-01", "40.00"), ("Q", "2026-12-01", "50.00"), ("Q", "2027-01-01", "50.00"),
    ]  # fmt: skip
    assert ":2: paid on 2026-10-30, before 2026-11-20" in err
    assert "1 open rows are further parts of an invoice and were added to it" in err


def test_partial_payments_and_credits_of_the_history_are_used(run: Run, book: list[Receivable]) -> None:
    a = book[0].customer_id
    item = HEADER + f"N,{a},2026-11-01,2026-12-01,100.00,\n"
    parts = f"H,{a},2026-09-01,2026-10-01,50.00,2026-09-20\nH,{a},2026-09-01,2026-10-01,50.00,2026-11-10\n"
    code, _, err = run(item, more=parts + f"K,{a},2026-11-01,2026-11-01,-30.00,\n")
    assert code == 0
    assert "1 rows repeat an invoice: they are read as parts of it" in err
    assert "1 negative amounts are read as credit notes" in err
    assert run(item, more=parts)[1] != run(item)[1], "a part that came late counts"


def test_columns_are_named_by_flags_or_a_file(run: Run, book: list[Receivable], tmp_path: Path) -> None:
    odd = f"A|B|C|D|E\nX1|{book[0].customer_id}|03/04/2026|05/12/2026|1.000\n"
    code, _, err = run(odd, "--delimiter", "|")
    assert code == 2
    assert "no column for invoice_id" in err
    names = ("invoice_id=A", "customer_id=B", "posting_date=C", "due_date=D", "amount=E", "clear_date=clear_date")
    flags = [word for name in names for word in ("--column", name)]
    # The history of this installation has its own headers: each field takes the first that a file has.
    flags += [word for name in names[:5] for word in ("--column", f"{name[:-2]}={name[:-2]}")]
    first = run(odd, *flags, "--dates", "month_first", "--decimal", ".", "--constant", "currency=GBP")
    assert (first[0], first[1][0]["due_date"], first[1][0]["amount"], first[1][0]["currency"]) == (
        0, "2026-05-12", "1.000", "GBP",
    )  # fmt: skip
    second = run(odd, *flags, "--dates", "day_first", "--decimal", ",", as_of="2026-11-20")
    assert (second[1][0]["due_date"], second[1][0]["amount"]) == ("2026-12-05", "1000")


def test_a_known_dispute_is_told(run: Run, book: list[Receivable]) -> None:
    a = book[0].customer_id
    _, found, _ = run(
        "invoice_id,customer_id,posting_date,due_date,amount,disputed_at\n"
        f"N,{a},2026-11-01,2026-12-01,100.00,2026-11-10\nM,{a},2026-11-01,2026-12-01,100.00,2026-11-20\n"
    )
    assert found[0]["reasons"][0].startswith("in dispute, known since 2026-11-11: too few settled disputes (0)")
    assert not any("dispute" in reason for reason in found[1]["reasons"]), "raised today is known tomorrow"
    assert found[0]["p_late"] == found[1]["p_late"]


def test_a_flag_without_a_day_is_no_dispute(run: Run, book: list[Receivable]) -> None:
    code, found, _ = run(
        "invoice_id,customer_id,posting_date,due_date,amount,disputed\n"
        f"N,{book[0].customer_id},2026-11-01,2026-12-01,100.00,Yes\n"
    )
    assert code == 0
    assert not any("dispute" in reason for reason in found[0]["reasons"])


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--weeks", "0"], "--weeks must be between 1 and 52"),
        (["--weeks", "4", "--as-of", "posting"], "--weeks looks from one day"),
        (["--fit-before", "2026-01-01"], "--fit-before goes with --as-of posting"),
        (["--report", "/nowhere/x.html"], "there is no folder to write that file into"),
        (["--report", "x.html", "--locale", "xx_QQ"], "--locale xx_QQ: not known"),
        (["--column", "amount"], "say FIELD=HEADER"),
    ],
)
def test_flags_of_no_use_are_refused_before_the_work(
    run: Run, argv: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, found, err = run(HEADER + "N,A,2026-11-01,2026-12-01,100.00,\n", *argv)
    assert (code, found) == (2, [])
    assert words in err


def test_nothing_to_score_is_said(run: Run, book: list[Receivable]) -> None:
    code, found, err = run(HEADER, "--weeks", "3")
    assert (code, found) == (0, [])
    assert "there is no invoice to score" in err
