"""Files that hold others: mails with their attachments, spreadsheets with their sheets."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from api.intake import rows, sniff, unseen
from api.intake.children import Allowance
from api.intake.mail import MAIL, Attachment, Mail, open_mails
from api.intake.pages import TEXT_LIMIT, has_words
from api.intake.pdf import PdfPool
from api.intake.results import Enclosed, Incoming, Prose, Rejected, Step, noted, rejected
from api.intake.rows import RowFile
from api.intake.tables import ColumnMap
from api.intake.workbook import WORKBOOK, Sheet, open_workbooks
from governance.case import Finding
from governance.errors import Unreadable

DEPTH = 2
"""Mails that are attached as files to mails that are attached as files are opened so deep."""
_INNER = 5  # attachments of a mail that was attached as a file
_COVER = 2_000
_NAME = re.compile(r"[\\/\x00-\x1f\x7f]+")

Read = Callable[[Sequence[Incoming]], list[Step]]


def read_mails(pool: PdfPool, items: Sequence[Incoming], read: Read, depth: int) -> list[Step]:
    """One step a mail, in order. `read` makes steps of the attachments, those of all mails at once."""
    if depth >= DEPTH:
        why = "A mail in a mail in a mail: send its documents by themselves."
        return [Rejected(item.name, "mail_limits", why) for item in items]
    opened = open_mails(pool.beside(MAIL), [item.content for item in items], [item.allowance for item in items])
    found = [one if isinstance(one, Unreadable) else _shortened(one, depth) for one in opened]
    leaves = [
        leaf
        for item, one in zip(items, found, strict=True)
        if isinstance(one, Mail)
        for leaf in _leaves(item.name, one, item.allowance)
    ]
    steps = zip(leaves, read(leaves), strict=True)
    return [
        rejected(item.name, one)
        if isinstance(one, Unreadable)
        else _enclosed(item.name, sniff.MEDIA_TYPES[sniff.sniff(item.content)], one, steps)
        for item, one in zip(items, found, strict=True)
    ]


def _shortened(mail: Mail, depth: int) -> Mail:
    if depth == 0 or len(mail.attachments) <= _INNER:
        return mail
    note = f"only the first {_INNER} attachments of a mail in a mail were read; send the others by themselves"
    return replace(mail, attachments=mail.attachments[:_INNER], notes=(*mail.notes, note))


def _places(name: str, mail: Mail) -> Iterator[tuple[str, Attachment | Mail]]:
    """The name of each thing in a mail: `MAIL#2 invoice.pdf`."""
    for number, one in enumerate(mail.attachments, start=1):
        written = one.name if isinstance(one, Attachment) else one[0]
        shown = " ".join(unseen.visible(_NAME.sub(" ", written)).split())[:120]
        yield f"{name}#{number} {shown}".strip(), one if isinstance(one, Attachment) else one[1]


def _leaves(name: str, mail: Mail, allowance: Allowance | None) -> Iterator[Incoming]:
    for place, one in _places(name, mail):
        if isinstance(one, Mail):
            yield from _leaves(place, one, allowance)
        else:
            yield Incoming(place, one.content, allowance=allowance)


def _enclosed(name: str, media_type: str, mail: Mail, steps: Iterator[tuple[Incoming, Step]]) -> Step:
    """A mail with the steps of what is in it; takes from `steps` as many as it has leaves."""
    members: list[tuple[bytes, Step]] = []
    for place, one in _places(name, mail):
        if isinstance(one, Mail):
            members.append((one.page().encode(), _enclosed(place, sniff.MEDIA_TYPES["mail"], one, steps)))
        else:
            leaf, step = next(steps)
            members.append((leaf.content, noted(step, details=_details(name, mail), warnings=mail.notes)))
    body = _body(name, mail)
    if body is None and not members:
        return Rejected(name, "empty_mail", "The mail has neither text nor attachments. Ask for it again.")
    return Enclosed(name, media_type, tuple(members), body)


def _details(name: str, mail: Mail) -> dict[str, Any]:
    """What is kept of the mail with each document that came with it."""
    cover = unseen.visible(mail.text)[:_COVER]
    return {"mail": {"file": name, **mail.head(), **({"text": cover} if cover else {})}}


def _body(name: str, mail: Mail) -> tuple[bytes, Prose] | None:
    said = unseen.visible(mail.said())[:TEXT_LIMIT]
    if not any(character.isalnum() for character in said):
        return None
    findings = unseen.characters(mail.said())
    if mail.unseen:
        shown = unseen.excerpt(mail.unseen)
        detail = f"text in the mail that nobody sees was not read: “{shown}”"
        # Most mails of programs begin with such a line, for the list of mails.
        findings.append(Finding("hidden_text", detail, level="note", values={"kind": "html", "text": shown}))
    warnings = (*mail.notes, *(one.detail for one in findings if one.level != "note"))
    details = {"mail": {"file": name, **mail.head()}}
    prose = Prose(name, "text/plain", said, warnings, findings=tuple(findings), details=details)
    return mail.page().encode(), prose


def read_workbooks(
    pool: PdfPool, items: Sequence[Incoming], columns: ColumnMap | None, currency: str | None
) -> list[Step]:
    """One step a spreadsheet, in order: the rows of its sheets, or its text where no sheet holds rows."""
    opened = open_workbooks(pool.beside(WORKBOOK), [item.content for item in items], [item.allowance for item in items])
    return [
        rejected(item.name, sheets) if isinstance(sheets, Unreadable) else _of_sheets(item, sheets, columns, currency)
        for item, sheets in zip(items, opened, strict=True)
    ]


def _of_sheets(item: Incoming, sheets: Sequence[Sheet], columns: ColumnMap | None, currency: str | None) -> Step:
    media_type = sniff.MEDIA_TYPES[sniff.sniff(item.content)]
    visible = [sheet for sheet in sheets if sheet.visible]
    hidden = [sheet.name for sheet in sheets if not sheet.visible]
    notes = [f"hidden sheets were not read: {', '.join(hidden)[:200]}"] if hidden else []
    tables: list[tuple[str, RowFile]] = []
    refused: list[tuple[str, Unreadable]] = []
    for sheet in visible:
        try:
            found = rows.read_sheet(item.name, sheet.rows, media_type, columns=columns, default_currency=currency)
        except Unreadable as refusal:
            refused.append((sheet.name, refusal))
            continue
        if found is not None:
            tables.append((sheet.name, found))
    if tables:
        return _tables(item, media_type, tables, refused, notes)
    if refused:
        return rejected(item.name, refused[0][1])
    text = "\n\n".join(sheet.text() for sheet in visible)
    if not has_words(text):
        why = "The spreadsheet says nothing on a sheet that is shown. Ask the sender to send it again."
        return Rejected(item.name, "empty", why)
    return Prose(item.name, media_type, unseen.visible(text)[:TEXT_LIMIT], tuple(notes))


def _tables(
    item: Incoming,
    media_type: str,
    tables: Sequence[tuple[str, RowFile]],
    refused: Sequence[tuple[str, Unreadable]],
    notes: list[str],
) -> Step:
    incomplete = [(name, one) for name, one in refused if one.extensions.get("reason_code") != "unknown_columns"]
    strange = [name for name, one in refused if one.extensions.get("reason_code") == "unknown_columns"]
    if strange:
        notes = [*notes, f"sheets whose columns are not known were not read: {', '.join(strange)[:200]}"]
    if len(tables) == 1 and not incomplete:
        return replace(tables[0][1], notes=(*tables[0][1].notes, *notes))
    members: list[tuple[bytes, Step]] = [
        (item.content, replace(table, name=f"{item.name}#{_NAME.sub(' ', sheet)}", notes=(*table.notes, *notes)))
        for sheet, table in tables
    ]
    members += [(item.content, rejected(f"{item.name}#{_NAME.sub(' ', sheet)}", one)) for sheet, one in incomplete]
    return Enclosed(item.name, media_type, tuple(members))
