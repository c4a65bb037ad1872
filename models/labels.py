"""The words that stand before a field in English, German, French, Spanish, Italian and Dutch documents.

Lists go from the strongest label to the weakest; the first that yields a value wins.
"""

from __future__ import annotations

import re


def _labels(*patterns: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern, re.IGNORECASE) for pattern in patterns)


def _any(*words: str) -> re.Pattern[str]:
    return re.compile("|".join(words), re.IGNORECASE)


_NO = (
    r"(?:\s*[-.]?\s*(?:no|nr|n[°º˚]|nº|num|number|nummer|numéro|número|numero|nro|id|ref|reference"
    r"|#)(?![a-z])\s*[.:°º#]*|\s*#)"
)
_OWN = r"(?<!original )(?<!your )(?<!credited )(?<!previous )"

INVOICE_NUMBER = _labels(
    rf"\b{_OWN}(?:tax |sales |commercial |pro[- ]?forma )?(?:invoice|credit note|credit memo|bill){_NO}",
    r"(?<!ursprungs)(?<!vorgänger)(?<!bezugs)\b(?:rechnungs|gutschrifts?|faktura|beleg)[- ]?"
    r"(?:nummer|nr|no|n°)\b\.?\s*:?",
    r"\b\w{0,20}(?:rechnung|gutschrift|korrektur|faktura)(?: (?:des|der|zur|zum|f[üu]r) \w+)?\s*(?:\([^)]*\)\s*)*"
    r"(?:nr|nummer|no|#)(?!\w)\.?\s*:?",
    r"\b(?:n[°º]|num[ée]ro|no)\s*(?:de |d['’])?\s*(?:la )?(?:facture|avoir)\s*:?",
    r"\b(?:facture|avoir)\s*(?:d['’]avoir\s*)?(?:n[°ºo]|num[ée]ro|num)(?![a-z])\.?\s*:?",
    r"\b(?:n[°º.]|n[uú]m(?:ero)?\.?)\s*(?:de |della |di )?\s*(?:factura|fattura|abono|documento)\s*:?",
    r"\b(?:factura|fattura|nota di credito|abono)\s*(?:n[°º.o]|nr|n[uú]m(?:ero)?|numero)(?![a-z])[.°º]?\s*:?",
    r"\b(?:factuur|creditnota|creditfactuur)[- ]?(?:nummer|nr|no)\b\.?\s*:?",
    r"\b(?:document|doc|beleg|transaction|receipt|voucher)\s*(?:no|nr|number|nummer|#)(?![a-z])\.?\s*:?",
    r"^\W*(?:tax |commercial )?(?:invoice|credit note|rechnung|gutschrift|facture|avoir|factura|fattura|factuur"
    r"|creditnota)"
    r"\b\s*:?",
    r"\b(?:invoice|rechnung|facture|factura|fattura|factuur)\s*[:#]",
    # A title whose words the PDF has torn apart still ends in "no. X of DATE".
    r"\b(?:nr|no|n°)\b\.?\s*(?=\S*\d\S*\s+(?:vom|von|du|dated|del|van)\s+\d)",
)

