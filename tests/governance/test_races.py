"""Two at once: whatever the interleaving, one wins and the record is whole."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from psycopg import Cursor

from governance.errors import Refusal
from governance.record import ledger, outbox, queue
from governance.record.db import Database
from tests.build import World, world

ROUNDS = 15


def at_once(*jobs: Callable[[], Any]) -> list[Any]:
    """Run all jobs from a common start; what each returned or the refusal that it raised."""
    results: list[Any] = [None] * len(jobs)
    barrier = threading.Barrier(len(jobs))

    def run(place: int, job: Callable[[], Any]) -> None:
        barrier.wait()
        try:
            results[place] = job()
        except Refusal as refusal:
            results[place] = refusal

    threads = [threading.Thread(target=run, args=(place, job)) for place, job in enumerate(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.fixture
def acme(database: Database) -> World:
    return world(database)


def sound(acme: World) -> None:
    with acme.database.transaction("audit", acme.tokens["auditor"]) as conn:
        assert ledger.verify(conn, "acme", None)[1] is None


def test_approve_against_reject_ends_in_one_of_them(acme: World) -> None:
    for number in range(ROUNDS):
        row = acme.filed(source_key=f"k{number}", invoice_id=f"I{number}")
        results = at_once(
            lambda row=row: acme.decide("reviewer", row, "approve"),  # type: ignore[misc]
            lambda row=row: acme.decide("reviewer2", row, "reject"),  # type: ignore[misc]
        )
        assert sum(isinstance(result, Refusal) for result in results) == 1
        state = acme.recommendation(row["id"])["state"]
        effects = acme.scalar("SELECT count(*) FROM cs.effects WHERE recommendation_id = %s", row["id"])
        assert (state, effects) in {("approved", 1), ("rejected", 0)}
    sound(acme)


def test_one_person_twice_at_once_fills_one_seat(acme: World) -> None:
    for number in range(ROUNDS):
        row = acme.filed(source_key=f"k{number}", invoice_id=f"I{number}")
        results = at_once(*[lambda row=row: acme.decide("reviewer", row, "approve") for _ in range(3)])  # type: ignore[misc]
        assert sum(isinstance(result, Refusal) for result in results) == 2
    assert acme.scalar("SELECT count(*) FROM cs.effects") == ROUNDS
    sound(acme)


def test_the_same_case_brought_in_at_once_is_one_case(acme: World) -> None:
    for number in range(ROUNDS):
        content = f"<invoice>{number}</invoice>".encode()
        results = at_once(*[lambda c=content, n=number: acme.accept(content=c, source_key=f"k{n}") for _ in range(3)])  # type: ignore[misc]
        assert sorted(result["status"] for result in results) == ["accepted", "already_known", "already_known"]
        assert len({result["case_id"] for result in results}) == 1
    assert acme.scalar("SELECT count(*) FROM cs.jobs") == ROUNDS
    sound(acme)


def test_two_workers_share_the_queue_without_overlap(acme: World) -> None:
    for number in range(40):
        acme.accept(source_key=f"k{number}", invoice_id=f"I{number}")
    claimed: list[int] = []

    def work() -> list[int]:
        mine: list[int] = []
        while jobs := acme.claim(3):
            for job in jobs:
                acme.file(job)
                mine.append(job.id)
        return mine

    for result in at_once(work, work, work):
        claimed.extend(result)
    assert sorted(claimed) == sorted(set(claimed))
    assert len(claimed) == 40
    assert acme.scalar("SELECT count(*) FROM cs.recommendations WHERE state = 'awaiting_review'") == 40
    sound(acme)


def test_withdraw_against_delivery_ends_in_one_of_them(acme: World) -> None:
    def deliver() -> str:
        token = acme.tokens["courier"]
        with acme.database.transaction("courier", token) as conn:
            effects = outbox.claim(conn, "c", 1, 60)
        if not effects:
            return "nothing to deliver"
        with acme.database.transaction("courier", token) as conn:
            outbox.execute(conn, effects[0])
        with acme.database.transaction("courier", token) as conn:
            outbox.settle(conn, effects[0], "sent", "test")
        return "sent"

    for number in range(ROUNDS):
        row = acme.filed(source_key=f"k{number}", invoice_id=f"I{number}")
        acme.decide("reviewer", row, "approve")
        acme.scalar("UPDATE cs.effects SET available_at = now() RETURNING 1")
        withdrawn, sent = at_once(lambda row=row: acme.decide("reviewer", row, "withdraw"), deliver)  # type: ignore[misc]
        state = acme.recommendation(row["id"])["state"]
        assert (state == "executed") == (sent == "sent") == isinstance(withdrawn, Refusal)
        if state == "awaiting_review":
            acme.decide("reviewer", row, "reject")
    sound(acme)


def test_briefs_of_a_batch_take_three_queries(acme: World) -> None:
    for number in range(12):
        acme.accept(source_key=f"k{number}", invoice_id=f"I{number}")
    jobs = acme.claim(12)
    seen: list[Any] = []

    class Counting(Cursor[Any]):
        def execute(self, query: Any, *args: Any, **kwargs: Any) -> Any:
            seen.append(query)
            return super().execute(query, *args, **kwargs)

    with acme.database.transaction("agent", acme.tokens["agent"]) as conn:
        conn.cursor_factory = Counting
        briefs = queue.briefs(conn, jobs)
    assert [brief.job.id for brief in briefs] == [job.id for job in jobs]
    assert len(seen) == 3
