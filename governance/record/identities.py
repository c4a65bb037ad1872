"""Accounts at identity providers, and the sessions that a broker opens for them. Role `review`.

The law is schema/functions_26_identities.sql: a person is linked to an account, and a service is made its issuer's
broker, by governed change (kinds `identity` and `identity_broker`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import dict_row

from governance.record.people import token_hash

_OPEN = "SELECT cs.open_identity_session(%s, %s, %s, %s, %s)"
_LIST = "SELECT id, actor, issuer, subject, since FROM cs.identities WHERE revoked_at IS NULL ORDER BY actor, issuer"
_REVOKE = "SELECT cs.revoke_identity(%s, %s)"
_REVOKE_BROKER = "SELECT cs.revoke_identity_broker(%s, %s)"


def open_session(
    conn: Connection[Any], token: str, issuer: str, subject: str, minutes: int, not_after: datetime | None = None
) -> datetime:
    """Make `token` a session of the person behind an account; when it ends. The transaction's key is the broker's.

    `minutes`: 1 to 1440; `not_after`: when the proof of the account ends. Raises NotPermitted where this service may
    not vouch for the issuer, nobody is linked to the account, or who is has been switched off; Unauthenticated.
    """
    row = conn.execute(_OPEN, (token_hash(token), issuer, subject, minutes, not_after)).fetchone()
    assert row is not None
    ends: datetime = row[0]
    return ends


def linked(conn: Connection[Any]) -> Sequence[dict[str, Any]]:
    """The accounts that are linked now, by person: {id, actor, issuer, subject, since}."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_LIST).fetchall()


def revoke(conn: Connection[Any], issuer: str, subject: str) -> None:
    """Unlink an account and end its sessions: its person, or an administrator. Raises NotFound, NotPermitted."""
    conn.execute(_REVOKE, (issuer, subject))


def revoke_broker(conn: Connection[Any], actor: str, issuer: str) -> None:
    """A service vouches no more, and the sessions that it opened end. An administrator. Raises NotFound, NotPermitted."""
    conn.execute(_REVOKE_BROKER, (actor, issuer))
