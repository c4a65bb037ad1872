"""UN/CEFACT Cross Industry messages: CII invoices (ZUGFeRD, Factur-X, XRechnung), Order-X and despatch advices.

Sources: EN 16931-3-3 (syntax binding), ZUGFeRD 1.0 (`CrossIndustryDocument`), Order-X 1.0
(`SCRDMCCBDACIOMessageStructure`), UNTDID 1001 for type codes.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from api.intake import xml
from api.intake.arithmetic import Figures, Line, TaxGroup
from api.intake.found import BILLS, CREDIT_CODES, Found, decimal
from api.intake.ubl import PRO_FORMA
from api.intake.xml import Element

CLASSES = {
    "CrossIndustryInvoice": "invoice", "CrossIndustryDocument": "invoice",
    "SCRDMCCBDACIOMessageStructure": "purchase_order", "CrossIndustryOrder": "purchase_order",
    "CrossIndustryOrderChange": "purchase_order", "CrossIndustryOrderResponse": "order_response",
    "SCRDMCCBDACIDAMessageStructure": "delivery_note", "CrossIndustryDespatchAdvice": "delivery_note",
    "CrossIndustryRemittanceAdvice": "remittance_advice",
}  # fmt: skip
_ORDER_CODES = {"220": "purchase_order", "230": "purchase_order", "231": "order_response"}
_ORDER = ("BuyerOrderReferencedDocument/IssuerAssignedID", "BuyerOrderReferencedDocument/ID")
_ACCOUNTS = tuple(
    f"SpecifiedTradeSettlementPaymentMeans/PayeePartyCreditorFinancialAccount/{tail}"
    for tail in ("IBANID", "ProprietaryID")
)
_PAYER = "SpecifiedTradeSettlementPaymentMeans/PayerPartyDebtorFinancialAccount/IBANID"
_NOT_ADDED = frozenset({"GROUP", "INFORMATION"})
"""Lines that only sum up or explain others (Factur-X EXTENDED)."""
_SUMMATION = "MonetarySummation"
_PROFILE = "GuidelineSpecifiedDocumentContextParameter"
_CHARGE = ("ChargeIndicator/Indicator", "ChargeIndicator")


def is_cii(root: Element) -> bool:
    """True for the root of a cross industry message, in any version of its namespace."""
    return xml.local_name(root) in CLASSES


def read(root: Element, found: Found) -> None:
    """Fills `found` with what a cross industry message says. Never raises on content."""
    name = xml.local_name(root)
    document = next((e for e in root if xml.local_name(e).endswith("ExchangedDocument")), None)
    trade = next((e for e in root if xml.local_name(e).endswith("SupplyChainTradeTransaction")), None)
    code = xml.first_text(document, "TypeCode") if document is not None else None
    number = xml.first_text(document, "ID") if document is not None else None
    found.document_class = _class(name, code)
    found.detail("document_kind", name)
    found.detail("type_code", code)
    found.detail("document_number", number)
    if document is not None:
        found.date("issue_date", _date(document, ["IssueDateTime"]))
    if found.document_class in BILLS:
        found.text("invoice_number", number)
    elif found.document_class == "purchase_order":
        found.text("purchase_order", number)
    if trade is not None:
        _read_trade(root, trade, found)
    if found.document_class in BILLS and code in PRO_FORMA:
        found.document_class = "other"


def _class(name: str, code: str | None) -> str:
    document_class = CLASSES[name]
    if document_class == "invoice" and code in CREDIT_CODES:
        return "credit_note"
    return _ORDER_CODES.get(code or "", document_class) if name.startswith("SCRDMCCBDACIO") else document_class


def _read_trade(root: Element, trade: Element, found: Found) -> None:
    agreement, settlement = _child(trade, "HeaderTradeAgreement"), _child(trade, "HeaderTradeSettlement")
    if agreement is not None:
        found.text("supplier", xml.first_text(agreement, "SellerTradeParty/Name"))
        found.text("supplier_vat_id", _vat_id(agreement, "SellerTradeParty"))
        found.detail("buyer", xml.first_text(agreement, "BuyerTradeParty/Name"))
        found.detail("buyer_vat_id", _vat_id(agreement, "BuyerTradeParty"))
        if not found.fields["purchase_order"]:
            at_lines = (xml.text(e) for steps in _ORDER for e in xml.find_all(trade, f".//{steps}"))
            found.order(xml.first_text(agreement, *_ORDER), [value for value in at_lines if value])
    if settlement is None:
        return
    found.text("currency", xml.first_text(settlement, "InvoiceCurrencyCode", "OrderCurrencyCode"))
    found.text("iban", xml.first_text(settlement, *_ACCOUNTS))
    accounts = [value for steps in _ACCOUNTS for e in xml.find_all(settlement, steps) if (value := xml.text(e))]
    found.detail("accounts", list(dict.fromkeys(accounts)))
    payers = (xml.text(e) for e in xml.find_all(settlement, _PAYER))
    found.detail("payer_accounts", list(dict.fromkeys(value for value in payers if value)))
    found.date("due_date", _date(settlement, ["SpecifiedTradePaymentTerms/DueDateDateTime"]))
    total = next((e for e in settlement if xml.local_name(e).endswith(_SUMMATION)), None)
    if total is None:
        return
    found.amount("total_amount", xml.first_text(total, "GrandTotalAmount"))
    if found.document_class in BILLS:
        found.amount("amount_due", xml.first_text(total, "DuePayableAmount"))
        found.figures = _figures(root, trade, settlement, total, found.fields["currency"] or "EUR")


def _child(parent: Element, ending: str) -> Element | None:
    """CII names its headers Applicable…, ZUGFeRD 1 ApplicableSupplyChain…: only the ending is the same."""
    tail = ending.removeprefix("Header").removeprefix("Line")
    return next((e for e in parent if xml.local_name(e).endswith(tail)), None)


def _date(parent: Element, choices: Iterable[str]) -> str | None:
    return xml.first_text(parent, *(f"{steps}/{kind}" for steps in choices for kind in ("DateTimeString", "DateTime")))


def _vat_id(agreement: Element, party: str) -> str | None:
    registrations = xml.find_all(agreement, f"{party}/SpecifiedTaxRegistration/ID")
    return next((value for e in registrations if e.get("schemeID") == "VA" and (value := xml.text(e))), None)


def _figures(root: Element, trade: Element, settlement: Element, total: Element, currency: str) -> Figures:
    stated = xml.find_all(root, f".//{_PROFILE}/ID")

    def sum_of(name: str) -> Decimal | None:
        return decimal(xml.first_text(total, name))

    allowances, charges = _adjustments(settlement)
    charges += [
        amount
        for e in xml.find_all(settlement, "SpecifiedLogisticsServiceCharge/AppliedAmount")
        if (amount := decimal(xml.text(e))) is not None
    ]
    taxes = [
        amount
        for e in xml.find_all(total, "TaxTotalAmount")
        if e.get("currencyID", currency) == currency and (amount := decimal(xml.text(e))) is not None
    ]
    lines = (_line(e) for e in xml.find_all(trade, "IncludedSupplyChainTradeLineItem"))
    return Figures(
        currency=currency,
        profile=" ".join(xml.text(e) or "" for e in stated).lower(),
        lines=tuple(line for line in lines if line is not None),
        allowances=tuple(allowances),
        charges=tuple(charges),
        taxes=tuple(_tax(e) for e in xml.find_all(settlement, "ApplicableTradeTax")),
        line_total=sum_of("LineTotalAmount"),
        allowance_total=sum_of("AllowanceTotalAmount"),
        charge_total=sum_of("ChargeTotalAmount"),
        net=sum_of("TaxBasisTotalAmount"),
        tax=taxes[0] if taxes else None,
        gross=sum_of("GrandTotalAmount"),
        prepaid=sum_of("TotalPrepaidAmount"),
        rounding=sum_of("RoundingAmount"),
        payable=sum_of("DuePayableAmount"),
    )


def _adjustments(parent: Element) -> tuple[list[Decimal], list[Decimal]]:
    """Allowances and charges of the document or of a line."""
    both: tuple[list[Decimal], list[Decimal]] = ([], [])
    for element in xml.find_all(parent, "SpecifiedTradeAllowanceCharge"):
        amount = decimal(xml.first_text(element, "ActualAmount"))
        if amount is not None:
            both[xml.first_text(element, "ChargeIndicator/Indicator", "ChargeIndicator") in ("true", "1")].append(
                amount
            )
    return both


def _tax(element: Element) -> TaxGroup:
    return TaxGroup(
        decimal(xml.first_text(element, "BasisAmount")),
        decimal(xml.first_text(element, "RateApplicablePercent", "ApplicablePercent")),
        decimal(xml.first_text(element, "CalculatedAmount")),
    )


def _line(element: Element) -> Line | None:
    """None for a line that adds nothing: a heading, a group, a note."""
    agreement, delivery, settlement = (
        _child(element, name) for name in ("LineTradeAgreement", "LineTradeDelivery", "LineTradeSettlement")
    )
    if settlement is None:
        return None
    total = _child(settlement, _SUMMATION)
    net = decimal(xml.first_text(total, "LineTotalAmount")) if total is not None else None
    status = xml.first_text(element, "AssociatedDocumentLineDocument/LineStatusReasonCode")
    if net is None or status in _NOT_ADDED:
        return None
    allowances, charges = _adjustments(settlement)
    price = xml.find(agreement, "NetPriceProductTradePrice") if agreement is not None else None
    return Line(
        number=(xml.first_text(element, "AssociatedDocumentLineDocument/LineID") or "?")[:20],
        net=net,
        quantity=decimal(xml.first_text(delivery, "BilledQuantity")) if delivery is not None else None,
        price=decimal(xml.first_text(price, "ChargeAmount")) if price is not None else None,
        per=decimal(xml.first_text(price, "BasisQuantity")) if price is not None else None,
        charges=sum(charges, Decimal(0)),
        allowances=sum(allowances, Decimal(0)),
    )
