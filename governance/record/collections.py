"""What collections know and do: contacts that were carried out, draws of the control slice, the ranked worklist.

`contacts`, `draws` and `rates` take a connection of role `agent`; the others one of role `review`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row, dict_row

MOST = 5000
"""Recommendations that are ranked at once; more are told apart by the filters."""


@dataclass(frozen=True, slots=True)
class DunningRow:
    """One contact of a case's invoice; `action` is `disputed` for a dispute that is on record."""

    case_id: str
    recommendation_id: str
    action: str
    tone: str | None
    day: date


@dataclass(frozen=True, slots=True)
class Rate:
    """Units of `currency` for one EUR, and the day that says so."""

    currency: str
    per_eur: Decimal
    day: date


@dataclass(frozen=True, slots=True)
class DrawnRow:
    """One invoice of the control slice. propensity: the chance of the group that it is in."""

    customer_id: str
    delayed: bool
    propensity: Decimal
    days_late: int


@dataclass(frozen=True, slots=True)
class Ranked:
    """The numbers by which one waiting recommendation is ranked; None: not known."""

    id: str
    currency: str | None
    value: Decimal | None
    value_eur: Decimal | None
    minutes: int | None


_CONTACTS = "SELECT case_id, recommendation_id, action, tone, day FROM cs.dunning(%s)"
_DRAWS = "SELECT case_id, draw FROM cs.control_draws(%s, %s)"
_RATES = """
SELECT DISTINCT ON (currency) currency, per_eur, day FROM cs.fx_rates
WHERE currency = ANY (%s) AND day <= %s ORDER BY currency, day DESC
"""
_WAITING = """
FROM cs.recommendations r
JOIN cs.cases c ON c.tenant = r.tenant AND c.id = r.case_id
JOIN cs.case_revisions v ON v.tenant = r.tenant AND v.case_id = r.case_id AND v.revision = r.revision
LEFT JOIN cs.worklist w ON w.tenant = r.tenant AND w.recommendation_id = r.id
WHERE r.state = 'awaiting_review' AND c.queue = %(queue)s
  AND (%(entity)s::text IS NULL OR v.entity = %(entity)s) AND (%(currency)s::text IS NULL OR v.currency = %(currency)s)
  AND (%(low)s::int IS NULL OR %(today)s - v.due_date >= %(low)s) AND (%(high)s::int IS NULL OR %(today)s - v.due_date <= %(high)s)
"""
_RANKED = (
    "SELECT r.id, v.currency, w.value, w.value_eur, w.minutes "
    + _WAITING
    + " ORDER BY w.value_eur DESC NULLS LAST, r.id LIMIT %(most)s"
)
_ROWS = """
SELECT r.id, r.case_id, r.action, r.digest, r.created_at, r.sla_due_at, r.envelope::jsonb #> '{action,args}' AS args,
       c.exception_type, c.title, v.customer_id, coalesce(u.name, v.customer_id) AS customer,
       coalesce(v.invoice_id, c.source_key) AS invoice_id, v.entity, v.amount, v.currency, v.due_date,
       l.content::jsonb -> 'risk' AS risk, l.content::jsonb -> 'collections' AS collections, l.content::jsonb -> 'why' AS why,
       (SELECT jsonb_agg(jsonb_build_object('role', p.role, 'filled_by', p.filled_by) ORDER BY p.seat)
        FROM cs.seats p WHERE p.tenant = r.tenant AND p.recommendation_id = r.id) AS seats
FROM unnest(%s::text[]) WITH ORDINALITY AS a(id, place)
JOIN cs.recommendations r ON r.id = a.id
JOIN cs.cases c ON c.tenant = r.tenant AND c.id = r.case_id
JOIN cs.case_revisions v ON v.tenant = r.tenant AND v.case_id = r.case_id AND v.revision = r.revision
LEFT JOIN cs.customers u ON u.tenant = v.tenant AND u.id = v.customer_id
LEFT JOIN cs.leaves l ON l.tenant = r.tenant AND l.recommendation_id = r.id AND l.name = 'findings'
ORDER BY a.place
"""
_CASH = (
    """
SELECT v.currency, CASE WHEN pg_input_is_valid(x.part->>0, 'date') THEN greatest(date_trunc('week', (x.part->>0)::date)::date, date_trunc('week', %(today)s::date)::date) END AS week,
       sum((x.part->>1)::numeric) AS expected, count(DISTINCT r.id) AS invoices
"""
    + _WAITING.replace(
        "WHERE r.state",
        "CROSS JOIN LATERAL jsonb_array_elements(CASE WHEN jsonb_typeof(w.cash) = 'array' THEN w.cash ELSE '[]' END) AS x(part)\nWHERE r.state",
    )
    + """
  AND v.currency IS NOT NULL AND jsonb_typeof(x.part) = 'array' AND pg_input_is_valid(x.part->>1, 'numeric')
GROUP BY 1, 2 ORDER BY 1, 2 NULLS LAST
"""
)
_COUNTED = "SELECT count(*) AS waiting, count(w.value) AS valued, count(w.cash) AS with_cash " + _WAITING
_AGING = """
SELECT currency, CASE WHEN %(today)s <= due_date THEN 0 WHEN %(today)s - due_date <= 30 THEN 1 WHEN %(today)s - due_date <= 60 THEN 2
            WHEN %(today)s - due_date <= 90 THEN 3 ELSE 4 END AS bucket, count(*) AS invoices, sum(amount) AS amount
FROM cs.open_items WHERE (clear_date IS NULL OR clear_date > %(today)s)
  AND (%(entity)s::text IS NULL OR entity = %(entity)s) AND (%(currency)s::text IS NULL OR currency = %(currency)s)
GROUP BY 1, 2 ORDER BY 1, 2
"""
# The first lot of a case counts, whatever was decided then. Days late by the books; what is still open counts up to today: left
# out, those that a delay made pay later would be missing.
_DRAWN = """
SELECT DISTINCT ON (r.case_id) v.customer_id, w.delayed, w.propensity, coalesce(o.clear_date, current_date) - o.due_date AS days_late
FROM cs.worklist w JOIN cs.recommendations r ON r.tenant = w.tenant AND r.id = w.recommendation_id
JOIN cs.case_revisions v ON v.tenant = r.tenant AND v.case_id = r.case_id AND v.revision = r.revision
JOIN cs.open_items o ON o.tenant = v.tenant AND o.invoice_id = v.invoice_id AND o.customer_id = v.customer_id
WHERE w.propensity IS NOT NULL AND r.created_at <= now() - make_interval(days => %s) ORDER BY r.case_id, r.created_at, r.id
"""
_CHOICES = """
SELECT array_agg(DISTINCT v.currency) FILTER (WHERE v.currency IS NOT NULL) AS currencies, array_agg(DISTINCT v.entity) AS entities
FROM cs.recommendations r JOIN cs.cases c ON c.tenant = r.tenant AND c.id = r.case_id
JOIN cs.case_revisions v ON v.tenant = r.tenant AND v.case_id = r.case_id AND v.revision = r.revision
WHERE r.state = 'awaiting_review' AND c.queue = %s
"""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which waiting recommendations: of one queue; of one entity, one currency, and `low` to `high` days past due."""

    today: date
    queue: str = "order_to_cash"
    entity: str | None = None
    currency: str | None = None
    low: int | None = None
    high: int | None = None

    def values(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


def contacts(conn: Connection[Any], cases: Collection[str]) -> list[DunningRow]:
    """What was carried out about the invoices of these cases, oldest first."""
    if not cases:
        return []
    with conn.cursor(row_factory=class_row(DunningRow)) as cursor:
        return cursor.execute(_CONTACTS, (sorted(set(cases)),)).fetchall()


def draws(conn: Connection[Any], cases: Collection[str], period: str) -> dict[str, float]:
    """Case id → its number in 0..1 for this period, by the tenant's secret: always the same, and nobody's choice.

    Role `agent` or `audit`. The first call of a tenant makes the secret and records its hash.
    """
    if not cases:
        return {}
    return {case: float(draw) for case, draw in conn.execute(_DRAWS, (sorted(set(cases)), period))}


def rates(conn: Connection[Any], currencies: Collection[str], on: date) -> dict[str, Rate]:
    """The newest rate of each currency that is not after `on`; EUR has one always."""
    with conn.cursor(row_factory=class_row(Rate)) as cursor:
        found = cursor.execute(_RATES, (sorted(set(currencies)), on)).fetchall()
    return {"EUR": Rate("EUR", Decimal(1), on), **{one.currency: one for one in found}}


def ranked(conn: Connection[Any], of: Filter) -> list[Ranked]:
    """The numbers of at most MOST waiting recommendations, the most valuable first, those without a value last."""
    with conn.cursor(row_factory=class_row(Ranked)) as cursor:
        return cursor.execute(_RANKED.encode(), of.values() | {"most": MOST}).fetchall()


def rows(conn: Connection[Any], ids: Sequence[str]) -> list[dict[str, Any]]:
    """These recommendations in full, in the order of `ids`: one query."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_ROWS, (list(ids),)).fetchall() if ids else []


