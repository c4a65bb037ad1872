-- Recall: what may be remembered of decided cases. One row a case that has ended by a decision of people.

-- A case that was only brought in to try the process out teaches nothing.
ALTER TABLE cs.cases ADD COLUMN canary boolean NOT NULL DEFAULT false;

-- Written by cs._keep_precedent alone, when a case ends; gone when it is opened again, corrected or erased (by its vector).
-- No words. `amount`: in the policy's currency, null where unknown. `seats`: who signed, [{role, actor}], in seat order.
-- `alike`: a hash of the vector; of those of one kind that are equal, one is `first` and stands in the index for all: many
-- equal points tear a graph of neighbours apart.
CREATE TABLE cs.precedents (
    tenant text NOT NULL,
    case_id text NOT NULL,
    revision int NOT NULL,
    queue text NOT NULL,
    exception_type text NOT NULL,
    entity text NOT NULL,
    amount numeric,
    risk text NOT NULL,
    recommendation_id text NOT NULL,
    action text NOT NULL,
    decision text NOT NULL CHECK (decision IN ('approve', 'override', 'reject')),
    role text,
    seats jsonb NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('done', 'rejected')),
    decided_at timestamptz NOT NULL,
    embedding halfvec(384) NOT NULL,
    alike bigint NOT NULL,
    first boolean NOT NULL,
    PRIMARY KEY (tenant, case_id),
    FOREIGN KEY (tenant, case_id, revision) REFERENCES cs.case_vectors ON DELETE CASCADE,
    FOREIGN KEY (tenant, recommendation_id) REFERENCES cs.recommendations
);
CREATE INDEX precedents_kind ON cs.precedents (tenant, queue, exception_type, decided_at DESC);
CREATE INDEX precedents_queue ON cs.precedents (tenant, queue, decided_at DESC);
CREATE INDEX precedents_alike ON cs.precedents (tenant, queue, exception_type, alike, decided_at DESC);
CREATE INDEX precedents_near ON cs.precedents USING hnsw (embedding halfvec_cosine_ops) WHERE first;

-- The vectors of open cases need no index any more: they become precedents first.
DROP INDEX cs.case_vectors_near;

-- What was decided before. Amounts count where they are in the policy's currency.
INSERT INTO cs.precedents
SELECT c.tenant, c.id, c.revision, c.queue, coalesce(c.exception_type, ''), l.entity, CASE WHEN l.currency = p.currency THEN abs(l.amount) END,
    m.risk, m.id, m.action, m.decision, m.seat_role, m.seats, c.state, m.at, e.embedding, e.alike,
    row_number() OVER (PARTITION BY c.tenant, c.queue, coalesce(c.exception_type, ''), e.alike ORDER BY m.at, c.id) = 1
FROM cs.cases c
JOIN cs.case_vectors v ON v.tenant = c.tenant AND v.case_id = c.id AND v.revision = c.revision
CROSS JOIN LATERAL (SELECT v.embedding::halfvec(384) AS embedding, hashtextextended(v.embedding::halfvec(384)::text, 0) AS alike) e
JOIN cs.case_revisions l ON l.tenant = c.tenant AND l.case_id = c.id AND l.revision = c.revision
LEFT JOIN cs.policies p ON p.tenant = c.tenant AND p.active
CROSS JOIN LATERAL (
    SELECT r.id, r.action, r.risk, d.seat_role, d.at, CASE WHEN d.decision = 'approve' AND EXISTS (
            SELECT FROM cs.recommendations o WHERE o.tenant = r.tenant AND o.case_id = r.case_id AND o.revision = r.revision
            AND o.state = 'overridden') THEN 'override' ELSE d.decision END AS decision,
        coalesce((SELECT jsonb_agg(jsonb_build_object('role', s.role, 'actor', s.filled_by) ORDER BY s.seat) FROM cs.seats s
            WHERE s.tenant = r.tenant AND s.recommendation_id = r.id AND s.filled_by IS NOT NULL), '[]') AS seats
    FROM cs.recommendations r JOIN cs.decisions d ON d.tenant = r.tenant AND d.recommendation_id = r.id
    WHERE r.tenant = c.tenant AND r.case_id = c.id AND r.revision = c.revision
      AND d.decision = CASE c.state WHEN 'done' THEN 'approve' ELSE 'reject' END AND d.withdrawn_at IS NULL
    ORDER BY d.at DESC LIMIT 1
) m
WHERE c.state IN ('done', 'rejected') AND c.queue <> 'governance';
