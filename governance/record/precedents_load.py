"""Precedents into an empty record at once, as its owner and past the law: what a benchmark searches in.

Nothing is checked: there are no cases, decisions or ledger entries behind them.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import psycopg
from pgvector import Vector

_COPY = """
COPY cs.precedents (tenant, case_id, revision, queue, exception_type, entity, amount, risk, recommendation_id, action, decision, role,
    seats, outcome, decided_at, embedding, alike, first) FROM STDIN
"""
_TENANTS = (
    "INSERT INTO cs.tenants (id, name, region) SELECT t, t, 'EU' FROM unnest(%s::text[]) t ON CONFLICT DO NOTHING"
)
_SEATS = '[{"role": "reviewer", "actor": "d"}]'


@dataclass(frozen=True, slots=True)
class Loaded:
    """One precedent; the rest of its row is the same for all."""

    tenant: str
    case_id: str
    queue: str
    exception_type: str
    vector: Sequence[float]


def load_precedents(owner_url: str, rows: Iterable[Loaded], tenants: Sequence[str]) -> int:
    """Copies rows and builds the index anew; how many there were. The URL must be a superuser's."""
    count = 0
    seen: set[tuple[str, str, str, int]] = set()
    with psycopg.connect(owner_url) as conn:
        with conn.transaction():
            # References are not checked: the precedents have no cases.
            conn.execute("SET LOCAL session_replication_role = replica")
            conn.execute(_TENANTS, (list(tenants),))
            conn.execute("DROP INDEX cs.precedents_near")
            with conn.cursor().copy(_COPY) as copy:
                for row in rows:
                    text = Vector(list(row.vector)).to_text()
                    alike = zlib.crc32(text.encode())
                    kind = (row.tenant, row.queue, row.exception_type, alike)
                    copy.write_row((
                        row.tenant, row.case_id, 1, row.queue, row.exception_type, "DE01", "1000", "normal", row.case_id,
                        "refer_to_person", "approve", "reviewer", _SEATS, "done", "2026-01-01T00:00:00Z",
                        text, alike, kind not in seen,
                    ))  # fmt: skip
                    seen.add(kind)
                    count += 1
            conn.execute("SET LOCAL maintenance_work_mem = '512MB'")
            conn.execute(
                "CREATE INDEX precedents_near ON cs.precedents USING hnsw (embedding halfvec_cosine_ops) WHERE first"
            )
        conn.commit()
        conn.autocommit = True
        conn.execute("VACUUM ANALYZE cs.precedents")
    return count
