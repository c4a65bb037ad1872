"""Who stands for whom, who is away, and what was opened. Role `review`, a person's token."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from psycopg import Connection
from psycopg.rows import dict_row

_DELEGATE = "SELECT cs.delegate(%s, %s, %s, %s, %s, %s, %s)"
_REVOKE = "SELECT cs.revoke_delegation(%s)"
_SET_ABSENCE = "SELECT cs.set_absence(%s, %s, %s)"
_END_ABSENCE = "SELECT cs.end_absence(%s)"
_OPENED = "SELECT cs.opened(%s, %s)"
_DELEGATIONS = """
SELECT id, from_actor, to_actor, role, starts_at, ends_at, queues, entities, amount_below, revoked_at
FROM cs.delegations WHERE revoked_at IS NULL AND ends_at > now() ORDER BY id
"""
_ABSENCES = "SELECT id, actor, set_by, starts_at, ends_at FROM cs.absences WHERE ended_at IS NULL AND ends_at > now() ORDER BY id"


def delegate(
    conn: Connection[Any],
    to_person: str,
    role: str,
    starts_at: datetime,
    ends_at: datetime,
    *,
    queues: Sequence[str] = ("*",),
    entities: Sequence[str] = ("*",),
    amount_below: Decimal | None = None,
) -> int:
    """Lend an own role to another person; the delegation's id. `amount_below` in the policy's currency.

    Raises NotDelegated for oneself, a stranger, or a circle; Malformed, NotPermitted.
    """
    values = (to_person, role, starts_at, ends_at, list(queues), list(entities), amount_below)
    return _number(conn, _DELEGATE, values)


def revoke_delegation(conn: Connection[Any], delegation: int) -> None:
    """End a delegation: giver, taker or an administrator. Raises NotFound, NotPermitted."""
    conn.execute(_REVOKE, (delegation,))


def set_absence(conn: Connection[Any], actor: str, starts_at: datetime, ends_at: datetime) -> int:
    """Say when somebody is away, oneself or (an administrator) another; the absence's id. Raises NotFound, NotPermitted."""
    return _number(conn, _SET_ABSENCE, (actor, starts_at, ends_at))


def end_absence(conn: Connection[Any], absence: int) -> None:
    """Somebody is back. Raises NotFound, NotPermitted."""
    conn.execute(_END_ABSENCE, (absence,))


def opened(conn: Connection[Any], case_id: str, what: str) -> None:
    """Note that this person opened the `case`, or its `document`, as it stands."""
    conn.execute(_OPENED, (case_id, what))


def delegations(conn: Connection[Any]) -> list[dict[str, Any]]:
    """Live and coming delegations."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_DELEGATIONS).fetchall()


def absences(conn: Connection[Any]) -> list[dict[str, Any]]:
    """Who is or will be away."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_ABSENCES).fetchall()


def _number(conn: Connection[Any], query: str, values: tuple[Any, ...]) -> int:
    row = conn.execute(query.encode(), values).fetchone()
    assert row is not None
    return int(row[0])
