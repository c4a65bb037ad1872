"""Electronic invoices and their relatives: UBL 2.x and UN/CEFACT CII, read by path, never guessed.

Sources: EN 16931-3-2 (UBL) and -3-3 (CII) syntax bindings, OASIS UBL 2.1, ZUGFeRD 1.0 (`CrossIndustryDocument`),
Order-X 1.0 (`SCRDMCCBDACIOMessageStructure`), UNTDID 1001 for the type codes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from schwifty import IBAN
from schwifty.exceptions import SchwiftyException

from api.intake import xml
from api.intake.xml import Element
from governance.case import FIELD_NAMES, Reading, parse_amount
from governance.errors import Malformed
from models import identifiers

UBL_CLASSES = {
    "Invoice": "invoice", "SelfBilledInvoice": "invoice", "FreightInvoice": "invoice", "DebitNote": "invoice",
    "CreditNote": "credit_note", "SelfBilledCreditNote": "credit_note",
    "Order": "purchase_order", "OrderChange": "purchase_order", "OrderCancellation": "purchase_order",
    "OrderResponse": "order_response", "OrderResponseSimple": "order_response",
    "DespatchAdvice": "delivery_note", "ReceiptAdvice": "delivery_note",
    "Statement": "statement_of_account", "RemittanceAdvice": "remittance_advice", "Reminder": "payment_reminder",
}  # fmt: skip
"""UBL 2.x roots; every other UBL root (ApplicationResponse, Catalogue, Waybill …) is `other`."""

CREDIT_CODES = frozenset({"81", "83", "261", "262", "296", "308", "381", "396", "420", "458", "532"})
_ORDER_CODES = {"220": "purchase_order", "230": "purchase_order", "231": "order_response"}
_INVOICE_CLASSES = frozenset({"invoice", "credit_note"})
_REQUIRED = ("supplier", "invoice_number", "issue_date", "currency", "total_amount")
_UBL_NAMESPACE = re.compile(r"urn:oasis:names:(specification|tc):ubl:(schema:xsd:)?\w+[-:][12]", re.IGNORECASE)
_ISO_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})(Z|[+-]\d{2}:\d{2}|T\S*)?")


@dataclass(slots=True)
class _Found:
    """What was read so far; warnings are for people."""

    fields: dict[str, str | None]
    warnings: list[str]

    def text(self, name: str, value: str | None) -> None:
        self.fields[name] = value

    def date(self, name: str, value: str | None) -> None:
        if value is None:
            return
        iso = _iso_date(value)
        if iso is None:
            self.warnings.append(f"{name}: {value[:40]!r} is not a date")
        self.fields[name] = iso

    def amount(self, name: str, value: str | None) -> None:
        if value is None:
            return
        try:
            self.fields[name] = str(parse_amount(value, self.fields.get("currency") or "EUR"))
        except Malformed as error:
            self.warnings.append(f"{name}: {error.detail}")
            self.fields[name] = _plain_decimal(value)


def read(root: Element) -> Reading:
    """The reading of one XML document. An unknown root is `other` and abstains."""
    name, space = xml.local_name(root), xml.namespace(root)
    found = _Found(dict.fromkeys(FIELD_NAMES), [])
    if _UBL_NAMESPACE.match(space):
        document_class = _read_ubl(root, name, found)
    elif name in {"CrossIndustryInvoice", "CrossIndustryDocument", "SCRDMCCBDACIOMessageStructure"}:
        document_class = _read_cii(root, found)
    else:
        found.warnings.append(f"unknown XML root {name[:60]!r}: nothing was read from it")
        return _reading(root, "other", None, True, found)
    _check_account(found)
    _check_vat_id(found)
    certain = True
    if document_class in _INVOICE_CLASSES:
        certain = _check_invoice(found)
    return _reading(root, document_class, 1.0 if certain else None, False, found)


def _reading(root: Element, document_class: str, confidence: float | None, abstained: bool, found: _Found) -> Reading:
    return Reading(
        document_class=document_class,
        # The root names the class: no estimate is involved. An incomplete document gets no such promise.
        confidence=confidence,
        abstained=abstained,
        basis="structured",
        fields=found.fields,
        field_confidence={},
        warnings=tuple(found.warnings),
        text=xml.running_text(root),
    )


def _read_ubl(root: Element, name: str, found: _Found) -> str:
    document_class = UBL_CLASSES.get(name, "other")
    code = xml.first_text(root, "InvoiceTypeCode", "CreditNoteTypeCode")
    if document_class == "invoice" and code in CREDIT_CODES:
        document_class = "credit_note"
    found.text("currency", xml.first_text(root, "DocumentCurrencyCode") or _total_currency(root))
    found.date("issue_date", xml.first_text(root, "IssueDate"))
    supplier = _ubl_supplier(root)
    if supplier is not None:
        found.text("supplier", xml.first_text(supplier, "PartyLegalEntity/RegistrationName", "PartyName/Name"))
        found.text("supplier_vat_id", _ubl_vat_id(supplier))
    if document_class in _INVOICE_CLASSES:
        found.text("invoice_number", xml.first_text(root, "ID"))
        order = xml.first_text(root, "OrderReference/ID")
        found.text("purchase_order", order or _only_one(root, ".//OrderLineReference/OrderReference/ID"))
        found.date("due_date", xml.first_text(root, "DueDate", "PaymentMeans/PaymentDueDate"))
        found.text("iban", xml.first_text(root, "PaymentMeans/PayeeFinancialAccount/ID"))
        found.amount("total_amount", xml.first_text(root, "LegalMonetaryTotal/TaxInclusiveAmount"))
        found.amount("amount_due", xml.first_text(root, "LegalMonetaryTotal/PayableAmount"))
    elif document_class != "other":
        own_number = name in {"Order", "OrderChange"}
        found.text("purchase_order", xml.first_text(root, "ID" if own_number else "OrderReference/ID"))
        found.text("invoice_number", _only_one(root, ".//BillingReference/InvoiceDocumentReference/ID"))
        found.amount("total_amount", xml.first_text(root, *_UBL_TOTALS))
    return document_class


_UBL_TOTALS = (
    "AnticipatedMonetaryTotal/TaxInclusiveAmount", "AnticipatedMonetaryTotal/PayableAmount", "TotalPaymentAmount",
    "TotalBalanceAmount", "LegalMonetaryTotal/PayableAmount",
)  # fmt: skip


def _ubl_supplier(root: Element) -> Element | None:
    for steps in ("AccountingSupplierParty", "SellerSupplierParty", "DespatchSupplierParty"):
        party = xml.find(root, steps + "/Party")
        if party is not None:
            return party
    return None


def _ubl_vat_id(party: Element) -> str | None:
    """The VAT registration (BT-31); local tax numbers and statements such as `F-skatt` are something else."""
    vat = [e for e in xml.find_all(party, "PartyTaxScheme") if xml.first_text(e, "TaxScheme/ID") in {"VAT", "VA"}]
    return next((value for scheme in vat if (value := xml.first_text(scheme, "CompanyID"))), None)


def _total_currency(root: Element) -> str | None:
    for steps in ("LegalMonetaryTotal/PayableAmount", "AnticipatedMonetaryTotal/PayableAmount", "TotalPaymentAmount"):
        amount = xml.find(root, steps)
        if amount is not None and amount.get("currencyID"):
            return str(amount.get("currencyID"))
    return None


def _read_cii(root: Element, found: _Found) -> str:
    document = next(
        (e for e in root if xml.local_name(e) in {"ExchangedDocument", "HeaderExchangedDocument"}), None
    )  # D16B and ZUGFeRD 1
    trade = next((e for e in root if xml.local_name(e).endswith("SupplyChainTradeTransaction")), None)
    code = xml.first_text(document, "TypeCode") if document is not None else None
    is_order = xml.local_name(root) == "SCRDMCCBDACIOMessageStructure"
    document_class = "credit_note" if code in CREDIT_CODES else "invoice"
    if is_order:
        document_class = _ORDER_CODES.get(code or "220", "purchase_order")
    number = None
    if document is not None:
        number = xml.first_text(document, "ID")
        found.date("issue_date", _cii_date(document, ["IssueDateTime"]))
    found.text("purchase_order" if is_order and code != "231" else "invoice_number", None if code == "231" else number)
    if trade is not None:
        _read_cii_trade(trade, found, is_order)
    return document_class


def _read_cii_trade(trade: Element, found: _Found, is_order: bool) -> None:
    agreement, settlement = _child(trade, "HeaderTradeAgreement"), _child(trade, "HeaderTradeSettlement")
    if agreement is not None:
        found.text("supplier", xml.first_text(agreement, "SellerTradeParty/Name"))
        found.text("supplier_vat_id", _cii_vat_id(agreement))
        if not found.fields["purchase_order"]:
            at_line = (".//BuyerOrderReferencedDocument/IssuerAssignedID", ".//BuyerOrderReferencedDocument/ID")
            order = xml.first_text(agreement, *_CII_ORDER) or _only_one(trade, *at_line)
            found.text("purchase_order", order)
    if settlement is None:
        return
    found.text("currency", xml.first_text(settlement, "InvoiceCurrencyCode", "OrderCurrencyCode"))
    found.text("iban", xml.first_text(settlement, *_CII_ACCOUNT))
    found.date("due_date", _cii_date(settlement, ["SpecifiedTradePaymentTerms/DueDateDateTime"]))
    total = next((e for e in settlement if xml.local_name(e).endswith("MonetarySummation")), None)
    if total is not None:
        found.amount("total_amount", xml.first_text(total, "GrandTotalAmount"))
        if not is_order:
            found.amount("amount_due", xml.first_text(total, "DuePayableAmount"))


_CII_ORDER = ("BuyerOrderReferencedDocument/IssuerAssignedID", "BuyerOrderReferencedDocument/ID")
_CII_ACCOUNT = tuple(
    f"SpecifiedTradeSettlementPaymentMeans/PayeePartyCreditorFinancialAccount/{tail}"
    for tail in ("IBANID", "ProprietaryID")
)


def _child(parent: Element, ending: str) -> Element | None:
    """CII names its headers Applicable…, ZUGFeRD 1 ApplicableSupplyChain…: only the ending is the same."""
    tail = ending.removeprefix("Header")
    return next((e for e in parent if xml.local_name(e).endswith(tail)), None)


def _cii_date(parent: Element, choices: Iterable[str]) -> str | None:
    return xml.first_text(parent, *(f"{steps}/{kind}" for steps in choices for kind in ("DateTimeString", "DateTime")))


def _cii_vat_id(agreement: Element) -> str | None:
    registrations = xml.find_all(agreement, "SellerTradeParty/SpecifiedTaxRegistration/ID")
    return next((value for e in registrations if e.get("schemeID") == "VA" and (value := xml.text(e))), None)


def _only_one(root: Element, *choices: str) -> str | None:
    """A reference that stands at the lines, where all lines agree."""
    values = {value for steps in choices for e in xml.find_all(root, steps) if (value := xml.text(e))}
    return values.pop() if len(values) == 1 else None


def _iso_date(value: str) -> str | None:
    """ISO 8601, or the compact form of UNTDID 2379 format 102 (CCYYMMDD, a time may follow)."""
    match = _ISO_DATE.fullmatch(value)
    if match:
        value = match[1]
    elif re.fullmatch(r"\d{8}(\d{4}|\d{6})?", value):
        value = f"{value[:4]}-{value[4:6]}-{value[6:8]}"
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError:
        return None


def _plain_decimal(value: str) -> str | None:
    return format(Decimal(value), "f") if re.fullmatch(r"[+-]?\d{1,20}(\.\d{1,12})?", value) else None


def _check_invoice(found: _Found) -> bool:
    """True when what an invoice must say is there; warnings name what is missing or odd."""
    fields = found.fields
    total = fields["total_amount"] or fields["amount_due"]
    missing = [name for name in _REQUIRED if not (total if name == "total_amount" else fields[name])]
    if missing:
        found.warnings.append("required and not found: " + ", ".join(missing))
    if total and total.startswith("-"):
        found.warnings.append("the total is negative: money would flow the other way")
    return not missing


def _check_account(found: _Found) -> None:
    account = found.fields["iban"]
    if account is None:
        return
    found.fields["iban"] = account = "".join(account.split()).upper()
    try:
        IBAN(account)
    except SchwiftyException:
        found.warnings.append("iban: the account number is not a valid IBAN")


def _check_vat_id(found: _Found) -> None:
    vat_id = found.fields["supplier_vat_id"]
    if vat_id is None:
        return
    found.fields["supplier_vat_id"] = vat_id = "".join(vat_id.split())
    if not identifiers.vat_checks(vat_id):
        found.warnings.append("supplier_vat_id: the checksum of the VAT number does not fit, or no check is known")
