"""Outlook's MSG over olefile: subject, sender, date, text, attachments, mails within mails ([MS-OXMSG], [MS-OXPROPS]).

Properties are streams named by tag and type: 001F is UTF-16 text, 001E text in the message's code page, 0102 bytes.
Those of a fixed size stand in a stream of 16-byte entries behind a header. Runs in the mail child.
"""

from __future__ import annotations

import codecs
import struct
from datetime import UTC, datetime, timedelta
from email import message_from_string, policy
from email.errors import MessageError
from email.message import Message
from typing import Any

import olefile

from api.intake.html import TEXT_LIMIT, html_text
from api.intake.letter import Letter, utc

_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PROPERTIES = "__properties_version1.0"
_ATTACHMENT = "__attach_version1.0_#"
_HEADER_TOP, _HEADER_NESTED, _HEADER_ATTACHMENT = 32, 24, 8

_SUBJECT, _BODY, _HTML, _RTF = "0037", "1000", "1013", "1009"
_SENDER_NAME, _SENDER_ADDRESS, _SENDER_SMTP = "0C1A", "0C1F", "5D01"
_TO, _MESSAGE_ID, _TRANSPORT = "0E04", "1035", "007D"
_SUBMITTED, _DELIVERED = 0x00390040, 0x0E060040
_CODE_PAGE, _INTERNET_CODE_PAGE = 0x3FFD0003, 0x3FDE0003
_DATA, _EMBEDDED = "3701", "3701000D"
_LONG_NAME, _SHORT_NAME, _SHOWN_NAME, _MIME, _CONTENT_ID = "3707", "3704", "3001", "370E", "3712"
_HIDDEN, _FLAGS = 0x7FFE000B, 0x37140003
_RENDERED_IN_BODY = 4
_PICTURE = 100_000
_STREAM_LIMIT = 30_000_000


def is_outlook(content: bytes) -> bool:
    """A compound file with the property stream of a message."""
    return content.startswith(_MAGIC) and _PROPERTIES.encode("utf-16-le") in content


def read_outlook(content: bytes) -> dict[str, Any]:
    """{"mail": …} as `mail_child` says, or {"error": "malformed"}."""
    try:
        with olefile.OleFileIO(content) as file:
            letter = Letter()
            _Reader(file).read("", _HEADER_TOP, letter)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, struct.error, OverflowError):
        # What olefile raises on files that are cut off or built to mislead.
        return {"error": "malformed"}
    return {"mail": letter.as_dict()}


