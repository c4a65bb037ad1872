"""The clock: what is due happens once, and every ledger is signed, inside and outside the database."""

from __future__ import annotations

import threading
import time
from functools import partial
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from api.checkpoints import KeptCheckpoints, RestoreGuard, said_size
from api.clock import Clock
from governance.chain import origin, read_checkpoint
from governance.errors import Tampered
from governance.record import ledger
from governance.record.db import Database
from tests.api.post import approved, quick_world
from tests.build import World

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)


@pytest.fixture
def made(database: Database) -> World:
    return quick_world(database)


def clock_of(made: World, home: Path, key: Ed25519PrivateKey = KEY) -> Clock:
    return Clock(made.database, made.tokens["courier"], key, KeptCheckpoints(home))


def rewrite_ledger(made: World, keep: int) -> None:
    """What a superuser can do, or a restored backup does: the record ends earlier."""
    with made.database.transaction("owner") as conn:
        conn.execute("ALTER TABLE cs.ledger DISABLE TRIGGER USER")
        conn.execute("DELETE FROM cs.ledger WHERE seq > %s", (keep,))
        conn.execute(
            "UPDATE cs.ledger_heads h SET seq = l.seq, hash = l.hash FROM cs.ledger l WHERE l.seq = %s", (keep,)
        )
        conn.execute("DELETE FROM cs.checkpoints WHERE size > %s", (keep,))
        conn.execute("ALTER TABLE cs.ledger ENABLE TRIGGER USER")


def test_a_tick_signs_the_ledger_and_keeps_the_note_twice(made: World, tmp_path: Path) -> None:
    approved(made)
    size = made.scalar("SELECT seq FROM cs.ledger_heads")
    assert clock_of(made, tmp_path).tick() == {
        "expired": 0, "swept": 0, "dead": 0, "breached": 0, "unstaffed": 0, "regated": 0, "purged": 0,
        "stalled": 0, "overdue": 0, "missing": 0, "abandoned": 0, "settled": 0, "checkpoint": size,
    }  # fmt: skip
    note = (tmp_path / "checkpoints" / f"acme-{size}.txt").read_text()
    assert (tmp_path / "checkpoint.latest").read_text() == note
    assert made.scalar("SELECT note FROM cs.checkpoints") == note
    signed = read_checkpoint(note, KEY.public_key())
    assert (signed.origin, signed.size) == (origin("acme"), size)
    with made.database.transaction("audit", made.tokens["auditor"]) as conn:
        assert ledger.root_at(conn, "acme", size) == signed.root


def test_ticking_again_changes_nothing(made: World, tmp_path: Path) -> None:
    approved(made)
    first = clock_of(made, tmp_path).tick()
    files = sorted(path.name for path in tmp_path.rglob("*"))
    assert clock_of(made, tmp_path).tick() == first
    assert sorted(path.name for path in tmp_path.rglob("*")) == files
    assert made.scalar("SELECT count(*) FROM cs.checkpoints") == 1


def test_what_expired_is_queued_again_once(made: World, tmp_path: Path) -> None:
    rec = made.filed()
    with made.database.transaction("owner") as conn:
        conn.execute("UPDATE cs.recommendations SET expires_at = now() - interval '1 second'")
    clock = clock_of(made, tmp_path)
    assert clock.tick()["expired"] == 1
    assert clock.tick()["expired"] == 0
    assert made.recommendation(rec["id"])["state"] == "expired"
    assert made.recommendation(rec["id"])["case_state"] == "queued"


