"""Stores outside the record follow what was erased in it; a store that is away follows later."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from api.checkpoints import KeptCheckpoints
from api.clock import Clock
from api.delivery.erasure import Follower, Lab, Letters, Threads
from governance.errors import Unavailable
from governance.record import checkpoints
from governance.record.changes import Erasure
from governance.record.db import Database
from tests.build import World, world


@pytest.fixture
def acme(database: Database) -> World:
    return world(database)


def erased(acme: World, key: str = "key-1") -> dict[str, Any]:
    """A closed case whose words were erased."""
    row = acme.filed(source_key=key)
    acme.decide("reviewer", row, "approve")
    acme.carry_out(row)
    acme.enact("admin1", "erasure", f"case:{row['case_id']}", {})
    return row


class Memory:
    """Traces in memory that may be away."""

    def __init__(self) -> None:
        self.gone: list[str] = []
        self.away = False

    def erase(self, recommendation_ids: Sequence[str]) -> None:
        if self.away:
            raise Unavailable("away")
        self.gone += recommendation_ids


def test_every_store_follows_once_and_one_that_is_away_later(acme: World, tmp_path: Path) -> None:
    row = erased(acme)
    (tmp_path / f"{row['id']}@demo.example.eml").write_text("letter")
    (tmp_path / "another@demo.example.eml").write_text("letter")
    lab = Memory()
    follower = Follower(acme.database, acme.tokens["courier"], [Letters(tmp_path), Lab(lab)])
    lab.away = True
    with pytest.raises(Unavailable):
        follower.follow()
    assert [file.name for file in tmp_path.iterdir()] == ["another@demo.example.eml"]
    lab.away = False
    assert follower.follow() == {"letters": 0, "mlflow": 1}
    assert follower.follow() == {"letters": 0, "mlflow": 0}
    assert lab.gone == [row["id"]]
    assert acme.scalar("SELECT count(*) FROM cs.ledger WHERE kind = 'erasure.followed'") == 2


def test_paused_threads_of_the_case_go_and_no_others(acme: World) -> None:
    from agents import threads

    store = Threads(acme.database)
    one = Erasure(1, "case_1", [], [], [])
    store.erase([one])  # before there are tables
    with contextlib.closing(threads.Threads(acme.database)), checkpoints.connect(acme.database) as conn:
        for thread in ("case_1:1", "case_1:2", "case_2:1", "caseX1:1"):
            conn.execute(
                "INSERT INTO checkpoints (thread_id, checkpoint_id, checkpoint) VALUES (%s, '1', '{}')", (thread,)
            )
            conn.execute(
                "INSERT INTO checkpoint_writes (thread_id, checkpoint_id, task_id, idx, channel, blob)"
                " VALUES (%s, '1', 't', 0, 'c', '')",
                (thread,),
            )
        store.erase([one])
        left = [row["thread_id"] for row in conn.execute("SELECT thread_id FROM checkpoints ORDER BY 1")]
        assert left == ["caseX1:1", "case_2:1"]
        assert [row["thread_id"] for row in conn.execute("SELECT thread_id FROM checkpoint_writes ORDER BY 1")] == left


def test_the_clock_follows(acme: World, tmp_path: Path) -> None:
    row = erased(acme)
    (tmp_path / f"{row['id']}@demo.example.eml").write_text("letter")
    follower = Follower(acme.database, acme.tokens["courier"], [Letters(tmp_path)])
    kept = KeptCheckpoints(tmp_path / "home")
    Clock(acme.database, acme.tokens["courier"], Ed25519PrivateKey.generate(), kept, follower.follow).tick()
    assert not list(tmp_path.glob("*.eml"))


def test_what_was_not_told_to_mlflow_is_not_told_any_more(acme: World) -> None:
    row = erased(acme)
    query = "SELECT array_agg(DISTINCT state || body::text) FROM cs.observations WHERE recommendation_id = %s"
    assert acme.scalar(query, row["id"]) == ["dead{}"]
