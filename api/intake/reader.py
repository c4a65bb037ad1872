"""OPEN FIRST: from the bytes of a file to what it says, many files at once, storing nothing.

sniff → {XML: e-invoice or bank statement · PDF: embedded e-invoice, else its text · text: bank statement, rows, prose}
→ fields and class of all prose in one batch.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from api.intake import bank, einvoice, rows, sniff, unseen, xml
from api.intake.pdf import PdfContent, PdfPool
from api.intake.rows import RowFile
from api.intake.tables import ColumnMap
from governance.case import FIELD_NAMES, Finding, Reading
from governance.errors import Refusal, TooLarge, Unreadable
from models.classifier import Classified, DocumentClassifier, classify
from models.extraction import Extraction, extract_pages
from models.layout import Word
from models.parts import parts
from models.titles import title_class

SIZE_LIMIT = 20_000_000
"""Bytes of one file."""

_TEXT_LIMIT = 200_000
_EMBEDDED = ("factur-x.xml", "zugferd-invoice.xml", "xrechnung.xml", "order-x.xml")
# A contract has no total and a bank statement no supplier: fields are read where the class has them.
_FIELDS_OF: Mapping[str, frozenset[str]] = {
    "contract": frozenset(),
    "tax_form": frozenset(),
    "bank_statement": frozenset({"iban", "currency", "issue_date"}),
}


@dataclass(frozen=True, slots=True)
class Incoming:
    """A file as it came: `media_type` is what the sender claims, kept for the record and not believed."""

    name: str
    content: bytes
    media_type: str | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """One document that was read. `media_type` is the one found; `pages` is None unless it is a PDF."""

    name: str
    media_type: str
    reading: Reading
    pages: int | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """One file that cannot be read: a stable code for programs, a reason in words that says what to do."""

    name: str
    reason_code: str
    reason: str


ReadResult = Accepted | Rejected | RowFile


@dataclass(frozen=True, slots=True)
class _Prose:
    """Text that still has to be classified and extracted."""

    name: str
    media_type: str
    text: str
    warnings: tuple[str, ...] = ()
    pages: int | None = None
    words: tuple[Word, ...] = ()
    findings: tuple[Finding, ...] = ()


class DocumentReader:
    """Reads documents and row files. Without a classifier only titles and structure name a class."""

    def __init__(
        self,
        classifier: DocumentClassifier | None,
        pdf: PdfPool,
        *,
        size_limit: int = SIZE_LIMIT,
        columns: ColumnMap | None = None,
        default_currency: str | None = None,
    ) -> None:
        self.classifier = classifier
        self.pdf = pdf
        self.size_limit = size_limit
        self.columns = columns
        self.default_currency = default_currency

    def read(self, items: Sequence[Incoming]) -> list[ReadResult]:
        """One result an item, in order. A bad file is Rejected and its neighbours are read.

        Raises Unavailable where the PDF parser itself cannot run.
        """
        steps: list[ReadResult | _Prose | None] = [self._step(item) for item in items]
        waiting = [index for index, step in enumerate(steps) if step is None]
        parsed = self.pdf.parse_many([items[index].content for index in waiting])
        for index, content in zip(waiting, parsed, strict=True):
            steps[index] = _from_pdf(items[index].name, content)
        prose = [step for step in steps if isinstance(step, _Prose)]
        texts = [part.text for part in prose]
        classes = self._classes(texts)
        found = extract_pages([(part.text, part.words) for part in prose])
        accepted = iter(_accept(*parts) for parts in zip(prose, found, classes, strict=True))
        return [next(accepted) if isinstance(step, _Prose) else _known(step) for step in steps]

    def _classes(self, texts: Sequence[str]) -> list[Classified]:
        if self.classifier is not None:
            return classify(texts, [None] * len(texts), self.classifier) if texts else []
        titles = [title_class(text) for text in texts]
        unknown = Classified("other", None, True, "none")
        return [Classified(title, None, False, "title_rule") if title else unknown for title in titles]

    def _step(self, item: Incoming) -> ReadResult | _Prose | None:
        """What can be said without a child process or a model; None for a PDF."""
        try:
            if len(item.content) > self.size_limit:
                raise TooLarge(
                    f"The file is larger than {self.size_limit // 1_000_000} MB. Send it in parts.",
                    reason_code="too_large",
                )
            kind = sniff.sniff(item.content)
            if kind == "pdf":
                return None
            if kind == "xml":
                return _from_xml(item)
            return self._from_text(item, kind)
        except (Unreadable, TooLarge) as refusal:
            return _rejected(item.name, refusal)

    def _from_text(self, item: Incoming, kind: str) -> ReadResult | _Prose:
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
        seen = unseen.visible(text)[:_TEXT_LIMIT]
        return _Prose(item.name, sniff.MEDIA_TYPES[kind], seen, warnings, findings=findings)


def _from_xml(item: Incoming) -> Accepted:
    root = xml.parse(item.content)
    reading = bank.read_camt(root) if bank.is_camt(root) else einvoice.read(root)
    return Accepted(item.name, sniff.MEDIA_TYPES["xml"], reading)


def _from_pdf(name: str, content: PdfContent | Unreadable) -> ReadResult | _Prose:
    if isinstance(content, Unreadable):
        return _rejected(name, content)
    media_type = sniff.MEDIA_TYPES["pdf"]
    text = content.text[:_TEXT_LIMIT]
    warnings = [one.detail for one in content.findings if one.level != "note"]
    if content.pages_read < content.pages:
        warnings.append(f"only the first {content.pages_read} of {content.pages} pages were read")
    if len(several := parts(content.words)) > 1:
        said = ", ".join(f"{one.document_class.replace('_', ' ')} from page {one.page}" for one in several)
        warnings.append(f"several documents in one file: {said}; send each by itself")
    embedded = _embedded(content, warnings)
    if embedded is not None:
        notes = (*embedded.warnings, *warnings, *_not_on_the_page(embedded, text))
        reading = replace(
            embedded,
            text=text if _has_words(text) else embedded.text,
            warnings=notes,
            findings=(*embedded.findings, *content.findings),
        )
        return Accepted(name, media_type, reading, content.pages)
    if not _has_words(text):
        warnings.append("needs OCR: the pages are pictures without text")
        reading = Reading(
            "other", None, True, "none", dict.fromkeys(FIELD_NAMES), {}, tuple(warnings), "", findings=content.findings
        )
        return Accepted(name, media_type, reading, content.pages)
    return _Prose(name, media_type, text, tuple(warnings), content.pages, content.words, content.findings)


def _embedded(content: PdfContent, warnings: list[str]) -> Reading | None:
    """The e-invoice inside a hybrid PDF (ZUGFeRD, Factur-X): known names first, then any other XML."""

    def rank(attachment: tuple[str, bytes]) -> int:
        name = attachment[0].lower()
        return _EMBEDDED.index(name) if name in _EMBEDDED else len(_EMBEDDED)

    for name, data in sorted(content.attachments, key=rank):
        try:
            reading = einvoice.read(xml.parse(data))
        except Unreadable as refusal:
            warnings.append(f"the embedded {name[:60]!r} cannot be read: {refusal.detail}")
            continue
        if not reading.abstained:
            return reading
    return None


def _not_on_the_page(reading: Reading, text: str) -> list[str]:
    """What the embedded data claims and no page shows: the oldest trick with a document that says two things."""
    if not _has_words(text):
        return []
    page = re.sub(r"[\W_]", "", text).upper()
    return [
        f"{name}: the pages do not show the value of the embedded data; compare before anything is paid"
        for name in ("invoice_number", "total_amount", "iban")
        if (value := reading.fields.get(name)) and re.sub(r"[\W_]", "", value).upper() not in page
    ]


def _has_words(text: str) -> bool:
    return sum(character.isalnum() for character in text[:5000]) >= 20


def _accept(prose: _Prose, found: Extraction, classified: Classified) -> Accepted:
    names = _FIELDS_OF.get(classified.document_class, frozenset(FIELD_NAMES))
    fields = {name: found.fields[name] if name in names else None for name in FIELD_NAMES}
    # A note on a field that was dropped would puzzle its reader.
    notes = tuple(note for note in found.warnings if fields.get(note.partition(":")[0]) is not None)
    reading = Reading(
        document_class=classified.document_class,
        confidence=classified.confidence,
        abstained=classified.abstained,
        basis=classified.basis,
        fields=fields,
        field_confidence={name: found.field_confidence[name] if name in names else None for name in FIELD_NAMES},
        evidence={name: place.as_dict() for name, place in found.evidence.items() if name in names},
        alternatives={name: others for name, others in found.alternatives.items() if name in names},
        warnings=(*prose.warnings, *notes),
        text=prose.text,
        findings=prose.findings,
    )
    return Accepted(prose.name, prose.media_type, reading, prose.pages)


def _rejected(name: str, refusal: Refusal) -> Rejected:
    return Rejected(name, str(refusal.extensions.get("reason_code", refusal.slug)), refusal.detail)


def _known(step: ReadResult | _Prose | None) -> ReadResult:
    assert isinstance(step, Accepted | Rejected | RowFile)
    return step
