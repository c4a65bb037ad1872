-- Who may stand for whom, who is away, and what was opened: all that a seat hangs on besides the matrix.

-- A role of one's own for a while to somebody else. No chains: only an own role can be lent. No circles.
CREATE OR REPLACE FUNCTION cs.delegate(to_person text, of_role text, starts timestamptz, ends timestamptz,
    of_queues text[] DEFAULT '{*}', of_entities text[] DEFAULT '{*}', below numeric DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE
    me cs.actors := cs._me();
    made bigint;
BEGIN
    PERFORM cs._need(me, ARRAY['person'], ARRAY[of_role], 'delegate the role ' || coalesce(of_role, 'null'));
    IF to_person = me.id OR NOT EXISTS (SELECT FROM cs.actors a WHERE a.tenant = me.tenant AND a.id = to_person AND a.active AND a.kind = 'person'
            AND NOT 'auditor' = ANY (a.roles)) THEN
        PERFORM cs._refuse('CS414', 'a role is delegated to another active person who is no auditor');
    END IF;
    IF starts IS NULL OR ends IS NULL OR ends <= starts OR ends <= now() OR ends > starts + interval '366 days' OR below <= 0
       OR cardinality(of_queues) = 0 OR cardinality(of_entities) = 0 THEN
        PERFORM cs._refuse('CS400', 'a delegation ends after it starts, in the future and within a year, and names its queues and entities');
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('countersign delegation ' || me.tenant, 0));
    IF EXISTS (SELECT FROM cs.delegations d WHERE d.tenant = me.tenant AND d.from_actor = to_person AND d.to_actor = me.id
               AND d.revoked_at IS NULL AND d.starts_at < ends AND d.ends_at > starts) THEN
        PERFORM cs._refuse('CS414', to_person || ' delegates to you at that time: delegations must not go in a circle');
    END IF;
    INSERT INTO cs.delegations (tenant, from_actor, to_actor, role, starts_at, ends_at, queues, entities, amount_below)
    VALUES (me.tenant, me.id, to_person, of_role, starts, ends, of_queues, of_entities, below) RETURNING id INTO made;
    PERFORM cs._append(me.tenant, me.id, 'delegation.made', made::text, jsonb_build_object('from', me.id, 'to', to_person, 'role', of_role,
        'starts_at', cs._stamp(starts), 'ends_at', cs._stamp(ends), 'queues', to_jsonb(of_queues), 'entities', to_jsonb(of_entities), 'amount_below', below::text));
    RETURN made;
END $$;

