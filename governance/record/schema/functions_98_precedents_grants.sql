-- Who recalls. Runs after functions_90_grants.sql, which revokes everything first.

GRANT EXECUTE ON FUNCTION cs.recall(text[], text[], text[], text[], int, int), cs.routes(text[], text[], int),
    cs.seats_asked(text[], int[]) TO countersign_agent;
