-- Who looks for twins. Runs after functions_90_grants.sql, which revokes everything first.

GRANT EXECUTE ON FUNCTION cs.sharing(int[], bigint[], int[], int[], int[], int), cs.latest_sharing(bigint[], int), cs.users_of(bigint[], int),
    cs.stale_bills(int, int), cs.rekey(int, jsonb),
    cs.remember_bills(jsonb) TO countersign_agent;
GRANT SELECT ON cs.invoice_vectors TO countersign_agent;
