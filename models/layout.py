"""Where words stand on a page: cells (words that stand together), rows of cells, and what is right of or below a cell.

A PDF gives words with places. Plain text gets places too, from its lines and columns, so that one search serves both.
Units are points from the top left corner of the page, pages count from 1.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

_GAP = 0.85  # of the height of the letters: a space is a third of it, a new column more than all of it
_COLUMN, _LINE, _HEIGHT = 5.0, 12.0, 10.0  # plain text, as a typewriter would place it
_CELLS, _LINES, _LENGTH = 6000, 2000, 500  # hostile text must not cost minutes
_WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class Word:
    """One word as the PDF engine places it."""

    page: int
    left: float
    top: float
    right: float
    bottom: float
    text: str


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle on a page: what the console frames."""

    page: int
    left: float
    top: float
    right: float
    bottom: float


class Cell:
    """Words that stand together in one row. `row` counts over all pages, `at` within the row."""

    __slots__ = ("at", "bottom", "left", "page", "right", "row", "starts", "text", "top", "words")

    def __init__(self, words: Sequence[Word], row: int, at: int) -> None:
        self.words = words
        self.row, self.at, self.page = row, at, words[0].page
        self.left, self.right = words[0].left, max(word.right for word in words)
        self.top, self.bottom = min(word.top for word in words), max(word.bottom for word in words)
        self.text = " ".join(word.text for word in words)
        self.starts: list[int] = []
        position = 0
        for word in words:
            self.starts.append(position)
            position += len(word.text) + 1

    @property
    def height(self) -> float:
        return self.bottom - self.top

    def box(self, start: int = 0, end: int | None = None) -> Box:
        """The rectangle of the words that `text[start:end]` touches."""
        end = len(self.text) if end is None else end
        touched = [
            word
            for word, begin in zip(self.words, self.starts, strict=True)
            if begin < end and begin + len(word.text) > start
        ] or list(self.words)
        return Box(
            self.page,
            min(word.left for word in touched),
            min(word.top for word in touched),
            max(word.right for word in touched),
            max(word.bottom for word in touched),
        )


class Sheet:
    """A whole document as rows of cells, from the top of the first page to the bottom of the last."""

    def __init__(self, rows: list[list[Cell]]) -> None:
        self.rows = rows
        self.cells = [cell for row in rows for cell in row]

    def right_of(self, cell: Cell) -> list[Cell]:
        """The cells of the same row behind this one, nearest first."""
        return self.rows[cell.row][cell.at + 1 :]

    def below(self, cell: Cell, most: int = 3) -> list[Cell]:
        """The nearest cells under this one in the next rows of its page, at most one a row, nearest first."""
        found: list[Cell] = []
        for row in self.rows[cell.row + 1 : cell.row + 1 + most]:
            if row[0].page != cell.page or row[0].top - cell.bottom > 4 * max(cell.height, 1.0) * (1 + len(found)):
                break
            under = [other for other in row if other.left < cell.right and other.right > cell.left]
            if under:
                found.append(min(under, key=lambda other: abs(other.left - cell.left)))
        return found

    def text(self) -> str:
        """The document as lines, each row one line."""
        return "\n".join("  ".join(cell.text for cell in row) for row in self.rows)


def from_words(words: Iterable[Word]) -> Sheet:
    """The sheet of a PDF's words."""
    rows: list[list[Word]] = []
    ordered = sorted(words, key=lambda word: (word.page, word.top + word.bottom))[: _CELLS * 4]
    current: list[Word] = []
    for word in ordered:
        if current and not _same_row(current, word):
            rows.append(current)
            current = []
        current.append(word)
    if current:
        rows.append(current)
    return Sheet([_cells(row, number) for number, row in enumerate(rows)])


def from_text(text: str) -> Sheet:
    """The sheet of plain text: a line is a row, two spaces or a tab part two cells."""
    rows: list[list[Cell]] = []
    for number, raw in enumerate(text[: 2 * _LINES * _LENGTH].splitlines()[:_LINES]):
        line = raw[: 4 * _LENGTH].expandtabs(8)[: 4 * _LENGTH]
        top = number * _LINE
        words = [
            Word(1, match.start() * _COLUMN, top, match.end() * _COLUMN, top + _HEIGHT, match[0])
            for match in _WORD.finditer(line)
        ]
        if words:
            rows.append(_cells(words, len(rows)))
    return Sheet(rows)


def _same_row(row: Sequence[Word], word: Word) -> bool:
    first = row[-1]
    if first.page != word.page:
        return False
    height = max(min(first.bottom - first.top, word.bottom - word.top), 1.0)
    return (word.top + word.bottom - first.top - first.bottom) / 2 < 0.45 * height


def _cells(words: Sequence[Word], row: int) -> list[Cell]:
    words = sorted(words, key=lambda word: word.left)
    height = median(word.bottom - word.top for word in words)
    cells: list[Cell] = []
    current = [words[0]]
    for word in words[1:]:
        if word.left - current[-1].right > _GAP * max(height, 1.0):
            cells.append(Cell(current, row, len(cells)))
            current = []
        current.append(word)
    cells.append(Cell(current, row, len(cells)))
    return cells
