-- Waiting room 1. A lease carries a fencing token: a late write with an old one is refused.

CREATE OR REPLACE FUNCTION cs.claim_jobs(worker_name text, most int, lease_seconds int)
RETURNS TABLE (id bigint, case_id text, revision int, kind text, recommendation_id text, fence bigint, attempts int, lease_until timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE me cs.actors := cs._me();
BEGIN
    PERFORM cs._need(me, ARRAY['agent'], NULL, 'claim triage work');
    RETURN QUERY
    WITH picked AS (
        SELECT j.id FROM cs.jobs j
        WHERE j.tenant = me.tenant AND (
            (j.state = 'ready' AND j.available_at <= now()) OR (j.state = 'leased' AND j.lease_until < now() AND j.attempts < 5))
        ORDER BY j.available_at, j.id LIMIT most FOR UPDATE SKIP LOCKED
    ), leased AS (
        UPDATE cs.jobs j SET state = 'leased', attempts = j.attempts + 1, worker = worker_name,
            fence = nextval('cs.fences'), lease_until = now() + make_interval(secs => lease_seconds)
        FROM picked WHERE j.id = picked.id RETURNING j.*
    ), marked AS (
        UPDATE cs.cases c SET state = 'triaging', updated_at = now()
        FROM leased l WHERE c.tenant = l.tenant AND c.id = l.case_id AND c.state IN ('queued', 'triaging') RETURNING c.id
    )
    SELECT l.id, l.case_id, l.revision, l.kind, l.recommendation_id, l.fence, l.attempts, l.lease_until FROM leased l ORDER BY l.id;
END $$;

CREATE OR REPLACE FUNCTION cs._leased_job(me cs.actors, job bigint, with_fence bigint) RETURNS cs.jobs
LANGUAGE plpgsql SET search_path = cs, pg_temp AS $$
DECLARE found cs.jobs;
BEGIN
    SELECT * INTO found FROM cs.jobs WHERE tenant = me.tenant AND id = job FOR UPDATE;
    IF found.id IS NULL OR found.state <> 'leased' OR found.fence IS DISTINCT FROM with_fence THEN
        PERFORM cs._refuse('CS425', 'the lease was lost: somebody else works on this now, and the late write is refused');
    END IF;
    RETURN found;
END $$;

CREATE OR REPLACE FUNCTION cs.renew_jobs(job_ids bigint[], fences bigint[], lease_seconds int) RETURNS bigint[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE
    me cs.actors := cs._me();
    kept bigint[];
BEGIN
    PERFORM cs._need(me, ARRAY['agent'], NULL, 'renew a lease');
    WITH held AS (SELECT * FROM unnest(job_ids, fences) AS t(id, fence)), renewed AS (
        UPDATE cs.jobs j SET lease_until = now() + make_interval(secs => lease_seconds)
        FROM held h WHERE j.tenant = me.tenant AND j.id = h.id AND j.fence = h.fence AND j.state = 'leased' RETURNING j.id)
    SELECT coalesce(array_agg(id), '{}') INTO kept FROM renewed;
    RETURN kept;
END $$;

-- A failed attempt waits with backoff; after the last one the case waits in the dead-letter room.
CREATE OR REPLACE FUNCTION cs.fail_job(job bigint, with_fence bigint, why text, retry_seconds double precision, most_attempts int) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE
    me cs.actors := cs._me();
    held cs.jobs;
BEGIN
    PERFORM cs._need(me, ARRAY['agent'], NULL, 'fail a job');
    held := cs._leased_job(me, job, with_fence);
    IF held.attempts < most_attempts THEN
        UPDATE cs.jobs SET state = 'ready', lease_until = NULL, last_error = left(why, 500),
            available_at = now() + make_interval(secs => retry_seconds) WHERE id = job;
        UPDATE cs.cases SET state = 'queued', updated_at = now() WHERE tenant = me.tenant AND id = held.case_id AND state = 'triaging';
        RETURN 'retry';
    END IF;
    UPDATE cs.jobs SET state = 'dead', lease_until = NULL, last_error = left(why, 500) WHERE id = job;
    PERFORM cs._case_state(me.tenant, held.case_id, ARRAY['queued', 'triaging'], 'dead_letter');
    PERFORM cs._append(me.tenant, me.id, 'case.dead_letter', held.case_id, jsonb_build_object(
        'attempts', held.attempts, 'error_hash', cs._sha256(why)));
    RETURN 'dead';
END $$;

-- A case whose attempts ran out is put back by a person.
CREATE OR REPLACE FUNCTION cs.requeue(of_case text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE me cs.actors := cs._me();
BEGIN
    PERFORM cs._need(me, ARRAY['person'], ARRAY['analyst', 'reviewer', 'controller', 'administrator'], 'put a case back in the queue');
    UPDATE cs.jobs SET state = 'ready', attempts = 0, available_at = now() WHERE tenant = me.tenant AND case_id = of_case AND state = 'dead';
    IF NOT FOUND THEN PERFORM cs._refuse('CS421', 'this case is not in the dead-letter room'); END IF;
    PERFORM cs._case_state(me.tenant, of_case, ARRAY['dead_letter'], 'queued');
    NOTIFY countersign_jobs;
    PERFORM cs._append(me.tenant, me.id, 'case.requeued', of_case, '{}');
END $$;
