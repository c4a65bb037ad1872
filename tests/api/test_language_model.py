"""Which language model the settings name, and what it may suggest of a document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from api.intake.pdf import PdfPool
from api.intake.reader import Accepted, DocumentReader, Incoming
from api.language_model import door, second_reader
from api.settings import Settings
from governance.errors import Malformed

NAMED: dict[str, Any] = {"llm_base_url": "http://127.0.0.1:9/v1", "llm_model": "m", "llm_region": "EU"}


def test_without_an_address_there_is_no_model() -> None:
    assert door(Settings(llm_base_url=None)) is None
    assert second_reader(Settings(llm_base_url=None, llm_reads=True, llm_region="EU")) is None


@pytest.mark.parametrize("lacking", ["llm_model", "llm_region"])
def test_a_model_named_in_part_is_refused_and_says_what_to_set(lacking: str) -> None:
    with pytest.raises(Malformed, match=f"COUNTERSIGN_{lacking.upper()}"):
        door(Settings(**{**NAMED, lacking: None}))


def test_a_model_reads_documents_only_where_it_is_asked_to() -> None:
    assert second_reader(Settings(**NAMED)) is None
    assert second_reader(Settings(**NAMED, llm_reads=True)) is not None


def test_a_suggestion_stands_beside_the_fields_and_never_in_them() -> None:
    class Second:
        def suggest(self, text: str, missing: Sequence[str]) -> Mapping[str, str]:
            assert "4500012345" in text
            assert "invoice_number" not in missing
            return {"purchase_order": "4500012345"}

    text = "INVOICE\nInvoice number 77-12\nas agreed under 4500012345\nTotal amount due: 1,190.00 EUR\n"
    with PdfPool() as pool:
        (found,) = DocumentReader(None, pool, second=Second()).read([Incoming("a.txt", text.encode())])
    assert isinstance(found, Accepted)
    assert found.reading.fields["purchase_order"] is None
    assert found.reading.alternatives["purchase_order"][-1] == "4500012345"
