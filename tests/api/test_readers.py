"""The process's reader follows the champion, and reads nothing with one that it was before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from api.intake.pdf import PdfPool
from api.intake.reader import DocumentReader
from api.readers import Readers
from governance.errors import Unavailable


class Champion:
    """The classifier that the record names; None: it is not on this machine."""

    def __init__(self) -> None:
        self.now: Any = object()
        self.asked = 0

    def __call__(self) -> Any:
        self.asked += 1
        if self.now is None:
            raise Unavailable("bring its folder here")
        return self.now


@pytest.fixture
def champion() -> Champion:
    return Champion()


@pytest.fixture
def readers(champion: Champion) -> Iterator[Readers]:
    made = Readers(lambda: DocumentReader(champion(), PdfPool(size=1)), champion, seconds=0.0)
    yield made
    made.close()


def test_a_new_champion_reads_the_next_document(readers: Readers, champion: Champion) -> None:
    first = readers.documents()
    assert first.classifier is champion.now
    champion.now = object()
    assert readers.documents() is first, "the pool of parsers goes on"
    assert first.classifier is champion.now


def test_without_its_champion_nothing_is_read(readers: Readers, champion: Champion) -> None:
    readers.documents()
    champion.now = None
    for _ in range(2):
        with pytest.raises(Unavailable, match="bring its folder here"):
            readers.documents()
    champion.now = object()
    assert readers.documents().classifier is champion.now


def test_the_record_is_asked_no_more_often_than_said(champion: Champion) -> None:
    made = Readers(lambda: DocumentReader(champion(), PdfPool(size=1)), champion, seconds=3600)
    try:
        for _ in range(5):
            made.documents()
        assert champion.asked == 1
    finally:
        made.close()
