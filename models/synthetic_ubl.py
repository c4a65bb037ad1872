"""UBL 2.1 invoices with the structure of EN 16931 (Peppol BIS Billing 3): the bytes that suppliers send."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from xml.etree.ElementTree import Element, SubElement, register_namespace, tostring

from models.synthetic_company import ADDRESS, ENTITIES, ENTITY_ADDRESS, ENTITY_VAT, Supplier
from models.synthetic_ledger import Line, net
from models.synthetic_numbers import bic, cents

_CAC = "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
_CBC = "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"
_INVOICE = "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"


@dataclass(frozen=True, slots=True)
class Bill:
    """What one invoice says; it may differ from the books, which is the point of an exception.

    `rate` is percent; `tax` is in hundredths, so that a wrong tax sum can be billed.
    """

    supplier: Supplier
    number: str
    issued: date
    due: date
    lines: Sequence[Line]
    rate: int
    tax: int
    iban: str
    vat_id: str
    supplier_name: str
    order: str | None = None
    note: str | None = None

    @property
    def net(self) -> int:
        return net(self.lines)

    @property
    def total(self) -> Decimal:
        return cents(self.net + self.tax)


def _cbc(parent: Element, name: str, text: str, **attributes: str) -> Element:
    child = SubElement(parent, f"{{{_CBC}}}{name}", attributes)
    child.text = text
    return child


def _cac(parent: Element, name: str) -> Element:
    return SubElement(parent, f"{{{_CAC}}}{name}")


def _party(parent: Element, name: str, vat: str, country: str, place: tuple[str, str, str], email: str) -> None:
    party = _cac(parent, "Party")
    street, postcode, city = place
    _cbc(party, "EndpointID", email, schemeID="EM")
    _cbc(_cac(party, "PartyName"), "Name", name)
    address = _cac(party, "PostalAddress")
    _cbc(address, "StreetName", street)
    _cbc(address, "CityName", city)
    _cbc(address, "PostalZone", postcode)
    _cbc(_cac(address, "Country"), "IdentificationCode", country)
    scheme = _cac(party, "PartyTaxScheme")
    _cbc(scheme, "CompanyID", vat)
    _cbc(_cac(scheme, "TaxScheme"), "ID", "VAT")
    _cbc(_cac(party, "PartyLegalEntity"), "RegistrationName", name)


def _category(parent: Element, name: str, rate: int, reason: bool) -> None:
    category = _cac(parent, name)
    _cbc(category, "ID", "S" if rate else "AE")
    _cbc(category, "Percent", str(rate))
    if reason and not rate:
        _cbc(category, "TaxExemptionReasonCode", "VATEX-EU-AE")
        _cbc(category, "TaxExemptionReason", "Reverse charge")
    _cbc(_cac(category, "TaxScheme"), "ID", "VAT")


def _line(root: Element, number: int, line: Line, currency: str, rate: int) -> None:
    node = _cac(root, "InvoiceLine")
    _cbc(node, "ID", str(number))
    _cbc(node, "InvoicedQuantity", str(line.quantity), unitCode="C62")
    _cbc(node, "LineExtensionAmount", str(cents(line.net)), currencyID=currency)
    item = _cac(node, "Item")
    _cbc(item, "Description", line.description)
    _cbc(item, "Name", line.description)
    _cbc(_cac(item, "SellersItemIdentification"), "ID", line.sku)
    _category(item, "ClassifiedTaxCategory", rate, reason=False)
    _cbc(_cac(node, "Price"), "PriceAmount", str(cents(line.price)), currencyID=currency)


def _head(root: Element, bill: Bill) -> None:
    _cbc(root, "CustomizationID", "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0")
    _cbc(root, "ProfileID", "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0")
    _cbc(root, "ID", bill.number)
    _cbc(root, "IssueDate", bill.issued.isoformat())
    _cbc(root, "DueDate", bill.due.isoformat())
    _cbc(root, "InvoiceTypeCode", "380")
    if bill.note:
        _cbc(root, "Note", bill.note)
    _cbc(root, "DocumentCurrencyCode", bill.supplier.currency)
    _cbc(root, "BuyerReference", bill.supplier.entity)
    if bill.order is not None:
        _cbc(_cac(root, "OrderReference"), "ID", bill.order)


def ubl_invoice(bill: Bill) -> bytes:
    """The invoice as UTF-8 XML; lines + tax = total. An OrderReference stands in it only where `order` is given."""
    for prefix, space in (("", _INVOICE), ("cac", _CAC), ("cbc", _CBC)):
        register_namespace(prefix, space)
    supplier, currency = bill.supplier, bill.supplier.currency
    entity = next(row for row in ENTITIES if row["id"] == supplier.entity)
    root = Element(f"{{{_INVOICE}}}Invoice")
    _head(root, bill)
    seller, home = _cac(root, "AccountingSupplierParty"), ADDRESS[supplier.country]
    _party(seller, bill.supplier_name, bill.vat_id, supplier.country, home, supplier.email)
    buyer, place = _cac(root, "AccountingCustomerParty"), ENTITY_ADDRESS[entity["id"]]
    _party(buyer, entity["name"], ENTITY_VAT[entity["id"]], entity["country"], place, "ap@halden-brook.example")
    means = _cac(root, "PaymentMeans")
    _cbc(means, "PaymentMeansCode", "58" if currency == "EUR" else "30")
    _cbc(means, "PaymentID", bill.number)
    account = _cac(means, "PayeeFinancialAccount")
    _cbc(account, "ID", bill.iban)
    _cbc(account, "Name", bill.supplier_name)
    _cbc(_cac(account, "FinancialInstitutionBranch"), "ID", bic(supplier.country))
    _cbc(_cac(root, "PaymentTerms"), "Note", f"Due {(bill.due - bill.issued).days} days after the invoice date")
    taxes = _cac(root, "TaxTotal")
    _cbc(taxes, "TaxAmount", str(cents(bill.tax)), currencyID=currency)
    part = _cac(taxes, "TaxSubtotal")
    _cbc(part, "TaxableAmount", str(cents(bill.net)), currencyID=currency)
    _cbc(part, "TaxAmount", str(cents(bill.tax)), currencyID=currency)
    _category(part, "TaxCategory", bill.rate, reason=True)
    totals = _cac(root, "LegalMonetaryTotal")
    _cbc(totals, "LineExtensionAmount", str(cents(bill.net)), currencyID=currency)
    _cbc(totals, "TaxExclusiveAmount", str(cents(bill.net)), currencyID=currency)
    _cbc(totals, "TaxInclusiveAmount", str(bill.total), currencyID=currency)
    _cbc(totals, "PayableAmount", str(bill.total), currencyID=currency)
    for number, line in enumerate(bill.lines, 1):
        _line(root, number, line, currency, bill.rate)
    encoded: bytes = tostring(root, encoding="UTF-8", xml_declaration=True)
    return encoded
