"""A worker takes up a champion while it runs, and triages with no other model."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from agents.champion import NoChampion
from agents.worker import Worker
from governance.errors import Unavailable
from tests.agents.conftest import Workers
from tests.agents.scenes import SmallBundle
from tests.agents.test_worker import bring, pending, send_back
from tests.build import World

FIRST, SECOND, LOST = ("sha256:" + digit * 64 for digit in "123")


class Shelf:
    """The bundles of this machine, by the digest of the risk model that the record names."""

    def __init__(self, bundle: SmallBundle) -> None:
        self.bundles = {name: replace(bundle, digest=name) for name in (FIRST, SECOND)}
        self.asked = 0

    def give(self, champions: Mapping[str, str]) -> SmallBundle:
        self.asked += 1
        digest = champions.get("risk", FIRST)
        if digest not in self.bundles:
            raise Unavailable(f"the champion of risk is {digest}: bring its folder here")
        return self.bundles[digest]


@pytest.fixture
def shelf(bundle: SmallBundle) -> Shelf:
    return Shelf(bundle)


def promote(acme: World, digest: str) -> None:
    acme.enact("ml_engineer", "model", "risk", {"digest": digest}, signers=("reviewer", "controller"))


def stamp(acme: World, case_id: str) -> Any:
    return pending(acme, case_id)["envelope"]["stamps"]["bundle"]


def wait_for(what: str, there: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 20
    while not there():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def triaged(acme: World, case_id: str) -> bool:
    return bool(acme.scalar("SELECT count(*) FROM cs.recommendations WHERE case_id = %s", case_id))


@contextmanager
def running(worker: Worker) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=worker.run_forever, args=(stop,), kwargs={"poll_seconds": 0.05})
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(20)
        assert not thread.is_alive()


def test_a_running_worker_takes_up_a_new_champion(acme: World, workers: Workers, shelf: Shelf) -> None:
    with running(workers(champions=shelf.give, champion_seconds=0.0)):
        before = bring(acme, 1)
        wait_for("the first case", lambda: triaged(acme, before))
        promote(acme, SECOND)
        after = bring(acme, 2)
        wait_for("the second case", lambda: triaged(acme, after))
    assert (stamp(acme, before), stamp(acme, after)) == (FIRST, SECOND)


def test_with_a_model_that_is_no_longer_champion_nothing_is_triaged(
    acme: World, workers: Workers, shelf: Shelf
) -> None:
    with capture_logs() as logs, running(workers(champions=shelf.give, champion_seconds=0.05)):
        before = bring(acme, 1)
        wait_for("the first case", lambda: triaged(acme, before))
        promote(acme, LOST)
        # A look that began before the change may end after it: the next two know.
        asked = shelf.asked
        wait_for("two looks", lambda: shelf.asked > asked + 1)
        case_id = bring(acme, 2)
        asked = shelf.asked
        wait_for("five more looks", lambda: shelf.asked > asked + 5)
        assert not triaged(acme, case_id)
        assert acme.scalar("SELECT state FROM cs.cases WHERE id = %s", case_id) == "queued"
        (line,) = [line for line in logs if line["log_level"] == "error"]
        assert line["event"] == "nothing is triaged"
        assert "bring its folder here" in line["reason"]
        # Its folder is brought.
        shelf.bundles[LOST] = replace(shelf.bundles[FIRST], digest=LOST)
        wait_for("the second case", lambda: triaged(acme, case_id))
    assert stamp(acme, case_id) == LOST


def test_a_worker_may_start_before_its_champion_is_there(acme: World, workers: Workers, shelf: Shelf) -> None:
    promote(acme, LOST)
    case_id = bring(acme)
    with running(workers(champions=shelf.give, champion_seconds=0.05)):
        wait_for("three looks", lambda: shelf.asked > 2)
        assert not triaged(acme, case_id)
        promote(acme, SECOND)
        wait_for("the case", lambda: triaged(acme, case_id))
    assert stamp(acme, case_id) == SECOND


def test_draining_without_the_champion_ends_with_what_to_do(acme: World, workers: Workers, shelf: Shelf) -> None:
    promote(acme, LOST)
    case_id = bring(acme)
    with pytest.raises(NoChampion, match="bring its folder here"):
        workers(champions=shelf.give).drain()
    assert not triaged(acme, case_id)


def test_the_record_is_asked_no_more_often_than_said(acme: World, workers: Workers, shelf: Shelf) -> None:
    worker = workers(champions=shelf.give, champion_seconds=3600)
    for number in range(3):
        bring(acme, number)
        worker.drain()
    assert shelf.asked == 1


def test_findings_of_the_old_champion_are_not_signed_with_the_new_one(
    acme: World, workers: Workers, shelf: Shelf
) -> None:
    case_id = bring(acme)
    worker = workers(champions=shelf.give, champion_seconds=0.0)
    worker.drain()
    promote(acme, SECOND)
    send_back(acme, pending(acme, case_id), "in French")
    counts = worker.drain()
    assert (counts.filed, counts.resumed, counts.failed) == (2, 0, 0), "run again, not resumed"
    second = pending(acme, case_id)
    assert second["envelope"]["stamps"]["bundle"] == SECOND
    assert second["leaves"]["draft"]["language"] == "fr"
    send_back(acme, second, "shorter")
    assert worker.drain().resumed == 1
    assert stamp(acme, case_id) == SECOND
