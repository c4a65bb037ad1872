"""What is written beside a value, by kind and strength, in English, German, French, Spanish, Italian and Dutch.

A label of another kind (customer number, delivery date, net amount) is as telling as the right one: it says what a
value is not. Text is compared in small letters. `strong` labels name the field, `weak` ones could also name something else.
"""

# One language a line reads better than lines of one length.
# ruff: noqa: E501
from __future__ import annotations

import re
from collections.abc import Mapping

_NO = r"(?:[\s.:-]*(?:n[or]s?|n[°º˚]|num(?:ber)?|nummer|nbr|num[ée]ro|n[úu]mero|numero|nro|id|ref(?:erence)?|code)(?![a-zà-ü])|\s*#)\s*[.°º#]*"
_FR_NO = r"(?:n[°º˚o]\.?|num[ée]ro|r[ée]f(?:[ée]rence)?\.?)"
_ES_NO = r"(?:n[°º.o]\.?[°º]?|n[úu]m(?:ero|\.)?|nr\.?|rif\.?|ref\.?)"
_BILL_DE = r"(?:rechnungs?|gutschrifts?|faktura|fakturen|rechnungskorrektur|korrektur|storno\w*|beleg|baurechnung|schlussrechnung)"
_BILL_FR = r"(?:facture|avoir|note de cr[ée]dit)"
_BILL_ES = r"(?:factura|abono|rectificativa|nota de cr[ée]dito)"
_BILL_IT = r"(?:fattura|nota (?:di )?(?:credito|accredito)|parcella)"
_BILL_NL = r"(?:creditfactuur|creditnota|factuur|faktuur)"
_BILL_EN = r"(?:invoice|inv|credit note|credit memo|bill|statement invoice)"

