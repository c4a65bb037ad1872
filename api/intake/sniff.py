"""What a file is, judged by its bytes: names and declared media types may lie.

`sniff` answers with a name that MEDIA_TYPES has, but csv and jsonl: these are text until somebody finds rows in it.
"""

from __future__ import annotations

import codecs
import re

from charset_normalizer import from_bytes

from api.intake.mail import is_mail
from governance.errors import Unreadable

MEDIA_TYPES = {
    "pdf": "application/pdf", "xml": "application/xml", "json": "application/json", "jsonl": "application/jsonl",
    "csv": "text/csv", "text": "text/plain", "mail": "message/rfc822", "msg": "application/vnd.ms-outlook",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xls": "application/vnd.ms-excel",
    "ods": "application/vnd.oasis.opendocument.spreadsheet", "png": "image/png", "jpeg": "image/jpeg",
    "tiff": "image/tiff", "webp": "image/webp", "bmp": "image/bmp",
}  # fmt: skip
MAILS = frozenset({"mail", "msg"})
WORKBOOKS = frozenset({"xlsx", "xls", "ods"})
PICTURES = frozenset({"png", "jpeg", "tiff", "webp", "bmp"})

_ADVICE = "Send the document as PDF, XML, CSV, XLSX, JSON, a mail, a picture or plain text."
_PICTURE = "Send the picture as JPEG, PNG or TIFF, or as PDF."
_PICTURES = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
)
_MAGIC = (
    (b"GIF8", f"a GIF image. {_PICTURE}"),
    (b"\x78\x9f\x3e\x22", "winmail.dat, a wrapping of Outlook. Ask for the mail as HTML or plain text, not rich text."),
    (b"\x1f\x8b", "a gzip archive. Unpack it and send what is inside."),
    (b"7z\xbc\xaf", "a 7z archive. Unpack it and send what is inside."),
    (b"Rar!", "a RAR archive. Unpack it and send what is inside."),
    (b"{\\rtf", "an RTF file."),
    (b"%!PS", "a PostScript file."),
    (b"\x7fELF", "a program."),
    (b"MZ\x90", "a program."),
)
# Names that stand uncompressed in the directory of a ZIP archive, or in UTF-16 in that of a compound file.
_ZIPPED = (
    (b"xl/workbook.", "xlsx"),
    (b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet", "ods"),
)
_COMPOUND = (
    ("__properties_version1.0", "msg"),
    ("Workbook", "xls"),
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
            raise _unsupported(f"This is {name}")
    packed = _picture(content) or _packed(content)
    if packed is not None:
        return packed
    plain = content.removeprefix(codecs.BOM_UTF8)
    if _is_wide(content):
        # UTF-16 and UTF-32 put NUL beside every ASCII letter.
        plain = content[:4096].replace(b"\x00", b"").lstrip(b"\xff\xfe")
    if _HTML_START.match(plain[:4096].decode("latin-1")):
        raise _unsupported("This is an HTML page.")
    if _XML_START.match(plain):
        return "xml"
    if plain.lstrip()[:1] in (b"{", b"["):
        return "json"
    return "mail" if is_mail(content) else "text"


def _picture(content: bytes) -> str | None:
    for magic, kind in _PICTURES:
        if content.startswith(magic):
            return kind
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "webp"
    if content.startswith(b"BM") and content[6:10] == b"\x00\x00\x00\x00":
        return "bmp"
    if content[4:8] == b"ftyp" and content[8:12] in (b"heic", b"heix", b"mif1", b"msf1", b"avif", b"hevc"):
        raise _unsupported(f"This is a HEIC image. {_PICTURE}")
    return None


def _packed(content: bytes) -> str | None:
    """Office files are archives; what is inside tells them apart."""
    if content.startswith(b"PK\x03\x04"):
        for inside, kind in _ZIPPED:
            if inside in content:
                return kind
        if b"word/document" in content or b"mimetypeapplication/vnd.oasis.opendocument" in content[:200]:
            raise _unsupported("This is an Office document.")
        raise _unsupported("This is a ZIP archive. Unpack it and send what is inside.")
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        for name, kind in _COMPOUND:
            if name.encode("utf-16-le") in content:
                return kind
        if "EncryptedPackage".encode("utf-16-le") in content:
            raise Unreadable(
                "This is an Office file protected by a password. Ask the sender for it without protection.",
                reason_code="encrypted_workbook",
            )
        raise _unsupported("This is an old Office file.")
    return None


def _is_wide(content: bytes) -> bool:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return True
    return content.startswith((b"<\x00", b"\x00<"))  # without a byte order mark XML still says so by its first letter


def _unsupported(what: str) -> Unreadable:
    advice = "" if what.count(".") > 1 else f" {_ADVICE}"
    return Unreadable(what + advice, reason_code="unsupported")


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
