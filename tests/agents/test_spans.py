"""Spans of a run: one for every node, also for those that run side by side, pause or fail."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from agents.graph import NODES
from agents.spans import RunSpans
from tests.agents.conftest import Workers
from tests.build import World

BODY = "SELECT body FROM cs.observations WHERE kind = 'triage' ORDER BY id DESC LIMIT 1"


class Pause(Exception):
    """A node that waits."""


def ticking() -> Any:
    """A clock that goes on by 10 ms whenever it is read."""
    now = iter(range(1000))
    return lambda: next(now) / 100


def opened(spans: RunSpans) -> Any:
    root = uuid4()
    spans.on_chain_start({}, {}, run_id=root, name="graph")
    return root


def test_nodes_have_spans_and_what_runs_inside_of_them_has_none() -> None:
    start = datetime(2026, 11, 1, tzinfo=UTC)
    spans = RunSpans(Pause, started_at=start, clock=ticking())
    root = opened(spans)
    for name, error in (("first", None), ("second", ValueError()), ("third", Pause())):
        node, inside = uuid4(), uuid4()
        spans.on_chain_start({}, {}, run_id=node, parent_run_id=root, name=name)
        spans.on_chain_start({}, {}, run_id=inside, parent_run_id=node, name="inside")
        spans.on_chain_end({}, run_id=inside, parent_run_id=node)
        if error is None:
            spans.on_chain_end({}, run_id=node, parent_run_id=root)
        else:
            spans.on_chain_error(error, run_id=node, parent_run_id=root)
    spans.on_chain_end({}, run_id=root)
    told = spans.as_dict()
    assert told["started_at"] == "2026-11-01T00:00:00+00:00"
    assert [(one["name"], one["ended"]) for one in told["spans"]] == [
        ("first", "ok"), ("second", "failed"), ("third", "paused"),
    ]  # fmt: skip
    assert told["spans"][0]["start_ms"] == pytest.approx(20)
    assert all(one["ms"] == pytest.approx(30) for one in told["spans"])


def test_parallel_nodes_lose_no_span() -> None:
    spans = RunSpans()
    root = opened(spans)

    def nodes() -> None:
        for number in range(200):
            node = uuid4()
            spans.on_chain_start({}, {}, run_id=node, parent_run_id=root, name=str(number))
            spans.on_chain_end({}, run_id=node, parent_run_id=root)

    threads = [threading.Thread(target=nodes) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(spans.as_dict()["spans"]) == 8 * 200


def test_a_case_costs_less_than_two_milliseconds() -> None:
    cases = 200
    start = time.process_time()
    for _ in range(cases):
        spans = RunSpans()
        root = opened(spans)
        for name in NODES:
            node = uuid4()
            spans.on_chain_start({}, {}, run_id=node, parent_run_id=root, name=name)
            spans.on_chain_end({}, run_id=node, parent_run_id=root)
        spans.as_dict()
    assert (time.process_time() - start) / cases < 0.002


def test_the_worker_reports_every_node_of_a_run_and_of_a_redraft(acme: World, workers: Workers) -> None:
    case_id = str(acme.accept()["case_id"])
    worker = workers()
    before = datetime.now(UTC)
    worker.drain()
    body = acme.scalar(BODY)
    names = {one["name"]: one for one in body["spans"]}
    assert set(names) == set(NODES)
    assert len(body["spans"]) == len(NODES)
    assert {name for name, one in names.items() if one["ended"] != "ok"} == {"wait"}
    assert names["wait"]["ended"] == "paused"
    assert before <= datetime.fromisoformat(body["started_at"]) <= datetime.now(UTC)
    assert names["classify"]["start_ms"] <= min(names[name]["start_ms"] for name in ("match", "assess", "recall"))
    assert acme.scalar("SELECT available_at <= now() FROM cs.observations WHERE kind = 'triage'")

    pending = acme.recommendation(acme.scalar("SELECT id FROM cs.recommendations WHERE case_id = %s", case_id))
    acme.decide("reviewer", pending, "send_back", comment="in Dutch")
    assert worker.drain().resumed == 1
    again = [one["name"] for one in acme.scalar(BODY)["spans"]]
    assert again == ["wait", "draft", "guard", "file", "wait"]
