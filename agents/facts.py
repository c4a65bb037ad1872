"""What the record says about one case, in types: numbers, dates, identifiers. The document's text is not read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from agents.banned import is_banned
from governance.record.queue import Brief, order_reference

_ROW_NAMES = {
    "invoice_number": ("invoice_number", "invoice_no", "invoice_id"),
    "supplier": ("supplier", "vendor_name"),
    "supplier_vat_id": ("supplier_vat_id", "tax_id"),
    "issue_date": ("issue_date", "invoice_date"),
    "purchase_order": ("purchase_order", "po"),
}
_SIGN = r"[0-9A-Za-zÀ-ÖØ-öø-ÿ.,/#&+()°_-]"
_IDENTIFIER = re.compile(rf"{_SIGN}+( {_SIGN}+){{0,2}}")
# Two parts of letters with a point between them are a host's name rather than a number.
_HOST = re.compile(r"[a-z]{2,}[0-9a-z-]*\.[a-z]{2,}", re.IGNORECASE)
_PHONE = re.compile(r"\+\s*\d|\(0\)|^\(?00\d")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_PREFIX = re.compile(
    r"(?:invoice|inv|bill|no|nr|num|n°|ref|re|rg|rng|rechnung|fa|fac|fact|facture|factuur|factura|fattura|ft|ff|f|order|"
    r"po|best|bestellung|commande|pedido|ordine|cn|gs|ls|dn)[.:#°]?|[A-Z]{1,5}[.]?",
    re.IGNORECASE,
)
_VERBS = re.compile(
    r"pay|send|wire|call|give|move|use|now|ring|zahle?|ruf|sende|jetzt|paye[rz]|virez|appel|envoi|pague|pagar|llame|"
    r"envie|paga|invia|chiama|ora|betaal|stuur|bel|nu|approve|ok|yes|stop|hold|free",
    re.IGNORECASE,
)

_FIGURES = str.maketrans("0134578", "oieastb")
"""Letters that figures pose as."""


def field(brief: Brief, name: str) -> str | None:
    """One field of the document or the row, or None where nothing says it."""
    found = (brief.reading.get("fields") or {}).get(name)
    if found is not None and str(found).strip():
        return str(found).strip()
    for key in _ROW_NAMES.get(name, (name,)):
        value = brief.facts.details.get(key)
        if isinstance(value, str | int) and str(value).strip():
            return str(value).strip()
    return None


def invoice_number(brief: Brief) -> str | None:
    """The number that the other side gave its invoice."""
    return field(brief, "invoice_number")


def invoice_ref(brief: Brief) -> str | None:
    """The id under which our books know the invoice, else its number."""
    booked = brief.facts.details.get("invoice_id")
    return str(booked) if booked else invoice_number(brief)


def order_number(brief: Brief) -> str | None:
    """The purchase order that the document or row names."""
    return order_reference(brief.reading, brief.facts.details) or field(brief, "purchase_order")


def identifier(value: str | None) -> str | None:
    """`value` where it can be written into a letter: at most three words and 40 characters, a figure in it; else None.

    Numbers of documents come from outside. What is longer or stranger than a number stays out of letters, and so
    does a bank account or a link that poses as one.
    """
    if value is None:
        return None
    text = " ".join(value.split())
    bare = [word for word in text.split() if not any(letter.isdigit() for letter in word)]
    # One word may stand in a number (INV 2026 1), and it says what the number is; sentences do not.
    plain = len(bare) <= 1 and all(_PREFIX.fullmatch(word) and not _VERBS.fullmatch(word) for word in bare)
    if len(text) > 40 or not _IDENTIFIER.fullmatch(text) or not plain or not any(map(str.isdigit, text)):
        return None
    if _tells(text) or _HOST.search(text) or _PHONE.search(text) or re.search(r"[a-zà-ÿ]{9,}", text):
        return None
    return None if is_iban(text) or is_banned(text) else text


def _tells(text: str) -> bool:
    """Whether signs between words make a sentence pose as a number: ok-to-pay-now-1."""
    words = re.split(r"[\W_]+", text)
    # PayToNewBank1, p4y-n0w-4cc0unt, P4Y-N0W-1; a bill's 8GWBRLR2M is no word with figures for letters.
    leet = any(not word.isupper() and _changes(word) > 3 for word in words)
    posed = any(_VERBS.fullmatch(word.translate(_FIGURES)) for word in words if not word.isalpha())
    if re.search(r"(?:[A-ZÀ-Þ][a-zà-ÿ]+){2}", text) or leet or posed:
        return True
    runs = re.findall(r"[^\W\d_]+", text)
    bids = any(_VERBS.fullmatch(run) and (len(runs) > 1 or run.islower()) for run in runs)
    return bids or sum(len(run) > 2 for run in runs) > 2


def _changes(word: str) -> int:
    """How often figures and letters take turns in a word."""
    return len(re.findall(r"\d+|\D+", word))


def is_code(value: str) -> bool:
    """True for an id that says nothing: a number, a code, or the id that this program gave to something."""
    return _UUID.fullmatch(value) is not None or not (_tells(value) or is_iban(value) or is_banned(value))


def number(values: Mapping[str, Any], name: str) -> Decimal | None:
    """An exact number out of `values`, or None where it is missing or no finite number."""
    value = values.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        return None
    try:
        found = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return found if found.is_finite() and abs(found) < Decimal(10) ** 15 else None


def day(values: Mapping[str, Any], name: str) -> date | None:
    """An ISO date out of `values`, or None."""
    value = values.get(name)
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value[:10]) if isinstance(value, str) else None
    except ValueError:
        return None


def text(values: Mapping[str, Any], name: str) -> str | None:
    """A short text out of `values`, or None."""
    value = values.get(name)
    if not isinstance(value, str | int) or isinstance(value, bool):
        return None
    return " ".join(str(value).split())[:200] or None


def texts(values: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """A list of short texts out of `values`; a single text is a list of one."""
    value = values.get(name)
    found = value if isinstance(value, list | tuple) else [value]
    return tuple(one for item in found if (one := text({"item": item}, "item")))


def normal_iban(value: str | None) -> str:
    """Capitals and digits; '' for None."""
    return re.sub(r"[^0-9A-Z]", "", (value or "").upper())


def is_iban(value: str) -> bool:
    """True for a text that passes the check digits of ISO 13616 (mod 97)."""
    account = normal_iban(value)
    if not re.fullmatch(r"[A-Z]{2}[0-9]{2}[0-9A-Z]{11,30}", account):
        return False
    digits = "".join(str(int(letter, 36)) for letter in account[4:] + account[:4])
    return int(digits) % 97 == 1


def amount_text(value: Decimal | None) -> str | None:
    """A decimal string without exponent."""
    return None if value is None else format(value, "f")


def plain(value: Any) -> Any:
    """The same value as plain JSON: decimals and dates as strings, tuples as lists."""
    if isinstance(value, Decimal):
        return amount_text(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(inner) for inner in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**53:
        return str(value)
    return value
