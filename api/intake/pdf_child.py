"""What one PDF holds, read by pdfium. Runs in a process of its own (see `child`).

The answer: {"text", "pages", "pages_read", "attachments": [[name, base64]], "words": [[page, left, top, right,
bottom, text]], "hidden": [[page, kind, text]] (see pdf_hidden), "layers": [page], "unchecked": [page]} or {"error":
"encrypted"|"malformed"|"no_pages"}. Pages count from 1; positions are points from the top left corner of the page as
it is shown. Text that nobody sees is in "hidden" alone.
"""

from __future__ import annotations

import ctypes
from typing import Any

from pypdfium2 import PdfDocument, PdfiumError, PdfPage, PdfTextPage
from pypdfium2.raw import (
    FPDF_ERR_PASSWORD,
    FS_RECTF,
    FPDFText_CountChars,
    FPDFText_GetLooseCharBox,
    FPDFText_GetUnicode,
)

from api.intake import pdf_attachments, pdf_hidden
from api.intake.pdf_objects import Budget

PAGE_LIMIT = 200
TEXT_LIMIT = 2_000_000
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
        lists: dict[str, list[Any]] = {name: [] for name in ("words", "hidden", "layers", "unchecked")}
        parts: list[str] = []
        budget = Budget()
        size = read = 0
        while read < min(pages, PAGE_LIMIT) and size < TEXT_LIMIT:
            placed = read < WORD_PAGE_LIMIT and len(lists["words"]) < WORD_LIMIT and size < CHARACTER_LIMIT
            text = _page(document, read, placed, budget, lists)
            parts.append(text)
            size += len(text)
            read += 1
        lists["words"] = lists["words"][:WORD_LIMIT]
        text = "\n".join(parts)[:TEXT_LIMIT]
        found = {
            "text": text,
            "pages": pages,
            "pages_read": read,
            "attachments": pdf_attachments.xml_files(document, content),
        }
        return {**found, **lists}


def _page(document: PdfDocument, index: int, placed: bool, budget: Budget, lists: dict[str, list[Any]]) -> str:
    """The running text of a page. What else is found goes into `lists`: its words where they are asked for."""
    try:
        page = document[index]
    except PdfiumError:  # one broken page does not spoil the others
        return ""
    found = pdf_hidden.take_out(page, budget)
    lists["hidden"] += [[index + 1, kind, _whole(text)] for kind, text in found.hidden]
    lists["layers"] += [index + 1] * found.layer
    lists["unchecked"] += [index + 1] * found.unchecked
    text_page = page.get_textpage()
    text = _whole(str(text_page.get_text_bounded()))
    if placed:
        lists["words"] += _words(page, text_page, index + 1)
    text_page.close()
    page.close()
    return text.replace("\r\n", "\n")


def _words(page: PdfPage, text_page: PdfTextPage, number: int) -> list[list[Any]]:
    """The words of a page with their places as a reader sees them, in the order of the file."""
    turned = page.get_rotation()
    words = _assembled(text_page, 0)
    if turned:
        # The text of a turned page runs along the page as it is shown or as it is written; letters tell.
        along = _assembled(text_page, turned)
        across = [(_turned(place, turned), text) for place, text in words]
        words = along if len(along) < len(across) else across
    return _shown(words, _turned(page.get_bbox(), turned), number)


def _assembled(text_page: PdfTextPage, turned: int) -> list[tuple[Place, str]]:
    """Letters joined to words. A wide gap and a jump end a word even without a space between."""
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
        west, south, east, north = rect.left, rect.bottom, rect.right, rect.top
        if turned:
            west, south, east, north = _turned((west, south, east, north), turned)
        if letters and (
            blank
            or not -1.0 <= west - right + 1.0 <= 0.3 * (top - bottom) + 2.0
            or abs(south - bottom) > 0.5 * (top - bottom)
        ):
            found.append(((left, bottom, right, top), "".join(letters)))
            letters = []
        if blank:
            continue
        if letters:
            left, right = min(left, west), max(right, east)
            bottom, top = min(bottom, south), max(top, north)
        else:
            left, bottom, right, top = west, south, east, north
        letters.append(chr(code))
    if letters:
        found.append(((left, bottom, right, top), "".join(letters)))
    return found


def _turned(place: Place, turned: int) -> Place:
    """The place after the page was turned clockwise by so many degrees about its origin."""
    left, bottom, right, top = place
    if turned == 90:
        return bottom, -right, top, -left
    if turned == 180:
        return -right, -top, -left, -bottom
    if turned == 270:
        return -top, left, -bottom, right
    return place


def _shown(words: list[tuple[Place, str]], frame: Place, number: int) -> list[list[Any]]:
    """Page, left, top, right, bottom as a reader sees them, and the word. What hangs over the edge is cut off."""
    west, south, east, north = frame
    found: list[list[Any]] = []
    for (left, bottom, right, top), text in words:
        shown = (left - west, north - top, right - west, north - bottom)
        if max(map(abs, shown)) >= 1e6:  # a broken font may answer with infinities, which JSON does not have
            found.append([number, 0.0, 0.0, 0.0, 0.0, _whole(text)])
        elif right > west and left < east and top > south and bottom < north:
            found.append([number, *(round(value, 1) for value in shown), _whole(text)])
    return found


def _whole(text: str) -> str:
    """Broken fonts yield NULs and halves of surrogate pairs, which no database stores."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "")
