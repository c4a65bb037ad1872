"""What keeps the clock's watchers within their tenant, their lines, and out of the way of whoever works on a case."""

from __future__ import annotations

from typing import Any

import pytest

from governance import errors
from governance.action import Action
from governance.policy import compile_policy
from governance.record.db import Database
from tests.build import World, genesis, letter, world
from tests.governance.test_watchers import FRIDAY, NONE, cases, document, due, long_ago, task, watched

TWO = 'name = "m"\nowner = "O"\ncurrency = "EUR"\n[[rule]]\nid = "two"\nactions = ["*"]\nseats = { reviewer = 2 }\n'
CLOSE = """
[[workflow]]
queue = "record_to_report"
exception_type = "close_task_overdue"
owner = "Close lead"
sla_hours = 24
actions = ["escalate_close_task"]
"""


@pytest.fixture
def acme(database: Database) -> World:
    return world(database)


def proposed(acme: World) -> dict[str, Any]:
    """The one case that the clock opened, with a proposal to escalate its task."""
    (job,) = acme.claim(1)
    ask = Action("escalate_close_task", {"task": "Accruals", "reason": "overdue"})
    digest = acme.scalar("SELECT facts_digest FROM cs.case_revisions WHERE case_id = %s", job.case_id)
    return acme.recommendation(acme.file(job, letter(digest, action=ask, draft=None)).recommendation_id)


def test_a_clock_sees_nothing_of_another_tenant(acme: World) -> None:
    other = world(acme.database, "other")
    other.filed()
    task(other, "2026-01-30")
    document(other, "2026-01-30")
    long_ago(other, 40)
    assert watched(acme) == NONE
    assert cases(acme) == []
    assert watched(other) == {**NONE, "stalled": 1, "overdue": 1, "missing": 1, "abandoned": 1}
    assert watched(acme) == NONE, "nor does it settle what another clock has opened"
    assert {row[2] for row in cases(acme)} == {"queued"}


def test_what_one_of_two_has_signed_is_not_settled_under_them(database: Database) -> None:
    made = world(database, policy=compile_policy(TWO, CLOSE))
    task(made, "2026-01-30")
    assert watched(made) == {**NONE, "overdue": 1}
    row = proposed(made)
    made.decide("reviewer", row, "approve")
    task(made, "2026-01-30", done_on="2026-02-01")
    assert watched(made) == NONE
    assert made.recommendation(row["id"])["state"] == "awaiting_review"
    made.decide("reviewer2", row, "approve")
    assert made.recommendation(row["id"])["state"] == "approved"


def test_a_case_whose_work_somebody_is_handing_out_is_left_for_the_next_tick(acme: World) -> None:
    task(acme, "2026-01-30")
    watched(acme)
    task(acme, "2026-01-30", done_on="2026-02-01")
    with acme.database.transaction("owner") as conn:
        conn.execute("SELECT FROM cs.jobs j JOIN cs.cases c ON c.id = j.case_id WHERE c.source_key LIKE 'watch:%' "
                     "FOR UPDATE OF j")  # fmt: skip
        assert watched(acme) == NONE
    assert [row[2] for row in cases(acme)] == ["queued"]
    assert watched(acme) == {**NONE, "settled": 1}
    assert acme.claim() == [], "nobody is given work on it"


def test_what_the_clock_opened_and_waits_for_signatures_is_not_opened_again(acme: World) -> None:
    task(acme, "2026-01-30")
    watched(acme)
    proposed(acme)
    long_ago(acme, 60)
    assert watched(acme) == NONE


def test_a_tick_opens_two_hundred_and_the_next_the_rest(acme: World) -> None:
    acme.import_books("close_tasks", [
        {"id": f"CT-{n:03}", "task": "Accruals", "entity": "DE01", "due_date": "2026-01-30"} for n in range(203)
    ])  # fmt: skip
    assert [watched(acme)["overdue"] for _ in range(3)] == [200, 3, 0]


def test_a_line_that_has_expired_is_no_line(acme: World) -> None:
    acme.filed()
    long_ago(acme, 7)
    acme.enact("admin1", "threshold", "watchers", {"approval_hours": "900"}, ("reviewer", "controller"))
    assert watched(acme) == NONE
    with acme.database.transaction("owner") as conn:
        conn.execute("SET LOCAL session_replication_role = replica")
        conn.execute("UPDATE cs.settings SET expires_at = now() - interval '1 second' WHERE subject = 'watchers'")
    assert watched(acme) == {**NONE, "stalled": 1}


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        ("close_tasks", "task", "Accruals\u202e"),
        ("close_tasks", "owner", "account\u0430nt"),
        ("close_tasks", "id", "x" * 201),
        ("close_tasks", "task", "x" * 201),
        ("expected_documents", "document", "tax\u200bform"),
        ("expected_documents", "document", "x" * 201),
    ],
)
def test_a_title_is_made_of_words_that_can_be_read(acme: World, kind: str, name: str, value: str) -> None:
    row = {"id": "X-1", "task": "Accruals", "document": "tax_form", "customer_id": "C-1", "entity": "DE01",
           "due_date": "2026-01-30"}  # fmt: skip
    with pytest.raises(errors.Refusal):
        # Whatever else stands in the row.
        acme.import_books(kind, [{**row, name: value}])
    assert watched(acme) == NONE


def test_an_entity_s_own_calendar_comes_before_a_newer_one_for_all(acme: World) -> None:
    signers = ("reviewer", "controller")
    acme.enact("admin1", "calendar", "DE01", {"time_zone": "Asia/Tokyo"}, signers)
    acme.enact("admin1", "calendar", "*", {"time_zone": "America/Lima"}, signers)
    acme.enact("admin1", "calendar", "FR01", {"workdays": [1]}, signers)
    zones = [acme.scalar("SELECT cs._calendar(%s, %s)", acme.tenant, one) for one in ("DE01", "GB01", "FR01")]
    assert zones == [{"time_zone": "Asia/Tokyo"}, {"time_zone": "America/Lima"}, {"workdays": [1]}]
    other = genesis(acme.database, "other")
    assert other.scalar("SELECT cs._calendar('other', 'DE01')") == {}


@pytest.mark.parametrize("day", ["2026-02-29", "2026-13-01", "0000-00-00", "2026-1-1"])
def test_a_holiday_is_a_day_that_exists(acme: World, day: str) -> None:
    with pytest.raises(errors.Malformed, match="YYYY-MM-DD"):
        acme.propose("admin1", "calendar", "DE01", {"holidays": [day]})


def test_hours_that_end_at_midnight_end_with_the_day_and_not_after_the_weekend(acme: World) -> None:
    assert due(acme, FRIDAY, 9).isoformat() == "2026-11-21T00:00:00+00:00"
    assert due(acme, FRIDAY, 0) == FRIDAY
