"""Pictures of a document's pages, made in child processes: what a person sees is never the stranger's file itself."""

from __future__ import annotations

import base64
import struct
from dataclasses import dataclass
from typing import Any

from api.intake.children import ChildPool, Kind, Lost
from governance.errors import NotFound, Unreadable

RENDERER = Kind("page", "api.intake.render_child", "pypdfium2 and Pillow")
_REASONS = {
    "encrypted": "The pages cannot be shown: the PDF is protected by a password.",
    "malformed": "The page cannot be shown: it is damaged.",
    "no_pages": "There are no pages to show.",
    "deadline": "The page cannot be shown: it takes too long to draw.",
    "limits": "The page cannot be shown: it needs more memory than is allowed.",
}
_PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"BM")


@dataclass(frozen=True, slots=True)
class Pages:
    """How many pages there are, and the size of the first ones in points; (0, 0) for one that cannot be shown."""

    count: int
    sizes: tuple[tuple[float, float], ...]


def has_pages(content: bytes) -> bool:
    """Whether this kind of file has pages to look at: PDFs and pictures."""
    webp = content[:4] == b"RIFF" and content[8:12] == b"WEBP"
    return b"%PDF-" in content[:1024] or content.startswith(_PICTURES) or webp


class PagePictures:
    """Draws pages in up to `size` child processes, which start when they are needed. Safe for threads; close it."""

    def __init__(self, *, size: int = 1) -> None:
        self._pool = ChildPool(RENDERER, size=size)

    def pages(self, content: bytes) -> Pages:
        """The pages of a PDF or picture. Raises Unreadable with the reason in words, Unavailable."""
        answer = self._ask(0, content)
        return Pages(int(answer["pages"]), tuple((float(width), float(height)) for width, height in answer["sizes"]))

    def png(self, content: bytes, page: int) -> bytes:
        """One page, from 1, as a PNG of at most render_child.WIDTH x HEIGHT pixels.

        Raises NotFound for a page that there is not, Unreadable, Unavailable.
        """
        return base64.b64decode(str(self._ask(page, content)["png"]))

    def _ask(self, page: int, content: bytes) -> dict[str, Any]:
        try:
            answer = self._pool.ask(struct.pack(">I", page) + content)
        except Lost as lost:
            raise Unreadable(_REASONS[lost.kind]) from None
        error = answer.get("error")
        if error == "no_page":
            raise NotFound("The document has no such page.")
        if error is not None:
            raise Unreadable(_REASONS.get(str(error), _REASONS["malformed"]))
        return answer

    def close(self) -> None:
        self._pool.close()
