-- Two clocks of receivables: what the books knew on which day.

-- A customer's dispute: its own day, and when the books learned of it. first_as_of: when the row came in; one that came in
-- as paid says nothing about when its payment was recorded.
ALTER TABLE cs.open_items ADD COLUMN disputed_at date, ADD COLUMN disputed_as_of timestamptz,
    ADD COLUMN first_as_of timestamptz;
UPDATE cs.open_items SET first_as_of = CASE WHEN version = 1 THEN as_of ELSE 'epoch' END;
ALTER TABLE cs.open_items ALTER COLUMN first_as_of SET DEFAULT now(), ALTER COLUMN first_as_of SET NOT NULL;
CREATE INDEX open_items_posted ON cs.open_items (tenant, posting_date DESC, invoice_id);
