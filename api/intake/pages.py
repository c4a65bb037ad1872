"""Files of pages: PDFs with text, with data inside, of pictures or of several documents; and pictures themselves."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from api.intake import hybrid, ocr, sniff
from api.intake.children import Kind, Lost
from api.intake.ocr import Recognised
from api.intake.pdf import PdfContent, PdfPool
from api.intake.results import Accepted, Incoming, Parts, Prose, Step, rejected
from governance.case import FIELD_NAMES, Finding, Reading
from governance.errors import Unreadable
from models.layout import Word, from_words
from models.parts import Part, parts

TEXT_LIMIT = 200_000
"""Characters of a document that are classified and searched for fields."""

_CUT = Kind("PDF cutter", "api.intake.cut_child", "pypdfium2")


def read_pdfs(pool: PdfPool, items: Sequence[Incoming], seconds: float) -> list[Step]:
    """One step a PDF, in order. `seconds`: what OCR of one file may take."""
    parsed = pool.parse_many([item.content for item in items], [item.allowance for item in items])
    steps = [_first(item, content) for item, content in zip(items, parsed, strict=True)]
    pictures = [at for at, step in enumerate(steps) if step is None]
    recognised = ocr.recognise(pool, [items[at] for at in pictures], seconds) if pictures else []
    for at, found in zip(pictures, recognised, strict=True):
        content = parsed[at]
        assert isinstance(content, PdfContent)
        steps[at] = _from_picture(items[at], sniff.MEDIA_TYPES["pdf"], found, content.findings, content.pages)
    return [_split(pool, item, step) for item, step in zip(items, steps, strict=True) if step is not None]


def read_pictures(pool: PdfPool, items: Sequence[Incoming], seconds: float) -> list[Step]:
    """One step a picture, in order."""
    recognised = ocr.recognise(pool, items, seconds)
    return [
        _from_picture(item, sniff.MEDIA_TYPES[sniff.sniff(item.content)], found)
        for item, found in zip(items, recognised, strict=True)
    ]


def _first(item: Incoming, content: PdfContent | Unreadable) -> Step | None:
    """What the data inside or the text says; None for a PDF of pictures."""
    if isinstance(content, Unreadable):
        return rejected(item.name, content)
    media_type = sniff.MEDIA_TYPES["pdf"]
    text = content.text[:TEXT_LIMIT]
    warnings = [one.detail for one in content.findings if one.level != "note"]
    if content.pages_read < content.pages:
        warnings.append(f"only the first {content.pages_read} of {content.pages} pages were read")
    embedded, notes = hybrid.embedded(content.attachments, text, content.words)
    warnings += notes
    if embedded is not None:
        reading = replace(
            embedded,
            text=text if has_words(text) else embedded.text,
            warnings=(*embedded.warnings, *warnings),
            findings=(*embedded.findings, *content.findings),
        )
        return Accepted(item.name, media_type, reading, content.pages)
    if not has_words(text):
        return None
    return Prose(item.name, media_type, text, tuple(warnings), content.pages, content.words, content.findings)


def has_words(text: str) -> bool:
    """True where a text says something at all."""
    return sum(character.isalnum() for character in text[:5000]) >= 20


def _from_picture(
    item: Incoming,
    media_type: str,
    found: Recognised | Unreadable | None,
    findings: tuple[Finding, ...] = (),
    pages: int | None = None,
) -> Step:
    if isinstance(found, Unreadable):
        return rejected(item.name, found)
    if found is None:
        notes = [f"needs OCR: the pages are pictures without text; {ocr.INSTALL}"]
        text = ""
    else:
        notes, text, pages = found.notes(), from_words(found.words).text(), found.pages
    warnings = (*(one.detail for one in findings if one.level != "note"), *notes)
    if found is None or not has_words(text):
        reading = Reading(
            "other", None, True, "none", dict.fromkeys(FIELD_NAMES), {}, warnings, text, findings=findings
        )
        return Accepted(item.name, media_type, reading, pages)
    return Prose(
        item.name, media_type, text[:TEXT_LIMIT], warnings, pages, found.words, findings, certainty=found.certainty
    )


def _split(pool: PdfPool, item: Incoming, step: Step) -> Step:
    """A file whose pages begin several documents, with a proposal to read each by itself."""
    if not isinstance(step, Prose):
        return step
    several = parts(step.words)
    if len(several) < 2:
        return step
    said = ", ".join(f"{one.document_class.replace('_', ' ')} from page {one.page}" for one in several)
    flagged = replace(step, warnings=(*step.warnings, f"several documents in one file: {said}; send each by itself"))
    ranges = _ranges(several, step)
    files = [] if ranges is None else _cut(pool, item, ranges)
    if ranges is None or len(files) != len(ranges):
        return flagged
    members = tuple((file, _pages(step, first, last)) for file, (first, last) in zip(files, ranges, strict=True))
    return Parts(flagged, members, tuple(one.document_class for one in several))


def _ranges(several: Sequence[Part], step: Prose) -> list[tuple[int, int]] | None:
    """First and last page of each part; None where not every page was looked at."""
    if step.pages is None or {word.page for word in step.words} != set(range(1, step.pages + 1)):
        return None
    begins = [1, *(one.page for one in several[1:]), step.pages + 1]
    return [(first, after - 1) for first, after in pairwise(begins)]


def _pages(step: Prose, first: int, last: int) -> Prose:
    """The part of a document on these pages, which count from 1 in a file of its own."""
    inside = [at for at, word in enumerate(step.words) if first <= word.page <= last]
    words = tuple(_moved(step.words[at], first - 1) for at in inside)
    pages = f"p{first}" if first == last else f"p{first}-{last}"
    return replace(
        step,
        name=f"{step.name}#{pages}",
        text=from_words(words).text()[:TEXT_LIMIT],
        words=words,
        pages=last - first + 1,
        certainty=tuple(step.certainty[at] for at in inside) if step.certainty else (),
        details={**step.details, "part_of": {"file": step.name, "pages": [first, last]}},
    )


def _moved(word: Word, pages: int) -> Word:
    return replace(word, page=word.page - pages)


def _cut(pool: PdfPool, item: Incoming, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
    """The pages as files of their own; none where they cannot be cut out."""
    try:
        asked = json.dumps(ranges).encode() + b"\n" + item.content
        answer: dict[str, Any] = pool.beside(_CUT).ask(asked, item.allowance)
    except Lost:
        return []
    return [base64.b64decode(file) for file in answer.get("files", [])]
