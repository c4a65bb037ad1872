"""Which label a value belongs to: before it in its cell, in the cell to its left, or above it.

Each value gets facts such as `right:own_strong` or `below:rival`; nothing is decided here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from models.field_labels import STRONG, WEAK
from models.layout import Cell, Sheet

_LETTER = re.compile(r"[^\W\d_]")
_DIGIT = re.compile(r"\d")
_CONNECTING = " :.#-–=()[]*|"
_READ = 300  # characters of a cell: behind them stands no label
_ROWS_ABOVE, _ROWS_ABOVE_NUMBERS = 2, 12


@dataclass(frozen=True, slots=True)
class Hit:
    """A label in a cell: its kind, whether it names the field for sure, where it stands in the cell's text, and its
    words in small letters."""

    kind: str
    strong: bool
    start: int
    end: int
    text: str = ""


@dataclass(frozen=True, slots=True)
class Bond:
    """A label and how a value stands to it: adjacent, near, far (one cell), right, right_far, below, below_far."""

    hit: Hit
    relation: str


class Binder:
    """Labels of one document, found once for each cell and each set of kinds."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self._hits: dict[tuple[int, int, str], tuple[Hit, ...]] = {}

    def bonds(self, cell: Cell, start: int, kinds: Iterable[str]) -> list[Bond]:
        """The nearest label inside the cell, to the left and above, of these kinds."""
        names = tuple(kinds)
        found = [*self._inside(cell, start, names)]
        if not found or found[0].relation == "far":
            found += self._left(cell, start, names)
        if not found and start == 0 and cell.at == 0 and cell.row:
            found += self._wrapped(cell, names)
        if not found or found[0].relation in ("far", "right_far"):
            found += self._above(cell, start, names)
        return found

    def before(self, cell: Cell, start: int, kinds: Iterable[str]) -> set[str]:
        """The kinds of all labels that stand before a place in its cell."""
        return {hit.kind for hit in self.hits(cell, tuple(kinds)) if hit.end <= start + 1}

    def hits(self, cell: Cell, kinds: tuple[str, ...]) -> list[Hit]:
        """Labels of a cell. One that ends inside a stronger one, or in one as strong and longer, is only its part."""
        if not _LETTER.search(cell.text) and "#" not in cell.text:
            return []
        every = [hit for kind in kinds for hit in self._of_kind(cell, kind)]
        if len(every) < 2:
            return every
        kept: list[Hit] = []
        for hit in sorted(every, key=lambda one: (not one.strong, one.start - one.end)):
            end = hit.start + len(cell.text[hit.start : hit.end].rstrip(_CONNECTING))
            if not any(other.start < end <= other.end for other in kept):
                kept.append(hit)
        return kept

    def _of_kind(self, cell: Cell, kind: str) -> tuple[Hit, ...]:
        key = (cell.row, cell.at, kind)
        known = self._hits.get(key)
        if known is None:
            known = tuple(_search(_small(cell.text), kind))
            self._hits[key] = known
        return known

    def _inside(self, cell: Cell, start: int, kinds: tuple[str, ...]) -> Iterator[Bond]:
        before = [hit for hit in self.hits(cell, kinds) if hit.end <= start + 1]
        if not before:
            return
        nearest = max(before, key=lambda hit: (hit.end, hit.strong))
        gap = cell.text[nearest.end : start].strip(_CONNECTING)
        relation = "adjacent" if not gap else "near" if len(gap) <= 25 and not _DIGIT.search(gap) else "far"
        yield Bond(nearest, relation)

    def _left(self, cell: Cell, start: int, kinds: tuple[str, ...]) -> Iterator[Bond]:
        if cell.text[:start].strip(_CONNECTING) and len(cell.text[:start].strip(_CONNECTING)) > 6:
            return  # words stand before the value: what is further left belongs to them
        for steps, left in enumerate(reversed(self.sheet.rows[cell.row][: cell.at])):
            found = self.hits(left, kinds)
            if found:
                nearest = max(found, key=lambda hit: (hit.end, hit.strong))
                rest = left.text[nearest.end :].strip(_CONNECTING)
                close = steps == 0 and len(rest) <= 15 and not (rest and _DIGIT.search(rest))
                yield Bond(nearest, "right" if close else "right_far")
                return
            if len(_LETTER.findall(left.text)) > 3:
                return

    def _wrapped(self, cell: Cell, kinds: tuple[str, ...]) -> Iterator[Bond]:
        """A label at the end of the row before, where the line was broken behind it."""
        last = self.sheet.rows[cell.row - 1][-1]
        ending = [hit for hit in self.hits(last, kinds) if hit.start and not last.text[hit.end :].strip(_CONNECTING)]
        if ending:
            yield Bond(max(ending, key=lambda hit: hit.strong), "near")

    def _above(self, cell: Cell, start: int, kinds: tuple[str, ...]) -> Iterator[Bond]:
        if start > 6:
            return
        box = cell.box(start)
        for rows, row in enumerate(reversed(self.sheet.rows[: cell.row]), start=1):
            if row[0].page != cell.page or rows > _ROWS_ABOVE_NUMBERS:
                return
            over = [other for other in row if other.left < box.right + 2 and other.right > box.left - 2]
            for other in over:
                found = self.hits(other, kinds)
                if found and len(other.text) <= 45:
                    nearest = max(found, key=lambda hit: (hit.end, hit.strong))
                    if not _DIGIT.search(other.text[nearest.end :]):
                        yield Bond(nearest, "below" if rows == 1 else "below_far")
                        return
            if over and rows >= _ROWS_ABOVE and any(len(_LETTER.findall(other.text)) > 4 for other in over):
                return
            if not over and rows >= _ROWS_ABOVE:
                return


def _small(text: str) -> str:
    """Small letters, place for place: a letter that two replace stays as it is."""
    small = text[:_READ].lower()
    return small if len(small) == len(text[:_READ]) else text[:_READ]


def _search(text: str, kind: str) -> Iterator[Hit]:
    for patterns, strong in ((STRONG, True), (WEAK, False)):
        pattern = patterns.get(kind)
        if pattern is not None:
            yield from (
                Hit(kind, strong, match.start(), match.end(), match[0].strip(_CONNECTING))
                for match in pattern.finditer(text)
                if match[0]
            )
