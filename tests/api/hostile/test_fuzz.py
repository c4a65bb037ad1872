"""Documents damaged at random: whatever comes, one answer each, and the neighbour is read."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.intake.pdf import PdfPool
from api.intake.reader import DocumentReader
from tests.api.hostile.fuzz import damaged, seeds, taken, try_all
from tests.api.hostile.runner import classifier

EVERYDAY, PARTS, FULL = 2_000, 10, 10_000
# `make test-all` draws inputs that no run had before; a failure names the number that makes its input again.
BASE = secrets.randbelow(2**40) if os.environ.get("COUNTERSIGN_EXAMPLES") == "new" else 0


@pytest.fixture(scope="module")
def reader() -> Iterator[DocumentReader]:
    with PdfPool(size=2) as pool:
        # OCR would find the same nothing in thousands of damaged pictures.
        yield DocumentReader(classifier(), pool, ocr_seconds=0.0)


def test_every_kind_is_reached(reader: DocumentReader) -> None:
    """The damage is neither so slight that all is read nor so great that nothing is, and the same in every run."""
    tally = try_all(reader, range(BASE, BASE + EVERYDAY), seeds())
    assert tally.broken == []
    assert tally.outcomes.total() == EVERYDAY
    assert tally.outcomes["accepted"] > EVERYDAY / 10
    assert {"rows", "several", "malformed_pdf", "malformed_xml", "malformed_json", "malformed_picture"} <= set(
        tally.outcomes
    )
    assert damaged(7, seeds()[:3]) == damaged(7, seeds()[:3])


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_a_hundred_thousand(reader: DocumentReader, part: int) -> None:
    start = BASE + EVERYDAY + part * FULL
    assert try_all(reader, range(start, start + FULL), seeds()).broken == []


@pytest.mark.slow
@pytest.mark.shared
def test_public_documents_damaged(reader: DocumentReader, shared: Path) -> None:
    honest = [*seeds(), *taken(shared / "documents")]
    start = BASE + EVERYDAY + PARTS * FULL
    assert try_all(reader, range(start, start + FULL // 2), honest).broken == []
