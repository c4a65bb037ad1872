-- Workflows as data: how an SLA counts, in which mode a queue is, what a type's causes and steps are; and what the clock
-- watches that nobody sends.
ALTER TABLE cs.workflows ADD COLUMN calendar text NOT NULL DEFAULT 'always' CHECK (calendar IN ('always', 'working'));
ALTER TABLE cs.workflows ADD COLUMN mode text NOT NULL DEFAULT 'ai' CHECK (mode IN ('observe', 'rules', 'ai'));
ALTER TABLE cs.workflows ADD COLUMN letters text[] NOT NULL DEFAULT '{}';
ALTER TABLE cs.workflows ADD COLUMN plan jsonb NOT NULL DEFAULT '{}';
UPDATE cs.workflows w SET mode = coalesce(p.canon::jsonb#>>ARRAY['modes', w.queue], 'ai')
FROM cs.policies p WHERE p.tenant = w.tenant AND p.version = w.version;

-- What is to be done for a close, and by when. `owner` is a name of the ERP's, no actor.
CREATE TABLE cs.close_tasks (
    tenant text NOT NULL REFERENCES cs.tenants, id text NOT NULL, task text NOT NULL, owner text, entity text NOT NULL,
    period text, depends_on text, due_date date NOT NULL, done_on date,
    source text NOT NULL, version bigint NOT NULL DEFAULT 1, as_of timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, id)
);
CREATE INDEX close_tasks_due ON cs.close_tasks (tenant, due_date) WHERE done_on IS NULL;
-- What a customer was asked for, and until when.
CREATE TABLE cs.expected_documents (
    tenant text NOT NULL REFERENCES cs.tenants, id text NOT NULL, document text NOT NULL, customer_id text NOT NULL,
    entity text NOT NULL, requested_on date, due_date date NOT NULL, received_on date,
    source text NOT NULL, version bigint NOT NULL DEFAULT 1, as_of timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, id)
);
CREATE INDEX expected_documents_due ON cs.expected_documents (tenant, due_date) WHERE received_on IS NULL;
-- What the clock watches, as it stands now (cs._watched).
CREATE TYPE cs.watched_thing AS (key text, kind text, queue text, title text, amount numeric, currency text, entity text, region text, supplier_id text,
    customer_id text, due_date date, details jsonb);
CREATE INDEX cases_watched ON cs.cases (tenant, state) WHERE source_key LIKE 'watch:%';
CREATE INDEX openings_of ON cs.openings (tenant, case_id, at);
