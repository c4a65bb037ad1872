-- Sign-in with an account elsewhere. The API says which account somebody has proved to hold; who that is stands here, put
-- there by others' signatures. A session opens for the key of a service that was signed in as broker of that issuer and
-- of no other: the password of a database role opens none.

CREATE OR REPLACE FUNCTION cs._malformed_identity(of_tenant text, of_kind text, of_subject text, content jsonb) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = cs, pg_temp AS $$
BEGIN
    -- Plain http is for a provider on this machine.
    IF coalesce(content->>'issuer', '') !~ '^(https://|http://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?(/|$))[!-~]*$' OR length(content->>'issuer') > 500 THEN
        RETURN 'the issuer is the https address of the identity provider, exactly as its tokens say it';
    END IF;
    IF of_kind = 'identity_broker' THEN
        RETURN CASE
            WHEN NOT EXISTS (SELECT FROM cs.actors WHERE tenant = of_tenant AND id = of_subject AND kind = 'service' AND active) THEN 'there is no service ' || of_subject
            WHEN content - 'issuer' <> '{}' THEN 'a broker is {"issuer": "https://…"}' END;
    END IF;
    RETURN CASE
        WHEN NOT EXISTS (SELECT FROM cs.actors WHERE tenant = of_tenant AND id = of_subject AND kind = 'person') THEN 'there is no person ' || of_subject
        WHEN coalesce(content->>'subject', '') !~ '^[!-~]{1,255}$' OR content - 'issuer' - 'subject' <> '{}' THEN
            'an identity is {"issuer": "https://…", "subject": "…"}, the subject as the provider''s tokens say it'
        WHEN EXISTS (SELECT FROM cs.identities i WHERE i.tenant = of_tenant AND i.issuer = content->>'issuer' AND i.subject = content->>'subject'
                     AND i.actor <> of_subject AND i.revoked_at IS NULL) THEN 'this account is linked to somebody else already' END;
END $$;

CREATE OR REPLACE FUNCTION cs._current_identity(of_tenant text, of_kind text, of_subject text) RETURNS text
LANGUAGE sql STABLE SET search_path = cs, pg_temp AS $$
    SELECT CASE of_kind
        WHEN 'identity' THEN (SELECT cs._canon(jsonb_agg(jsonb_build_object('issuer', i.issuer, 'subject', i.subject) ORDER BY i.issuer COLLATE "C"))
                              FROM cs.identities i WHERE i.tenant = of_tenant AND i.actor = of_subject AND i.revoked_at IS NULL)
        ELSE (SELECT cs._canon(jsonb_agg(b.issuer ORDER BY b.issuer COLLATE "C"))
              FROM cs.identity_brokers b WHERE b.tenant = of_tenant AND b.actor = of_subject AND b.revoked_at IS NULL)
    END
$$;

