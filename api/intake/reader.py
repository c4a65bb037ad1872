"""OPEN FIRST: from the bytes of a file to what it says, many files at once, storing nothing.

sniff → {XML: e-invoice or bank statement · PDF: embedded e-invoice, else its text, else OCR · picture: OCR · mail and
spreadsheet: what they hold · text: bank statement, rows, prose} → fields and class of all prose in one batch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from api.intake import bank, einvoice, ocr, rows, signed, sniff, unseen, xml
from api.intake.children import Allowance
from api.intake.enclosed import read_mails, read_workbooks
from api.intake.pages import TEXT_LIMIT, read_pdfs, read_pictures
from api.intake.pdf import PdfPool
from api.intake.results import (
    Accepted,
    Incoming,
    Prose,
    ReadResult,
    Rejected,
    Several,
    Step,
    finished,
    leaves,
    noted,
    rejected,
)
from api.intake.rows import RowFile
from api.intake.tables import ColumnMap
from governance.case import FIELD_NAMES, Reading
from governance.errors import TooLarge, Unreadable
from models.classifier import Classified, DocumentClassifier, classify
from models.extraction import Extraction, extract_pages
from models.titles import title_class

if TYPE_CHECKING:
    from agents.quarantine import SecondReader

__all__ = ["SIZE_LIMIT", "Accepted", "DocumentReader", "Incoming", "ReadResult", "Rejected", "RowFile", "Several"]

SIZE_LIMIT = 20_000_000
"""Bytes of one file."""
SECONDS = 8.0
"""What all children may work on one file and on what is in it."""

# A contract has no total and a bank statement no supplier: fields are read where the class has them.
_FIELDS_OF: Mapping[str, frozenset[str]] = {
    "contract": frozenset(),
    "tax_form": frozenset(),
    "bank_statement": frozenset({"iban", "currency", "issue_date"}),
}


class DocumentReader:
    """Reads documents and row files. Without a classifier only titles and structure name a class.

    `pdf`: the children that parse strangers' bytes. `ocr_seconds`: what OCR of one file may take; `seconds`:
    what all children together may work on one file and what is in it. `second` may suggest, to people, fields of prose
    that were not found.
    """

    def __init__(
        self,
        classifier: DocumentClassifier | None,
        pdf: PdfPool,
        *,
        size_limit: int = SIZE_LIMIT,
        columns: ColumnMap | None = None,
        default_currency: str | None = None,
        ocr_seconds: float = ocr.SECONDS,
        seconds: float | None = None,
        second: SecondReader | None = None,
    ) -> None:
        self.classifier = classifier
        self.pdf = pdf
        self.second = second
        self.size_limit = size_limit
        self.columns = columns
        self.default_currency = default_currency
        self.ocr_seconds = ocr_seconds
        self.seconds = max(SECONDS, ocr_seconds) if seconds is None else seconds

    def read(self, items: Sequence[Incoming]) -> list[ReadResult]:
        """One result an item, in order. A bad file is Rejected and its neighbours are read.

        Raises Unavailable where a parser itself cannot run.
        """
        steps = self._steps([replace(item, allowance=Allowance(self.seconds)) for item in items], 0)
        prose = [leaf for step in steps for leaf in leaves(step)]
        classes = self._classes([part.text for part in prose])
        found = extract_pages([(part.text, part.words) for part in prose])
        accepted = (self._suggested(_accept(*parts)) for parts in zip(prose, found, classes, strict=True))
        return [finished(step, accepted) for step in steps]

    def _suggested(self, accepted: Accepted) -> Accepted:
        """With what the second reader suggests in place of fields that were not found: as what they could be."""
        reading = accepted.reading
        names = _FIELDS_OF.get(reading.document_class, frozenset(FIELD_NAMES))
        missing = [name for name in FIELD_NAMES if name in names and reading.fields.get(name) is None]
        if self.second is None or not missing or reading.document_class == "other":
            return accepted
        said = self.second.suggest(reading.text, missing)
        others = {name: (*reading.alternatives.get(name, ()), value) for name, value in said.items()}
        return replace(accepted, reading=replace(reading, alternatives={**reading.alternatives, **others}))

    def _classes(self, texts: Sequence[str]) -> list[Classified]:
        if self.classifier is not None:
            return classify(texts, [None] * len(texts), self.classifier) if texts else []
        titles = [title_class(text) for text in texts]
        unknown = Classified("other", None, True, "none")
        return [Classified(title, None, False, "title_rule") if title else unknown for title in titles]

    def _steps(self, items: Sequence[Incoming], depth: int) -> list[Step]:
        """A step an item, in order; `depth` counts the files around these that were mails."""
        steps: list[Step | None] = []
        waiting: dict[str, list[int]] = {}
        bare = [_unwrapped(item) for item in items]
        for at, item in enumerate(bare):
            found = item if isinstance(item, Rejected) else self._first(item)
            steps.append(None if isinstance(found, str) else found)
            if isinstance(found, str):
                waiting.setdefault(found, []).append(at)
        for kind, places in waiting.items():
            made = self._opener(kind, depth)([item for at in places if isinstance(item := bare[at], Incoming)])
            for at, step in zip(places, made, strict=True):
                steps[at] = step
        return [
            step if item is inner else noted(step, findings=(signed.NOT_CHECKED,))
            for item, inner, step in zip(items, bare, steps, strict=True)
            if step is not None
        ]

    def _first(self, item: Incoming) -> Step | str:
        """What can be said without a child process or a model; else which children are to open it."""
        try:
            if len(item.content) > self.size_limit:
                raise TooLarge(
                    f"The file is larger than {self.size_limit // 1_000_000} MB. Send it in parts.",
                    reason_code="too_large",
                )
            kind = sniff.sniff(item.content)
            for several, name in ((sniff.MAILS, "mail"), (sniff.WORKBOOKS, "workbook"), (sniff.PICTURES, "picture")):
                if kind in several:
                    return name
            if kind == "pdf":
                return kind
            return _from_xml(item) if kind == "xml" else self._from_text(item, kind)
        except (Unreadable, TooLarge) as refusal:
            return rejected(item.name, refusal)

    def _opener(self, kind: str, depth: int) -> Callable[[Sequence[Incoming]], list[Step]]:
        if kind == "mail":
            return lambda items: read_mails(self.pdf, items, lambda inner: self._steps(inner, depth + 1), depth)
        if kind == "workbook":
            return lambda items: read_workbooks(self.pdf, items, self.columns, self.default_currency)
        if kind == "picture":
            return lambda items: read_pictures(self.pdf, items, self.ocr_seconds)
        return lambda items: read_pdfs(self.pdf, items, self.ocr_seconds)

    def _from_text(self, item: Incoming, kind: str) -> Step:
        try:
            text, encoding = sniff.decode(item.content)
        except Unreadable:
            # Old bank files: the tags are ASCII, the narrative is in the code page of some DOS machine.
            text, encoding = item.content.decode("cp850"), "cp850"
            if b"\x00" in item.content or not bank.is_mt940(text):
                raise
        warnings: tuple[str, ...] = (f"read as {encoding}",) if encoding.startswith("cp") else ()
        if kind == "text" and bank.is_mt940(text):
            reading = bank.read_mt940(text)
            notes = (*reading.warnings, *warnings)
            return Accepted(item.name, sniff.MEDIA_TYPES["text"], replace(reading, warnings=notes))
        found = rows.read_rows(item.name, text, kind, columns=self.columns, default_currency=self.default_currency)
        if found is not None:
            return found
        findings = tuple(unseen.characters(text))
        warnings += tuple(one.detail for one in findings if one.level != "note")
        return Prose(item.name, sniff.MEDIA_TYPES[kind], unseen.visible(text)[:TEXT_LIMIT], warnings, findings=findings)


def _unwrapped(item: Incoming) -> Incoming | Rejected:
    """The document inside a signed envelope; what is none stays what it is."""
    try:
        inner = signed.unwrap(item.content)
    except Unreadable as refusal:
        return rejected(item.name, refusal)
    return item if inner is None else replace(item, content=inner)


def _from_xml(item: Incoming) -> Accepted:
    root = xml.parse(item.content)
    reading = bank.read_camt(root) if bank.is_camt(root) else einvoice.read(root)
    return Accepted(item.name, sniff.MEDIA_TYPES["xml"], reading)


def _accept(prose: Prose, found: Extraction, classified: Classified) -> Accepted:
    names = _FIELDS_OF.get(classified.document_class, frozenset(FIELD_NAMES))
    fields = {name: found.fields[name] if name in names else None for name in FIELD_NAMES}
    # A note on a field that was dropped would puzzle its reader.
    notes = tuple(note for note in found.warnings if fields.get(note.partition(":")[0]) is not None)
    reading = Reading(
        document_class=classified.document_class,
        confidence=classified.confidence,
        abstained=classified.abstained,
        basis=classified.basis,
        likeliest=classified.likeliest,
        likelihood=None if classified.likelihood is None else round(classified.likelihood, 3),
        fields=fields,
        field_confidence={name: found.field_confidence[name] if name in names else None for name in FIELD_NAMES},
        evidence={name: place.as_dict() for name, place in found.evidence.items() if name in names},
        alternatives={name: others for name, others in found.alternatives.items() if name in names},
        warnings=(*prose.warnings, *notes),
        text=prose.text,
        findings=prose.findings,
        details=prose.details,
    )
    if prose.certainty:
        reading = ocr.as_recognised(reading, found, prose.words, prose.certainty)
    return Accepted(prose.name, prose.media_type, reading, prose.pages)
