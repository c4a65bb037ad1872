"""A person corrects what was read: the case gets new facts, and the supplier's memory is proposed to others.

What the document teaches is worked out first, so that the record's locks are held for two statements only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from api.auth import Scope
from api.intake.bills import BILLS, bill, ledger_rows
from api.intake.pdf import PdfPool
from api.intake.recall import Paper, found_in
from api.intake.resolve import Directory
from governance import permit
from governance.case import FIELD_NAMES, Reading
from governance.record import books, cases, corrections
from governance.record.db import Connection
from models.extraction import Found
from models.memory import Memory, joined, learn, read_with

Right = Mapping[str, str | None]
"""`document_class`, `supplier_id` or a field → what is right; None where the document does not say it."""
REPLAYED = 25
"""Documents of a supplier on which a proposed memory is tried: the newest."""


@dataclass(frozen=True, slots=True)
class _Lesson:
    """What a correction would teach of a supplier, and what that would change."""

    supplier_id: str
    content: dict[str, Any]
    replay: dict[str, Any]
    effects: list[dict[str, Any]]


def correct(scope: Scope, pdf: PdfPool, case_id: str, facts_digest: str, right: Right) -> dict[str, Any]:
    """The correction as the record has it, with `memory`: the proposal that follows from it, or None.

    Raises what cs.correct refuses, NotPermitted, Unavailable where the PDF parser cannot run.
    """
    permit.may_correct(scope.actor)
    conn = scope.conn
    case = cases.get(conn, case_id)
    read = cases.reading(conn, case_id, case["revision"])
    right = _with_supplier(conn, case, read["reading"] or {}, right)
    lesson = _lesson(conn, pdf, case, read["reading"] or {}, right)
    made = corrections.correct(conn, case_id, facts_digest, right, _bill(conn, case_id, right))
    memory = None
    if lesson is not None:
        why = f"learned from a correction of case {case_id}: {', '.join(made['names'])}"
        memory = corrections.propose_memory(
            conn, lesson.supplier_id, lesson.content, why, lesson.replay, lesson.effects
        )
    return {**made, "memory": memory, "corrections": corrections.of_case(conn, case_id)}


def _with_supplier(conn: Connection, case: Mapping[str, Any], reading: Mapping[str, Any], right: Right) -> Right:
    """Whose document it is, where the corrected name or number now says so and nobody was known before."""
    if "supplier_id" in right or case["supplier_id"] is not None or not {"supplier", "supplier_vat_id"} & right.keys():
        return right
    fields = {**(reading.get("fields") or {}), **right}
    party = Directory(books.load(conn)).supplier(
        vat_id=fields.get("supplier_vat_id"), name=fields.get("supplier"), iban=fields.get("iban")
    )
    return right if party is None else {**right, "supplier_id": party.id}


def _bill(conn: Connection, case_id: str, right: Right) -> dict[str, Any] | None:
    """The case's invoice in the ledger of duplicates as it will stand; None where it will be none."""
    item = corrections.facts_if(conn, case_id, right)
    made = bill(item, item["reading"]["fields"]) if item["document_class"] in BILLS else None
    return None if made is None else ledger_rows([(made, case_id)])[0]


# What it teaches ----------------------------------------------------------------------------------------------------


def _lesson(
    conn: Connection, pdf: PdfPool, case: Mapping[str, Any], reading: Mapping[str, Any], right: Right
) -> _Lesson | None:
    """None where nobody knows whose document it is, where data and not a page was read, or where the right value stands
    nowhere on it."""
    supplier_id = right.get("supplier_id", case["supplier_id"])
    if supplier_id is None or case["document_sha256"] is None or reading.get("basis") == "structured":
        return None
    names = corrections.supplier_names(conn, [supplier_id])
    kept = cases.document(conn, case["id"])
    if supplier_id not in names or kept.content is None:
        return None
    paper = Paper(kept.media_type, kept.content, str(reading.get("text") or ""))
    learned = learn(found_in([paper], pdf)[0], right, (names[supplier_id],))
    if not learned:
        return None
    before = corrections.memory_to_extend(conn, supplier_id)
    memory = joined(Memory.of(before.get("reading") or {}), learned)
    replay, effects = replayed(conn, pdf, supplier_id, names[supplier_id], memory, case["id"])
    return _Lesson(supplier_id, {**before, "reading": memory.as_dict()}, replay, effects)


def replayed(
    conn: Connection, pdf: PdfPool, supplier_id: str, name: str, memory: Memory, but_not: str
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What a memory would change of the supplier's documents on record: counts, and {case_id, name, before, after}."""
    kept = corrections.stored(conn, supplier_id, but_not, REPLAYED)
    papers = [Paper(one.media_type, one.content, str(one.reading.get("text") or "")) for one in kept]
    effects: list[dict[str, Any]] = []
    for one, found in zip(kept, found_in(papers, pdf), strict=True):
        effects += _effects(one.case_id, one.reading, found, memory, name)
    changed = {effect["case_id"] for effect in effects}
    return {
        "of": "memory",
        "documents": len(kept),
        "changed": len(changed),
        "unchanged": len(kept) - len(changed),
    }, effects


def _effects(case_id: str, stored: Mapping[str, Any], found: Found, memory: Memory, name: str) -> list[dict[str, Any]]:
    before = _reading(stored)
    after = read_with(before, found, memory, name, (name,))
    # What a person said of it already, no memory says otherwise.
    said = stored.get("corrected_by") or {}
    pairs: list[tuple[str, str | None, str | None]] = [("document_class", before.document_class, after.document_class)]
    pairs += [(field, before.fields.get(field), after.fields.get(field)) for field in FIELD_NAMES]
    return [
        {"case_id": case_id, "name": field, "before": old, "after": new}
        for field, old, new in pairs
        if old != new and field not in said
    ]


def _reading(stored: Mapping[str, Any]) -> Reading:
    """As the record keeps it."""
    texts: Sequence[str] = stored.get("warnings") or ()
    return Reading(
        document_class=str(stored.get("document_class") or "other"),
        confidence=stored.get("confidence"),
        abstained=bool(stored.get("abstained")),
        basis=str(stored.get("basis") or "none"),
        fields=dict(stored.get("fields") or {}),
        field_confidence=dict(stored.get("field_confidence") or {}),
        warnings=tuple(map(str, texts)),
        text=str(stored.get("text") or ""),
    )
