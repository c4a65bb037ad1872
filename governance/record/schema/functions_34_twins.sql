-- Twins of invoices: keys by which they are found, and vectors of what they say they are for.

-- Keys as they are stored: mixed with the tenant, so that no search walks over another's invoices. The two lowest bits stay:
-- they say what becomes of a key when its bill is erased (governance/record/twin_keys.py).
CREATE OR REPLACE FUNCTION cs._own_keys(of_tenant text, keys bigint[]) RETURNS bigint[]
LANGUAGE sql IMMUTABLE STRICT SET search_path = cs, pg_temp AS $$
    SELECT coalesce(array_agg(hashint8extended(k, hashtextextended(of_tenant, 0)) & ~3::bigint | (k & 3) ORDER BY n), '{}')
    FROM unnest(keys) WITH ORDINALITY AS t(k, n)
$$;

-- The id of an invoice in the ledger: with its entity before it, where a document of another entity has that id already. Twin:
-- api/intake/bills.py. What says the same but for its entity is one document that moved.
CREATE OR REPLACE FUNCTION cs._own_id(of_tenant text, of_id text, of_entity text, vendor text, number text, size numeric) RETURNS text
LANGUAGE sql STABLE SET search_path = cs, pg_temp AS $$
    SELECT CASE WHEN coalesce(of_entity, 'unknown') <> 'unknown' AND EXISTS (
        SELECT FROM cs.invoices n WHERE n.tenant = of_tenant AND n.invoice_id = of_id AND n.entity NOT IN ('unknown', of_entity)
        AND (n.vendor_id, n.invoice_no, n.amount) IS DISTINCT FROM (vendor, number, size)) THEN of_entity || '/' || of_id ELSE of_id END
$$;

-- Whether a row of the ledger is what its case's newest revision says, and that revision is of this transaction: nobody
-- writes over a case's row later, and what people corrected stays. An amount that is contested is null in the law.
CREATE OR REPLACE FUNCTION cs._newly_says(of_tenant text, of_case text, of_id text, of_entity text, vendor text, money text, size numeric) RETURNS boolean
LANGUAGE sql STABLE SET search_path = cs, pg_temp AS $$
    SELECT EXISTS (SELECT FROM cs.cases c JOIN cs.case_revisions r ON r.tenant = c.tenant AND r.case_id = c.id AND r.revision = c.revision
        WHERE c.tenant = of_tenant AND c.id = of_case AND r.revision > 1 AND r.created_at = now()
          AND (r.invoice_id, coalesce(r.currency, ''), coalesce(r.supplier_id, ''), r.entity) IS NOT DISTINCT FROM (of_id, money, vendor, of_entity)
          AND (r.amount IS NULL OR r.amount = size))
$$;

