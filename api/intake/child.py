"""A process that reads one kind of file. Runs isolated: `python -I this-file MODULE MEMORY_MB`.

MODULE is one of this package's `*_child` modules; its `parse(content)` answers with a JSON object, in which `error`
says why there is nothing else. Protocol over stdin and stdout, all lengths 8 bytes big-endian: first one empty frame
that says "ready", then for each frame with a file one frame with the answer. The end of stdin ends the process and
all that it started, also in mid-file.
"""

from __future__ import annotations

import importlib
import json
import os
import queue
import resource
import signal
import struct
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

_CPU_SECONDS = 15.0
_ROOT = Path(__file__).resolve().parents[2]


def _read_exactly(size: int) -> bytes:
    parts: list[bytes] = []
    while size:
        part = os.read(0, min(size, 1 << 20))
        if not part:  # the parent closed the pipe or is gone
            os.killpg(0, signal.SIGKILL)
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _cpu_seconds() -> float:
    """CPU time of this process and of those that it started and that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _listen(files: queue.Queue[bytes]) -> None:
    """Reads ahead, so that the parent's end is noticed while a file is read."""
    while True:
        (size,) = struct.unpack(">Q", _read_exactly(8))
        files.put(_read_exactly(size))


def main(parse: Callable[[bytes], dict[str, Any]], memory_mb: int) -> None:
    """Answers until stdin ends. `parse` may raise MemoryError or RecursionError: the file is beyond the limits."""
    limit = memory_mb * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    resource.setrlimit(resource.RLIMIT_AS, (limit * 4, limit * 4))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Whatever a library prints must not break the protocol.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    files: queue.Queue[bytes] = queue.Queue(maxsize=1)
    threading.Thread(target=_listen, args=(files,), daemon=True).start()
    answer = b""
    while True:
        answers.write(struct.pack(">Q", len(answer)) + answer)
        answers.flush()
        content = files.get()
        # Whatever the clock says: beyond this the process ends (SIGPROF), and its parent says why.
        signal.setitimer(signal.ITIMER_PROF, _CPU_SECONDS)
        before = _cpu_seconds()
        try:
            found = parse(content)
            found["cpu_seconds"] = round(_cpu_seconds() - before, 3)
            answer = json.dumps(found).encode()
            del found
        except (MemoryError, RecursionError):
            answer = b'{"error": "limits"}'
        signal.setitimer(signal.ITIMER_PROF, 0)
        del content


if __name__ == "__main__":
    # Isolated mode leaves this project out; it stands before whatever else is installed under the same names.
    sys.path.insert(0, str(_ROOT))
    main(importlib.import_module(sys.argv[1]).parse, int(sys.argv[2]))
