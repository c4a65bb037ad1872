-- Collections: contacts that were carried out, the draws of the control slice, the numbers of the worklist.

-- A leaf with findings brings its numbers along. Whatever an agent wrote there, filing does not fail for it.
CREATE OR REPLACE FUNCTION cs._worklist_row() RETURNS trigger
LANGUAGE plpgsql SET search_path = cs, pg_temp AS $$
DECLARE
    said jsonb;
    best jsonb;
    cash jsonb;
    lot jsonb;
    numbers text[];
BEGIN
    IF NEW.name <> 'findings' OR NOT pg_input_is_valid(NEW.content, 'jsonb') THEN
        RETURN NULL;
    END IF;
    said := NEW.content::jsonb;
    best := said #> '{collections,value}';
    cash := said #> '{risk,expected_cash}';
    lot := said #> '{collections,control}';
    IF NOT coalesce(lot->>'group' IN ('delayed', 'as_usual') AND lot->>'propensity' ~ '^0\.[0-9]{1,6}$' AND lot->>'propensity' ~ '[1-9]', false) THEN
        lot := NULL;
    END IF;
    IF best IS NULL AND cash IS NULL AND lot IS NULL THEN
        RETURN NULL;
    END IF;
    -- A person's own action is not worth what the agent's was.
    IF best->>'action' IS DISTINCT FROM (SELECT r.action FROM cs.recommendations r WHERE r.tenant = NEW.tenant AND r.id = NEW.recommendation_id) THEN
        best := NULL;
    END IF;
    SELECT array_agg(CASE WHEN t ~ '^-?[0-9]{1,15}(\.[0-9]{1,6})?$' THEN t END ORDER BY n) INTO numbers
    FROM unnest(ARRAY[best->>'value', best->>'value_eur', best->>'minutes']) WITH ORDINALITY AS u(t, n);
    INSERT INTO cs.worklist (tenant, recommendation_id, value, value_eur, minutes, cash, delayed, propensity)
    VALUES (NEW.tenant, NEW.recommendation_id, numbers[1]::numeric, numbers[2]::numeric, least(numbers[3]::numeric, 100000)::int,
        CASE WHEN jsonb_typeof(cash) = 'array' AND octet_length(cash::text) <= 4000 THEN cash END,
        lot->>'group' = 'delayed', (lot->>'propensity')::numeric)
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS worklist_row ON cs.leaves;
CREATE TRIGGER worklist_row AFTER INSERT ON cs.leaves FOR EACH ROW EXECUTE FUNCTION cs._worklist_row();

-- What was carried out about the invoice of each of these cases, and since when it is disputed. Role agent or review.
CREATE OR REPLACE FUNCTION cs.dunning(of_cases text[]) RETURNS TABLE (case_id text, recommendation_id text, action text, tone text, day date)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE me cs.actors := cs._me_for('any');
BEGIN
    RETURN QUERY
    WITH asked AS MATERIALIZED (
        SELECT v.case_id, v.customer_id, v.invoice_id FROM cs.cases c
        JOIN cs.case_revisions v ON v.tenant = c.tenant AND v.case_id = c.id AND v.revision = c.revision
        WHERE c.tenant = me.tenant AND c.id = ANY (of_cases)
    ), beside AS MATERIALIZED (
        SELECT a.case_id, a.case_id AS other FROM asked a
        UNION SELECT a.case_id, v.case_id FROM asked a JOIN cs.case_revisions v ON v.tenant = me.tenant
            AND v.customer_id = a.customer_id AND v.invoice_id = a.invoice_id
    )
    SELECT b.case_id, r.id, r.action, r.envelope::jsonb #>> '{action,args,tone}', coalesce(e.settled_at, e.created_at)::date
    FROM beside b JOIN cs.recommendations r ON r.tenant = me.tenant AND r.case_id = b.other AND r.state = 'executed'
        AND r.action IN ('send_customer_reminder', 'schedule_call', 'wait_until', 'open_dispute', 'place_credit_hold', 'escalate_to_collections')
    JOIN cs.effects e ON e.tenant = r.tenant AND e.recommendation_id = r.id
    UNION ALL
    SELECT b.case_id, '', 'disputed', NULL, c.created_at::date
    FROM beside b JOIN cs.cases c ON c.tenant = me.tenant AND c.id = b.other AND c.exception_type = 'dispute'
        AND c.id <> b.case_id AND c.state NOT IN ('done', 'rejected', 'superseded')
    ORDER BY 1, 5, 2;
