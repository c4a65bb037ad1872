-- What the lab is told. Its outage blocks no one: rows wait here until it is back.

-- The spans of a triage run, which end after the recommendation was filed. Role agent.
CREATE OR REPLACE FUNCTION cs.observe(of_recommendation text, more jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE me cs.actors := cs._me();
BEGIN
    PERFORM cs._need(me, ARRAY['agent'], NULL, 'report a triage run');
    IF octet_length(more::text) > 20000 OR jsonb_typeof(more->'spans') IS DISTINCT FROM 'array' THEN
        PERFORM cs._refuse('CS400', 'a triage run is reported as started_at and a short list of spans');
    END IF;
    UPDATE cs.observations SET available_at = now(),
        body = body || jsonb_build_object('started_at', more->'started_at', 'spans', more->'spans')
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
          -- A decision waits until there is a trace for it to hang on.
          AND NOT (o.kind = 'decision' AND EXISTS (
              SELECT FROM cs.recommendations d JOIN cs.recommendations x ON x.tenant = d.tenant AND x.case_id = d.case_id
                  AND x.revision = d.revision AND x.draft_number <= d.draft_number
              JOIN cs.observations t ON t.tenant = x.tenant AND t.recommendation_id = x.id
              WHERE d.tenant = o.tenant AND d.id = o.recommendation_id AND t.kind = 'triage' AND t.state IN ('ready', 'leased')))
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
        'cause', f.said#>>'{cause,primary}',
        -- The group of the control slice and how likely it was: what the effect of a delay is estimated by.
        'control', f.said#>'{collections,control}',
        -- How sure each model was; as they stand, for nothing that an agent wrote may stop the feed.
        'scores', jsonb_build_object('document', f.said#>'{document,confidence}', 'duplicate', f.said#>'{duplicates,0,probability}',
            'late', f.said#>'{risk,p_late}', 'precedent', f.said#>'{precedents,0,similarity}'),
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
    LEFT JOIN LATERAL (SELECT v.content::jsonb AS said FROM cs.leaves v
                       WHERE v.tenant = r.tenant AND v.recommendation_id = r.id AND v.name = 'findings') f ON true
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

-- The model that a new installation begins with: set once, where none is set. Every later change goes through the gate.
CREATE OR REPLACE FUNCTION cs.first_champion(of_model text, of_digest text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE
    me cs.actors := cs._me();
    known text;
BEGIN
    PERFORM cs._need(me, ARRAY['service'], NULL, 'set the first champion');
    IF of_model !~ '^[a-z][a-z0-9_]{0,62}$' OR of_digest !~ '^sha256:[0-9a-f]{64}$' THEN
        PERFORM cs._refuse('CS400', 'a champion is the name of a model and a digest such as sha256:<64 hex digits>');
    END IF;
    INSERT INTO cs.champions (tenant, model, digest) VALUES (me.tenant, of_model, of_digest) ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        SELECT c.digest INTO known FROM cs.champions c WHERE c.tenant = me.tenant AND c.model = of_model;
        RETURN known;
    END IF;
    PERFORM cs._append(me.tenant, me.id, 'champion.set', of_model, jsonb_build_object('model', of_model, 'digest', of_digest));
    RETURN of_digest;
END $$;
