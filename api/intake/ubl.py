"""OASIS UBL 2.x: every document type is named, and read as far as a bill of that type says something.

Sources: UBL 2.1 and 2.3, EN 16931-3-2 (syntax binding of the invoice), Peppol BIS 3, UNTDID 1001 for type codes.
"""

from __future__ import annotations

import re
from decimal import Decimal

from api.intake import xml
from api.intake.arithmetic import Figures, Line, TaxGroup
from api.intake.found import BILLS, CREDIT_CODES, Found, decimal
from api.intake.xml import Element

CLASSES = {
    "Invoice": "invoice", "SelfBilledInvoice": "invoice", "FreightInvoice": "invoice", "DebitNote": "invoice",
    "CreditNote": "credit_note", "SelfBilledCreditNote": "credit_note",
    "Order": "purchase_order", "OrderChange": "purchase_order", "OrderCancellation": "purchase_order",
    "OrderResponse": "order_response", "OrderResponseSimple": "order_response",
    "DespatchAdvice": "delivery_note", "ReceiptAdvice": "delivery_note",
    "Statement": "statement_of_account", "RemittanceAdvice": "remittance_advice", "Reminder": "payment_reminder",
}  # fmt: skip
"""UBL 2.x roots; every other UBL root (ApplicationResponse, Catalogue, Waybill …) is `other`."""

PRO_FORMA = frozenset({"325"})
"""Type codes of what looks like a bill and asks for nothing."""

_NAMESPACE = re.compile(r"urn:oasis:names:(specification|tc):ubl:(schema:xsd:)?\w+[-:][12]", re.IGNORECASE)
# Whoever sells; where nobody does, whoever sends.
_SUPPLIERS = (
    "AccountingSupplierParty/Party", "SellerSupplierParty/Party", "DespatchSupplierParty/Party", "ProviderParty",
    "SenderParty", "IssuerParty", "ConsignorParty",
)  # fmt: skip
_BUYERS = (
    "AccountingCustomerParty/Party", "BuyerCustomerParty/Party", "DeliveryCustomerParty/Party", "ReceiverParty",
    "OriginatorCustomerParty/Party",
)  # fmt: skip
_NAMES = ("PartyLegalEntity/RegistrationName", "PartyName/Name")
_TOTALS = ("LegalMonetaryTotal", "RequestedMonetaryTotal", "AnticipatedMonetaryTotal", "QuotedMonetaryTotal")
_OTHER_TOTALS = (
    *(f"{total}/{name}" for total in _TOTALS[2:] for name in ("TaxInclusiveAmount", "PayableAmount")),
    "TotalPaymentAmount", "TotalBalanceAmount", "LegalMonetaryTotal/PayableAmount",
)  # fmt: skip
_DUE = ("DueDate", "PaymentMeans/PaymentDueDate", "PaymentTerms/PaymentDueDate")
_ACCOUNT = "PaymentMeans/PayeeFinancialAccount/ID"
_LINES = frozenset({"InvoiceLine", "CreditNoteLine", "DebitNoteLine"})
_MOST_REFERENCES = 50


def is_ubl(root: Element) -> bool:
    """True for a root in a namespace of UBL 1 or 2."""
    return _NAMESPACE.match(xml.namespace(root)) is not None


def read(root: Element, found: Found) -> None:
    """Fills `found` with what a UBL document says. Never raises on content."""
    name = xml.local_name(root)
    code = xml.first_text(root, "InvoiceTypeCode", "CreditNoteTypeCode")
    found.document_class = CLASSES.get(name, "other")
    if found.document_class == "invoice" and code in CREDIT_CODES:
        found.document_class = "credit_note"
    _read_head(root, name, code, found)
    if found.document_class in BILLS:
        _read_bill(root, found)
        if code in PRO_FORMA:
            found.document_class = "other"
    else:
        _read_other(root, name, found)


def _read_head(root: Element, name: str, code: str | None, found: Found) -> None:
    found.detail("document_kind", name)
    found.detail("type_code", code)
    found.detail("document_number", xml.first_text(root, "ID"))
    found.text("currency", xml.first_text(root, "DocumentCurrencyCode") or _total_currency(root))
    found.date("issue_date", xml.first_text(root, "IssueDate"))
    found.date("due_date", xml.first_text(root, *_DUE))
    supplier, buyer = _party(root, _SUPPLIERS), _party(root, _BUYERS)
    if supplier is not None:
        found.text("supplier", _name(supplier))
        found.text("supplier_vat_id", _vat_id(supplier))
    if buyer is not None:
        found.detail("buyer", _name(buyer))
        found.detail("buyer_vat_id", _vat_id(buyer))
    accounts = _references(root, _ACCOUNT)
    found.text("iban", accounts[0] if accounts else None)
    found.detail("accounts", accounts)
    found.detail("payer_accounts", _references(root, "PaymentMeans/PaymentMandate/PayerFinancialAccount/ID"))


def _read_bill(root: Element, found: Found) -> None:
    found.text("invoice_number", xml.first_text(root, "ID"))
    order = xml.first_text(root, "OrderReference/ID")
    found.order(order, _references(root, ".//OrderLineReference/OrderReference/ID"))
    found.amount("total_amount", xml.first_text(root, *(f"{total}/TaxInclusiveAmount" for total in _TOTALS[:2])))
    found.amount("amount_due", xml.first_text(root, *(f"{total}/PayableAmount" for total in _TOTALS[:2])))
    found.detail("references", _references(root, "BillingReference//ID"))
    found.figures = _figures(root, found.fields["currency"] or "EUR")


