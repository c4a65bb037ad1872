"""How fast the ledger is: chained appends by several writers beside plain inserts, and the walk that verifies it.

On a Postgres of its own, which flushes its disk at every commit as in production. `pytest -s` prints the figures.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from psycopg import Connection, connect
from psycopg.types.json import Jsonb

from governance.chain import Checkpoint, origin, sign_checkpoint
from governance.policy import standard_policy
from governance.record import agreement, ledger
from governance.record.db import create, migrate
from governance.record.embedded import EmbeddedPostgres, erase
from tests.conftest import PASSWORDS

pytestmark = pytest.mark.slow
WRITERS = 4
_TENANT = "speed"
_SETUP = """
CREATE TABLE plain (tenant text NOT NULL, seq bigint GENERATED ALWAYS AS IDENTITY, entry text NOT NULL,
    hash text NOT NULL, kind text NOT NULL, subject text NOT NULL, PRIMARY KEY (tenant, seq));
CREATE INDEX ON plain (tenant, subject, seq);
"""
_APPEND = "SELECT cs._append(%s, 'a', 'case.requeued', %s, %s::jsonb)"
_INSERT = "INSERT INTO plain (tenant, entry, hash, kind, subject) VALUES (%s, %s, %s, 'case.requeued', %s)"
_BODY = '{"digest": "sha256:' + "a" * 64 + '", "decision": "approve", "seat": "reviewer", "complete": true}'
_ROWS = "SELECT seq, entry, hash, kind, subject FROM cs.ledger WHERE tenant = %s ORDER BY seq"

Write = Callable[[Connection[Any], int], None]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    home = Path(tempfile.mkdtemp(prefix="countersign-speed-"))
    home.chmod(0o711)  # the server's user may pass
    try:
        with EmbeddedPostgres(home) as server:
            yield _prepared(server.superuser_url())
        erase(home)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def test_four_writers_append_at_no_less_than_three_tenths_of_plain_inserts(url: str) -> None:
    def append(conn: Connection[Any], n: int) -> None:
        conn.execute(_APPEND, (_TENANT, f"subject-{n % 100}", _BODY))

    def insert(conn: Connection[Any], n: int) -> None:
        # The client hashes: the least that an entry needs.
        conn.execute(_INSERT, (_TENANT, _BODY, hashlib.sha256(_BODY.encode()).hexdigest(), f"subject-{n % 100}"))

    # In turns, so that both meet the same machine; the best of each.
    rounds = [(_rate(url, append, 2.0), _rate(url, insert, 2.0)) for _ in range(4)]
    chained, plain = max(one for one, _ in rounds), max(one for _, one in rounds)
    print(f"\nchained {chained:.0f}/s, plain {plain:.0f}/s with {WRITERS} writers: ratio {chained / plain:.2f}")
    assert chained / plain >= 0.3


def test_the_walk_over_the_chain_is_fast_enough_for_a_nightly_run(url: str) -> None:
    key = Ed25519PrivateKey.generate()
    with connect(url) as conn:
        conn.execute("SET ROLE countersign_owner")
        more = max(0, 20_000 - ledger.head(conn, _TENANT))
        conn.execute(f"{_APPEND} FROM generate_series(1, %s)".encode(), (_TENANT, "more", _BODY, more))
        size = ledger.head(conn, _TENANT)
        note = sign_checkpoint(Checkpoint(origin(_TENANT), size, ledger.root_at(conn, _TENANT, size)), key)
        started = time.perf_counter()
        assert ledger.verify(conn, _TENANT, key.public_key(), note) == (size, None)
        walked = time.perf_counter()
        conn.execute(_ROWS, (_TENANT,)).fetchall()
        read = time.perf_counter()
        assert agreement.disagreements(conn, _TENANT) == []
        agreed = time.perf_counter()
    print(
        f"\n{size} entries: verified at {size / (walked - started):.0f}/s, only read at {size / (read - walked):.0f}/s,"
        f" tables compared in {agreed - read:.2f} s"
    )
    assert size / (walked - started) > 2_000


def _prepared(superuser_url: str) -> str:
    """URL of a migrated database with one tenant and a table to insert into."""
    url = create(superuser_url, "speed")
    migrate(url, roles=PASSWORDS)
    policy = standard_policy()
    people = [{"id": name, "kind": "person", "name": name, "roles": ["administrator"]} for name in ("a", "b")]
    with connect(url) as conn:
        conn.execute(_SETUP)
        conn.execute("ALTER TABLE plain OWNER TO countersign_owner")
        conn.execute(
            "SELECT cs.genesis(%s, 'Speed', 'EU', %s, %s, %s)", (_TENANT, Jsonb(people), policy.text, policy.source)
        )
    return url


def _rate(url: str, write: Write, seconds: float) -> float:
    counts = [0] * WRITERS
    ready = threading.Barrier(WRITERS + 1)
    stop = threading.Event()

    def work(mine: int) -> None:
        with connect(url, autocommit=True) as conn:
            conn.execute("SET ROLE countersign_owner")
            ready.wait()
            while not stop.is_set():
                write(conn, counts[mine])
                counts[mine] += 1

    threads = [threading.Thread(target=work, args=(n,)) for n in range(WRITERS)]
    for thread in threads:
        thread.start()
    ready.wait()
    started = time.perf_counter()
    time.sleep(seconds)
    stop.set()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - started)
