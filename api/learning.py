"""How much people have taught, and whether it is enough: the same words for API, console and command line."""

from __future__ import annotations

from typing import Any

from governance.case import DOCUMENT_CLASSES, FIELD_NAMES
from governance.errors import NotFound
from governance.record import corrections
from governance.record.db import Connection

LEAST_OF_CLASS = 5
"""Labelled documents of a class from which on training uses them: with fewer a class would be one writer's habit."""
LEAST_TEXTS = 20
"""Labelled documents of such classes that it takes to train at all."""


def words(count: int, least: int) -> str:
    """`enough`, or how far it is: "not enough data yet (3 of 5)"."""
    return "enough" if count >= least else f"not enough data yet ({count} of {least})"


def state(conn: Connection) -> dict[str, Any]:
    """{classes, fields, texts, needed, state, unsaid}: what training would find now, each count with its words.

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
    """Memories with their state: `holds`, or that of the proposal (awaiting_review, approved)."""
    holding = corrections.memories(conn)
    names = corrections.supplier_names(conn, [one.supplier_id for one in holding])
    found = [
        {
            "supplier_id": one.supplier_id,
            "supplier_name": names.get(one.supplier_id),
            "state": "holds",
            "version": one.version,
            "since": one.since,
            "approved_by": list(one.approved_by),
            "recommendation_id": one.recommendation_id,
            "reading": one.reading,
        }
        for one in holding
    ]
    return found + [
        {
            "supplier_id": row["supplier_id"],
            "supplier_name": row["supplier_name"],
            "state": row["state"],
            "version": None,
            "since": row["created_at"],
            "approved_by": [],
            "recommendation_id": row["recommendation_id"],
            "reading": row["reading"],
        }
        for row in corrections.waiting(conn)
    ]
