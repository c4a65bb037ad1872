"""Mails and what is attached to them, opened in a child process: EML and Outlook's MSG."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from api.intake.children import Allowance, ChildPool, Kind, Lost
from governance.errors import Unreadable

MAIL = Kind("mail", "api.intake.mail_child", "lxml and olefile")
_REASONS = {
    "malformed": ("malformed_mail", "The mail is damaged or cut off. Ask the sender to send it again."),
    "limits": ("mail_limits", "The mail is nested too deeply or is too large. Send its documents by themselves."),
    "deadline": ("mail_limits", "The mail takes too long to open. Send its documents by themselves."),
}

# Header names that mails begin with; a document that merely quotes one does not begin with three of them.
_HEADERS = frozenset(
    (b"from", b"to", b"cc", b"subject", b"date", b"message-id", b"mime-version", b"received", b"return-path",
     b"delivered-to", b"dkim-signature", b"authentication-results", b"content-type", b"reply-to", b"x-mailer",
     b"content-transfer-encoding", b"sender", b"list-id", b"arc-seal", b"x-received", b"thread-topic", b"envelope-to")
)  # fmt: skip
_PART = frozenset({b"content-type", b"mime-version", b"content-transfer-encoding", b"content-language"})
_LINE = re.compile(rb"([!-9;-~]{1,70}):|[ \t]+\S")


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that came with a mail: `name` as the sender wrote it."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail: what its head says, the text that a person is shown, and what was attached, mails among it.

    `date` is ISO in UTC or None; texts are '' where the mail does not say. `unseen` stands in its HTML and is not
    shown. `left_out` names logos, signatures and what was too much to read.
    """

    sender: str
    to: str
    subject: str
    date: str | None
    message_id: str
    text: str
    unseen: str
    notes: tuple[str, ...]
    left_out: tuple[str, ...]
    attachments: tuple[Attachment | tuple[str, Mail], ...]

    def head(self) -> dict[str, Any]:
        """What is kept of the mail beside each of its documents (plain JSON)."""
        stated = {
            "from": self.sender,
            "to": self.to,
            "date": self.date,
            "subject": self.subject,
            "message_id": self.message_id,
            "left_out": list(self.left_out),
        }
        return {name: value for name, value in stated.items() if value}

    def page(self) -> str:
        """The mail as a plain text: the same for the same mail, whichever servers it came by."""
        head = (("From", self.sender), ("To", self.to), ("Date", self.date), ("Subject", self.subject))
        lines = [f"{name}: {value}" for name, value in head if value]
        return "\n".join([*lines, "", self.text, ""])

    def said(self) -> str:
        """Subject and text: what the mail is about."""
        return f"{self.subject}\n\n{self.text}".strip()


def is_mail(content: bytes) -> bool:
    """True where the bytes begin as a mail does: a head of lines `Name: value` with who and what among them."""
    head = content[:20_000].removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")
    if head.startswith(b"From "):  # a mail out of an mbox
        head = head.partition(b"\n")[2]
    names: set[bytes] = set()
    for line in head.split(b"\n")[:200]:
        if not line.strip():
            break
        found = _LINE.match(line)
        if found is None:
            return False
        if found[1]:
            names.add(found[1].lower())
    # What was signed inside a mail is a part of one, with a head of its own.
    is_part = bool(names) and names <= _PART and b"content-type" in names and b"/" in head[:500]
    return is_part or (b"from" in names and len(names & _HEADERS) >= 3)


def open_mails(
    pool: ChildPool, contents: Sequence[bytes], allowances: Sequence[Allowance | None]
) -> list[Mail | Unreadable]:
    """One result a mail, in order. Raises Unavailable where no child starts."""

    def one(item: tuple[bytes, Allowance | None]) -> Mail | Unreadable:
        try:
            answer = pool.ask(*item)
        except Lost as lost:
            answer = {"error": lost.kind}
        if "error" in answer:
            code, reason = _REASONS.get(str(answer["error"]), _REASONS["malformed"])
            return Unreadable(reason, reason_code=code)
        return _mail(answer["mail"])

    return pool.map(one, list(zip(contents, allowances, strict=True)))


def _mail(stated: dict[str, Any]) -> Mail:
    attachments: list[Attachment | tuple[str, Mail]] = []
    for one in stated["attachments"]:
        name = _whole(one["name"])
        if "mail" in one:
            attachments.append((name, _mail(one["mail"])))
        else:
            attachments.append(Attachment(name, base64.b64decode(one["data"])))
    return Mail(
        sender=_whole(stated["from"]),
        to=_whole(stated["to"]),
        subject=_whole(stated["subject"]),
        date=stated["date"],
        message_id=_whole(stated["message_id"]),
        text=_whole(stated["text"], keep="\n\t"),
        unseen=_whole(stated["unseen"]),
        notes=tuple(stated["notes"]),
        left_out=tuple(_whole(name) for name in stated["left_out"]),
        attachments=tuple(attachments),
    )


def _whole(text: str, keep: str = "") -> str:
    """Without control characters and halves of surrogate pairs, which no record stores."""
    kept = "".join(character for character in text if character in keep or (character >= " " and character != "\x7f"))
    return kept.encode("utf-8", "replace").decode("utf-8")
