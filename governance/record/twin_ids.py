"""Under which ids invoices stand in the ledger: two companies of a group may number their documents alike. Role `intake`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from psycopg import Connection


@dataclass(frozen=True, slots=True)
class Booked:
    """What tells whether an id is taken by another document."""

    entity: str
    vendor_id: str
    invoice_no: str
    amount: Decimal


# Row by row by primary key, as candidates.py does.
_BOOKED = """
SELECT i.invoice_id, i.entity, i.vendor_id, i.invoice_no, i.amount FROM unnest(%s::text[]) AS a(id)
CROSS JOIN LATERAL (SELECT * FROM cs.invoices n WHERE n.invoice_id = a.id OFFSET 0) i
"""


def booked(conn: Connection[Any], ids: Collection[str]) -> dict[str, Booked]:
    """The documents that stand under these ids."""
    rows = conn.execute(_BOOKED, (sorted(set(ids)),)) if ids else ()
    return {invoice_id: Booked(*said) for invoice_id, *said in rows}
