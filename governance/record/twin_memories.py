"""How suppliers bill, as people approved it, and what people decided on likely duplicates. The law: schema/functions_68.

Roles `agent` (`of` alone) and `review`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row, dict_row

_HABITS = "SELECT supplier_id, habit, since, recommendation_id, approved_by FROM cs.habits(%s)"
# A proposal is about two bills: by its arguments, or by the earlier twin that decided it. The word on a pair is that of
# whoever approved, rejected or overrode, as far as the whole gate went along; the newest counts.
_JUDGED = """
WITH about AS (
    SELECT r.id, r.case_id, r.revision, r.draft_number, r.action, r.state,
           CASE WHEN r.action = 'mark_duplicate' THEN r.envelope::jsonb #>> '{action,args,invoice_id}' ELSE i.invoice_id END AS own,
           CASE WHEN r.action = 'mark_duplicate' THEN r.envelope::jsonb #>> '{action,args,duplicate_of}'
                ELSE jsonb_path_query_first(l.content::jsonb, '$.duplicates[*] ? (@.earlier == true && @.probability >= $least).invoice_id',
                     jsonb_build_object('least', coalesce((r.envelope::jsonb #>> '{thresholds,duplicate_likely}')::numeric, 0.8))) #>> '{}' END AS twin
    FROM cs.recommendations r
    JOIN cs.cases c ON c.tenant = r.tenant AND c.id = r.case_id AND c.title <> 'erased'
    LEFT JOIN cs.leaves l ON l.tenant = r.tenant AND l.recommendation_id = r.id AND l.name = 'findings' AND r.action <> 'mark_duplicate'
    LEFT JOIN LATERAL (SELECT n.invoice_id FROM cs.invoices n WHERE n.tenant = r.tenant AND n.case_id = r.case_id ORDER BY n.invoice_id LIMIT 1) i
      ON r.action <> 'mark_duplicate'
    WHERE r.action IN ('mark_duplicate', 'hold_payment', 'request_credit_note') AND r.state IN ('approved', 'executed', 'rejected', 'overridden')
), words AS (
    SELECT a.own, a.twin, true AS duplicate, d.actor, d.at FROM about a
    JOIN cs.decisions d ON d.recommendation_id = a.id AND d.decision = 'approve' AND d.withdrawn_at IS NULL
    WHERE a.action = 'mark_duplicate' AND a.state IN ('approved', 'executed')
    UNION ALL
    SELECT a.own, a.twin, false, d.actor, d.at FROM about a
    JOIN cs.decisions d ON d.recommendation_id = a.id AND d.decision = 'reject' AND d.withdrawn_at IS NULL
    WHERE a.action = 'mark_duplicate' AND a.state = 'rejected' AND coalesce(d.reason_code, 'wrong_match') IN ('wrong_match', 'wrong_action', 'business_exception')
    UNION ALL
    SELECT a.own, a.twin, false, d.actor, d.at FROM about a
    JOIN cs.decisions d ON d.recommendation_id = a.id AND d.decision = 'override' AND d.withdrawn_at IS NULL
    JOIN cs.recommendations n ON n.case_id = a.case_id AND n.revision = a.revision AND n.draft_number = a.draft_number + 1
    WHERE a.state = 'overridden' AND n.action IN ('release_payment', 'release_payment_hold', 'route_for_approval') AND n.state IN ('approved', 'executed')
    UNION ALL
    SELECT a.own, a.twin, false, d.actor, d.at FROM cs.recommendations u
    JOIN cs.cases c ON c.tenant = u.tenant AND c.id = u.case_id AND c.title <> 'erased'
    JOIN cs.decisions d ON d.recommendation_id = u.id AND d.decision = 'approve' AND d.withdrawn_at IS NULL
    JOIN about a ON a.action = 'mark_duplicate' AND a.state IN ('approved', 'executed') AND a.own = u.envelope::jsonb #>> '{action,args,invoice_id}'
    WHERE u.action = 'undo_duplicate' AND u.state IN ('approved', 'executed')
)
SELECT DISTINCT ON (least(w.own, w.twin), greatest(w.own, w.twin)) least(w.own, w.twin) AS left_id, greatest(w.own, w.twin) AS right_id, w.duplicate, w.actor, w.at
FROM words w
JOIN cs.actors p ON p.id = w.actor AND p.active AND p.kind = 'person' AND p.roles && '{analyst,reviewer,controller,administrator}'
JOIN cs.invoices o ON o.invoice_id = w.own AND o.vendor_name <> 'erased'
JOIN cs.invoices t ON t.invoice_id = w.twin AND t.vendor_name <> 'erased'
WHERE w.own <> w.twin ORDER BY 1, 2, w.at DESC, w.actor
"""
_BESIDE = """
SELECT invoice_id, entity, vendor_id, vendor_name, tax_id, iban, invoice_no, invoice_date, posting_date, currency, amount, po,
       description, doc_type
FROM cs.invoices WHERE vendor_name <> 'erased' AND (invoice_id = ANY (%(invoices)s) OR vendor_id IN (
    SELECT vendor_id FROM cs.invoices WHERE invoice_id = ANY (%(invoices)s) AND vendor_id <> ''))
ORDER BY invoice_id = ANY (%(invoices)s) DESC, as_of DESC, invoice_id LIMIT %(most)s
"""
_NEWEST = """
SELECT invoice_id, entity, vendor_id, vendor_name, tax_id, iban, invoice_no, invoice_date, posting_date, currency, amount, po,
       description, doc_type
FROM cs.invoices WHERE vendor_name <> 'erased' ORDER BY as_of DESC, invoice_id LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class StoredHabit:
    """One habit that holds today. `habit`: {kind, until, …}, see cs._malformed_habits."""

    supplier_id: str
    habit: Mapping[str, Any]
    since: datetime
    recommendation_id: str
    approved_by: Sequence[str]


@dataclass(frozen=True, slots=True)
class JudgedPair:
    """Two invoices of the books and what people decided last: one bill (duplicate), or two."""

    left_id: str
    right_id: str
    duplicate: bool
    actor: str
    at: datetime


def of(conn: Connection[Any], vendor_ids: Sequence[str] | None) -> list[StoredHabit]:
    """The habits of these suppliers, of all for None, that hold today by the database's clock."""
    if vendor_ids is not None and not vendor_ids:
        return []
    asked = None if vendor_ids is None else sorted(set(vendor_ids))
    with conn.cursor(row_factory=class_row(StoredHabit)) as cursor:
        return cursor.execute(_HABITS, (asked,)).fetchall()


def judged(conn: Connection[Any]) -> list[JudgedPair]:
    """What people decided on pairs of invoices, one row a pair, the newest word. A mark as duplicate that was approved
    says duplicate; its rejection, its undoing, or a payment released instead says none. What was erased is left out."""
    with conn.cursor(row_factory=class_row(JudgedPair)) as cursor:
        return cursor.execute(_JUDGED).fetchall()


def bills_beside(conn: Connection[Any], invoice_ids: Sequence[str], most: int) -> list[dict[str, Any]]:
    """These invoices and all of the same suppliers, as models.duplicates.Invoice takes them; at most `most`."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_BESIDE, {"invoices": list(invoice_ids), "most": most}).fetchall()


def newest_bills(conn: Connection[Any], most: int) -> list[dict[str, Any]]:
    """The invoices of the books that came last, as models.duplicates.Invoice takes them."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_NEWEST, (most,)).fetchall()
