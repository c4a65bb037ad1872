"""What people corrected of readings, and what is remembered of suppliers. The law: schema/functions_32, functions_67.

Roles `review` (a person's token) and, for `memories`, `intake`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row, dict_row
from psycopg.types.json import Jsonb

_CORRECT = "SELECT cs.correct(%s, %s, %s, %s)"
_FACTS_IF = "SELECT cs.facts_if_corrected(%s, %s)"
_OF_CASE = """
SELECT k.id, k.case_id, k.revision, k.document_sha256, k.name, k.source, v.before, v.after, k.reading_sha256, k.model, k.actor,
       a.name AS actor_name, k.decision_id, k.at, v.correction_id IS NULL AS erased
FROM cs.corrections k
JOIN cs.actors a ON a.tenant = k.tenant AND a.id = k.actor
LEFT JOIN cs.correction_values v ON v.tenant = k.tenant AND v.correction_id = k.id
WHERE k.case_id = %s ORDER BY k.id
"""
_MEMORIES = "SELECT supplier_id, version, reading, since, recommendation_id, approved_by FROM cs.memories()"
_CURRENT = "SELECT content::jsonb FROM cs.settings WHERE kind = 'memory' AND subject = %s ORDER BY version DESC LIMIT 1"
# What waits for its seat already is kept: the newest proposal says all of it.
_WAITING = """
SELECT l.content::jsonb -> 'content' FROM cs.recommendations r
JOIN cs.leaves l ON l.tenant = r.tenant AND l.recommendation_id = r.id AND l.name = 'change'
WHERE r.action = 'change_memory' AND r.state IN ('awaiting_review', 'approved') AND r.expires_at > now()
  AND l.content::jsonb ->> 'subject' = %s ORDER BY r.created_at DESC LIMIT 1
"""
_PROPOSED = """
SELECT r.id AS recommendation_id, r.case_id, r.envelope::jsonb #>> '{action,args,subject}' AS supplier_id, s.name AS supplier_name, r.state, r.drafted_by, r.created_at,
       l.content::jsonb #> '{content,reading}' AS reading, l.content::jsonb #> '{content,habits}' AS habits
FROM cs.recommendations r
LEFT JOIN cs.leaves l ON l.tenant = r.tenant AND l.recommendation_id = r.id AND l.name = 'change'
LEFT JOIN cs.suppliers s ON s.tenant = r.tenant AND s.id = r.envelope::jsonb #>> '{action,args,subject}'
WHERE r.action = 'change_memory' AND r.state IN ('awaiting_review', 'approved') ORDER BY r.created_at LIMIT 500
"""
_PROPOSE = "SELECT cs.propose_memory(%s, %s, %s, %s, %s)"
_EFFECTS = """
SELECT e.case_id, c.title, e.name, e.before, e.after FROM cs.memory_effects e
JOIN cs.cases c ON c.tenant = e.tenant AND c.id = e.case_id WHERE e.recommendation_id = %s ORDER BY e.case_id, e.name
"""
_STORED = """
SELECT c.id AS case_id, d.media_type, t.content, k.reading
FROM cs.cases c
JOIN cs.case_revisions r ON r.tenant = c.tenant AND r.case_id = c.id AND r.revision = c.revision
JOIN cs.documents d ON d.tenant = r.tenant AND d.sha256 = r.document_sha256
JOIN cs.document_contents t ON t.tenant = d.tenant AND t.sha256 = d.sha256
JOIN cs.case_readings k ON k.tenant = r.tenant AND k.case_id = r.case_id AND k.revision = r.revision
WHERE r.supplier_id = %s AND c.queue <> 'governance' AND c.id <> %s AND d.size <= 2000000 ORDER BY c.created_at DESC LIMIT %s
"""
_SUPPLIER_NAMES = "SELECT id, name FROM cs.suppliers WHERE id = ANY (%s)"
# The newest word on each document, of people who may still say it, where the words themselves are kept.
_LABELLED = """
SELECT DISTINCT ON (k.document_sha256) k.document_sha256, v.after AS document_class, g.reading ->> 'text' AS text, r.supplier_id,
       k.actor, k.source, k.at
FROM cs.corrections k
JOIN cs.correction_values v ON v.tenant = k.tenant AND v.correction_id = k.id
JOIN cs.actors a ON a.tenant = k.tenant AND a.id = k.actor
JOIN cs.case_revisions r ON r.tenant = k.tenant AND r.case_id = k.case_id AND r.revision = k.revision
JOIN cs.case_readings g ON g.tenant = k.tenant AND g.case_id = k.case_id AND g.revision = k.revision
WHERE k.name = 'document_class' AND a.active AND a.kind = 'person' AND a.roles && '{analyst,reviewer,controller,administrator}'
  AND coalesce(g.reading ->> 'text', '') <> ''
ORDER BY k.document_sha256, k.id DESC
"""
_COUNTS = """
SELECT k.name, CASE WHEN k.name = 'document_class' THEN v.after END AS value, count(DISTINCT k.document_sha256) AS documents,
       count(*) FILTER (WHERE v.correction_id IS NULL) AS erased
FROM cs.corrections k
LEFT JOIN cs.correction_values v ON v.tenant = k.tenant AND v.correction_id = k.id
GROUP BY 1, 2 ORDER BY 1, 2
"""
_UNSAID = """
SELECT count(DISTINCT r.document_sha256) FROM cs.decisions d
JOIN cs.recommendations n ON n.tenant = d.tenant AND n.id = d.recommendation_id
JOIN cs.case_revisions r ON r.tenant = n.tenant AND r.case_id = n.case_id AND r.revision = n.revision
WHERE d.reason_code = 'wrong_classification' AND r.document_sha256 IS NOT NULL AND NOT EXISTS (SELECT FROM cs.corrections k
    WHERE k.tenant = r.tenant AND k.document_sha256 = r.document_sha256 AND k.name = 'document_class')
