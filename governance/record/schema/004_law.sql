-- The law grown up: rules over a window, signatures, delegation, absence, evidence that was opened, governed change.
ALTER TABLE cs.matrix_rules ADD COLUMN window_days int CHECK (window_days > 0);
ALTER TABLE cs.matrix_rules ADD COLUMN signature boolean NOT NULL DEFAULT false;

ALTER TABLE cs.delegations ADD COLUMN queues text[] NOT NULL DEFAULT '{*}';
ALTER TABLE cs.delegations ADD COLUMN entities text[] NOT NULL DEFAULT '{*}';
ALTER TABLE cs.delegations ADD COLUMN amount_below numeric;
CREATE INDEX delegations_to ON cs.delegations (tenant, to_actor);

CREATE TABLE cs.absences (
    tenant text NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    actor text NOT NULL,
    set_by text NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    ended_at timestamptz,
    CHECK (starts_at < ends_at),
    FOREIGN KEY (tenant, actor) REFERENCES cs.actors (tenant, id)
);
CREATE INDEX absences_of ON cs.absences (tenant, actor);

-- What a person has opened of the facts that they sign.
CREATE TABLE cs.openings (
    tenant text NOT NULL, case_id text NOT NULL, revision int NOT NULL, actor text NOT NULL,
    what text NOT NULL CHECK (what IN ('case', 'document')),
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant, case_id, revision, actor, what),
    FOREIGN KEY (tenant, case_id, revision) REFERENCES cs.case_revisions
);

-- Keys with which a person signs a digest; the private half never comes near this database or the API.
CREATE TABLE cs.signing_keys (
    tenant text NOT NULL,
    id text NOT NULL CHECK (id ~ '^[0-9a-f]{16}$'),
    actor text NOT NULL,
    public_key text NOT NULL CHECK (public_key ~ '^[A-Za-z0-9+/]{43}=$'),
    added_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz,
    PRIMARY KEY (tenant, id),
    FOREIGN KEY (tenant, actor) REFERENCES cs.actors (tenant, id)
);

ALTER TABLE cs.recommendations ADD COLUMN approved_at timestamptz;
ALTER TABLE cs.recommendations ADD COLUMN unstaffed_at timestamptz;
ALTER TABLE cs.seats ADD COLUMN acting_for text;
ALTER TABLE cs.seats ADD COLUMN stands_in_as text;
ALTER TABLE cs.decisions ADD COLUMN signature text;
CREATE INDEX case_revisions_supplier ON cs.case_revisions (tenant, supplier_id);
CREATE INDEX case_revisions_customer ON cs.case_revisions (tenant, customer_id);
CREATE INDEX recommendations_policy ON cs.recommendations (tenant, policy_version) WHERE state IN ('awaiting_review', 'approved');

-- Governed change -------------------------------------------------------------------------------------
ALTER TABLE cs.action_catalogue DROP CONSTRAINT action_catalogue_effect_check;
ALTER TABLE cs.action_catalogue ADD CONSTRAINT action_catalogue_effect_check CHECK (effect IN ('mail', 'task', 'timer', 'change'));
ALTER TABLE cs.effects DROP CONSTRAINT effects_connector_check;
ALTER TABLE cs.effects ADD CONSTRAINT effects_connector_check CHECK (connector IN ('mail', 'task', 'timer', 'change'));

-- What can be set, by version; the newest version holds. Policy, roles, champions, rates and holds have tables of their own.
CREATE TABLE cs.settings (
    tenant text NOT NULL REFERENCES cs.tenants,
    kind text NOT NULL,
    subject text NOT NULL,
    version int NOT NULL,
    content text NOT NULL CHECK (content IS JSON WITH UNIQUE KEYS),
    digest text NOT NULL,
    recommendation_id text NOT NULL,
    since timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    PRIMARY KEY (tenant, kind, subject, version)
);

CREATE TABLE cs.legal_holds (
    tenant text NOT NULL REFERENCES cs.tenants,
    subject text NOT NULL,
    reason_hash text NOT NULL,
    placed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, subject)
);

-- What was erased, so that stores outside this database can follow: checkpoints, MLflow, letters.
CREATE TABLE cs.erasures (
    tenant text NOT NULL REFERENCES cs.tenants,
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    case_id text NOT NULL,
    recommendations text[] NOT NULL,
    threads text[] NOT NULL,
    traces text[] NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    done text[] NOT NULL DEFAULT '{}'
);
