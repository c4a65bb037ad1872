"""Agent Inbox: clients of LangGraph's threads API list, look and answer; every answer is a decision like any other."""

from __future__ import annotations

from typing import Any

import pytest

from api import inbox
from governance.action import Action
from governance.errors import NotFound
from governance.record import queue
from tests.api.conftest import Api, problem_of
from tests.build import letter


def threads(api: Api, who: str, **body: Any) -> list[dict[str, Any]]:
    found = api.of(who).post("/inbox/threads/search", json={"status": "interrupted", **body})
    assert found.status_code == 200, found.text
    listed: list[dict[str, Any]] = found.json()
    return listed


def answer(api: Api, who: str, thread: str, kind: str, args: Any = None) -> Any:
    command = {"resume": [{"type": kind, "args": args}]}
    body = {"assistant_id": "countersign", "command": command, "stream_mode": ["values"]}
    return api.of(who).post(f"/inbox/threads/{thread}/runs/wait", json=body)


def request_of(thread: dict[str, Any]) -> dict[str, Any]:
    (raised,) = next(iter(thread["interrupts"].values()))
    value: dict[str, Any] = raised["value"][0]
    return value


def test_langgraph_s_own_client_lists_looks_and_approves(api: Api) -> None:
    sdk = pytest.importorskip("langgraph_sdk")
    row = api.world.filed()
    with sdk.get_sync_client(url=f"{api.url}/inbox", api_key=api.world.tokens["reviewer"]) as client:
        (thread,) = client.threads.search(status="interrupted", metadata={"graph_id": "countersign"})
        assert thread["metadata"]["recommendation_id"] == row["id"]
        state = client.threads.get_state(thread["thread_id"])
        assert state["next"] == ["wait"]
        shown = state["tasks"][0]["interrupts"][0]["value"][0]
        assert shown["action_request"]["action"] == "request_purchase_order"
        assert shown["config"] == {
            "allow_ignore": False,
            "allow_respond": True,
            "allow_edit": True,
            "allow_accept": True,
        }
        run = client.runs.create(
            thread["thread_id"],
            "countersign",
            command={"resume": [{"type": "accept", "args": shown["action_request"]}]},
        )
        assert (run["status"], run["metadata"]["state"]) == ("success", "approved")
        after = api.world.recommendation(row["id"])
        assert after["state"] == "approved"
        assert [one["filled_by"] for one in after["seats"]] == ["reviewer"]
        assert client.threads.search(status="interrupted") == []
        assert client.threads.get_state(thread["thread_id"])["next"] == []


def test_an_answer_to_another_digest_than_the_one_that_stands_is_refused(api: Api) -> None:
    row = api.world.filed()
    (thread,) = threads(api, "reviewer")
    forged = f"{row['id']}.{'0' * 64}"
    problem_of(answer(api, "reviewer", forged, "accept"), 409, "stale-digest")
    problem_of(api.of("reviewer").get(f"/inbox/threads/{forged}/state"), 409, "stale-digest")
    assert api.count("decisions") == 0
    assert answer(api, "reviewer", thread["thread_id"], "accept").json()["state"] == "approved"


def test_ignore_is_refused_with_the_reason_and_nothing_is_noted_as_decided(api: Api) -> None:
    row = api.world.filed()
    (thread,) = threads(api, "reviewer")
    body = problem_of(answer(api, "reviewer", thread["thread_id"], "ignore"), 400, "malformed")
    assert "never ignored" in body["detail"]
    ended = api.of("reviewer").post(
        f"/inbox/threads/{thread['thread_id']}/state", json={"values": None, "as_node": "__end__"}
    )
    problem_of(ended, 400, "malformed")
    assert api.count("decisions") == 0
    assert api.world.recommendation(row["id"])["state"] == "awaiting_review"


def test_words_send_it_back_and_no_words_are_refused(api: Api) -> None:
    row = api.world.filed()
    (thread,) = threads(api, "reviewer")
    problem_of(answer(api, "reviewer", thread["thread_id"], "response", "  "), 422, "comment-required")
    done = answer(api, "reviewer", thread["thread_id"], "response", "friendlier please").json()
    assert (done["decision"], done["state"]) == ("send_back", "sent_back")
    comment = api.world.scalar(
        "SELECT comment FROM cs.decision_notes n JOIN cs.decisions d ON d.id = n.decision_id "
        "WHERE recommendation_id = %s",
        row["id"],
    )
    assert comment == "friendlier please"


