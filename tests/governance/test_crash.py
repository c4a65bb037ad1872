"""The server dies under load, again and again: what was answered is there, and everything goes out once."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from api.delivery.sink import Sink
from governance.errors import IllegalState, LostLease, StaleDigest, Unavailable
from governance.record import agreement, ledger, review
from governance.record.db import Database, create, migrate, urls_for
from governance.record.embedded import EmbeddedPostgres, erase
from tests.api.post import courier, hurry, quick_world
from tests.build import World
from tests.conftest import PASSWORDS

PENDING = "awaiting_review"
LOST = "SELECT count(*) FROM unnest(%s::text[]) AS a(id) WHERE NOT EXISTS (SELECT FROM cs.{} t WHERE t.id = a.id)"
LEASES_OVER = (
    "UPDATE cs.jobs SET lease_until = now() - interval '1 second' WHERE state = 'leased'",
    "UPDATE cs.effects SET lease_until = now() - interval '1 second' WHERE lease_until IS NOT NULL",
)


@pytest.fixture
def server() -> Iterator[EmbeddedPostgres]:
    """A server of this test's own, which waits for the disk, on a port that stays the same."""
    home = Path(tempfile.mkdtemp(prefix="countersign-crash-"))
    home.chmod(0o711)  # our own folder: the server's user may pass, so its data stays in it
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    made = EmbeddedPostgres(home, port=port)
    try:
        made.start()
        yield made
    finally:
        made.stop()
        erase(home)
        shutil.rmtree(home, ignore_errors=True)


class Company:
    """People and programs at work on a tenant, each in a thread, through every outage.

    `answered`: ids of what the database said was done: cases, recommendations, decisions.
    """

    def __init__(self, world: World, sink: Sink) -> None:
        self.world, self.sink = world, sink
        self.answered: dict[str, list[str]] = {"cases": [], "recommendations": [], "decisions": []}
        self.outages: Counter[str] = Counter()
        self._stop = threading.Event()
        self._number = 0
        self._threads = [threading.Thread(target=self._work, args=(step,)) for step in self._steps()]

    def _steps(self) -> list[Callable[[], None]]:
        return [self.bring, self.file, self.approve, self.deliver]

    def _work(self, step: Callable[[], None]) -> None:
        while not self._stop.is_set():
            try:
                step()
            except (Unavailable, psycopg.OperationalError):
                self.outages[step.__name__] += 1
                time.sleep(0.05)
            except (LostLease, IllegalState, StaleDigest):
                pass  # it was done before the crash, and the answer was lost

    def __enter__(self) -> Company:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def bring(self) -> None:
        key = f"k{self._number}"
        made = self.world.accept(source_key=key, invoice_id=f"I-{key}")
        self.answered["cases"].append(made["case_id"])
        self._number += 1  # after an outage the same item again
        time.sleep(0.02)

    def file(self) -> None:
        jobs = self.world.claim(4)
        for job in jobs:
            self.answered["recommendations"].append(self.world.file(job).recommendation_id)
        time.sleep(0 if jobs else 0.02)

    def approve(self) -> None:
        with self.world.database.transaction("review", self.world.tokens["reviewer"]) as conn:
            rows = review.listing(conn, state=PENDING, limit=4)
        for row in rows:
            self.answered["decisions"].append(self.world.decide("reviewer", row, "approve")["decision_id"])
        time.sleep(0 if rows else 0.02)

    def deliver(self) -> None:
        if not courier(self.world, port=self.sink.port, parallel=2).run_once():
            time.sleep(0.02)

    def finish(self) -> None:
        """Leases end, the clock looks, and each step goes on until nothing waits."""
        with self.world.database.transaction("owner") as conn:
            for statement in LEASES_OVER:
                conn.execute(statement.encode())
        self.world.tick()
        hurry(self.world)
        while self.world.scalar("SELECT count(*) FROM cs.cases WHERE state IN ('queued', 'triaging')"):
            self.file()
        while self.world.scalar("SELECT count(*) FROM cs.recommendations WHERE state = 'awaiting_review'"):
            self.approve()
        hurry(self.world)
        courier(self.world, port=self.sink.port).drain(patience=1)

    def nothing_lost(self) -> None:
        for table, ids in self.answered.items():
            assert self.world.scalar(LOST.format(table), list(ids)) == 0, f"{table} that were answered are gone"
        with self.world.database.transaction("owner") as conn:
            assert ledger.verify(conn, "acme", None)[1] is None
            assert agreement.disagreements(conn, "acme") == []


def crash(server: EmbeddedPostgres) -> None:
    os.kill(server.pid, signal.SIGKILL)
    server.stop()
    server.start()


def survive(server: EmbeddedPostgres, folder: Path, crashes: int) -> None:
    url = create(server.superuser_url(), "countersign")
    migrate(url, roles=PASSWORDS)
    with Sink(folder) as sink, Database(urls_for(url, PASSWORDS), timeout=5.0) as database:
        company = Company(quick_world(database), sink)
        with company:
            for _ in range(crashes):
                time.sleep(1.0)
                crash(server)
                database.close()  # pools would wait with backoff; a new connection is made at once
                company.nothing_lost()
            time.sleep(0.5)
        company.finish()
        company.nothing_lost()
        everything_once(company, crashes)


def everything_once(company: Company, crashes: int) -> None:
    world, sink = company.world, company.sink
    with world.database.transaction("owner") as conn:
        found = conn.execute(
            "SELECT e.state, r.state, c.state, count(*) FROM cs.cases c JOIN cs.recommendations r ON r.case_id = c.id "
            "JOIN cs.effects e ON e.recommendation_id = r.id GROUP BY 1, 2, 3"
        ).fetchall()
        entries = dict(conn.execute("SELECT kind, count(*) FROM cs.ledger GROUP BY kind").fetchall())
    outcomes = {row[:3]: row[3] for row in found}
    sent = outcomes.pop(("sent", "executed", "done"))
    unknown = outcomes.pop(("reconcile", "approved", "awaiting_reconciliation"), 0)
    assert not outcomes
    total = world.scalar("SELECT count(*) FROM cs.cases")
    assert sent + unknown == total == entries["case.received"] == entries["recommendation.filed"]
    assert entries["decision.approve"] == entries["effect.started"] == total
    assert (entries["effect.sent"], entries.get("effect.unknown", 0)) == (sent, unknown)
    assert max(sink.received.values()) == 1
    assert sent <= len(sink.received) <= total
    assert company.outages or not crashes
    print(f"{crashes} crashes, {total} cases, {sent} sent, {unknown} for a person, outages {dict(company.outages)}")


def test_a_crash_of_the_server_loses_nothing(server: EmbeddedPostgres, tmp_path: Path) -> None:
    survive(server, tmp_path, 1)


@pytest.mark.slow
def test_ten_crashes_of_the_server_lose_nothing(server: EmbeddedPostgres, tmp_path: Path) -> None:
    survive(server, tmp_path, 10)
