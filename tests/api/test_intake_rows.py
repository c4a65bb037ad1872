"""Rows out of CSV, JSON and JSON Lines: good rows go on, bad ones say why, nothing is guessed by cell."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.intake.columns import AmountColumn, DateColumn
from api.intake.rows import RowFile, case_row, read_rows
from api.intake.tables import column_map
from governance.errors import Malformed, Unreadable

LEDGER = "invoice_id,vendor_id,vendor_name,invoice_no,invoice_date,amount,currency,cost_centre\n"
OPEN = "invoice_id,customer_id,posting_date,due_date,amount,clear_date\n"
CASES = "queue,exception_type,source_key,amount,currency,issue_date,details\n"


def rows(text: str, **options: Any) -> RowFile:
    kind = "json" if text.lstrip()[:1] in "[{" else "text"
    found = read_rows("file", text, kind, **options)
    assert found is not None
    return found


def reasons(found: RowFile) -> str:
    return " | ".join(row.reason for row in found.rejected_rows)


def test_ap_ledger() -> None:
    found = rows(LEDGER + "1,V1,Acme Ltd,INV-7,2026-01-05,1190.5,EUR,4711\n2,,Beta,B8,2026-01-06,-10,EUR,\n")
    assert (found.kind, found.media_type, found.rejected_rows) == ("ap_invoices", "text/csv", ())
    first, second = found.rows
    assert (first.index, first.kind, first.source_key) == (1, "ap_invoice", "ap_invoice::1")
    assert first.values["amount"] == "1190.50"
    assert first.values["invoice_date"] == "2026-01-05"
    assert first.values["details"] == {"cost_centre": "4711"}
    assert first.values["doc_type"] == "invoice"
    assert second.values["vendor_id"] is None
    assert second.values["amount"] == "-10.00"


def test_receivables_paid_rows_are_history() -> None:
    found = rows(OPEN + "1,C1,2026-01-01,2026-01-31,10.00,\n2,C1,2026-01-01,2026-01-31,10.00,2026-02-03\n")
    assert [(row.kind, row.source_key) for row in found.rows] == [
        ("ar_open_item", "ar_item::1"),
        ("ar_paid", "ar_item::2"),
    ]
    assert found.rows[0].values["currency"] is None
    assert found.rows[0].values["details"]["warnings"] == ["the currency is not stated"]


def test_is_open_must_agree_with_clear_date() -> None:
    head = "invoice_id,customer_id,posting_date,due_date,amount,clear_date,is_open\n"
    found = rows(
        head
        + "1,C,2026-01-01,2026-01-31,1,,1\n2,C,2026-01-01,2026-01-31,1,2026-01-09,1\n3,C,2026-01-01,2026-01-31,1,,\n"
    )
    assert [row.index for row in found.rows] == [1, 3]
    assert "contradict" in reasons(found)


def test_default_currency_is_named_as_an_assumption() -> None:
    found = rows(OPEN + "1,C1,2026-01-01,2026-01-31,10,\n", default_currency="JPY")
    assert found.rows[0].values["currency"] == "JPY"
    assert found.rows[0].values["amount"] == "10"
    assert "JPY is assumed" in found.rows[0].values["details"]["warnings"][0]


@pytest.mark.parametrize(
    ("amount", "currency", "reason"),
    [
        ("NaN", "EUR", "finite"),
        ("inf", "EUR", "finite"),
        ("-Infinity", "EUR", "finite"),
        ("1.005", "EUR", "has more"),
        ("1.5", "JPY", "0 decimals"),
        ("1.0005", "KWD", "has more"),
        ("ten", "EUR", "plain decimal"),
        ("", "EUR", "amount must be given"),
        ("1e15", "EUR", "plain decimal"),
        ("1e999999999999999999", "EUR", "plain decimal"),
        ("9" * 16, "EUR", "below 10**15"),
        ("١٢", "EUR", "plain decimal"),
        ("1 000 000 x", "EUR", "plain decimal"),
        ("0x10", "EUR", "plain decimal"),
        ("5", "euro", "ISO 4217"),
        ("1.234", "", "no currency"),
    ],
)
def test_a_bad_amount_rejects_its_row_only(amount: str, currency: str, reason: str) -> None:
    found = rows(LEDGER + f"1,V,A,I1,2026-01-05,{amount},{currency},\n2,V,A,I2,2026-01-05,5,EUR,\n")
    assert [row.index for row in found.rows] == [2]
    assert found.rejected_rows[0].source_key == "1"
    assert reason in reasons(found)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("1,V,A,,2026-01-05,5,EUR,", "invoice_no must be given"),
        ("1,,,I,2026-01-05,5,EUR,", "vendor_id or vendor_name"),
        ("1,V,A,I,2026-02-30,5,EUR,", "not a date"),
        ("1,V,A,I,yesterday,5,EUR,", "not a date"),
        ("1,V,A,I,45000,5,EUR,", "not a date"),
        ("1,V,A,I,03/04/2026,5,EUR,", "two ways"),
        ("1,V,A,I,2026-01-05,5,EUR", "7 cells, the header 8"),
        (f"1,V,{'A' * 3000},I,2026-01-05,5,EUR,", "printable text"),
        ("1,V,A\x1b[31m,I,2026-01-05,5,EUR,", "printable text"),
    ],
)
def test_a_bad_row_says_why(line: str, reason: str) -> None:
    found = rows(LEDGER + line + "\n9,V,A,I9,2026-01-05,5,EUR,\n")
    assert [row.index for row in found.rows] == [2]
    assert reason in reasons(found)


def test_the_whole_column_decides_the_order_of_day_and_month() -> None:
    found = rows(LEDGER + "1,V,A,I1,03/04/2026,5,EUR,\n2,V,A,I2,25/04/2026,5,EUR,\n3,V,A,I3,2026-04-26,5,EUR,\n")
    assert [row.values["invoice_date"] for row in found.rows] == ["2026-04-03", "2026-04-25", "2026-04-26"]
    assert "day before month" in " ".join(found.notes)
    american = rows(LEDGER + "1,V,A,I1,03/04/2026,5,EUR,\n2,V,A,I2,04/25/2026,5,EUR,\n")
    assert american.rows[0].values["invoice_date"] == "2026-03-04"
    both = rows(LEDGER + "1,V,A,I1,25/04/2026,5,EUR,\n2,V,A,I2,04/25/2026,5,EUR,\n3,V,A,I3,2026-01-01,5,EUR,\n")
    assert [row.index for row in both.rows] == [3]


def test_the_whole_column_decides_the_decimal_mark() -> None:
    head = LEDGER.replace(",", ";")
    found = rows(
        head + "1;V;A;I1;05.01.2026;1.234;EUR;\n2;V;A;I2;05.01.2026;12,50;EUR;\n3;V;A;I3;05.01.2026;1.234.567,80;EUR;\n"
    )
    assert [row.values["amount"] for row in found.rows] == ["1234.00", "12.50", "1234567.80"]
    assert "decimal comma" in " ".join(found.notes)
    point = rows(head + '1;V;A;I1;05.01.2026;"1,234.50";EUR;\n2;V;A;I2;05.01.2026;"2,345";EUR;\n')
    assert [row.values["amount"] for row in point.rows] == ["1234.50", "2345.00"]
    unclear = rows(head + '1;V;A;I1;05.01.2026;"1,234";EUR;\n')
    assert "two ways" in reasons(unclear)
    mixed = rows(
        head
        + '1;V;A;I1;05.01.2026;"1,50";EUR;\n2;V;A;I2;05.01.2026;"1,234.50";EUR;\n3;V;A;I3;05.01.2026;"2,345";EUR;\n'
    )
    assert [row.index for row in mixed.rows] == [1, 2], "each is clear by itself; the third is not"


def test_cases() -> None:
    found = rows(
        CASES + 'accounts_payable,price_variance,K1,10.00,EUR,2026-01-05,"{""ordered"": 2, ""price"": 1.10}"\n'
    )
    (row,) = found.rows
    assert (found.kind, row.kind, row.source_key) == ("cases", "case", "K1")
    assert row.values["details"] == {"ordered": 2, "price": "1.10"}
    assert row.values["region"] is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"queue": "payroll"}, "queue must be one of"),
        ({"document_class": "memo"}, "document_class must be one of"),
        ({"amount": 10.5}, "decimal string"),
        ({"amount": True}, "decimal string"),
        ({"details": "no object"}, "JSON object"),
        ({"details": [1]}, "JSON object"),
        ({"details": {"a": "\x00"}}, "NUL"),
        ({"details": {"a": ["\ud800"]}}, "Unicode"),
        ({"title": ["a"]}, "title must be a text"),
        ({"title": "\ud800"}, "printable"),
        ({"details": {"a": "x" * 200_000}}, "below"),
        ({"currency": 7}, "ISO 4217"),
        ({"exception_type": None}, "exception_type must be given"),
    ],
)
def test_a_bad_case_is_refused(changes: dict[str, Any], reason: str) -> None:
    good = {"queue": "accounts_payable", "exception_type": "price_variance", "amount": "10.00", "currency": "EUR"}
    assert case_row(good).values["amount"] == "10.00"
    with pytest.raises(Malformed, match=reason):
        case_row({**good, **changes})


def test_a_case_without_a_key_is_known_by_its_content() -> None:
    one = {"queue": "accounts_payable", "exception_type": "price_variance", "amount": "10.00", "currency": "EUR"}
    assert case_row(one).source_key == case_row(dict(reversed(one.items()))).source_key
    assert case_row(one).source_key != case_row({**one, "amount": "10.01"}).source_key


def test_json_and_json_lines() -> None:
    record = {
        "queue": "order_to_cash",
        "exception_type": "overdue",
        "source_key": "K",
        "amount": 12.10,
        "currency": "EUR",
    }
    for text in (
        json.dumps(record),
        json.dumps([record]),
        json.dumps({"rows": [record]}),
        json.dumps(record) + "\n{}\nx",
    ):
        found = rows(text)
        assert found.rows[0].values["amount"] == "12.10", text
        assert found.kind == "cases"
    assert len(found.rejected_rows) == 2
    assert found.media_type == "application/jsonl"


@pytest.mark.parametrize("text", ['{"queue": NaN', "[1, 2", '{"queue": "a", "queue": "b"}', "[" * 100_000])
def test_broken_json_is_refused(text: str) -> None:
    with pytest.raises(Unreadable) as refusal:
        read_rows("file", text, "json")
    assert refusal.value.extensions["reason_code"] == "malformed_json"


def test_json_numbers_keep_their_digits() -> None:
    text = (
        '[{"queue": "order_to_cash", "exception_type": "x", "amount": 0.1, "details": {"big": 12345678901234567890}}]'
    )
    (row,) = rows(text).rows
    assert row.values["amount"] == "0.10"
    assert row.values["details"]["big"] == "12345678901234567890"
    (bad,) = rows(text.replace("0.1", "NaN")).rejected_rows
    assert "finite" in bad.reason


def test_columns_may_be_mapped(tmp_path: Path) -> None:
    path = tmp_path / "map.toml"
    path.write_text(
        'invoice_no = "Ref."\n[columns]\ninvoice_id = "Doc"\nvendor_name = ["Payee", "Supplier"]\n'
        'amount = "Net"\ninvoice_date = "Paid On"\n'
    )
    found = rows("Doc,Supplier,Ref.,Paid on,NET\n1,Acme,R1,2026-01-05,5\n", columns=column_map(path))
    assert found.rows[0].values["vendor_name"] == "Acme"
    assert found.rows[0].values["invoice_no"] == "R1"
    path.write_text("amount = 5")
    with pytest.raises(Malformed, match="amount must name a column"):
        column_map(path)
    path.write_text("not toml")
    with pytest.raises(Malformed, match="--map"):
        column_map(path)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("invoice_no,vendor_id,amount\n1,V,5\n", "missing_columns"),
        ("customer_id,due_date,amount\nC,2026-01-01,5\n", "missing_columns"),
        ("Body,Department,Spend\nCity,Parks,5\nCity,Roads,6\n", "unknown_columns"),
        ("invoice_id,invoice_id,vendor_id,invoice_no\n1,1,V,1\n2,1,V,1\n", "malformed_rows"),
        (LEDGER + "1,V,A,I,2026-01-05,5,EUR,\n" * 3 + '1,V,"A,I,2026-01-05,5,EUR,\n', "malformed_rows"),
    ],
)
def test_a_table_that_cannot_be_used_says_so(text: str, code: str) -> None:
    with pytest.raises(Unreadable) as refusal:
        read_rows("file", text, "text")
    assert refusal.value.extensions["reason_code"] == code


@pytest.mark.parametrize(
    "text",
    [
        "Dear Sir,\nplease find enclosed, as agreed, our invoice.\nTotal 5,00\n",
        '{"company": "ACME", "total": "9.00"}',
        "72,25,326,25,TAN WOON YANN\n50,82,440,82,BOOK\n",
        "Hello",
        '["just", "words"]',
        "{}",
        "[]",
    ],
)
def test_prose_is_no_row_file(text: str) -> None:
    assert read_rows("file", text, "json" if text[0] in "[{" else "text") is None


@settings(max_examples=200, deadline=None)
@given(st.decimals(min_value=-(10**12), max_value=10**12, places=2), st.booleans())
def test_an_amount_comes_back_in_either_notation(value: Decimal, comma: bool) -> None:
    written = f"{value:,.2f}"
    if comma:
        written = written.translate(str.maketrans(",.", ".,"))
    column = AmountColumn.infer("amount", [written, "1.234,50" if comma else "1,234.50"])
    assert column.parse(written, "EUR") == value


@settings(max_examples=200, deadline=None)
@given(
    st.dates(min_value=date(1980, 1, 1), max_value=date(2060, 12, 31)),
    st.sampled_from(["%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y-%m-%d", "%Y%m%d", "%d %B %Y", "%Y-%m-%dT%H:%M:%S"]),
)
def test_a_date_comes_back_in_the_order_of_its_column(day: date, form: str) -> None:
    column = DateColumn.infer("due_date", [day.strftime(form), date(2026, 12, 31).strftime(form)])
    assert column.parse(day.strftime(form)) == day


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(st.text(max_size=12), min_size=8, max_size=8), max_size=5))
def test_any_cells_are_read_or_refused(cells: list[list[str]]) -> None:
    out = io.StringIO()
    csv.writer(out).writerows([LEDGER.strip().split(","), ["1", "V", "A", "I", "2026-01-05", "5", "EUR", ""], *cells])
    try:
        found = read_rows("file", out.getvalue(), "text")
    except Unreadable:
        return
    assert found is not None
    assert 1 in {row.index for row in found.rows}
    for row in found.rows:
        json.dumps(row.values).encode()
        date.fromisoformat(row.values["invoice_date"])
        assert Decimal(row.values["amount"]).is_finite()


@pytest.mark.shared
@pytest.mark.parametrize(("name", "paid", "still_open"), [("ibm", 1641, 75), ("highradius", 32252, 197)])
def test_public_receivables(shared: Path, name: str, paid: int, still_open: int) -> None:
    text = (shared / f"risk/{name}_invoices.csv").read_text()
    found = rows(text, default_currency="USD")
    assert Counter(row.kind for row in found.rows) == {"ar_paid": paid, "ar_open_item": still_open}
    assert found.rejected_rows == ()
    assert len({row.source_key for row in found.rows}) == len(found.rows)


@pytest.mark.parametrize("above", ["Open items\n", "Open items; March\n\nMuster GmbH, Berlin\n", '"Report","a"\n'])
def test_a_header_below_a_title_is_found(above: str) -> None:
    table = "invoice_id;customer_id;posting_date;due_date;amount;currency\nR-1;C;2026-01-01;2026-01-31;1.190,50;EUR\n"
    found, plain = read_rows("f", above + table, "text"), read_rows("f", table, "text")
    assert found == plain
    assert found is not None
    assert (found.rows[0].index, found.rows[0].values["amount"]) == (1, "1190.50")


def test_a_letter_that_names_columns_is_no_table() -> None:
    assert read_rows("f", "Dear Sir,\nthe amount, and the currency of invoice 5, are wrong.\n", "text") is None
