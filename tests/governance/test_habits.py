"""Habits of suppliers in the record: signed like everything else, refused where malformed, gone when they expire."""

# ruff: noqa: E501  (a case stands on one line)

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from governance import errors
from governance.action import Action
from governance.record import corrections, queue, twin_memories
from governance.record.db import Database
from tests.build import World, letter, world

UNTIL = (datetime.now(UTC) + timedelta(days=300)).date().isoformat()
TODAY = datetime.now(UTC).date().isoformat()
RESTART = {"kind": "numbers_restart", "until": UNTIL}
REUSED = {"kind": "reference_reused", "until": UNTIL, "reference": "RENT"}
RENT = {"kind": "recurring_amount", "until": UNTIL, "amount": "1250.00", "currency": "EUR", "rhythm": "monthly"}
READING = {"fields": {"invoice_number": {"relation": "place", "page": 1, "across": 5, "down": 1}}, "titles": {}}


@pytest.fixture
def acme(one_database: Database) -> World:
    return world(one_database, f"t{uuid.uuid4().hex[:12]}")


def remember(acme: World, content: dict[str, Any], by: str = "analyst", signer: str = "reviewer") -> dict[str, Any]:
    return acme.enact(by, "memory", "S-1", content, (signer,))


def held(
    acme: World, role: str = "agent", who: str = "agent", vendors: list[str] | None = None
) -> list[twin_memories.StoredHabit]:
    with acme.database.transaction(role, acme.tokens[who]) as conn:
        return twin_memories.of(conn, ["S-1"] if vendors is None else vendors)


def test_a_habit_holds_from_its_signature_until_it_is_taken_back(acme: World) -> None:
    row = acme.propose("analyst", "memory", "S-1", {"habits": [RESTART, RENT]})
    assert [seat["role"] for seat in row["seats"]] == ["reviewer"]
    assert row["excluded"] == ["analyst"]
    assert held(acme) == []
    with pytest.raises((errors.SegregationOfDuties, errors.NotPermitted)):
        acme.decide("analyst", row, "approve")
    acme.decide("reviewer", row, "approve")
    assert held(acme) == []
    acme.carry_out(row)
    found = held(acme)
    assert [one.habit for one in found] == [RESTART, RENT]
    assert {(one.recommendation_id, tuple(one.approved_by)) for one in found} == {(row["id"], ("Reviewer",))}
    assert held(acme, "review", "auditor") == found
    assert held(acme, vendors=[]) == held(acme, vendors=["S-2"]) == []
    with acme.database.transaction("review", acme.tokens["auditor"]) as conn:
        assert twin_memories.of(conn, None) == found

    # What is learned beside it says nothing anew of who let the habit hold.
    second = remember(acme, {"reading": READING, "habits": [RENT]}, signer="reviewer2")
    (left,) = held(acme)
    assert (left.habit, left.recommendation_id, list(left.approved_by)) == (RENT, row["id"], ["Reviewer"])
    with acme.database.transaction("review", acme.tokens["auditor"]) as conn:
        assert [one.recommendation_id for one in corrections.memories(conn)] == [second["id"]]

    remember(acme, {"reading": READING, "habits": []})
    assert held(acme) == []
    again = remember(acme, {"habits": [RENT]})
    assert [one.recommendation_id for one in held(acme)] == [again["id"]]


def test_a_habit_ends_by_the_database_s_day(acme: World) -> None:
    remember(acme, {"habits": [{**RENT, "until": TODAY}, {**RESTART, "until": "2020-01-01"}]})
    assert [one.habit["kind"] for one in held(acme)] == ["recurring_amount"]
    remember(acme, {"habits": [RENT], "expires_at": "2020-01-01T00:00:00Z"})
    assert held(acme) == []


@pytest.mark.parametrize(
    ("habits", "why"),
    [
        ({"a": 1}, "a list of at most 50 habits"),
        ([RESTART] * 51, "a list of at most 50 habits"),
        (["rent"], "a habit is"),
        ([["kind"]], "a habit is"),
        ([{**RESTART, "kind": "generous"}], "a habit is"),
        ([{"kind": "numbers_restart"}], "a habit is"),
        ([{**RESTART, "reference": "RENT"}], "a habit is"),
        ([{**REUSED, "reference": 7}], "a habit is"),
        ([{**RESTART, "until": "tomorrow"}], "until a day"),
        ([{**RESTART, "until": "2027-02-30"}], "until a day"),
        ([{**RESTART, "until": "2099-01-01"}], "three years at most"),
        ([{**REUSED, "reference": "rent of Mr X"}], "capitals and digits"),
        ([{**REUSED, "reference": ""}], "capitals and digits"),
        ([{**RENT, "amount": "0.00"}], "above zero"),
        ([{**RENT, "amount": "-5"}], "above zero"),
        ([{**RENT, "currency": "euro"}], "above zero"),
        ([{**RENT, "rhythm": "always"}], "above zero"),
    ],
)  # fmt: skip
def test_what_is_no_habit_is_refused(acme: World, habits: Any, why: str) -> None:
    for beside in ({}, {"reading": READING}):
        with pytest.raises(errors.Malformed, match=why):
            acme.propose("analyst", "memory", "S-1", {**beside, "habits": habits})


def test_a_habit_is_of_a_supplier_in_the_books_and_proposed_by_a_person(acme: World) -> None:
    with pytest.raises(errors.Malformed, match="the books know no supplier S-9"):
        acme.propose("analyst", "memory", "S-9", {"habits": [RESTART]})
    for who, refusal in (
        ("agent", errors.HumanRequired),
        ("service", errors.HumanRequired),
        ("auditor", errors.NotPermitted),
    ):
        with pytest.raises(refusal):
            acme.propose(who, "memory", "S-1", {"habits": [RESTART]})


