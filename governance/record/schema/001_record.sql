-- The record. Every tenant table carries the tenant first; row-level security is the second wall,
-- the functions (functions_*.sql) are the first.
CREATE SCHEMA cs;
-- Functions are for nobody until functions_90_grants.sql says otherwise.
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

-- Who -----------------------------------------------------------------------------------------------
CREATE TABLE cs.tenants (
    id text PRIMARY KEY CHECK (id ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    name text NOT NULL,
    region text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE cs.actors (
    tenant text NOT NULL REFERENCES cs.tenants,
    id text NOT NULL CHECK (id ~ '^[A-Za-z0-9][A-Za-z0-9._@-]{0,99}$'),
    kind text NOT NULL CHECK (kind IN ('person', 'service', 'agent')),
    name text NOT NULL,
    email text,
    roles text[] NOT NULL DEFAULT '{}',
    active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, id)
);

CREATE TABLE cs.credentials (
    sha256 text PRIMARY KEY CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    id text NOT NULL DEFAULT gen_random_uuid()::text UNIQUE,
    tenant text NOT NULL,
    actor text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('api_key', 'session', 'service')),
    label text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    FOREIGN KEY (tenant, actor) REFERENCES cs.actors (tenant, id)
);

CREATE TABLE cs.delegations (
    tenant text NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    from_actor text NOT NULL,
    to_actor text NOT NULL,
    role text NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    revoked_at timestamptz,
    CHECK (from_actor <> to_actor),
    CHECK (starts_at < ends_at),
    FOREIGN KEY (tenant, from_actor) REFERENCES cs.actors (tenant, id),
    FOREIGN KEY (tenant, to_actor) REFERENCES cs.actors (tenant, id)
);

-- Policy --------------------------------------------------------------------------------------------
CREATE TABLE cs.action_catalogue (
    name text PRIMARY KEY,
    effect text NOT NULL CHECK (effect IN ('mail', 'task', 'timer')),
    risk_class smallint NOT NULL,
    required text[] NOT NULL,
    optional text[] NOT NULL
);

CREATE TABLE cs.policies (
    tenant text NOT NULL REFERENCES cs.tenants,
    version int NOT NULL,
    digest text NOT NULL,
    name text NOT NULL,
    owner text NOT NULL CHECK (btrim(owner) <> ''),
    currency text NOT NULL,
    undo_seconds int NOT NULL,
    canon text NOT NULL CHECK (canon IS JSON OBJECT WITH UNIQUE KEYS),
    source text NOT NULL,
    active boolean NOT NULL,
    activated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, version)
);
CREATE UNIQUE INDEX one_active_policy ON cs.policies (tenant) WHERE active;

CREATE TABLE cs.matrix_rules (
    tenant text NOT NULL,
    version int NOT NULL,
    rule_id text NOT NULL,
    actions text[] NOT NULL,
    amount_from numeric NOT NULL,
    amount_below numeric,
    risk_from smallint NOT NULL,
    entities text[] NOT NULL,
    regions text[] NOT NULL,
    expires_hours int NOT NULL CHECK (expires_hours > 0),
    evidence text[] NOT NULL,
    bulk boolean NOT NULL,
    PRIMARY KEY (tenant, version, rule_id),
    FOREIGN KEY (tenant, version) REFERENCES cs.policies
);

CREATE TABLE cs.matrix_seats (
    tenant text NOT NULL,
    version int NOT NULL,
    rule_id text NOT NULL,
    role text NOT NULL,
    seats int NOT NULL CHECK (seats > 0),
    PRIMARY KEY (tenant, version, rule_id, role),
    FOREIGN KEY (tenant, version, rule_id) REFERENCES cs.matrix_rules
);

