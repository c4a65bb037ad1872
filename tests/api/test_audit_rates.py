"""Exchange rates for a ledger: any usual table is read, half a table is refused, and what has no rate is said."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from api.audit.rates import read_rates, unrated
from governance.errors import Malformed
from models.duplicates import DatedRates
from tests.api.test_commands_duplicates import HEADER, Shell, rows, scorer, shell, small_models

__all__ = ["scorer", "shell", "small_models"]

DAY = date(2026, 8, 7)
SAID = {"USD": Decimal("0.8"), "GBP": Decimal("1.25")}
WIDE = "Date,USD,JPY,GBP,CYP,\n2026-08-07,1.25,N/A,0.8,N/A,\n2026-08-06,1.3,170.1,0.81,,\n"
SAME = {
    "wide, as the central bank writes it": WIDE,
    "wide, decimal commas": "Datum;USD;GBP\n07.08.2026;1,25;0,8\n13.08.2026;1,26;0,82\n",
    "long to the euro": "date,from,to,rate\n2026-08-07,USD,EUR,0.8\n2026-08-07,GBP,EUR,1.25\n",
    "long from the euro": "Date;From Currency;To Currency;Rate\n2026-08-07;eur;usd;1,25\n2026-08-07;EUR;GBP;0,8\n",
    "as the books import them": "day,currency,per_eur\n2026-08-07,USD,1.25\n2026-08-07,GBP,0.8\n",
    "with words above": "Reference rates\n\nDate,USD,GBP\n7 August 2026,1.25,0.8\n",
}


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "rates.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize("content", SAME.values(), ids=SAME)
def test_the_same_rates_however_they_are_written(tmp_path: Path, content: str) -> None:
    rates = read_rates(written(tmp_path, content)).rates
    assert rates.reference == "EUR"
    assert {code: rates(code, DAY) for code in SAID} == SAID


def test_another_currency_may_be_the_one_that_all_share(tmp_path: Path) -> None:
    content = "date,from,to,rate\n2026-08-07,USD,EUR,0.8\n2026-08-07,USD,GBP,0.64\n2026-08-07,CHF,USD,1.1\n"
    rates = read_rates(written(tmp_path, content)).rates
    assert rates.reference == "USD"
    assert rates("EUR", DAY) == Decimal("1.25")
    assert rates("CHF", DAY) == Decimal("1.1")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "empty"),
        ("a,b\n1,2\n", "holds no rates"),
        ("date,from,to,rate\n", "no rate in it"),
        ("date,from,to,rate\n2026-08-07,USD,EUR,zero\n", "rates.csv:2: 'zero' is no rate"),
        ("date,from,to,rate\n2026-08-07,USD,EUR,0\n", "greater than zero"),
        ("date,from,to,rate\n2026-08-07,USD,EUR,-1.2\n", "is no rate"),
        ("date,from,to,rate\n2026-08-07,US Dollar,EUR,1.2\n", "is no currency"),
        ("date,from,to,rate\n7.8.,USD,EUR,1.2\n", "rates.csv:2: date"),
        ("date,from,to,rate\n2026-08-07,USD,EUR,1.2\n2026-08-07,USD,EUR,1.3\n", "another rate of USD"),
        ("date,from,to,rate\n2026-08-07,USD,EUR,1.2\n2026-08-07,GBP,CHF,1.3\n", "from or to one currency, here EUR"),
        ("date,USD,EUR\n2026-08-07,1,0.8\n", "one EUR is 0.8 EUR"),
        ("date,USD,USD\n2026-08-07,1,0.8\n", "two columns are USD"),
    ],
)
def test_half_a_table_is_refused_with_its_line(tmp_path: Path, content: str, says: str) -> None:
    with pytest.raises(Malformed) as refused:
        read_rates(written(tmp_path, content))
    assert says in refused.value.detail


def test_a_rate_holds_for_so_many_days(tmp_path: Path) -> None:
    path = written(tmp_path, WIDE)
    assert read_rates(path, 3).rates("USD", date(2026, 8, 10)) == Decimal("0.8")
    assert read_rates(path, 2).rates("USD", date(2026, 8, 10)) is None
    assert read_rates(path).rates("USD", date(2026, 8, 5)) is None
    assert "4 rates of" not in read_rates(path).says()
    assert "5 rates of GBP, JPY, USD to EUR, 2026-08-06 to 2026-08-07" in read_rates(path).says()


def test_one_currency_needs_no_rates() -> None:
    assert unrated([], DatedRates("EUR", {})) == []


TWICE = HEADER + rows() + "B1,V1,Vendor 1 Ltd,7091,2026-08-08,453.13,USD\n"


def likelihood(shell: Shell, *argv: str) -> tuple[float, list[str]]:
    """(probability, reasons) of the two bills."""
    _, found = shell(*argv, "--threshold", "0")
    (pair,) = [one for one in found if (one["left_id"], one["right_id"]) == ("A7", "B1")]
    return pair["probability"], pair["reasons"]


def test_a_bill_in_dollars_is_found_with_rates_and_not_claimed_without(shell: Shell, tmp_path: Path) -> None:
    """In one currency 1.25 would be a usual tax."""
    ledger, table = shell.file("ledger.csv", TWICE), shell.file("rates.csv", WIDE)
    without, reasons = likelihood(shell, ledger)
    assert "2 currencies (30 EUR, 1 USD): amounts in two of them are not compared without" in shell.err
    assert not any("tax" in reason for reason in reasons)
    assert "but: 362.50 EUR and 453.13 USD are not compared: no rate of their days is known" in reasons
    rated, _ = likelihood(shell, ledger, "--rates", table)
    assert rated > without
    report, between = tmp_path / "report.html", str((without + rated) / 2)
    assert shell(ledger, "--threshold", between) == (0, [])
    code, found = shell(ledger, "--rates", table, "--report", str(report), "--threshold", between)
    assert [(code, one["left_id"], one["right_id"], one["kind"]) for one in found] == [(0, "A7", "B1", "currency")]
    assert "362.50 EUR and 453.13 USD are one amount at the rates of their days" in found[0]["reasons"][0]
    assert "2 currencies (30 EUR, 1 USD): all amounts have a rate of their day" in shell.err
    page = report.read_text()
    assert "rates.csv: 5 rates of GBP, JPY, USD to EUR" in page
    assert "all amounts have a rate of their day" in page


def test_rates_of_other_days_are_no_rates_and_that_is_said(shell: Shell) -> None:
    ledger = shell.file("ledger.csv", TWICE)
    table = shell.file("rates.csv", WIDE.replace("2026-08", "2026-06"))
    assert likelihood(shell, ledger, "--rates", table) == likelihood(shell, ledger)
    shell(ledger, "--rates", table)
    assert "1 documents have no rate of the 31 days up to theirs (1 USD)" in shell.err
    assert likelihood(shell, ledger, "--rates", table, "--rate-days", "90") > likelihood(shell, ledger)
    assert shell(ledger, "--rate-days", "90")[0] == 2
    assert shell(ledger, "--rates", table, "--rate-days", "-1")[0] == 2
    assert shell(ledger, "--rates", ledger)[0] == 2
    assert "holds no rates" in shell.err
