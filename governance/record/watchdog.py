"""Runs one Postgres server and stops it when its owner is gone. Started by path, standard library only.

The owner (the process that called EmbeddedPostgres.start) starts this program in a session of its own, so
Ctrl-C in a terminal does not reach it, and keeps the other end of its standard input. End of file there, a
changed parent, or SIGTERM means: stop the server. It remains root when the server is not, so it may
signal the server. Should it be killed itself, Linux sends the server SIGINT (PR_SET_PDEATHSIG, set after the
change of user, which would clear it). It holds the lock on HOME for as long as the server lives.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType
from typing import Any

FAST_SECONDS = 30.0
IMMEDIATE_SECONDS = 10.0
_PR_SET_PDEATHSIG = 1


class _Terminated(Exception):
    """SIGTERM or SIGHUP arrived."""


def _terminate(signum: int, frame: FrameType | None) -> None:
    raise _Terminated


def _die_with_watchdog() -> None:
    """Runs in the child between setuid and exec."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def _wait_for_reason(server: subprocess.Popen[bytes], owner: int) -> None:
    """Returns when the server has ended or has to end."""
    while server.poll() is None and os.getppid() == owner:
        # The pipe answers at once; the timeout is for a server that died and for an owner whose
        # forked children still hold the pipe's other end.
        readable, _, _ = select.select([0], [], [], 0.5)
        if readable:
            return


def _stop(server: subprocess.Popen[bytes]) -> None:
    """Fast shutdown, then immediate, then kill."""
    for signum, seconds in ((signal.SIGINT, FAST_SECONDS), (signal.SIGQUIT, IMMEDIATE_SECONDS)):
        if server.poll() is not None:
            return
        server.send_signal(signum)
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(seconds)
            return
    server.kill()
    server.wait()


def run(spec: dict[str, Any]) -> int:
    """Serve until there is a reason to stop. `spec`: command, account, owner, note, environment."""
    for signum in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, _terminate)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    server = subprocess.Popen(  # noqa: S603 - our own arguments
        spec["command"],
        stdin=subprocess.DEVNULL,
        stdout=2,
        stderr=2,
        cwd="/",
        umask=0o077,
        env=spec["environment"],
        start_new_session=True,
        restore_signals=True,
        preexec_fn=_die_with_watchdog,
        **spec["account"],
    )
    with contextlib.suppress(_Terminated, BrokenPipeError):
        os.write(1, f"{server.pid}\n".encode())
        _wait_for_reason(server, spec["owner"])
    for signum in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, signal.SIG_IGN)
    # First the note: whoever reads it from here on must not attach to a server that is going away.
    with contextlib.suppress(OSError):
        Path(spec["note"]).unlink()
    _stop(server)
    return server.returncode


if __name__ == "__main__":
    sys.exit(0 if run(json.loads(sys.argv[1])) == 0 else 1)
