-- Sign-in by identity providers, and keys with scopes. Runs after functions_90_grants.sql, which revokes everything first.

GRANT EXECUTE ON FUNCTION cs.open_identity_session(text, text, text, int, timestamptz), cs.revoke_identity(text, text),
    cs.revoke_identity_broker(text, text), cs.issue_key(text, text, text, timestamptz, text[]) TO countersign_review;
GRANT SELECT (scopes) ON cs.credentials TO countersign_review;
