"""E-invoices, other UBL documents and bank statements are read by path; hostile XML is refused."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.intake import bank, einvoice, xml
from governance.case import FIELD_NAMES, Reading
from governance.errors import Unreadable
from tests.api.intake_samples import SUPPLIER, cii, ubl


def read(document: str | bytes) -> Reading:
    return einvoice.read(xml.parse(document if isinstance(document, bytes) else document.encode()))


def test_ubl_fields() -> None:
    reading = read(ubl())
    assert dict(reading.fields) == {
        "supplier": "Nordlicht Energie GmbH",
        "supplier_vat_id": "DE136695976",
        "invoice_number": "RE-2026/0042",
        "issue_date": "2026-03-01",
        "due_date": "2026-03-31",
        "currency": "EUR",
        "total_amount": "1190.00",
        "amount_due": "190.00",
        "iban": "DE02120300000000202051",
        "purchase_order": "PO-778",
    }
    assert (reading.document_class, reading.confidence, reading.basis) == ("invoice", 1.0, "structured")
    assert reading.warnings == ()


def test_cii_fields_with_compact_dates_and_the_order_at_the_lines() -> None:
    reading = read(cii())
    assert dict(reading.fields) == {
        "supplier": "Lieferant GmbH",
        "supplier_vat_id": "DE123456789",
        "invoice_number": "471102",
        "issue_date": "2018-04-13",
        "due_date": "2018-05-13",
        "currency": "EUR",
        "total_amount": "529.87",
        "amount_due": "529.87",
        "iban": "DE02120300000000202051",
        "purchase_order": "PO-9",
    }
    assert any("supplier_vat_id" in warning for warning in reading.warnings), "a wrong checksum is a warning"


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (ubl("CreditNote", type_code="381"), "credit_note"),
        (ubl(type_code="381"), "credit_note"),
        (ubl(type_code="261"), "credit_note"),
        (ubl(type_code="384"), "invoice"),
        (cii("381"), "credit_note"),
        (cii("389"), "invoice"),
        (ubl("Order", body="<cbc:ID>1</cbc:ID>"), "purchase_order"),
        (ubl("OrderResponse", body="<cbc:ID>1</cbc:ID>"), "order_response"),
        (ubl("DespatchAdvice", body="<cbc:ID>1</cbc:ID>"), "delivery_note"),
        (ubl("ReceiptAdvice", body="<cbc:ID>1</cbc:ID>"), "delivery_note"),
        (ubl("Reminder", body="<cbc:ID>1</cbc:ID>"), "payment_reminder"),
        (ubl("Statement", body="<cbc:ID>1</cbc:ID>"), "statement_of_account"),
        (ubl("RemittanceAdvice", body="<cbc:ID>1</cbc:ID>"), "remittance_advice"),
        (ubl("ApplicationResponse", body="<cbc:ID>1</cbc:ID>"), "other"),
    ],
)
def test_root_and_type_code_name_the_class(document: str, expected: str) -> None:
    reading = read(document)
    assert (reading.document_class, reading.abstained, reading.basis) == (expected, False, "structured")


def test_an_order_brings_its_own_number_and_supplier() -> None:
    order = ubl("Order", body="<cbc:ID>PO-1</cbc:ID><cbc:IssueDate>2026-01-02</cbc:IssueDate>")
    assert read(order).fields["purchase_order"] == "PO-1"
    assert read(order).fields["invoice_number"] is None


@pytest.mark.parametrize(
    "root", ["<Invoice><ID>1</ID></Invoice>", '<a xmlns="urn:x"/>', '<Order xmlns="http://shop"/>']
)
def test_an_unknown_root_is_other_and_a_person_must_say(root: str) -> None:
    reading = read(root)
    assert (reading.document_class, reading.abstained, reading.confidence) == ("other", True, None)
    assert "unknown XML root" in reading.warnings[0]


def test_an_incomplete_invoice_gets_no_promise() -> None:
    reading = read(ubl(body=f"<cbc:ID>1</cbc:ID>{SUPPLIER}"))
    assert reading.confidence is None
    assert "issue_date, currency, total_amount" in " ".join(reading.warnings)


def test_odd_values_are_named() -> None:
    warnings = " ".join(
        read(ubl(total="-1.005").replace("DE02 1203", "DE03 1203").replace("2026-03-31", "soon")).warnings
    )
    for part in ("negative", "not a valid IBAN", "'soon' is not a date", "has more"):
        assert part in warnings
    assert read(ubl(total="1.005")).fields["total_amount"] == "1.005", "as stated; the law treats it as unknown"


XXE = '<!DOCTYPE Invoice [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
LAUGHS = (
    '<!DOCTYPE a [<!ENTITY a0 "ha">' + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10)) + "]>"
)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ((XXE + ubl().replace("RE-2026", "&x;")).encode(), "doctype"),
        ((LAUGHS + "<a>&a9;</a>").encode(), "doctype"),
        (f"<!-- {'x' * 100_000} -->{XXE}<a/>".encode(), "doctype"),
        ((XXE + "<a/>").encode("utf-16"), "doctype"),
        (("<?xml version='1.0' encoding='cp037'?>" + XXE + "<a/>").encode("cp037"), "malformed_xml"),
        (b"<!DOCTYPE html><html/>", "doctype"),
        (ubl()[:-10].encode(), "malformed_xml"),
        (b"", "malformed_xml"),
        (b"<a>\xff\xfe</a>", "malformed_xml"),
        (b"<?xml version='1.0' encoding='utf-8'?><a>M\xfcller</a>", "malformed_xml"),
        (b"<?xml version='1.0' encoding='klingon'?><a>M\xfcller</a>", "malformed_xml"),
        (b"<a>&undefined;</a>", "malformed_xml"),
        (b"<a>" * 5000 + b"</a>" * 5000, "malformed_xml"),
        (b"<a>" + b"x" * 11_000_000 + b"</a>", "malformed_xml"),
    ],
)
def test_hostile_xml_is_refused_with_a_reason(content: bytes, code: str) -> None:
    with pytest.raises(Unreadable) as refusal:
        xml.parse(content)
    assert refusal.value.extensions["reason_code"] == code
    assert "Ask the sender" in refusal.value.detail
    assert "root:" not in refusal.value.detail


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "iso-8859-1"])
def test_encodings(encoding: str) -> None:
    declared = encoding.removesuffix("-sig")
    document = f'<?xml version="1.0" encoding="{declared}"?>' + ubl().replace("Nordlicht\n", "Müller Größe\n")
    assert read(document.encode(encoding)).fields["supplier"] == "Müller Größe Energie GmbH"


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400), st.integers(min_value=0, max_value=400))
def test_a_damaged_invoice_is_read_or_refused(noise: bytes, at: int) -> None:
    document = ubl().encode()
    try:
        reading = read(document[:at] + noise + document[at + len(noise) :])
    except Unreadable:
        return
    assert set(reading.fields) == set(FIELD_NAMES)


MT940 = (
    "{1:F01BANKDEFF}{4:\n:20:STARTUMS\n:25:DE02120300000000202051EUR\n:28C:0001\n:60F:C260102EUR100,00\n"
    ":61:2601020102D9,50N192NONREF\n:86:Miete\n:62F:C260103EUR90,50\n-}"
)


def test_mt940() -> None:
    assert bank.is_mt940(MT940)
    reading = bank.read_mt940(MT940)
    assert (reading.document_class, reading.confidence, reading.basis) == ("bank_statement", 1.0, "structured")
    assert reading.fields["iban"] == "DE02120300000000202051"
    assert (reading.fields["currency"], reading.fields["issue_date"]) == ("EUR", "2026-01-03")


def test_mt940_with_a_day_that_is_none() -> None:
    reading = bank.read_mt940(MT940.replace("C260103", "C260230"))
    assert reading.fields["issue_date"] is None
    assert reading.confidence is None
    assert "260230" in reading.warnings[0]


@pytest.mark.parametrize(
    "text", ["", "Invoice 12", ":NS:", ":20:x\n:32A:260102EUR5,\n:50K:A\n:59:B", "at 61:5 we met", "1\n2"]
)
def test_other_text_is_no_statement(text: str) -> None:
    assert not bank.is_mt940(text)


def test_camt() -> None:
    document = (
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"><BkToCstmrStmt><Stmt>'
        "<CreDtTm>2026-03-10T18:43:50+00:00</CreDtTm><Acct><Id><IBAN>NL26VAYB8060476890</IBAN></Id></Acct>"
        '<Bal><Amt Ccy="EUR">1.00</Amt></Bal></Stmt></BkToCstmrStmt></Document>'
    )
    root = xml.parse(document.encode())
    assert bank.is_camt(root)
    reading = bank.read_camt(root)
    assert (reading.document_class, reading.confidence) == ("bank_statement", 1.0)
    assert reading.fields["iban"] == "NL26VAYB8060476890"
    assert (reading.fields["currency"], reading.fields["issue_date"]) == ("EUR", "2026-03-10")
    payment = '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.03"/>'
    assert not bank.is_camt(xml.parse(payment.encode()))


TRUTH = {
    "supplier": "supplier", "number": "invoice_number", "date": "issue_date", "due": "due_date", "currency": "currency",
    "total": "total_amount", "payable": "amount_due", "vat": "supplier_vat_id", "iban": "iban", "po": "purchase_order",
}  # fmt: skip


def comparable(name: str, value: str | None) -> str | Decimal | None:
    if value is None:
        return None
    if name in ("total", "payable"):
        return Decimal(value)
    return "".join(value.split()).replace("-", "" if name in ("date", "due") else "-")


@pytest.mark.shared
def test_public_e_invoices(shared: Path) -> None:
    """Every stated field of the public test suites, against a reader that we did not write."""
    right: dict[str, list[bool]] = {name: [] for name in TRUTH}
    for entry in json.loads((shared / "documents/expected_fields.json").read_text()):
        expected = entry["expected"]
        path = shared / "documents" / entry["file"]
        if expected.get("fmt") not in ("UBL", "CII") or path.suffix != ".xml":
            continue
        reading = read(path.read_bytes())
        for name, ours in TRUTH.items():
            if expected[name] is not None:
                right[name].append(comparable(name, reading.fields[ours]) == comparable(name, expected[name]))
    assert len(right["number"]) > 150
    for name in ("supplier", "number", "date", "currency", "total", "payable", "due"):
        assert all(right[name]), name
    for name in ("vat", "iban", "po"):
        assert sum(right[name]) >= 0.99 * len(right[name]), name
