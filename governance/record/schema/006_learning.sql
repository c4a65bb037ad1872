-- What people correct of a reading, and what is learned of it.

-- Null: the facts as intake brought them. Else the revision that a person corrected: both are judged.
ALTER TABLE cs.case_revisions ADD COLUMN corrects int;

-- A labelled row: who said of which document that something was read wrong, and what had read it. Append-only.
CREATE TABLE cs.corrections (
    tenant text NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    case_id text NOT NULL,
    revision int NOT NULL,
    document_sha256 text NOT NULL,
    name text NOT NULL,
    source text NOT NULL CHECK (source IN ('correction', 'override')),
    reading_sha256 text NOT NULL,
    model text,
    actor text NOT NULL,
    decision_id text,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant, id),
    FOREIGN KEY (tenant, case_id, revision) REFERENCES cs.case_revisions,
    FOREIGN KEY (tenant, actor) REFERENCES cs.actors (tenant, id),
    FOREIGN KEY (tenant, decision_id) REFERENCES cs.decisions (tenant, id)
);
CREATE INDEX corrections_case ON cs.corrections (tenant, case_id);
CREATE INDEX corrections_document ON cs.corrections (tenant, document_sha256, name, id);
CREATE TABLE cs.correction_values (          -- erasable
    tenant text NOT NULL, correction_id bigint NOT NULL, before text, after text,
    PRIMARY KEY (tenant, correction_id), FOREIGN KEY (tenant, correction_id) REFERENCES cs.corrections
);

-- What a proposed memory of a supplier would change of documents on record.
CREATE TABLE cs.memory_effects (             -- erasable
    tenant text NOT NULL, recommendation_id text NOT NULL, case_id text NOT NULL, name text NOT NULL, before text, after text,
    PRIMARY KEY (tenant, recommendation_id, case_id, name),
    FOREIGN KEY (tenant, recommendation_id) REFERENCES cs.recommendations,
    FOREIGN KEY (tenant, case_id) REFERENCES cs.cases (tenant, id)
);
CREATE INDEX memory_effects_case ON cs.memory_effects (tenant, case_id);