class _Reader:
    def __init__(self, file: olefile.OleFileIO[Any]) -> None:
        self._file = file
        self._left = 2 * _STREAM_LIMIT
        self._encoding = "cp1252"

    def read(self, place: str, header: int, letter: Letter) -> None:
        """The message whose streams stand under `place`."""
        fixed = self._fixed(place, header)
        self._encoding = _encoding(fixed)
        transport = _transport(self._text(place, _TRANSPORT))
        letter.subject = " ".join(self._text(place, _SUBJECT).split())[:500]
        letter.sender = self._sender(place)[:500]
        letter.to = " ".join(self._text(place, _TO).split())[:500]
        letter.message_id = self._text(place, _MESSAGE_ID)[:500] or str(transport.get("message-id") or "")[:500]
        moment = _moment(fixed.get(_SUBMITTED)) or _moment(fixed.get(_DELIVERED))
        letter.date = None if moment is None else utc(moment)
        letter.text = self._body(place, letter)[:TEXT_LIMIT]
        for storage in self._attachments(place):
            self._attach(storage, letter)

    def _sender(self, place: str) -> str:
        name = " ".join(self._text(place, _SENDER_NAME).split())
        address = self._text(place, _SENDER_SMTP) or self._text(place, _SENDER_ADDRESS)
        # An address inside Exchange is a path of the directory, which tells nobody anything.
        address = address if "@" in address else ""
        return f"{name} <{address}>" if name and address and name != address else address or name

    def _body(self, place: str, letter: Letter) -> str:
        written = self._bytes(place, _HTML + "0102")
        source = written.decode("utf-8", "replace") if _is_utf8(written) else written.decode(self._encoding, "replace")
        if not written:
            source = self._text(place, _HTML)
        text, letter.unseen = html_text(source) if source else ("", "")
        if sum(character.isalnum() for character in text) >= 10:
            return text
        plain = self._text(place, _BODY).replace("\r\n", "\n").strip()
        if not plain and self._bytes(place, _RTF + "0102"):
            letter.notes.append("the mail's own text is kept as RTF only and was not read; save it as HTML or text")
        return plain

    def _attachments(self, place: str) -> list[str]:
        depth = len(place.split("/")) if place else 0
        found = {
            "/".join(entry[: depth + 1])
            for entry in self._file.listdir()
            if len(entry) > depth + 1 and entry[depth].startswith(_ATTACHMENT) and "/".join(entry[:depth]) == place
        }
        return sorted(found)

    def _attach(self, storage: str, letter: Letter) -> None:
        name = self._text(storage, _LONG_NAME) or self._text(storage, _SHOWN_NAME) or self._text(storage, _SHORT_NAME)
        name = " ".join(name.split())
        if self._file.exists(f"{storage}/__substg1.0_{_EMBEDDED}"):
            inner = letter.nested()
            if inner is None:
                letter.left_out.append(name or "a mail within a mail within a mail")
                return
            encoding = self._encoding
            self.read(f"{storage}/__substg1.0_{_EMBEDDED}", _HEADER_NESTED, inner)
            self._encoding = encoding
            letter.attachments.append({"name": name or f"{inner.subject[:80] or 'mail'}.msg", "mail": inner.as_dict()})
            return
        fixed = self._fixed(storage, _HEADER_ATTACHMENT)
        data = self._bytes(storage, _DATA + "0102")
        kind = self._text(storage, _MIME).lower()
        in_text = bool(fixed.get(_HIDDEN, 0) & 1 or fixed.get(_FLAGS, 0) & _RENDERED_IN_BODY)
        picture = kind.startswith("image/") or name.lower().endswith((".png", ".jpg", ".jpeg", ".gif"))
        belongs = in_text or bool(self._text(storage, _CONTENT_ID))
        if not data.strip() or (picture and belongs and len(data) < _PICTURE):
            letter.left_out.append(name or kind or "attachment")
            return
        letter.attach(name or "attachment", kind, data)

    def _fixed(self, place: str, header: int) -> dict[int, int]:
        """Tag with type → value, of the properties with a fixed size."""
        data = self._stream(_joined(place, _PROPERTIES))[header:]
        entries = struct.iter_unpack("<IIQ", data[: len(data) // 16 * 16])
        return {tag: value for tag, _, value in entries}

    def _text(self, place: str, tag: str) -> str:
        wide = self._bytes(place, tag + "001F")
        if wide:
            return wide.decode("utf-16-le", "replace").rstrip("\0")
        return self._bytes(place, tag + "001E").decode(self._encoding, "replace").rstrip("\0")

    def _bytes(self, place: str, tag: str) -> bytes:
        return self._stream(_joined(place, f"__substg1.0_{tag}"))

    def _stream(self, path: str) -> bytes:
        if not self._file.exists(path) or self._file.get_type(path) != olefile.STGTY_STREAM:
            return b""
        size = self._file.get_size(path)
        # Several streams may claim the same sectors: what is read is bounded, whatever the file's own size.
        self._left -= size
        if self._left < 0:
            raise MemoryError
        return bytes(self._file.openstream(path).read())


def _joined(place: str, name: str) -> str:
    return f"{place}/{name}" if place else name


def _encoding(fixed: dict[int, int]) -> str:
    page = fixed.get(_INTERNET_CODE_PAGE, 0) or fixed.get(_CODE_PAGE, 0)
    name = {65001: "utf-8", 28591: "latin-1", 20127: "cp1252"}.get(page, f"cp{page}")
    try:
        return codecs.lookup(name).name
    except LookupError:
        return "cp1252"


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _moment(filetime: int | None) -> datetime | None:
    """FILETIME: units of 100 ns since 1601."""
    if not filetime or filetime >= 1 << 62:
        return None
    try:
        return datetime(1601, 1, 1, tzinfo=UTC) + timedelta(microseconds=filetime // 10)
    except OverflowError:
        return None


def _transport(headers: str) -> Message:
    try:
        return message_from_string(headers[:100_000], policy=policy.compat32)
    except (MessageError, ValueError, LookupError, TypeError, AttributeError):
        return Message()
