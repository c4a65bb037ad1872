"""Sessions of the console. Role `review`; the law is schema/functions_25_sessions.sql.

Inside a transaction the token of a live session says who acts, exactly as an API key does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection

from governance.errors import Unauthenticated
from governance.record.people import token_hash

_OPEN = "SELECT cs.open_session(%s, %s)"
_CURRENT = "SELECT id, expires_at FROM cs.session()"
_CLOSE = "SELECT cs.close_session()"


@dataclass(frozen=True, slots=True)
class Session:
    """A live session. `id` is the one that the ledger names; it is not the token."""

    id: str
    expires_at: datetime


def open_session(conn: Connection[Any], token: str, minutes: int) -> datetime:
    """Make `token` a session of the person whose API key this transaction holds; when it ends.

    `minutes`: 1 to 1440; a key that expires sooner ends it sooner. Raises HumanRequired for services and agents,
    NotPermitted where the transaction's token is a session itself, Unauthenticated, Malformed.
    """
    row = conn.execute(_OPEN, (token_hash(token), minutes)).fetchone()
    assert row is not None
    ends: datetime = row[0]
    return ends


def current(conn: Connection[Any]) -> Session:
    """The session of this transaction's token. Raises Unauthenticated where it is none, an API key included."""
    row = conn.execute(_CURRENT).fetchone()
    if row is None:
        raise Unauthenticated
    return Session(*row)


def close_session(conn: Connection[Any]) -> None:
    """End the session of this transaction's token. Raises Unauthenticated where it is none."""
    conn.execute(_CLOSE)
