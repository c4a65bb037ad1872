-- Who counts what language models use. Runs after functions_90_grants.sql, which revokes everything first.

GRANT EXECUTE ON FUNCTION cs.reserve_tokens(text, bigint, bigint, bigint), cs.settle_tokens(text, bigint, bigint) TO countersign_agent;
