"""What the record holds about one case, read from one snapshot: texts as they were hashed."""

from __future__ import annotations

from typing import Any

from psycopg import Connection
from psycopg.rows import dict_row

from governance.errors import NotFound

# One statement, so one snapshot: what the tables say is what the entries say. `involved`: who decided, and for whom;
# where somebody stood in for a role, everybody, for its holders must all have been away. `named`: applied changes of
# their roles and keys, and of the policies that were asked.
_CASE = """
WITH recs AS (SELECT * FROM cs.recommendations WHERE tenant = %(tenant)s AND case_id = %(case)s),
     made AS (SELECT d.* FROM cs.decisions d JOIN recs r ON r.tenant = d.tenant AND r.id = d.recommendation_id),
     stood_in AS (SELECT EXISTS (SELECT FROM cs.ledger l WHERE l.tenant = %(tenant)s AND l.subject IN (SELECT id FROM recs)
        AND l.kind = 'decision.approve' AND l.entry::jsonb #>> '{body,stands_in_as}' IS NOT NULL) AS so),
     involved AS (SELECT actor AS id FROM made UNION SELECT acting_for FROM made WHERE acting_for IS NOT NULL
        UNION SELECT a.id FROM cs.actors a, stood_in s WHERE a.tenant = %(tenant)s AND a.kind = 'person' AND s.so),
     named AS (SELECT r.* FROM cs.cases c JOIN cs.recommendations r ON r.tenant = c.tenant AND r.case_id = c.id,
            LATERAL (SELECT r.envelope::jsonb #>> '{action,args,subject}' AS subject) e
        WHERE c.tenant = %(tenant)s AND c.queue = 'governance' AND c.state = 'done' AND r.state = 'executed' AND c.id <> %(case)s AND (
            (r.action = 'change_roles' AND e.subject IN (SELECT id FROM involved))
            OR (r.action = 'register_signing_key' AND e.subject IN (SELECT actor FROM made WHERE signature IS NOT NULL))
            OR (r.action = 'change_policy' AND EXISTS (SELECT FROM cs.ledger l WHERE l.tenant = r.tenant AND l.subject = r.id
                AND l.kind = 'change.applied' AND (l.entry::jsonb #>> '{body,version}')::int IN (SELECT policy_version FROM recs)))))
SELECT
    (SELECT json_agg(json_build_object('seq', l.seq, 'entry', l.entry, 'hash', l.hash) ORDER BY l.seq) FROM cs.ledger l
     WHERE l.tenant = c.tenant AND (
        (l.subject = c.id AND l.kind LIKE 'case.%%')
        OR (l.subject IN (SELECT id FROM recs) AND split_part(l.kind, '.', 1) IN ('recommendation', 'decision', 'effect', 'change'))
        OR (l.subject IN (SELECT id FROM involved) AND l.kind LIKE 'actor.%%')
        OR (l.subject IN (SELECT i.id FROM involved i, stood_in s WHERE s.so) AND l.kind LIKE 'absence.%%')
        OR (l.subject IN (SELECT d.id::text FROM cs.delegations d JOIN made m ON m.tenant = d.tenant
                          AND m.acting_for = d.from_actor AND m.actor = d.to_actor) AND l.kind LIKE 'delegation.%%')
        OR (l.subject IN (SELECT split_part(signature, ':', 2) FROM made) AND l.kind = 'signing_key.revoked')
        OR (l.subject IN (SELECT id FROM named) AND l.kind = 'change.applied')
        OR (l.subject IN (SELECT case_id FROM named) AND l.kind = 'case.erased')
        OR (l.subject = c.tenant AND l.kind IN ('genesis', 'recovery')))) AS entries,
    (SELECT json_agg(v.facts ORDER BY v.revision) FROM cs.case_revisions v WHERE v.tenant = c.tenant AND v.case_id = c.id) AS facts,
    (SELECT coalesce(json_agg(p.canon ORDER BY p.version), '[]') FROM cs.policies p
     WHERE p.tenant = c.tenant AND p.version IN (SELECT policy_version FROM recs)) AS policies,
    (SELECT coalesce(json_agg(json_build_object('recommendation', n.id, 'text', (SELECT f.content FROM cs.leaves f
        WHERE f.tenant = n.tenant AND f.recommendation_id = n.id AND f.name = 'change')) ORDER BY n.id COLLATE "C"), '[]') FROM named n) AS changes,
    (SELECT coalesce(json_agg(json_build_object('id', r.id, 'digest', r.digest, 'envelope', r.envelope,
        'leaves', (SELECT json_object_agg(f.name, json_build_object('salt', f.salt, 'content', f.content))
                   FROM cs.leaves f WHERE f.tenant = r.tenant AND f.recommendation_id = r.id),
        'seats', (SELECT json_agg(json_build_object('role', s.role, 'filled_by', s.filled_by, 'acting_for', s.acting_for,
                    'stands_in_as', s.stands_in_as, 'decision', s.decision_id) ORDER BY s.seat)
                  FROM cs.seats s WHERE s.tenant = r.tenant AND s.recommendation_id = r.id)
     ) ORDER BY r.revision, r.draft_number), '[]') FROM recs r) AS recommendations,
    (SELECT coalesce(json_agg(json_build_object('id', d.id, 'recommendation', d.recommendation_id, 'decision', d.decision, 'actor', d.actor,
        'acting_for', d.acting_for, 'seat', d.seat_role, 'digest', d.digest, 'reason_code', d.reason_code, 'signature', d.signature,
        'comment', (SELECT json_build_object('salt', n.salt, 'text', n.comment) FROM cs.decision_notes n
                    WHERE n.tenant = d.tenant AND n.decision_id = d.id)) ORDER BY d.at, d.id), '[]') FROM made d) AS decisions
FROM cs.cases c WHERE c.tenant = %(tenant)s AND c.id = %(case)s
"""
_CONTENT = "SELECT content FROM cs.document_contents WHERE tenant = %s AND sha256 = %s"


def case_record(conn: Connection[Any], tenant: str, case_id: str) -> dict[str, Any]:
    """All that the record holds about a case, from one snapshot: texts as they were hashed. Role `audit`.

    {entries, facts, policies, changes, recommendations, decisions}; raises NotFound.
    """
    with conn.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(_CASE, {"tenant": tenant, "case": case_id}).fetchone()
    if row is None:
        raise NotFound("there is no such case")
    return row


def document(conn: Connection[Any], tenant: str, sha256: str) -> bytes | None:
    """The bytes of a document, None where they were erased or never stored."""
    row = conn.execute(_CONTENT, (tenant, sha256)).fetchone()
    return None if row is None else bytes(row[0])
