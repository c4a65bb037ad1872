"""Children are kept running, stopped in time, and never outlive their supervisor."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from api import processes
from api.processes import Command, Supervisor, check_port, free_port, run_once
from governance.errors import Unavailable
from governance.record.home import alive

ROOT = Path(__file__).resolve().parents[2]


def python(name: str, code: str) -> Command:
    return Command(name, (sys.executable, "-c", code))


def eventually(true: Callable[[], bool], seconds: float = 15.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.05)
    return False


def test_a_child_that_dies_is_started_again(tmp_path: Path) -> None:
    log = tmp_path / "pids"
    code = f"import os,time; open({str(log)!r},'a').write(f'{{os.getpid()}}\\n'); time.sleep(60)"
    said: list[str] = []
    supervisor = Supervisor([python("sleeper", code)], tmp_path / "logs", said.append)
    supervisor.start()
    try:
        assert eventually(lambda: log.exists() and bool(log.read_text().strip()))
        os.kill(int(log.read_text()), signal.SIGKILL)
        assert eventually(lambda: supervisor.look() is None and len(log.read_text().split()) == 2)
        assert "sleeper ended (SIGKILL)" in said[0]
    finally:
        supervisor.close()
    assert not any(alive(int(pid)) for pid in log.read_text().split())


def test_a_child_that_cannot_run_ends_it_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_LONGEST_PAUSE", 0.0)
    monkeypatch.setattr(processes, "_POLL", 0.02)
    supervisor = Supervisor([python("broken", "raise SystemExit('the port is taken')")], tmp_path / "logs", print)
    supervisor.start()
    try:
        wrong = supervisor.run()
    finally:
        supervisor.close()
    assert wrong is not None
    assert "broken does not keep running" in wrong
    assert "the port is taken" in wrong


def test_a_child_that_will_not_stop_is_killed_with_what_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "STOP_SECONDS", 0.5)
    note = tmp_path / "pids"
    code = (
        "import os,signal,subprocess,sys,time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "other = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(note)!r},'w').write(f'{{os.getpid()}} {{other.pid}}'); time.sleep(60)"
    )
    supervisor = Supervisor([python("stubborn", code)], tmp_path / "logs", print)
    supervisor.start()
    assert eventually(lambda: note.exists() and len(note.read_text().split()) == 2)
    supervisor.close()
    assert eventually(lambda: not any(alive(int(pid)) for pid in note.read_text().split()))


def test_run_returns_when_it_is_told_to_stop(tmp_path: Path) -> None:
    supervisor = Supervisor([python("sleeper", "import time; time.sleep(60)")], tmp_path / "logs", print)
    supervisor.start()
    threading.Timer(0.3, supervisor.stop).start()
    assert supervisor.run() is None
    supervisor.close()


def test_children_end_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    """kill -9 leaves no time to clean up: the child notices by itself, even one that ignores SIGTERM."""
    note = tmp_path / "pids"
    child = (
        "import os,signal,time; from api.processes import end_with_parent\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN); end_with_parent()\n"
        f"open({str(note)!r},'a').write(f'{{os.getpid()}} '); time.sleep(60)"
    )
    parent = (
        "import sys,time; from pathlib import Path; from api import processes\n"
        f"one = processes.Command('one', (sys.executable, '-c', {child!r}))\n"
        f"s = processes.Supervisor([one, one], Path({str(tmp_path / 'logs')!r}), print); s.start(); s.run()"
    )
    supervisor = subprocess.Popen([sys.executable, "-c", parent], cwd=ROOT)
    try:
        assert eventually(lambda: note.exists() and len(note.read_text().split()) == 2)
    finally:
        supervisor.kill()
        supervisor.wait()
    children = [int(pid) for pid in note.read_text().split()]
    assert eventually(lambda: not any(alive(pid) for pid in children), 15.0)


def test_run_once_gives_the_exit_code() -> None:
    assert run_once(python("seven", "raise SystemExit(7)")) == 7


def test_answers_come_side_by_side_and_in_order() -> None:
    slow = python("slow", "import time; time.sleep(0.5); print('{\"n\": 1}'); raise SystemExit(1)")
    quick = python("quick", "print('{\"n\": 2}')")
    assert processes.answers([slow, quick]) == [(1, '{"n": 1}'), (0, '{"n": 2}')]


def test_a_taken_port_is_named() -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(Unavailable, match=f"port {port} on 127.0.0.1 is taken"):
            check_port("127.0.0.1", port)
    check_port("127.0.0.1", free_port("127.0.0.1"))
    with pytest.raises(Unavailable, match="cannot be used"):
        check_port("127.0.0.1", 99999)
