"""What the books hold beside a batch of cases: possible twins of invoices, payment histories, documents, entities.

Every function takes a connection of role `agent` inside the caller's transaction and asks one query for the
whole batch. Which invoices are compared is decided by blocking keys (models/blocking.py); here they are only joined.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row


@dataclass(frozen=True, slots=True)
class BookedInvoice:
    """One invoice of the ledger. `case_id` names the case that it came with, None for imported history."""

    invoice_id: str
    case_id: str | None
    entity: str
    vendor_id: str
    vendor_name: str
    tax_id: str | None
    iban: str | None
    invoice_no: str
    invoice_date: date | None
    posting_date: date | None
    currency: str
    amount: Decimal
    po: str | None
    description: str | None
    doc_type: str
    as_of: datetime


@dataclass(frozen=True, slots=True)
class BookedItem:
    """One receivable; `clear_date` is None while it is open."""

    invoice_id: str
    customer_id: str
    posting_date: date
    due_date: date
    amount: Decimal
    currency: str
    clear_date: date | None


@dataclass(frozen=True, slots=True)
class Beside:
    """What else the record says about a case: its document, its entity."""

    case_id: str
    document_sha256: str | None
    document_name: str | None
    media_type: str | None
    entity_name: str | None
    supplier_version: int | None
    customer_version: int | None


# A key that more than `cap` invoices share says little: the same rule as in the join of whole ledgers.
_TWINS = """
WITH asked AS (
    SELECT * FROM unnest(%(cases)s::text[], %(kinds)s::text[], %(keys)s::text[]) AS a(case_id, kind, key)
), telling AS (
    SELECT a.kind, a.key FROM (SELECT DISTINCT kind, key FROM asked) a
    JOIN cs.invoice_keys k ON k.kind = a.kind AND k.key = a.key GROUP BY a.kind, a.key HAVING count(*) <= %(cap)s
), found AS (
    SELECT DISTINCT a.case_id AS asked_by, k.invoice_id FROM asked a JOIN telling t ON t.kind = a.kind AND t.key = a.key
    JOIN cs.invoice_keys k ON k.kind = a.kind AND k.key = a.key
)
SELECT f.asked_by, i.invoice_id, i.case_id, i.entity, i.vendor_id, i.vendor_name, i.tax_id, i.iban, i.invoice_no, i.invoice_date,
       i.posting_date, i.currency, i.amount, i.po, i.description, i.doc_type, i.as_of
FROM found f JOIN cs.invoices i ON i.invoice_id = f.invoice_id ORDER BY f.asked_by, i.invoice_id
"""
_LEDGER = """
SELECT i.invoice_id, i.case_id, i.entity, i.vendor_id, i.vendor_name, i.tax_id, i.iban, i.invoice_no, i.invoice_date,
       i.posting_date, i.currency, i.amount, i.po, i.description, i.doc_type, i.as_of
FROM unnest(%(vendors)s::text[]) AS v(id) CROSS JOIN LATERAL (
    SELECT * FROM cs.invoices n WHERE n.vendor_id = v.id ORDER BY n.as_of DESC, n.invoice_id LIMIT %(most)s
) i ORDER BY i.invoice_id
"""
_ITEMS = """
SELECT invoice_id, customer_id, posting_date, due_date, amount, currency, clear_date
FROM cs.open_items WHERE customer_id = ANY (%s) ORDER BY posting_date, invoice_id
"""
_BESIDE = """
SELECT r.case_id, r.document_sha256, d.name AS document_name, d.media_type, e.name AS entity_name,
       s.version AS supplier_version, u.version AS customer_version
