"""What the clock opens by itself, once; when an SLA is due; what a queue's mode lets through."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from governance import errors
from governance.action import Action
from governance.policy import compile_policy
from governance.record import queue
from governance.record.db import Database
from tests.build import World, letter, world

NONE = {"stalled": 0, "overdue": 0, "missing": 0, "abandoned": 0, "settled": 0}


@pytest.fixture
def acme(database: Database) -> World:
    return world(database)


def watched(acme: World) -> dict[str, int]:
    return {name: count for name, count in acme.tick().items() if name in NONE}


def cases(acme: World) -> list[tuple[str, ...]]:
    with acme.database.transaction("owner") as conn:
        found = conn.execute(
            "SELECT exception_type, queue, state, title FROM cs.cases WHERE source_key LIKE 'watch:%' "
            "ORDER BY created_at"
        )
        return [tuple(row) for row in found]


def task(acme: World, due: str, **more: Any) -> None:
    row = {"id": "CT-1", "task": "Accruals", "owner": "accountant-1", "entity": "DE01", "period": "2026-10"}
    acme.import_books("close_tasks", [{**row, "due_date": due, **more}])


def document(acme: World, due: str, **more: Any) -> None:
    row = {"id": "ED-1", "document": "tax_form", "customer_id": "C-1", "entity": "DE01", "requested_on": "2026-01-02"}
    acme.import_books("expected_documents", [{**row, "due_date": due, **more}])


def long_ago(acme: World, days: int) -> None:
    """Everything on record happened so many days earlier."""
    with acme.database.transaction("owner") as conn:
        conn.execute("SET LOCAL session_replication_role = replica")
        for table, column in (
            ("cases", "created_at"), ("case_revisions", "created_at"), ("recommendations", "created_at"),
            ("effects", "created_at"), ("decisions", "at"), ("openings", "at"),
        ):  # fmt: skip
            conn.execute(f"UPDATE cs.{table} SET {column} = {column} - make_interval(days => %s)".encode(), (days,))


def test_an_overdue_close_task_is_opened_once_and_again_with_another_date(acme: World) -> None:
    task(acme, "2099-01-01")
    assert watched(acme) == NONE
    task(acme, "2026-01-30")
    assert (watched(acme)["overdue"], watched(acme)) == (1, NONE)
    assert cases(acme) == [("close_task_overdue", "record_to_report", "queued", "Close task is overdue: Accruals")]
    with acme.database.transaction("agent", acme.tokens["agent"]) as conn:
        (brief,) = queue.briefs(conn, acme.claim(1))
    assert brief.facts.details["owner"] == "accountant-1"
    assert (brief.facts.amount, brief.facts.initiator, brief.facts.due_date) == (None, "courier", date(2026, 1, 30))
    assert brief.plan.steps
    task(acme, "2026-02-27")
    # The case on the first date is being worked on: it is left to whoever does.
    assert watched(acme) == {**NONE, "overdue": 1}


def test_what_is_over_is_settled_before_anybody_decides(acme: World) -> None:
    document(acme, "2026-01-30")
    assert watched(acme) == {**NONE, "missing": 1}
    (job,) = acme.claim(1)
    proposal = letter(acme.scalar("SELECT facts_digest FROM cs.case_revisions"), draft=None,
                      action=Action("schedule_call", {"topic": "missing document", "customer_id": "C-1"}))  # fmt: skip
    filed = acme.file(job, proposal)
    document(acme, "2026-01-30", received_on="2026-02-03")
    assert (watched(acme), watched(acme)) == ({**NONE, "settled": 1}, NONE)
    assert acme.recommendation(filed.recommendation_id)["state"] == "superseded"
    assert [row[2] for row in cases(acme)] == ["superseded"]
    assert acme.scalar("SELECT count(*) FROM cs.ledger WHERE kind = 'case.settled'") == 1
    with pytest.raises(errors.IllegalState):
        acme.decide("reviewer", acme.recommendation(filed.recommendation_id), "approve")


def test_what_somebody_holds_is_settled_by_the_next_tick_and_nobody_waits(acme: World) -> None:
    document(acme, "2026-01-30")
    watched(acme)
    (job,) = acme.claim(1)
    proposal = letter(acme.scalar("SELECT facts_digest FROM cs.case_revisions"), draft=None,
                      action=Action("schedule_call", {"topic": "missing document", "customer_id": "C-1"}))  # fmt: skip
    filed = acme.file(job, proposal)
    document(acme, "2026-01-30", received_on="2026-02-03")
    for held in (
        "SELECT FROM cs.recommendations WHERE id = %s FOR UPDATE",
        "SELECT FROM cs.cases c JOIN cs.recommendations r ON r.case_id = c.id WHERE r.id = %s FOR UPDATE OF c",
    ):
        with acme.database.transaction("owner", acme.tokens["reviewer"]) as conn:
            conn.execute(held.encode(), (filed.recommendation_id,))
            assert watched(acme) == NONE
    assert watched(acme) == {**NONE, "settled": 1}


def test_what_somebody_has_signed_is_not_settled_under_them(acme: World) -> None:
    task(acme, "2026-01-30")
    watched(acme)
    (job,) = acme.claim(1)
    proposal = letter(acme.scalar("SELECT facts_digest FROM cs.case_revisions"), draft=None,
                      action=Action("escalate_close_task", {"task": "Accruals", "reason": "overdue"}))  # fmt: skip
    row = acme.recommendation(acme.file(job, proposal).recommendation_id)
    acme.decide("reviewer", row, "approve")
    task(acme, "2026-01-30", done_on="2026-02-01")
    assert watched(acme) == NONE
    assert acme.recommendation(row["id"])["state"] == "approved"


def test_a_proposal_that_waits_is_opened_once_whatever_is_asked_anew(acme: World) -> None:
    row = acme.filed()
    assert watched(acme) == NONE
    long_ago(acme, 7)
    assert (watched(acme)["stalled"], watched(acme)) == (1, NONE)
    ((kind, where, _, title),) = cases(acme)
    assert (kind, where, title) == ("approval_stalled", "accounts_payable", "Approval stalled")
    details = acme.scalar("SELECT d.details FROM cs.case_readings d JOIN cs.cases c ON c.id = d.case_id "
                          "WHERE c.source_key LIKE 'watch:%%'")  # fmt: skip
    assert details["case"] == row["case_id"]
    assert (details["approver"], details["waiting_days"]) == ("reviewer", 7)
    acme.decide("reviewer", row, "approve")
    assert watched(acme) == {**NONE, "settled": 1}


def test_an_approval_that_a_person_was_asked_for_stalls_too(acme: World) -> None:
    acme.accept(exception_type="price_variance")
    (job,) = acme.claim(1)
    ask = Action("route_for_approval", {"role": "buyer", "reason": "who ordered it"})
    digest = acme.scalar("SELECT facts_digest FROM cs.case_revisions")
    row = acme.recommendation(acme.file(job, letter(digest, action=ask, draft=None)).recommendation_id)
    acme.decide("reviewer", row, "approve")
    acme.carry_out(row, "manual")
    long_ago(acme, 7)
    assert watched(acme) == {**NONE, "stalled": 1}


def test_a_case_on_which_nobody_works_is_abandoned_until_somebody_looks(acme: World) -> None:
    row = acme.filed()
    long_ago(acme, 15)
    assert watched(acme)["abandoned"] == 1
    assert watched(acme) == NONE
    acme.opened("analyst", row)
    assert watched(acme)["settled"] == 1
    long_ago(acme, 15)
    assert watched(acme)["abandoned"] == 1, "silent once more"


def test_the_clock_s_own_cases_and_governed_changes_are_not_watched(acme: World) -> None:
    task(acme, "2026-01-30")
    acme.propose("admin1", "calendar", "DE01", {"holidays": ["2026-12-25"]})
    watched(acme)
    long_ago(acme, 60)
    assert watched(acme) == NONE


def test_two_clocks_at_once_open_one_case(acme: World) -> None:
    acme.import_books("close_tasks", [
        {"id": f"CT-{n}", "task": f"Task {n}", "entity": "DE01", "due_date": "2026-01-30"} for n in range(20)
    ])  # fmt: skip
    clocks = [threading.Thread(target=acme.tick) for _ in range(4)]
    for clock in clocks:
        clock.start()
    for clock in clocks:
        clock.join()
    acme.tick()
    assert len(cases(acme)) == 20


def test_nobody_brings_in_a_case_under_the_clock_s_keys(acme: World) -> None:
    with pytest.raises(errors.Refusal, match="the clock's own"):
        acme.accept(source_key="watch:close_task_overdue:CT-1:2026-01-30")


def test_from_when_on_something_is_watched_is_a_governed_line(acme: World) -> None:
    acme.filed()
    long_ago(acme, 7)
    with pytest.raises(errors.Malformed, match="approval_hours"):
        acme.propose("admin1", "threshold", "watchers", {"approval_hours": "soon"})
    acme.enact("admin1", "threshold", "watchers", {"approval_hours": "900"}, ("reviewer", "controller"))
    assert watched(acme) == NONE


# Working days -----------------------------------------------------------------------------------------------------


def due(acme: World, start: datetime, hours: int, calendar: str = "{}") -> datetime:
    found: datetime = acme.scalar("SELECT cs._after(%s::jsonb, %s, %s)", calendar, start, hours)
    return found.astimezone(UTC)


FRIDAY = datetime(2026, 11, 20, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours", "calendar", "expected"),
    [
        (8, "{}", FRIDAY + timedelta(hours=8)),
        (9, "{}", FRIDAY + timedelta(hours=9)),
        (24, "{}", FRIDAY + timedelta(days=3)),
        (24, '{"holidays": ["2026-11-23"]}', FRIDAY + timedelta(days=4)),
        (24, '{"workdays": [1, 2, 3, 4, 5, 6, 7]}', FRIDAY + timedelta(days=1)),
        # Berlin's Friday ends an hour before that of UTC.
        (8, '{"time_zone": "Europe/Berlin"}', FRIDAY + timedelta(hours=8)),
        (9, '{"time_zone": "Europe/Berlin"}', FRIDAY + timedelta(days=2, hours=9)),
    ],
)
def test_hours_pass_on_working_days_alone(acme: World, hours: int, calendar: str, expected: datetime) -> None:
    assert due(acme, FRIDAY, hours, calendar) == expected


def test_a_case_is_due_by_the_calendar_of_its_entity(acme: World) -> None:
    acme.enact("admin1", "calendar", "DE01", {"workdays": [datetime.now(UTC).isoweekday()]}, ("reviewer", "controller"))
    acme.accept()
    acme.accept(source_key="key-2", entity="FR01")
    late, soon = (
        acme.scalar("SELECT sla_due_at - created_at FROM cs.cases WHERE source_key = %s", key)
        for key in ("key-1", "key-2")
    )
    assert late >= timedelta(days=7) > soon


@pytest.mark.parametrize("content", [
    {"holidays": ["25.12.2026"]}, {"workdays": []}, {"workdays": [8]}, {"time_zone": "Berlin"}, {"open": "09:00"},
])  # fmt: skip
def test_a_calendar_that_says_nothing_is_refused(acme: World, content: dict[str, Any]) -> None:
    with pytest.raises(errors.Malformed):
        acme.propose("admin1", "calendar", "DE01", content)


# Modes ------------------------------------------------------------------------------------------------------------

MATRIX = 'name = "m"\nowner = "O"\ncurrency = "EUR"\n[[rule]]\nid = "one"\nactions = ["*"]\nseats = { reviewer = 1 }\n'
FLOWS = """
[modes]
accounts_payable = "observe"
[[workflow]]
queue = "accounts_payable"
exception_type = "missing_order_reference"
owner = "AP lead"
sla_hours = 24
actions = ["request_purchase_order"]
"""


def test_a_queue_that_is_observed_takes_no_proposal_but_a_person(database: Database) -> None:
    made = world(database, policy=compile_policy(MATRIX, FLOWS))
    made.accept()
    (job,) = made.claim(1)
    with made.database.transaction("agent", made.tokens["agent"]) as conn:
        (brief,) = queue.briefs(conn, [job])
    assert brief.mode == "observe"
    with pytest.raises(errors.Refusal, match="not among the actions"):
        made.file(job)
    refer = Action("refer_to_person", {"reason": "observed"})
    assert made.file(job, letter(brief.facts_digest, action=refer, draft=None)).created
