-- Tenants, people, credentials, policy: genesis and after.

CREATE OR REPLACE FUNCTION cs._add_actor(of_tenant text, person jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = cs, pg_temp AS $$
BEGIN
    INSERT INTO cs.actors (tenant, id, kind, name, email, roles)
    VALUES (of_tenant, person->>'id', person->>'kind', person->>'name', person->>'email',
            ARRAY(SELECT jsonb_array_elements_text(coalesce(person->'roles', '[]'))));
    IF person->>'token_sha256' IS NOT NULL THEN
        INSERT INTO cs.credentials (sha256, tenant, actor, kind, label)
        VALUES (person->>'token_sha256', of_tenant, person->>'id',
                CASE WHEN person->>'kind' = 'person' THEN 'api_key' ELSE 'service' END, 'first');
    END IF;
END $$;

CREATE OR REPLACE FUNCTION cs._activate_policy(of_tenant text, policy_text text, policy_source text) RETURNS int
LANGUAGE plpgsql SET search_path = cs, pg_temp AS $$
DECLARE
    rows jsonb := policy_text::jsonb;
    next_version int;
    digest text := 'sha256:' || cs._sha256(E'countersign/policy/v1\n' || policy_text);
BEGIN
    IF cs._canon(rows) <> policy_text THEN
        PERFORM cs._refuse('CS431', 'the policy is not in canonical form');
    END IF;
    IF coalesce(btrim(rows->>'owner'), '') = '' OR jsonb_array_length(rows->'rules') = 0 THEN
        PERFORM cs._refuse('CS431', 'a policy needs a named owner and at least one rule');
    END IF;
    SELECT coalesce(max(version), 0) + 1 INTO next_version FROM cs.policies WHERE tenant = of_tenant;
    UPDATE cs.policies SET active = false WHERE tenant = of_tenant AND active;
    INSERT INTO cs.policies (tenant, version, digest, name, owner, currency, undo_seconds, canon, source, active)
    VALUES (of_tenant, next_version, digest, rows->>'name', rows->>'owner', rows->>'currency',
            (rows->>'undo_seconds')::int, policy_text, policy_source, true);
    INSERT INTO cs.matrix_rules (tenant, version, rule_id, actions, amount_from, amount_below, risk_from, entities,
                                 regions, expires_hours, evidence, bulk, window_days, signature)
    SELECT of_tenant, next_version, r->>'id', ARRAY(SELECT jsonb_array_elements_text(r->'actions')),
           (r->>'amount_from')::numeric, (r->>'amount_below')::numeric,
           array_position(ARRAY['low', 'normal', 'high'], r->>'risk_from'),
           ARRAY(SELECT jsonb_array_elements_text(r->'entities')), ARRAY(SELECT jsonb_array_elements_text(r->'regions')),
           (r->>'expires_hours')::int, ARRAY(SELECT jsonb_array_elements_text(r->'evidence')), (r->>'bulk')::boolean,
           (r->>'window_days')::int, coalesce((r->>'signature')::boolean, false)
    FROM jsonb_array_elements(rows->'rules') AS r;
    INSERT INTO cs.matrix_seats (tenant, version, rule_id, role, seats)
    SELECT of_tenant, next_version, r->>'id', s.key, s.value::int
    FROM jsonb_array_elements(rows->'rules') AS r, jsonb_each_text(r->'seats') AS s;
    INSERT INTO cs.workflows (tenant, version, queue, exception_type, owner, sla_hours, actions, calendar, mode, letters, plan)
    SELECT of_tenant, next_version, w->>'queue', w->>'exception_type', w->>'owner', (w->>'sla_hours')::int,
           ARRAY(SELECT jsonb_array_elements_text(w->'actions')), coalesce(w->>'calendar', 'always'),
           coalesce(rows#>>ARRAY['modes', w->>'queue'], 'ai'),
           ARRAY(SELECT jsonb_array_elements_text(coalesce(w->'letters', '[]'))), coalesce(w->'plan', '{}')
    FROM jsonb_array_elements(rows->'workflows') AS w;
    RETURN next_version;
END $$;

-- The first act: valid only while no policy is active for the tenant, by the owner only. Ledger entry 1.
CREATE OR REPLACE FUNCTION cs.genesis(of_tenant text, tenant_name text, tenant_region text, people jsonb,
                                      policy_text text, policy_source text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE
    made_version int;
    person jsonb;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('countersign genesis ' || of_tenant, 0));
    IF EXISTS (SELECT FROM cs.policies WHERE tenant = of_tenant AND active) THEN
        PERFORM cs._refuse('CS434', 'a policy is active already: genesis happens once');
    END IF;
    IF (SELECT count(DISTINCT p->>'id') FROM jsonb_array_elements(people) AS p
        WHERE p->>'kind' = 'person' AND p->'roles' ? 'administrator') < 2 THEN
        PERFORM cs._refuse('CS400', 'genesis names at least two administrators');
    END IF;
    INSERT INTO cs.tenants (id, name, region) VALUES (of_tenant, tenant_name, tenant_region)
    ON CONFLICT (id) DO NOTHING;
    INSERT INTO cs.ledger_heads (tenant, seq, hash) VALUES (of_tenant, 0, repeat('0', 64)) ON CONFLICT DO NOTHING;
    FOR person IN SELECT * FROM jsonb_array_elements(people) LOOP
        PERFORM cs._add_actor(of_tenant, person);
    END LOOP;
    made_version := cs._activate_policy(of_tenant, policy_text, policy_source);
    PERFORM cs._append(of_tenant, 'genesis', 'genesis', of_tenant, jsonb_build_object(
        'people', (SELECT jsonb_agg(p - 'token_sha256' - 'email') FROM jsonb_array_elements(people) AS p),
        'policy', (SELECT digest FROM cs.policies p WHERE p.tenant = of_tenant AND p.version = made_version)));
    RETURN (SELECT hash FROM cs.ledger_heads WHERE tenant = of_tenant);
END $$;

CREATE OR REPLACE FUNCTION cs.add_actor(person jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE me cs.actors := cs._me();
BEGIN
    PERFORM cs._need(me, ARRAY['person'], ARRAY['administrator'], 'add users');
    IF person->>'kind' IS NULL OR person->>'id' IS NULL OR person->>'name' IS NULL THEN
        PERFORM cs._refuse('CS400', 'a user needs id, kind and name');
    END IF;
    -- Two names that look alike would be one signature that counts as two.
    IF person->>'id' !~ '^[A-Za-z0-9][A-Za-z0-9._@-]{0,99}$' THEN
        PERFORM cs._refuse('CS454', 'this is no user id: begin with a letter or digit, then letters, digits, . _ @ -');
    END IF;
    PERFORM cs._check_texts(person, ARRAY['name'], 'a user''s');
    IF person->>'email' !~ '^[!-~]+$' THEN
        PERFORM cs._refuse('CS454', 'an e-mail address has plain ASCII characters only');
    END IF;
    IF EXISTS (SELECT FROM cs.actors a WHERE a.tenant = me.tenant AND a.id <> person->>'id'
               AND (lower(a.id) = lower(person->>'id') OR a.kind = 'person' AND person->>'kind' = 'person' AND lower(a.email) = lower(person->>'email'))) THEN
        PERFORM cs._refuse('CS421', 'there is a user with this id or e-mail address already: one person signs once');
    END IF;
    -- Roles are power: one administrator alone must not make the people who then sign.
    IF person->>'kind' = 'person' AND jsonb_array_length(coalesce(person->'roles', '[]')) > 0 THEN
        PERFORM cs._refuse('CS439', 'a role is granted through the gate: add the user without roles, then propose a change of roles');
    END IF;
    PERFORM cs._add_actor(me.tenant, person);
    PERFORM cs._append(me.tenant, me.id, 'actor.added', person->>'id', person - 'token_sha256' - 'email');
END $$;

CREATE OR REPLACE FUNCTION cs.set_active(of_actor text, is_active boolean) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE me cs.actors := cs._me();
BEGIN
    PERFORM cs._need(me, ARRAY['person'], ARRAY['administrator'], 'switch users on or off');
    IF is_active THEN
        PERFORM cs._refuse('CS439', 'a user comes back through the gate: propose a change of roles');
    END IF;
    UPDATE cs.actors SET active = is_active WHERE tenant = me.tenant AND id = of_actor;
    IF NOT FOUND THEN PERFORM cs._refuse('CS404', 'there is no user ' || of_actor); END IF;
    PERFORM cs._append(me.tenant, me.id, 'actor.deactivated', of_actor, '{}');
END $$;

-- Whoever may decide sees what they decide on: `decide` brings `read`.
CREATE OR REPLACE FUNCTION cs.issue_key(token_sha256 text, for_actor text, key_label text, expires timestamptz, of_scopes text[]) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE
    me cs.actors := cs._me();
    key_id text;
    limits text[] := CASE WHEN of_scopes IS NOT NULL THEN ARRAY(SELECT DISTINCT s FROM unnest(of_scopes || CASE WHEN 'decide' = ANY (of_scopes) THEN '{read}'::text[] ELSE '{}' END) AS s ORDER BY s) END;
BEGIN
    -- A stolen cookie must not become a key that outlives it.
    IF EXISTS (SELECT FROM cs.credentials WHERE kind = 'session'
               AND sha256 = cs._sha256(nullif(current_setting('countersign.token', true), ''))) THEN
        PERFORM cs._refuse('CS403', 'a console session cannot make keys: use your API key');
    END IF;
    IF limits = '{}' OR NOT limits <@ '{read,decide,submit}' THEN
        PERFORM cs._refuse('CS400', 'the scopes of a key are read, decide and submit');
    END IF;
    IF EXISTS (SELECT FROM cs.identity_brokers b WHERE b.tenant = me.tenant AND b.actor = for_actor AND b.revoked_at IS NULL) THEN
        PERFORM cs._refuse('CS439', 'whoever holds this key opens sessions of others: end the broker, issue the key, then propose a change of identity_broker');
    END IF;
    IF for_actor <> me.id THEN
        PERFORM cs._need(me, ARRAY['person'], ARRAY['administrator'], 'issue keys for others');
        -- A key for another person is that person's signature: only machines get keys from others.
        IF EXISTS (SELECT FROM cs.actors WHERE tenant = me.tenant AND id = for_actor AND kind = 'person'
                   AND EXISTS (SELECT FROM cs.credentials c WHERE c.tenant = me.tenant AND c.actor = for_actor AND c.revoked_at IS NULL)) THEN
            PERFORM cs._refuse('CS403', 'this person has a key already: nobody else may make another');
        END IF;
        -- Nor after revoking the person's own: who gets a new key from somebody else, signs again when others have said so.
        IF EXISTS (SELECT FROM cs.actors WHERE tenant = me.tenant AND id = for_actor AND kind = 'person' AND active AND cardinality(roles) > 0) THEN
            PERFORM cs._refuse('CS439', 'whoever holds this key signs as ' || for_actor || ': switch the user off, issue the key, then propose a change of roles that brings them back');
        END IF;
    END IF;
    INSERT INTO cs.credentials (sha256, tenant, actor, kind, label, expires_at, scopes)
    VALUES (token_sha256, me.tenant, for_actor, 'api_key', key_label, expires, limits) RETURNING id INTO key_id;
    PERFORM cs._append(me.tenant, me.id, 'key.issued', key_id, jsonb_build_object('actor', for_actor, 'label', key_label)
        || CASE WHEN limits IS NOT NULL THEN jsonb_build_object('scopes', to_jsonb(limits)) ELSE '{}' END);
    RETURN key_id;
END $$;

-- A key that may do all that its owner may.
CREATE OR REPLACE FUNCTION cs.issue_key(token_sha256 text, for_actor text, key_label text, expires timestamptz) RETURNS text
LANGUAGE sql SECURITY DEFINER SET search_path = cs, pg_temp AS $$
    SELECT cs.issue_key(token_sha256, for_actor, key_label, expires, NULL)
$$;

CREATE OR REPLACE FUNCTION cs.revoke_key(key_id text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE
    me cs.actors := cs._me();
    whose text;
BEGIN
    SELECT actor INTO whose FROM cs.credentials WHERE id = key_id AND tenant = me.tenant AND revoked_at IS NULL;
    IF whose IS NULL THEN PERFORM cs._refuse('CS404', 'there is no such live key'); END IF;
    IF whose <> me.id THEN
        PERFORM cs._need(me, ARRAY['person'], ARRAY['administrator'], 'revoke keys of others');
    END IF;
    UPDATE cs.credentials SET revoked_at = now() WHERE id = key_id AND tenant = me.tenant;
    PERFORM cs._append(me.tenant, me.id, 'key.revoked', key_id, jsonb_build_object('actor', whose));
END $$;
