"""What people decide, over HTTP: every verb, every way to be refused, and keys that make a write happen once."""

from __future__ import annotations

import json
import threading
from typing import Any

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from governance.action import Action
from governance.recommendation import Proposal
from governance.record import queue
from tests.api.conftest import Api, problem_of

VERBS = ("approve", "override", "reject", "send_back", "escalate", "withdraw")


def pending(api: Api, **item: Any) -> dict[str, Any]:
    """A recommendation that awaits review, as the API gives it out."""
    made = api.world.filed(**item)
    found: dict[str, Any] = api.of("reviewer").get(f"/v1/recommendations/{made['id']}").json()
    return found


def task(api: Api, name: str = "hold_payment", by: str = "intake", **item: Any) -> dict[str, Any]:
    """A pending recommendation of a task in a workflow that allows it."""
    api.world.accept(by=by, **{"exception_type": "price_variance", **item})
    job = api.world.claim(1)[0]
    with api.world.database.transaction("agent", api.world.tokens["agent"]) as conn:
        brief = queue.briefs(conn, [job])[0]
    args = {"invoice_id": "INV-1", "reason": "the price differs"} if name == "hold_payment" else {"reason": "look"}
    proposal = Proposal(Action(name, args), brief.facts_digest, None, {"cause": {"primary": "price"}}, {})
    filed = api.world.file(job, proposal)
    found: dict[str, Any] = api.of("reviewer").get(f"/v1/recommendations/{filed.recommendation_id}").json()
    return found


def test_the_shape_that_users_lean_on(api: Api) -> None:
    found = pending(api)
    assert set(found) >= {
        "id", "case_id", "queue", "tenant", "revision", "digest", "action", "findings", "draft", "required_seats",
        "policy", "models", "thresholds", "state", "created_at", "expires_at", "sla_due_at", "case_revision",
        "draft_number", "effect", "decisions", "risk", "confidence", "alternatives",
    }  # fmt: skip
    assert found["tenant"] == api.world.tenant
    assert found["queue"] == "accounts_payable"
    assert found["action"] == {
        "name": "request_purchase_order", "args": {"supplier_id": "S-1", "invoice_number": "2026-1"},
    }  # fmt: skip
    assert set(found["findings"]) >= {"document", "duplicates", "risk", "cause", "precedents"}
    assert found["findings"]["cause"] == {"primary": "missing_order_reference"}
    assert found["draft"] == {
        "to": "ap@supplier.example", "subject": "Purchase order for invoice 2026-1", "body": "Please send it.",
        "language": "en",
    }  # fmt: skip
    assert found["required_seats"] == [{"role": "reviewer", "filled_by": None}]
    assert set(found["policy"]) == {"version", "digest", "rules"}
    assert found["policy"]["rules"] == ["L-1 letters and tasks"]
    assert found["models"] == [
        {"name": "agent", "version": "test"}, {"name": "template", "version": "request_purchase_order"},
    ]  # fmt: skip
    assert found["state"] == "awaiting_review"
    assert found["created_at"].endswith("Z")
    assert found["confidence"] is None
    assert found["decisions"] == []
    assert found["effect"] is None


def test_approve_until_it_is_carried_out(api: Api) -> None:
    found = pending(api)
    answer = api.decide("reviewer", found, "approve", comment="looks right")
    assert answer.status_code == 200
    body = answer.json()
    assert body["state"] == "approved"
    assert body["case_state"] == "approved"
    assert body["recommendation"]["required_seats"] == [{"role": "reviewer", "filled_by": "reviewer"}]
    (decision,) = body["recommendation"]["decisions"]
    assert decision["id"] == body["decision_id"]
    assert (decision["actor"], decision["seat_role"], decision["comment"]) == ("reviewer", "reviewer", "looks right")
    assert body["recommendation"]["effect"]["state"] == "ready"
    api.deliver("sent")
    done = api.of("auditor").get(f"/v1/recommendations/{found['id']}").json()
    assert (done["state"], done["case_state"]) == ("executed", "done")


