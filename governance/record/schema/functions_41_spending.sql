-- Budgets of language models. A question is counted before it is asked, by what it may take at most; on doubt it is not asked.

-- True where the case and the day have room for so many tokens; then they are reserved for it.
CREATE OR REPLACE FUNCTION cs.reserve_tokens(of_case text, tokens bigint, most_of_case bigint, most_of_day bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE
    me cs.actors := cs._me();
    today text := current_date::text;
    of_day cs.llm_spending;
    mine cs.llm_spending;
BEGIN
    PERFORM cs._need(me, ARRAY['agent'], NULL, 'ask a language model');
    -- Nulls are doubt; so is a count that could not be one.
    IF NOT coalesce(tokens BETWEEN 1 AND 1000000 AND most_of_case >= tokens AND most_of_day >= tokens, false)
        OR NOT EXISTS (SELECT FROM cs.cases c WHERE c.tenant = me.tenant AND c.id = of_case AND c.state IN ('queued', 'triaging')) THEN
        RETURN false;
    END IF;
    INSERT INTO cs.llm_spending (tenant, kind, subject) VALUES (me.tenant, 'day', today), (me.tenant, 'case', of_case) ON CONFLICT DO NOTHING;
    -- The day first, always: two workers wait for each other there and nowhere else.
    SELECT * INTO of_day FROM cs.llm_spending WHERE tenant = me.tenant AND kind = 'day' AND subject = today FOR UPDATE;
    SELECT * INTO mine FROM cs.llm_spending WHERE tenant = me.tenant AND kind = 'case' AND subject = of_case FOR UPDATE;
    IF of_day.reserved + of_day.used + tokens > most_of_day OR mine.reserved + mine.used + tokens > most_of_case THEN
        RETURN false;
    END IF;
    UPDATE cs.llm_spending SET reserved = reserved + tokens, touched_at = now()
    WHERE tenant = me.tenant AND (kind, subject) IN (('day', today), ('case', of_case));
    RETURN true;
END $$;

-- What a question took in the end. Frees no more than the case has reserved, and counts no more than is freed: a budget
-- is never given back by a wrong count. A reservation of yesterday is settled on today's row, as far as that holds one.
CREATE OR REPLACE FUNCTION cs.settle_tokens(of_case text, tokens bigint, taken bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE
    me cs.actors := cs._me();
    today text := current_date::text;
    freed bigint;
    counted bigint;
BEGIN
    PERFORM cs._need(me, ARRAY['agent'], NULL, 'ask a language model');
    INSERT INTO cs.llm_spending (tenant, kind, subject) VALUES (me.tenant, 'day', today) ON CONFLICT DO NOTHING;
    PERFORM FROM cs.llm_spending WHERE tenant = me.tenant AND kind = 'day' AND subject = today FOR UPDATE;
    SELECT least(reserved, greatest(tokens, 0)) INTO freed FROM cs.llm_spending
    WHERE tenant = me.tenant AND kind = 'case' AND subject = of_case FOR UPDATE;
    IF coalesce(freed, 0) = 0 THEN
        RETURN;
    END IF;
    counted := least(freed, greatest(coalesce(taken, freed), 0));
    UPDATE cs.llm_spending SET reserved = reserved - least(reserved, freed), used = used + counted, touched_at = now()
    WHERE tenant = me.tenant AND (kind, subject) IN (('day', today), ('case', of_case));
END $$;

-- Counts that nobody asks for any more. A case that is open keeps its own.
CREATE OR REPLACE FUNCTION cs._forget_spending(of_tenant text, most int) RETURNS int
LANGUAGE plpgsql SET search_path = cs, pg_temp AS $$
DECLARE n int;
BEGIN
    WITH old AS (
        SELECT s.kind, s.subject FROM cs.llm_spending s WHERE s.tenant = of_tenant AND s.touched_at < now() - interval '30 days'
            AND (s.kind = 'day' OR NOT EXISTS (SELECT FROM cs.cases c WHERE c.tenant = of_tenant AND c.id = s.subject
                AND c.state NOT IN ('done', 'rejected', 'superseded')))
        ORDER BY s.touched_at LIMIT most FOR UPDATE SKIP LOCKED)
    DELETE FROM cs.llm_spending s USING old WHERE s.tenant = of_tenant AND s.kind = old.kind AND s.subject = old.subject;
    GET DIAGNOSTICS n = ROW_COUNT;
    RETURN n;
END $$;
