"""What a document calls itself: headings near the top of its text, in the languages that our suppliers write.

A heading that belongs to one class decides; two that contradict each other, or a bill that was paid at a
till, decide nothing here. Headings that name several classes ("Statement", "Order", "Extrait de compte")
are left out on purpose.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator

TITLES: dict[str, tuple[str, ...]] = {
    "invoice": (
        "invoice", "tax invoice", "commercial invoice", "vat invoice", "sales invoice", "service invoice",
        "customer invoice", "freight invoice", "final invoice", "e-invoice", "rechnung", "handelsrechnung",
        "schlussrechnung", "abschlagsrechnung", "sammelrechnung", "teilrechnung", "monatsrechnung", "facture",
        "facture de vente", "facture commerciale", "facture d'acompte", "facture de solde", "factura",
        "factura comercial", "factura de venta", "fattura", "fattura di vendita", "fattura commerciale",
        "fattura accompagnatoria", "fattura differita", "fattura immediata", "factuur", "verkoopfactuur",
        "handelsfactuur", "verzamelfactuur", "faktura", "faktura vat", "fatura", "nota fiscal",
    ),
    "credit_note": (
        "credit note", "tax credit note", "credit memo", "credit memorandum", "credit invoice", "gutschrift",
        "stornorechnung", "storno", "avoir", "facture d'avoir",
        "note de credit", "nota de credito", "factura rectificativa", "nota de abono", "nota di credito",
        "nota di accredito", "creditnota", "creditfactuur", "kreditnota",
    ),
    "purchase_order": (
        "purchase order", "blanket purchase order", "purchase order form", "bestellung", "einkaufsbestellung",
        "abrufbestellung", "rahmenbestellung", "bestellschein", "bon de commande", "commande d'achat",
        "commande fournisseur", "orden de compra", "pedido de compra", "hoja de pedido", "ordine di acquisto",
        "ordine d'acquisto", "ordine a fornitore", "buono d'ordine", "inkooporder", "bestelbon", "bestelling",
        "inkoopopdracht",
    ),
    "order_response": (
        "order confirmation", "sales order confirmation", "order acknowledgement", "order acknowledgment",
        "acknowledgement of order", "order response", "auftragsbestatigung", "bestellbestatigung",
        "confirmation de commande", "accuse de reception de commande", "confirmacion de pedido",
        "aceptacion de pedido", "conferma d'ordine", "conferma ordine", "orderbevestiging", "opdrachtbevestiging",
    ),
    "delivery_note": (
        "delivery note", "delivery docket", "delivery order", "packing list", "packing slip", "dispatch note",
        "despatch note", "despatch advice", "dispatch advice", "shipping note", "waybill", "bill of lading",
        "lieferschein", "packliste", "packzettel", "warenbegleitschein", "frachtbrief", "versandanzeige",
        "bon de livraison", "bordereau d'expedition", "liste de colisage", "lettre de voiture", "avis d'expedition",
        "albaran", "albaran de entrega", "nota de entrega", "lista de embalaje", "carta de porte",
        "documento di trasporto", "ddt", "bolla di consegna", "lista di imballaggio", "lettera di vettura", "pakbon",
        "leveringsbon", "afleverbon", "vrachtbrief", "paklijst",
    ),
    "statement_of_account": (
        "statement of account", "customer statement", "statement of open items", "open items list",
        "offene-posten-liste", "offene posten", "saldenbestatigung", "saldenmitteilung", "releve de factures",
        "releve de compte client", "extracto de cliente", "estratto conto cliente", "partite aperte",
        "openstaande posten", "debiteurenoverzicht",
    ),
    "remittance_advice": (
        "remittance advice", "remittance", "payment advice", "payment remittance", "advice of payment",
        "zahlungsavis", "uberweisungsavis", "zahlungsmitteilung", "avis de paiement", "avis de virement",
        "avis de reglement", "aviso de pago", "aviso de transferencia", "avviso di pagamento", "avviso di bonifico",
        "distinta di pagamento", "betaaladvies", "betalingsspecificatie",
    ),
    "payment_reminder": (
        "payment reminder", "reminder", "first reminder", "second reminder", "third reminder", "final reminder",
        "final notice", "overdue notice", "past due notice", "dunning notice", "dunning letter", "final demand",
        "mahnung", "zahlungserinnerung", "letzte mahnung", "zahlungsaufforderung", "relance", "lettre de relance",
        "rappel de paiement", "mise en demeure", "recordatorio de pago", "reclamacion de pago", "requerimiento de pago",
        "sollecito", "sollecito di pagamento", "promemoria di pagamento", "betalingsherinnering", "aanmaning",
        "ingebrekestelling",
    ),
    "dispute": (
        "invoice dispute", "notice of dispute", "notice of defects", "objection to invoice", "reklamation",
        "mangelruge", "mangelanzeige", "rechnungsreklamation", "contestation de facture", "reclamation",
        "lettre de reclamation", "disconformidad con la factura", "contestazione fattura", "reclamo",
        "betwisting factuur", "bezwaar tegen factuur",
    ),
    "contract": (
        "agreement", "contract", "letter agreement", "framework agreement", "vertrag", "rahmenvertrag",
        "dienstleistungsvertrag", "geheimhaltungsvereinbarung", "mietvertrag", "kaufvertrag", "arbeitsvertrag",
        "werkvertrag", "lizenzvertrag", "contrat", "contrat de prestation de services", "contrat-cadre",
        "accord de confidentialite", "bail commercial", "contrat de travail", "contrato",
        "contrato de prestacion de servicios", "acuerdo marco", "acuerdo de confidencialidad",
        "contrato de arrendamiento", "contratto", "contratto di fornitura", "contratto di servizi", "accordo quadro",
        "accordo di riservatezza", "contratto di locazione", "overeenkomst", "raamovereenkomst", "huurovereenkomst",
        "geheimhoudingsovereenkomst", "arbeidsovereenkomst",
    ),
    "bank_statement": (
        "bank statement", "kontoauszug", "bankauszug", "releve bancaire", "releve de compte bancaire",
        "extracto bancario", "estratto conto bancario", "estratto conto corrente", "bankafschrift",
        "rekeningafschrift",
    ),
    "receipt": (
        "receipt", "cash receipt", "sales receipt", "payment receipt", "official receipt", "till receipt", "cash bill",
        "quittung", "kassenbon", "kassenbeleg", "ticket de caisse", "recu de paiement", "ticket de compra",
        "factura simplificada", "scontrino", "scontrino fiscale", "ricevuta fiscale", "kassabon", "kwitantie",
    ),
    "tax_form": (
        "vat return", "value added tax return", "tax return", "withholding tax certificate",
        "certificate of residence", "umsatzsteuer-voranmeldung", "umsatzsteuererklarung", "steuerbescheid",
        "lohnsteuerbescheinigung", "ansassigkeitsbescheinigung", "freistellungsbescheinigung", "declaration de tva",
        "avis d'imposition", "certificado de residencia fiscal", "certificado de retenciones", "dichiarazione iva",
        "certificazione unica", "btw-aangifte", "aangifte omzetbelasting", "aanslagbiljet",
    ),
}  # fmt: skip
"""Class → headings, in small letters without accents."""

_CLASS_OF = {title: name for name, titles in TITLES.items() for title in titles}
_LONGEST = max(len(title.split()) for title in _CLASS_OF)
_BEFORE = frozenset(
    ("original", "copy", "duplicate", "kopie", "duplikat", "copie", "duplicata", "copia", "kopia", "final", "draft",
     "1.", "2.", "3.")
)  # fmt: skip
_NUMBER_WORD = re.compile(r"(?:no|nr|n|num|number|nummer|numero|nro|id|n°|nº|#)[.:]{0,2}")
_JOINTS = frozenset(
    ("vom", "of", "dated", "from", "du", "del", "della", "van", "dd", "dd.", "le", "il", "der", "to", "for", "-", "–",
     ":", "/", "|")
)  # fmt: skip
# Letters about an invoice quote its number on a line of its own; their own words give them away.
_ABOUT_AN_INVOICE = re.compile(
    r"overdue|past due|remind|arrears|remit|payment advice|disput|complain|credited|credit note|mahn|verzug|erinnerung"
    r"|avis|gutschr|storno|reklam|beanstand|rugen|relance|impaye|retard|avoir|contest|reclam|recordatorio|vencid|abono"
    r"|rectificat|sollecit|scadut|mora\b|accredit|reso\b|aanman|herinner|vervallen|credit(?:nota|eer)|betwist|klacht"
)
_TILL = (
    r"\b(?:cash|tendered|gegeben|bar|especes|efectivo|contanti|contant)\b",
    r"\b(?:change|ruckgeld|rendu|cambio|resto|wisselgeld)\b",
    r"\b(?:cashier|till|pos|operator|kassierer|bediener|caissier|cajero|operatore|kassa|cassa|caisse|served by)\b",
    r"\brou?nd(?:ing|ed| adj)\b",
    r"\b(?:visa|mastercard|maestro|debit card|credit card|carte bancaire|tarjeta|ec-karte|contactless|girocard)\b",
    r"\b(?:come again|not (?:returnable|refundable)|auf wiedersehen|a bientot|hasta pronto|arrivederci|tot ziens)\b",
    r"\d{1,4}[./-]\d{1,2}[./-]\d{2,4}\W{1,3}\d{1,2} ?: ?\d\d",
)
_AGREEMENT = re.compile(r"(?:[\w’'&,.()/-]+ ){0,7}agreement(?: no\.? ?\S+)?")
_HEAD_LINES = 40
_QUOTED = frozenset({"purchase_order", "contract", "delivery_note", "dispute", "receipt"})


def plain(text: str) -> str:
    """Small letters without accents, one space where there was any white space."""
    flat = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(letter for letter in flat if not unicodedata.combining(letter)).split())


def _tidy(line: str) -> str:
    text = plain(line).replace("’", "'").strip(" *-=_|#.:;<>~•[]")
    if re.fullmatch(r"(?:\w ){4,}\w", text):
        text = text.replace(" ", "")
    return text


def _title_of(line: str) -> tuple[str, bool] | None:
    """(class, bare) where the line is a heading; not bare where a number follows, as in "Invoice no. 471"."""
    words = line.split()
    while words and words[0] in _BEFORE and " ".join(words) not in _CLASS_OF:
        words = words[1:]
    if not words or len(words) > 12:
        return None
    for length in range(min(_LONGEST, len(words)), 0, -1):
        name = _CLASS_OF.get(" ".join(words[:length]).rstrip(" .:,;-–#"))
        if name is not None:
            tail = words[length:]
            if all(_NUMBER_WORD.fullmatch(w) or w in _JOINTS or any(map(str.isdigit, w)) for w in tail):
                return name, not tail
            return None
    return ("contract", True) if _AGREEMENT.fullmatch(line) else None


def headings(text: str) -> Iterator[tuple[str, bool]]:
    """(class, bare) of each heading near the top; bare: no number follows it."""
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) == 1 and len(lines[0]) > 120:
        # An export without line ends: only its first words can be a heading.
        words = plain(lines[0][:200]).split()
        for length in range(min(_LONGEST, len(words)), 0, -1):
            name = _CLASS_OF.get(" ".join(words[:length]))
            if name is not None:
                yield name, False
                return
    for line in lines[: max(12, min(_HEAD_LINES, len(lines) // 2))]:
        if len(line) <= 120:
            found = _title_of(_tidy(line))
            if found is not None:
                yield found


def paid_at_till(text: str) -> bool:
    """Whether two kinds of till evidence stand in the text: cash, change, a cashier, rounding, a card, a clock time."""
    flat = plain(text[:20_000])
    return sum(1 for pattern in _TILL if re.search(pattern, flat)) >= 2


def swift_statement(text: str) -> bool:
    """Whether the text is a SWIFT MT940 or MT942 message: its tags stand at the start of lines."""
    tags = set(re.findall(r"^:(\d\d)[A-Z]?:", text[:4000], flags=re.MULTILINE))
    return "61" in tags and bool(tags & {"20", "25", "60", "86"})


def title_class(text: str) -> str | None:
    """The class that the headings name, or None where there is none or they contradict each other.

    A class whose heading comes three times or more is a list of such documents, not a heading. A numbered
    heading counts only for classes that other documents seldom quote: an order number proves no order.
    """
    found = list(headings(text))
    counts = Counter(name for name, _ in found)
    bare = {name for name, alone in found if alone and counts[name] < 3}
    if bare:
        names = bare
    else:
        names = {name for name, _ in found if counts[name] < 3} - _QUOTED
        if len(names) > 1:
            names -= {"invoice"}
        if names == {"invoice"} and _ABOUT_AN_INVOICE.search(plain(text[:6000])):
            return None
    if len(names) != 1:
        return None
    name = names.pop()
    return None if name == "invoice" and paid_at_till(text) else name