def test_two_roles_must_sign_a_large_hold(api: Api) -> None:
    found = task(api, amount="30000.00")
    assert [seat["role"] for seat in found["required_seats"]] == ["controller", "reviewer"]
    assert api.decide("reviewer", found, "approve").json()["state"] == "awaiting_review"
    problem_of(api.decide("reviewer", found, "approve"), 409, "already-decided")
    problem_of(api.decide("reviewer2", found, "approve"), 403, "no-open-seat")
    assert api.decide("controller", found, "approve", seat="controller").json()["state"] == "approved"


def test_who_edits_cannot_approve(api: Api) -> None:
    found = pending(api)
    draft = {**found["draft"], "body": "Please send the order's number."}
    answer = api.decide("reviewer", found, "override", draft=draft, reason_code="wrong_data")
    assert answer.status_code == 200
    body = answer.json()
    new = body["recommendation"]
    assert body["state"] == "overridden"
    assert new["id"] != found["id"]
    assert new["digest"] != found["digest"]
    assert new["revision"] == found["revision"] + 1
    assert new["draft"]["body"] == "Please send the order's number."
    assert new["drafted_by"] == "reviewer"
    problem_of(api.decide("reviewer", new, "approve"), 403, "segregation-of-duties")
    assert api.decide("reviewer2", new, "approve").json()["state"] == "approved"


def test_an_override_to_another_action(api: Api) -> None:
    found = pending(api)
    action = {"name": "refer_to_person", "args": {"reason": "call them"}}
    body = api.decide("reviewer", found, "override", action=action).json()
    assert body["recommendation"]["action"] == action
    assert body["recommendation"]["draft"] is None


def test_reject(api: Api) -> None:
    found = pending(api)
    body = api.decide("reviewer", found, "reject", reason_code="wrong_action").json()
    assert (body["state"], body["case_state"]) == ("rejected", "rejected")
    problem_of(api.decide("reviewer2", found, "approve"), 409, "illegal-state")


def test_send_back_needs_words_and_reaches_the_agent(api: Api) -> None:
    found = pending(api)
    problem_of(api.decide("reviewer", found, "send_back"), 422, "comment-required")
    body = api.decide("reviewer", found, "send_back", comment="name the order").json()
    assert (body["state"], body["case_state"]) == ("sent_back", "queued")
    (job,) = api.world.claim()
    assert job.kind == "resume"
    again = api.world.file(job)
    redrafted = api.of("reviewer").get(f"/v1/recommendations/{again.recommendation_id}").json()
    assert redrafted["draft_number"] == 2
    assert redrafted["revision"] == 2


def test_escalate_adds_a_seat(api: Api) -> None:
    found = pending(api)
    body = api.decide("analyst", found, "escalate", comment="please look").json()
    assert body["state"] == "awaiting_review"
    assert [seat["role"] for seat in body["recommendation"]["required_seats"]] == ["reviewer", "controller"]
    assert api.decide("reviewer", found, "approve").json()["state"] == "awaiting_review"
    assert api.decide("controller", found, "approve").json()["state"] == "approved"


def test_withdraw_before_it_leaves(api: Api) -> None:
    found = pending(api)
    api.decide("reviewer", found, "approve")
    body = api.decide("reviewer", found, "withdraw").json()
    assert (body["state"], body["case_state"]) == ("awaiting_review", "awaiting_review")
    assert body["recommendation"]["required_seats"] == [{"role": "reviewer", "filled_by": None}]
    assert body["recommendation"]["effect"] is None
    assert body["recommendation"]["decisions"][0]["withdrawn_at"] is not None


def test_an_old_digest(api: Api) -> None:
    found = pending(api)
    old = {**found, "digest": "sha256:" + "0" * 64}
    body = problem_of(api.decide("reviewer", old, "approve"), 409, "stale-digest")
    assert body["current_digest"] == found["digest"]


