"""Governed changes at the console: the list, what each would change, and the decisions on it."""

from __future__ import annotations

import base64
import json
from importlib import resources
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.console import change
from governance.policy import compile_policy, standard_policy
from governance.record import changes
from tests.api.conftest import Api
from tests.api.visitor import filed, form_of, forms, signed_in, words

KEY = base64.b64encode(b"k" * 32).decode()
LOCAL = """
[[rule]]
id = "Z-1 Swiss payments"
actions = ["release_payment"]
entities = ["CH01"]
seats = { controller = 2 }
expires_hours = 12
"""


def stricter() -> Any:
    folder = resources.files("governance") / "policies" / "standard"
    matrix = (folder / "matrix.toml").read_text("utf-8").replace('amount_from = "25000"', 'amount_from = "20000"')
    matrix = matrix.replace('"propose_match", "hold_payout"]', '"propose_match", "approve_payout"]')
    return compile_policy(matrix, (folder / "workflows.toml").read_text("utf-8"), [LOCAL])


def test_the_page_lists_what_waits_and_what_was(api: Api) -> None:
    visitor = signed_in(api, "admin2")
    page = words(visitor.get("/console/changes"))
    assert "No change waits for signatures." in page
    assert "Nothing has been changed since this system was founded." in page
    api.world.enact("admin1", "retention", "*", {"days": "400"})
    pending = api.world.propose("admin1", "roles", "analyst2", {"roles": ["reviewer"], "active": True})
    filed(api)
    response = visitor.get("/console/changes")
    waiting, _, recent = words(response).partition("All changes, newest first")
    assert "analyst2 Governed change · roles Admin1" in waiting
    assert "Administrator, Controller yours to sign" in waiting
    assert "Executed" in recent
    assert "Awaiting review" in recent
    assert "Invoice 2026-1" not in words(response)
    assert response.text.count(pending["id"]) == 2
    assert "yours to sign" not in words(signed_in(api, "admin1").get("/console/changes"))


