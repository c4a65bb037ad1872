"""The objects of a PDF page as pdfium paints them, and pictures of the page, within a budget.

Runs in the child process of `pdf_child`. Places are points in the page's own coordinates.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pypdfium2.raw as pdfium
from pypdfium2 import PdfPage

OBJECT_LIMIT = 100_000
"""Objects of one document that are looked at: a hostile file must not cost minutes."""
FAINT = 24
"""Levels of 255: what differs less from its ground cannot be read."""
_INK = 40
_DEPTH, _CLIP_POINTS = 12, 12
_PIXELS, _IMAGE_PIXELS = 2_000_000, 40_000_000
_RENDER_SECONDS = 1.5

Box = tuple[float, float, float, float]
Colour = tuple[int, int, int, int]
Matrix = tuple[float, float, float, float, float, float]
IDENTITY: Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
# Written to by pdfium and read at once: the process has one thread that reads, and a page thousands of objects.
_EDGES = tuple(ctypes.c_float() for _ in range(4))
_LEVELS = tuple(ctypes.c_uint() for _ in range(4))


@dataclass(slots=True)
class Budget:
    """What one document may cost: objects looked at and seconds of drawing."""

    objects: int = OBJECT_LIMIT
    seconds: float = _RENDER_SECONDS


def objects(page: PdfPage, budget: Budget) -> Iterator[tuple[Any, int, Matrix, Any]]:
    """All objects in the order in which they are painted, those of forms too: handle, type, matrix of its form, form or
    None."""

    def inside(parent: Any, count: Any, get: Any, matrix: Matrix, depth: int) -> Iterator[tuple[Any, int, Matrix, Any]]:
        for index in range(count(parent)):
            budget.objects -= 1
            if budget.objects <= 0:
                return
            handle = get(parent, index)
            kind = pdfium.FPDFPageObj_GetType(handle)
            if kind != pdfium.FPDF_PAGEOBJ_FORM:
                yield handle, kind, matrix, parent if depth else None
            elif depth < _DEPTH:
                own = chained(matrix_of(handle), matrix)
                yield from inside(handle, pdfium.FPDFFormObj_CountObjects, pdfium.FPDFFormObj_GetObject, own, depth + 1)

    return inside(page.raw, pdfium.FPDFPage_CountObjects, pdfium.FPDFPage_GetObject, IDENTITY, 0)


def bounds(handle: Any, matrix: Matrix) -> Box | None:
    left, bottom, right, top = _EDGES
    if not pdfium.FPDFPageObj_GetBounds(handle, left, bottom, right, top):
        return None
    box = (left.value, bottom.value, right.value, top.value)
    return box if matrix is IDENTITY else around([moved(x, y, matrix) for x in box[::2] for y in box[1::2]])


def around(points: Sequence[tuple[float, float]]) -> Box:
    across, down = [x for x, _ in points], [y for _, y in points]
    return min(across), min(down), max(across), max(down)


def moved(x: float, y: float, matrix: Matrix) -> tuple[float, float]:
    a, b, c, d, e, f = matrix
    return a * x + c * y + e, b * x + d * y + f


def chained(one: Matrix, other: Matrix) -> Matrix:
    """First `one`, then `other` (ISO 32000-1, 8.3.4)."""
    x, y = moved(1, 0, one), moved(0, 1, one)
    origin = moved(0, 0, one)
    e, f = moved(*origin, other)
    (p, q), (r, s) = moved(*x, other), moved(*y, other)
    return p - e, q - f, r - e, s - f, e, f


def matrix_of(handle: Any) -> Matrix:
    found = pdfium.FS_MATRIX()
    if not pdfium.FPDFPageObj_GetMatrix(handle, found):
        return IDENTITY
    return found.a, found.b, found.c, found.d, found.e, found.f


def letter_size(handle: Any, matrix: Matrix) -> float:
    """Height of the letters in points, as they are shown."""
    size = ctypes.c_float()
    pdfium.FPDFTextObj_GetFontSize(handle, size)
    _, _, c, d, _, _ = chained(matrix_of(handle), matrix)
    return float(abs(size.value) * (c * c + d * d) ** 0.5)


def colour_of(handle: Any) -> tuple[int, int, int, int] | None:
    red, green, blue, opaque = _LEVELS
    if not pdfium.FPDFPageObj_GetFillColor(handle, red, green, blue, opaque):
        return None
    return red.value, green.value, blue.value, opaque.value


def is_filled(handle: Any) -> bool:
    fill, stroke = ctypes.c_int(), ctypes.c_int()
    return bool(pdfium.FPDFPath_GetDrawMode(handle, fill, stroke)) and fill.value != 0


def is_clipped(handle: Any, place: Box, matrix: Matrix) -> bool:
    """True where the clip path leaves the middle of `place` out, or is too odd to say."""
    path = pdfium.FPDFPageObj_GetClipPath(handle)
    x, y = ctypes.c_float(), ctypes.c_float()
    across, down = (place[0] + place[2]) / 2, (place[1] + place[3]) / 2
    for index in range(max(pdfium.FPDFClipPath_CountPaths(path), 0)):
        count = pdfium.FPDFClipPath_CountPathSegments(path, index)
        if count > _CLIP_POINTS:
            return True
        points = []
        for number in range(count):
            segment = pdfium.FPDFClipPath_GetPathSegment(path, index, number)
            pdfium.FPDFPathSegment_GetPoint(segment, x, y)
            points.append((x.value, y.value) if matrix is IDENTITY else moved(x.value, y.value, matrix))
        if points:
            west, south, east, north = around(points)
            if not (west <= across <= east and south <= down <= north):
                return True
    return False


def is_optional(handle: Any) -> bool:
    """True where the object is in a layer that a viewer may switch off (ISO 32000-1, 8.11)."""
    name = (ctypes.c_ushort * 3)()
    length = ctypes.c_ulong()
    for index in range(min(max(pdfium.FPDFPageObj_CountMarks(handle), 0), 8)):
        mark = pdfium.FPDFPageObj_GetMark(handle, index)
        if pdfium.FPDFPageObjMark_GetName(mark, name, 6, length) and bytes(name)[:4] == b"O\0C\0":
            return True
    return False


class Drawing:
    """Pictures of one page within the budget: without one, nothing is vouched for."""

    def __init__(self, page: PdfPage, budget: Budget, pixels: int) -> None:
        self.page = page
        self.budget = budget
        width, height = page.get_size()
        scale = min(1.5, (_PIXELS / max(width * height, 1.0)) ** 0.5)
        self.width, self.height = max(int(width * scale), 1), max(int(height * scale), 1)
        self.possible = pixels <= _IMAGE_PIXELS and self.width * self.height <= 2 * _PIXELS
        self.picture: bytes | None = None

    def take(self) -> bool:
        """The page as it is now."""
        self.picture = self._draw()
        return self.picture is not None

    def unchanged_without(self, painted: Sequence[tuple[Any, Box]]) -> list[int]:
        """Which of these objects and places (by number) the page looks the same without."""
        before = self.picture
        for handle, _ in painted:
            pdfium.FPDFPageObj_SetIsActive(handle, False)
        after = self._draw()
        for handle, _ in painted:
            pdfium.FPDFPageObj_SetIsActive(handle, True)
        if before is None or after is None:
            return list(range(len(painted)))
        return [number for number, (_, place) in enumerate(painted) if not self._differ(before, after, place)]

    def on_ink(self, places: Sequence[Box]) -> list[int]:
        """Which of the places (by number) have something drawn on them."""
        if not self.take() or self.picture is None:
            return []
        return [number for number, place in enumerate(places) if self._has_ink(self.picture, place)]

    def _draw(self) -> bytes | None:
        if not self.possible or self.budget.seconds <= 0:
            return None
        started = time.monotonic()
        end = started + self.budget.seconds
        field_type = dict(pdfium.IFSDK_PAUSE._fields_)["NeedToPauseNow"]
        pause = pdfium.IFSDK_PAUSE(version=1, NeedToPauseNow=field_type(lambda _: time.monotonic() > end))
        bitmap = pdfium.FPDFBitmap_Create(self.width, self.height, 0)
        try:
            pdfium.FPDFBitmap_FillRect(bitmap, 0, 0, self.width, self.height, 0xFFFFFFFF)
            state = pdfium.FPDF_RenderPageBitmap_Start(
                bitmap, self.page, 0, 0, self.width, self.height, 0, 0, ctypes.byref(pause)
            )
            pdfium.FPDF_RenderPage_Close(self.page)
            self.budget.seconds -= time.monotonic() - started
            if state != pdfium.FPDF_RENDER_DONE:
                return None
            size = pdfium.FPDFBitmap_GetStride(bitmap) * self.height
            return ctypes.string_at(pdfium.FPDFBitmap_GetBuffer(bitmap), size)
        finally:
            pdfium.FPDFBitmap_Destroy(bitmap)

    def _rows(self, box: Box) -> list[tuple[int, int]]:
        """Start and end of each row of pixels of the place, in bytes of a picture."""
        x, y = ctypes.c_int(), ctypes.c_int()
        across, down = [], []
        for left, bottom in ((box[0], box[1]), (box[2], box[3])):
            pdfium.FPDF_PageToDevice(self.page, 0, 0, self.width, self.height, 0, left, bottom, x, y)
            across.append(min(max(x.value, 0), self.width))
            down.append(min(max(y.value, 0), self.height))
        first, last = min(across), min(max(across) + 1, self.width)
        return [
            ((row * self.width + first) * 4, (row * self.width + last) * 4)
            for row in range(min(down), min(max(down) + 1, self.height))
        ]

    def _differ(self, one: bytes, other: bytes, box: Box) -> bool:
        for start, end in self._rows(box):
            a, b = one[start:end], other[start:end]
            if a != b and any(abs(x - y) >= FAINT for x, y in zip(a, b, strict=True)):
                return True
        return False

    def _has_ink(self, picture: bytes, box: Box) -> bool:
        # The first byte of each pixel is blue; a colour that is only seen in the others is no print.
        rows = [picture[start:end:4] for start, end in self._rows(box)]
        rows = [row for row in rows if row]
        return bool(rows) and max(map(max, rows)) - min(map(min, rows)) >= _INK
