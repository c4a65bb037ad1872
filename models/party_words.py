"""How a seller, a buyer and their addresses and numbers are recognised: legal forms, headings, forms of address."""

# One language or country a line reads better than lines of one length.
# ruff: noqa: E501, SIM905
from __future__ import annotations

import re
from functools import lru_cache

LEGAL = re.compile(
    r"(?:^|[\s,])(?:g?GmbH|AG|KGa?A?|OHG|UG(?: \(haftungsbeschr[äa]nkt\))?|GbR|mbH|e\. ?[KVG]\.|e\.K|a\. ?G\.|eG|SE|S\.? ?A\.? ?R\.? ?L\.?"
    r"|S\.?A\.?S\.?U?|S\.?A\.?|EURL|SNC|SCI|S\.?L\.?U?\.?|S\.? ?r\.? ?l\.?s?|S\.? ?p\.? ?A\.?|S\.?n\.?c\.?|S\.?a\.?s\.?|B\.?V\.?"
    r"|N\.?V\.?|V\.?O\.?F\.?|C\.?V\.?|Ltd\.?|Limited|PLC|plc|LLP|LLC|L\.L\.C\.|Inc\.?|Incorporated|Corp\.?|Corporation|Company|Co\."
    r"|Pty\.?|(?:SDN|Sdn)\.? ?(?:BHD|Bhd)\.?|Oy|Oyj|AB|A/S|ApS|AS|ASA|Sp\. ?z ?o\.?o\.?|s\.r\.o\.|a\.s\.|d\.o\.o\.|Kft\.?|Zrt\.?)(?=$|[\s,;)·|])"
)
LABELLED = re.compile(
    r"^\W*(?:name|firma|firmenname|nom|nombre|nome|naam|raison sociale|ragione sociale|raz[óo]n social|denominazione|company(?: name)?)\s*:\s*",
    re.IGNORECASE,
)
ACCOUNT_HOLDER = re.compile(
    r"\b(?:account (?:holder|name|owner)|kontoinhaber|titulaire(?: du compte)?|titular|intestat\w+|rekeninghouder|t\.?n\.?v\.?|beneficiary|payable to|remit to)\b\W*",
    re.IGNORECASE,
)
SALUTATION = re.compile(
    r"^\W*(?:herrn?|frau|firma|mr|mrs|ms|messrs|m\.|mme|monsieur|madame|sr|sra|sig|spett\w*|egr\w*|de heer|mevrouw|attn|attention|z\.? ?hd|c/o|t\.?a\.?v)\b",
    re.IGNORECASE,
)
GREETING = re.compile(
    r"^\W*(?:sehr geehrt|guten tag|hallo|dear|hello|thank|vielen dank|mit freundlich|freundliche|best regards|kind regards|sincerely|madame, monsieur"
    r"|cher|bonjour|merci|cordialement|estimad|saludos|gentile|cordiali|distinti|geachte|beste|met vriendelijk)",
    re.IGNORECASE,
)
OWN_NUMBERS = re.compile(
    r"\b(?:VAT|UST|USt|Ust|TVA|BTW|Btw|IVA|P\. ?IVA|Partita IVA|NIF|CIF|SIRET|SIREN|RCS|HRB|HRA|IBAN|BIC|SWIFT|KvK|KVK|REA|Steuer\w*|GST|ABN|EIN|Registergericht|Handelsregister|Gesch[äa]ftsf[üu]hr\w+)\b"
)
ADDRESS = re.compile(r"\b(?:[A-Z]{1,2}-)?\d{4,5}\b|\b[A-Z]{1,2}\d{1,2}[A-Z]? ?\d[A-Z]{2}\b|\b\d{4} ?[A-Z]{2}\b")
STREET = re.compile(
    r"\b(?:\w*(?:stra(?:ß|ss)e|str\.|weg|platz|gasse|allee|ring|damm|ufer|straat|laan|plein|gracht|kade)|street|st\.?|road|rd\.?|avenue|ave\.?|lane|way|drive|rue|bd|boulevard|place|chemin|calle|c/|avda|plaza|via|viale|piazza|corso|jalan|no\.) ?\d*\b",
    re.IGNORECASE,
)
SEPARATORS = re.compile(r"\s*[·•|●■∙]\s*|\s+[-–—*]\s+|\s*;\s*|,\s+(?=\S*\d)|,\s+(?=[^,]*\b(?:\d{4,5})\b)")
DOMAIN = re.compile(r"(?:@|www\.|https?://(?:www\.)?)([\w-]+(?:\.[\w-]+)*)\.[a-z]{2,}", re.IGNORECASE)
_SHORT = 200
PUBLIC = frozenset(
    "gmail googlemail gmx web yahoo hotmail outlook aol orange free wanadoo libero t-online example".split()
)
FOREIGN = re.compile(r"(?<![\w/-])[A-Z]{1,3}\d{8,14}(?![\w/-])")
TAX_LABEL = re.compile(
    r"\b(?:VAT|GST|USt|UID|TVA|IVA|BTW|MwSt|NIF|CIF|tax)\b.{0,20}$|\b\w*(?:steuer|fiscale?|fiscal)\w*.{0,12}$",
    re.IGNORECASE,
)


def has_form(text: str) -> bool:
    """Whether a legal form stands in a text. The same cells are asked about many times."""
    return _has_form(text) if len(text) <= _SHORT else LEGAL.search(text) is not None


@lru_cache(maxsize=1024)
def _has_form(text: str) -> bool:
    return LEGAL.search(text) is not None
