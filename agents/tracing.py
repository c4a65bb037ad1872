"""Where the time of a batch goes, by step, and where an error came from. Cheap enough to stay on."""

from __future__ import annotations

import contextlib
import threading
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from governance.errors import Refusal

_ROOT = Path(__file__).resolve().parent.parent


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

    def split(self, whole: str = "", inside: Sequence[str] = (), rest: str = "") -> dict[str, float]:
        """Seconds by step, longest first. The step `whole` that holds the steps `inside` is given as its `rest`."""
        with self._lock:
            seconds = dict(self._seconds)
        if whole in seconds:
            seconds[rest] = max(0.0, seconds.pop(whole) - sum(seconds.get(name, 0.0) for name in inside))
        return dict(sorted(seconds.items(), key=lambda item: -item[1]))

    def calls(self) -> dict[str, int]:
        with self._lock:
            return dict(self._calls)


def where(error: BaseException) -> str:
    """Kind and place of an error without its words: those may quote a document."""
    kind = f"{type(error).__name__}" + (f" {error.slug}" if isinstance(error, Refusal) else "")
    ours = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_ours(frame.filename)]
    if not ours:
        return kind
    last = ours[-1]
    return f"{kind} at {Path(last.filename).relative_to(_ROOT)}:{last.lineno} in {last.name}"


def _is_ours(filename: str) -> bool:
    path = Path(filename)
    return path.is_relative_to(_ROOT) and path.relative_to(_ROOT).parts[0] in ("governance", "models", "agents")


def split_lines(seconds: Mapping[str, float], cases: int) -> list[str]:
    """The time by step for people: milliseconds a case and share, one line a step."""
    total = sum(seconds.values()) or 1.0
    return [f"{name:12} {1000 * spent / max(1, cases):8.2f} ms {spent / total:6.1%}" for name, spent in seconds.items()]
