"""Waiting room 2: recommendations waiting for people. File, decide, read.

The law is in the database (schema/functions_50_law.sql, functions_60_review.sql): these functions carry the
question there and the answer back. `conn` is inside the caller's transaction; its session token says who asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pgvector import Vector
from psycopg import Connection
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from governance.decision import Decision
from governance.errors import NotFound
from governance.recommendation import Proposal
from governance.record.queue import Job


@dataclass(frozen=True, slots=True)
class Filed:
    """What filing made; `created` is False where this job had filed already."""

    recommendation_id: str
    digest: str
    draft_number: int
    created: bool


_FILE = """
SELECT recommendation_id, digest, draft_number, created FROM cs.file(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_NOTE_THREAD = "SELECT cs.note_thread(%s, %s, %s, %s)"
_REMEMBER = "SELECT cs.remember(%s, %s, %s::vector)"
_DECIDE = "SELECT cs.decide(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
_NOTE_REFUSAL = "SELECT cs.note_refusal(%s, %s, %s)"
_REQUEUE = "SELECT cs.requeue(%s)"

_SELECT = """
SELECT r.id, r.case_id, c.queue, r.tenant, c.title, c.exception_type, c.state AS case_state,
       (SELECT count(*) FROM cs.recommendations o WHERE o.tenant = r.tenant AND o.case_id = r.case_id
        AND (o.revision, o.draft_number) <= (r.revision, r.draft_number)) AS revision,
       r.revision AS case_revision, r.draft_number, r.digest, r.envelope::jsonb AS envelope, r.state, r.risk, r.confidence,
       r.drafted_by, r.excluded, r.returned_to, r.rules, r.policy_version, r.created_at, r.expires_at, r.sla_due_at,
       r.unstaffed_at, v.amount, v.currency, v.entity, v.region, v.supplier_id, v.customer_id, v.initiator, v.document_sha256, v.document_class, v.facts AS facts_text,
       (SELECT jsonb_object_agg(l.name, l.content) FROM cs.leaves l WHERE l.tenant = r.tenant AND l.recommendation_id = r.id) AS leaves,
       (SELECT l.salt FROM cs.leaves l WHERE l.tenant = r.tenant AND l.recommendation_id = r.id AND l.name = 'draft') AS draft_salt,
       (SELECT jsonb_agg(jsonb_build_object('role', s.role, 'filled_by', s.filled_by)
            || jsonb_strip_nulls(jsonb_build_object('acting_for', s.acting_for, 'stands_in_as', s.stands_in_as)) ORDER BY s.seat)
        FROM cs.seats s WHERE s.tenant = r.tenant AND s.recommendation_id = r.id) AS seats,
       (SELECT jsonb_build_object('state', e.state, 'connector', e.connector, 'attempts', e.attempts, 'detail', e.detail)
        FROM cs.effects e WHERE e.tenant = r.tenant AND e.recommendation_id = r.id) AS effect
FROM cs.recommendations r
JOIN cs.cases c ON c.tenant = r.tenant AND c.id = r.case_id
JOIN cs.case_revisions v ON v.tenant = r.tenant AND v.case_id = r.case_id AND v.revision = r.revision
"""
_ONE = _SELECT + " WHERE r.id = %s"
_LIST = (
    _SELECT
    + """
WHERE (%(state)s::text IS NULL OR r.state = %(state)s) AND (%(queue)s::text IS NULL OR c.queue = %(queue)s)
  AND (%(case)s::text IS NULL OR r.case_id = %(case)s)
  AND (%(after_at)s::timestamptz IS NULL OR (r.created_at, r.id) > (%(after_at)s, %(after_id)s))
ORDER BY r.created_at, r.id LIMIT %(limit)s
"""
)
_DECISIONS = """
SELECT d.id, d.recommendation_id, d.decision, d.actor, a.name AS actor_name, d.acting_for, d.seat_role, d.digest,
       d.reason_code, n.comment, d.at, d.withdrawn_at
FROM cs.decisions d JOIN cs.actors a ON a.tenant = d.tenant AND a.id = d.actor
LEFT JOIN cs.decision_notes n ON n.tenant = d.tenant AND n.decision_id = d.id
WHERE d.recommendation_id = ANY (%s) ORDER BY d.at
"""


def file(conn: Connection[Any], job: Job, proposal: Proposal) -> Filed:
    """File once per job, and finish the job, in this transaction.

    Raises LostLease, FactsMismatch, UnknownAction.
    """
    leaves = proposal.leaf_texts()
    row = conn.execute(
        _FILE,
        (
            job.id,
            job.fence,
            Jsonb(proposal.action.as_dict()),
            proposal.facts_digest,
            leaves["draft"],
            leaves["findings"],
            leaves["evidence"],
            Jsonb(dict(proposal.stamps)),
            Jsonb(dict(proposal.thresholds)),
            proposal.risk,
            proposal.confidence,
        ),
    ).fetchone()
    assert row is not None
    return Filed(*row)


def note_thread(conn: Connection[Any], recommendation_id: str, thread: str, interrupt: str, graph_version: str) -> None:
    """Remember where the agent's thread waits. Losing this only costs a re-run."""
    conn.execute(_NOTE_THREAD, (recommendation_id, thread, interrupt, graph_version))


def remember(conn: Connection[Any], case_id: str, revision: int, embedding: Sequence[float]) -> None:
    """Keep the case's embedding (384 floats), under which it will be found once decided."""
    conn.execute(_REMEMBER, (case_id, revision, Vector(list(embedding)).to_text()))


def decide(
    conn: Connection[Any], recommendation_id: str, decision: Decision, *, in_bulk: bool = False
) -> dict[str, Any]:
    """One person's decision. Returns {decision_id, state, recommendation_id}; an override names the new recommendation.

    Raises the refusals of governance.errors as the database finds them.
    """
    row = conn.execute(
        _DECIDE,
        (
            recommendation_id,
            decision.kind.value,
            decision.digest,
            decision.seat,
            decision.acting_for,
            decision.reason_code,
            decision.comment,
            Jsonb(dict(decision.action)) if decision.action is not None else None,
            Jsonb(dict(decision.draft)) if decision.draft is not None else None,
            decision.signature,
            in_bulk,
        ),
    ).fetchone()
    assert row is not None
    result: dict[str, Any] = row[0]
    return result


def note_refusal(conn: Connection[Any], recommendation_id: str, decision: str, sqlstate: str) -> bool:
    """Put on the ledger that a control refused a decision of the caller's own; whether this is news.

    `sqlstate`: that of the refusal; the database knows its controls. Raises Malformed where no control refuses this
    caller so, NotFound.
    """
    row = conn.execute(_NOTE_REFUSAL, (recommendation_id, decision, sqlstate)).fetchone()
    assert row is not None
    return bool(row[0])


def requeue(conn: Connection[Any], case_id: str) -> None:
    """Put a case from the dead-letter room back in the queue."""
    conn.execute(_REQUEUE, (case_id,))


def get(conn: Connection[Any], recommendation_id: str) -> dict[str, Any]:
    """One recommendation as a row. Raises NotFound."""
    with conn.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(_ONE, (recommendation_id,)).fetchone()
    if row is None:
        raise NotFound("there is no such recommendation")
    return row


def listing(
    conn: Connection[Any],
    *,
    state: str | None = None,
    queue: str | None = None,
    case: str | None = None,
    after: tuple[str, str] | None = None,
    limit: int = 50,
) -> list[dict[str, Any]]:
    """Recommendations, oldest first. `after` is (created_at, id) of the last one seen."""
    at, last = after or (None, None)
    values = {"state": state, "queue": queue, "case": case, "after_at": at, "after_id": last, "limit": limit}
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_LIST, values).fetchall()


def decisions(conn: Connection[Any], recommendation_ids: Sequence[str]) -> list[dict[str, Any]]:
    """All decisions on these recommendations in order of time."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_DECISIONS, (list(recommendation_ids),)).fetchall()
