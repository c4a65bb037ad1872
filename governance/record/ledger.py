"""The memory: read, verify, checkpoint and export the hash-chained ledger."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from psycopg import Connection
from psycopg.rows import dict_row

from governance.chain import Break, Checkpoint, check_chain, merkle_root, origin, read_checkpoint, sign_checkpoint
from governance.errors import Malformed

_ENTRIES = "SELECT seq, entry, hash FROM cs.ledger WHERE tenant = %s ORDER BY seq"
_PAGE = "SELECT seq, entry, hash FROM cs.ledger WHERE seq > %s ORDER BY seq LIMIT %s"
_HASHES = "SELECT hash FROM cs.ledger WHERE tenant = %s AND seq <= %s ORDER BY seq"
_HEAD = "SELECT seq, hash FROM cs.ledger_heads WHERE tenant = %s"
_CHECKPOINTS = "SELECT size, note FROM cs.checkpoints WHERE tenant = %s ORDER BY size"
_LAST_CHECKPOINT = "SELECT size, note, at FROM cs.checkpoints ORDER BY size DESC LIMIT 1"
_ADD_CHECKPOINT = "SELECT cs.add_checkpoint(%s, %s)"
_TENANTS = "SELECT tenant FROM cs.ledger_heads ORDER BY tenant"
_SUBJECT = "SELECT seq, entry, hash FROM cs.ledger WHERE subject = ANY (%s) ORDER BY seq"


def tenants(conn: Connection[Any]) -> list[str]:
    """Tenants whose ledger this connection may read."""
    return [row[0] for row in conn.execute(_TENANTS)]


def page(conn: Connection[Any], after: int, limit: int) -> list[dict[str, Any]]:
    """Entries after sequence number `after`, parsed, with their hashes."""
    return [{**json.loads(entry), "hash": digest} for _, entry, digest in conn.execute(_PAGE, (after, limit))]


def entries_of(conn: Connection[Any], subjects: list[str]) -> list[dict[str, Any]]:
    """Entries whose subject is one of these, with raw text and hash: the timeline of a case."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_SUBJECT, (subjects,)).fetchall()


def _stream(conn: Connection[Any], tenant: str) -> Iterator[tuple[int, str, str]]:
    with conn.cursor(name="ledger_walk") as cursor:
        cursor.itersize = 5000
        cursor.execute(_ENTRIES, (tenant,))
        yield from cursor


def root_at(conn: Connection[Any], tenant: str, size: int) -> bytes:
    """Merkle root over the first `size` entry hashes."""
    return merkle_root([bytes.fromhex(row[0]) for row in conn.execute(_HASHES, (tenant, size))])


def checkpoint(conn: Connection[Any], tenant: str, key: Ed25519PrivateKey) -> str | None:
    """Sign the ledger as it stands and keep the note; None where nothing is new. Role `courier`."""
    head = conn.execute(_HEAD, (tenant,)).fetchone()
    last = conn.execute(_LAST_CHECKPOINT).fetchone()
    if head is None or head[0] == 0 or (last is not None and last[0] >= head[0]):
        return None
    note = sign_checkpoint(Checkpoint(origin(tenant), head[0], root_at(conn, tenant, head[0])), key)
    conn.execute(_ADD_CHECKPOINT, (head[0], note))
    return note


def last_checkpoint(conn: Connection[Any]) -> Mapping[str, Any] | None:
    """{size, note, at} of the newest checkpoint."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_LAST_CHECKPOINT).fetchone()


def verify(
    conn: Connection[Any], tenant: str, key: Ed25519PublicKey | None, outside: str | None = None
) -> tuple[int, Break | None]:
    """Walk the whole chain, then hold it against the head row, the stored checkpoints and one kept `outside`.

    Returns the number of sound entries and the first break. `outside` is the text of a signed checkpoint that was
    stored elsewhere: only it shows a cut of the tail. Every tuple of the head after the last checkpoint is unproven.
    """
    count, last, found = check_chain(_stream(conn, tenant), tenant)
    if found is not None:
        return count, found
    head = conn.execute(_HEAD, (tenant,)).fetchone()
    if head is None or (head[0], head[1]) != (count, last):
        return count, Break(count + 1, f"the head row says {head[0] if head else 0} entries, the chain has {count}")
    if key is None:
        return count, None
    notes = [(size, note) for size, note in conn.execute(_CHECKPOINTS, (tenant,))]
    if outside is not None:
        notes.append((read_checkpoint(outside, key).size, outside))
    hashes = [bytes.fromhex(row[0]) for row in conn.execute(_HASHES, (tenant, count))]
    for size, note in notes[-1:] if outside is None else notes[-2:]:
        try:
            signed = read_checkpoint(note, key)
        except Malformed as error:
            return count, Break(size, f"checkpoint {size}: {error.detail}")
        if signed.origin != origin(tenant) or signed.size > count:
            return count, Break(
                count + 1, f"a signed checkpoint covers {signed.size} entries, the chain has {count}: it was cut"
            )
        if merkle_root(hashes[: signed.size]) != signed.root:
            return count, Break(signed.size, f"the first {signed.size} entries are not those that were signed")
    return count, None
