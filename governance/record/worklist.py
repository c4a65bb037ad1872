"""What a reviewer's desk shows: recommendations by urgency, their numbers, and what stands beside one. Role `review`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import dict_row

from governance.errors import NotFound

After = tuple[datetime, str]
"""(due_at, id) of the last item seen in `most_urgent`, (created_at, id) in `newest`."""

_FROM = """
FROM cs.recommendations r
JOIN cs.cases c ON c.tenant = r.tenant AND c.id = r.case_id
JOIN cs.case_revisions v ON v.tenant = r.tenant AND v.case_id = r.case_id AND v.revision = r.revision
LEFT JOIN cs.suppliers s ON s.tenant = v.tenant AND s.id = v.supplier_id
LEFT JOIN cs.customers u ON u.tenant = v.tenant AND u.id = v.customer_id
WHERE (%(state)s::text IS NULL OR r.state = %(state)s)
  AND (%(q)s::text IS NULL OR strpos(lower(concat_ws(E'\n', c.title, c.id, r.id, c.source_key, v.invoice_id, s.name, u.name,
       v.supplier_id, v.customer_id, c.exception_type, r.action)), lower(%(q)s)) > 0)
"""
_COLUMNS = """
SELECT r.id, r.case_id, c.queue, c.title, c.exception_type, r.state, r.action, r.risk, r.drafted_by, r.excluded, r.digest,
       r.created_at, r.expires_at, r.sla_due_at, coalesce(r.sla_due_at, r.expires_at) AS due_at,
       v.amount, v.currency, v.entity, coalesce(s.name, u.name, v.supplier_id, v.customer_id) AS party,
       (SELECT jsonb_agg(jsonb_build_object('role', p.role, 'filled_by', p.filled_by, 'acting_for', p.acting_for) ORDER BY p.seat)
        FROM cs.seats p WHERE p.tenant = r.tenant AND p.recommendation_id = r.id) AS seats
"""
_SELECT = _COLUMNS + _FROM
_MOST_URGENT = (
    _SELECT
    + """
  AND (%(queue)s::text IS NULL OR c.queue = %(queue)s) AND (%(at)s::timestamptz IS NULL OR (coalesce(r.sla_due_at, r.expires_at), r.id) > (%(at)s, %(last)s))
ORDER BY coalesce(r.sla_due_at, r.expires_at), r.id LIMIT %(limit)s
"""
)
_NEWEST = (
    _SELECT
    + """
  AND (%(queue)s::text IS NULL OR c.queue = %(queue)s) AND (%(at)s::timestamptz IS NULL OR (r.created_at, r.id) < (%(at)s, %(last)s))
ORDER BY r.created_at DESC, r.id DESC LIMIT %(limit)s
"""
)
_COUNT = "SELECT c.queue, count(*) "
_COUNTS = _COUNT + _FROM + " GROUP BY c.queue"
_TASKS = "SELECT count(*) FROM cs.effects WHERE state IN ('manual', 'reconcile', 'dead')"
_DRAFTS = """
SELECT r.id, r.state, r.action, r.drafted_by, r.created_at, r.revision AS case_revision, r.draft_number
FROM cs.recommendations r WHERE r.case_id = %s ORDER BY r.revision, r.draft_number
"""
_DOCUMENT = """
SELECT d.name, d.media_type, d.size, d.received_at,
       EXISTS (SELECT FROM cs.document_contents t WHERE t.tenant = d.tenant AND t.sha256 = d.sha256) AS kept
FROM cs.documents d WHERE d.sha256 = %s
"""
_PARTIES = """
SELECT 'supplier' AS kind, id, name, email, language FROM cs.suppliers WHERE id = %(supplier)s
UNION ALL SELECT 'customer', id, name, email, language FROM cs.customers WHERE id = %(customer)s
"""
# What cs._approve asks besides the seats, as this person would meet it. `worth`: the amount in the policy's currency; where
# people corrected facts the largest of all that are judged (cs._worth), null where one of them does not know it.
_HANGS_ON = """
SELECT ARRAY(SELECT o.what FROM cs.openings o WHERE o.tenant = r.tenant AND o.case_id = r.case_id AND o.revision = r.revision
             AND o.actor = %(actor)s) AS opened,
       r.payee_bank <> CASE WHEN v.supplier_id IS NULL THEN 'none' ELSE 'sha256:' || encode(sha256(convert_to(coalesce(
            (SELECT string_agg(b.iban, chr(10) ORDER BY b.iban COLLATE "C") FROM cs.bank_accounts b WHERE b.tenant = r.tenant
             AND b.owner_kind = 'supplier' AND b.owner_id = v.supplier_id AND b.valid_to IS NULL), ''), 'UTF8')), 'hex') END AS payee_changed,
       (SELECT CASE WHEN bool_and(q.worth IS NOT NULL) THEN max(abs(q.worth)) END FROM (
            SELECT CASE WHEN j.currency = %(currency)s THEN j.amount ELSE j.amount
                / CASE WHEN j.currency = 'EUR' THEN 1 ELSE (SELECT f.per_eur FROM cs.fx_rates f WHERE f.tenant = r.tenant
                    AND f.currency = j.currency AND f.day <= v.created_at::date ORDER BY f.day DESC LIMIT 1) END
                * CASE WHEN %(currency)s = 'EUR' THEN 1 ELSE (SELECT f.per_eur FROM cs.fx_rates f WHERE f.tenant = r.tenant
                    AND f.currency = %(currency)s AND f.day <= v.created_at::date ORDER BY f.day DESC LIMIT 1) END END AS worth
            FROM cs.case_revisions j WHERE j.tenant = v.tenant AND j.case_id = v.case_id AND j.revision <= v.revision
              AND j.revision >= (SELECT max(b.revision) FROM cs.case_revisions b WHERE b.tenant = v.tenant AND b.case_id = v.case_id
                  AND b.revision <= v.revision AND b.corrects IS NULL)) q) AS worth
