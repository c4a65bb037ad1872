"""Pictures and scanned PDFs in a child process (see `child`): words with places and certainty, by tesseract.

A file is the CPU seconds that tesseract may take as 8 bytes (a big-endian double), then the PDF or picture. parse →
{"pages": n, "read": [page numbers], "turned": {page: degrees}, "words": [[page, left, top, right, bottom, text,
certainty]]}, places in points from the top left corner of the page as it was turned, certainty 0 to 1 as tesseract
states it; or {"error": "no_ocr" | "encrypted" | "malformed" | "limits"}. The first page is read first and the last
one second, for there stands what is looked for.
"""

from __future__ import annotations

import io
import math
import resource
import shutil
import struct
import subprocess
import time
import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import pypdfium2
from PIL import Image, ImageOps, UnidentifiedImageError
from pypdfium2.raw import FPDF_ERR_PASSWORD

SLACK = 5
PAGE_LIMIT = 20
PIXEL_LIMIT = 60_000_000
LANGUAGES = ("eng", "deu", "fra", "spa", "ita", "nld")
_FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP")
_WHERE = "/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin:/opt/local/bin"
_SIDE = 2400  # pixels of the longer side: an A4 page at about 200 dpi
_A4 = 842.0  # points of the longer side of a page whose picture does not say
_LEAST = 0.25  # words below it are specks and logos
_LYING = 0.6  # a page below it may lie on its side
_OPENS = (UnidentifiedImageError, OSError, SyntaxError, ValueError, LookupError, struct.error, EOFError, TypeError)

Picture = Image.Image
Words = list[list[Any]]


