"""MLflow beside Countersign: never the reason that Countersign stops, and never near its database."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from api import keyring, lab_server, processes
from api.commands import lab as lab_command
from api.lab_server import Lab, choose
from api.processes import Command, Supervisor
from api.settings import Settings
from api.system import System
from governance.errors import Malformed, Unavailable
from governance.record import lab_database
from governance.record.db import Database
from governance.record.embedded import EmbeddedPostgres
from governance.record.home import alive
from tests.build import world
from tests.conftest import PASSWORDS
from tests.lab import stub_mlflow


def eventually(true: Callable[[], bool], seconds: float = 15.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.05)
    return False


def test_a_child_that_the_others_do_without_is_tried_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_LONGEST_PAUSE", 0.0)
    said: list[str] = []
    supervisor = Supervisor([], tmp_path / "logs", said.append)
    supervisor.start()
    supervisor.add(Command("broken", (sys.executable, "-c", "raise SystemExit(3)"), optional=True))
    try:
        assert eventually(lambda: supervisor.look() is None and len(said) > processes._MOST_FAILURES + 1)
    finally:
        supervisor.close()


def test_variables_of_one_child_are_not_the_others(tmp_path: Path) -> None:
    code = "import os,time; print(os.environ.get('SECRET_OF_ONE'), flush=True); time.sleep(60)"
    supervisor = Supervisor([Command("two", (sys.executable, "-c", code))], tmp_path / "logs", print)
    supervisor.add(Command("one", (sys.executable, "-c", code), environment={"SECRET_OF_ONE": "it"}))
    supervisor.start()
    try:
        logs = {name: tmp_path / "logs" / f"{name}.log" for name in ("one", "two")}
        assert eventually(lambda: all(log.exists() and log.read_text().strip() for log in logs.values()))
        assert {name: log.read_text().strip() for name, log in logs.items()} == {"one": "it", "two": "None"}
        assert "SECRET" not in repr(Command("one", (), environment={"SECRET_OF_ONE": "it"}))
    finally:
        supervisor.close()


def test_what_a_killed_child_had_started_does_not_hold_its_port(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    inner = "import time; time.sleep(60)"
    code = (
        f"import subprocess,sys,os,time; p=subprocess.Popen([sys.executable,'-c',{inner!r}]);"
        f"open({str(pids)!r},'a').write(f'{{os.getpid()}} {{p.pid}}\\n'); time.sleep(60)"
    )
    supervisor = Supervisor([Command("outer", (sys.executable, "-c", code))], tmp_path / "logs", lambda _: None)
    supervisor.start()
    try:
        assert eventually(lambda: pids.exists() and pids.read_text().endswith("\n"))
        outer, started = map(int, pids.read_text().split())
        os.kill(outer, signal.SIGKILL)
        assert eventually(lambda: supervisor.look() is None and not alive(started))
    finally:
        supervisor.close()


def test_the_server_ends_with_its_parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """python -m api.lab_server stops what it runs when its standard input ends, and when it is told to."""
    pids = tmp_path / "pid"
    stand_in = f"import os,time; open({str(pids)!r},'w').write(f'{{os.getpid()}}\\n'); time.sleep(60)"
    code = (
        "import sys; from api import lab_server;"
        f"lab_server.server_line = lambda port, folder: [sys.executable, '-c', {stand_in!r}];"
        f"sys.argv = ['lab_server', '1', {str(tmp_path)!r}]; sys.exit(lab_server.main())"
    )
    for how in ("end", "term"):
        pids.unlink(missing_ok=True)
        process = processes.start(Command("mlflow", (sys.executable, "-c", code)), errors=subprocess.DEVNULL)
        assert process.stdin is not None
        assert eventually(lambda: pids.exists() and pids.read_text().endswith("\n"))
        inner = int(pids.read_text())
        process.stdin.close() if how == "end" else process.terminate()
        process.wait(20)
        assert eventually(lambda inner=inner: not alive(inner)), how  # type: ignore[misc]
        process.stdin.close()


def test_where_it_answers(tmp_path: Path) -> None:
    assert choose(tmp_path, "https://mlflow.example", 8400) == Lab("https://mlflow.example", own=False)
    with socket.socket() as api:
        api.bind(("127.0.0.1", 0))
        port = api.getsockname()[1]
        first = choose(tmp_path, None, port)
        assert first.own
        assert first.url.startswith("http://127.0.0.1:")
        assert first.url != f"http://127.0.0.1:{port}"
        lab_server._write_note(tmp_path, first.url)
        assert choose(tmp_path, None, port + 10) == first, "where it was the last time"
        lab_server._write_note(tmp_path, f"http://127.0.0.1:{port}")
        assert choose(tmp_path, None, port).url != f"http://127.0.0.1:{port}", "that is the API's"
    (tmp_path / lab_server.NOTE).write_text("damaged")
    assert choose(tmp_path, None, 8400).own


def test_without_a_database_of_its_own_countersign_runs_without(tmp_path: Path) -> None:
    said: list[str] = []
    url = "postgresql://nobody:nothing@127.0.0.1:9/postgres"
    keyring.make_keyring(tmp_path, "acme", {}, {})
    assert lab_server.children(tmp_path, url, Lab("http://127.0.0.1:1", own=True), said.append) == []
    assert said[0].startswith("without MLflow: ")
    assert lab_server.children(tmp_path, url, None, said.append) == []
    (feed,) = lab_server.children(tmp_path, url, Lab("https://mlflow.example", own=False), said.append)
    assert feed.optional
    assert feed.environment["COUNTERSIGN_MLFLOW_URL"] == "https://mlflow.example"


def test_its_password_is_made_once_and_is_not_one_of_the_records(tmp_path: Path) -> None:
    made = keyring.make_keyring(tmp_path, "acme", {}, {})
    first = keyring.mlflow_password(tmp_path)
    assert keyring.mlflow_password(tmp_path) == first
    assert keyring.read_keyring(tmp_path) == made
    assert (tmp_path / keyring.SECRETS).stat().st_mode & 0o777 == 0o600
    assert json.loads((tmp_path / keyring.SECRETS).read_text())["roles"]["mlflow"] == first
    assert first not in " ".join(lab_server.server_line(1, tmp_path))
    with pytest.raises(Unavailable):
        keyring.mlflow_password(tmp_path / "elsewhere")


def test_neither_side_connects_to_the_others_database(postgres: EmbeddedPostgres, database: Database) -> None:
    owner = postgres.superuser_url()
    for _ in range(2):
        made = lab_database.prepare(owner, "test-mlflow")
    assert made.startswith("postgresql+psycopg://countersign_mlflow:test-mlflow@/mlflow?")
    mlflow = make_conninfo(owner, user=lab_database.ROLE, password="test-mlflow", dbname=lab_database.DATABASE)
    with psycopg.connect(mlflow) as conn:
        conn.execute("CREATE TABLE mine (id int)")
        assert conn.execute("SELECT rolsuper OR rolcreaterole OR rolcreatedb FROM pg_roles WHERE rolname = %s",
                            (lab_database.ROLE,)).fetchone() == (False,)  # fmt: skip
        conn.rollback()
    record = psycopg.conninfo.conninfo_to_dict(database.url("owner"))["dbname"]
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(mlflow, dbname=record)
    for role, password in PASSWORDS.items():
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(mlflow, user=f"countersign_{role}", password=password)


def test_the_command_says_what_still_waits(
    database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    acme = world(database)
    acme.filed()
    system = System(Settings(home=tmp_path), tmp_path, database, acme.tenant, {"courier": acme.tokens["courier"]})
    assert lab_command._report(system, 3, True) == 1
    assert json.loads(capsys.readouterr().out) == {"sent": 3, "ready": 1, "retry": 0, "leased": 0, "dead": 0}
    with pytest.raises(Malformed, match="COUNTERSIGN_MLFLOW_URL"):
        lab_server.url_of(system)
    with stub_mlflow(500) as url:
        lab_server._write_note(tmp_path, url)
        assert lab_server.url_of(system) == url
