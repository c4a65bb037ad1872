"""Cells of messy tables: amounts and dates as people and systems write them, read by the habit of their file."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache

from models import notation

_LIMIT = Decimal(10) ** 15
_PLAIN = re.compile(r"-?\d+(?:\.\d{1,2})?")
_SIGNED = re.compile(
    r"(?P<open>\()?\s*(?P<minus>[-−–])?\s*(?P<body>(?:\d{1,3}(?:[.,'’\s]\d{2,3})+|\d+)(?:[.,]\d+)?|[.,]\d+)"
    r"\s*(?P<after>[-−–])?\s*(?P<close>\))?"
)
_UNIT = re.compile(
    r"^\s*(?:[A-Za-z]{2,4}\b|[^\w\s.,'’()−–-])|(?:\b(?:CR|DR|[A-Za-z]{3})|[^\w\s.,'’()−–-])\s*$", re.IGNORECASE
)
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ].*)?")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:\.0)?")
_SERIAL = re.compile(r"([2-7]\d{4})(?:\.\d+)?")
_CLOCK = re.compile(r"[T ]+\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?\s*(?:[AaPp][Mm])?\s*$")
_EMPTY = frozenset(("", "null", "none", "nan", "nat", "n/a", "#n/a", "na", "-", "--"))
_LONGEST_EMPTY = max(map(len, _EMPTY))
_GROUPED = {
    True: re.compile(r"-?\d{1,3}(?:\.\d{3})*,\d{1,2}"),
    False: re.compile(r"-?\d{1,3}(?:,\d{3})*\.\d{1,2}"),
}
"""How most amounts are written, by decimal comma: nothing to think about."""
_SPREADSHEET_EPOCH = date(1899, 12, 30)
_YEARS = (1990, 2100)


class BadCell(ValueError):
    """The cell cannot be read; the message says why, for a person."""


@dataclass(frozen=True, slots=True)
class Habit:
    """How a file writes. None: its cells disagree, so a cell that could be read both ways is refused.

    `assumed` tells what was guessed because nothing in the file decides. `orders`: day first or not, for columns that
    differ from the file.
    """

    decimal_comma: bool | None
    day_first: bool | None
    assumed: tuple[str, ...] = ()
    orders: Mapping[str, bool | None] = field(default_factory=dict)


def blank(text: str) -> bool:
    """True for an empty cell and for the words that exports write instead."""
    if len(text) > _LONGEST_EMPTY and not text[0].isspace() and not text[-1].isspace():
        return False
    return text.strip().casefold() in _EMPTY


def _decimal_comma(cells: list[str]) -> tuple[bool | None, str | None]:
    """The convention of a column, and what was assumed. Only groups of three: the mark separates thousands."""
    decided = notation.decimal_comma(" ; ".join(cells))
    if decided is not None:
        return decided, None
    tails = {match[1] for cell in cells if (match := re.search(r"([.,])(?:\d{1,2}|\d{4,})\D*$", cell))}
    if len(tails) == 1:
        return tails == {","}, None
    marks = {match[0] for cell in cells if (match := re.search(r"[.,](?=\d{3}\D*$)", cell))}
    if len(tails) == 0 and len(marks) == 1:
        mark = marks.pop()
        return mark == ".", f"'{mark}' in amounts is read as the thousands separator (set format.decimal to change it)"
    return None, None


_CLEAR = 0.95
"""From which share of its telling dates on a column is read in one order, though others contradict."""


def _day_first(cells: list[str]) -> tuple[bool | None, str | None, bool]:
    """(order, what a person should know, whether the column decides) of one column."""
    open_dates = [one for cell in cells if not _ISO.fullmatch(cell) for one in notation.dates(cell) if not one.fixed]
    if not open_dates:
        return None, None, False
    votes = Counter(one.first > 12 or one.dotted for one in open_dates if max(one.first, one.second) > 12 or one.dotted)
    if not votes:
        return *_likely_order(open_dates), False
    order, count = votes.most_common(1)[0]
    if count == votes.total():
        return order, None, True
    said = "day" if order else "month"
    if count < _CLEAR * votes.total():
        return None, "dates are written day first and month first: those that could be either are left out", True
    others = votes.total() - count
    return order, f"dates are read {said} first, though {others} of them can only be the other way round", True


def _likely_order(dates: list[notation.WrittenDate]) -> tuple[bool, str]:
    """An export covers a short time: where one order puts all dates into a few months, it is that one."""
    if len(dates) >= 3:
        months = [len({(one.year, getattr(one, part)) for one in dates}) for part in ("second", "first")]
        if min(months) <= 2 and max(months) >= 3 * min(months):
            first = months[0] < months[1]
            said = f"{'day' if first else 'month'} first, for then they lie in {min(months)} months"
            return first, f"dates such as 03/04/2018 are read {said} (set format.dates to change it)"
    return True, "dates such as 03/04/2018 are read day first (set format.dates to change it)"


def habit(
    amounts: Iterable[str],
    dates: Iterable[str] | Mapping[str, Iterable[str]],
    *,
    decimal: str | None,
    order: str | None,
) -> Habit:
    """The habit of a file from its cells; `dates` may be given by column. `decimal` ("," or ".") and `order`
    (day_first, month_first) overrule it."""
    comma, comma_note = (decimal == ",", None) if decimal else _decimal_comma(list(amounts))
    notes = [comma_note] if comma_note else []
    if order:
        return Habit(comma, order == "day_first", tuple(notes))
    columns = {name: list(cells) for name, cells in (dates if isinstance(dates, Mapping) else {"": dates}).items()}
    looked = {name: _day_first(cells) for name, cells in columns.items()}
    read = {name: found for name, found in looked.items() if found != (None, None, False)}
    # A column that does not tell is written as the others of its file.
    telling = {first for first, _, decides in read.values() if decides}
    shared = telling.pop() if len(telling) == 1 else None
    orders: dict[str, bool | None] = {}
    for name, (first, note, decides) in read.items():
        orders[name] = first if decides or shared is None else shared
        if note and (decides or shared is None):
            notes.append(f"{name}: {note}" if name else note)
    common = set(orders.values())
    return Habit(comma, common.pop() if len(common) == 1 else None, tuple(notes), orders)


_CURRENCY = {"€": "EUR", "£": "GBP", "zł": "PLN", "₹": "INR", "₺": "TRY"}
_CODE = re.compile(r"(?<![A-Za-z])(?!CR\b|DR\b)[A-Z]{3}(?![A-Za-z])")


def currency(cell: str) -> str:
    """The currency that stands beside an amount: EUR 5, 5 €. '' where none does or a sign has several ($, kr)."""
    for sign, code in _CURRENCY.items():
        if sign in cell:
            return code
    found = _CODE.search(cell)
    return found[0] if found else ""


def amount(cell: str, how: Habit) -> Decimal:
    """A signed amount: -1.5, (1.5), 1.5-, 1.5 CR and signs of currencies are understood. Raises BadCell."""
    text = cell.strip()
    if _PLAIN.fullmatch(text):
        value = Decimal(text)
    elif how.decimal_comma is not None and _GROUPED[how.decimal_comma].fullmatch(text):
        value = Decimal(text.replace(".", "").replace(",", ".") if how.decimal_comma else text.replace(",", ""))
    else:
        value = _written_amount(unicodedata.normalize("NFKC", text), how)
    if abs(value) >= _LIMIT:
        raise BadCell(f"amount {cell[:40]!r} is too large")
    return value


def _written_amount(text: str, how: Habit) -> Decimal:
    credit = text.upper().endswith("CR")
    bare = _UNIT.sub("", _UNIT.sub("", text)).strip()
    # A minus sign may stand before the currency: -£5.
    if text[:1] in "-−–" and bare[:1] not in "-−–(":
        bare = "-" + _UNIT.sub("", bare)
    match = _SIGNED.fullmatch(bare) or _SIGNED.fullmatch(re.sub(r"(?<=[-−–(])\s*[^\d.,()]+", "", bare))
    if match is None or bool(match["open"]) != bool(match["close"]):
        raise BadCell(f"amount {text[:40]!r} is not a number" if text else "amount is empty")
    body = match["body"].strip()
    marks = re.findall(r"[.,]", body)
    if len(marks) > 1 and len(set(marks)) == 1 and not re.search(r"[.,]\d{3}$", body):
        raise BadCell(f"amount {text[:40]!r} is not a number")
    value = notation.number(f"0{body}" if body[0] in ".," else body, how.decimal_comma)
    if value is None:
        raise BadCell(f"amount {text[:40]!r} can be read in two ways: set format.decimal in the mapping")
    return -value if match["minus"] or match["after"] or match["open"] or credit else value


def day(cell: str, how: Habit, column: str = "") -> date:
    """A date: ISO, yyyymmdd, a spreadsheet's serial, d/m/y in either order, months in words. Raises BadCell."""
    return _day(cell.strip(), how.orders.get(column, how.day_first))


