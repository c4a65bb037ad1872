-- Who corrects readings, and who reads by memories. Runs after functions_90_grants.sql, which revokes everything first.

GRANT EXECUTE ON FUNCTION cs.correct(text, text, jsonb, jsonb), cs.facts_if_corrected(text, jsonb),
    cs.propose_memory(text, jsonb, text, jsonb, jsonb), cs.memories(), cs.habits(text[]) TO countersign_review;
GRANT EXECUTE ON FUNCTION cs.memories() TO countersign_intake;
GRANT EXECUTE ON FUNCTION cs.habits(text[]) TO countersign_agent;
