"""Decided cases that lie near a case: pgvector over the embeddings that triage left behind. Role `agent`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pgvector import Vector
from psycopg import Connection


@dataclass(frozen=True, slots=True)
class Neighbour:
    """One decided case. `similarity`: cosine. `decision`: approve | override | reject by the last person to decide,
    `role` that person's seat; `action` is what was decided on; `outcome` the case's final state.
    """

    case_id: str
    similarity: float
    action: str
    decision: str
    role: str | None
    outcome: str


# The index knows neither tenant nor queue: it filters after the scan, so the scan must go on until enough are found.
_ITERATE = "SELECT set_config('hnsw.iterative_scan', 'strict_order', true)"
_NEAREST = """
SELECT a.case_id, n.case_id, 1 - n.distance, p.action, p.decision, p.role, n.state
FROM unnest(%(cases)s::text[], %(queues)s::text[], %(vectors)s::text[]) AS a(case_id, queue, vector)
CROSS JOIN LATERAL (
    SELECT v.tenant, v.case_id, v.revision, c.state, v.embedding <=> a.vector::vector AS distance
    FROM cs.case_vectors v JOIN cs.cases c ON c.tenant = v.tenant AND c.id = v.case_id AND c.revision = v.revision
    WHERE c.queue = a.queue AND c.state IN ('done', 'rejected') AND v.case_id <> a.case_id
    ORDER BY v.embedding <=> a.vector::vector LIMIT %(most)s
) n
CROSS JOIN LATERAL (
    SELECT r.action, d.seat_role AS role, CASE WHEN d.decision = 'approve' AND EXISTS (
               SELECT FROM cs.recommendations o WHERE o.tenant = r.tenant AND o.case_id = r.case_id
               AND o.revision = r.revision AND o.state = 'overridden') THEN 'override' ELSE d.decision END AS decision
    FROM cs.recommendations r JOIN cs.decisions d ON d.tenant = r.tenant AND d.recommendation_id = r.id
    WHERE r.tenant = n.tenant AND r.case_id = n.case_id AND r.revision = n.revision
      AND d.decision IN ('approve', 'reject') AND d.withdrawn_at IS NULL
    ORDER BY d.at DESC LIMIT 1
) p
ORDER BY a.case_id, n.distance, n.case_id
"""


def nearest(
    conn: Connection[Any], asked: Sequence[tuple[str, str, Sequence[float]]], *, most: int
) -> dict[str, list[Neighbour]]:
    """For each (case id, queue, 384 floats) the `most` nearest decided cases of the same tenant and queue.

    Only cases that have ended count: what is still open may be decided otherwise. Nearest first.
    """
    if not asked:
        return {}
    conn.execute(_ITERATE)
    values = {
        "cases": [case for case, _, _ in asked],
        "queues": [queue for _, queue, _ in asked],
        "vectors": [Vector(list(vector)).to_text() for _, _, vector in asked],
        "most": most,
    }
    found: dict[str, list[Neighbour]] = {case: [] for case, _, _ in asked}
    for row in conn.execute(_NEAREST, values):
        found[row[0]].append(Neighbour(*row[1:]))
    return found
