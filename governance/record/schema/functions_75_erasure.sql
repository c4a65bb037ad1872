-- Erasure and retention. Digests and proofs stay valid: what is erased are leaves, readings, documents and names, never an
-- envelope or a ledger entry.

CREATE OR REPLACE FUNCTION cs._is_held(of_tenant text, of_case text) RETURNS boolean
LANGUAGE sql STABLE SET search_path = cs, pg_temp AS $$
    SELECT EXISTS (SELECT FROM cs.legal_holds h WHERE h.tenant = of_tenant AND (h.subject IN ('*', 'case:' || of_case)
        OR EXISTS (SELECT FROM cs.case_revisions r WHERE r.tenant = of_tenant AND r.case_id = of_case
                   AND h.subject IN ('supplier:' || r.supplier_id, 'customer:' || r.customer_id))))
$$;

-- Invoices in the books: who sent them goes, also from the keys by which duplicates are found, and what they say they are for.
-- Number, amount and date stay, and the vendor's id where there is one, by which they are still found: keys that end in the
-- bits 0, and in 2 where there is such an id (governance/record/twin_keys.py).
CREATE OR REPLACE FUNCTION cs._erase_bills(of_tenant text, bills text[]) RETURNS void
LANGUAGE sql SET search_path = cs, pg_temp AS $$
    DELETE FROM cs.invoice_vectors WHERE tenant = of_tenant AND invoice_id = ANY (bills);
    UPDATE cs.invoices SET vendor_name = 'erased', tax_id = NULL, iban = NULL, description = NULL,
        keys = ARRAY(SELECT k FROM unnest(keys) AS k WHERE k & 3 = 0 OR k & 3 = 2 AND vendor_id <> '')
        WHERE tenant = of_tenant AND invoice_id = ANY (bills);
$$;

-- One closed case: its words go, its law stays. Stores outside this database follow by the row in cs.erasures.
CREATE OR REPLACE FUNCTION cs._erase_case(of_tenant text, by_actor text, of_case text, entry text) RETURNS void
LANGUAGE plpgsql SET search_path = cs, pg_temp AS $$
DECLARE
    found cs.cases;
    recs text[];
