-- What a control refused: its ids are those of docs/governance.md, and the ledger keeps who tried what.

-- The controls that speak in a refusal, by SQLSTATE: governance/errors.py has the same. Empty where it is none of them.
CREATE OR REPLACE FUNCTION cs._controls(code text) RETURNS text[]
LANGUAGE sql IMMUTABLE SET search_path = cs, pg_temp AS $$
    SELECT CASE code
        WHEN 'CS410' THEN '{SOD-10}' WHEN 'CS411' THEN '{SEAT-01}' WHEN 'CS412' THEN '{SOD-00}' WHEN 'CS414' THEN '{SEAT-07}'
        WHEN 'CS420' THEN '{GATE-03}' WHEN 'CS422' THEN '{GATE-06}' WHEN 'CS423' THEN '{SOD-11}'
        WHEN 'CS426' THEN '{GATE-05}' WHEN 'CS427' THEN '{GATE-05}' WHEN 'CS428' THEN '{GATE-04}' WHEN 'CS434' THEN '{CHG-04}'
        WHEN 'CS435' THEN '{SEAT-04}' WHEN 'CS436' THEN '{SEAT-06}' WHEN 'CS437' THEN '{SEAT-05}' WHEN 'CS438' THEN '{PRIV-02}'
        WHEN 'CS439' THEN '{CHG-01}' ELSE '{}' END::text[]
$$;

-- A decision of the caller's own that was refused, said once per recommendation, decision and code; whether this said it.
-- The refused transaction left nothing behind, so who asked it says so afterwards, in another one.
CREATE OR REPLACE FUNCTION cs.note_refusal(of_recommendation text, verb text, code text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE
    me cs.actors := cs._me_for('read');
    rec cs.recommendations;
    -- Machines and auditors are refused for what they are, before anything else is asked; nobody else is.
    named text[] := CASE WHEN me.kind <> 'person' THEN CASE WHEN code = 'CS412' THEN cs._controls(code) ELSE '{}' END
        WHEN 'auditor' = ANY (me.roles) THEN CASE WHEN code = 'CS403' THEN '{SOD-01}'::text[] ELSE '{}' END
        WHEN code = 'CS412' THEN '{}' ELSE cs._controls(code) END;
BEGIN
    IF coalesce(cardinality(named), 0) = 0 THEN
        PERFORM cs._refuse('CS400', 'no control refuses a decision of yours with ' || coalesce(code, 'null'));
    END IF;
    IF verb IS NULL OR NOT verb IN ('approve', 'override', 'reject', 'send_back', 'escalate', 'withdraw') THEN
        PERFORM cs._refuse('CS400', 'a decision is approve, override, reject, send_back, escalate or withdraw');
    END IF;
    SELECT * INTO rec FROM cs.recommendations WHERE tenant = me.tenant AND id = of_recommendation;
    IF rec.id IS NULL THEN
        PERFORM cs._refuse('CS404', 'there is no such recommendation');
    END IF;
    IF cs._is_noted(rec, me.id, verb, code) THEN
        RETURN false;
    END IF;
    -- Who says the same at the same time waits here, and then sees that it was said.
    PERFORM FROM cs.ledger_heads WHERE tenant = me.tenant FOR UPDATE;
    IF cs._is_noted(rec, me.id, verb, code) THEN
        RETURN false;
    END IF;
    PERFORM cs._append(me.tenant, me.id, 'decision.refused', rec.id, jsonb_build_object(
        'decision', verb, 'controls', to_jsonb(named), 'code', code, 'digest', rec.digest));
    RETURN true;
END $$;

-- Volatile: asked again behind the lock, it must see what was committed meanwhile.
CREATE OR REPLACE FUNCTION cs._is_noted(rec cs.recommendations, who text, verb text, code text) RETURNS boolean
LANGUAGE sql VOLATILE SET search_path = cs, pg_temp AS $$
    SELECT EXISTS (SELECT FROM cs.ledger l, LATERAL (SELECT l.entry::jsonb AS j) e
        WHERE l.tenant = rec.tenant AND l.subject = rec.id AND l.kind = 'decision.refused'
        AND (j->>'actor', j#>>'{body,decision}', j#>>'{body,code}') = (who, verb, code))
$$;
