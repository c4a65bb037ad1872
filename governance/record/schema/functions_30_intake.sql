-- Intake: documents and rows become cases; reference data enters the books.

-- One case revision, its reading and its job. The caller has locked or just inserted the case row. `of_revision`: the
-- one that this corrects.
DROP FUNCTION IF EXISTS cs._revise(cs.actors, text, int, jsonb);
CREATE OR REPLACE FUNCTION cs._revise(me cs.actors, of_case text, next_revision int, item jsonb, of_revision int) RETURNS text
LANGUAGE plpgsql SET search_path = cs, pg_temp AS $$
DECLARE
    law jsonb;
    facts_text text;
BEGIN
    law := jsonb_build_object(
        'case', of_case, 'revision', next_revision, 'document', item->>'document_sha256',
        'document_class', item->>'document_class', 'amount', item->>'amount', 'currency', item->>'currency',
        'entity', coalesce(item->>'entity', 'unknown'), 'region', coalesce(item->>'region', 'unknown'),
        'supplier_id', item->>'supplier_id', 'customer_id', item->>'customer_id', 'payee_iban', item->>'iban',
        'invoice_id', item->>'invoice_id', 'issue_date', item->>'issue_date', 'due_date', item->>'due_date',
        'initiator', me.id) || CASE WHEN of_revision IS NOT NULL THEN jsonb_build_object('corrects', of_revision) ELSE '{}' END
        || CASE WHEN item->>'disputed_at' IS NOT NULL THEN jsonb_build_object('disputed_at', item->>'disputed_at') ELSE '{}' END;
    facts_text := cs._canon(law);
    INSERT INTO cs.case_revisions (tenant, case_id, revision, document_sha256, document_class, amount, currency, entity,
        region, supplier_id, customer_id, payee_iban, invoice_id, issue_date, due_date, initiator, facts, facts_digest, corrects)
    VALUES (me.tenant, of_case, next_revision, item->>'document_sha256', item->>'document_class',
        (item->>'amount')::numeric, item->>'currency', law->>'entity', law->>'region', item->>'supplier_id',
        item->>'customer_id', item->>'iban', item->>'invoice_id', (item->>'issue_date')::date,
        (item->>'due_date')::date, me.id, facts_text, 'sha256:' || cs._sha256(facts_text), of_revision);
    INSERT INTO cs.case_readings (tenant, case_id, revision, reading, details)
    VALUES (me.tenant, of_case, next_revision, coalesce(item->'reading', '{}'), coalesce(item->'details', '{}'));
    INSERT INTO cs.jobs (tenant, case_id, revision, kind) VALUES (me.tenant, of_case, next_revision, 'triage');
    RETURN 'sha256:' || cs._sha256(facts_text);
END $$;

CREATE OR REPLACE FUNCTION cs._log_intake(me cs.actors, item jsonb, of_status text, of_case text, why text) RETURNS jsonb
LANGUAGE plpgsql SET search_path = cs, pg_temp AS $$
BEGIN
    INSERT INTO cs.intake_log (tenant, actor, name, row_number, source_key, status, case_id, reason)
    VALUES (me.tenant, me.id, coalesce(item->>'name', ''), (item->>'row')::int, item->>'source_key', of_status, of_case, why);
    RETURN jsonb_build_object('status', of_status, 'case_id', of_case, 'reason', why);
END $$;

-- One item becomes a case, a new revision of a known case, or is known already.
CREATE OR REPLACE FUNCTION cs.accept(item jsonb, content bytea DEFAULT NULL) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE
    me cs.actors := cs._me_for('submit');
    known cs.cases;
    pending cs.recommendations;
    last_facts jsonb;
    read_facts jsonb;
    beside int;
    renumbered boolean;
    new_id text := gen_random_uuid()::text;
    digest text;
    next_facts jsonb;