def test_habits_are_the_tenant_s_own(acme: World, one_database: Database) -> None:
    remember(acme, {"habits": [RESTART]})
    other = world(one_database, f"t{uuid.uuid4().hex[:12]}")
    assert held(other) == []


def test_an_erased_supplier_has_no_habits(acme: World) -> None:
    remember(acme, {"habits": [RESTART, REUSED]})
    acme.enact("admin1", "erasure", "supplier:S-1", {}, ("controller", "admin2"))
    assert held(acme) == []
    assert acme.scalar("SELECT count(*) FROM cs.leaves WHERE tenant = %s AND content LIKE '%%RENT%%'", acme.tenant) == 0


# What people decided on pairs -----------------------------------------------------------------------------------------


def booked(acme: World, *ids: str) -> None:
    acme.import_books(
        "invoices",
        [
            {"invoice_id": one, "vendor_id": "S-1", "vendor_name": "Supplier One", "invoice_no": one, "currency": "EUR", "amount": 5, "invoice_date": "2026-03-01"}
            for one in ids
        ],
    )  # fmt: skip


def marked(
    acme: World, own: str, twin: str, action: str = "mark_duplicate", exception: str = "duplicate_suspect"
) -> dict[str, Any]:
    """A case whose agent says that it is the same as another invoice."""
    case = acme.accept(source_key=f"{own} {twin} {action}", invoice_id=own, exception_type=exception)["case_id"]
    (job,) = acme.claim(1)
    with acme.database.transaction("agent", acme.tokens["agent"]) as conn:
        digest = queue.briefs(conn, [job])[0].facts_digest
    more = {"mark_duplicate": {"duplicate_of": twin}, "hold_payment": {"reason": "a twin"}}
    args = {"invoice_id": own, **more.get(action, {})}
    findings = {
        "duplicates": [
            {"invoice_id": "X-1", "earlier": False, "probability": 0.99},
            {"invoice_id": twin, "earlier": True, "probability": 0.9},
        ]
    }
    acme.scalar(
        "UPDATE cs.invoices SET case_id = %s WHERE tenant = %s AND invoice_id = %s RETURNING 1", case, acme.tenant, own
    )
    proposal = letter(digest, action=Action(action, args), draft=None, findings=findings)
    return acme.recommendation(acme.file(job, proposal).recommendation_id)


def judged(acme: World) -> list[tuple[str, str, bool, str]]:
    with acme.database.transaction("review", acme.tokens["auditor"]) as conn:
        return [(one.left_id, one.right_id, one.duplicate, one.actor) for one in twin_memories.judged(conn)]


def test_what_people_decided_is_a_label(acme: World) -> None:
    booked(acme, *(f"I-{n}" for n in range(1, 9)))
    yes = marked(acme, "I-2", "I-1")
    assert judged(acme) == []  # nobody has said anything yet
    acme.decide("reviewer", yes, "approve")
    assert judged(acme) == [("I-1", "I-2", True, "reviewer")]
    acme.carry_out(yes)
    no = marked(acme, "I-4", "I-3")
    acme.decide("reviewer", no, "reject", reason_code="wrong_match")
    unclear = marked(acme, "I-6", "I-5")
    acme.decide("reviewer", unclear, "reject", reason_code="wrong_data")
    assert judged(acme) == [("I-1", "I-2", True, "reviewer"), ("I-3", "I-4", False, "reviewer")]


def test_a_release_instead_says_no_duplicate_once_it_is_signed(acme: World) -> None:
    booked(acme, "I-1", "I-2")
    row = marked(acme, "I-2", "I-1", "hold_payment")
    made = acme.decide(
        "reviewer",
        row,
        "override",
        reason_code="wrong_action",
        action={"name": "route_for_approval", "args": {"role": "budget owner", "reason": "it is another bill"}},
    )
    assert judged(acme) == []
    acme.decide("reviewer2", acme.recommendation(made["recommendation_id"]), "approve")
    assert judged(acme) == [("I-1", "I-2", False, "reviewer")]


def test_undoing_is_the_newer_word(acme: World) -> None:
    booked(acme, "I-1", "I-2")
    row = marked(acme, "I-2", "I-1")
    acme.decide("reviewer", row, "approve")
    acme.carry_out(row)
    undo = marked(acme, "I-2", "I-1", "undo_duplicate")
    acme.decide("reviewer2", undo, "approve")
    assert judged(acme) == [("I-1", "I-2", False, "reviewer2")]


def test_who_is_gone_and_what_is_erased_says_nothing(acme: World) -> None:
    booked(acme, "I-1", "I-2")
    row = marked(acme, "I-2", "I-1")
    acme.decide("reviewer", row, "approve")
    acme.scalar("UPDATE cs.actors SET active = false WHERE tenant = %s AND id = 'reviewer' RETURNING 1", acme.tenant)
    assert judged(acme) == []
    acme.scalar("UPDATE cs.actors SET active = true WHERE tenant = %s AND id = 'reviewer' RETURNING 1", acme.tenant)
    assert judged(acme)
    acme.carry_out(row)
    acme.scalar(
        "UPDATE cs.effects SET state = 'sent' WHERE tenant = %s AND recommendation_id = %s RETURNING 1",
        acme.tenant,
        row["id"],
    )
    acme.scalar(
        "UPDATE cs.cases SET state = 'done' WHERE tenant = %s AND id = %s RETURNING 1", acme.tenant, row["case_id"]
    )
    acme.enact("admin1", "erasure", f"case:{row['case_id']}", {}, ("controller", "admin2"))
    assert judged(acme) == []