def test_who_brought_it_in_cannot_sign(api: Api) -> None:
    found = task(api, by="reviewer")
    problem_of(api.decide("reviewer", found, "approve"), 403, "segregation-of-duties")
    assert api.decide("reviewer2", found, "approve").status_code == 200


def test_machines_never_decide(api: Api) -> None:
    found = pending(api)
    for machine in ("service", "intake", "agent"):
        for verb in VERBS:
            more = {"action": found["action"]} if verb == "override" else {}
            body = problem_of(api.decide(machine, found, verb, comment="x", **more), 403, "human-required")
            assert "SOD-00" in body["controls"]


def test_roles_without_a_vote(api: Api) -> None:
    found = pending(api)
    for who in ("analyst", "auditor", "ml_engineer"):
        problem_of(api.decide(who, found, "approve"), 403, "not-permitted")


def test_unknown_things_are_404(api: Api) -> None:
    found = pending(api)
    for unknown in ("nobody-knows", "%00", "a%00b", "..%2f..", "%ff", "x" * 300, "%ed%a0%80"):
        nothing = api.of("reviewer").post(
            f"/v1/recommendations/{unknown}/decisions", json={"decision": "approve", "digest": found["digest"]}
        )
        problem_of(nothing, 404, "not-found")
        problem_of(api.of("reviewer").get(f"/v1/recommendations/{unknown}"), 404, "not-found")
        problem_of(api.of("reviewer").get(f"/v1/cases/{unknown}"), 404, "not-found")


def test_an_action_outside_the_catalogue(api: Api) -> None:
    found = pending(api)
    for action in (
        {"name": "change_bank_details", "args": {}},
        {"name": "hold_payment", "args": {"invoice_id": "INV-1"}},
        {"name": "wait_until", "args": {"date": "soon", "reason": "x"}},
        {"name": "wait_until", "args": {"date": "2026-W52-4", "reason": "Postgres knows no week dates"}},
    ):
        problem_of(api.decide("reviewer", found, "override", action=action), 422, "unknown-action")


def test_a_letter_goes_nowhere_but_to_the_books_address(api: Api) -> None:
    found = pending(api)
    draft = {**found["draft"], "to": "thief@elsewhere.example"}
    problem_of(api.decide("reviewer", found, "override", draft=draft), 409, "facts-mismatch")
    for bad in ({"subject": "a\nBcc: thief@elsewhere.example"}, {"to": "ap@supplier.example\r\nBcc: x@y.example"}):
        problem_of(api.decide("reviewer", found, "override", draft={**found["draft"], **bad}), 400, "malformed")


def test_the_same_key_gets_the_same_answer(api: Api) -> None:
    found = pending(api)
    first = api.decide("reviewer", found, "approve", key="k-1")
    again = api.decide("reviewer", found, "approve", key="k-1")
    assert again.status_code == first.status_code == 200
    assert again.text == first.text
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    problem_of(api.decide("reviewer", found, "reject", key="k-1"), 409, "idempotency-conflict")
    # A key is one actor's own.
    problem_of(api.decide("reviewer2", found, "approve", key="k-1"), 409, "illegal-state")
    # Refused the first time, it was not remembered.
    other = pending(api, source_key="key-2", invoice_id="INV-2")
    problem_of(api.decide("reviewer", {**other, "digest": found["digest"]}, "approve", key="k-2"), 409, "stale-digest")
    assert api.decide("reviewer", other, "approve", key="k-2").status_code == 200


def test_a_storm_of_the_same_request_decides_once(api: Api) -> None:
    found = task(api, amount="30000.00")
    answers: list[httpx.Response] = []
    threads = [
        threading.Thread(target=lambda: answers.append(api.decide("reviewer", found, "approve", key="storm")))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["decision_id"] for answer in answers}) == 1
    assert api.count("decisions") == 1


def test_keys_that_are_none(api: Api) -> None:
    found = pending(api)
    body = {"decision": "approve", "digest": found["digest"]}
    for key in (b"", b"k" * 201, b"\xe9", b"a\tb"):
        response = api.of("reviewer").post(
            f"/v1/recommendations/{found['id']}/decisions", json=body, headers={b"Idempotency-Key": key}
        )
        problem_of(response, 400, "malformed")