BEGIN
    IF me.kind = 'agent' THEN
        PERFORM cs._refuse('CS403', 'an agent may not bring in cases');
    END IF;
    PERFORM cs._check_item(item);
    IF content IS NOT NULL AND encode(sha256(content), 'hex') IS DISTINCT FROM item->>'document_sha256' THEN
        PERFORM cs._refuse('CS400', 'document_sha256 is not the hash of the content');
    END IF;
    -- Two intakes of the same key at once: the second waits here and then finds the first.
    PERFORM pg_advisory_xact_lock(hashtextextended('intake ' || me.tenant || ' ' || (item->>'source_key'), 0));
    SELECT * INTO known FROM cs.cases WHERE tenant = me.tenant AND source_key = item->>'source_key';
    IF NOT FOUND AND item->>'document_sha256' IS NOT NULL THEN
        SELECT c.* INTO known FROM cs.cases c JOIN cs.case_revisions r ON r.tenant = c.tenant AND r.case_id = c.id
        WHERE c.tenant = me.tenant AND r.document_sha256 = item->>'document_sha256' ORDER BY c.created_at LIMIT 1;
    END IF;
    IF known.id IS NOT NULL THEN
        -- In the order of everybody else: recommendation, job, case.
        PERFORM FROM cs.recommendations WHERE tenant = me.tenant AND case_id = known.id AND (state IN ('awaiting_review', 'approved')
            OR state = 'sent_back' AND returned_to IS NOT NULL) FOR UPDATE;
        PERFORM FROM cs.jobs WHERE tenant = me.tenant AND case_id = known.id AND state IN ('ready', 'leased', 'dead') ORDER BY id FOR UPDATE;
        SELECT * INTO known FROM cs.cases WHERE tenant = me.tenant AND id = known.id FOR UPDATE;
    END IF;
    IF known.id IS NULL THEN
        IF content IS NOT NULL THEN
            INSERT INTO cs.documents (tenant, sha256, name, media_type, size)
            VALUES (me.tenant, item->>'document_sha256', item->>'name', item->>'media_type', length(content))
            ON CONFLICT DO NOTHING;
            INSERT INTO cs.document_contents (tenant, sha256, content)
            VALUES (me.tenant, item->>'document_sha256', content) ON CONFLICT DO NOTHING;
        END IF;
        INSERT INTO cs.cases (tenant, id, queue, exception_type, state, source_key, title, revision, sla_due_at)
        VALUES (me.tenant, new_id, item->>'queue', item->>'exception_type', 'queued', item->>'source_key',
                coalesce(item->>'title', item->>'name', ''), 1,
                cs._due(me.tenant, item->>'queue', item->>'exception_type', item->>'entity', now()));
        digest := cs._revise(me, new_id, 1, item, NULL);
        PERFORM cs._log_intake(me, item, 'accepted', new_id, NULL);
        NOTIFY countersign_jobs;
        PERFORM cs._append(me.tenant, me.id, 'case.received', new_id, jsonb_build_object(
            'queue', item->>'queue', 'facts', digest, 'document', item->>'document_sha256', 'reading',
            cs._sha256(coalesce(item->'reading', '{}')::text)));
        RETURN jsonb_build_object('status', 'accepted', 'case_id', new_id, 'reason', NULL);
    END IF;
    SELECT facts::jsonb INTO last_facts FROM cs.case_revisions
    WHERE tenant = me.tenant AND case_id = known.id AND revision = known.revision;
    -- What people have corrected since, the same document brings no news of.
    SELECT facts::jsonb INTO read_facts FROM cs.case_revisions
    WHERE tenant = me.tenant AND case_id = known.id AND corrects IS NULL ORDER BY revision DESC LIMIT 1;
    next_facts := jsonb_build_object('amount', item->>'amount', 'currency', item->>'currency', 'supplier_id', item->>'supplier_id',
        'customer_id', item->>'customer_id', 'payee_iban', item->>'iban', 'due_date', item->>'due_date', 'document', item->>'document_sha256')
        || CASE WHEN item->>'disputed_at' IS NOT NULL THEN jsonb_build_object('disputed_at', item->>'disputed_at') ELSE '{}' END;
    -- A row under another number is another row, though the law asks for no number: its duplicate would not be found.
    renumbered := item->>'document_sha256' IS NULL AND EXISTS (
        SELECT FROM cs.case_readings p WHERE p.tenant = me.tenant AND p.case_id = known.id AND p.revision = (
            SELECT max(revision) FROM cs.case_revisions WHERE tenant = me.tenant AND case_id = known.id AND corrects IS NULL)
        AND p.reading#>>'{fields,invoice_number}' <> item#>>'{reading,fields,invoice_number}');
    IF (last_facts @> next_facts OR read_facts @> next_facts) AND NOT renumbered OR known.source_key <> item->>'source_key' OR known.state = 'delivering' THEN
        RETURN cs._log_intake(me, item, 'already_known', known.id, CASE WHEN (last_facts @> next_facts OR read_facts @> next_facts) AND NOT renumbered THEN 'same document or source key'
            WHEN known.state = 'delivering' THEN 'facts differ, but an effect is on its way: send it again afterwards'
            ELSE 'same document under another name' END);
    END IF;
    -- New facts under a known key: a new revision; what was pending on the old one is superseded.
    SELECT * INTO pending FROM cs.recommendations WHERE tenant = me.tenant AND case_id = known.id
        AND (state IN ('awaiting_review', 'approved') OR state = 'sent_back' AND returned_to IS NOT NULL) FOR UPDATE;
    IF pending.id IS NOT NULL THEN
        DELETE FROM cs.effects WHERE tenant = me.tenant AND recommendation_id = pending.id AND state = 'ready';
        IF pending.state = 'approved' AND EXISTS (SELECT FROM cs.effects WHERE tenant = me.tenant AND recommendation_id = pending.id) THEN
            RETURN cs._log_intake(me, item, 'already_known', known.id, 'facts differ, but an effect is on its way: send it again afterwards');
        END IF;
        UPDATE cs.recommendations SET state = 'superseded', returned_to = NULL WHERE tenant = me.tenant AND id = pending.id;
    END IF;
    UPDATE cs.jobs SET state = 'done', lease_until = NULL
    WHERE tenant = me.tenant AND case_id = known.id AND state IN ('ready', 'leased', 'dead');
    IF content IS NOT NULL THEN
        INSERT INTO cs.documents (tenant, sha256, name, media_type, size)
        VALUES (me.tenant, item->>'document_sha256', item->>'name', item->>'media_type', length(content)) ON CONFLICT DO NOTHING;
        INSERT INTO cs.document_contents (tenant, sha256, content)
        VALUES (me.tenant, item->>'document_sha256', content) ON CONFLICT DO NOTHING;
    END IF;
    UPDATE cs.cases SET revision = known.revision + 1, state = 'queued', updated_at = now() WHERE tenant = me.tenant AND id = known.id;
    -- What a person states of a document that was read is judged beside what was read, as a correction is.
    beside := CASE WHEN me.kind = 'person' AND last_facts->>'document' IS NOT NULL THEN known.revision END;
    digest := cs._revise(me, known.id, known.revision + 1, item, beside);
    PERFORM cs._log_intake(me, item, 'already_known', known.id, 'new facts: revision ' || known.revision + 1);
    NOTIFY countersign_jobs;
    PERFORM cs._append(me.tenant, me.id, 'case.revised', known.id, jsonb_build_object(
        'revision', known.revision + 1, 'facts', digest, 'superseded', pending.id)
        || CASE WHEN beside IS NOT NULL THEN jsonb_build_object('corrects', beside) ELSE '{}' END);
    RETURN jsonb_build_object('status', 'already_known', 'case_id', known.id, 'reason', 'new facts: revision ' || known.revision + 1);
END $$;

-- What could not become a case is recorded with its reason.
CREATE OR REPLACE FUNCTION cs.refuse_item(item jsonb, why text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE me cs.actors := cs._me_for('submit');
BEGIN
    PERFORM cs._log_intake(me, item, 'rejected', NULL, why);
    PERFORM cs._append(me.tenant, me.id, 'intake.rejected', coalesce(item->>'source_key', item->>'name', ''),
        jsonb_build_object('reason_hash', cs._sha256(why), 'document', item->>'document_sha256'));
    RETURN jsonb_build_object('status', 'rejected', 'case_id', NULL, 'reason', why);
END $$;

-- Reference data: rows of one kind, upserted; a row that changed gets the next version.
CREATE OR REPLACE FUNCTION cs.import_books(kind text, rows jsonb, from_source text) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE
    me cs.actors := cs._me();
    n int;
    followed int;
BEGIN
    -- Whoever brings in a document brings its ledger row; master data, to which letters go, takes another role.
    IF me.kind = 'agent' OR (me.kind = 'person' AND NOT me.roles && (CASE WHEN kind IN ('invoices', 'open_items')
            THEN ARRAY['administrator', 'controller', 'analyst', 'reviewer'] ELSE ARRAY['administrator', 'controller', 'analyst'] END)) THEN
        PERFORM cs._refuse('CS403', 'your roles do not permit you to import reference data');
    END IF;
    IF kind = 'fx' AND EXISTS (SELECT FROM cs.recommendations WHERE tenant = me.tenant) THEN
        PERFORM cs._refuse('CS439', 'rates decide which band an amount falls in: once work has begun, propose a change of fx');
    END IF;
    PERFORM cs._check_rows(kind, rows);
    CASE kind
    WHEN 'entities' THEN
        INSERT INTO cs.entities AS b (tenant, id, name, country, region, currency, source)
        SELECT me.tenant, r.id, r.name, r.country, coalesce(r.region, 'EU'), coalesce(r.currency, 'EUR'), from_source
        FROM jsonb_to_recordset(rows) AS r (id text, name text, country text, region text, currency text)
        ON CONFLICT (tenant, id) DO UPDATE SET name = excluded.name, country = excluded.country, region = excluded.region,
            currency = excluded.currency, source = excluded.source, version = b.version + 1, as_of = now()
        WHERE (b.name, b.country, b.region, b.currency) IS DISTINCT FROM (excluded.name, excluded.country, excluded.region, excluded.currency);
    WHEN 'suppliers' THEN
        INSERT INTO cs.suppliers AS b (tenant, id, name, vat_id, country, email, language, payment_terms_days, source)
        SELECT me.tenant, r.id, r.name, r.vat_id, r.country, r.email, coalesce(r.language, 'en'), r.payment_terms_days, from_source
        FROM jsonb_to_recordset(rows) AS r (id text, name text, vat_id text, country text, email text, language text, payment_terms_days int)
        ON CONFLICT (tenant, id) DO UPDATE SET name = excluded.name, vat_id = excluded.vat_id, country = excluded.country,
            email = excluded.email, language = excluded.language, payment_terms_days = excluded.payment_terms_days,
            source = excluded.source, version = b.version + 1, as_of = now()
        WHERE (b.name, b.vat_id, b.country, b.email, b.language, b.payment_terms_days) IS DISTINCT FROM
            (excluded.name, excluded.vat_id, excluded.country, excluded.email, excluded.language, excluded.payment_terms_days);
    WHEN 'customers' THEN
        INSERT INTO cs.customers AS b (tenant, id, name, country, email, language, credit_limit, currency, source)
        SELECT me.tenant, r.id, r.name, r.country, r.email, coalesce(r.language, 'en'), r.credit_limit, r.currency, from_source
        FROM jsonb_to_recordset(rows) AS r (id text, name text, country text, email text, language text, credit_limit numeric, currency text)
        ON CONFLICT (tenant, id) DO UPDATE SET name = excluded.name, country = excluded.country, email = excluded.email,
            language = excluded.language, credit_limit = excluded.credit_limit, currency = excluded.currency,
            source = excluded.source, version = b.version + 1, as_of = now()
        WHERE (b.name, b.country, b.email, b.language, b.credit_limit, b.currency) IS DISTINCT FROM
            (excluded.name, excluded.country, excluded.email, excluded.language, excluded.credit_limit, excluded.currency);
    WHEN 'bank_accounts' THEN
        -- Whoever judges one of these payees comes before, or after.
        PERFORM FROM cs.suppliers p WHERE p.tenant = me.tenant AND p.id IN (SELECT r->>'owner_id' FROM jsonb_array_elements(rows) AS r WHERE r->>'owner_kind' = 'supplier')
        ORDER BY p.id COLLATE "C" FOR UPDATE;
        INSERT INTO cs.bank_accounts AS b (tenant, owner_kind, owner_id, iban, bic, holder, source)
        SELECT me.tenant, r.owner_kind, r.owner_id, r.iban, r.bic, r.holder, from_source
        FROM jsonb_to_recordset(rows) AS r (owner_kind text, owner_id text, iban text, bic text, holder text)
        ON CONFLICT (tenant, owner_kind, owner_id, iban) DO UPDATE SET bic = excluded.bic, holder = excluded.holder,
            source = excluded.source, version = b.version + 1, as_of = now(), valid_to = NULL
        WHERE (b.bic, b.holder, b.valid_to) IS DISTINCT FROM (excluded.bic, excluded.holder, NULL);
    WHEN 'orders' THEN
        INSERT INTO cs.orders AS b (tenant, id, supplier_id, entity, currency, total, lines, source)
        SELECT me.tenant, r.id, r.supplier_id, r.entity, r.currency, r.total, coalesce(r.lines, '[]'), from_source
        FROM jsonb_to_recordset(rows) AS r (id text, supplier_id text, entity text, currency text, total numeric, lines jsonb)
        ON CONFLICT (tenant, id) DO UPDATE SET supplier_id = excluded.supplier_id, entity = excluded.entity,
            currency = excluded.currency, total = excluded.total, lines = excluded.lines, source = excluded.source,
            version = b.version + 1, as_of = now()
        WHERE (b.supplier_id, b.entity, b.currency, b.total, b.lines) IS DISTINCT FROM
            (excluded.supplier_id, excluded.entity, excluded.currency, excluded.total, excluded.lines);
    WHEN 'receipts' THEN
        INSERT INTO cs.receipts AS b (tenant, id, order_id, received_on, lines, source)
        SELECT me.tenant, r.id, r.order_id, r.date, coalesce(r.lines, '[]'), from_source
        FROM jsonb_to_recordset(rows) AS r (id text, order_id text, date date, lines jsonb)
        ON CONFLICT (tenant, id) DO UPDATE SET order_id = excluded.order_id, received_on = excluded.received_on,
            lines = excluded.lines, source = excluded.source, version = b.version + 1, as_of = now()
        WHERE (b.order_id, b.received_on, b.lines) IS DISTINCT FROM (excluded.order_id, excluded.received_on, excluded.lines);
    WHEN 'payments' THEN
        INSERT INTO cs.payments AS b (tenant, id, kind, party_id, invoice_id, paid_on, amount, currency, source)
        SELECT me.tenant, r.id, coalesce(r.kind, 'supplier'), r.party_id, r.invoice_id, r.date, r.amount, coalesce(r.currency, 'EUR'), from_source
        FROM jsonb_to_recordset(rows) AS r (id text, kind text, party_id text, invoice_id text, date date, amount numeric, currency text)
        ON CONFLICT (tenant, id) DO UPDATE SET kind = excluded.kind, party_id = excluded.party_id, invoice_id = excluded.invoice_id,
            paid_on = excluded.paid_on, amount = excluded.amount, currency = excluded.currency, source = excluded.source,
            version = b.version + 1, as_of = now()
        WHERE (b.kind, b.party_id, b.invoice_id, b.paid_on, b.amount, b.currency) IS DISTINCT FROM
            (excluded.kind, excluded.party_id, excluded.invoice_id, excluded.paid_on, excluded.amount, excluded.currency);
    WHEN 'fx' THEN
        INSERT INTO cs.fx_rates (tenant, day, currency, per_eur, source)
        SELECT me.tenant, r.day, r.currency, r.per_eur, from_source
        FROM jsonb_to_recordset(rows) AS r (day date, currency text, per_eur numeric)
        ON CONFLICT (tenant, currency, day) DO UPDATE SET per_eur = excluded.per_eur, source = excluded.source, as_of = now();
    WHEN 'open_items' THEN
        -- What a row does not say of a dispute leaves what is known of one.
        INSERT INTO cs.open_items AS b (tenant, invoice_id, customer_id, entity, posting_date, due_date, amount, currency,
            clear_date, source, cleared_as_of, disputed_at, disputed_as_of)
        SELECT me.tenant, r.invoice_id, r.customer_id, r.entity, r.posting_date, r.due_date, r.amount, coalesce(r.currency, 'EUR'),
            r.clear_date, from_source, CASE WHEN r.clear_date IS NOT NULL THEN now() END,
            r.disputed_at, CASE WHEN r.disputed_at IS NOT NULL THEN now() END
        FROM jsonb_to_recordset(rows) AS r (invoice_id text, customer_id text, entity text, posting_date date, due_date date,
            amount numeric, currency text, clear_date date, disputed_at date)
        ON CONFLICT (tenant, invoice_id) DO UPDATE SET customer_id = excluded.customer_id, posting_date = excluded.posting_date,
            due_date = excluded.due_date, amount = excluded.amount, currency = excluded.currency,
            clear_date = excluded.clear_date, source = excluded.source, version = b.version + 1, as_of = now(),
            cleared_as_of = CASE WHEN excluded.clear_date IS NOT NULL THEN coalesce(b.cleared_as_of, now()) END,
            disputed_at = coalesce(b.disputed_at, excluded.disputed_at),
            disputed_as_of = coalesce(b.disputed_as_of, excluded.disputed_as_of)
        WHERE (b.customer_id, b.posting_date, b.due_date, b.amount, b.currency, b.clear_date, b.disputed_at) IS DISTINCT FROM
            (excluded.customer_id, excluded.posting_date, excluded.due_date, excluded.amount, excluded.currency, excluded.clear_date,
            coalesce(b.disputed_at, excluded.disputed_at));
    WHEN 'invoices' THEN
        INSERT INTO cs.invoices AS b (tenant, invoice_id, case_id, entity, vendor_id, vendor_name, tax_id, iban, invoice_no,
            invoice_date, posting_date, currency, amount, po, description, doc_type, keys, keys_version)
        SELECT me.tenant, CASE WHEN r.case_id IS NULL THEN cs._own_id(me.tenant, r.invoice_id, r.entity, r.vendor_id, r.invoice_no, r.amount) ELSE r.invoice_id END,
            r.case_id, coalesce(r.entity, 'unknown'), r.vendor_id, r.vendor_name, r.tax_id, r.iban,
            r.invoice_no, r.invoice_date, r.posting_date, r.currency, r.amount, r.po, r.description, coalesce(r.doc_type, 'invoice'),
            coalesce(cs._own_keys(me.tenant, r.keys), '{}'), coalesce(r.keys_version, 0)
        FROM jsonb_to_recordset(rows) AS r (invoice_id text, case_id text, entity text, vendor_id text, vendor_name text,
            tax_id text, iban text, invoice_no text, invoice_date date, posting_date date, currency text, amount numeric,
            po text, description text, doc_type text, keys bigint[], keys_version int)
        ON CONFLICT (tenant, invoice_id) DO NOTHING;
        GET DIAGNOSTICS n = ROW_COUNT;
        -- A case's own row follows its new revision, in the transaction that makes it; when it came, and was posted, stays.
        UPDATE cs.invoices b SET vendor_id = r.vendor_id, vendor_name = r.vendor_name, entity = coalesce(r.entity, 'unknown'), tax_id = r.tax_id,
            iban = r.iban, invoice_no = r.invoice_no, invoice_date = r.invoice_date, currency = r.currency, amount = r.amount, po = r.po,
            description = r.description, doc_type = coalesce(r.doc_type, 'invoice'), keys = coalesce(cs._own_keys(me.tenant, r.keys), '{}'),
            keys_version = coalesce(r.keys_version, 0)
        FROM jsonb_to_recordset(rows) AS r (invoice_id text, case_id text, entity text, vendor_id text, vendor_name text,
            tax_id text, iban text, invoice_no text, invoice_date date, currency text, amount numeric,
            po text, description text, doc_type text, keys bigint[], keys_version int)
        WHERE b.tenant = me.tenant AND b.invoice_id = r.invoice_id AND b.case_id = r.case_id
            AND cs._newly_says(me.tenant, r.case_id, r.invoice_id, coalesce(r.entity, 'unknown'), r.vendor_id, r.currency, r.amount);
        GET DIAGNOSTICS followed = ROW_COUNT;
        n := n + followed;
        -- Made again when the case is triaged.
        DELETE FROM cs.invoice_vectors v USING jsonb_to_recordset(rows) AS r (invoice_id text, case_id text), cs.invoices i
        WHERE r.case_id IS NOT NULL AND v.tenant = me.tenant AND v.invoice_id = r.invoice_id AND i.tenant = v.tenant
            AND i.invoice_id = v.invoice_id AND i.case_id = r.case_id AND v.size <> abs(i.amount)::double precision;
    WHEN 'close_tasks' THEN
        INSERT INTO cs.close_tasks AS b (tenant, id, task, owner, entity, period, depends_on, due_date, done_on, source)
        SELECT me.tenant, r.id, r.task, r.owner, coalesce(r.entity, 'unknown'), r.period, r.depends_on, r.due_date, r.done_on, from_source
        FROM jsonb_to_recordset(rows) AS r (id text, task text, owner text, entity text, period text, depends_on text, due_date date, done_on date)
        ON CONFLICT (tenant, id) DO UPDATE SET task = excluded.task, owner = excluded.owner, entity = excluded.entity, period = excluded.period,
            depends_on = excluded.depends_on, due_date = excluded.due_date, done_on = excluded.done_on, source = excluded.source,
            version = b.version + 1, as_of = now()
        WHERE (b.task, b.owner, b.entity, b.period, b.depends_on, b.due_date, b.done_on) IS DISTINCT FROM
            (excluded.task, excluded.owner, excluded.entity, excluded.period, excluded.depends_on, excluded.due_date, excluded.done_on);
    WHEN 'expected_documents' THEN
        INSERT INTO cs.expected_documents AS b (tenant, id, document, customer_id, entity, requested_on, due_date, received_on, source)
        SELECT me.tenant, r.id, r.document, r.customer_id, coalesce(r.entity, 'unknown'), r.requested_on, r.due_date, r.received_on, from_source
        FROM jsonb_to_recordset(rows) AS r (id text, document text, customer_id text, entity text, requested_on date, due_date date, received_on date)
        ON CONFLICT (tenant, id) DO UPDATE SET document = excluded.document, customer_id = excluded.customer_id, entity = excluded.entity,
            requested_on = excluded.requested_on, due_date = excluded.due_date, received_on = excluded.received_on, source = excluded.source,
            version = b.version + 1, as_of = now()
        WHERE (b.document, b.customer_id, b.entity, b.requested_on, b.due_date, b.received_on) IS DISTINCT FROM
            (excluded.document, excluded.customer_id, excluded.entity, excluded.requested_on, excluded.due_date, excluded.received_on);
    ELSE
        PERFORM cs._refuse('CS400', 'the books know no ' || coalesce(kind, 'rows without a kind') || ': entities, suppliers, customers, bank_accounts, orders, '
            'receipts, payments, fx, open_items, invoices, close_tasks, expected_documents');
    END CASE;
    IF kind <> 'invoices' THEN GET DIAGNOSTICS n = ROW_COUNT; END IF;
    PERFORM cs._append(me.tenant, me.id, 'books.imported', kind, jsonb_build_object(
        'rows', jsonb_array_length(rows), 'changed', n, 'source', from_source, 'sha256', cs._sha256(rows::text)));
    RETURN n;
END $$;
