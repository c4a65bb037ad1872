"""countersign duplicates: messy ledgers in, pairs with reasons out, nothing lost in silence."""

from __future__ import annotations

import argparse
import csv
import json
import sys
import time
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.cli import main
from api.commands.cells import BadCell, Habit, amount, day, habit
from api.commands.listing import show
from models.duplicates import PairScorer, train_pair_scorer
from models.synthetic import company_month

HEADER = "invoice_id,vendor_id,vendor_name,invoice_no,invoice_date,amount,currency\n"


@pytest.fixture(scope="module")
def scorer() -> PairScorer:
    return train_pair_scorer([company_month(3, suppliers=40, invoices=600, exceptions=0)], seed=1, drills=2)


@pytest.fixture(autouse=True)
def small_models(monkeypatch: pytest.MonkeyPatch, scorer: PairScorer) -> None:
    bundle = SimpleNamespace(pair_scorer=scorer, digest="sha256:0")
    monkeypatch.setitem(
        sys.modules, "models.bundle", SimpleNamespace(default_bundle=lambda home, progress=None: bundle)
    )


class Shell:
    """Runs the command and keeps what it said."""

    def __init__(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capsys = tmp_path, capsys
        self.err = ""

    def file(self, name: str, content: str | bytes) -> str:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    def __call__(self, *argv: str) -> tuple[int, list[dict[str, Any]]]:
        code = main(["duplicates", *argv, "--json", "--home", str(self.folder)])
        said = self.capsys.readouterr()
        self.err = said.err
        return code, [json.loads(line) for line in said.out.splitlines()]


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(tmp_path, capsys)


def rows(count: int = 30) -> str:
    days = [f"2026-{n % 12 + 1:02d}-{n % 28 + 1:02d}" for n in range(count)]
    return "".join(
        f"A{n},V{n % 3},Vendor {n % 3} Ltd,{7000 + 13 * n},{day},{100 + 37.5 * n:.2f},EUR\n"
        for n, day in enumerate(days)
    )


def test_a_bill_that_came_twice_is_found(shell: Shell) -> None:
    ledger = shell.file("ledger.csv", HEADER + rows() + "B1,V1,Vendor 1,7091.,2026-08-08,362.50,EUR\n")
    code, found = shell(ledger)
    assert code == 0
    assert [(one["left_id"], one["right_id"]) for one in found] == [("A7", "B1")]
    assert list(found[0])[:5] == ["left_id", "right_id", "probability", "kind", "reasons"]
    assert (found[0]["queue"], found[0]["group"], found[0]["alert"], found[0]["at_risk"]) == (
        "duplicate", 1, True, "362.50",
    )  # fmt: skip
    assert (found[0]["left_no"], found[0]["right_no"], found[0]["right_date"]) == ("7091", "7091.", "2026-08-08")
    assert found[0]["right_at"] == f"{ledger}:32"
    assert found[0]["kind"] == "format"
    assert any("same invoice number" in reason for reason in found[0]["reasons"])
    assert "1 likely pairs among 31 invoices: 1 format" in shell.err


def test_against_history_and_threshold(shell: Shell) -> None:
    history = shell.file("history.csv", HEADER + rows())
    ledger = shell.file("ledger.csv", HEADER + "N1,V1,Vendor 1 Ltd,7091,2026-08-08,362.50,EUR\n")
    code, found = shell(ledger, "--against", history)
    assert (code, [(one["left_id"], one["right_id"]) for one in found]) == (0, [("A7", "N1")])
    assert len(shell(ledger, "--against", history, "--threshold", "0")[1]) >= 1
    assert shell(ledger, "--threshold", "1.5")[0] == 2


def test_rows_of_no_use_are_counted_and_the_others_kept(shell: Shell) -> None:
    bad = (
        "X1,V1,Vendor 1,,2026-08-08,362.50,EUR\n"
        ",V1,Vendor 1,9001,2026-08-09,1.50,EUR\n"
        "X3,V1,Vendor 1,9002,31/31/2026,362.50,EUR\n"
        "X4,V1,Vendor 1,9003,2026-08-08,much,EUR\n"
        "X5,,,9004,2026-08-08,5.00,EUR\n"
        "A3,V1,Vendor 1,9005,2026-08-08,5.00,EUR\n"
        "X7,V1,Vendor 1,9006,2026-08-08,5.00,EUR,surplus\n"
    )
    ledger = shell.file("ledger.csv", HEADER + rows() + bad + "B1,V1,Vendor 1 Ltd,7091,2026-08-08,362.50,EUR\n")
    code, found = shell(ledger)
    assert code == 1
    assert [(one["left_id"], one["right_id"]) for one in found] == [("A7", "B1")]
    assert ":32: invoice_no is empty" in shell.err
    # A row without an id is named by its line, and an id that stands for two invoices gets its line behind it.
    assert "5 of 38 rows were left out" in shell.err
    assert "1 rows have no id: they are named by file and line (ledger.csv:33)" in shell.err
    assert "1 rows repeat the id of another invoice" in shell.err


def test_negative_amounts_are_credit_notes_and_redacted_names_are_told(shell: Shell) -> None:
    ledger = shell.file(
        "ledger.csv",
        "invoice_id,vendor_name,invoice_no,invoice_date,amount\n"
        "1,REDACTED PERSONAL DATA,INV-40021,2026-01-05,812.44\n"
        "2,REDACTED PERSONAL DATA,CN-40021,2026-01-09,-812.44\n"
        "3,REDACTED PERSONAL DATA,INV-40977,2026-02-05,91.10\n",
    )
    code, found = shell(ledger)
    assert (code, found) == (0, [])
    assert "1 rows with a negative amount are read as credit notes" in shell.err
    assert "3 vendor names are redacted" in shell.err


def test_german_export_in_another_encoding(shell: Shell) -> None:
    text = (
        "Belegnummer;Lieferant;Rechnungsnummer;Rechnungsdatum;Betrag\r\n"
        "1;Müller Bürobedarf;RE-2026-581;04.03.2026;1.840,15\r\n"
        "2;Jäger & Söhne;991;05.03.2026;22,00\r\n"
        "3;Müller Bürobedarf;RE 2026 581;04.03.2026;1.840,15\r\n"
    )
    code, found = shell(shell.file("ledger.csv", text.encode("cp1252")))
    assert code == 0
    assert [(one["left_id"], one["right_id"]) for one in found] == [("1", "3")]
    assert "not UTF-8" in shell.err


def test_a_mapping_names_columns_numbers_rows_and_sums_lines(shell: Shell) -> None:
    ledger = shell.file(
        "ledger.csv",
        "Report of March\n\nDoc,Supplier No,GL Date,Invoice No.,Value\n"
        "900,11,2026-03-01,SI-70112,100.00\n900,11,2026-03-01,SI-70112,40.00\n"
        "901,11,2026-03-02,SI-70112,140.00\n902,12,2026-03-05,X-9,7.00\n",
    )
    columns = (
        'vendor_id = "Supplier No"\ninvoice_date = "GL Date"\ninvoice_no = ["Inv", "Invoice No."]\namount = "Value"\n'
    )
    summed = shell.file("lines.toml", f'[columns]\ninvoice_id = "Doc"\n{columns}[format]\nrows = "lines"\n')
    # What is read is asked here, not what a small model thinks of it.
    code, found = shell(ledger, "--map", summed, "--threshold", "0")
    assert code == 0
    assert [(one["left_id"], one["right_id"]) for one in found] == [("900", "901")]
    assert "the header was found on line 3" in shell.err
    numbered = shell.file("rows.toml", f'invoice_id = "row"\n{columns}')
    code, found = shell(ledger, "--map", numbered, "--threshold", "0")
    assert code == 0
    assert {one["left_id"] for one in found} <= {"ledger.csv:4", "ledger.csv:5", "ledger.csv:6"}
    plain = shell.file("plain.toml", f'invoice_id = "Doc"\n{columns}')
    code, found = shell(ledger, "--map", plain, "--threshold", "0")
    assert [(one["left_id"], one["right_id"]) for one in found] == [("900", "901")]
    assert "1 rows are further lines of a document" in shell.err
    apart = shell.file("apart.toml", f'invoice_id = "Doc"\n{columns}[format]\nrows = "documents"\n')
    code, found = shell(ledger, "--map", apart, "--threshold", "0")
    assert "1 rows repeat the id of another invoice" in shell.err


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "the file is empty"),
        ("a,b\n1,2\n", "no column for vendor_id or vendor_name, invoice_no, invoice_date, amount"),
        (HEADER.replace("amount", "worth") + rows(2), "no column for amount"),
    ],
)
def test_files_of_no_use_are_usage_errors(shell: Shell, content: str, says: str) -> None:
    code, found = shell(shell.file("ledger.csv", content))
    assert (code, found) == (2, [])
    assert says in shell.err


