"""What people's decisions on likely duplicates say of suppliers: habits to propose, and those that hold.

The same words for API, console and command line. Nothing takes effect here: a habit is a memory of the supplier, and
memories change through the gate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from governance.errors import Malformed, NotFound
from governance.record import candidates, corrections, twin_memories
from governance.record.db import Connection
from models.duplicates import Invoice
from models.twin_habits import Suggestion, suggested
from models.twin_memory import SupplierHabit, remembered

MOST = 20000
"""Invoices of the suppliers in question that habits are looked for in: the last ones."""


def suggestions(conn: Connection, supplier_id: str | None = None) -> list[Suggestion]:
    """The habits that decisions point to and the ledger shows, without those that hold or wait for a signature."""
    dismissed = [one for one in twin_memories.judged(conn) if not one.duplicate]
    rows = twin_memories.bills_beside(conn, [side for one in dismissed for side in (one.left_id, one.right_id)], MOST)
    bills = {row["invoice_id"]: Invoice(**row) for row in rows}
    pairs = [
        (bills[one.left_id], bills[one.right_id])
        for one in dismissed
        if supplier_id in (None, bills[one.left_id].vendor_id)
    ]
    known = [SupplierHabit.stored(one) for one in twin_memories.of(conn, None)]
    known += [
        SupplierHabit.of(row["supplier_id"], said)
        for row in corrections.waiting(conn)
        for said in row["habits"] or ()
        if isinstance(said, Mapping)
    ]
    return suggested(list(bills.values()), pairs, candidates.today(conn), known=known)


def rows(found: Sequence[Suggestion]) -> list[dict[str, Any]]:
    """Suggestions as rows: {supplier_id, kind, words, facts, dismissed, until}."""
    return [
        {
            "supplier_id": one.habit.supplier_id,
            "kind": one.habit.kind,
            "words": one.habit.words(),
            "facts": one.facts,
            "dismissed": len(one.dismissed),
            "until": one.habit.until,
        }
        for one in found
    ]


def propose(
    conn: Connection, supplier_id: str, *, kinds: Sequence[str] = (), until: date | None = None, why: str = ""
) -> dict[str, Any]:
    """Propose what decisions say of a supplier: {case_id, recommendation_id, digest, expires_at, known}.

    `kinds`: only these habits. `until`: the last day on which they hold (default a year). Raises NotFound where nothing
    is suggested, Malformed, NotPermitted.
    """
    found = [one for one in suggestions(conn, supplier_id) if not kinds or one.habit.kind in kinds]
    if not found:
        raise NotFound(
            f"decisions point to no habit of supplier {supplier_id}: it takes two pairs that people called no "
            "duplicates, and bills on record that show it"
        )
    today = candidates.today(conn)
    if until is not None and until < today:
        raise Malformed(f"a habit holds until a day to come, and {until} has passed")
    habits = [one.habit if until is None else one.habit.till(until) for one in found]
    content = remembered(corrections.memory_to_extend(conn, supplier_id), supplier_id, habits, today)
    said = "; ".join(one.why() for one in found)
    replay = {
        "of": "habits",
        "pairs": sum(len(one.dismissed) for one in found),
        "dismissed": [list(pair) for one in found for pair in one.dismissed][:50],
    }
    return corrections.propose_memory(conn, supplier_id, content, f"{why} ({said})" if why else said, replay, [])


def without(conn: Connection, supplier_id: str, kind: str | None) -> dict[str, Any]:
    """What a supplier's memory would be without a kind of habit, or without any; what else is known stays.

    Raises NotFound where nothing of this is remembered.
    """
    content = corrections.memory_content(conn, supplier_id)
    held = content.get("habits") or []
    kept = [said for said in held if kind is not None and said.get("kind") != kind]
    if len(kept) == len(held):
        raise NotFound(f"no habit {kind or ''} of supplier {supplier_id} is remembered".replace("  ", " "))
    return {**content, "habits": kept}