CREATE OR REPLACE FUNCTION cs.revoke_delegation(of_delegation bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE
    me cs.actors := cs._me();
    found cs.delegations;
BEGIN
    SELECT * INTO found FROM cs.delegations WHERE tenant = me.tenant AND id = of_delegation AND revoked_at IS NULL FOR UPDATE;
    IF found.id IS NULL THEN PERFORM cs._refuse('CS404', 'there is no such live delegation'); END IF;
    IF NOT me.id IN (found.from_actor, found.to_actor) THEN
        PERFORM cs._need(me, ARRAY['person'], ARRAY['administrator'], 'revoke delegations of others');
    END IF;
    UPDATE cs.delegations SET revoked_at = clock_timestamp() WHERE tenant = me.tenant AND id = of_delegation;
    PERFORM cs._append(me.tenant, me.id, 'delegation.revoked', of_delegation::text, jsonb_build_object('from', found.from_actor, 'to', found.to_actor));
END $$;

-- Being away lets others stand in where policy names them; it takes nobody's seat.
CREATE OR REPLACE FUNCTION cs.set_absence(of_actor text, starts timestamptz, ends timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE
    me cs.actors := cs._me();
    made bigint;
BEGIN
    PERFORM cs._need(me, ARRAY['person'], CASE WHEN of_actor <> me.id THEN ARRAY['administrator'] END, 'say when others are away');
    IF NOT EXISTS (SELECT FROM cs.actors WHERE tenant = me.tenant AND id = of_actor AND kind = 'person') THEN
        PERFORM cs._refuse('CS404', 'there is no user ' || coalesce(of_actor, 'null'));
    END IF;
    IF starts IS NULL OR ends IS NULL OR ends <= starts OR ends > starts + interval '366 days' THEN
        PERFORM cs._refuse('CS400', 'an absence ends after it starts, within a year');
    END IF;
    INSERT INTO cs.absences (tenant, actor, set_by, starts_at, ends_at) VALUES (me.tenant, of_actor, me.id, starts, ends) RETURNING id INTO made;
    PERFORM cs._append(me.tenant, me.id, 'absence.set', of_actor, jsonb_build_object('absence', made, 'starts_at', cs._stamp(starts), 'ends_at', cs._stamp(ends)));
    RETURN made;
END $$;

CREATE OR REPLACE FUNCTION cs.end_absence(of_absence bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE
    me cs.actors := cs._me();
    found cs.absences;
BEGIN
    SELECT * INTO found FROM cs.absences WHERE tenant = me.tenant AND id = of_absence AND ended_at IS NULL FOR UPDATE;
    IF found.id IS NULL THEN PERFORM cs._refuse('CS404', 'there is no such absence'); END IF;
    PERFORM cs._need(me, ARRAY['person'], CASE WHEN found.actor <> me.id THEN ARRAY['administrator'] END, 'say when others are back');
    UPDATE cs.absences SET ended_at = clock_timestamp() WHERE tenant = me.tenant AND id = of_absence;
    PERFORM cs._append(me.tenant, me.id, 'absence.ended', found.actor, jsonb_build_object('absence', of_absence));
END $$;

-- A person opened the case, or its document, as it stands. Opening twice is opening once.
CREATE OR REPLACE FUNCTION cs.opened(of_case text, of_what text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE me cs.actors := cs._me_for('read');
BEGIN
    IF me.kind = 'person' THEN
        INSERT INTO cs.openings (tenant, case_id, revision, actor, what)
        SELECT me.tenant, c.id, c.revision, me.id, of_what FROM cs.cases c WHERE c.tenant = me.tenant AND c.id = of_case ON CONFLICT DO NOTHING;
    END IF;
END $$;

CREATE OR REPLACE FUNCTION cs._is_away(of_tenant text, who text, but_not_set_by text DEFAULT NULL) RETURNS boolean
LANGUAGE sql STABLE SET search_path = cs, pg_temp AS $$
    SELECT EXISTS (SELECT FROM cs.absences b WHERE b.tenant = of_tenant AND b.actor = who AND b.ended_at IS NULL
        AND b.starts_at <= clock_timestamp() AND b.ends_at > clock_timestamp() AND b.set_by IS DISTINCT FROM but_not_set_by)
$$;

-- The vendor records that are one payee: those that share a bank account, with each other or with the document.
CREATE OR REPLACE FUNCTION cs._payees(law cs.case_revisions) RETURNS text[]
LANGUAGE sql STABLE SET search_path = cs, pg_temp AS $$
    WITH RECURSIVE start(id) AS (
        SELECT law.supplier_id WHERE law.supplier_id IS NOT NULL
        UNION SELECT b.owner_id FROM cs.bank_accounts b WHERE b.tenant = law.tenant AND b.owner_kind = 'supplier' AND b.iban = law.payee_iban
    ), kin(id) AS (
        SELECT id FROM start
        UNION
        SELECT b.owner_id FROM kin k
        JOIN cs.bank_accounts a ON a.tenant = law.tenant AND a.owner_kind = 'supplier' AND a.owner_id = k.id
        JOIN cs.bank_accounts b ON b.tenant = a.tenant AND b.iban = a.iban AND b.owner_kind = 'supplier'
    )
    SELECT array_agg(id ORDER BY id COLLATE "C") FROM kin
$$;

-- The facts that one revision is judged by: its own, and those that people corrected into it, back to intake's. So a
-- correction may add seats and never takes one away.
CREATE OR REPLACE FUNCTION cs._judged(law cs.case_revisions) RETURNS SETOF cs.case_revisions
LANGUAGE sql STABLE SET search_path = cs, pg_temp AS $$
    SELECT law.*
    UNION ALL
    SELECT r.* FROM cs.case_revisions r WHERE law.corrects IS NOT NULL AND r.tenant = law.tenant AND r.case_id = law.case_id AND r.revision < law.revision
        AND r.revision >= (SELECT max(b.revision) FROM cs.case_revisions b WHERE b.tenant = law.tenant AND b.case_id = law.case_id
            AND b.revision < law.revision AND b.corrects IS NULL)
$$;

-- Everything that is judged of one payee is judged one after the other, known to the books or not.
CREATE OR REPLACE FUNCTION cs._lock_payee(law cs.case_revisions) RETURNS void
LANGUAGE plpgsql SET search_path = cs, pg_temp AS $$
DECLARE
    payees text[] := ARRAY(SELECT DISTINCT k COLLATE "C" FROM cs._judged(law) j,
        unnest(coalesce(cs._payees(j), ARRAY['customer ' || j.customer_id, 'account ' || j.payee_iban])) AS k WHERE k IS NOT NULL ORDER BY 1);
    one text;
BEGIN
    FOREACH one IN ARRAY payees LOOP
        PERFORM pg_advisory_xact_lock(hashtextextended('payee ' || law.tenant || ' ' || one, 0));
    END LOOP;
    PERFORM FROM cs.suppliers WHERE tenant = law.tenant AND id = ANY (payees) ORDER BY id COLLATE "C" FOR UPDATE;
END $$;

-- Per rule with a window: what the payee gets within it by that rule's actions, this case's amount included, in the
-- policy's currency. Null where any amount, or the payee, is unknown. `before`: only what was approved earlier counts.
CREATE OR REPLACE FUNCTION cs._totals(law cs.case_revisions, of_version int, wanted text, of_action text, amount numeric, but_not text,
    before timestamptz) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = cs, pg_temp AS $$
DECLARE
    payees text[];
    rule cs.matrix_rules;
    totals jsonb := '{}';
    other numeric;
    unknown boolean;
    until timestamptz := coalesce(before, clock_timestamp());
BEGIN
    FOR rule IN SELECT * FROM cs.matrix_rules r WHERE r.tenant = law.tenant AND r.version = of_version AND r.window_days IS NOT NULL
                AND r.actions && ARRAY[of_action, '*'] LOOP
        payees := coalesce(payees, cs._payees(law));
        SELECT sum(q.worth), bool_or(q.worth IS NULL) INTO other, unknown FROM (
            SELECT cs._worth(l, wanted, r.created_at::date) AS worth
            FROM cs.recommendations r JOIN cs.case_revisions l ON l.tenant = r.tenant AND l.case_id = r.case_id AND l.revision = r.revision
            WHERE r.tenant = law.tenant AND r.state IN ('approved', 'executed') AND r.id IS DISTINCT FROM but_not
              AND rule.actions && ARRAY[r.action, '*']
              AND coalesce(r.approved_at, r.created_at) < until
              AND coalesce(r.approved_at, r.created_at) > until - make_interval(days => rule.window_days)
              AND EXISTS (SELECT FROM cs._judged(l) j WHERE
                  CASE WHEN payees IS NOT NULL THEN j.supplier_id = ANY (payees) WHEN law.customer_id IS NOT NULL THEN j.customer_id = law.customer_id
                       ELSE j.payee_iban = law.payee_iban END)) q;
        totals := totals || jsonb_build_object(rule.rule_id, CASE WHEN amount IS NULL OR unknown
            OR coalesce(payees[1], law.customer_id, law.payee_iban) IS NULL THEN NULL ELSE (abs(amount) + coalesce(other, 0))::text END);
    END LOOP;
    RETURN totals;
END $$;
