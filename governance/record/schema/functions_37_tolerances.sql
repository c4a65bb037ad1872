-- What the three-way match lets pass, for all ('*') or for one entity: a governed change of kind `tolerance`.

-- {"price_percent": "3", "line_most": "400"}: texts; what is not named stays as it is for all, or as the product has it.
-- Amounts are in EUR. Null where these are lines of a tolerance, else why they are not.
CREATE OR REPLACE FUNCTION cs._malformed_tolerance(of_tenant text, of_subject text, content jsonb) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = cs, pg_temp AS $$
DECLARE
    percents text[] := '{price_percent,quantity_percent,total_percent,tax_percent}';
    amounts text[] := '{line_most,total_most,rounding}';
    line record;
BEGIN
    IF of_subject <> '*' AND NOT EXISTS (SELECT FROM cs.entities WHERE tenant = of_tenant AND id = of_subject) THEN
        RETURN 'a tolerance holds for an entity of the books, or for all: *';
    END IF;
    FOR line IN SELECT * FROM jsonb_each(content) AS t(name, value) LOOP
        CONTINUE WHEN line.name = 'expires_at' AND pg_input_is_valid(line.value#>>'{}', 'timestamptz');
        IF NOT line.name = ANY (percents || amounts) THEN
            RETURN 'a tolerance knows no line ' || left(line.name, 60) || ': it knows ' || array_to_string(percents || amounts, ', ');
        END IF;
        IF jsonb_typeof(line.value) NOT IN ('string', 'number') OR line.value#>>'{}' !~ '^[0-9]{1,9}(\.[0-9]{1,4})?$' THEN
            RETURN line.name || ' is a number such as "2.5", not below 0';
        END IF;
        IF line.name = ANY (percents) AND (line.value#>>'{}')::numeric > 25 THEN
            RETURN line.name || ' is at most 25 percent: beyond, nothing would be matched';
        END IF;
        IF line.name = 'rounding' AND (line.value#>>'{}')::numeric > 1 THEN
            RETURN 'rounding costs at most 1';
        END IF;
    END LOOP;
    RETURN NULL;
END $$;
