-- Where a letter goes, for the courier. Runs after functions_90_grants.sql, which revokes everything first.

GRANT EXECUTE ON FUNCTION cs.letter_to(text, bigint) TO countersign_courier;
