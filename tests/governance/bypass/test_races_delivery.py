"""Races on the way out: what is delivered is what the gate agreed to at that moment, once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from governance import errors
from governance.policy import standard_policy
from governance.record import outbox
from tests.build import World
from tests.governance.bypass.attempts import execute, outcome, payment, say
from tests.governance.bypass.races import ROUNDS, both, by, case, new_account, new_policy, race, ready, state

# ruff: noqa: E501  (a case stands on one line, as the statements in governance/record/schema)


ROLES_OF = "UPDATE cs.actors SET active = true WHERE tenant = %s AND id = %s RETURNING 1"


@ROUNDS
def test_execute_against_a_change_of_the_payee(acme: World, rounds: int) -> None:
    def judge(scene: Any, sent: str, change: str) -> str:
        assert change == ""
        result = (sent, *state(acme, scene[0]))
        assert result in {("", "approved", "delivering"), ("payee-changed", "approved", "leased")}, result
        return sent

    both(race(rounds, lambda n: ready(acme, n), lambda scene: execute(acme, scene[1]),
              lambda scene: new_account(acme, scene[0]), judge), "", "payee-changed")  # fmt: skip


@ROUNDS
def test_execute_against_a_change_of_policy(acme: World, rounds: int) -> None:
    def judge(scene: Any, sent: str, change: str) -> str:
        assert change == ""
        result = (sent, *state(acme, scene[0]))
        assert result in {("", "approved", "delivering"), ("policy-changed", "approved", "leased")}, result
        return sent

    both(race(rounds, lambda n: ready(acme, n), lambda scene: execute(acme, scene[1]), lambda scene: new_policy(acme), judge),
         "", "policy-changed")  # fmt: skip


@ROUNDS
def test_execute_against_switching_off_the_signer(acme: World, rounds: int) -> None:
    def prepare(number: int) -> Any:
        acme.scalar(ROLES_OF, acme.tenant, "reviewer")
        return ready(acme, number)

    def judge(scene: Any, sent: str, off: str) -> str:
        assert off == ""
        result = (sent, *state(acme, scene[0]))
        assert result in {("", "approved", "delivering"), ("no-open-seat", "approved", "leased")}, result
        return sent

    both(race(rounds, prepare, lambda scene: execute(acme, scene[1]),
              lambda scene: say(acme, "review", "admin1", "SELECT cs.set_active('reviewer', false)"), judge),
         "", "no-open-seat")  # fmt: skip


@ROUNDS
def test_withdraw_against_execute(acme: World, rounds: int) -> None:
    """Once a courier holds it, it is too late; before, the courier finds nothing."""

    def prepare(number: int) -> Any:
        row = case(acme, number)
        acme.decide("reviewer", row, "approve")
        acme.scalar(
            "UPDATE cs.effects SET available_at = now() - interval '1 day' WHERE recommendation_id = %s RETURNING 1",
            row["id"],
        )
        return row

    def deliver(row: Any) -> None:
        with acme.database.transaction("courier", acme.tokens["courier"]) as conn:
            effects = outbox.claim(conn, "racer", 1, 60)
        if not effects:
            raise errors.NotFound
        execute(acme, effects[0])

    def judge(row: Any, withdraw: str, sent: str) -> str:
        result = (withdraw, sent, *state(acme, row))
        assert result in {
            ("", "not-found", "awaiting_review", None),
            ("illegal-state", "", "approved", "delivering"),
        }, result
        return result[2]

    both(race(rounds, prepare, by(acme, "reviewer", "withdraw"), deliver, judge), "awaiting_review", "approved")


@ROUNDS
def test_two_couriers_and_one_effect(acme: World, rounds: int) -> None:
    def prepare(number: int) -> Any:
        row = case(acme, number)
        acme.decide("reviewer", row, "approve")
        acme.scalar(
            "UPDATE cs.effects SET available_at = now() - interval '1 day' WHERE recommendation_id = %s RETURNING 1",
            row["id"],
        )
        return row

    def deliver(row: Any) -> None:
        with acme.database.transaction("courier", acme.tokens["courier"]) as conn:
            effects = outbox.claim(conn, "racer", 1, 60)
        if not effects:
            raise errors.NotFound
        execute(acme, effects[0])

    def judge(row: Any, one: str, two: str) -> str:
        assert {one, two} == {"", "not-found"}, (one, two)
        assert state(acme, row) == ("approved", "delivering")
        started = "SELECT count(*) FROM cs.ledger WHERE tenant = %s AND kind = 'effect.started' AND subject = %s"
        assert acme.scalar(started, acme.tenant, row["id"]) == 1
        return "left" if one == "" else "right"

    both(race(rounds, prepare, deliver, deliver, judge), "left", "right")


@ROUNDS
def test_one_lease_executed_twice(acme: World, rounds: int) -> None:
    def judge(scene: Any, one: str, two: str) -> str:
        assert {one, two} == {"", "lost-lease"}, (one, two)
        return "left" if one == "" else "right"

    both(race(rounds, lambda n: ready(acme, n), lambda scene: execute(acme, scene[1]), lambda scene: execute(acme, scene[1]), judge),
         "left", "right")  # fmt: skip


# Not a matter of chance: one side waits for the other's locks, and goes on with what it then finds ------------------


def waits_for_the_policy(acme: World, act: Callable[[], Any]) -> str:
    """`act` begins while a new policy is being made active, and waits for it: how it ends."""
    policy = standard_policy()
    ends: list[str] = []
    thread = threading.Thread(target=lambda: ends.append(outcome(act)[0]))
    with acme.database.transaction("owner") as conn:
        conn.execute("SELECT cs._activate_policy(%s, %s, %s)", (acme.tenant, policy.text, policy.source))
        thread.start()
        for _ in range(500):
            if acme.scalar(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            ):
                break
            time.sleep(0.01)
        else:
            raise AssertionError("nobody waits")
    thread.join(30)
    return ends[0]


def test_an_approval_that_waited_for_the_policy_finds_it_changed(acme: World) -> None:
    row = case(acme, 1)
    assert waits_for_the_policy(acme, lambda: acme.decide("reviewer", row, "approve")) == "policy-changed"
    assert state(acme, row) == ("awaiting_review", None)


def test_an_effect_that_waited_for_the_policy_finds_it_changed(acme: World) -> None:
    row, effect = ready(acme, 1)
    assert waits_for_the_policy(acme, lambda: execute(acme, effect)) == "policy-changed"
    assert state(acme, row) == ("approved", "leased")


def test_the_first_of_two_approvals_that_waited_for_the_policy_is_refused_too(acme: World) -> None:
    """No effect row is written yet, whose own gate would notice."""
    row = payment(acme)
    assert waits_for_the_policy(acme, lambda: acme.decide("reviewer", row, "approve")) == "policy-changed"
    assert acme.scalar("SELECT count(*) FROM cs.decisions WHERE recommendation_id = %s", row["id"]) == 0


def test_a_filing_that_waited_for_the_policy_is_filed_under_the_new_one(acme: World) -> None:
    acme.accept()
    (job,) = acme.claim()
    assert waits_for_the_policy(acme, lambda: acme.file(job)) == ""
    row = acme.recommendation(acme.scalar("SELECT id FROM cs.recommendations WHERE tenant = %s", acme.tenant))
    assert row["envelope"]["policy"]["version"] == 2
