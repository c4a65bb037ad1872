"""Known words can be turned: no slot of a letter is taken where its sense is the contrary of what was approved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from agents.letter import LANGUAGES, Letter, slots, texts
from agents.slots import refusal
from evals.injection_attacks import ATTACKS, reversed_sense

FACTS = {
    "party": "Aldervale Ltd", "sender": "Halden & Brook GmbH", "reference": "ABCD1234", "invoice_number": "R1-100",
    "invoice_date": "1 May 2026", "due_date": "1 June 2026", "amount": "€5.00", "order": "45-1", "document": "tax form",
    "ordered_price": "€1.00", "billed_price": "€2.00", "billed_quantity": "3", "received_quantity": "2",
    "billed_rate": "19%", "expected_rate": "7%", "kept_number": "R1-99",
}  # fmt: skip


def letters(language: str, tones: Sequence[str] = ("neutral", "friendly", "firm")) -> Iterator[Letter]:
    for name, table in texts(language).items():
        if isinstance(table, dict) and "opening" in table:
            for tone in tones:
                yield Letter("a@b.example", "accounts_payable", name, language, tone, FACTS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_wording_is_taken_in_its_contrary(language: str) -> None:
    tried, taken = 0, []
    for letter in letters(language):
        for slot, wordings in slots(letter).items():
            for wording in wordings:
                for turned in reversed_sense(wording, language):
                    tried += 1
                    if refusal(letter, slot, turned) is None:
                        taken.append((letter.template, slot, turned))
    assert tried >= 30
    assert not taken, f"{len(taken)} of {tried}: {taken[:5]}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_attack_is_taken_beside_a_wording(language: str) -> None:
    for number, letter in enumerate(letters(language, ["neutral"])):
        for slot, (first, *_) in ((slot, lines) for slot, lines in slots(letter).items() if lines):
            assert refusal(letter, slot, first) is None, (letter.template, slot, first)
            for attack in ATTACKS[number % 5 :: 5]:
                assert refusal(letter, slot, f"{first} {attack}") is not None, (letter.template, slot, attack)
