-- Waiting room 3: approved effects on their way out. At most one per recommendation (primary key).

CREATE OR REPLACE FUNCTION cs.claim_effects(worker_name text, most int, lease_seconds int)
RETURNS TABLE (recommendation_id text, connector text, fence bigint, attempts int)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE me cs.actors := cs._me();
BEGIN
    PERFORM cs._need(me, ARRAY['service'], NULL, 'deliver effects');
    RETURN QUERY
    WITH picked AS (
        SELECT e.tenant, e.recommendation_id FROM cs.effects e
        WHERE e.tenant = me.tenant AND e.state = 'ready' AND e.available_at <= now()
        ORDER BY e.available_at LIMIT most FOR UPDATE SKIP LOCKED
    )
    UPDATE cs.effects e SET state = 'leased', attempts = e.attempts + 1, worker = worker_name, fence = nextval('cs.fences'),
        lease_until = now() + make_interval(secs => lease_seconds)
    FROM picked p WHERE e.tenant = p.tenant AND e.recommendation_id = p.recommendation_id
    RETURNING e.recommendation_id, e.connector, e.fence, e.attempts;
END $$;

CREATE OR REPLACE FUNCTION cs._leased_effect(me cs.actors, of_recommendation text, with_fence bigint, states text[]) RETURNS cs.effects
LANGUAGE plpgsql SET search_path = cs, pg_temp AS $$
DECLARE found cs.effects;
BEGIN
    SELECT * INTO found FROM cs.effects WHERE tenant = me.tenant AND recommendation_id = of_recommendation FOR UPDATE;
    IF found.recommendation_id IS NULL OR NOT found.state = ANY (states) OR found.fence IS DISTINCT FROM with_fence THEN
        PERFORM cs._refuse('CS425', 'the lease was lost: somebody else delivers this now, and the late write is refused');
    END IF;
    RETURN found;
END $$;

-- What is about to leave must be what was signed: the letter hashes into the envelope, its recipient is the one that the
-- envelope names and still the address that the books hold. Envelopes once named the address itself.
CREATE OR REPLACE FUNCTION cs._signed_draft(rec cs.recommendations) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = cs, pg_temp AS $$
DECLARE
    law cs.case_revisions;
    leaf cs.leaves;
    draft jsonb;
    named text := (rec.envelope::jsonb)->>'recipient';
BEGIN
    SELECT * INTO law FROM cs.case_revisions WHERE tenant = rec.tenant AND case_id = rec.case_id AND revision = rec.revision;
    SELECT * INTO leaf FROM cs.leaves WHERE tenant = rec.tenant AND recommendation_id = rec.id AND name = 'draft';
    IF leaf.name IS NOT NULL AND 'sha256:' || cs._sha256(E'countersign/leaf/v1\n' || leaf.salt || E'\n' || leaf.content)
            IS DISTINCT FROM (rec.envelope::jsonb)#>>'{leaves,draft}' THEN
        PERFORM cs._refuse('CS420', 'the letter is not the one that was approved');
    END IF;
    draft := nullif(leaf.content::jsonb, 'null');
    PERFORM cs._check_action(law, (rec.envelope::jsonb)->'action', draft);
    IF named IS DISTINCT FROM (CASE WHEN starts_with(named, 'sha256:') THEN cs._recipient(leaf.salt, draft->>'to') ELSE draft->>'to' END) THEN
        PERFORM cs._refuse('CS420', 'the letter is not addressed to whom the envelope names');
    END IF;
    RETURN draft;
END $$;

-- Where the letter of a leased effect goes, for the courier to prepare with before the last look. Null: there is no letter.
CREATE OR REPLACE FUNCTION cs.letter_to(of_recommendation text, with_fence bigint) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE
    me cs.actors := cs._me();
    rec cs.recommendations;
BEGIN
    PERFORM cs._need(me, ARRAY['service'], NULL, 'deliver effects');
    SELECT * INTO rec FROM cs.recommendations WHERE tenant = me.tenant AND id = of_recommendation;
    PERFORM cs._leased_effect(me, of_recommendation, with_fence, ARRAY['leased']);
    RETURN cs._signed_draft(rec)->>'to';