PURCHASE_ORDER = _labels(
    r"\b(?:purchase order|customer order|your order|buyer'?s? order|order reference)(?:\s*(?:no|nr|number|ref|id|#)\b)?"
    r"[.:#]*",
    r"\bP\.?\s?O\.?(?:\s*(?:no|nr|number|ref|#)\b|\s*[:#])[.:#]*",
    r"(?<!auftrags)\b(?:ihre |kunden)?(?:bestell|bestellungs)[- ]?(?:nummer|nr|no|referenz)\b\.?\s*:?",
    r"\b(?:ihre )?bestellung(?:\s*(?:nr|nummer|no)\b\.?)?\s*:?(?!\s*vom\b)",
    r"\b(?:n[°º]|num[ée]ro)\s*(?:de )?\s*(?:bon de )?commande\s*:?",
    r"\b(?:bon de commande|votre commande|commande)(?:\s*(?:n[°ºo]|num[ée]ro)(?![a-z]))?\.?\s*:?",
    r"\b(?:n[°º.]|n[uú]m(?:ero)?\.?)\s*(?:de |di )?\s*(?:pedido|ordine)\s*:?",
    r"\b(?:su pedido|pedido|orden de compra|vs\.? ordine|ordine d['’]acquisto|ordine)(?:\s*(?:n[°º.o]|nr"
    r"|num\w*)(?![a-z]))?\.?\s*:?",
    r"\b(?:inkooporder|uw order|bestel)[- ]?(?:nummer|nr)?\b\.?\s*:?",
    r"\border(?:\s*(?:no|nr|number|ref|reference|id|#)\b)[.:#]*",
    r"\b(?:your ref(?:erence)?|ihre referenz|ihr zeichen|votre r[ée]f[ée]rence|v/r[ée]f|su referencia|vs\.? rif"
    r"|uw referentie)"
    r"\b\.?\s*:?",
)

# No other document is named between a title and its date.
_PLAIN = r"(?:(?!bestell|liefer|auftrag|order|commande|pedido|ordine).)"

ISSUE_DATE = _labels(
    r"\b(?:invoice|bill|credit note|document|tax) date\b|\bdate of (?:issue|invoice)\b|\bissue(?:d)? date\b"
    r"|\bdate issued\b"
    r"|\bissued(?: on)?\b",
    r"\b(?:rechnungs|beleg|ausstellungs|gutschrifts?|faktura)[- ]?datum\b",
    r"\bdate (?:de |d['’])?(?:la )?(?:facture|facturation|[ée]mission|avoir)\b",
    r"\bfecha (?:de )?(?:la )?(?:factura|emisi[oó]n|expedici[oó]n)\b",
    r"\bdata (?:della )?(?:fattura|emissione|documento|di emissione)\b",
    r"\b(?:factuur|nota)[- ]?datum\b",
    rf"\b\w{{0,20}}(?:rechnung|gutschrift|faktura|korrektur)\b{_PLAIN}{{0,50}}\b(?:vom|von)\b|^vom\b",
    rf"\b(?:facture|avoir|factura|fattura|invoice)\b{_PLAIN}{{0,40}}\b(?:du|dated|issued at|of|del|de fecha|van)\b",
    r"\b(?:nr|no|n°)\b\.?\s*\S*\d\S*\s+(?:vom|von|du|dated|del|van)\b",
    r"^\W*(?:date|datum|fecha|data)\b\s*[:.]?",
    r"(?:^|[,\s])(?:den|le|il)\s(?=\d)",
    r"(?<!due )(?<!delivery )(?<!order )\bdate\s*:",
)

DUE_DATE = _labels(
    r"\bdue date\b|\bpayment due\b|\bdue (?:by|on)\b|\b(?:pay|payable|payment|remit) (?:by|before|until)\b"
    r"|\bdate due\b",
    r"\bf[äa]llig(?:keits?)?(?:datum|tag| am| bis| zum)?\b|\b[üu]berweisen sie (?:bitte )?bis\b|\bzahlbar (?:bis"
    r"|am)\b|\bzahlungsziel\b|\bnetto bis\b",
    r"\bdate d['’][ée]ch[ée]ance\b|\b[ée]ch[ée]ance\b|\b[àa] (?:payer|r[ée]gler) (?:avant|au plus tard)\b",
    r"\bfecha (?:de )?vencimiento\b|\bvencimiento\b",
    r"\bdata (?:di )?scadenza\b|\bscadenza\b",
    r"\bverval(?:datum|dag)\b|\bte betalen (?:voor|v[oó][oó]r)\b|\buiterste betaaldatum\b",
    r"\bzahlbar\b.{0,60}\bbis\b",
)

