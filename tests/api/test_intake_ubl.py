"""Every UBL document type and cross industry message: its class, and the fields that it has."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.intake import cii, einvoice, ubl, xml
from governance.case import DOCUMENT_CLASSES, FIELD_NAMES, Reading
from tests.api import intake_samples
from tests.api.intake_samples import UBL_NAMESPACES


def read(document: str) -> Reading:
    return einvoice.read(xml.parse(document.encode()))


def document(root: str, body: str) -> str:
    return f'<{root} xmlns="urn:oasis:names:specification:ubl:schema:xsd:{root}-2" {UBL_NAMESPACES}>{body}</{root}>'


def nest(steps: str, inside: str, currency: str | None = None) -> str:
    """`A/B` around a text or around elements: a text stands in a basic component, all else is aggregate."""
    *outer, last = steps.split("/")
    attribute = f' currencyID="{currency}"' if currency else ""
    kind = "cac" if inside.startswith("<") else "cbc"
    found = f"<{kind}:{last}{attribute}>{inside}</{kind}:{last}>"
    for name in reversed(outer):
        found = f"<cac:{name}>{found}</cac:{name}>"
    return found


def party(role: str, name: str, vat_id: str = "") -> str:
    inner = nest("PartyName/Name", name)
    if vat_id:
        inner += nest("PartyTaxScheme", nest("CompanyID", vat_id) + nest("TaxScheme/ID", "VAT"))
    return nest(role if role in BARE else f"{role}/Party", inner)


BARE = frozenset({"SenderParty", "ReceiverParty", "ProviderParty"})
HEAD = "<cbc:ID>D-1</cbc:ID><cbc:IssueDate>2026-02-03</cbc:IssueDate>"
SELLER, BUYER = party("SellerSupplierParty", "Lieferant AB"), party("BuyerCustomerParty", "Spital")
CREDITOR, DEBTOR = party("AccountingSupplierParty", "Lieferant AB"), party("AccountingCustomerParty", "Spital")


def stated(reading: Reading) -> dict[str, str]:
    return {name: value for name, value in reading.fields.items() if value is not None}


def test_order_change_names_the_order_that_it_changes() -> None:
    body = f"{HEAD}{nest('OrderReference/ID', 'PO-1')}{BUYER}{SELLER}"
    reading = read(document("OrderChange", body))
    assert stated(reading) == {"supplier": "Lieferant AB", "issue_date": "2026-02-03", "purchase_order": "PO-1"}
    assert reading.details["document_number"] == "D-1"
    assert reading.details["buyer"] == "Spital"
    own = read(document("Order", body))
    assert own.fields["purchase_order"] == "D-1", "an order is its own; what it refers to is another"


def test_order_response_says_whether_the_order_is_taken() -> None:
    body = HEAD + nest("OrderResponseCode", "RE") + nest("OrderReference/ID", "PO-1") + SELLER
    reading = read(document("OrderResponse", body))
    assert reading.document_class == "order_response"
    assert (reading.fields["purchase_order"], reading.details["response_code"]) == ("PO-1", "RE")
    assert reading.fields["invoice_number"] is None, "its own number is no invoice number"


@pytest.mark.parametrize("role", ["DespatchSupplierParty", "SellerSupplierParty"])
def test_despatch_advice_takes_the_order_from_its_lines_where_they_agree(role: str) -> None:
    line = nest("DespatchLine/OrderLineReference/OrderReference/ID", "{}")
    same = read(document("DespatchAdvice", HEAD + party(role, "Lieferant AB") + line.format("PO-1") * 2))
    assert (same.document_class, same.fields["supplier"]) == ("delivery_note", "Lieferant AB")
    assert same.fields["purchase_order"] == "PO-1"
    other = read(document("DespatchAdvice", HEAD + line.format("PO-1") + line.format("PO-2")))
    assert other.fields["purchase_order"] is None
    assert other.details["orders"] == ["PO-1", "PO-2"]


def reference(number: str) -> str:
    return nest("BillingReference/InvoiceDocumentReference/ID", number)


def test_reminder() -> None:
    body = f"""{HEAD}<cbc:DocumentCurrencyCode>EUR</cbc:DocumentCurrencyCode>{CREDITOR}{DEBTOR}
      <cac:PaymentMeans><cbc:PaymentDueDate>2026-02-17</cbc:PaymentDueDate>
        <cac:PayeeFinancialAccount><cbc:ID>DE02120300000000202051</cbc:ID></cac:PayeeFinancialAccount></cac:PaymentMeans>
      <cac:LegalMonetaryTotal><cbc:PayableAmount currencyID="EUR">55.50</cbc:PayableAmount></cac:LegalMonetaryTotal>
      <cac:ReminderLine>{reference("RE-7")}</cac:ReminderLine>"""
    reading = read(document("Reminder", body))
    assert reading.document_class == "payment_reminder"
    assert stated(reading) == {
        "supplier": "Lieferant AB", "issue_date": "2026-02-03", "due_date": "2026-02-17", "currency": "EUR",
        "total_amount": "55.50", "iban": "DE02120300000000202051", "invoice_number": "RE-7",
    }  # fmt: skip
    assert reading.warnings == ()


def test_remittance_advice_of_several_bills_names_them_all_and_none_alone() -> None:
    lines = "".join(f"<cac:RemittanceAdviceLine>{reference(n)}</cac:RemittanceAdviceLine>" for n in ("RE-7", "RE-8"))
    body = f'{HEAD}<cbc:TotalPaymentAmount currencyID="GBP">107.50</cbc:TotalPaymentAmount>{CREDITOR}{lines}'
    reading = read(document("RemittanceAdvice", body))
    assert stated(reading) == {
        "supplier": "Lieferant AB", "issue_date": "2026-02-03", "currency": "GBP", "total_amount": "107.50",
    }  # fmt: skip
    assert reading.details["references"] == ["RE-7", "RE-8"]


def test_a_statement_may_be_about_what_was_due_before_it() -> None:
    due, total = nest("PaymentMeans/PaymentDueDate", "2026-01-01"), nest("TotalBalanceAmount", "9.00", "EUR")
    body = HEAD + due + total + CREDITOR
    reading = read(document("Statement", body))
    assert (reading.document_class, reading.fields["total_amount"]) == ("statement_of_account", "9.00")
    assert reading.warnings == ()


def test_application_response_is_other_and_says_to_what() -> None:
    answer = nest("Response/ResponseCode", "RE") + nest("DocumentReference/ID", "RE-7")
    parties = party("SenderParty", "Spital") + party("ReceiverParty", "Lieferant AB")
    body = HEAD + parties + nest("DocumentResponse", answer)
    reading = read(document("ApplicationResponse", body))
    assert (reading.document_class, reading.abstained) == ("other", False)
    assert reading.details["response_code"] == "RE"
    assert reading.details["references"] == ["RE-7"]
    assert reading.fields["supplier"] == "Spital", "whoever sends it"


def test_debit_note_has_its_total_elsewhere() -> None:
    amounts = nest("TaxInclusiveAmount", "12.00", "EUR") + nest("PayableAmount", "11.00", "EUR")
    total = nest("RequestedMonetaryTotal", amounts)
    reading = read(document("DebitNote", HEAD + CREDITOR + total))
    assert (reading.document_class, reading.fields["total_amount"], reading.fields["amount_due"]) == (
        "invoice",
        "12.00",
        "11.00",
    )
    assert reading.confidence == 1.0


def test_a_pro_forma_invoice_is_no_bill() -> None:
    reading = read(intake_samples.ubl(type_code="325"))
    assert (reading.document_class, reading.abstained) == ("other", False)
    assert read(intake_samples.cii("325")).document_class == "other"


def test_roots_lead_to_classes_of_the_design() -> None:
    assert set(ubl.CLASSES.values()) | set(cii.CLASSES.values()) <= set(DOCUMENT_CLASSES)


def test_a_bill_to_oneself_is_odd() -> None:
    vat = "DE136695976"
    same = document(
        "Invoice",
        HEAD + party("AccountingSupplierParty", "A GmbH", vat) + party("AccountingCustomerParty", "B GmbH", vat),
    )
    assert [one.code for one in read(same).findings if one.code == "same_party"] == ["same_party"]
    name = document(
        "Invoice", HEAD + party("AccountingSupplierParty", "A GmbH") + party("AccountingCustomerParty", "A")
    )
    assert "the buyer has the same name" in " ".join(read(name).warnings)
    other = document(
        "Invoice", HEAD + party("AccountingSupplierParty", "A GmbH", vat) + party("AccountingCustomerParty", "B GmbH")
    )
    assert not [one for one in read(other).findings if one.code == "same_party"]


def test_due_before_issued_is_told_with_both_days() -> None:
    reading = read(intake_samples.ubl().replace("2026-03-31", "2026-02-27"))
    (found,) = [one for one in reading.findings if one.code == "date_order"]
    assert found.values == {"due_date": "2026-02-27", "issue_date": "2026-03-01"}
    assert found.detail in reading.warnings
    assert reading.as_dict()["findings"][0]["code"] == "date_order"


def test_findings_name_field_and_value() -> None:
    reading = read(intake_samples.ubl().replace("DE02 1203", "DE03 1203"))
    (found,) = reading.findings
    assert (found.code, found.fields, found.values["stated"]) == ("iban_checksum", ("iban",), "DE03120300000000202051")


def test_the_envelope_of_a_network_is_opened() -> None:
    space = "http://www.unece.org/cefact/namespaces/StandardBusinessDocumentHeader"
    inside = intake_samples.ubl()
    name = "StandardBusinessDocument"
    wrapped = f'<{name} xmlns="{space}"><StandardBusinessDocumentHeader/>{inside}</{name}>'
    assert dict(read(wrapped).fields) == dict(read(inside).fields)
    empty = read(f'<StandardBusinessDocument xmlns="{space}"/>')
    assert (empty.document_class, empty.abstained) == ("other", True)


@pytest.mark.parametrize(
    ("root", "told"),
    [
        ('<Facturae xmlns="http://www.facturae.es/Facturae/2014/v3.2.1/Facturae"/>', "Facturae (Spain)"),
        ('<Invoice xmlns="http://www.ebinterface.at/schema/6p1/"/>', "ebInterface (Austria)"),
        ("<Whatever/>", None),
    ],
)
def test_other_formats_are_other_and_told_by_name(root: str, told: str | None) -> None:
    reading = read(root)
    assert (reading.document_class, reading.abstained, reading.confidence) == ("other", True, None)
    assert told is None or told in reading.warnings[0]


def test_comments_and_instructions_are_not_text() -> None:
    odd = intake_samples.ubl().replace("<cbc:ID>RE", "<?pay now?><!-- pay at once --><cbc:ID><!-- x -->RE")
    reading = read(odd)
    assert reading.fields["invoice_number"] == "RE-2026/0042"
    assert "pay" not in reading.text


@pytest.mark.shared
def test_every_public_document_is_read(shared: Path) -> None:
    folders = [shared / "documents" / name for name in ("ubl_other", "einvoice_xml")]
    files = [path for folder in folders for path in sorted(folder.rglob("*.xml"))]
    assert len(files) > 200
    for path in files:
        root = xml.parse(path.read_bytes())
        reading = einvoice.read(root)
        assert not reading.abstained, path.name
        if ubl.is_ubl(root):
            assert reading.document_class == (ubl.CLASSES.get(xml.local_name(root), "other")), path.name
        assert set(reading.fields) == set(FIELD_NAMES)
        assert reading.fields["issue_date"], path.name


def test_absurdly_long_values_are_cut_and_told() -> None:
    reading = read(intake_samples.ubl().replace("Energie GmbH", "x" * 100_000).replace("PO-778", "9" * 501))
    assert {len(reading.fields[name] or "") for name in ("supplier", "purchase_order")} == {500}
    assert {one.fields[0] for one in reading.findings} == {"supplier", "purchase_order"}
