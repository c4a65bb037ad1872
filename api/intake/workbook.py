"""Spreadsheets, opened in a child process: sheets with typed cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from api.intake.children import Allowance, ChildPool, Kind, Lost
from api.intake.columns import Number
from governance.errors import Unreadable

WORKBOOK = Kind("spreadsheet", "api.intake.workbook_child", "python-calamine")
_LIMITS = "Delete what stands outside the table, or save the table as CSV."
_REASONS = {
    "encrypted": ("encrypted_workbook", "The spreadsheet is protected by a password. Ask for it without protection."),
    "malformed": ("malformed_workbook", "The spreadsheet is damaged or cut off. Ask the sender to send it again."),
    "limits": ("workbook_limits", f"The spreadsheet needs more memory than is allowed. {_LIMITS}"),
    "deadline": ("workbook_limits", f"The spreadsheet takes too long to read. {_LIMITS}"),
}


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet: rows without empty ones and without empty cells at their ends. A cell is None, a bool, a text, a
    Number, or a text with an ISO date or moment. Hidden sheets have no rows here: they are not read."""

    name: str
    visible: bool
    rows: tuple[tuple[Any, ...], ...]

    def text(self) -> str:
        """The sheet as lines, its cells two spaces apart."""
        return "\n".join(
            "  ".join(" ".join(str(cell).split()) for cell in row if cell is not None) for row in self.rows
        )


def open_workbooks(
    pool: ChildPool, contents: Sequence[bytes], allowances: Sequence[Allowance | None]
) -> list[tuple[Sheet, ...] | Unreadable]:
    """The sheets of each spreadsheet, in order. Raises Unavailable where no child starts."""

    def one(item: tuple[bytes, Allowance | None]) -> tuple[Sheet, ...] | Unreadable:
        try:
            answer = pool.ask(*item)
        except Lost as lost:
            answer = {"error": lost.kind}
        if "error" in answer:
            code, reason = _REASONS.get(str(answer["error"]), _REASONS["malformed"])
            return Unreadable(reason, reason_code=code)
        return tuple(
            Sheet(_whole(name), bool(visible), tuple(tuple(_cell(cell) for cell in row) for row in rows))
            for name, visible, rows in answer["sheets"]
        )

    return pool.map(one, list(zip(contents, allowances, strict=True)))


def _cell(cell: Any) -> Any:
    if isinstance(cell, list):
        kind, text = cell
        return Number(text) if kind == "n" else str(text)
    return _whole(cell) if isinstance(cell, str) else cell


def _whole(text: str) -> str:
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