def test_an_edit_is_an_override_that_its_editor_does_not_sign(api: Api) -> None:
    row = api.world.filed()
    (thread,) = threads(api, "reviewer")
    shown = request_of(thread)["action_request"]
    args = {**shown["args"], inbox.BODY: "Kindly send the purchase order."}
    done = answer(api, "reviewer", thread["thread_id"], "edit", {"action": shown["action"], "args": args}).json()
    assert (done["decision"], done["state"]) == ("override", "overridden")
    assert done["recommendation_id"] != row["id"]
    new = api.of("reviewer2").get(f"/v1/recommendations/{done['recommendation_id']}").json()
    assert new["draft"]["body"] == "Kindly send the purchase order."
    assert new["draft"]["to"] == "ap@supplier.example", "to whom it goes is the books' to say"
    problem_of(answer(api, "reviewer", done["thread_id"], "accept"), 403, "segregation-of-duties")
    assert answer(api, "reviewer2", done["thread_id"], "accept").json()["state"] == "approved"


def test_a_recipient_among_the_arguments_is_refused(api: Api) -> None:
    api.world.filed()
    (thread,) = threads(api, "reviewer")
    shown = request_of(thread)["action_request"]
    for name in ("to", "letter_to", "iban"):
        args = {**shown["args"], name: "thief@x.example"}
        problem_of(
            answer(api, "reviewer", thread["thread_id"], "edit", {"action": shown["action"], "args": args}),
            422,
            "unknown-action",
        )
    assert api.count("decisions") == 0


def test_what_is_accepted_must_be_what_is_shown(api: Api) -> None:
    api.world.filed()
    (thread,) = threads(api, "reviewer")
    shown = request_of(thread)["action_request"]
    other = {"action": shown["action"], "args": {**shown["args"], "invoice_number": "2026-2"}}
    problem_of(answer(api, "reviewer", thread["thread_id"], "accept", other), 400, "malformed")
    same = {"action": shown["action"], "args": {**shown["args"], "letter_body": "another"}}
    problem_of(answer(api, "reviewer", thread["thread_id"], "accept", same), 400, "malformed")
    assert api.count("decisions") == 0


@pytest.mark.parametrize(("who", "slug"), [("service", "human-required"), ("analyst", "not-permitted"),
                                           ("auditor", "not-permitted"), ("agent", "human-required")])  # fmt: skip
def test_the_seats_and_the_permits_hold_here_as_well(api: Api, who: str, slug: str) -> None:
    api.world.filed()
    (thread,) = threads(api, "reviewer")
    response = answer(api, who, thread["thread_id"], "accept")
    assert response.status_code == 403
    if who != "agent":
        problem_of(response, 403, slug)
        config = request_of(threads(api, who)[0])["config"]
        assert config["allow_accept"] is config["allow_edit"] is config["allow_respond"] is False
    assert api.count("decisions") == 0


def test_a_refused_decision_is_noted_on_the_ledger_as_elsewhere(api: Api) -> None:
    row = api.world.filed()
    made = api.world.decide("reviewer", row, "override", reason_code="wrong_action",
                            action={"name": "refer_to_person", "args": {"reason": "r"}})  # fmt: skip
    (thread,) = threads(api, "reviewer")
    assert thread["metadata"]["recommendation_id"] == made["recommendation_id"]
    problem_of(answer(api, "reviewer", thread["thread_id"], "accept"), 403, "segregation-of-duties")
    kinds = api.world.scalar("SELECT array_agg(kind) FROM cs.ledger WHERE subject = %s", made["recommendation_id"])
    assert "decision.refused" in kinds


def test_without_a_key_nothing_is_shown_and_another_tenant_s_threads_do_not_exist(api: Api, start: Any) -> None:
    api.world.filed()
    (thread,) = threads(api, "reviewer")
    problem_of(api.of(None).post("/inbox/threads/search", json={}), 401, "unauthenticated")
    wrong = api.of(None).post("/inbox/threads/search", json={}, headers={"X-Api-Key": "wrong"})
    problem_of(wrong, 401, "unauthenticated")
    other = start()
    assert threads(other, "reviewer") == []
    problem_of(answer(other, "reviewer", thread["thread_id"], "accept"), 404, "not-found")
    problem_of(other.of("reviewer").get(f"/inbox/threads/{thread['thread_id']}/state"), 404, "not-found")


