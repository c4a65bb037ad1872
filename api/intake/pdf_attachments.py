"""The XML files inside a PDF, wherever they hang: the name tree (pdfium), else associated files (/AF), attachment
annotations, and files that nothing points to any more (pypdf). Runs in the child process of `pdf_child`.

Sources: ISO 32000-2, 7.11.4 (embedded file streams), 14.13 (associated files); Factur-X 1.0.07, 6.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from typing import Any

from pypdfium2 import PdfDocument, PdfiumError

SIZE_LIMIT = 20_000_000
_MOST_FILES, _MOST_OBJECTS, _MOST_PAGES = 100, 5_000, 50
# A second engine is asked only where the file says that there is something: it takes some ten milliseconds.
_ANNOUNCED = re.compile(rb"/EF\b|EmbeddedFile|FileAttachment|text#2[fF]xml|[fF]actur-?[xX]|ZUGFeRD|zugferd|xrechnung")
_XML = re.compile(rb"(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)?[\s\0]*<[\0]?[?!A-Za-z_]")


def xml_files(document: PdfDocument, content: bytes) -> list[list[str]]:
    """[[name, base64], …] of the embedded files that are XML by their name or their first bytes."""
    found = _kept(_listed(document))
    if not found and _ANNOUNCED.search(content):
        found = _kept(_searched(content))
    return [[name, base64.b64encode(data).decode("ascii")] for name, data in found]


def _kept(files: Iterator[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    left = SIZE_LIMIT
    for name, data in files:
        if not name.lower().endswith(".xml") and not _XML.match(data):
            continue
        left -= len(data)
        if left < 0 or len(found) == _MOST_FILES:
            break
        if (name, data) not in found:
            found.append((name, data))
    return found


def _listed(document: PdfDocument) -> Iterator[tuple[str, bytes]]:
    for index in range(min(document.count_attachments(), _MOST_FILES)):
        try:
            attachment = document.get_attachment(index)
            yield str(attachment.get_name()), bytes(attachment.get_data())
        except PdfiumError:  # a file that is announced and not there: the text remains
            continue


def _searched(content: bytes) -> Iterator[tuple[str, bytes]]:
    """By pypdf. A file that it cannot follow has no attachments; its text was read all the same."""
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    try:
        reader = PdfReader(io.BytesIO(content), strict=False)
        for specification in _specifications(reader):
            yield from _file(specification)
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError, OSError):
        # Damaged files break it in many ways, all of which mean the same here.
        return


def _specifications(reader: Any) -> Iterator[Any]:
    """File specifications: of the document, of its pages, then of any object."""
    root = reader.trailer["/Root"].get_object()
    yield from _array(root.get("/AF"))
    for page in reader.pages[:_MOST_PAGES]:
        yield from _array(page.get("/AF"))
        for note in _array(page.get("/Annots")):
            if note.get("/Subtype") == "/FileAttachment":
                yield from _array([note.get("/FS")])
    for number in range(1, min(int(reader.trailer.get("/Size", 0)), _MOST_OBJECTS)):
        one = reader.get_object(number)
        if not hasattr(one, "get"):
            continue
        if "/EF" in one:
            yield one
        elif one.get("/Type") == "/EmbeddedFile":
            yield {"/EF": {"/F": one}}


def _array(value: Any) -> Iterator[Any]:
    """The dictionaries of an array, references followed; nothing where it is something else."""
    value = value.get_object() if hasattr(value, "get_object") else value
    for item in value if isinstance(value, list) else []:
        one = item.get_object() if hasattr(item, "get_object") else item
        if hasattr(one, "get"):
            yield one


def _file(specification: Any) -> Iterator[tuple[str, bytes]]:
    holder = specification.get("/EF")
    holder = holder.get_object() if hasattr(holder, "get_object") else holder
    name = str(specification.get("/UF") or specification.get("/F") or "embedded file")
    for key in ("/UF", "/F") if hasattr(holder, "get") else ():
        stream = holder.get(key)
        stream = stream.get_object() if hasattr(stream, "get_object") else stream
        if hasattr(stream, "get_data"):
            yield name, bytes(stream.get_data())
            return
