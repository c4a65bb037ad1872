-- Working days: by the calendar of an entity, else by the one for all ('*'), else Monday to Friday in UTC.

-- {"holidays": ["2026-12-25"], "workdays": [1, 2, 3, 4, 5], "time_zone": "Europe/Berlin"}; ISO days, 1 is Monday.
CREATE OR REPLACE FUNCTION cs._malformed_calendar(of_subject text, content jsonb) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = cs, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM jsonb_object_keys(content) AS k WHERE NOT k = ANY ('{holidays,workdays,time_zone}')) THEN
        RETURN 'a calendar holds holidays, workdays and time_zone';
    END IF;
    IF jsonb_typeof(coalesce(content->'holidays', '[]')) <> 'array' OR EXISTS (
            SELECT FROM jsonb_array_elements_text(CASE WHEN jsonb_typeof(content->'holidays') = 'array' THEN content->'holidays' ELSE '[]' END) AS d
            WHERE d !~ '^\d{4}-\d\d-\d\d$' OR NOT pg_input_is_valid(d, 'date')) THEN
        RETURN 'holidays are a list of days, YYYY-MM-DD';
    END IF;
    IF jsonb_typeof(coalesce(content->'workdays', '[1]')) <> 'array' OR coalesce(content->'workdays', '[1]') = '[]'
       OR NOT coalesce(content->'workdays', '[1]') <@ '[1, 2, 3, 4, 5, 6, 7]' THEN
        RETURN 'workdays are a list of 1 (Monday) to 7 (Sunday), at least one of them';
    END IF;
    IF jsonb_typeof(coalesce(content->'time_zone', '"UTC"')) <> 'string'
       OR NOT EXISTS (SELECT FROM pg_timezone_names WHERE name = coalesce(content->>'time_zone', 'UTC')) THEN
        RETURN 'a time_zone is a name such as Europe/Berlin';
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION cs._calendar(of_tenant text, of_entity text) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = cs, pg_temp AS $$
    SELECT coalesce((SELECT content::jsonb FROM cs.settings WHERE tenant = of_tenant AND kind = 'calendar' AND subject IN (of_entity, '*')
        ORDER BY subject = '*', version DESC LIMIT 1), '{}')
$$;

CREATE OR REPLACE FUNCTION cs._is_workday(calendar jsonb, day date) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = cs, pg_temp AS $$
    SELECT coalesce(calendar->'workdays', '[1, 2, 3, 4, 5]') @> to_jsonb(extract(isodow FROM day)::int)
        AND NOT coalesce(calendar->'holidays', '[]') ? to_char(day, 'YYYY-MM-DD')
$$;

-- The entity's own day.
CREATE OR REPLACE FUNCTION cs._day_of(of_tenant text, of_entity text) RETURNS date
LANGUAGE sql STABLE SET search_path = cs, pg_temp AS $$
    SELECT (now() AT TIME ZONE coalesce(cs._calendar(of_tenant, of_entity)->>'time_zone', 'UTC'))::date
$$;

-- `start` and so many hours of working days later. A calendar without a working day in ten years ends the search.
CREATE OR REPLACE FUNCTION cs._after(calendar jsonb, start timestamptz, hours int) RETURNS timestamptz
LANGUAGE plpgsql STABLE SET search_path = cs, pg_temp AS $$
DECLARE
    zone text := coalesce(calendar->>'time_zone', 'UTC');
    at timestamptz := start;
    left_over interval := make_interval(hours => hours);
    day date;
    midnight timestamptz;
BEGIN
    FOR n IN 0..3660 LOOP
        day := (at AT TIME ZONE zone)::date;
        midnight := (day + 1)::timestamp AT TIME ZONE zone;
        IF cs._is_workday(calendar, day) THEN
            IF at + left_over <= midnight THEN
                RETURN at + left_over;
            END IF;
            left_over := left_over - make_interval(secs => extract(epoch FROM midnight - at));
        END IF;
        at := midnight;
    END LOOP;
    RETURN at;
END $$;

-- When a case of this type is due; 72 hours where policy does not know the type.
DROP FUNCTION IF EXISTS cs._sla(text, text, text);
CREATE OR REPLACE FUNCTION cs._due(of_tenant text, of_queue text, of_type text, of_entity text, start timestamptz) RETURNS timestamptz
LANGUAGE plpgsql STABLE SET search_path = cs, pg_temp AS $$
DECLARE flow cs.workflows;
BEGIN
    SELECT w.* INTO flow FROM cs.workflows w JOIN cs.policies p USING (tenant, version)
    WHERE p.tenant = of_tenant AND p.active AND w.queue = of_queue AND w.exception_type = of_type;
    IF flow.calendar = 'working' THEN
        RETURN cs._after(cs._calendar(of_tenant, of_entity), start, flow.sla_hours);
    END IF;
    RETURN start + make_interval(hours => coalesce(flow.sla_hours, 72));
END $$;
