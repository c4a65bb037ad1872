"""Documents within one file: what begins a new one, and what comes again on every page of the same."""

from __future__ import annotations

import pytest

from models.layout import Word
from models.parts import Part, parts


def pages(*texts: str) -> list[Word]:
    """Words of pages, one line a row, as a typewriter would place them."""
    return [
        Word(page, 50.0 + 7 * at, 40.0 + 14 * row, 50.0 + 7 * (at + len(text)), 50.0 + 14 * row, text)
        for page, whole in enumerate(texts, 1)
        for row, line in enumerate([*whole.splitlines(), *["filler"] * 30])
        for at, text in _placed(line)
    ]


def _placed(line: str) -> list[tuple[int, str]]:
    at, found = 0, []
    for word in line.split(" "):
        if word:
            found.append((at, word))
        at += len(word) + 1
    return found


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (("Talvane Ltd\nInvoice no. 4711\nPage 1 of 2", "Invoice no. 4711\nPage 2 of 2"), [(1, "invoice")]),
        (("Invoice\nTotal 3.00", "Terms of sale\nAll goods remain ours"), [(1, "invoice")]),
        (("Invoice no. 4711", "Invoice no. 4712"), [(1, "invoice"), (2, "invoice")]),
        (("Rechnung\nSeite 1 von 1", "Rechnung\nSeite 1 von 1"), [(1, "invoice"), (2, "invoice")]),
        (("Rechnung\nSeite 1 von 2", "Rechnung\nSeite 2 von 2"), [(1, "invoice")]),
        (("Facture n° 12", "Conditions", "Bon de livraison"), [(1, "invoice"), (3, "delivery_note")]),
        (("A letter without a heading", "More of it"), []),
        ((), []),
    ],
)
def test_a_new_document_begins_where_a_page_says_so(texts: tuple[str, ...], expected: list[tuple[int, str]]) -> None:
    assert parts(pages(*texts)) == [Part(page, name) for page, name in expected]
