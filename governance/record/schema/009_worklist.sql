-- Collections: what a waiting recommendation is worth, the secret of the control slice, and how contacts are found.

-- Numbers of the findings, beside the recommendation: ranked without reading every leaf. No text, nothing that the law judges.
CREATE TABLE cs.worklist (
    tenant text NOT NULL, recommendation_id text NOT NULL, value numeric, value_eur numeric, minutes int, cash jsonb,
    -- The group of the control slice and the chance of it, null where no lot was drawn.
    delayed boolean, propensity numeric CHECK (propensity > 0 AND propensity < 1),
    PRIMARY KEY (tenant, recommendation_id),
    FOREIGN KEY (tenant, recommendation_id) REFERENCES cs.recommendations ON DELETE CASCADE
);
-- One secret a tenant. Nobody reads it; its hash stands in the ledger, so that it cannot be exchanged afterwards.
CREATE TABLE cs.control_keys (
    tenant text NOT NULL PRIMARY KEY REFERENCES cs.tenants, secret bytea NOT NULL, made_at timestamptz NOT NULL DEFAULT now()
);
-- Other cases of the same invoice.
CREATE INDEX case_revisions_customer_invoice ON cs.case_revisions (tenant, customer_id, invoice_id) WHERE customer_id IS NOT NULL;
