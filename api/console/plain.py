"""Values as a person reads them: texts that hide nothing, amounts, moments, names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal

from babel import Locale
from markupsafe import Markup

from governance.case import minor_units

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_SOON = 4 * _HOUR
_LANGUAGE = re.compile(r"[a-z]{2,3}")

LABELS: Mapping[str, str] = {
    "supplier_vat_id": "Supplier's VAT id",
    "payee_iban": "Payee's IBAN",
    "p_late": "Chance of being late",
    "p_late_15": "Chance of more than 15 days",
    "p_late_30": "Chance of more than 30 days",
}
_CAPITALS = {
    "iban": "IBAN",
    "vat": "VAT",
    "ml": "ML",
    "sla": "SLA",
    "bic": "BIC",
    "sha256": "SHA-256",
    "erp": "ERP",
    "fx": "FX",
}


def _hides(character: str) -> bool:
    """Whether a reader would not see this character, or see others out of order because of it."""
    if character in "\n\t":
        return False
    return unicodedata.category(character) in ("Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp")


def visible(text: str) -> str:
    """The text with control, direction and other unseen characters written as [U+202E]."""
    if text.isascii() and text.isprintable():
        return text
    tidy = text.replace("\r\n", "\n")
    return "".join(f"[U+{ord(one):04X}]" if _hides(one) else one for one in tidy)


def shown(value: object) -> object:
    """What a template writes for a value. Only markup that our own templates made stays as it is."""
    if isinstance(value, Markup):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return format(value, "f")
    return visible(value) if isinstance(value, str) else visible(str(value))


def label(name: object) -> str:
    """`accounts_payable` as "Accounts payable"."""
    text = str(name)
    known = LABELS.get(text)
    if known is not None:
        return known
    return sentence(" ".join(_CAPITALS.get(word, word) for word in text.replace("_", " ").split()))


def sentence(text: str) -> str:
    """With a capital first letter."""
    return text[:1].upper() + text[1:]


def phrase(name: object) -> str:
    """`awaiting_review` as "awaiting review", for the middle of a sentence."""
    words = label(name)
    return words if words.split(" ")[0] in _CAPITALS.values() else words[:1].lower() + words[1:]


def amount(value: Decimal | None, currency: str | None) -> str:
    """`1234.5`, `EUR` as "1,234.50 EUR". What policy does with an unknown amount is said elsewhere."""
    if value is None:
        return "unknown amount"
    places = minor_units(currency or "")
    return f"{value:,.{places}f} {currency or 'of an unknown currency'}"


def percent(value: object) -> str | None:
    """A share from 0 to 1 as "87 %"; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        return None
    return f"{value * 100:.0f} %"


def as_moment(value: datetime | str) -> datetime:
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def iso(value: datetime | date | str) -> str:
    """For <time datetime>: RFC 3339 in UTC, or an ISO date."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    return as_moment(value).astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def utc(value: datetime | str) -> str:
    """`23 Nov 2026, 06:50 UTC`, whatever locale the server has."""
    at = as_moment(value).astimezone(UTC)
    return f"{at.day} {_MONTHS[at.month - 1]} {at.year}, {at:%H:%M} UTC"


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def day(value: date) -> str:
    return f"{value.day} {_MONTHS[value.month - 1]} {value.year}"


def _span(seconds: float) -> str:
    for size, word in ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute")):
        # Two days and more in days, two hours and more in hours: "30 hours" says more than "1 day".
        if seconds >= 2 * size or (word == "minute" and seconds >= size):
            count = int(seconds // size)
            return f"{count} {word}" + ("s" if count != 1 else "")
    return "less than a minute"


def due(at: datetime, now: datetime) -> str:
    """ "due in 3 hours", "2 days late"."""
    seconds = (at - now).total_seconds()
    return f"due in {_span(seconds)}" if seconds >= 0 else f"{_span(-seconds)} late"


def urgency(at: datetime, now: datetime) -> str:
    """late | soon (within four hours) | calm"""
    seconds = (at - now).total_seconds()
    return "late" if seconds < 0 else "soon" if seconds < _SOON else "calm"


def short_digest(digest: str) -> str:
    """`sha256:0123456789ab…`"""
    return digest[:19] + "…" if len(digest) > 19 else digest


def language_name(tag: str) -> str | None:
    """The English name of a language tag's first part; None where it is no known language."""
    code = tag.split("-")[0].lower()
    if not _LANGUAGE.fullmatch(code):
        return None
    name = Locale("en").languages.get(code)
    return str(name) if name is not None else None


def language_tag(tag: str) -> str | None:
    """What may stand in a lang attribute: the first part of the tag, where it is a known language."""
    return tag.split("-")[0].lower() if language_name(tag) else None


def size(count: int) -> str:
    """`12 KB`; decimal units."""
    if count < 1000:
        return f"{count} bytes"
    return f"{count / 1000:.0f} KB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"
