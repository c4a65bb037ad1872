"""Tables as companies export them: any common encoding, delimiter and header, read field by field.

A file is read once, row by row; only the columns of known fields are kept, as columns.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TypeVar, overload

from api.commands.cells import BadCell, Habit, blank, habit
from api.commands.headers import found_header, normal_header, shown, unwanted
from api.commands.mapping import ROW, ColumnMap, Synonyms
from api.commands.sources import Record, Source, opened, reread, swallowed
from governance.errors import Malformed

__all__ = ["Made", "Rejected", "Row", "Table", "normal_header", "read_table"]

Made = TypeVar("Made")
Tick = Callable[[int], None]
"""Told every few thousand rows how many were read."""

_HEADER_WITHIN = 20
_SAMPLE = 20_000
_TICK = 5_000
_SHARED = 100_000
_TOTAL = re.compile(
    r"(?:grand |sub ?|sous )?(?:totals?|totale|totaal)\b|(?:zwischen|gesamt|end)?summen?\b|gesamt(?:betrag)?\b|somme\b"
    r"|suma\b|(?:carried|brought) forward\b|ubertrag\b",
)


@dataclass(frozen=True, slots=True)
class Row:
    """One record: the line it starts on, and its cells by field ('' where the file has none).

    `seal` is the same for rows of one file whose cells, those of unknown columns too, are the same.
    """

    line: int
    cells: Mapping[str, str]
    seal: int = 0

    def __getitem__(self, name: str) -> str:
        return self.cells.get(name, "")

    def required(self, name: str) -> str:
        """The cell. Raises BadCell where it is empty."""
        if blank(self[name]):
            raise BadCell(f"{name} is empty")
        return self[name]

    def optional(self, name: str) -> str | None:
        """The cell, None where it is empty."""
        return None if blank(self[name]) else self[name].strip()


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that was left out, and why."""

    line: int
    reason: str


class Rows(Sequence[Row]):
    """Rows that are kept as columns: a million of them take no million dictionaries."""

    def __init__(self, constants: Mapping[str, str], names: Sequence[str], path: Path, *, numbered: bool) -> None:
        self.constants = dict(constants)
        self.columns: dict[str, list[str]] = {name: [] for name in names}
        self.lines = array("q")
        self.seals = array("q")
        self._path, self._numbered = path, numbered
        self._shared: dict[str, dict[str, str]] = {name: {} for name in names}

    def add(self, record: Record, places: Mapping[str, int]) -> None:
        cells = record.cells
        self.lines.append(record.line)
        self.seals.append(hash(tuple(cells)))
        for name, place in places.items():
            cell = cells[place] if place < len(cells) else ""
            shared = self._shared[name]
            # Equal cells are kept once, as long as a column repeats itself.
            self.columns[name].append(
                shared.setdefault(cell, cell) if len(shared) < _SHARED else shared.get(cell, cell)
            )

    def done(self) -> None:
        self._shared.clear()

    def __len__(self) -> int:
        return len(self.lines)

    @overload
    def __getitem__(self, at: int) -> Row: ...
    @overload
    def __getitem__(self, at: slice) -> list[Row]: ...
    def __getitem__(self, at: int | slice) -> Row | list[Row]:
        if isinstance(at, slice):
            return [self[place] for place in range(*at.indices(len(self)))]
        return self._row(self.lines[at], self.seals[at], [column[at] for column in self.columns.values()])

    def __iter__(self) -> Iterator[Row]:
        cells = zip(*self.columns.values(), strict=True) if self.columns else ((),) * len(self)
        for line, seal, row in zip(self.lines, self.seals, cells, strict=True):
            yield self._row(line, seal, row)

    def _row(self, line: int, seal: int, row: Sequence[str]) -> Row:
        cells = dict(zip(self.columns, row, strict=True))
        if self.constants:
            cells = {**self.constants, **cells}
        if self._numbered:
            cells["invoice_id"] = f"{self._path.name}:{line}"
        return Row(line, cells, seal)


