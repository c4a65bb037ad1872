"""A whole ledger into an empty record at once, as its owner and past the intake: what a benchmark searches in.

The rows are those that cs.import_books would write; nothing is checked and no ledger entry made.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import psycopg

_STAGE = "CREATE TEMP TABLE arriving (LIKE cs.invoices) ON COMMIT DROP"
_UNBOUND = "ALTER TABLE arriving ALTER tenant DROP NOT NULL, ALTER as_of DROP NOT NULL"
_COPY = """
COPY arriving (invoice_id, case_id, entity, vendor_id, vendor_name, tax_id, iban, invoice_no, invoice_date, posting_date,
    currency, amount, po, description, doc_type, keys, keys_version) FROM STDIN
"""
_MOVE = """
INSERT INTO cs.invoices (tenant, invoice_id, case_id, entity, vendor_id, vendor_name, tax_id, iban, invoice_no, invoice_date,
    posting_date, currency, amount, po, description, doc_type, keys, keys_version)
SELECT %(tenant)s, invoice_id, case_id, entity, vendor_id, vendor_name, tax_id, iban, invoice_no, invoice_date,
    posting_date, currency, amount, po, description, doc_type, cs._own_keys(%(tenant)s, keys), keys_version FROM arriving
"""
_WITHOUT = "DROP INDEX cs.invoices_keys"
_WITH = "CREATE INDEX invoices_keys ON cs.invoices USING gin (keys) WITH (fastupdate = off)"


def load_invoices(owner_url: str, tenant: str, rows: Iterable[Sequence[Any]]) -> int:
    """Copies rows into the ledger of `tenant`: fields in the order of `_COPY`; how many there were."""
    count = 0
    with psycopg.connect(owner_url) as conn:
        with conn.transaction():
            for statement in (_STAGE, _UNBOUND, _WITHOUT):
                conn.execute(statement)
            with conn.cursor().copy(_COPY) as copy:
                for row in rows:
                    copy.write_row(row)
                    count += 1
            conn.execute(_MOVE, {"tenant": tenant})
            conn.execute(_WITH)
        conn.commit()
        conn.autocommit = True
        conn.execute("VACUUM ANALYZE cs.invoices")
    return count
