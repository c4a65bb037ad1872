"""HOME's files about its server: the lock, the note that says where it listens, the superuser's password."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from governance.errors import Unavailable
from governance.record import watchdog
from governance.record.placement import Place

NOTE = "postgres.json"
PASSWORD = "postgres.password"  # noqa: S105 - a file's name
LOCK = "postgres.lock"

# A server whose owner was killed stops within this time.
STOP_SECONDS = watchdog.FAST_SECONDS + watchdog.IMMEDIATE_SECONDS + 5.0
# An owner that was killed a moment ago may still be dying.
_GRACE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Note:
    """What other processes need to know of a running server: its port and process, and the process that started it."""

    port: int
    pid: int
    owner: int


def prepared(home: Path) -> Path:
    """HOME with all links resolved, made where missing. Root's can be entered, not listed: the server is not root."""
    home = home.expanduser().resolve()
    if not home.is_dir():
        home.parent.mkdir(parents=True, exist_ok=True)
        home.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700)
    return home


def write_note(home: Path, note: Note) -> None:
    write_private(home / NOTE, json.dumps(asdict(note)), replace=True)


def read_note(home: Path) -> Note | None:
    """The note in HOME, or None where there is none. It may be stale: only the lock says that a server lives."""
    try:
        text = (home / NOTE).read_text()
        return Note(**json.loads(text))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def password_of(home: Path, place: Place) -> str:
    """The superuser's password, made at first use. Raises Unavailable where a cluster exists and the file is gone."""
    path = home / PASSWORD
    if path.exists():
        return path.read_text().strip()
    if place.initialised:
        raise Unavailable(f"{path} is missing, and the database in {place.data} asks for it: restore that file")
    password = secrets.token_urlsafe(32)
    write_private(path, password)
    return password


def write_private(path: Path, text: str, *, replace: bool = False, uid: int | None = None) -> None:
    """A file with mode 0600, complete or absent."""
    target = path.with_name(f".{path.name}.{secrets.token_hex(4)}") if replace else path
    fd = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "w") as file:
        if uid is not None:
            os.fchown(fd, uid, -1)
        file.write(text + "\n")
        file.flush()
        os.fsync(fd)
    if replace:
        target.replace(path)


def alive(pid: int) -> bool:
    """Whether a process runs. One that has ended and only waits to be collected (a zombie) does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        # The state follows the command's name, which stands in brackets and may hold anything.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return True


@contextlib.contextmanager
def try_lock(home: Path) -> Iterator[int | None]:
    """The descriptor of HOME's lock, or None when a server, or a process that starts one, holds it."""
    fd = os.open(home / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
        else:
            yield fd
    finally:
        os.close(fd)


@contextlib.contextmanager
def locked(home: Path) -> Iterator[int]:
    """HOME's lock. Waits for a server whose owner is gone to stop; raises Unavailable when the owner lives."""
    deadline = time.monotonic() + STOP_SECONDS
    refusal = time.monotonic() + _GRACE_SECONDS
    while True:
        with try_lock(home) as fd:
            if fd is not None:
                yield fd
                return
        owner = _owner(home)
        if time.monotonic() > (refusal if owner is not None else deadline):
            who = f"process {owner}" if owner is not None else "another process"
            raise Unavailable(
                f"{who} runs the database in {home} already: stop it, connect to it, or choose another --home"
            )
        time.sleep(0.1)


def _owner(home: Path) -> int | None:
    """The living process that started HOME's server."""
    note = read_note(home)
    return note.owner if note is not None and alive(note.owner) else None