OTHER_DATE = _any(
    r"\b(?:due|deliver|ship|order|service|tax point|payment|paid|from|period|print)", r"liefer|leistung|bestell"
    r"|f[äa]llig",
    r"zahl|zeitraum|geliefert|auftrag|version|stand\b", r"livraison|commande|[ée]ch[ée]ance|r[èe]glement|paiement",
    r"entrega|pedido|vencimiento|pago", r"consegna|ordine|scadenza|pagamento", r"lever|bestel|verval|betaal",
)  # fmt: skip
ANY_DATE = _any(r"\bdate\b", "datum", r"\bfecha\b", r"\bdata\b")
MONTH_FIRST = _any(r"\bUSA\b", r"\bUnited States\b", r"\b[A-Z]{2} \d{5}(?:-\d{4})?\b", r"\bSales Tax\b")
HEADING = _any(r"\bdate\b", "datum", r"\bseite\b", r"\bpage\b", r"\bkunden", r"\bcustomer", r"\bclient\b", r"\bfecha\b")

GROSS_TOTAL = _labels(
    r"\bgrand total\b|\btotal (?:amount )?(?:incl\w*|inc)\b\.?.{0,12}|\binvoice (?:total|amount)\b"
    r"|\btotal (?:invoice|gross)\b"
    r"|\brounded total\b|\btotal (?:\w+ )?(?:rounded|after (?:rounding|adj\w*))|\bgross (?:total|amount)\b"
    r"|\btotal with (?:vat|tax)\b|\btotal including\b",
    r"\bbrutto(?:summe|betrag)\b|\brechnungssumme brutto\b|\brechnungs(?:betrag|endbetrag|gesamtbetrag)\b"
    r"|\bgesamt(?:betrag|summe)\s*(?:\(?brutto\)?|"
    r"inkl\w*)|\bsumme brutto\b|\bgesamt brutto\b|\bend(?:betrag|summe)\b|\bgesamt(?:rechnungs)?betrag\b"
    r"|\bgesamtsumme\b",
    r"\b(?:total|montant|prix|somme)\s*(?:g[ée]n[ée]ral\s*)?t\.?\s?t\.?\s?c\b\.?|\btotal (?:de la )?facture\b"
    r"|\btotal toutes taxes",
    r"\b(?:importe|total)\s*(?:de la )?factura\b|\bimporte total\b|\btotal (?:con )?iva incl",
    r"\btotale?\s*(?:della )?(?:fattura|documento|ivato)\b|\btotale (?:complessivo|generale|iva inclusa)\b",
    r"\btotaal\s*(?:incl\w*|bedrag|factuur)\b|\bfactuur(?:bedrag|totaal)\b",
)

ANY_TOTAL = _labels(
    r"\btotal(?:e|s)?\b|\btotaal\b|\bsumme\b|\bgesamt\b|\bsaldo\b|\bamount\b|\bbetrag\b|\bmontant\b|\bimporte\b"
    r"|\bimporto\b",
)

AMOUNT_DUE = _labels(
    r"\b(?:amount|balance|total) (?:due|payable|outstanding)\b|\bamount to pay\b|\bplease pay\b|\bto be paid\b"
    r"|\bresidual\b",
    r"\bzahl(?:ungs)?betrag\b|\bzu zahlen(?:der? \w+)?\b|\bf[äa]lliger betrag\b|\brestbetrag\b|\bnoch (?:offen"
    r"|zu zahlen)\b"
    r"|\b[üu]berweisungsbetrag\b",
    r"\bnet [àa] payer\b|\bsolde (?:[àa] payer|d[ûu])\b|\breste [àa] payer\b|\bmontant (?:d[ûu]|[àa] payer)\b"
    r"|\b[àa] payer\b",
    r"\btotal a pagar\b|\bimporte a pagar\b|\ba pagar\b",
    r"\b(?:netto|totale|importo) (?:a|da) pagare\b|\bda pagare\b",
    r"\bte betalen\b|\bte voldoen\b|\bopenstaand bedrag\b",
)

