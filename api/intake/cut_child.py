"""Parts of a PDF as PDFs of their own, in a child process (see `child`).

A file is one line of JSON, [[first page, last page], …] from 1, then the PDF. parse → {"files": [base64, …]} or
{"error": "malformed"}. The same pages of the same file give the same bytes, so that they are known when they come
again.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
from typing import Any

from pypdfium2 import PdfDocument, PdfiumError

# What PDFium writes anew each time: the moment, and a name for the file. Both keep their length.
_MOMENT = re.compile(rb"(/CreationDate\s*\(D:)([^)]{14})([^)]*)")
_DIGIT = re.compile(rb"[0-9]")
_NAME = re.compile(rb"/ID\s*\[\s*<([0-9A-Fa-f]{32})>\s*<([0-9A-Fa-f]{32})>\s*\]")


def parse(content: bytes) -> dict[str, Any]:
    """See the module. Raises nothing but MemoryError on content."""
    asked, _, data = content.partition(b"\n")
    try:
        with PdfDocument(data) as source:
            files = [_part(source, data, first, last) for first, last in json.loads(asked)]
    except (PdfiumError, ValueError):
        return {"error": "malformed"}
    return {"files": [base64.b64encode(file).decode("ascii") for file in files]}


def _part(source: PdfDocument, data: bytes, first: int, last: int) -> bytes:
    out = io.BytesIO()
    with PdfDocument.new() as part:
        part.import_pages(source, list(range(first - 1, last)))
        part.save(out)
    written = out.getvalue()
    name = hashlib.sha256(b"%d-%d " % (first, last) + data).hexdigest()[:32].upper().encode()
    written = _MOMENT.sub(lambda found: found[1] + b"20000101000000" + _DIGIT.sub(b"0", found[3]), written)
    return _NAME.sub(lambda found: found[0].replace(found[1], name).replace(found[2], name), written)
