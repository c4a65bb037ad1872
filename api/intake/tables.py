"""Records out of CSV, JSON, JSON Lines and spreadsheets.

Every cell is a string, a null or a JSON value; nothing is interpreted yet.
"""

from __future__ import annotations

import csv
import io
import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from governance.errors import Malformed, Unreadable

_DELIMITERS = ",;\t|"
_SAMPLE = 20
_TITLE = 20_000
_MEMORY = 280_000_000
_LETTER = re.compile(r"[^\W\d_]")


@dataclass(frozen=True, slots=True)
class Record:
    """One row: `index` counts from 1 without the header; `problem` says why the row cannot be used."""

    index: int
    cells: dict[str, Any]
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """`columns` in the file's order, lower case with underscores; records in the file's order."""

    columns: tuple[str, ...]
    records: tuple[Record, ...]
    media: str  # csv | json | jsonl | sheet


ColumnMap = Mapping[str, str | Sequence[str]]
"""Our column name to theirs; to several where their files differ."""


def column_map(path: Path) -> ColumnMap:
    """The TOML of `--map`: lines our_name = "Their name" or a list of names, at the top or in [columns].

    Raises Malformed.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Malformed(f"--map {path}: {error}") from None
    top = {name: value for name, value in data.items() if name != "columns"}
    mapping = {**top, **data.get("columns", {})} if isinstance(data.get("columns", {}), dict) else data
    for name, theirs in mapping.items():
        several = [theirs] if isinstance(theirs, str) else theirs
        if not isinstance(several, list) or not all(isinstance(one, str) for one in several):
            raise Malformed(f'--map {path}: {name} must name a column, such as amount = "Net value", or a list of them')
    return mapping


def column_name(written: str) -> str:
    """`Invoice No.` and `invoice-no` are the column invoice_no."""
    return re.sub(r"[\s.\-]+", "_", written.strip().lstrip("\ufeff").lower()).strip("_")


def read_table(text: str, kind: str, columns: ColumnMap, known: frozenset[str] = frozenset()) -> Table | None:
    """The table that `text` holds (`kind` as sniffed: text, json, jsonl), or None where it holds none.

    `columns` maps our names to theirs; a header that names `known` columns is also found below a title. Raises
    Unreadable where it is clearly a table, and broken.
    """
    _check_size(text, kind)
    names = _names(columns)
    if kind == "json":
        return _from_json(text, names)
    if text.lstrip()[:1] == "{":
        return _from_json_lines(text, names)
    return _from_csv(_without_title(text, names, known), names)


def _check_size(text: str, kind: str) -> None:
    """Raises Unreadable where the rows would need more memory than a file may: measured, with some to spare."""
    if kind == "text" and text.lstrip()[:1] != "{":
        bytes_ = 700 * max(text.count("\n"), text.count("\r")) + 110 * max(map(text.count, _DELIMITERS))
    else:
        bytes_ = 700 * (text.count("{") + text.count("[")) + 250 * text.count(",")
    if bytes_ > _MEMORY:
        reason = "The file has more rows or cells than can be read at once. Send it in parts of at most 100,000 rows."
        raise Unreadable(reason, reason_code="too_many_rows")


def sheet_table(rows: Sequence[Sequence[Any]], columns: ColumnMap, known: frozenset[str]) -> Table | None:
    """The table on a sheet: its header is the row among the first 20 that names the most `known` columns.

    None where no row is a header. Raises Unreadable where a column stands twice.
    """
    names = _names(columns)
    headers = {at: _sheet_header(row, names) for at, row in enumerate(rows[:_SAMPLE]) if _is_sheet_header(row)}
    if not headers:
        return None
    at = max(headers, key=lambda place: (len(known & set(headers[place])), -place))
    header = headers[at]
    if at > 1 and not known & set(header):
        return None  # the lines of a bill that was written on a sheet
    below = rows[at + 1 :]
    if len(set(header)) < len(header):
        return None if len(below) < 2 else _twice(header)
    return Table(header, tuple(_sheet_record(index, header, row) for index, row in enumerate(below, start=1)), "sheet")


def _names(columns: ColumnMap) -> dict[str, str]:
    """Their column name to ours."""
    return {
        column_name(one): ours
        for ours, theirs in columns.items()
        for one in ([theirs] if isinstance(theirs, str) else theirs)
    }


def _is_sheet_header(row: Sequence[Any]) -> bool:
    said = [cell for cell in row if cell is not None]
    return len(said) >= 2 and all(type(cell) is str and _LETTER.search(cell) and len(cell) < 80 for cell in said)


def _sheet_header(row: Sequence[Any], names: Mapping[str, str]) -> tuple[str, ...]:
    written = [f"column {place}" if cell is None else cell for place, cell in enumerate(row, start=1)]
    return tuple(names.get(column_name(cell), column_name(cell)) for cell in written)


def _sheet_record(index: int, header: tuple[str, ...], row: Sequence[Any]) -> Record:
    if len(row) > len(header):
        return Record(index, {}, f"the row has {len(row)} cells, the header {len(header)}")
    cells = [*row, *[None] * (len(header) - len(row))]
    return Record(index, dict(zip(header, cells, strict=True)))


def _from_csv(text: str, names: Mapping[str, str]) -> Table | None:
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(_DELIMITERS, key=lambda mark: (first.count(mark), mark == ","))
    if delimiter not in first:
        return None
    header, rows = _cells(text, delimiter)
    if not _is_header(header):
        return None
    columns = tuple(names.get(column_name(cell), column_name(cell)) for cell in header)
    if len(set(columns)) < len(columns):
        return None if len(rows) < 2 else _twice(columns)
    records = tuple(_csv_record(index, columns, row) for index, row in enumerate(rows, start=1))
    return Table(columns, records, "csv")


def _without_title(text: str, names: Mapping[str, str], known: frozenset[str]) -> str:
    """The text from the line on that names the most known columns, two at least: exports put titles above it."""
    lines = text[:_TITLE].splitlines(keepends=True)[:_SAMPLE]

    def named(line: str) -> int:
        split = max((line.strip().split(mark) for mark in _DELIMITERS), key=len)
        ours = (column_name(cell.strip('"')) for cell in split)
        return len({names.get(cell, cell) for cell in ours} & known)

    best = max(range(len(lines)), key=lambda at: (named(lines[at]), -at), default=0)
    return text[sum(map(len, lines[:best])) :] if best and named(lines[best]) >= 2 else text


def _cells(text: str, delimiter: str) -> tuple[list[str], list[list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[list[str]] = []
    try:
        rows.extend(row for row in reader if any(cell.strip() for cell in row))
    except csv.Error:
        # Prose may hold a lone quote; only a file that began as a table is told about it.
        if len(rows) > 2 and len({len(row) for row in rows[:_SAMPLE]}) == 1 and _is_header(rows[0]):
            raise Unreadable(
                f"The quotes in line {reader.line_num} or after it do not close. Export the file again.",
                reason_code="malformed_rows",
            ) from None
        return [], []
    return (rows[0], rows[1:]) if rows else ([], [])


def _is_header(cells: list[str]) -> bool:
    return len(cells) >= 2 and all(cell.strip() and _LETTER.search(cell) and len(cell) < 80 for cell in cells)


def _twice(columns: tuple[str, ...]) -> Table:
    doubled = sorted({name for name in columns if columns.count(name) > 1})
    raise Unreadable(f"The column {doubled[0]} stands twice. Rename one of them.", reason_code="malformed_rows")


def _csv_record(index: int, columns: tuple[str, ...], row: list[str]) -> Record:
    if len(row) != len(columns):
        return Record(index, {}, f"the row has {len(row)} cells, the header {len(columns)}")
    return Record(index, dict(zip(columns, row, strict=True)))


def is_regular(table: Table) -> bool:
    """True where the text is laid out as a table: three columns and two rows or more, the same width throughout."""
    sample = table.records[:_SAMPLE]
    if len(table.columns) < 3 or len(sample) < 2 or any(record.problem is not None for record in sample):
        return False
    if table.media != "sheet":
        return True
    # A letter on a sheet has rows of one cell or two; a table's are mostly filled.
    filled = sum(value is not None for record in sample for value in record.cells.values())
    return filled * 3 >= len(sample) * len(table.columns) * 2


def loads(text: str) -> Any:
    """JSON with every number kept as its own text where it has a fraction. Raises Unreadable `malformed_json`."""
    try:
        return json.loads(text, parse_float=str, parse_int=_integer, parse_constant=str, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        reason = f"The JSON cannot be read ({str(error)[:120]}). Export it again."
        raise Unreadable(reason, reason_code="malformed_json") from None


def _integer(digits: str) -> int | str:
    """Integers beyond 2**53 stay text: other readers of the same JSON would round them (RFC 7493)."""
    return int(digits) if len(digits) <= 15 else digits


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object, refused where a key stands twice: two readers would see two different documents."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _from_json(text: str, names: Mapping[str, str]) -> Table | None:
    try:
        value = loads(text)
    except Unreadable:
        if "\n" in text.strip() and text.lstrip().startswith("{"):
            return _from_json_lines(text, names)
        raise
    if isinstance(value, dict):
        rows = value.get("rows", value.get("items", [value]))
    else:
        rows = value
    if not isinstance(rows, list) or not rows:
        return None
    return _json_table(rows, names, "json")


def _from_json_lines(text: str, names: Mapping[str, str]) -> Table | None:
    rows: list[Any] = []
    for line in text.splitlines():
        if line.strip():
            try:
                rows.append(loads(line))
            except Unreadable:
                rows.append(None)
    if not any(isinstance(row, dict) for row in rows):
        raise Unreadable("The JSON cannot be read. Export it again.", reason_code="malformed_json")
    return _json_table(rows, names, "jsonl")


def _json_table(rows: list[Any], names: Mapping[str, str], media: str) -> Table:
    records = tuple(_json_records(rows, names))
    columns = dict.fromkeys(name for record in records for name in record.cells)
    return Table(tuple(columns), records, media)


def _json_records(rows: list[Any], names: Mapping[str, str]) -> Iterator[Record]:
    for index, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            yield Record(index, {}, "the row is not a JSON object")
            continue
        cells = {names.get(column_name(key), column_name(key)): value for key, value in row.items()}
        yield Record(index, cells)
