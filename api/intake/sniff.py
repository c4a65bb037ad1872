"""What a file is, judged by its bytes: names and declared media types may lie.

`sniff` answers one of `pdf`, `xml`, `json`, `jsonl`, `text` (CSV is text until somebody finds rows in it).
"""

from __future__ import annotations

import codecs
import re

from charset_normalizer import from_bytes

from governance.errors import Unreadable

MEDIA_TYPES = {
    "pdf": "application/pdf", "xml": "application/xml", "json": "application/json", "jsonl": "application/jsonl",
    "csv": "text/csv", "text": "text/plain",
}  # fmt: skip

_MAGIC = (
    (b"PK\x03\x04", "a ZIP archive or an Office file"),
    (b"\xd0\xcf\x11\xe0", "an old Office file"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"II*\x00", "a TIFF image"),
    (b"MM\x00*", "a TIFF image"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"{\\rtf", "an RTF file"),
    (b"%!PS", "a PostScript file"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
)
_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_XML_START = re.compile(rb"\s*<(\?xml\b|!--|!DOCTYPE\s|[A-Za-z_])")
_HTML_START = re.compile(
    r"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)?<(!doctype\s+html|html[\s>])", re.IGNORECASE | re.DOTALL
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")
_CENTRAL_EUROPEAN = frozenset({"Polish", "Czech", "Slovak", "Hungarian", "Croatian", "Slovene", "Romanian"})


def sniff(content: bytes) -> str:
    """The kind of the file. Raises Unreadable with reason_code `empty` or `unsupported`."""
    if not content.strip(b"\x00\t\n\r\x0c "):
        raise Unreadable("The file is empty. Ask the sender to send it again.", reason_code="empty")
    # PDF allows some bytes before its header (ISO 32000-1, implementation note 13).
    if b"%PDF-" in content[:1024] and not content[:1024].lstrip().startswith((b"<", b"{", b"[")):
        return "pdf"
    for magic, name in _MAGIC:
        if content.startswith(magic):
            raise _unsupported(f"This is {name}.")
    plain = content.removeprefix(codecs.BOM_UTF8)
    if _is_wide(content):
        # UTF-16 and UTF-32 put NUL beside every ASCII letter.
        plain = content[:4096].replace(b"\x00", b"").lstrip(b"\xff\xfe")
    if _HTML_START.match(plain[:4096].decode("latin-1")):
        raise _unsupported("This is an HTML page.")
    if _XML_START.match(plain):
        return "xml"
    return "json" if plain.lstrip()[:1] in (b"{", b"[") else "text"


def _is_wide(content: bytes) -> bool:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return True
    return content.startswith((b"<\x00", b"\x00<"))  # without a byte order mark XML still says so by its first letter


def _unsupported(what: str) -> Unreadable:
    return Unreadable(f"{what} Send the document as PDF, XML, CSV, JSON or plain text.", reason_code="unsupported")


def decode(content: bytes) -> tuple[str, str]:
    """Text and the name of its encoding: a byte order mark, else UTF-8, else a Western code page that fits.

    Raises Unreadable with reason_code `encoding` (no encoding fits) or `unsupported` (binary data).
    """
    encoding = next((name for bom, name in _BOMS if content.startswith(bom)), "utf-8")
    if encoding == "utf-8" and b"\x00" in content:
        raise _unsupported("This is binary data.")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        if encoding != "utf-8":
            raise _undecodable() from None
        text, encoding = _decode_western(content)
    controls = _CONTROL.findall(text[:200_000])
    if "\x00" in text or len(controls) * 100 > min(len(text), 200_000):
        raise _unsupported("This is binary data.")
    return text, encoding


def _decode_western(content: bytes) -> tuple[str, str]:
    """cp1252, which finance systems of our six languages write, unless the text is clearly of Central Europe."""
    high = sum(byte >= 0x80 for byte in content[:100_000])
    if high * 3 > min(len(content), 100_000):
        raise _undecodable()
    best = from_bytes(content, cp_isolation=["cp1252", "cp1250"]).best()
    encoding = "cp1250" if best and best.encoding == "cp1250" and best.language in _CENTRAL_EUROPEAN else "cp1252"
    try:
        return content.decode(encoding), encoding
    except UnicodeDecodeError:
        raise _undecodable() from None


def _undecodable() -> Unreadable:
    return Unreadable(
        "The text is in no encoding that is known here. Save it as UTF-8 and send it again.", reason_code="encoding"
    )
