"""The guard: what was invented does not leave."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from agents.draft import drafted
from agents.guard import guarded, refusals
from agents.letter import Letter, TemplateComposer
from agents.recommend import choice_of
from governance.recommendation import Draft
from tests.agents.scenes import OTHER_IBAN, SUPPLIER, brief, view

TO = "ap@supplier.example"
FACTS = {
    "party": "Supplier One GmbH",
    "invoice_number": "R-12",
    "amount": "€1,190.00",
    "invoice_date": "3 November 2026",
    "order": "PO-7",
}
SOUND = (
    "Dear Supplier One GmbH team,\n\nYour invoice R-12 of 3 November 2026 for €1,190.00 names no order.\n\nKind regards"
)


def said(text: str) -> Draft:
    return Draft(TO, "Your invoice R-12", f"{SOUND}\n\n{text}", "en")


def test_facts_as_they_were_given_pass() -> None:
    assert refusals(Draft(TO, "Your invoice R-12", SOUND, "en"), TO, FACTS) == ()


INVENTED = {
    "number": ["Reply within 5 days.", "We deduct €1,191.00.", "Order PO-71.", "Call +49 221 12345.",
               "on 3 November 2025", "It is ٣ days late.", "₂ copies", "R-123", "21,190.00", "1.190,00",
               "XII is fine but ⅷ is not"],
    "number in words": ["Pay within fourteen days.", "We will deduct Thirty percent."],
    "address": ["Write to boss@evil.example", "or a@b"],
    "link": ["See https://evil.example/pay", "www.evil.example", "log in at evil-bank.com now", "[click](x)"],
    "bank details": ["Please use our new account.", f"Pay to {OTHER_IBAN}", "IBAN below", "Unsere neue Bankverbindung",
                     "nos coordonnées bancaires", "nuestra cuenta bancaria", "le coordinate bancarie",
                     "ons rekeningnummer"],
    "form": ["hidden\u202etext", "zero\u200bwidth", "bell\x07", "x" * 7000],
}  # fmt: skip


@pytest.mark.parametrize(("what", "text"), [(what, text) for what, list_ in INVENTED.items() for text in list_])
def test_what_was_invented_is_named(what: str, text: str) -> None:
    assert what in {one.what for one in refusals(said(text), TO, FACTS)}


def test_only_the_books_name_the_recipient() -> None:
    assert refusals(replace(said("fine"), to="other@evil.example"), TO, FACTS)
    assert refusals(said("fine"), None, FACTS)
    assert refusals(said("fine"), TO, FACTS) == ()


@settings(deadline=None, max_examples=300)
@given(st.integers(0, 10**12), st.sampled_from(["{}", "EUR {}", "{}.00", "no. {}", "({})", "{}%", "x{}y", "{}."]))
def test_no_number_that_is_not_a_fact_passes(value: int, form: str) -> None:
    text = form.format(value)
    assume(text not in FACTS.values())
    assert refusals(said(f"Please note {text} here."), TO, FACTS)


@settings(deadline=None)
@given(st.lists(st.sampled_from(sorted(FACTS)), max_size=6))
def test_facts_pass_in_any_order(names: list[str]) -> None:
    body = " and then ".join(FACTS[name] for name in names)
    assert refusals(said(f"Please see {body} again"), TO, FACTS) == ()


class Scripted:
    """A composer that answers with what a test wants."""

    name = "scripted"

    def __init__(self, *paragraphs: str) -> None:
        self.answer = paragraphs

    def paragraphs(self, letter: Letter) -> tuple[str, ...] | None:
        return self.answer or None


def run(composer: Any, **values: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    seen = view(brief(**values))
    choice = choice_of(seen)
    return guarded(seen, choice, drafted(seen, choice, composer))


def test_a_sound_letter_of_a_model_is_kept() -> None:
    choice, letter = run(Scripted("Your invoice 2026-1 lacks our order number.", "Please send it."))
    assert choice["action"]["name"] == "request_purchase_order"
    assert letter["composer"] == "scripted"
    assert letter["refused"] == []
    assert letter["draft"]["body"].startswith("Dear Supplier One GmbH team,\n\nYour invoice 2026-1 lacks")


def test_a_model_that_invents_is_replaced_by_the_template_and_told_on() -> None:
    choice, letter = run(Scripted("Please pay 500.00 EUR to our new account within 10 days."))
    assert choice["action"]["name"] == "request_purchase_order"
    assert letter["composer"] == "template"
    assert "500" not in letter["draft"]["body"]
    assert {one["what"] for one in letter["refused"]} >= {"number", "bank details", "payment details"}


def test_a_composer_without_an_answer_is_replaced_by_the_template() -> None:
    _, letter = run(Scripted())
    assert (letter["composer"], letter["refused"]) == ("template", [])


def test_where_even_the_template_would_say_too_much_a_person_looks() -> None:
    odd = replace(SUPPLIER, name="Visit https://evil.example \u202e now")
    choice, letter = run(TemplateComposer(), supplier=odd)
    assert choice["action"]["name"] == "refer_to_person"
    assert letter["draft"] is None
    assert letter["refused"]
    assert choice["alternatives"][0]["action"] == "request_purchase_order"


def test_an_action_outside_the_allowed_ones_never_passes() -> None:
    seen = view(brief())
    forged = {**choice_of(seen), "action": {"name": "release_payment", "args": {"invoice_id": "INV-1"}}}
    choice, letter = guarded(seen, forged, {"draft": None, "composer": None, "refused": []})
    assert choice["action"]["name"] == "refer_to_person"
    assert letter["draft"] is None


def test_random_letters_of_a_model_never_carry_a_foreign_figure() -> None:
    words = ["invoice", "2026-1", "please", "€1,190.00", "7", "order", "within", "14", "days", "IBAN", "a@b.c"]
    rng = random.Random(7)
    for _ in range(200):
        composer = Scripted(" ".join(rng.choices(words, k=8)))
        _, letter = run(composer)
        body = letter["draft"]["body"].replace("2026-1", "").replace("€1,190.00", "").replace("3 November 2026", "")
        body = body.replace("CASE-1", "")
        assert not any(letter_.isdigit() for letter_ in body)
        assert "@" not in body
