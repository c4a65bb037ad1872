"""Races: two at once, in many interleavings; whoever comes first, nothing passes that was not signed as it stands."""

# ruff: noqa: E501  (a case stands on one line, as the statements in governance/record/schema)

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from governance import errors
from governance.policy import standard_policy
from governance.record import ledger, outbox
from tests.build import World
from tests.governance.bypass.attempts import Ground, execute, outcome, payment, say, sign

ROUNDS = pytest.mark.parametrize("rounds", [100, pytest.param(1000, marks=pytest.mark.slow)])
LEAD = 0.004
"""Seconds by which one side may start before the other: about the length of what they do."""

ROLES_OF = "UPDATE cs.actors SET active = true WHERE tenant = %s AND id = %s RETURNING 1"


@pytest.fixture
def acme(ground: Ground) -> Iterator[World]:
    made = ground.fresh()
    yield made
    with made.database.transaction("audit", made.tokens["auditor"]) as conn:
        assert ledger.verify(conn, made.tenant, None)[1] is None


def race(rounds: int, prepare: Callable[[int], Any], left: Callable[[Any], Any], right: Callable[[Any], Any],
         judge: Callable[[Any, str, str], str]) -> Counter[str]:  # fmt: skip
    """How often each outcome came. `judge` gets the scene and how each side was refused ("" where it was not)."""
    seen: Counter[str] = Counter()
    dice = random.Random(rounds)
    barrier = threading.Barrier(2)

    def side(act: Callable[[Any], Any], scene: Any, wait: float) -> str:
        barrier.wait(30)
        time.sleep(wait)
        return outcome(lambda: act(scene))[0]

    with ThreadPoolExecutor(2) as pool:
        for number in range(rounds):
            scene = prepare(number)
            lead = (0.0, 2 * LEAD, -2 * LEAD, dice.uniform(-LEAD, LEAD))[number % 4]
            one = pool.submit(side, left, scene, max(-lead, 0.0))
            two = pool.submit(side, right, scene, max(lead, 0.0))
            seen[judge(scene, one.result(60), two.result(60))] += 1
    return seen


def state(acme: World, row: Any) -> tuple[str, str | None]:
    """The recommendation's state, and its effect's."""
    found = say(acme, "owner", None, ("SELECT r.state, e.state FROM cs.recommendations r LEFT JOIN cs.effects e "
                "ON e.tenant = r.tenant AND e.recommendation_id = r.id WHERE r.id = %s", (row["id"],)))  # fmt: skip
    return found[0][0], found[0][1]


def case(acme: World, number: int) -> dict[str, Any]:
    return acme.filed(source_key=f"k{number}", invoice_id=f"I{number}")


def ready(acme: World, number: int) -> tuple[dict[str, Any], outbox.Effect]:
    """Approved, and in the courier's hands."""
    row = case(acme, number)
    acme.decide("reviewer", row, "approve")
    acme.scalar(
        "UPDATE cs.effects SET available_at = now() - interval '1 day' WHERE recommendation_id = %s RETURNING 1",
        row["id"],
    )
    with acme.database.transaction("courier", acme.tokens["courier"]) as conn:
        (effect,) = outbox.claim(conn, "racer", 1, 60)
    return row, effect


def by(acme: World, who: str, verb: str) -> Callable[[Any], Any]:
    return lambda row: acme.decide(who, row, verb, comment="x")


def both(seen: Counter[str], *names: str) -> None:
    """Every outcome came, and no other."""
    assert set(seen) == set(names), seen


@ROUNDS
def test_approve_against_reject(acme: World, rounds: int) -> None:
    def judge(row: Any, approve: str, reject: str) -> str:
        result = (approve, reject, *state(acme, row))
        assert result in {("", "illegal-state", "approved", "ready"), ("illegal-state", "", "rejected", None)}, result
        return result[2]

    both(race(rounds, lambda n: case(acme, n), by(acme, "reviewer", "approve"), by(acme, "reviewer2", "reject"), judge),
         "approved", "rejected")  # fmt: skip


@ROUNDS
def test_approve_against_send_back(acme: World, rounds: int) -> None:
    def judge(row: Any, approve: str, back: str) -> str:
        result = (approve, back, *state(acme, row))
        assert result in {("", "illegal-state", "approved", "ready"), ("illegal-state", "", "sent_back", None)}, result
        for job in acme.claim():
            say(acme, "agent", "agent", ("SELECT cs.fail_job(%s, %s, 'x', 0, 1)", (job.id, job.fence)))
        return result[2]

    both(race(rounds, lambda n: case(acme, n), by(acme, "reviewer", "approve"), by(acme, "reviewer2", "send_back"), judge),
         "approved", "sent_back")  # fmt: skip


@ROUNDS
def test_one_person_s_two_approvals(acme: World, rounds: int) -> None:
    def judge(row: Any, one: str, two: str) -> str:
        assert {one, two} == {"", "already-decided"}, (one, two)
        assert state(acme, row) == ("awaiting_review", None)
        assert acme.scalar("SELECT count(*) FROM cs.decisions WHERE recommendation_id = %s", row["id"]) == 1
        return "left" if one == "" else "right"

    def prepare(number: int) -> Any:
        row = payment(acme, "60000.00", source_key=f"k{number}", invoice_id=f"I{number}")
        acme.opened("reviewer", row)
        return row

    approve = by(acme, "reviewer", "approve")
    both(race(rounds, prepare, approve, approve, judge), "left", "right")


