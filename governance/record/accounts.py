"""Users and their keys, changed by administrators; one's own keys by oneself. Role `review`; the law is cs.*."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.types.json import Jsonb

from governance.actor import ROLES, ActorKind
from governance.errors import IllegalState, Malformed
from governance.record.people import token_hash

SCOPES = ("read", "decide", "submit")
"""What a key can be limited to: decide brings read; without scopes a key may do all that its owner may."""

_ADD = "SELECT cs.add_actor(%s)"
_SET_ACTIVE = "SELECT cs.set_active(%s, %s)"
_ISSUE_KEY = "SELECT cs.issue_key(%s, %s, %s, %s, %s)"
_REVOKE_KEY = "SELECT cs.revoke_key(%s)"


def add(
    conn: Connection[Any], actor: str, *, kind: ActorKind, name: str, email: str | None, roles: Sequence[str], key: str
) -> None:
    """A new user whose first key is `key`.

    Raises Malformed for an id or a role that is none, IllegalState where the id is taken, NotPermitted, HumanRequired.
    """
    if unknown := sorted(set(roles) - set(ROLES)):
        raise Malformed(f"there is no role {unknown[0]!r}: roles are {', '.join(ROLES)}")
    person = {
        "id": actor,
        "kind": kind.value,
        "name": name,
        "email": email,
        "roles": list(roles),
        "token_sha256": token_hash(key),
    }
    try:
        conn.execute(_ADD, (Jsonb(person),))
    except psycopg.errors.UniqueViolation:
        raise IllegalState(f"there is a user {actor} already") from None
    except psycopg.errors.CheckViolation:
        raise Malformed(
            f"{actor!r} is no user id: begin with a letter or digit, then letters, digits, . _ @ -"
        ) from None


def set_active(conn: Connection[Any], actor: str, active: bool) -> None:
    """Switch a user on or off; nobody who is off can do anything. Raises NotFound, NotPermitted, HumanRequired."""
    conn.execute(_SET_ACTIVE, (actor, active))


def issue_key(
    conn: Connection[Any],
    key: str,
    actor: str,
    label: str,
    expires: datetime | None,
    scopes: Sequence[str] | None = None,
) -> str:
    """Make `key` a key of the actor; its id. `scopes`: what it may do of SCOPES, None for all that the actor may.

    Raises NotPermitted where another person has a key already, GovernedChange, Malformed.
    """
    limits = None if scopes is None else list(scopes)
    row = conn.execute(_ISSUE_KEY, (token_hash(key), actor, label, expires, limits)).fetchone()
    assert row is not None
    return str(row[0])


def revoke_key(conn: Connection[Any], key_id: str) -> None:
    """End a key by its id. Raises NotFound, NotPermitted."""
    conn.execute(_REVOKE_KEY, (key_id,))
