"""A supplier invoice as a ledger holds it, and the normal forms in which two invoices are compared."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Iterable
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
    zeros. stem: its digits alone, zeros stripped run by run, without a lone digit at the end; folded where fewer than
    three digits would stay. digits: the digits alone, or '' below three. style: letters as A, digits as 9,
    separators as they stand. serial: the run of digits that counts up, as a number (None without digits or above 15
    of them); frame: what stands around it. shorter: the number without its last run, without its first run, and its
    longest run of digits alone, as far as they tell something: what any prefix or suffix would leave of it.
    """

    plain: str
    folded: str
    stem: str
    digits: str
    style: str
    frame: str
    serial: int | None
    shorter: tuple[str, ...]


_FOLD = str.maketrans("OQILSBZ", "0011582")
# Cyrillic and Greek capitals that look like Latin ones: copied text carries them.
_LOOKALIKE = str.maketrans("АВЕКМНОРСТХІЅЈΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEKMHOPCTXISJABEZHIKMNOPTYX")
_LEGAL = re.compile(
    "LTD|LIMITED|PLC|LLP|LLC|INC|CORP|CORPORATION|COMPANY|CO|GMBH|MBH|AG|KG|OHG|UG|EK|EV|SE|SA|SAS|SARL|SL|SLU|SRL|"
    "SPA|SAPA|BV|NV|OY|AB|AS|APS|THE|AND|UND|ET|Y|E"
)
_REDACTED = re.compile(r"REDACT|WITHHELD|\bANONYMI[SZ]ED|^X{3,}$|^\*+$|^N/?A$|^UNKNOWN$|PERSONAL DATA")
_PARTS = re.compile(r"[A-Z]+|\d+")
_LETTERS = re.compile(r"[A-Z]+")
_DIGITS = re.compile(r"\d+")
_MISREAD = re.compile(r"(?<=\d)[OQILSBZ]{1,2}(?=\d)")
_LONE = re.compile(r"(?<=\d)\D+\d\D*$")


def clean(text: str) -> str:
    """NFKC, capitals, one space where there was any, invisible characters gone, look-alikes and digits made Latin."""
    if not (text.isascii() and text.isprintable()):
        text = "".join(
            " " if letter.isspace() else str(unicodedata.decimal(letter, letter))
            for letter in unicodedata.normalize("NFKC", text)
            if letter.isspace() or unicodedata.category(letter) not in ("Cf", "Cc", "Mn")
        )
        return " ".join(text.upper().translate(_LOOKALIKE).split())
    return " ".join(text.upper().split())


def _unzeroed(runs: Iterable[str]) -> str:
    return "".join((run.lstrip("0") or "0") if run[0] <= "9" else run for run in runs)


def _folded(plain: str) -> str:
    return _unzeroed(_PARTS.findall(plain.translate(_FOLD)))


def _telling(text: str, least: int) -> bool:
    return sum(letter.isdigit() for letter in text) >= least


def _stem(read: str, folded: str) -> str:
    """The digits without those of a second copy ("-2"), where at least three stay: no list of words is needed."""
    for text in (_LONE.sub("", read), read):
        if _telling(text, 3):
            return _unzeroed(_DIGITS.findall(text))
    return folded


def _shorter(read: str, known: Container[str]) -> tuple[str, ...]:
    runs = _PARTS.findall(read)
    if len(runs) < 2:
        return ()
    longest = max((run for run in runs if run[0] <= "9"), key=len, default="")
    made = (_folded("".join(runs[:-1])), _folded("".join(runs[1:])), longest.lstrip("0"))
    least = (1, 3, 3)
    kept = [text for text, count in zip(made, least, strict=True) if text not in known and _telling(text, count)]
    return tuple(dict.fromkeys(kept))


def _counting_run(tidy: str) -> re.Match[str] | None:
    """The digits that count up: the last run, or the one before it where the last only names a year or a part."""
    runs = list(_DIGITS.finditer(tidy))
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
    # An O or an S between digits is a digit that was misread.
    read = _MISREAD.sub(lambda found: found.group().translate(_FOLD), tidy)
    folded = _folded(plain)
    stem = _stem(read, folded)
    every = "".join(_DIGITS.findall(plain)).lstrip("0")
    digits = every if len(every) >= 3 else ""
    run = _counting_run(tidy)
    return NumberForms(
        plain=plain,
        folded=folded,
        stem=stem,
        digits=digits,
        style=_DIGITS.sub("9", _LETTERS.sub("A", tidy)),
        frame=f"{tidy[: run.start()]}#{tidy[run.end() :]}" if run else tidy,
        serial=int(run.group()) if run and len(run.group()) <= 15 else None,
        shorter=_shorter(read, (folded, stem, digits)),
    )


@lru_cache(maxsize=65536)
def normal_name(name: str) -> str:
    """A firm's name without accents, punctuation and legal form; '' where it is redacted or missing."""
    tidy = clean(name)
    if not tidy or _REDACTED.search(tidy):
        return ""
    flat = "".join(letter for letter in unicodedata.normalize("NFKD", tidy) if unicodedata.category(letter) != "Mn")
    plain = flat.replace("&", " ").replace(".", "")
    # A name in another script keeps its own letters.
    words = re.findall(r"[A-Z0-9]+", plain) or re.findall(r"[^\W_]+", plain)
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
