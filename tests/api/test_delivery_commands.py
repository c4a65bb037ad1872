"""countersign deliver and countersign tick, as an operator runs them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from api.delivery.sink import Sink
from governance.record.db import Database
from tests.api.post import approved, effect_state, expire_leases, installed, quick_world, run_command, task
from tests.build import World

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)


@pytest.fixture
def made(database: Database) -> World:
    return quick_world(database)


@pytest.fixture
def home(made: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return installed(made, tmp_path / "home", KEY, monkeypatch)


def mail_settings(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    monkeypatch.setenv("COUNTERSIGN_SMTP_HOST", "127.0.0.1")
    monkeypatch.setenv("COUNTERSIGN_SMTP_PORT", str(port))
    monkeypatch.setenv("COUNTERSIGN_SMTP_STARTTLS", "false")
    monkeypatch.setenv("COUNTERSIGN_SMTP_FROM", "ap@acme.example")


def test_draining_says_what_became_of_each(
    made: World, home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    letter, chore = approved(made), approved(made, "key-2", task())
    with Sink(home / "outbox") as sink:
        mail_settings(monkeypatch, sink.port)
        code, lines, _ = run_command(home, capsys, "deliver", "--drain", "--patience", "0")
    assert code == 0
    assert {line["recommendation_id"]: line["outcome"] for line in lines} == {
        letter["id"]: "sent",
        chore["id"]: "manual",
    }
    assert len(list((home / "outbox").glob("*.eml"))) == 1
    assert run_command(home, capsys, "deliver", "--drain", "--patience", "0")[:2] == (0, [])


def test_what_was_not_delivered_ends_with_one(
    made: World, home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    approved(made)
    mail_settings(monkeypatch, 9)
    code, (line,), said = run_command(home, capsys, "deliver", "--drain", "--patience", "0")
    assert (code, line["outcome"]) == (1, "retry")
    assert "1 not delivered" in said


def test_without_a_mail_server_a_person_sends_the_letter(
    made: World, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rec = approved(made)
    code, (line,), _ = run_command(home, capsys, "deliver", "--drain", "--patience", "0")
    assert (code, line["outcome"]) == (0, "manual")
    assert effect_state(made, rec)[0] == "manual"


def test_ticking_says_what_was_due(made: World, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rec = approved(made)
    code, (line,), _ = run_command(home, capsys, "tick")
    assert (code, line["checkpoint"]) == (0, made.scalar("SELECT seq FROM cs.ledger_heads"))
    assert (home / "checkpoint.latest").exists()
    assert rec["state"] == "approved"


def test_a_courier_halts_where_the_database_is_behind_its_checkpoint(
    made: World, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    approved(made)
    run_command(home, capsys, "tick")
    with made.database.transaction("owner") as conn:
        conn.execute("SET LOCAL session_replication_role = replica")
        conn.execute("DELETE FROM cs.ledger WHERE seq > 6")
        conn.execute("UPDATE cs.ledger_heads h SET seq = 6, hash = l.hash FROM cs.ledger l WHERE l.seq = 6")
    code, lines, said = run_command(home, capsys, "deliver", "--drain")
    assert (code, lines) == (1, [])
    assert "restored from a backup" in said
    assert run_command(home, capsys, "tick")[0] == 3


def test_a_killed_courier_process_sends_nothing_twice(
    made: World, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """kill -9 in the middle of fifteen letters; then the clock, another courier, and a person for what is open."""
    recs = [approved(made, f"key-{n}") for n in range(15)]
    with Sink(home / "outbox") as sink:
        mail_settings(monkeypatch, sink.port)
        first = subprocess.Popen(
            [sys.executable, "-m", "api.cli", "deliver", "--home", str(home)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=dict(os.environ),
        )  # fmt: skip
        deadline = time.monotonic() + 30
        while not sink.received and time.monotonic() < deadline:
            time.sleep(0.002)
        first.send_signal(signal.SIGKILL)
        first.wait()
        assert sink.received
        expire_leases(made)
        run_command(home, capsys, "tick")
        run_command(home, capsys, "deliver", "--drain", "--patience", "0")
        states = [effect_state(made, rec)[0] for rec in recs]
        assert set(states) <= {"sent", "reconcile"}
        assert states.count("sent") >= 11
        assert set(sink.received.values()) == {1}


def test_a_running_courier_ends_on_sigterm(made: World, home: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "api.cli", "deliver", "--home", str(home)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ), text=True,
    )  # fmt: skip
    rec = approved(made)
    deadline = time.monotonic() + 30
    while effect_state(made, rec)[0] != "manual" and time.monotonic() < deadline:
        time.sleep(0.1)
    process.terminate()
    out, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert rec["id"] in out
