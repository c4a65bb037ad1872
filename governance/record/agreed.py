"""What became of what the agent proposed: did people agree with the action? Role `agent`.

What was sent back for another letter with the same action, what expired, was withdrawn or superseded, and what was
brought in to try the process out or has been erased, says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

MOST = 4_000
"""The latest so many answers are read."""


@dataclass(frozen=True, slots=True)
class Answered:
    """One proposal of the agent and the people's answer. `support`: the score that was filed with it."""

    action: str
    exception_type: str | None
    support: float
    agreed: bool


# The findings of these proposals alone are read, by key: OFFSET 0 keeps the planner from reading those of all.
_ANSWERED = """
WITH latest AS MATERIALIZED (
    SELECT tenant, id, case_id, revision, draft_number, action, state, created_at FROM cs.recommendations
    WHERE job_id IS NOT NULL AND state IN ('approved', 'executed', 'rejected', 'overridden', 'sent_back')
    ORDER BY created_at DESC, id DESC LIMIT %s
)
SELECT r.action, c.exception_type, l.support::double precision AS support,
       r.state IN ('approved', 'executed') OR coalesce(n.action = r.action, false) AS agreed
FROM latest r
JOIN cs.cases c ON c.tenant = r.tenant AND c.id = r.case_id AND NOT c.canary
CROSS JOIN LATERAL (SELECT f.content::jsonb ->> 'support' AS support FROM cs.leaves f
                    WHERE f.tenant = r.tenant AND f.recommendation_id = r.id AND f.name = 'findings' OFFSET 0) l
LEFT JOIN LATERAL (SELECT s.action FROM cs.recommendations s
                   WHERE s.tenant = r.tenant AND s.case_id = r.case_id AND s.revision = r.revision
                     AND s.draft_number > r.draft_number ORDER BY s.draft_number LIMIT 1) n ON true
WHERE l.support ~ '^[01](\\.[0-9]{1,6})?$'
  AND (r.state <> 'sent_back' OR n.action <> r.action)
ORDER BY r.created_at, r.id
"""


def answered(conn: Connection[Any], *, most: int = MOST) -> list[Answered]:
    """The answers of the caller's tenant, oldest first."""
    with conn.cursor(row_factory=class_row(Answered)) as cursor:
        return cursor.execute(_ANSWERED, (most,)).fetchall()
