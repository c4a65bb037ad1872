"""The memory: read, verify, checkpoint and export the hash-chained ledger."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from psycopg import Connection
from psycopg.rows import dict_row

from governance.chain import (
    GENESIS_HASH,
    Break,
    Checkpoint,
    check_chain,
    consistency_proof,
    merkle_root,
    origin,
    read_checkpoint,
    sign_checkpoint,
)
from governance.errors import Malformed, Tampered

_AS_OWNER = "SET LOCAL ROLE countersign_owner"
_ENTRIES = "SELECT seq, entry, hash, kind, subject FROM cs.ledger WHERE tenant = %s AND seq <= %s ORDER BY seq"
_BEYOND_HEAD = "SELECT count(*) FROM cs.ledger l JOIN cs.ledger_heads h USING (tenant) WHERE l.tenant = %s AND NOT l.seq BETWEEN 1 AND h.seq"
_PAGE = "SELECT seq, entry, hash FROM cs.ledger WHERE seq > %s ORDER BY seq LIMIT %s"
_HASHES = "SELECT hash FROM cs.ledger WHERE tenant = %s AND seq <= %s ORDER BY seq"
_HEAD = "SELECT seq, hash FROM cs.ledger_heads WHERE tenant = %s"
_CHECKPOINTS_SINCE = "SELECT size, note FROM cs.checkpoints WHERE tenant = %s AND size >= %s ORDER BY size"
_LAST_CHECKPOINT = "SELECT size, note, at FROM cs.checkpoints ORDER BY size DESC LIMIT 1"
_NEWEST_OF = "SELECT size, note FROM cs.checkpoints WHERE tenant = %s ORDER BY size DESC LIMIT 1"
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


def as_owner(conn: Connection[Any]) -> None:
    """The rest of the transaction reads every tenant. Role `owner`: a member of the owner, or a superuser."""
    conn.execute(_AS_OWNER)


def head(conn: Connection[Any], tenant: str) -> int:
    """Number of entries of the tenant's ledger."""
    row = conn.execute(_HEAD, (tenant,)).fetchone()
    return 0 if row is None else int(row[0])


def newest_checkpoint(conn: Connection[Any], tenant: str) -> tuple[int, str] | None:
    """(size, note) of the tenant's newest stored checkpoint."""
    return conn.execute(_NEWEST_OF, (tenant,)).fetchone()


def proofs(conn: Connection[Any], tenant: str, size: int, seqs: Iterable[int]) -> dict[int, list[bytes]]:
    """Audit path of each entry (RFC 9162 section 2.1.3) in the tree of the first `size` entries."""
    leaves = _hashes(conn, tenant, size)
    return {index + 1: path for index, path in _paths([seq - 1 for seq in seqs], leaves).items()}


def extension(conn: Connection[Any], tenant: str, first: int, second: int) -> list[bytes]:
    """Proof that the first `second` entries begin with the first `first` (RFC 9162 section 2.1.4.1)."""
    return consistency_proof(first, _hashes(conn, tenant, second))


def _paths(wanted: Sequence[int], leaves: Sequence[bytes]) -> dict[int, list[bytes]]:
    """`inclusion_proof` of many leaves: a subtree's root is computed once for all leaves on its other side."""
    if not wanted or len(leaves) == 1:
        return {index: [] for index in wanted}
    k = 1 << (len(leaves) - 1).bit_length() - 1
    left, right = [index for index in wanted if index < k], [index - k for index in wanted if index >= k]
    found: dict[int, list[bytes]] = {}
    if left:
        beside = merkle_root(leaves[k:])
        found |= {index: [*path, beside] for index, path in _paths(left, leaves[:k]).items()}
    if right:
        beside = merkle_root(leaves[:k])
        found |= {index + k: [*path, beside] for index, path in _paths(right, leaves[k:]).items()}
    return found


def _stream(conn: Connection[Any], tenant: str, size: int, misfiled: list[Break]) -> Iterator[tuple[int, str, str]]:
    """Rows for `check_chain`; an entry that is filed under a kind or subject it does not name ends the walk."""
    with conn.cursor(name="ledger_walk") as cursor:
        cursor.itersize = 5000
        cursor.execute(_ENTRIES, (tenant, size))
        for seq, entry, digest, kind, subject in cursor:
            yield seq, entry, digest
            # Only a sound entry lets check_chain ask for the next one.
            body = json.loads(entry)
            if (body.get("kind"), body.get("subject")) != (kind, subject):
                misfiled.append(Break(seq, f"entry {seq} is filed under {kind} of {subject}, which it does not name"))
                return


def root_at(conn: Connection[Any], tenant: str, size: int) -> bytes:
    """Merkle root over the first `size` entry hashes."""
    return merkle_root(_hashes(conn, tenant, size))


