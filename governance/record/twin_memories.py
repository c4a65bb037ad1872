"""What people approved of how suppliers bill, for whoever looks at likely duplicates. The law: schema/functions_68."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

_HABITS = "SELECT supplier_id, habit, since, recommendation_id, approved_by FROM cs.habits(%s)"


@dataclass(frozen=True, slots=True)
class StoredHabit:
    """One habit that holds today. `habit`: {kind, until, …}, see cs._malformed_habits."""

    supplier_id: str
    habit: Mapping[str, Any]
    since: datetime
    recommendation_id: str
    approved_by: Sequence[str]


def of(conn: Connection[Any], vendor_ids: Sequence[str]) -> list[StoredHabit]:
    """The habits of these suppliers that hold today by the database's clock. Roles `agent` and `review`."""
    if not vendor_ids:
        return []
    with conn.cursor(row_factory=class_row(StoredHabit)) as cursor:
        return cursor.execute(_HABITS, (sorted(set(vendor_ids)),)).fetchall()
