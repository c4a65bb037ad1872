-- People correct what was read. A correction is new facts of the case, whose author holds no seat on them, and a labelled
-- row of each value. What the seats hang on is judged beside what it corrects (cs._judged).

-- Twin: governance/case.py.
CREATE OR REPLACE FUNCTION cs._document_classes() RETURNS text[]
LANGUAGE sql IMMUTABLE SET search_path = cs, pg_temp AS $$
    SELECT '{invoice,credit_note,purchase_order,order_response,delivery_note,statement_of_account,remittance_advice,payment_reminder,dispute,contract,bank_statement,receipt,tax_form,other}'::text[]
$$;

-- What is said of a document: names of fields, `document_class`, `supplier_id`; a string each, null where it is not on the
-- document. Raises CS400, CS450 to CS454.
CREATE OR REPLACE FUNCTION cs._check_corrected(corrected jsonb, currency text) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = cs, pg_temp AS $$
DECLARE
    known text[] := '{document_class,supplier_id,supplier,supplier_vat_id,invoice_number,issue_date,due_date,currency,total_amount,amount_due,iban,purchase_order}';
    name text;
BEGIN
    IF jsonb_typeof(corrected) IS DISTINCT FROM 'object' OR corrected = '{}' OR EXISTS (SELECT FROM jsonb_each(corrected) AS t(k, v)
            WHERE NOT k = ANY (known) OR jsonb_typeof(v) NOT IN ('string', 'null') OR length(v#>>'{}') NOT BETWEEN 1 AND 200) THEN
        PERFORM cs._refuse('CS400', 'a correction names what was read wrong, and what is right: ' || array_to_string(known, ', ') || ', each a text of 1 to 200 characters, or null where the document does not say it');
    END IF;
    IF corrected ? 'document_class' AND NOT coalesce(corrected->>'document_class' = ANY (cs._document_classes()), false) THEN
        PERFORM cs._refuse('CS400', 'a document is of one class: ' || array_to_string(cs._document_classes(), ', '));
    END IF;
    FOREACH name IN ARRAY ARRAY['issue_date', 'due_date'] LOOP
        IF corrected->>name IS NOT NULL AND (corrected->>name !~ '^\d{4}-\d\d-\d\d$' OR NOT pg_input_is_valid(corrected->>name, 'date')) THEN
            PERFORM cs._refuse('CS400', name || ' must be a date, YYYY-MM-DD');
        END IF;
    END LOOP;
    PERFORM cs._check_amount(corrected->>'total_amount', coalesce(corrected->>'currency', currency));
    PERFORM cs._check_amount(corrected->>'amount_due', coalesce(corrected->>'currency', currency));
    PERFORM cs._check_texts(corrected, known, 'the correction''s');
    PERFORM cs._check_account(corrected->>'iban');
END $$;

-- The reading with what people say in the place of what was read: certain to nobody, and from no place on the page.
CREATE OR REPLACE FUNCTION cs._corrected_reading(reading jsonb, corrected jsonb, who text) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE SET search_path = cs, pg_temp AS $$
DECLARE
    -- The account stays as it was read: bank details are settled by a call-back, and never by a correction.
    said jsonb := corrected - '{document_class,supplier_id,iban}'::text[];
    names text[] := ARRAY(SELECT jsonb_object_keys(said));
BEGIN
    RETURN (reading || jsonb_build_object(
        'fields', coalesce(reading->'fields', '{}') || said,
        'field_confidence', coalesce(reading->'field_confidence', '{}') || (SELECT coalesce(jsonb_object_agg(n, NULL), '{}') FROM unnest(names) AS n),
        'evidence', coalesce(reading->'evidence', '{}') - names,
        'alternatives', coalesce(reading->'alternatives', '{}') - names,
        'corrected_by', coalesce(reading->'corrected_by', '{}') || (SELECT jsonb_object_agg(k, who) FROM jsonb_object_keys(corrected) AS k),
        'warnings', CASE WHEN corrected ? 'iban' THEN coalesce(reading->'warnings', '[]')
            || to_jsonb(who || ' reads another account on the document: bank details are settled by a call-back') ELSE coalesce(reading->'warnings', '[]') END)
        || CASE WHEN corrected ? 'document_class' THEN jsonb_build_object('document_class', corrected->'document_class', 'confidence', NULL,
            'abstained', false, 'basis', 'person') ELSE '{}' END)
        -- Which supplier of the books it was, and how that was seen, is no longer what is said.
        - CASE WHEN corrected ? 'supplier_id' THEN 'supplier_match' ELSE '' END;
END $$;

-- The facts that the law judges from now on. What another system stated beside the document stays: only what was taken
-- from the reading follows it.
CREATE OR REPLACE FUNCTION cs._corrected_facts(law cs.case_revisions, of_case cs.cases, reading jsonb, corrected jsonb, who text) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = cs, pg_temp AS $$
DECLARE
    fields jsonb := coalesce(reading->'fields', '{}');
    class text := CASE WHEN corrected ? 'document_class' THEN corrected->>'document_class' ELSE law.document_class END;
    item jsonb := jsonb_build_object('document_sha256', law.document_sha256, 'document_class', class, 'amount', law.amount::text, 'currency', law.currency,
        'entity', law.entity, 'region', law.region, 'supplier_id', law.supplier_id, 'customer_id', law.customer_id, 'iban', law.payee_iban,
        'invoice_id', coalesce(law.invoice_id, CASE WHEN class IN ('invoice', 'credit_note') THEN of_case.source_key END),
        'issue_date', law.issue_date, 'due_date', law.due_date);
BEGIN
    IF corrected ? 'total_amount' AND (law.amount IS NULL OR fields->>'total_amount' ~ '^-?[0-9]{1,15}(\.[0-9]{1,40})?$' AND (fields->>'total_amount')::numeric = law.amount) THEN
        item := item || jsonb_build_object('amount', corrected->>'total_amount');
    END IF;
    IF corrected ? 'currency' AND law.currency IS NOT DISTINCT FROM fields->>'currency' THEN
        item := item || jsonb_build_object('currency', corrected->>'currency');
    END IF;
    IF corrected ? 'issue_date' AND law.issue_date::text IS NOT DISTINCT FROM fields->>'issue_date' THEN
        item := item || jsonb_build_object('issue_date', corrected->>'issue_date');
    END IF;
    IF corrected ? 'due_date' AND law.due_date::text IS NOT DISTINCT FROM fields->>'due_date' THEN
        item := item || jsonb_build_object('due_date', corrected->>'due_date');
    END IF;
    IF corrected ? 'supplier_id' THEN
        IF corrected->>'supplier_id' IS NOT NULL AND NOT EXISTS (SELECT FROM cs.suppliers WHERE tenant = law.tenant AND id = corrected->>'supplier_id') THEN
            PERFORM cs._refuse('CS404', 'the books know no supplier ' || (corrected->>'supplier_id'));
        END IF;
        item := item || jsonb_build_object('supplier_id', corrected->>'supplier_id');
    END IF;
    PERFORM cs._check_amount(item->>'amount', item->>'currency');
    RETURN item || jsonb_build_object('reading', cs._corrected_reading(reading, corrected, who));
END $$;

-- A labelled row with its values.
CREATE OR REPLACE FUNCTION cs._label(law cs.case_revisions, me cs.actors, of_name text, of_source text, before text, after text, of_reading jsonb, of_decision text)
RETURNS bigint
LANGUAGE plpgsql SET search_path = cs, pg_temp AS $$
DECLARE made bigint;
BEGIN
    INSERT INTO cs.corrections (tenant, case_id, revision, document_sha256, name, source, reading_sha256, model, actor, decision_id)
    VALUES (law.tenant, law.case_id, law.revision, law.document_sha256, of_name, of_source, cs._sha256(of_reading::text),
        (SELECT digest FROM cs.champions WHERE tenant = law.tenant AND model = 'classifier'), me.id, of_decision) RETURNING id INTO made;
    INSERT INTO cs.correction_values (tenant, correction_id, before, after) VALUES (law.tenant, made, before, after);
    RETURN made;
END $$;

-- What was read and is read so no more, as the ledger keeps it: names of everything, values of what the law judges.
CREATE OR REPLACE FUNCTION cs._said_of(law cs.case_revisions, item jsonb) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = cs, pg_temp AS $$
    SELECT coalesce(jsonb_object_agg(q.name, jsonb_build_object('from', q.before, 'to', q.after)), '{}') FROM (VALUES
        ('amount', law.amount::text, item->>'amount'), ('currency', law.currency, item->>'currency'), ('supplier_id', law.supplier_id, item->>'supplier_id'),
        ('issue_date', law.issue_date::text, item->>'issue_date'), ('due_date', law.due_date::text, item->>'due_date'),
        ('document_class', law.document_class, item->>'document_class')) AS q(name, before, after)
    WHERE CASE WHEN q.name = 'amount' THEN q.before::numeric IS DISTINCT FROM q.after::numeric ELSE q.before IS DISTINCT FROM q.after END
$$;

-- The case's invoice in the ledger that duplicates are looked for in follows what it is now known to be.
CREATE OR REPLACE FUNCTION cs._rebook(law cs.case_revisions, item jsonb, bill jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = cs, pg_temp AS $$
BEGIN
    -- Nobody corrects an invoice out of the ledger: its duplicate would be found no more.
    IF bill IS NULL THEN
        RETURN;
    END IF;
    IF (bill->>'invoice_id', (bill->>'amount')::numeric, coalesce(bill->>'currency', ''), bill->>'vendor_id', bill->>'entity')
       IS DISTINCT FROM (item->>'invoice_id', (item->>'amount')::numeric, coalesce(item->>'currency', ''), coalesce(item->>'supplier_id', ''), item->>'entity') THEN
        PERFORM cs._refuse('CS428', 'the invoice for the ledger is not the case''s own');
    END IF;
    PERFORM cs._check_rows('invoices', jsonb_build_array(bill));
    INSERT INTO cs.invoices AS b (tenant, invoice_id, case_id, entity, vendor_id, vendor_name, tax_id, iban, invoice_no, invoice_date, currency, amount, po, description, doc_type,
        keys, keys_version)
    SELECT law.tenant, r.invoice_id, law.case_id, r.entity, r.vendor_id, r.vendor_name, r.tax_id, law.payee_iban, r.invoice_no, r.invoice_date, r.currency, r.amount, r.po,
        r.description, r.doc_type, coalesce(cs._own_keys(law.tenant, r.keys), '{}'), coalesce(r.keys_version, 0)
    FROM jsonb_to_record(bill) AS r (invoice_id text, entity text, vendor_id text, vendor_name text, tax_id text, invoice_no text, invoice_date date,
        currency text, amount numeric, po text, description text, doc_type text, keys bigint[], keys_version int)
    -- When it came, and when it was posted, stays.
    ON CONFLICT (tenant, invoice_id) DO UPDATE SET entity = excluded.entity, vendor_id = excluded.vendor_id, vendor_name = excluded.vendor_name,
        tax_id = excluded.tax_id, invoice_no = excluded.invoice_no, invoice_date = excluded.invoice_date, currency = excluded.currency,
        amount = excluded.amount, po = excluded.po, doc_type = excluded.doc_type, keys = excluded.keys, keys_version = excluded.keys_version
        WHERE b.case_id = law.case_id;
    -- Made again when the case is triaged again.
    DELETE FROM cs.invoice_vectors v USING cs.invoices i WHERE v.tenant = law.tenant AND i.tenant = v.tenant AND i.invoice_id = v.invoice_id AND i.case_id = law.case_id;
END $$;

-- A title with the number and the name as they are now said (api/intake/filing.py writes them into it).
CREATE OR REPLACE FUNCTION cs._retitled(title text, before jsonb, after jsonb) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = cs, pg_temp AS $$
    SELECT left(replace(replace(title, ' ' || coalesce(before->>'invoice_number', '(no number)') || ' from ', ' ' || coalesce(after->>'invoice_number', '(no number)') || ' from '),
        ' from ' || coalesce(before->>'supplier', 'an unknown supplier'), ' from ' || coalesce(after->>'supplier', 'an unknown supplier')), 500)
$$;

-- What a correction would make of the case's facts, before it is made. Raises CS404, CS421.
CREATE OR REPLACE FUNCTION cs.facts_if_corrected(of_case text, corrected jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE
    me cs.actors := cs._me();
    found cs.cases;
    law cs.case_revisions;
    read cs.case_readings;
BEGIN
    PERFORM cs._need(me, ARRAY['person'], ARRAY['analyst', 'reviewer', 'controller', 'administrator'], 'correct what was read');
    SELECT * INTO found FROM cs.cases WHERE tenant = me.tenant AND id = of_case;
    SELECT * INTO law FROM cs.case_revisions WHERE tenant = me.tenant AND case_id = of_case AND revision = found.revision;
    SELECT * INTO read FROM cs.case_readings WHERE tenant = me.tenant AND case_id = of_case AND revision = found.revision;
    IF found.id IS NULL THEN
        PERFORM cs._refuse('CS404', 'there is no such case');
    END IF;
    IF law.document_sha256 IS NULL OR found.queue = 'governance' THEN
        PERFORM cs._refuse('CS421', 'nothing was read here: facts without a document are corrected where they come from');
    END IF;
    PERFORM cs._check_corrected(corrected, law.currency);
    RETURN cs._corrected_facts(law, found, read.reading, corrected, me.id) || jsonb_build_object('queue', found.queue);
END $$;

-- A person says what is right. `with_facts`: the digest of the facts that they saw; `bill`: the case's invoice as it then
-- stands, with its keys (null: the ledger keeps what it has). What was pending on the old facts is superseded. Raises CS404, CS420, CS421.
CREATE OR REPLACE FUNCTION cs.correct(of_case text, with_facts text, corrected jsonb, bill jsonb DEFAULT NULL) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE
    me cs.actors := cs._me();
    found cs.cases;
    law cs.case_revisions;
    read cs.case_readings;
    pending cs.recommendations;
    item jsonb;
    digest text;
    names text[];
BEGIN
    PERFORM cs._need(me, ARRAY['person'], ARRAY['analyst', 'reviewer', 'controller', 'administrator'], 'correct what was read');
    -- In the order of everybody else: source key, recommendation, job, case.
    SELECT * INTO found FROM cs.cases WHERE tenant = me.tenant AND id = of_case;
    IF found.id IS NULL THEN
        PERFORM cs._refuse('CS404', 'there is no such case');
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('intake ' || me.tenant || ' ' || found.source_key, 0));
    SELECT * INTO pending FROM cs.recommendations WHERE tenant = me.tenant AND case_id = of_case AND (state IN ('awaiting_review', 'approved')
        OR state = 'sent_back' AND returned_to IS NOT NULL) FOR UPDATE;
    PERFORM FROM cs.jobs WHERE tenant = me.tenant AND case_id = of_case AND state IN ('ready', 'leased', 'dead') ORDER BY id FOR UPDATE;
    SELECT * INTO found FROM cs.cases WHERE tenant = me.tenant AND id = of_case FOR UPDATE;
    SELECT * INTO law FROM cs.case_revisions WHERE tenant = me.tenant AND case_id = of_case AND revision = found.revision;
    IF law.facts_digest IS DISTINCT FROM with_facts THEN
        PERFORM cs._refuse('CS420', 'the case has newer facts than those that you read: look at them first', jsonb_build_object('current_facts', law.facts_digest));
    END IF;
    IF law.document_sha256 IS NULL OR found.queue = 'governance' THEN
        PERFORM cs._refuse('CS421', 'nothing was read here: facts without a document are corrected where they come from');
    END IF;
    IF NOT found.state IN ('queued', 'triaging', 'awaiting_review', 'approved', 'dead_letter') THEN
        PERFORM cs._refuse('CS421', 'the case is ' || found.state || ': what was read of it is corrected before its effect leaves', jsonb_build_object('state', found.state));
    END IF;
    DELETE FROM cs.effects WHERE tenant = me.tenant AND recommendation_id = pending.id AND state = 'ready';
    IF pending.state = 'approved' AND EXISTS (SELECT FROM cs.effects WHERE tenant = me.tenant AND recommendation_id = pending.id) THEN
        PERFORM cs._refuse('CS421', 'an effect of this case is on its way: correct it afterwards');
    END IF;
    SELECT * INTO read FROM cs.case_readings WHERE tenant = me.tenant AND case_id = of_case AND revision = found.revision;
    PERFORM cs._check_corrected(corrected, law.currency);
    names := ARRAY(SELECT c.k FROM jsonb_each_text(corrected) AS c(k, v) WHERE c.v IS DISTINCT FROM CASE c.k
        WHEN 'document_class' THEN law.document_class WHEN 'supplier_id' THEN law.supplier_id ELSE read.reading#>>ARRAY['fields', c.k] END
        -- To say that an answer which nobody stood by is right is a correction, too.
        OR c.k = 'document_class' AND coalesce((read.reading->>'abstained')::boolean, false) ORDER BY c.k COLLATE "C");
    IF cardinality(names) = 0 THEN
        PERFORM cs._refuse('CS400', 'this is what was read: there is nothing to correct');
    END IF;
    corrected := (SELECT jsonb_object_agg(k, v) FROM jsonb_each(corrected) AS c(k, v) WHERE k = ANY (names));
    -- What follows from it in the same transaction asks for the policy: before the ledger, as everybody does.
    PERFORM cs._hold_policy(me.tenant);
    item := cs._corrected_facts(law, found, read.reading, corrected, me.id) || jsonb_build_object('details', read.details);
    PERFORM cs._rebook(law, item, bill);
    UPDATE cs.recommendations SET state = 'superseded', returned_to = NULL, approved_at = NULL WHERE tenant = me.tenant AND id = pending.id;
    UPDATE cs.jobs SET state = 'done', lease_until = NULL WHERE tenant = me.tenant AND case_id = of_case AND state IN ('ready', 'leased', 'dead');
    UPDATE cs.cases SET revision = found.revision + 1, state = 'queued', updated_at = now(),
        title = cs._retitled(found.title, read.reading->'fields', item#>'{reading,fields}'), exception_type = CASE
        WHEN corrected ? 'document_class' AND exception_type IN ('invoice_received', 'document_received')
        THEN CASE WHEN item->>'document_class' IN ('invoice', 'credit_note') THEN 'invoice_received' ELSE 'document_received' END ELSE exception_type END
    WHERE tenant = me.tenant AND id = of_case;
    digest := cs._revise(me, of_case, found.revision + 1, item, found.revision);
    PERFORM cs._label(law, me, c.k, 'correction', CASE c.k WHEN 'document_class' THEN law.document_class WHEN 'supplier_id' THEN law.supplier_id
        ELSE read.reading#>>ARRAY['fields', c.k] END, c.v, read.reading, NULL)
    FROM (SELECT e.k, e.v FROM jsonb_each_text(corrected) AS e(k, v) ORDER BY e.k COLLATE "C") c;
    NOTIFY countersign_jobs;
    PERFORM cs._append(me.tenant, me.id, 'case.corrected', of_case, jsonb_build_object('revision', found.revision + 1, 'facts', digest,
        'corrects', found.revision, 'superseded', pending.id, 'document', law.document_sha256, 'reading', cs._sha256(read.reading::text),
        'names', to_jsonb(names), 'law', cs._said_of(law, item)));
    RETURN jsonb_build_object('case_id', of_case, 'revision', found.revision + 1, 'facts_digest', digest, 'names', to_jsonb(names), 'superseded', pending.id);
END $$;

-- An override that says that data was wrong labels what it puts right. Which names it did.
CREATE OR REPLACE FUNCTION cs._label_override(law cs.case_revisions, me cs.actors, reason text, of_decision text, args jsonb) RETURNS jsonb
LANGUAGE plpgsql SET search_path = cs, pg_temp AS $$
DECLARE read cs.case_readings;
BEGIN
    SELECT * INTO read FROM cs.case_readings WHERE tenant = law.tenant AND case_id = law.case_id AND revision = law.revision;
    IF reason IS DISTINCT FROM 'wrong_data' OR law.document_sha256 IS NULL OR args->>'invoice_number' IS NULL
       OR args->>'invoice_number' IS NOT DISTINCT FROM read.reading#>>'{fields,invoice_number}' OR length(args->>'invoice_number') > 200 THEN
        RETURN '{}';
    END IF;
    PERFORM cs._label(law, me, 'invoice_number', 'override', read.reading#>>'{fields,invoice_number}', args->>'invoice_number', read.reading, of_decision);
    RETURN '{"labels": ["invoice_number"]}';
END $$;
