"""What the books hold beside a batch of cases: possible twins of invoices, payment histories, documents, entities.

Every function takes a connection of role `agent` inside the caller's transaction and asks one query for the
whole batch. Which invoices may be twins is asked in twin_keys.py.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
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
    """One receivable; `clear_date` is None while it is open.

    recorded: the day on which the books learned that it was paid; None where it is open, or came in as paid already,
    so that the books cannot tell. disputed_at: the day of the customer's dispute, disputed_as_of: the day on which the
    books learned of it; None where they know of none. Days are UTC.
    """

    invoice_id: str
    customer_id: str
    posting_date: date
    due_date: date
    amount: Decimal
    currency: str
    clear_date: date | None
    recorded: date | None = None
    disputed_at: date | None = None
    disputed_as_of: date | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """How many receivables there are, and how many of them are paid: whether another look is worth its time."""

    rows: int
    paid: int


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


# Row by row by primary key (OFFSET 0): without statistics, right after a load, the planner would scan the whole table.
_INVOICES = """
SELECT i.invoice_id, i.case_id, i.entity, i.vendor_id, i.vendor_name, i.tax_id, i.iban, i.invoice_no, i.invoice_date,
       i.posting_date, i.currency, i.amount, i.po, i.description, i.doc_type, i.as_of
FROM unnest(%s::text[]) AS a(id) CROSS JOIN LATERAL (SELECT * FROM cs.invoices n WHERE n.invoice_id = a.id OFFSET 0) i
ORDER BY i.invoice_id
"""
_LEDGER = """
SELECT i.invoice_id, i.case_id, i.entity, i.vendor_id, i.vendor_name, i.tax_id, i.iban, i.invoice_no, i.invoice_date,
       i.posting_date, i.currency, i.amount, i.po, i.description, i.doc_type, i.as_of
FROM unnest(%(vendors)s::text[]) AS v(id) CROSS JOIN LATERAL (
    SELECT * FROM cs.invoices n WHERE n.vendor_id = v.id
    ORDER BY coalesce(n.invoice_date, n.posting_date) DESC NULLS LAST, n.invoice_id LIMIT %(most)s
) i ORDER BY i.invoice_id
"""
_ITEM = """
SELECT invoice_id, customer_id, posting_date, due_date, amount, currency, clear_date,
       CASE WHEN cleared_as_of > first_as_of THEN (cleared_as_of AT TIME ZONE 'UTC')::date END AS recorded,
       disputed_at, (disputed_as_of AT TIME ZONE 'UTC')::date AS disputed_as_of
FROM cs.open_items
"""
_ITEMS = _ITEM + "WHERE customer_id = ANY (%s) ORDER BY posting_date, invoice_id"
# The latest of them: by the index of posting days no more rows are read than are handed out.
_PORTFOLIO = _ITEM + "WHERE posting_date >= %s ORDER BY posting_date DESC, invoice_id LIMIT %s"
_SETTLED = "SELECT count(*), count(clear_date) FROM cs.open_items WHERE posting_date >= %s"
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


def invoices(conn: Connection[Any], ids: Collection[str]) -> list[BookedInvoice]:
    """The invoices of the ledger with these ids."""
    rows = conn.execute(_INVOICES, (sorted(set(ids)),)) if ids else ()
    return [BookedInvoice(*row) for row in rows]


def ledger(conn: Connection[Any], vendors: Collection[str], *, most: int) -> list[BookedInvoice]:
    """The invoices of these vendors, for each the `most` of the latest days."""
    rows = conn.execute(_LEDGER, {"vendors": sorted(set(vendors)), "most": most}) if vendors else ()
    return [BookedInvoice(*row) for row in rows]


def receivables(conn: Connection[Any], customers: Sequence[str]) -> list[BookedItem]:
    """All receivables of these customers, paid and open, oldest first."""
    with conn.cursor(row_factory=class_row(BookedItem)) as cursor:
        return cursor.execute(_ITEMS, (sorted(set(customers)),)).fetchall()


def portfolio(conn: Connection[Any], since: date, most: int) -> list[BookedItem]:
    """The tenant's receivables posted from a day on, paid and open, newest first: at most `most`."""
    return [BookedItem(*row) for row in conn.execute(_PORTFOLIO, (since, most))]


def settled(conn: Connection[Any], since: date) -> Settled:
    """How many receivables posted from a day on there are, and how many of them are paid."""
    row = conn.execute(_SETTLED, (since,)).fetchone()
    assert row is not None
    return Settled(*row)


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
