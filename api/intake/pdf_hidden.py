"""Text in a PDF that nobody sees: invisible, off the page, tiny, in the colour of the paper, covered or clipped away.

It is taken out before the page's text is read and handed over by itself, as untrusted. Cheap facts (render mode,
size, place, colour, what is painted over it) name suspects; two pictures of the page, with the suspects and without
them, say which of them leave a trace. Runs in the child process of `pdf_child`.

The invisible text under the picture of a scanned page is what a scanner read there, so it stays, and the page is
named; a word of it that lies on blank paper does not stay.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pypdfium2.raw as pdfium
from pypdfium2 import PdfPage

from api.intake.pdf_objects import (
    FAINT,
    Box,
    Budget,
    Colour,
    Drawing,
    Matrix,
    bounds,
    colour_of,
    is_clipped,
    is_filled,
    is_optional,
    letter_size,
    objects,
)

EXCERPT = 400
"""Characters kept of one hidden text."""
FLAG_LIMIT = 50
_TOLD, _REMOVED = 200, 2000
_TINY = 2.0  # points; the smallest print of contracts is 4
_COVERS, _COMPARED, _SUSPECTS, _PASSES = 500, 200_000, 3000, 6
_BAND = 24.0
_LIGHT = 255 - 2 * FAINT


@dataclass(slots=True)
class Found:
    """What one page hides: `hidden` are pairs of kind and text. `layer`: its text was laid under a picture of it.
    `unchecked`: it draws more than is looked at."""

    hidden: list[tuple[str, str]] = field(default_factory=list)
    layer: bool = False
    unchecked: bool = False


@dataclass(slots=True, eq=False)
class _Text:
    handle: Any
    parent: Any  # the form that it is in, None for the page
    box: Box
    order: int
    kind: str  # "" where nothing speaks against it
    sure: bool  # no picture is needed to say so
    colour: Colour | None


@dataclass(slots=True)
class _Cover:
    box: Box
    order: int
    colour: Colour | None  # None: a picture, whose colours are not known
    picture: bool


def take_out(page: PdfPage, budget: Budget) -> Found:
    """Makes hidden text of the page inactive, so that a text page loaded afterwards does not have it."""
    found = Found()
    frame = page.get_bbox()
    texts, covers, pixels = _survey(page, frame, budget)
    found.unchecked = budget.objects <= 0
    _suspect(texts, covers)
    suspects = [text for text in texts if text.kind]
    if not suspects:
        return found
    drawing = Drawing(page, budget, pixels)
    if _is_layer(texts, covers, frame):
        found.layer = True
        under = [text for text in suspects if text.kind in ("invisible", "covered")]
        kept = set(drawing.on_ink([text.box for text in under]))
        hidden = _without_trace([text for text in suspects if text.kind not in ("invisible", "covered")], drawing)
        hidden += [text for number, text in enumerate(under) if number not in kept]
    else:
        hidden = _without_trace(suspects, drawing)
    _remove(page, hidden, found)
    return found


def _survey(page: PdfPage, frame: Box, budget: Budget) -> tuple[list[_Text], list[_Cover], int]:
    texts: list[_Text] = []
    covers: list[_Cover] = []
    pixels = 0
    width, height = ctypes.c_uint(), ctypes.c_uint()
    for order, (handle, kind, matrix, parent) in enumerate(objects(page, budget)):
        if kind == pdfium.FPDF_PAGEOBJ_PATH and not is_filled(handle):
            continue
        box = bounds(handle, matrix)
        if box is None:
            continue
        if kind == pdfium.FPDF_PAGEOBJ_TEXT:
            kind_of, sure, colour = _judged(handle, box, matrix, frame)
            texts.append(_Text(handle, parent, box, order, kind_of, sure, colour))
        elif box[2] - box[0] < _TINY or box[3] - box[1] < _TINY:
            continue  # a rule of a table covers nothing
        elif kind == pdfium.FPDF_PAGEOBJ_PATH:
            covers.append(_Cover(box, order, colour_of(handle), False))
        else:
            if kind == pdfium.FPDF_PAGEOBJ_IMAGE and pdfium.FPDFImageObj_GetImagePixelSize(handle, width, height):
                pixels += width.value * height.value
            covers.append(_Cover(box, order, None, kind == pdfium.FPDF_PAGEOBJ_IMAGE))
    return texts, covers, pixels


def _judged(handle: Any, box: Box, matrix: Matrix, frame: Box) -> tuple[str, bool, Colour | None]:
    """What speaks against a text by itself, whether for sure, and its colour."""
    colour = colour_of(handle)
    kind, sure = "", True
    mode = pdfium.FPDFTextObj_GetTextRenderMode(handle)
    if mode in (pdfium.FPDF_TEXTRENDERMODE_INVISIBLE, pdfium.FPDF_TEXTRENDERMODE_CLIP):
        kind = "invisible"
    elif box[2] <= frame[0] or box[0] >= frame[2] or box[3] <= frame[1] or box[1] >= frame[3]:
        kind = "off_page"
    elif box[3] - box[1] < _TINY and letter_size(handle, matrix) < _TINY:
        kind = "tiny"
    elif colour is None or colour[3] < 255 - _LIGHT or min(colour[:3]) >= _LIGHT:
        kind, sure = "same_colour", False
    elif is_clipped(handle, box, matrix) or is_optional(handle):
        kind, sure = "clipped", False
    return kind, sure, colour


def _suspect(texts: Sequence[_Text], covers: list[_Cover]) -> None:
    """Text that lies under what is painted later, or on a ground of its own colour."""
    if len(covers) > _COVERS or len(covers) * len(texts) > _COMPARED:
        # Whoever hides text behind sheer number has all of it looked at in the picture.
        for text in texts:
            if not text.kind:
                text.kind, text.sure = "covered", False
        return
    for text in texts:
        if text.kind or not covers:
            continue
        across, down = (text.box[0] + text.box[2]) / 2, (text.box[1] + text.box[3]) / 2
        for cover in covers:
            west, south, east, north = cover.box
            if not (west <= across <= east and south <= down <= north):
                continue
            if cover.order > text.order:
                text.kind, text.sure = "covered", False
            elif cover.colour is None or _alike(cover.colour, text.colour):
                text.kind, text.sure = "same_colour", False


def _alike(one: tuple[int, ...], other: tuple[int, ...] | None) -> bool:
    return other is None or all(abs(a - b) < 2 * FAINT for a, b in zip(one[:3], other[:3], strict=True))


def _is_layer(texts: Sequence[_Text], covers: Sequence[_Cover], frame: Box) -> bool:
    """A scanned page: pictures cover most of it, and all but a stamp of its text is under them or invisible."""
    pictures = [cover for cover in covers if cover.picture]
    unseen = [text for text in texts if text.kind == "invisible" or (text.kind == "covered" and pictures)]
    if not pictures or len(unseen) * 10 < len(texts) * 8:
        return False
    area = (frame[2] - frame[0]) * (frame[3] - frame[1])
    covered = 0.0
    for west, south, east, north in (cover.box for cover in pictures):
        wide, high = min(east, frame[2]) - max(west, frame[0]), min(north, frame[3]) - max(south, frame[1])
        covered += max(wide, 0.0) * max(high, 0.0)
    return covered >= 0.5 * area


def _without_trace(suspects: Sequence[_Text], drawing: Drawing) -> list[_Text]:
    """Those that are hidden for sure and those whose absence changes nothing in the picture of the page. Suspects
    that overlap are tried one after the other, or a visible one would vouch for a hidden one beneath it."""
    hidden = [text for text in suspects if text.sure]
    waiting = [text for text in suspects if not text.sure]
    for text in hidden:
        pdfium.FPDFPageObj_SetIsActive(text.handle, False)  # it must not vouch for others
    too_many, waiting = waiting[_SUSPECTS:], waiting[:_SUSPECTS]
    for _ in range(_PASSES):
        apart, later = _apart(waiting)
        if not apart or not drawing.take():
            break
        gone = drawing.unchanged_without([(text.handle, text.box) for text in apart])
        hidden += [apart[number] for number in gone]
        waiting = later
    # What could not be tried is not vouched for.
    for text in hidden:
        pdfium.FPDFPageObj_SetIsActive(text.handle, True)
    return hidden + waiting + too_many


def _apart(texts: Sequence[_Text]) -> tuple[list[_Text], list[_Text]]:
    """Texts no two of which overlap, and the others."""
    apart: list[_Text] = []
    later: list[_Text] = []
    taken: dict[int, list[Box]] = {}
    for text in texts:
        low, high = (int(min(max(edge, -1e5), 1e5) // _BAND) for edge in (text.box[1], text.box[3]))
        bands = range(low, min(high, low + 50) + 1)
        if any(_overlap(text.box, other) for band in bands for other in taken.get(band, ())):
            later.append(text)
            continue
        apart.append(text)
        for band in bands:
            taken.setdefault(band, []).append(text.box)
    return apart, later


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _remove(page: PdfPage, hidden: Sequence[_Text], found: Found) -> None:
    """Takes the objects out of the page and keeps their words. What the page also shows elsewhere is not told: shadows
    behind letters and repeated headings hide nothing."""
    if not hidden:
        return
    text_page = page.get_textpage()
    told: list[tuple[str, str]] = []
    for text in hidden[:_TOLD]:  # each is searched in the whole page
        length = pdfium.FPDFTextObj_GetText(text.handle, text_page, None, 0)
        buffer = (ctypes.c_ushort * length)()
        pdfium.FPDFTextObj_GetText(text.handle, text_page, buffer, length)
        said = bytes(buffer)[: 2 * EXCERPT].decode("utf-16-le", "replace")
        told.append((text.kind, said.strip("\0 \r\n\t")))
    text_page.close()
    for number, text in enumerate(hidden):
        # An inactive object still makes pdfium drop a visible text that repeats it; but removing takes long.
        if number >= _REMOVED:
            pdfium.FPDFPageObj_SetIsActive(text.handle, False)
            continue
        if text.parent is None:
            pdfium.FPDFPage_RemoveObject(page, text.handle)
        else:
            pdfium.FPDFFormObj_RemoveObject(text.parent, text.handle)
        pdfium.FPDFPageObj_Destroy(text.handle)
    seen = _letters(_page_text(page))
    unseen = [(kind, said) for kind, said in told if (letters := _letters(said)) and letters not in seen]
    found.hidden += unseen[:FLAG_LIMIT]


def _page_text(page: PdfPage) -> str:
    text_page = page.get_textpage()
    text = str(text_page.get_text_bounded())
    text_page.close()
    return text


def _letters(text: str) -> str:
    return "".join(character for character in text if character.isalnum())