-- Invoices of the tenant that share keys with what is asked for. One row of the arguments is one key: who asks, the key, up to how
-- many invoices that share it are pairs by that alone, up to how many it still is a sign, and of what: one bit. A pair needs two.
-- Of those who share most, at most `most` for each asker.
-- With the owner's rights, for row-level security lets no index on arrays be used; the tenant is asked for here instead.
CREATE OR REPLACE FUNCTION cs.sharing(askers int[], keys bigint[], sures int[], caps int[], signs int[], most int)
RETURNS TABLE (asker int, invoice_id text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = cs, pg_temp SET enable_seqscan = off SET jit = off AS $$
DECLARE me cs.actors := cs._me();
BEGIN
    PERFORM cs._need(me, ARRAY['agent'], NULL, 'look for twins');
    RETURN QUERY
    WITH asked AS MATERIALIZED (
        SELECT a.key, max(a.cap) AS cap, (cs._own_keys(me.tenant, ARRAY[a.key]))[1] AS own FROM unnest(keys, caps) AS a(key, cap) GROUP BY a.key
    ), found AS MATERIALIZED (
        SELECT k.key, f.ids, cardinality(f.ids) AS n
        FROM asked k CROSS JOIN LATERAL (SELECT ARRAY(SELECT i.invoice_id FROM cs.invoices i WHERE i.keys @> ARRAY[k.own] AND i.tenant || '' = me.tenant
                                                      LIMIT k.cap + 1) AS ids OFFSET 0) f
    ), weighed AS (
        SELECT a.asker, i.id, bit_or(CASE WHEN f.n <= a.sure THEN 3 ELSE a.sign END) AS signs, count(*) AS shared
        FROM unnest(askers, keys, sures, caps, signs) AS a(asker, key, sure, cap, sign)
        JOIN found f ON f.key = a.key AND f.n <= a.cap CROSS JOIN LATERAL unnest(f.ids) AS i(id) GROUP BY a.asker, i.id
    )
    SELECT w.asker, w.id FROM (
        SELECT v.*, row_number() OVER (PARTITION BY v.asker ORDER BY v.shared DESC, v.id) AS place FROM weighed v WHERE v.signs & (v.signs - 1) <> 0
    ) w WHERE w.place <= most;
END $$;

-- Background of a comparison: the latest bills under a key; how many vendors and bills have a key, counted up to `most` bills.
CREATE OR REPLACE FUNCTION cs.latest_sharing(keys bigint[], most int) RETURNS SETOF text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = cs, pg_temp SET enable_seqscan = off SET jit = off AS $$
DECLARE me cs.actors := cs._me();
BEGIN
    PERFORM cs._need(me, ARRAY['agent'], NULL, 'look for twins');
    RETURN QUERY SELECT f.id FROM unnest(cs._own_keys(me.tenant, keys)) AS k(own) CROSS JOIN LATERAL (
        SELECT i.invoice_id AS id FROM cs.invoices i WHERE i.keys @> ARRAY[k.own] AND i.tenant || '' = me.tenant
        ORDER BY coalesce(i.invoice_date, i.posting_date) DESC NULLS LAST, i.invoice_id LIMIT most) f;
END $$;
CREATE OR REPLACE FUNCTION cs.users_of(keys bigint[], most int) RETURNS TABLE (key bigint, vendors int, bills int)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = cs, pg_temp SET enable_seqscan = off SET jit = off AS $$
DECLARE me cs.actors := cs._me();
BEGIN
    PERFORM cs._need(me, ARRAY['agent'], NULL, 'look for twins');
    RETURN QUERY SELECT k.key, count(DISTINCT nullif(f.vendor, ''))::int, count(f.vendor)::int
    FROM unnest(keys, cs._own_keys(me.tenant, keys)) AS k(key, own) CROSS JOIN LATERAL (
        SELECT coalesce(nullif(btrim(i.vendor_id), ''), upper(i.vendor_name)) AS vendor FROM cs.invoices i
        WHERE i.keys @> ARRAY[k.own] AND i.tenant || '' = me.tenant LIMIT most) f
    GROUP BY k.key;
END $$;

-- Invoices whose keys are of an older version than `of_version`, held for this transaction; other workers take others.
CREATE OR REPLACE FUNCTION cs.stale_bills(of_version int, most int)
RETURNS TABLE (invoice_id text, entity text, vendor_id text, vendor_name text, tax_id text, iban text, invoice_no text, invoice_date date,
    posting_date date, currency text, amount numeric, po text, description text, doc_type text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE me cs.actors := cs._me();
BEGIN
    PERFORM cs._need(me, ARRAY['agent'], NULL, 'make keys again');
    RETURN QUERY SELECT i.invoice_id, i.entity, i.vendor_id, CASE WHEN i.vendor_name = 'erased' THEN '' ELSE i.vendor_name END, i.tax_id, i.iban,
        i.invoice_no, i.invoice_date, i.posting_date, i.currency, i.amount, i.po, i.description, i.doc_type
        FROM cs.invoices i WHERE i.tenant = me.tenant AND i.keys_version < of_version ORDER BY i.keys_version LIMIT most FOR UPDATE SKIP LOCKED;
END $$;

-- Their keys of that version: [{invoice_id, keys}]. Nothing else of an invoice changes, and no version goes back.
CREATE OR REPLACE FUNCTION cs.rekey(of_version int, bills jsonb) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = cs, pg_temp AS $$
DECLARE
    me cs.actors := cs._me();
    n int;
BEGIN
    PERFORM cs._need(me, ARRAY['agent'], NULL, 'make keys again');
    UPDATE cs.invoices i SET keys = cs._own_keys(me.tenant, r.keys), keys_version = of_version
    FROM jsonb_to_recordset(bills) AS r (invoice_id text, keys bigint[])
    WHERE i.tenant = me.tenant AND i.invoice_id = r.invoice_id AND i.keys_version < of_version;
    GET DIAGNOSTICS n = ROW_COUNT;
    RETURN n;
END $$;

-- Vectors of bills: [{invoice_id, text_sha256, embedding}]. A bill whose words were erased meanwhile gets none.
CREATE OR REPLACE FUNCTION cs.remember_bills(bills jsonb) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = cs, public, pg_temp AS $$
DECLARE
    me cs.actors := cs._me();
    n int;
BEGIN
    PERFORM cs._need(me, ARRAY['agent'], NULL, 'remember what bills are for');
    -- Whoever erases them comes before, or after.
    PERFORM FROM cs.invoices i WHERE i.tenant = me.tenant AND i.invoice_id IN (SELECT r->>'invoice_id' FROM jsonb_array_elements(bills) AS r)
        ORDER BY i.invoice_id COLLATE "C" FOR SHARE;
    INSERT INTO cs.invoice_vectors AS b (tenant, invoice_id, vendor_id, size, text_sha256, embedding)
    SELECT me.tenant, i.invoice_id, i.vendor_id, abs(i.amount), r.text_sha256, r.embedding::vector
    FROM jsonb_to_recordset(bills) AS r (invoice_id text, text_sha256 text, embedding text)
    JOIN cs.invoices i ON i.tenant = me.tenant AND i.invoice_id = r.invoice_id AND i.description IS NOT NULL
    ON CONFLICT (tenant, invoice_id) DO UPDATE SET vendor_id = excluded.vendor_id, size = excluded.size,
        text_sha256 = excluded.text_sha256, embedding = excluded.embedding
    WHERE (b.vendor_id, b.size, b.text_sha256) IS DISTINCT FROM (excluded.vendor_id, excluded.size, excluded.text_sha256);
    GET DIAGNOSTICS n = ROW_COUNT;
    RETURN n;
END $$;