END $$;

-- The last look before the effect leaves: the whole gate again, under locks. From here until it is
-- settled the effect may or may not have happened.
CREATE OR REPLACE FUNCTION cs.execute(of_recommendation text, with_fence bigint) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE
    me cs.actors := cs._me();
    rec cs.recommendations;
    effect cs.effects;
    draft jsonb;
BEGIN
    PERFORM cs._need(me, ARRAY['service'], NULL, 'deliver effects');
    SELECT * INTO rec FROM cs.recommendations WHERE tenant = me.tenant AND id = of_recommendation FOR UPDATE;
    effect := cs._leased_effect(me, of_recommendation, with_fence, ARRAY['leased']);
    PERFORM cs._gate(rec);
    draft := cs._signed_draft(rec);
    IF effect.connector = 'change' THEN
        RETURN jsonb_build_object('recommendation_id', rec.id, 'case_id', rec.case_id, 'digest', rec.digest,
            'action', (rec.envelope::jsonb)->'action', 'applied', cs._apply_change(rec, me));
    END IF;
    -- The claim may have been long ago: sending starts with time enough, or the clock would call it lost half-way.
    UPDATE cs.effects SET state = 'delivering', lease_until = greatest(lease_until, clock_timestamp() + interval '3 minutes')
    WHERE tenant = me.tenant AND recommendation_id = rec.id;
    PERFORM cs._case_state(rec.tenant, rec.case_id, ARRAY['approved', 'delivering'], 'delivering');
    PERFORM cs._append(me.tenant, me.id, 'effect.started', rec.id, jsonb_build_object(
        'digest', rec.digest, 'connector', effect.connector, 'attempt', effect.attempts));
    RETURN jsonb_build_object('recommendation_id', rec.id, 'case_id', rec.case_id, 'digest', rec.digest,
        'action', (rec.envelope::jsonb)->'action', 'draft', draft);
END $$;

-- The effect is over, one way or another: recommendation and case follow.
CREATE OR REPLACE FUNCTION cs._close_effect(rec cs.recommendations, effect_state text, rec_state text, why text) RETURNS void
LANGUAGE plpgsql SET search_path = cs, pg_temp AS $$
BEGIN
    UPDATE cs.effects SET state = effect_state, detail = left(why, 500), lease_until = NULL, settled_at = now()
    WHERE tenant = rec.tenant AND recommendation_id = rec.id;
    UPDATE cs.recommendations SET state = rec_state WHERE tenant = rec.tenant AND id = rec.id;
    IF rec_state = 'executed' AND rec.action = 'request_missing_document' THEN
        PERFORM cs._expect_document(rec);
    END IF;
    IF rec_state = 'executed' AND rec.action <> 'wait_until' THEN
        PERFORM cs._case_state(rec.tenant, rec.case_id, ARRAY['delivering', 'awaiting_reconciliation'], 'done');
    ELSE
        PERFORM cs._requeue_case(rec, 'triage', NULL);
    END IF;
END $$;

-- What somebody outside said, as the ledger keeps it: a ledger entry cannot be erased, and a mail server's answer names the
-- address, a person's note whom it pleases. The salt is that of the letter's leaf, which goes when the case is erased.
CREATE OR REPLACE FUNCTION cs._words_hash(rec cs.recommendations, words text) RETURNS text
LANGUAGE sql STABLE SET search_path = cs, pg_temp AS $$
    SELECT 'sha256:' || cs._sha256(E'countersign/leaf/v1\n' || l.salt || E'\n' || words)
    FROM cs.leaves l WHERE l.tenant = rec.tenant AND l.recommendation_id = rec.id AND l.name = 'draft'
$$;