def _hashes(conn: Connection[Any], tenant: str, size: int) -> list[bytes]:
    try:
        return [bytes.fromhex(row[0]) for row in conn.execute(_HASHES, (tenant, size))]
    except ValueError as error:
        raise Tampered("a hash in the ledger is not one") from error


def checkpoint(conn: Connection[Any], tenant: str, key: Ed25519PrivateKey, kept: str | None = None) -> str | None:
    """Sign the ledger as it stands and keep the note; None where nothing is new. Role `courier`.

    Raises Tampered, and signs nothing, where the ledger does not begin with what was signed before: in the newest
    stored checkpoint or in `kept`, the text of one that was stored elsewhere.
    """
    last = newest_checkpoint(conn, tenant)
    size = head(conn, tenant)  # after the checkpoint: another clock may be signing
    if last is not None and last[0] == size and kept in (None, last[1]):
        return None
    hashes = _hashes(conn, tenant, size)
    for note in filter(None, (last[1] if last else None, kept)):
        if found := _break_of(note, key.public_key(), tenant, hashes):
            raise Tampered(f"no checkpoint is signed: {found.reason}")
    if size == 0 or (last is not None and last[0] >= size):
        return None
    note = sign_checkpoint(Checkpoint(origin(tenant), size, merkle_root(hashes)), key)
    conn.execute(_ADD_CHECKPOINT, (size, note))
    return note


def checkpoints_since(
    conn: Connection[Any], tenant: str, size: int | None, key: Ed25519PublicKey
) -> list[tuple[int, str]]:
    """(size, note) of the stored checkpoints that cover `size` entries or more, smallest first; None: of the newest
    alone. Raises Tampered where one is not signed by `key`."""
    if size is None:
        newest = newest_checkpoint(conn, tenant)
        found = [] if newest is None else [newest]
    else:
        found = conn.execute(_CHECKPOINTS_SINCE, (tenant, size)).fetchall()
    for stored, note in found:
        try:
            signed = read_checkpoint(note, key)
        except Malformed as error:
            raise Tampered(f"a stored checkpoint cannot be trusted: {error.detail}") from error
        if (signed.origin, signed.size) != (origin(tenant), stored):
            raise Tampered(f"the checkpoint stored for {stored} entries of {tenant} is of {signed.origin}")
    return found


def last_checkpoint(conn: Connection[Any]) -> Mapping[str, Any] | None:
    """{size, note, at} of the newest checkpoint."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_LAST_CHECKPOINT).fetchone()


def follows(conn: Connection[Any], tenant: str, note: str, key: Ed25519PublicKey) -> Break | None:
    """Why the ledger does not begin with the entries of a signed checkpoint, None where it does."""
    return _break_of(note, key, tenant, _hashes(conn, tenant, head(conn, tenant)))


def _break_of(note: str, key: Ed25519PublicKey, tenant: str, hashes: Sequence[bytes]) -> Break | None:
    count = len(hashes)
    try:
        signed = read_checkpoint(note, key)
    except Malformed as error:
        return Break(count + 1, f"a checkpoint cannot be trusted: {error.detail}")
    if signed.origin != origin(tenant):
        return Break(count + 1, f"a checkpoint of {signed.origin} was given for the ledger of {tenant}")
    if signed.size > count:
        return Break(count + 1, f"a signed checkpoint covers {signed.size} entries, the chain has {count}: it was cut")
    if merkle_root(hashes[: signed.size]) != signed.root:
        return Break(signed.size, f"the first {signed.size} entries are not those that were signed")
    return None


def verify(
    conn: Connection[Any], tenant: str, key: Ed25519PublicKey | None, outside: str | None = None
) -> tuple[int, Break | None]:
    """Walk the whole chain, then hold it against the head row, the newest stored checkpoint and one kept `outside`.

    Returns the number of sound entries and the first break. `outside` is the text of a signed checkpoint that was
    stored elsewhere: only it shows a cut of the tail. What follows the last checkpoint is chained but not signed.
    """
    # In this order, so that what is written meanwhile is no alarm.
    stored = newest_checkpoint(conn, tenant)
    row = conn.execute(_HEAD, (tenant,)).fetchone() or (0, GENESIS_HASH)
    misfiled: list[Break] = []
    count, last, found = check_chain(_stream(conn, tenant, row[0], misfiled), tenant)
    if misfiled or found is not None:
        return (misfiled[0].seq - 1, misfiled[0]) if misfiled else (count, found)
    if (row[0], row[1]) != (count, last):
        return count, Break(count + 1, f"the head row says {row[0]} entries, the chain has {count}")
    if (beyond := conn.execute(_BEYOND_HEAD, (tenant,)).fetchone()) and beyond[0]:
        return count, Break(count + 1, f"{beyond[0]} rows stand outside the chain that the head row ends")
    if key is None:
        return count, None
    hashes = _hashes(conn, tenant, count)
    for note in filter(None, (stored[1] if stored else None, outside)):
        if found := _break_of(note, key, tenant, hashes):
            return count, found
    return count, None
