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
    merkle_root,
    origin,
    read_checkpoint,
    sign_checkpoint,
)
from governance.errors import Malformed, NotFound, Tampered

_AS_OWNER = "SET LOCAL ROLE countersign_owner"
_ENTRIES = "SELECT seq, entry, hash, kind, subject FROM cs.ledger WHERE tenant = %s AND seq <= %s ORDER BY seq"
_BEYOND_HEAD = "SELECT count(*) FROM cs.ledger l JOIN cs.ledger_heads h USING (tenant) WHERE l.tenant = %s AND NOT l.seq BETWEEN 1 AND h.seq"
_PAGE = "SELECT seq, entry, hash FROM cs.ledger WHERE seq > %s ORDER BY seq LIMIT %s"
_HASHES = "SELECT hash FROM cs.ledger WHERE tenant = %s AND seq <= %s ORDER BY seq"
_HEAD = "SELECT seq, hash FROM cs.ledger_heads WHERE tenant = %s"
_CHECKPOINTS = "SELECT size, note FROM cs.checkpoints WHERE tenant = %s ORDER BY size"
_LAST_CHECKPOINT = "SELECT size, note, at FROM cs.checkpoints ORDER BY size DESC LIMIT 1"
_NEWEST_OF = "SELECT size, note FROM cs.checkpoints WHERE tenant = %s ORDER BY size DESC LIMIT 1"
_ADD_CHECKPOINT = "SELECT cs.add_checkpoint(%s, %s)"
_TENANTS = "SELECT tenant FROM cs.ledger_heads ORDER BY tenant"
_SUBJECT = "SELECT seq, entry, hash FROM cs.ledger WHERE subject = ANY (%s) ORDER BY seq"
# One statement, so one snapshot: what the tables say is what the entries say.
_CASE = """
WITH recs AS (SELECT * FROM cs.recommendations WHERE tenant = %(tenant)s AND case_id = %(case)s),
     made AS (SELECT d.* FROM cs.decisions d JOIN recs r ON r.tenant = d.tenant AND r.id = d.recommendation_id)
SELECT
    (SELECT json_agg(json_build_object('seq', l.seq, 'entry', l.entry, 'hash', l.hash) ORDER BY l.seq) FROM cs.ledger l
     WHERE l.tenant = c.tenant AND (
        (l.subject = c.id AND l.kind LIKE 'case.%%')
        OR (l.subject IN (SELECT id FROM recs) AND (l.kind LIKE 'recommendation.%%' OR l.kind LIKE 'decision.%%' OR l.kind LIKE 'effect.%%'))
        OR (l.subject IN (SELECT actor FROM made) AND l.kind LIKE 'actor.%%')
        OR (l.subject = c.tenant AND l.kind = 'genesis'))) AS entries,
    (SELECT json_agg(v.facts ORDER BY v.revision) FROM cs.case_revisions v WHERE v.tenant = c.tenant AND v.case_id = c.id) AS facts,
    (SELECT coalesce(json_agg(p.canon ORDER BY p.version), '[]') FROM cs.policies p
     WHERE p.tenant = c.tenant AND p.version IN (SELECT policy_version FROM recs)) AS policies,
    (SELECT coalesce(json_agg(json_build_object('id', r.id, 'digest', r.digest, 'envelope', r.envelope,
        'leaves', (SELECT json_object_agg(f.name, json_build_object('salt', f.salt, 'content', f.content))
                   FROM cs.leaves f WHERE f.tenant = r.tenant AND f.recommendation_id = r.id),
        'seats', (SELECT json_agg(json_build_object('role', s.role, 'filled_by', s.filled_by, 'decision', s.decision_id) ORDER BY s.seat)
                  FROM cs.seats s WHERE s.tenant = r.tenant AND s.recommendation_id = r.id)
     ) ORDER BY r.revision, r.draft_number), '[]') FROM recs r) AS recommendations,
    (SELECT coalesce(json_agg(json_build_object('id', d.id, 'recommendation', d.recommendation_id, 'decision', d.decision, 'actor', d.actor,
        'seat', d.seat_role, 'digest', d.digest, 'reason_code', d.reason_code,
        'comment', (SELECT json_build_object('salt', n.salt, 'text', n.comment) FROM cs.decision_notes n
                    WHERE n.tenant = d.tenant AND n.decision_id = d.id)) ORDER BY d.at, d.id), '[]') FROM made d) AS decisions
FROM cs.cases c WHERE c.tenant = %(tenant)s AND c.id = %(case)s
"""
_CONTENT = "SELECT content FROM cs.document_contents WHERE tenant = %s AND sha256 = %s"


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


def case_record(conn: Connection[Any], tenant: str, case_id: str) -> dict[str, Any]:
    """All that the record holds about a case, from one snapshot: texts as they were hashed. Role `audit`.

    {entries, facts, policies, recommendations, decisions}; raises NotFound.
    """
    with conn.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(_CASE, {"tenant": tenant, "case": case_id}).fetchone()
    if row is None:
        raise NotFound("there is no such case")
    return row


def document(conn: Connection[Any], tenant: str, sha256: str) -> bytes | None:
    """The bytes of a document, None where they were erased or never stored."""
    row = conn.execute(_CONTENT, (tenant, sha256)).fetchone()
    return None if row is None else bytes(row[0])


def newest_checkpoint(conn: Connection[Any], tenant: str) -> tuple[int, str] | None:
    """(size, note) of the tenant's newest stored checkpoint."""
    return conn.execute(_NEWEST_OF, (tenant,)).fetchone()


def proofs(conn: Connection[Any], tenant: str, size: int, seqs: Iterable[int]) -> dict[int, list[bytes]]:
    """Audit path of each entry (RFC 9162 section 2.1.3) in the tree of the first `size` entries."""
    leaves = _hashes(conn, tenant, size)
    return {index + 1: path for index, path in _paths([seq - 1 for seq in seqs], leaves).items()}


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