BEGIN
    SELECT * INTO found FROM cs.cases WHERE tenant = of_tenant AND id = of_case FOR UPDATE;
    IF found.id IS NULL THEN
        PERFORM cs._refuse('CS404', 'there is no case ' || of_case);
    END IF;
    IF cs._is_held(of_tenant, of_case) THEN
        PERFORM cs._refuse('CS438', 'a legal hold keeps case ' || of_case);
    END IF;
    IF NOT found.state IN ('done', 'rejected', 'superseded') THEN
        PERFORM cs._refuse('CS421', 'case ' || of_case || ' is ' || found.state || ': only closed cases are erased');
    END IF;
    recs := ARRAY(SELECT id FROM cs.recommendations WHERE tenant = of_tenant AND case_id = of_case);
    INSERT INTO cs.erasures (tenant, case_id, recommendations, threads, traces) VALUES (of_tenant, of_case, recs,
        ARRAY(SELECT DISTINCT thread_id FROM cs.recommendations WHERE tenant = of_tenant AND case_id = of_case AND thread_id IS NOT NULL),
        ARRAY(SELECT DISTINCT detail FROM cs.observations WHERE tenant = of_tenant AND recommendation_id = ANY (recs) AND kind = 'triage' AND state = 'sent' AND detail IS NOT NULL));
    -- What MLflow was not told yet it is not told any more.
    UPDATE cs.observations SET state = 'dead', body = '{}', detail = 'erased', lease_until = NULL, fence = NULL
    WHERE tenant = of_tenant AND recommendation_id = ANY (recs) AND state IN ('ready', 'leased');
    DELETE FROM cs.leaves WHERE tenant = of_tenant AND recommendation_id = ANY (recs);
    DELETE FROM cs.decision_notes WHERE tenant = of_tenant AND decision_id IN (SELECT id FROM cs.decisions WHERE tenant = of_tenant AND recommendation_id = ANY (recs));
    DELETE FROM cs.case_vectors WHERE tenant = of_tenant AND case_id = of_case;
    DELETE FROM cs.risk_estimates WHERE tenant = of_tenant AND case_id = of_case;
    -- What people said that the document says, here or in a proposal that was tried on it.
    DELETE FROM cs.correction_values v USING cs.corrections c WHERE v.tenant = of_tenant AND c.tenant = v.tenant AND c.id = v.correction_id AND c.case_id = of_case;
    DELETE FROM cs.memory_effects WHERE tenant = of_tenant AND (case_id = of_case OR recommendation_id = ANY (recs));
    UPDATE cs.case_readings SET reading = '{}', details = '{"erased": true}' WHERE tenant = of_tenant AND case_id = of_case;
    DELETE FROM cs.document_contents d WHERE d.tenant = of_tenant
        AND d.sha256 IN (SELECT document_sha256 FROM cs.case_revisions WHERE tenant = of_tenant AND case_id = of_case)
        AND NOT EXISTS (SELECT FROM cs.case_revisions r WHERE r.tenant = of_tenant AND r.document_sha256 = d.sha256 AND r.case_id <> of_case);
    UPDATE cs.documents d SET name = 'erased' WHERE d.tenant = of_tenant
        AND d.sha256 IN (SELECT document_sha256 FROM cs.case_revisions WHERE tenant = of_tenant AND case_id = of_case)
        AND NOT EXISTS (SELECT FROM cs.document_contents k WHERE k.tenant = d.tenant AND k.sha256 = d.sha256);
    UPDATE cs.cases SET title = 'erased' WHERE tenant = of_tenant AND id = of_case;
    UPDATE cs.intake_log SET name = 'erased', reason = NULL WHERE tenant = of_tenant AND case_id = of_case;
    UPDATE cs.jobs SET last_error = NULL WHERE tenant = of_tenant AND case_id = of_case;
    PERFORM cs._erase_bills(of_tenant, ARRAY(SELECT invoice_id FROM cs.invoices WHERE tenant = of_tenant AND case_id = of_case));
    UPDATE cs.effects SET detail = NULL WHERE tenant = of_tenant AND recommendation_id = ANY (recs);
    DELETE FROM cs.idempotency i WHERE i.tenant = of_tenant AND (strpos(i.body, of_case) > 0 OR EXISTS (SELECT FROM unnest(recs) AS r WHERE strpos(i.body, r) > 0));
    PERFORM cs._append(of_tenant, by_actor, entry, of_case, jsonb_build_object('recommendations', to_jsonb(recs)));
END $$;

CREATE OR REPLACE FUNCTION cs._erase_subject(of_tenant text, by_actor text, of_subject text) RETURNS void
LANGUAGE plpgsql SET search_path = cs, pg_temp AS $$
DECLARE
    what text := split_part(of_subject, ':', 1);
    who text := substr(of_subject, strpos(of_subject, ':') + 1);
    one text;
