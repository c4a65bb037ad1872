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


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is not sent: how many rows, and the age of the oldest in seconds (0 where there is none)."""

    rows: int = 0
    oldest_seconds: float = 0.0


STATES = ("ready", "retry", "leased", "dead")
"""Of what is not sent: not tried yet, tried in vain, being sent now, given up."""

_OBSERVE = "SELECT cs.observe(given.id, given.more) FROM unnest(%s::text[], %s::jsonb[]) AS given(id, more)"
_CLAIM = "SELECT id, kind, fence, attempts, body FROM cs.claim_observations(%s, %s)"
_SETTLE = "SELECT cs.settle_observations(%s, %s, %s, %s, %s)"
_BACKLOG = """
SELECT CASE WHEN state = 'ready' AND attempts > 0 THEN 'retry' ELSE state END, count(*),
       extract(epoch FROM now() - min(created_at))::float8
FROM cs.observations WHERE state <> 'sent' GROUP BY 1
"""
_FIRST_CHAMPION = "SELECT cs.first_champion(%s, %s)"
_CHAMPIONS = "SELECT model, digest FROM cs.champions ORDER BY model"


def observe(conn: Connection[Any], runs: Mapping[str, Mapping[str, Any]]) -> None:
    """Add the spans of runs to their observations. Role `agent`. Losing this loses only the spans.

    `runs`: recommendation → {"started_at": ISO text, "spans": [{"name", "start_ms", "ms", "ended"}, …]}, milliseconds
    since started_at. Raises Malformed for more than 20,000 bytes.
    """
    if runs:
        conn.execute(_OBSERVE, (list(runs), [Jsonb(dict(more)) for more in runs.values()]))


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


def backlog(conn: Connection[Any]) -> dict[str, Waiting]:
    """What is not sent, for every state of STATES. Roles `courier`, `review`, `audit`."""
    found = {state: Waiting(rows, max(0.0, oldest)) for state, rows, oldest in conn.execute(_BACKLOG)}
    return {state: found.get(state, Waiting()) for state in STATES}


def first_champion(conn: Connection[Any], model: str, digest: str) -> str:
    """Set the champion of a model that has none; the digest that stands. Role `courier`."""
    found = conn.execute(_FIRST_CHAMPION, (model, digest)).fetchone()
    assert found is not None
    return str(found[0])


def champions(conn: Connection[Any]) -> dict[str, str]:
    """Model → digest of its champion. Roles `courier`, `review`, `audit`."""
    return dict(conn.execute(_CHAMPIONS).fetchall())
