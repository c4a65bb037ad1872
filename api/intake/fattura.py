"""FatturaPA, the Italian e-invoice (ordinary and simplified).

Source: Agenzia delle Entrate, "Specifiche tecniche fatturazione elettronica" 1.8, with the names of the XML elements.
One file may hold a batch of bills (several bodies): only what all of them share is said then.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from api.intake import xml
from api.intake.arithmetic import TAX_SLACK
from api.intake.found import Found, decimal
from api.intake.xml import Element

_ROOTS = frozenset({"FatturaElettronica", "FatturaElettronicaSemplificata"})
_CREDIT = frozenset({"TD04", "TD08"})
_SPLIT_PAYMENT = "S"
_PAYMENT = "DatiPagamento/DettaglioPagamento"
_HEAD = "DatiGenerali/DatiGeneraliDocumento"


def is_fattura(root: Element) -> bool:
    """True for the root of a FatturaPA file of any version."""
    return xml.local_name(root) in _ROOTS


def read(root: Element, found: Found) -> None:
    """Fills `found` with what the file says. Never raises on content."""
    bodies = xml.find_all(root, "FatturaElettronicaBody")
    kinds = {xml.first_text(body, f"{_HEAD}/TipoDocumento") for body in bodies}
    found.document_class = "credit_note" if kinds and kinds <= _CREDIT else "invoice"
    found.detail("document_kind", xml.local_name(root))
    found.detail("type_code", ", ".join(sorted(filter(None, kinds))))
    header = xml.find(root, "FatturaElettronicaHeader")
    if header is not None:
        _read_parties(header, found)
    found.text("currency", _shared(bodies, f"{_HEAD}/Divisa"))
    found.date("issue_date", _shared(bodies, f"{_HEAD}/Data"))
    found.text("invoice_number", _shared(bodies, f"{_HEAD}/Numero"))
    found.text("purchase_order", _shared(bodies, "DatiGenerali/DatiOrdineAcquisto/IdDocumento"))
    accounts = [value for body in bodies for e in xml.find_all(body, f"{_PAYMENT}/IBAN") if (value := xml.text(e))]
    found.text("iban", accounts[0] if accounts else None)
    found.detail("accounts", list(dict.fromkeys(accounts)))
    found.date("due_date", min(_texts(bodies, f"{_PAYMENT}/DataScadenzaPagamento"), default=None))
    if len(bodies) == 1:
        _read_amounts(bodies[0], found)
    elif len(bodies) > 1:
        said = f"{len(bodies)} bills in one file: ask the sender for one file each, or enter them one by one"
        found.say("several_documents", said, documents=str(len(bodies)))


def _read_parties(header: Element, found: Found) -> None:
    seller = xml.find(header, "CedentePrestatore")
    if seller is not None:
        found.text("supplier", _name(seller))
        found.text("supplier_vat_id", _vat_id(seller))
    buyer = xml.find(header, "CessionarioCommittente")
    if buyer is not None:
        found.detail("buyer", _name(buyer))
        found.detail("buyer_vat_id", _vat_id(buyer))


def _name(party: Element) -> str | None:
    """A firm's name, or the first and last name of a person. The simplified form leaves out the groups around them."""
    for group in ("DatiAnagrafici/Anagrafica", ".", "AltriDatiIdentificativi"):
        at = xml.find(party, group)
        if at is None:
            continue
        person = " ".join(filter(None, (xml.first_text(at, "Nome"), xml.first_text(at, "Cognome"))))
        name = xml.first_text(at, "Denominazione") or person
        if name:
            return name
    return None


def _vat_id(party: Element) -> str | None:
    for group in ("DatiAnagrafici/IdFiscaleIVA", "IdFiscaleIVA", "IdentificativiFiscali/IdFiscaleIVA"):
        country, number = xml.first_text(party, f"{group}/IdPaese"), xml.first_text(party, f"{group}/IdCodice")
        if country and number:
            return number if number.startswith(country) else country + number
    return None


def _read_amounts(body: Element, found: Found) -> None:
    stated = xml.first_text(body, f"{_HEAD}/ImportoTotaleDocumento")
    groups = [_group(e) for e in xml.find_all(body, "DatiBeniServizi/DatiRiepilogo")]
    rounding = decimal(xml.first_text(body, f"{_HEAD}/Arrotondamento")) or Decimal(0)
    computed = sum((net + tax for net, tax, _ in groups), rounding) if groups else _simplified(body)
    total = decimal(stated)
    if stated is None and computed is not None:
        # The total is optional in this format; the sums by rate, which are not, make it up.
        said = f"total_amount: the document leaves it out; its sums by rate come to {computed}"
        found.say("total_from_sums", said, "total_amount", level="note", computed=str(computed))
        stated = str(computed)
    # The rounding may already be in the sums by rate, stamp duty in the total alone: a unit of slack, as for the tax.
    stamp = decimal(xml.first_text(body, f"{_HEAD}/DatiBollo/ImportoBollo")) or Decimal(0)
    if total is not None and computed is not None:
        near = min(abs(total - computed), abs(total - computed - stamp))
        if near > TAX_SLACK:
            said = f"total_amount: the sums by rate come to {computed}, and the total says {total}"
            values = {"computed": str(computed), "stated": str(total)}
            found.say("arithmetic", said, "total_amount", **values)
    found.amount("total_amount", stated)
    due = [amount for e in xml.find_all(body, f"{_PAYMENT}/ImportoPagamento") if (amount := decimal(xml.text(e)))]
    if due:
        found.amount("amount_due", str(sum(due, Decimal(0))))
    elif any(paid_by_buyer == _SPLIT_PAYMENT for _, _, paid_by_buyer in groups) and computed is not None:
        withheld = sum((tax for _, tax, paid_by_buyer in groups if paid_by_buyer == _SPLIT_PAYMENT), Decimal(0))
        found.amount("amount_due", str((total or computed) - withheld))


def _group(element: Element) -> tuple[Decimal, Decimal, str | None]:
    """Net, tax, and who pays the tax: `S` is the buyer (scissione dei pagamenti)."""
    net, tax = (decimal(xml.first_text(element, name)) for name in ("ImponibileImporto", "Imposta"))
    return net or Decimal(0), tax or Decimal(0), xml.first_text(element, "EsigibilitaIVA")


def _simplified(body: Element) -> Decimal | None:
    """The simplified form states its amounts with tax."""
    amounts = [decimal(xml.text(e)) for e in xml.find_all(body, "DatiBeniServizi/Importo")]
    return sum(filter(None, amounts), Decimal(0)) if amounts else None


def _texts(bodies: Sequence[Element], steps: str) -> list[str]:
    return [value for body in bodies for e in xml.find_all(body, steps) if (value := xml.text(e))]


def _shared(bodies: Sequence[Element], steps: str) -> str | None:
    """What every body says alike."""
    values = {xml.first_text(body, steps) for body in bodies}
    return values.pop() if len(values) == 1 else None
