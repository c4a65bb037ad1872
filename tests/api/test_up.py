"""countersign up --demo as a person starts it: one HOME, from nothing to recommendations, stopped in every way."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from governance.record.home import alive
from models import bundle
from models.duplicates import train_pair_scorer

ROOT = Path(__file__).resolve().parents[2]
PEOPLE = {"analyst", "analyst2", "reviewer", "reviewer2", "controller", "auditor", "ml_engineer", "service"}
CASES = 77
"""60 exceptions of the month, 12 of the types that it leaves out, and 4 that the clock opens."""


@dataclass
class Running:
    """One `up` and what it said when it was ready."""

    process: subprocess.Popen[str]
    where: dict[str, Any]

    def stop(self, signum: signal.Signals) -> int:
        self.process.send_signal(signum)
        return self.process.wait(60)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A HOME with small models already in it: training the shipped ones is not what is tested here."""
    made = tmp_path_factory.mktemp("up") / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bundle, "train_pair_scorer", lambda months, seed: train_pair_scorer(months[:1], seed, drills=0))
        small = bundle.train_bundle(scale=0.05)
    bundle.save(small, bundle.standard(made / "models"))
    return made


@pytest.fixture(scope="module")
def start(home: Path) -> Iterator[Callable[..., Running]]:
    """Starts `up --demo` on HOME and waits until it says that it runs."""
    started: list[subprocess.Popen[str]] = []

    def starts(*arguments: str) -> Running:
        line = [sys.executable, "-m", "api.cli", "up", "--demo", "--no-lab", "--json", "--home", str(home), *arguments]
        process = subprocess.Popen(line, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True)
        started.append(process)
        assert process.stdout is not None
        said = process.stdout.readline()
        assert said, f"up ended with exit code {process.wait(60)}"
        return Running(process, json.loads(said))

    yield starts
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait(60)
        if process.stdout is not None:
            process.stdout.close()


def processes_of(home: Path) -> list[str]:
    """Command lines of living processes that name HOME."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and alive(int(entry.name)):
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if str(home) in line and int(entry.name) != os.getpid():
                found.append(line)
    return found


def eventually(true: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.2)
    return False


def client(home: Path, who: str) -> httpx.Client:
    credentials = json.loads((home / "demo-credentials.json").read_text())
    headers = {"Authorization": f"Bearer {credentials['keys'][who]}"}
    return httpx.Client(base_url=credentials["url"], headers=headers, timeout=30, trust_env=False)


def count(home: Path, table: str) -> int:
    with client(home, "auditor") as api:
        found: int = len(api.get(f"/v1/{table}", params={"limit": 500}).json()["items"])
    return found


def command(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "api.cli", *arguments, "--home", str(home)]
    return subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)


def test_the_demo_from_nothing_to_a_stop_without_a_trace(home: Path, start: Callable[..., Running]) -> None:
    running = start("--port", "0")
    credentials = home / "demo-credentials.json"
    assert credentials.stat().st_mode & 0o777 == 0o600
    assert (home / "admin-credentials.json").stat().st_mode & 0o777 == 0o600
    shown = json.loads(credentials.read_text())
    assert set(shown) == {"url", "mlflow_url", "keys"}
    assert set(shown["keys"]) == PEOPLE
    assert len(set(shown["keys"].values())) == len(PEOPLE)
    assert all(key.startswith("cs_") and len(key) >= 43 for key in shown["keys"].values())
    assert shown["url"] == running.where["url"]

    with client(home, "reviewer") as api:
        assert api.get("/readyz").status_code == 200
        assert api.get("/v1/me").json()["roles"] == ["reviewer"]
        waiting = "/v1/recommendations?state=awaiting_review"
        assert eventually(lambda: bool(api.get(waiting).json()["items"]), 90)
    assert eventually(lambda: count(home, "cases") == CASES, 30)

    # Others who want the same HOME or the same port are told so.
    assert "runs on" in command(home, "up", "--demo", "--port", "0").stderr
    other = home.with_name("other")
    taken = command(other, "up", "--demo", "--port", shown["url"].rpartition(":")[2])
    assert taken.returncode == 1
    assert "is taken" in taken.stderr
    assert not other.exists()

    assert len(processes_of(home)) >= 6
    assert running.stop(signal.SIGINT) == 0
    assert eventually(lambda: processes_of(home) == [], 10)
    assert not (home / "postgres.json").exists()


def test_a_second_start_finds_the_same_and_a_kill_leaves_nothing(home: Path, start: Callable[..., Running]) -> None:
    before = json.loads((home / "demo-credentials.json").read_text())["keys"]
    running = start("--port", "0", "--workers", "0")
    assert json.loads((home / "demo-credentials.json").read_text())["keys"] == before
    assert eventually(lambda: count(home, "cases") == CASES, 30)

    # A role that dies is back in a moment.
    (serve,) = [line for line in processes_of(home) if " serve " in line]
    pid = next(int(p.name) for p in Path("/proc").iterdir() if p.name.isdigit() and _line(p) == serve)
    os.kill(pid, signal.SIGKILL)
    assert eventually(lambda: _answers(running.where["url"]), 30)

    assert running.stop(signal.SIGKILL) == -signal.SIGKILL
    assert eventually(lambda: processes_of(home) == [], 30), processes_of(home)


def test_reset_begins_again_with_other_keys(home: Path, start: Callable[..., Running]) -> None:
    before = json.loads((home / "demo-credentials.json").read_text())["keys"]
    running = start("--port", "0", "--workers", "0", "--reset")
    after = json.loads((home / "demo-credentials.json").read_text())["keys"]
    assert not set(before.values()) & set(after.values())
    assert eventually(lambda: count(home, "cases") == CASES, 30)

    drained = command(home, "work", "--drain", "--json")
    assert drained.returncode == 0, drained.stderr
    told = json.loads(drained.stdout)
    assert (told["filed"], told["failed"], told["workers"]) == (CASES, 0, 1)
    assert told["cases_per_second"] > 0
    assert {"file", "langgraph"} <= set(told["split"])
    assert count(home, "recommendations") == CASES

    assert running.stop(signal.SIGTERM) == 0
    assert eventually(lambda: processes_of(home) == [], 10)


def test_reset_leaves_alone_what_is_no_demo(tmp_path: Path) -> None:
    precious = tmp_path / "home" / "thesis.txt"
    precious.parent.mkdir()
    precious.write_text("words")
    done = command(precious.parent, "up", "--demo", "--reset", "--port", "0")
    assert done.returncode == 2
    assert "does not look like the home of a demo" in done.stderr
    assert precious.read_text() == "words"


def test_the_home_of_another_tenant_is_no_demo(tmp_path: Path) -> None:
    (tmp_path / "secrets.json").write_text(json.dumps({"tenant": "acme", "roles": {}, "tokens": {}}))
    done = command(tmp_path, "up", "--demo", "--port", "0")
    assert done.returncode == 2
    assert "belongs to tenant acme" in done.stderr
    assert list(tmp_path.iterdir()) == [tmp_path / "secrets.json"]


def _line(entry: Path) -> str:
    try:
        return (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", trust_env=False, timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


def test_a_taken_port_is_found_before_anything_is_made(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = command(tmp_path / "home", "up", "--demo", "--port", str(taken.getsockname()[1]))
    assert done.returncode == 1
    assert "choose another one with --port" in done.stderr
    assert not (tmp_path / "home").exists()
