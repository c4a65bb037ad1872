-- What the law reads: seats from the matrix, the payee's bank accounts, the effect's gate.

-- The amount in the policy's currency by the latest known rate on or before the day; null = unknown.
CREATE OR REPLACE FUNCTION cs._in_currency(of_tenant text, amount numeric, currency text, wanted text, day date) RETURNS numeric
LANGUAGE sql STABLE SET search_path = cs, pg_temp AS $$
    SELECT CASE
        WHEN amount IS NULL OR currency IS NULL THEN NULL
        WHEN currency = wanted THEN amount
        ELSE amount / (CASE WHEN currency = 'EUR' THEN 1 ELSE (SELECT per_eur FROM cs.fx_rates f WHERE f.tenant = of_tenant
                           AND f.currency = _in_currency.currency AND f.day <= _in_currency.day ORDER BY f.day DESC LIMIT 1) END)
                    * (CASE WHEN wanted = 'EUR' THEN 1 ELSE (SELECT per_eur FROM cs.fx_rates f WHERE f.tenant = of_tenant
                           AND f.currency = wanted AND f.day <= _in_currency.day ORDER BY f.day DESC LIMIT 1) END)
        END
$$;

-- The largest size that any of these facts gives the amount, in a currency; null where one of them does not know it.
CREATE OR REPLACE FUNCTION cs._worth(law cs.case_revisions, wanted text, day date) RETURNS numeric
LANGUAGE sql STABLE SET search_path = cs, pg_temp AS $$
    SELECT CASE WHEN bool_and(q.size IS NOT NULL) THEN max(q.size) END
    FROM (SELECT abs(cs._in_currency(j.tenant, j.amount, j.currency, wanted, day)) AS size FROM cs._judged(law) j) q
$$;

-- All rules that match; all rules of the policy where none matches. `totals`: see cs._totals. Twin: governance/gate.py.
DROP FUNCTION IF EXISTS cs._rules(text, int, text, numeric, text, text, text);
CREATE OR REPLACE FUNCTION cs._rules(of_tenant text, of_version int, of_action text, amount numeric, risk text, entity text, region text, totals jsonb)
RETURNS SETOF cs.matrix_rules
LANGUAGE plpgsql STABLE SET search_path = cs, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT r.* FROM cs.matrix_rules r,
            LATERAL (SELECT abs(CASE WHEN r.window_days IS NULL THEN amount ELSE (totals->>r.rule_id)::numeric END) AS size) band
        WHERE r.tenant = of_tenant AND r.version = of_version
          AND r.actions && ARRAY[of_action, '*'] AND r.entities && ARRAY[entity, '*'] AND r.regions && ARRAY[region, '*']
          AND r.risk_from <= array_position(ARRAY['low', 'normal', 'high'], risk)
          AND CASE WHEN band.size IS NULL THEN r.amount_below IS NULL
                   ELSE r.amount_from <= band.size AND (r.amount_below IS NULL OR band.size < r.amount_below) END;
    IF NOT FOUND THEN
        RETURN QUERY SELECT * FROM cs.matrix_rules r WHERE r.tenant = of_tenant AND r.version = of_version;
    END IF;
END $$;

-- What the matrix asks for, all rules together that apply to any of the facts judged (cs._judged): the most seats per
-- role, the shortest time, all evidence.
DO $$ BEGIN
    CREATE TYPE cs.need AS (rules text[], seats jsonb, expires_hours int, evidence text[], bulk boolean, signature boolean);
EXCEPTION WHEN duplicate_object THEN NULL; END $$;
CREATE OR REPLACE FUNCTION cs._needs(law cs.case_revisions, policy cs.policies, of_action text, risk text, day date, but_not text, before timestamptz)
RETURNS cs.need
LANGUAGE plpgsql STABLE SET search_path = cs, pg_temp AS $$
DECLARE
    each cs.case_revisions;
    amount numeric;
    found text[] := '{}';
    need cs.need;
