-- What the lab (MLflow) is told: one row per triaged case, human decision and model version, written in the
-- transaction of the thing itself and sent later by the courier. Bodies carry ids and measures, never document text.
CREATE TABLE cs.observations (
    tenant text NOT NULL REFERENCES cs.tenants,
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('triage', 'decision', 'model')),
    recommendation_id text,
    decision_id text,
    body jsonb NOT NULL DEFAULT '{}',
    state text NOT NULL DEFAULT 'ready' CHECK (state IN ('ready', 'leased', 'sent', 'dead')),
    attempts int NOT NULL DEFAULT 0,
    available_at timestamptz NOT NULL DEFAULT now(),
    lease_until timestamptz,
    fence bigint,
    detail text,
    created_at timestamptz NOT NULL DEFAULT now(),
    sent_at timestamptz
);
CREATE UNIQUE INDEX one_triage_observation ON cs.observations (tenant, recommendation_id) WHERE kind = 'triage';
CREATE UNIQUE INDEX one_decision_observation ON cs.observations (tenant, decision_id) WHERE kind = 'decision';
CREATE INDEX observations_ready ON cs.observations (tenant, available_at, id) WHERE state IN ('ready', 'leased');

-- The champion of each model: a digest, changed through the gate; MLflow's alias mirrors it.
CREATE TABLE cs.champions (
    tenant text NOT NULL REFERENCES cs.tenants,
    model text NOT NULL,
    digest text NOT NULL,
    since timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, model)
);
