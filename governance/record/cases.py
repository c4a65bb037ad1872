"""Reading cases: what stands in them, their documents, what became of every item that came in. Role `review`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import dict_row

from governance.errors import NotFound
from governance.record import ledger

After = tuple[datetime, str]
"""(created_at, id) of the last item seen."""

_SELECT = """
SELECT c.id, c.tenant, c.queue, c.exception_type, c.state, c.source_key, c.title, c.revision, c.created_at, c.updated_at,
       c.sla_due_at, c.sla_breached, r.document_sha256, r.document_class, r.amount, r.currency, r.entity, r.region,
       r.supplier_id, s.name AS supplier_name, r.customer_id, u.name AS customer_name, r.payee_iban, r.invoice_id,
       r.issue_date, r.due_date, r.initiator, r.facts_digest
FROM cs.cases c
JOIN cs.case_revisions r ON r.tenant = c.tenant AND r.case_id = c.id AND r.revision = c.revision
LEFT JOIN cs.suppliers s ON s.tenant = r.tenant AND s.id = r.supplier_id
LEFT JOIN cs.customers u ON u.tenant = r.tenant AND u.id = r.customer_id
"""
_ONE = _SELECT + " WHERE c.id = %s"
_LIST = (
    _SELECT
    + """
WHERE (%(state)s::text IS NULL OR c.state = %(state)s) AND (%(queue)s::text IS NULL OR c.queue = %(queue)s)
  AND (%(after_at)s::timestamptz IS NULL OR (c.created_at, c.id) > (%(after_at)s, %(after_id)s))
ORDER BY c.created_at, c.id LIMIT %(limit)s
"""
)
_READING = "SELECT reading, details FROM cs.case_readings WHERE case_id = %s AND revision = %s"
_JOB = """
SELECT kind, state, attempts, last_error, available_at, lease_until FROM cs.jobs WHERE case_id = %s ORDER BY id DESC LIMIT 1
"""
_DOCUMENT = """
SELECT d.name, d.media_type, d.sha256, d.size, t.content
FROM cs.cases c
JOIN cs.case_revisions r ON r.tenant = c.tenant AND r.case_id = c.id AND r.revision = c.revision
JOIN cs.documents d ON d.tenant = r.tenant AND d.sha256 = r.document_sha256
LEFT JOIN cs.document_contents t ON t.tenant = d.tenant AND t.sha256 = d.sha256
WHERE c.id = %s
"""
_SUBJECTS = "SELECT %(case)s UNION ALL SELECT id FROM cs.recommendations WHERE case_id = %(case)s"
_DEPTHS = "SELECT queue, state, count(*) AS cases FROM cs.cases GROUP BY queue, state ORDER BY queue, state"
_INTAKE = """
SELECT id, at, actor, name, row_number, source_key, status, case_id, reason FROM cs.intake_log
WHERE (%(status)s::text IS NULL OR status = %(status)s) AND id > %(after)s ORDER BY id LIMIT %(limit)s
"""
_TASKS = """
SELECT e.recommendation_id AS id, e.recommendation_id, r.case_id, c.queue, c.title, r.envelope::jsonb -> 'action' AS action,
       e.state, e.connector, e.attempts, e.detail, e.created_at
FROM cs.effects e
JOIN cs.recommendations r ON r.tenant = e.tenant AND r.id = e.recommendation_id
JOIN cs.cases c ON c.tenant = r.tenant AND c.id = r.case_id
WHERE e.state IN ('manual', 'reconcile', 'dead')
  AND (%(after_at)s::timestamptz IS NULL OR (e.created_at, e.recommendation_id) > (%(after_at)s, %(after_id)s))
ORDER BY e.created_at, e.recommendation_id LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """The document behind a case. `content` is None where it was erased."""

    name: str
    media_type: str
    sha256: str
    size: int
    content: bytes | None


def get(conn: Connection[Any], case_id: str) -> dict[str, Any]:
    """One case with the facts of its current revision. Raises NotFound."""
    with conn.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(_ONE, (case_id,)).fetchone()
    if row is None:
        raise NotFound("there is no such case")
    return row


def listing(
    conn: Connection[Any],
    *,
    state: str | None = None,
    queue: str | None = None,
    after: After | None = None,
    limit: int = 50,
) -> list[dict[str, Any]]:
    """Cases, oldest first."""
    at, last = after or (None, None)
    values = {"state": state, "queue": queue, "after_at": at, "after_id": last, "limit": limit}
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_LIST, values).fetchall()


def reading(conn: Connection[Any], case_id: str, revision: int) -> Mapping[str, Any]:
    """{reading, details} of one revision; empty objects where they were erased."""
    row = conn.execute(_READING, (case_id, revision)).fetchone()
    return {"reading": row[0], "details": row[1]} if row else {"reading": {}, "details": {}}


def job(conn: Connection[Any], case_id: str) -> dict[str, Any] | None:
    """The newest piece of work on the case: {kind, state, attempts, last_error, available_at, lease_until}."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_JOB, (case_id,)).fetchone()


def document(conn: Connection[Any], case_id: str) -> StoredDocument:
    """The document of the case's current revision. Raises NotFound where there is none."""
    row = conn.execute(_DOCUMENT, (case_id,)).fetchone()
    if row is None:
        raise NotFound("there is no such case, or it came without a document")
    name, media_type, sha256, size, content = row
    return StoredDocument(name, media_type, sha256, size, None if content is None else bytes(content))


def timeline(conn: Connection[Any], case_id: str) -> list[dict[str, Any]]:
    """Ledger entries {seq, entry, hash} of the case and its recommendations, in order. Raises NotFound."""
    get(conn, case_id)
    return ledger.entries_of(conn, [row[0] for row in conn.execute(_SUBJECTS, {"case": case_id})])


def depths(conn: Connection[Any]) -> list[tuple[str, str, int]]:
    """(queue, state, number of cases) for every pair that occurs."""
    return [(queue, state, count) for queue, state, count in conn.execute(_DEPTHS)]


def intake_log(
    conn: Connection[Any], *, status: str | None = None, after: int = 0, limit: int = 50
) -> list[dict[str, Any]]:
    """What came in and what became of it, in order. `status`: accepted | already_known | rejected."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_INTAKE, {"status": status, "after": after, "limit": limit}).fetchall()


def tasks(conn: Connection[Any], *, after: After | None = None, limit: int = 50) -> list[dict[str, Any]]:
    """Effects that wait for a person, oldest first: manual tasks, unknown outcomes, given-up deliveries."""
    at, last = after or (None, None)
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_TASKS, {"after_at": at, "after_id": last, "limit": limit}).fetchall()
