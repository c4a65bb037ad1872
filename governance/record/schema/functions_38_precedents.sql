-- Precedents: how people decided similar cases. Only cases that ended by a decision, of the same tenant, that were not
-- erased and not brought in to try the process out. What is not in cs.precedents cannot be recalled.

-- A case has ended, or has been opened again. `done` counts with an approval, `rejected` with a rejection; another end, or
-- one without a vector, is no precedent.
CREATE OR REPLACE FUNCTION cs._keep_precedent() RETURNS trigger
LANGUAGE plpgsql SET search_path = cs, public, pg_temp AS $$
BEGIN
    DELETE FROM cs.precedents WHERE tenant = NEW.tenant AND case_id = NEW.id;
    IF NOT NEW.state IN ('done', 'rejected') OR NEW.queue = 'governance' OR NEW.canary THEN
        RETURN NULL;
    END IF;
    INSERT INTO cs.precedents (tenant, case_id, revision, queue, exception_type, entity, amount, risk, recommendation_id, action, decision, role,
        seats, outcome, decided_at, embedding)
    SELECT NEW.tenant, NEW.id, NEW.revision, NEW.queue, coalesce(NEW.exception_type, ''), law.entity,
        cs._worth(law, (SELECT p.currency FROM cs.policies p WHERE p.tenant = NEW.tenant AND p.active), law.created_at::date),
        r.risk, r.id, r.action, CASE WHEN d.decision = 'approve' AND EXISTS (
            SELECT FROM cs.recommendations o WHERE o.tenant = r.tenant AND o.case_id = r.case_id AND o.revision = r.revision
            AND o.state = 'overridden') THEN 'override' ELSE d.decision END,
        d.seat_role, coalesce((SELECT jsonb_agg(jsonb_build_object('role', s.role, 'actor', s.filled_by) ORDER BY s.seat) FROM cs.seats s
            WHERE s.tenant = r.tenant AND s.recommendation_id = r.id AND s.filled_by IS NOT NULL), '[]'),
        NEW.state, d.at, v.embedding::halfvec(384)
    FROM cs.recommendations r
    JOIN cs.decisions d ON d.tenant = r.tenant AND d.recommendation_id = r.id
    JOIN cs.case_revisions law ON law.tenant = r.tenant AND law.case_id = r.case_id AND law.revision = r.revision
    JOIN cs.case_vectors v ON v.tenant = r.tenant AND v.case_id = r.case_id AND v.revision = r.revision
    WHERE r.tenant = NEW.tenant AND r.case_id = NEW.id AND r.revision = NEW.revision
      AND d.decision = CASE NEW.state WHEN 'done' THEN 'approve' ELSE 'reject' END AND d.withdrawn_at IS NULL
    ORDER BY d.at DESC LIMIT 1;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER cases_keep_precedent AFTER UPDATE OF state, revision, canary, queue, exception_type ON cs.cases
    FOR EACH ROW WHEN (OLD.state IN ('done', 'rejected') OR NEW.state IN ('done', 'rejected')) EXECUTE FUNCTION cs._keep_precedent();

