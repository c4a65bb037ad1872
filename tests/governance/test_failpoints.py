"""kill -9 at every step between filing and delivery: nothing lost, nothing done twice, all of it in the ledger."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.delivery.sink import Sink
from governance.record import agreement, ledger, outbox
from governance.record.db import Database
from tests.api.post import approved, effect_state, quick_world
from tests.build import World
from tests.conftest import PASSWORDS
from tests.governance.dying import CHANGE, COURIER, SERVICE, WORKER

ROOT = Path(__file__).resolve().parents[2]
KILLED = -9
FEW, MANY = 1, 20
FILED, APPROVED = "recommendation.filed", "decision.approve"
LEASES_OVER = (
    "UPDATE cs.jobs SET lease_until = now() - interval '1 second' WHERE state = 'leased'",
    "UPDATE cs.effects SET lease_until = now() - interval '1 second' WHERE lease_until IS NOT NULL",
)
ENTRIES = "SELECT array_agg(kind ORDER BY seq) FROM cs.ledger WHERE tenant = 'acme' AND subject = %s"
OF_CASE = "SELECT array_agg(id) FROM cs.recommendations WHERE case_id = %s"


class Deaths:
    """The program that forks what is to be killed."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        assert self._read() == "ready"

    def _read(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def end(self, order: dict[str, Any]) -> int:
        """Run one process to its end; minus the signal where one killed it."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return int(self._read())


class Stage:
    """A tenant, a mail server, and processes that act for the tenant."""

    def __init__(self, database: Database, deaths: Deaths, sink: Sink) -> None:
        self.world: World = quick_world(database)
        self._deaths, self.sink = deaths, sink
        self._urls = {role: database.url(role) for role in ("checkpoint", *PASSWORDS)}
        self.outcomes: Counter[str] = Counter()

    def run(self, what: str, at: str | None, **more: Any) -> int:
        token = self.world.tokens[{"worker": "agent", "service": "reviewer"}.get(what, "courier")]
        return self._deaths.end(
            {"what": what, "at": at, "urls": self._urls, "token": token, "port": self.sink.port, **more}
        )

    def time_goes_by(self) -> None:
        """Every lease is over, and the clock looks."""
        with self.world.database.transaction("owner") as conn:
            for statement in LEASES_OVER:
                conn.execute(statement.encode())
        self.world.tick()

    def entries(self, subject: str) -> list[str]:
        found: list[str] = self.world.scalar(ENTRIES, subject)
        return found

    def letters(self, rec: dict[str, Any]) -> int:
        return self.sink.received[f"{rec['id']}@acme.example.eml"]

    def confirm(self, rec: dict[str, Any], outcome: str) -> None:
        with self.world.database.transaction("review", self.world.tokens["analyst"]) as conn:
            outbox.confirm(conn, rec["id"], outcome, "I asked them")

    def deliver(self, rec: dict[str, Any]) -> None:
        """What became of an approved letter after a crash; a person reconciles where nobody can know."""
        state = effect_state(self.world, rec)
        assert state in {("sent", "executed", "done"), ("reconcile", "approved", "awaiting_reconciliation")}
        self.outcomes[state[0]] += 1
        story = [FILED, APPROVED, "effect.started", "effect.sent" if state[0] == "sent" else "effect.unknown"]
        assert self.entries(rec["id"]) == story
        arrived = self.letters(rec)
        assert arrived == 1 if state[0] == "sent" else arrived <= 1
        if state[0] == "reconcile":
            self.outcomes["reconcile, had arrived"] += arrived
            self.confirm(rec, "done" if arrived else "not_done")
            assert self.run("courier", None) == 0
            more = ["effect.confirmed_done"] if arrived else ["effect.confirmed_not_done", *story[2:3], "effect.sent"]
            assert self.entries(rec["id"]) == [*story, *more]
            assert (effect_state(self.world, rec), self.letters(rec)) == (("sent", "executed", "done"), 1)

    def sound(self, what: str, at: str, kills: int) -> None:
        with self.world.database.transaction("owner") as conn:
            assert ledger.verify(conn, "acme", None)[1] is None
            assert agreement.disagreements(conn, "acme") == []
        assert self.world.scalar("SELECT count(*) FROM cs.effects WHERE state NOT IN ('sent')") == 0
        assert self.world.scalar("SELECT count(*) FROM cs.cases WHERE state <> 'done'") == 0
        assert max(self.sink.received.values(), default=0) <= 1
        print(f"{what}, {at}: {kills} kills, {dict(self.outcomes)}")


@pytest.fixture(scope="module")
def deaths() -> Iterator[Deaths]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    line = [sys.executable, "-m", "tests.governance.dying"]
    with subprocess.Popen(
        line, cwd=ROOT, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        yield Deaths(process)
        assert process.stdin is not None
        process.stdin.close()


@pytest.fixture
def stage(database: Database, deaths: Deaths, tmp_path: Path) -> Iterator[Stage]:
    with Sink(tmp_path / "outbox") as sink:
        yield Stage(database, deaths, sink)


def kill_worker(stage: Stage, at: str, rounds: int) -> None:
    world = stage.world
    for number in range(rounds):
        cases = [world.accept(source_key=f"k{number}-{n}", invoice_id=f"I{number}-{n}")["case_id"] for n in range(2)]
        assert stage.run("worker", at) == KILLED
        stage.time_goes_by()
        assert stage.run("worker", None) == 0
        recs = [world.recommendation(one) for case in cases for one in world.scalar(OF_CASE, case)]
        assert [rec["case_id"] for rec in recs] == cases, "each case has one recommendation"
        for rec in recs:
            assert stage.entries(rec["id"]) == [FILED]
            assert stage.entries(rec["case_id"]) == ["case.received"]
            world.decide("reviewer", rec, "approve")
        assert stage.run("courier", None) == 0
        for rec in recs:
            stage.deliver(rec)
    stage.sound("worker", at, rounds)


def kill_service(stage: Stage, at: str, rounds: int) -> None:
    world = stage.world
    for number in range(rounds):
        rec = world.filed(source_key=f"k{number}", invoice_id=f"I{number}")
        asked = {"id": rec["id"], "digest": rec["digest"], "key": f"key-{number}"}
        assert stage.run("service", at, **asked) == KILLED
        before = world.recommendation(rec["id"])["state"]
        assert before == ("awaiting_review" if "not committed" in at else "approved")
        assert stage.run("service", None, **asked) == 0, "the client asks again with the same Idempotency-Key"
        assert world.scalar("SELECT count(*) FROM cs.decisions WHERE recommendation_id = %s", rec["id"]) == 1
        assert stage.entries(rec["id"]) == [FILED, APPROVED]
        assert stage.run("courier", None) == 0
        stage.deliver(rec)
    stage.sound("service", at, rounds)


def kill_courier(stage: Stage, at: str, rounds: int) -> None:
    for number in range(rounds):
        recs = [approved(stage.world, f"k{number}-{n}", invoice_id=f"I{number}-{n}") for n in range(2)]
        assert stage.run("courier", at) == KILLED
        stage.time_goes_by()
        assert stage.run("courier", None) == 0
        for rec in recs:
            stage.deliver(rec)
    stage.sound("courier", at, rounds)


def kill_change(stage: Stage, at: str, rounds: int) -> None:
    world = stage.world
    for number in range(rounds):
        rec = world.propose("admin1", "threshold", f"T{number}", {"percent": "2"})
        for who in ("reviewer", "controller"):
            world.decide(who, rec, "approve")
        assert stage.run("change", at) == KILLED
        stage.time_goes_by()
        assert stage.run("change", None) == 0
        assert effect_state(world, rec) == ("sent", "executed", "done")
        assert stage.entries(rec["id"]) == ["change.proposed", APPROVED, APPROVED, "change.applied"]
        assert world.scalar("SELECT count(*) FROM cs.settings WHERE subject = %s", f"T{number}") == 1
        stage.outcomes["applied once"] += 1
    stage.sound("change", at, rounds)


KILLS = [
    pytest.param(kill, at, id=f"{kill.__name__}: {at}")
    for kill, places in ((kill_worker, WORKER), (kill_service, SERVICE), (kill_courier, COURIER), (kill_change, CHANGE))
    for at in places
]


@pytest.mark.parametrize(("kill", "at"), KILLS)
def test_nothing_is_lost_or_done_twice(stage: Stage, kill: Any, at: str) -> None:
    kill(stage, at, FEW)


@pytest.mark.slow
@pytest.mark.parametrize(("kill", "at"), KILLS)
def test_nothing_is_lost_or_done_twice_twenty_times(stage: Stage, kill: Any, at: str) -> None:
    kill(stage, at, MANY)
