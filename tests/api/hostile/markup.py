"""Hostile XML, each built by code: entities, depth, floods, lies about encodings, and invoices with absurd values."""

from __future__ import annotations

import codecs
from collections.abc import Callable

from tests.api.intake_samples import UBL_NAMESPACES, cii, ubl

Build = Callable[[], bytes]

LAUGHS = '<!ENTITY a0 "ha">' + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
QUADRATIC = f'<!ENTITY a "{"x" * 100_000}">'
ROOT = "<Invoice>&{};</Invoice>"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
LOCAL = "http://127.0.0.1:1/"
CAMT = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"


def doctype(inside: str, body: str = "<a>&x;</a>", before: str = '<?xml version="1.0"?>') -> str:
    return f"{before}<!DOCTYPE a [{inside}]>{body}"


def wide(text: str, encoding: str) -> Build:
    return lambda: text.encode(encoding)


def edited(**values: str) -> Build:
    """A UBL invoice with other values: {element}={text}, each as long as one likes."""

    def build() -> bytes:
        text = ubl()
        for name, value in values.items():
            head, _, rest = text.partition(f"<cbc:{name}")
            attributes, _, tail = rest.partition(">")
            text = f"{head}<cbc:{name}{attributes}>{value}<{tail.partition('<')[2]}"
        return text.encode("utf-8", "surrogatepass")

    return build


def lines(count: int) -> bytes:
    amount = "<cbc:LineExtensionAmount currencyID='EUR'>1</cbc:LineExtensionAmount>"
    line = f"<cac:InvoiceLine><cbc:ID>1</cbc:ID>{amount}</cac:InvoiceLine>"
    return ubl().replace("</Invoice>", line * count + "</Invoice>").encode()


def repeated(element: str, count: int) -> bytes:
    text = ubl()
    start = text.index(f"<cbc:{element}")
    end = text.index(f"</cbc:{element}>", start) + len(f"</cbc:{element}>")
    return (text[:start] + text[start:end] * count + text[end:]).encode()