FROM cs.recommendations r
JOIN cs.case_revisions v ON v.tenant = r.tenant AND v.case_id = r.case_id AND v.revision = r.revision
WHERE r.id = %(id)s
"""
_ERASED_BY = """
SELECT r.id, r.drafted_by, ARRAY(SELECT s.filled_by FROM cs.seats s WHERE s.tenant = r.tenant AND s.recommendation_id = r.id
    AND s.filled_by IS NOT NULL ORDER BY s.seat) AS signers
FROM cs.recommendations r JOIN cs.case_revisions v ON v.tenant = r.tenant AND v.case_id = %s
WHERE r.action = 'erase_personal_data' AND r.state = 'executed'
  AND r.envelope::jsonb #>> '{action,args,subject}' IN ('case:' || v.case_id, 'supplier:' || v.supplier_id, 'customer:' || v.customer_id)
ORDER BY r.created_at LIMIT 1
"""
_SWITCHED_OFF = """
SELECT DISTINCT a.id FROM cs.actors a JOIN cs.ledger l ON l.tenant = a.tenant AND l.subject = a.id AND l.kind = 'actor.deactivated'
WHERE NOT a.active AND a.kind = 'person' AND l.entry::jsonb ->> 'actor' = %s
"""
_ENTITIES = "SELECT id, name FROM cs.entities ORDER BY id"


def most_urgent(
    conn: Connection[Any],
    *,
    state: str | None,
    queue: str | None,
    q: str | None = None,
    after: After | None = None,
    limit: int = 50,
) -> list[dict[str, Any]]:
    """Recommendations, those first that are due first. `q`: text of title, party, ids, exception type or action."""
    return _listing(conn, _MOST_URGENT, state, queue, q, after, limit)


def newest(
    conn: Connection[Any],
    *,
    state: str | None,
    queue: str | None,
    q: str | None = None,
    after: After | None = None,
    limit: int = 50,
) -> list[dict[str, Any]]:
    """The same, the newest first."""
    return _listing(conn, _NEWEST, state, queue, q, after, limit)


def _listing(
    conn: Connection[Any],
    statement: str,
    state: str | None,
    queue: str | None,
    q: str | None,
    after: After | None,
    limit: int,
) -> list[dict[str, Any]]:
    at, last = after or (None, None)
    values = {"state": state, "queue": queue, "q": q, "at": at, "last": last, "limit": limit}
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(statement.encode(), values).fetchall()


def counts(conn: Connection[Any], *, state: str | None, q: str | None = None) -> dict[str, int]:
    """Queue → number of recommendations in this state that match `q`; queues without any are left out."""
    return dict(conn.execute(_COUNTS, {"state": state, "q": q}).fetchall())


def tasks(conn: Connection[Any]) -> int:
    """How many effects wait for a person."""
    row = conn.execute(_TASKS).fetchone()
    return 0 if row is None else int(row[0])


def drafts(conn: Connection[Any], case_id: str) -> list[dict[str, Any]]:
    """All recommendations of a case in their order: {id, state, action, drafted_by, created_at, …}."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_DRAFTS, (case_id,)).fetchall()


def document(conn: Connection[Any], sha256: str | None) -> dict[str, Any] | None:
    """{name, media_type, size, received_at, kept} of a stored document, without its bytes; `kept` is False once erased."""
    if sha256 is None:
        return None
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_DOCUMENT, (sha256,)).fetchone()


def parties(conn: Connection[Any], supplier_id: str | None, customer_id: str | None) -> list[dict[str, Any]]:
    """The case's supplier and customer as the books know them: {kind, id, name, email, language}."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_PARTIES, {"supplier": supplier_id, "customer": customer_id}).fetchall()


def hangs_on(conn: Connection[Any], recommendation_id: str, actor: str, currency: str) -> dict[str, Any]:
    """{opened, payee_changed, worth}: what `actor` has opened of it, and the amount in `currency` (None = unknown)."""
    with conn.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(_HANGS_ON, {"id": recommendation_id, "actor": actor, "currency": currency}).fetchone()
    if row is None:
        raise NotFound("there is no such recommendation")
    return row


def erased_by(conn: Connection[Any], case_id: str) -> dict[str, Any] | None:
    """The governed change that erased a case's words: {id, drafted_by, signers}; None where there was none."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_ERASED_BY, (case_id,)).fetchone()


def switched_off(conn: Connection[Any], by: str) -> list[str]:
    """The people who are switched off, and were switched off by this actor: who did it stands in for none of them."""
    return [row[0] for row in conn.execute(_SWITCHED_OFF, (by,))]


def entities(conn: Connection[Any]) -> dict[str, str]:
    """Id → name of the entities in the books."""
    return dict(conn.execute(_ENTITIES).fetchall())
