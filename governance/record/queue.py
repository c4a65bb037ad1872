"""Waiting room 1: cases waiting for an agent. Lease, fencing token, batch claim.

Every function takes a connection of role `agent` inside the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row, dict_row

from governance.case import CaseFacts, Party
from governance.plan import NO_PLAN, Plan, plan_from_row

CHANNEL = "countersign_jobs"
"""NOTIFY channel: a hint that work may be there, never the queue itself."""


@dataclass(frozen=True, slots=True)
class Job:
    """One leased piece of work. `kind`: triage, or resume after a recommendation was sent back."""

    id: int
    case_id: str
    revision: int
    kind: str
    recommendation_id: str | None
    fence: int
    attempts: int
    lease_until: datetime


@dataclass(frozen=True, slots=True)
class Returned:
    """What a resumed job answers: the recommendation that a person sent back, and the note."""

    recommendation_id: str
    decision_id: str
    note: str
    action: Mapping[str, Any]
    draft: Mapping[str, str] | None
    thread_id: str | None
    interrupt_id: str | None
    graph_version: str | None


@dataclass(frozen=True, slots=True)
class Brief:
    """Everything on record that the agent may look at for one case.

    `mode`, `plan` and `letters` are the active policy's: observe | rules | ai of the queue, what its type is about, as
    data, and the templates that its letters may use (empty: those of its actions).
    """

    job: Job
    facts: CaseFacts
    facts_digest: str
    title: str
    reading: Mapping[str, Any]
    supplier: Party | None
    supplier_ibans: tuple[str, ...]
    customer: Party | None
    order: Mapping[str, Any] | None
    receipts: tuple[Mapping[str, Any], ...]
    allowed_actions: tuple[str, ...]
    returned: Returned | None
    mode: str = "ai"
    plan: Plan = NO_PLAN
    letters: tuple[str, ...] = ()


_CLAIM = "SELECT * FROM cs.claim_jobs(%s, %s, %s)"
_RENEW = "SELECT cs.renew_jobs(%s, %s, %s)"
_FAIL = "SELECT cs.fail_job(%s, %s, %s, %s, %s)"

# Row by row by primary key (OFFSET 0): without statistics, right after a load, the planner would scan whole tables.
_CASES = """
WITH asked AS MATERIALIZED (
    SELECT q.id AS job, q.tenant, q.case_id, q.revision FROM unnest(%(jobs)s::bigint[]) AS j(id) JOIN cs.jobs q ON q.id = j.id
)
SELECT a.job, c.queue, c.exception_type, c.title, r.*, d.reading, d.details,
       s.name AS supplier_name, s.email AS supplier_email, s.language AS supplier_language, s.vat_id, s.country AS supplier_country,
       u.name AS customer_name, u.email AS customer_email, u.language AS customer_language, u.country AS customer_country,
       coalesce(f.actions, '{}') AS actions, coalesce(f.plan, '{}') AS plan, coalesce(f.letters, '{}') AS letters,
       coalesce(f.mode, (SELECT p.canon::jsonb#>>ARRAY['modes', c.queue] FROM cs.policies p WHERE p.tenant = c.tenant AND p.active), 'ai') AS mode,
       ARRAY(SELECT b.iban FROM cs.bank_accounts b WHERE b.tenant = c.tenant AND b.owner_kind = 'supplier'
             AND b.owner_id = r.supplier_id AND b.valid_to IS NULL ORDER BY b.iban) AS ibans
FROM asked a
CROSS JOIN LATERAL (SELECT * FROM cs.cases c WHERE c.tenant = a.tenant AND c.id = a.case_id OFFSET 0) c
CROSS JOIN LATERAL (SELECT * FROM cs.case_revisions r WHERE r.tenant = a.tenant AND r.case_id = a.case_id AND r.revision = a.revision OFFSET 0) r
LEFT JOIN LATERAL (SELECT * FROM cs.case_readings d WHERE d.tenant = a.tenant AND d.case_id = a.case_id AND d.revision = a.revision OFFSET 0) d ON true
LEFT JOIN LATERAL (SELECT w.actions, w.plan, w.letters, w.mode FROM cs.workflows w JOIN cs.policies p ON p.tenant = w.tenant AND p.version = w.version
                   WHERE p.tenant = c.tenant AND p.active AND w.queue = c.queue AND w.exception_type = c.exception_type OFFSET 0) f ON true
LEFT JOIN LATERAL (SELECT * FROM cs.suppliers s WHERE s.tenant = r.tenant AND s.id = r.supplier_id OFFSET 0) s ON true
LEFT JOIN LATERAL (SELECT * FROM cs.customers u WHERE u.tenant = r.tenant AND u.id = r.customer_id OFFSET 0) u ON true
"""
_ORDERS = """
SELECT o.id, o.supplier_id, o.entity, o.currency, o.total, o.lines,
       coalesce((SELECT jsonb_agg(jsonb_build_object('id', t.id, 'date', t.received_on, 'lines', t.lines) ORDER BY t.id)
                 FROM cs.receipts t WHERE t.tenant = o.tenant AND t.order_id = o.id), '[]') AS receipts
FROM cs.orders o WHERE o.id = ANY (%s)
"""
_RETURNED = """
SELECT q.id AS job, r.id, d.id AS decision_id, n.comment, r.envelope::jsonb -> 'action' AS action, l.content::jsonb AS draft,
       r.thread_id, r.interrupt_id, r.graph_version
FROM cs.jobs q JOIN cs.recommendations r ON r.tenant = q.tenant AND r.id = q.recommendation_id
JOIN cs.decisions d ON d.tenant = r.tenant AND d.recommendation_id = r.id AND d.decision = 'send_back'
LEFT JOIN cs.decision_notes n ON n.tenant = d.tenant AND n.decision_id = d.id
LEFT JOIN cs.leaves l ON l.tenant = r.tenant AND l.recommendation_id = r.id AND l.name = 'draft'
WHERE q.id = ANY (%s)
"""


def claim(conn: Connection[Any], worker: str, most: int, lease_seconds: int) -> list[Job]:
    """Lease up to `most` jobs for `lease_seconds`. Others skip what is locked."""
    with conn.cursor(row_factory=class_row(Job)) as cursor:
        return cursor.execute(_CLAIM, (worker, most, lease_seconds)).fetchall()


def renew(conn: Connection[Any], jobs: Sequence[Job], lease_seconds: int) -> set[int]:
    """Prolong leases; the ids of the jobs that are still held."""
    row = conn.execute(_RENEW, ([job.id for job in jobs], [job.fence for job in jobs], lease_seconds)).fetchone()
    return set(row[0]) if row else set()


def fail(conn: Connection[Any], job: Job, why: str, retry_seconds: float, most_attempts: int) -> str:
    """Give a job back: `retry` after `retry_seconds`, or `dead` after `most_attempts`. Raises LostLease."""
    row = conn.execute(_FAIL, (job.id, job.fence, why, retry_seconds, most_attempts)).fetchone()
    assert row is not None
    return str(row[0])


def order_reference(reading: Mapping[str, Any], details: Mapping[str, Any]) -> str | None:
    """The purchase order that the document or row names."""
    named = (reading.get("fields") or {}).get("purchase_order") or details.get("purchase_order")
    return str(named) if named else None


def _party(row: Mapping[str, Any], kind: str) -> Party | None:
    if row[f"{kind}_name"] is None:
        return None
    return Party(
        id=row[f"{kind}_id"],
        name=row[f"{kind}_name"],
        kind=kind,
        email=row[f"{kind}_email"],
        language=row[f"{kind}_language"],
        vat_id=row["vat_id"] if kind == "supplier" else None,
        country=row[f"{kind}_country"],
    )


def _facts(row: Mapping[str, Any]) -> CaseFacts:
    return CaseFacts(
        case_id=row["case_id"],
        revision=row["revision"],
        queue=row["queue"],
        exception_type=row["exception_type"],
        document_class=row["document_class"],
        amount=row["amount"],
        currency=row["currency"],
        entity=row["entity"],
        region=row["region"],
        initiator=row["initiator"],
        supplier_id=row["supplier_id"],
        customer_id=row["customer_id"],
        payee_iban=row["payee_iban"],
        issue_date=row["issue_date"],
        due_date=row["due_date"],
        details={"invoice_id": row["invoice_id"], **(row["details"] or {})},
    )


def briefs(conn: Connection[Any], jobs: Sequence[Job]) -> list[Brief]:
    """What is on record for a claimed batch, in the order of `jobs`: three queries whatever its size."""
    ids = [job.id for job in jobs]
    with conn.cursor(row_factory=dict_row) as cursor:
        rows = {row["job"]: row for row in cursor.execute(_CASES, {"jobs": ids})}
        references = {job: order_reference(row["reading"] or {}, row["details"] or {}) for job, row in rows.items()}
        orders = {row["id"]: row for row in cursor.execute(_ORDERS, ([ref for ref in references.values() if ref],))}
        returned = {row["job"]: row for row in cursor.execute(_RETURNED, (ids,))}
    return [_brief(job, rows[job.id], orders.get(references[job.id] or ""), returned.get(job.id)) for job in jobs]


def _brief(job: Job, row: Mapping[str, Any], order: Mapping[str, Any] | None, back: Mapping[str, Any] | None) -> Brief:
    return Brief(
        job=job,
        facts=_facts(row),
        facts_digest=row["facts_digest"],
        title=row["title"],
        reading=row["reading"] or {},
        supplier=_party(row, "supplier"),
        supplier_ibans=tuple(row["ibans"]),
        customer=_party(row, "customer"),
        order={key: value for key, value in order.items() if key != "receipts"} if order else None,
        receipts=tuple(order["receipts"]) if order else (),
        allowed_actions=("refer_to_person", *(name for name in row["actions"] if name != "refer_to_person")),
        returned=None
        if back is None
        else Returned(
            recommendation_id=back["id"],
            decision_id=back["decision_id"],
            note=back["comment"] or "",
            action=back["action"],
            draft=back["draft"],
            thread_id=back["thread_id"],
            interrupt_id=back["interrupt_id"],
            graph_version=back["graph_version"],
        ),
        mode=row["mode"],
        plan=plan_from_row(row["plan"]) if row["plan"] else NO_PLAN,
        letters=tuple(row["letters"]),
    )


def as_money(amount: Decimal | None, currency: str | None) -> str | None:
    """`123.45 EUR`, or None where either is unknown."""
    return None if amount is None or currency is None else f"{amount} {currency}"
