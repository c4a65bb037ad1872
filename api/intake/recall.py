"""Documents of suppliers whose layout people have taught: what a memory chooses among the values on the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from api.intake.pdf import PdfContent, PdfPool
from api.intake.reader import Accepted, DocumentReader
from api.intake.resolve import Directory
from api.intake.rows import Row
from governance.case import Reading
from governance.record import corrections
from governance.record.corrections import StoredMemory
from governance.record.db import Connection
from models.extraction import Found
from models.memory import Memory, read_with

PDF = "application/pdf"
_TEXT_LIMIT = 200_000


@dataclass(frozen=True, slots=True)
class Paper:
    """A document as it is kept: `text` as it was read, for what is no PDF."""

    media_type: str
    content: bytes
    text: str


@dataclass(frozen=True, slots=True)
class Known:
    """A reading that may be read again by a memory. `supplier`: the party's name in the books."""

    reading: Reading
    paper: Paper
    memory: StoredMemory
    supplier: str


def found_in(papers: Sequence[Paper], pdf: PdfPool) -> list[Found]:
    """All values that stand on each document, in order; without places where it is no PDF or cannot be parsed.

    Raises Unavailable where the PDF parser itself cannot run.
    """
    with_places = [one for one in papers if one.media_type == PDF]
    parsed = dict(zip(map(id, with_places), pdf.parse_many([one.content for one in with_places]), strict=True))
    found: list[Found] = []
    for one in papers:
        content = parsed.get(id(one))
        if isinstance(content, PdfContent) and content.words:
            found.append(Found(content.text[:_TEXT_LIMIT], content.words))
        else:
            found.append(Found(one.text))
    return found


def read_again(known: Sequence[Known], pdf: PdfPool) -> list[Reading]:
    """Each reading as its supplier's memory has it, in order; what structured data says stays."""
    return [
        read_with(one.reading, found, Memory.of(one.memory.reading), whose(one.memory, one.supplier), (one.supplier,))
        for one, found in zip(known, found_in([one.paper for one in known], pdf), strict=True)
    ]


def whose(memory: StoredMemory, supplier: str) -> str:
    """In words: of whom, and who approved it."""
    by = " and ".join(memory.approved_by) or "nobody"
    return f"supplier {supplier}, approved by {by}"


def remembered(
    conn: Connection, read: Sequence[tuple[Accepted, bytes, Row | None]], directory: Directory, reader: DocumentReader
) -> list[Accepted]:
    """Documents as the memories of their suppliers read them, in order: one question to the record for all of them.

    Only a supplier that the books know for sure has a memory. Raises Unavailable where the PDF parser cannot run.
    """
    memories = {one.supplier_id: one for one in corrections.memories(conn)} if read else {}
    known: dict[int, Known] = {}
    for index, (document, content, row) in enumerate(read):
        fields = document.reading.fields
        party = directory.supplier(
            supplier_id=row.values.get("supplier_id") if row is not None else None,
            vat_id=fields.get("supplier_vat_id"),
            name=fields.get("supplier"),
            iban=fields.get("iban"),
        )
        if party is not None and party.id in memories and document.reading.basis != "structured":
            paper = Paper(document.media_type, content, document.reading.text)
            known[index] = Known(document.reading, paper, memories[party.id], party.name)
    if not known:
        return [document for document, _, _ in read]
    again = dict(zip(known, read_again(list(known.values()), reader.pdf), strict=True))
    return [replace(document, reading=again.get(at, document.reading)) for at, (document, _, _) in enumerate(read)]
