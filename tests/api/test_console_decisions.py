"""Deciding at the console without scripts: every decision, every refusal in words, and nothing that happens twice."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from governance.action import CATALOGUE, CHANGE
from governance.recommendation import Draft
from governance.record import review
from tests.api.conftest import Api
from tests.api.visitor import Visitor, filed, form_of, forms, hold, signed_in, words


def standing(api: Api, made: dict[str, Any]) -> dict[str, Any]:
    return api.world.recommendation(made["id"])


def decisions_of(api: Api, made: dict[str, Any]) -> list[dict[str, Any]]:
    with api.world.database.transaction("review", api.world.tokens["auditor"]) as conn:
        return review.decisions(conn, [made["id"]])


def refused(response: httpx.Response, status: int, said: str) -> httpx.Response:
    assert response.status_code == status, words(response)[:2000]
    assert "Not recorded." in words(response)
    assert said.lower() in words(response).lower(), words(response)[:2000]
    assert 'role="alert"' in response.text
    return response


def test_the_item_shows_what_a_decision_needs(api: Api) -> None:
    made = filed(api)
    page = signed_in(api, "reviewer").item(made["id"])
    said = words(page)
    for expected in (
        "Invoice 2026-1", "1,200.00 EUR", "Supplier One (S-1)", "Recommended: Request purchase order",
        "The invoice names no purchase order, and nothing can be matched without it",
        "ap@supplier.example", "Purchase order for invoice 2026-1", "English", "please send us the purchase order.",
        "Cause: Missing order reference", "Data quality", "The invoice names no purchase order case",
        "Match with order and receipt: differs", "100.00", "112.00", "DE02120300000000202051",
        "Earlier invoice 2026-1 (INV-0)", "91 % likely the same", "Same amount",
        "Chance of being late", "62 %", "Expected days late", "0.5", "Pays late in winter",
        "Request purchase order: approve by a reviewer", "88 % alike",
        "Route for approval", "not possible: policy does not allow it here",
        "the VAT id has a wrong check digit", "Surprise", "Threshold: duplicate likely",
        "Reviewer open", "Policy version 1: L-1 letters and tasks", "Drafted by Agent",
        "Intake brought in the case", "Agent recommended an action (draft 1)", "due in 23 hours",
    ):  # fmt: skip
        assert expected in said, expected
    assert made["digest"] in page.text
    assert form_of(page, made["id"]).fields["digest"] == made["digest"]
    assert form_of(page, made["id"]).choices["decision"] == ["approve", "override", "reject", "send_back", "escalate"]


def test_approve_until_it_is_carried_out(api: Api) -> None:
    made = filed(api)
    visitor = signed_in(api, "reviewer")
    response = visitor.decide(made["id"], "approve", comment="looks right", reason_code="business_exception")
    page = visitor.follow(response)
    assert "You signed as reviewer. Every seat is filled: it is carried out now." in words(page)
    assert standing(api, made)["state"] == "approved"
    (decision,) = decisions_of(api, made)
    assert (decision["actor"], decision["comment"], decision["reason_code"], decision["digest"]) == (
        "reviewer", "looks right", "business_exception", made["digest"],
    )  # fmt: skip
    assert "Reviewer Reviewer" in words(page)
    assert "looks right" in words(page)
    api.deliver("sent")
    page = visitor.item(made["id"])
    assert "It is executed: there is nothing to decide here." in words(page)
    assert "Effect: it was carried out." in words(page)
    assert not [form for form in forms(page) if form.action.endswith(made["id"])]


def test_two_people_sign_and_one_takes_it_back(api: Api) -> None:
    made = hold(api, amount="30000.00")
    reviewer, controller = signed_in(api, "reviewer"), signed_in(api, "controller")
    page = reviewer.follow(reviewer.decide(made["id"], "approve"))
    assert "You signed as reviewer. Still to sign: controller." in words(page)
    assert "you have already" in words(page).lower()
    assert "approve" not in form_of(page, made["id"]).choices["decision"]
    assert "withdraw" in form_of(page, made["id"]).choices["decision"]
    page = reviewer.follow(reviewer.decide(made["id"], "withdraw", comment="one more look"))
    assert "Withdrawn." in words(page)
    assert standing(api, made)["seats"] == [
        {"role": "controller", "filled_by": None}, {"role": "reviewer", "filled_by": None},
    ]  # fmt: skip
    reviewer.decide(made["id"], "approve")
    page = controller.follow(controller.decide(made["id"], "approve"))
    assert "Every seat is filled" in words(page)


def test_reject(api: Api) -> None:
    made = filed(api)
    visitor = signed_in(api, "reviewer")
    page = visitor.follow(visitor.decide(made["id"], "reject", reason_code="wrong_match", comment="not ours"))
    assert "Rejected. Nothing will be sent or done." in words(page)
    assert standing(api, made)["state"] == "rejected"


def test_send_back_needs_a_comment_and_keeps_what_was_typed(api: Api) -> None:
    made = filed(api)
    visitor = signed_in(api, "reviewer")
    page = refused(
        visitor.decide(made["id"], "send_back", reason_code="wrong_data"), 422, "say in the comment what to change"
    )
    form = form_of(page, made["id"])
    assert (form.fields["decision"], form.fields["reason_code"]) == ("send_back", "wrong_data")
    page = visitor.follow(visitor.send(form, comment="make it friendlier\n\nplease"))
    assert "Sent back to the agent with your comment." in words(page)
    assert decisions_of(api, made)[0]["comment"] == "make it friendlier\n\nplease"


def test_reason_other_needs_a_comment(api: Api) -> None:
    made = filed(api)
    visitor = signed_in(api, "reviewer")
    page = refused(visitor.decide(made["id"], "reject", reason_code="other"), 422, "say in the comment what it is")
    assert form_of(page, made["id"]).fields["decision"] == "reject"
    assert standing(api, made)["state"] == "awaiting_review"


def test_an_analyst_escalates_and_nothing_else(api: Api) -> None:
    made = filed(api)
    visitor = signed_in(api, "analyst")
    form = form_of(visitor.item(made["id"]), made["id"])
    assert form.choices["decision"] == ["escalate"]
    refused(visitor.send(form, decision="approve"), 403, "your roles do not permit you to decide")
    page = visitor.follow(visitor.send(form, decision="escalate", comment="large customer"))
    assert "Escalated: a controller must sign as well." in words(page)
    assert [seat["role"] for seat in standing(api, made)["seats"]] == ["reviewer", "controller"]


@pytest.mark.parametrize("who", ["auditor", "ml_engineer"])
def test_who_only_reads_gets_no_form(api: Api, who: str) -> None:
    made = filed(api)
    visitor = signed_in(api, who)
    page = visitor.item(made["id"])
    assert "Your role reads here; it does not decide." in words(page)
    assert len(forms(page)) == 1
    csrf = form_of(page, "/sign-out").fields["csrf"]
    response = visitor.http.post(
        f"/console/recommendations/{made['id']}",
        data={"csrf": csrf, "decision": "approve", "digest": made["digest"]},
    )
    refused(response, 403, "your roles do not permit you to decide")


# --- changing what was recommended ---------------------------------------------------------------------------------


def test_override_of_the_letter(api: Api) -> None:
    made = filed(api)
    visitor = signed_in(api, "reviewer")
    body = "Dear colleagues,\n\nwhich order is it?\n"
    response = visitor.decide(made["id"], "override", draft__body=body, reason_code="wrong_data")
    page = visitor.follow(response)
    assert "Your change is recorded. It now waits for the signatures of others." in words(page)
    assert "You drafted or edited this, so somebody else must decide on it." in words(page)
    assert "which order is it?" in words(page)
    assert standing(api, made)["state"] == "overridden"
    old = visitor.item(made["id"])
    assert "no longer the one that stands" in words(old)
    new = response.headers["location"].partition("?")[0].rpartition("/")[2]
    assert new in old.text
    current = api.world.recommendation(new)
    assert current["drafted_by"] == "reviewer"
    assert current["leaves"]["draft"].count("which order is it?") == 1
    other = signed_in(api, "reviewer2")
    assert "Every seat is filled" in words(other.follow(other.decide(new, "approve")))


def test_who_edited_cannot_sign(api: Api) -> None:
    """The page does not offer it, and the law refuses it in words that say why."""
    made = filed(api)
    visitor = signed_in(api, "reviewer")
    response = visitor.decide(made["id"], "override", draft__subject="Your order number, please")
    new = response.headers["location"].partition("?")[0].rpartition("/")[2]
    form = form_of(visitor.item(new), new)
    assert form.choices["decision"] == ["escalate", "withdraw"]
    for verb in ("approve", "reject", "send_back"):
        refused(
            visitor.send(form, decision=verb, comment="mine"), 403,
            "who initiated, drafted, edited or requested a thing cannot decide on it",
        )  # fmt: skip
    assert api.world.recommendation(new)["state"] == "awaiting_review"
    page = visitor.follow(visitor.send(form, decision="withdraw"))
    assert "Withdrawn." in words(page)


def test_override_to_another_action(api: Api) -> None:
    made = filed(api)
    visitor = signed_in(api, "reviewer")
    page = visitor.item(made["id"], "?as=route_for_approval")
    form = form_of(page, made["id"])
    assert form.fields["decision"] == "override"
    assert form.fields["as"] == "route_for_approval"
    assert "draft.body" not in form.fields
    response = visitor.send(form, **{"arg.role": "budget owner", "arg.reason": "they know the order"})
    new = response.headers["location"].partition("?")[0].rpartition("/")[2]
    envelope = api.world.recommendation(new)["envelope"]
    assert envelope["action"] == {
        "name": "route_for_approval", "args": {"role": "budget owner", "reason": "they know the order"},
    }  # fmt: skip


def test_override_to_a_letter_where_there_was_none(api: Api) -> None:
    made = hold(api)
    visitor = signed_in(api, "reviewer")
    form = form_of(visitor.item(made["id"], "?as=send_supplier_email"), made["id"])
    assert form.choices["draft.to"] == ["ap@supplier.example"]
    assert form.fields["arg.supplier_id"] == "S-1"
    letter = {"draft.subject": "Price", "draft.body": "Please explain the price.", "draft.language": "en"}
    response = visitor.send(form, **{"arg.topic": "price", **letter})
    page = visitor.follow(response)
    assert "Please explain the price." in words(page)


@pytest.mark.parametrize(
    ("query", "values", "status", "said"),
    [
        ("", {}, 400, "Nothing was changed"),
        ("?as=route_for_approval", {"arg.role": "", "arg.reason": "x"}, 422, "needs role"),
        ("?as=wait_until", {"arg.date": "tomorrow", "arg.reason": "x"}, 422, "must be"),
        ("?as=send_supplier_email", {"arg.topic": "x", "draft.subject": ""}, 400, "subject"),
        ("", {"draft.to": "thief@evil.example", "draft.body": "x"}, 409, "not the address that the books hold"),
        ("", {"arg.supplier_id": "S-2"}, 409, "not the case's own"),
        ("", {"draft.language": "klingon!", "draft.body": "x"}, 400, "language"),
    ],
)
def test_an_override_that_cannot_be_keeps_what_was_typed(
    api: Api, query: str, values: dict[str, str], status: int, said: str
) -> None:
    made = filed(api)
    visitor = signed_in(api, "reviewer")
    form = form_of(visitor.item(made["id"], query), made["id"])
    page = refused(visitor.send(form, decision="override", comment="my reasons", **values), status, said)
    again = form_of(page, made["id"])
    assert again.fields["comment"] == "my reasons"
    assert again.fields["as"] == form.fields["as"]
    # What was typed stays; an address that is not in the books is not even offered again.
    assert all(again.fields.get(name, value) == value for name, value in values.items() if name != "draft.to")
    assert "evil" not in page.text
    assert standing(api, made)["state"] == "awaiting_review"


def test_edits_are_never_signed_away(api: Api) -> None:
    """Whoever edits the letter but chooses to approve would sign the letter as it was: say so instead."""
    made = filed(api)
    visitor = signed_in(api, "reviewer")
    page = refused(visitor.decide(made["id"], "approve", draft__body="another letter"), 400, "but chose “Approve”")
    assert form_of(page, made["id"]).fields["draft.body"] == "another letter"
    assert standing(api, made)["state"] == "awaiting_review"


@pytest.mark.parametrize(
    "body",
    [
        "line\nline",
        "  indented\n\nend \n",
        "\nstarts with a line end",
        "a\u202eb\u200bc",
        "tab\there",
        "a\r\nb",
        "<b>&amp;",
    ],
)
def test_an_untouched_letter_is_no_edit_whatever_is_in_it(api: Api, body: str) -> None:
    made = filed(api, draft=Draft("ap@supplier.example", "A  subject", body, "en"))
    visitor = signed_in(api, "reviewer")
    assert visitor.decide(made["id"], "approve").status_code == 303


def test_unknown_action_in_the_address_is_ignored(api: Api) -> None:
    made = filed(api)
    page = signed_in(api, "reviewer").item(made["id"], "?as=change_bank_details")
    assert page.status_code == 200
    assert form_of(page, made["id"]).fields["as"] == "request_purchase_order"


# --- refusals ----------------------------------------------------------------------------------------------------


def test_what_changed_must_be_read_again(api: Api) -> None:
    made = filed(api)
    visitor = signed_in(api, "reviewer")
    form = form_of(visitor.item(made["id"]), made["id"])
    form.fields["digest"] = "sha256:" + "0" * 64
    page = refused(visitor.send(form, decision="approve", comment="typed"), 409, "read it again before you decide")
    again = form_of(page, made["id"])
    assert again.fields["digest"] == made["digest"]
    assert "decision" not in again.fields
    assert again.fields["comment"] == "typed"


def test_somebody_was_faster(api: Api) -> None:
    made = filed(api)
    slow, fast = signed_in(api, "reviewer"), signed_in(api, "reviewer2")
    form = form_of(slow.item(made["id"]), made["id"])
    fast.decide(made["id"], "reject", reason_code="wrong_data")
    page = refused(slow.send(form, decision="approve"), 409, "it is not awaiting review")
    assert "It is rejected: there is nothing to decide here." in words(page)


def test_no_decision_and_no_nonsense(api: Api) -> None:
    made = filed(api)
    visitor = signed_in(api, "reviewer")
    form = form_of(visitor.item(made["id"]), made["id"])
    refused(visitor.send(form), 400, "Choose a decision first.")
    refused(visitor.send(form, decision="bribe"), 400, "Choose a decision first.")
    refused(visitor.send(form, decision="reject", reason_code="because"), 400, "reason_code must be one of")
    refused(visitor.send(form, decision="reject", digest="x"), 400, "digest")
    assert standing(api, made)["state"] == "awaiting_review"


def test_no_seat_fits(api: Api) -> None:
    made = filed(api)
    visitor = signed_in(api, "controller")
    page = visitor.item(made["id"])
    assert "No open seat of this recommendation fits your roles" in words(page)
    form = form_of(page, made["id"])
    assert "approve" not in form.choices["decision"]
    refused(visitor.send(form, decision="approve"), 403, "no open seat of this recommendation fits your roles")


def test_who_brought_it_in_cannot_sign(api: Api) -> None:
    made = filed(api)
    api.world.scalar(
        "UPDATE cs.recommendations SET excluded = excluded || 'reviewer'::text WHERE id = %s RETURNING 1", made["id"]
    )
    page = signed_in(api, "reviewer").item(made["id"])
    assert "You had a hand in this, so somebody else must decide on it." in words(page)


def test_expired(api: Api) -> None:
    made = filed(api)
    visitor = signed_in(api, "reviewer")
    form = form_of(visitor.item(made["id"]), made["id"])
    api.world.scalar("UPDATE cs.recommendations SET expires_at = now() WHERE id = %s RETURNING 1", made["id"])
    page = refused(visitor.send(form, decision="approve"), 409, "expired")
    assert "It has expired: a new recommendation will be made." in words(page)


def test_another_tenants_item_does_not_exist(api: Api, start: Any) -> None:
    other = start()
    made = filed(other)
    visitor = signed_in(api, "reviewer")
    assert visitor.item(made["id"]).status_code == 404
    csrf = form_of(visitor.get("/console/tasks"), "/sign-out").fields["csrf"]
    response = visitor.http.post(
        f"/console/recommendations/{made['id']}", data={"csrf": csrf, "decision": "approve", "digest": made["digest"]}
    )
    assert response.status_code == 404


# --- once --------------------------------------------------------------------------------------------------------


def test_a_second_click_changes_nothing(api: Api) -> None:
    made = filed(api)
    visitor = signed_in(api, "reviewer")
    form = form_of(visitor.item(made["id"]), made["id"])
    first, second = visitor.send(form, decision="approve"), visitor.send(form, decision="approve")
    assert first.status_code == second.status_code == 303
    assert first.headers["location"] == second.headers["location"]
    assert len(decisions_of(api, made)) == 1
    refused(visitor.send(form, decision="reject"), 409, "This form was used already.")
    assert standing(api, made)["state"] == "approved"


def test_an_address_claims_no_decision(api: Api) -> None:
    made = filed(api)
    visitor = signed_in(api, "reviewer")
    other = signed_in(api, "reviewer2")
    response = visitor.decide(made["id"], "approve")
    assert "You signed" in words(visitor.follow(response))
    for query in (
        response.headers["location"].partition("?")[2],
        "decision=none",
        "decision=%00",
        "decision=" + "a" * 90,
    ):
        assert "You signed" not in words(other.get(f"/console/recommendations/{made['id']}?{query}"))


# --- tasks -------------------------------------------------------------------------------------------------------


def task(api: Api, outcome: str) -> dict[str, Any]:
    made = hold(api)
    api.world.decide("reviewer", made, "approve")
    api.deliver(outcome)
    return made


@pytest.mark.parametrize(
    ("outcome", "offered", "said", "state"),
    [
        ("manual", ["done", "not_done"], "done", "executed"),
        ("manual", ["done", "not_done"], "not_done", "superseded"),
        ("unknown", ["done", "not_done", "abandoned"], "done", "executed"),
        ("unknown", ["done", "not_done", "abandoned"], "not_done", "approved"),
        ("dead", ["not_done", "abandoned"], "abandoned", "superseded"),
    ],
)
def test_a_person_says_what_became_of_it(api: Api, outcome: str, offered: list[str], said: str, state: str) -> None:
    made = task(api, outcome)
    visitor = signed_in(api, "analyst")
    page = visitor.get("/console/tasks")
    assert "Tasks 1 waiting" in words(page)
    assert "Hold payment" in words(page)
    form = form_of(page, made["id"])
    assert form.choices["outcome"] == offered
    page = visitor.follow(visitor.send(form, outcome=said, note="seen in the ERP"))
    assert "Recorded for “Invoice 2026-1”" in words(page)
    assert not [form for form in forms(page) if form.action.endswith(made["id"])]
    assert standing(api, made)["state"] == state


def test_tasks_are_confirmed_by_whom_it_behoves(api: Api) -> None:
    made = task(api, "manual")
    visitor = signed_in(api, "auditor")
    page = visitor.get("/console/tasks")
    assert "Hold payment" in words(page)
    assert len(forms(page)) == 1
    csrf = form_of(page, "/sign-out").fields["csrf"]
    response = visitor.http.post(f"/console/tasks/{made['id']}", data={"csrf": csrf, "outcome": "done"})
    refused(response, 403, "your roles do not permit you")
    analyst = signed_in(api, "analyst")
    form = form_of(analyst.get("/console/tasks"), made["id"])
    refused(analyst.send(form), 400, "Choose what became of it first.")
    page = refused(analyst.send(form, outcome="not_done", note="x" * 3000), 400, "longer than 2000")
    assert form_of(page, made["id"]).fields["outcome"] == "not_done"
    refused(analyst.send(form, outcome="lost"), 400, "an outcome is")
    assert standing(api, made)["state"] == "approved"


def test_no_tasks(api: Api) -> None:
    page = signed_in(api, "reviewer").get("/console/tasks")
    assert "Nothing waits for a person's hands." in words(page)


def test_action_of_the_catalogue_all_have_an_editor(api: Api) -> None:
    made = filed(api)
    visitor = signed_in(api, "reviewer")
    for name, spec in CATALOGUE.items():
        if spec.effect == CHANGE:
            # A governed change is proposed, never edited into being.
            assert form_of(visitor.item(made["id"], f"?as={name}"), made["id"]).fields["as"] != name
            continue
        form = form_of(visitor.item(made["id"], f"?as={name}"), made["id"])
        assert {f"arg.{argument}" for argument in spec.required} <= set(form.fields), name
        assert ("draft.body" in form.fields) == (spec.effect == "mail"), name


def test_the_document_is_saved_and_never_shown(api: Api) -> None:
    content = b"<html><script>alert(1)</script></html>"
    api.world.accept(content=content, media_type="text/html", name='in"voice\u202e.html')
    visitor = signed_in(api, "reviewer")
    case_id = api.world.scalar("SELECT id FROM cs.cases WHERE tenant = %s", api.world.tenant)
    response = visitor.get(f"/console/cases/{case_id}/document")
    assert response.content == content
    assert response.headers["content-type"] == "application/octet-stream"
    assert response.headers["content-disposition"].startswith("attachment;")
    assert Visitor(api).get(f"/console/cases/{case_id}/document").status_code == 401
