"""What bills say they are for, as vectors: the neighbours of a bill that share no key with it. Role `agent`.

Vectors are made at work: of each case's own bill, and, when there is nothing else to do, of the latest bills of the
vendors that cases came from. A ledger that was only imported has none.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from pgvector import Vector
from psycopg import Connection
from psycopg.rows import class_row
from psycopg.types.json import Jsonb


@dataclass(frozen=True, slots=True)
class Asked:
    """One bill that neighbours are looked for. `size`: the magnitude of its amount; `vector`: 384 numbers."""

    case_id: str
    vendor_id: str
    size: float
    vector: Sequence[float]


@dataclass(frozen=True, slots=True)
class Untold:
    """A bill that has no vector yet."""

    invoice_id: str
    description: str


# The index filters after its scan, which goes on until enough are found or this many were looked at.
_ITERATE = """
SELECT set_config('hnsw.iterative_scan', 'relaxed_order', true), set_config('hnsw.max_scan_tuples', '2000', true)
"""
# Of the same vendor all vectors are compared (OFFSET 0: by the vendor's index, not by that of the vectors).
_NEAR = """
SELECT DISTINCT a.case_id, n.invoice_id
FROM unnest(%(cases)s::text[], %(vendors)s::text[], %(sizes)s::double precision[], %(vectors)s::text[]) AS a(case_id, vendor_id, size, vector)
CROSS JOIN LATERAL (
    (SELECT v.invoice_id, v.embedding <=> a.vector::vector AS distance
     FROM (SELECT * FROM cs.invoice_vectors o WHERE o.vendor_id = a.vendor_id AND a.vendor_id <> ''
           AND o.size BETWEEN a.size / %(factor)s AND a.size * %(factor)s OFFSET 0) v
     ORDER BY distance LIMIT %(most)s)
    UNION ALL
    (SELECT v.invoice_id, v.embedding <=> a.vector::vector AS distance FROM cs.invoice_vectors v
     WHERE v.size BETWEEN a.size / %(factor)s AND a.size * %(factor)s
     ORDER BY v.embedding <=> a.vector::vector LIMIT %(most)s)
) n WHERE n.distance <= %(farthest)s
"""
_REMEMBER = "SELECT cs.remember_bills(%s)"
_UNTOLD = """
SELECT i.invoice_id, i.description FROM unnest(%(vendors)s::text[]) AS a(id) CROSS JOIN LATERAL (
    SELECT n.tenant, n.invoice_id, n.description FROM cs.invoices n WHERE n.vendor_id = a.id
    ORDER BY coalesce(n.invoice_date, n.posting_date) DESC NULLS LAST, n.invoice_id LIMIT %(window)s
) i WHERE i.description IS NOT NULL AND NOT EXISTS (SELECT FROM cs.invoice_vectors v WHERE v.tenant = i.tenant AND v.invoice_id = i.invoice_id)
LIMIT %(most)s
"""


def near(
    conn: Connection[Any], asked: Sequence[Asked], *, most: int, factor: float, similarity: float
) -> list[tuple[str, str]]:
    """(case id, invoice id) of bills that say nearly the same: `most` of the same vendor and `most` of any.

    Amounts differ by `factor` at most, cosines are `similarity` at least.
    """
    if not asked:
        return []
    conn.execute(_ITERATE)
    values = {
        "cases": [one.case_id for one in asked],
        "vendors": [one.vendor_id for one in asked],
        "sizes": [one.size for one in asked],
        "vectors": [Vector(list(one.vector)).to_text() for one in asked],
        "most": most,
        "factor": factor,
        "farthest": 1.0 - similarity,
    }
    return [(case, invoice) for case, invoice in conn.execute(_NEAR, values)]


def remember(conn: Connection[Any], bills: Sequence[tuple[str, str, Sequence[float]]]) -> int:
    """Keeps vectors: (invoice id, text, 384 numbers). Bills without a description of their own get none; how many did."""
    rows = [
        {
            "invoice_id": invoice_id,
            "text_sha256": sha256(text.encode()).hexdigest(),
            "embedding": Vector(list(vector)).to_text(),
        }
        for invoice_id, text, vector in bills
    ]
    row = conn.execute(_REMEMBER, (Jsonb(rows),)).fetchone() if rows else None
    return int(row[0]) if row else 0


def untold(conn: Connection[Any], vendors: Collection[str], *, window: int, most: int) -> list[Untold]:
    """Bills of these vendors that say what they are for and have no vector, among the `window` latest of each."""
    with conn.cursor(row_factory=class_row(Untold)) as cursor:
        values = {"vendors": sorted(set(vendors) - {""}), "window": window, "most": most}
        return cursor.execute(_UNTOLD, values).fetchall() if values["vendors"] else []
