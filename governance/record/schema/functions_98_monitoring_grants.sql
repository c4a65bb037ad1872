-- Who keeps and judges estimates. Runs after functions_90_grants.sql, which revokes everything first.

GRANT EXECUTE ON FUNCTION cs.note_scores(jsonb), cs.note_reference(text, jsonb) TO countersign_agent;
GRANT EXECUTE ON FUNCTION cs.monitor_due(), cs.risk_outcomes(text, date, date), cs.portfolio_outcomes(date, date),
    cs.note_monitor(text, jsonb, jsonb, jsonb, jsonb, int) TO countersign_courier;
-- What a challenger says of an open case is for nobody's eyes: a decision must not lean on a model that nobody signed.
REVOKE ALL ON cs.challenger_estimates FROM countersign_review, countersign_audit;