def new_account(acme: World, row: Any) -> None:
    number = row["id"].replace("-", "")[:20].upper()
    acme.import_books("bank_accounts", [{"owner_kind": "supplier", "owner_id": "S-1", "iban": f"DE{number}"}])


@ROUNDS
def test_approve_against_a_change_of_the_payee(acme: World, rounds: int) -> None:
    def judge(row: Any, approve: str, change: str) -> str:
        assert change == ""
        result = (approve, *state(acme, row))
        assert result in {("", "approved", "ready"), ("payee-changed", "awaiting_review", None)}, result
        if approve == "":
            # It waits to leave, and never does.
            with acme.database.transaction("courier", acme.tokens["courier"]) as conn:
                conn.execute("SELECT 1")
            acme.scalar(
                "UPDATE cs.effects SET available_at = now() - interval '1 day' WHERE recommendation_id = %s RETURNING 1",
                row["id"],
            )
            with acme.database.transaction("courier", acme.tokens["courier"]) as conn:
                (effect,) = outbox.claim(conn, "racer", 1, 60)
            assert outcome(lambda: execute(acme, effect))[0] == "payee-changed"
        return approve

    both(race(rounds, lambda n: case(acme, n), by(acme, "reviewer", "approve"), lambda row: new_account(acme, row), judge),
         "", "payee-changed")  # fmt: skip


@ROUNDS
def test_execute_against_a_change_of_the_payee(acme: World, rounds: int) -> None:
    def judge(scene: Any, sent: str, change: str) -> str:
        assert change == ""
        result = (sent, *state(acme, scene[0]))
        assert result in {("", "approved", "delivering"), ("payee-changed", "approved", "leased")}, result
        return sent

    both(race(rounds, lambda n: ready(acme, n), lambda scene: execute(acme, scene[1]),
              lambda scene: new_account(acme, scene[0]), judge), "", "payee-changed")  # fmt: skip


def new_policy(acme: World) -> None:
    policy = standard_policy()
    with acme.database.transaction("owner") as conn:
        conn.execute("SELECT cs._activate_policy(%s, %s, %s)", (acme.tenant, policy.text, policy.source))


@ROUNDS
def test_approve_against_a_change_of_policy(acme: World, rounds: int) -> None:
    def judge(row: Any, approve: str, change: str) -> str:
        assert change == ""
        result = (approve, *state(acme, row))
        assert result in {("", "approved", "ready"), ("policy-changed", "awaiting_review", None)}, result
        return approve

    both(race(rounds, lambda n: case(acme, n), by(acme, "reviewer", "approve"), lambda row: new_policy(acme), judge),
         "", "policy-changed")  # fmt: skip


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


@ROUNDS
def test_a_payment_in_two_halves_approved_at_once(acme: World, rounds: int) -> None:
    """Two payments below the band to one payee: the later of the two asks for the seats of the whole."""

    def prepare(number: int) -> Any:
        supplier = f"S-{number + 10}"
        acme.import_books("suppliers", [{"id": supplier, "name": "Split", "email": "x@split.example"}])
        halves = []
        for half in "ab":
            row = payment(
                acme, "30000.00", source_key=f"k{number}{half}", invoice_id=f"I{number}{half}", supplier_id=supplier
            )
            sign(acme, row, "reviewer")
            acme.opened("controller", row)
            halves.append(row)
        return halves

    def judge(halves: Any, one: str, two: str) -> str:
        assert (one, two) == ("", "")
        states = [state(acme, half)[0] for half in halves]
        assert sorted(states) == ["approved", "awaiting_review"], states
        seats = "SELECT count(*) FROM cs.seats WHERE recommendation_id = %s"
        waiting = halves[states.index("awaiting_review")]
        assert acme.scalar(seats, waiting["id"]) == 3
        return "left" if states[0] == "approved" else "right"

    both(race(rounds, prepare, lambda halves: acme.decide("controller", halves[0], "approve"),
              lambda halves: acme.decide("controller", halves[1], "approve"), judge), "left", "right")  # fmt: skip


@ROUNDS
def test_approve_against_newer_facts(acme: World, rounds: int) -> None:
    def judge(row: Any, approve: str, facts: str) -> str:
        assert facts == ""
        result = (approve, *state(acme, row))
        assert result in {("", "superseded", None), ("illegal-state", "superseded", None)}, result
        for job in acme.claim():
            say(acme, "agent", "agent", ("SELECT cs.fail_job(%s, %s, 'x', 0, 1)", (job.id, job.fence)))
        return approve

    def prepare(number: int) -> Any:
        return {**case(acme, number), "number": number}

    def facts(row: Any) -> None:
        acme.accept(source_key=f"k{row['number']}", invoice_id=f"I{row['number']}", amount="9999.00")

    both(race(rounds, prepare, by(acme, "reviewer", "approve"), facts, judge), "", "illegal-state")


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
