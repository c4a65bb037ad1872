"""Files of every kind in one batch: each gets its own answer, in order, and none disturbs its neighbours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.intake.pdf import PdfPool
from api.intake.reader import Accepted, DocumentReader, Incoming, ReadResult, Rejected
from api.intake.rows import RowFile
from governance.case import DOCUMENT_CLASSES, FIELD_NAMES
from models.classifier import DocumentClassifier
from tests.api.intake_samples import cii, pdf, rewritten, ubl

INVOICE_TEXT = """Nordlicht Energie GmbH
Rechnung Nr. RE-2026/0042 vom 01.03.2026
USt-IdNr.: DE136695976
Bestellung: PO-778
Nettobetrag 1.000,00 EUR
Umsatzsteuer 19 % 190,00 EUR
Gesamtbetrag 1.190,00 EUR
IBAN DE02 1203 0000 0000 2020 51
"""


@pytest.fixture(scope="module")
def pool() -> Iterator[PdfPool]:
    with PdfPool(size=1) as opened:
        yield opened


@pytest.fixture(scope="module")
def reader(pool: PdfPool) -> DocumentReader:
    return DocumentReader(None, pool)


def one(reader: DocumentReader, content: bytes, name: str = "file", media_type: str | None = None) -> ReadResult:
    (result,) = reader.read([Incoming(name, content, media_type)])
    return result


def accepted(reader: DocumentReader, content: bytes) -> Accepted:
    result = one(reader, content)
    assert isinstance(result, Accepted), result
    return result


def test_a_batch_keeps_its_order(reader: DocumentReader) -> None:
    items = [
        Incoming("a.pdf", pdf(INVOICE_TEXT)),
        Incoming("b.xml", ubl().encode()),
        Incoming("c.csv", b"queue,exception_type,source_key\naccounts_payable,price_variance,1\n"),
        Incoming("d", b""),
        Incoming("e.txt", INVOICE_TEXT.encode()),
        Incoming("f.pdf", b"%PDF-1.4"),
        Incoming("g.txt", b":20:A\n:25:1\n:60F:C260102EUR1,00\n:62F:C260103EUR2,00\n"),
    ]
    results = reader.read(items)
    assert [result.name for result in results] == [item.name for item in items]
    assert [type(result) for result in results] == [Accepted, Accepted, RowFile, Rejected, Accepted, Rejected, Accepted]
    assert reader.read([]) == []


def test_text_and_pdf_of_the_same_invoice_say_the_same(reader: DocumentReader) -> None:
    from_text, from_pdf = accepted(reader, INVOICE_TEXT.encode()), accepted(reader, pdf(INVOICE_TEXT))
    assert from_text.reading.fields == from_pdf.reading.fields
    assert from_pdf.reading.fields["total_amount"] == "1190.00"
    assert (from_pdf.media_type, from_pdf.pages) == ("application/pdf", 1)
    assert (from_text.media_type, from_text.pages) == ("text/plain", None)
    assert (from_text.reading.document_class, from_text.reading.basis) == ("invoice", "title_rule")
    assert from_text.reading.confidence is None


@pytest.mark.parametrize(
    ("name", "declared", "content", "media_type"),
    [
        ("invoice.pdf", "application/pdf", ubl().encode(), "application/xml"),
        ("invoice.xml", "text/xml", pdf("Invoice"), "application/pdf"),
        ("image.png", "image/png", INVOICE_TEXT.encode(), "text/plain"),
    ],
)
def test_bytes_beat_name_and_declared_type(
    reader: DocumentReader, name: str, declared: str, content: bytes, media_type: str
) -> None:
    result = one(reader, content, name, declared)
    assert isinstance(result, Accepted)
    assert result.media_type == media_type


def test_a_hybrid_pdf_is_read_from_its_xml(reader: DocumentReader) -> None:
    page = "Rechnung 471102\nTotal 529,87 EUR\nIBAN DE02 1203 0000 0000 2020 51"
    files = {"attachment.xml": b"<note/>", "factur-x.xml": cii().encode()}
    reading = accepted(reader, rewritten(pdf(page), attach=files)).reading
    assert (reading.basis, reading.confidence, reading.document_class) == ("structured", 1.0, "invoice")
    assert reading.fields["supplier"] == "Lieferant GmbH"
    assert "Rechnung 471102" in reading.text
    assert reading.contested == frozenset()


def test_a_hybrid_pdf_that_says_two_things_is_noticed(reader: DocumentReader) -> None:
    page = "Rechnung 471102\nTotal 52,87 EUR\nIBAN DE12 5001 0517 0648 4898 90"
    reading = accepted(reader, rewritten(pdf(page), attach={"factur-x.xml": cii().encode()})).reading
    assert reading.contested == {"total_amount", "amount_due", "iban"}
    odd = [warning.partition(":")[0] for warning in reading.warnings if "the page says" in warning]
    assert odd == ["total_amount", "amount_due", "iban"]


@pytest.mark.parametrize("broken", [b"", b"<a>", b"<!DOCTYPE a><a/>", b"<unknown/>"])
def test_a_broken_embedded_xml_leaves_the_pages(reader: DocumentReader, broken: bytes) -> None:
    reading = accepted(reader, rewritten(pdf(INVOICE_TEXT), attach={"factur-x.xml": broken})).reading
    assert reading.basis == "title_rule"
    assert reading.fields["invoice_number"] == "RE-2026/0042"


def test_a_scan_needs_a_person(reader: DocumentReader) -> None:
    reading = accepted(reader, pdf("")).reading
    assert (reading.document_class, reading.abstained, reading.basis) == ("other", True, "none")
    assert "OCR" in reading.warnings[0]
    assert set(reading.fields.values()) == {None}


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b"x" * 25_000_000, "too_large"),
        (b"%PDF-1.7\n" + b"x" * 100, "malformed_pdf"),
        (rewritten(pdf("x"), password="p"), "encrypted_pdf"),
        (b"text with \x00 inside", "unsupported"),
        (b"\x81\x8d\x8f", "encoding"),
        (b"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>", "doctype"),
        (b"<a>", "malformed_xml"),
        (b'{"a": ', "malformed_json"),
        (b"invoice_no,vendor_id,amount\n1,V,5\n", "missing_columns"),
        (b"PK\x03\x04", "unsupported"),
    ],
)
def test_rejected_with_a_code_and_advice(reader: DocumentReader, content: bytes, code: str) -> None:
    result = one(reader, content)
    assert isinstance(result, Rejected)
    assert result.reason_code == code
    assert result.reason.endswith(".")


def test_settings_reach_the_rows(pool: PdfPool) -> None:
    reader = DocumentReader(None, pool, columns={"amount": "Net"}, default_currency="CHF", size_limit=200)
    rows = one(reader, b"invoice_id,customer_id,posting_date,due_date,net\n1,C,2026-01-01,2026-01-31,5\n")
    assert isinstance(rows, RowFile)
    assert (rows.rows[0].values["amount"], rows.rows[0].values["currency"]) == ("5.00", "CHF")
    assert isinstance(one(reader, b"x" * 201), Rejected)


def test_cp1252_text_says_so(reader: DocumentReader) -> None:
    reading = accepted(reader, "Rechnung für Müller, Straße 5, Größe".encode("cp1252")).reading
    assert "Müller" in reading.text
    assert "read as cp1252" in reading.warnings


def test_a_bank_statement_in_an_old_code_page(reader: DocumentReader) -> None:
    content = ":20:A\n:25:1\n:60F:C260102HUF1,00\n:61:2601020102D9,50N192X\n\xa0\x81\n:62F:C260103HUF2,00\n".encode(
        "latin-1"
    )
    assert accepted(reader, content).reading.document_class == "bank_statement"


def test_a_contract_has_no_invoice_fields(reader: DocumentReader) -> None:
    text = "NON-DISCLOSURE AGREEMENT\nThis agreement is dated 01.02.2026.\nTotal 1.000,00 EUR\nInvoice no. 12345\n"
    reading = accepted(reader, text.encode()).reading
    if reading.document_class == "contract":
        assert set(reading.fields.values()) == {None}
    assert reading.confidence is None


def test_a_model_answers_where_no_title_does(pool: PdfPool) -> None:
    words = {
        "invoice": "please pay amount net tax bank",
        "contract": "hereby parties agree liability clause law",
        "delivery_note": "goods pallets weight carrier packed shipped",
    }
    texts = [f"{body} {n} {body}" for n in range(12) for body in words.values()]
    labels = [label for _ in range(12) for label in words]
    model = DocumentClassifier(folds=2).fit(texts, labels)
    results = DocumentReader(model, pool).read([Incoming("a", f"{words['contract']} 5 {words['contract']}".encode())])
    (result,) = results
    assert isinstance(result, Accepted)
    assert result.reading.document_class in ("contract", "other")
    assert result.reading.abstained is (result.reading.document_class == "other")


@settings(max_examples=100, deadline=None)
@given(st.lists(st.binary(max_size=200).map(lambda noise: noise.replace(b"%PDF-", b"")), max_size=4))
def test_any_bytes_get_one_answer_each(contents: list[bytes]) -> None:
    with PdfPool(size=1) as pool:
        results = DocumentReader(None, pool).read([Incoming(str(n), content) for n, content in enumerate(contents)])
    assert [result.name for result in results] == [str(n) for n in range(len(contents))]
    for result in results:
        if isinstance(result, Accepted):
            assert result.reading.document_class in DOCUMENT_CLASSES
            assert set(result.reading.as_dict()["fields"]) == set(FIELD_NAMES)
            result.reading.text.encode()


@pytest.mark.shared
def test_every_public_document_gets_an_answer(shared: Path, reader: DocumentReader) -> None:
    """No crash over the whole collection; structure alone names what has a structure."""
    folder = shared / "documents"
    paths = sorted(
        path for path in folder.rglob("*") if path.is_file() and path.suffix not in (".json", ".jsonl", ".csv")
    )
    results = reader.read([Incoming(path.relative_to(folder).as_posix(), path.read_bytes()) for path in paths])
    counts = Counter((result.name.split("/")[0], isinstance(result, Accepted)) for result in results)
    assert not [key for key in counts if key[1] is False], [r for r in results if isinstance(r, Rejected)]
    classes: dict[str, Counter[str]] = {}
    for result in results:
        assert isinstance(result, Accepted)
        classes.setdefault(result.name.split("/")[0], Counter())[result.reading.document_class] += 1
    assert set(classes["einvoice_xml"]) == set(classes["hybrid_pdf"]) == {"invoice", "credit_note"}
    assert classes["bank"]["bank_statement"] >= 55