-- outcome: sent | manual (a person carries it out) | retry (surely not sent) | unknown (may have been sent)
--          | refused (the gate said no) | dead (given up, surely not sent)
--          `named`: the controls that refused, for the ledger
DROP FUNCTION IF EXISTS cs.settle(text, bigint, text, text, double precision);
CREATE OR REPLACE FUNCTION cs.settle(of_recommendation text, with_fence bigint, outcome text, why text, retry_seconds double precision DEFAULT 0,
    named text[] DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE
    me cs.actors := cs._me();
    rec cs.recommendations;
    effect cs.effects;
BEGIN
    PERFORM cs._need(me, ARRAY['service'], NULL, 'settle effects');
    IF cardinality(named) > 5 OR EXISTS (SELECT FROM unnest(named) AS n WHERE n IS NULL OR n !~ '^[A-Z]{2,4}-[0-9]{2}$') THEN
        PERFORM cs._refuse('CS400', 'a control is named by its id, such as GATE-05');
    END IF;
    SELECT * INTO rec FROM cs.recommendations WHERE tenant = me.tenant AND id = of_recommendation FOR UPDATE;
    effect := cs._leased_effect(me, of_recommendation, with_fence, ARRAY['leased', 'delivering']);
    IF outcome IN ('sent', 'manual', 'unknown') AND effect.state <> 'delivering' THEN
        PERFORM cs._refuse('CS421', 'the effect was not started: execute it first');
    END IF;
    CASE outcome
    WHEN 'sent' THEN
        PERFORM cs._close_effect(rec, 'sent', 'executed', why);
    WHEN 'manual' THEN
        UPDATE cs.effects SET state = 'manual', lease_until = NULL, detail = left(why, 500) WHERE tenant = me.tenant AND recommendation_id = rec.id;
    WHEN 'retry' THEN
        UPDATE cs.effects SET state = 'ready', lease_until = NULL, detail = left(why, 500), available_at = now() + make_interval(secs => retry_seconds)
        WHERE tenant = me.tenant AND recommendation_id = rec.id;
        PERFORM cs._case_state(rec.tenant, rec.case_id, ARRAY['delivering', 'approved'], 'approved');
    WHEN 'unknown' THEN
        UPDATE cs.effects SET state = 'reconcile', lease_until = NULL, detail = left(why, 500) WHERE tenant = me.tenant AND recommendation_id = rec.id;
        PERFORM cs._case_state(rec.tenant, rec.case_id, ARRAY['delivering'], 'awaiting_reconciliation');
    WHEN 'dead' THEN
        UPDATE cs.effects SET state = 'dead', lease_until = NULL, detail = left(why, 500) WHERE tenant = me.tenant AND recommendation_id = rec.id;
        PERFORM cs._case_state(rec.tenant, rec.case_id, ARRAY['delivering', 'approved'], 'dead_letter');
    WHEN 'refused' THEN
        PERFORM cs._close_effect(rec, 'failed', CASE WHEN clock_timestamp() >= rec.expires_at THEN 'expired' ELSE 'superseded' END, why);
    ELSE
        PERFORM cs._refuse('CS400', 'an outcome is sent, manual, retry, unknown, refused or dead');
    END CASE;
    PERFORM cs._append(me.tenant, me.id, 'effect.' || outcome, rec.id, jsonb_build_object('digest', rec.digest)
        -- Why something was refused is said in the gate's own words.
        || CASE outcome WHEN 'refused' THEN jsonb_build_object('detail', left(why, 200)) ELSE jsonb_build_object('detail_hash', cs._words_hash(rec, left(why, 500))) END
        || CASE WHEN outcome = 'refused' AND cardinality(named) > 0 THEN jsonb_build_object('controls', to_jsonb(named)) ELSE '{}' END);
END $$;

-- A person says what became of a manual task, of an effect that may or may not have happened, or of one
-- that was given up: done | not_done (a letter or message goes out again) | abandoned (never again: the case is
-- triaged anew)
CREATE OR REPLACE FUNCTION cs.confirm(of_recommendation text, outcome text, note text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE
    me cs.actors := cs._me_for('decide');
    rec cs.recommendations;
    effect cs.effects;
BEGIN
    PERFORM cs._need(me, ARRAY['person'], ARRAY['analyst', 'reviewer', 'controller'], 'confirm what became of an effect');
    SELECT * INTO rec FROM cs.recommendations WHERE tenant = me.tenant AND id = of_recommendation FOR UPDATE;
    SELECT * INTO effect FROM cs.effects WHERE tenant = me.tenant AND recommendation_id = of_recommendation FOR UPDATE;
    IF effect.recommendation_id IS NULL THEN
        PERFORM cs._refuse('CS404', 'there is no effect of this recommendation');
    END IF;
    IF NOT effect.state = ANY (ARRAY['manual', 'reconcile', 'dead']) THEN
        PERFORM cs._refuse('CS421', 'this effect is ' || effect.state || ': it waits for nobody');
    END IF;
    IF outcome = 'done' AND effect.state <> 'dead' THEN
        PERFORM cs._close_effect(rec, 'sent', 'executed', note);
    ELSIF outcome = 'abandoned' OR (outcome = 'not_done' AND effect.state = 'manual') THEN
        UPDATE cs.cases SET state = 'delivering' WHERE tenant = me.tenant AND id = rec.case_id AND state = 'dead_letter';
        PERFORM cs._close_effect(rec, 'failed', 'superseded', note);
    ELSIF outcome = 'not_done' THEN
        -- Surely not sent, says a person: the same effect goes out again under the same key.
        UPDATE cs.effects SET state = 'ready', available_at = now(), attempts = 0, detail = left(note, 500) WHERE tenant = me.tenant AND recommendation_id = rec.id;
        UPDATE cs.cases SET state = 'approved', updated_at = now() WHERE tenant = me.tenant AND id = rec.case_id;
        NOTIFY countersign_effects;
    ELSE
        PERFORM cs._refuse('CS400', 'an outcome is done (not of one that was given up), not_done or abandoned');
    END IF;
    PERFORM cs._append(me.tenant, me.id, 'effect.confirmed_' || outcome, rec.id, jsonb_build_object('digest', rec.digest, 'was', effect.state,
        'note_hash', cs._words_hash(rec, note)));
    RETURN jsonb_build_object('recommendation_id', rec.id, 'outcome', outcome);
END $$;

-- Whether anybody is there who could take the seat: a holder who is not away or who delegated it, or a stand-in.
CREATE OR REPLACE FUNCTION cs._can_be_filled(rec cs.recommendations, seat cs.seats) RETURNS boolean
LANGUAGE sql STABLE SET search_path = cs, pg_temp AS $$
    WITH here AS (SELECT a.* FROM cs.actors a WHERE a.tenant = rec.tenant AND a.active AND a.kind = 'person' AND NOT cs._is_excluded(rec, a.id)
        AND NOT EXISTS (SELECT FROM cs.seats o WHERE o.tenant = rec.tenant AND o.recommendation_id = rec.id AND o.filled_by = a.id))
    SELECT EXISTS (SELECT FROM here WHERE seat.role = ANY (roles) AND NOT cs._is_away(rec.tenant, id))
        OR EXISTS (SELECT FROM here h JOIN cs.delegations d ON d.tenant = rec.tenant AND d.from_actor = h.id AND d.role = seat.role AND d.revoked_at IS NULL
            AND d.starts_at <= now() AND d.ends_at > now() JOIN here t ON t.id = d.to_actor WHERE seat.role = ANY (h.roles) AND NOT cs._is_away(rec.tenant, t.id))
        OR (EXISTS (SELECT FROM here WHERE seat.role = ANY (roles)) AND EXISTS (SELECT FROM here h JOIN cs.policies p ON p.tenant = rec.tenant AND p.active
            WHERE p.canon::jsonb#>ARRAY['cover', seat.role] ?| h.roles AND NOT cs._is_away(rec.tenant, h.id)))
$$;

-- The clock: expiry, lost leases, breaches. One at a time per tenant; running it twice changes nothing more.
-- `watch`: whether it also looks for cases that nobody sends, which costs more than the rest where very many wait.
DROP FUNCTION IF EXISTS cs.tick(int);
CREATE OR REPLACE FUNCTION cs.tick(most_attempts int DEFAULT 5, watch boolean DEFAULT true) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE
    me cs.actors := cs._me();
    rec cs.recommendations;
    job cs.jobs;
    effect cs.effects;
    late cs.cases;
    expired int := 0; swept int := 0; dead int := 0; breached int := 0; regated int; purged int; unstaffed int := 0; watched jsonb;
BEGIN
    PERFORM cs._need(me, ARRAY['service'], NULL, 'run the clock');
    IF NOT pg_try_advisory_xact_lock(hashtextextended('countersign tick ' || me.tenant, 0)) THEN
        RETURN jsonb_build_object('busy', true);
    END IF;
    FOR rec IN SELECT * FROM cs.recommendations r WHERE r.tenant = me.tenant AND r.expires_at <= now()
        AND (r.state = 'awaiting_review' OR (r.state = 'sent_back' AND r.returned_to IS NOT NULL)) ORDER BY r.expires_at LIMIT 500 FOR UPDATE SKIP LOCKED LOOP
        UPDATE cs.recommendations SET state = 'expired', returned_to = NULL WHERE tenant = rec.tenant AND id = rec.id;
        -- With newer facts the case is under way again already; one that cannot go back must not stop the clock of all.
        IF (SELECT revision FROM cs.cases WHERE tenant = rec.tenant AND id = rec.case_id) = rec.revision THEN
            PERFORM cs._requeue_case(rec, 'triage', NULL);
        END IF;
        PERFORM cs._append(me.tenant, me.id, 'recommendation.expired', rec.id, jsonb_build_object('digest', rec.digest));
        expired := expired + 1;
    END LOOP;
    FOR effect IN SELECT * FROM cs.effects e WHERE e.tenant = me.tenant AND e.state IN ('leased', 'delivering') AND e.lease_until < now() FOR UPDATE SKIP LOCKED LOOP
        IF effect.state = 'delivering' AND effect.connector = 'mail' THEN
            -- It may have left: a person looks, nobody sends twice.
            UPDATE cs.effects SET state = 'reconcile', lease_until = NULL, fence = NULL, detail = 'the courier stopped while sending'
            WHERE tenant = effect.tenant AND recommendation_id = effect.recommendation_id;
            UPDATE cs.cases c SET state = 'awaiting_reconciliation', updated_at = now() FROM cs.recommendations r
            WHERE r.tenant = effect.tenant AND r.id = effect.recommendation_id AND c.tenant = r.tenant AND c.id = r.case_id;
            PERFORM cs._append(me.tenant, me.id, 'effect.unknown', effect.recommendation_id, jsonb_build_object('detail', 'the courier stopped while sending'));
        ELSE
            UPDATE cs.effects SET state = 'ready', lease_until = NULL, fence = NULL WHERE tenant = effect.tenant AND recommendation_id = effect.recommendation_id;
            UPDATE cs.cases c SET state = 'approved', updated_at = now() FROM cs.recommendations r
            WHERE r.tenant = effect.tenant AND r.id = effect.recommendation_id AND c.tenant = r.tenant AND c.id = r.case_id AND c.state = 'delivering';
        END IF;
        swept := swept + 1;
    END LOOP;
    FOR job IN SELECT * FROM cs.jobs j WHERE j.tenant = me.tenant AND j.state = 'leased' AND j.lease_until < now() AND j.attempts >= most_attempts FOR UPDATE SKIP LOCKED LOOP
        UPDATE cs.jobs SET state = 'dead', lease_until = NULL, fence = NULL, last_error = coalesce(last_error, 'the worker stopped on every attempt') WHERE id = job.id;
        PERFORM cs._case_state(me.tenant, job.case_id, ARRAY['queued', 'triaging'], 'dead_letter');
        PERFORM cs._append(me.tenant, me.id, 'case.dead_letter', job.case_id, jsonb_build_object('attempts', job.attempts));
        dead := dead + 1;
    END LOOP;
    FOR late IN SELECT * FROM cs.cases c WHERE c.tenant = me.tenant AND NOT c.sla_breached AND c.sla_due_at <= now()
        AND c.state NOT IN ('done', 'rejected', 'superseded') ORDER BY c.sla_due_at LIMIT 500 FOR UPDATE SKIP LOCKED LOOP
        UPDATE cs.cases SET sla_breached = true WHERE tenant = late.tenant AND id = late.id;
        PERFORM cs._append(me.tenant, me.id, 'case.sla_breached', late.id, jsonb_build_object('due', cs._stamp(late.sla_due_at)));
        breached := breached + 1;
    END LOOP;
    -- A seat that nobody can take is said once, aloud; it is never skipped.
    FOR rec IN SELECT * FROM cs.recommendations r WHERE r.tenant = me.tenant AND r.state = 'awaiting_review' AND r.unstaffed_at IS NULL
            AND EXISTS (SELECT FROM cs.seats s WHERE s.tenant = r.tenant AND s.recommendation_id = r.id AND s.filled_by IS NULL AND NOT cs._can_be_filled(r, s))
            ORDER BY r.created_at LIMIT 200 FOR UPDATE SKIP LOCKED LOOP
        UPDATE cs.recommendations SET unstaffed_at = now() WHERE tenant = rec.tenant AND id = rec.id;
        PERFORM cs._append(me.tenant, me.id, 'recommendation.unstaffed', rec.id, jsonb_build_object('digest', rec.digest, 'roles',
            (SELECT jsonb_agg(DISTINCT s.role) FROM cs.seats s WHERE s.tenant = rec.tenant AND s.recommendation_id = rec.id AND s.filled_by IS NULL AND NOT cs._can_be_filled(rec, s))));
        unstaffed := unstaffed + 1;
    END LOOP;
    UPDATE cs.recommendations r SET unstaffed_at = NULL WHERE r.tenant = me.tenant AND r.state = 'awaiting_review' AND r.unstaffed_at IS NOT NULL
        AND NOT EXISTS (SELECT FROM cs.seats s WHERE s.tenant = r.tenant AND s.recommendation_id = r.id AND s.filled_by IS NULL AND NOT cs._can_be_filled(r, s));
    regated := cs._regate(me.tenant, me.id, 500);
    purged := cs._purge(me.tenant, me.id, 200);
    watched := cs._watch(me, CASE WHEN watch THEN 200 ELSE 0 END);
    RETURN watched || jsonb_build_object('expired', expired, 'swept', swept, 'dead', dead, 'breached', breached, 'unstaffed', unstaffed, 'regated', regated, 'purged', purged);
END $$;

CREATE OR REPLACE FUNCTION cs.add_checkpoint(of_size bigint, signed_note text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE me cs.actors := cs._me();
BEGIN
    PERFORM cs._need(me, ARRAY['service'], NULL, 'file checkpoints');
    INSERT INTO cs.checkpoints (tenant, size, note) VALUES (me.tenant, of_size, signed_note) ON CONFLICT DO NOTHING;
END $$;

-- The answer to an Idempotency-Key that was used before, or null: the caller then writes and stores its answer
-- in the same transaction.
CREATE OR REPLACE FUNCTION cs.idempotent(of_key text, of_request text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE
    me cs.actors := cs._me_for('any');
    found cs.idempotency;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('idempotency ' || me.tenant || ' ' || me.id || ' ' || of_key, 0));
    SELECT * INTO found FROM cs.idempotency WHERE tenant = me.tenant AND actor = me.id AND key = of_key;
    IF found.key IS NULL THEN
        RETURN NULL;
    END IF;
    IF found.request_sha256 <> of_request THEN
        PERFORM cs._refuse('CS424', 'this Idempotency-Key was used with another request body');
    END IF;
    RETURN jsonb_build_object('status', found.status, 'body', found.body);
END $$;

CREATE OR REPLACE FUNCTION cs.remember_answer(of_key text, of_request text, of_status int, of_body text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE me cs.actors := cs._me_for('any');
BEGIN
    INSERT INTO cs.idempotency (tenant, actor, key, request_sha256, status, body)
    VALUES (me.tenant, me.id, of_key, of_request, of_status, of_body) ON CONFLICT DO NOTHING;
END $$;
