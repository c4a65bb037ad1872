"""Strangers' bytes are parsed in child processes with a memory limit and a deadline, so that a hostile file costs one
child.

A child serves many documents (starting one costs more than parsing ten) and is replaced after `recycle_after`,
after a deadline and after a crash. Children start at first use, get no environment, and end with their parent and
with all that they started themselves.
"""

from __future__ import annotations

import json
import os
import queue
import selectors
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from governance.errors import Unavailable

_CHILD = Path(__file__).with_name("child.py")
_START_SECONDS = 60.0
MEMORY_MB = 448
"""Data of one child; with the libraries that it maps it stays below 512 MB."""
_ANSWER_LIMIT = 64 * 1024 * 1024

Asked = TypeVar("Asked")
Answered = TypeVar("Answered")


@dataclass(frozen=True, slots=True)
class Kind:
    """What a child reads: its name for people, its module (see `child`), what must be installed for it.

    `deadline` (seconds) and `memory_mb` stand where the pool's own would not do. `slack`: seconds on the clock for
    each second of an allowance, where the child bounds its CPU time by itself and a busy machine may take longer.
    """

    name: str
    module: str
    needs: str
    deadline: float | None = None
    memory_mb: int | None = None
    slack: float = 1.0

    def command(self) -> list[str]:
        return [str(_CHILD), self.module]


class Allowance:
    """Seconds that children may work on one file and on all that is in it: a mail with fifty bombs is one file.

    What is charged is CPU time, or all the time of a child that did not answer.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds


class Lost(Exception):
    """The child did not answer: `kind` is `deadline` or `limits`."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        super().__init__(kind)


class ChildPool:
    """Up to `size` children of one kind. Safe for threads. Close it, or use it as a context manager.

    `memory_mb` bounds the data of one child, `deadline` (seconds, wall clock) one document.
    """

    def __init__(
        self, kind: Kind, *, size: int = 2, memory_mb: int = MEMORY_MB, deadline: float = 10.0, recycle_after: int = 200
    ) -> None:
        self.kind = kind
        self.size = size
        self.memory_mb = kind.memory_mb or memory_mb
        self.deadline = kind.deadline or deadline
        self.recycle_after = recycle_after
        self._closed = False
        self._slots: queue.LifoQueue[_Child | None] = queue.LifoQueue()
        for _ in range(size):
            self._slots.put(None)

    def ask(self, content: bytes, allowance: Allowance | None = None) -> dict[str, Any]:
        """What a child says of one document. Raises Lost, and Unavailable where no child starts or the pool is
        closed."""
        seconds = self.deadline if allowance is None else min(self.deadline, self.kind.slack * allowance.seconds)
        if seconds <= 0:
            raise Lost("deadline")
        child = self._slots.get()
        keep: _Child | None = None
        try:
            if self._closed:
                raise Unavailable(f"The {self.kind.name} reader is closed.")
            if child is None:
                child = _Child(self.kind, self.memory_mb)
            started, spent = time.monotonic(), None
            try:
                answer = child.ask(content, seconds)
                spent = float(answer.pop("cpu_seconds", 0.0))
            finally:
                if allowance is not None:
                    allowance.seconds -= time.monotonic() - started if spent is None else spent
            if child.served < self.recycle_after:
                keep = child
            return answer
        finally:
            if child is not None and keep is None:
                child.stop()
            self._slots.put(keep)

    def map(self, one: Callable[[Asked], Answered], items: Sequence[Asked]) -> list[Answered]:
        """`one` of each item in order, as many at once as there are children."""
        if len(items) < 2 or self.size == 1:
            return [one(item) for item in items]
        with ThreadPoolExecutor(max_workers=min(self.size, len(items))) as threads:
            return list(threads.map(one, items))

    def close(self) -> None:
        """Waits for documents in work, then ends all children. May be called twice."""
        if self._closed:
            return
        self._closed = True
        for _ in range(self.size):
            child = self._slots.get()
            if child is not None:
                child.stop()
        for _ in range(self.size):
            self._slots.put(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Child:
    def __init__(self, kind: Kind, memory_mb: int) -> None:
        self.served = 0
        # No environment: the parser of strangers' files must not see this process's secrets. A group of its own, so
        # that it ends together with what it started.
        self._process = subprocess.Popen(  # noqa: S603  # our own interpreter and file
            [sys.executable, "-I", *kind.command(), str(memory_mb)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={},
            bufsize=0,
            process_group=0,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        os.set_blocking(self._stdin.fileno(), False)
        os.set_blocking(self._stdout.fileno(), False)
        try:
            self._exchange((), _START_SECONDS)
        except Lost:
            self.stop()
            raise Unavailable(f"The {kind.name} reader does not start: check that {kind.needs} is installed.") from None

    def ask(self, content: bytes, seconds: float) -> dict[str, Any]:
        self.served += 1
        frame = self._exchange((struct.pack(">Q", len(content)), content), seconds)
        answer = json.loads(frame)
        if not isinstance(answer, dict):
            raise Lost("limits")
        return answer

    def _exchange(self, parts: Sequence[bytes], seconds: float) -> bytes:
        """Writes the parts, reads one frame; one deadline for both."""
        end = time.monotonic() + seconds
        pending = [memoryview(part) for part in parts if part]
        received = bytearray()
        with selectors.DefaultSelector() as ready:
            ready.register(self._stdout, selectors.EVENT_READ)
            if pending:
                ready.register(self._stdin, selectors.EVENT_WRITE)
            while True:
                left = end - time.monotonic()
                if left <= 0:
                    raise Lost("deadline")
                for key, _ in ready.select(left):
                    if key.fileobj is self._stdin:
                        self._write(pending)
                        if not pending:
                            ready.unregister(self._stdin)
                    else:
                        self._read(received)
                frame = _frame(received)
                if frame is not None:
                    return frame

    def _write(self, pending: list[memoryview]) -> None:
        try:
            written = os.write(self._stdin.fileno(), pending[0][: 1 << 16])
        except BlockingIOError:
            return
        except BrokenPipeError:
            raise Lost("limits") from None
        pending[0] = pending[0][written:]
        if not pending[0]:
            del pending[0]

    def _read(self, received: bytearray) -> None:
        part = os.read(self._stdout.fileno(), 1 << 20)
        if not part or len(received) > _ANSWER_LIMIT:
            raise Lost("limits")
        received += part

    def stop(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._stdin.close()
        self._stdout.close()


def _frame(received: bytearray) -> bytes | None:
    if len(received) < 8:
        return None
    (size,) = struct.unpack_from(">Q", received)
    return bytes(received[8 : 8 + size]) if len(received) >= 8 + size else None
