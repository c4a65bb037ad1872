-- Waiting room 2: file and decide. Lock order: recommendation → payee → policy → ledger head.

-- The agent files what it recommends, once per job, and its job is done in the same transaction.
CREATE OR REPLACE FUNCTION cs.file(job bigint, with_fence bigint, action jsonb, facts_digest text, draft text, findings text,
    evidence text, stamps jsonb, thresholds jsonb, risk text, confidence double precision)
RETURNS TABLE (recommendation_id text, digest text, draft_number int, created boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE
    me cs.actors := cs._me();
    held cs.jobs;
    law cs.case_revisions;
    of_case cs.cases;
    rec cs.recommendations;
    before cs.recommendations;
BEGIN
    PERFORM cs._need(me, ARRAY['agent'], NULL, 'file a recommendation');
    -- The same filing again (a crash after commit) finds what it filed.
    SELECT * INTO rec FROM cs.recommendations r WHERE r.tenant = me.tenant AND r.job_id = job;
    IF rec.id IS NOT NULL THEN
        RETURN QUERY SELECT rec.id, rec.digest, rec.draft_number, false;
        RETURN;
    END IF;
    held := cs._leased_job(me, job, with_fence);
    SELECT * INTO of_case FROM cs.cases c WHERE c.tenant = me.tenant AND c.id = held.case_id FOR UPDATE;
    IF of_case.revision <> held.revision THEN
        PERFORM cs._refuse('CS425', 'the case has newer facts: this job is superseded');
    END IF;
    SELECT * INTO law FROM cs.case_revisions r WHERE r.tenant = me.tenant AND r.case_id = held.case_id AND r.revision = held.revision;
    IF law.facts_digest <> file.facts_digest THEN
        PERFORM cs._refuse('CS428', 'the facts that the agent saw are not those of the case');
    END IF;
    IF NOT (findings IS JSON OBJECT WITH UNIQUE KEYS AND evidence IS JSON OBJECT WITH UNIQUE KEYS AND draft IS JSON WITH UNIQUE KEYS) THEN
        PERFORM cs._refuse('CS400', 'the leaves must be JSON with unique keys');
    END IF;
    IF (cs._check_action(law, action, nullif(draft::jsonb, 'null'))).effect = 'change' THEN
        PERFORM cs._refuse('CS439', 'an agent proposes no governed change');
    END IF;
    IF action->>'name' <> 'refer_to_person' AND NOT EXISTS (
        SELECT FROM cs.workflows w JOIN cs.policies p USING (tenant, version) WHERE p.tenant = me.tenant AND p.active
        AND w.queue = of_case.queue AND w.exception_type = of_case.exception_type AND w.actions && ARRAY[action->>'name', '*']
        -- A queue that is only observed is people's, as before.
        AND w.mode <> 'observe') THEN
        PERFORM cs._refuse('CS432', (action->>'name') || ' is not among the actions that policy allows for ' || coalesce(of_case.exception_type, 'this case'));
    END IF;
    PERFORM cs._check_template(of_case, action->>'name', jsonb_typeof(draft::jsonb) = 'object', stamps->>'template');
    SELECT * INTO before FROM cs.recommendations r WHERE r.tenant = me.tenant AND r.case_id = held.case_id AND r.revision = held.revision
    ORDER BY r.draft_number DESC LIMIT 1;
    rec := cs._compose(law, of_case.queue, of_case.exception_type, action,
        jsonb_build_object('draft', draft, 'findings', findings, 'evidence', evidence), stamps, thresholds, risk, confidence,
        -- Whoever edited an earlier draft of this revision has had a hand in it.
        me.id, ARRAY(SELECT r.drafted_by FROM cs.recommendations r
                     WHERE r.tenant = me.tenant AND r.case_id = held.case_id AND r.revision = held.revision), job);
    PERFORM cs._keep_estimate(rec, law, findings, stamps);
    UPDATE cs.jobs SET state = 'done', lease_until = NULL WHERE id = job;
    -- The spans follow within seconds (cs.observe); without them the observation leaves as it is.
    INSERT INTO cs.observations (tenant, kind, recommendation_id, available_at) VALUES (me.tenant, 'triage', rec.id, now() + interval '5 seconds');
    PERFORM cs._case_state(me.tenant, held.case_id, ARRAY['queued', 'triaging'], 'awaiting_review');
    PERFORM cs._append(me.tenant, me.id, 'recommendation.filed', rec.id, jsonb_build_object(
        'case', rec.case_id, 'revision', rec.revision, 'draft_number', rec.draft_number, 'digest', rec.digest,
        'policy_version', rec.policy_version, 'rules', to_jsonb(rec.rules), 'replaces', before.id));
    RETURN QUERY SELECT rec.id, rec.digest, rec.draft_number, true;
END $$;

-- A letter of the agent's follows a template of its action, and where policy names the templates of a type, one of those.
CREATE OR REPLACE FUNCTION cs._check_template(of_case cs.cases, action text, writes boolean, template text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = cs, pg_temp AS $$
DECLARE named text[] := (SELECT w.letters FROM cs.workflows w JOIN cs.policies p USING (tenant, version)
    WHERE p.tenant = of_case.tenant AND p.active AND w.queue = of_case.queue AND w.exception_type = of_case.exception_type);
BEGIN
    IF writes AND template IS NOT NULL AND template <> action AND NOT starts_with(template, action || '_')
       OR writes AND cardinality(named) > 0 AND NOT coalesce(template = ANY (named), false) THEN
        PERFORM cs._refuse('CS432', 'the letter follows ' || coalesce('the template ' || template, 'no template') || ', which policy does not name for '
            || coalesce(of_case.exception_type, 'this case'));
    END IF;
END $$;

-- Where the paused thread of a recommendation waits. A hint: losing it only costs a re-run.
CREATE OR REPLACE FUNCTION cs.note_thread(of_recommendation text, thread text, interrupt text, graph text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE me cs.actors := cs._me();
BEGIN
    PERFORM cs._need(me, ARRAY['agent'], NULL, 'note a thread');
    UPDATE cs.recommendations SET thread_id = thread, interrupt_id = interrupt, graph_version = graph
    WHERE tenant = me.tenant AND id = of_recommendation;
END $$;

-- The embedding under which the case will be found as a precedent once it is decided.
CREATE OR REPLACE FUNCTION cs.remember(of_case text, of_revision int, of_embedding vector) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = cs, public, pg_temp AS $$
DECLARE me cs.actors := cs._me();
BEGIN
    PERFORM cs._need(me, ARRAY['agent'], NULL, 'remember a case');
    INSERT INTO cs.case_vectors (tenant, case_id, revision, embedding) VALUES (me.tenant, of_case, of_revision, of_embedding)
    ON CONFLICT (tenant, case_id, revision) DO UPDATE SET embedding = excluded.embedding;
END $$;

DROP FUNCTION IF EXISTS cs._note_decision(cs.recommendations, cs.actors, text, text, text, text, text);
CREATE OR REPLACE FUNCTION cs._note_decision(rec cs.recommendations, me cs.actors, verb text, seat text, for_actor text, reason text, comment text, signature text DEFAULT NULL)
RETURNS cs.decisions
LANGUAGE plpgsql SET search_path = cs, pg_temp AS $$
DECLARE
    made cs.decisions;
    salt text := cs._salt();
BEGIN
    INSERT INTO cs.decisions (tenant, id, recommendation_id, decision, actor, acting_for, seat_role, digest, reason_code, signature, comment_hash, at)
    VALUES (rec.tenant, gen_random_uuid()::text, rec.id, verb, me.id, for_actor, seat, rec.digest, reason, signature,
            CASE WHEN comment IS NOT NULL THEN 'sha256:' || cs._sha256(E'countersign/leaf/v1\n' || salt || E'\n' || comment) END, clock_timestamp())
    RETURNING * INTO made;
    INSERT INTO cs.observations (tenant, kind, recommendation_id, decision_id) VALUES (rec.tenant, 'decision', rec.id, made.id);
    IF comment IS NOT NULL THEN
        INSERT INTO cs.decision_notes (tenant, decision_id, salt, comment) VALUES (rec.tenant, made.id, salt, comment);
    END IF;
    RETURN made;
END $$;

-- The open seat that this person may take, for themselves, for somebody who delegated the role, or standing in while every
-- holder of the role is away. Raises CS411, CS414.
CREATE OR REPLACE FUNCTION cs._take_seat(rec cs.recommendations, me cs.actors, law cs.case_revisions, policy cs.policies, wanted_seat text, for_actor text)
RETURNS cs.seats
LANGUAGE plpgsql SET search_path = cs, pg_temp AS $$
DECLARE
    taken cs.seats;
    of_queue text := (SELECT queue FROM cs.cases WHERE tenant = rec.tenant AND id = rec.case_id);
    principal cs.actors := me;
BEGIN
    IF for_actor IS NOT NULL THEN
        SELECT * INTO principal FROM cs.actors WHERE tenant = rec.tenant AND id = for_actor AND active AND kind = 'person';
        IF principal.id IS NULL OR principal.id = me.id THEN
            PERFORM cs._refuse('CS414', 'there is no delegation from ' || for_actor || ' to you');
        END IF;
        IF cs._is_excluded(rec, for_actor) THEN
            PERFORM cs._refuse('CS410', 'you act for somebody who initiated, drafted, edited or requested this');
        END IF;
    END IF;
    IF EXISTS (SELECT FROM cs.seats s WHERE s.tenant = rec.tenant AND s.recommendation_id = rec.id AND (s.filled_by = me.id OR coalesce(s.acting_for, s.filled_by) = principal.id)) THEN
        PERFORM cs._refuse('CS423', 'you have already approved this recommendation');
    END IF;
    SELECT * INTO taken FROM cs.seats s WHERE s.tenant = rec.tenant AND s.recommendation_id = rec.id AND s.filled_by IS NULL
        AND s.role = ANY (principal.roles) AND (wanted_seat IS NULL OR s.role = wanted_seat)
        AND (for_actor IS NULL OR cs._is_delegated(rec.tenant, for_actor, me.id, s.role, law, policy, of_queue)) ORDER BY s.seat LIMIT 1 FOR UPDATE;
    IF FOUND THEN
        taken.acting_for := for_actor;
        RETURN taken;
    END IF;
    IF for_actor IS NOT NULL THEN
        PERFORM cs._refuse('CS414', 'there is no delegation from ' || for_actor || ' to you for an open seat of this recommendation');
    END IF;
    -- Away is who says so, or of whom another than the one that stands in has said it.
    SELECT s.* INTO taken FROM cs.seats s WHERE s.tenant = rec.tenant AND s.recommendation_id = rec.id AND s.filled_by IS NULL
        AND (wanted_seat IS NULL OR s.role = wanted_seat)
        AND ARRAY(SELECT jsonb_array_elements_text(policy.canon::jsonb#>ARRAY['cover', s.role])) && me.roles
        AND EXISTS (SELECT FROM cs.actors a WHERE a.tenant = rec.tenant AND a.active AND a.kind = 'person' AND s.role = ANY (a.roles)
            AND NOT cs._is_excluded(rec, a.id) AND cs._is_away(rec.tenant, a.id, me.id))
        AND NOT EXISTS (SELECT FROM cs.actors a WHERE a.tenant = rec.tenant AND a.active AND a.kind = 'person' AND s.role = ANY (a.roles)
            AND NOT cs._is_excluded(rec, a.id) AND NOT cs._is_away(rec.tenant, a.id, me.id)
            AND NOT EXISTS (SELECT FROM cs.seats o WHERE o.tenant = rec.tenant AND o.recommendation_id = rec.id AND o.filled_by = a.id))
        -- Nor has the one who stands in switched a holder off who was there.
        AND NOT EXISTS (SELECT FROM cs.actors a JOIN cs.ledger l ON l.tenant = a.tenant AND l.subject = a.id AND l.kind = 'actor.deactivated'
            WHERE a.tenant = rec.tenant AND NOT a.active AND a.kind = 'person' AND s.role = ANY (a.roles) AND l.entry::jsonb->>'actor' = me.id)
        ORDER BY s.seat LIMIT 1 FOR UPDATE;
    IF NOT FOUND THEN
        PERFORM cs._refuse('CS411', 'no open seat of this recommendation fits your roles');
    END IF;
    taken.stands_in_as := (SELECT r FROM unnest(me.roles) AS r WHERE policy.canon::jsonb#>ARRAY['cover', taken.role] ? r ORDER BY r LIMIT 1);
    RETURN taken;
END $$;

DROP FUNCTION IF EXISTS cs._approve(cs.recommendations, cs.actors, text, text, text, text);
CREATE OR REPLACE FUNCTION cs._approve(rec cs.recommendations, me cs.actors, wanted_seat text, for_actor text, reason text, comment text,
    signature text, in_bulk boolean) RETURNS jsonb
LANGUAGE plpgsql SET search_path = cs, pg_temp AS $$
DECLARE
    taken cs.seats;
    made cs.decisions;
    spec cs.action_catalogue;
    complete boolean;
    law cs.case_revisions;
    policy cs.policies;
    need cs.need;
    unopened text[];
BEGIN
    SELECT * INTO law FROM cs.case_revisions WHERE tenant = rec.tenant AND case_id = rec.case_id AND revision = rec.revision;
    PERFORM cs._lock_payee(law);
    policy := cs._hold_policy(rec.tenant);
    taken := cs._take_seat(rec, me, law, policy, wanted_seat, for_actor);
    IF cs._payee_bank(rec.tenant, law.supplier_id) <> rec.payee_bank THEN
        PERFORM cs._refuse('CS427', 'the payee''s bank details changed since this was proposed');
    END IF;
    IF policy.version IS DISTINCT FROM rec.policy_version THEN
        PERFORM cs._refuse('CS426', 'the policy changed since this was proposed');
    END IF;
    need := cs._needs(law, policy, rec.action, rec.risk, rec.created_at::date, rec.id, NULL);
    IF in_bulk AND NOT coalesce(need.bulk, false) THEN
        PERFORM cs._refuse('CS437', 'policy wants this one looked at by itself: decide on it alone');
    END IF;
    unopened := ARRAY(SELECT e FROM unnest(need.evidence) AS e WHERE NOT EXISTS (SELECT FROM cs.openings o WHERE o.tenant = rec.tenant
        AND o.case_id = rec.case_id AND o.revision = rec.revision AND o.actor = me.id AND o.what = e) ORDER BY e);
    IF cardinality(unopened) > 0 THEN
        PERFORM cs._refuse('CS435', 'policy demands that you open the ' || array_to_string(unopened, ' and the ') || ' before you approve', jsonb_build_object('unopened', unopened));
    END IF;
    made := cs._note_decision(rec, me, 'approve', taken.role, for_actor, reason, comment, signature);
    IF (need.signature OR signature IS NOT NULL) AND NOT cs._is_signed(made) THEN
        PERFORM cs._refuse('CS436', CASE WHEN signature IS NULL THEN 'policy demands your signature over the digest, by a key that is registered as yours'
            ELSE 'a signature reads ed25519:<key id>:<base64>, by a live key that is registered as yours' END);
    END IF;
    UPDATE cs.seats SET filled_by = me.id, decision_id = made.id, acting_for = taken.acting_for, stands_in_as = taken.stands_in_as
    WHERE tenant = rec.tenant AND recommendation_id = rec.id AND seat = taken.seat;
    -- What was approved for this payee meanwhile may ask for more.
    INSERT INTO cs.seats (tenant, recommendation_id, seat, role)
    SELECT rec.tenant, rec.id, (SELECT max(seat) FROM cs.seats WHERE tenant = rec.tenant AND recommendation_id = rec.id) + row_number() OVER (ORDER BY n.key COLLATE "C", i), n.key
    FROM jsonb_each_text(need.seats) AS n, generate_series(1 + (SELECT count(*) FROM cs.seats s WHERE s.tenant = rec.tenant AND s.recommendation_id = rec.id AND s.role = n.key), n.value::int) AS i;
    complete := NOT EXISTS (SELECT FROM cs.seats WHERE tenant = rec.tenant AND recommendation_id = rec.id AND filled_by IS NULL);
    IF complete THEN
        UPDATE cs.recommendations SET state = 'approved', approved_at = clock_timestamp() WHERE tenant = rec.tenant AND id = rec.id;
        PERFORM cs._case_state(rec.tenant, rec.case_id, ARRAY['awaiting_review'], 'approved');
        SELECT * INTO spec FROM cs.action_catalogue WHERE name = rec.action;
        INSERT INTO cs.effects (tenant, recommendation_id, connector, available_at)
        VALUES (rec.tenant, rec.id, spec.effect, greatest(
            clock_timestamp() + make_interval(secs => policy.undo_seconds),
            CASE WHEN spec.effect = 'timer' THEN ((rec.envelope::jsonb)#>>'{action,args,date}')::date::timestamptz ELSE now() END));
        NOTIFY countersign_effects;
    END IF;
    PERFORM cs._append(rec.tenant, me.id, 'decision.approve', rec.id, jsonb_build_object('decision', made.id, 'digest', rec.digest,
        'seat', taken.role, 'acting_for', for_actor, 'stands_in_as', taken.stands_in_as, 'reason_code', reason, 'comment', made.comment_hash,
        'opened', to_jsonb(need.evidence), 'signature', signature, 'complete', complete,
        -- Seats that the total to a payee added stand in no rule that the filing names: the ledger says them.
        'seats', (SELECT jsonb_object_agg(t.role, t.n) FROM (SELECT s.role, count(*) AS n FROM cs.seats s
                  WHERE s.tenant = rec.tenant AND s.recommendation_id = rec.id GROUP BY s.role) t)));
    RETURN jsonb_build_object('decision_id', made.id, 'state', CASE WHEN complete THEN 'approved' ELSE 'awaiting_review' END, 'recommendation_id', rec.id);
END $$;

-- A person's own words or another action: a new recommendation whose editor holds no seat.
CREATE OR REPLACE FUNCTION cs._override(rec cs.recommendations, me cs.actors, reason text, comment text, action jsonb, draft jsonb) RETURNS jsonb
LANGUAGE plpgsql SET search_path = cs, pg_temp AS $$
DECLARE
    made cs.decisions;
    next_rec cs.recommendations;
    law cs.case_revisions;
    of_case cs.cases;
    spec cs.action_catalogue;
    next_action jsonb := coalesce(action, (rec.envelope::jsonb)->'action');
    next_draft jsonb := draft;
    leaves jsonb;
BEGIN
    SELECT * INTO law FROM cs.case_revisions WHERE tenant = rec.tenant AND case_id = rec.case_id AND revision = rec.revision;
    SELECT * INTO of_case FROM cs.cases WHERE tenant = rec.tenant AND id = rec.case_id FOR UPDATE;
    IF of_case.revision <> rec.revision THEN
        PERFORM cs._refuse('CS421', 'the case has newer facts than this recommendation');
    END IF;
    SELECT jsonb_object_agg(name, content) INTO leaves FROM cs.leaves WHERE tenant = rec.tenant AND recommendation_id = rec.id;
    SELECT * INTO spec FROM cs.action_catalogue WHERE name = next_action->>'name';
    IF next_draft IS NULL AND spec.effect = 'mail' THEN
        next_draft := nullif((leaves->>'draft')::jsonb, 'null');
    END IF;
    IF (cs._check_action(law, next_action, next_draft)).effect = 'change' OR of_case.queue = 'governance' THEN
        PERFORM cs._refuse('CS439', 'a governed change is not edited into being: propose it');
    END IF;
    made := cs._note_decision(rec, me, 'override', NULL, NULL, reason, comment);
    UPDATE cs.recommendations SET state = 'overridden', returned_to = NULL WHERE tenant = rec.tenant AND id = rec.id;
    next_rec := cs._compose(law, of_case.queue, of_case.exception_type, next_action,
        leaves || jsonb_build_object('draft', cs._canon(coalesce(next_draft, 'null'))), (rec.envelope::jsonb)->'stamps',
        (rec.envelope::jsonb)->'thresholds', rec.risk, NULL, me.id, rec.excluded, NULL);
    UPDATE cs.recommendations SET thread_id = rec.thread_id WHERE tenant = rec.tenant AND id = next_rec.id;
    PERFORM cs._append(rec.tenant, me.id, 'decision.override', rec.id, jsonb_build_object('decision', made.id, 'digest', rec.digest,
        'reason_code', reason, 'comment', made.comment_hash, 'becomes', next_rec.id, 'new_digest', next_rec.digest,
        'policy_version', next_rec.policy_version, 'rules', to_jsonb(next_rec.rules))
        || cs._label_override(law, me, reason, made.id, next_action->'args'));
    RETURN jsonb_build_object('decision_id', made.id, 'state', 'overridden', 'recommendation_id', next_rec.id);
END $$;

CREATE OR REPLACE FUNCTION cs._requeue_case(rec cs.recommendations, job_kind text, of_recommendation text) RETURNS void
LANGUAGE plpgsql SET search_path = cs, pg_temp AS $$
BEGIN
    -- Nobody triages a governed change: who wants it still proposes it again.
    IF (SELECT queue FROM cs.cases WHERE tenant = rec.tenant AND id = rec.case_id) = 'governance' THEN
        PERFORM cs._case_state(rec.tenant, rec.case_id, ARRAY['awaiting_review', 'approved'], 'superseded');
        RETURN;
    END IF;
    PERFORM cs._case_state(rec.tenant, rec.case_id, ARRAY['awaiting_review', 'approved', 'delivering', 'awaiting_reconciliation'], 'queued');
    INSERT INTO cs.jobs (tenant, case_id, revision, kind, recommendation_id)
    SELECT rec.tenant, rec.case_id, c.revision, job_kind, of_recommendation FROM cs.cases c WHERE c.tenant = rec.tenant AND c.id = rec.case_id;
    NOTIFY countersign_jobs;
END $$;

-- Undo one's own approval or override before the effect leaves.
CREATE OR REPLACE FUNCTION cs._withdraw(rec cs.recommendations, me cs.actors, reason text, comment text) RETURNS jsonb
LANGUAGE plpgsql SET search_path = cs, pg_temp AS $$
DECLARE
    mine cs.decisions;
    made cs.decisions;
    next_state text := 'awaiting_review';
BEGIN
    SELECT * INTO mine FROM cs.decisions WHERE tenant = rec.tenant AND recommendation_id = rec.id AND actor = me.id
        AND decision = 'approve' AND withdrawn_at IS NULL;
    IF NOT rec.state IN ('awaiting_review', 'approved', 'sent_back') OR mine.id IS NULL AND NOT (rec.drafted_by = me.id AND rec.state IN ('awaiting_review', 'sent_back')) THEN
        PERFORM cs._refuse('CS421', 'there is no approval or override of yours that could still be withdrawn');
    END IF;
    IF rec.state = 'approved' THEN
        DELETE FROM cs.effects WHERE tenant = rec.tenant AND recommendation_id = rec.id AND state = 'ready';
        IF NOT FOUND THEN
            PERFORM cs._refuse('CS421', 'the effect has left: it cannot be withdrawn any more');
        END IF;
    END IF;
    made := cs._note_decision(rec, me, 'withdraw', NULL, NULL, reason, comment);
    IF mine.id IS NOT NULL THEN
        UPDATE cs.decisions SET withdrawn_at = clock_timestamp() WHERE tenant = rec.tenant AND id = mine.id;
        UPDATE cs.seats SET filled_by = NULL, decision_id = NULL, acting_for = NULL, stands_in_as = NULL WHERE tenant = rec.tenant AND recommendation_id = rec.id AND filled_by = me.id;
        IF rec.state = 'approved' THEN
            UPDATE cs.recommendations SET state = 'awaiting_review', approved_at = NULL WHERE tenant = rec.tenant AND id = rec.id;
            PERFORM cs._case_state(rec.tenant, rec.case_id, ARRAY['approved'], 'awaiting_review');
        END IF;
    ELSE
        next_state := 'withdrawn';
        UPDATE cs.recommendations SET state = 'withdrawn', returned_to = NULL WHERE tenant = rec.tenant AND id = rec.id;
        PERFORM cs._requeue_case(rec, 'triage', NULL);
    END IF;
    PERFORM cs._append(rec.tenant, me.id, 'decision.withdraw', rec.id, jsonb_build_object('decision', made.id, 'digest', rec.digest,
        'withdraws', mine.id, 'reason_code', reason, 'comment', made.comment_hash));
    RETURN jsonb_build_object('decision_id', made.id, 'state', next_state, 'recommendation_id', rec.id);
END $$;

DROP FUNCTION IF EXISTS cs.decide(text, text, text, text, text, text, text, jsonb, jsonb, text);
CREATE OR REPLACE FUNCTION cs.decide(of_recommendation text, verb text, with_digest text, seat text DEFAULT NULL, acting_for text DEFAULT NULL,
    reason_code text DEFAULT NULL, comment text DEFAULT NULL, action jsonb DEFAULT NULL, draft jsonb DEFAULT NULL, signature text DEFAULT NULL,
    in_bulk boolean DEFAULT false) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE
    me cs.actors := cs._me_for('decide');
    rec cs.recommendations;
    made cs.decisions;
    seat_role text;
BEGIN
    PERFORM cs._need(me, ARRAY['person'], NULL, 'decide');
    -- Who acts for somebody else is judged by the delegation.
    IF acting_for IS NULL THEN
        PERFORM cs._need(me, ARRAY['person'], CASE WHEN verb = 'escalate' THEN ARRAY['analyst', 'reviewer', 'controller'] ELSE ARRAY['reviewer', 'controller', 'administrator'] END, verb);
    END IF;
    SELECT * INTO rec FROM cs.recommendations WHERE tenant = me.tenant AND id = of_recommendation FOR UPDATE;
    IF rec.id IS NULL THEN
        PERFORM cs._refuse('CS404', 'there is no such recommendation');
    END IF;
    IF acting_for IS NOT NULL AND verb <> 'approve' THEN
        PERFORM cs._refuse('CS414', 'only an approval can be given for somebody else');
    END IF;
    IF in_bulk AND verb <> 'approve' THEN
        PERFORM cs._refuse('CS437', 'only approvals can be given in bulk');
    END IF;
    IF with_digest IS DISTINCT FROM rec.digest THEN
        PERFORM cs._refuse('CS420', 'the digest is not that of the recommendation as it stands: read it again before you decide',
            jsonb_build_object('current_digest', rec.digest));
    END IF;
    IF verb = 'withdraw' THEN
        RETURN cs._withdraw(rec, me, reason_code, comment);
    END IF;
    IF rec.state = 'sent_back' AND verb = 'override' AND rec.returned_to = me.id THEN
        RETURN cs._override(rec, me, reason_code, comment, action, draft);
    END IF;
    IF rec.state <> 'awaiting_review' THEN
        PERFORM cs._refuse('CS421', 'the recommendation is ' || rec.state || ': it is not awaiting review', jsonb_build_object('state', rec.state));
    END IF;
    IF clock_timestamp() >= rec.expires_at THEN
        PERFORM cs._refuse('CS422', 'the recommendation has expired: a new one will be proposed');
    END IF;
    IF verb <> 'escalate' AND cs._is_excluded(rec, me.id) THEN
        PERFORM cs._refuse('CS410', 'who initiated, drafted, edited or requested a thing cannot decide on it');
    END IF;
    CASE verb
    WHEN 'approve' THEN
        RETURN cs._approve(rec, me, seat, acting_for, reason_code, comment, signature, in_bulk);
    WHEN 'override' THEN
        RETURN cs._override(rec, me, reason_code, comment, action, draft);
    WHEN 'reject' THEN
        made := cs._note_decision(rec, me, 'reject', NULL, NULL, reason_code, comment);
        UPDATE cs.recommendations SET state = 'rejected' WHERE tenant = rec.tenant AND id = rec.id;
        PERFORM cs._case_state(rec.tenant, rec.case_id, ARRAY['awaiting_review'], 'rejected');
    WHEN 'send_back' THEN
        IF coalesce(comment, '') !~ '\S' THEN
            PERFORM cs._refuse('CS433', 'send_back needs a comment that says what to change');
        END IF;
        made := cs._note_decision(rec, me, 'send_back', NULL, NULL, reason_code, comment);
        -- A person's own draft goes back to that person, an agent's to the agent.
        UPDATE cs.recommendations r SET state = 'sent_back', returned_to =
            (SELECT a.id FROM cs.actors a WHERE a.tenant = rec.tenant AND a.id = rec.drafted_by AND a.kind = 'person')
        WHERE r.tenant = rec.tenant AND r.id = rec.id RETURNING * INTO rec;
        IF rec.returned_to IS NULL THEN
            PERFORM cs._requeue_case(rec, 'resume', rec.id);
        END IF;
    WHEN 'escalate' THEN
        IF EXISTS (SELECT FROM cs.seats s WHERE s.tenant = rec.tenant AND s.recommendation_id = rec.id AND s.role = 'controller') THEN
            PERFORM cs._refuse('CS421', 'a controller''s seat is required already');
        END IF;
        made := cs._note_decision(rec, me, 'escalate', NULL, NULL, reason_code, comment);
        INSERT INTO cs.seats (tenant, recommendation_id, seat, role)
        SELECT rec.tenant, rec.id, max(s.seat) + 1, 'controller' FROM cs.seats s WHERE s.tenant = rec.tenant AND s.recommendation_id = rec.id;
    ELSE
        PERFORM cs._refuse('CS400', 'a decision is approve, override, reject, send_back, escalate or withdraw');
    END CASE;
    SELECT r.state INTO seat_role FROM cs.recommendations r WHERE r.tenant = rec.tenant AND r.id = rec.id;
    PERFORM cs._append(rec.tenant, me.id, 'decision.' || verb, rec.id, jsonb_build_object('decision', made.id, 'digest', rec.digest,
        'reason_code', reason_code, 'comment', made.comment_hash, 'returned_to', rec.returned_to));
    RETURN jsonb_build_object('decision_id', made.id, 'state', seat_role, 'recommendation_id', rec.id);
END $$;
