"""What queues that are only observed show: what rules would have proposed beside what people did. Roles review, audit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from psycopg import Connection
from psycopg.rows import dict_row

# The first filing on each revision of a case in a queue that was observed then, and what people made of it in the end.
_OBSERVED = """
SELECT DISTINCT ON (r.case_id, r.revision) c.queue, coalesce(c.exception_type, '') AS exception_type,
       f.content::jsonb->>'would_propose' AS would, CASE WHEN s.state <> 'rejected' THEN s.action END AS did,
       extract(epoch FROM s.at - r.created_at) / 3600 AS hours
FROM cs.recommendations r
JOIN cs.cases c ON c.tenant = r.tenant AND c.id = r.case_id AND NOT c.canary
JOIN cs.leaves f ON f.tenant = r.tenant AND f.recommendation_id = r.id AND f.name = 'findings' AND f.content::jsonb ? 'would_propose'
LEFT JOIN LATERAL (
    SELECT x.action, x.state, (SELECT max(d.at) FROM cs.decisions d WHERE d.tenant = x.tenant AND d.recommendation_id = x.id
                               AND d.withdrawn_at IS NULL) AS at
    FROM cs.recommendations x WHERE x.tenant = r.tenant AND x.case_id = r.case_id AND x.revision = r.revision
    AND x.state IN ('approved', 'executed', 'rejected') ORDER BY x.draft_number DESC LIMIT 1) s ON true
WHERE r.action = 'refer_to_person' AND (%(queue)s::text IS NULL OR c.queue = %(queue)s)
ORDER BY r.case_id, r.revision, r.draft_number
"""


@dataclass(frozen=True, slots=True)
class Baseline:
    """One exception type while it was observed. `decided` of `cases`; in `agreed` of those people did what rules would
    have proposed. `hours`: the median time from filing to the last decision, None before the first."""

    queue: str
    exception_type: str
    cases: int
    decided: int
    agreed: int
    hours: float | None

    @property
    def agreement(self) -> float | None:
        return round(self.agreed / self.decided, 3) if self.decided else None

    def as_dict(self) -> dict[str, Any]:
        return {
            "queue": self.queue, "exception_type": self.exception_type, "cases": self.cases, "decided": self.decided,
            "agreed": self.agreed, "agreement": self.agreement, "hours": self.hours,
        }  # fmt: skip


def baseline(conn: Connection[Any], queue: str | None = None) -> list[Baseline]:
    """By queue and exception type, in that order; nothing for what was never observed. Erased cases are in none."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return _summed(cursor.execute(_OBSERVED, {"queue": queue}))


def _summed(rows: Iterable[dict[str, Any]]) -> list[Baseline]:
    by_type: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        by_type[row["queue"], row["exception_type"]].append(row)
    return [_one(queue, kind, found) for (queue, kind), found in sorted(by_type.items())]


def _one(queue: str, kind: str, rows: Sequence[dict[str, Any]]) -> Baseline:
    hours = [float(row["hours"]) for row in rows if row["hours"] is not None]
    return Baseline(
        queue, kind, len(rows), len(hours), sum(row["did"] == row["would"] for row in rows if row["hours"] is not None),
        round(median(hours), 2) if hours else None,
    )  # fmt: skip
