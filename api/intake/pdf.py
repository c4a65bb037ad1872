"""PDFs are parsed in child processes with a memory limit and a deadline, so that a hostile file costs one child.

A child serves many documents (starting one costs more than parsing ten) and is replaced after `recycle_after`,
after a deadline and after a crash. Children start at first use, get no environment, and end with their parent.
"""

from __future__ import annotations

import base64
import json
import os
import queue
import selectors
import struct
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from governance.errors import Unavailable, Unreadable
from models.layout import Word

_CHILD = Path(__file__).with_name("pdf_child.py")
_START_SECONDS = 60.0
_ANSWER_LIMIT = 64 * 1024 * 1024
_REASONS = {
    "encrypted": ("encrypted_pdf", "The PDF is protected by a password. Ask the sender for it without protection."),
    "malformed": ("malformed_pdf", "The PDF is damaged or cut off. Ask the sender to send it again."),
    "no_pages": ("malformed_pdf", "The PDF has no pages. Ask the sender to send it again."),
    "limits": (
        "pdf_limits",
        "The PDF needs more memory than is allowed, or breaks the parser. Ask the sender for a plain print to PDF.",
    ),
    "deadline": (
        "pdf_limits",
        "The PDF takes too long to read. Ask the sender for a smaller file or a plain print to PDF.",
    ),
}


@dataclass(frozen=True, slots=True)
class PdfContent:
    """What a PDF holds: running text of the pages read, number of pages, embedded XML files by name, and the words
    of the first pages with their places."""

    text: str
    pages: int
    pages_read: int
    attachments: tuple[tuple[str, bytes], ...]
    words: tuple[Word, ...] = ()


class PdfPool:
    """Parses PDFs in up to `size` child processes. Safe for threads. Close it, or use it as a context manager.

    `memory_mb` bounds the data of one child, `deadline` (seconds, wall clock) one document.
    """

    def __init__(
        self, *, size: int = 2, memory_mb: int = 512, deadline: float = 10.0, recycle_after: int = 200
    ) -> None:
        self.size = size
        self.memory_mb = memory_mb
        self.deadline = deadline
        self.recycle_after = recycle_after
        self._closed = False
        self._slots: queue.LifoQueue[_Child | None] = queue.LifoQueue()
        for _ in range(size):
            self._slots.put(None)

    def parse(self, content: bytes) -> PdfContent:
        """One document. Raises Unreadable (reason_code `encrypted_pdf`, `malformed_pdf`, `pdf_limits`), and
        Unavailable where the parser itself does not start or the pool is closed."""
        child = self._slots.get()
        keep: _Child | None = None
        try:
            if self._closed:
                raise Unavailable("The PDF parser is closed.")
            if child is None:
                child = _Child(self.memory_mb)
            answer = child.ask(content, self.deadline)
            if child.served < self.recycle_after:
                keep = child
        except _Lost as lost:
            raise _unreadable(lost.kind) from None
        finally:
            if child is not None and keep is None:
                child.stop()
            self._slots.put(keep)
        if "error" in answer:
            raise _unreadable(str(answer["error"]))
        return _content(answer)

    def parse_many(self, contents: Sequence[bytes]) -> list[PdfContent | Unreadable]:
        """One result a document, in order; a refused document is its Unreadable."""

        def one(content: bytes) -> PdfContent | Unreadable:
            try:
                return self.parse(content)
            except Unreadable as refusal:
                return refusal

        if len(contents) < 2 or self.size == 1:
            return [one(content) for content in contents]
        with ThreadPoolExecutor(max_workers=min(self.size, len(contents))) as threads:
            return list(threads.map(one, contents))

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

    def __enter__(self) -> PdfPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Lost(Exception):
    """The child did not answer: `kind` is `deadline` or `limits`."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        super().__init__(kind)


class _Child:
    def __init__(self, memory_mb: int) -> None:
        self.served = 0
        # No environment: the parser of strangers' files must not see this process's secrets.
        self._process = subprocess.Popen(  # noqa: S603  # our own interpreter and file
            [sys.executable, "-I", str(_CHILD), str(memory_mb)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={},
            bufsize=0,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        os.set_blocking(self._stdin.fileno(), False)
        os.set_blocking(self._stdout.fileno(), False)
        try:
            self._exchange((), _START_SECONDS)
        except _Lost:
            self.stop()
            raise Unavailable("The PDF parser does not start: check that pypdfium2 is installed.") from None

    def ask(self, content: bytes, seconds: float) -> dict[str, object]:
        self.served += 1
        frame = self._exchange((struct.pack(">Q", len(content)), content), seconds)
        answer = json.loads(frame)
        if not isinstance(answer, dict):
            raise _Lost("limits")
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
                    raise _Lost("deadline")
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
            raise _Lost("limits") from None
        pending[0] = pending[0][written:]
        if not pending[0]:
            del pending[0]

    def _read(self, received: bytearray) -> None:
        part = os.read(self._stdout.fileno(), 1 << 20)
        if not part or len(received) > _ANSWER_LIMIT:
            raise _Lost("limits")
        received += part

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        self._stdin.close()
        self._stdout.close()


def _frame(received: bytearray) -> bytes | None:
    if len(received) < 8:
        return None
    (size,) = struct.unpack_from(">Q", received)
    return bytes(received[8 : 8 + size]) if len(received) >= 8 + size else None


def _unreadable(kind: str) -> Unreadable:
    code, reason = _REASONS.get(kind, _REASONS["malformed"])
    return Unreadable(reason, reason_code=code)


def _content(answer: dict[str, object]) -> PdfContent:
    attachments, words = answer["attachments"], answer["words"]
    assert isinstance(attachments, list)
    assert isinstance(words, list)
    return PdfContent(
        text=str(answer["text"]),
        pages=int(str(answer["pages"])),
        pages_read=int(str(answer["pages_read"])),
        attachments=tuple((str(name), base64.b64decode(data)) for name, data in attachments),
        words=tuple(Word(*word) for word in words),
    )
