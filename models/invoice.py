"""A supplier invoice as a ledger holds it, and the normal forms in which two invoices are compared."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Invoice:
    """One posted invoice or credit note. `amount` is in the major unit of `currency`; None = not known."""

    invoice_id: str
    entity: str
    vendor_id: str
    vendor_name: str
    tax_id: str | None
    iban: str | None
    invoice_no: str
    invoice_date: date | None
    posting_date: date | None
    currency: str
    amount: Decimal
    po: str | None
    description: str | None
    doc_type: str


@dataclass(frozen=True, slots=True)
class NumberForms:
    """The forms of one invoice number.

    plain: letters and digits in capitals, nothing else. folded: plain after OCR folds, without leading
    zeros. stem: folded, zeros stripped part by part, without words such as COPY and without a suffix.
    digits: the digits alone, or '' below three. style: letters as A, digits as 9, separators as they stand.
    serial: the run of digits that counts up, as a number (None without digits or above 15 of them);
    frame: what stands around it.
    """

    plain: str
    folded: str
    stem: str
    digits: str
    style: str
    frame: str
    serial: int | None


_FOLD = str.maketrans("OQILSBZ", "0011582")
# Cyrillic and Greek capitals that look like Latin ones: copied text carries them.
_LOOKALIKE = str.maketrans("АВЕКМНОРСТХІЅЈΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEKMHOPCTXISJABEZHIKMNOPTYX")
_NOISE = re.compile(
    "COPY|KOPIE|COPIE|COPIA|DUP|DUPLICATE|DUPLIKAT|DUPLICATA|REV|REVISED|CORR|CORRECTED|NEW|BIS|FINAL|RESEND|REISSUE|"
    "REISSUED|INVOICE|INV|NO|NR|NUM|RE|RG|RECHNUNG|FACTURE|FAC|FATTURA|FACTURA|FACTUUR|BILL"
)
_LEGAL = re.compile(
    "LTD|LIMITED|PLC|LLP|LLC|INC|CORP|CORPORATION|COMPANY|CO|GMBH|MBH|AG|KG|OHG|UG|EK|EV|SE|SA|SAS|SARL|SL|SLU|SRL|"
    "SPA|SAPA|BV|NV|OY|AB|AS|APS|THE|AND|UND|ET|Y|E"
)
_REDACTED = re.compile(r"REDACT|WITHHELD|\bANONYMI[SZ]ED|^X{3,}$|^\*+$|^N/?A$|^UNKNOWN$|PERSONAL DATA")
_SEPARATORS = " -_/.:#()"
_PARTS = re.compile(r"[A-Z]+|\d+")
_SUFFIX = re.compile(r"(?<=\d)[\s\-_/.(]+\d\)?$|(?<=\d{3})[A-Z]$")


def clean(text: str) -> str:
    """NFKC, capitals, one space where there was any, invisible characters gone, look-alikes made Latin."""
    visible = "".join(
        " " if letter.isspace() else letter
        for letter in unicodedata.normalize("NFKC", text)
        if letter.isspace() or unicodedata.category(letter) not in ("Cf", "Cc", "Mn")
    )
    return " ".join(visible.upper().translate(_LOOKALIKE).split())


def _unzeroed(text: str) -> str:
    return "".join(part.lstrip("0") or "0" if part.isdigit() else part for part in _PARTS.findall(text))


def _stem(tidy: str) -> str:
    """The number without noise words and without the suffix of a second copy, where at least three digits stay."""
    kept = re.sub(r"[A-Z]+", lambda word: "" if _NOISE.fullmatch(word.group()) else word.group(), tidy).strip(
        _SEPARATORS
    )
    if not _PARTS.search(kept):
        kept = tidy
    cut = _SUFFIX.sub("", kept)
    enough = sum(letter.isdigit() for letter in cut) >= 3
    return _unzeroed((cut if enough else kept).translate(_FOLD))


def _counting_run(tidy: str) -> re.Match[str] | None:
    """The digits that count up: the last run, or the one before it where the last only names a year or a part."""
    runs = list(re.finditer(r"\d+", tidy))
    if not runs:
        return None
    if len(runs) > 1 and len(runs[-1].group()) <= 2:
        before = runs[-2].group()
        if len(before) >= 3 and not re.fullmatch(r"(?:19|20)\d\d", before):
            return runs[-2]
    return runs[-1]


@lru_cache(maxsize=65536)
def number_forms(number: str) -> NumberForms:
    """The normal forms of one invoice number; every form is '' where nothing of it is left."""
    tidy = clean(number)
    plain = "".join(_PARTS.findall(tidy))
    digits = "".join(letter for letter in plain if letter.isdigit()).lstrip("0")
    run = _counting_run(tidy)
    return NumberForms(
        plain=plain,
        folded=_unzeroed(plain.translate(_FOLD)),
        stem=_stem(tidy),
        digits=digits if len(digits) >= 3 else "",
        style=re.sub(r"\d+", "9", re.sub(r"[A-Z]+", "A", tidy)),
        frame=f"{tidy[: run.start()]}#{tidy[run.end() :]}" if run else tidy,
        serial=int(run.group()) if run and len(run.group()) <= 15 else None,
    )


@lru_cache(maxsize=65536)
def normal_name(name: str) -> str:
    """A firm's name without accents, punctuation and legal form; '' where it is redacted or missing."""
    tidy = clean(name)
    if not tidy or _REDACTED.search(tidy):
        return ""
    flat = "".join(letter for letter in unicodedata.normalize("NFKD", tidy) if unicodedata.category(letter) != "Mn")
    words = re.findall(r"[A-Z0-9]+", flat.replace("&", " ").replace(".", ""))
    return " ".join(word for word in words if not _LEGAL.fullmatch(word)) or " ".join(words)


@lru_cache(maxsize=65536)
def normal_id(text: str | None) -> str:
    """An IBAN, tax id or order number: capitals and digits only; '' for None."""
    return "".join(_PARTS.findall(clean(text))) if text else ""


def vendor_key(invoice: Invoice) -> str:
    """Who sent it: the vendor's id, else the normal name, else '' (redacted and without an id)."""
    return invoice.vendor_id.strip() or normal_name(invoice.vendor_name)


def amount_text(amount: Decimal) -> str:
    """The magnitude as one canonical decimal string."""
    return format(abs(amount).normalize(), "f")
