-- What the lab is told. Its outage blocks no one: rows wait here until it is back.

-- The spans of a triage run, which end after the recommendation was filed. Role agent.
CREATE OR REPLACE FUNCTION cs.observe(of_recommendation text, more jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE me cs.actors := cs._me();
BEGIN
    PERFORM cs._need(me, ARRAY['agent'], NULL, 'report a triage run');
    UPDATE cs.observations SET body = body || more, available_at = now()
    WHERE tenant = me.tenant AND recommendation_id = of_recommendation AND kind = 'triage' AND state = 'ready';
END $$;

CREATE OR REPLACE FUNCTION cs.claim_observations(most int, lease_seconds int)
RETURNS TABLE (id bigint, kind text, fence bigint, attempts int, body jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE me cs.actors := cs._me();
BEGIN
    PERFORM cs._need(me, ARRAY['service'], NULL, 'send observations');
    RETURN QUERY
    WITH picked AS (
        SELECT o.id FROM cs.observations o
        WHERE o.tenant = me.tenant AND o.available_at <= now()
          AND (o.state = 'ready' OR (o.state = 'leased' AND o.lease_until < now()))
        ORDER BY o.available_at, o.id LIMIT most FOR UPDATE SKIP LOCKED
    ), leased AS (
        UPDATE cs.observations o SET state = 'leased', attempts = o.attempts + 1, fence = nextval('cs.fences'),
            lease_until = now() + make_interval(secs => lease_seconds)
        FROM picked p WHERE o.id = p.id RETURNING o.*
    )
    SELECT l.id, l.kind, l.fence, l.attempts, jsonb_strip_nulls(l.body || jsonb_build_object(
        -- The trace of the triage that this recommendation came from; an override hangs on the agent's own.
        'trace_id', (SELECT t.detail FROM cs.observations t JOIN cs.recommendations x ON x.tenant = t.tenant AND x.id = t.recommendation_id
                     WHERE t.tenant = l.tenant AND t.kind = 'triage' AND t.state = 'sent' AND x.case_id = r.case_id AND x.revision = r.revision
                       AND x.draft_number <= r.draft_number ORDER BY x.draft_number DESC LIMIT 1),
        'recommendation_id', l.recommendation_id, 'decision_id', l.decision_id, 'at', cs._stamp(l.created_at),
        'case_id', r.case_id, 'revision', r.revision, 'draft_number', r.draft_number, 'digest', r.digest, 'drafted_by', r.drafted_by,
        'action', (r.envelope::jsonb)->'action'->>'name', 'stamps', (r.envelope::jsonb)->'stamps', 'thresholds', (r.envelope::jsonb)->'thresholds',
        'risk', r.risk, 'confidence', r.confidence, 'queue', c.queue, 'exception_type', c.exception_type, 'policy_version', r.policy_version,
        'cause', (SELECT f.content::jsonb#>>'{cause,primary}' FROM cs.leaves f WHERE f.tenant = r.tenant AND f.recommendation_id = r.id AND f.name = 'findings'),
        'decision', (SELECT to_jsonb(d) - 'tenant' FROM cs.decisions d WHERE d.tenant = l.tenant AND d.id = l.decision_id),
        'becomes', (SELECT jsonb_build_object('id', n.id, 'action', (n.envelope::jsonb)->'action'->>'name') FROM cs.recommendations n
                    JOIN cs.decisions d ON d.tenant = l.tenant AND d.id = l.decision_id AND d.decision = 'override'
                    WHERE n.tenant = r.tenant AND n.case_id = r.case_id AND n.revision = r.revision AND n.draft_number = r.draft_number + 1),
        'draft_changed', (SELECT a.content <> b.content FROM cs.leaves a, cs.leaves b, cs.recommendations n, cs.decisions d
                    WHERE d.tenant = l.tenant AND d.id = l.decision_id AND d.decision = 'override' AND a.tenant = r.tenant AND a.recommendation_id = r.id
                      AND a.name = 'draft' AND n.tenant = r.tenant AND n.case_id = r.case_id AND n.revision = r.revision
                      AND n.draft_number = r.draft_number + 1 AND b.tenant = n.tenant AND b.recommendation_id = n.id AND b.name = 'draft')))
    FROM leased l
    LEFT JOIN cs.recommendations r ON r.tenant = l.tenant AND r.id = l.recommendation_id
    LEFT JOIN cs.cases c ON c.tenant = r.tenant AND c.id = r.case_id
    ORDER BY l.id;
END $$;

CREATE OR REPLACE FUNCTION cs.settle_observations(ids bigint[], fences bigint[], outcome text, whys text[], retry_seconds double precision) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE
    me cs.actors := cs._me();
    n int;
BEGIN
    PERFORM cs._need(me, ARRAY['service'], NULL, 'settle observations');
    IF NOT outcome IN ('sent', 'retry', 'dead') THEN
        PERFORM cs._refuse('CS400', 'an outcome is sent, retry or dead');
    END IF;
    UPDATE cs.observations o SET state = CASE outcome WHEN 'retry' THEN 'ready' ELSE outcome END, lease_until = NULL,
        detail = left(held.why, 300), sent_at = CASE outcome WHEN 'sent' THEN now() END,
        available_at = now() + make_interval(secs => retry_seconds)
    FROM unnest(ids, fences, whys) AS held(id, fence, why)
    WHERE o.tenant = me.tenant AND o.id = held.id AND o.fence = held.fence AND o.state = 'leased';
    GET DIAGNOSTICS n = ROW_COUNT;
    RETURN n;
END $$;