# kind → (strong patterns, weak patterns)
_SOURCES: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "number": (
        (
            rf"(?<!original )(?<!your )(?<!credited )(?<!previous )(?<!preceding )\b{_BILL_EN}{_NO}",
            rf"(?<!ursprungs)(?<!vorgänger)(?<!bezugs)(?<!original)\b\w{{0,20}}{_BILL_DE}[\s-]*(?:\([^)]{{1,40}}\)\s*)*(?:nummer|nr|no|n°|#)(?!\w)\.?",
            r"\b\w{0,20}rechnung (?:des|der|zur|zum|f[üu]r) \w+ \(?[^)\d]{0,40}\)?\s*nr\b\.?",
            rf"\b{_FR_NO}\s*(?:de |d['’])?\s*(?:la |l['’])?{_BILL_FR}\b|\b{_BILL_FR}\s*{_FR_NO}",
            rf"\b{_ES_NO}\s*(?:de |della |di |la )*(?:{_BILL_ES}|{_BILL_IT})\b|\b(?:{_BILL_ES}|{_BILL_IT})\s*{_ES_NO}",
            rf"\b{_BILL_NL}[\s-]*(?:nummer|nr|no|n°)\b\.?",
            rf"\bour invoice\b(?:{_NO})?|\binvoice (?:ref|reference)\b",
        ),
        (
            r"\b(?:document|doc|beleg|transaction|receipt|voucher|documento|dokument|pi[èe]ce|bon|ticket|rcpt|slip|trans)[\s.-]*(?:no|nr|n°|nº|number|nummer|numero|num[ée]ro|n[úu]mero|id|#)(?![a-z])\.?",
            rf"^\W*(?:tax |vat |commercial |sales |final )?(?:{_BILL_EN}|\w{{0,12}}rechnung|gutschrift|{_BILL_FR}|{_BILL_ES}|{_BILL_IT}|{_BILL_NL})\b(?=\W{{0,4}}\S*\d)",
            r"\b(?:invoice|rechnung|facture|factura|fattura|factuur)\s*[:#]",
            r"^\W*(?:nr|no|n°|nº|number|nummer|num[ée]ro|n[úu]mero|numero)\b\s*[.:]*",
            r"\bnr\b\.?\s*(?=\S*\d\S*\s+vom\s+\d)",
        ),
    ),
    "order": (
        (
            r"\b(?:purchase|customer|your|buyer'?s?|client)[\s-]*order(?:[\s-]*(?:no|nr|number|ref|reference|id|#)\b)?[.:#]*",
            r"\border[\s-]+(?:ref|reference)\b",
            r"\bp\.?\s?o\.?(?:[\s-]*(?:no|nr|number|ref|reference|#)\b|\s*[:#])[.:#]*|\byour p\.?o\.?\b",
            r"(?<!auftrags)\b(?:ihre |kunden)?(?:bestell|bestellungs)[\s-]?(?:nummer|nr|no|referenz|kennung|zeichen)\b\.?",
            r"\b(?:ihre |kunden)bestellung\b(?:\s*(?:nr|nummer|no)\b\.?)?|\bbestellung\s*(?:nr|nummer|no|[:#])\.?|\bbestellreferenz\b",
            r"\b(?:n[°ºo]\.?|num[ée]ro|r[ée]f(?:[ée]rence)?\.?)\s*(?:de |d['’])?\s*(?:la |votre )?(?:bon de )?commande\b",
            r"\b(?:bon de commande|votre commande|commande client)\b(?:\s*(?:n[°ºo]\.?|num[ée]ro))?|\bcommande\s*(?:n[°ºo]\.?|num[ée]ro|:)",
            r"\b(?:n[°º.o]\.?[°º]?|n[úu]m(?:ero|\.)?|rif\.?|ref\.?)\s*(?:de |di |vs\.? )?(?:su )?(?:pedido|ordine|orden de compra)\b",
            r"\b(?:su |s/)?pedido\b(?:\s*(?:n[°º.o]+|n[úu]m\w*))?|\borden de compra\b(?:\s*(?:n[°º.o]+|n[úu]m\w*))?",
            r"\b(?:vs\.?|vostro)\s*ord(?:ine|\.)|\bordine\s*(?:d['’]acquisto)?\s*(?:n[.°ºr]+|numero|:)|\bordine d['’]acquisto\b",
            r"\b(?:inkoop|uw |klant)?(?:order|bestel|bestelling)[\s-]*(?:nummer|nr|referentie)\b\.?|\buw (?:order|bestelling)\b|\binkooporder\b",
        ),
        (
            r"\b(?:order|bestellung|commande|pedido|ordine)\s*(?:no|nr|number|ref|id|#)?[.:#]+",
            r"^\W*(?:purchase order|order|p\.?o\.?|bestellung|commande|pedido|ordine|bestelling)\W*$",
            r"\border\s*(?:no|nr|number|ref|reference|id|#)(?!\w)",
            r"\b(?:your ref(?:erence)?|customer ref(?:erence)?|ihre? referenz|ihr zeichen|votre r[ée]f(?:[ée]rence)?|v/r[ée]f|su referencia|vs\.? rif|uw ref(?:erentie)?|kundenreferenz|referenz des k[äa]ufers|buyer reference)\b\.?",
        ),
    ),
    "other_number": (
        (
            r"\b(?:customer|client|account|acct|member|debtor|vendor|supplier|delivery|shipment|shipping|packing|dispatch|despatch|tracking|quote|quotation|contract|project|job|item|article|part|serial|model|sku|batch|phone|tel|fax|mobile|tax|registration|reg|company|page|cost cent(?:er|re)|policy|meter|site|reservation|booking|case|ticket|terminal|cashier|table|gst|sst|vat|store|till|line|sales order|our order|order confirmation|original invoice|preceding invoice|credited invoice|approval|auth|card|member|abn|siret|siren)[\s.-]*(?:id|no|nr|number|num|#|code|reg\.? ?no)?\b\s*[.:#]*",
            r"\b(?:kunden?|debitor(?:en)?|lieferanten?|lieferschein|auftrags?|angebots?|vertrags?|projekt|artikel|serien|chargen|steuer|telefon|konto|kto|registergericht|handelsregister|hrb|hra|filial|kostenstellen?|versicherungs?(?:schein)?|mandats(?:referenz)?|gl[äa]ubiger\w*|ust|umsatzsteuer|ausweis|buchungs|leitweg|zahlungsreferenz|verwendungszweck|ursprungs\w*|vorg[äa]nger\w*|rapport|sendungs|paket|ansprechpartner|bearbeiter|seite)[\s.-]*(?:id|nr|nummer|no|kennung)?\b\s*[.:]*",
            r"\b(?:client|compte|contrat|devis|livraison|bon de livraison|t[ée]l(?:[ée]phone)?|siret|siren|rcs|ape|naf|tva|article|dossier|abonn[ée]|ligne|page|facture d['’]origine|r[ée]f(?:[ée]rence)? (?:client|dossier)|identifiant)\b(?:\s*(?:n[°ºo]|num[ée]ro|id))?\s*[.:]*",
            r"\b(?:cliente|cuenta|contrato|albar[áa]n|presupuesto|tel[ée]fono|tel|fax|n\.?i\.?f|c\.?i\.?f|art[íi]culo|p[áa]gina|codice|cod|conto|contratto|preventivo|d\.?d\.?t|bolla|telefono|p\.? ?iva|partita iva|c\.?f|codice fiscale|rea|articolo|pagina|commessa|cig|cup)\b\.?\s*(?:n[.°º]+|n[úu]m(?:ero|\.)?)?\s*[.:]*",
            r"\b(?:klant|debiteur|rekening|contract|offerte|pakbon|leverbon|telefoon|tel|fax|btw|kvk|artikel|pagina|project|dossier|lidmaatschaps)[\s.-]*(?:nummer|nr|id)?\b\s*[.:]*",
        ),
        (),
    ),
    "issued": (
        (
            r"\b(?:invoice|inv|bill|bill(?:ing)?|credit note|tax|statement)\s*(?:issue )?date\b|\bdate of (?:issue|invoice)\b|\bissue(?:d)? date\b|\bdate issued\b|\binvoiced on\b|\bdate of the invoice\b",
            r"\b(?:rechnungs|ausstellungs|gutschrifts?|faktura|fakturen)[\s-]*(?:datum|dat\b\.?)|\bdatum der rechnung\b|\brechnung vom\b|\bdatum/?ausstellung\b",
            r"\bdate (?:de |d['’])?(?:la |l['’])?(?:facture|facturation|[ée]mission|avoir)\b|\b[ée]mise? le\b|\bdat[ée]e du\b|\bfacture du\b",
            r"\bfecha (?:de )?(?:la )?(?:factura|facturaci[óo]n|emisi[óo]n|expedici[óo]n)\b",
            r"\bdata (?:di |della |d['’])?\s*(?:fattura|fatturazione|emissione)\b",
            r"\b(?:factuur|faktuur|nota)[\s-]*datum\b|\bdatum factuur\b",
            r"\b\w{0,20}(?:rechnung|gutschrift|faktura|korrektur|facture|avoir|factura|fattura|factuur|creditnota|invoice|credit note)\b(?:\([^)]{1,20}\)|\D){0,45}\S*\d\S*\s+(?:vom|von|du|dated|del|de fecha|van|of|issued at|d\.?d\.?)\b",
            r"\b(?:rechnung|gutschrift|facture|avoir|factura|fattura|factuur|invoice)\b\s+(?:vom|du|dated|del|de fecha|van|of)\b",
        ),
        (
            r"^\W*(?:date|datum|fecha|data|dato)\b(?!\s*(?:of|de|di|d['’]|van))",
            r"\b(?:date|datum|fecha|data)\s*[:.]",
            r"(?:^|[,\s])(?:den|le|il|el)\s(?=\d)",
            r"^[^\W\d][\w .-]{2,25},\s*(?:den |le |il |a )?(?=\d)",
            r"\b(?:nr|no|n°|nº|n\.|#)[.:#\s]*\S*\d\S*\s+(?:vom|von|du|dated|del|de fecha|van|of|issued at)\b",
            r"\b(?:document|beleg|doc)[\s-]*(?:date|datum)\b|\bdata documento\b|\bfecha documento\b|\bissued(?: on| at)?\b|\bvom\b",
        ),
    ),
    "due": (
        (
            r"\bdue[\s-]*date\b|\bpayment due\b|\bdue (?:by|on|before)\b|\b(?:pay|payable|payment|remit) (?:by|before|until|no later than)\b|\bdate due\b|\bpayment deadline\b|\bdue:",
            r"\bf[äa]llig(?:keits?)?\s*(?:datum|tag|am|bis|zum)\b|\bf[äa]llig(?:keit)?\b|\b[üu]berweisen sie (?:bitte )?bis\b|\bzahlbar (?:bis|am|sp[äa]testens)\b|\bzahlungsziel\b|\bzahlungsfrist\b|\bnetto bis\b|\bzahlung bis\b|\bzahlbar\b.{0,60}\bbis\b",
            r"\bdate (?:limite )?(?:d['’][ée]ch[ée]ance|de (?:paiement|r[èe]glement)|limite)\b|\b[ée]ch[ée]ance\b|\b[àa] (?:payer|r[ée]gler) (?:avant|au plus tard)\b",
            r"\bfecha (?:de )?(?:vencimiento|pago)\b|\bvencimiento\b|\bvence(?: el)?\b",
            r"\bdata (?:di )?scadenza\b|\bscadenza\b|\bpagare entro\b|\bentro il\b",
            r"\bverval(?:datum|dag)\b|\bte betalen (?:voor|v[oó]o?r|v[oó]ó?r)\b|\b(?:uiterste|uiterlijke) betaaldatum\b|\bbetalen (?:voor|v[óo][óo]r)\b|\buiterlijk\b",
        ),
        (),
    ),
    "other_date": (
        (
            r"\b(?:deliver(?:y|ed)|ship(?:ped|ping|ment)?|despatch|order(?:ed)?|service|supply|tax point|payment|paid|from|to|period|print(?:ed)?|posting|value|start|end|expiry|contract|arrival|departure|check[\s-]?(?:in|out)|valid|birth|p\.?o\.?)\s*(?:date|on|period|until)?\b",
            r"(?:liefer|leistungs?|bestell|auftrags?|zahlungs?|abrechnungs?|geliefert|versand|druck|buchungs?|vertrags?|valuta|anreise|abreise|g[üu]ltig)\w*|\bzeitraum\b|\bstand\b|\bversion\b|\bskonto\b",
            r"\b(?:livraison|commande|r[èe]glement|paiement|p[ée]riode|prestation|exp[ée]dition|pr[ée]l[èe]vement|contrat)\b",
            r"\b(?:entrega|pedido|pago|periodo|env[íi]o|operaci[óo]n|consegna|ordine|pagamento|spedizione|competenza|d\.?d\.?t)\b",
            r"\b(?:lever|bestel|order|betaal|verzend|periode|print)\w*",
        ),
        (),
    ),
    "gross": (
        (
            r"\bgrand total\b|\btotal (?:amount )?(?:incl\w*|inc)\b|\binvoice (?:total|amount)\b|\btotal (?:invoice|gross)\b|\bgross (?:total|amount)\b|\btotal (?:with|including|after) (?:vat|tax|gst|taxes)\b|\brounded total\b|\btotal (?:\w+ )?rounded\b|\btotal amount\b|\btotal sales? \(?incl\w*",
            r"\bbrutto(?:summe|betrag|wert|rechnungsbetrag)?\b|\brechnungs(?:betrag|endbetrag|gesamtbetrag|summe|total)\b|\bgesamt(?:betrag|summe|preis|rechnungsbetrag|total)\b(?! (?:der|netto))|\bend(?:betrag|summe|preis)\b|\bsumme (?:brutto|inkl\w*)|\binkl(?:usive|\.)?\s*(?:\d+\s*%\s*)?(?:mwst|ust|umsatzsteuer)",
            r"\bt\.?\s?t\.?\s?c\b\.?|\btotal (?:de la )?facture\b|\btoutes taxes\b|\bmontant total\b(?! h)",
            r"\b(?:importe|total)\s*(?:de (?:la )?)?factura\b|\bimporte total\b|\btotal (?:con )?(?:iva|impuestos) incl\w*",
            r"\btotale\s*(?:della )?(?:fattura|documento|ivato|complessivo|generale|iva incl\w*|da pagare)\b|\bimporto totale\b",
            r"\btotaal(?:bedrag|prijs)?\s*(?:incl\w*|inclusief)|\b(?:factuur|totaal|eind)(?:bedrag|totaal)\b",
        ),
        (
            r"\btotal(?:e|es|s)?\b|\btotaal\b|\bsumme\b|\bgesamt\b|\bsaldo\b|\bamount\b|\bbetrag\b|\bmontant\b|\bimporte\b|\bimporto\b|\bbedrag\b",
        ),
    ),
    "payable": (
        (
            r"\b(?:amount|balance|total|net) (?:due|payable|outstanding|to pay)\b|\bdue (?:payable|amount|balance)\b|\bamount to (?:be paid|pay)\b|\bplease pay\b|\bto be paid\b|\bresidual\b|\btotal due\b|\bpay this amount\b",
            r"\bzahl(?:ungs)?betrag\b|\bzu zahlen(?:der? (?:betrag|gesamtbetrag))?\b|\bf[äa]lliger (?:betrag|zahlbetrag)\b|\brestbetrag\b|\bnoch (?:offen|zu zahlen)\b|\b[üu]berweisungsbetrag\b|\boffener betrag\b|\bf[äa]llig\b",
            r"\bnet [àa] (?:payer|r[ée]gler)\b|\bsolde(?: (?:[àa] payer|d[ûu]))?\b|\breste [àa] (?:payer|r[ée]gler)\b|\bmontant (?:d[ûu]|[àa] payer)\b|\b[àa] payer\b|\bsomme [àa] payer\b",
            r"\b(?:total |importe |l[íi]quido )?a pagar\b|\b(?:netto|totale|importo) (?:a|da) pagare\b|\bda pagare\b",
            r"\b(?:totaal )?te (?:betalen|voldoen)\b|\bopenstaand bedrag\b",
        ),
        (),
    ),
    "net": (
        (
            r"\bsub[\s-]*total\b|\bnet (?:total|amount|value|price)\b|\btotal net\b|\bexcl\w*|\bwithout (?:vat|tax)\b|\bbefore (?:tax|vat)\b|\btaxable\b|\bline total\b",
            r"\bnetto(?!\s*(?:bis|a pagare))\w*|\bohne (?:ust|mwst|umsatzsteuer|steuer)\b|\bzwischensumme\b|\bzzgl\b|\bpositionssumme\b|\bwarenwert\b|\bbasisbetrag\b",
            r"\b(?:total |montant |prix )?h\.?\s?t\b\.?(?!\w)|\bhors (?:taxes?|tva)\b|\bsous[\s-]total\b|\bbase (?:ht|tva)?\b",
            r"\bbase imponible\b|\bsubtotal\b|\bimponibile\b|\bsubtotale\b|\bsin iva\b|\biva esclusa\b",
            r"\bsubtotaa?l\b|\bexclusief\b|\bgrondslag\b",
        ),
        (),
    ),
    "tax": (
        (
            r"\b(?:vat|tax|gst|sst|hst|pst)\b(?!\s*(?:invoice|inclusive|incl))|\bsales tax\b",
            r"\b(?:mwst|ust|umsatzsteuer|mehrwertsteuer|steuer|versicherungssteuer)\w*",
            r"\b(?:tva|taxe?s?)\b",
            r"\b(?:i\.?v\.?a|impuestos?|imposta|cuota)\b(?!\s*incl)",
            r"\bbtw\b",
        ),
        (),
    ),
    "other_amount": (
        (
            r"\b(?:discount|shipping|freight|deposit|paid|prepaid|advance|saving|rounding|change|cash|tender(?:ed)?|visa|master\s?card|credit card|unit price|price|qty|quantity|rate|previous balance|carried|brought|capital|carriage|charges?|allowance|items?)\b",
            r"\b(?:rabatt|skonto|anzahlung(?:en)?|versand(?:kosten)?|fracht|gegeben|r[üu]ckgeld|rundung|einzelpreis|menge|[üu]bertrag|zuschl[äa]ge|abschl[äa]ge|stammkapital|erhaltene|selbstbehalt|gesamtbetrag der)\b",
            r"\b(?:remise|acompte|esp[èe]ces|rendu|frais de port|escompte|prix unitaire|p\.?u|d[ée]j[àa] r[ée]gl[ée]|capital)\b",
            r"\b(?:descuento|anticipo|efectivo|cambio|portes|precio|sconto|acconto|contant[ie]|resto|spese|prezzo|capitale)\b",
            r"\b(?:korting|aanbetaling|contant|wisselgeld|verzendkosten|prijs|afronding)\b",
        ),
        (),
    ),
}  # fmt: skip


def _one(patterns: tuple[str, ...]) -> re.Pattern[str] | None:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns)) if patterns else None


STRONG = {kind: compiled for kind, (strong, _) in _SOURCES.items() if (compiled := _one(strong))}
WEAK = {kind: compiled for kind, (_, weak) in _SOURCES.items() if (compiled := _one(weak))}
KINDS = tuple(_SOURCES)