@dataclass(frozen=True, slots=True)
class Table:
    """A file's rows by field. `fields`: what the file or the mapping gives. `notes`: what a person should know.

    headers: field to the header that was taken for it. unused: the headers of no field. sha256: of the file.
    """

    path: Path
    rows: Sequence[Row]
    fields: frozenset[str]
    how: Habit
    rejected: tuple[Rejected, ...]
    notes: tuple[str, ...]
    headers: Mapping[str, str] = field(default_factory=dict)
    unused: tuple[str, ...] = ()
    sha256: str = ""

    def made(self, make: Callable[[Row, Habit], Made]) -> tuple[list[Made], list[Rejected]]:
        """What `make` makes of every row, and the rows that it refused with BadCell or that could not be read."""
        good: list[Made] = []
        bad = list(self.rejected)
        for row in self.rows:
            try:
                good.append(make(row, self.how))
            except BadCell as error:
                bad.append(Rejected(row.line, str(error)))
        return good, sorted(bad, key=lambda one: one.line)


def read_table(
    path: Path,
    fields: Synonyms,
    required: Sequence[Sequence[str]],
    mapping: ColumnMap,
    *,
    amounts: Sequence[str] = (),
    dates: Sequence[str] = (),
    tick: Tick | None = None,
) -> Table:
    """The rows of a file. `required`: groups of fields of which one must be there.

    `amounts` and `dates` name the fields whose cells tell how the file writes numbers and dates. Raises
    Malformed where the file cannot be read or a required column is missing: the message names it.
    """
    source = opened(path, mapping)
    notes = list(source.notes)
    head = list(islice(source.records, _HEADER_WITHIN))
    plain = [one for one in head if one.problem is None]
    if not plain:
        raise Malformed(f"{path}: {head[0].problem}" if head else f"{path}: the file is empty")
    at, deep, header, found = found_header([one.cells for one in plain], fields, mapping.columns)
    if at:
        notes.append(f"the header was found on line {plain[at].line}; what stands above it was skipped")
    numbered = mapping.columns.get("invoice_id") == (ROW,) and "invoice_id" not in found
    none = unwanted(mapping.columns)
    given = {*found, *mapping.constants, *none, *(("invoice_id",) if numbered else ())}
    notes += _check(path, header, given, required, mapping)
    rows = Rows(mapping.constants, tuple(found), path, numbered=numbered)
    below = [one for one in head if one.line > plain[at + deep - 1].line]
    kept = _Kept(source, header, found, [names for names in required if not set(names) & none])
    for count, record in enumerate(kept.of(below), 1):
        rows.add(record, found)
        if tick and count % _TICK == 0:
            tick(_TICK)
    rows.done()
    _tidy(rows, set(found) - {*amounts, *dates})
    how = _habit(rows, amounts, dates, mapping)
    return Table(
        path, rows, frozenset(given - none), how, tuple(kept.rejected), (*notes, *kept.notes(), *how.assumed),
        {name: shown(header[place]) for name, place in found.items()},
        tuple(shown(cell) for place, cell in enumerate(header) if place not in found.values() and cell.strip()),
        source.sha256,
    )  # fmt: skip


