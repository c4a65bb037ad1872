-- What a client can set must not move the law: dates, the reading of literals and the day of a rate are the database's own.
-- Runs last: it is for every function that acts with the owner's rights.
DO $$
DECLARE f regprocedure;
BEGIN
    FOR f IN SELECT p.oid FROM pg_proc p WHERE p.pronamespace = 'cs'::regnamespace AND p.prosecdef LOOP
        EXECUTE format('ALTER FUNCTION %s SET timezone = ''UTC''', f);
        EXECUTE format('ALTER FUNCTION %s SET datestyle = ''ISO, YMD''', f);
        EXECUTE format('ALTER FUNCTION %s SET standard_conforming_strings = on', f);
        EXECUTE format('ALTER FUNCTION %s SET transform_null_equals = off', f);
    END LOOP;
END $$;
