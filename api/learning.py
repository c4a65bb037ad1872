"""How much people have taught, and whether it is enough: the same words for API, console and command line."""

from __future__ import annotations

from typing import Any

from governance.case import DOCUMENT_CLASSES, FIELD_NAMES
from governance.errors import NotFound
from governance.record import corrections, twin_memories
from governance.record.db import Connection
from models.pair_learning import LEAST_EACH
from models.twin_memory import SupplierHabit

LEAST_OF_CLASS = 5
"""Labelled documents of a class from which on training uses them: with fewer a class would be one writer's habit."""
LEAST_TEXTS = 20
"""Labelled documents of such classes that it takes to train at all."""


def words(count: int, least: int) -> str:
    """`enough`, or how far it is: "not enough data yet (3 of 5)"."""
    return "enough" if count >= least else f"not enough data yet ({count} of {least})"


def state(conn: Connection) -> dict[str, Any]:
    """{classes, fields, texts, needed, state, unsaid, pairs}: what training would find now, each count with its words.

    `unsaid`: documents whose class somebody called wrong without saying the right one.
    """
    labelled = corrections.labelled_texts(conn)
    rows = corrections.counts(conn)
    classes = {name: sum(one.document_class == name for one in labelled) for name in DOCUMENT_CLASSES}
    texts = sum(count for count in classes.values() if count >= LEAST_OF_CLASS)
    fields = {name: sum(row["documents"] for row in rows if row["name"] == name) for name in FIELD_NAMES}
    return {
        "classes": [
            {
                "document_class": name,
                "documents": count,
                "needed": LEAST_OF_CLASS,
                "state": words(count, LEAST_OF_CLASS),
            }
            for name, count in classes.items()
        ],
        "fields": [{"field": name, "documents": count} for name, count in fields.items()],
        "texts": texts,
        "needed": LEAST_TEXTS,
        "state": words(texts, LEAST_TEXTS),
        "erased": sum(row["erased"] for row in rows),
        "unsaid": corrections.unsaid(conn),
        "pairs": _pairs(conn),
    }


def _pairs(conn: Connection) -> dict[str, Any]:
    """Pairs of invoices that people decided on: {duplicates, others, needed, state}."""
    judged = twin_memories.judged(conn)
    duplicates = sum(one.duplicate for one in judged)
    least = min(duplicates, len(judged) - duplicates)
    return {
        "duplicates": duplicates,
        "others": len(judged) - duplicates,
        "needed": LEAST_EACH,
        "state": words(least, LEAST_EACH),
    }


def without(conn: Connection, supplier_id: str, name: str | None) -> dict[str, Any]:
    """What a supplier's memory would be without a field, or without how it is read at all; what else is known stays.

    Raises NotFound where nothing of this is remembered.
    """
    content = corrections.memory_content(conn, supplier_id)
    reading = content.get("reading") or {}
    if not reading or (name is not None and name not in (reading.get("fields") or {})):
        raise NotFound(f"nothing is remembered of how {name or 'documents'} of supplier {supplier_id} is read")
    if name is None:
        return {**content, "reading": {}}
    fields = {field: rule for field, rule in reading["fields"].items() if field != name}
    return {**content, "reading": {**reading, "fields": fields}}


def memories(conn: Connection) -> list[dict[str, Any]]:
    """Memories with their state: `holds`, or that of the proposal (awaiting_review, approved).

    `reading`: how documents are read. `habits`: what is usual on bills, each with its words, `approved_by` and `until`.
    """
    holding = {one.supplier_id: one for one in corrections.memories(conn)}
    habits: dict[str, list[SupplierHabit]] = {}
    for one in twin_memories.of(conn, None):
        habits.setdefault(one.supplier_id, []).append(SupplierHabit.stored(one))
    names = corrections.supplier_names(conn, [*holding, *habits])
    found = [
        _holding(supplier, holding.get(supplier), habits.get(supplier, [])) for supplier in sorted({*holding, *habits})
    ]
    found += [
        {
            "supplier_id": row["supplier_id"],
            "state": row["state"],
            "version": None,
            "since": row["created_at"],
            "approved_by": [],
            "recommendation_id": row["recommendation_id"],
            "reading": row["reading"],
            "habits": _said(row["supplier_id"], row["habits"]),
        }
        for row in corrections.waiting(conn)
    ]
    names |= corrections.supplier_names(conn, [row["supplier_id"] for row in found])
    return [{**row, "supplier_name": names.get(row["supplier_id"])} for row in found]


def _holding(supplier_id: str, read: corrections.StoredMemory | None, habits: list[SupplierHabit]) -> dict[str, Any]:
    newest = max((one for one in habits if one.since), key=lambda one: str(one.since), default=None)
    return {
        "supplier_id": supplier_id,
        "state": "holds",
        "version": read.version if read else None,
        "since": read.since if read else newest and newest.since,
        "approved_by": list(read.approved_by if read else newest.approved_by if newest else ()),
        "recommendation_id": read.recommendation_id if read else newest and newest.recommendation_id,
        "reading": read.reading if read else None,
        "habits": [one.shown() for one in habits],
    }


def _said(supplier_id: str, habits: Any) -> list[dict[str, Any]]:
    """Habits of a proposal, which the database has checked."""
    return [SupplierHabit.of(supplier_id, said).shown() for said in habits or ()]
