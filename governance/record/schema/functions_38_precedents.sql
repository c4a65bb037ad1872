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
        seats, outcome, decided_at, embedding, alike, first)
    SELECT NEW.tenant, NEW.id, NEW.revision, NEW.queue, coalesce(NEW.exception_type, ''), law.entity,
        cs._worth(law, (SELECT p.currency FROM cs.policies p WHERE p.tenant = NEW.tenant AND p.active), law.created_at::date),
        r.risk, r.id, r.action, CASE WHEN d.decision = 'approve' AND EXISTS (
            SELECT FROM cs.recommendations o WHERE o.tenant = r.tenant AND o.case_id = r.case_id AND o.revision = r.revision
            AND o.state = 'overridden') THEN 'override' ELSE d.decision END,
        d.seat_role, coalesce((SELECT jsonb_agg(jsonb_build_object('role', s.role, 'actor', s.filled_by) ORDER BY s.seat) FROM cs.seats s
            WHERE s.tenant = r.tenant AND s.recommendation_id = r.id AND s.filled_by IS NOT NULL), '[]'),
        NEW.state, d.at, e.embedding, e.alike, NOT EXISTS (SELECT FROM cs.precedents o WHERE o.tenant = NEW.tenant AND o.queue = NEW.queue
            AND o.exception_type = coalesce(NEW.exception_type, '') AND o.alike = e.alike AND o.first)
    FROM cs.recommendations r
    JOIN cs.decisions d ON d.tenant = r.tenant AND d.recommendation_id = r.id
    JOIN cs.case_revisions law ON law.tenant = r.tenant AND law.case_id = r.case_id AND law.revision = r.revision
    JOIN cs.case_vectors v ON v.tenant = r.tenant AND v.case_id = r.case_id AND v.revision = r.revision
    CROSS JOIN LATERAL (SELECT v.embedding::halfvec(384) AS embedding, hashtextextended(v.embedding::halfvec(384)::text, 0) AS alike) e
    WHERE r.tenant = NEW.tenant AND r.case_id = NEW.id AND r.revision = NEW.revision
      AND d.decision = CASE NEW.state WHEN 'done' THEN 'approve' ELSE 'reject' END AND d.withdrawn_at IS NULL
    ORDER BY d.at DESC LIMIT 1;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER cases_keep_precedent AFTER UPDATE OF state, revision, canary, queue, exception_type ON cs.cases
    FOR EACH ROW WHEN (OLD.state IN ('done', 'rejected') OR NEW.state IN ('done', 'rejected')) EXECUTE FUNCTION cs._keep_precedent();

-- One that stood in the index for equal ones is gone: the latest of them stands there from now on.
CREATE OR REPLACE FUNCTION cs._next_alike() RETURNS trigger
LANGUAGE plpgsql SET search_path = cs, public, pg_temp AS $$
BEGIN
    UPDATE cs.precedents SET first = true WHERE tenant = OLD.tenant AND case_id = (SELECT p.case_id FROM cs.precedents p
        WHERE p.tenant = OLD.tenant AND p.queue = OLD.queue AND p.exception_type = OLD.exception_type AND p.alike = OLD.alike
        ORDER BY p.decided_at DESC LIMIT 1);
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER precedents_next_alike AFTER DELETE ON cs.precedents
    FOR EACH ROW WHEN (OLD.first) EXECUTE FUNCTION cs._next_alike();

