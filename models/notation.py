"""How amounts and dates are written in documents and columns: English, German, French, Spanish, Italian, Dutch.

One value alone is often ambiguous (`1,234`, `03/04/2018`); the values around it rarely are. So every function here
takes the convention of the whole document or column, and the convention is inferred from all of its values.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

_SPACES = " \u00a0\u202f\u2009"
_NUMBER = rf"(?:\d{{1,3}}(?:[.,'’{_SPACES}]\d{{3}})+|\d+)(?:[.,]\d{{1,4}})?"
AMOUNT = re.compile(rf"(?<![\w.,/:-])(?P<minus>[-−–]\s?)?(?P<number>{_NUMBER})(?P<after>-)?(?![\w/:]|[.,]\d)")
_DECISIVE = re.compile(rf"(?<![\w.,/:-])(?:\d{{1,3}}(?:[.,'’{_SPACES}]\d{{3}})*|\d+)([.,])\d{{2}}(?![\w/:%]|[.,]\d)")


@dataclass(frozen=True, slots=True)
class WrittenAmount:
    """An amount in running text: value, and where it stands."""

    value: Decimal
    start: int
    end: int
    decimals: int


def decimal_comma(text: str) -> bool | None:
    """True where amounts use the decimal comma, False for the point, None where nothing decides."""
    marks = [match[1] for match in _DECISIVE.finditer(text)]
    commas = marks.count(",")
    if not marks or commas * 2 == len(marks):
        return None
    return commas * 2 > len(marks)


def number(written: str, comma: bool | None) -> Decimal | None:
    """The value of one written number without sign, or None where the convention would have to be guessed.

    `comma` is the convention of the surroundings (see `decimal_comma`).
    """
    compact = re.sub(rf"['’{_SPACES}]", "", written)
    marks = re.findall(r"[.,]", compact)
    if not marks:
        return Decimal(compact) if compact.isascii() and compact.isdigit() else None
    head, mark, tail = compact.rpartition(marks[-1])
    if len(set(marks)) == 1 and len(marks) > 1:
        decimal = False
    elif len(set(marks)) == 2 or len(tail) != 3 or len(head) > 3 or head == "0":
        decimal = True
    elif comma is None:
        return None
    else:
        decimal = (mark == ",") == comma
    whole = re.sub(r"[.,]", "", head)
    return Decimal(f"{whole or 0}.{tail}") if decimal else Decimal(whole + tail)


def amounts(line: str, comma: bool | None) -> list[WrittenAmount]:
    """All amounts of a line, from left to right. A percentage is not an amount."""
    found: list[WrittenAmount] = []
    for match in AMOUNT.finditer(line):
        if line[match.end() :].lstrip().startswith("%"):
            continue
        value = number(match["number"], comma)
        if value is None:
            continue
        if match["minus"] or match["after"]:
            value = -value
        exponent = value.as_tuple().exponent
        found.append(WrittenAmount(value, match.start(), match.end(), -int(exponent)))
    return found


_MONTH_NAMES = (
    "january jan januar janner janv janvier enero ene gennaio gen januari",
    "february feb februar fevr fevrier febrero febbraio februari fev",
    "march mar mrz marz mars marzo maart mrt",
    "april apr avril avr abril abr aprile",
    "may mai mayo maggio mag mei",
    "june jun juni juin junio giugno giu",
    "july jul juli juil juillet julio luglio lug",
    "august aug aout agosto ago augustus",
    "september sep sept septembre septiembre setiembre settembre set",
    "october oct oktober okt octobre octubre ottobre ott",
    "november nov novembre noviembre",
    "december dec dezember dez decembre diciembre dic dicembre",
)
_MONTHS = {name: month for month, names in enumerate(_MONTH_NAMES, start=1) for name in names.split()}

_WORD = r"[^\W\d_]{3,12}"
_DATE = re.compile(
    r"(?<![\w.,/-])(?:"
    r"(?P<y1>\d{4})(?P<sep1>[-/.])(?P<m1>\d{1,2})(?P=sep1)(?P<d1>\d{1,2})"
    r"|(?P<a>\d{1,2})\s?(?P<sep2>[./-])\s?(?P<b>\d{1,2})\s?(?P=sep2)\s?(?P<y2>\d{4}|\d{2})"
    rf"|(?P<d3>\d{{1,2}})(?:st|nd|rd|th|er|º|\.)?[\s-]*(?:(?:de|of)\s+)?(?P<w3>{_WORD})[.,]?[\s-]*(?:(?:de|del)\s+)?"
    r"(?P<y3>\d{4}|'\d{2}|\d{2}(?!\s?,?\s?\d{4}))"
    rf"|(?P<w4>{_WORD})\.?\s+(?P<d4>\d{{1,2}})(?:st|nd|rd|th)?\s?,?\s+(?P<y4>\d{{4}})"
    r")(?![\w/]|[.-]\d)"
)


@dataclass(frozen=True, slots=True)
class WrittenDate:
    """A date in running text. `first` and `second` are the numbers as written; `fixed` says that day and month are
    certain (ISO, a month's name), otherwise the order is the document's."""

    first: int
    second: int
    year: int
    fixed: bool
    dotted: bool
    start: int
    end: int

    def resolve(self, day_first: bool) -> date | None:
        day, month = (self.first, self.second) if self.fixed or day_first else (self.second, self.first)
        try:
            return date(self.year, month, day)
        except ValueError:
            return None


def dates(line: str) -> list[WrittenDate]:
    """All dates of a line that could be one, from left to right."""
    found: list[WrittenDate] = []
    for match in _DATE.finditer(line):
        written = _written(match)
        if written is not None and (written.resolve(True) or written.resolve(False)):
            found.append(written)
    return found


def _written(match: re.Match[str]) -> WrittenDate | None:
    start, end = match.span()
    if match["y1"]:
        return WrittenDate(int(match["d1"]), int(match["m1"]), int(match["y1"]), True, False, start, end)
    if match["y2"]:
        year = _year(match["y2"])
        return WrittenDate(int(match["a"]), int(match["b"]), year, False, match["sep2"] == ".", start, end)
    group = "3" if match["w3"] else "4"
    month = _MONTHS.get(_plain(match["w" + group]))
    if month is None:
        return None
    return WrittenDate(int(match["d" + group]), month, _year(match["y" + group]), True, False, start, end)


def day_first(found: Iterable[WrittenDate]) -> bool | None:
    """The order of day and month that all the dates agree on; None where nothing decides or they disagree.

    A day above 12 decides; dates with dots are day-first in every country that writes them.
    """
    votes: set[bool] = set()
    for written in found:
        if written.fixed:
            continue
        if written.first > 12 or written.dotted:
            votes.add(True)
        elif written.second > 12:
            votes.add(False)
    return votes.pop() if len(votes) == 1 else None


def _year(text: str) -> int:
    year = int(text.removeprefix("'"))
    if year >= 100:
        return year
    return year + (1900 if year >= 70 else 2000)


def _plain(word: str) -> str:
    decomposed = unicodedata.normalize("NFKD", word.casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))