def _read_other(root: Element, name: str, found: Found) -> None:
    order = xml.first_text(root, "OrderReference/ID")
    if name in ("Order", "OrderChange", "OrderCancellation"):
        order = (None if name == "Order" else order) or xml.first_text(root, "ID")
    found.order(order, _references(root, ".//OrderReference/ID"))
    bills = _references(root, ".//InvoiceDocumentReference/ID")
    # What another document calls an invoice number is that of the one invoice it speaks of, never its own.
    found.text("invoice_number", bills[0] if len(bills) == 1 else None)
    found.detail("references", bills or _references(root, ".//DocumentReference/ID"))
    found.detail("response_code", xml.first_text(root, "OrderResponseCode", "DocumentResponse/Response/ResponseCode"))
    found.amount("total_amount", xml.first_text(root, *_OTHER_TOTALS))


def _references(root: Element, steps: str) -> list[str]:
    found = (value for e in xml.find_all(root, steps) if (value := xml.text(e)))
    return list(dict.fromkeys(found))[:_MOST_REFERENCES]


def _party(root: Element, choices: tuple[str, ...]) -> Element | None:
    return next((party for steps in choices if (party := xml.find(root, steps)) is not None), None)


def _name(party: Element) -> str | None:
    """BT-27, else the trading name, else the person."""
    person = (xml.first_text(party, f"Person/{part}") for part in ("FirstName", "FamilyName"))
    return xml.first_text(party, *_NAMES) or " ".join(filter(None, person)) or None


def _vat_id(party: Element) -> str | None:
    """The VAT registration (BT-31); local tax numbers and statements such as `F-skatt` are something else."""
    vat = [e for e in xml.find_all(party, "PartyTaxScheme") if xml.first_text(e, "TaxScheme/ID") in {"VAT", "VA"}]
    return next((value for scheme in vat if (value := xml.first_text(scheme, "CompanyID"))), None)


def _total_currency(root: Element) -> str | None:
    for steps in (*(f"{total}/PayableAmount" for total in _TOTALS), "TotalPaymentAmount", "TotalBalanceAmount"):
        amount = xml.find(root, steps)
        if amount is not None and amount.get("currencyID"):
            return str(amount.get("currencyID"))
    return None


def _figures(root: Element, currency: str) -> Figures | None:
    total = _party(root, _TOTALS[:2])
    if total is None:
        return None
    profile = (xml.first_text(root, "CustomizationID") or "").lower()

    def sum_of(name: str) -> Decimal | None:
        return decimal(xml.first_text(total, name))

    taxes = [e for e in xml.find_all(root, "TaxTotal") if _in_currency(e, currency)]
    stated = [amount for e in taxes if (amount := decimal(xml.first_text(e, "TaxAmount"))) is not None]
    allowances, charges = _adjustments(root)
    third = [decimal(xml.text(e)) for e in xml.find_all(root, "PrepaidPayment/PaidAmount")]
    return Figures(
        currency=currency,
        profile=profile,
        lines=tuple(_line(e) for e in root if xml.local_name(e) in _LINES),
        allowances=tuple(allowances),
        charges=tuple(charges),
        taxes=tuple(_tax(e) for group in taxes for e in xml.find_all(group, "TaxSubtotal")),
        line_total=sum_of("LineExtensionAmount"),
        allowance_total=sum_of("AllowanceTotalAmount"),
        charge_total=sum_of("ChargeTotalAmount"),
        net=sum_of("TaxExclusiveAmount"),
        tax=sum(stated, Decimal(0)) if stated else None,
        gross=sum_of("TaxInclusiveAmount"),
        prepaid=sum_of("PrepaidAmount"),
        rounding=sum_of("PayableRoundingAmount"),
        third_party=sum(filter(None, third), Decimal(0)) if "extension" in profile else None,
        payable=sum_of("PayableAmount"),
    )


def _in_currency(tax: Element, currency: str) -> bool:
    """The tax may be stated once more in the currency of the books (BT-111)."""
    amount = xml.find(tax, "TaxAmount")
    return amount is not None and amount.get("currencyID", currency) == currency


def _adjustments(parent: Element) -> tuple[list[Decimal], list[Decimal]]:
    """Allowances and charges of the document or of a line."""
    both: tuple[list[Decimal], list[Decimal]] = ([], [])
    for element in xml.find_all(parent, "AllowanceCharge"):
        amount = decimal(xml.first_text(element, "Amount"))
        if amount is not None:
            both[xml.first_text(element, "ChargeIndicator") in ("true", "1")].append(amount)
    return both


def _tax(element: Element) -> TaxGroup:
    rate = xml.first_text(element, "TaxCategory/Percent", "Percent")
    return TaxGroup(
        decimal(xml.first_text(element, "TaxableAmount")),
        decimal(rate),
        decimal(xml.first_text(element, "TaxAmount")),
    )


def _line(element: Element) -> Line:
    allowances, charges = _adjustments(element)
    quantity = xml.first_text(element, "InvoicedQuantity", "CreditedQuantity", "DebitedQuantity")
    return Line(
        number=(xml.first_text(element, "ID") or "?")[:20],
        net=decimal(xml.first_text(element, "LineExtensionAmount")),
        quantity=decimal(quantity),
        price=decimal(xml.first_text(element, "Price/PriceAmount")),
        per=decimal(xml.first_text(element, "Price/BaseQuantity")),
        charges=sum(charges, Decimal(0)),
        allowances=sum(allowances, Decimal(0)),
    )
