"""Waiting room 3: approved effects waiting for delivery. `conn` is of role `courier`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row, dict_row

CHANNEL = "countersign_effects"
"""NOTIFY channel: a hint that an effect may be ready."""


@dataclass(frozen=True, slots=True)
class Effect:
    """One leased effect; `connector`: mail, task or timer. The recommendation's id is the idempotency key."""

    recommendation_id: str
    connector: str
    fence: int
    attempts: int


_CLAIM = "SELECT recommendation_id, connector, fence, attempts FROM cs.claim_effects(%s, %s, %s)"
_EXECUTE = "SELECT cs.execute(%s, %s)"
_SETTLE = "SELECT cs.settle(%s, %s, %s, %s, %s)"
_CONFIRM = "SELECT cs.confirm(%s, %s, %s)"
_TICK = "SELECT cs.tick()"
_TASKS = """
SELECT e.recommendation_id, e.state, e.connector, e.detail, e.created_at, r.case_id, r.action, c.title, c.queue,
       r.envelope::jsonb -> 'action' AS proposed
FROM cs.effects e JOIN cs.recommendations r ON r.tenant = e.tenant AND r.id = e.recommendation_id
JOIN cs.cases c ON c.tenant = r.tenant AND c.id = r.case_id
WHERE e.state = ANY (%s) ORDER BY e.created_at LIMIT %s
"""


def claim(conn: Connection[Any], courier: str, most: int, lease_seconds: int) -> list[Effect]:
    """Lease up to `most` effects that are due."""
    with conn.cursor(row_factory=class_row(Effect)) as cursor:
        return cursor.execute(_CLAIM, (courier, most, lease_seconds)).fetchall()


def execute(conn: Connection[Any], effect: Effect) -> Mapping[str, Any]:
    """The gate's last look; after its commit the effect may happen.

    Returns {recommendation_id, case_id, digest, action, draft}. Raises LostLease, Expired, PayeeChanged,
    PolicyChanged, NoSeat, IllegalState.
    """
    row = conn.execute(_EXECUTE, (effect.recommendation_id, effect.fence)).fetchone()
    assert row is not None
    result: Mapping[str, Any] = row[0]
    return result


def settle(conn: Connection[Any], effect: Effect, outcome: str, why: str, retry_seconds: float = 0.0) -> None:
    """Record what became of it: sent | manual | retry | unknown | refused | dead. Raises LostLease."""
    conn.execute(_SETTLE, (effect.recommendation_id, effect.fence, outcome, why, retry_seconds))


def confirm(conn: Connection[Any], recommendation_id: str, outcome: str, note: str | None) -> dict[str, Any]:
    """A person (role `review`) says what became of a manual task or an unknown effect: done | not_done."""
    row = conn.execute(_CONFIRM, (recommendation_id, outcome, note)).fetchone()
    assert row is not None
    result: dict[str, Any] = row[0]
    return result


def waiting(conn: Connection[Any], limit: int = 100) -> list[dict[str, Any]]:
    """Effects that wait for a person: manual tasks, unknown outcomes, given-up deliveries. Role `review`."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_TASKS, (["manual", "reconcile", "dead"], limit)).fetchall()


def tick(conn: Connection[Any]) -> dict[str, Any]:
    """The clock's database work: expiry, lost leases, SLA breaches."""
    row = conn.execute(_TICK).fetchone()
    assert row is not None
    result: dict[str, Any] = row[0]
    return result