-- Called by cs._apply_change alone, after the gate. A new account at the same issuer takes the place of the older one.
CREATE OR REPLACE FUNCTION cs._apply_identity(rec cs.recommendations, of_kind text, of_subject text, content jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = cs, pg_temp AS $$
BEGIN
    IF of_kind = 'identity_broker' THEN
        INSERT INTO cs.identity_brokers (tenant, actor, issuer, recommendation_id) VALUES (rec.tenant, of_subject, content->>'issuer', rec.id)
        ON CONFLICT DO NOTHING;
        RETURN;
    END IF;
    UPDATE cs.identities SET revoked_at = clock_timestamp()
    WHERE tenant = rec.tenant AND actor = of_subject AND issuer = content->>'issuer' AND revoked_at IS NULL;
    INSERT INTO cs.identities (tenant, actor, issuer, subject, recommendation_id)
    VALUES (rec.tenant, of_subject, content->>'issuer', content->>'subject', rec.id) ON CONFLICT DO NOTHING;
    -- Somebody else was linked to it in the same moment.
    IF NOT FOUND THEN
        PERFORM cs._refuse('CS421', 'this account is linked to somebody else already');
    END IF;
END $$;

-- A session of the person behind an account, for at most so many minutes and never beyond `not_after`; when it ends. The
-- transaction's key is the broker's.
CREATE OR REPLACE FUNCTION cs.open_identity_session(token_sha256 text, of_issuer text, of_subject text, minutes int, not_after timestamptz DEFAULT NULL) RETURNS timestamptz
LANGUAGE plpgsql SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE
    me cs.actors := cs._me();
    key cs.credentials := cs._my_credential();
    account cs.identities;
    who cs.actors;
    ends timestamptz;
    session_id text;
BEGIN
    PERFORM cs._need(me, ARRAY['service'], NULL, 'vouch for an account');
    IF NOT EXISTS (SELECT FROM cs.identity_brokers b WHERE b.tenant = me.tenant AND b.actor = me.id AND b.issuer = of_issuer AND b.revoked_at IS NULL) THEN
        PERFORM cs._refuse('CS403', 'this service may not vouch for accounts of this issuer: propose a change of identity_broker');
    END IF;
    IF minutes IS NULL OR NOT minutes BETWEEN 1 AND 1440 OR token_sha256 IS NULL OR token_sha256 !~ '^[0-9a-f]{64}$' THEN
        PERFORM cs._refuse('CS400', 'a session lasts 1 to 1440 minutes and is kept by the hex SHA-256 of its token');
    END IF;
    -- Locked, so that what revokes it meanwhile finds the session.
    SELECT * INTO account FROM cs.identities i WHERE i.tenant = me.tenant AND i.issuer = of_issuer AND i.subject = of_subject AND i.revoked_at IS NULL FOR SHARE;
    IF account.id IS NULL THEN
        PERFORM cs._refuse('CS403', 'nobody here is linked to this account: ask an administrator to propose a change of identity with your issuer and subject');
    END IF;
    SELECT * INTO who FROM cs.actors a WHERE a.tenant = me.tenant AND a.id = account.actor FOR SHARE;
    IF NOT who.active OR who.kind <> 'person' THEN
        PERFORM cs._refuse('CS403', 'the user behind this account is switched off');
    END IF;
    ends := least(clock_timestamp() + make_interval(mins => minutes), coalesce(not_after, 'infinity'), coalesce(key.expires_at, 'infinity'));
    IF ends <= clock_timestamp() THEN
        PERFORM cs._refuse('CS401', 'the proof of this account has expired');
    END IF;
    DELETE FROM cs.credentials c WHERE c.tenant = me.tenant AND c.actor = who.id AND c.kind = 'session'
        AND least(c.expires_at, coalesce(c.revoked_at, 'infinity')) < now() - interval '30 days';
    INSERT INTO cs.credentials (sha256, tenant, actor, kind, label, expires_at, identity, opened_by)
    VALUES (token_sha256, me.tenant, who.id, 'session', 'identity ' || account.id, ends, account.id, key.id)
    ON CONFLICT DO NOTHING RETURNING id INTO session_id;
    IF session_id IS NULL THEN
        PERFORM cs._refuse('CS400', 'this token was used before: make a new one');
    END IF;
    PERFORM cs._append(me.tenant, who.id, 'session.opened', session_id,
        jsonb_build_object('identity', account.id, 'broker', me.id, 'expires_at', cs._stamp(ends)));
    RETURN ends;
END $$;

-- Power is taken away at once: by the person, or by an administrator.
CREATE OR REPLACE FUNCTION cs.revoke_identity(of_issuer text, of_subject text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE
    me cs.actors := cs._me();
    account cs.identities;
BEGIN
    SELECT * INTO account FROM cs.identities i WHERE i.tenant = me.tenant AND i.issuer = of_issuer AND i.subject = of_subject AND i.revoked_at IS NULL FOR UPDATE;
    IF account.id IS NULL THEN PERFORM cs._refuse('CS404', 'there is no such linked account'); END IF;
    PERFORM cs._need(me, ARRAY['person'], CASE WHEN account.actor <> me.id THEN ARRAY['administrator'] END, 'unlink accounts of others');
    UPDATE cs.identities SET revoked_at = clock_timestamp() WHERE tenant = me.tenant AND id = account.id;
    PERFORM cs._append(me.tenant, me.id, 'identity.revoked', account.id, jsonb_build_object('actor', account.actor));
END $$;

CREATE OR REPLACE FUNCTION cs.revoke_identity_broker(of_actor text, of_issuer text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE me cs.actors := cs._me();
BEGIN
    PERFORM cs._need(me, ARRAY['person'], ARRAY['administrator'], 'end a broker');
    UPDATE cs.identity_brokers SET revoked_at = clock_timestamp() WHERE tenant = me.tenant AND actor = of_actor AND issuer = of_issuer AND revoked_at IS NULL;
    IF NOT FOUND THEN PERFORM cs._refuse('CS404', 'there is no such broker'); END IF;
    PERFORM cs._append(me.tenant, me.id, 'identity_broker.revoked', of_actor, jsonb_build_object('issuer', of_issuer));
END $$;

-- Sessions end with what they came from: the account, the broker for that issuer, the broker's key, the broker itself.
CREATE OR REPLACE FUNCTION cs._end_identity_sessions() RETURNS trigger
LANGUAGE plpgsql SET search_path = cs, pg_temp AS $$
BEGIN
    UPDATE cs.credentials c SET revoked_at = clock_timestamp()
    WHERE c.tenant = NEW.tenant AND c.kind = 'session' AND c.revoked_at IS NULL AND CASE TG_TABLE_NAME
        WHEN 'identities' THEN c.identity = to_jsonb(NEW)->>'id'
        WHEN 'credentials' THEN c.opened_by = to_jsonb(NEW)->>'id'
        WHEN 'actors' THEN c.opened_by IN (SELECT k.id FROM cs.credentials k WHERE k.tenant = NEW.tenant AND k.actor = to_jsonb(NEW)->>'id')
        ELSE c.opened_by IN (SELECT k.id FROM cs.credentials k WHERE k.tenant = NEW.tenant AND k.actor = to_jsonb(NEW)->>'actor')
             AND c.identity IN (SELECT i.id FROM cs.identities i WHERE i.tenant = NEW.tenant AND i.issuer = to_jsonb(NEW)->>'issuer')
    END;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER identities_end_sessions AFTER UPDATE OF revoked_at ON cs.identities
    FOR EACH ROW WHEN (OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL) EXECUTE FUNCTION cs._end_identity_sessions();
CREATE OR REPLACE TRIGGER brokers_end_sessions AFTER UPDATE OF revoked_at ON cs.identity_brokers
    FOR EACH ROW WHEN (OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL) EXECUTE FUNCTION cs._end_identity_sessions();
CREATE OR REPLACE TRIGGER broker_keys_end_sessions AFTER UPDATE OF revoked_at ON cs.credentials
    FOR EACH ROW WHEN (NEW.kind <> 'session' AND OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL) EXECUTE FUNCTION cs._end_identity_sessions();
CREATE OR REPLACE TRIGGER switched_off_brokers_end_sessions AFTER UPDATE OF active ON cs.actors
    FOR EACH ROW WHEN (NEW.kind = 'service' AND OLD.active AND NOT NEW.active) EXECUTE FUNCTION cs._end_identity_sessions();
