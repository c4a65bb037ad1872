"""The judge of letters sees what is wrong with one: it is independent of who wrote it."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal

import pytest

from agents.letter import LANGUAGES, money
from evals import letters
from evals.cases import Triaged, triaged
from governance.policy import standard_policy
from governance.recommendation import Draft
from models.bundle import Bundle
from models.synthetic import company_month
from models.synthetic_numbers import stream

_DAY = re.compile(r"\d{1,2} [A-Z][a-z]+ \d{4}")

pytestmark = pytest.mark.xdist_group("evals")  # one worker makes what they share


@pytest.fixture(scope="module")
def cases(bundle: Bundle) -> dict[str, list[tuple[Triaged, Draft]]]:
    """Cases with a letter, by language."""
    month = company_month(77, suppliers=20, customers=15, invoices=120, exceptions=60, mail=0)
    return {
        language: [
            (one, Draft(**one.letter["draft"]))
            for one in triaged(month, bundle.pair_scorer, standard_policy(), language)
            if one.letter["draft"] is not None
        ]
        for language in LANGUAGES
    }


def test_cases_pass_the_agents_own_nodes(cases: dict[str, list[tuple[Triaged, Draft]]]) -> None:
    for language, found in cases.items():
        assert len(found) >= 10
        assert {draft.language for _, draft in found} == {language}
        assert {case.action for case, _ in found} >= {"request_purchase_order", "request_credit_note"}


def test_a_good_letter_lacks_nothing(cases: dict[str, list[tuple[Triaged, Draft]]]) -> None:
    for language, found in cases.items():
        for case, draft in found:
            assert letters.elements(case, draft, language) == dict.fromkeys(letters.ELEMENTS, True), draft
            assert set(letters.figures(draft)) <= letters.evidence(case), draft


def test_what_is_taken_out_of_a_letter_is_missed(cases: dict[str, list[tuple[Triaged, Draft]]]) -> None:
    case, draft = next(found for found in cases["en"] if found[0].action == "request_purchase_order")
    number = case.view.brief.reading["fields"]["invoice_number"]
    paragraphs = draft.body.split("\n\n")
    amount = money(case.view.brief.facts.amount or Decimal(0), case.view.brief.facts.currency or "EUR", "en")
    spoilt = {
        "recipient": replace(draft, to="someone@else.example"),
        "subject": replace(draft, subject=" "),
        "greeting": replace(draft, body="\n\n".join(["Hello,", *paragraphs[1:]])),
        "reference": Draft(draft.to, draft.subject.replace(number, ""), draft.body.replace(number, ""), "en"),
        "amount": replace(draft, body=draft.body.replace(amount, "what you know")),
        "date": replace(draft, body=_DAY.sub("lately", draft.body)),
        "contact": replace(draft, body="\n\n".join([*paragraphs[:-2], paragraphs[-1]])),
        "request": Draft(draft.to, "Hello", f"{paragraphs[0]}\n\nAbout {number}.\n\n{paragraphs[-1]}", "en"),
        "signature": replace(draft, body="\n\n".join([*paragraphs[:-1], "Kind regards"])),
        "language": replace(draft, language="de"),
    }
    assert set(spoilt) == set(letters.ELEMENTS)
    for element, letter in spoilt.items():
        assert letters.elements(case, letter, "en")[element] is False, element


def test_a_figure_that_is_not_on_record_is_not_traceable(cases: dict[str, list[tuple[Triaged, Draft]]]) -> None:
    case, draft = cases["fr"][0]
    known = letters.evidence(case)
    for figure in ("98 765 432,10 €", "31 décembre 2077", "99887766"):
        told = letters.figures(replace(draft, body=f"{draft.body}\n{figure}"))
        assert not set(told) <= known, figure


def test_figures_are_read_as_the_language_writes_them() -> None:
    def read(body: str, language: str) -> list[str]:
        return letters.figures(Draft("a@b.example", "x", body, language))

    assert read("1.234,50 €", "de") == ["123450"]
    assert read("1 234,50 €", "fr") == ["123450"]
    assert read("€1,234.50 on 3 May 2026", "en") == ["123450", "3", "2026"]
    assert read("order 45000021", "en") == ["45000021"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_way_to_spoil_a_letter_changes_it_once(
    cases: dict[str, list[tuple[Triaged, Draft]]], language: str
) -> None:
    rng = stream(1, language)
    seen: set[str] = set()
    for case, draft in cases[language]:
        made = letters.spoilt(draft, letters.evidence(case), rng)
        assert all(one.draft != draft for one in made)
        assert all(one.draft.language == language for one in made)
        seen |= {one.kind for one in made}
    assert seen == set(letters.SPOILERS) - ({"part_of_an_amount"} if language == "fr" else set())
