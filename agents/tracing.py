"""Where the time of a batch goes, by step. Cheap enough to stay on."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator


class Tracer:
    """Seconds and calls by step; safe to use from the threads that run a graph's parallel nodes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seconds: dict[str, float] = {}
        self._calls: dict[str, int] = {}

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Counts the time inside, also where it ends by an exception such as LangGraph's own interrupt."""
        start = time.perf_counter()
        try:
            yield
        finally:
            passed = time.perf_counter() - start
            with self._lock:
                self._seconds[name] = self._seconds.get(name, 0.0) + passed
                self._calls[name] = self._calls.get(name, 0) + 1

    def split(self) -> dict[str, float]:
        """Seconds by step, longest first."""
        with self._lock:
            return dict(sorted(self._seconds.items(), key=lambda item: -item[1]))

    def calls(self) -> dict[str, int]:
        with self._lock:
            return dict(self._calls)
