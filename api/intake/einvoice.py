"""Electronic invoices and their relatives: which format is it, then read by path, never guessed.

UBL 2.x (`ubl`), UN/CEFACT cross industry messages (`cii`) and FatturaPA (`fattura`), bare or in the envelope of a
network (UN/CEFACT SBDH, as Peppol uses it).
"""

from __future__ import annotations

from api.intake import cii, fattura, ubl, xml
from api.intake.found import Found
from api.intake.xml import Element
from governance.case import Reading

_ENVELOPES = frozenset({"StandardBusinessDocument"})
# Other national formats are told by name, so that a person knows what to ask for.
_NATIONAL = {
    "Facturae": "Facturae (Spain)", "Finvoice": "Finvoice (Finland)", "Faktura": "KSeF FA (Poland)",
    "TEAPPSXML": "TEAPPSXML (Finland)", "E_Invoice": "the Estonian e-invoice", "INVOIC": "EDIFACT in XML",
    "Comprobante": "CFDI (Mexico)", "nfeProc": "NF-e (Brazil)", "cXML": "cXML", "InvoicesDoc": "myDATA (Greece)",
    "InvoiceData": "Online Számla (Hungary)", "AttachedDocument": "a UBL container with another document inside",
}  # fmt: skip
_NATIONAL_SPACES = {
    "http://www.ebinterface.at/": "ebInterface (Austria)", "urn:sfti:": "Svefaktura (Sweden)",
    "http://www.w3.org/1999/xhtml": "a web page", "urn:iso:std:iso:20022:tech:xsd:pain": "a payment order (pain)",
}  # fmt: skip


def read(root: Element) -> Reading:
    """The reading of one XML document. An unknown root is `other` and abstains."""
    text = xml.running_text(root)
    found = Found()
    root = _opened(root)
    if ubl.is_ubl(root):
        ubl.read(root, found)
    elif cii.is_cii(root):
        cii.read(root, found)
    elif fattura.is_fattura(root):
        fattura.read(root, found)
    else:
        found.abstained = True
        name = xml.local_name(root)[:60]
        found.detail("document_kind", name)
        found.say("unknown_format", f"unknown XML root {name!r}: nothing was read from it{_known_as(root)}")
    return found.reading(text)


def is_known(root: Element) -> bool:
    """True where `read` knows the format."""
    root = _opened(root)
    return ubl.is_ubl(root) or cii.is_cii(root) or fattura.is_fattura(root)


def _opened(root: Element) -> Element:
    """The document inside an envelope, which is its last child."""
    if xml.local_name(root) in _ENVELOPES and len(root):
        return root[-1]
    return root


def _known_as(root: Element) -> str:
    space = xml.namespace(root)
    named = next((name for start, name in _NATIONAL_SPACES.items() if space.startswith(start)), None)
    named = named or _NATIONAL.get(xml.local_name(root))
    return f". It seems to be {named}; ask the sender for UBL, CII or a PDF" if named else ""