def test_many_clocks_at_once_agree(made: World, tmp_path: Path) -> None:
    for n in range(3):
        made.accept(source_key=f"key-{n}")
    with made.database.transaction("owner") as conn:
        conn.execute("UPDATE cs.cases SET sla_due_at = now() - interval '1 second'")
    breached: list[int] = []
    threads = [
        threading.Thread(target=lambda: breached.append(clock_of(made, tmp_path).tick().get("breached", 0)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(breached) == 3
    with made.database.transaction("audit", made.tokens["auditor"]) as conn:
        newest = ledger.newest_checkpoint(conn, "acme")
        assert newest is not None
        assert ledger.verify(conn, "acme", KEY.public_key(), KeptCheckpoints(tmp_path).newest("acme"))[1] is None
    clock_of(made, tmp_path).tick()
    assert not [path for path in tmp_path.rglob("*") if path.name.startswith(".")]


def test_a_note_that_a_crash_left_unwritten_is_written_next_time(made: World, tmp_path: Path) -> None:
    size = clock_of(made, tmp_path / "one").sign()
    assert clock_of(made, tmp_path / "two").sign() == size
    assert (tmp_path / "two" / "checkpoint.latest").exists()


def test_a_database_behind_its_kept_checkpoint_is_not_signed_and_not_delivered_from(
    made: World, tmp_path: Path
) -> None:
    approved(made)
    clock = clock_of(made, tmp_path)
    new_guard = partial(
        RestoreGuard, made.database, made.tokens["courier"], KEY.public_key(), KeptCheckpoints(tmp_path)
    )
    guard = new_guard()
    size = clock.sign()
    assert size is not None
    assert guard() is None
    rewrite_ledger(made, size - 2)
    why = guard()
    assert why is not None
    assert "restored" in why
    with pytest.raises(Tampered):
        clock.sign()
    # The record grows past the checkpoint again, on another branch: that is no cure.
    for n in range(5):
        made.accept(source_key=f"later-{n}")
    assert guard() is not None
    with pytest.raises(Tampered):
        clock.tick()
    assert said_size((tmp_path / "checkpoint.latest").read_text(), "acme") == size
    # A courier that starts only now sees it too.
    assert (
        RestoreGuard(made.database, made.tokens["courier"], KEY.public_key(), KeptCheckpoints(tmp_path))() is not None
    )


def test_a_ledger_signed_by_another_key_is_not_signed_over(made: World, tmp_path: Path) -> None:
    clock_of(made, tmp_path / "one").sign()
    made.accept()
    stranger = Ed25519PrivateKey.from_private_bytes(b"s" * 32)
    with pytest.raises(Tampered, match="signature"):
        clock_of(made, tmp_path / "two", stranger).sign()


def test_kept_checkpoints_are_told_apart_by_tenant(made: World, database: Database, tmp_path: Path) -> None:
    other = quick_world(database, "acme-2")
    other.accept()
    sizes = {"acme": clock_of(made, tmp_path).sign(), "acme-2": clock_of(other, tmp_path).sign()}
    kept = KeptCheckpoints(tmp_path)
    assert kept.tenants() == {"acme", "acme-2"}
    for tenant, size in sizes.items():
        note = kept.newest(tenant)
        assert note is not None
        assert said_size(note, tenant) == size
    made.accept()
    newer = clock_of(made, tmp_path).sign()
    note = kept.newest("acme")
    assert note is not None
    assert said_size(note, "acme") == newer


def test_a_running_clock_signs_soon_and_stops_when_told(made: World, tmp_path: Path) -> None:
    stop = threading.Event()
    thread = threading.Thread(
        target=clock_of(made, tmp_path).run_forever,
        args=(stop,),
        kwargs={"sweep_seconds": 0.1, "checkpoint_seconds": 3600, "checkpoint_entries": 2},
    )
    thread.start()
    try:
        approved(made)
        size = made.scalar("SELECT seq FROM cs.ledger_heads")
        deadline = time.monotonic() + 10
        kept = KeptCheckpoints(tmp_path)
        while time.monotonic() < deadline and (said_size(kept.newest("acme") or "", "acme") or 0) < size - 1:
            time.sleep(0.05)
        assert (said_size(kept.newest("acme") or "", "acme") or 0) >= size - 1
    finally:
        stop.set()
        thread.join(10)
    assert not thread.is_alive()