CREATE TABLE cs.workflows (
    tenant text NOT NULL,
    version int NOT NULL,
    queue text NOT NULL,
    exception_type text NOT NULL,
    owner text NOT NULL,
    sla_hours int NOT NULL,
    actions text[] NOT NULL,
    PRIMARY KEY (tenant, version, queue, exception_type),
    FOREIGN KEY (tenant, version) REFERENCES cs.policies
);

-- Books: copies with source, version and as-of --------------------------------------------------------
CREATE TABLE cs.entities (
    tenant text NOT NULL REFERENCES cs.tenants, id text NOT NULL, name text NOT NULL, country text,
    region text NOT NULL DEFAULT 'EU', currency text NOT NULL DEFAULT 'EUR',
    source text NOT NULL, version bigint NOT NULL DEFAULT 1, as_of timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, id)
);
CREATE TABLE cs.suppliers (
    tenant text NOT NULL REFERENCES cs.tenants, id text NOT NULL, name text NOT NULL, vat_id text, country text,
    email text, language text NOT NULL DEFAULT 'en', payment_terms_days int,
    source text NOT NULL, version bigint NOT NULL DEFAULT 1, as_of timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, id)
);
CREATE INDEX suppliers_vat ON cs.suppliers (tenant, vat_id);
CREATE INDEX suppliers_name ON cs.suppliers (tenant, lower(name));
CREATE TABLE cs.customers (
    tenant text NOT NULL REFERENCES cs.tenants, id text NOT NULL, name text NOT NULL, country text, email text,
    language text NOT NULL DEFAULT 'en', credit_limit numeric, currency text,
    source text NOT NULL, version bigint NOT NULL DEFAULT 1, as_of timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, id)
);
CREATE TABLE cs.bank_accounts (
    tenant text NOT NULL REFERENCES cs.tenants, owner_kind text NOT NULL CHECK (owner_kind IN ('supplier', 'customer', 'entity')),
    owner_id text NOT NULL, iban text NOT NULL, bic text, holder text,
    source text NOT NULL, version bigint NOT NULL DEFAULT 1, as_of timestamptz NOT NULL DEFAULT now(),
    valid_from timestamptz NOT NULL DEFAULT now(), valid_to timestamptz,
    PRIMARY KEY (tenant, owner_kind, owner_id, iban)
);
CREATE INDEX bank_accounts_iban ON cs.bank_accounts (tenant, iban);
CREATE TABLE cs.orders (
    tenant text NOT NULL REFERENCES cs.tenants, id text NOT NULL, supplier_id text, entity text, currency text,
    total numeric, lines jsonb NOT NULL DEFAULT '[]',
    source text NOT NULL, version bigint NOT NULL DEFAULT 1, as_of timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, id)
);
CREATE TABLE cs.receipts (
    tenant text NOT NULL REFERENCES cs.tenants, id text NOT NULL, order_id text NOT NULL, received_on date,
    lines jsonb NOT NULL DEFAULT '[]',
    source text NOT NULL, version bigint NOT NULL DEFAULT 1, as_of timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, id)
);
CREATE INDEX receipts_order ON cs.receipts (tenant, order_id);
CREATE TABLE cs.payments (
    tenant text NOT NULL REFERENCES cs.tenants, id text NOT NULL, kind text NOT NULL, party_id text, invoice_id text,
    paid_on date, amount numeric NOT NULL, currency text NOT NULL,
    source text NOT NULL, version bigint NOT NULL DEFAULT 1, as_of timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, id)
);
CREATE TABLE cs.fx_rates (
    tenant text NOT NULL REFERENCES cs.tenants, day date NOT NULL, currency text NOT NULL,
    per_eur numeric NOT NULL CHECK (per_eur > 0),
    source text NOT NULL, as_of timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, currency, day)
);
CREATE TABLE cs.open_items (
    tenant text NOT NULL REFERENCES cs.tenants, invoice_id text NOT NULL, customer_id text NOT NULL, entity text,
    posting_date date NOT NULL, due_date date NOT NULL, amount numeric NOT NULL, currency text NOT NULL,
    clear_date date, source text NOT NULL, version bigint NOT NULL DEFAULT 1,
    as_of timestamptz NOT NULL DEFAULT now(), cleared_as_of timestamptz,
    PRIMARY KEY (tenant, invoice_id)
);
CREATE INDEX open_items_customer ON cs.open_items (tenant, customer_id);
CREATE TABLE cs.invoices (
    tenant text NOT NULL REFERENCES cs.tenants, invoice_id text NOT NULL, case_id text, entity text NOT NULL,
    vendor_id text NOT NULL, vendor_name text NOT NULL, tax_id text, iban text, invoice_no text NOT NULL,
    invoice_date date, posting_date date, currency text NOT NULL, amount numeric NOT NULL, po text, description text,
    doc_type text NOT NULL, as_of timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, invoice_id)
);
CREATE INDEX invoices_vendor ON cs.invoices (tenant, vendor_id);
CREATE TABLE cs.invoice_keys (
    tenant text NOT NULL, kind text NOT NULL, key text NOT NULL, invoice_id text NOT NULL,
    PRIMARY KEY (tenant, kind, key, invoice_id),
    FOREIGN KEY (tenant, invoice_id) REFERENCES cs.invoices ON DELETE CASCADE
);

