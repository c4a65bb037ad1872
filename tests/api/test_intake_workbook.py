"""Spreadsheets: rows with typed cells, hidden sheets told, prose read as text, bombs refused."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.intake import workbook_child
from api.intake.pdf import PdfPool
from api.intake.reader import Accepted, DocumentReader, Incoming, ReadResult, Rejected, Several
from api.intake.rows import RowFile, read_rows, read_sheet

HEADER = ("invoice_id", "customer_id", "posting_date", "due_date", "amount")
ROW = ("R-1", "C1", date(2026, 1, 1), date(2026, 1, 31), 1190.5)


@pytest.fixture(scope="module")
def pool() -> Iterator[PdfPool]:
    with PdfPool(size=1) as opened:
        yield opened


@pytest.fixture(scope="module")
def reader(pool: PdfPool) -> DocumentReader:
    return DocumentReader(None, pool, default_currency="EUR")


def xlsx(*sheets: tuple[str, Sequence[Sequence[Any]]], hidden: Sequence[str] = ()) -> bytes:
    """A workbook with these sheets."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets:
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
        if name in hidden:
            sheet.sheet_state = "hidden"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def ods(rows: Sequence[Sequence[str]]) -> bytes:
    """The least of an OpenDocument spreadsheet: texts, and numbers where a cell is one."""
    cells = "".join(
        "<table:table-row>"
        + "".join(
            f'<table:table-cell office:value-type="float" office:value="{cell}"/>'
            if cell.replace(".", "").isdigit()
            else f'<table:table-cell office:value-type="string"><text:p>{cell}</text:p></table:table-cell>'
            for cell in row
        )
        + "</table:table-row>"
        for row in rows
    )
    name = "urn:oasis:names:tc:opendocument:xmlns"
    content = (
        f'<office:document-content xmlns:office="{name}:office:1.0" xmlns:table="{name}:table:1.0" '
        f'xmlns:text="{name}:text:1.0"><office:body><office:spreadsheet><table:table table:name="A">{cells}'
        "</table:table></office:spreadsheet></office:body></office:document-content>"
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", content)
        archive.writestr(
            "META-INF/manifest.xml", '<m:manifest xmlns:m="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
        )
    return out.getvalue()


def one(reader: DocumentReader, content: bytes) -> ReadResult:
    (result,) = reader.read([Incoming("b.xlsx", content)])
    return result


def table(reader: DocumentReader, content: bytes) -> RowFile:
    result = one(reader, content)
    assert isinstance(result, RowFile), result
    return result


def test_typed_cells_below_a_title(reader: DocumentReader) -> None:
    late = ("R-2", "C2", datetime(2026, 1, 1, 9, 30, tzinfo=UTC).replace(tzinfo=None), "31.01.2026", 0.1 + 0.2)
    found = table(reader, xlsx(("Open", [("Open items in March",), (), HEADER, ROW, late])))
    assert (found.kind, found.name) == ("ar_items", "b.xlsx")
    assert [(row.index, row.values["amount"], row.values["due_date"]) for row in found.rows] == [
        (1, "1190.50", "2026-01-31"),
        (2, "0.30", "2026-01-31"),
    ]
    assert found.rows[1].values["posting_date"] == "2026-01-01"
    assert found.rejected_rows == ()


def test_a_number_is_no_text_in_which_a_comma_could_be_meant(reader: DocumentReader) -> None:
    rows = [HEADER, ("1", "C", date(2026, 1, 1), date(2026, 1, 31), "1.190,00"), (2, "C", *ROW[2:4], 1190.25)]
    found = table(reader, xlsx(("A", rows)))
    assert [row.values["amount"] for row in found.rows] == ["1190.00", "1190.25"]
    assert [row.values["invoice_id"] for row in found.rows] == ["1", "2"]


def test_the_same_rows_as_csv_and_as_sheet() -> None:
    text = "invoice_id,customer_id,posting_date,due_date,amount\nR-1,C1,2026-01-01,2026-01-31,1190.50\n,C2,,x,1\n"
    cells = [line.split(",") for line in text.splitlines()]
    sheet = [[cell or None for cell in row] for row in cells]
    from_csv, from_sheet = read_rows("f", text, "text"), read_sheet("f", sheet, "text/csv")
    assert from_csv is not None
    assert from_sheet is not None
    assert (from_csv.kind, from_csv.rows, from_csv.notes) == (from_sheet.kind, from_sheet.rows, from_sheet.notes)
    assert [bad.reason for bad in from_csv.rejected_rows] == [bad.reason for bad in from_sheet.rejected_rows]


def test_columns_by_map(pool: PdfPool) -> None:
    reader = DocumentReader(None, pool, columns={"amount": "Betrag", "customer_id": "Kunde"}, default_currency="EUR")
    header = ("invoice_id", "Kunde", "posting_date", "due_date", "Betrag")
    assert table(reader, xlsx(("A", [header, ROW]))).rows[0].values["amount"] == "1190.50"


def test_hidden_sheets_are_not_read_and_are_named(reader: DocumentReader) -> None:
    found = table(reader, xlsx(("A", [HEADER, ROW]), ("Secret", [HEADER, ROW]), hidden=["Secret"]))
    assert len(found.rows) == 1
    assert "hidden sheets were not read: Secret" in found.notes


def test_each_sheet_with_rows_is_a_table(reader: DocumentReader) -> None:
    cases = [("queue", "exception_type"), ("accounts_payable", "price_variance")]
    strange = [("Land", "Code", "Zone"), ("a", "b", "c"), ("d", "e", "f"), ("g", "h", "i")]
    result = one(reader, xlsx(("A", [HEADER, ROW]), ("B", cases), ("Codes", strange)))
    assert isinstance(result, Several)
    found = [member for _, member in result.members]
    assert [(one.name, one.kind) for one in found if isinstance(one, RowFile)] == [
        ("b.xlsx#A", "ar_items"),
        ("b.xlsx#B", "cases"),
    ]
    assert isinstance(found[0], RowFile)
    assert "sheets whose columns are not known were not read: Codes" in found[0].notes


def test_an_invoice_on_a_sheet_is_a_document(reader: DocumentReader) -> None:
    rows = [
        ("Nordlicht Energie GmbH",), ("Rechnung Nr. RE-2026/0042",), ("Datum:", date(2026, 3, 1)), (),
        ("Pos", "Leistung", "Betrag"), (1, "Strom", 1000), (), ("Gesamtbetrag", None, "1.000,00 EUR"),
    ]  # fmt: skip
    result = one(reader, xlsx(("Rechnung", rows)))
    assert isinstance(result, Accepted)
    assert (result.reading.document_class, result.reading.fields["invoice_number"]) == ("invoice", "RE-2026/0042")
    assert result.reading.fields["issue_date"] == "2026-03-01"


def test_formulas_count_by_the_value_stored_with_them(reader: DocumentReader) -> None:
    unsaved = xlsx(("A", [HEADER, (*ROW[:4], "=1+1")]))
    assert "amount must be given" in table(reader, unsaved).rejected_rows[0].reason
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(unsaved)) as source, zipfile.ZipFile(out, "w") as archive:
        for name in source.namelist():
            data = source.read(name)
            archive.writestr(
                name,
                data.replace(b"<f>1+1</f><v/>", b"<f>1+1</f><v>2</v>").replace(
                    b"<f>1+1</f><v></v>", b"<f>1+1</f><v>2</v>"
                ),
            )
    assert table(reader, out.getvalue()).rows[0].values["amount"] == "2.00"


