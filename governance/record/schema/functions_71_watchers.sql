-- The clock's watchers: cases that nobody sends. Each is opened once for what it is about, and settled by itself where
-- that is over before anybody decided. Called by cs.tick alone, under its lock.

-- Lines that a governed threshold `watchers` may move: {"approval_hours": "48", "silent_days": "14", "answer_days": "10"}.
CREATE OR REPLACE FUNCTION cs._malformed_watchers(content jsonb) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = cs, pg_temp AS $$
    SELECT CASE WHEN EXISTS (SELECT FROM jsonb_each_text(content) AS l WHERE NOT l.key = ANY ('{approval_hours,silent_days,answer_days,expires_at}')
        OR l.key <> 'expires_at' AND coalesce(l.value, '') !~ '^[1-9][0-9]{0,3}$') THEN 'watchers know approval_hours, silent_days and answer_days, whole numbers from 1 to 9999' END
$$;

CREATE OR REPLACE FUNCTION cs._watch_line(of_tenant text, line text, otherwise int) RETURNS int
LANGUAGE sql STABLE SET search_path = cs, pg_temp AS $$
    SELECT coalesce((SELECT (content::jsonb->>line)::int FROM cs.settings WHERE tenant = of_tenant AND kind = 'threshold' AND subject = 'watchers'
        AND (expires_at IS NULL OR expires_at > now()) ORDER BY version DESC LIMIT 1), otherwise)
$$;

CREATE OR REPLACE FUNCTION cs._utc_day(at timestamptz) RETURNS date
LANGUAGE sql IMMUTABLE SET search_path = cs, pg_temp AS $$ SELECT (at AT TIME ZONE 'UTC')::date $$;