class Budget:
    """What decoding and tesseract may take for one file. CPU time is what a hostile picture costs, whatever else the
    machine does; SLACK times that on the clock is for machines that do something else."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._before = self._used()
        self._until = time.monotonic() + SLACK * seconds

    @staticmethod
    def _used() -> float:
        used = [resource.getrusage(who) for who in (resource.RUSAGE_CHILDREN, resource.RUSAGE_SELF)]
        return sum(one.ru_utime + one.ru_stime for one in used)

    def cpu(self) -> float:
        """CPU seconds that are left."""
        return self._seconds - (self._used() - self._before)

    def clock(self) -> float:
        """Seconds on the clock that are left."""
        return self._until - time.monotonic()

    def is_over(self) -> bool:
        return self.cpu() <= 0 or self.clock() <= 0


def parse(content: bytes) -> dict[str, Any]:
    """See the module. Raises nothing but MemoryError on content."""
    (seconds,) = struct.unpack_from(">d", content)
    budget = Budget(seconds)
    data = content[8:]
    try:
        with warnings.catch_warnings(action="ignore"):  # what Pillow thinks of odd headers is nobody's concern here
            return _of_pdf(data, budget) if b"%PDF-" in data[:1024] else _of_picture(data, budget)
    except Image.DecompressionBombError:
        return {"error": "limits"}


def _of_pdf(data: bytes, budget: Budget) -> dict[str, Any]:
    if not _languages():
        return {"error": "no_ocr"}
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        encrypted = getattr(error, "err_code", None) == FPDF_ERR_PASSWORD
        return {"error": "encrypted" if encrypted else "malformed"}

    def page(index: int) -> tuple[Picture, float] | None:
        try:
            shown = document[index]
            width, height = shown.get_size()
            scale = _SIDE / max(width, height, 1.0)
            return shown.render(scale=scale, grayscale=True).to_pil().convert("L"), 1 / scale
        except (pypdfium2.PdfiumError, ValueError):
            return None

    with document:
        return _read(len(document), page, budget)


def _of_picture(data: bytes, budget: Budget) -> dict[str, Any]:
    Image.init()  # all formats, not only the first five
    try:
        picture = Image.open(io.BytesIO(data), formats=_FORMATS)
        pages = getattr(picture, "n_frames", 1) if picture.format == "TIFF" else 1
    except _OPENS:
        return {"error": "malformed"}
    if picture.width * picture.height > PIXEL_LIMIT:
        return {"error": "limits"}

    def page(index: int) -> tuple[Picture, float] | None:
        try:
            if index:
                picture.seek(index)
            if picture.width * picture.height > PIXEL_LIMIT:
                return None
            # Fewer pixels before decoding, where the format can.
            picture.draft("L", (_SIDE, _SIDE))
            upright = ImageOps.exif_transpose(picture).convert("L")
        except _OPENS:
            return None
        stated = picture.info.get("dpi", (0, 0))[0]
        longer = max(upright.size)
        points = 72 / float(stated) if 70 <= stated <= 1300 and picture.size == upright.size else _A4 / longer
        if longer > 1.5 * _SIDE or longer < _SIDE // 2:
            factor = _SIDE / longer
            size = (max(round(upright.width * factor), 1), max(round(upright.height * factor), 1))
            upright, points = upright.resize(size), points / factor
        return upright, points

    if page(0) is None:
        return {"error": "malformed"}
    return _read(pages, page, budget) if _languages() else {"error": "no_ocr"}


def _read(pages: int, page: Callable[[int], tuple[Picture, float] | None], budget: Budget) -> dict[str, Any]:
    order = [0, *([pages - 1] if pages > 1 else []), *range(1, pages - 1)][:PAGE_LIMIT]
    read: list[int] = []
    turned: dict[str, int] = {}
    words: Words = []
    for index in order:
        if budget.is_over():
            break
        shown = page(index)
        found = None if shown is None else _words(*shown, budget)
        if found is None:
            continue
        read.append(index + 1)
        if found[1]:
            turned[str(index + 1)] = found[1]
        words += [[index + 1, *word] for word in found[0]]
    words.sort(key=lambda word: word[0])
    return {"pages": pages, "read": sorted(read), "turned": turned, "words": words}


def _words(picture: Picture, points: float, budget: Budget) -> tuple[Words, int] | None:
    """The words of one page and by how many degrees it had to be turned; None where time ran out."""
    found = _recognised(picture, points, budget)
    if found is None or not _lies(found):
        return None if found is None else (found, 0)
    said = _tesseract(picture, ["--psm", "0", "-l", "osd"], budget)
    degrees = next((int(line.split(":")[1]) for line in (said or "").splitlines() if line.startswith("Rotate:")), 0)
    again = _recognised(picture.rotate(-degrees, expand=True), points, budget) if degrees in (90, 180, 270) else None
    if again is None or _lies(again):
        return found, 0
    return again, degrees


def _lies(words: Words) -> bool:
    """True where the letters can hardly be read, or most words are taller than they are wide."""
    long = [word for word in words if len(word[4]) >= 4]
    tall = sum(word[3] - word[1] > word[2] - word[0] for word in long)
    return bool(2 * tall > len(long) or sum(word[5] for word in words) < _LYING * len(words))


def _recognised(picture: Picture, points: float, budget: Budget) -> Words | None:
    said = _tesseract(picture, ["-l", "+".join(_languages()), "--psm", "3", "tsv"], budget)
    if said is None:
        return None
    found: Words = []
    for line in said.splitlines()[1:]:
        cells = line.split("\t")
        if len(cells) < 12 or cells[0] != "5" or not cells[11].strip():
            continue
        left, top, width, height = (int(cell) for cell in cells[6:10])
        certainty = float(cells[10]) / 100
        if certainty >= _LEAST:
            box = (left, top, left + width, top + height)
            found.append([*(round(place * points, 1) for place in box), cells[11].strip(), round(certainty, 3)])
    return found


def _tesseract(picture: Picture, arguments: list[str], budget: Budget) -> str | None:
    """What tesseract prints of a picture, None where it fails or does not end in time."""
    if budget.is_over():
        return None
    given = io.BytesIO()
    picture.save(given, "PPM")
    try:
        with subprocess.Popen(  # noqa: S603  # a program of the system, on data from standard input
            [_program() or "tesseract", "stdin", "stdout", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"OMP_THREAD_LIMIT": "1"},
        ) as running:
            try:
                seconds = math.ceil(budget.cpu())
                resource.prlimit(running.pid, resource.RLIMIT_CPU, (seconds, seconds))
                said, _ = running.communicate(given.getvalue(), timeout=max(budget.clock(), 0.0))
            except (subprocess.TimeoutExpired, OSError):
                running.kill()
                return None
    except OSError:
        return None
    return said.decode("utf-8", "replace") if running.returncode == 0 else None


@cache
def _program() -> str | None:
    return shutil.which("tesseract", path=_WHERE)


@cache
def _languages() -> tuple[str, ...]:
    """Those of our languages whose data is installed; none where tesseract is not."""
    program = _program()
    if program is None:
        return ()
    try:
        ran = subprocess.run(  # noqa: S603
            [program, "--list-langs"], capture_output=True, timeout=20, env={}, check=False, text=True
        )
    except (subprocess.TimeoutExpired, OSError):
        return ()
    return tuple(name for name in LANGUAGES if name in ran.stdout.split())