-- Cases ---------------------------------------------------------------------------------------------
CREATE TABLE cs.documents (
    tenant text NOT NULL REFERENCES cs.tenants,
    sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    name text NOT NULL,
    media_type text NOT NULL,
    size bigint NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, sha256)
);
CREATE TABLE cs.document_contents (          -- erasable
    tenant text NOT NULL, sha256 text NOT NULL, content bytea NOT NULL,
    PRIMARY KEY (tenant, sha256), FOREIGN KEY (tenant, sha256) REFERENCES cs.documents
);

CREATE TABLE cs.cases (
    tenant text NOT NULL REFERENCES cs.tenants,
    id text NOT NULL,
    queue text NOT NULL,
    exception_type text,
    state text NOT NULL CHECK (state IN ('received', 'queued', 'triaging', 'awaiting_review', 'approved', 'delivering',
        'awaiting_reconciliation', 'done', 'rejected', 'superseded', 'dead_letter')),
    source_key text NOT NULL,
    title text NOT NULL,
    revision int NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    sla_due_at timestamptz,
    sla_breached boolean NOT NULL DEFAULT false,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, source_key)
);
CREATE INDEX cases_list ON cs.cases (tenant, created_at, id);
CREATE INDEX cases_state ON cs.cases (tenant, state, queue);

CREATE TABLE cs.case_revisions (             -- what the law judges; append-only
    tenant text NOT NULL,
    case_id text NOT NULL,
    revision int NOT NULL,
    document_sha256 text,
    document_class text,
    amount numeric,
    currency text,
    entity text NOT NULL,
    region text NOT NULL,
    supplier_id text,
    customer_id text,
    payee_iban text,
    invoice_id text,
    issue_date date,
    due_date date,
    initiator text NOT NULL,
    facts text NOT NULL,
    facts_digest text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, case_id, revision),
    FOREIGN KEY (tenant, case_id) REFERENCES cs.cases
);
CREATE INDEX case_revisions_document ON cs.case_revisions (tenant, document_sha256);

CREATE TABLE cs.case_readings (              -- erasable: what was read, in words
    tenant text NOT NULL, case_id text NOT NULL, revision int NOT NULL, reading jsonb NOT NULL, details jsonb NOT NULL,
    PRIMARY KEY (tenant, case_id, revision), FOREIGN KEY (tenant, case_id, revision) REFERENCES cs.case_revisions
);
CREATE TABLE cs.case_vectors (
    tenant text NOT NULL, case_id text NOT NULL, revision int NOT NULL, embedding vector(384) NOT NULL,
    PRIMARY KEY (tenant, case_id, revision), FOREIGN KEY (tenant, case_id, revision) REFERENCES cs.case_revisions
);
CREATE INDEX case_vectors_near ON cs.case_vectors USING hnsw (embedding vector_cosine_ops);

