"""How one column of a row file writes numbers and dates: one convention a column, stated, never guessed by cell."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from governance.case import minor_units, parse_amount
from governance.errors import Malformed
from models import notation

_PLAIN = re.compile(r"[+-]?\d+(\.\d+)?")
_ISO = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ].*)?")
_COMPACT = re.compile(r"(?:19|20)\d{6}")
_ABSENT = frozenset({"", "nan", "nat", "null", "none", "n/a", "-"})
_SAMPLE = 50_000


class Number(str):
    """A number that its source kept as a number: decimal digits with a point, beyond the doubts of written ones."""

    __slots__ = ()


def absent(value: Any) -> bool:
    """True for a cell that says nothing."""
    return value is None or (isinstance(value, str) and value.strip().lower() in _ABSENT)


@dataclass(frozen=True, slots=True)
class AmountColumn:
    """`comma` is the decimal convention of the column; None where its values disagree or do not tell."""

    name: str
    comma: bool | None

    @classmethod
    def infer(cls, name: str, values: Iterable[Any]) -> AmountColumn:
        odd = [v.strip() for v in values if isinstance(v, str) and not _PLAIN.fullmatch(v.strip())][:_SAMPLE]
        if not odd:
            return cls(name, False)
        conventions = {notation.decimal_comma(value) for value in odd} - {None}
        return cls(name, conventions.pop() if len(conventions) == 1 else None)

    def note(self) -> str | None:
        return f"{self.name}: read with the decimal comma" if self.comma else None

    def parse(self, value: Any, currency: str | None) -> Decimal:
        """The exact amount. Raises Malformed with the column's name."""
        code = currency or "EUR"
        try:
            if isinstance(value, Number):
                return parse_amount(str(value), code)
            if not isinstance(value, str) or (_PLAIN.fullmatch(value.strip()) and not self.comma):
                return parse_amount(value, code)
            return parse_amount(self._written(value.strip()), code)
        except Malformed as error:
            if currency is None and minor_units(code) == 2 and "decimals" in error.detail:
                raise Malformed(f"{self.name}: more than two decimals, and no currency that would have them") from None
            raise Malformed(f"{self.name}: {error.detail}") from None

    def _written(self, value: str) -> str | Decimal:
        found = notation.amounts(value, self.comma)
        if len(found) == 1 and not value[: found[0].start].strip("+ ") and not value[found[0].end :].strip():
            return found[0].value
        if re.fullmatch(r"[+-]?[\d.,'’ \u00a0\u202f]+", value):
            raise Malformed(f"{value[:40]!r} can be read in two ways; write decimals with a point and no grouping")
        return value


@dataclass(frozen=True, slots=True)
class DateColumn:
    """`day_first` is the order of day and month in the whole column; None where nothing in it decides."""

    name: str
    day_first: bool | None
    inferred: bool

    @classmethod
    def infer(cls, name: str, values: Iterable[Any]) -> DateColumn:
        odd = [v for v in values if isinstance(v, str) and not absent(v) and not _ISO.fullmatch(v.strip())][:_SAMPLE]
        found = [written for value in odd for written in notation.dates(value)]
        return cls(name, notation.day_first(found), any(not written.fixed for written in found))

    def note(self) -> str | None:
        if not self.inferred or self.day_first is None:
            return None
        order = "day before month" if self.day_first else "month before day"
        return f"{self.name}: read as {order}, which the whole column agrees on"

    def parse(self, value: Any) -> date:
        """Raises Malformed with the column's name."""
        text = value.strip() if isinstance(value, str) else ""
        if isinstance(value, int) and not isinstance(value, bool):
            text = str(value)
        iso = _ISO.fullmatch(text)
        try:
            if iso:
                return date.fromisoformat(iso[1])
            if _COMPACT.fullmatch(text):
                return date.fromisoformat(text)
        except ValueError:
            raise Malformed(f"{self.name}: {text[:40]!r} is not a date") from None
        found = notation.dates(text)
        if len(found) != 1 or text[: found[0].start].strip() or _more_than_midnight(text[found[0].end :]):
            raise Malformed(f"{self.name}: {text[:40]!r} is not a date; write it as YYYY-MM-DD")
        return self._resolve(found[0], text)

    def _resolve(self, written: notation.WrittenDate, text: str) -> date:
        certain = written.fixed or written.first == written.second
        if self.day_first is None and not certain:
            raise Malformed(f"{self.name}: {text[:40]!r} can be read in two ways; write it as YYYY-MM-DD")
        day = written.resolve(self.day_first is not False)
        if day is None:
            raise Malformed(f"{self.name}: {text[:40]!r} is not a date in the order of the column")
        return day


def _more_than_midnight(rest: str) -> bool:
    return not re.fullmatch(r"[T ]*(\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?)?\s*([AaPp][Mm])?", rest)
