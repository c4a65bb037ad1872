"""Who acts: genesis, the session's actor, users and their keys. Role `review`, except where said."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from psycopg import Connection
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from governance.actor import Actor, ActorKind
from governance.errors import Unauthenticated
from governance.matrix import Policy

# A database service's administrator is a member of the owner, not a superuser.
_AS_OWNER = "SET LOCAL ROLE countersign_owner"
_ESTABLISHED = "SELECT FROM cs.policies WHERE tenant = %s AND active"
_KNOWN = "SELECT sha256 FROM cs.credentials WHERE tenant = %s AND actor = %s AND sha256 = %s AND revoked_at IS NULL"
_GENESIS = "SELECT cs.genesis(%s, %s, %s, %s, %s, %s)"
_RECOVER = "SELECT cs.recover(%s, %s, %s)"
_WHOAMI = "SELECT tenant, id, kind, name, roles FROM cs.whoami()"
_MIGRATED = "SELECT to_regprocedure('cs.whoami()') IS NOT NULL"
_ACTORS = "SELECT id, kind, name, email, roles, active, created_at FROM cs.actors ORDER BY id"
_KEYS = """
SELECT id, actor, kind, label, scopes, created_at, expires_at, revoked_at FROM cs.credentials ORDER BY created_at, id
"""
_POLICY = """
SELECT version, digest, name, owner, currency, undo_seconds, canon, source, activated_at FROM cs.policies WHERE active
"""


def token_hash(token: str) -> str:
    """What the record keeps of a key: the hex SHA-256 of its UTF-8 bytes."""
    return hashlib.sha256(token.encode()).hexdigest()


def established(conn: Connection[Any], tenant: str) -> bool:
    """Whether the tenant has a policy, and so was founded. Role `owner`."""
    conn.execute(_AS_OWNER)
    return conn.execute(_ESTABLISHED, (tenant,)).fetchone() is not None


def unknown_tokens(conn: Connection[Any], tenant: str, tokens: Mapping[str, str]) -> list[str]:
    """The actors whose token here is not a live one of theirs. Role `owner`."""
    conn.execute(_AS_OWNER)
    return [
        actor
        for actor, token in tokens.items()
        if conn.execute(_KNOWN, (tenant, actor, token_hash(token))).fetchone() is None
    ]


def recover(
    conn: Connection[Any], tenant: str, people: Sequence[Mapping[str, Any]], hashes: Mapping[str, str], why: str
) -> None:
    """As the database's owner: people who can sign again after a lock-out. Their older keys are revoked.

    `people`: {"id", "name", "email", "roles"} with one role each, administrator (two at least) or controller; `hashes`:
    id → SHA-256 of the new key. Raises Malformed, NotFound.
    """
    rows = [
        {
            "id": person["id"],
            "name": person["name"],
            "email": person["email"],
            "role": person["roles"][0],
            "token_sha256": hashes[str(person["id"])],
        }
        for person in people
    ]
    conn.execute(_AS_OWNER)
    conn.execute(_RECOVER, (tenant, Jsonb(rows), why))


def genesis(
    conn: Connection[Any], tenant: str, name: str, region: str, people: Iterable[Mapping[str, Any]], policy: Policy
) -> str:
    """Found a tenant; the hash of ledger entry 1. Role `owner`.

    `people`: {"id", "kind", "name", "email", "roles", "token_sha256"}, at least two administrators among them.
    Raises AlreadyEstablished, Malformed, PolicyInvalid.
    """
    conn.execute(_AS_OWNER)
    row = conn.execute(
        _GENESIS, (tenant, name, region, Jsonb([dict(person) for person in people]), policy.text, policy.source)
    ).fetchone()
    assert row is not None
    return str(row[0])


def whoami(conn: Connection[Any]) -> Actor:
    """The actor of this transaction's token. Any role. Raises Unauthenticated."""
    row = conn.execute(_WHOAMI).fetchone()
    if row is None:
        raise Unauthenticated
    tenant, actor, kind, name, roles = row
    return Actor(tenant=tenant, id=actor, kind=ActorKind(kind), name=name, roles=frozenset(roles))


def migrated(conn: Connection[Any]) -> bool:
    """Whether this database holds the record's functions. Any role; needs no token."""
    row = conn.execute(_MIGRATED).fetchone()
    return row is not None and bool(row[0])


def active_policy(conn: Connection[Any]) -> dict[str, Any] | None:
    """The tenant's policy: {version, digest, name, owner, currency, undo_seconds, canon, source, activated_at}."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_POLICY).fetchone()


def actors(conn: Connection[Any]) -> Sequence[dict[str, Any]]:
    """All actors of the tenant by id."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_ACTORS).fetchall()


def keys(conn: Connection[Any]) -> Sequence[dict[str, Any]]:
    """All keys of the tenant without their secrets, oldest first."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_KEYS).fetchall()
