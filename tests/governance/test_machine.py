"""The pure gate and the database agree, whatever is asked of them in whatever order."""

from __future__ import annotations

import time
import uuid
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from governance import errors
from governance.record import ledger
from governance.record.db import Database
from tests.build import World, world
from tests.governance.machine_steps import Machine

SEEDS = st.integers(0, 2**32 - 1)
OF_APPROVAL = {
    "Unauthenticated", "HumanRequired", "NotPermitted", "StaleDigest", "IllegalState", "Expired", "SegregationOfDuties",
    "NotDelegated", "AlreadyDecided", "NoSeat", "NotInBulk", "EvidenceNotOpened", "SignatureRequired", "PayeeChanged",
    "PolicyChanged", "allowed",
}  # fmt: skip
OF_EXECUTION = {
    "LostLease", "Expired", "PayeeChanged", "PolicyChanged", "NoSeat", "EvidenceNotOpened", "SignatureRequired",
    "StaleDigest", "IllegalState", "FactsMismatch", "allowed",
}  # fmt: skip

DECISIONS = "SELECT count(*) FROM cs.decisions WHERE tenant = %s"
DECIDED = """
SELECT count(DISTINCT l.seq) FROM cs.decisions d
JOIN cs.ledger l ON l.tenant = d.tenant AND l.subject = d.recommendation_id
AND l.entry::jsonb #>> '{body,decision}' = d.id WHERE d.tenant = %s
"""


class Tally:
    """What all runs together asked and were told."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.said: dict[str, Counter[str]] = {}
        self.runs = 0
        self.seconds = 0.0

    def add(self, machine: Machine, seconds: float) -> None:
        self.runs, self.seconds = self.runs + 1, self.seconds + seconds
        self.calls += machine.calls
        self.said.setdefault("seats", Counter()).update(machine.seats)
        for what, counts in machine.said.items():
            self.said.setdefault(what, Counter()).update(counts)

    def __str__(self) -> str:
        total = self.calls.total()
        lines = [f"{total} calls in {self.runs} runs, {total / self.seconds:.0f} a second"]
        return "\n".join([*lines, *(f"{what}: {dict(counts.most_common())}" for what, counts in self.said.items())])


def run(database: Database, seed: int, calls: int, tally: Tally) -> None:
    machine = Machine(database, f"run-{uuid.uuid4().hex[:12]}", seed)
    start = time.perf_counter()
    try:
        while machine.calls.total() < calls:
            machine.step()
        same_in_the_end(machine)
    finally:
        machine.close()
    tally.add(machine, time.perf_counter() - start)


def same_in_the_end(machine: Machine) -> None:
    """Every recommendation, case and effect is where the model has it, and the ledger knows of each decision."""
    tenant, model = machine.tenant, machine.model
    states = dict(machine.owner("SELECT id, state FROM cs.recommendations WHERE tenant = %s", tenant))
    assert states == {rec.id: rec.state for rec in model.recs.values()}
    cases = dict(machine.owner("SELECT id, state FROM cs.cases WHERE tenant = %s", tenant))
    assert cases == {case.id: case.state for case in model.cases.values()}
    effects = dict(machine.owner("SELECT recommendation_id, state FROM cs.effects WHERE tenant = %s", tenant))
    assert effects == {rec.id: rec.effect for rec in model.recs.values() if rec.effect}
    assert machine.owner(DECIDED, tenant)[0][0] == machine.owner(DECISIONS, tenant)[0][0]
    with machine.database.transaction("owner") as conn:
        assert ledger.verify(conn, tenant, None)[1] is None


def not_vacuous(tally: Tally) -> None:
    attempts = tally.said["execute"]
    assert attempts["allowed"] >= attempts.total() / 5, tally
    assert tally.said["approve"]["allowed"] >= tally.said["approve"].total() / 5, tally
    assert min(tally.said["seats"].values()) >= 3, tally
    assert not OF_APPROVAL - set(tally.said["approve"]), tally
    assert not OF_EXECUTION - set(tally.said["execute"]), tally


# A seed cannot be shrunk: what failed is in the trail of the message.
SIZE: dict[str, Any] = {
    "deadline": None,
    "phases": (Phase.generate,),
    "database": None,
    "suppress_health_check": list(HealthCheck),
}


def agree(database: Database, runs: int, calls: int, **options: Any) -> Tally:
    """So many runs of at least so many calls, each a tenant of its own."""
    tally = Tally()

    @settings(max_examples=runs, **SIZE, **options)
    @given(seed=SEEDS)
    def explore(seed: int) -> None:
        run(database, seed, calls, tally)

    explore()
    print(tally)
    return tally


def test_the_gate_and_the_database_agree(database: Database) -> None:
    tally = agree(database, 3, 1_000, derandomize=True)
    assert tally.calls.total() >= 1_000
    not_vacuous(tally)


@pytest.mark.slow
def test_the_gate_and_the_database_agree_at_length(database: Database) -> None:
    tally = agree(database, 20, 1_000)
    assert tally.calls.total() >= 10_000
    not_vacuous(tally)


# What the machine found -------------------------------------------------------------------------------------------


def sent_back_to_its_editor(acme: World) -> dict[str, Any]:
    """A recommendation that waits for the person who edited it."""
    row = acme.filed(source_key="k")
    draft = {"to": "ap@supplier.example", "subject": "s", "body": "b", "language": "en"}
    made = acme.decide("reviewer", row, "override", draft=draft)
    edited = acme.recommendation(made["recommendation_id"])
    acme.decide("reviewer2", edited, "send_back", comment="not so")
    return acme.recommendation(edited["id"])


def test_new_facts_end_what_was_sent_back_to_its_editor(database: Database) -> None:
    acme = world(database)
    row = sent_back_to_its_editor(acme)
    assert (row["state"], row["returned_to"]) == ("sent_back", "reviewer")
    acme.accept(source_key="k", amount="999.00")
    assert acme.recommendation(row["id"])["state"] == "superseded"
    with pytest.raises(errors.IllegalState):
        acme.decide("reviewer", row, "override")
    job = acme.claim(1)[0]
    acme.file(job)


def test_one_that_cannot_go_back_does_not_stop_the_clock_nor_come_back_itself(database: Database) -> None:
    acme = world(database)
    row = sent_back_to_its_editor(acme)
    acme.accept(source_key="k", amount="999.00")
    # As older programs left it.
    acme.scalar(
        "UPDATE cs.recommendations SET state = 'sent_back', returned_to = 'reviewer' WHERE id = %s RETURNING 1",
        row["id"],
    )
    with pytest.raises(errors.IllegalState, match="newer facts"):
        acme.decide("reviewer", row, "override")
    acme.scalar("UPDATE cs.recommendations SET expires_at = now() WHERE id = %s RETURNING 1", row["id"])
    assert acme.tick()["expired"] == 1
    assert acme.recommendation(row["id"])["state"] == "expired"
    assert acme.scalar("SELECT count(*) FROM cs.jobs WHERE state = 'ready'") == 1
