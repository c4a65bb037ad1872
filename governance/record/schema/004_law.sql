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

-- Every kind of governed change: the action that carries it, and who may propose it.
CREATE TABLE cs.change_kinds (
    kind text PRIMARY KEY,
    action text NOT NULL REFERENCES cs.action_catalogue,
    proposers text[] NOT NULL,
    what text NOT NULL
);
INSERT INTO cs.action_catalogue (name, effect, risk_class, required, optional) VALUES
    ('change_policy', 'change', 3, '{change,subject}', '{}'), ('change_roles', 'change', 3, '{change,subject}', '{}'),
    ('register_signing_key', 'change', 3, '{change,subject}', '{}'), ('change_fx', 'change', 3, '{change,subject}', '{}'),
    ('change_retention', 'change', 3, '{change,subject}', '{}'), ('change_connector', 'change', 3, '{change,subject}', '{}'),
    ('erase_personal_data', 'change', 3, '{change,subject}', '{}'), ('release_legal_hold', 'change', 3, '{change,subject}', '{}'),
    ('promote_model', 'change', 2, '{change,subject}', '{}'), ('change_threshold', 'change', 2, '{change,subject}', '{}'),
    ('change_tolerance', 'change', 2, '{change,subject}', '{}'), ('change_prompt', 'change', 2, '{change,subject}', '{}'),
    ('change_template', 'change', 2, '{change,subject}', '{}'), ('change_mapping', 'change', 2, '{change,subject}', '{}'),
    ('change_calendar', 'change', 2, '{change,subject}', '{}'), ('change_memory', 'change', 1, '{change,subject}', '{}'),
    ('place_legal_hold', 'change', 1, '{change,subject}', '{}')
ON CONFLICT (name) DO NOTHING;
INSERT INTO cs.change_kinds VALUES
    ('policy', 'change_policy', '{administrator,controller}', 'the approval matrix, workflows and modes'),
    ('roles', 'change_roles', '{administrator}', 'the roles of a user, and whether a user who was off is on again'),
    ('signing_key', 'register_signing_key', '{analyst,reviewer,controller,administrator}', 'a key with which its owner signs digests'),
    ('fx', 'change_fx', '{administrator,controller,analyst}', 'exchange rates of a currency'),
    ('retention', 'change_retention', '{administrator,controller}', 'for how many days closed cases are kept'),
    ('connector', 'change_connector', '{administrator}', 'where effects go'),
    ('erasure', 'erase_personal_data', '{administrator,controller}', 'the personal data of a case or party'),
    ('hold', 'place_legal_hold', '{administrator,controller,reviewer}', 'a legal hold: nothing of it is erased or purged'),
    ('hold_release', 'release_legal_hold', '{administrator,controller}', 'the end of a legal hold'),
    ('model', 'promote_model', '{ml_engineer,administrator}', 'the champion of a model'),
    ('threshold', 'change_threshold', '{ml_engineer,administrator,controller}', 'from which score on something is said'),
    ('tolerance', 'change_tolerance', '{administrator,controller,reviewer}', 'what a three-way match lets pass'),
    ('prompt', 'change_prompt', '{ml_engineer,administrator}', 'what a language model is told'),
    ('template', 'change_template', '{administrator,controller,reviewer}', 'the frame of a letter'),
    ('mapping', 'change_mapping', '{administrator,controller,analyst}', 'which column of a file means what'),
    ('calendar', 'change_calendar', '{administrator,controller}', 'working days of an entity'),
    ('memory', 'change_memory', '{analyst,reviewer,controller,administrator}', 'what is known of a supplier');
