-- What is not sent yet is counted at every scrape and must not be looked for among all that was.
CREATE INDEX observations_unsent ON cs.observations (tenant, state, created_at) WHERE state <> 'sent';
