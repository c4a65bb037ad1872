"""Pictures of pages in a child process (see `child`), for people to look at: never the file's own bytes.

A file is a page number as 4 bytes (big-endian; 0 asks for sizes alone), then the PDF or picture. parse →
{"pages": n, "sizes": [[width, height]]} in points, of the first pages, or {"png": base64} of one page; or {"error":
"encrypted" | "malformed" | "limits" | "no_page" | "no_pages"}. A page is as a reader sees it: turned, cut to its
visible box; places that `pdf_child` and `ocr_child` give are places on it.
"""

from __future__ import annotations

import base64
import io
import struct
from typing import Any

import pypdfium2
from PIL import Image, ImageOps, UnidentifiedImageError
from pypdfium2.raw import FPDF_ERR_PASSWORD

SIZES_LIMIT = 50
"""Pages whose size is told."""
WIDTH, HEIGHT = 1100, 2200
"""Pixels that a page is fitted into."""
SOURCE_PIXELS = 60_000_000
_FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP")
_A4 = 842.0  # points of the longer side of a picture that does not say how large it is, as ocr_child has it
_COLOURS = 128
_LARGEST = 20_000.0  # points; a page of seven metres is no page of a document
_BROKEN = (UnidentifiedImageError, OSError, SyntaxError, ValueError, LookupError, struct.error, EOFError, TypeError)

Image.init()  # by name, only formats whose reader is loaded are known


def parse(content: bytes) -> dict[str, Any]:
    """See the module. Raises nothing but MemoryError on content."""
    (page,) = struct.unpack_from(">I", content)
    data = content[4:]
    Image.init()  # all formats, not only the first five
    try:
        return _of_pdf(data, page) if b"%PDF-" in data[:1024] else _of_picture(data, page)
    except Image.DecompressionBombError:
        return {"error": "limits"}


def _of_pdf(data: bytes, page: int) -> dict[str, Any]:
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        encrypted = getattr(error, "err_code", None) == FPDF_ERR_PASSWORD
        return {"error": "encrypted" if encrypted else "malformed"}
    with document:
        pages = len(document)
        if pages == 0:
            return {"error": "no_pages"}
        if page == 0:
            return {"pages": pages, "sizes": [_size(document, index) for index in range(min(pages, SIZES_LIMIT))]}
        if page > pages:
            return {"error": "no_page"}
        width, height = _size(document, page - 1)
        if not (width and height):
            return {"error": "malformed"}
        try:
            shown = document[page - 1]
            picture = shown.render(scale=min(WIDTH / width, HEIGHT / height)).to_pil()
        except (pypdfium2.PdfiumError, ValueError):
            return {"error": "malformed"}
        return {"png": _png(picture)}


def _size(document: pypdfium2.PdfDocument, index: int) -> list[float]:
    """Width and height in points; zeros for a page that cannot be shown."""
    try:
        width, height = document.get_page_size(index)
    except pypdfium2.PdfiumError:
        return [0.0, 0.0]
    fits = 1.0 <= width <= _LARGEST and 1.0 <= height <= _LARGEST
    return [round(width, 1), round(height, 1)] if fits else [0.0, 0.0]


def _of_picture(data: bytes, page: int) -> dict[str, Any]:
    try:
        picture = Image.open(io.BytesIO(data), formats=_FORMATS)
        pages = getattr(picture, "n_frames", 1) if picture.format == "TIFF" else 1
        if page == 0:
            return {"pages": pages, "sizes": [_frame(picture, index) for index in range(min(pages, SIZES_LIMIT))]}
        if page > pages:
            return {"error": "no_page"}
        if not any(_frame(picture, page - 1)):
            return {"error": "limits"}
        picture.draft("RGB", (WIDTH, HEIGHT))
        upright = ImageOps.exif_transpose(picture)
        upright.thumbnail((WIDTH, HEIGHT))
        return {"png": _png(upright)}
    except _BROKEN:
        return {"error": "malformed"}


def _frame(picture: Image.Image, index: int) -> list[float]:
    """The size of one picture of a file in points, upright; zeros for one that is too large."""
    if index:
        picture.seek(index)
    if picture.width * picture.height > SOURCE_PIXELS:
        return [0.0, 0.0]
    turned = picture.getexif().get(0x0112, 1) in (5, 6, 7, 8)
    width, height = picture.size[::-1] if turned else picture.size
    stated = picture.info.get("dpi", (0, 0))[0]
    points = 72 / float(stated) if 70 <= stated <= 1300 and not turned else _A4 / max(width, height)
    return [round(width * points, 1), round(height * points, 1)]


def _png(picture: Image.Image) -> str:
    """Few colours: a page is text, and a photograph on it need not be beautiful."""
    opaque = picture.convert("RGB").quantize(_COLOURS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    made = io.BytesIO()
    opaque.save(made, "PNG")
    return base64.b64encode(made.getvalue()).decode("ascii")