def test_manual_tasks_are_confirmed_by_people(api: Api) -> None:
    found = task(api)
    api.decide("reviewer", found, "approve")
    api.deliver("manual")
    (waiting,) = api.of("analyst").get("/v1/tasks").json()["items"]
    assert waiting["recommendation_id"] == found["id"]
    assert (waiting["state"], waiting["action"]["name"]) == ("manual", "hold_payment")
    path = f"/v1/tasks/{found['id']}/confirm"
    problem_of(api.of("service").post(path, json={"outcome": "done"}), 403, "human-required")
    problem_of(api.of("auditor").post(path, json={"outcome": "done"}), 403, "not-permitted")
    problem_of(api.of("analyst").post(path, json={"outcome": "perhaps"}), 400, "malformed")
    problem_of(api.of("analyst").post("/v1/tasks/nothing/confirm", json={"outcome": "done"}), 404, "not-found")
    answer = api.of("analyst").post(path, json={"outcome": "done", "note": "entered by hand"})
    assert answer.status_code == 200
    assert (answer.json()["state"], answer.json()["case_state"]) == ("executed", "done")
    problem_of(api.of("analyst").post(path, json={"outcome": "done"}), 409, "illegal-state")
    assert api.of("analyst").get("/v1/tasks").json() == {"items": [], "next_cursor": None}


def test_a_dead_case_is_put_back_by_a_person(api: Api) -> None:
    case = api.world.accept()["case_id"]
    with api.world.database.transaction("agent", api.world.tokens["agent"]) as conn:
        (job,) = queue.claim(conn, "w", 1, 60)
        assert queue.fail(conn, job, "it broke", 0, 1) == "dead"
    path = f"/v1/cases/{case}/requeue"
    problem_of(api.of("service").post(path), 403, "human-required")
    problem_of(api.of("auditor").post(path), 403, "not-permitted")
    answer = api.of("analyst").post(path)
    assert answer.status_code == 200
    assert answer.json()["state"] == "queued"
    problem_of(api.of("analyst").post(path), 409, "illegal-state")
    problem_of(api.of("analyst").post("/v1/cases/unknown/requeue"), 404, "not-found")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=30)
BODIES = st.fixed_dictionaries(
    {},
    optional={
        "decision": st.sampled_from(VERBS) | JSON,
        "digest": st.just("sha256:" + "0" * 64) | JSON,
        "seat": ANY_TEXT | JSON,
        "acting_for": ANY_TEXT,
        "reason_code": st.sampled_from(("wrong_data", "other")) | ANY_TEXT,
        "comment": ANY_TEXT,
        "action": st.fixed_dictionaries({"name": st.sampled_from(("wait_until", "refer_to_person")), "args": JSON})
        | JSON,
        "draft": st.fixed_dictionaries(dict.fromkeys(("to", "subject", "body", "language"), ANY_TEXT)) | JSON,
        "signature": ANY_TEXT,
        "more": JSON,
    },
)


def test_no_body_breaks_it(api: Api) -> None:
    """Whatever a decision's body holds, the answer is a problem of the client's or a decision; never a 500."""
    found = pending(api)
    person = api.of("reviewer")
    path = f"/v1/recommendations/{found['id']}/decisions"

    @settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))
    @given(JSON | BODIES, st.booleans())
    def ask(body: Any, right: bool) -> None:
        if right and isinstance(body, dict) and body.get("decision") not in ("approve", "reject", "withdraw"):
            body = {**body, "digest": found["digest"]}
        content = json.dumps(body).encode()  # NaN and lone surrogates as they are written by careless clients
        response = person.post(path, content=content, headers={"Content-Type": "application/json"})
        assert response.status_code < 500, response.text
        if response.status_code >= 400:
            assert response.headers["content-type"] == "application/problem+json"
            assert response.json()["status"] == response.status_code

    ask()