NET_OR_TAX = _any(
    r"\bsub[- ]?total\b", r"\bnet (?:total|amount)\b", r"\btotal net\b", r"\bexcl\w*", r"\bwithout\b",
    r"\bbefore tax\b",
    r"\b(?:tax|vat|discount|shipping|freight) (?:total|amount)\b", r"\btotal (?:tax|vat|taxes|discount|qty|quantity"
    r"|items)\b",
    r"\bohne\b", r"\bnetto(?!\s*(?:bis|a pagare))", r"\bzwischensumme\b", r"\b(?:mwst|ust|umsatzsteuer"
    r"|steuer)[- ]?betrag\b",
    r"\bgesamtbetrag der\b", r"\bzzgl\b", r"\bpositionssumme\b", r"\bh\.?t\b\.?(?!\w)", r"\bhors tax",
    r"\btotal (?:de la )?tva\b",
    r"\bsous[- ]total\b", r"\bbase\b", r"\bbase imponible\b", r"\bimponibile\b", r"\btotale? iva\b", r"\bsubtotaa?l\b",
    r"\btotaal btw\b", r"\brabatt", r"\banzahlung", r"\bacompte", r"\bsaving", r"\brounding\b", r"\bchange\b",
)  # fmt: skip

# What the customer handed over and got back is no total, though it adds up.
CASH = _any(
    r"\bcash\b", r"\btender", r"\bchange\b", r"\bvisa\b", r"\bmaster\s?card\b", r"\bgegeben\b", r"\br[üu]ckgeld\b",
    r"\besp[èe]ces\b", r"\brendu\b", r"\bcontant[ie]\b", r"\bresto\b", r"\befectivo\b", r"\bcambio\b",
    r"\bwisselgeld\b",
)  # fmt: skip

_CODES = (
    "EUR USD GBP CHF SEK NOK DKK PLN CZK HUF RON BGN HRK ISK TRY JPY CNY AUD NZD CAD SGD HKD INR MYR THB IDR "
    "PHP KRW ZAR BRL MXN ARS CLP COP PEN AED SAR ILS EGP RUB UAH VND TWD"
)
CURRENCY_SIGNS = {
    "€": "EUR", "£": "GBP", "$": "USD", "US$": "USD", "¥": "JPY", "zł": "PLN", "Kč": "CZK", "RM": "MYR", "₹": "INR",
    "Euro": "EUR", "SFr": "CHF", "R$": "BRL", "A$": "AUD", "C$": "CAD",
}  # fmt: skip
CURRENCY_LABEL = re.compile(
    rf"(?:currency|w[äa]hrung|devise|monnaie|moneda|divisa|valuta)\W{{1,6}}({_CODES.replace(' ', '|')})\b",
    re.IGNORECASE,
)
CURRENCY = re.compile(
    rf"\b(?:{_CODES.replace(' ', '|')})(?=\b|\d)|US\$|R\$|A\$|C\$|[€£$¥₹]|\bEuro\b|\bRM(?=\s?\d|\b)|\bzł|\bKč|\bSFr\b"
)

_SELLER = (
    r"ver\s?k[äa]ufer|seller|lieferant|supplier|vendor|from|bill(?:ed)? from|issued by|rechnungssteller|fournisseur"
    r"|vendeur|"
    r"[ée]metteur|proveedor|vendedor|emisor|fornitore|cedente(?:[ /]prestatore)?|mittente|leverancier|verkoper|absender"
)
_BUYER = (
    r"k[äa]ufer(?:/\w+)?|buyer|customer|client|bill(?:ed|ing)?[- ](?:to|address)|invoice(?:d)? to|ship(?:ping|ped)?[- ]"
    r"(?:to|address)|sold to|deliver(?:y|ed)?[- ](?:to|address)|to|kunde|(?:rechnungs|waren|leistungs|abweichender \w*)"
    r"empf[äa]nger|rechnungsadresse|lieferadresse|lieferanschrift|acheteur|adresse de (?:livraison|facturation)"
    r"|factur[ée] [àa]|"
    r"cliente|comprador|destinatario|cessionario(?:[ /]committente)?|klant|koper|afnemer|abweichender \w+"
)
SELLER_HEADING = re.compile(rf"^\W*(?:{_SELLER})\s*(?::\s*)?$", re.IGNORECASE)
BUYER_HEADING = re.compile(rf"^\W*(?:{_BUYER})\s*(?::.*)?$", re.IGNORECASE)
BLOCK_END = _any(
    r"^\W*(?:invoice|rechnung|facture|factura|fattura|factuur|bemerkung|notes?|pos\b|description|beschreibung"
    r"|qualifizierung)",
    r"\b(?:rechnungs|beleg)-?(?:nr|nummer|datum)\b", r"\bIBAN\b",
)  # fmt: skip
BUYER_WORD = _any(
    r"\b(?:customer|client|buyer|your|bill to|k[äa]ufer|votre|cliente|klant)\b", r"\bkunden?\b(?!nservice)",
    r"\bihre?\b",
    r"empf[äa]nger", r"\buw\b",
)  # fmt: skip