END $$;

-- The draw of a case in a period: 52 bits of a hash with the tenant's secret, as a number from 0 up to 1. The secret goes in
-- at both ends, so that no hash can be prolonged. An auditor may ask again: the answer is the same.
CREATE OR REPLACE FUNCTION cs.control_draws(of_cases text[], of_period text) RETURNS TABLE (case_id text, draw double precision)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE
    me cs.actors := cs._me_for('any');
    key bytea;
BEGIN
    SELECT k.secret INTO key FROM cs.control_keys k WHERE k.tenant = me.tenant;
    IF key IS NULL AND me.kind = 'agent' AND cardinality(of_cases) > 0 THEN
        key := sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8'));
        INSERT INTO cs.control_keys (tenant, secret) VALUES (me.tenant, key) ON CONFLICT DO NOTHING;
        IF FOUND THEN
            PERFORM cs._append(me.tenant, me.id, 'control.key_made', 'control', jsonb_build_object('commitment', 'sha256:' || encode(sha256(key), 'hex')));
        ELSE
            SELECT k.secret INTO key FROM cs.control_keys k WHERE k.tenant = me.tenant;
        END IF;
    END IF;
    RETURN QUERY SELECT a.id, ('x' || left(encode(sha256(key || sha256(key || convert_to(me.tenant || E'\n' || a.id || E'\n' || of_period, 'UTF8'))), 'hex'), 13))::bit(52)::bigint / 4503599627370496.0::double precision
    FROM unnest(of_cases) AS a(id) WHERE key IS NOT NULL;
END $$;

-- Why they are no lines of a threshold; null where they are. Other subjects than those that the program reads are free.
CREATE OR REPLACE FUNCTION cs._malformed_threshold(of_subject text, content jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = cs, pg_temp AS $$
DECLARE
    shares text[] := '{collectible_disputed,effect_friendly,effect_firm,effect_final,effect_call,effect_dispute,effect_hold,effect_collections,hold_likely,control_share}';
    others text[] := '{capital_percent,cost_letter,cost_call,cost_dispute,cost_hold,cost_collections,control_ceiling}';
    whole text[] := '{minutes_letter,minutes_call,minutes_dispute,minutes_hold,minutes_collections,hours_a_day,actions_a_day,pause_days,control_days}';
    line record;
BEGIN
    IF of_subject <> 'collections' THEN
        RETURN NULL;
    END IF;
    FOR line IN SELECT * FROM jsonb_each_text(content) AS t(name, value) LOOP
        IF line.name = 'expires_at' THEN
            CONTINUE;
        END IF;
        IF NOT line.name = ANY (shares || others || whole) THEN
            RETURN 'collections know no line ' || left(line.name, 60);
        END IF;
        IF coalesce(line.value, '') !~ '^[0-9]{1,9}(\.[0-9]{1,6})?$' OR (line.name = ANY (whole) AND line.value ~ '\.') THEN
            RETURN line.name || ' is a number such as "0.05", whole for days, hours, minutes and actions';
        END IF;
        IF line.name = ANY (shares) AND line.value::numeric > 1 THEN
            RETURN line.name || ' is a share from 0 to 1';
        END IF;
        IF line.name = 'control_share' AND line.value::numeric > 0.10 THEN
            RETURN 'at most a tenth of the friendly reminders may be delayed for comparison (control_share up to 0.10)';
        END IF;
        IF line.name = 'control_days' AND NOT line.value::int BETWEEN 1 AND 30 THEN
            RETURN 'a reminder is delayed by 1 to 30 days';
        END IF;
        IF line.name = 'hours_a_day' AND line.value::int > 24 OR line.name = 'actions_a_day' AND line.value::int > 500 THEN
            RETURN 'a day has at most 24 hours and 500 actions';
        END IF;
    END LOOP;
    RETURN NULL;
END $$;
