"""How long each node of one graph run took, as langchain-core's callbacks tell it. No text of the case is kept."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler

Json = dict[str, Any]


class RunSpans(BaseCallbackHandler):
    """The spans of one run. Parallel nodes report from their own threads, hence the lock.

    `pauses` are the exceptions by which a node pauses; it has its span all the same, and so has one that fails.
    `started_at` is UTC; `clock` counts seconds, and only its differences matter.
    """

    run_inline = True
    ignore_llm = ignore_chat_model = ignore_retriever = ignore_agent = ignore_retry = ignore_custom_event = True

    def __init__(
        self,
        pauses: type[BaseException] | tuple[type[BaseException], ...] = (),
        *,
        started_at: datetime | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._pauses = pauses
        self.started_at = started_at or datetime.now(UTC)
        self._clock = clock
        self._zero = clock()
        self._lock = threading.Lock()
        self._root: UUID | None = None
        self._open: dict[UUID, tuple[str, float]] = {}
        self._spans: list[Json] = []

    def on_chain_start(
        self,
        serialized: dict[str, Any],
        inputs: dict[str, Any],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        name: str | None = None,
        **told: Any,
    ) -> None:
        now = self._clock()
        with self._lock:
            if parent_run_id is None:
                self._root = run_id
            elif parent_run_id == self._root:
                # A node. What runs inside of one is its own affair.
                self._open[run_id] = (name or "node", now)

    def on_chain_end(
        self, outputs: dict[str, Any], *, run_id: UUID, parent_run_id: UUID | None = None, **told: Any
    ) -> None:
        self._close(run_id, "ok")

    def on_chain_error(
        self, error: BaseException, *, run_id: UUID, parent_run_id: UUID | None = None, **told: Any
    ) -> None:
        self._close(run_id, "paused" if isinstance(error, self._pauses) else "failed")

    def _close(self, run_id: UUID, ended: str) -> None:
        now = self._clock()
        with self._lock:
            found = self._open.pop(run_id, None)
            if found is not None:
                name, start = found
                self._spans.append(
                    {"name": name, "start_ms": _ms(start - self._zero), "ms": _ms(now - start), "ended": ended}
                )

    def add(self, name: str, more: Json) -> None:
        """Something about the last span of this name, such as what a language model took in it."""
        with self._lock:
            for span in reversed(self._spans):
                if span["name"] == name:
                    span.update({key: value for key, value in more.items() if key not in span})
                    return

    def as_dict(self) -> Json:
        """{"started_at": ISO text, "spans": [{"name", "start_ms", "ms", "ended"}, …]} in the order of their start.

        `ended` is ok, paused or failed; milliseconds count from `started_at`.
        """
        with self._lock:
            spans = sorted(self._spans, key=lambda span: float(span["start_ms"]))
        return {"started_at": self.started_at.isoformat(), "spans": spans}


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)
