"""What a hostile server of a language model, or the environment of the process, could do to the door."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import BaseModel

from agents.llm import Door, Limits, Place, Question
from agents.llm_limits import Budget
from evals.llm_stub import completion, serving


class Said(BaseModel):
    word: str


GOOD = json.dumps(completion('{"word": "x"}'))


def question(user: str = "user", *, region: str = "EU", system: str = "system") -> Question:
    return Question("test", system, user, "case", region)


@contextmanager
def doors(*places: Place, **limits: Any) -> Iterator[tuple[Door, Budget]]:
    made = Limits(**{"deadline": 2.0, **limits})
    budget = Budget(made, lambda: datetime.now(UTC).date())
    door = Door(places, made, spending=budget)
    try:
        yield door, budget
    finally:
        door.close()


@contextmanager
def wire(answering: Callable[[socket.socket], None]) -> Iterator[tuple[str, list[bytes]]]:
    """(URL, requests) of a server that answers each connection's first request with its own bytes."""
    asked: list[bytes] = []
    listening = socket.create_server(("127.0.0.1", 0))

    def one(connection: socket.socket) -> None:
        with connection:
            asked.append(connection.recv(65536))
            with suppress(OSError):
                answering(connection)

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=one, args=(connection,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/v1", asked
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()


def whole(body: bytes, *headers: str) -> bytes:
    head = ["HTTP/1.1 200 OK", "Content-Type: application/json", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(head).encode() + body


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        (None, (0, 0)),
        ({}, (0, 0)),
        ([], (0, 0)),
        ({"prompt_tokens": "many", "completion_tokens": None}, (0, 0)),
        ({"prompt_tokens": 1.5, "completion_tokens": [2]}, (0, 0)),
        ({"prompt_tokens": True, "completion_tokens": 7}, (0, 7)),
        ({"prompt_tokens": -(10**9), "completion_tokens": -1}, (0, 0)),
        ({"prompt_tokens": 10**40, "completion_tokens": 10**40}, (2010, 800)),
    ],
)
def test_what_a_server_counts_neither_breaks_the_door_nor_gives_budget_back(
    usage: Any, tokens: tuple[int, int]
) -> None:
    with (
        serving(lambda asked: (200, json.dumps({**completion('{"word": "x"}'), "usage": usage}))) as server,
        doors(Place(server.url, "m", "EU")) as (door, budget),
    ):
        budget.reserve("another", 1000)
        found = door.ask(question(), Said)
        assert (found.value, found.why) == (Said(word="x"), "")
        assert (found.tokens_in, found.tokens_out) == tokens
        assert budget.spent == 1000 + sum(tokens)


def test_a_question_that_came_too_late_is_paid_for() -> None:
    with serving("slow", delay=5.0) as server, doors(Place(server.url, "m", "EU"), deadline=0.3) as (door, budget):
        assert door.ask(question(), Said).why == "late"
        assert budget.spent == len("systemuser") // 3 + 800


def test_a_server_cannot_send_the_question_and_the_key_elsewhere() -> None:
    with serving("helpful") as other:
        moved = whole(b"{}", f"Location: {other.url}/chat/completions").replace(b"200 OK", b"307 Temporary Redirect")
        with wire(lambda connection: connection.sendall(moved)) as (url, asked):
            with doors(Place(url, "m", "EU")) as (door, _):
                assert door.ask(question(), Said).value is None
            assert len(asked) == 1
        assert other.asked == []


def test_tries_are_ours_alone_and_stay_within_their_number() -> None:
    with serving(lambda asked: (500, "{}")) as server, doors(Place(server.url, "m", "EU"), attempts=1) as (door, _):
        assert door.ask(question(), Said).why == "down"
        assert len(server.asked) == 1


def test_one_region_is_never_answered_with_what_another_was_told() -> None:
    def says(word: str) -> Any:
        return serving(lambda asked: (200, json.dumps(completion(json.dumps({"word": word})))))

    with (
        says("europe") as eu,
        says("america") as us,
        doors(Place(eu.url, "m", "EU"), Place(us.url, "m", "US")) as (door, _),
    ):
        said = [door.ask(question(region=region), Said).value for region in ("EU", "US", "EU")]
        assert [one and one.word for one in said] == ["europe", "america", "europe"]
        other = door.ask(question(system="other instructions"), Said)
        assert not other.cached, "other instructions are another question"


def test_what_the_environment_would_add_does_not_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-somebody")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "project-of-somebody")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Token: secret\nAuthorization: Bearer stolen")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    with (
        wire(lambda connection: connection.sendall(whole(GOOD.encode()))) as (url, asked),
        doors(Place(url, "m", "EU", key="sk-ours")) as (door, _),
    ):
        assert door.ask(question(), Said).value == Said(word="x")
    head, _, body = asked[0].partition(b"\r\n\r\n")
    sent = {line.partition(b":")[0].decode().lower() for line in head.split(b"\r\n")[1:]}
    assert sent <= {
        "host", "accept", "accept-encoding", "content-type", "content-length", "connection", "user-agent",
        "authorization",
    }  # fmt: skip
    assert b"Bearer sk-ours" in head
    assert b"sk-ours" not in body
    assert not any(word in asked[0] for word in (b"somebody", b"secret", b"stolen"))


def test_a_packed_answer_is_not_unpacked() -> None:
    packed = gzip.compress(b'{"word": "' + b"0" * 100_000_000 + b'"}', 9)
    assert len(packed) < 200_000
    with (
        wire(lambda connection: connection.sendall(whole(packed, "Content-Encoding: gzip"))) as (url, _),
        doors(Place(url, "m", "EU")) as (door, _),
    ):
        tracemalloc.start()
        try:
            assert door.ask(question(), Said).value is None
            assert tracemalloc.get_traced_memory()[1] < 20_000_000
        finally:
            tracemalloc.stop()


def drips(*before: bytes) -> Callable[[socket.socket], None]:
    """An answer that never ends and is never quiet."""

    def answering(connection: socket.socket) -> None:
        connection.sendall(b"".join(before))
        while True:
            connection.sendall(b"a")
            time.sleep(0.05)

    return answering


@pytest.mark.parametrize(
    "before", [(b"HTTP/1.1 200 OK\r\nX-Long: ",), (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n",)]
)
def test_answers_that_drip_for_ever_hold_no_thread(before: tuple[bytes, ...]) -> None:
    with (
        wire(drips(*before)) as (url, asked),
        serving(lambda asked: (200, GOOD)) as other,
        doors(Place(url, "m", "EU"), Place(other.url, "m", "US"), deadline=0.4, rest=0.0) as (door, _),
    ):
        for at in range(6):
            start = time.monotonic()
            assert door.ask(question(f"question {at}"), Said).why == "late"
            assert time.monotonic() - start < 2.0, "whoever asked waits for the deadline and no longer"
        assert len(asked) == 6, "each was really asked"
        answers = [door.ask(question(f"question {at}", region="US"), Said).why for at in range(3)]
        assert "" in answers