def test_more_changes_than_a_page_holds(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.console.changes.PAGE", 2)
    made = [api.world.propose("admin1", "calendar", f"DE0{n}", {"holidays": ["2026-12-25"]}) for n in range(3)]
    visitor = signed_in(api, "auditor")
    page = visitor.get("/console/changes")
    assert "All that wait, in the queue" in words(page)
    following = page.text.partition('rel="next"')[0].rpartition('href="')[2].partition('"')[0].replace("&amp;", "&")
    second = visitor.get(following)
    assert made[0]["id"] in second.text
    assert "Back to the start" in words(second)
    assert visitor.get("/console/changes?cursor=nonsense").status_code == 400


def test_the_queue_knows_governance(api: Api) -> None:
    made = api.world.propose("admin1", "roles", "analyst2", {"roles": ["reviewer"], "active": True})
    page = signed_in(api, "controller").get("/console/queue?queue=governance")
    assert made["id"] in page.text
    assert "Governance 1" in words(page)
    assert "unknown amount" not in words(page)
    assert "No party in the books" not in words(page)


def test_roles_before_and_after_from_proposal_to_effect(api: Api) -> None:
    made = api.world.propose(
        "admin1", "roles", "analyst2", {"roles": ["analyst", "reviewer"], "active": True}, "she joins"
    )
    visitor = signed_in(api, "controller")
    page = visitor.item(made["id"])
    said = words(page)
    assert "Proposed: Change roles She joins" in said
    assert "Analyst2 (analyst2) changed What Before After Roles analyst analyst , reviewer" in said
    assert "<ins><bdi>reviewer</bdi></ins>" in page.text
    assert "unknown amount" not in said
    assert "Findings" not in said
    assert "Proposed by Admin1" in said
    form = form_of(page, made["id"])
    assert form.choices["decision"] == ["approve", "reject", "send_back"]
    assert not [one for one in form.fields if one.startswith(("arg.", "draft.", "as"))]
    assert "Still to sign: administrator." in words(visitor.follow(visitor.send(form, decision="approve")))
    other = signed_in(api, "admin2")
    done = other.follow(other.decide(made["id"], "approve"))
    assert "Every seat is filled" in words(done)
    api.world.carry_out(made)
    said = words(other.item(made["id"]))
    assert "The change took effect: roles, analyst2" in said.replace("the change", "The change")
    assert "Effect: it was carried out." in said


def test_a_change_is_never_edited(api: Api) -> None:
    made = api.world.propose("admin1", "roles", "analyst2", {"roles": ["reviewer"], "active": True})
    visitor = signed_in(api, "controller")
    form = form_of(visitor.item(made["id"], "?as=hold_payment"), made["id"])
    assert "override" not in form.choices["decision"]
    forged = {**form.fields, "decision": "override", "as": "hold_payment", "arg.invoice_id": "I", "arg.reason": "r"}
    response = visitor.http.post(form.action, data=forged)
    assert response.status_code in (403, 409, 422)
    assert "Not recorded." in words(response)
    response = visitor.http.post(form.action, data={**forged, "as": "change_roles"})
    assert response.status_code == 422
    assert api.world.recommendation(made["id"])["state"] == "awaiting_review"
    # Nor is anything else edited into a change.
    letter = filed(api)
    page = signed_in(api, "reviewer").item(letter["id"])
    assert "change_policy" not in page.text


def test_the_author_signs_nothing_and_what_is_sent_back_is_proposed_anew(api: Api) -> None:
    made = api.world.propose("admin1", "roles", "analyst2", {"roles": ["reviewer"], "active": True})
    author = signed_in(api, "admin1")
    page = author.item(made["id"])
    assert "You drafted or edited this, so somebody else must decide on it." in words(page)
    assert form_of(page, made["id"]).choices["decision"] == ["withdraw"]
    controller = signed_in(api, "controller")
    controller.decide(made["id"], "send_back", comment="why her?")
    page = author.item(made["id"])
    assert "A proposed change is not edited: propose it anew instead." in words(page)
    form = form_of(page, made["id"])
    assert form.choices["decision"] == ["withdraw"]
    assert "Withdrawn." in words(author.follow(author.send(form, decision="withdraw")))


def test_a_policy_rule_by_rule_with_its_replay(api: Api) -> None:
    new = stricter()
    replayed = {
        "cases": 12, "skipped": 1, "more": 3, "fewer": 0, "amount_more": "66000.00", "amount_fewer": "0",
        "seats_before": {"reviewer": 12}, "seats_after": {"controller": 3, "reviewer": 12},
        "signed": {"reviewer": 7}, "no_longer_asked": {},
    }  # fmt: skip
    with api.world.database.transaction("review", api.world.tokens["admin1"]) as conn:
        values = {"policy": new.text, "source": new.source}
        made = changes.propose(conn, "policy", "standard", values, "the Swiss entity joins", replayed)
    pending = filed(api)
    controller = signed_in(api, "controller")
    page = controller.item(made["recommendation_id"])
    said = words(page)
    for expected in (
        "Rule H-2 holds and marks from 25,000 changed What Before After", "Amount from 25000.00 20000.00",
        "Rule Z-1 Swiss payments added What After", "Entities CH01", "Seats controller: 2",
        "Over 12 recommendations on record (1 erased, skipped), 3 would have asked for more people (66,000.00 EUR)",
        "0 for fewer (0.00 EUR)", "Controller 0 3", "Reviewer 12 12", "Reviewer 7 0",
    ):  # fmt: skip
        assert expected in said, expected
    assert "<del><bdi>hold payout</bdi></del>" in page.text
    assert "<ins><bdi>approve payout</bdi></ins>" in page.text
    for who in (controller, signed_in(api, "admin2")):
        who.decide(made["recommendation_id"], "approve")
    api.world.carry_out({"id": made["recommendation_id"]})
    # What was pending is asked anew, and its old page leads to the new one.
    old = signed_in(api, "reviewer").item(pending["id"])
    assert "no longer the one that stands" in words(old)
    assert "the policy changed: it is asked anew under version 2" in words(old)


@pytest.mark.parametrize(
    ("author", "kind", "subject", "content", "said"),
    [
        ("reviewer", "signing_key", "reviewer", {"public_key": KEY},
         ("Signing keys of Reviewer", "Live keys none", f"Public key – {KEY}")),
        ("controller", "fx", "USD", {"rates": {"2026-01-02": "1.25"}},
         ("USD for one EUR", "2026-01-02 1.25", "These rates are added, or replace those of the same days.")),
        ("controller", "hold", "supplier:S-1", {"reason": "dispute in court"},
         ("Reason dispute in court", "nothing of it is erased or purged")),
        ("admin1", "erasure", "supplier:S-1", {}, ("This erases the words for good",)),
        ("ml_engineer", "model", "risk", {"digest": "sha256:" + "a" * 64}, ("risk added", "Digest sha256:aaaa")),
        ("ml_engineer", "threshold", "price", {"percent": "2", "absolute": {"EUR": "50"}},
         ("price added", "Percent 2", "Absolute EUR: 50")),
        ("reviewer2", "tolerance", "*", {"price_percent": "2.5", "line_most": "50"},
         ("* added", "Price percent 2.5", "Line most 50")),
        ("ml_engineer", "prompt", "extract", {"body": "<script>alert(1)</script>\u202eevil"},
         ("<script>alert(1)</script>[U+202E]evil",)),
    ],
)  # fmt: skip
def test_every_kind_can_be_read(
    api: Api, author: str, kind: str, subject: str, content: dict[str, Any], said: tuple[str, ...]
) -> None:
    made = api.world.propose(author, kind, subject, content)
    page = signed_in(api, "controller" if author != "controller" else "admin2").item(made["id"])
    assert page.status_code == 200
    for expected in said:
        assert expected in words(page), (expected, words(page))
    assert "<script" not in page.text


def test_a_setting_that_is_replaced_shows_both(api: Api) -> None:
    api.world.enact("reviewer2", "tolerance", "*", {"price_percent": "2", "line_most": "3"}, ("reviewer", "controller"))
    made = api.world.propose("reviewer2", "tolerance", "*", {"price_percent": "5", "line_most": "3"})
    said = words(signed_in(api, "controller").item(made["id"]))
    assert "* changed What Before After Price percent 2 5" in said
    assert "Line most" not in said


def test_a_change_whose_words_were_erased(api: Api) -> None:
    made = api.world.propose("controller", "hold", "supplier:S-1", {"reason": "dispute in court"})
    api.world.decide("reviewer", made, "reject", reason_code="wrong_data")
    api.world.enact("admin1", "erasure", f"case:{made['case_id']}", {})
    said = words(signed_in(api, "reviewer").item(made["id"]))
    assert "The words of this change are not on record any more." in said
    assert "The words of this case were erased." in said


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
KINDS = st.sampled_from(["policy", "roles", "signing_key", "fx", "hold", "hold_release", "erasure", "model", "mapping"])
KEYS = st.sampled_from(["policy", "rules", "workflows", "rates", "public_key", "roles", "cases", "more", "amount_more"])


@settings(deadline=None, max_examples=300)
@given(KINDS, st.dictionaries(KEYS, JSON), st.none() | st.text(max_size=9) | JSON.map(json.dumps),
       JSON | st.dictionaries(KEYS | st.sampled_from(["seats_before", "signed"]), JSON))  # fmt: skip
def test_a_change_of_any_shape_is_shown(kind: str, content: Any, before: Any, evidence: Any) -> None:
    found = change.read({"kind": kind, "subject": "x", "content": content}, before, evidence, {})
    assert found is not None
    policy = json.dumps({"rules": [{"id": 1}], "workflows": [content], "name": None, **content})
    assert change.read({"kind": "policy", "subject": "x", "content": {"policy": policy}}, policy, evidence, {})


def test_deep_structures_end() -> None:
    deep: Any = "x"
    for _ in range(300):
        deep = [deep]
    assert change.read({"kind": "mapping", "subject": "x", "content": {"a": deep}}, None, None, {})


def test_the_same_policy_says_that_nothing_changes() -> None:
    text = standard_policy().text
    found = change.read({"kind": "policy", "subject": "x", "content": {"policy": text}}, text, {}, {})
    assert found is not None
    assert (found.groups, found.replay) == ((), None)
    assert "nothing would change" in found.notes[0]


def test_the_auditor_reads_and_decides_nothing(api: Api) -> None:
    made = api.world.propose("admin1", "roles", "analyst2", {"roles": ["reviewer"], "active": True})
    page = signed_in(api, "auditor").item(made["id"])
    assert "Your role reads here; it does not decide." in words(page)
    assert [form.action for form in forms(page) if form.method == "post"] == ["/console/sign-out"]
