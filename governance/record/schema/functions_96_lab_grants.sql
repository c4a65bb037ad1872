-- The lab feed's share. Runs after functions_90_grants.sql, which revokes everything first.

GRANT EXECUTE ON FUNCTION cs.first_champion(text, text) TO countersign_courier;
GRANT SELECT ON cs.champions TO countersign_courier, countersign_intake;
