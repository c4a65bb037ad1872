-- How a model of collection risk holds: its estimates are kept as they were shown, joined with what became of the invoices,
-- and judged once a day. What the judgement leads to is a proposal for people; nothing here changes a model.

CREATE OR REPLACE FUNCTION cs._number(said jsonb, lowest double precision, highest double precision) RETURNS double precision
LANGUAGE sql IMMUTABLE SET search_path = cs, pg_temp AS $$
    SELECT CASE WHEN jsonb_typeof(said) = 'number' AND (said#>>'{}')::numeric BETWEEN lowest::numeric AND highest::numeric THEN (said#>>'{}')::double precision END
$$;

-- The risk that an agent filed, as a row. An estimate of another shape is no estimate, and stops nobody's filing.
CREATE OR REPLACE FUNCTION cs._keep_estimate(rec cs.recommendations, law cs.case_revisions, findings text, stamps jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = cs, pg_temp AS $$
DECLARE said jsonb := findings::jsonb->'risk';
BEGIN
    IF jsonb_typeof(said) IS DISTINCT FROM 'object' OR coalesce(said->>'invoice_id', '') = '' OR length(said->>'invoice_id') > 200
       OR cs._number(said->'p_late', 0, 1) IS NULL THEN
        RETURN;
    END IF;
    INSERT INTO cs.risk_estimates (tenant, recommendation_id, case_id, revision, invoice_id, customer_id, scored_on, model, basis, p_late, p_late_15, p_late_30,
        days_late, days_late_low, days_late_high)
    VALUES (rec.tenant, rec.id, rec.case_id, rec.revision, said->>'invoice_id', law.customer_id, (clock_timestamp() AT TIME ZONE 'UTC')::date,
        left(coalesce(stamps->>'bundle', 'unknown'), 100), left(said->>'basis', 40), cs._number(said->'p_late', 0, 1), cs._number(said->'p_late_15', 0, 1),
        cs._number(said->'p_late_30', 0, 1), cs._number(said->'expected_days_late', -10000, 10000),
        cs._number(said->'days_late_low', -10000, 10000), cs._number(said->'days_late_high', -10000, 10000));
END $$;

-- What the model saw, and what the challenger says. Once: what stands is not written over.
-- rows: [{case_id, revision, features: [number or null, …] | null, challenger: {model, outcome, p_late, p_late_15, p_late_30} | null}]
CREATE OR REPLACE FUNCTION cs.note_scores(rows jsonb) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE
    me cs.actors := cs._me();
    n int;
BEGIN
    PERFORM cs._need(me, ARRAY['agent'], NULL, 'note what a model saw');
    IF jsonb_typeof(rows) IS DISTINCT FROM 'array' OR jsonb_array_length(rows) > 1000 OR octet_length(rows::text) > 4000000 THEN
        PERFORM cs._refuse('CS400', 'what a model saw is a list of at most 1000 cases');
    END IF;
    UPDATE cs.risk_estimates e SET features = ARRAY(SELECT CASE WHEN jsonb_typeof(v) = 'number' THEN (v#>>'{}')::double precision END
            FROM jsonb_array_elements(one->'features') WITH ORDINALITY AS f(v, place) ORDER BY place LIMIT 200)
    FROM jsonb_array_elements(rows) AS one
    WHERE e.tenant = me.tenant AND e.case_id = one->>'case_id' AND e.revision::text = one->>'revision' AND e.features IS NULL
      AND jsonb_typeof(one->'features') = 'array';
    GET DIAGNOSTICS n = ROW_COUNT;
    INSERT INTO cs.challenger_estimates (tenant, recommendation_id, model, outcome, p_late, p_late_15, p_late_30)
    SELECT e.tenant, e.recommendation_id, one#>>'{challenger,model}', one#>>'{challenger,outcome}',
        cs._number(one#>'{challenger,p_late}', 0, 1), cs._number(one#>'{challenger,p_late_15}', 0, 1), cs._number(one#>'{challenger,p_late_30}', 0, 1)
    FROM jsonb_array_elements(rows) AS one
    JOIN cs.risk_estimates e ON e.tenant = me.tenant AND e.case_id = one->>'case_id' AND e.revision::text = one->>'revision'
    -- Only the challenger that people named.
    JOIN cs.champions c ON c.tenant = me.tenant AND c.model = 'risk_challenger' AND c.digest = one#>>'{challenger,model}'
    WHERE one#>>'{challenger,outcome}' IN ('scored', 'late', 'failed') ON CONFLICT DO NOTHING;
    RETURN n;
END $$;

-- How features were spread when a model was trained: once a model.
CREATE OR REPLACE FUNCTION cs.note_reference(of_model text, body jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE me cs.actors := cs._me();
BEGIN
    PERFORM cs._need(me, ARRAY['agent'], NULL, 'note what a model was trained on');
    IF coalesce(of_model, '') !~ '^sha256:[0-9a-f]{64}$' OR jsonb_typeof(body) IS DISTINCT FROM 'object' OR octet_length(body::text) > 200000
       OR jsonb_typeof(body->'edges') IS DISTINCT FROM 'array' OR jsonb_typeof(body->'shares') IS DISTINCT FROM 'array' OR jsonb_typeof(body->'rows') IS DISTINCT FROM 'number' THEN
        PERFORM cs._refuse('CS400', 'a reference is a model''s digest and {"edges", "shares", "rows"}');
    END IF;
    INSERT INTO cs.risk_references (tenant, model, kind, body) VALUES (me.tenant, of_model, 'trained', body) ON CONFLICT DO NOTHING;
END $$;

-- What the day's judgement needs beside the outcomes; `due` false where there is nothing to do today. The books know of
-- payments up to `until`: where no payment is booked any more, silence is no lateness.
CREATE OR REPLACE FUNCTION cs.monitor_due() RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE
    me cs.actors := cs._me();
    newest text;
BEGIN
    PERFORM cs._need(me, ARRAY['service'], NULL, 'judge a model');
    IF EXISTS (SELECT FROM cs.risk_monitors m WHERE m.tenant = me.tenant AND m.day = current_date)
       OR NOT EXISTS (SELECT FROM cs.risk_estimates e WHERE e.tenant = me.tenant) THEN
        RETURN '{"due": false}';
    END IF;
    SELECT e.model INTO newest FROM cs.risk_estimates e WHERE e.tenant = me.tenant ORDER BY e.scored_on DESC, e.recommendation_id LIMIT 1;
    RETURN jsonb_build_object('due', true, 'today', current_date, 'model', newest,
        'until', (SELECT least(max(coalesce(o.cleared_as_of, o.as_of)), now())::date FROM cs.open_items o WHERE o.tenant = me.tenant AND o.clear_date IS NOT NULL),
        'began', (SELECT min(e.scored_on) FROM cs.risk_estimates e WHERE e.tenant = me.tenant AND e.model = newest),
        'challenger', (SELECT c.digest FROM cs.champions c WHERE c.tenant = me.tenant AND c.model = 'risk_challenger'),
        'champion', (SELECT c.digest FROM cs.champions c WHERE c.tenant = me.tenant AND c.model = 'risk'),
        'lines', (SELECT s.content::jsonb FROM cs.settings s WHERE s.tenant = me.tenant AND s.kind = 'threshold' AND s.subject = 'risk_monitor'
                  AND (s.expires_at IS NULL OR s.expires_at > now()) ORDER BY s.version DESC LIMIT 1),
        'references', (SELECT jsonb_object_agg(r.kind, r.body) FROM cs.risk_references r WHERE r.tenant = me.tenant AND r.model = newest));
END $$;

-- Estimates of a model with what became of their invoices, one an invoice and day; what the challenger said of them where
-- the invoice is due, and to the clock alone.
CREATE OR REPLACE FUNCTION cs.risk_outcomes(of_model text, from_day date, to_day date) RETURNS TABLE (customer_id text, scored_on date, due_date date, clear_date date,
    p_late double precision, p_late_15 double precision, p_late_30 double precision, days_late_low double precision, days_late_high double precision,
    features double precision[], challenger text, other double precision[])
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE me cs.actors := cs._me();
BEGIN
    PERFORM cs._need(me, ARRAY['service'], NULL, 'judge a model');
    RETURN QUERY SELECT DISTINCT ON (e.invoice_id, e.scored_on) o.customer_id, e.scored_on, o.due_date, o.clear_date, e.p_late, e.p_late_15, e.p_late_30,
        e.days_late_low, e.days_late_high, e.features, x.model, CASE WHEN x.outcome = 'scored' AND o.due_date < current_date THEN ARRAY[x.p_late, x.p_late_15, x.p_late_30] END
    FROM cs.risk_estimates e JOIN cs.open_items o ON o.tenant = e.tenant AND o.invoice_id = e.invoice_id
    LEFT JOIN cs.champions c ON c.tenant = e.tenant AND c.model = 'risk_challenger'
    LEFT JOIN cs.challenger_estimates x ON x.tenant = e.tenant AND x.recommendation_id = e.recommendation_id AND x.model = c.digest
    WHERE e.tenant = me.tenant AND e.model = of_model AND e.scored_on BETWEEN from_day AND to_day AND o.amount > 0
    ORDER BY e.invoice_id, e.scored_on, e.revision DESC, e.recommendation_id;
END $$;

-- The whole portfolio by customer and due day: invoices, and those that were not paid by then.
CREATE OR REPLACE FUNCTION cs.portfolio_outcomes(from_day date, to_day date) RETURNS TABLE (customer_id text, due_date date, invoices int, late int)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE me cs.actors := cs._me();
BEGIN
    PERFORM cs._need(me, ARRAY['service'], NULL, 'judge a model');
    RETURN QUERY SELECT o.customer_id, o.due_date, count(*)::int, count(*) FILTER (WHERE o.clear_date IS NULL OR o.clear_date > o.due_date)::int
    FROM cs.open_items o WHERE o.tenant = me.tenant AND o.due_date BETWEEN from_day AND to_day AND o.amount > 0 GROUP BY 1, 2;
END $$;

-- Whether the same waits for people, or was decided on in the last so many days. `content`: what the change would say.
CREATE OR REPLACE FUNCTION cs._is_asked(of_tenant text, of_action text, of_subject text, of_content jsonb, quiet_days int) RETURNS boolean
LANGUAGE sql STABLE SET search_path = cs, pg_temp AS $$
    SELECT EXISTS (SELECT FROM cs.recommendations r WHERE r.tenant = of_tenant AND r.action = of_action AND r.envelope::jsonb#>>'{action,args,subject}' = of_subject
        AND (r.state IN ('awaiting_review', 'approved') OR r.state IN ('executed', 'rejected', 'sent_back') AND r.created_at > now() - make_interval(days => quiet_days)
            AND EXISTS (SELECT FROM cs.leaves l WHERE l.tenant = r.tenant AND l.recommendation_id = r.id AND l.name = 'change' AND l.content::jsonb->'content' @> of_content)))
$$;

-- Why they are no lines of the monitor; null where they are.
CREATE OR REPLACE FUNCTION cs._malformed_monitor(content jsonb) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = cs, pg_temp AS $$
    SELECT CASE WHEN EXISTS (SELECT FROM jsonb_each_text(content) AS t(k, v) WHERE k <> 'expires_at' AND NOT coalesce(
            k IN ('period_days', 'grace_days', 'least_rows', 'least_customers', 'quiet_days') AND v ~ '^[1-9][0-9]{0,3}$'
            OR k IN ('calibration_shift', 'late_rate_shift', 'coverage_shift', 'psi') AND v ~ '^[0-9](\.[0-9]{1,6})?$' AND v ~ '[1-9]', false))
        THEN 'the monitor''s lines are whole days and rows (period_days, grace_days, least_rows, least_customers, quiet_days) and shares (calibration_shift, late_rate_shift, coverage_shift, psi), each above zero' END
$$;

-- The day's judgement, once a tenant and day, with a proposal for each cause that none waits for yet.
-- causes: [{cause, why}]; promote: {digest, why} where the challenger was better, else null. start: how the features of the
-- first estimates were spread, once.
CREATE OR REPLACE FUNCTION cs.note_monitor(of_model text, figures jsonb, causes jsonb, promote jsonb, start jsonb, quiet_days int) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE
    me cs.actors := cs._me();
    one jsonb;
    made jsonb := '[]';
BEGIN
    PERFORM cs._need(me, ARRAY['service'], NULL, 'judge a model');
    IF jsonb_typeof(figures) IS DISTINCT FROM 'object' OR octet_length(figures::text) > 400000 OR jsonb_typeof(causes) IS DISTINCT FROM 'array' OR jsonb_array_length(causes) > 10
       OR EXISTS (SELECT FROM jsonb_array_elements(causes) AS c WHERE coalesce(c->>'cause', '') !~ '^[a-z_]{1,40}$' OR coalesce(c->>'why', '') !~ '\S') THEN
        PERFORM cs._refuse('CS400', 'a judgement is figures and a list of {"cause", "why"}');
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('countersign monitor ' || me.tenant, 0));
    INSERT INTO cs.risk_monitors (tenant, day, model, causes, figures)
    VALUES (me.tenant, current_date, left(of_model, 100), ARRAY(SELECT c->>'cause' FROM jsonb_array_elements(causes) AS c), figures) ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RETURN '{"judged": false, "proposed": []}';
    END IF;
    IF jsonb_typeof(start) = 'object' THEN
        INSERT INTO cs.risk_references (tenant, model, kind, body) VALUES (me.tenant, left(of_model, 100), 'start', start) ON CONFLICT DO NOTHING;
    END IF;
    FOR one IN SELECT * FROM jsonb_array_elements(causes) LOOP
        IF NOT cs._is_asked(me.tenant, 'retrain_model', 'risk ' || (one->>'cause'), jsonb_build_object('cause', one->'cause'), quiet_days) THEN
            made := made || jsonb_build_array(cs._propose_change(me, 'retraining', 'risk ' || (one->>'cause'),
                jsonb_build_object('cause', one->>'cause', 'model', of_model, 'seen_on', current_date::text), one->>'why', jsonb_build_object('of', 'risk_monitor', 'figures', figures)));
        END IF;
    END LOOP;
    IF jsonb_typeof(promote) = 'object' AND NOT cs._is_asked(me.tenant, 'promote_model', 'risk', jsonb_build_object('digest', promote->'digest'), quiet_days) THEN
        made := made || jsonb_build_array(cs._propose_change(me, 'model', 'risk', jsonb_build_object('digest', promote->>'digest'), promote->>'why',
            jsonb_build_object('of', 'risk_monitor', 'figures', figures)));
    END IF;
    RETURN jsonb_build_object('judged', true, 'proposed', made);
END $$;
