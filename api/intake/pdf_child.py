"""The process that parses PDFs. Runs isolated (`python -I this-file MEMORY_MB`), imports nothing of this project.

Protocol over stdin and stdout, all lengths 8 bytes big-endian: first one empty frame that says "ready"; then for
each frame with a document one frame with JSON: {"text", "pages", "pages_read", "attachments": [[name, base64]],
"words": [[page, left, top, right, bottom, text]]} or {"error": "encrypted"|"malformed"|"limits"|"no_pages"}. Pages
count from 1; positions are points from the top left corner of the page as it is shown. The end of stdin ends the
process, also in mid-document.
"""

from __future__ import annotations

import base64
import ctypes
import json
import os
import queue
import resource
import struct
import sys
import threading
from typing import Any

import pypdfium2
from pypdfium2 import PdfDocument, PdfiumError, PdfPage, PdfTextPage
from pypdfium2.raw import (
    FPDF_ERR_PASSWORD,
    FS_RECTF,
    FPDFText_CountChars,
    FPDFText_GetLooseCharBox,
    FPDFText_GetUnicode,
)

PAGE_LIMIT = 200
TEXT_LIMIT = 2_000_000
ATTACHMENT_LIMIT = 20_000_000
# Fields stand on the first pages or the last; a hostile page must not cost seconds of positions.
WORD_PAGE_LIMIT = 20
WORD_LIMIT = 20_000
CHARACTER_LIMIT = 200_000

Place = tuple[float, float, float, float]


def parse(content: bytes) -> dict[str, Any]:
    """Text, page count and embedded XML files of one PDF, or the kind of error."""
    try:
        document = PdfDocument(content)
    except PdfiumError as error:
        encrypted = getattr(error, "err_code", None) == FPDF_ERR_PASSWORD
        return {"error": "encrypted" if encrypted else "malformed"}
    with document:
        pages = len(document)
        if pages == 0:
            return {"error": "no_pages"}
        parts: list[str] = []
        words: list[list[Any]] = []
        size = read = 0
        while read < min(pages, PAGE_LIMIT) and size < TEXT_LIMIT:
            placed = read < WORD_PAGE_LIMIT and len(words) < WORD_LIMIT and size < CHARACTER_LIMIT
            text, found = _page(document, read, placed)
            parts.append(text)
            words += found
            size += len(text)
            read += 1
        return {
            "text": "\n".join(parts)[:TEXT_LIMIT],
            "pages": pages,
            "pages_read": read,
            "attachments": _xml_attachments(document),
            "words": words[:WORD_LIMIT],
        }


def _page(document: PdfDocument, index: int, placed: bool) -> tuple[str, list[list[Any]]]:
    """The running text of a page and, where asked for, its words with their places."""
    try:
        page = document[index]
    except PdfiumError:  # one broken page does not spoil the others
        return "", []
    text_page = page.get_textpage()
    text = _whole(str(text_page.get_text_bounded()))
    words = _words(page, text_page, index + 1) if placed else []
    text_page.close()
    page.close()
    return text.replace("\r\n", "\n"), words


def _words(page: PdfPage, text_page: PdfTextPage, number: int) -> list[list[Any]]:
    """Words in the order of the file. A wide gap and a jump end a word even without a space between."""
    handle = text_page.raw
    rect = FS_RECTF()
    reference = ctypes.byref(rect)
    found: list[tuple[Place, str]] = []
    letters: list[str] = []
    left = bottom = right = top = 0.0
    for index in range(min(FPDFText_CountChars(handle), CHARACTER_LIMIT)):
        code = FPDFText_GetUnicode(handle, index)
        blank = code <= 32 or code == 0xA0
        if not blank and not FPDFText_GetLooseCharBox(handle, index, reference):
            continue
        if letters and (
            blank
            or not -1.0 <= rect.left - right + 1.0 <= 0.3 * (top - bottom) + 2.0
            or abs(rect.bottom - bottom) > 0.5 * (top - bottom)
        ):
            found.append(((left, bottom, right, top), "".join(letters)))
            letters = []
        if blank:
            continue
        if letters:
            left, right = min(left, rect.left), max(right, rect.right)
            bottom, top = min(bottom, rect.bottom), max(top, rect.top)
        else:
            left, bottom, right, top = rect.left, rect.bottom, rect.right, rect.top
        letters.append(chr(code))
    if letters:
        found.append(((left, bottom, right, top), "".join(letters)))
    frame, turned = page.get_bbox(), page.get_rotation()
    return [[number, *_shown(place, frame, turned), _whole(text)] for place, text in found]


def _shown(place: Place, frame: Place, turned: int) -> list[float]:
    """left, top, right, bottom on the page as a reader sees it, from the file's own coordinates."""
    left, bottom, right, top = place
    west, south, east, north = frame
    if turned in (90, 270):  # the frame comes as it is shown, the place as it is written
        east, north = west + north - south, south + east - west
    if turned == 90:
        shown = (bottom - south, left - west, top - south, right - west)
    elif turned == 180:
        shown = (east - right, bottom - south, east - left, top - south)
    elif turned == 270:
        shown = (north - top, east - right, north - bottom, east - left)
    else:
        shown = (left - west, north - top, right - west, north - bottom)
    # A broken font may answer with infinities, which JSON does not have.
    return [round(value, 1) if abs(value) < 1e6 else 0.0 for value in shown]


def _whole(text: str) -> str:
    """Broken fonts yield NULs and halves of surrogate pairs, which no database stores."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "")


def _xml_attachments(document: PdfDocument) -> list[list[str]]:
    found: list[list[str]] = []
    left = ATTACHMENT_LIMIT
    for index in range(min(document.count_attachments(), 100)):
        attachment = document.get_attachment(index)
        name = str(attachment.get_name())
        if not name.lower().endswith(".xml"):
            continue
        try:
            data = bytes(attachment.get_data())
        except PdfiumError:  # a file that is announced and not there: the text remains
            continue
        left -= len(data)
        if left < 0:
            break
        found.append([name, base64.b64encode(data).decode("ascii")])
    return found


def _read_exactly(size: int) -> bytes:
    parts: list[bytes] = []
    while size:
        part = os.read(0, min(size, 1 << 20))
        if not part:
            os._exit(0)  # the parent closed the pipe or is gone
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _listen(documents: queue.Queue[bytes]) -> None:
    """Reads ahead, so that the parent's end is noticed while pdfium works (it releases the interpreter lock)."""
    while True:
        (size,) = struct.unpack(">Q", _read_exactly(8))
        documents.put(_read_exactly(size))


def main(memory_mb: int) -> None:
    limit = memory_mb * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    resource.setrlimit(resource.RLIMIT_AS, (limit * 4, limit * 4))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Whatever a library prints must not break the protocol.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    documents: queue.Queue[bytes] = queue.Queue(maxsize=1)
    threading.Thread(target=_listen, args=(documents,), daemon=True).start()
    pypdfium2.PDFIUM_INFO  # noqa: B018  # loads the library before the first deadline runs
    answer = b""
    while True:
        answers.write(struct.pack(">Q", len(answer)) + answer)
        answers.flush()
        content = documents.get()
        try:
            answer = json.dumps(parse(content)).encode()
        except MemoryError:
            answer = json.dumps({"error": "limits"}).encode()
        del content


if __name__ == "__main__":
    main(int(sys.argv[1]))
