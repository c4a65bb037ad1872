-- What a model of collection risk said of live cases, what a challenger would have said, and how both held.

-- An estimate as it was shown, one a filed recommendation; what the model saw follows (cs.note_scores). Erased with the case.
CREATE TABLE cs.risk_estimates (
    tenant text NOT NULL,
    recommendation_id text NOT NULL,
    case_id text NOT NULL,
    revision int NOT NULL,
    invoice_id text NOT NULL,
    customer_id text,
    scored_on date NOT NULL,
    model text NOT NULL,
    basis text,
    p_late double precision,
    p_late_15 double precision,
    p_late_30 double precision,
    days_late double precision,
    days_late_low double precision,
    days_late_high double precision,
    features double precision[],
    PRIMARY KEY (tenant, recommendation_id),
    FOREIGN KEY (tenant, recommendation_id) REFERENCES cs.recommendations
);
CREATE INDEX risk_estimates_case ON cs.risk_estimates (tenant, case_id, revision);
CREATE INDEX risk_estimates_day ON cs.risk_estimates (tenant, scored_on);

-- What a challenger says of the same cases. No role reads it: only the monitor's function does, of what is certain by then.
CREATE TABLE cs.challenger_estimates (
    tenant text NOT NULL,
    recommendation_id text NOT NULL,
    model text NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('scored', 'late', 'failed')),
    p_late double precision,
    p_late_15 double precision,
    p_late_30 double precision,
    PRIMARY KEY (tenant, recommendation_id, model),
    FOREIGN KEY (tenant, recommendation_id) REFERENCES cs.risk_estimates ON DELETE CASCADE
);

-- How features were spread when a model was trained (`trained`) and among its first live estimates (`start`).
CREATE TABLE cs.risk_references (
    tenant text NOT NULL REFERENCES cs.tenants,
    model text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('trained', 'start')),
    body jsonb NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, model, kind)
);

-- One judgement a day.
CREATE TABLE cs.risk_monitors (
    tenant text NOT NULL REFERENCES cs.tenants,
    day date NOT NULL,
    model text NOT NULL,
    causes text[] NOT NULL,
    figures jsonb NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, day)
);

INSERT INTO cs.action_catalogue (name, effect, risk_class, required, optional) VALUES
    ('retrain_model', 'change', 2, '{change,subject}', '{}') ON CONFLICT (name) DO NOTHING;
INSERT INTO cs.change_kinds VALUES
    ('retraining', 'retrain_model', '{ml_engineer,administrator}', 'a model that is to be trained anew or replaced');
