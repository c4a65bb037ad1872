"""The processes of one machine: started, watched, started again, stopped; none outlives the supervisor.

A child's standard input is a pipe that only the supervisor holds: when the supervisor is gone, however it went, the
child reads the end of it and stops. Each child is the leader of a process group, so Ctrl-C in a terminal reaches the
supervisor alone, which then stops them in order.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, MappingProxyType

from governance.errors import Unavailable

STOP_SECONDS = 20.0
"""How long a child may take to finish what it does."""
_ORPHAN_SECONDS = 5.0
_SETTLED_SECONDS = 20.0
_MOST_FAILURES = 5
_LONGEST_PAUSE = 15.0
_LOG_LIMIT = 10 * 1024 * 1024
_POLL = 0.2
_ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Command:
    """One child: its name (also of its log), what it runs, and variables that no other child is given.

    The others do without an `optional` one: it is started again for ever, and never the reason to stop.
    """

    name: str
    arguments: tuple[str, ...]
    optional: bool = False
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(slots=True)
class _Child:
    command: Command
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    failures: int = 0
    again_at: float = 0.0
    log: Path = field(default_factory=Path)


def role(
    name: str,
    *arguments: str,
    home: Path,
    label: str | None = None,
    optional: bool = False,
    environment: Mapping[str, str] = MappingProxyType({}),
) -> Command:
    """A command of this program, in this interpreter, that ends with its parent."""
    line = (sys.executable, "-m", "api.cli", name, *arguments, "--home", str(home), "--supervised")
    return Command(label or name, line, optional, environment)


class Supervisor:
    """Runs commands until it is told to stop or one of them cannot be kept running. Logs go to `logs`/NAME.log."""

    def __init__(self, commands: Sequence[Command], logs: Path, say: Callable[[str], None]) -> None:
        self._children = [_Child(command, log=logs / f"{command.name}.log") for command in commands]
        self._logs = logs
        self._say = say
        self._stop = threading.Event()

    def start(self) -> None:
        """Start all. Raises Unavailable where one cannot be started."""
        self._logs.mkdir(mode=0o700, exist_ok=True)
        for child in self._children:
            self._start(child)

    def add(self, *commands: Command) -> None:
        """Start these, too, in the next round."""
        self._children += [_Child(command, log=self._logs / f"{command.name}.log") for command in commands]

    def stop(self, *_: object) -> None:
        """Ask `run` to return; safe in a signal handler."""
        self._stop.set()

    @property
    def stopping(self) -> bool:
        return self._stop.is_set()

    def run(self, healthy: Callable[[], str | None] = lambda: None) -> str | None:
        """Keep the children running. Returns None when it was told to stop, else why it gave up.

        `healthy` is asked in every round and says what is wrong, if anything is.
        """
        while not self._stop.wait(_POLL):
            if (wrong := healthy() or self.look()) is not None:
                return wrong
        return None

    def look(self) -> str | None:
        """Start again what has ended; the reason where that is hopeless."""
        now = time.monotonic()
        for child in self._children:
            if child.process is None:
                if now >= child.again_at:
                    self._start(child)
            elif (code := child.process.poll()) is not None:
                if (hopeless := self._ended(child, code, now)) is not None:
                    return hopeless
            elif child.failures and now - child.started > _SETTLED_SECONDS:
                child.failures = 0
        return None

    def close(self) -> None:
        """Stop all children: SIGTERM, and SIGKILL for those that do not end in time. A second Ctrl-C shortens it."""
        running = [child.process for child in self._children if child.process is not None]
        for process in running:
            _signal(process, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        with contextlib.suppress(KeyboardInterrupt):
            while time.monotonic() < deadline and any(process.poll() is None for process in running):
                time.sleep(0.05)
        for process in running:
            # The whole group: what a child started does not stay behind either.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            _close_input(process)
        for child in self._children:
            child.process = None

    def _start(self, child: _Child) -> None:
        if child.log.exists() and child.log.stat().st_size > _LOG_LIMIT:
            child.log.replace(child.log.with_suffix(".log.1"))
        fd = os.open(child.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            child.process = start(child.command, output=fd, errors=fd)
        finally:
            os.close(fd)
        child.started = time.monotonic()

    def _ended(self, child: _Child, code: int, now: float) -> str | None:
        assert child.process is not None
        _close_input(child.process)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            # What it started must not hold its port when it starts again.
            os.killpg(child.process.pid, signal.SIGKILL)
        child.process = None
        child.failures = child.failures + 1 if now - child.started < _SETTLED_SECONDS else 1
        if child.failures >= _MOST_FAILURES and not child.command.optional:
            return f"{child.command.name} does not keep running; {child.log} ends with:\n{tail(child.log)}"
        pause = min(_LONGEST_PAUSE, 0.5 * 2 ** min(child.failures - 1, 10))
        child.again_at = now + pause
        self._say(f"{child.command.name} ended ({_how(code)}): it starts again in {pause:g} s; see {child.log}")
        return None


def start(command: Command, *, output: int | None = None, errors: int | None = None) -> subprocess.Popen[bytes]:
    """Start one child that ends with us. `output` and `errors` take its streams; None leaves them as ours."""
    try:
        return subprocess.Popen(  # noqa: S603 - our own arguments
            command.arguments,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=errors,
            process_group=0,
            env={**os.environ, **command.environment} if command.environment else None,
            # `python -m` looks in the working folder first: never in one that happens to have an `api` of its own.
            cwd=_ROOT,
        )
    except OSError as error:
        raise Unavailable(f"{command.name} cannot be started: {error}") from error


def run_once(command: Command) -> int:
    """Run a child to its end and return its exit code; it is stopped where we are interrupted."""
    process = start(command)
    try:
        return process.wait()
    finally:
        _end(process)


def answers(commands: Sequence[Command]) -> list[tuple[int, str]]:
    """Run children side by side to their end: exit code and standard output of each."""
    with contextlib.ExitStack() as stack:
        outputs = [stack.enter_context(tempfile.TemporaryFile()) for _ in commands]
        running = []
        for command, output in zip(commands, outputs, strict=True):
            running.append(start(command, output=output.fileno()))
            stack.callback(_end, running[-1])
        codes = [process.wait() for process in running]
        texts = []
        for output in outputs:
            output.seek(0)
            texts.append(output.read().decode(errors="replace").strip())
    return list(zip(codes, texts, strict=True))


def _end(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM, time to finish, and SIGKILL for the whole group."""
    _signal(process, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    _close_input(process)


def end_with_parent() -> None:
    """Called in a child: when standard input ends, so does this process."""

    def watch() -> None:
        with contextlib.suppress(OSError):
            while os.read(0, 4096):
                pass
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(_ORPHAN_SECONDS)
        with contextlib.suppress(OSError):
            # What we started ourselves, where we lead a group of our own.
            if os.getpgid(0) == os.getpid():
                os.killpg(0, signal.SIGKILL)
        os._exit(1)

    threading.Thread(target=watch, name="end-with-parent", daemon=True).start()


def check_port(host: str, port: int) -> None:
    """Raises Unavailable where nobody could listen there, with what to do."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError) as error:
            taken = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
            what = "is taken: stop the program that holds it" if taken else f"cannot be used ({error})"
            raise Unavailable(f"port {port} on {host} {what}, or choose another one with --port") from None


def free_port(host: str) -> int:
    """A port where nobody listens now."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def stopped_by(stop: Callable[..., None], signals: Sequence[signal.Signals]) -> Iterator[None]:
    """`stop` handles these signals inside the block; outside it everything is as it was."""

    def handle(signum: int, frame: FrameType | None) -> None:
        stop()

    before: Mapping[signal.Signals, object] = {signum: signal.signal(signum, handle) for signum in signals}
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)  # type: ignore[arg-type]  # what signal.signal returned


def tail(path: Path, size: int = 2000) -> str:
    """The end of a log, for a message."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - size))
            return file.read().decode(errors="replace").strip()
    except OSError as error:
        return f"({error.strerror})"


def _signal(process: subprocess.Popen[bytes], signum: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signum)


def _close_input(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(OSError):
        if process.stdin is not None:
            process.stdin.close()


def _how(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
