-- By what invoices are found to be twins: numbers in the invoice's own row instead of rows of text, and vectors of their texts.

-- Measured at 1,000,000 invoices of 25 keys: 1.1 GB as arrays, 2.6 GB as rows; both answer within a millisecond.
-- Keys of an older version are made again before the next case is triaged (see cs.stale_bills).
DROP TABLE cs.invoice_keys;
ALTER TABLE cs.invoices ADD COLUMN keys bigint[] NOT NULL DEFAULT '{}', ADD COLUMN keys_version int NOT NULL DEFAULT 0;
-- Without the list of pending entries: a search would read all of it.
CREATE INDEX invoices_keys ON cs.invoices USING gin (keys) WITH (fastupdate = off);
CREATE INDEX invoices_keys_version ON cs.invoices (tenant, keys_version);
-- A vendor's last bills; also what invoices_vendor was for.
CREATE INDEX invoices_vendor_day ON cs.invoices (tenant, vendor_id, (coalesce(invoice_date, posting_date)) DESC NULLS LAST, invoice_id);
DROP INDEX cs.invoices_vendor;
CREATE INDEX invoices_case ON cs.invoices (tenant, case_id) WHERE case_id IS NOT NULL;

-- What a bill says it is for, as a vector. `size`: its amount. Erased with the bill's words.
CREATE TABLE cs.invoice_vectors (
    tenant text NOT NULL, invoice_id text NOT NULL, vendor_id text NOT NULL, size double precision NOT NULL,
    text_sha256 text NOT NULL, embedding vector(384) NOT NULL,
    PRIMARY KEY (tenant, invoice_id), FOREIGN KEY (tenant, invoice_id) REFERENCES cs.invoices ON DELETE CASCADE
);
CREATE INDEX invoice_vectors_vendor ON cs.invoice_vectors (tenant, vendor_id);
CREATE INDEX invoice_vectors_near ON cs.invoice_vectors USING hnsw (embedding vector_cosine_ops);

-- What became of a twin: paid, credited.
CREATE INDEX payments_invoice ON cs.payments (tenant, invoice_id);
CREATE INDEX payments_party ON cs.payments (tenant, party_id, invoice_id);
CREATE INDEX invoices_vendor_type ON cs.invoices (tenant, vendor_id, doc_type);
