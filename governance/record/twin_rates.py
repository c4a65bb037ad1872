"""Bills of one vendor in two currencies: those whose amounts are about one at the rates of their days. Role `agent`.

The rates are those that the law converts amounts by (cs.fx_rates: imported at the start, changed through the gate).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from psycopg import Connection


@dataclass(frozen=True, slots=True)
class Foreign:
    """One bill that twins in other currencies are looked for. `worth`: the size of its amount in euros."""

    case_id: str
    vendor_id: str
    currency: str
    day: date
    worth: float


# The newest rate on or before each day, by the primary key. `within` days at most lie between.
_RATES = """
SELECT a.currency, a.day, r.per_eur FROM unnest(%(currencies)s::text[], %(days)s::date[]) AS a(currency, day)
CROSS JOIN LATERAL (SELECT f.per_eur FROM cs.fx_rates f WHERE f.currency = a.currency AND f.day <= a.day
                    AND f.day >= a.day - %(within)s ORDER BY f.day DESC LIMIT 1) r
"""
# By the index of a vendor's days; what no rate of these days makes worth enough is left out before its own rate is looked
# up. The nearest amounts first.
_NEAR = """
WITH span AS MATERIALIZED (
    SELECT 'EUR' AS currency, 1::numeric AS least, 1::numeric AS most
    UNION ALL
    SELECT f.currency, min(f.per_eur), max(f.per_eur) FROM cs.fx_rates f
    WHERE f.day BETWEEN %(first)s::date - %(around)s - %(within)s AND %(last)s::date + %(around)s GROUP BY f.currency
)
SELECT a.case_id, n.invoice_id
FROM unnest(%(cases)s::text[], %(vendors)s::text[], %(currencies)s::text[], %(days)s::date[], %(lows)s::numeric[], %(worths)s::numeric[], %(highs)s::numeric[])
    AS a(case_id, vendor_id, currency, day, low, worth, high)
CROSS JOIN LATERAL (
    SELECT i.invoice_id FROM (
        SELECT o.invoice_id, o.currency, o.amount, coalesce(o.invoice_date, o.posting_date) AS day FROM cs.invoices o JOIN span s ON s.currency = o.currency
        WHERE o.vendor_id = a.vendor_id AND o.currency <> a.currency AND coalesce(o.invoice_date, o.posting_date) BETWEEN a.day - %(around)s AND a.day + %(around)s
          AND abs(o.amount) BETWEEN a.low * s.least AND a.high * s.most OFFSET 0
    ) i CROSS JOIN LATERAL (
        SELECT abs(i.amount) / (CASE WHEN i.currency = 'EUR' THEN 1 ELSE (
            SELECT f.per_eur FROM cs.fx_rates f WHERE f.currency = i.currency AND f.day <= i.day AND f.day >= i.day - %(within)s
            ORDER BY f.day DESC LIMIT 1) END) AS worth OFFSET 0
    ) w
    WHERE w.worth BETWEEN a.low AND a.high ORDER BY abs(w.worth - a.worth), i.invoice_id LIMIT %(most)s
) n
"""


def rates(
    conn: Connection[Any], asked: Collection[tuple[str, date]], *, within: int
) -> list[tuple[str, date, Decimal]]:
    """(currency, day, units of it for one euro), as the newest rate on or before the day says; what has none is missing."""
    wanted = sorted(set(asked))
    values = {"currencies": [one for one, _ in wanted], "days": [day for _, day in wanted], "within": within}
    return [(currency, day, per_eur) for currency, day, per_eur in conn.execute(_RATES, values)] if wanted else []


def near(
    conn: Connection[Any], asked: Sequence[Foreign], *, far: float, around: int, within: int, most: int
) -> list[tuple[str, str]]:
    """(case id, invoice id) of the bills of the same vendor in another currency that are worth the same.

    Worths differ by the share `far` at most, days by `around`; at most `most` bills a case.
    """
    if not asked:
        return []
    values = {
        "cases": [one.case_id for one in asked],
        "vendors": [one.vendor_id for one in asked],
        "currencies": [one.currency for one in asked],
        "days": [one.day for one in asked],
        "first": min(one.day for one in asked),
        "last": max(one.day for one in asked),
        "lows": [Decimal(one.worth * (1 - far)) for one in asked],
        "worths": [Decimal(one.worth) for one in asked],
        "highs": [Decimal(one.worth * (1 + far)) for one in asked],
        "around": around,
        "within": within,
        "most": most,
    }
    return [(case, invoice) for case, invoice in conn.execute(_NEAR, values)]
