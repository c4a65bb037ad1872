"""Exchange rates out of a table: one rate a row, or one day a row and a column for each currency."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from itertools import islice
from pathlib import Path

from api.commands.cells import BadCell, Habit, blank, day, habit
from api.commands.mapping import ColumnMap
from api.commands.sources import Record, Source, opened
from governance.errors import Malformed
from models.duplicates import WITHIN_DAYS, DatedRates, Invoice

_NAMES: Mapping[str, frozenset[str]] = {
    "day": frozenset(("date", "day", "datum", "fecha", "data", "rate date", "time period")),
    "from": frozenset(("from", "from currency", "base", "base currency", "von")),
    "to": frozenset(("to", "to currency", "quote", "quote currency", "nach")),
    "rate": frozenset(("rate", "exchange rate", "fx rate", "kurs", "value", "obs value")),
    "currency": frozenset(("currency", "currency code")),
    "per_eur": frozenset(("per eur",)),
}
_CODE = re.compile(r"[A-Z]{3}")
_NUMBER = re.compile(r"\d{1,12}(?:[.,]\d{1,12})?(?:[eE][+-]?\d{1,2})?")
_HEADER_WITHIN = 20
_SAMPLE = 2_000
_EURO = "EUR"

Quote = tuple[int, date, str, str, Decimal]
"""(line, day, from, to, rate): one unit of `from` is `rate` units of `to`."""


@dataclass(frozen=True, slots=True)
class RateFile:
    """A table of rates as it was read. `notes`: what a person should know."""

    path: Path
    sha256: str
    rates: DatedRates
    count: int
    notes: tuple[str, ...]

    def says(self) -> str:
        """What it holds, in one line."""
        days = [one for known, _ in self.rates.currencies.values() for one in (known[0], known[-1])]
        codes = sorted(self.rates.currencies)
        shown = ", ".join(codes[:8]) + (f" and {len(codes) - 8} more" if len(codes) > 8 else "")
        return f"{self.count} rates of {shown} to {self.rates.reference}, {min(days)} to {max(days)}"


def read_rates(path: Path, within: int = WITHIN_DAYS) -> RateFile:
    """The rates of a file: date, from, to, rate; or date and a column a currency, each per one EUR; or the columns of
    `countersign import fx`. Raises Malformed with the line where a row is no rate: half a table is worse than none."""
    source = opened(path, ColumnMap())
    head = list(islice(source.records, _HEADER_WITHIN))
    at, header, rows = _header(path, head)
    body = [one for one in _below(source, head[at + 1 :]) if any(cell.strip() for cell in one.cells)]
    dates = habit(
        (), {"": [one.cells[header] for one in body[:_SAMPLE] if header < len(one.cells)]}, decimal=None, order=None
    )
    quotes = list(rows.quotes(path, body, header, dates))
    if not quotes:
        raise Malformed(f"{path}: there is no rate in it")
    reference, values = _in_one(path, quotes)
    return RateFile(path, source.sha256, DatedRates.of(reference, values, within), len(values), dates.assumed)


def _below(source: Source, first: Sequence[Record]) -> Iterator[Record]:
    yield from first
    yield from source.records


@dataclass(frozen=True, slots=True)
class _Long:
    """One rate a row. Places of the columns; `to` None: the rate is units of `base` for one EUR."""

    base: int
    to: int | None
    rate: int

    def quotes(self, path: Path, body: Sequence[Record], day_at: int, dates: Habit) -> Iterator[Quote]:
        for one in body:
            on = _day(path, one, day_at, dates)
            left = _code(path, one, self.base)
            value = _value(path, one, self.rate)
            if value is None:
                continue
            if self.to is None:
                yield one.line, on, _EURO, left, value
            else:
                yield one.line, on, left, _code(path, one, self.to), value


@dataclass(frozen=True, slots=True)
class _Wide:
    """One day a row: place of each currency's column, in units of it for one EUR."""

    places: Mapping[str, int]

    def quotes(self, path: Path, body: Sequence[Record], day_at: int, dates: Habit) -> Iterator[Quote]:
        for one in body:
            on = _day(path, one, day_at, dates)
            for code, place in self.places.items():
                value = _value(path, one, place)
                if code == _EURO and value is not None and value != 1:
                    raise Malformed(
                        f"{path}:{one.line}: one EUR is {value} EUR: columns of currencies are units for one EUR; "
                        "for another base write the columns date, from, to, rate"
                    )
                if value is not None and code != _EURO:
                    yield one.line, on, _EURO, code, value