def test_open_document(reader: DocumentReader) -> None:
    found = table(reader, ods([HEADER, ("R-1", "C1", "2026-01-01", "2026-01-31", "1190.5")]))
    assert found.rows[0].values["amount"] == "1190.50"
    assert found.media_type == "application/vnd.oasis.opendocument.spreadsheet"


def zipped_bomb() -> bytes:
    """A workbook whose sheet unpacks to 400 MB."""
    small = xlsx(("A", [HEADER, ROW]))
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(small)) as source,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for name in source.namelist():
            if "sheet1" not in name:
                archive.writestr(name, source.read(name))
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            sheet.write(b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>')
            for _ in range(400):
                sheet.write(b"<row><c><v>1</v></c></row>" * 40_000)
            sheet.write(b"</sheetData></worksheet>")
    return out.getvalue()


def lying(bomb: bytes) -> bytes:
    """The same with sizes in its directory that are too small by far."""
    content = bytearray(bomb)
    at = content.rindex(b"PK\x01\x02")
    while at >= 0:
        if int.from_bytes(content[at + 24 : at + 28], "little") > 1_000_000:
            content[at + 24 : at + 28] = (1000).to_bytes(4, "little")
        at = content.rfind(b"PK\x01\x02", 0, at)
    return bytes(content)


def sparse() -> bytes:
    book = openpyxl.Workbook()
    book.active["A1"], book.active["XFD1048576"] = "a", "b"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["bomb", "lying", "sparse"])
def test_bombs_cost_a_reason(reader: DocumentReader, kind: str) -> None:
    content = {"bomb": zipped_bomb, "lying": lambda: lying(zipped_bomb()), "sparse": sparse}[kind]()
    results = reader.read([Incoming("bomb.xlsx", content), Incoming("good.xlsx", xlsx(("A", [HEADER, ROW])))])
    assert isinstance(results[0], Rejected), results[0]
    assert results[0].reason_code in {"workbook_limits", "malformed_workbook"}
    assert isinstance(results[1], RowFile)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (xlsx(("A", [HEADER, ROW]))[:1000] + b"xl/workbook.xml", "malformed_workbook"),
        (xlsx(("A", [])), "empty"),
        (xlsx(("A", [("a", "b", "c"), (1, 2, 3), (1, 2, 3), (4, 5, 6)])), "unknown_columns"),
        (xlsx(("A", [("invoice_no", "vendor_id", "amount"), ("1", "V", 5)])), "missing_columns"),
    ],
)
def test_refused_with_a_reason(reader: DocumentReader, content: bytes, code: str) -> None:
    result = one(reader, content)
    assert isinstance(result, Rejected), result
    assert result.reason_code == code
    assert result.reason.endswith(".")


# Made once: a workbook names the moment in which it was written.
SEEDS = (xlsx(("A", [HEADER, ROW])), ods([HEADER]))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_change_of_a_workbook_has_an_answer(data: st.DataObject) -> None:
    content = bytearray(data.draw(st.sampled_from(SEEDS)))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at] = data.draw(st.integers(0, 255))
    answer = workbook_child.parse(bytes(content))
    assert ("sheets" in answer) != ("error" in answer)