BEGIN
    IF EXISTS (SELECT FROM cs.legal_holds WHERE tenant = of_tenant AND subject IN ('*', of_subject)) THEN
        PERFORM cs._refuse('CS438', 'a legal hold keeps ' || of_subject);
    END IF;
    FOR one IN SELECT DISTINCT r.case_id FROM cs.case_revisions r WHERE r.tenant = of_tenant AND CASE what WHEN 'case' THEN r.case_id = who
               WHEN 'supplier' THEN r.supplier_id = who WHEN 'customer' THEN r.customer_id = who ELSE false END ORDER BY 1 LOOP
        PERFORM cs._erase_case(of_tenant, by_actor, one, 'case.erased');
    END LOOP;
    -- Governed changes that are about them alone: what was known of a supplier, the account with which a user signed in.
    FOR one IN SELECT r.case_id FROM cs.recommendations r WHERE r.tenant = of_tenant AND (r.envelope::jsonb)#>>'{action,args,subject}' = who
               AND r.action = CASE what WHEN 'supplier' THEN 'change_memory' WHEN 'actor' THEN 'change_identity' END ORDER BY 1 LOOP
        PERFORM cs._erase_case(of_tenant, by_actor, one, 'case.erased');
    END LOOP;
    CASE what
    WHEN 'supplier' THEN
        UPDATE cs.settings SET content = '{}', digest = 'sha256:' || cs._sha256('{}') WHERE tenant = of_tenant AND kind = 'memory' AND subject = who;
        UPDATE cs.suppliers SET name = 'erased', email = NULL, vat_id = NULL, source = 'erasure', version = version + 1, as_of = now() WHERE tenant = of_tenant AND id = who;
        DELETE FROM cs.bank_accounts WHERE tenant = of_tenant AND owner_kind = 'supplier' AND owner_id = who;
        PERFORM cs._erase_bills(of_tenant, ARRAY(SELECT invoice_id FROM cs.invoices WHERE tenant = of_tenant AND vendor_id = who));
    WHEN 'customer' THEN
        UPDATE cs.customers SET name = 'erased', email = NULL, source = 'erasure', version = version + 1, as_of = now() WHERE tenant = of_tenant AND id = who;
        DELETE FROM cs.bank_accounts WHERE tenant = of_tenant AND owner_kind = 'customer' AND owner_id = who;
    WHEN 'actor' THEN
        IF EXISTS (SELECT FROM cs.actors WHERE tenant = of_tenant AND id = who AND active) THEN
            PERFORM cs._refuse('CS421', 'user ' || who || ' is active: switch them off first');
        END IF;
        UPDATE cs.actors SET name = 'erased', email = NULL WHERE tenant = of_tenant AND id = who;
        FOR one IN SELECT id FROM cs.identities WHERE tenant = of_tenant AND actor = who AND revoked_at IS NULL ORDER BY 1 LOOP
            PERFORM cs._append(of_tenant, by_actor, 'identity.revoked', one, jsonb_build_object('actor', who));
        END LOOP;
        UPDATE cs.identities SET subject = 'erased:' || id, revoked_at = coalesce(revoked_at, clock_timestamp()) WHERE tenant = of_tenant AND actor = who;
    ELSE NULL;
    END CASE;
END $$;

-- What the retention rule of a queue (or of `*`) no longer keeps. A rule is a governed setting; without one nothing goes.
CREATE OR REPLACE FUNCTION cs._purge(of_tenant text, by_actor text, most int) RETURNS int
LANGUAGE plpgsql SET search_path = cs, pg_temp AS $$
DECLARE
    one text;
    n int := 0;
BEGIN
    PERFORM cs._forget_spending(of_tenant, 5000);
    FOR one IN
        WITH rule AS (SELECT DISTINCT ON (subject) subject, (content::jsonb->>'days')::int AS days FROM cs.settings
                      WHERE tenant = of_tenant AND kind = 'retention' ORDER BY subject, version DESC)
        SELECT c.id FROM cs.cases c
        JOIN rule r ON r.subject = CASE WHEN EXISTS (SELECT FROM rule q WHERE q.subject = c.queue) THEN c.queue ELSE '*' END
        WHERE c.tenant = of_tenant AND c.state IN ('done', 'rejected', 'superseded') AND c.updated_at < now() - make_interval(days => r.days)
          AND c.title <> 'erased' AND c.queue <> 'governance' AND NOT cs._is_held(of_tenant, c.id)
        ORDER BY c.updated_at LIMIT most FOR UPDATE OF c SKIP LOCKED LOOP
        PERFORM cs._erase_case(of_tenant, by_actor, one, 'case.purged');
        n := n + 1;
    END LOOP;
    RETURN n;
END $$;

-- Stores outside the record ask what they still have to erase, and say when they have.
CREATE OR REPLACE FUNCTION cs.erasures_for(store text, most int) RETURNS TABLE (id bigint, case_id text, recommendations text[], threads text[], traces text[])
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE me cs.actors := cs._me();
BEGIN
    PERFORM cs._need(me, ARRAY['service'], NULL, 'follow erasures');
    RETURN QUERY SELECT e.id, e.case_id, e.recommendations, e.threads, e.traces FROM cs.erasures e
        WHERE e.tenant = me.tenant AND NOT store = ANY (e.done) ORDER BY e.id LIMIT most;
END $$;

CREATE OR REPLACE FUNCTION cs.erased_in(store text, ids bigint[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE me cs.actors := cs._me();
BEGIN
    PERFORM cs._need(me, ARRAY['service'], NULL, 'follow erasures');
    UPDATE cs.erasures SET done = done || store WHERE tenant = me.tenant AND id = ANY (ids) AND NOT store = ANY (done);
    PERFORM cs._append(me.tenant, me.id, 'erasure.followed', store, jsonb_build_object('erasures', to_jsonb(ids)));
END $$;