def _header(path: Path, head: Sequence[Record]) -> tuple[int, int, _Long | _Wide]:
    """(which record is the header, the place of the day, how the rows are read)."""
    for at, one in enumerate(head):
        names = [" ".join(cell.replace("_", " ").split()).casefold() for cell in one.cells]
        found = {
            field: next((n for n, name in enumerate(names) if name in known), None) for field, known in _NAMES.items()
        }
        day_at, base, to, rate = (found[name] for name in ("day", "from", "to", "rate"))
        if day_at is None:
            continue
        if base is not None and to is not None and rate is not None:
            return at, day_at, _Long(base, to, rate)
        if found["currency"] is not None and found["per_eur"] is not None:
            return at, day_at, _Long(found["currency"], None, found["per_eur"])
        codes = [(cell.strip(), n) for n, cell in enumerate(one.cells) if _CODE.fullmatch(cell.strip())]
        if codes:
            twice = [code for code, count in Counter(code for code, _ in codes).items() if count > 1]
            if twice:
                raise Malformed(f"{path}:{one.line}: two columns are {twice[0]}")
            return at, day_at, _Wide(dict(codes))
    raise Malformed(
        f"{path} holds no rates: a header must name date, from, to, rate; or date and currencies (USD, GBP, …), in "
        "units for one EUR; or day, currency, per_eur"
    )


def _cell(path: Path, one: Record, place: int) -> str:
    if one.problem:
        raise Malformed(f"{path}:{one.line}: {one.problem}")
    return one.cells[place].strip() if place < len(one.cells) else ""


def _day(path: Path, one: Record, place: int, dates: Habit) -> date:
    try:
        return day(_cell(path, one, place), dates)
    except BadCell as error:
        raise Malformed(f"{path}:{one.line}: {error}") from None


def _code(path: Path, one: Record, place: int) -> str:
    code = _cell(path, one, place).upper()
    if not _CODE.fullmatch(code):
        raise Malformed(f"{path}:{one.line}: {code[:40]!r} is no currency: three letters are, such as USD")
    return code


def _value(path: Path, one: Record, place: int) -> Decimal | None:
    """A rate; None for an empty cell and for what tables write where there was none (N/A)."""
    text = _cell(path, one, place)
    if blank(text):
        return None
    if not _NUMBER.fullmatch(text):
        raise Malformed(f"{path}:{one.line}: {text[:40]!r} is no rate")
    try:
        value = Decimal(text.replace(",", "."))
    except InvalidOperation:
        raise Malformed(f"{path}:{one.line}: {text[:40]!r} is no rate") from None
    if not Decimal("1e-9") <= value <= Decimal("1e9"):
        raise Malformed(f"{path}:{one.line}: {text[:40]!r} is no rate: it must be greater than zero")
    return value


def _in_one(path: Path, quotes: Sequence[Quote]) -> tuple[str, list[tuple[str, date, Decimal]]]:
    """The currency that all rates share, and (currency, day, value of one unit in it)."""
    counts = Counter(code for _, _, left, right, _ in quotes for code in {left, right})
    most = max(counts.values())
    reference = _EURO if counts[_EURO] == most else min(code for code, count in counts.items() if count == most)
    values: dict[tuple[str, date], Decimal] = {}
    for line, on, left, right, rate in quotes:
        if left == right:
            if rate != 1:
                raise Malformed(f"{path}:{line}: one {left} is {rate} {left}")
            continue
        if reference not in (left, right):
            raise Malformed(
                f"{path}:{line}: all rates must be from or to one currency, here {reference}: {left} to {right}"
            )
        code, value = (left, rate) if right == reference else (right, 1 / rate)
        known = values.setdefault((code, on), value)
        if abs(known / value - 1) > Decimal("0.0005"):
            raise Malformed(f"{path}:{line}: there is another rate of {code} on {on} already")
    if not values:
        raise Malformed(f"{path}: there is no rate between two currencies in it")
    return reference, [(code, on, value) for (code, on), value in values.items()]


def unrated(invoices: Sequence[Invoice], rates: DatedRates | None) -> list[str]:
    """What a person should know of documents whose amounts are not compared over currencies."""
    codes = Counter(one.currency for one in invoices if one.currency)
    if len(codes) < 2:
        return []
    held = ", ".join(f"{count} {code}" for code, count in codes.most_common(6)) + (", …" if len(codes) > 6 else "")
    if rates is None:
        return [
            f"{len(codes)} currencies ({held}): amounts in two of them are not compared without the rates of their "
            "days (--rates)"
        ]
    missing: Counter[str] = Counter()
    for one in invoices:
        on = one.invoice_date or one.posting_date
        if one.currency and (on is None or rates(one.currency, on) is None):
            missing[one.currency] += 1
    if not missing:
        return [f"{len(codes)} currencies ({held}): all amounts have a rate of their day"]
    said = ", ".join(f"{count} {code}" for code, count in missing.most_common(6)) + (", …" if len(missing) > 6 else "")
    return [
        f"{sum(missing.values())} documents have no rate of the {rates.within} days up to theirs ({said}): their "
        "amounts are compared in their own currency alone"
    ]
