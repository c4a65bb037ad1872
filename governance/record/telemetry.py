"""What the lab (MLflow) is told: rows written with the thing itself, sent later by the courier.

A body holds ids, names of actions and models, and measures; never document text, letters or notes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row
from psycopg.types.json import Jsonb


@dataclass(frozen=True, slots=True)
class Observation:
    """One leased row. `kind`: triage (a root trace), decision (human feedback) or model (a version)."""

    id: int
    kind: str
    fence: int
    attempts: int
    body: Mapping[str, Any]


_OBSERVE = "SELECT cs.observe(%s, %s)"
_CLAIM = "SELECT id, kind, fence, attempts, body FROM cs.claim_observations(%s, %s)"
_SETTLE = "SELECT cs.settle_observations(%s, %s, %s, %s, %s)"
_BACKLOG = "SELECT state, count(*), min(created_at) FROM cs.observations WHERE state <> 'sent' GROUP BY state"


def observe(conn: Connection[Any], recommendation_id: str, more: Mapping[str, Any]) -> None:
    """Add the spans of a run to its observation. Role `agent`. Losing this loses only the spans.

    `more`: {"started_at": ISO text, "spans": [{"name", "start_ms", "ms"}, …]} with milliseconds since started_at.
    """
    conn.execute(_OBSERVE, (recommendation_id, Jsonb(dict(more))))


def claim(conn: Connection[Any], most: int, lease_seconds: int) -> list[Observation]:
    """Lease up to `most` observations that are due, oldest first. Role `courier`."""
    with conn.cursor(row_factory=class_row(Observation)) as cursor:
        return cursor.execute(_CLAIM, (most, lease_seconds)).fetchall()


def settle(
    conn: Connection[Any],
    rows: Sequence[Observation],
    outcome: str,
    why: Sequence[str] = (),
    retry_seconds: float = 0.0,
) -> int:
    """Record what became of leased rows: sent | retry | dead. Returns how many were still held.

    `why`: one text a row; for a triage that was sent, the id of its trace, on which decisions hang.
    """
    ids, fences = [row.id for row in rows], [row.fence for row in rows]
    found = conn.execute(_SETTLE, (ids, fences, outcome, list(why) or [""] * len(ids), retry_seconds)).fetchone()
    assert found is not None
    return int(found[0])


def backlog(conn: Connection[Any]) -> dict[str, tuple[int, Any]]:
    """state → (rows, time of the oldest) of all that is not sent. Roles `courier`, `review`, `audit`."""
    return {state: (count, oldest) for state, count, oldest in conn.execute(_BACKLOG)}
