"""Words with places become rows of cells, and labels find their values right of them and below them."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from models import layout
from models.binding import Binder
from models.layout import Box, Word

KINDS = ("number", "order", "other_number")


def placed(*lines: tuple[float, float, str]) -> list[Word]:
    """Words of 10-point lines: (left, top, text)."""
    words = []
    for left, top, text in lines:
        at = left
        for part in text.split():
            words.append(Word(1, at, top, at + 5 * len(part), top + 10, part))
            at += 5 * len(part) + 3
    return words


def texts(sheet: layout.Sheet) -> list[list[str]]:
    return [[cell.text for cell in row] for row in sheet.rows]


def test_columns_are_cells_and_lines_are_rows() -> None:
    sheet = layout.from_words(placed((50, 10, "Invoice no."), (300, 11, "Bill to"), (50, 30, "4711")))
    assert texts(sheet) == [["Invoice no.", "Bill to"], ["4711"]]
    assert [cell.text for cell in sheet.below(sheet.cells[0])] == ["4711"]
    assert [cell.text for cell in sheet.right_of(sheet.cells[0])] == ["Bill to"]


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6))
def test_the_order_of_the_file_does_not_matter(seed: int) -> None:
    words = placed((50, 10, "Invoice no. 4711"), (300, 10, "Date 2026-01-02"), (50, 24, "Total"), (300, 24, "10.00"))
    mixed = words[:]
    random.Random(seed).shuffle(mixed)
    assert texts(layout.from_words(mixed)) == texts(layout.from_words(words))


def test_a_box_frames_the_words_of_the_value() -> None:
    (cell,) = layout.from_words(placed((50, 10, "Invoice no. 4711"))).cells
    start = cell.text.index("4711")
    assert cell.box(start, start + 4) == Box(1, 50 + 35 + 3 + 15 + 3, 10, 50 + 35 + 3 + 15 + 3 + 20, 20)
    assert cell.box().left == 50


def test_plain_text_has_cells_where_two_spaces_part_them() -> None:
    sheet = layout.from_text("Number  Date\n4711    2026-01-02\n\nTotal due 5.00\n")
    assert texts(sheet) == [["Number", "Date"], ["4711", "2026-01-02"], ["Total due 5.00"]]
    assert [cell.text for cell in sheet.below(sheet.cells[1])][:1] == ["2026-01-02"]


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=300))
def test_any_text_has_a_sheet_that_loses_no_word(text: str) -> None:
    sheet = layout.from_text(text)
    assert sheet.text().split() == text.split()


def relation(sheet: layout.Sheet, value: str) -> list[tuple[str, str]]:
    cell = next(cell for cell in sheet.cells if value in cell.text)
    bonds = Binder(sheet).bonds(cell, cell.text.index(value), KINDS)
    return [(bond.hit.kind, bond.relation) for bond in bonds]


def test_a_label_is_before_left_of_or_above_its_value() -> None:
    assert relation(layout.from_text("Rechnungsnummer: 4711"), "4711") == [("number", "adjacent")]
    assert relation(layout.from_text("Rechnungsnummer      4711"), "4711") == [("number", "right")]
    table = "Rechnungsnr.   Kundennummer   Ihre Bestellnummer\n4711           8822           9933"
    assert relation(layout.from_text(table), "4711") == [("number", "below")]
    assert relation(layout.from_text(table), "8822") == [("other_number", "below")]
    assert relation(layout.from_text(table), "9933") == [("order", "below")]


def test_a_label_inside_a_longer_one_is_no_label() -> None:
    found = relation(layout.from_text("Original invoice no. 12"), "12")
    assert found == [("other_number", "adjacent")]


def test_a_label_that_ends_a_line_rules_the_next() -> None:
    assert relation(layout.from_text("See our invoice no.\n4711 of today"), "4711")[0] == ("number", "near")