@pytest.mark.parametrize(
    "mapping",
    ['colour = "Doc"', "[columns]\ninvoice_id = 7", "[format]\ndates = 'backwards'", "not toml", "[shape]\na = 'b'",
     "[constants]\ncolour = 'red'"],
)  # fmt: skip
def test_a_mapping_that_is_not_understood_is_refused(shell: Shell, mapping: str) -> None:
    ledger = shell.file("ledger.csv", HEADER + rows(3))
    assert shell(ledger, "--map", shell.file("map.toml", mapping))[0] == 2
    assert "--map" in shell.err


def test_missing_files_and_engines(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shell(str(shell.folder / "nowhere.csv"))[0] == 2
    assert "No such file" in shell.err
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert shell(shell.file("ledger.csv", HEADER + rows(3)), "--engine", "spark")[0] == 2
    assert "countersign[spark]" in shell.err


def test_flags_name_columns_and_a_report_is_written(shell: Shell, tmp_path: Path) -> None:
    text = "Lieferer;Zeichen;Tag;Summe Brutto\nAcme;R-4711;03.04.2026;1.840,15\nAcme;R 4711;03.04.2026;1.840,15\n"
    ledger = shell.file("ledger.csv", text)
    flags = ["vendor_name=Lieferer", "invoice_no=Zeichen", "invoice_date=Tag", "amount=Summe Brutto"]
    columns = [word for flag in flags for word in ("--column", flag)]
    report = tmp_path / "report.html"
    code, found = shell(
        ledger,
        *columns,
        "--constant",
        "currency=EUR",
        "--report",
        str(report),
        "--locale",
        "de_DE",
        "--threshold",
        "0.1",
    )
    assert (code, [one["right_at"] for one in found]) == (0, [f"{ledger}:3"])
    assert "1.840,15\xa0€" in report.read_text()
    assert "vendor_name = Lieferer" in shell.err
    assert shell(ledger, *columns, "--report", str(tmp_path / "no" / "report.html"))[0] == 2
    assert "no folder" in shell.err
    assert shell(ledger, "--column", "colour=red")[0] == 2
    assert shell(ledger, *columns, "--column", "amount=none")[0] == 2


def test_several_files_are_one_ledger(shell: Shell) -> None:
    first = shell.file("may.csv", HEADER + rows())
    second = shell.file(
        "june.csv",
        HEADER + "B1,V1,Vendor 1,7091.,2026-08-08,362.50,EUR\nA0,V0,Vendor 0 Ltd,7000,2026-01-01,100.00,EUR\n",
    )
    code, found = shell(first, second)
    assert (code, [(one["left_id"], one["right_id"]) for one in found]) == (0, [("A7", "B1")])
    assert "1 documents stand in an earlier file already and count once" in shell.err


def test_out_writes_csv_and_keeps_stdout_clean(
    shell: Shell, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = shell.file("ledger.csv", HEADER + rows() + "=B1,V1,Vendor 1 Ltd,7091,2026-08-08,362.50,EUR\n")
    out = tmp_path / "pairs.csv"
    assert main(["duplicates", ledger, "--out", str(out), "--home", str(tmp_path)]) == 0
    assert capsys.readouterr().out == ""
    with out.open(encoding="utf-8", newline="") as stream:
        written = list(csv.DictReader(stream))
    assert [row["left_id"] for row in written] == ["'=B1"]
    assert main(["duplicates", ledger, "--home", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("left_id,right_id,probability,kind,reasons,queue,")


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"), ("@SUM(1)", "'@SUM(1)"), ("+1+cmd", "'+1+cmd"),
        ("\t=x", "'\t'=x"), ("\uff1dcmd", "'\uff1dcmd"), ("Acme;=cmd", "Acme;'=cmd"), ("\n=cmd", "'\n'=cmd"),
        ("-12.50", "-12.50"),
        ("70\u200b91", "70\\u200b91"), ("\u202eemca", "\\u202eemca"), ("\x1b[31mred", "\\u001b[31mred"),
        ("Müller & Söhne - Köln", "Müller & Söhne - Köln"), ("شركة النور", "شركة النور"), ("", ""), ("A-1", "A-1"),
    ],
)  # fmt: skip
def test_no_cell_of_the_result_runs_or_hides_anything(
    cell: str, written: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.csv"
    show(argparse.Namespace(out=out, json=False), ("cell",), [{"cell": cell}])
    with out.open(encoding="utf-8", newline="") as stream:
        assert list(csv.reader(stream))[1:] == [[written]]


def test_what_is_repeated_too_often_to_be_told_is_counted(shell: Shell) -> None:
    lines = "".join(f"A{n},V,Vendor,7091,2026-01-01,5.00,EUR\n" for n in range(200))
    code, found = shell(shell.file("ledger.csv", HEADER + lines))
    assert (code, found) == (0, [])
    assert "1 sets of documents with the same supplier, number, date and amount are not reported" in shell.err


def test_twenty_thousand_rows_take_far_less_than_a_second_a_thousand(shell: Shell) -> None:
    months = company_month(11, suppliers=300, invoices=6000, exceptions=0).invoices
    lines = "".join(
        f"{one.invoice_id},{one.vendor_id},{one.vendor_name},{one.invoice_no},{one.invoice_date},{one.amount},EUR\n"
        for one in months
    )
    ledger = shell.file("ledger.csv", HEADER + lines)
    started = time.process_time()
    code, found = shell(ledger)
    assert code == 0
    assert found
    assert time.process_time() - started < len(months) / 1000


# --- cells


@given(st.decimals("-1e9", "1e9", places=2), st.booleans(), st.sampled_from(["{}", "EUR {}", "{} €", " {} "]))
@settings(deadline=None)
def test_amounts_survive_being_written(value: Decimal, comma: bool, shape: str) -> None:
    written = f"{abs(value):,.2f}"
    if comma:
        written = written.translate(str.maketrans(",.", ".,"))
    for signed in (f"-{written}", f"({written})", f"{written}-") if value < 0 else (written,):
        assert amount(shape.format(signed), Habit(comma, None)) == value


@pytest.mark.parametrize("text", ["", "abc", "12.3.4", "NaN", "1e5", "(5", "9" * 16, "1,23,4", "12 apples"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(BadCell):
        amount(text, Habit(False, None))


@given(st.dates(date(1990, 1, 1), date(2099, 12, 31)))
@settings(deadline=None)
def test_dates_survive_being_written(value: date) -> None:
    for written, first in (
        (value.isoformat(), None), (f"{value:%Y%m%d}", None), (f"{value:%d/%m/%Y}", True), (f"{value:%m/%d/%Y}", False),
        (f"{value:%d.%m.%Y}", True), (f"{value:%d %b %Y}", None), (f"{value.isoformat()}T00:00:00", None),
    ):  # fmt: skip
        assert day(written, Habit(None, first)) == value


def test_the_habit_of_a_file_decides_what_a_cell_cannot() -> None:
    decided = habit(["1,234", "17,50"], ["03/04/2018", "25/04/2018"], decimal=None, order=None)
    assert (decided.decimal_comma, decided.day_first, decided.assumed) == (True, True, ())
    assert habit([], ["03/04/2018", "04/25/2018"], decimal=None, order=None).day_first is False
    guessed = habit(["1,234"], ["03/04/2018"], decimal=None, order=None)
    assert (guessed.decimal_comma, guessed.day_first, len(guessed.assumed)) == (False, True, 2)
    mixed = habit(["1,234.00", "1.234,00"], ["25/04/2018", "04/25/2018"], decimal=None, order=None)
    assert day("25/04/2018", mixed) == date(2018, 4, 25)
    with pytest.raises(BadCell, match="two ways"):
        day("03/04/2018", mixed)
    with pytest.raises(BadCell, match="two ways"):
        amount("1,234", mixed)


# --- a real ledger


@pytest.mark.shared
def test_a_citys_ledger_is_read_as_it_is(shell: Shell, shared: Path) -> None:
    mapping = shell.file(
        "map.toml",
        '[columns]\ninvoice_id = "Document No."\ninvoice_no = "Invoice No."\ninvoice_date = "GL Date"\n'
        'amount = "Invoiced Value"\nvendor_name = "Supplier Name"\nvendor_id = "Address Book No."\n'
        '[constants]\ncurrency = "GBP"\n[format]\nrows = "lines"\n',
    )
    ledger = shared / "duplicates" / "sheffield" / "2017-01.csv"
    started = time.process_time()
    code, found = shell(str(ledger), "--map", mapping, "--threshold", "0.9")
    assert time.process_time() - started < 22
    assert code == 1
    assert "1 of 22388 rows were left out" in shell.err
    assert "vendor names are redacted" in shell.err
    assert 5 <= len(found) < 600
    assert all(one["reasons"] for one in found)
