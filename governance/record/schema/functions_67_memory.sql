-- What is known of how a supplier writes: a governed setting of kind `memory`, under the key `reading`. It names labels
-- and places, and never a value. How it bills stands beside it (functions_68_habits.sql).

-- Why it is no memory; null where it is one.
CREATE OR REPLACE FUNCTION cs._malformed_memory(of_tenant text, of_supplier text, content jsonb) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = cs, pg_temp AS $$
DECLARE
    reading jsonb := content->'reading';
    rule record;
BEGIN
    IF NOT content ? 'reading' THEN
        RETURN cs._malformed_habits(of_tenant, of_supplier, content);
    END IF;
    IF jsonb_typeof(reading) <> 'object' OR octet_length(reading::text) > 4000 OR EXISTS (SELECT FROM jsonb_each(reading) AS t(k, v)
            WHERE NOT k IN ('fields', 'titles') OR jsonb_typeof(v) <> 'object') THEN
        RETURN 'how a supplier is read is {"fields": {…}, "titles": {…}} of at most 4000 bytes';
    END IF;
    IF NOT EXISTS (SELECT FROM cs.suppliers WHERE tenant = of_tenant AND id = of_supplier) THEN
        RETURN 'the books know no supplier ' || of_supplier;
    END IF;
    FOR rule IN SELECT k AS name, v AS how FROM jsonb_each(coalesce(reading->'fields', '{}')) AS t(k, v) LOOP
        IF rule.name = 'iban' THEN
            RETURN 'bank details are settled by a call-back: no memory reads them';
        END IF;
        IF NOT rule.name IN ('invoice_number', 'issue_date', 'due_date', 'total_amount', 'amount_due', 'purchase_order') THEN
            RETURN 'a memory reads invoice_number, issue_date, due_date, total_amount, amount_due or purchase_order';
        END IF;
        IF jsonb_typeof(rule.how) <> 'object' OR NOT rule.how ?& '{relation,page,across,down}' OR EXISTS (SELECT FROM jsonb_object_keys(rule.how) AS k
                WHERE NOT k IN ('relation', 'label', 'page', 'across', 'down'))
           OR NOT coalesce(rule.how->>'relation' IN ('before', 'left', 'above', 'place'), false) OR (rule.how->>'relation' = 'place') = (rule.how ? 'label')
           OR rule.how ? 'label' AND (jsonb_typeof(rule.how->'label') <> 'string' OR rule.how->>'label' !~ '^[^[:digit:][:cntrl:]]{2,40}$')
           OR jsonb_typeof(rule.how->'page') <> 'number' OR rule.how->>'page' !~ '^[1-9][0-9]{0,2}$'
           OR EXISTS (SELECT FROM unnest(ARRAY[rule.how->'across', rule.how->'down']) AS n WHERE jsonb_typeof(n) <> 'number' OR n::text !~ '^([0-9]|10)$') THEN
            RETURN 'where ' || rule.name || ' stands is {"relation": "before|left|above", "label": "2 to 40 characters without digits", "page": 1, "across": 0 to 10, "down": 0 to 10}, or the relation "place" without a label';
        END IF;
    END LOOP;
    IF (SELECT count(*) > 20 OR coalesce(bool_or(k !~ '^[^[:digit:][:cntrl:]]{2,60}$' OR jsonb_typeof(v) <> 'string' OR NOT (v#>>'{}') = ANY (cs._document_classes())), false)
        FROM jsonb_each(coalesce(reading->'titles', '{}')) AS t(k, v)) THEN
        RETURN 'titles are {"2 to 60 characters without digits": "class of document"}, at most 20';
    END IF;
    RETURN cs._malformed_habits(of_tenant, of_supplier, content);
END $$;

-- The memories that hold, for whoever reads documents, and who made them hold: one question a batch.
CREATE OR REPLACE FUNCTION cs.memories() RETURNS TABLE (supplier_id text, version int, reading jsonb, since timestamptz, recommendation_id text, approved_by text[])
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE me cs.actors := cs._me_for('any');
BEGIN
    RETURN QUERY SELECT m.subject, m.version, m.content::jsonb->'reading', m.since, m.recommendation_id,
        ARRAY(SELECT a.name FROM cs.seats s JOIN cs.actors a ON a.tenant = s.tenant AND a.id = s.filled_by
              WHERE s.tenant = me.tenant AND s.recommendation_id = m.recommendation_id ORDER BY s.seat)
    FROM (SELECT DISTINCT ON (n.subject) n.* FROM cs.settings n WHERE n.tenant = me.tenant AND n.kind = 'memory' ORDER BY n.subject, n.version DESC) m
    WHERE (m.expires_at IS NULL OR m.expires_at > now()) AND m.content::jsonb->'reading' <> '{}' ORDER BY m.subject;
END $$;

-- A memory that follows from a correction, with what it would change of documents on record: its values go when their
-- case is erased. The same memory of the same supplier that waits already is not proposed twice.
CREATE OR REPLACE FUNCTION cs.propose_memory(of_supplier text, of_content jsonb, why text, replay jsonb, effects jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE
    me cs.actors := cs._me();
    made jsonb;
BEGIN
    SELECT jsonb_build_object('case_id', r.case_id, 'recommendation_id', r.id, 'digest', r.digest, 'expires_at', cs._stamp(r.expires_at), 'known', true) INTO made
    FROM cs.recommendations r JOIN cs.leaves l ON l.tenant = r.tenant AND l.recommendation_id = r.id AND l.name = 'change'
    WHERE r.tenant = me.tenant AND r.action = 'change_memory' AND r.state IN ('awaiting_review', 'approved') AND r.expires_at > clock_timestamp()
      AND l.content::jsonb->>'subject' = of_supplier AND l.content::jsonb->'content' = of_content LIMIT 1;
    IF made IS NOT NULL THEN
        RETURN made;
    END IF;
    made := cs.propose_change('memory', of_supplier, of_content, why, replay);
    INSERT INTO cs.memory_effects (tenant, recommendation_id, case_id, name, before, after)
    SELECT me.tenant, made->>'recommendation_id', e.case_id, e.name, left(e.before, 200), left(e.after, 200)
    FROM jsonb_to_recordset(coalesce(effects, '[]')) AS e (case_id text, name text, before text, after text)
    JOIN cs.case_revisions r ON r.tenant = me.tenant AND r.case_id = e.case_id AND r.supplier_id = of_supplier ON CONFLICT DO NOTHING;
    RETURN made || '{"known": false}';
END $$;
