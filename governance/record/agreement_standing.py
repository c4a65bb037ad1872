"""Questions of governance/record/agreement.py about what seats and law hang on besides the matrix.

Delegations, absences, openings, signing keys, settings, champions, identities, legal holds and erasures, each against the entry that
made it, and each such entry against its row.
"""

from __future__ import annotations

_DELEGATIONS = """
SELECT 'delegation ' || coalesce(d.id::text, l.subject) || ' is not the one that the ledger recorded'
FROM (SELECT * FROM cs.delegations WHERE tenant = %(tenant)s) d
FULL JOIN (SELECT subject, entry::jsonb -> 'body' AS j FROM cs.ledger WHERE tenant = %(tenant)s AND kind = 'delegation.made') l ON l.subject = d.id::text
WHERE (d.from_actor, d.to_actor, d.role, d.starts_at, d.ends_at, to_jsonb(d.queues), to_jsonb(d.entities), d.amount_below)
    IS DISTINCT FROM (j->>'from', j->>'to', j->>'role', (j->>'starts_at')::timestamptz, (j->>'ends_at')::timestamptz, j->'queues', j->'entities',
        (j->>'amount_below')::numeric)
    OR (d.revoked_at IS NOT NULL) <> EXISTS (SELECT FROM cs.ledger r WHERE r.tenant = %(tenant)s AND r.subject = d.id::text AND r.kind = 'delegation.revoked')
"""
_ABSENCES = """
SELECT 'absence ' || coalesce(b.id, (j->>'absence')::bigint) || ' is not the one that the ledger recorded'
FROM (SELECT * FROM cs.absences WHERE tenant = %(tenant)s) b
FULL JOIN (SELECT subject, entry::jsonb ->> 'actor' AS by_actor, entry::jsonb -> 'body' AS j FROM cs.ledger WHERE tenant = %(tenant)s AND kind = 'absence.set') l
    ON (j->>'absence')::bigint = b.id
WHERE (b.actor, b.set_by, b.starts_at, b.ends_at) IS DISTINCT FROM (l.subject, l.by_actor, (j->>'starts_at')::timestamptz, (j->>'ends_at')::timestamptz)
    OR (b.ended_at IS NOT NULL) <> EXISTS (SELECT FROM cs.ledger r WHERE r.tenant = %(tenant)s AND r.subject = b.actor AND r.kind = 'absence.ended'
        AND (r.entry::jsonb #>> '{body,absence}')::bigint = b.id)
"""
_OPENINGS = """
SELECT 'entry ' || l.seq || ' says that somebody had opened the ' || e.what || ', which no row shows'
FROM cs.ledger l JOIN cs.recommendations r ON r.tenant = l.tenant AND r.id = l.subject, jsonb_array_elements_text(l.entry::jsonb #> '{body,opened}') AS e(what)
WHERE l.tenant = %(tenant)s AND l.kind = 'decision.approve' AND NOT EXISTS (SELECT FROM cs.openings o WHERE o.tenant = r.tenant AND o.case_id = r.case_id
    AND o.revision = r.revision AND o.actor = l.entry::jsonb ->> 'actor' AND o.what = e.what)
"""
# An applied change and its text, null where that was erased.
_APPLIED = """
WITH applied AS (
    SELECT l.seq, l.subject AS id, j->>'subject' AS subject, j->>'of' AS kind, (j->>'version')::int AS version, j->>'change' AS change, f.content AS text,
        f.content::jsonb -> 'content' AS content
    FROM cs.ledger l CROSS JOIN LATERAL (SELECT l.entry::jsonb -> 'body' AS j) e
    LEFT JOIN cs.leaves f ON f.tenant = l.tenant AND f.recommendation_id = l.subject AND f.name = 'change'
    WHERE l.tenant = %(tenant)s AND l.kind = 'change.applied')
"""
_CHANGES = """
SELECT 'the change that entry ' || seq || ' applied is not the one that is kept' FROM applied
WHERE text IS NOT NULL AND ('sha256:' || encode(sha256(convert_to(text, 'UTF8')), 'hex'), text::jsonb->>'kind', text::jsonb->>'subject')
    IS DISTINCT FROM (change, kind, subject)
"""
_KEYS = """
SELECT 'signing key ' || k.id || ' of ' || k.actor || ' is not one that was registered, or is alive against the ledger'
FROM cs.signing_keys k WHERE k.tenant = %(tenant)s AND (
    k.id <> left(encode(sha256(decode(k.public_key, 'base64')), 'hex'), 16)
    OR NOT EXISTS (SELECT FROM applied a WHERE a.kind = 'signing_key' AND a.subject = k.actor AND (a.text IS NULL OR a.content->>'public_key' = k.public_key))
    OR (k.revoked_at IS NOT NULL) <> EXISTS (SELECT FROM cs.ledger r WHERE r.tenant = k.tenant AND r.subject = k.id AND r.kind = 'signing_key.revoked'))
UNION ALL
SELECT 'the signing key of ' || a.subject || ' that entry ' || a.seq || ' registered is gone' FROM applied a
WHERE a.kind = 'signing_key' AND a.text IS NOT NULL
AND NOT EXISTS (SELECT FROM cs.signing_keys k WHERE k.tenant = %(tenant)s AND k.actor = a.subject AND k.public_key = a.content->>'public_key')
"""
_SETTINGS = """
SELECT 'version ' || coalesce(s.version, a.version) || ' of the ' || coalesce(s.kind, a.kind) || ' ' || coalesce(s.subject, a.subject) || ' is not the one that was signed'
FROM (SELECT * FROM cs.settings WHERE tenant = %(tenant)s) s
FULL JOIN (SELECT * FROM applied WHERE kind NOT IN ('policy', 'roles', 'signing_key', 'fx', 'hold', 'hold_release', 'erasure', 'model', 'identity', 'identity_broker')) a
    ON (a.id, a.kind, a.subject, a.version) = (s.recommendation_id, s.kind, s.subject, s.version)
WHERE a.id IS NULL OR s.kind IS NULL OR s.digest <> 'sha256:' || encode(sha256(convert_to(s.content, 'UTF8')), 'hex')
    OR (a.text IS NOT NULL AND (s.content::jsonb <> a.content OR s.expires_at IS DISTINCT FROM (a.content->>'expires_at')::timestamptz))
"""
_HOLDS = """, last AS (SELECT DISTINCT ON (subject) subject, kind FROM applied WHERE kind IN ('hold', 'hold_release') ORDER BY subject, seq DESC)
SELECT 'the legal hold on ' || coalesce(h.subject, l.subject) || ' is not what the ledger says'
FROM (SELECT * FROM cs.legal_holds WHERE tenant = %(tenant)s) h FULL JOIN (SELECT subject FROM last WHERE kind = 'hold') l USING (subject)
WHERE h.subject IS NULL OR l.subject IS NULL
"""
_CHAMPIONS = """, chosen AS (SELECT seq, subject, content->>'digest' AS digest FROM applied WHERE kind = 'model'
    UNION ALL SELECT seq, subject, entry::jsonb #>> '{body,digest}' FROM cs.ledger WHERE tenant = %(tenant)s AND kind = 'champion.set'
), last AS (SELECT DISTINCT ON (subject) subject, digest, seq FROM chosen ORDER BY subject, seq DESC)
SELECT 'the champion of the model ' || coalesce(c.model, l.subject) || ' is not the one that the ledger says'
FROM (SELECT * FROM cs.champions WHERE tenant = %(tenant)s) c FULL JOIN last l ON l.subject = c.model
WHERE c.model IS NULL OR l.subject IS NULL OR (l.digest IS NOT NULL AND l.digest <> c.digest)
"""
_IDENTITIES = """
SELECT 'the account ' || i.subject || ' at ' || i.issuer || ' is not linked to ' || i.actor || ' as the ledger says'
FROM cs.identities i WHERE i.tenant = %(tenant)s AND (
    NOT EXISTS (SELECT FROM applied a WHERE a.id = i.recommendation_id AND a.kind = 'identity' AND a.subject = i.actor
        AND (a.text IS NULL OR (a.content->>'issuer', a.content->>'subject') = (i.issuer, i.subject)))
    OR (i.revoked_at IS NULL) = (EXISTS (SELECT FROM cs.ledger r WHERE r.tenant = i.tenant AND r.subject = i.id AND r.kind = 'identity.revoked')
        OR EXISTS (SELECT FROM cs.identities n JOIN applied a ON a.id = n.recommendation_id WHERE n.tenant = i.tenant AND n.actor = i.actor AND n.issuer = i.issuer
            AND a.seq > (SELECT b.seq FROM applied b WHERE b.id = i.recommendation_id))))
UNION ALL
SELECT 'the broker ' || b.actor || ' of ' || b.issuer || ' is not the one that the ledger says'
FROM cs.identity_brokers b WHERE b.tenant = %(tenant)s AND (
    NOT EXISTS (SELECT FROM applied a WHERE a.id = b.recommendation_id AND a.kind = 'identity_broker' AND a.subject = b.actor
        AND (a.text IS NULL OR a.content->>'issuer' = b.issuer))
    OR (b.revoked_at IS NULL) = EXISTS (SELECT FROM cs.ledger r WHERE r.tenant = b.tenant AND r.subject = b.actor AND r.kind = 'identity_broker.revoked'
        AND r.entry::jsonb #>> '{body,issuer}' = b.issuer AND r.seq > (SELECT a.seq FROM applied a WHERE a.id = b.recommendation_id)))
UNION ALL
SELECT 'the ' || a.kind || ' of ' || a.subject || ' that entry ' || a.seq || ' made is gone' FROM applied a
WHERE a.kind = 'identity' AND NOT EXISTS (SELECT FROM cs.identities i WHERE i.tenant = %(tenant)s AND i.recommendation_id = a.id)
"""
_ERASURES = """
SELECT 'the erasure of case ' || coalesce(e.case_id, l.subject) || ' is not what the ledger says'
FROM (SELECT case_id, count(*) AS n FROM cs.erasures WHERE tenant = %(tenant)s GROUP BY case_id) e
FULL JOIN (SELECT subject, count(*) AS n FROM cs.ledger WHERE tenant = %(tenant)s AND kind IN ('case.erased', 'case.purged') GROUP BY subject) l ON l.subject = e.case_id
WHERE e.n IS DISTINCT FROM l.n
UNION ALL
SELECT 'words of recommendation ' || r.id || ' are still here, which entry ' || l.seq || ' says were erased'
FROM cs.ledger l, jsonb_array_elements_text(l.entry::jsonb #> '{body,recommendations}') AS r(id)
WHERE l.tenant = %(tenant)s AND l.kind IN ('case.erased', 'case.purged') AND EXISTS (SELECT FROM cs.leaves f WHERE f.tenant = l.tenant AND f.recommendation_id = r.id)
UNION ALL
SELECT 'the comment of decision ' || d.id || ' is gone, and no entry says that it was erased'
FROM cs.decisions d JOIN cs.recommendations r ON r.tenant = d.tenant AND r.id = d.recommendation_id
WHERE d.tenant = %(tenant)s AND d.comment_hash IS NOT NULL AND NOT EXISTS (SELECT FROM cs.decision_notes n WHERE n.tenant = d.tenant AND n.decision_id = d.id)
AND NOT EXISTS (SELECT FROM cs.ledger l WHERE l.tenant = r.tenant AND l.subject = r.case_id AND l.kind IN ('case.erased', 'case.purged')
    AND l.entry::jsonb #> '{body,recommendations}' ? r.id)
"""

STANDING = (
    _DELEGATIONS, _ABSENCES, _OPENINGS, _ERASURES,
    *(_APPLIED + question for question in (_CHANGES, _KEYS, _SETTINGS, _HOLDS, _CHAMPIONS, _IDENTITIES)),
)  # fmt: skip
