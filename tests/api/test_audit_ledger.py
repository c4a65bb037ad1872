"""Exports as they come: headers in six languages, lines and copies, quotes that stay open, files that are no table."""

from __future__ import annotations

import os
import random
import threading
from datetime import date
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.audit.fields import FIELDS
from api.audit.ledger import Ledger, read_ledger
from api.commands.cells import currency, habit
from api.commands.headers import places, words_of
from api.commands.mapping import ColumnMap, with_flags
from governance.errors import Malformed
from models.invoice import normal_name

HEADER = "invoice_id,vendor_id,vendor_name,invoice_no,invoice_date,amount,currency\n"


def body(count: int = 12) -> str:
    return "".join(
        f"A{n},V{n % 3},Vendor {n % 3},{7000 + 13 * n},2026-03-{n + 1:02d},{100 + n}.50,EUR\n" for n in range(count)
    )


class Desk:
    """Writes files and reads them back as a ledger."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def file(self, content: str | bytes, name: str = "ledger.csv") -> Path:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def read(self, content: str | bytes, **mapping: dict[str, tuple[str, ...]] | dict[str, str]) -> Ledger:
        return read_ledger([self.file(content)], ColumnMap(**mapping))  # type: ignore[arg-type]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def notes(ledger: Ledger) -> str:
    return "\n".join(note for file in ledger.files for note in file.notes)


# --- headers


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("Rechnungs-Nr.;Re.-Datum;Kreditor;Kreditorname;Bruttobetrag;Währung",
         "invoice_no invoice_date vendor_id vendor_name amount currency"),
        ("N° de facture;Date de facture;Code fournisseur;Nom du fournisseur;Montant TTC;N° pièce",
         "invoice_no invoice_date vendor_id vendor_name amount invoice_id"),
        ("Número de factura;Fecha de factura;Proveedor;Importe total;Moneda",
         "invoice_no invoice_date vendor_name amount currency"),
        ("Numero fattura;Data fattura;Ragione sociale;Importo lordo;Partita IVA;Data registrazione",
         "invoice_no invoice_date vendor_name amount tax_id posting_date"),
        ("Factuurnummer;Factuurdatum;Leverancier;Crediteurnummer;Bedrag;Boekstuknummer;Omschrijving",
         "invoice_no invoice_date vendor_name vendor_id amount invoice_id description"),
        ("BUKRS;BELNR;LIFNR;NAME1;XBLNR;BLDAT;BUDAT;WRBTR;WAERS",
         "entity invoice_id vendor_id vendor_name invoice_no invoice_date posting_date amount currency"),
        ("InvoiceID;VendorName;InvoiceNumber;InvoiceDate;InvoiceAmount;PONumber",
         "invoice_id vendor_name invoice_no invoice_date amount po"),
        ("Document Number;Vendor;Vendor Name;Reference;Document Date;Amount in doc. curr.",
         "invoice_id vendor_id vendor_name invoice_no invoice_date amount"),
        ("Date;Payee;Ref No;Memo;Amount", "invoice_date vendor_name invoice_no description amount"),
    ],
)  # fmt: skip
def test_headers_are_known_in_six_languages(header: str, said: str) -> None:
    found = places(header.split(";"), FIELDS, {})
    assert sorted(found, key=found.__getitem__) == said.split()


@given(st.sampled_from(sorted(FIELDS)), st.sampled_from(["upper", "title", "lower"]), st.sampled_from(["_", " ", "-"]))
@settings(deadline=None)
def test_a_fields_own_name_is_known_however_it_is_written(name: str, case: str, gap: str) -> None:
    written = getattr(name.replace("_", gap), case)()
    assert places(["something else", written], FIELDS, {}) == {name: 1}


@given(st.text(max_size=40))
@settings(deadline=None)
def test_any_header_has_words_or_none(text: str) -> None:
    assert all(word and word == word.lower() for word in words_of(text))


def test_a_flag_wins_over_the_file_and_none_drops_a_column(desk: Desk) -> None:
    given = ColumnMap(columns={"amount": ("Net",), "po": ("Order",)})
    mapped = with_flags(
        given, FIELDS, columns=["amount=Gross", "amount=Total", "po=none"], constants=["currency=CHF"],
        format={"delimiter": "tab", "dates": None},
    )  # fmt: skip
    assert mapped.columns == {"amount": ("Gross", "Total"), "po": ("none",)}
    assert (mapped.constants, mapped.format) == ({"currency": "CHF"}, {"delimiter": "\t"})
    text = "Vendor\tInvoice No\tDate\tNet\tTotal\tOrder\nAcme\t41\t2026-01-05\t10.00\t11.90\t7\n"
    one = read_ledger([desk.file(text)], mapped).invoices[0]
    assert (one.amount, one.currency, one.po) == (Decimal("11.90"), "CHF", None)
    for columns, constants in ((["colour=x"], []), (["amount"], []), ([], ["size=3"])):
        with pytest.raises(Malformed, match="say FIELD="):
            with_flags(given, FIELDS, columns=columns, constants=constants, format={})


def test_what_cannot_be_guessed_names_columns_and_flag(desk: Desk) -> None:
    with pytest.raises(
        Malformed, match=r"no column for invoice_no; the file has Lieferant, Zeichen, .*--column invoice_no=HEADER"
    ):
        desk.read("Lieferant;Zeichen;Belegdatum;Betrag\nAcme;R-1;05.01.2026;1,00\n")


def test_without_numbers_the_reader_says_so(desk: Desk) -> None:
    ledger = desk.read("Supplier,Paid Date,Amount\nAcme,2026-01-05,3.00\n", columns={"invoice_no": ("none",)})
    assert ledger.invoices[0].invoice_no == ""
    assert "no invoice numbers" in notes(ledger)


# --- rows and documents


def test_lines_of_one_document_are_summed_and_others_kept_apart(desk: Desk) -> None:
    text = HEADER + (
        "9,V1,Acme,R-1,2026-01-05,10.00,EUR\n9,V1,Acme,R-1,2026-01-05,2.50,EUR\n9,V1,Acme,R-2,2026-01-05,4.00,EUR\n"
        "10,V1,Acme,R-3,2026-01-05,5.00,EUR\n10,V1,Acme,R-3,2026-01-05,-5.00,EUR\n"
    )
    ledger = desk.read(text)
    assert [(one.invoice_id, one.amount) for one in ledger.invoices] == [("9", Decimal("12.50")), ("9#4", Decimal(4))]
    assert "1 documents of amount 0 are not compared" in notes(ledger)
    assert len(desk.read(text, format={"rows": "documents"}).invoices) == 5


def test_without_ids_repeated_rows_are_copies_and_different_rows_are_lines(desk: Desk) -> None:
    lines = "Acme,R-1,2026-01-05,10.00,cost A\nAcme,R-1,2026-01-05,2.50,cost B\n"
    header = "Supplier,Invoice No,Date,Amount,Account\n"
    once = desk.read(header + lines + "Other,R-1,2026-01-05,9.00,cost A\n")
    assert [one.amount for one in once.invoices] == [Decimal("12.50"), Decimal(9)]
    assert [one.invoice_id for one in once.invoices] == ["ledger.csv:2", "ledger.csv:4"]
    twice = desk.read(header + lines + lines)
    assert [one.amount for one in twice.invoices] == [Decimal("12.50"), Decimal("12.50")]
    # Of a redacted vendor nobody knows whether two rows are one bill's.
    hidden = desk.read(header + lines.replace("Acme", "REDACTED"))
    assert len(hidden.invoices) == 2


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.integers(1, 3))
@settings(deadline=None, max_examples=40)
def test_no_money_is_lost_between_rows_and_documents(
    tmp_path_factory: pytest.TempPathFactory, counts: list[int], times: int
) -> None:
    rows = [f"Acme,R-{n},2026-01-05,{n + 1}.25,account {at}\n" for n, count in enumerate(counts) for at in range(count)]
    path = tmp_path_factory.mktemp("ledger") / "l.csv"
    path.write_text("Supplier,Invoice No,Date,Amount,Account\n" + "".join(rows) * times)
    ledger = read_ledger([path], ColumnMap())
    assert sum(one.amount for one in ledger.invoices) == times * sum(
        (n + Decimal("1.25")) * count for n, count in enumerate(counts)
    )
    assert len(ledger.invoices) == times * len(counts)


def test_an_id_that_is_the_number_itself_hides_no_copy(desk: Desk) -> None:
    ledger = desk.read(
        "Invoice No,Supplier,Date,Amount\nR-1,Acme,2026-01-05,3.00\nR-1,Acme,2026-01-05,3.00\n",
        columns={"invoice_id": ("Invoice No",), "invoice_no": ("Invoice No",)},
    )
    assert [one.invoice_id for one in ledger.invoices] == ["ledger.csv:2", "ledger.csv:3"]


def test_numbers_of_lines_are_left_off_where_the_whole_file_has_them(desk: Desk) -> None:
    rows = [f"{700 + n}_{line},V{n % 4},2026-02-{n + 1:02d},{n + line}.10\n" for n in range(20) for line in (1, 2)]
    ledger = desk.read("Trans No,Supplier ID,Paid Date,Amount\n" + "".join(rows), columns={"invoice_no": ("none",)})
    assert len(ledger.invoices) == 20
    assert "end with the number of a line" in notes(ledger)
    single = [f"{700 + n}_1,V{n % 4},2026-02-{n + 1:02d},{n + 1}.10\n" for n in range(20)]
    kept = desk.read("Trans No,Supplier ID,Paid Date,Amount\n" + "".join(single), columns={"invoice_no": ("none",)})
    assert kept.invoices[0].invoice_id == "700_1"


def test_files_that_overlap_count_once_and_same_ids_stay_apart(desk: Desk) -> None:
    first = desk.file(HEADER + body(), "2025/ledger.csv")
    second = desk.file(HEADER + body(3) + "A3,V9,Other,1,2026-05-05,9.00,EUR\n", "2026/ledger.csv")
    ledger = read_ledger([first, second], ColumnMap())
    assert len(ledger.invoices) == 13
    assert ledger.invoices[-1].invoice_id == "2026/ledger.csv/A3"
    assert "3 documents stand in an earlier file already and count once" in notes(ledger)
    assert len({one.invoice_id for one in ledger.invoices}) == 13
    history = read_ledger([first], ColumnMap())
    later = read_ledger([second], ColumnMap(), before=history)
    # What stands in the history too is one invoice, and what only has its id is not.
    assert [one.invoice_id for one in later.invoices] == ["A0", "A1", "A2", "ledger.csv/A3"]


# --- messy files


@pytest.mark.parametrize(
    "content",
    [
        (HEADER + body()).encode("utf-16"),
        (HEADER + body()).encode("utf-16-le"),
        (HEADER + body()).replace("\n", "\r").encode(),
        ("sep=;\n" + (HEADER + body()).replace(",", ";")).encode(),
        ("Ledger of March\n\n" + HEADER + body(6) + "-----,-----\n" + HEADER + body()[len(body(6)) :]).encode(),
        (HEADER + body() + ",,Total,,,99999.00,\nGrand total,,,,,5,\n").encode(),
        (HEADER + body()).replace("Vendor", "Ven\0dor").encode(),
    ],
    ids=["utf-16", "utf-16 without a mark", "old mac", "sep", "pages", "totals", "nul"],
)
def test_the_same_ledger_however_it_is_written(desk: Desk, content: bytes) -> None:
    ledger = desk.read(content)
    assert ledger.rejected == 0
    assert [(one.invoice_id, one.amount) for one in ledger.invoices] == [
        (f"A{n}", Decimal(100 + n) + Decimal("0.5")) for n in range(12)
    ]
    assert ledger.invoices[0].vendor_name == "Vendor 0"


def test_an_open_quote_costs_its_own_row_alone(desk: Desk) -> None:
    lines = (HEADER + body()).splitlines(keepends=True)
    broken = "".join([*lines[:4], 'X1,V1,"Vendor,1,2026-01-01,5.00,EUR\n', *lines[4:]])
    ledger = desk.read(broken)
    assert len(ledger.invoices) == 12
    assert [(one.line, one.reason) for one in ledger.files[0].rejected] == [
        (5, "a quote opens here and does not close on this line")
    ]


def test_huge_cells_and_surplus_cells_are_listed(desk: Desk) -> None:
    huge = f"X1,V1,{'x' * 150_000},1,2026-01-01,5.00,EUR\n"
    ledger = desk.read(HEADER + huge + body() + "X2,V1,Vendor,1,2026-01-01,5.00,EUR,more\nX3,V1,Vendor\n")
    assert len(ledger.invoices) == 12
    said = [(one.line, one.reason) for one in ledger.files[0].rejected]
    assert said[0] == (2, "a cell has more than 131,072 characters")
    assert said[1] == (15, "8 cells, but the header has 7")
    assert [line for line, _ in said] == [2, 15, 16]


def test_what_is_too_long_to_name_anything_is_listed(desk: Desk) -> None:
    """A number of 100,000 digits once ended the whole search."""
    nines = "9" * 100_000
    hostile = f"X1,V1,Vendor,{nines},2026-03-04,5.00,EUR\nX2,{nines},Vendor,1,2026-03-04,5.00,EUR\n"
    ledger = desk.read(HEADER + body() + hostile + f"{nines},V1,Vendor,1,2026-03-04,5.00,EUR\n")
    assert len(ledger.invoices) == 12
    assert [one.reason for one in ledger.files[0].rejected] == [
        f"{name} has 100,000 characters" for name in ("invoice_no", "vendor_id", "invoice_id")
    ]


def test_names_in_other_scripts_are_names(desk: Desk) -> None:
    rows = "".join(
        f"B{n},,{name},R-{n},2026-03-04,5.00,EUR\n" for n, name in enumerate(("شركة النور", "株式会社光", "***"))
    )
    ledger = desk.read(HEADER + rows)
    assert "1 vendor names are redacted" in notes(ledger)
    assert len({normal_name(one.vendor_name) for one in ledger.invoices}) == 3


def test_cells_with_line_breaks_stay_whole(desk: Desk) -> None:
    text = "Supplier,Invoice No,Date,Amount,Text\n" + 'Acme,R-1,2026-01-05,3.00,"two\nlines, and\na third"\n' * 2
    ledger = desk.read(text)
    assert ledger.rejected == 0
    assert [one.description for one in ledger.invoices] == ["two\nlines, and\na third"] * 2


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"%PDF-1.7", "is a PDF"), (b"\x1f\x8b\x08\x00", "compressed"), (b"PK\x03\x04junk", "damaged"),
        (b"", "empty"), (b" \n\t\n", "empty"), (random.Random(3).randbytes(3000), "no column for"),
    ],
)  # fmt: skip
def test_what_is_no_table_is_said(desk: Desk, content: bytes, says: str) -> None:
    with pytest.raises(Malformed, match=says):
        desk.read(content)


def test_western_bytes_are_not_taken_for_dos(desk: Desk) -> None:
    text = "Belegnr.;Kreditor;Rechnungsnr.;Belegdatum;Betrag\n1;Müller AG;R-4711;03.04.2026;€ 1.234,50\n"
    ledger = desk.read(text.encode("cp1252"))
    assert (ledger.invoices[0].amount, ledger.invoices[0].currency) == (Decimal("1234.50"), "EUR")
    assert ledger.invoices[0].vendor_name == "Müller AG"


def test_a_pipe_is_read_too(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_text(HEADER + body()))
    writer.start()
    assert len(read_ledger([pipe], ColumnMap()).invoices) == 12
    writer.join()


def test_spreadsheets_are_read(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["Ledger 2026"])
    sheet.append(["Vendor", "Invoice No", "Invoice Date", "Gross amount"])
    sheet.append(["Acme", 700123, date(2026, 3, 4), 1.234])
    sheet.append(["Acme", "R-2", date(2026, 3, 5), 12500])
    book.create_sheet("Notes").append(["nothing", "here"])
    path = tmp_path / "ledger.xlsx"
    book.save(path)
    ledger = read_ledger([path], ColumnMap())
    assert [(one.invoice_no, one.invoice_date, one.amount) for one in ledger.invoices] == [
        ("700123", date(2026, 3, 4), Decimal("1.2340")), ("R-2", date(2026, 3, 5), Decimal(12500)),
    ]  # fmt: skip
    assert "other sheets were not read: Notes" in notes(ledger)
    with pytest.raises(Malformed, match="there is no sheet 'May'"):
        read_ledger([path], ColumnMap(format={"sheet": "May"}))


# --- cells by column


def test_each_column_of_dates_has_its_order_and_tells_the_others() -> None:
    decided = habit([], {"a": ["03/04/2018", "25/04/2018"], "b": ["04/25/2018"]}, decimal=None, order=None)
    assert (decided.orders, decided.day_first) == ({"a": True, "b": False}, None)
    shared = habit([], {"a": ["03/04/2018"], "b": ["04/25/2018"]}, decimal=None, order=None)
    assert (shared.orders, shared.assumed) == ({"a": False, "b": False}, ())
    most = habit(
        [], ["25/04/2018"] + [f"{n}/04/2018" for n in range(13, 32)] * 2 + ["04/25/2018"], decimal=None, order=None
    )
    assert most.day_first is True
    assert "1 of them can only be the other way round" in most.assumed[0]
    month = habit([], ["04/01/2018", "04/05/2018", "04/09/2018", "04/12/2018"], decimal=None, order=None)
    assert month.day_first is False
    assert "lie in 1 months" in month.assumed[0]


def test_a_column_without_dates_is_no_reason_to_lose_its_rows(desk: Desk) -> None:
    rows = "".join(f"{n},V1,Acme,R-{n},00:00:00,{n + 1}.00,EUR\n" for n in range(30))
    ledger = desk.read(HEADER + rows)
    assert (len(ledger.invoices), ledger.invoices[0].invoice_date) == (30, None)
    assert "holds no dates" in notes(ledger)


@pytest.mark.parametrize(("cell", "code"), [("EUR 5", "EUR"), ("5 €", "EUR"), ("£5", "GBP"), ("$5", ""), ("5 CR", "")])
def test_the_currency_beside_an_amount(cell: str, code: str) -> None:
    assert currency(cell) == code


# --- real ledgers


@pytest.mark.shared
def test_two_cities_ledgers_are_read_as_they_are(shared: Path) -> None:
    sheffield = sorted((shared / "duplicates" / "sheffield").glob("*.csv"))[:2]
    ledger = read_ledger(sheffield, ColumnMap())
    assert ledger.rejected == 0
    assert sum(one.rows for one in ledger.files) == 41_606
    assert 39_000 < len(ledger.invoices) < 41_606
    oxford = sorted((shared / "duplicates" / "oxford").glob("*-201[45].csv"))
    spent = read_ledger(oxford, ColumnMap(columns={"invoice_no": ("none",)}))
    assert spent.rejected < 10
    assert all(one.invoice_id for one in spent.invoices)
