"""Which control refuses what: one list of ids for code, database and docs, and its trace in the ledger."""

from __future__ import annotations

import json
import re
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from governance import errors
from governance.errors import BY_SQLSTATE, Refusal
from governance.record import accounts, agreement, ledger, outbox, review
from governance.record.db import Database
from tests.build import World, genesis, world

ROOT = Path(__file__).resolve().parents[2]
LISTED = set(
    re.findall(r"^\| ([A-Z]{2,4}-\d\d) \|", (ROOT / "docs" / "governance.md").read_text("utf-8"), re.MULTILINE)
)
SQL = {path.name: path.read_text("utf-8") for path in (ROOT / "governance" / "record" / "schema").glob("*.sql")}


@pytest.fixture
def acme(database: Database) -> World:
    return world(database)


def note(made: World, by: str, row: dict[str, Any], decision: str, code: str) -> bool:
    with made.database.transaction("review", made.tokens[by]) as conn:
        return review.note_refusal(conn, row["id"], decision, code)


def noted(made: World) -> list[tuple[Any, ...]]:
    """(actor, recommendation, decision, controls, code, digest) of every refused decision in the ledger."""
    with made.database.transaction("owner") as conn:
        rows = conn.execute(
            "SELECT entry FROM cs.ledger WHERE tenant = %s AND kind = 'decision.refused' ORDER BY seq", (made.tenant,)
        ).fetchall()
    parts = ("decision", "controls", "code", "digest")
    entries = [json.loads(row[0]) for row in rows]
    assert all(set(one["body"]) == set(parts) for one in entries)
    return [(one["actor"], one["subject"], *(one["body"][part] for part in parts)) for one in entries]


# Ids --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cls", BY_SQLSTATE.values(), ids=BY_SQLSTATE)
def test_every_control_that_a_refusal_names_is_in_the_book(cls: type[Refusal]) -> None:
    assert set(cls.controls) <= LISTED
    assert cls().extensions == ({"controls": list(cls.controls)} if cls.controls else {})


def test_every_control_that_permits_and_functions_name_is_in_the_book() -> None:
    permits = (ROOT / "governance" / "policies" / "standard" / "permits.cedar").read_text("utf-8")
    denials = set(re.findall(r'@id\("([^"]+)"\)\s+@words\([^)]*\)\s+forbid', permits))
    assert len(denials) == permits.count("forbid (") > 3
    named = set(re.findall(r"\b[A-Z]{2,4}-\d\d\b", SQL["functions_62_refusals.sql"]))
    for text in SQL.values():
        named |= {
            one for ids in re.findall(r"'controls', ARRAY\[([^\]]*)\]", text) for one in re.findall(r"'(.*?)'", ids)
        }
    assert {"CHG-02", "GATE-05", "SOD-01"} <= named
    assert denials | named <= LISTED


def test_who_raises_may_name_others() -> None:
    assert errors.SegregationOfDuties().extensions == {"controls": ["SOD-10"]}
    assert errors.SegregationOfDuties("no", controls=["SOD-12"]).extensions == {"controls": ["SOD-12"]}
    assert errors.HumanRequired("no", controls=[]).extensions == {"controls": []}


def test_the_database_names_the_same(acme: World) -> None:
    with acme.database.transaction("owner") as conn:
        found = {code: conn.execute("SELECT cs._controls(%s)", (code,)).fetchall()[0][0] for code in BY_SQLSTATE}
    assert found == {code: list(cls.controls) for code, cls in BY_SQLSTATE.items()}


def test_ids_come_along_where_the_database_speaks_first(acme: World) -> None:
    row = acme.filed(by="reviewer")
    with pytest.raises(errors.SegregationOfDuties) as refused:
        acme.decide("reviewer", row, "approve")
    assert refused.value.extensions == {"controls": ["SOD-10"]}


# The ledger -------------------------------------------------------------------------------------------------------


def test_a_refused_decision_is_said_once(acme: World) -> None:
    row = acme.filed()
    assert [note(acme, "reviewer", row, "approve", "CS410") for _ in range(3)] == [True, False, False]
    assert note(acme, "reviewer", row, "reject", "CS410")
    assert note(acme, "reviewer", row, "approve", "CS420")
    assert note(acme, "reviewer2", row, "approve", "CS410")
    assert noted(acme) == [
        ("reviewer", row["id"], "approve", ["SOD-10"], "CS410", row["digest"]),
        ("reviewer", row["id"], "reject", ["SOD-10"], "CS410", row["digest"]),
        ("reviewer", row["id"], "approve", ["GATE-03"], "CS420", row["digest"]),
        ("reviewer2", row["id"], "approve", ["SOD-10"], "CS410", row["digest"]),
    ]
    with acme.database.transaction("audit", acme.tokens["auditor"]) as conn:
        assert agreement.disagreements(conn, acme.tenant) == []
        assert ledger.verify(conn, acme.tenant, None)[1] is None
    assert acme.decide("reviewer", row, "approve")["state"] == "approved"