-- The nearest precedents of each case asked about, nearest first. All arrays have one item a case. A type's precedents up
-- to `exact` are all compared; of more the index finds the nearest, and its scan goes on until enough of this tenant and
-- type are found. Where it ends before (equal texts tear its graph), all are compared after all. Role agent.
CREATE OR REPLACE FUNCTION cs.recall(of_cases text[], of_queues text[], of_types text[], vectors text[], most int, exact int DEFAULT 5000)
RETURNS TABLE (asked text, case_id text, similarity double precision, action text, decision text, role text, outcome text, seats jsonb, decided_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = cs, public, pg_temp AS $$
DECLARE
    me cs.actors := cs._me();
    i int;
    wanted halfvec(384);
    kind text;
    near text[];
BEGIN
    PERFORM cs._need(me, ARRAY['agent'], NULL, 'recall precedents');
    IF most IS NULL OR NOT most BETWEEN 1 AND 50 OR exact IS NULL OR NOT exact BETWEEN 0 AND 1000000 OR coalesce(cardinality(of_cases), 0) > 500
       OR cardinality(of_queues) <> cardinality(of_cases) OR cardinality(of_types) <> cardinality(of_cases) OR cardinality(vectors) <> cardinality(of_cases) THEN
        PERFORM cs._refuse('CS400', 'ask about at most 500 cases, each with queue, type and vector, for 1 to 50 precedents');
    END IF;
    PERFORM set_config('hnsw.iterative_scan', 'strict_order', true), set_config('hnsw.ef_search', '100', true);
    FOR i IN 1..coalesce(cardinality(of_cases), 0) LOOP
        wanted := vectors[i]::halfvec(384);
        kind := coalesce(of_types[i], '');
        near := NULL;
        IF (SELECT count(*) FROM (SELECT FROM cs.precedents p WHERE p.tenant = me.tenant AND p.queue = of_queues[i]
                AND p.exception_type = kind LIMIT exact + 1) few) > exact THEN
            PERFORM set_config('enable_sort', 'off', true);
            near := ARRAY(SELECT p.case_id FROM cs.precedents p WHERE p.tenant = me.tenant AND p.queue = of_queues[i]
                AND p.exception_type = kind AND p.case_id <> of_cases[i] ORDER BY p.embedding <=> wanted LIMIT most);
            PERFORM set_config('enable_sort', 'on', true);
        END IF;
        IF near IS NULL OR cardinality(near) < most THEN
            WITH every AS MATERIALIZED (
                SELECT p.case_id AS id, p.embedding <=> wanted AS distance FROM cs.precedents p WHERE p.tenant = me.tenant
                AND p.queue = of_queues[i] AND p.exception_type = kind AND p.case_id <> of_cases[i])
            SELECT array_agg(e.id) INTO near FROM (SELECT * FROM every ORDER BY every.distance, every.id LIMIT most) e;
        END IF;
        RETURN QUERY SELECT of_cases[i], p.case_id, 1 - (p.embedding <=> wanted), p.action, p.decision, p.role, p.outcome, p.seats, p.decided_at
        FROM cs.precedents p WHERE p.tenant = me.tenant AND p.case_id = ANY (near) ORDER BY p.embedding <=> wanted, p.case_id;
    END LOOP;
END $$;

-- Who signed lately in cases of these kinds: what the recommended route is made of. Only who is still active and holds the
-- role counts. At most `most` precedents a kind, the latest first. Role agent.
CREATE OR REPLACE FUNCTION cs.routes(of_queues text[], of_types text[], most int)
RETURNS TABLE (queue text, exception_type text, case_id text, action text, entity text, amount numeric, risk text, seats jsonb)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE me cs.actors := cs._me();
BEGIN
    PERFORM cs._need(me, ARRAY['agent'], NULL, 'recall routes');
    RETURN QUERY SELECT k.queue, k.type, p.case_id, p.action, p.entity, p.amount, p.risk,
        (SELECT coalesce(jsonb_agg(s || jsonb_build_object('holds', EXISTS (SELECT FROM cs.actors a WHERE a.tenant = me.tenant AND a.id = s->>'actor'
            AND a.active AND a.kind = 'person' AND s->>'role' = ANY (a.roles) AND NOT cs._is_away(me.tenant, a.id)))), '[]')
         FROM jsonb_array_elements(p.seats) AS s)
    FROM (SELECT DISTINCT t.queue, coalesce(t.type, '') AS type FROM unnest(of_queues, of_types) AS t(queue, type)) k
    CROSS JOIN LATERAL (SELECT * FROM cs.precedents o WHERE o.tenant = me.tenant AND o.queue = k.queue AND o.exception_type = k.type
        AND o.outcome = 'done' ORDER BY o.decided_at DESC LIMIT least(greatest(most, 1), 1000)) p;
END $$;

-- Which seats the active matrix asks for, for every action that policy allows for these cases, at each risk: what a
-- recommended route can never be less than; `worth` is the amount in the policy's currency. A risk that is low asks for what a normal one does, at least. Role agent.
CREATE OR REPLACE FUNCTION cs.seats_asked(of_cases text[], revisions int[])
RETURNS TABLE (case_id text, worth numeric, action text, risk text, seats jsonb)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE
    me cs.actors := cs._me();
    policy cs.policies;
BEGIN
    PERFORM cs._need(me, ARRAY['agent'], NULL, 'ask what the matrix demands');
    SELECT * INTO policy FROM cs.policies p WHERE p.tenant = me.tenant AND p.active;
    RETURN QUERY SELECT law.case_id, cs._worth(law, policy.currency, law.created_at::date), a.name, k.risk,
        (cs._needs(law, policy, a.name, k.risk, clock_timestamp()::date, NULL, NULL)).seats
    FROM unnest(of_cases, revisions) AS t(id, revision)
    JOIN cs.cases c ON c.tenant = me.tenant AND c.id = t.id
    JOIN cs.case_revisions law ON law.tenant = me.tenant AND law.case_id = t.id AND law.revision = t.revision
    LEFT JOIN cs.workflows w ON w.tenant = me.tenant AND w.version = policy.version AND w.queue = c.queue AND w.exception_type = c.exception_type
    JOIN cs.action_catalogue a ON a.effect <> 'change' AND (a.name = 'refer_to_person' OR w.actions && ARRAY[a.name, '*'])
    CROSS JOIN (VALUES ('normal'), ('high')) AS k(risk);
END $$;