SELLER_NAME = re.compile(
    rf"^\W*(?:(?:{_SELLER})(?:\s*name)?|(?:company|business) name)\s*:\s*(\S.*)$",
    re.IGNORECASE,
)
# "All services are sold by Amazon …": the name begins after the last such word.
NAME_START = re.compile(r"^.*\b(?:by|from|von|par)\s+(?=\S)", re.IGNORECASE)
BANK_LINE = _any(r"\bBIC\b", r"\bIBAN\b", r"\bSWIFT\b", r"\bbank\b")
NAME_LABEL = re.compile(
    r"^\W*(?:name|firma|nom|nombre|nome|naam|raison sociale|ragione sociale)\s*:\s*(.*)$", re.IGNORECASE
)
NAME_END = re.compile(
    r"\s[-–—|•·]\s|\s{3,}|,\s(?=.*\d)|\s(?=(?:gesch[äa]ftsf[üu]hr|ust-?id|tel\b|gln\b|vat\b))|;", re.IGNORECASE
)
COMPANY = re.compile(
    r"[^\W\d_][\w&.,'’+/ -]{0,60}?[ ,]"
    r"(?:GmbH(?: ?& ?Co\.?(?: ?KG(?:aA)?)?)?|AG|KG|OHG|UG|GbR|e\.\s?[KVG]\.|SE|S\.?A\.?R\.?L\.?|S\.?A\.?S\.?U?"
    r"|S\.?A\.?|"
    r"EURL|SNC|S\.?L\.?U?\.?|S\.?r\.?l\.?|S\.?p\.?A\.?|B\.?V\.?|N\.?V\.?|V\.?O\.?F\.?|Ltd\.?|Limited|PLC|plc|LLP|LLC|"
    r"Inc\.?|Incorporated|Corp\.?|Corporation|Pty\.? Ltd\.?|Sdn\.? ?Bhd\.?|SDN\.? ?BHD\.?|Oy|AB|A/S|ApS|AS|ASA)"
    r"(?![\w-])(?: ?\.)?"
)
NOT_A_NAME = _any(
    r"\b(?:invoice|rechnung\w*|facture|factura|fattura|factuur|credit|gutschrift|avoir|receipt|quittung|beleg\w*"
    r"|order|page|"
    r"seite|date|datum|fecha|data|total|tel|fax|phone|email|e-mail|www|http|iban|bic|vat|ust\S*|tva|iva|btw|gln"
    r"|gtin|number|"
    r"nummer|no|nr|copyright|version|stylesheet\S*|original|copy|kopie|duplicate|statement|address|anschrift"
    r"|stra[sß]+e|"
    r"street|road|rue|calle|tax|beispiel\S*|muster[- ]?rechnung\S*|w[äa]hrung|currency|steuernummer)\b",
    r"\b(?:description|quantity|qty|menge|beschreibung|bezeichnung|quantit[ée]|d[ée]signation|cantidad|aantal)\b",
    r"@", r"^\W*\w{1,3}\W*$", r"\(c\)", r"©",
)  # fmt: skip
NOT_A_PREFIX = _any(
    "vom", "from", "date", "dated", "datum", "du", "del", "van", "le", "of", "eur", "usd", "page", "seite", "no", "nr"
)
