"""Mapping files: which column of a table is which field, where the header does not say it itself.

[columns]
invoice_id = "row"                              # number the rows where no column identifies them
invoice_no = ["Invoice No.", "Invoice No"]      # one header, or several that files may have
[constants]
currency = "GBP"
[format]
dates = "day_first"                             # or month_first
decimal = ","                                   # or "."
delimiter = ";"
encoding = "cp1252"
sheet = "Ledger"                                # of a workbook
rows = "documents"                              # or lines: what rows with one invoice_id are

A column "none" says that the file has no such column, whatever its headers look like.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from governance.errors import Malformed

Synonyms = Mapping[str, Sequence[str]]

ROW, NONE = "row", "none"
_TABLES = ("columns", "constants", "format")
_FORMAT: Mapping[str, tuple[str, ...]] = {
    "dates": ("day_first", "month_first"),
    "decimal": (",", "."),
    "delimiter": (),
    "encoding": (),
    "sheet": (),
    "rows": ("lines", "documents"),
}


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """What a mapping file says: field to headers, field to constant, and the format table."""

    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    format: Mapping[str, str] = field(default_factory=dict)


def read_map(path: Path | None, fields: Synonyms) -> ColumnMap:
    """A mapping file. Columns may stand in [columns] or at the top, written field = "Header" or "Header" = "field".

    Raises Malformed for anything that it does not know: a mapping that is half understood is worse than none.
    """
    if path is None:
        return ColumnMap()
    try:
        data: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Malformed(f"--map {path}: {error}") from None
    top = {key: value for key, value in data.items() if not isinstance(value, dict)}
    unknown = data.keys() - top.keys() - set(_TABLES)
    if unknown:
        raise Malformed(f"--map {path}: unknown table [{min(unknown)}]; use [{'], ['.join(_TABLES)}]")
    return ColumnMap(
        _columns(path, {**top, **data.get("columns", {})}, fields),
        _constants(path, data.get("constants", {}), fields),
        _format(path, data.get("format", {})),
    )


def _columns(path: Path, table: Mapping[str, Any], fields: Synonyms) -> dict[str, tuple[str, ...]]:
    columns: dict[str, tuple[str, ...]] = {}
    for key, value in table.items():
        name, headers = (value, key) if key not in fields and isinstance(value, str) else (key, value)
        if name not in fields:
            raise Malformed(f"--map {path}: {key!r} is not a field; fields are {', '.join(fields)}")
        headers = [headers] if isinstance(headers, str) else headers
        if not isinstance(headers, list) or not all(isinstance(header, str) for header in headers):
            raise Malformed(f"--map {path}: {key} must name a column, or a list of columns")
        columns[name] = tuple(headers)
    return columns


def _constants(path: Path, table: Mapping[str, Any], fields: Synonyms) -> dict[str, str]:
    for key in table.keys() - fields.keys():
        raise Malformed(f"--map {path}: {key!r} is not a field; fields are {', '.join(fields)}")
    return {key: str(value) for key, value in table.items()}


def _format(path: Path, table: Mapping[str, Any]) -> dict[str, str]:
    for key, value in table.items():
        if key not in _FORMAT:
            raise Malformed(f"--map {path}: [format] knows {', '.join(_FORMAT)}, not {key!r}")
        if not isinstance(value, str) or (_FORMAT[key] and value not in _FORMAT[key]):
            allowed = " or ".join(repr(one) for one in _FORMAT[key]) or "a text"
            raise Malformed(f"--map {path}: [format] {key} must be {allowed}, not {value!r}")
    return _delimited(path, dict(table))


def _delimited(where: object, said: dict[str, str]) -> dict[str, str]:
    """The format with its delimiter as one character. Raises Malformed."""
    mark = said.get("delimiter")
    if mark is not None:
        said["delimiter"] = "\t" if mark in ("tab", "\\t") else mark
        if len(said["delimiter"]) != 1 or said["delimiter"] in '\r\n"':
            raise Malformed(f"{where}: the delimiter must be one character, or tab, not {mark!r}")
    return said


def with_flags(
    given: ColumnMap,
    fields: Synonyms,
    *,
    columns: Sequence[str] = (),
    constants: Sequence[str] = (),
    format: Mapping[str, str | None],
) -> ColumnMap:
    """The mapping with what the command line says of it: FIELD=HEADER, FIELD=VALUE, and the format.

    Flags win over the file; one field named by several --column takes the first header that a file has. Raises
    Malformed.
    """
    headers: dict[str, tuple[str, ...]] = {}
    for name, header in _pairs("--column", "HEADER", columns, fields):
        earlier = () if header == NONE else headers.get(name, ())
        headers[name] = (*(one for one in earlier if one != NONE), header)
    said = {name: value for name, value in format.items() if value is not None}
    return replace(
        given,
        columns={**given.columns, **headers},
        constants={**given.constants, **dict(_pairs("--constant", "VALUE", constants, fields))},
        format=_delimited("--delimiter", {**given.format, **said}),
    )


def _pairs(flag: str, what: str, given: Sequence[str], fields: Synonyms) -> list[tuple[str, str]]:
    pairs = []
    for one in given:
        name, mark, value = one.partition("=")
        if not mark or name.strip() not in fields:
            raise Malformed(f"{flag} {one}: say FIELD={what}, with one of the fields {', '.join(fields)}")
        pairs.append((name.strip(), value.strip()))
    return pairs