def test_saying_it_at_the_same_time_is_saying_it_once(acme: World) -> None:
    """All have looked, and wait for the ledger, before the first of them writes."""
    row = acme.filed()
    news: list[bool] = []
    threads = [
        threading.Thread(target=lambda: news.append(note(acme, "reviewer", row, "approve", "CS410"))) for _ in "abc"
    ]
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with acme.database.transaction("owner") as conn:
        conn.execute("SELECT FROM cs.ledger_heads WHERE tenant = %s FOR UPDATE", (acme.tenant,))
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + 30
        while acme.scalar(waiting) < len(threads):
            assert time.monotonic() < deadline, "they do not all wait"
            time.sleep(0.02)
    for thread in threads:
        thread.join()
    assert sorted(news) == [False, False, True]
    assert len(noted(acme)) == 1


def test_machines_and_auditors_are_refused_for_what_they_are(acme: World) -> None:
    row = acme.filed()
    for who, code in (("service", "CS412"), ("agent", "CS412"), ("auditor", "CS403")):
        assert note(acme, who, row, "approve", code)
    assert [one[3] for one in noted(acme)] == [["SOD-00"], ["SOD-00"], ["SOD-01"]]


@pytest.mark.parametrize(
    ("by", "decision", "code"),
    [
        ("reviewer", "approve", "CS412"),  # a person is no machine
        ("reviewer", "approve", "CS403"),  # nor an auditor
        ("agent", "approve", "CS410"),
        ("auditor", "approve", "CS410"),
        ("service", "approve", "CS403"),
        ("reviewer", "approve", "CS421"),  # no control
        ("reviewer", "approve", "CS999"),
        ("reviewer", "approve", "42501"),
        ("reviewer", "approve", None),
        ("reviewer", "sabotage", "CS410"),
        ("reviewer", None, "CS410"),
    ],
)
def test_what_cannot_have_been_is_not_noted(acme: World, by: str, decision: Any, code: Any) -> None:
    row = acme.filed()
    with pytest.raises(errors.Malformed):
        note(acme, by, row, decision, code)
    assert noted(acme) == []


def test_a_recommendation_of_somebody_else_s_tenant_is_none(acme: World) -> None:
    row = acme.filed()
    beta = genesis(acme.database, "beta")
    with pytest.raises(errors.NotFound):
        note(beta, "reviewer", row, "approve", "CS410")
    with pytest.raises(errors.NotFound):
        note(acme, "reviewer", {"id": "no-such"}, "approve", "CS410")
    assert noted(acme) == noted(beta) == []


@pytest.mark.parametrize("role", ["intake", "agent", "courier", "audit", "checkpoint"])
def test_only_the_reviewers_door_says_it(acme: World, role: str) -> None:
    row = acme.filed()
    with (
        pytest.raises(Exception, match="permission denied"),
        acme.database.transaction(role, acme.tokens["reviewer"]) as conn,
    ):
        review.note_refusal(conn, row["id"], "approve", "CS410")
    assert noted(acme) == []


def test_a_key_that_sees_no_case_says_nothing_of_one(acme: World) -> None:
    row = acme.filed()
    for scope in ("read", "submit"):
        with acme.database.transaction("review", acme.tokens["reviewer"]) as conn:
            accounts.issue_key(conn, f"{scope}-key", "reviewer", scope, None, [scope])
        acme.tokens[scope] = f"{scope}-key"
    assert note(acme, "read", row, "approve", "CS410")
    with pytest.raises(errors.NotPermitted):
        note(acme, "submit", row, "reject", "CS410")
    assert [one[0] for one in noted(acme)] == ["reviewer"]


def test_an_effect_names_what_refused_it_by_id_only(acme: World) -> None:
    row = acme.filed()
    acme.decide("reviewer", row, "approve")
    acme.scalar("UPDATE cs.effects SET available_at = now() RETURNING 1")
    with acme.database.transaction("courier", acme.tokens["courier"]) as conn:
        (effect,) = outbox.claim(conn, "test", 1, 60)
    for bad in (["because"], ["GATE-05", ""], ["GATE-05"] * 6):
        with (
            pytest.raises(errors.Malformed),
            acme.database.transaction("courier", acme.tokens["courier"]) as conn,
        ):
            outbox.settle(conn, effect, "refused", "no", 0, bad)
    with acme.database.transaction("courier", acme.tokens["courier"]) as conn:
        outbox.settle(conn, effect, "refused", "no", 0, ["GATE-05"])
    entry = json.loads(acme.scalar("SELECT entry FROM cs.ledger WHERE kind = 'effect.refused'"))
    assert entry["body"]["controls"] == ["GATE-05"]
