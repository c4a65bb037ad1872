-- The ground that the other functions stand on: refusal, canonical text, the session, the ledger.

CREATE OR REPLACE FUNCTION cs._refuse(code text, message text, extra jsonb DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SET search_path = cs, pg_temp AS $$
BEGIN
    IF extra IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = code, MESSAGE = message;
    END IF;
    RAISE EXCEPTION USING ERRCODE = code, MESSAGE = message, DETAIL = extra::text;
END $$;

-- RFC 8785 for the values that the record composes: ASCII keys, strings, whole numbers, booleans, null.
CREATE OR REPLACE FUNCTION cs._canon(v jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = cs, pg_temp AS $$
DECLARE result text;
BEGIN
    CASE jsonb_typeof(v)
        WHEN 'object' THEN
            SELECT '{' || coalesce(string_agg(to_json(k)::text || ':' || cs._canon(e), ',' ORDER BY k COLLATE "C"), '') || '}'
            INTO result FROM jsonb_each(v) AS t(k, e);
        WHEN 'array' THEN
            SELECT '[' || coalesce(string_agg(cs._canon(e), ',' ORDER BY n), '') || ']'
            INTO result FROM jsonb_array_elements(v) WITH ORDINALITY AS t(e, n);
        WHEN 'number' THEN
            IF v::text !~ '^(0|-?[1-9][0-9]{0,14})$' THEN
                PERFORM cs._refuse('CS400', 'numbers in the record are whole: write others as strings');
            END IF;
            result := v::text;
        ELSE
            result := v::text;
    END CASE;
    RETURN result;
END $$;

CREATE OR REPLACE FUNCTION cs._sha256(t text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT SET search_path = cs, pg_temp AS $$
    SELECT encode(sha256(convert_to(t, 'UTF8')), 'hex')
$$;

CREATE OR REPLACE FUNCTION cs._salt() RETURNS text
LANGUAGE sql VOLATILE SET search_path = cs, pg_temp AS $$
    SELECT replace(gen_random_uuid()::text, '-', '')
$$;

CREATE OR REPLACE FUNCTION cs._stamp(t timestamptz) RETURNS text
LANGUAGE sql STABLE STRICT SET search_path = cs, pg_temp AS $$
    SELECT to_char(t AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
$$;

-- The tenant of the session token, or null. Row-level security asks this; a forged token sees nothing.
CREATE OR REPLACE FUNCTION cs.tenant() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = cs, pg_temp AS $$
    SELECT c.tenant FROM cs.credentials c JOIN cs.actors a ON a.tenant = c.tenant AND a.id = c.actor
    WHERE c.sha256 = cs._sha256(nullif(current_setting('countersign.token', true), ''))
      AND c.revoked_at IS NULL AND (c.expires_at IS NULL OR c.expires_at > clock_timestamp()) AND a.active
      -- A key that may only submit sees what the door needs to see, and nothing elsewhere.
      AND (c.scopes IS NULL OR 'read' = ANY (c.scopes) OR session_user = 'countersign_intake' AND 'submit' = ANY (c.scopes))
$$;

-- Who acts, by the token of this transaction. A key with scopes does only what says that it takes such a key: `scope` is
-- the one that is enough; 'any' takes every key, null none with scopes. Raises CS401, CS403, CS456.
CREATE OR REPLACE FUNCTION cs._me_for(scope text) RETURNS cs.actors
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE
    me cs.actors;
    key record;
BEGIN
    -- An older view of the record would hide a revoked key, a switched-off signer, a payee's new account.
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        PERFORM cs._refuse('CS456', 'use a transaction at READ COMMITTED: an older view of the record would hide what has changed');
    END IF;
    SELECT a AS who, c.scopes INTO key FROM cs.credentials c JOIN cs.actors a ON a.tenant = c.tenant AND a.id = c.actor
    WHERE c.sha256 = cs._sha256(nullif(current_setting('countersign.token', true), ''))
      AND c.revoked_at IS NULL AND (c.expires_at IS NULL OR c.expires_at > clock_timestamp()) AND a.active;
    IF NOT FOUND THEN
        PERFORM cs._refuse('CS401', 'sign in first: no valid API key or session was given');
    END IF;
    IF key.scopes IS NOT NULL AND scope IS DISTINCT FROM 'any' AND NOT coalesce(scope = ANY (key.scopes), false) THEN
        PERFORM cs._refuse('CS403', 'this key may only ' || array_to_string(key.scopes, ' and ') || ': use another');
    END IF;
    me := key.who;
    RETURN me;
END $$;

CREATE OR REPLACE FUNCTION cs._me() RETURNS cs.actors
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = cs, pg_temp AS $$
    SELECT cs._me_for(NULL)
$$;

CREATE OR REPLACE FUNCTION cs.whoami() RETURNS TABLE (tenant text, id text, kind text, name text, roles text[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = cs, pg_temp AS $$
    SELECT m.tenant, m.id, m.kind, m.name, m.roles FROM cs._me_for('any') m
$$;

CREATE OR REPLACE FUNCTION cs._need(me cs.actors, kinds text[], roles text[], what text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = cs, pg_temp AS $$
BEGIN
    IF NOT me.kind = ANY (kinds) THEN
        IF kinds = ARRAY['person'] THEN
            PERFORM cs._refuse('CS412', 'only a person may ' || what || ': services and agents never do');
        END IF;
        PERFORM cs._refuse('CS403', 'a ' || me.kind || ' may not ' || what);
    END IF;
    IF roles IS NOT NULL AND NOT me.roles && roles THEN
        PERFORM cs._refuse('CS403', 'your roles do not permit you to ' || what);
    END IF;
END $$;

-- One entry of the chain; always the last statement of its transaction's function, for the head row's
-- lock orders all writers of the tenant from here to commit.
CREATE OR REPLACE FUNCTION cs._append(of_tenant text, by_actor text, of_kind text, of_subject text, body jsonb) RETURNS bigint
LANGUAGE plpgsql SET search_path = cs, pg_temp AS $$
DECLARE
    head cs.ledger_heads;
    line text;
    digest text;
BEGIN
    SELECT * INTO head FROM cs.ledger_heads WHERE tenant = of_tenant FOR UPDATE;
    line := cs._canon(jsonb_build_object(
        'tenant', of_tenant, 'seq', head.seq + 1, 'at', cs._stamp(clock_timestamp()), 'actor', by_actor,
        'kind', of_kind, 'subject', of_subject, 'body', body, 'prev', head.hash));
    digest := cs._sha256(E'countersign/ledger/v1\n' || line);
    INSERT INTO cs.ledger (tenant, seq, entry, hash, kind, subject)
    VALUES (of_tenant, head.seq + 1, line, digest, of_kind, of_subject);
    UPDATE cs.ledger_heads SET seq = head.seq + 1, hash = digest WHERE tenant = of_tenant;
    RETURN head.seq + 1;
END $$;

CREATE OR REPLACE FUNCTION cs._case_state(of_tenant text, of_case text, allowed text[], next_state text) RETURNS void
LANGUAGE plpgsql SET search_path = cs, pg_temp AS $$
BEGIN
    UPDATE cs.cases SET state = next_state, updated_at = now()
    WHERE tenant = of_tenant AND id = of_case AND state = ANY (allowed);
    IF NOT FOUND THEN
        PERFORM cs._refuse('CS421', 'the case cannot go to ' || next_state || ' from where it is');
    END IF;
END $$;

-- Append-only tables stay append-only whoever asks, short of a superuser who disables the trigger.
CREATE OR REPLACE FUNCTION cs._immutable() RETURNS trigger
LANGUAGE plpgsql SET search_path = cs, pg_temp AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'CS403', MESSAGE = TG_TABLE_NAME || ' is append-only';
END $$;

CREATE OR REPLACE TRIGGER ledger_immutable BEFORE UPDATE OR DELETE ON cs.ledger
    FOR EACH ROW EXECUTE FUNCTION cs._immutable();
CREATE OR REPLACE TRIGGER ledger_no_truncate BEFORE TRUNCATE ON cs.ledger
    FOR EACH STATEMENT EXECUTE FUNCTION cs._immutable();
CREATE OR REPLACE TRIGGER case_revisions_immutable BEFORE UPDATE OR DELETE ON cs.case_revisions
    FOR EACH ROW EXECUTE FUNCTION cs._immutable();
CREATE OR REPLACE TRIGGER policy_rows_immutable BEFORE UPDATE OR DELETE ON cs.matrix_rules
    FOR EACH ROW EXECUTE FUNCTION cs._immutable();
CREATE OR REPLACE TRIGGER policy_seats_immutable BEFORE UPDATE OR DELETE ON cs.matrix_seats
    FOR EACH ROW EXECUTE FUNCTION cs._immutable();
CREATE OR REPLACE TRIGGER corrections_immutable BEFORE UPDATE OR DELETE ON cs.corrections
    FOR EACH ROW EXECUTE FUNCTION cs._immutable();
