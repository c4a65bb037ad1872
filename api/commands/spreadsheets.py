"""The sheet of a workbook that holds a table, as records."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from api.commands.sources import Record
from api.intake.children import ChildPool
from api.intake.columns import Number
from api.intake.workbook import WORKBOOK, Sheet, open_workbooks
from governance.errors import Malformed, Unreadable

_SECONDS = 120.0
_MEMORY_MB = 1536
_THOUSANDTHS = re.compile(r"-?\d+\.\d{3}")


def records(path: Path, content: bytes, wanted: str | None) -> tuple[Iterator[Record], tuple[str, ...]]:
    """(records, notes) of the sheet named `wanted`, or of the largest one. Raises Malformed."""
    with ChildPool(WORKBOOK, size=1, memory_mb=_MEMORY_MB, deadline=_SECONDS) as pool:
        sheets = open_workbooks(pool, [content], [None])[0]
    if isinstance(sheets, Unreadable):
        large = sheets.extensions.get("reason_code") == "workbook_limits"
        advice = " A workbook may have 2,000,000 cells here." if large else ""
        raise Malformed(f"{path}: {sheets.detail}{advice}")
    sheet = _chosen(path, sheets, wanted)
    others = [one.name for one in sheets if one.rows and one is not sheet]
    notes = [f"sheet {sheet.name!r} was read; empty rows do not count in line numbers"]
    if others:
        notes.append(f"other sheets were not read: {', '.join(others)} (set format.sheet to change it)")
    return _records(sheet), tuple(notes)


def _chosen(path: Path, sheets: tuple[Sheet, ...], wanted: str | None) -> Sheet:
    if wanted is not None:
        named = next((one for one in sheets if one.name.casefold() == wanted.casefold()), None)
        if named is None:
            raise Malformed(f"{path}: there is no sheet {wanted!r}; sheets are {', '.join(one.name for one in sheets)}")
        if not named.visible:
            raise Malformed(f"{path}: the sheet {wanted!r} is hidden: show it, or save it as CSV")
        return named
    filled = [one for one in sheets if one.visible and one.rows]
    if not filled:
        raise Malformed(f"{path}: no visible sheet holds anything")
    return max(filled, key=lambda one: len(one.rows))


def _records(sheet: Sheet) -> Iterator[Record]:
    for line, cells in enumerate(sheet.rows, 1):
        yield Record(line, [_cell(cell) for cell in cells])


def _cell(cell: Any) -> str:
    """A cell as CSV would hold it. A number with three decimals gets a fourth: 1.234 is no thousand."""
    if cell is None:
        return ""
    if isinstance(cell, Number):
        return f"{cell}0" if _THOUSANDTHS.fullmatch(cell) else str(cell)
    return str(cell)
