"""Races of decisions: whoever comes first, nothing passes that was not signed as it stands."""

from __future__ import annotations

from typing import Any

from governance.record import outbox
from tests.build import World
from tests.governance.bypass.attempts import execute, outcome, payment, say, sign
from tests.governance.bypass.races import ROUNDS, both, by, case, new_account, new_policy, race, state

# ruff: noqa: E501  (a case stands on one line, as the statements in governance/record/schema)


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
def test_approve_against_a_change_of_policy(acme: World, rounds: int) -> None:
    def judge(row: Any, approve: str, change: str) -> str:
        assert change == ""
        result = (approve, *state(acme, row))
        assert result in {("", "approved", "ready"), ("policy-changed", "awaiting_review", None)}, result
        return approve

    both(race(rounds, lambda n: case(acme, n), by(acme, "reviewer", "approve"), lambda row: new_policy(acme), judge),
         "", "policy-changed")  # fmt: skip


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