BEGIN
    FOR each IN SELECT * FROM cs._judged(law) LOOP
        amount := cs._in_currency(each.tenant, each.amount, each.currency, policy.currency, day);
        found := found || ARRAY(SELECT r.rule_id FROM cs._rules(each.tenant, policy.version, of_action, amount, risk, each.entity, each.region,
            cs._totals(each, policy.version, policy.currency, of_action, amount, but_not, before)) r);
    END LOOP;
    WITH rules AS MATERIALIZED (SELECT * FROM cs.matrix_rules r WHERE r.tenant = law.tenant AND r.version = policy.version AND r.rule_id = ANY (found))
    SELECT (SELECT array_agg(r.rule_id ORDER BY r.rule_id) FROM rules r),
        (SELECT jsonb_object_agg(t.role, t.seats) FROM (SELECT m.role, max(m.seats) AS seats FROM rules r JOIN cs.matrix_seats m
            ON m.tenant = r.tenant AND m.version = r.version AND m.rule_id = r.rule_id GROUP BY m.role) t),
        (SELECT min(r.expires_hours) FROM rules r),
        (SELECT coalesce(array_agg(DISTINCT e), '{}') FROM rules r, unnest(r.evidence) AS e),
        (SELECT bool_and(r.bulk) FROM rules r), (SELECT bool_or(r.signature) FROM rules r) INTO need;
    -- Where there is no document, the facts themselves are what can be opened.
    IF law.document_sha256 IS NULL AND 'document' = ANY (need.evidence) THEN
        need.evidence := ARRAY(SELECT DISTINCT e FROM unnest(array_replace(need.evidence, 'document', 'case')) AS e);
    END IF;
    RETURN need;
END $$;

-- A hash over the payee's current bank accounts, so that a change after the proposal is noticed.
CREATE OR REPLACE FUNCTION cs._payee_bank(of_tenant text, supplier text) RETURNS text
LANGUAGE sql STABLE SET search_path = cs, pg_temp AS $$
    SELECT CASE WHEN supplier IS NULL THEN 'none' ELSE 'sha256:' || cs._sha256(coalesce(string_agg(iban, E'\n' ORDER BY iban COLLATE "C"), '')) END
    FROM cs.bank_accounts WHERE tenant = of_tenant AND owner_kind = 'supplier' AND owner_id = supplier AND valid_to IS NULL
$$;

-- The active policy, held until the transaction ends. Who waited here for a change of policy would find no row: the old one
-- is active no longer, the new one came after the question. So it is asked again.
CREATE OR REPLACE FUNCTION cs._hold_policy(of_tenant text) RETURNS cs.policies
LANGUAGE plpgsql SET search_path = cs, pg_temp AS $$
DECLARE policy cs.policies;
BEGIN
    FOR n IN 1..10 LOOP
        SELECT * INTO policy FROM cs.policies WHERE tenant = of_tenant AND active FOR SHARE;
        IF policy.version IS NOT NULL THEN
            RETURN policy;
        END IF;
    END LOOP;
    PERFORM cs._refuse('CS426', 'the policy is being changed: try again');
END $$;

-- Who can hold no seat: the initiator, and every person who drafted, edited or requested.
CREATE OR REPLACE FUNCTION cs._is_excluded(rec cs.recommendations, who text) RETURNS boolean
LANGUAGE sql STABLE SET search_path = cs, pg_temp AS $$ SELECT who = ANY (rec.excluded) $$;

