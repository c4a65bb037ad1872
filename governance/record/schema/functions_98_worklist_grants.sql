-- Who ranks and who draws. Runs after functions_90_grants.sql, which revokes everything first.

GRANT EXECUTE ON FUNCTION cs.dunning(text[]), cs.control_draws(text[], text) TO countersign_agent;
GRANT EXECUTE ON FUNCTION cs.dunning(text[]) TO countersign_review;
GRANT EXECUTE ON FUNCTION cs.control_draws(text[], text) TO countersign_audit;
REVOKE ALL ON cs.control_keys FROM countersign_review, countersign_audit;
