"""Do the tables say what the ledger says? The chain proves the ledger; these questions bind the rows to it.

Each statement returns what is wrong in words. The connection reads one tenant (role `audit`) or all (the owner).
"""

from __future__ import annotations

from typing import Any

from psycopg import Connection

from governance.record.agreement_standing import STANDING

# The law reads the columns; the digest covers the text.
_FACTS = """
SELECT 'revision ' || v.revision || ' of case ' || v.case_id || ' is not what the ledger recorded'
FROM cs.case_revisions v, LATERAL (SELECT v.facts::jsonb AS j) f
WHERE v.tenant = %(tenant)s AND (
    'sha256:' || encode(sha256(convert_to(v.facts, 'UTF8')), 'hex') <> v.facts_digest
    OR (j->>'amount')::numeric IS DISTINCT FROM v.amount OR (j->>'corrects')::int IS DISTINCT FROM v.corrects
    OR (j->>'case', (j->>'revision')::int, j->>'currency', coalesce(j->>'entity', 'unknown'), coalesce(j->>'region', 'unknown'), j->>'supplier_id', j->>'customer_id', j->>'document', j->>'initiator')
       IS DISTINCT FROM (v.case_id, v.revision, v.currency, v.entity, v.region, v.supplier_id, v.customer_id, v.document_sha256, v.initiator)
    OR NOT EXISTS (SELECT FROM cs.ledger l WHERE l.tenant = v.tenant AND l.subject = v.case_id AND l.kind IN ('case.received', 'case.revised', 'case.corrected')
        AND l.entry::jsonb #>> '{body,facts}' = v.facts_digest AND coalesce((l.entry::jsonb #>> '{body,revision}')::int, 1) = v.revision
        UNION ALL SELECT FROM cs.recommendations r JOIN cs.ledger l ON l.tenant = r.tenant AND l.subject = r.id AND l.kind = 'change.proposed'
        WHERE r.tenant = v.tenant AND r.case_id = v.case_id AND v.revision = 1 AND l.entry::jsonb #>> '{body,change}' = j->>'change'))
"""
_RECOMMENDATIONS = """
SELECT 'recommendation ' || r.id || ' is not the one that was filed'
FROM cs.recommendations r, LATERAL (SELECT r.envelope::jsonb AS j) e
WHERE r.tenant = %(tenant)s AND (
    'sha256:' || encode(sha256(convert_to(E'countersign/recommendation/v1\n' || r.envelope, 'UTF8')), 'hex') <> r.digest
    OR (j->>'case', (j->>'revision')::int, (j->>'draft_number')::int, j#>>'{action,name}', j#>>'{payee,bank}', (j#>>'{policy,version}')::int, j->>'risk', j->>'drafted_by', (j->>'expires_at')::timestamptz)
       IS DISTINCT FROM (r.case_id, r.revision, r.draft_number, r.action, r.payee_bank, r.policy_version, r.risk, r.drafted_by, r.expires_at)
    OR NOT EXISTS (SELECT FROM cs.ledger l WHERE l.tenant = r.tenant AND l.subject = r.id AND l.kind IN ('recommendation.filed', 'change.proposed')
                   AND l.entry::jsonb #>> '{body,digest}' = r.digest
                   UNION ALL SELECT FROM cs.recommendations o JOIN cs.ledger l ON l.tenant = o.tenant AND l.subject = o.id AND l.kind IN ('decision.override', 'recommendation.regated')
                   WHERE o.tenant = r.tenant AND o.case_id = r.case_id AND l.entry::jsonb #>> '{body,becomes}' = r.id
                   AND l.entry::jsonb #>> '{body,new_digest}' = r.digest))
"""
_LEAVES = """
SELECT 'the ' || f.name || ' of recommendation ' || f.recommendation_id || ' is not the one that was signed'
FROM cs.leaves f JOIN cs.recommendations r ON r.tenant = f.tenant AND r.id = f.recommendation_id
WHERE f.tenant = %(tenant)s AND 'sha256:' || encode(sha256(convert_to(E'countersign/leaf/v1\n' || f.salt || E'\n' || f.content, 'UTF8')), 'hex')
    IS DISTINCT FROM r.envelope::jsonb -> 'leaves' ->> f.name
UNION ALL
SELECT 'the change of recommendation ' || f.recommendation_id || ' is not the one that its action names'
FROM cs.leaves f JOIN cs.recommendations r ON r.tenant = f.tenant AND r.id = f.recommendation_id
WHERE f.tenant = %(tenant)s AND f.name = 'change'
AND 'sha256:' || encode(sha256(convert_to(f.content, 'UTF8')), 'hex') IS DISTINCT FROM r.envelope::jsonb #>> '{action,args,change}'
UNION ALL
SELECT 'the ' || n.name || ' of recommendation ' || r.id || ' is gone, and no entry says that it was erased'
FROM cs.recommendations r, jsonb_object_keys(r.envelope::jsonb -> 'leaves') AS n(name)
WHERE r.tenant = %(tenant)s AND NOT EXISTS (SELECT FROM cs.leaves f WHERE f.tenant = r.tenant AND f.recommendation_id = r.id AND f.name = n.name)
AND NOT EXISTS (SELECT FROM cs.ledger l WHERE l.tenant = r.tenant AND l.subject = r.case_id AND l.kind IN ('case.erased', 'case.purged')
    AND l.entry::jsonb #> '{body,recommendations}' ? r.id)
"""
_DECISIONS = """
SELECT 'decision ' || d.id || ' is not the one that the ledger recorded'
FROM cs.decisions d
WHERE d.tenant = %(tenant)s AND NOT EXISTS (
    SELECT FROM cs.ledger l, LATERAL (SELECT l.entry::jsonb AS j) e
    WHERE l.tenant = d.tenant AND l.subject = d.recommendation_id AND l.kind = 'decision.' || d.decision
    AND (j#>>'{body,decision}', j->>'actor', j#>>'{body,acting_for}', j#>>'{body,digest}', j#>>'{body,seat}', j#>>'{body,reason_code}',
         j#>>'{body,comment}', j#>>'{body,signature}')
        IS NOT DISTINCT FROM (d.id, d.actor, d.acting_for, d.digest, d.seat_role, d.reason_code, d.comment_hash, d.signature))
   OR d.tenant = %(tenant)s AND (d.withdrawn_at IS NOT NULL) <> EXISTS (
    SELECT FROM cs.ledger l WHERE l.tenant = d.tenant AND l.subject = d.recommendation_id AND l.kind = 'decision.withdraw'
    AND l.entry::jsonb #>> '{body,withdraws}' = d.id)
UNION ALL
SELECT 'ledger entry ' || l.seq || ' records a decision that is not in the table'
FROM cs.ledger l WHERE l.tenant = %(tenant)s AND l.kind LIKE 'decision.%%' AND l.kind <> 'decision.refused'
AND NOT EXISTS (SELECT FROM cs.decisions d WHERE d.tenant = l.tenant AND d.id = l.entry::jsonb #>> '{body,decision}')
"""
_SEATS = """
SELECT 'seat ' || s.seat || ' of recommendation ' || s.recommendation_id || ' is filled without a recorded approval'
FROM cs.seats s LEFT JOIN cs.decisions d ON d.tenant = s.tenant AND d.id = s.decision_id
WHERE s.tenant = %(tenant)s AND s.filled_by IS NOT NULL
AND ((s.recommendation_id, s.filled_by, s.acting_for, s.role, 'approve') IS DISTINCT FROM (d.recommendation_id, d.actor, d.acting_for, d.seat_role, d.decision)
    OR d.withdrawn_at IS NOT NULL
    OR NOT EXISTS (SELECT FROM cs.ledger l WHERE l.tenant = s.tenant AND l.subject = s.recommendation_id AND l.kind = 'decision.approve'
        AND l.entry::jsonb #>> '{body,decision}' = d.id AND l.entry::jsonb #>> '{body,stands_in_as}' IS NOT DISTINCT FROM s.stands_in_as))
UNION ALL
SELECT 'recommendation ' || l.subject || ' has lost a seat of the role ' || n.key
FROM cs.ledger l, jsonb_each_text(l.entry::jsonb #> '{body,seats}') AS n
WHERE l.tenant = %(tenant)s AND l.kind = 'decision.approve' AND n.value::int >
    (SELECT count(*) FROM cs.seats s WHERE s.tenant = l.tenant AND s.recommendation_id = l.subject AND s.role = n.key)
"""
_EFFECTS = """
SELECT 'the effect of recommendation ' || e.recommendation_id || ' is ' || e.state || ', which the ledger does not say'
FROM cs.effects e
WHERE e.tenant = %(tenant)s AND (
    NOT EXISTS (SELECT FROM cs.ledger l WHERE l.tenant = e.tenant AND l.subject = e.recommendation_id AND l.kind = 'decision.approve'
                AND (l.entry::jsonb #>> '{body,complete}')::boolean)
    OR e.state = 'sent' AND NOT EXISTS (SELECT FROM cs.ledger l WHERE l.tenant = e.tenant AND l.subject = e.recommendation_id
                AND l.kind IN ('effect.sent', 'effect.confirmed_done', 'change.applied')))
"""
_POLICIES = """
SELECT 'policy version ' || p.version || ' is not the one that was activated'
FROM cs.policies p
WHERE p.tenant = %(tenant)s AND (
    'sha256:' || encode(sha256(convert_to(E'countersign/policy/v1\n' || p.canon, 'UTF8')), 'hex') <> p.digest
    OR NOT EXISTS (SELECT FROM cs.ledger l WHERE l.tenant = p.tenant AND l.subject = p.tenant AND l.kind = 'genesis' AND l.entry::jsonb #>> '{body,policy}' = p.digest
        UNION ALL SELECT FROM cs.ledger l LEFT JOIN cs.leaves f ON f.tenant = l.tenant AND f.recommendation_id = l.subject AND f.name = 'change'
        WHERE l.tenant = p.tenant AND l.kind = 'change.applied' AND l.entry::jsonb #>> '{body,of}' = 'policy' AND (l.entry::jsonb #>> '{body,version}')::int = p.version
        AND (f.content IS NULL OR f.content::jsonb #>> '{content,policy}' = p.canon)))
UNION ALL
SELECT 'the rules of policy version ' || p.version || ' are not those of its text'
FROM cs.policies p
WHERE p.tenant = %(tenant)s AND (
    (SELECT jsonb_agg(jsonb_build_array(r->>'id', r->'actions', (r->>'amount_from')::numeric, (r->>'amount_below')::numeric, r->>'risk_from',
        r->'entities', r->'regions', r->'expires_hours', r->'seats', r->'evidence', r->'bulk', (r->>'window_days')::int, coalesce((r->>'signature')::boolean, false)) ORDER BY r->>'id') FROM jsonb_array_elements(p.canon::jsonb -> 'rules') r)
    IS DISTINCT FROM
    (SELECT jsonb_agg(jsonb_build_array(m.rule_id, to_jsonb(m.actions), m.amount_from, m.amount_below, (ARRAY['low', 'normal', 'high'])[m.risk_from],
        to_jsonb(m.entities), to_jsonb(m.regions), m.expires_hours,
        (SELECT jsonb_object_agg(s.role, s.seats) FROM cs.matrix_seats s WHERE s.tenant = m.tenant AND s.version = m.version AND s.rule_id = m.rule_id),
        to_jsonb(m.evidence), m.bulk, m.window_days, m.signature)
        ORDER BY m.rule_id) FROM cs.matrix_rules m WHERE m.tenant = p.tenant AND m.version = p.version))
"""
# Roles: what genesis, an administrator or a governed change last gave, and administrator where the owner recovered.
_PEOPLE = """
WITH said AS (
    SELECT l.seq, p->>'id' AS id, p->>'kind' AS kind, p->>'name' AS name, coalesce(p->'roles', '[]') AS roles, true AS active
    FROM cs.ledger l, jsonb_array_elements(l.entry::jsonb #> '{body,people}') AS t(p) WHERE l.tenant = %(tenant)s AND l.kind = 'genesis'
    UNION ALL
    SELECT l.seq, l.subject, j->>'kind', j->>'name', coalesce(j->'roles', '[]'), true
    FROM cs.ledger l, LATERAL (SELECT l.entry::jsonb -> 'body' AS j) e WHERE l.tenant = %(tenant)s AND l.kind = 'actor.added'
    UNION ALL
    SELECT l.seq, l.entry::jsonb #>> '{body,subject}', NULL, NULL, f.content::jsonb #> '{content,roles}', (f.content::jsonb #>> '{content,active}')::boolean
    FROM cs.ledger l LEFT JOIN cs.leaves f ON f.tenant = l.tenant AND f.recommendation_id = l.subject AND f.name = 'change'
    WHERE l.tenant = %(tenant)s AND l.kind = 'change.applied' AND l.entry::jsonb #>> '{body,of}' = 'roles'
), recovered AS (
    SELECT l.seq, p.id FROM cs.ledger l, jsonb_array_elements_text(l.entry::jsonb #> '{body,people}') AS p(id) WHERE l.tenant = %(tenant)s AND l.kind = 'recovery'
), switched AS (
    SELECT seq, id, active FROM said UNION ALL SELECT seq, id, true FROM recovered
    UNION ALL SELECT l.seq, l.subject, l.kind = 'actor.activated' FROM cs.ledger l WHERE l.tenant = %(tenant)s AND l.kind IN ('actor.activated', 'actor.deactivated')
), who AS (
    SELECT DISTINCT ON (id) id, kind, name FROM (SELECT seq, id, kind, name FROM said WHERE kind IS NOT NULL
        UNION ALL SELECT seq, id, 'person', NULL FROM recovered r WHERE NOT EXISTS (SELECT FROM said s WHERE s.id = r.id AND s.seq < r.seq)) w ORDER BY id, seq DESC
), last AS (
    SELECT DISTINCT ON (id) id, seq, roles FROM (SELECT id, seq, roles FROM said UNION ALL
        SELECT id, 0, '[]' FROM recovered r WHERE NOT EXISTS (SELECT FROM said s WHERE s.id = r.id AND s.seq < r.seq)) w ORDER BY id, seq DESC
), now_on AS (SELECT DISTINCT ON (id) id, active FROM switched ORDER BY id, seq DESC)
SELECT 'user ' || a.id || ' has another kind, other roles or another state than the ledger recorded'
FROM cs.actors a LEFT JOIN who USING (id) LEFT JOIN last USING (id) LEFT JOIN now_on USING (id)
WHERE a.tenant = %(tenant)s AND (
    who.id IS NULL OR a.kind <> who.kind
    OR a.name <> who.name AND NOT (a.name = 'erased' AND EXISTS (SELECT FROM cs.ledger l WHERE l.tenant = a.tenant AND l.kind = 'change.applied'
        AND l.entry::jsonb #>> '{body,of}' = 'erasure' AND l.entry::jsonb #>> '{body,subject}' = 'actor:' || a.id))
    OR a.active <> now_on.active
    OR NOT EXISTS (SELECT FROM cs.ledger l WHERE l.tenant = a.tenant AND l.subject = a.id AND l.kind LIKE 'actor.role%%')
       AND ARRAY(SELECT unnest(a.roles) ORDER BY 1) <> ARRAY(SELECT jsonb_array_elements_text(last.roles)
           UNION SELECT 'administrator' FROM recovered r WHERE r.id = a.id AND r.seq > last.seq ORDER BY 1) AND last.roles IS NOT NULL)
"""
_DOCUMENTS = """
SELECT 'the content of document ' || d.sha256 || ' is not what was received'
FROM cs.document_contents d WHERE d.tenant = %(tenant)s AND encode(sha256(d.content), 'hex') <> d.sha256
"""


def disagreements(conn: Connection[Any], tenant: str) -> list[str]:
    """What the tables say that the ledger does not; empty where they agree.

    Covers facts, recommendations, leaves, decisions, seats, effects, policy, people, documents, and what seats and law
    hang on (governance/record/agreement_standing.py). The state of a case and the books are working copies: no digest
    covers them.
    """
    found: list[str] = []
    for question in (
        _FACTS, _RECOMMENDATIONS, _LEAVES, _DECISIONS, _SEATS, _EFFECTS, _POLICIES, _PEOPLE, _DOCUMENTS, *STANDING,
    ):  # fmt: skip
        found += [row[0] for row in conn.execute(question, {"tenant": tenant})]
    return found
