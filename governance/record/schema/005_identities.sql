-- Who somebody is at an identity provider, which service may vouch for it, and keys that may do only some things.
CREATE TABLE cs.identities (
    tenant text NOT NULL,
    id text NOT NULL DEFAULT gen_random_uuid()::text,
    actor text NOT NULL,
    issuer text NOT NULL CHECK (issuer ~ '^https?://[!-~]+$' AND length(issuer) <= 500),
    subject text NOT NULL CHECK (subject ~ '^[!-~]{1,255}$'),
    recommendation_id text NOT NULL,
    since timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz,
    PRIMARY KEY (tenant, id),
    FOREIGN KEY (tenant, actor) REFERENCES cs.actors (tenant, id)
);
CREATE UNIQUE INDEX one_person_behind_an_account ON cs.identities (tenant, issuer, subject) WHERE revoked_at IS NULL;
CREATE UNIQUE INDEX one_account_of_a_person ON cs.identities (tenant, actor, issuer) WHERE revoked_at IS NULL;

CREATE TABLE cs.identity_brokers (
    tenant text NOT NULL,
    actor text NOT NULL,
    issuer text NOT NULL CHECK (issuer ~ '^https?://[!-~]+$' AND length(issuer) <= 500),
    recommendation_id text NOT NULL,
    since timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz,
    PRIMARY KEY (tenant, recommendation_id),
    FOREIGN KEY (tenant, actor) REFERENCES cs.actors (tenant, id)
);
CREATE UNIQUE INDEX a_broker_once_an_issuer ON cs.identity_brokers (tenant, actor, issuer) WHERE revoked_at IS NULL;

-- Null: the key may do all that its owner may.
ALTER TABLE cs.credentials ADD COLUMN scopes text[] CHECK (scopes <@ '{read,decide,submit}' AND cardinality(scopes) > 0);
-- Of a session that a broker opened: the identity, and the broker's key.
ALTER TABLE cs.credentials ADD COLUMN identity text;
ALTER TABLE cs.credentials ADD COLUMN opened_by text;
CREATE INDEX credentials_opened_by ON cs.credentials (tenant, opened_by) WHERE opened_by IS NOT NULL;

INSERT INTO cs.action_catalogue (name, effect, risk_class, required, optional) VALUES
    ('change_identity', 'change', 3, '{change,subject}', '{}') ON CONFLICT (name) DO NOTHING;
INSERT INTO cs.change_kinds VALUES
    ('identity', 'change_identity', '{administrator,analyst,reviewer,controller,ml_engineer}', 'the account at an identity provider with which a user signs in'),
    ('identity_broker', 'change_identity', '{administrator}', 'a service that vouches for accounts of an identity provider');
