-- Sessions of the console: a person's API key opens one, sign-out closes it, and it never outlives the key.
-- The record keeps the token's SHA-256 only. `label` is the id of the key that opened it.

CREATE OR REPLACE FUNCTION cs._my_credential() RETURNS cs.credentials
LANGUAGE sql STABLE SET search_path = cs, pg_temp AS $$
    SELECT c.* FROM cs.credentials c
    WHERE c.sha256 = cs._sha256(nullif(current_setting('countersign.token', true), ''))
$$;

-- A session for the person whose key this transaction holds; when it ends.
CREATE OR REPLACE FUNCTION cs.open_session(token_sha256 text, minutes int) RETURNS timestamptz
LANGUAGE plpgsql SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE
    me cs.actors := cs._me();
    key cs.credentials := cs._my_credential();
    ends timestamptz;
    session_id text;
BEGIN
    PERFORM cs._need(me, ARRAY['person'], NULL, 'sign in');
    -- A session that opened others would never end.
    IF key.kind <> 'api_key' THEN
        PERFORM cs._refuse('CS403', 'sign in with your API key: a session cannot open another');
    END IF;
    IF minutes IS NULL OR NOT minutes BETWEEN 1 AND 1440 OR token_sha256 IS NULL OR token_sha256 !~ '^[0-9a-f]{64}$' THEN
        PERFORM cs._refuse('CS400', 'a session lasts 1 to 1440 minutes and is kept by the hex SHA-256 of its token');
    END IF;
    ends := least(now() + make_interval(mins => minutes), coalesce(key.expires_at, 'infinity'));
    -- What ended long ago is of no use here: the ledger remembers it.
    DELETE FROM cs.credentials c WHERE c.tenant = me.tenant AND c.actor = me.id AND c.kind = 'session'
        AND least(c.expires_at, coalesce(c.revoked_at, 'infinity')) < now() - interval '30 days';
    INSERT INTO cs.credentials (sha256, tenant, actor, kind, label, expires_at)
    VALUES (token_sha256, me.tenant, me.id, 'session', key.id, ends)
    ON CONFLICT DO NOTHING RETURNING id INTO session_id;
    IF session_id IS NULL THEN
        PERFORM cs._refuse('CS400', 'this token was used before: make a new one');
    END IF;
    PERFORM cs._append(me.tenant, me.id, 'session.opened', session_id,
        jsonb_build_object('key', key.id, 'expires_at', cs._stamp(ends)));
    RETURN ends;
END $$;

-- The session of this transaction: its id and when it ends. An API key is none.
CREATE OR REPLACE FUNCTION cs.session() RETURNS TABLE (id text, expires_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE
    me cs.actors := cs._me();
    mine cs.credentials := cs._my_credential();
BEGIN
    IF mine.kind <> 'session' THEN
        PERFORM cs._refuse('CS401', 'sign in first: this is not a session');
    END IF;
    RETURN QUERY SELECT mine.id, mine.expires_at;
END $$;

CREATE OR REPLACE FUNCTION cs.close_session() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE
    me cs.actors := cs._me();
    mine cs.credentials;
BEGIN
    UPDATE cs.credentials c SET revoked_at = now() WHERE c.sha256 = (cs._my_credential()).sha256 AND c.kind = 'session'
        AND c.revoked_at IS NULL RETURNING * INTO mine;
    IF mine.id IS NULL THEN
        PERFORM cs._refuse('CS401', 'sign in first: this is not a session');
    END IF;
    PERFORM cs._append(me.tenant, me.id, 'session.closed', mine.id, jsonb_build_object('key', mine.label));
END $$;

-- A key that is revoked takes the sessions with it that it opened; its own ledger entry covers them.
CREATE OR REPLACE FUNCTION cs._end_sessions() RETURNS trigger
LANGUAGE plpgsql SET search_path = cs, pg_temp AS $$
BEGIN
    UPDATE cs.credentials c SET revoked_at = NEW.revoked_at
    WHERE c.tenant = NEW.tenant AND c.actor = NEW.actor AND c.kind = 'session' AND c.label = NEW.id AND c.revoked_at IS NULL;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER credentials_end_sessions AFTER UPDATE OF revoked_at ON cs.credentials
    FOR EACH ROW WHEN (NEW.kind = 'api_key' AND OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL)
    EXECUTE FUNCTION cs._end_sessions();