def cash(conn: Connection[Any], of: Filter) -> list[dict[str, Any]]:
    """{currency, week (a Monday; None = later), expected, invoices} over the waiting recommendations."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_CASH.encode(), of.values()).fetchall()


def counted(conn: Connection[Any], of: Filter) -> dict[str, int]:
    """{waiting, valued, with_cash}: how many there are, and of how many the value and the expected cash are known."""
    with conn.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(_COUNTED.encode(), of.values()).fetchone()
    assert row is not None
    return row


def aging(conn: Connection[Any], of: Filter) -> list[dict[str, Any]]:
    """{currency, bucket, invoices, amount} of every open item of the books: 0 not due, 1 to 30, 60, 90 days, 4 older."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_AGING, of.values()).fetchall()


def drawn(conn: Connection[Any], mature_days: int = 60) -> list[DrawnRow]:
    """Every case whose lot was drawn at least `mature_days` ago, by what the books say today. Role `review` or `audit`."""
    with conn.cursor(row_factory=class_row(DrawnRow)) as cursor:
        return cursor.execute(_DRAWN, (mature_days,)).fetchall()


def choices(conn: Connection[Any], queue: str) -> tuple[list[str], list[str]]:
    """(currencies, entities) that wait in this queue."""
    row = conn.execute(_CHOICES, (queue,)).fetchone()
    assert row is not None
    return sorted(row[0] or []), sorted(row[1] or [])
