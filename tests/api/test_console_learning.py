"""The console: correct what was read, and see what people have taught."""

from __future__ import annotations

import pytest

from tests.api.conftest import Api
from tests.api.test_learning import VAT, approve, case, page, proposal, sent
from tests.api.visitor import form_of, forms, signed_in, words


@pytest.fixture
def acme(api: Api) -> Api:
    api.world.import_books(
        "suppliers", [{"id": "S-1", "name": "Supplier One", "vat_id": VAT, "email": "ap@supplier.example"}]
    )
    return api


def test_a_field_is_corrected_and_the_memory_is_shown(acme: Api) -> None:
    found = sent(acme, page("B-1"))
    visitor = signed_in(acme, "analyst")
    response = visitor.send(
        form_of(visitor.get(f"/console/cases/{found['id']}/correct"), "/correct"), **{"value.invoice_number": "B-1"}
    )
    shown = visitor.follow(response)
    assert "Corrected: “" in words(shown)
    assert "waits for a reviewer" in words(shown)
    assert "right of the words “belegkennung”" in words(shown)
    assert "Not enough data yet (0 of 20)" in words(shown)
    assert case(acme, found["id"])["reading"]["fields"]["invoice_number"] == "B-1"
    again = visitor.get(f"/console/cases/{found['id']}/correct")
    assert "As analyst said." in words(again)
    assert "Analyst , correction" in words(again)


def test_only_what_was_changed_is_corrected(acme: Api) -> None:
    found = sent(acme, page("B-1"))
    visitor = signed_in(acme, "analyst")
    form = form_of(visitor.get(f"/console/cases/{found['id']}/correct"), "/correct")
    refused = visitor.send(form)
    assert (refused.status_code, "Nothing differs" in words(refused)) == (400, True)
    visitor.send(form_of(refused, "/correct"), document_class="receipt")
    rows = acme.of("auditor").get(f"/v1/cases/{found['id']}/corrections").json()["items"]
    assert [(row["name"], row["after"]) for row in rows] == [("document_class", "receipt")]


def test_a_word_that_is_no_date_keeps_the_form(acme: Api) -> None:
    found = sent(acme, page("B-1"))
    visitor = signed_in(acme, "analyst")
    form = form_of(visitor.get(f"/console/cases/{found['id']}/correct"), "/correct")
    refused = visitor.send(form, **{"value.due_date": "next week", "value.invoice_number": "B-1"})
    assert (refused.status_code, "2026-12-24" in words(refused)) == (400, True)
    kept = form_of(refused, "/correct").fields
    assert (kept["value.due_date"], kept["value.invoice_number"]) == ("next week", "B-1")


def test_who_may_not_correct_sees_no_form(acme: Api) -> None:
    found = sent(acme, page("B-1"))
    shown = signed_in(acme, "auditor").get(f"/console/cases/{found['id']}/correct")
    assert "Your roles do not permit you" in words(shown)
    row = acme.world.accept(source_key="no document")
    shown = signed_in(acme, "analyst").get(f"/console/cases/{row['case_id']}/correct")
    assert "came without a document" in words(shown)


def test_a_reviewer_sees_what_a_memory_would_change(acme: Api) -> None:
    other = sent(acme, page("B-2", reference="KD-7702"))
    found = sent(acme, page("B-1"))
    body = {"facts_digest": found["facts"]["facts_digest"], "corrected": {"invoice_number": "B-1"}}
    made = acme.of("analyst").post(f"/v1/cases/{found['id']}/corrections", json=body).json()
    visitor = signed_in(acme, "reviewer")
    shown = words(visitor.item(made["memory"]["recommendation_id"]))
    assert "1 of 1 documents of this supplier on record would be read otherwise" in shown
    assert "KD-7702" in shown
    assert "B-2" in shown
    assert other["title"] in shown
    assert "How documents of S-1 are read added" in shown
    assert "Invoice number right of the words “belegkennung”" in shown
    approve(acme, proposal(acme, made))
    assert "Holds version 1, approved by Reviewer" in words(visitor.get("/console/learning"))


def test_nobody_is_told_of_a_correction_that_was_not_theirs(acme: Api) -> None:
    found = sent(acme, page("B-1"))
    shown = signed_in(acme, "analyst").get(f"/console/learning?case={found['id']}")
    assert "Corrected" not in words(shown)


def test_a_memory_is_taken_back_from_its_page(acme: Api) -> None:
    found = sent(acme, page("B-1"))
    body = {"facts_digest": found["facts"]["facts_digest"], "corrected": {"invoice_number": "B-1"}}
    made = acme.of("analyst").post(f"/v1/cases/{found['id']}/corrections", json=body).json()
    approve(acme, proposal(acme, made))
    assert not [form for form in forms(signed_in(acme, "auditor").get("/console/learning")) if "forget" in form.action]
    visitor = signed_in(acme, "analyst")
    empty = visitor.send(form_of(visitor.get("/console/learning"), "/forget"), why=" ")
    assert (empty.status_code, "says why" in words(empty)) == (422, True)
    shown = visitor.follow(visitor.send(form_of(empty, "/forget"), why="a new layout"))
    assert "How documents of S-1 are read changed" in words(shown)
    row = acme.world.recommendation(str(shown.url).rpartition("/")[2])
    approve(acme, row)
    assert "No supplier's layout has been taught yet" in words(visitor.get("/console/learning"))