-- A letter that asked a customer for a paper has left: the paper is expected from now on, and missed when it does not come.
CREATE OR REPLACE FUNCTION cs._expect_document(rec cs.recommendations) RETURNS void
LANGUAGE sql SET search_path = cs, pg_temp AS $$
    INSERT INTO cs.expected_documents (tenant, id, document, customer_id, entity, requested_on, due_date, source)
    SELECT rec.tenant, 'asked:' || rec.id, left((rec.envelope::jsonb)#>>'{action,args,document}', 200), l.customer_id, l.entity,
        cs._day_of(rec.tenant, l.entity), cs._day_of(rec.tenant, l.entity) + cs._watch_line(rec.tenant, 'answer_days', 10), 'letter'
    FROM cs.cases c JOIN cs.case_revisions l ON l.tenant = c.tenant AND l.case_id = c.id AND l.revision = rec.revision
    WHERE c.tenant = rec.tenant AND c.id = rec.case_id AND c.queue = 'customer_onboarding' AND l.customer_id IS NOT NULL
    ON CONFLICT DO NOTHING
$$;

-- Everything that is stalled, overdue, missing or abandoned now. `key` is the same as long as it is the same thing.
CREATE OR REPLACE FUNCTION cs._watched(of_tenant text) RETURNS SETOF cs.watched_thing
LANGUAGE plpgsql STABLE SET search_path = cs, pg_temp AS $$
DECLARE
    hours int := cs._watch_line(of_tenant, 'approval_hours', 48);
    silent interval := make_interval(days => cs._watch_line(of_tenant, 'silent_days', 14));
BEGIN
    -- Titles name no other case's words: they would stay when that case is erased. `details.case` leads there.
    -- A proposal that waits for signatures, whatever was asked anew meanwhile; and an approval that a person was asked for.
    RETURN QUERY
    SELECT 'watch:approval_stalled:' || c.id || ':' || c.revision, 'approval_stalled', c.queue, 'Approval stalled', l.amount,
        l.currency, l.entity, l.region, l.supplier_id, l.customer_id, l.due_date, jsonb_build_object('case', c.id,
            'approver', (SELECT string_agg(DISTINCT s.role, ', ' ORDER BY s.role) FROM cs.seats s WHERE s.tenant = r.tenant AND s.recommendation_id = r.id AND s.filled_by IS NULL),
            'waiting_days', cs._utc_day(now()) - cs._utc_day(f.first), 'waiting_since', cs._utc_day(f.first))
    FROM cs.cases c
    JOIN cs.recommendations r ON r.tenant = c.tenant AND r.case_id = c.id AND r.state = 'awaiting_review'
    JOIN cs.case_revisions l ON l.tenant = c.tenant AND l.case_id = c.id AND l.revision = c.revision
    CROSS JOIN LATERAL (SELECT min(o.created_at) AS first FROM cs.recommendations o WHERE o.tenant = c.tenant AND o.case_id = c.id AND o.revision = c.revision) f
    WHERE c.tenant = of_tenant AND c.state = 'awaiting_review' AND c.queue <> 'governance' AND c.source_key NOT LIKE 'watch:%'
      AND f.first <= now() - make_interval(hours => hours) AND cs._after(cs._calendar(of_tenant, l.entity), f.first, hours) <= now();
    RETURN QUERY
    SELECT 'watch:approval_stalled:task:' || r.id, 'approval_stalled', c.queue, 'Approval stalled', l.amount, l.currency, l.entity,
        l.region, l.supplier_id, l.customer_id, l.due_date, jsonb_build_object('case', c.id, 'approver', (r.envelope::jsonb)#>>'{action,args,role}',
            'waiting_days', cs._utc_day(now()) - cs._utc_day(e.created_at), 'waiting_since', cs._utc_day(e.created_at))
    FROM cs.effects e
    JOIN cs.recommendations r ON r.tenant = e.tenant AND r.id = e.recommendation_id AND r.action = 'route_for_approval'
    JOIN cs.cases c ON c.tenant = r.tenant AND c.id = r.case_id
    JOIN cs.case_revisions l ON l.tenant = r.tenant AND l.case_id = r.case_id AND l.revision = r.revision
    WHERE e.tenant = of_tenant AND e.state = 'manual' AND c.source_key NOT LIKE 'watch:%'
      AND e.created_at <= now() - make_interval(hours => hours) AND cs._after(cs._calendar(of_tenant, l.entity), e.created_at, hours) <= now();
    RETURN QUERY
    SELECT 'watch:close_task_overdue:' || t.id || ':' || to_char(t.due_date, 'YYYY-MM-DD'), 'close_task_overdue', 'record_to_report', left('Close task is overdue: ' || t.task, 200),
        NULL::numeric, n.currency, t.entity, coalesce(n.region, 'unknown'), NULL, NULL, t.due_date, jsonb_strip_nulls(jsonb_build_object('task', t.task,
            'owner', t.owner, 'due', t.due_date, 'depends_on', t.depends_on, 'period', t.period))
    FROM cs.close_tasks t LEFT JOIN cs.entities n ON n.tenant = t.tenant AND n.id = t.entity
    WHERE t.tenant = of_tenant AND t.done_on IS NULL AND t.due_date < cs._day_of(of_tenant, t.entity);
    RETURN QUERY
    SELECT 'watch:document_missing:' || d.id || ':' || to_char(d.due_date, 'YYYY-MM-DD'), 'document_missing', 'customer_onboarding', left('Document is missing: ' || d.document, 200),
        NULL::numeric, n.currency, d.entity, coalesce(n.region, 'unknown'), NULL, d.customer_id, d.due_date, jsonb_strip_nulls(jsonb_build_object(
            'missing', jsonb_build_array(d.document), 'requested_on', d.requested_on, 'due', d.due_date))
    FROM cs.expected_documents d LEFT JOIN cs.entities n ON n.tenant = d.tenant AND n.id = d.entity
    WHERE d.tenant = of_tenant AND d.received_on IS NULL AND d.due_date < cs._day_of(of_tenant, d.entity)
      -- Newer facts of the case that asked for it: it is under way again there.
      AND NOT (d.source = 'letter' AND EXISTS (SELECT FROM cs.recommendations r JOIN cs.cases c ON c.tenant = r.tenant AND c.id = r.case_id
          WHERE r.tenant = d.tenant AND 'asked:' || r.id = d.id AND c.revision > r.revision));
    -- No new facts, nothing opened, decided or carried out for so many days. What waits for its day is not abandoned.
    RETURN QUERY
    SELECT 'watch:case_abandoned:' || c.id || ':' || to_char(s.since AT TIME ZONE 'UTC', 'YYYYMMDDHH24MISSUS'), 'case_abandoned', c.queue,
        'Nobody works on the case', l.amount, l.currency, l.entity, l.region, l.supplier_id, l.customer_id, l.due_date,
        jsonb_build_object('case', c.id, 'state', c.state, 'silent_since', cs._utc_day(s.since), 'silent_days', cs._utc_day(now()) - cs._utc_day(s.since))
    FROM cs.cases c
    JOIN cs.case_revisions l ON l.tenant = c.tenant AND l.case_id = c.id AND l.revision = c.revision
    CROSS JOIN LATERAL (SELECT greatest(l.created_at,
        (SELECT max(o.at) FROM cs.openings o WHERE o.tenant = c.tenant AND o.case_id = c.id),
        (SELECT max(d.at) FROM cs.decisions d JOIN cs.recommendations r ON r.tenant = d.tenant AND r.id = d.recommendation_id
         WHERE r.tenant = c.tenant AND r.case_id = c.id),
        (SELECT max(e.settled_at) FROM cs.effects e JOIN cs.recommendations r ON r.tenant = e.tenant AND r.id = e.recommendation_id
         WHERE r.tenant = c.tenant AND r.case_id = c.id)) AS since) s
    WHERE c.tenant = of_tenant AND c.queue <> 'governance' AND c.source_key NOT LIKE 'watch:%' AND c.created_at <= now() - silent
      AND c.state IN ('queued', 'triaging', 'awaiting_review', 'dead_letter', 'awaiting_reconciliation', 'delivering') AND s.since <= now() - silent;
END $$;

-- The key under which it becomes a case; null where it is one. What the books took back and then said again is opened again.
CREATE OR REPLACE FUNCTION cs._watch_key(of_tenant text, base text, kind text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = cs, pg_temp AS $$
DECLARE
    said text := base;
    over boolean;
BEGIN
    FOR n IN 1..99 LOOP
        SELECT c.state = 'superseded' INTO over FROM cs.cases c WHERE c.tenant = of_tenant AND c.source_key = said;
        IF NOT FOUND THEN
            RETURN said;
        ELSIF NOT over OR NOT kind = ANY ('{close_task_overdue,document_missing}') THEN
            RETURN NULL;
        END IF;
        said := base || ':again:' || n;
    END LOOP;
    RETURN NULL;
END $$;

-- One of them becomes a case, as any item does; false where it is one already.
CREATE OR REPLACE FUNCTION cs._open_watched(me cs.actors, item jsonb) RETURNS boolean
LANGUAGE plpgsql SET search_path = cs, pg_temp AS $$
DECLARE
    new_id text := gen_random_uuid()::text;
    digest text;
BEGIN
    INSERT INTO cs.cases (tenant, id, queue, exception_type, state, source_key, title, revision, sla_due_at)
    VALUES (me.tenant, new_id, item->>'queue', item->>'exception_type', 'queued', item->>'source_key', item->>'title', 1,
        cs._due(me.tenant, item->>'queue', item->>'exception_type', item->>'entity', now()))
    ON CONFLICT (tenant, source_key) DO NOTHING;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    digest := cs._revise(me, new_id, 1, item, NULL);
    PERFORM cs._log_intake(me, item, 'accepted', new_id, NULL);
    NOTIFY countersign_jobs;
    PERFORM cs._append(me.tenant, me.id, 'case.received', new_id, jsonb_build_object('queue', item->>'queue', 'facts', digest, 'document', NULL,
        'reading', cs._sha256('{}'), 'watch', item->>'exception_type', 'about', item#>>'{details,case}'));
    RETURN true;
END $$;

-- What the case was opened for is over. False where something is on its way, or a person has decided already.
CREATE OR REPLACE FUNCTION cs._settle_watched(me cs.actors, of_case text) RETURNS boolean
LANGUAGE plpgsql SET search_path = cs, pg_temp AS $$
DECLARE
    pending cs.recommendations;
    watched cs.cases;
    jobs_held bigint[];
BEGIN
    -- In the order of everybody else: recommendation, job, case. The ledger's head may be held already: what somebody
    -- else holds is left for the next tick.
    SELECT * INTO pending FROM cs.recommendations WHERE tenant = me.tenant AND case_id = of_case AND state = 'awaiting_review' FOR UPDATE SKIP LOCKED;
    jobs_held := ARRAY(SELECT j.id FROM cs.jobs j WHERE j.tenant = me.tenant AND j.case_id = of_case AND j.state IN ('ready', 'leased', 'dead') ORDER BY j.id FOR UPDATE SKIP LOCKED);
    SELECT * INTO watched FROM cs.cases WHERE tenant = me.tenant AND id = of_case FOR UPDATE SKIP LOCKED;
    IF watched.id IS NULL OR NOT watched.state IN ('queued', 'awaiting_review', 'dead_letter') OR (watched.state = 'awaiting_review' AND pending.id IS NULL)
       OR EXISTS (SELECT FROM cs.jobs j WHERE j.tenant = me.tenant AND j.case_id = of_case AND j.state IN ('ready', 'leased', 'dead') AND NOT j.id = ANY (jobs_held))
       OR EXISTS (SELECT FROM cs.seats s WHERE s.tenant = me.tenant AND s.recommendation_id = pending.id AND s.filled_by IS NOT NULL) THEN
        RETURN false;
    END IF;
    UPDATE cs.recommendations SET state = 'superseded' WHERE tenant = me.tenant AND id = pending.id;
    UPDATE cs.jobs SET state = 'done', lease_until = NULL WHERE id = ANY (jobs_held);
    UPDATE cs.cases SET state = 'superseded', updated_at = now() WHERE tenant = me.tenant AND id = of_case;
    PERFORM cs._append(me.tenant, me.id, 'case.settled', of_case, jsonb_build_object('watch', watched.exception_type, 'superseded', pending.id));
    RETURN true;
END $$;

-- {stalled, overdue, missing, abandoned, settled}: how many cases were opened, by kind, and how many were over.
CREATE OR REPLACE FUNCTION cs._watch(me cs.actors, most int) RETURNS jsonb
LANGUAGE plpgsql SET search_path = cs, pg_temp AS $$
DECLARE
    one record;
    watched cs.watched_thing[] := CASE WHEN most > 0 THEN ARRAY(SELECT w FROM cs._watched(me.tenant) w) ELSE '{}' END;
    opened jsonb := '{"approval_stalled": 0, "close_task_overdue": 0, "document_missing": 0, "case_abandoned": 0}';
    settled int := 0;
BEGIN
    FOR one IN SELECT w.*, k.free FROM unnest(watched) w LEFT JOIN cs.cases c ON c.tenant = me.tenant AND c.source_key = w.key
               CROSS JOIN LATERAL (SELECT CASE WHEN c.id IS NULL THEN w.key WHEN c.state = 'superseded' THEN cs._watch_key(me.tenant, w.key, w.kind) END AS free) k
               WHERE k.free IS NOT NULL ORDER BY w.key LIMIT most LOOP
        IF cs._open_watched(me, jsonb_build_object('source_key', one.free, 'name', one.free, 'queue', one.queue, 'exception_type', one.kind,
                'title', one.title, 'amount', one.amount::text, 'currency', one.currency, 'entity', one.entity, 'region', one.region,
                'supplier_id', one.supplier_id, 'customer_id', one.customer_id, 'due_date', one.due_date, 'details', one.details)) THEN
            opened := jsonb_set(opened, ARRAY[one.kind], to_jsonb((opened->>one.kind)::int + 1));
        END IF;
    END LOOP;
    FOR one IN SELECT c.id FROM (SELECT c.id, c.source_key, c.created_at FROM cs.cases c WHERE c.tenant = me.tenant AND c.source_key LIKE 'watch:%'
                   AND c.state IN ('queued', 'awaiting_review', 'dead_letter')) c
               LEFT JOIN unnest(watched) w ON w.key = regexp_replace(c.source_key, ':again:[0-9]{1,2}$', '') WHERE w.key IS NULL ORDER BY c.created_at LIMIT most LOOP
        settled := settled + cs._settle_watched(me, one.id)::int;
    END LOOP;
    RETURN jsonb_build_object('stalled', opened->'approval_stalled', 'overdue', opened->'close_task_overdue', 'missing', opened->'document_missing',
        'abandoned', opened->'case_abandoned', 'settled', settled);
END $$;