-- Every seat is filled by a different, active person of its role (or for one, or standing in for one), and none of them,
-- nor anybody for whom they act, initiated, drafted, edited or requested the thing.
CREATE OR REPLACE FUNCTION cs._check_seats(rec cs.recommendations, law cs.case_revisions, policy cs.policies, need cs.need) RETURNS void
LANGUAGE plpgsql SET search_path = cs, pg_temp AS $$
DECLARE of_queue text := (SELECT queue FROM cs.cases WHERE tenant = rec.tenant AND id = rec.case_id);
BEGIN
    IF NOT EXISTS (SELECT FROM cs.seats WHERE tenant = rec.tenant AND recommendation_id = rec.id)
       OR EXISTS (SELECT FROM cs.seats s LEFT JOIN cs.decisions d ON d.tenant = s.tenant AND d.id = s.decision_id
            LEFT JOIN cs.actors a ON a.tenant = s.tenant AND a.id = s.filled_by
            LEFT JOIN cs.actors p ON p.tenant = s.tenant AND p.id = coalesce(s.acting_for, s.filled_by)
            WHERE s.tenant = rec.tenant AND s.recommendation_id = rec.id AND (
                s.filled_by IS NULL OR d.id IS NULL OR d.withdrawn_at IS NOT NULL OR d.decision <> 'approve'
                OR d.digest <> rec.digest OR d.actor <> s.filled_by OR d.recommendation_id <> rec.id OR d.acting_for IS DISTINCT FROM s.acting_for
                OR NOT a.active OR a.kind <> 'person' OR NOT p.active OR p.kind <> 'person'
                OR NOT coalesce(s.stands_in_as, s.role) = ANY (p.roles)
                OR (s.stands_in_as IS NOT NULL AND NOT coalesce(policy.canon::jsonb#>ARRAY['cover', s.role] ? s.stands_in_as, false))
                OR (s.acting_for IS NOT NULL AND NOT cs._is_delegated(rec.tenant, s.acting_for, s.filled_by, s.role, law, policy, of_queue))
                OR cs._is_excluded(rec, s.filled_by) OR cs._is_excluded(rec, p.id)))
       OR (SELECT count(DISTINCT filled_by) <> count(*) OR count(DISTINCT coalesce(acting_for, filled_by)) <> count(*)
           FROM cs.seats WHERE tenant = rec.tenant AND recommendation_id = rec.id) THEN
        PERFORM cs._refuse('CS411', 'not every seat is filled by a different, active person who may hold it');
    END IF;
    -- The seats on file must be at least those that the matrix asks for now.
    IF EXISTS (SELECT FROM jsonb_each_text(need.seats) AS n WHERE n.value::int >
               (SELECT count(*) FROM cs.seats s WHERE s.tenant = rec.tenant AND s.recommendation_id = rec.id AND s.role = n.key)) THEN
        PERFORM cs._refuse('CS411', 'the matrix asks for more seats than were filled');
    END IF;
    IF EXISTS (SELECT FROM cs.seats s, unnest(need.evidence) AS e WHERE s.tenant = rec.tenant AND s.recommendation_id = rec.id
               AND NOT EXISTS (SELECT FROM cs.openings o WHERE o.tenant = rec.tenant AND o.case_id = rec.case_id AND o.revision = rec.revision
                               AND o.actor = s.filled_by AND o.what = e)) THEN
        PERFORM cs._refuse('CS435', 'somebody signed without having opened what policy demands');
    END IF;
    IF need.signature AND EXISTS (SELECT FROM cs.seats s JOIN cs.decisions d ON d.tenant = s.tenant AND d.id = s.decision_id
            WHERE s.tenant = rec.tenant AND s.recommendation_id = rec.id AND NOT cs._is_signed(d)) THEN
        PERFORM cs._refuse('CS436', 'policy demands a signature of every signer of this tier');
    END IF;
END $$;

-- A decision carries `ed25519:<key id>:<signature>` under a live key of its maker. The mathematics is the courier's and the
-- verifier's: this database cannot compute it, and holds no key.
CREATE OR REPLACE FUNCTION cs._is_signed(made cs.decisions) RETURNS boolean
LANGUAGE sql STABLE SET search_path = cs, pg_temp AS $$
    SELECT coalesce(made.signature ~ '^ed25519:[0-9a-f]{16}:[A-Za-z0-9+/]{86}==$' AND EXISTS (
        SELECT FROM cs.signing_keys k WHERE k.tenant = made.tenant AND k.id = split_part(made.signature, ':', 2)
        AND k.actor = made.actor AND k.revoked_at IS NULL), false)
$$;

CREATE OR REPLACE FUNCTION cs._is_delegated(of_tenant text, from_person text, to_person text, of_role text, law cs.case_revisions, policy cs.policies, of_queue text)
RETURNS boolean
LANGUAGE sql STABLE SET search_path = cs, pg_temp AS $$
    SELECT EXISTS (SELECT FROM cs.delegations d WHERE d.tenant = of_tenant AND d.from_actor = from_person AND d.to_actor = to_person
        AND d.role = of_role AND d.revoked_at IS NULL AND d.starts_at <= clock_timestamp() AND d.ends_at > clock_timestamp()
        -- Who has become an auditor since holds no borrowed role either.
        AND NOT EXISTS (SELECT FROM cs.actors a WHERE a.tenant = of_tenant AND a.id = to_person AND 'auditor' = ANY (a.roles))
        AND d.queues && ARRAY[of_queue, '*'] AND d.entities && ARRAY[law.entity, '*']
        AND (d.amount_below IS NULL OR cs._worth(law, policy.currency, law.created_at::date) < d.amount_below))
$$;

-- The gate. Raises unless, now, every seat of the active matrix is filled (cs._check_seats) on this digest and policy,
-- unexpired, with the facts and the payee's bank data unchanged.
CREATE OR REPLACE FUNCTION cs._gate(rec cs.recommendations) RETURNS void
LANGUAGE plpgsql SET search_path = cs, pg_temp AS $$
DECLARE
    policy cs.policies;
    law cs.case_revisions;
BEGIN
    IF rec.state <> 'approved' THEN
        PERFORM cs._refuse('CS421', 'the recommendation is not approved');
    END IF;
    IF 'sha256:' || cs._sha256(E'countersign/recommendation/v1\n' || rec.envelope) <> rec.digest THEN
        PERFORM cs._refuse('CS420', 'the envelope does not hash to its digest');
    END IF;
    IF clock_timestamp() >= rec.expires_at THEN
        PERFORM cs._refuse('CS422', 'the recommendation has expired');
    END IF;
    SELECT * INTO law FROM cs.case_revisions WHERE tenant = rec.tenant AND case_id = rec.case_id AND revision = rec.revision;
    PERFORM cs._lock_payee(law);
    IF cs._payee_bank(rec.tenant, law.supplier_id) <> rec.payee_bank THEN
        PERFORM cs._refuse('CS427', 'the payee''s bank details changed since this was proposed');
    END IF;
    IF (SELECT revision FROM cs.cases WHERE tenant = rec.tenant AND id = rec.case_id) <> rec.revision THEN
        PERFORM cs._refuse('CS421', 'the case has newer facts than this recommendation', jsonb_build_object('controls', ARRAY['GATE-05']));
    END IF;
    policy := cs._hold_policy(rec.tenant);
    IF policy.version IS DISTINCT FROM rec.policy_version THEN
        PERFORM cs._refuse('CS426', 'the policy changed since this was proposed');
    END IF;
    PERFORM cs._check_seats(rec, law, policy, cs._needs(law, policy, rec.action, rec.risk, rec.created_at::date, rec.id, rec.approved_at));
END $$;

CREATE OR REPLACE FUNCTION cs._effect_gate() RETURNS trigger
LANGUAGE plpgsql SET search_path = cs, pg_temp AS $$
DECLARE rec cs.recommendations;
BEGIN
    SELECT * INTO rec FROM cs.recommendations WHERE tenant = NEW.tenant AND id = NEW.recommendation_id FOR UPDATE;
    PERFORM cs._gate(rec);
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER effects_gate BEFORE INSERT ON cs.effects FOR EACH ROW EXECUTE FUNCTION cs._effect_gate();

-- An action must be in the catalogue, and what it says of the case must be what the case says.
CREATE OR REPLACE FUNCTION cs._check_action(law cs.case_revisions, action jsonb, draft jsonb) RETURNS cs.action_catalogue
LANGUAGE plpgsql STABLE SET search_path = cs, pg_temp AS $$
DECLARE
    spec cs.action_catalogue;
    args jsonb := coalesce(action->'args', '{}');
    unknown text;
BEGIN
    SELECT * INTO spec FROM cs.action_catalogue WHERE name = action->>'name';
    IF NOT FOUND THEN
        PERFORM cs._refuse('CS432', coalesce(action->>'name', 'null') || ' is not in the catalogue of actions');
    END IF;
    IF jsonb_typeof(args) <> 'object' OR NOT args ?& spec.required
       OR EXISTS (SELECT FROM jsonb_each(args) AS t(k, v) WHERE jsonb_typeof(v) <> 'string') THEN
        PERFORM cs._refuse('CS432', spec.name || ' needs string arguments ' || array_to_string(spec.required, ', '));
    END IF;
    SELECT k INTO unknown FROM jsonb_object_keys(args) AS k WHERE NOT k = ANY (spec.required || spec.optional) LIMIT 1;
    IF unknown IS NOT NULL THEN
        PERFORM cs._refuse('CS432', spec.name || ' knows no argument ' || unknown);
    END IF;
    IF args ? 'date' AND (args->>'date' !~ '^\d{4}-\d\d-\d\d$' OR NOT pg_input_is_valid(args->>'date', 'date')) THEN
        PERFORM cs._refuse('CS432', 'argument date must be a date, YYYY-MM-DD');
    END IF;
    IF args ? 'amount' AND args->>'amount' !~ '^-?[0-9]{1,15}(\.[0-9]{1,3})?$' THEN
        PERFORM cs._refuse('CS432', 'argument amount must be a decimal string');
    END IF;
    -- What is paid is what is judged: another invoice's number on this case would be judged by this case's amount.
    IF spec.risk_class = 3 AND args ? 'invoice_id' AND NOT (CASE WHEN law.invoice_id IS NOT NULL THEN args->>'invoice_id' = law.invoice_id
            ELSE coalesce((SELECT args->>'invoice_id' IN (d.reading#>>'{fields,invoice_number}', d.details->>'invoice_number', d.details->>'invoice_no')
                FROM cs.case_readings d WHERE d.tenant = law.tenant AND d.case_id = law.case_id AND d.revision = law.revision), false) END) THEN
        PERFORM cs._refuse('CS428', 'the action names an invoice that is not the case''s own');
    END IF;
    IF spec.name IN ('release_payment', 'approve_payout') AND law.amount <= 0 THEN
        PERFORM cs._refuse('CS455', 'nothing is paid of an amount of zero or less');
    END IF;
    IF (args ? 'amount' AND (args->>'amount')::numeric IS DISTINCT FROM law.amount)
       OR (args ? 'currency' AND args->>'currency' IS DISTINCT FROM law.currency)
       OR (args ? 'supplier_id' AND args->>'supplier_id' IS DISTINCT FROM law.supplier_id)
       OR (args ? 'partner_id' AND args->>'partner_id' IS DISTINCT FROM coalesce(law.supplier_id, law.customer_id))
       OR (args ? 'customer_id' AND args->>'customer_id' IS DISTINCT FROM law.customer_id) THEN
        PERFORM cs._refuse('CS428', 'the action names an amount, currency or party that is not the case''s own');
    END IF;
    IF (spec.effect = 'mail') <> (draft IS NOT NULL AND jsonb_typeof(draft) = 'object') THEN
        PERFORM cs._refuse('CS432', 'a letter action needs a draft, and no other action may carry one');
    END IF;
    IF spec.effect = 'mail' THEN
        IF NOT draft ?& ARRAY['to', 'subject', 'body', 'language'] OR (SELECT count(*) FROM jsonb_object_keys(draft)) <> 4
           OR EXISTS (SELECT FROM jsonb_each(draft) AS t(k, v) WHERE jsonb_typeof(v) <> 'string') THEN
            PERFORM cs._refuse('CS400', 'a draft has to, subject, body and language, each a string');
        END IF;
        IF NOT EXISTS (SELECT FROM cs.suppliers WHERE tenant = law.tenant AND id = law.supplier_id AND email = draft->>'to'
                       AND (args ? 'supplier_id' OR NOT args ? 'customer_id')
                       UNION ALL SELECT FROM cs.customers WHERE tenant = law.tenant AND id = law.customer_id AND email = draft->>'to'
                       AND (args ? 'customer_id' OR NOT args ? 'supplier_id')) THEN
            PERFORM cs._refuse('CS428', 'the recipient is not the address that the books hold for this party');
        END IF;
    END IF;
    RETURN spec;
END $$;

-- How an envelope names whom its letter goes to. An envelope cannot be erased, so it does not carry the address: without the
-- salt, which goes with the erased letter, nobody can try addresses until one fits. Null where there is no letter.
-- Twin: governance/recommendation.py.
CREATE OR REPLACE FUNCTION cs._recipient(salt text, address text) RETURNS text
LANGUAGE sql STABLE SET search_path = cs, pg_temp AS $$
    SELECT 'sha256:' || cs._sha256(E'countersign/recipient/v1\n' || salt || E'\n' || address)
$$;

-- Compose and store one recommendation: the agent's filing and a person's override both end here.
CREATE OR REPLACE FUNCTION cs._compose(law cs.case_revisions, queue text, exception_type text, action jsonb, leaves jsonb, stamps jsonb, thresholds jsonb,
    of_risk text, of_confidence double precision, drafter text, excluded text[], job bigint) RETURNS cs.recommendations
LANGUAGE plpgsql SET search_path = cs, pg_temp AS $$
DECLARE
    policy cs.policies;
    rec cs.recommendations;
    need cs.need;
    salts jsonb;
    hashes jsonb;
    envelope jsonb;
    -- By the clock: a transaction that has been open for days would pick that day's rates.
    at timestamptz := clock_timestamp();
BEGIN
    PERFORM FROM cs.suppliers WHERE tenant = law.tenant AND id = law.supplier_id FOR SHARE;
    policy := cs._hold_policy(law.tenant);
    need := cs._needs(law, policy, action->>'name', of_risk, at::date, NULL, NULL);
    rec.tenant := law.tenant; rec.id := gen_random_uuid()::text; rec.case_id := law.case_id; rec.revision := law.revision;
    SELECT coalesce(max(draft_number), 0) + 1 INTO rec.draft_number FROM cs.recommendations r
    WHERE r.tenant = law.tenant AND r.case_id = law.case_id AND r.revision = law.revision;
    rec.state := 'awaiting_review'; rec.action := action->>'name'; rec.policy_version := policy.version;
    rec.payee_bank := cs._payee_bank(law.tenant, law.supplier_id);
    rec.risk := of_risk; rec.confidence := of_confidence; rec.drafted_by := drafter; rec.job_id := job;
    -- Whoever brought in an earlier revision of the facts initiated it, too.
    rec.excluded := ARRAY(SELECT DISTINCT e FROM unnest(excluded || law.initiator || drafter || ARRAY(SELECT r.initiator FROM cs.case_revisions r
        WHERE r.tenant = law.tenant AND r.case_id = law.case_id AND r.revision <= law.revision)) AS e ORDER BY e);
    rec.created_at := at;
    rec.rules := need.rules; rec.expires_at := at + make_interval(hours => need.expires_hours);
    rec.sla_due_at := cs._due(law.tenant, queue, exception_type, law.entity, at);
    SELECT jsonb_object_agg(key, cs._salt()) INTO salts FROM jsonb_each_text(leaves);
    SELECT jsonb_object_agg(key, 'sha256:' || cs._sha256(E'countersign/leaf/v1\n' || (salts->>key) || E'\n' || value)) INTO hashes
    FROM jsonb_each_text(leaves);
    envelope := jsonb_build_object(
        'tenant', law.tenant, 'case', law.case_id, 'revision', law.revision, 'draft_number', rec.draft_number,
        'action', jsonb_build_object('name', rec.action, 'args', coalesce(action->'args', '{}')),
        'recipient', cs._recipient(salts->>'draft', (leaves->>'draft')::jsonb->>'to'),
        'facts', law.facts_digest, 'payee', jsonb_build_object('supplier_id', law.supplier_id, 'bank', rec.payee_bank),
        'policy', jsonb_build_object('version', policy.version, 'digest', policy.digest),
        'stamps', stamps, 'thresholds', thresholds, 'risk', of_risk, 'drafted_by', drafter,
        'expires_at', cs._stamp(rec.expires_at), 'leaves', hashes);
    rec.envelope := cs._canon(envelope);
    rec.digest := 'sha256:' || cs._sha256(E'countersign/recommendation/v1\n' || rec.envelope);
    INSERT INTO cs.recommendations SELECT rec.*;
    INSERT INTO cs.leaves (tenant, recommendation_id, name, salt, content)
    SELECT law.tenant, rec.id, key, salts->>key, value FROM jsonb_each_text(leaves);
    INSERT INTO cs.seats (tenant, recommendation_id, seat, role)
    SELECT law.tenant, rec.id, row_number() OVER (ORDER BY n.key COLLATE "C", i), n.key FROM jsonb_each_text(need.seats) AS n, generate_series(1, n.value::int) AS i;
    RETURN rec;
END $$;
