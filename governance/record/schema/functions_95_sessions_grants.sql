-- Who may open and close sessions: the role of the reviewers' console. Runs after functions_90_grants.sql, which
-- revokes everything first.

GRANT EXECUTE ON FUNCTION cs.open_session(text, int), cs.session(), cs.close_session() TO countersign_review;
