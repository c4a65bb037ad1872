"""What goes into the reader and what comes out of it, and the steps between: text that still has to be understood."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from api.intake.children import Allowance
from api.intake.rows import RowFile
from governance.case import Finding, Reading
from governance.errors import Refusal
from models.layout import Word

# What people write in the mail itself while they attach the papers that it is about.
_LETTERS = frozenset({"dispute", "payment_reminder", "remittance_advice"})


@dataclass(frozen=True, slots=True)
class Incoming:
    """A file as it came: `media_type` is what the sender claims, kept for the record and not believed. `allowance`:
    what children may still work on the file that it came in; the reader gives one where there is none."""

    name: str
    content: bytes
    media_type: str | None = None
    allowance: Allowance | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Accepted:
    """One document that was read. `media_type` is the one found; `pages` is None unless it has pages."""

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


@dataclass(frozen=True, slots=True)
class Several:
    """A file that holds several documents, each with bytes of its own: a mail with attachments, a PDF of several
    bills, a spreadsheet with several tables. Names are `FILE#2 NAME`, `FILE#p3-4`, `FILE#SHEET`."""

    name: str
    media_type: str
    members: tuple[tuple[bytes, ReadResult], ...]


ReadResult = Accepted | Rejected | RowFile | Several


def documents(result: ReadResult, content: bytes) -> Iterator[tuple[bytes, Accepted | Rejected | RowFile]]:
    """The documents of a result in their order, each with its own bytes; `content` are those of the file."""
    if isinstance(result, Several):
        for inner, member in result.members:
            yield from documents(member, inner)
    else:
        yield content, result


@dataclass(frozen=True, slots=True)
class Prose:
    """Text that still has to be classified and searched for fields. `certainty`: of each word, where OCR read it."""

    name: str
    media_type: str
    text: str
    warnings: tuple[str, ...] = ()
    pages: int | None = None
    words: tuple[Word, ...] = ()
    findings: tuple[Finding, ...] = ()
    certainty: tuple[float, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)


def rejected(name: str, refusal: Refusal) -> Rejected:
    """The refusal of one file."""
    return Rejected(name, str(refusal.extensions.get("reason_code", refusal.slug)), refusal.detail)


@dataclass(frozen=True, slots=True)
class Parts:
    """A PDF whose pages begin several documents: as one (and flagged), and each by itself with the class that its
    heading names."""

    whole: Prose
    members: tuple[tuple[bytes, Prose], ...]
    named: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Enclosed:
    """A file that holds others. `body`: the text of a mail, which is a document of its own or covers the others."""

    name: str
    media_type: str
    members: tuple[tuple[bytes, Step], ...]
    body: tuple[bytes, Prose] | None = None


Step = ReadResult | Prose | Parts | Enclosed


def noted(
    step: Step,
    *,
    details: Mapping[str, Any] | None = None,
    warnings: Sequence[str] = (),
    findings: Sequence[Finding] = (),
) -> Step:
    """The step with more that is known of each of its documents; their own details win."""
    if isinstance(step, Prose):
        return _noted(step, details or {}, warnings, findings)
    if isinstance(step, Accepted):
        reading = step.reading
        told = replace(
            reading,
            details={**(details or {}), **reading.details},
            warnings=(*reading.warnings, *warnings),
            findings=(*reading.findings, *findings),
        )
        return replace(step, reading=told)
    if isinstance(step, Parts):
        members = tuple((content, _noted(one, details or {}, warnings, findings)) for content, one in step.members)
        return replace(step, whole=_noted(step.whole, details or {}, warnings, findings), members=members)
    return step


def _noted(prose: Prose, details: Mapping[str, Any], warnings: Sequence[str], findings: Sequence[Finding]) -> Prose:
    return replace(
        prose,
        details={**details, **prose.details},
        warnings=(*prose.warnings, *warnings),
        findings=(*prose.findings, *findings),
    )


def leaves(step: Step) -> Iterator[Prose]:
    """The texts of a step that still have to be understood, in order."""
    if isinstance(step, Prose):
        yield step
    elif isinstance(step, Parts):
        yield step.whole
        yield from (member for _, member in step.members)
    elif isinstance(step, Enclosed):
        if step.body is not None:
            yield step.body[1]
        for _, member in step.members:
            yield from leaves(member)


def finished(step: Step, understood: Iterator[Accepted]) -> ReadResult:
    """The result of a step, once its texts are understood: `understood` gives them in the order of `leaves`."""
    if isinstance(step, Prose):
        return next(understood)
    if isinstance(step, Parts):
        whole = next(understood)
        found = [next(understood) for _ in step.members]
        if not _are_certain(step, found):
            return whole
        members = tuple((content, one) for (content, _), one in zip(step.members, found, strict=True))
        return Several(step.whole.name, step.whole.media_type, members)
    if isinstance(step, Enclosed):
        return _opened(step, understood)
    return step


def _are_certain(step: Parts, found: Sequence[Accepted]) -> bool:
    """No part is something else than its heading says, and no two neighbours can be one document."""
    readings = [one.reading for one in found]
    if any(not one.abstained and one.document_class != name for one, name in zip(readings, step.named, strict=True)):
        return False
    numbers = [one.fields.get("invoice_number") for one in readings]
    return all(
        name != other or (None not in (number, another) and number != another)
        for (name, other), (number, another) in zip(pairwise(step.named), pairwise(numbers), strict=True)
    )


def _opened(step: Enclosed, understood: Iterator[Accepted]) -> ReadResult:
    body = None if step.body is None else next(understood)
    members = [(content, finished(member, understood)) for content, member in step.members]
    if step.body is not None and body is not None and _stands_alone(body, members):
        members.insert(0, (step.body[0], body))
    return Several(step.name, step.media_type, tuple(members))


def _stands_alone(body: Accepted, members: list[tuple[bytes, ReadResult]]) -> bool:
    """True where the text of a mail is a document itself, not the letter that covers its attachments."""
    inside = [one for content, member in members for _, one in documents(member, content)]
    taken = [one for one in inside if not isinstance(one, Rejected)]
    said = body.reading
    if not taken:
        return True
    classes = {one.reading.document_class for one in taken if isinstance(one, Accepted)}
    return not said.abstained and said.document_class in _LETTERS and said.document_class not in classes