-- The nearest precedents of each case asked about, nearest first. All arrays have one item a case. A type's precedents up
-- to `exact` are all compared; of more the index finds the nearest, and its scan goes on until enough of this tenant and
-- type are found. Where it ends before, all are compared after all. Of equal ones the latest come first. Role agent.
CREATE OR REPLACE FUNCTION cs.recall(of_cases text[], of_queues text[], of_types text[], vectors text[], most int, exact int DEFAULT 2000)
RETURNS TABLE (asked text, case_id text, similarity double precision, action text, decision text, role text, outcome text, seats jsonb, decided_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = cs, public, pg_temp AS $$
DECLARE
    me cs.actors := cs._me();
    i int;
    wanted halfvec(384);
    kind text;
    near bigint[];
    chosen text[];
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
            near := ARRAY(SELECT f.alike FROM cs.precedents f WHERE f.first AND f.tenant = me.tenant AND f.queue = of_queues[i]
                AND f.exception_type = kind ORDER BY f.embedding <=> wanted LIMIT most + 1);
            PERFORM set_config('enable_sort', 'on', true);
        END IF;
        chosen := ARRAY(SELECT p.case_id FROM unnest(near) AS n(alike) CROSS JOIN LATERAL (SELECT o.case_id, o.embedding, o.decided_at
                FROM cs.precedents o WHERE o.tenant = me.tenant AND o.queue = of_queues[i] AND o.exception_type = kind AND o.alike = n.alike
                AND o.case_id <> of_cases[i] ORDER BY o.decided_at DESC LIMIT most) p
            ORDER BY p.embedding <=> wanted, p.decided_at DESC, p.case_id LIMIT most);
        IF cardinality(chosen) < most THEN
            WITH every AS MATERIALIZED (
                SELECT p.case_id AS id, p.embedding <=> wanted AS distance, p.decided_at AS at FROM cs.precedents p WHERE p.tenant = me.tenant
                AND p.queue = of_queues[i] AND p.exception_type = kind AND p.case_id <> of_cases[i])
            SELECT array_agg(e.id) INTO chosen FROM (SELECT * FROM every ORDER BY every.distance, every.at DESC, every.id LIMIT most) e;
        END IF;
        RETURN QUERY SELECT of_cases[i], p.case_id, 1 - (p.embedding <=> wanted), p.action, p.decision, p.role, p.outcome, p.seats, p.decided_at
        FROM cs.precedents p WHERE p.tenant = me.tenant AND p.case_id = ANY (chosen)
        ORDER BY p.embedding <=> wanted, p.decided_at DESC, p.case_id;
    END LOOP;
END $$;

-- Who signed lately in cases of these kinds: what the recommended route is made of; type '*' is any type of the queue. Only
-- who is still active and holds the role counts. At most `most` precedents a kind, the latest first. Role agent.
CREATE OR REPLACE FUNCTION cs.routes(of_queues text[], of_types text[], most int)
RETURNS TABLE (queue text, asked text, case_id text, action text, entity text, amount numeric, risk text, seats jsonb, exception_type text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE
    me cs.actors := cs._me();
    holders text[];
BEGIN
    PERFORM cs._need(me, ARRAY['agent'], NULL, 'recall routes');
    holders := ARRAY(SELECT r || ' ' || a.id FROM cs.actors a, unnest(a.roles) AS r
        WHERE a.tenant = me.tenant AND a.active AND a.kind = 'person' AND NOT cs._is_away(me.tenant, a.id));
    RETURN QUERY SELECT k.queue, k.type, p.case_id, p.action, p.entity, p.amount, p.risk,
        (SELECT coalesce(jsonb_agg(s || jsonb_build_object('holds', (s->>'role') || ' ' || (s->>'actor') = ANY (holders))), '[]')
         FROM jsonb_array_elements(p.seats) AS s), p.exception_type
    FROM (SELECT DISTINCT t.queue, coalesce(t.type, '') AS type FROM unnest(of_queues, of_types) AS t(queue, type)) k
    CROSS JOIN LATERAL (
        (SELECT o.* FROM cs.precedents o WHERE k.type <> '*' AND o.tenant = me.tenant AND o.queue = k.queue AND o.exception_type = k.type
            AND o.outcome = 'done' ORDER BY o.decided_at DESC LIMIT least(greatest(most, 1), 1000))
        UNION ALL
        (SELECT o.* FROM cs.precedents o WHERE k.type = '*' AND o.tenant = me.tenant AND o.queue = k.queue
            AND o.outcome = 'done' ORDER BY o.decided_at DESC LIMIT least(greatest(most, 1), 1000))) p
    ORDER BY k.queue, k.type, p.decided_at DESC;
END $$;

-- Which seats the active matrix asks for, for every action that policy allows for these cases, at each risk: what a
-- recommended route can never be less than; `worth` is the amount in the policy's currency. A risk that is low asks for
-- what a normal one does, at least. The same law as cs._needs, of all cases and actions at once: twelve questions a case
-- cost too much one by one. Role agent.
CREATE OR REPLACE FUNCTION cs.seats_asked(of_cases text[], revisions int[])
RETURNS TABLE (case_id text, worth numeric, action text, risk text, seats jsonb)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE
    me cs.actors := cs._me();
    policy cs.policies;
    windowed text[];
BEGIN
    PERFORM cs._need(me, ARRAY['agent'], NULL, 'ask what the matrix demands');
    IF coalesce(cardinality(of_cases), 0) > 500 OR cardinality(revisions) <> cardinality(of_cases) THEN
        PERFORM cs._refuse('CS400', 'ask about at most 500 cases, each with its revision');
    END IF;
    SELECT * INTO policy FROM cs.policies p WHERE p.tenant = me.tenant AND p.active;
    windowed := ARRAY(SELECT DISTINCT u FROM cs.matrix_rules r, unnest(r.actions) AS u
        WHERE r.tenant = me.tenant AND r.version = policy.version AND r.window_days IS NOT NULL);
    RETURN QUERY
    WITH laws AS MATERIALIZED (
        SELECT law, law.case_id AS id, cs._worth(law, policy.currency, law.created_at::date) AS worth, ARRAY(SELECT a.name FROM cs.action_catalogue a
            WHERE a.effect <> 'change' AND (a.name = 'refer_to_person' OR w.actions && ARRAY[a.name, '*'])) AS names
        FROM (SELECT DISTINCT u.id, u.revision FROM unnest(of_cases, revisions) AS u(id, revision)) t
        JOIN cs.cases c ON c.tenant = me.tenant AND c.id = t.id
        JOIN cs.case_revisions law ON law.tenant = me.tenant AND law.case_id = t.id AND law.revision = t.revision
        LEFT JOIN cs.workflows w ON w.tenant = me.tenant AND w.version = policy.version AND w.queue = c.queue AND w.exception_type = c.exception_type
    ), judged AS MATERIALIZED (
        SELECT l.id, l.names, j AS each, j.entity, j.region, row_number() OVER () AS number,
            cs._in_currency(j.tenant, j.amount, j.currency, policy.currency, clock_timestamp()::date) AS amount
        FROM laws l CROSS JOIN LATERAL cs._judged(l.law) j
    ), wanted AS MATERIALIZED (
        SELECT j.number, j.id, n AS name, CASE WHEN windowed && ARRAY[n, '*'] THEN
            cs._totals(j.each, policy.version, policy.currency, n, j.amount, NULL, NULL) ELSE '{}' END AS totals
        FROM judged j CROSS JOIN LATERAL unnest(j.names) AS n
    ), rules AS MATERIALIZED (
        SELECT a.name, r.* FROM (SELECT DISTINCT w.name FROM wanted w) a
        JOIN cs.matrix_rules r ON r.tenant = me.tenant AND r.version = policy.version AND r.actions && ARRAY[a.name, '*']
    ), fitting AS MATERIALIZED (
        SELECT w.number, w.id, w.name, r.rule_id, r.risk_from FROM wanted w
        JOIN judged j ON j.number = w.number
        JOIN rules r ON r.name = w.name AND r.entities && ARRAY[j.entity, '*'] AND r.regions && ARRAY[j.region, '*']
        CROSS JOIN LATERAL (SELECT abs(CASE WHEN r.window_days IS NULL THEN j.amount ELSE (w.totals->>r.rule_id)::numeric END) AS size) band
        WHERE CASE WHEN band.size IS NULL THEN r.amount_below IS NULL
                   ELSE r.amount_from <= band.size AND (r.amount_below IS NULL OR band.size < r.amount_below) END
    ), found AS MATERIALIZED (
        SELECT f.number, f.id, f.name, k.risk, f.rule_id FROM fitting f
        JOIN (VALUES ('normal', 2), ('high', 3)) AS k(risk, at) ON f.risk_from <= k.at
    ), applying AS (
        SELECT f.id, f.name, f.risk, f.rule_id FROM found f
        UNION ALL
        -- Where nothing fits, everything does.
        SELECT w.id, w.name, k.risk, r.rule_id FROM wanted w CROSS JOIN (VALUES ('normal'), ('high')) AS k(risk)
        JOIN cs.matrix_rules r ON r.tenant = me.tenant AND r.version = policy.version
        WHERE NOT EXISTS (SELECT FROM found f WHERE f.number = w.number AND f.name = w.name AND f.risk = k.risk)
    ), most AS (
        SELECT a.id, a.name, a.risk, m.role, max(m.seats) AS seats FROM applying a
        JOIN cs.matrix_seats m ON m.tenant = me.tenant AND m.version = policy.version AND m.rule_id = a.rule_id
        GROUP BY a.id, a.name, a.risk, m.role
    ), summed AS (
        SELECT m.id, m.name, m.risk, jsonb_object_agg(m.role, m.seats) AS seats FROM most m GROUP BY m.id, m.name, m.risk
    )
    SELECT s.id, l.worth, s.name, s.risk, s.seats FROM summed s JOIN laws l ON l.id = s.id;
END $$;