FROM unnest(%s::text[], %s::int[]) AS a(case_id, revision)
JOIN cs.case_revisions r ON r.case_id = a.case_id AND r.revision = a.revision
LEFT JOIN cs.documents d ON d.tenant = r.tenant AND d.sha256 = r.document_sha256
LEFT JOIN cs.entities e ON e.tenant = r.tenant AND e.id = r.entity
LEFT JOIN cs.suppliers s ON s.tenant = r.tenant AND s.id = r.supplier_id
LEFT JOIN cs.customers u ON u.tenant = r.tenant AND u.id = r.customer_id
"""
_TODAY = "SELECT current_date"
_NOTES = """
SELECT r.case_id, n.comment
FROM unnest(%s::text[], %s::int[]) AS a(case_id, revision)
JOIN cs.recommendations r ON r.case_id = a.case_id AND r.revision = a.revision
JOIN cs.decisions d ON d.tenant = r.tenant AND d.recommendation_id = r.id AND d.decision = 'send_back'
JOIN cs.decision_notes n ON n.tenant = d.tenant AND n.decision_id = d.id
ORDER BY r.case_id, d.at
"""
_FILED_BY = "SELECT job_id, id FROM cs.recommendations WHERE job_id = ANY (%s)"
_LEAVES = """
SELECT recommendation_id, name, content::jsonb FROM cs.leaves WHERE recommendation_id = ANY (%s)
"""


def twins(conn: Connection[Any], keys: Sequence[tuple[str, str, str]], *, cap: int) -> list[tuple[str, BookedInvoice]]:
    """Invoices that share a blocking key with a case's invoice, the case's own row too where it is booked.

    `keys`: (case id, kind, key). `cap`: keys that more invoices share are left out. Returns (case id, invoice).
    """
    cases, kinds, values = zip(*keys, strict=True) if keys else ((), (), ())
    rows = conn.execute(_TWINS, {"cases": list(cases), "kinds": list(kinds), "keys": list(values), "cap": cap})
    return [(row[0], BookedInvoice(*row[1:])) for row in rows]


def ledger(conn: Connection[Any], vendors: Sequence[str], *, most: int) -> list[BookedInvoice]:
    """The invoices of these vendors, for each the `most` that were booked last."""
    rows = conn.execute(_LEDGER, {"vendors": sorted(set(vendors)), "most": most})
    return [BookedInvoice(*row) for row in rows]


def receivables(conn: Connection[Any], customers: Sequence[str]) -> list[BookedItem]:
    """All receivables of these customers, paid and open, oldest first."""
    with conn.cursor(row_factory=class_row(BookedItem)) as cursor:
        return cursor.execute(_ITEMS, (sorted(set(customers)),)).fetchall()


def beside(conn: Connection[Any], cases: Sequence[tuple[str, int]]) -> dict[str, Beside]:
    """Document and entity of each (case id, revision), and the versions of its party in the books."""
    with conn.cursor(row_factory=class_row(Beside)) as cursor:
        rows = cursor.execute(_BESIDE, ([case for case, _ in cases], [revision for _, revision in cases]))
        return {row.case_id: row for row in rows}


def today(conn: Connection[Any]) -> date:
    """The day by the database's clock, in UTC."""
    row = conn.execute(_TODAY).fetchone()
    assert row is not None
    found: date = row[0]
    return found


def notes(conn: Connection[Any], cases: Sequence[tuple[str, int]]) -> dict[str, tuple[str, ...]]:
    """What reviewers wrote when they sent drafts of these (case id, revision) back, oldest first; erased notes are missing."""
    found: dict[str, tuple[str, ...]] = {}
    for case_id, comment in conn.execute(_NOTES, ([case for case, _ in cases], [revision for _, revision in cases])):
        found[case_id] = (*found.get(case_id, ()), comment)
    return found


def filed_by(conn: Connection[Any], jobs: Sequence[int]) -> dict[int, str]:
    """Job id → the recommendation that it filed, for the jobs that have filed one."""
    return dict(conn.execute(_FILED_BY, (list(jobs),)).fetchall())


def leaves(conn: Connection[Any], recommendations: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Recommendation id → its leaves (draft, findings, evidence) as JSON; erased ones are missing."""
    found: dict[str, dict[str, Any]] = {}
    for recommendation, name, content in conn.execute(_LEAVES, (list(recommendations),)):
        found.setdefault(recommendation, {})[name] = content
    return found
