"""Signed envelopes (.p7m): a document inside a CMS signature, as Italian e-invoices and registered mail carry it.

The document is taken out; the signature itself is not checked, and the reading says so. Sources: RFC 5652 (CMS
SignedData), ITU-T X.690 (BER). Written here because only one path through the structure is needed, with limits.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

from governance.case import Finding
from governance.errors import Unreadable

_SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")
_SEQUENCE, _OCTETS, _CHUNKS, _INNER = 0x30, 0x04, 0x24, 0xA0
_PEM = re.compile(rb"-----BEGIN (?:PKCS7|CMS)-----(.*?)-----END", re.DOTALL)
_MOST_CHUNKS, _DEEPEST = 1_000_000, 3

NOT_CHECKED = Finding(
    "signature_not_checked", "the document came in a signed envelope; its signature was not checked", level="note"
)


def is_signed(content: bytes) -> bool:
    """True for a signed envelope, in binary or in base64."""
    return _binary(content) is not None


def unwrap(content: bytes) -> bytes | None:
    """The signed document, out of up to three envelopes in each other; None where `content` is no signed envelope.

    Raises Unreadable, reason_code `signed_without_document` for a signature alone and `malformed_signature`.
    """
    found: bytes | None = None
    for _ in range(_DEEPEST):
        raw = _binary(content)
        if raw is None:
            break
        content = found = _content(raw)
    return found


def _content(raw: bytes) -> bytes:
    try:
        document = _document(raw)
    except (IndexError, ValueError):
        raise Unreadable(
            "The signed envelope (.p7m) is damaged or cut off. Ask the sender for the document itself.",
            reason_code="malformed_signature",
        ) from None
    if document is None:
        raise Unreadable(
            "This is a signature without the document that it signs. Ask the sender for the document.",
            reason_code="signed_without_document",
        )
    return document


def _binary(content: bytes) -> bytes | None:
    """The envelope in binary: as it is, or out of base64 with or without its frame."""
    if content[:1] == b"\x30":
        return content if _SIGNED_DATA in content[:32] else None
    pem = _PEM.match(content)
    text = pem[1] if pem else content
    # A SEQUENCE of that kind begins with `MI` (long form) or `MIA` (indefinite) in base64.
    if pem is None and content.lstrip()[:2] != b"MI":
        return None
    try:
        raw = base64.b64decode(b"".join(text.split()), validate=True)
    except binascii.Error:
        return None
    return raw if _SIGNED_DATA in raw[:32] else None


def _document(raw: bytes) -> bytes | None:
    """ContentInfo → [0] → SignedData → EncapsulatedContentInfo → [0] → OCTET STRING, whole or in chunks."""
    at = _enter(raw, 0, _SEQUENCE)
    at = _enter(raw, _skip(raw, at), _INNER)
    at = _enter(raw, at, _SEQUENCE)
    at = _skip(raw, _skip(raw, at))  # version, digest algorithms
    _, _, end = _head(raw, at)
    at = _skip(raw, _enter(raw, at, _SEQUENCE))  # the type of the content
    # What follows a signature alone are certificates, which have the same tag.
    if at == end or raw[at] != _INNER:
        return None
    return b"".join(_octets(raw, _enter(raw, at, _INNER)))


def _octets(raw: bytes, at: int) -> Iterator[bytes]:
    tag, start, end = _head(raw, at)
    if tag == _OCTETS and end is not None:
        yield _cut(raw, start, end)
        return
    if tag != _CHUNKS:
        raise ValueError("no octets")
    at = start
    for _ in range(_MOST_CHUNKS):
        if at == end or (end is None and raw[at : at + 2] == b"\0\0"):
            return
        tag, start, stop = _head(raw, at)
        if tag != _OCTETS or stop is None:
            raise ValueError("chunks within chunks")
        yield _cut(raw, start, stop)
        at = stop
    raise ValueError("too many chunks")


def _cut(raw: bytes, start: int, end: int) -> bytes:
    if end > len(raw):
        raise ValueError("cut off")
    return raw[start:end]


def _head(raw: bytes, at: int) -> tuple[int, int, int | None]:
    """Tag, where the content begins, where it ends (None: indefinite length, up to two zero bytes)."""
    tag, length = raw[at], raw[at + 1]
    if length < 0x80:
        return tag, at + 2, at + 2 + length
    if length == 0x80:
        return tag, at + 2, None
    size = length & 0x7F
    if size > 8:
        raise ValueError("absurd length")
    start = at + 2 + size
    return tag, start, start + int.from_bytes(raw[at + 2 : start])


def _enter(raw: bytes, at: int, wanted: int) -> int:
    tag, start, _ = _head(raw, at)
    if tag != wanted:
        raise ValueError("another structure")
    return start


def _skip(raw: bytes, at: int) -> int:
    """Behind the element at `at`; those that are skipped here have a definite length in every known writer."""
    _, _, end = _head(raw, at)
    if end is None:
        raise ValueError("indefinite length")
    return end
