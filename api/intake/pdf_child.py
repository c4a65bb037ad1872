"""The process that parses PDFs. Runs isolated (`python -I this-file MEMORY_MB`), imports nothing of this project.

Protocol over stdin and stdout, all lengths 8 bytes big-endian: first one empty frame that says "ready"; then for
each frame with a document one frame with JSON: {"text", "pages", "pages_read", "attachments": [[name, base64]]} or
{"error": "encrypted"|"malformed"|"limits"|"no_pages"}. The end of stdin ends the process, also in mid-document.
"""

from __future__ import annotations

import base64
import json
import os
import queue
import resource
import struct
import sys
import threading
from typing import Any

import pypdfium2
from pypdfium2 import PdfDocument, PdfiumError
from pypdfium2.raw import FPDF_ERR_PASSWORD

PAGE_LIMIT = 200
TEXT_LIMIT = 2_000_000
ATTACHMENT_LIMIT = 20_000_000


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
        size = read = 0
        while read < min(pages, PAGE_LIMIT) and size < TEXT_LIMIT:
            text = _page_text(document, read)
            parts.append(text)
            size += len(text)
            read += 1
        return {
            "text": "\n".join(parts)[:TEXT_LIMIT],
            "pages": pages,
            "pages_read": read,
            "attachments": _xml_attachments(document),
        }


def _page_text(document: PdfDocument, index: int) -> str:
    try:
        page = document[index]
    except PdfiumError:  # one broken page does not spoil the others
        return ""
    text_page = page.get_textpage()
    text = str(text_page.get_text_bounded())
    text_page.close()
    page.close()
    # Broken fonts yield NULs and halves of surrogate pairs, which no database stores.
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return whole.replace("\r\n", "\n").replace("\0", "")


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
