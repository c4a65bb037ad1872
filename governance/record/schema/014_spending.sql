-- What language models may use and have used, over all workers: a row a case and a row a day (UTC). Counts of tokens, nothing
-- of what was asked. Written by cs.reserve_tokens and cs.settle_tokens alone, taken out by the clock.
CREATE TABLE cs.llm_spending (
    tenant text NOT NULL REFERENCES cs.tenants,
    kind text NOT NULL CHECK (kind IN ('case', 'day')),
    subject text NOT NULL,
    reserved bigint NOT NULL DEFAULT 0 CHECK (reserved >= 0),
    used bigint NOT NULL DEFAULT 0 CHECK (used >= 0),
    touched_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, kind, subject)
);
CREATE INDEX llm_spending_touched ON cs.llm_spending (tenant, touched_at);
