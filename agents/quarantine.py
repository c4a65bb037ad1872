"""The only place where the text of a document meets a language model: it points at typed fields, and we read them.

The model has no tool, no memory and no other text before it, and what it answers is taken only where our own readers
find that very number, date or amount in the document. So it can choose among what stands there, and say nothing. No
name, no account and no prose comes out, and what comes out is a suggestion to people: no rule, letter or law uses it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from agents import facts
from agents.letter import prompt
from agents.llm import Door, Question
from models import notation

FIELDS = ("invoice_number", "purchase_order", "issue_date", "due_date", "currency", "total_amount")
LIMIT = 12_000
"""Characters of a document that the model is shown."""


class Fields(BaseModel):
    """What the model must answer; null for what the text does not say."""

    model_config = ConfigDict(extra="forbid")

    invoice_number: str | None
    purchase_order: str | None
    issue_date: str | None
    due_date: str | None
    currency: str | None
    total_amount: str | None


class SecondReader(Protocol):
    """Suggests fields that the first reading did not find."""

    def suggest(self, text: str, missing: Sequence[str]) -> Mapping[str, str]:
        """Field → value, of `missing` only. Raises nothing."""
        ...


class ModelReader:
    """A second reading by the model of one region. `region` is that of every document that it is given."""

    def __init__(self, door: Door, region: str) -> None:
        self._door = door
        self._region = region

    def suggest(self, text: str, missing: Sequence[str]) -> dict[str, str]:
        wanted = [name for name in FIELDS if name in missing]
        if not wanted or not text.strip():
            return {}
        shown = text[:LIMIT]
        # A budget of its own for each document: one sender's must not use up that of the others.
        document = hashlib.sha256(shown.encode("utf-8", "replace")).hexdigest()
        question = Question("extract", prompt("extract"), shown, document, self._region)
        answer = self._door.ask(question, Fields)
        if answer.value is None:
            return {}
        return checked({name: value for name, value in answer.value.model_dump().items() if name in wanted}, text)


def checked(given: Mapping[str, str | None], text: str) -> dict[str, str]:
    """The values that the document says, in our own notation."""
    found = {}
    for name, value in given.items():
        if value is not None and (read := _READERS[name](value.strip()[:60], text)) is not None:
            found[name] = read
    return found


def _number(value: str, text: str) -> str | None:
    number = facts.identifier(value)
    spaced = " ".join(text.split())
    if number is None or number not in spaced:
        return None
    # A part of a longer number is another number.
    at = spaced.find(number)
    around = spaced[max(0, at - 1) : at] + spaced[at + len(number) : at + len(number) + 1]
    return None if any(one.isalnum() for one in around) else number


def _date(value: str, text: str) -> str | None:
    try:
        day = date.fromisoformat(value)
    except ValueError:
        return None
    written = [one for line in text.splitlines() for one in notation.dates(line)]
    first = notation.day_first(written)
    # Where the document does not say which comes first, day or month, only a date that is certain counts.
    read = {one.resolve(bool(first)) for one in written if one.fixed or first is not None}
    return day.isoformat() if day in read else None


def _amount(value: str, text: str) -> str | None:
    try:
        amount = Decimal(value)
    except InvalidOperation:
        return None
    comma = notation.decimal_comma(text)
    read = {one.value for line in text.splitlines() for one in notation.amounts(line, comma)}
    return format(amount, "f") if amount.is_finite() and amount in read else None


def _currency(value: str, text: str) -> str | None:
    plain = value.isascii() and value.isalpha() and value.isupper() and len(value) == 3
    return value if plain and value in text.split() else None


_READERS = {
    "invoice_number": _number, "purchase_order": _number, "issue_date": _date, "due_date": _date,
    "currency": _currency, "total_amount": _amount,
}  # fmt: skip
