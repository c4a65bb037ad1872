-- What is known of how a supplier bills: numbers that start again, references and amounts that come again. It stands in
-- the governed setting `memory` beside how its documents are read, under the key `habits`. It makes a likely duplicate
-- less likely and takes no seat away: those hang on what is thought without it.

-- Why they are no habits; null where they are, or where nothing is said of any.
CREATE OR REPLACE FUNCTION cs._malformed_habits(of_tenant text, of_supplier text, content jsonb) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = cs, pg_temp AS $$
DECLARE
    habit jsonb;
    wanted text[];
BEGIN
    IF NOT content ? 'habits' THEN
        RETURN NULL;
    END IF;
    IF jsonb_typeof(content->'habits') <> 'array' OR jsonb_array_length(content->'habits') > 50 THEN
        RETURN 'what is usual for a supplier is a list of at most 50 habits';
    END IF;
    IF NOT EXISTS (SELECT FROM cs.suppliers WHERE tenant = of_tenant AND id = of_supplier) THEN
        RETURN 'the books know no supplier ' || of_supplier;
    END IF;
    FOR habit IN SELECT * FROM jsonb_array_elements(content->'habits') LOOP
        wanted := CASE habit->>'kind' WHEN 'numbers_restart' THEN '{kind,until}' WHEN 'reference_reused' THEN '{kind,until,reference}'
            WHEN 'recurring_amount' THEN '{kind,until,amount,currency,rhythm}' END;
        IF wanted IS NULL OR NOT habit ?& wanted OR EXISTS (SELECT FROM jsonb_each(CASE WHEN jsonb_typeof(habit) = 'object' THEN habit ELSE '{}' END) AS t(k, v)
                WHERE NOT k = ANY (wanted) OR jsonb_typeof(v) <> 'string') THEN
            RETURN 'a habit is {"kind": "numbers_restart"}, {"kind": "reference_reused", "reference"} or {"kind": "recurring_amount", "amount", "currency", "rhythm"}, each with the day "until" which it holds';
        END IF;
        IF habit->>'until' !~ '^\d{4}-\d\d-\d\d$' OR NOT pg_input_is_valid(habit->>'until', 'date') THEN
            RETURN 'a habit holds until a day, YYYY-MM-DD';
        END IF;
        IF (habit->>'until')::date > current_date + 1100 THEN
            RETURN 'a habit holds for three years at most: then people look again';
        END IF;
        IF habit->>'reference' !~ '^[A-Z0-9]{1,64}$' THEN
            RETURN 'a reference is 1 to 64 capitals and digits';
        END IF;
        IF habit->>'amount' !~ '^[0-9]{1,15}(\.[0-9]{1,4})?$' OR habit->>'amount' !~ '[1-9]' OR habit->>'currency' !~ '^[A-Z]{3}$'
           OR NOT habit->>'rhythm' IN ('weekly', 'fortnightly', 'monthly', 'quarterly', 'half-yearly', 'yearly') THEN
            RETURN 'an amount that comes again is above zero, in a currency, and comes weekly, fortnightly, monthly, quarterly, half-yearly or yearly';
        END IF;
    END LOOP;
    RETURN NULL;
END $$;

-- The habits that hold today of these suppliers, of all where none is named: since when without a break, and by whose
-- signature. What has expired is not among them.
CREATE OR REPLACE FUNCTION cs.habits(of_suppliers text[]) RETURNS TABLE (supplier_id text, habit jsonb, since timestamptz, recommendation_id text, approved_by text[])
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE me cs.actors := cs._me_for('any');
BEGIN
    RETURN QUERY SELECT m.subject, h.habit, f.since, f.recommendation_id,
        ARRAY(SELECT a.name FROM cs.seats s JOIN cs.actors a ON a.tenant = s.tenant AND a.id = s.filled_by
              WHERE s.tenant = me.tenant AND s.recommendation_id = f.recommendation_id ORDER BY s.seat)
    FROM (SELECT DISTINCT ON (n.subject) n.* FROM cs.settings n WHERE n.tenant = me.tenant AND n.kind = 'memory'
          AND (of_suppliers IS NULL OR n.subject = ANY (of_suppliers)) ORDER BY n.subject, n.version DESC) m
    CROSS JOIN LATERAL jsonb_array_elements(CASE WHEN jsonb_typeof(m.content::jsonb->'habits') = 'array' THEN m.content::jsonb->'habits' ELSE '[]' END) AS h(habit)
    CROSS JOIN LATERAL (SELECT s.since, s.recommendation_id FROM cs.settings s WHERE s.tenant = me.tenant AND s.kind = 'memory' AND s.subject = m.subject
          AND s.version > (SELECT coalesce(max(b.version), 0) FROM cs.settings b WHERE b.tenant = me.tenant AND b.kind = 'memory' AND b.subject = m.subject
                           AND NOT coalesce(b.content::jsonb->'habits' @> jsonb_build_array(h.habit), false))
          ORDER BY s.version LIMIT 1) f
    WHERE (m.expires_at IS NULL OR m.expires_at > now()) AND (h.habit->>'until')::date >= current_date ORDER BY 1, 2;
END $$;
