"""Pictures of documents become words with places, in a child process that asks tesseract.

Without tesseract, or without the data of one of our languages, a picture goes to a person.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from math import prod
from statistics import mean

from schwifty import IBAN

from api.intake.children import Kind, Lost
from api.intake.pdf import PdfPool
from api.intake.results import Incoming
from governance.case import Reading
from governance.errors import Unreadable
from models.extraction import Evidence, Extraction
from models.layout import Box, Word

SECONDS = 8.0
"""CPU time that tesseract may take for one file (a page: about 1.5 s); what was not read by then is said."""

INSTALL = "install tesseract-ocr and, by language, tesseract-ocr-eng, -deu, -fra, -spa, -ita, -nld (Debian)"
_OCR = Kind("picture", "api.intake.ocr_child", "Pillow and pypdfium2", slack=6.0)
# Certainty of tesseract 5.3 and share of words that were right, of 6,678 words on pages that were made pictures of 150
# to 300 dpi, two thirds of them blurred, turned a little, noisy and compressed; on 5,400 other words it is off by 1 %.
_RIGHT = (
    (0.25, 0.15), (0.5, 0.28), (0.7, 0.52), (0.8, 0.68), (0.86, 0.8), (0.9, 0.9), (0.92, 0.947), (0.94, 0.967),
    (0.96, 0.985), (1.0, 0.995),
)  # fmt: skip
_ACCOUNT = re.compile(r"[A-Z]{2}[0-9OQDIl|SBZ]{2}[0-9A-Za-z|]*$")
_DIGITS = str.maketrans("OQDIl|SBZ", "000111582")
_REASONS = {
    "malformed": ("malformed_picture", "The picture is damaged or cut off. Ask the sender to send it again."),
    "encrypted": ("encrypted_pdf", "The PDF is protected by a password. Ask the sender for it without protection."),
    "limits": ("picture_limits", "The picture has too many pixels. Ask the sender for a smaller one, or for a PDF."),
    "deadline": ("picture_limits", "The picture takes too long to read. Ask the sender for a smaller one."),
}


@dataclass(frozen=True, slots=True)
class Recognised:
    """What OCR read: number of pages, those that were read, degrees by which pages were turned, and the words, each
    with tesseract's own certainty (0 to 1; see chance_right)."""

    pages: int
    read: tuple[int, ...]
    turned: Mapping[int, int]
    words: tuple[Word, ...]
    certainty: tuple[float, ...]

    def notes(self) -> list[str]:
        """What people should know of how it was read."""
        if not self.read:
            return ["read by OCR: it took too long, and nothing was read; send fewer pages or a text PDF"]
        if not self.words:
            return ["read by OCR: no text was found"]
        notes = [f"read by OCR, words {mean(self.certainty):.0%} certain on average: compare with the picture"]
        missing = [page for page in range(1, self.pages + 1) if page not in self.read]
        if missing:
            shown = ", ".join(map(str, missing[:10])) + (" and more" if len(missing) > 10 else "")
            notes.append(f"OCR did not get to page {shown} in time; send fewer pages in one file")
        notes += [f"page {page} was turned by {degrees} degrees" for page, degrees in self.turned.items()]
        return notes


def recognise(
    pool: PdfPool, items: Sequence[Incoming], seconds: float = SECONDS
) -> list[Recognised | Unreadable | None]:
    """One result a file (a picture, or a PDF of pictures), in order; None where tesseract is not there.

    Raises Unavailable where no child starts.
    """
    children = pool.beside(replace(_OCR, deadline=_OCR.slack * seconds + 5))

    def one(item: Incoming) -> Recognised | Unreadable | None:
        left = seconds if item.allowance is None else min(seconds, item.allowance.seconds)
        try:
            answer = children.ask(struct.pack(">d", left) + item.content, item.allowance)
        except Lost as lost:
            answer = {"error": lost.kind}
        error = answer.get("error")
        if error == "no_ocr":
            return None
        if error is not None:
            code, reason = _REASONS.get(str(error), _REASONS["malformed"])
            return Unreadable(reason, reason_code=code)
        words = answer["words"]
        placed = _with_accounts([Word(*word[:6]) for word in words])
        return Recognised(
            pages=int(answer["pages"]),
            read=tuple(answer["read"]),
            turned={int(page): int(degrees) for page, degrees in answer["turned"].items()},
            words=tuple(placed),
            certainty=tuple(float(word[6]) for word in words),
        )

    return children.map(one, items)


def _with_accounts(words: list[Word]) -> list[Word]:
    """The words with IBANs whose letters were digits, such as DEO2: the check digits tell."""
    for at, word in enumerate(words):
        if not _ACCOUNT.match(word.text):
            continue
        run = [at]
        while run[-1] + 1 < len(words) and _beside(words[run[-1]], words[run[-1] + 1]) and len(run) < 9:
            run.append(run[-1] + 1)
        for end in range(len(run), 0, -1):
            texts = [words[place].text for place in run[:end]]
            if (digits := _account(texts)) is not None:
                for place, text in zip(run, digits, strict=False):
                    words[place] = replace(words[place], text=text)
                break
    return words


def _beside(one: Word, other: Word) -> bool:
    return one.page == other.page and abs(one.top - other.top) < one.bottom - one.top and one.right <= other.left + 1


def _account(texts: Sequence[str]) -> list[str] | None:
    """The texts as an IBAN, where some of their letters are digits; None where they are none, or need no help."""
    written = "".join(texts)
    if not 15 <= len(written) <= 34:
        return None
    for read in (
        written[:2] + written[2:4].translate(_DIGITS) + written[4:],
        written[:2] + written[2:].translate(_DIGITS),
    ):
        if read != written and IBAN(read, allow_invalid=True).is_valid:
            cuts = list(accumulate(map(len, texts), initial=0))
            return [read[start:end] for start, end in pairwise(cuts)]
    return None


def chance_right(box: Box, words: Sequence[Word], certainty: Sequence[float]) -> float | None:
    """The chance that all words in a box were read letter by letter, None where there is none."""
    inside = [
        _right(sure)
        for word, sure in zip(words, certainty, strict=True)
        if word.page == box.page
        and box.left <= (word.left + word.right) / 2 <= box.right
        and box.top <= (word.top + word.bottom) / 2 <= box.bottom
    ]
    return prod(inside) if inside else None


def _right(certainty: float) -> float:
    """The chance that a word is right to the letter, from tesseract's own certainty, which promises too much."""
    for (low, least), (high, most) in pairwise(_RIGHT):
        if certainty <= high:
            return least + (most - least) * max(certainty - low, 0.0) / (high - low)
    return _RIGHT[-1][1]


def as_recognised(reading: Reading, found: Extraction, words: Sequence[Word], certainty: Sequence[float]) -> Reading:
    """The reading of OCR's words: its basis says so, and no field is surer than the words that it was read from."""
    sure = {
        name: _surely(value, found.evidence.get(name), words, certainty)
        for name, value in reading.field_confidence.items()
    }
    basis = reading.basis if reading.basis == "none" else f"ocr:{reading.basis}"
    return replace(reading, basis=basis, field_confidence=sure)


def _surely(
    confidence: float | None, place: Evidence | None, words: Sequence[Word], certainty: Sequence[float]
) -> float | None:
    """Nothing can be said where it is not known how certain the words were."""
    right = None if place is None else chance_right(place.box, words, certainty)
    return None if confidence is None or right is None else round(confidence * right, 3)