@lru_cache(maxsize=65536)
def _day(text: str, day_first: bool | None) -> date:
    if match := (_ISO.fullmatch(text) or _COMPACT.fullmatch(text)):
        return _checked(text, int(match[1]), int(match[2]), int(match[3]))
    if match := _SERIAL.fullmatch(text):
        return _SPREADSHEET_EPOCH + timedelta(days=int(match[1]))
    found = notation.dates(_CLOCK.sub("", text))
    if len(found) != 1:
        raise BadCell(f"date {text[:40]!r} is not a date" if text else "date is empty")
    written = found[0]
    if written.fixed:
        day_first = True
    elif written.first > 12 or written.second > 12 or written.first == written.second:
        # Only one order is a date, whatever the column does elsewhere.
        day_first = written.first >= written.second
    if day_first is None:
        raise BadCell(f"date {text[:40]!r} can be read in two ways: set format.dates in the mapping")
    resolved = written.resolve(day_first)
    if resolved is None:
        raise BadCell(f"date {text[:40]!r} is not a date in the order that this file uses")
    return _checked(text, resolved.year, resolved.month, resolved.day)


def _checked(text: str, year: int, month: int, day_of_month: int) -> date:
    try:
        value = date(year, month, day_of_month)
    except ValueError:
        raise BadCell(f"date {text[:40]!r} is not in the calendar") from None
    if not _YEARS[0] <= value.year < _YEARS[1]:
        raise BadCell(f"date {text[:40]!r} is not between {_YEARS[0]} and {_YEARS[1]}")
    return value