def cut(percent: int) -> Build:
    return lambda: ubl().encode()[: len(ubl()) * percent // 100]


def camt(inside: str) -> bytes:
    return f'<Document xmlns="{CAMT}"><BkToCstmrStmt><Stmt>{inside}</Stmt></BkToCstmrStmt></Document>'.encode()


ENTITIES: dict[str, Build] = {
    "billion_laughs": lambda: doctype(LAUGHS, "<a>&a11;</a>").encode(),
    "billion_laughs_utf16": lambda: doctype(LAUGHS, "<a>&a11;</a>").encode("utf-16"),
    "billion_laughs_utf32": lambda: doctype(LAUGHS, "<a>&a11;</a>").encode("utf-32"),
    "billion_laughs_utf7": lambda: doctype(LAUGHS, "<a>&a11;</a>", '<?xml encoding="UTF-7"?>').encode("utf-7"),
    "billion_laughs_ebcdic": lambda: doctype(LAUGHS, "<a>&a11;</a>", '<?xml encoding="cp037"?>').encode("cp037"),
    "laughs_in_attributes": lambda: doctype(LAUGHS, '<a b="&a11;"/>').encode(),
    "quadratic": lambda: doctype(QUADRATIC, "<a>" + "&a;" * 50_000 + "</a>").encode(),
    "xxe_file": lambda: doctype('<!ENTITY x SYSTEM "file:///etc/passwd">').encode(),
    "xxe_http": lambda: doctype('<!ENTITY x SYSTEM "http://127.0.0.1:1/x">').encode(),
    "xxe_parameter": lambda: doctype('<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;').encode(),
    "xxe_netdoc": lambda: doctype('<!ENTITY x PUBLIC "a" "netdoc:///etc/passwd">').encode(),
    "dtd_remote": lambda: b'<!DOCTYPE Invoice SYSTEM "http://127.0.0.1:1/invoice.dtd"><Invoice/>',
    "dtd_public": lambda: b'<!DOCTYPE Invoice PUBLIC "-//X//Y" "file:///dev/zero"><Invoice/>',
    "dtd_recursive": lambda: doctype('<!ENTITY x "&y;"><!ENTITY y "&x;">').encode(),
    "dtd_after_comment": lambda: b"<!-- x --><!DOCTYPE a><a/>",
    "dtd_lower_case": lambda: b"<!doctype a [<!ENTITY x 'y'>]><a>&x;</a>",
    "dtd_huge": lambda: doctype("<!ELEMENT a ANY>" * 500_000).encode(),
    "attribute_defaults": lambda: doctype('<!ATTLIST a b CDATA "x" c CDATA "y">', "<a/>").encode(),
    "entity_without_doctype": lambda: ubl().replace("RE-2026", "&secret;").encode(),
    "xinclude": lambda: b'<a xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="/etc/passwd"/></a>',
    "schema_location": lambda: (
        ubl().replace("<Invoice ", f'<Invoice xmlns:i="{XSI}" i:schemaLocation="{LOCAL}" ').encode()
    ),
    "stylesheet": lambda: b'<?xml-stylesheet href="http://127.0.0.1:1/x.xsl" type="text/xsl"?>' + ubl().encode(),
    "character_references": lambda: b"<a>" + b"&#65;" * 2_000_000 + b"</a>",
}  # fmt: skip
FLOODS: dict[str, Build] = {
    "deep_200": lambda: b"<a>" * 200 + b"</a>" * 200,
    "deep_1000": lambda: b"<a>" * 1000 + b"</a>" * 1000,
    "deep_100000": lambda: b"<a>" * 100_000 + b"</a>" * 100_000,
    "deep_million_open": lambda: b"<a>" * 1_000_000,
    "deep_invoice": lambda: ubl(body="<x>" * 3000 + "</x>" * 3000).encode(),
    "elements_20_mb": lambda: b"<a>" + b"<b/>" * 4_900_000 + b"</a>",
    "elements_with_text_20_mb": lambda: b"<a>" + b"<b>1</b>" * 2_400_000 + b"</a>",
    "attributes_million": lambda: b"<a " + b" ".join(b'a%d=""' % n for n in range(1_000_000)) + b"/>",
    "attributes_same": lambda: b"<a " + b'a="" ' * 1_000_000 + b"/>",
    "attributes_on_elements": lambda: b"<a>" + b'<b c="" d="" e="" f=""/>' * 800_000 + b"</a>",
    "namespaces_300000": lambda: b"<a " + b" ".join(b'xmlns:a%d="b"' % n for n in range(300_000)) + b"/>",
    "namespaces_nested": lambda: b"".join(b'<a%d:a xmlns:a%d="b%d">' % (n, n, n) for n in range(250)),
    "name_10_mb": lambda: b"<" + b"a" * 10_000_000 + b"/>",
    "value_19_mb": lambda: b'<a b="' + b"x" * 19_000_000 + b'"/>',
    "text_19_mb": lambda: b"<a>" + b"text " * 3_800_000 + b"</a>",
    "cdata_19_mb": lambda: b"<a><![CDATA[" + b"]" * 19_000_000 + b"]]></a>",
    "comment_19_mb": lambda: b"<a><!--" + b"x" * 19_000_000 + b"--></a>",
    "comments_million": lambda: b"<a>" + b"<!---->" * 2_700_000 + b"</a>",
    "instructions_million": lambda: b"<a>" + b"<?a?>" * 3_900_000 + b"</a>",
    "spaces_19_mb": lambda: b"<a>" + b" " * 19_000_000 + b"</a>",
    "base64_19_mb": lambda: ubl().replace("RE-2026/0042", "QUJD" * 4_700_000, 1).encode(),
    "lines_50000": lambda: lines(50_000),
    "numbers_100000": lambda: repeated("ID", 100_000),
    "totals_100000": lambda: repeated("TaxInclusiveAmount", 100_000),
    "camt_100000": lambda: camt("<Ntry><Amt Ccy='EUR'>1</Amt></Ntry>" * 100_000),
    "unknown_root": lambda: b"<Whatever><Invoice>1</Invoice></Whatever>",
    "empty_root": lambda: b"<Invoice/>",
    "soap": lambda: f'<s:Envelope xmlns:s="{SOAP}"><s:Body>{ubl()}</s:Body></s:Envelope>'.encode(),
    "html": lambda: b"<html><body>" + b"<div>" * 100_000,
    "svg": lambda: b'<svg xmlns="http://www.w3.org/2000/svg"><script>while(1);</script></svg>',
}  # fmt: skip
ENCODINGS: dict[str, Build] = {
    "says_utf16_is_utf8": lambda: b'<?xml version="1.0" encoding="UTF-16"?>' + ubl().encode(),
    "says_utf8_is_utf16": wide('<?xml version="1.0" encoding="UTF-8"?>' + ubl(), "utf-16-le"),
    "utf16_no_bom": wide(ubl(), "utf-16-be"),
    "utf32": wide(ubl(), "utf-32"),
    "two_boms": lambda: codecs.BOM_UTF8 + codecs.BOM_UTF16_LE + ubl().encode(),
    "bom_in_the_middle": lambda: ubl().replace("Nordlicht", "Nord\ufefflicht").encode(),
    "unknown_encoding": lambda: b'<?xml version="1.0" encoding="klingon"?>' + ubl().encode(),
    "encoding_long": lambda: b'<?xml version="1.0" encoding="' + b"x" * 1_000_000 + b'"?><a/>',
    "latin_1_bytes": lambda: ubl().replace("Nordlicht", "Nördlicht").encode("latin-1"),
    "nul": lambda: ubl().replace("RE-", "RE\0").encode(),
    "control_characters": lambda: ubl().replace("RE-", "R\x08E").encode(),
    "surrogates": edited(ID="\ud800\udfff"),
    "half_a_surrogate_utf16": lambda: b"\xff\xfe<\0a\0>\0\x00\xd8<\0/\0a\0>\0",
    "odd_utf16": lambda: codecs.BOM_UTF16_LE + b"<",
    "wrong_version": lambda: b'<?xml version="9.9"?>' + ubl().encode(),
    "two_declarations": lambda: b'<?xml version="1.0"?><?xml version="1.0"?><a/>',
    "two_roots": lambda: ubl().encode() + ubl().encode(),
    "noise_after": lambda: ubl().encode() + b"\xff\xfe\x00garbage",
    "polyglot_pdf": lambda: b"<!--%PDF-1.4-->" + ubl().encode(),
    **{f"cut_at_{percent}": cut(percent) for percent in (1, 5, 10, 25, 50, 75, 90, 99)},
}  # fmt: skip
VALUES: dict[str, Build] = {
    "amount_1e400": edited(TaxInclusiveAmount="1e400"),
    "amount_a_million_digits": edited(TaxInclusiveAmount="9" * 1_000_000),
    "amount_a_million_places": edited(TaxInclusiveAmount="0." + "0" * 1_000_000 + "1"),
    "amount_exponent": edited(TaxInclusiveAmount="1e-999999999"),
    "amount_not_a_number": edited(TaxInclusiveAmount="NaN", PayableAmount="Infinity"),
    "amount_other_digits": edited(TaxInclusiveAmount="١٢٣٤"),
    "amount_negative": edited(TaxInclusiveAmount="-0.00", PayableAmount="--5"),
    "amount_formula": edited(TaxInclusiveAmount="=1+1"),
    "date_absurd": edited(IssueDate="99999999-99-99", DueDate="0000-00-00"),
    "date_before_time": edited(IssueDate="-4713-01-01", DueDate="9999-12-31T99:99:99+99:99"),
    "date_long": edited(IssueDate="2" * 1_000_000),
    "number_a_million_letters": edited(ID="A" * 1_000_000),
    "number_is_a_formula": edited(ID="=cmd|' /C calc'!A0"),
    "number_is_markup": edited(ID="&lt;script&gt;alert(1)&lt;/script&gt;"),
    "number_turned_around": edited(ID="\u202eRE-2026"),
    "number_zero_width": edited(ID="RE\u200b-20\u206026"),
    "name_of_combining_marks": edited(RegistrationName="Z" + "\u0301" * 100_000),
    "name_empty": edited(RegistrationName=" \u3000 "),
    "currency_absurd": edited(DocumentCurrencyCode="€" * 10_000),
    "type_code_absurd": edited(InvoiceTypeCode="9" * 10_000),
    "iban_absurd": lambda: ubl().replace("DE02 1203 0000 0000 2020 51", "DE" * 500_000).encode(),
    "vat_absurd": lambda: ubl().replace("DE 136 695 976", "DE" + "9" * 1_000_000).encode(),
    "comment_in_a_number": edited(ID="RE-<!-- not -->2026"),
    "instruction_in_a_number": edited(ID="RE-<?x not?>2026"),
    "element_in_a_number": edited(ID="RE-<b>not</b>2026"),
    "cdata_number": edited(ID="<![CDATA[RE-2026]]>"),
    "attribute_wins": edited(ID="<cbc:ID>RE-2</cbc:ID>RE-1"),
    "cii_date_absurd": lambda: cii(issued="99999999").encode(),
    "cii_code_absurd": lambda: cii("\u0663\u0668\u0660").encode(),
    "cii_cut": lambda: cii().encode()[:-100],
    "camt_nothing": lambda: camt(""),
    "camt_nonsense": lambda: camt("<Acct><Id><IBAN>X</IBAN></Id><Ccy>€</Ccy></Acct>"),
    "camt_amounts": lambda: camt(
        "<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy='EUR'>1e999</Amt><CdtDbtInd>X</CdtDbtInd></Bal>"
        "<Ntry><Amt Ccy='EUR'>" + "9" * 100_000 + "</Amt></Ntry>"
    ),
    "other_namespace": lambda: ubl().replace("urn:oasis", "urn:nobody").encode(),
    "no_namespace": lambda: b"<Invoice><ID>1</ID></Invoice>",
    "swapped_prefixes": lambda: f"<cbc:Invoice {UBL_NAMESPACES}><cac:ID>1</cac:ID></cbc:Invoice>".encode(),
}  # fmt: skip
MARKUP: dict[str, Build] = {
    f"xml_{name}": build for group in (ENTITIES, FLOODS, ENCODINGS, VALUES) for name, build in group.items()
}
