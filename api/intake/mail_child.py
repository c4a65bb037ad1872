"""Mails in a child process (see `child`): EML (RFC 5322, MIME) here, Outlook's MSG in `outlook`, both to one shape.

parse → {"mail": {"from", "to", "subject", "date", "message_id", "text", "unseen", "notes": [...], "left_out": [names],
"attachments": [{"name", "type", "data": base64} or {"name", "mail": {...}}]}} or {"error": "malformed" | "limits"}.
Dates are ISO in UTC. What a person is not shown in the text of the mail is left out of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.errors import HeaderParseError, MessageError
from email.header import decode_header
from email.message import Message
from email.utils import collapse_rfc2231_value, parseaddr, parsedate_to_datetime
from typing import Any

from api.intake.html import TEXT_LIMIT, html_text
from api.intake.letter import Letter, utc
from api.intake.outlook import is_outlook, read_outlook
from api.intake.signed import is_signed

_PICTURE = 100_000
"""Bytes below which a picture that belongs to the text is a logo, not a photo of a receipt."""
_NO_DOCUMENTS = frozenset(
    ("application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature", "text/calendar",
     "text/vcard", "text/x-vcard", "text/directory", "message/delivery-status", "text/rfc822-headers",
     "message/external-body", "message/partial", "message/disposition-notification")
)  # fmt: skip
_REFERENCE = re.compile(r"cid:([^\"'<>\s]{1,300})", re.IGNORECASE)
_ENCRYPTED = frozenset({"application/pgp-encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"})


def parse(content: bytes) -> dict[str, Any]:
    """See the module. Never raises on content but MemoryError and RecursionError, which the child answers."""
    if is_outlook(content):
        return read_outlook(content)
    try:
        # compat32 keeps headers as they came: the newer policies parse them with code that raises on hostile ones.
        message = message_from_bytes(content, policy=policy.compat32)
    except (MessageError, ValueError, LookupError, TypeError, AttributeError):
        return {"error": "malformed"}
    letter = Letter()
    _read(message, letter)
    return {"mail": letter.as_dict()}


def _read(message: Message, letter: Letter) -> None:
    letter.sender = _address(_header(message, "from"))
    letter.to = _header(message, "to")[:500]
    letter.subject = _header(message, "subject")[:500]
    letter.message_id = _header(message, "message-id")[:500]
    letter.date = _date(_header(message, "date"))
    references: set[str] = set()
    leaves = list(_leaves(message, letter))
    letter.text = _text([part for part in leaves if _is_text(part)], letter, references)[:TEXT_LIMIT]
    for part in leaves:
        if not _is_text(part):
            _attach(part, letter, references)


def _leaves(message: Message, letter: Letter) -> Iterator[Message]:
    """The parts that hold something, in order; of alternatives all that are text, for one of them is chosen later."""
    waiting = [message]
    while waiting:
        part = waiting.pop()
        kind = part.get_content_type()
        if kind == "message/rfc822" or not part.is_multipart():
            yield part
            continue
        if kind == "multipart/encrypted":
            letter.notes.append("the mail is encrypted and was not read: ask the sender for it without encryption")
            continue
        inner = part.get_payload()
        if isinstance(inner, list):
            waiting.extend(one for one in reversed(inner) if isinstance(one, Message))


def _is_text(part: Message) -> bool:
    named = part.get_filename() is not None or _disposition(part) == "attachment"
    return part.get_content_type() in ("text/plain", "text/html") and not named


def _text(parts: list[Message], letter: Letter, references: set[str]) -> str:
    """What a person is shown: the HTML where there is one that says something, else the plain text."""
    plain, shown = [], []
    for part in parts:
        written = _decoded(part)
        if part.get_content_type() == "text/html":
            references.update(_REFERENCE.findall(written)[:2000])
            text, unseen = html_text(written)
            shown.append(text)
            letter.unseen += f" {unseen}" if unseen else ""
        else:
            plain.append(written.replace("\r\n", "\n"))
    seen = "\n\n".join(text for text in shown if text.strip())
    if sum(character.isalnum() for character in seen) >= 10:
        return seen
    return "\n\n".join(plain).strip()


def _decoded(part: Message) -> str:
    data = _payload(part)
    charset = part.get_content_charset() or "utf-8"
    try:
        return data.decode(charset)
    except (LookupError, UnicodeError, ValueError):
        return data.decode("cp1252" if charset in ("utf-8", "us-ascii") else "utf-8", "replace")


def _payload(part: Message) -> bytes:
    try:
        data = part.get_payload(decode=True)
    except (ValueError, LookupError):
        return b""
    return data if isinstance(data, bytes) else b""


def _attach(part: Message, letter: Letter, references: set[str]) -> None:
    kind = part.get_content_type()
    name = _name(part)
    if kind == "message/rfc822":
        inner = part.get_payload()
        nested = next((one for one in inner if isinstance(one, Message)), None) if isinstance(inner, list) else None
        if nested is not None:
            _nest(nested, name, letter)
        return
    data = _payload(part)
    # A signed bill comes under the same type, often without its smime-type.
    if kind in _ENCRYPTED and "signed" not in str(part.get_param("smime-type") or "") and not is_signed(data):
        letter.notes.append("the mail is encrypted and was not read: ask the sender for it without encryption")
        return
    identity = (part.get("content-id") or "").strip().strip("<>")
    belongs = bool(identity) and (identity in references or _disposition(part) != "attachment")
    if kind in _NO_DOCUMENTS or (kind.startswith("image/") and belongs and len(data) < _PICTURE) or not data.strip():
        letter.left_out.append(name or kind)
        return
    letter.attach(name or _invented(kind), kind, data)


def _nest(nested: Message, name: str, letter: Letter) -> None:
    inner = letter.nested()
    if inner is None:
        letter.left_out.append(name or "a mail within a mail within a mail")
        return
    _read(nested, inner)
    letter.attachments.append({"name": name or (inner.subject[:80] or "mail") + ".eml", "mail": inner.as_dict()})


def _invented(kind: str) -> str:
    ending = {"application/pdf": ".pdf", "text/plain": ".txt", "text/html": ".html"}.get(kind, "")
    return f"attachment{ending or '.' + kind.rpartition('/')[2][:10]}"


def _disposition(part: Message) -> str:
    return str(part.get("content-disposition") or "").partition(";")[0].strip().lower()


def _name(part: Message) -> str:
    found = part.get_filename()
    if found is None:
        return ""
    return _words(str(collapse_rfc2231_value(found)))


def _header(message: Message, name: str) -> str:
    """A header as text: encoded words decoded, raw bytes taken for UTF-8, on one line."""
    raw = next((str(value) for key, value in message.raw_items() if key.lower() == name), "")
    data = raw.encode("utf-8", "surrogateescape")
    try:
        return _words(data.decode("utf-8"))
    except UnicodeDecodeError:
        return _words(data.decode("cp1252", "replace"))


def _words(text: str) -> str:
    try:
        pieces = decode_header(text[:4000])
    except (HeaderParseError, ValueError):
        return " ".join(text.split())
    said = []
    for piece, charset in pieces:
        if isinstance(piece, str):
            said.append(piece)
            continue
        try:
            said.append(piece.decode(charset or "ascii"))
        except (LookupError, UnicodeError, ValueError):
            said.append(piece.decode("utf-8", "replace"))
    return " ".join("".join(said).split())


def _address(header: str) -> str:
    name, address = parseaddr(header)
    return (f"{name} <{address}>" if name and address else address or header)[:500]


def _date(header: str) -> str | None:
    try:
        return utc(parsedate_to_datetime(header))
    except (ValueError, TypeError, IndexError, OverflowError, AttributeError):
        return None
