"""Spreadsheets in a child process (see `child`): XLSX, XLSM, XLSB, XLS and ODS, by calamine.

parse → {"sheets": [[name, visible, rows]]} or {"error": "encrypted" | "limits" | "malformed"}. A row is a list of
cells as calamine has them, formulas as the value that was stored with them: null, true, "text", or a pair of "n"
(a number, as its decimal digits) or "d" (ISO date or moment) with the text.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum, ZipError

UNPACKED_LIMIT = 150_000_000
ENTRY_LIMIT = 5_000
SHEET_LIMIT = 50
CELL_LIMIT = 2_000_000
TEXT_LIMIT = 20_000_000
_CELL_TEXT = 32_767  # characters of one cell, as Excel has it

Cell = str | bool | list[str] | None


def parse(content: bytes) -> dict[str, Any]:
    """See the module. Raises nothing but MemoryError on content."""
    if content.startswith(b"PK") and not _may_be_unpacked(content):
        return {"error": "limits"}
    try:
        with CalamineWorkbook.from_filelike(io.BytesIO(content)) as book:
            return _sheets(book)
    except PasswordError:
        return {"error": "encrypted"}
    except (CalamineError, ZipError, OSError, ValueError, OverflowError):
        return {"error": "malformed"}


def _may_be_unpacked(content: bytes) -> bool:
    """By what the archive says of itself; where that is a lie, the memory limit of this process ends it."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OverflowError):
        return True  # calamine says what is wrong with it
    return len(entries) <= ENTRY_LIMIT and sum(entry.file_size for entry in entries) <= UNPACKED_LIMIT


def _sheets(book: CalamineWorkbook) -> dict[str, Any]:
    found: list[list[Any]] = []
    cells = size = 0
    for about in book.sheets_metadata[:SHEET_LIMIT]:
        if about.typ is not SheetTypeEnum.WorkSheet:
            continue
        visible = about.visible is SheetVisibleEnum.Visible
        rows: list[list[Cell]] = []
        if visible:
            sheet = book.get_sheet_by_name(about.name)
            if sheet.height * sheet.width > 20 * CELL_LIMIT:
                return {"error": "limits"}
            for row in _rows(sheet.iter_rows()):
                rows.append(row)
                cells += len(row)
                size += sum(len(cell) for cell in row if isinstance(cell, str))
                if cells > CELL_LIMIT or size > TEXT_LIMIT:
                    return {"error": "limits"}
        found.append([about.name, visible, rows])
    return {"sheets": found}


def _rows(rows: Iterator[list[Any]]) -> Iterator[list[Cell]]:
    """Rows that say something, without the empty cells at their ends."""
    for row in rows:
        cells = [_cell(value) for value in row]
        while cells and cells[-1] is None:
            cells.pop()
        if cells:
            yield cells


def _cell(value: Any) -> Cell:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return value[:_CELL_TEXT] if value.strip() else None
    if isinstance(value, int):
        return ["n", str(value)]
    if isinstance(value, float):
        # Spreadsheets keep 15 digits; what binary fractions add behind them nobody wrote.
        digits = Decimal(f"{value:.15g}")
        return ["n", f"{digits:f}"] if digits.is_finite() else None
    if isinstance(value, datetime):
        midnight = value.time() == time()
        return ["d", value.date().isoformat() if midnight else value.isoformat(timespec="seconds")]
    if isinstance(value, date):
        return ["d", value.isoformat()]
    return str(value) if isinstance(value, time | timedelta) else None
