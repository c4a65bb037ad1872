-- Governed change: policy, roles, models, rates, holds and settings change as everything else takes effect here: proposed
-- with what they replace, signed by others, applied once by `execute`, in one ledger entry.

-- What holds now, in canonical form; null where nothing does.
CREATE OR REPLACE FUNCTION cs._current(of_tenant text, of_kind text, of_subject text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = cs, pg_temp AS $$
BEGIN
    RETURN CASE of_kind
        WHEN 'policy' THEN (SELECT canon FROM cs.policies WHERE tenant = of_tenant AND active)
        WHEN 'roles' THEN (SELECT cs._canon(jsonb_build_object('active', active, 'roles', (SELECT coalesce(jsonb_agg(r ORDER BY r), '[]') FROM unnest(roles) AS r)))
                           FROM cs.actors WHERE tenant = of_tenant AND id = of_subject)
        WHEN 'signing_key' THEN (SELECT cs._canon(jsonb_agg(id ORDER BY id)) FROM cs.signing_keys WHERE tenant = of_tenant AND actor = of_subject AND revoked_at IS NULL)
        WHEN 'fx' THEN (SELECT cs._canon(jsonb_build_object('rates', 'sha256:' || cs._sha256(string_agg(day::text || ' ' || per_eur::text, E'\n' ORDER BY day))))
                        FROM cs.fx_rates WHERE tenant = of_tenant AND currency = of_subject HAVING count(*) > 0)
        WHEN 'hold' THEN (SELECT cs._canon(jsonb_build_object('held', true)) FROM cs.legal_holds WHERE tenant = of_tenant AND subject = of_subject)
        WHEN 'hold_release' THEN (SELECT cs._canon(jsonb_build_object('held', true)) FROM cs.legal_holds WHERE tenant = of_tenant AND subject = of_subject)
        WHEN 'erasure' THEN NULL
        WHEN 'identity' THEN cs._current_identity(of_tenant, of_kind, of_subject)
        WHEN 'identity_broker' THEN cs._current_identity(of_tenant, of_kind, of_subject)
        WHEN 'model' THEN (SELECT cs._canon(jsonb_build_object('digest', digest)) FROM cs.champions WHERE tenant = of_tenant AND model = of_subject)
        ELSE (SELECT content FROM cs.settings WHERE tenant = of_tenant AND kind = of_kind AND subject = of_subject ORDER BY version DESC LIMIT 1)
    END;
END $$;

CREATE OR REPLACE FUNCTION cs._is_canonical(t text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE SET search_path = cs, pg_temp AS $$
BEGIN
    IF t IS NULL OR NOT pg_input_is_valid(t, 'jsonb') OR jsonb_typeof(t::jsonb) <> 'object' THEN
        RETURN false;
    END IF;
    RETURN cs._canon(t::jsonb) = t;
END $$;

CREATE OR REPLACE FUNCTION cs._malformed_change(of_tenant text, of_kind text, of_subject text, content jsonb) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = cs, pg_temp AS $$
BEGIN
    IF coalesce(of_subject, '') !~ '^[^\x01-\x1f\x7f]{1,200}$' OR jsonb_typeof(content) <> 'object' OR octet_length(content::text) > 1000000 THEN
        RETURN 'a change has a subject of 1 to 200 characters and an object of at most 1 MB';
    END IF;
    RETURN CASE of_kind
        WHEN 'policy' THEN CASE WHEN cs._is_canonical(content->>'policy') AND content->>'source' IS NOT NULL THEN NULL ELSE 'a policy change carries the canonical policy and its source' END
        WHEN 'roles' THEN CASE
            WHEN NOT EXISTS (SELECT FROM cs.actors WHERE tenant = of_tenant AND id = of_subject AND kind = 'person') THEN 'there is no person ' || of_subject
            WHEN jsonb_typeof(content->'roles') IS DISTINCT FROM 'array' OR jsonb_typeof(content->'active') IS DISTINCT FROM 'boolean'
                 OR NOT content->'roles' <@ '["analyst","reviewer","controller","auditor","ml_engineer","administrator"]' THEN 'roles are a list of known roles, active is true or false'
            WHEN content->'roles' ? 'auditor' AND jsonb_array_length(content->'roles') > 1 THEN 'an auditor holds no other role' END
        WHEN 'signing_key' THEN CASE WHEN coalesce(content->>'public_key', '') !~ '^[A-Za-z0-9+/]{43}=$' THEN 'a signing key is 32 bytes of Ed25519 in base64' END
        WHEN 'fx' THEN CASE WHEN of_subject !~ '^[A-Z]{3}$' OR jsonb_typeof(content->'rates') IS DISTINCT FROM 'object' OR content->'rates' = '{}'
            OR EXISTS (SELECT FROM jsonb_each_text(CASE WHEN jsonb_typeof(content->'rates') = 'object' THEN content->'rates' ELSE '{}' END) AS r
                WHERE r.key !~ '^\d{4}-\d\d-\d\d$' OR NOT pg_input_is_valid(r.key, 'date') OR r.value !~ '^[0-9]{1,12}(\.[0-9]{1,12})?$' OR r.value !~ '[1-9]') THEN 'rates are {"YYYY-MM-DD": "units per EUR"} of one currency' END
        WHEN 'retention' THEN CASE WHEN coalesce(content->>'days', '') !~ '^[1-9][0-9]{1,4}$' THEN 'retention is {"days": "10" or more}' END
        WHEN 'hold' THEN CASE WHEN coalesce(btrim(content->>'reason'), '') = '' THEN 'a legal hold says its reason' END
        WHEN 'erasure' THEN CASE WHEN of_subject !~ '^(case|supplier|customer|actor):.' THEN 'what is erased is case:ID, supplier:ID, customer:ID or actor:ID' END
        WHEN 'identity' THEN cs._malformed_identity(of_tenant, of_kind, of_subject, content)
        WHEN 'identity_broker' THEN cs._malformed_identity(of_tenant, of_kind, of_subject, content)
        WHEN 'memory' THEN cs._malformed_memory(of_tenant, of_subject, content)
        WHEN 'threshold' THEN coalesce(cs._malformed_threshold(of_subject, content), CASE of_subject WHEN 'risk_monitor' THEN cs._malformed_monitor(content)
            WHEN 'watchers' THEN cs._malformed_watchers(content) END)
        WHEN 'calendar' THEN cs._malformed_calendar(of_subject, content)
        WHEN 'template' THEN cs._malformed_template(of_subject, content)
        WHEN 'tolerance' THEN cs._malformed_tolerance(of_tenant, of_subject, content)
        WHEN 'retraining' THEN CASE WHEN of_subject !~ '^[a-z_]{1,40} [a-z_]{1,40}$' OR coalesce(content->>'cause', '') !~ '^[a-z_]{1,40}$' THEN 'a retraining names a model and a cause, and says {"cause": "…"}' END
        WHEN 'model' THEN CASE WHEN of_subject !~ '^[a-z][a-z0-9_]{0,62}$' OR coalesce(content->>'digest', '') !~ '^sha256:[0-9a-f]{64}$' THEN 'a champion is a model''s name and {"digest": "sha256:…"}' END
    END;
END $$;

-- A change as a case of its own with its recommendation. The author, and whom it is about, hold no seat.
CREATE OR REPLACE FUNCTION cs.propose_change(of_kind text, of_subject text, content jsonb, why text, replay jsonb DEFAULT NULL) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE
    me cs.actors := cs._me();
    kind cs.change_kinds;
    wrong text;
BEGIN
    SELECT * INTO kind FROM cs.change_kinds k WHERE k.kind = of_kind;
    IF kind.kind IS NULL THEN
        PERFORM cs._refuse('CS400', 'a change is of ' || (SELECT string_agg(k.kind, ', ' ORDER BY k.kind) FROM cs.change_kinds k));
    END IF;
    PERFORM cs._need(me, ARRAY['person'], kind.proposers, 'propose a change of ' || kind.what);
    wrong := cs._malformed_change(me.tenant, of_kind, of_subject, content);
    IF wrong IS NOT NULL THEN
        PERFORM cs._refuse('CS400', wrong);
    END IF;
    IF of_kind = 'signing_key' AND of_subject <> me.id THEN
        PERFORM cs._refuse('CS403', 'a signing key is proposed by its owner');
    END IF;
    IF of_kind = 'identity' AND of_subject <> me.id AND NOT 'administrator' = ANY (me.roles) THEN
        PERFORM cs._refuse('CS403', 'an account is linked to a user by that user or an administrator');
    END IF;
    IF coalesce(why, '') !~ '\S' THEN
        PERFORM cs._refuse('CS433', 'a change needs a comment that says why');
    END IF;
    RETURN cs._propose_change(me, of_kind, of_subject, content, why, replay);
END $$;

-- The same, by whoever may: a person, or the monitor of a model (cs.note_monitor). Its author holds no seat.
CREATE OR REPLACE FUNCTION cs._propose_change(me cs.actors, of_kind text, of_subject text, content jsonb, why text, replay jsonb) RETURNS jsonb
LANGUAGE plpgsql SET search_path = cs, pg_temp AS $$
DECLARE
    kind cs.change_kinds;
    before text;
    change text;
    new_case text := gen_random_uuid()::text;
    law cs.case_revisions;
    rec cs.recommendations;
BEGIN
    SELECT * INTO STRICT kind FROM cs.change_kinds k WHERE k.kind = of_kind;
    before := cs._current(me.tenant, of_kind, of_subject);
    change := cs._canon(jsonb_build_object('kind', of_kind, 'subject', of_subject, 'content', content,
        'replaces', CASE WHEN before IS NOT NULL THEN 'sha256:' || cs._sha256(before) END));
    INSERT INTO cs.cases (tenant, id, queue, exception_type, state, source_key, title, revision, sla_due_at)
    VALUES (me.tenant, new_case, 'governance', of_kind, 'awaiting_review', 'change:' || new_case, left('Change of ' || kind.what || ': ' || of_subject, 200), 1, now() + interval '72 hours');
    law.tenant := me.tenant; law.case_id := new_case; law.revision := 1; law.entity := 'unknown'; law.region := 'unknown'; law.initiator := me.id; law.created_at := now();
    law.facts := cs._canon(jsonb_build_object('case', new_case, 'revision', 1, 'initiator', me.id, 'change', 'sha256:' || cs._sha256(change)));
    law.facts_digest := 'sha256:' || cs._sha256(law.facts);
    INSERT INTO cs.case_revisions SELECT law.*;
    INSERT INTO cs.case_readings (tenant, case_id, revision, reading, details) VALUES (me.tenant, new_case, 1, '{}', jsonb_build_object('change', of_kind, 'subject', of_subject));
    rec := cs._compose(law, 'governance', of_kind, jsonb_build_object('name', kind.action, 'args', jsonb_build_object('subject', of_subject, 'change', 'sha256:' || cs._sha256(change))),
        jsonb_build_object('draft', 'null', 'change', change, 'findings', cs._canon(jsonb_build_object('why', why, 'before', before)), 'evidence', coalesce(replay, '{}')::text),
        '{}', '{}', 'normal', NULL, me.id, CASE WHEN of_kind IN ('roles', 'identity') THEN ARRAY[of_subject] ELSE '{}' END, NULL);
    PERFORM cs._append(me.tenant, me.id, 'change.proposed', rec.id, jsonb_build_object('case', new_case, 'digest', rec.digest, 'change', 'sha256:' || cs._sha256(change),
        'of', of_kind, 'policy_version', rec.policy_version, 'rules', to_jsonb(rec.rules)));
    RETURN jsonb_build_object('case_id', new_case, 'recommendation_id', rec.id, 'digest', rec.digest, 'expires_at', cs._stamp(rec.expires_at));
END $$;

-- What was pending under an older policy is asked anew under the active one: same action, same words, other seats and
-- digest. Locked rows are left for the next tick; until then the gate refuses them.
CREATE OR REPLACE FUNCTION cs._regate(of_tenant text, by_actor text, most int) RETURNS int
LANGUAGE plpgsql SET search_path = cs, pg_temp AS $$
DECLARE
    policy cs.policies;
    rec cs.recommendations;
    next_rec cs.recommendations;
    law cs.case_revisions;
    of_case cs.cases;
    leaves jsonb;
    n int := 0;
BEGIN
    SELECT * INTO policy FROM cs.policies WHERE tenant = of_tenant AND active;
    FOR rec IN SELECT * FROM cs.recommendations r WHERE r.tenant = of_tenant AND r.policy_version <> policy.version AND r.state IN ('awaiting_review', 'approved')
               AND NOT EXISTS (SELECT FROM cs.effects e WHERE e.tenant = r.tenant AND e.recommendation_id = r.id AND e.state <> 'ready')
               ORDER BY r.created_at LIMIT most FOR UPDATE SKIP LOCKED LOOP
        SELECT * INTO of_case FROM cs.cases WHERE tenant = of_tenant AND id = rec.case_id FOR UPDATE;
        DELETE FROM cs.effects WHERE tenant = of_tenant AND recommendation_id = rec.id AND state = 'ready';
        -- A courier took it meanwhile: the gate will refuse it.
        CONTINUE WHEN EXISTS (SELECT FROM cs.effects WHERE tenant = of_tenant AND recommendation_id = rec.id);
        UPDATE cs.recommendations SET state = 'superseded', approved_at = NULL WHERE tenant = of_tenant AND id = rec.id;
        SELECT * INTO law FROM cs.case_revisions WHERE tenant = of_tenant AND case_id = rec.case_id AND revision = rec.revision;
        SELECT jsonb_object_agg(name, content) INTO leaves FROM cs.leaves WHERE tenant = of_tenant AND recommendation_id = rec.id;
        next_rec := cs._compose(law, of_case.queue, of_case.exception_type, (rec.envelope::jsonb)->'action', leaves, (rec.envelope::jsonb)->'stamps',
            (rec.envelope::jsonb)->'thresholds', rec.risk, rec.confidence, rec.drafted_by, rec.excluded, NULL);
        UPDATE cs.recommendations SET thread_id = rec.thread_id, interrupt_id = rec.interrupt_id, graph_version = rec.graph_version WHERE tenant = of_tenant AND id = next_rec.id;
        UPDATE cs.cases SET state = 'awaiting_review', updated_at = now() WHERE tenant = of_tenant AND id = rec.case_id AND state = 'approved';
        PERFORM cs._append(of_tenant, by_actor, 'recommendation.regated', rec.id, jsonb_build_object('digest', rec.digest, 'becomes', next_rec.id, 'new_digest', next_rec.digest,
            'policy_version', next_rec.policy_version, 'rules', to_jsonb(next_rec.rules)));
        n := n + 1;
    END LOOP;
    RETURN n;
END $$;

-- The one statement by which a governed change takes effect; called by cs.execute alone, after the gate.
CREATE OR REPLACE FUNCTION cs._apply_change(rec cs.recommendations, me cs.actors) RETURNS jsonb
LANGUAGE plpgsql SET search_path = cs, pg_temp AS $$
DECLARE
    leaf cs.leaves;
    change jsonb;
    content jsonb;
    of_kind text;
    of_subject text;
    wrong text;
    before text;
    next_version int;
    regated int := 0;
BEGIN
    SELECT * INTO leaf FROM cs.leaves WHERE tenant = rec.tenant AND recommendation_id = rec.id AND name = 'change';
    IF leaf.name IS NULL OR 'sha256:' || cs._sha256(E'countersign/leaf/v1\n' || leaf.salt || E'\n' || leaf.content) IS DISTINCT FROM (rec.envelope::jsonb)#>>'{leaves,change}'
       OR 'sha256:' || cs._sha256(leaf.content) IS DISTINCT FROM (rec.envelope::jsonb)#>>'{action,args,change}' THEN
        PERFORM cs._refuse('CS420', 'the change is not the one that was approved');
    END IF;
    change := leaf.content::jsonb; of_kind := change->>'kind'; of_subject := change->>'subject'; content := change->'content';
    PERFORM pg_advisory_xact_lock(hashtextextended('change ' || rec.tenant || ' ' || of_kind || ' ' || of_subject, 0));
    wrong := cs._malformed_change(rec.tenant, of_kind, of_subject, content);
    IF wrong IS NOT NULL THEN
        PERFORM cs._refuse('CS421', wrong);
    END IF;
    before := cs._current(rec.tenant, of_kind, of_subject);
    IF change->>'replaces' IS DISTINCT FROM (CASE WHEN before IS NOT NULL THEN 'sha256:' || cs._sha256(before) END) THEN
        PERFORM cs._refuse('CS421', 'what this would replace has changed since it was proposed: propose it again',
            jsonb_build_object('controls', ARRAY['CHG-02']));
    END IF;
    CASE of_kind
    WHEN 'policy' THEN
        next_version := cs._activate_policy(rec.tenant, content->>'policy', content->>'source');
    WHEN 'roles' THEN
        UPDATE cs.actors SET roles = ARRAY(SELECT jsonb_array_elements_text(content->'roles')), active = (content->>'active')::boolean
        WHERE tenant = rec.tenant AND id = of_subject;
        IF (SELECT count(*) FROM cs.actors WHERE tenant = rec.tenant AND kind = 'person' AND active AND 'administrator' = ANY (roles)) < 2 THEN
            PERFORM cs._refuse('CS421', 'two administrators must remain');
        END IF;
    WHEN 'signing_key' THEN
        INSERT INTO cs.signing_keys (tenant, id, actor, public_key)
        VALUES (rec.tenant, left(encode(sha256(decode(content->>'public_key', 'base64')), 'hex'), 16), of_subject, content->>'public_key');
    WHEN 'identity', 'identity_broker' THEN
        PERFORM cs._apply_identity(rec, of_kind, of_subject, content);
    WHEN 'fx' THEN
        INSERT INTO cs.fx_rates (tenant, day, currency, per_eur, source)
        SELECT rec.tenant, r.key::date, of_subject, r.value::numeric, 'change ' || rec.id FROM jsonb_each_text(content->'rates') AS r
        ON CONFLICT (tenant, currency, day) DO UPDATE SET per_eur = excluded.per_eur, source = excluded.source, as_of = now();
    WHEN 'hold' THEN
        INSERT INTO cs.legal_holds (tenant, subject, reason_hash) VALUES (rec.tenant, of_subject, cs._sha256(content->>'reason')) ON CONFLICT DO NOTHING;
    WHEN 'hold_release' THEN
        DELETE FROM cs.legal_holds WHERE tenant = rec.tenant AND subject = of_subject;
    WHEN 'erasure' THEN
        PERFORM cs._erase_subject(rec.tenant, me.id, of_subject);
    WHEN 'model' THEN
        INSERT INTO cs.champions (tenant, model, digest) VALUES (rec.tenant, of_subject, content->>'digest')
        ON CONFLICT (tenant, model) DO UPDATE SET digest = excluded.digest, since = now();
    ELSE
        SELECT coalesce(max(version), 0) + 1 INTO next_version FROM cs.settings WHERE tenant = rec.tenant AND kind = of_kind AND subject = of_subject;
        INSERT INTO cs.settings (tenant, kind, subject, version, content, digest, recommendation_id, expires_at)
        VALUES (rec.tenant, of_kind, of_subject, next_version, cs._canon(content), 'sha256:' || cs._sha256(cs._canon(content)), rec.id, (content->>'expires_at')::timestamptz);
    END CASE;
    UPDATE cs.effects SET state = 'sent', lease_until = NULL, settled_at = now(), detail = 'applied' WHERE tenant = rec.tenant AND recommendation_id = rec.id;
    UPDATE cs.recommendations SET state = 'executed' WHERE tenant = rec.tenant AND id = rec.id;
    PERFORM cs._case_state(rec.tenant, rec.case_id, ARRAY['approved'], 'done');
    PERFORM cs._append(rec.tenant, me.id, 'change.applied', rec.id, jsonb_build_object('digest', rec.digest, 'of', of_kind, 'subject', of_subject,
        'change', 'sha256:' || cs._sha256(leaf.content), 'version', next_version));
    IF of_kind = 'policy' THEN
        regated := cs._regate(rec.tenant, me.id, 1000);
    END IF;
    RETURN jsonb_build_object('of', of_kind, 'subject', of_subject, 'version', next_version, 'regated', regated);
END $$;

-- A person gives up a signing key of their own, at once; an administrator may do it for anybody.
CREATE OR REPLACE FUNCTION cs.revoke_signing_key(key_id text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE
    me cs.actors := cs._me();
    whose text;
BEGIN
    SELECT actor INTO whose FROM cs.signing_keys WHERE tenant = me.tenant AND id = key_id AND revoked_at IS NULL;
    IF whose IS NULL THEN PERFORM cs._refuse('CS404', 'there is no such live signing key'); END IF;
    PERFORM cs._need(me, ARRAY['person'], CASE WHEN whose <> me.id THEN ARRAY['administrator'] END, 'revoke signing keys of others');
    UPDATE cs.signing_keys SET revoked_at = clock_timestamp() WHERE tenant = me.tenant AND id = key_id;
    PERFORM cs._append(me.tenant, me.id, 'signing_key.revoked', key_id, jsonb_build_object('actor', whose));
END $$;

-- What a courier must check before it lets a recommendation out: every signature that stands on it.
CREATE OR REPLACE FUNCTION cs.signatures(of_recommendation text) RETURNS TABLE (actor text, decision text, signature text, public_key text, digest text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE me cs.actors := cs._me();
BEGIN
    PERFORM cs._need(me, ARRAY['service'], NULL, 'read signatures');
    RETURN QUERY SELECT d.actor, d.id, d.signature, k.public_key, d.digest FROM cs.seats s JOIN cs.decisions d ON d.tenant = s.tenant AND d.id = s.decision_id
        LEFT JOIN cs.signing_keys k ON k.tenant = d.tenant AND k.id = split_part(d.signature, ':', 2) AND k.actor = d.actor AND k.revoked_at IS NULL
        WHERE s.tenant = me.tenant AND s.recommendation_id = of_recommendation AND d.signature IS NOT NULL;
END $$;

-- Lock-out: run by the database's owner, loud in the ledger. The people named become administrators, or controllers where
-- that is said of them, and keys of theirs that existed are revoked.
CREATE OR REPLACE FUNCTION cs.recover(of_tenant text, people jsonb, why text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE
    person jsonb;
    gets text;
BEGIN
    IF coalesce(btrim(why), '') = '' OR jsonb_typeof(people) IS DISTINCT FROM 'array'
       OR (SELECT count(DISTINCT p->>'id') FROM jsonb_array_elements(people) AS p WHERE coalesce(p->>'role', 'administrator') = 'administrator') < 2
       OR EXISTS (SELECT FROM jsonb_array_elements(people) AS p WHERE coalesce(p->>'role', 'administrator') NOT IN ('administrator', 'controller')) THEN
        PERFORM cs._refuse('CS400', 'recovery names at least two administrators and says why');
    END IF;
    IF NOT EXISTS (SELECT FROM cs.policies WHERE tenant = of_tenant AND active) THEN
        PERFORM cs._refuse('CS404', 'there is no such tenant');
    END IF;
    FOR person IN SELECT * FROM jsonb_array_elements(people) LOOP
        gets := coalesce(person->>'role', 'administrator');
        IF EXISTS (SELECT FROM cs.actors WHERE tenant = of_tenant AND id = person->>'id') THEN
            UPDATE cs.actors SET active = true, roles = ARRAY(SELECT DISTINCT r FROM unnest(roles || gets) AS r ORDER BY r)
            WHERE tenant = of_tenant AND id = person->>'id' AND kind = 'person';
            UPDATE cs.credentials SET revoked_at = now() WHERE tenant = of_tenant AND actor = person->>'id' AND revoked_at IS NULL;
            INSERT INTO cs.credentials (sha256, tenant, actor, kind, label) VALUES (person->>'token_sha256', of_tenant, person->>'id', 'api_key', 'recovery');
        ELSE
            PERFORM cs._add_actor(of_tenant, person - 'role' || jsonb_build_object('kind', 'person', 'roles', jsonb_build_array(gets)));
        END IF;
    END LOOP;
    PERFORM cs._append(of_tenant, 'recovery', 'recovery', of_tenant, jsonb_build_object('people', (SELECT jsonb_agg(p->>'id') FROM jsonb_array_elements(people) AS p), 'why', why));
END $$;

-- What was proposed so far, with amounts in a currency, for replaying a candidate policy over it: newest first. Cases
-- whose words were erased are marked, for nobody can look at them any more.
CREATE OR REPLACE FUNCTION cs.recorded(wanted text, most int)
RETURNS TABLE (recommendation_id text, action text, amount numeric, risk text, entity text, region text, signed jsonb, erased boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE me cs.actors := cs._me_for('read');
BEGIN
    PERFORM cs._need(me, ARRAY['person'], ARRAY['administrator', 'controller', 'auditor', 'reviewer', 'ml_engineer'], 'replay a policy');
    RETURN QUERY SELECT r.id, r.action, cs._in_currency(r.tenant, l.amount, l.currency, wanted, r.created_at::date), r.risk, l.entity, l.region,
        (SELECT coalesce(jsonb_agg(jsonb_build_object('role', s.role, 'by', s.filled_by)), '[]') FROM cs.seats s
         WHERE s.tenant = r.tenant AND s.recommendation_id = r.id AND s.filled_by IS NOT NULL),
        NOT EXISTS (SELECT FROM cs.leaves f WHERE f.tenant = r.tenant AND f.recommendation_id = r.id)
        FROM cs.recommendations r JOIN cs.case_revisions l ON l.tenant = r.tenant AND l.case_id = r.case_id AND l.revision = r.revision
        JOIN cs.cases c ON c.tenant = r.tenant AND c.id = r.case_id
        WHERE r.tenant = me.tenant AND c.queue <> 'governance' ORDER BY r.created_at DESC, r.id LIMIT least(most, 100000);
END $$;