CREATE TABLE cs.intake_log (
    tenant text NOT NULL REFERENCES cs.tenants,
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    actor text NOT NULL,
    name text NOT NULL,
    row_number int,
    source_key text,
    status text NOT NULL CHECK (status IN ('accepted', 'already_known', 'rejected')),
    case_id text,
    reason text
);
CREATE INDEX intake_log_at ON cs.intake_log (tenant, id);

-- Waiting room 1: the queue --------------------------------------------------------------------------
CREATE SEQUENCE cs.fences;
CREATE TABLE cs.jobs (
    tenant text NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    case_id text NOT NULL,
    revision int NOT NULL,
    kind text NOT NULL CHECK (kind IN ('triage', 'resume')),
    recommendation_id text,
    state text NOT NULL DEFAULT 'ready' CHECK (state IN ('ready', 'leased', 'done', 'dead')),
    attempts int NOT NULL DEFAULT 0,
    available_at timestamptz NOT NULL DEFAULT now(),
    lease_until timestamptz,
    fence bigint,
    worker text,
    last_error text,
    created_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (tenant, case_id, revision) REFERENCES cs.case_revisions
);
CREATE UNIQUE INDEX one_open_job ON cs.jobs (tenant, case_id) WHERE state IN ('ready', 'leased', 'dead');
CREATE INDEX jobs_ready ON cs.jobs (tenant, available_at, id) WHERE state = 'ready';
CREATE INDEX jobs_leased ON cs.jobs (lease_until) WHERE state = 'leased';

-- Waiting room 2: review ------------------------------------------------------------------------------
CREATE TABLE cs.recommendations (
    tenant text NOT NULL,
    id text NOT NULL,
    case_id text NOT NULL,
    revision int NOT NULL,
    draft_number int NOT NULL,
    state text NOT NULL CHECK (state IN ('awaiting_review', 'approved', 'executed', 'rejected', 'sent_back', 'overridden',
        'expired', 'superseded', 'withdrawn')),
    action text NOT NULL REFERENCES cs.action_catalogue,
    envelope text NOT NULL CHECK (envelope IS JSON OBJECT WITH UNIQUE KEYS),
    digest text NOT NULL CHECK (digest ~ '^sha256:[0-9a-f]{64}$'),
    policy_version int NOT NULL,
    rules text[] NOT NULL,
    payee_bank text NOT NULL,
    risk text NOT NULL,
    confidence double precision,
    drafted_by text NOT NULL,
    excluded text[] NOT NULL,
    returned_to text,
    job_id bigint,
    thread_id text,
    interrupt_id text,
    graph_version text,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    sla_due_at timestamptz,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, case_id, revision, draft_number),
    FOREIGN KEY (tenant, case_id, revision) REFERENCES cs.case_revisions
);
CREATE UNIQUE INDEX one_pending ON cs.recommendations (tenant, case_id) WHERE state IN ('awaiting_review', 'approved');
CREATE UNIQUE INDEX one_filing_a_job ON cs.recommendations (job_id) WHERE job_id IS NOT NULL;
CREATE INDEX recommendations_list ON cs.recommendations (tenant, created_at, id);