"""


@dataclass(frozen=True, slots=True)
class StoredMemory:
    """How a supplier's documents are read, as it holds. `reading`: see cs._malformed_memory."""

    supplier_id: str
    version: int
    reading: Mapping[str, Any]
    since: datetime
    recommendation_id: str
    approved_by: Sequence[str]


@dataclass(frozen=True, slots=True)
class StoredReading:
    """A document on record with what was read of it."""

    case_id: str
    media_type: str
    content: bytes
    reading: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LabelledText:
    """A text with the class that a person gave it. `source`: correction | override."""

    document_sha256: str
    document_class: str
    text: str
    supplier_id: str | None
    actor: str
    source: str
    at: datetime


def correct(
    conn: Connection[Any],
    case_id: str,
    facts_digest: str,
    corrected: Mapping[str, str | None],
    bill: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """A person says what is right: {case_id, revision, facts_digest, names, superseded}.

    `corrected`: `document_class`, `supplier_id` or a field → value, None where the document does not say it. `bill`: the
    case's invoice as it then stands (api.intake.bills.ledger_rows), None to leave the ledger of invoices as it is.
    Raises NotFound, StaleDigest, IllegalState, Malformed, NotPermitted.
    """
    values = (case_id, facts_digest, Jsonb(dict(corrected)), None if bill is None else Jsonb(dict(bill)))
    row = conn.execute(_CORRECT, values).fetchone()
    assert row is not None
    made: dict[str, Any] = row[0]
    return made


def facts_if(conn: Connection[Any], case_id: str, corrected: Mapping[str, str | None]) -> dict[str, Any]:
    """What the case's facts would be: an item as intake files it, with its reading. Raises what `correct` raises."""
    row = conn.execute(_FACTS_IF, (case_id, Jsonb(dict(corrected)))).fetchone()
    assert row is not None
    item: dict[str, Any] = row[0]
    return item


def of_case(conn: Connection[Any], case_id: str) -> list[dict[str, Any]]:
    """The labelled rows of a case with their origin; `before` and `after` are None once erased."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_OF_CASE, (case_id,)).fetchall()


def memories(conn: Connection[Any]) -> list[StoredMemory]:
    """The memories that hold: one query, whatever is read with them."""
    with conn.cursor(row_factory=class_row(StoredMemory)) as cursor:
        return cursor.execute(_MEMORIES).fetchall()


def waiting(conn: Connection[Any]) -> list[dict[str, Any]]:
    """Memories that wait for their seat, oldest first."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_PROPOSED.encode()).fetchall()


def memory_content(conn: Connection[Any], supplier_id: str) -> dict[str, Any]:
    """The whole content of the memory that holds; empty where none does."""
    row = conn.execute(_CURRENT, (supplier_id,)).fetchone()
    return {} if row is None else dict(row[0])


def memory_to_extend(conn: Connection[Any], supplier_id: str) -> dict[str, Any]:
    """The whole content of a supplier's memory that a new one adds to: what waits already, else what holds, else nothing."""
    row = conn.execute(_WAITING, (supplier_id,)).fetchone()
    return memory_content(conn, supplier_id) if row is None else dict(row[0])


def propose_memory(
    conn: Connection[Any],
    supplier_id: str,
    content: Mapping[str, Any],
    why: str,
    replay: Mapping[str, Any],
    effects: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """Propose a memory: {case_id, recommendation_id, digest, expires_at, known}. `effects`: {case_id, name, before, after}
    of documents on record that it would read otherwise. Raises Malformed, NotPermitted."""
    values = (supplier_id, Jsonb(dict(content)), why, Jsonb(dict(replay)), Jsonb([dict(one) for one in effects]))
    row = conn.execute(_PROPOSE, values).fetchone()
    assert row is not None
    made: dict[str, Any] = row[0]
    return made


def effects(conn: Connection[Any], recommendation_id: str) -> list[dict[str, Any]]:
    """What a proposed memory would change of documents on record; those that were erased are gone from it."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_EFFECTS, (recommendation_id,)).fetchall()


def stored(conn: Connection[Any], supplier_id: str, but_not: str, most: int) -> list[StoredReading]:
    """The newest documents of a supplier whose bytes are on record, without those of one case."""
    with conn.cursor(row_factory=class_row(StoredReading)) as cursor:
        return cursor.execute(_STORED, (supplier_id, but_not, most)).fetchall()


def supplier_names(conn: Connection[Any], ids: Sequence[str]) -> dict[str, str]:
    """Id → name in the books."""
    return dict(conn.execute(_SUPPLIER_NAMES, (list(ids),)).fetchall())


def labelled_texts(conn: Connection[Any]) -> list[LabelledText]:
    """Texts with the class that people gave them, one a document: the newest word of who may still correct.

    What was erased is not among them.
    """
    with conn.cursor(row_factory=class_row(LabelledText)) as cursor:
        return cursor.execute(_LABELLED).fetchall()


def counts(conn: Connection[Any]) -> list[dict[str, Any]]:
    """{name, value, documents, erased}: how many documents have a labelled row, by field and, of classes, by class."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_COUNTS).fetchall()


def unsaid(conn: Connection[Any]) -> int:
    """Documents of which a decision said that the class is wrong, and nobody which one is right."""
    row = conn.execute(_UNSAID).fetchone()
    return 0 if row is None else int(row[0])