def test_pages_and_filters(api: Api) -> None:
    for n in range(3):
        api.world.filed(source_key=f"k{n}", invoice_id=f"I-{n}")
    every = [one["thread_id"] for one in threads(api, "reviewer", limit=10)]
    assert [one["thread_id"] for one in threads(api, "reviewer", limit=2, offset=1)] == every[1:]
    assert threads(api, "reviewer", status="idle") == []
    assert threads(api, "reviewer", metadata={"graph_id": "another"}) == []
    one = api.of("reviewer").get(f"/inbox/threads/{every[0]}").json()
    assert one["status"] == "interrupted"
    problem_of(api.of("reviewer").post("/inbox/threads/search", json={"limit": 501}), 400, "malformed")


@pytest.mark.parametrize("body", [
    {}, {"command": {}}, {"command": {"resume": []}}, {"command": {"resume": [{"type": "accept"}] * 2}},
    {"command": {"resume": "yes"}}, {"command": {"resume": [{"type": "approve"}]}}, {"input": {"x": 1}},
    {"command": {"resume": [{"type": "edit", "args": "x"}]}},
    {"command": {"resume": [{"type": "edit", "args": {"action": 1}}]}},
    {"command": {"resume": [{"type": "edit", "args": {"action": "hold_payment", "args": {"invoice_id": {}}}}]}},
])  # fmt: skip
def test_what_is_no_answer_is_refused(api: Api, body: dict[str, Any]) -> None:
    api.world.filed()
    (thread,) = threads(api, "reviewer")
    response = api.of("reviewer").post(f"/inbox/threads/{thread['thread_id']}/runs", json=body)
    assert 400 <= response.status_code < 500, response.text
    assert api.count("decisions") == 0


@pytest.mark.parametrize("name", ["", "x", "../x", "a.b", f"x.{'g' * 64}", f"{'x' * 300}.{'0' * 64}"])
def test_what_is_no_thread_is_not_there(name: str) -> None:
    with pytest.raises(NotFound):
        inbox.named(name)


@pytest.mark.parametrize(("said", "shown"), [
    ("![x](https://evil.example/p.png)", "\\!\\[x\\]\\(https ://evil.example/p.png\\)"),
    ("[Approve here](HTTPS://evil.example)", "\\[Approve here\\]\\(HTTPS ://evil.example\\)"),
    ("see www.evil.example", "see www .evil.example"), ("<img src=x>", "\\<img src=x\\>"), ("# big", "\\# big"),
    ("a\u202eb\u200bc\nd", "a b c d"), ("\\[x]", "\\\\\\[x\\]"), ("plain words, 12.50", "plain words, 12.50"),
])  # fmt: skip
def test_strangers_words_are_words_in_a_reader_of_markdown(said: str, shown: str) -> None:
    assert inbox.plain(said) == shown


def test_a_title_of_a_stranger_is_no_link_in_the_description(api: Api) -> None:
    api.world.filed(title="![x](https://evil.example/p.png?q=1)")
    (thread,) = threads(api, "reviewer")
    assert "![x](" not in request_of(thread)["description"]
    assert "https://" not in request_of(thread)["description"]


def test_what_must_be_opened_first_is_said_with_the_place_and_then_it_is_approved(api: Api) -> None:
    content = b"Invoice 2026-1"
    api.world.accept(content=content, amount="60000.00", exception_type="invoice_received", media_type="text/plain")
    (job,) = api.world.claim(1)
    with api.world.database.transaction("agent", api.world.tokens["agent"]) as conn:
        digest = queue.briefs(conn, [job])[0].facts_digest
    action = Action("release_payment", {"invoice_id": "INV-1"})
    api.world.file(job, letter(digest, action=action, draft=None))
    (thread,) = threads(api, "reviewer")
    body = problem_of(answer(api, "reviewer", thread["thread_id"], "accept"), 409, "evidence-not-opened")
    place = f"/v1/cases/{job.case_id}/document"
    assert f"GET {place}" in body["detail"]
    assert body["unopened"] == ["document"]
    assert api.count("decisions") == 0
    assert api.of("reviewer").get(place).content == content
    assert answer(api, "reviewer", thread["thread_id"], "accept").status_code == 200


def test_too_large_a_body_is_refused_before_it_is_read(api: Api) -> None:
    for path in ("/inbox/threads/search", "/mcp"):
        body = b'{"x": "' + b"a" * 1_500_000 + b'"}'
        problem_of(api.of("reviewer").post(path, content=body), 413, "too-large")
        problem_of(api.of("reviewer").post(path, content=iter([body])), 413, "too-large")
