"""When is a field read right? Values are compared as what they mean: amounts as numbers, dates as days. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation

from models.notation import amounts, dates, decimal_comma
from models.party_words import LEGAL

LEAST_DOCUMENTS = 5
"""Documents that must have a field before a share of them says anything."""

_AMOUNTS = frozenset({"total_amount", "amount_due"})
_DATES = frozenset({"issue_date", "due_date"})
_CURRENCY = re.compile(r"[€$£¥\s]|[A-Za-z]{1,3}(?=\s*\d)")
_COMPACT = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})")


def judged_field(field: str, truth: Mapping[str, str | None], found: Mapping[str, str | None]) -> bool | None:
    """True where the field was read right, also where it is rightly missing; None where the truth is not known.

    A field that `truth` does not name is not known; one that it names with None is not in the document.
    """
    if field not in truth:
        return None
    said, read = truth[field], found.get(field)
    if said is None or not said.strip():
        return read is None
    return read is not None and normal(field, read) == normal(field, said)


def normal(field: str, value: str) -> str:
    """The value as it is compared."""
    if field in _AMOUNTS:
        return _amount(value)
    if field in _DATES:
        match = _COMPACT.match(value.strip())
        return "-".join(match.groups()) if match else value.strip()
    letters = unicodedata.normalize("NFKC", value).casefold()
    return "".join(letter for letter in letters if letter.isalnum())


def same_name(one: str | None, other: str | None) -> bool:
    """Whether two names are equal but for legal forms: data and page of one bill often differ in nothing else."""
    return one is not None and other is not None and _unformed(one) == _unformed(other)


def _unformed(name: str) -> str:
    bare = LEGAL.sub(" ", LEGAL.sub(" ", name))  # twice: forms that follow each other share the space between them
    return normal("supplier", bare) or normal("supplier", name)


def shown(field: str, value: str, text: str) -> bool:
    """Whether the text has the value in any form: what data says and no page shows cannot be read from the page."""
    said = normal(field, value)
    if field in _DATES:
        days = (day for line in text.splitlines() for day in dates(line))
        read = (one for day in days for one in (day.resolve(True), day.resolve(False)))
        return any(isinstance(one, date) and one.isoformat() == said for one in read)
    if field in _AMOUNTS:
        comma = decimal_comma(text)
        written = (amount.value for line in text.splitlines() for amount in amounts(line, comma))
        return any(_amount(format(abs(one), "f")) == said.removeprefix("-") for one in written)
    if field == "supplier":
        return _unformed(value) in normal(field, text)
    return said in normal(field, text)


def _amount(value: str) -> str:
    """Keys of receipts put a currency before the number; what is compared is the number."""
    try:
        return format(Decimal(_CURRENCY.sub("", value).replace(",", "")).normalize(), "f")
    except InvalidOperation:
        return value.strip()


def written_day(text: str) -> str | None:
    """A date as people write it, day first, in ISO; None where it is none."""
    found = dates(text)
    day = found[0].resolve(True) if found else None
    return day.isoformat() if isinstance(day, date) else None