CREATE TABLE cs.leaves (                     -- erasable
    tenant text NOT NULL, recommendation_id text NOT NULL, name text NOT NULL, salt text NOT NULL, content text NOT NULL,
    PRIMARY KEY (tenant, recommendation_id, name),
    FOREIGN KEY (tenant, recommendation_id) REFERENCES cs.recommendations
);
CREATE TABLE cs.decisions (
    tenant text NOT NULL,
    id text NOT NULL,
    recommendation_id text NOT NULL,
    decision text NOT NULL CHECK (decision IN ('approve', 'override', 'reject', 'send_back', 'escalate', 'withdraw')),
    actor text NOT NULL,
    acting_for text,
    seat_role text,
    digest text NOT NULL,
    reason_code text,
    comment_hash text,
    at timestamptz NOT NULL,
    withdrawn_at timestamptz,
    PRIMARY KEY (tenant, id),
    FOREIGN KEY (tenant, recommendation_id) REFERENCES cs.recommendations,
    FOREIGN KEY (tenant, actor) REFERENCES cs.actors (tenant, id)
);
CREATE UNIQUE INDEX one_approval_a_person ON cs.decisions (tenant, recommendation_id, actor)
    WHERE decision = 'approve' AND withdrawn_at IS NULL;
CREATE INDEX decisions_of ON cs.decisions (tenant, recommendation_id);
CREATE TABLE cs.decision_notes (             -- erasable
    tenant text NOT NULL, decision_id text NOT NULL, salt text NOT NULL, comment text NOT NULL,
    PRIMARY KEY (tenant, decision_id), FOREIGN KEY (tenant, decision_id) REFERENCES cs.decisions
);
CREATE TABLE cs.seats (
    tenant text NOT NULL,
    recommendation_id text NOT NULL,
    seat int NOT NULL,
    role text NOT NULL,
    filled_by text,
    decision_id text,
    PRIMARY KEY (tenant, recommendation_id, seat),
    FOREIGN KEY (tenant, recommendation_id) REFERENCES cs.recommendations,
    CHECK ((filled_by IS NULL) = (decision_id IS NULL))
);
CREATE UNIQUE INDEX one_seat_a_person ON cs.seats (tenant, recommendation_id, filled_by) WHERE filled_by IS NOT NULL;

-- Waiting room 3: the outbox ---------------------------------------------------------------------------
CREATE TABLE cs.effects (
    tenant text NOT NULL,
    recommendation_id text NOT NULL,
    connector text NOT NULL CHECK (connector IN ('mail', 'task', 'timer')),
    state text NOT NULL DEFAULT 'ready' CHECK (state IN ('ready', 'leased', 'delivering', 'manual', 'reconcile', 'sent', 'failed', 'dead')),
    attempts int NOT NULL DEFAULT 0,
    available_at timestamptz NOT NULL,
    lease_until timestamptz,
    fence bigint,
    worker text,
    detail text,
    created_at timestamptz NOT NULL DEFAULT now(),
    settled_at timestamptz,
    PRIMARY KEY (tenant, recommendation_id),
    FOREIGN KEY (tenant, recommendation_id) REFERENCES cs.recommendations
);
CREATE INDEX effects_ready ON cs.effects (tenant, available_at) WHERE state = 'ready';
CREATE INDEX effects_leased ON cs.effects (lease_until) WHERE state IN ('leased', 'delivering');

-- The memory -------------------------------------------------------------------------------------------
CREATE TABLE cs.ledger_heads (
    tenant text PRIMARY KEY REFERENCES cs.tenants,
    seq bigint NOT NULL,
    hash text NOT NULL
);
CREATE TABLE cs.ledger (
    tenant text NOT NULL,
    seq bigint NOT NULL,
    entry text NOT NULL CHECK (entry IS JSON OBJECT WITH UNIQUE KEYS),
    hash text NOT NULL,
    kind text NOT NULL,
    subject text NOT NULL,
    PRIMARY KEY (tenant, seq)
);
CREATE INDEX ledger_subject ON cs.ledger (tenant, subject, seq);
CREATE TABLE cs.checkpoints (
    tenant text NOT NULL REFERENCES cs.tenants,
    size bigint NOT NULL,
    note text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, size)
);

CREATE TABLE cs.idempotency (
    tenant text NOT NULL, actor text NOT NULL, key text NOT NULL, request_sha256 text NOT NULL,
    status int, body text, at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, actor, key)
);
