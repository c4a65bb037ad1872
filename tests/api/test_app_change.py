"""Changes, delegations, absences and bulk approvals over HTTP, and the courier that applies a change."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from api.commands import change
from api.delivery.courier import Courier
from governance import errors
from governance.gate import Question
from governance.policy import compile_policy, standard_policy
from governance.replay import Recorded, replay
from tests.api.conftest import Api, problem_of
from tests.build import World


def propose(api: Api, by: str = "admin1", **values: Any) -> dict[str, Any]:
    body = {
        "kind": "roles",
        "subject": "analyst2",
        "content": {"roles": ["reviewer"], "active": True},
        "why": "she joins",
        **values,
    }
    response = api.of(by).post("/v1/changes", json=body)
    assert response.status_code == 201, response.text
    return dict(response.json())


def decisions(row: dict[str, Any]) -> tuple[str, dict[str, str]]:
    return f"/v1/recommendations/{row['id']}/decisions", {"decision": "approve", "digest": row["digest"]}


def approve(api: Api, row: dict[str, Any], *people: str) -> None:
    for who in people:
        response = api.of(who).post(
            f"/v1/recommendations/{row['id']}/decisions", json={"decision": "approve", "digest": row["digest"]}
        )
        assert response.status_code == 200, response.text


def deliver(world: World) -> list[str]:
    """One round of a real courier over what is due; the outcomes."""
    world.scalar("UPDATE cs.effects SET available_at = now() - interval '1 day' WHERE state = 'ready' RETURNING 1")
    done: list[str] = []
    courier = Courier(world.database, world.tokens["courier"], {}, name="test")
    courier.run_once(lambda delivery: done.append(delivery.outcome.state if delivery.outcome else "lost"))
    return done


def test_a_change_from_proposal_to_effect(api: Api) -> None:
    row = propose(api)
    assert (row["queue"], row["action"]["name"]) == ("governance", "change_roles")
    assert row["change"]["content"] == {"roles": ["reviewer"], "active": True}
    assert [seat["role"] for seat in row["required_seats"]] == ["administrator", "controller"]
    listed = api.of("auditor").get("/v1/recommendations", params={"queue": "governance"}).json()["items"]
    assert [one["id"] for one in listed] == [row["id"]]
    problem_of(
        api.of("admin1").post(decisions(row)[0], json=decisions(row)[1]), 403, "segregation-of-duties",
    )  # fmt: skip
    approve(api, row, "controller", "admin2")
    assert deliver(api.world) == ["sent"]
    assert api.of("analyst2").get("/v1/me").json()["roles"] == ["reviewer"]
    assert api.of("auditor").get(f"/v1/recommendations/{row['id']}").json()["state"] == "executed"


def test_a_change_that_no_longer_fits_is_refused_by_the_courier_and_closed(api: Api) -> None:
    first, second = propose(api), propose(api, content={"roles": ["controller"], "active": True})
    for row in (first, second):
        approve(api, row, "controller", "admin2")
    assert sorted(deliver(api.world)) == ["refused", "sent"]
    states = {api.of("auditor").get(f"/v1/recommendations/{row['id']}").json()["state"] for row in (first, second)}
    assert states == {"executed", "superseded"}


def test_what_can_be_changed_and_what_is_set(api: Api) -> None:
    kinds = api.of("analyst").get("/v1/changes/kinds").json()["items"]
    assert {"policy", "roles", "model", "hold", "erasure"} <= {kind["kind"] for kind in kinds}
    assert api.of("analyst").get("/v1/settings").json()["items"] == []
    row = propose(api, "analyst", kind="memory", subject="S-1", content={"restarts_numbers": True})
    approve(api, row, "reviewer")
    deliver(api.world)
    (held,) = api.of("analyst").get("/v1/settings", params={"kind": "memory"}).json()["items"]
    assert (held["subject"], held["version"], held["content"]) == ("S-1", 1, {"restarts_numbers": True})


@pytest.mark.parametrize(
    ("by", "values", "status", "slug"),
    [
        ("auditor", {}, 403, "not-permitted"),
        ("service", {}, 403, "human-required"),
        ("analyst", {}, 403, "not-permitted"),
        ("admin1", {"kind": "gravity"}, 400, "malformed"),
        ("admin1", {"subject": "nobody"}, 400, "malformed"),
        ("admin1", {"content": {"roles": ["king"], "active": True}}, 400, "malformed"),
        ("admin1", {"content": {"roles": [0.5], "active": True}}, 400, "malformed"),
        ("admin1", {"why": ""}, 400, "malformed"),
    ],
)
def test_changes_that_are_refused(api: Api, by: str, values: dict[str, Any], status: int, slug: str) -> None:
    body = {"kind": "roles", "subject": "analyst2", "content": {"roles": [], "active": True}, "why": "x", **values}
    problem_of(api.of(by).post("/v1/changes", json=body), status, slug)


def test_delegations_and_absences(api: Api) -> None:
    ends = {"starts_at": "2020-01-01T00:00:00Z", "ends_at": "2020-06-01T00:00:00Z"}
    problem_of(
        api.of("controller").post("/v1/delegations", json={"to": "reviewer2", "role": "controller", **ends}),
        400,
        "malformed",
    )
    ends = {"starts_at": "2026-01-01T00:00:00+01:00", "ends_at": "2026-12-31T00:00:00Z"}
    made = api.of("controller").post("/v1/delegations", json={"to": "reviewer2", "role": "controller", **ends})
    assert made.status_code == 201
    problem_of(
        api.of("analyst").post("/v1/delegations", json={"to": "reviewer2", "role": "controller", **ends}),
        403,
        "not-permitted",
    )
    naive = {"to": "reviewer2", "role": "controller", **ends, "starts_at": "2026-01-01T00:00:00"}
    problem_of(api.of("controller").post("/v1/delegations", json=naive), 400, "malformed")
    (listed,) = api.of("auditor").get("/v1/delegations").json()["items"]
    assert (listed["from_actor"], listed["to_actor"], listed["role"]) == ("controller", "reviewer2", "controller")
    assert api.of("reviewer2").delete(f"/v1/delegations/{listed['id']}").status_code == 204
    problem_of(api.of("reviewer2").delete(f"/v1/delegations/{listed['id']}"), 404, "not-found")
    away = api.of("controller").post("/v1/absences", json=ends).json()["id"]
    problem_of(api.of("analyst").post("/v1/absences", json={"actor": "controller", **ends}), 403, "not-permitted")
    assert [one["actor"] for one in api.of("auditor").get("/v1/absences").json()["items"]] == ["controller"]
    assert api.of("admin1").delete(f"/v1/absences/{away}").status_code == 204


def test_bulk_answers_one_by_one(api: Api) -> None:
    row = api.world.filed()
    items = [
        {"recommendation_id": row["id"], "digest": row["digest"]},
        {"recommendation_id": "no-such", "digest": row["digest"]},
    ]
    found = api.of("reviewer").post("/v1/decisions", json={"items": items}).json()["items"]
    assert [one["problem"]["type"].rsplit("/", 1)[-1] for one in found] == ["not-in-bulk", "not-found"]
    problem_of(api.of("analyst").post("/v1/decisions", json={"items": items}), 403, "not-permitted")
    problem_of(api.of("reviewer").post("/v1/decisions", json={"items": []}), 400, "malformed")


def test_reading_over_http_is_opening(api: Api) -> None:
    case = api.world.accept(content=b"<xml/>")["case_id"]
    api.of("reviewer").get(f"/v1/cases/{case}")
    api.of("reviewer").get(f"/v1/cases/{case}/document")
    api.of("service").get(f"/v1/cases/{case}")
    opened = api.world.scalar(
        "SELECT array_agg(actor || ' ' || what ORDER BY what) FROM cs.openings WHERE case_id = %s", case
    )
    assert opened == ["reviewer case", "reviewer document"]


STRICT = """
name = "s"
owner = "o"
currency = "EUR"
[[rule]]
id = "all"
actions = ["*"]
seats = { controller = 2 }
"""


def test_a_replay_says_who_would_have_been_asked() -> None:
    strict = compile_policy(STRICT, "")
    history = [
        Recorded(Question("send_supplier_email", None, "low", "DE01", "EU"), (("reviewer", "rita"),)),
        Recorded(Question("send_supplier_email", None, "low", "DE01", "EU"), (("reviewer", "rita"),), erased=True),
    ]
    found = replay(standard_policy(), strict, history)
    assert (found.cases, found.skipped, found.more, found.fewer) == (2, 1, 1, 1)
    assert (found.seats_before, found.seats_after) == ({"reviewer": 1}, {"controller": 2})
    assert (found.signed, found.no_longer_asked) == ({"rita": 1}, {"rita": 1})
    same = replay(strict, strict, history)
    assert (same.more, same.fewer) == (0, 0)
    assert json.loads(json.dumps(found.as_dict()))["amount_more"] == "0"


def test_content_of_a_change_on_the_command_line(tmp_path: Path) -> None:
    file = tmp_path / "c.json"
    file.write_text('{"a": "b"}')
    assert change.content_of(f"@{file}") == change.content_of('{"a": "b"}') == {"a": "b"}
    for wrong in ("{", "[]", "1"):
        with pytest.raises(errors.Malformed):
            change.content_of(wrong)


def test_a_running_courier_applies_changes(api: Api) -> None:
    row = propose(api)
    approve(api, row, "controller", "admin2")
    stop = threading.Event()
    courier = Courier(api.world.database, api.world.tokens["courier"], {}, name="test")
    thread = threading.Thread(target=courier.run_forever, args=(stop, 0.1))
    thread.start()
    try:
        for _ in range(200):
            if api.world.recommendation(row["id"])["state"] == "executed":
                break
            stop.wait(0.1)
    finally:
        stop.set()
        thread.join(20)
    assert api.world.recommendation(row["id"])["state"] == "executed"
