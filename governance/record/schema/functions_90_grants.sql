-- Who may do what. Everything is refused first; then each role gets its own functions and what it must read.

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA cs FROM PUBLIC, countersign_intake, countersign_agent, countersign_review,
    countersign_courier, countersign_audit, countersign_checkpoint;
REVOKE ALL ON ALL TABLES IN SCHEMA cs FROM PUBLIC, countersign_intake, countersign_agent, countersign_review,
    countersign_courier, countersign_audit, countersign_checkpoint;
REVOKE ALL ON SCHEMA cs FROM PUBLIC;
GRANT USAGE ON SCHEMA cs TO countersign_intake, countersign_agent, countersign_review, countersign_courier, countersign_audit;
GRANT EXECUTE ON FUNCTION cs.tenant(), cs.whoami() TO countersign_intake, countersign_agent, countersign_review,
    countersign_courier, countersign_audit;

GRANT EXECUTE ON FUNCTION cs.accept(jsonb, bytea), cs.refuse_item(jsonb, text), cs.import_books(text, jsonb, text),
    cs.idempotent(text, text), cs.remember_answer(text, text, int, text) TO countersign_intake;
GRANT SELECT ON cs.cases, cs.case_revisions, cs.entities, cs.suppliers, cs.customers, cs.bank_accounts, cs.orders, cs.intake_log,
    cs.invoices, cs.open_items TO countersign_intake;

GRANT EXECUTE ON FUNCTION cs.claim_jobs(text, int, int), cs.renew_jobs(bigint[], bigint[], int),
    cs.fail_job(bigint, bigint, text, double precision, int),
    cs.file(bigint, bigint, jsonb, text, text, text, text, jsonb, jsonb, text, double precision),
    cs.note_thread(text, text, text, text), cs.remember(text, int, vector),
    cs.observe(text, jsonb) TO countersign_agent;
GRANT SELECT ON cs.cases, cs.case_revisions, cs.case_readings, cs.case_vectors, cs.jobs, cs.documents, cs.entities, cs.suppliers,
    cs.customers, cs.bank_accounts, cs.orders, cs.receipts, cs.payments, cs.fx_rates, cs.open_items, cs.invoices,
    cs.policies, cs.workflows, cs.settings, cs.champions, cs.recommendations, cs.leaves, cs.decisions, cs.decision_notes TO countersign_agent;

GRANT EXECUTE ON FUNCTION cs.decide(text, text, text, text, text, text, text, jsonb, jsonb, text, boolean), cs.delegate(text, text, timestamptz, timestamptz, text[], text[], numeric),
    cs.revoke_delegation(bigint), cs.set_absence(text, timestamptz, timestamptz), cs.end_absence(bigint), cs.opened(text, text),
    cs.propose_change(text, text, jsonb, text, jsonb), cs.revoke_signing_key(text), cs.recorded(text, int),
    cs.confirm(text, text, text), cs.note_refusal(text, text, text),
    cs.requeue(text), cs.add_actor(jsonb), cs.set_active(text, boolean), cs.issue_key(text, text, text, timestamptz),
    cs.revoke_key(text), cs.idempotent(text, text), cs.remember_answer(text, text, int, text) TO countersign_review;
GRANT SELECT ON ALL TABLES IN SCHEMA cs TO countersign_review;
REVOKE ALL ON cs.credentials, cs.idempotency FROM countersign_review;
GRANT SELECT (id, tenant, actor, kind, label, created_at, expires_at, revoked_at) ON cs.credentials TO countersign_review;

GRANT EXECUTE ON FUNCTION cs.claim_effects(text, int, int), cs.execute(text, bigint), cs.settle(text, bigint, text, text, double precision, text[]),
    cs.tick(int, boolean), cs.add_checkpoint(bigint, text), cs.signatures(text), cs.erasures_for(text, int), cs.erased_in(text, bigint[]), cs.claim_observations(int, int),
    cs.settle_observations(bigint[], bigint[], text, text[], double precision) TO countersign_courier;
GRANT SELECT ON cs.effects, cs.ledger, cs.ledger_heads, cs.checkpoints, cs.cases, cs.jobs, cs.recommendations, cs.observations TO countersign_courier;

GRANT SELECT ON ALL TABLES IN SCHEMA cs TO countersign_audit;
REVOKE ALL ON cs.credentials, cs.idempotency FROM countersign_audit;

-- The second wall: rows of another tenant do not exist for anybody but the owner.
DO $$
DECLARE t text;
BEGIN
    FOR t IN SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant' AND NOT a.attisdropped
             WHERE c.relnamespace = 'cs'::regnamespace AND c.relkind IN ('r', 'p') LOOP
        EXECUTE format('ALTER TABLE cs.%I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('DROP POLICY IF EXISTS own_tenant ON cs.%I', t);
        EXECUTE format('CREATE POLICY own_tenant ON cs.%I USING (tenant = (SELECT cs.tenant()))', t);
    END LOOP;
END $$;
ALTER TABLE cs.tenants ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS own_tenant ON cs.tenants;
CREATE POLICY own_tenant ON cs.tenants USING (id = (SELECT cs.tenant()));
