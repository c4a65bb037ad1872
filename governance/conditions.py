"""Conditions and texts over what a case says: the small language in which governance.plan is written. Pure.

A condition is `name operator value`. Operators: = != < <= > >= (a value, or $name for what the case says under
another name), contains and lacks (words apart by |), counts (of a list: 1, or 2+), within (a day not longer ago than so
many days), is (missing | there | past | ahead). What is not known fulfils nothing but `is missing`. `{name}` in a text
stands for what the case says; a [ … ] with a name that is not known falls away.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from governance.errors import PolicyInvalid

NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")
OPTIONAL = re.compile(r"\[([^\[\]]*)\]")
SLOT = re.compile(r"\{(\w+)\}")
LONGEST = 500

_CONDITION = re.compile(r"([a-z][a-z0-9_]{0,59}) (=|!=|<=|>=|<|>|contains|lacks|counts|within|is) (.{1,200})")
_COMPARED = {
    "=": "is", "!=": "is not", "<": "is below", "<=": "is at most", ">": "is above", ">=": "is at least",
}  # fmt: skip
_SAID = {"there": "known", "past": "over", "ahead": "still to come"}
_STATES = ("missing", "there", "past", "ahead")


@dataclass(frozen=True, slots=True)
class Condition:
    name: str
    operator: str
    value: str

    def __str__(self) -> str:
        return f"{self.name} {self.operator} {self.value}"

    @property
    def words(self) -> str:
        """The same for a reader who has not seen the language."""
        name, value = self.name.replace("_", " "), self.value
        if value.startswith("$"):
            value = f"the {value[1:].replace('_', ' ')}"
        if self.operator in ("contains", "lacks"):
            *most, last = value.replace("_", " ").split("|")
            listed = f"{', '.join(most)} or {last}" if most else last
            return f"{name} {'contains' if self.operator == 'contains' else 'does not contain'} {listed}"
        if self.operator == "counts":
            return f"{name}: {value.removesuffix('+')}{' or more' if value.endswith('+') else ''}"
        if self.operator == "within":
            return f"{name} is not longer ago than {value} days"
        if self.operator == "is":
            return f"{name} is {_SAID.get(value, value)}"
        return f"{name} {_COMPARED[self.operator]} {value}"

    def holds(self, values: Mapping[str, Any], today: date) -> bool:
        """Whether the case says so. Raises nothing."""
        said = values.get(self.name)
        if self.operator == "is" and self.value in ("missing", "there"):
            return _is_there(said) == (self.value == "there")
        if not _is_there(said):
            return False
        if self.operator == "is":
            day = _day(said)
            return day is not None and (day < today if self.value == "past" else day > today)
        if self.operator == "within":
            day = _day(said)
            return day is not None and (today - day).days <= int(self.value)
        if self.operator == "counts":
            count = len(said) if isinstance(said, list | tuple) else 1
            return count >= int(self.value[:-1]) if self.value.endswith("+") else count == int(self.value)
        if self.operator in ("contains", "lacks"):
            words = _text(said).casefold()
            return any(word in words for word in self.value.casefold().split("|")) == (self.operator == "contains")
        return self._compares(said, values.get(self.value[1:]) if self.value.startswith("$") else self.value)

    def _compares(self, said: Any, other: Any) -> bool:
        if not _is_there(other):
            return False
        left, right = _number(said), _number(other)
        if left is not None and right is not None:
            return {
                "=": left == right, "!=": left != right, "<": left < right, "<=": left <= right, ">": left > right,
                ">=": left >= right,
            }[self.operator]  # fmt: skip
        if self.operator in ("=", "!="):
            return (_text(said).casefold() == _text(other).casefold()) == (self.operator == "=")
        return False


def readable(text: str) -> str:
    """A text of policy for a reader: what the case fills in stands in ‹ ›."""
    return SLOT.sub(lambda slot: f"‹{slot[1].replace('_', ' ')}›", OPTIONAL.sub(r"\1", text))


def filled(text: str, values: Mapping[str, Any]) -> str | None:
    """The text with what the case says; None where a name outside of [ … ] is not known."""

    def optional(match: re.Match[str]) -> str:
        return match[1] if all(_is_there(values.get(name)) for name in SLOT.findall(match[1])) else ""

    text = OPTIONAL.sub(optional, text)
    if not all(_is_there(values.get(name)) for name in SLOT.findall(text)):
        return None
    return " ".join(SLOT.sub(lambda slot: _text(values[slot[1]])[:200], text).split())[:LONGEST]


def conditions(value: object, where: str) -> tuple[Condition, ...]:
    """A list of texts as conditions. Raises PolicyInvalid, beginning with `where`."""
    if not isinstance(value, list | tuple):
        raise PolicyInvalid(f'{where}: when is a list of conditions, such as ["exposure <= $credit_limit"]')
    return tuple(_condition(one, where) for one in value)


def _condition(text: object, where: str) -> Condition:
    match = _CONDITION.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise PolicyInvalid(f"{where}: {text!r} is no condition: write `name operator value`")
    made = Condition(match[1], match[2], match[3])
    value = made.value
    if made.operator == "is" and value not in _STATES:
        raise PolicyInvalid(f"{where}: {text!r}: what is, is {', '.join(_STATES)}")
    if made.operator == "within" and not value.isdecimal():
        raise PolicyInvalid(f"{where}: {text!r}: within so many days, a whole number")
    if made.operator == "counts" and not value.removesuffix("+").isdecimal():
        raise PolicyInvalid(f"{where}: {text!r}: counts a whole number, or 2+ for two and more")
    if made.operator in ("contains", "lacks") and not all(value.split("|")):
        raise PolicyInvalid(f"{where}: {text!r}: words apart by |, none of them empty")
    if made.operator in ("<", "<=", ">", ">=") and not value.startswith("$") and _number(value) is None:
        raise PolicyInvalid(f"{where}: {text!r} compares numbers: write a number, or $name")
    if value.startswith("$") and not NAME.fullmatch(value[1:]):
        raise PolicyInvalid(f"{where}: {text!r}: ${value[1:]} is no name")
    return made


def _is_there(value: Any) -> bool:
    return value is not None and bool(_text(value))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, list | tuple):
        return ", ".join(text for one in value if (text := _text(one)))
    return "" if value is None or isinstance(value, Mapping) else " ".join(str(value).split())


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return None
    try:
        found = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def _day(value: Any) -> date | None:
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value[:10]) if isinstance(value, str) else None
    except ValueError:
        return None
