"""Tables as companies export them: any common encoding, delimiter and header, read field by field."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import TypeVar

from charset_normalizer import from_bytes

from api.commands.cells import BadCell, Habit, blank, habit
from api.commands.mapping import ROW, ColumnMap, Synonyms
from governance.errors import Malformed

Made = TypeVar("Made")

_HEADER_WITHIN = 20
_SAMPLE = 5000


@dataclass(frozen=True, slots=True)
class Row:
    """One record: the line it starts on, and its cells by field ('' where the file has none)."""

    line: int
    cells: Mapping[str, str]

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


@dataclass(frozen=True, slots=True)
class Table:
    """A file's rows by field. `fields`: what the file or the mapping gives. `notes`: what a person should know."""

    path: Path
    rows: tuple[Row, ...]
    fields: frozenset[str]
    how: Habit
    rejected: tuple[Rejected, ...]
    notes: tuple[str, ...]

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


def normal_header(text: str) -> str:
    """A header in lower case, words apart by one space, nothing else."""
    return " ".join(re.findall(r"[a-z0-9]+", unicodedata.normalize("NFKD", text.casefold()).replace("_", " ")))


def _decoded(path: Path, encoding: str | None) -> tuple[str, list[str]]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Malformed(f"{path}: {error.strerror or error}") from None
    if encoding:
        try:
            return data.decode(encoding), []
        except (LookupError, UnicodeDecodeError) as error:
            raise Malformed(f"{path}: not readable as {encoding} ({error})") from None
    for known in ("utf-8-sig", "utf-16") if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig",):
        try:
            return data.decode(known), []
        except UnicodeDecodeError:
            continue
    best = from_bytes(data[:200_000]).best()
    guess = best.encoding if best else "cp1252"
    return data.decode(guess, errors="replace"), [f"not UTF-8: read as {guess} (set format.encoding to change it)"]


def _delimiter(text: str) -> str:
    """The candidate that splits most of the first lines into the same number of cells, and into the most."""
    lines = [line for line in text[:50_000].splitlines()[:30] if line.strip()]

    def split(mark: str) -> tuple[int, int]:
        counts = [len(cells) for cells in csv.reader(lines, delimiter=mark)]
        wide = [count for count in counts if count > 1]
        most = max(set(wide), key=wide.count) if wide else 1
        return (wide.count(most), most)

    return max((",", ";", "\t", "|"), key=split)


def _records(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(StringIO(text.replace("\0", ""), newline=""), delimiter=delimiter)
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise Malformed(f"line {reader.line_num}: {error}") from None


def _places(header: Sequence[str], fields: Synonyms, columns: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Field → column. The mapping wins; then the field's own name; then its synonyms in their order."""
    at: dict[str, int] = {}
    normal = [normal_header(cell) for cell in header]
    for name, wanted in columns.items():
        exact = [header.index(one) for one in wanted if one in header]
        alike = [normal.index(normal_header(one)) for one in wanted if normal_header(one) in normal]
        if exact or alike:
            at[name] = (exact or alike)[0]
    for name, synonyms in fields.items():
        if name in columns:
            continue
        for candidate in (name, *synonyms):
            place = normal.index(normal_header(candidate)) if normal_header(candidate) in normal else None
            if place is not None and place not in at.values():
                at[name] = place
                break
    return at


def _header(
    records: Sequence[tuple[int, list[str]]], fields: Synonyms, columns: Mapping[str, Sequence[str]]
) -> tuple[int, dict[str, int]]:
    """(position of the header, field → column): the first of the first rows that names the most fields."""
    found = [_places(cells, fields, columns) for _, cells in records[:_HEADER_WITHIN]]
    best = max(range(len(found)), key=lambda at: (len(found[at]), -at))
    return best, found[best]


def _whole(cells: Sequence[str]) -> bool:
    """True for a column of whole numbers that a spreadsheet wrote as 123.0."""
    filled = [cell for cell in cells if not blank(cell)]
    return bool(filled) and all(re.fullmatch(r"\d+\.0", cell.strip()) for cell in filled)


def read_table(
    path: Path,
    fields: Synonyms,
    required: Sequence[Sequence[str]],
    mapping: ColumnMap,
    *,
    amounts: Sequence[str] = (),
    dates: Sequence[str] = (),
) -> Table:
    """The rows of a file. `required`: groups of fields of which one must be there.

    `amounts` and `dates` name the fields whose cells tell how the file writes numbers and dates. Raises
    Malformed where the file cannot be read or a required column is missing: the message names it.
    """
    text, notes = _decoded(path, mapping.format.get("encoding"))
    records = list(_records(text, mapping.format.get("delimiter") or _delimiter(text)))
    if not records:
        raise Malformed(f"{path}: the file is empty")
    at, places = _header(records, fields, mapping.columns)
    header = records[at][1]
    if at:
        notes.append(f"the header was found on line {records[at][0]}; what stands above it was skipped")
    numbered = mapping.columns.get("invoice_id") == (ROW,) and "invoice_id" not in places
    given = {*places, *mapping.constants, *(("invoice_id",) if numbered else ())}
    notes += _check(path, header, given, required, mapping)
    rows, rejected = [], []
    for line, cells in records[at + 1 :]:
        if len(cells) > len(header) and any(cell.strip() for cell in cells[len(header) :]):
            rejected.append(Rejected(line, f"{len(cells)} cells, but the header has {len(header)}"))
            continue
        named = {name: cells[place] if place < len(cells) else "" for name, place in places.items()}
        own = {"invoice_id": f"{path.name}:{line}"} if numbered else {}
        rows.append(Row(line, {**mapping.constants, **named, **own}))
    rows = _tidied(rows, set(places) - {*amounts, *dates})
    samples = [[row[name] for row in rows[:_SAMPLE] for name in names if row[name]] for names in (amounts, dates)]
    how = habit(*samples, decimal=mapping.format.get("decimal"), order=mapping.format.get("dates"))
    return Table(path, tuple(rows), frozenset(given), how, tuple(rejected), (*notes, *how.assumed))


def _tidied(rows: list[Row], names: set[str]) -> list[Row]:
    """Rows without the .0 that spreadsheets append to identifiers."""
    floats = {name for name in names if _whole([row[name] for row in rows])}
    if not floats:
        return rows
    return [
        Row(
            row.line,
            {name: cell.strip().removesuffix(".0") if name in floats else cell for name, cell in row.cells.items()},
        )
        for row in rows
    ]


def _check(
    path: Path, header: Sequence[str], given: set[str], required: Sequence[Sequence[str]], mapping: ColumnMap
) -> list[str]:
    """Notes on mapped columns that the file lacks. Raises Malformed where a required field is among them."""
    missing = [" or ".join(group) for group in required if not given & set(group)]
    if missing:
        hint = ' (invoice_id = "row" numbers the rows)' if "invoice_id" in missing else ""
        raise Malformed(
            f"{path}: no column for {', '.join(missing)}; the file has {', '.join(header)}. "
            f"Say which is which with --map{hint}"
        )
    lost = {name: wanted for name, wanted in mapping.columns.items() if name not in given}
    return [f"no column {' or '.join(map(repr, wanted))} for {name}" for name, wanted in lost.items()]
