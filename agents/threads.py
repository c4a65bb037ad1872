"""The agent's paused threads: one saver and one graph for one worker thread.

A saver holds one lock even over a pool, so no two workers share one. What a checkpoint says is never believed:
the worker compares it with the record before it wakes a thread, and runs again from the stored evidence instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.errors import GraphBubbleUp
from langgraph.types import Command
from langsmith import tracing_context

from agents.graph import build
from agents.spans import RunSpans
from agents.state import BatchContext, Json, State
from governance.record import checkpoints
from governance.record.connection import translated
from governance.record.db import Database


def serializer() -> JsonPlusSerializer:
    """Builds no object that a checkpoint names: whoever can write there must not run code here."""
    return JsonPlusSerializer(allowed_msgpack_modules=None)


def thread_id(case_id: str, revision: int) -> str:
    return f"{case_id}:{revision}"


def _config(thread: str, *spans: RunSpans) -> RunnableConfig:
    return {"configurable": {"thread_id": thread}, "callbacks": [*spans]}


class Threads:
    """Runs, wakes, forgets. Raises Unavailable where the database cannot be reached; then it is to be closed.

    `spans` are those of the last run.
    """

    def __init__(self, database: Database) -> None:
        self._conn = checkpoints.connect(database)
        self._saver = PostgresSaver(self._conn, serde=serializer())
        self._graph = build(self._saver)
        self._page = ""
        self.spans = RunSpans()
        try:
            with translated(), checkpoints.alone(self._conn):
                self._saver.setup()
        except BaseException:
            self._conn.close()
            raise

    def close(self) -> None:
        self._conn.close()

    def start(self, thread: str, case_id: str, context: BatchContext) -> Json:
        """Run a case from its beginning to where it waits; the final state with `__interrupt__`."""
        return self._invoke({"case_id": case_id}, thread, context)

    def wake(self, thread: str, interrupt: str, answer: Json, context: BatchContext) -> Json:
        """Go on where the thread waits, by the id of its interrupt."""
        return self._invoke(Command(resume={interrupt: answer}), thread, context)

    def _invoke(self, given: State | Command[Any], thread: str, context: BatchContext) -> Json:
        # "exit" writes one checkpoint, when the thread pauses: a quarter of the rows and half of the CPU of the
        # default. A crash before that loses only a thread; the record has its own transaction and the job its lease.
        # No tracing, whatever the environment says: findings and letters stay in this system.
        self.spans = RunSpans(pauses=GraphBubbleUp)
        with translated(), tracing_context(enabled=False):
            result: Json = self._graph.invoke(given, _config(thread, self.spans), context=context, durability="exit")
        if asked := (result.get("letter") or {}).get("asked"):
            self.spans.add("draft", {"llm": asked})
        return result

    def paused(self, thread: str, interrupt: str) -> Json | None:
        """The state of a thread that waits at this very interrupt, else None."""
        with translated():
            snapshot = self._graph.get_state(_config(thread))
        waiting = snapshot.next == ("wait",) and [one.id for one in snapshot.interrupts] == [interrupt]
        return dict(snapshot.values) if waiting else None

    def forget(self, threads: Sequence[str]) -> int:
        """Delete what these threads left; how many there were."""
        if not threads:
            return 0
        with translated():
            there = checkpoints.existing(self._conn, threads)
            for thread in there:
                self._saver.delete_thread(thread)
        return len(there)

    def next_page(self, limit: int) -> list[str]:
        """Some threads to look at, going round through all of them."""
        with translated():
            found = checkpoints.page(self._conn, self._page, limit)
        self._page = found[-1] if len(found) == limit else ""
        return found