class _Kept:
    """The records below the header that hold a row. What is none is counted; what cannot be read is listed."""

    def __init__(
        self, source: Source, header: Sequence[str], found: Mapping[str, int], required: Sequence[Sequence[str]]
    ) -> None:
        self.rejected: list[Rejected] = []
        self._source, self._header, self._found = source, list(header), found
        self._needed = [tuple(found[name] for name in names if name in found) for names in required]
        self._repeats = self._totals = 0

    def of(self, below: Sequence[Record]) -> Iterator[Record]:
        for part in (below, self._source.records):
            for record in part:
                if swallowed(record, self._source.delimiter):
                    for one in reread(record, self._source.delimiter):
                        yield from self._one(one, first=one.line == record.line)
                else:
                    yield from self._one(record)

    def _one(self, record: Record, *, first: bool = False) -> Iterator[Record]:
        wide, cells = len(self._header), record.cells
        if record.problem:
            self.rejected.append(Rejected(record.line, record.problem))
        elif first and len(cells) < wide:
            self.rejected.append(Rejected(record.line, "a quote opens here and does not close on this line"))
        elif len(cells) > wide and any(cell.strip() for cell in cells[wide:]):
            self.rejected.append(Rejected(record.line, f"{len(cells)} cells, but the header has {wide}"))
        elif self._is_header(cells):
            self._repeats += 1
        elif self._is_total(cells):
            self._totals += 1
        elif not _is_rule(cells):
            yield record

    def _is_header(self, cells: Sequence[str]) -> bool:
        """True where a page of a report begins again with the header."""
        places = self._found.values()
        return len(places) > 1 and all(
            place < len(cells) and cells[place].strip() == self._header[place].strip() for place in places
        )

    def _is_total(self, cells: Sequence[str]) -> bool:
        """True for a sum below the rows: a cell says so, and what a row must have is missing."""
        empty = 0
        for places in self._needed:
            if not any(place < len(cells) and cells[place] and not blank(cells[place]) for place in places):
                empty += 1
        if not empty:
            return False
        first = [cell for cell in cells if cell.strip()][:3]
        return (empty > 1 or len(first) < 3) and any(_TOTAL.match(normal_header(cell)) for cell in first)

    def notes(self) -> list[str]:
        said = [(self._repeats, "lines repeat the header"), (self._totals, "lines are totals")]
        return [f"{count} {what} and were skipped" for count, what in said if count]


def _is_rule(cells: Sequence[str]) -> bool:
    """True for a line that a report draws: nothing but dashes."""
    return all(not cell.strip(" -=_+*|") for cell in cells)


def _habit(rows: Rows, amounts: Sequence[str], dates: Sequence[str], mapping: ColumnMap) -> Habit:
    """How the file writes, from distinct cells of whole columns."""

    def distinct(name: str) -> list[str]:
        column = rows.columns.get(name, ())
        return list(islice(dict.fromkeys(cell.strip() for cell in column if cell), _SAMPLE))

    return habit(
        [cell for name in amounts for cell in distinct(name)],
        {name: distinct(name) for name in dates},
        decimal=mapping.format.get("decimal"),
        order=mapping.format.get("dates"),
    )


def _tidy(rows: Rows, names: set[str]) -> None:
    """Takes away the .0 that spreadsheets append to identifiers."""
    for name in names:
        column = rows.columns[name]
        if _whole(column):
            rows.columns[name] = [cell.strip().removesuffix(".0") for cell in column]


def _whole(cells: Sequence[str]) -> bool:
    """True for a column of whole numbers that a spreadsheet wrote as 123.0."""
    filled = False
    for cell in cells:
        if not blank(cell):
            if not re.fullmatch(r"\d+\.0", cell.strip()):
                return False
            filled = True
    return filled


def _check(
    path: Path, header: Sequence[str], given: set[str], required: Sequence[Sequence[str]], mapping: ColumnMap
) -> list[str]:
    """Notes on mapped columns that the file lacks. Raises Malformed where a required field is among them."""
    missing = [" or ".join(group) for group in required if not given & set(group)]
    if missing:
        hint = ' (invoice_id = "row" numbers the rows)' if "invoice_id" in missing else ""
        first = missing[0].split(" or ")[0]
        raise Malformed(
            f"{path}: no column for {', '.join(missing)}; the file has {', '.join(map(shown, header[:40]))}. "
            f"Say which is which with --map{hint}, or with --column {first}=HEADER where the command has it"
        )
    lost = {name: wanted for name, wanted in mapping.columns.items() if name not in given}
    return [f"no column {' or '.join(map(repr, wanted))} for {name}" for name, wanted in lost.items()]
