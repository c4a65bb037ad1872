"""The reader of letters finds every fact in them, and what no record holds; the grid leaves no template out."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from agents.draft import drafted
from agents.letter import LANGUAGES, TONES, TemplateComposer, texts
from agents.recommend import choice_of
from evals import letters
from evals.cases import triaged
from evals.letter_grid import RECORDS, every_letter, grid, templates
from evals.letter_reader import Held, Stated, held, stated
from governance.policy import standard_policy
from governance.recommendation import Draft
from models.bundle import Bundle
from models.synthetic import company_month
from tests.agents.scenes import SUPPLIER, brief, view

pytestmark = pytest.mark.xdist_group("evals")  # one worker makes what they share


def written(language: str) -> tuple[Draft, Held]:
    details = {"billed_rate_percent": "7", "expected_rate_percent": "19"}
    seen = view(brief("tax_mismatch", supplier=replace(SUPPLIER, language=language), details=details))
    draft = Draft(**drafted(seen, choice_of(seen), TemplateComposer())["draft"])
    return draft, held(seen.brief, seen.sender)


def strangers(draft: Draft, record: Held) -> list[Stated]:
    return [one for one in stated(draft, record) if not record.holds(one)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_letter_states_what_is_on_record_and_is_read_back(language: str) -> None:
    draft, record = written(language)
    found = stated(draft, record)
    assert {Stated("money", (Decimal("1190.00"), "EUR")), Stated("day", date(2026, 11, 3))} <= set(found)
    assert {Stated("percent", Decimal(7)), Stated("percent", Decimal(19))} <= set(found)
    assert {one.kind for one in found} == {"money", "day", "percent", "code", "name"}
    assert strangers(draft, record) == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("pattern", "other"),
    [
        (r"1[., ]?190", "1911"),
        ("€", "£"),
        ("2026(?=[^-])", "2027"),
        (r"\b3\b", "4"),
        (r"\b19\b(?=.?%)", "21"),
        ("(?i)november|novembre|noviembre", "{other month}"),
        ("2026-1", "2026-11"),
    ],
)
def test_whatever_is_altered_in_it_is_a_stranger(language: str, pattern: str, other: str) -> None:
    month = {"en": "March", "de": "März", "fr": "mars", "es": "marzo", "it": "marzo", "nl": "maart"}[language]
    draft, record = written(language)
    body = re.sub(pattern, other.replace("{other month}", month), draft.body, count=1)
    assert body != draft.body
    assert strangers(replace(draft, body=body), record), body


def test_a_name_that_is_not_on_record_is_missed_in_the_greeting() -> None:
    draft, record = written("en")
    told = stated(replace(draft, body=draft.body.replace("Supplier One", "Supplier Two")), record)
    assert Stated("name", "Supplier One GmbH") not in told


def test_every_template_language_and_tone_has_its_place() -> None:
    spots = list(grid())
    assert {one.template for one in spots} == set(templates())
    assert len(templates()) >= 15
    for language in LANGUAGES:
        for name in templates():
            told = {(one.tone, one.record) for one in spots if (one.template, one.language) == (name, language)}
            tones = {tone for tone in TONES if tone == "neutral" or tone in texts(language)[name]}
            assert told == {(tone, record) for tone in tones for record in RECORDS}
    assert 2 * len(spots) >= 1000  # each by the templates and by a language model


def test_a_share_of_the_grid_is_complete_and_traceable(bundle: Bundle) -> None:
    month = company_month(78, suppliers=20, customers=15, invoices=120, exceptions=60, mail=0)
    made = every_letter(triaged(month, bundle.pair_scorer, standard_policy(), "en"), 1, 0.06)
    assert len(made) > 60
    for one in made:
        assert one.draft is not None, one
        assert one.phrased_by_model == one.asked_model, one
        assert one.elements == dict.fromkeys(letters.ELEMENTS, True), (one.elements, one.draft)
        assert all(known for _, known in one.facts), (one.facts, one.draft)
