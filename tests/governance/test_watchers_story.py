"""Whatever happens to what the clock watches, each thing is one case: two clocks, restarts, corrected books."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from governance.action import Action
from governance.recommendation import Draft
from governance.record import outbox
from governance.record.db import Database
from tests.build import World, letter, world
from tests.governance.test_watchers import NONE, cases, document, long_ago, task, watched

TENANTS = itertools.count()
TODAY = datetime.now(UTC).date()
LATE = ("2026-01-30", "2026-02-27")


@pytest.fixture
def acme(database: Database) -> World:
    return world(database)


def keys(acme: World) -> list[tuple[str, str]]:
    with acme.database.transaction("owner") as conn:
        found = conn.execute(
            "SELECT source_key, state FROM cs.cases WHERE source_key LIKE 'watch:%' ORDER BY created_at"
        )
        return [(str(key), str(state)) for key, state in found]


def at_once(*work: Callable[[], object]) -> None:
    threads = [threading.Thread(target=one) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def worked(acme: World) -> None:
    """An agent files a call on every case that waits."""
    for job in acme.claim(50):
        digest = acme.scalar("SELECT facts_digest FROM cs.case_revisions WHERE case_id = %s", job.case_id)
        acme.file(job, letter(digest, draft=None, action=Action("schedule_call", {"topic": "late"})))


def decided(acme: World, verb: str) -> None:
    """A person decides on the oldest proposal that waits."""
    found = acme.scalar("SELECT id FROM cs.recommendations WHERE tenant = %s AND state = 'awaiting_review' "
                        "ORDER BY created_at, id LIMIT 1", acme.tenant)  # fmt: skip
    if found is not None:
        acme.decide("reviewer", acme.recommendation(found), verb, reason_code="other", comment="seen")


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("late"), st.integers(0, 2), st.sampled_from(LATE)),
        st.tuples(st.just("done"), st.integers(0, 2), st.sampled_from(LATE)),
        st.tuples(st.sampled_from(("tick", "two clocks", "agent", "approve", "reject")), st.just(0), st.just("")),
    ),
    min_size=4,
    max_size=14,
)


@settings(deadline=None, max_examples=15, suppress_health_check=list(HealthCheck))
@given(steps=STEPS)
def test_one_thing_is_one_open_case_whatever_happens(database: Database, steps: list[tuple[str, int, str]]) -> None:
    made = world(database, f"t{next(TENANTS)}")
    due: dict[int, str] = {}
    open_: dict[int, bool] = {}
    for what, which, when in [*steps, ("tick", 0, ""), ("tick", 0, "")]:
        if what in ("late", "done"):
            due[which], open_[which] = when, what == "late"
            more = {"done_on": "2026-03-01"} if what == "done" else {}
            task(made, when, id=f"CT-{which}", **more)
        elif what == "tick":
            made.tick()
        elif what == "two clocks":
            at_once(made.tick, made.tick, made.tick)
        elif what == "agent":
            worked(made)
        else:
            decided(made, what)
        held = mine(made)
        assert len({key for key, _ in held}) == len(held)
        alive = [key.split(":again:")[0] for key, state in held if state not in ("superseded", "rejected", "done")]
        assert len(set(alive)) == len(alive), "two cases of one thing at once"
    for which, late in open_.items():
        key = f"watch:close_task_overdue:CT-{which}:{due[which]}"
        of_it = [state for name, state in mine(made) if name.split(":again:")[0] == key]
        # What is late is somebody's case, or was put away by a person; what is done waits for nobody.
        assert not late or any(state != "superseded" for state in of_it)
        assert late or not any(state == "queued" for state in of_it)


def mine(made: World) -> list[tuple[str, str]]:
    query = "SELECT source_key, state FROM cs.cases WHERE tenant = %s AND source_key LIKE 'watch:%%'"
    with made.database.transaction("owner") as conn:
        found = conn.execute(query, (made.tenant,))
        return [(str(key), str(state)) for key, state in found]


def test_two_clocks_a_restart_and_a_third_open_one_case(acme: World) -> None:
    task(acme, LATE[0])
    with Database({"courier": acme.database.url("courier")}) as restarted:
        other = World(restarted, acme.tenant, acme.tokens)
        at_once(acme.tick, other.tick, acme.tick, other.tick)
        other.tick()
    assert keys(acme) == [("watch:close_task_overdue:CT-1:2026-01-30", "queued")]


def test_a_clock_that_dies_in_the_middle_leaves_nothing_and_the_next_opens_it(acme: World) -> None:
    task(acme, LATE[0])
    with pytest.raises(KeyboardInterrupt), acme.database.transaction("courier", acme.tokens["courier"]) as conn:
        assert outbox.tick(conn)["overdue"] == 1
        raise KeyboardInterrupt
    assert keys(acme) == []
    assert watched(acme) == {**NONE, "overdue": 1}


def test_what_the_books_took_back_and_say_again_is_opened_again(acme: World) -> None:
    task(acme, LATE[0])
    assert watched(acme)["overdue"] == 1
    for n in (1, 2):
        task(acme, LATE[0], done_on="2026-02-01")
        assert watched(acme) == {**NONE, "settled": 1}
        task(acme, LATE[0])
        assert (watched(acme), watched(acme)) == ({**NONE, "overdue": 1}, NONE)
        assert keys(acme)[-1] == (f"watch:close_task_overdue:CT-1:2026-01-30:again:{n}", "queued")


def test_what_a_person_put_away_is_not_opened_again(acme: World) -> None:
    task(acme, LATE[0])
    watched(acme)
    worked(acme)
    decided(acme, "reject")
    assert watched(acme) == NONE
    assert [state for _, state in keys(acme)] == ["rejected"]


def test_a_stalled_proposal_that_was_settled_stalls_no_second_time(acme: World) -> None:
    row = acme.filed()
    long_ago(acme, 7)
    assert watched(acme)["stalled"] == 1
    acme.decide("reviewer", row, "send_back", comment="friendlier")
    assert watched(acme)["settled"] == 1
    (job,) = [one for one in acme.claim() if one.case_id == row["case_id"]]
    acme.file(job)
    assert watched(acme) == NONE


def test_without_watching_the_clock_does_the_rest(acme: World) -> None:
    task(acme, LATE[0])
    with acme.database.transaction("courier", acme.tokens["courier"]) as conn:
        assert outbox.tick(conn, watch=False) == {
            **NONE, "expired": 0, "swept": 0, "dead": 0, "breached": 0, "unstaffed": 0, "regated": 0, "purged": 0,
        }  # fmt: skip
    assert cases(acme) == []


# A letter that asks for a paper -----------------------------------------------------------------------------------


def asked(acme: World, outcome: str = "sent", queue: str = "customer_onboarding") -> dict[str, Any]:
    """A case whose letter asks customer C-1 for a tax form, sent."""
    kind = "document_missing" if queue == "customer_onboarding" else "short_payment"
    acme.accept(queue=queue, exception_type=kind, supplier_id=None, customer_id="C-1", invoice_id=None,
                document_class=None, reading={}, details={"missing": ["tax_form"]})  # fmt: skip
    (job,) = acme.claim(1)
    digest = acme.scalar("SELECT facts_digest FROM cs.case_revisions WHERE case_id = %s", job.case_id)
    ask = Action("request_missing_document", {"document": "tax_form", "customer_id": "C-1"})
    draft = Draft("pay@customer.example", "s", "b", "en")
    row = acme.recommendation(acme.file(job, letter(digest, action=ask, draft=draft)).recommendation_id)
    acme.decide("reviewer", row, "approve")
    acme.carry_out(row, outcome)
    return row


def expected(acme: World) -> list[tuple[Any, ...]]:
    with acme.database.transaction("owner") as conn:
        return [
            tuple(row)
            for row in conn.execute(
                "SELECT id, document, customer_id, entity, due_date - requested_on FROM cs.expected_documents"
            )
        ]


def missed(acme: World) -> None:
    """The days in which the answer was to come are over."""
    acme.scalar("UPDATE cs.expected_documents SET due_date = current_date - 1 RETURNING 1")


def test_a_paper_that_a_letter_asked_for_is_missed_when_it_does_not_come(acme: World) -> None:
    row = asked(acme)
    assert expected(acme) == [(f"asked:{row['id']}", "tax_form", "C-1", "DE01", 10)]
    assert watched(acme) == NONE
    missed(acme)
    assert (watched(acme), watched(acme)) == ({**NONE, "missing": 1}, NONE)
    details = acme.scalar("SELECT d.details FROM cs.case_readings d JOIN cs.cases c ON c.id = d.case_id "
                          "WHERE c.source_key LIKE 'watch:%%'")  # fmt: skip
    assert (details["missing"], details["requested_on"]) == (["tax_form"], str(TODAY))
    document(acme, str(TODAY - timedelta(days=1)), id=f"asked:{row['id']}", received_on=str(TODAY))
    assert watched(acme) == {**NONE, "settled": 1}


def test_newer_facts_of_the_case_that_asked_for_it_settle_it(acme: World) -> None:
    asked(acme)
    missed(acme)
    assert watched(acme)["missing"] == 1
    acme.accept(queue="customer_onboarding", exception_type="document_missing", supplier_id=None, customer_id="C-1",
                invoice_id=None, document_class=None, reading={}, details={}, content=b"the tax form")  # fmt: skip
    assert watched(acme) == {**NONE, "settled": 1}


def test_only_a_letter_that_left_and_only_of_onboarding_is_waited_for(acme: World) -> None:
    asked(acme, "manual")
    assert expected(acme) == []
    acme.scalar("DELETE FROM cs.jobs RETURNING 1")


def test_a_remittance_advice_is_no_paper_of_onboarding(acme: World) -> None:
    asked(acme, queue="order_to_cash")
    assert expected(acme) == []


def test_how_long_an_answer_may_take_is_a_governed_line(acme: World) -> None:
    acme.enact("admin1", "threshold", "watchers", {"answer_days": "3"}, ("reviewer", "controller"))
    asked(acme)
    assert expected(acme)[0][-1] == 3
    assert json.dumps(expected(acme)[0][1]) == '"tax_form"'
