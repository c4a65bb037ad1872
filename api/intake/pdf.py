"""PDFs are parsed in child processes (see `children`), and so is whatever else a reader needs a child for."""

from __future__ import annotations

import base64
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from api.intake import unseen
from api.intake.children import MEMORY_MB, Allowance, ChildPool, Kind, Lost
from governance.case import Finding
from governance.errors import Unreadable
from models.layout import Word

_REASONS = {
    "encrypted": ("encrypted_pdf", "The PDF is protected by a password. Ask the sender for it without protection."),
    "malformed": ("malformed_pdf", "The PDF is damaged or cut off. Ask the sender to send it again."),
    "no_pages": ("malformed_pdf", "The PDF has no pages. Ask the sender to send it again."),
    "limits": (
        "pdf_limits",
        "The PDF needs more memory than is allowed, or breaks the parser. Ask the sender for a plain print to PDF.",
    ),
    "deadline": (
        "pdf_limits",
        "The PDF takes too long to read. Ask the sender for a smaller file or a plain print to PDF.",
    ),
}


_PDF = Kind("PDF", "api.intake.pdf_child", "pypdfium2")


@dataclass(frozen=True, slots=True)
class PdfContent:
    """What a PDF holds: running text of the pages read, number of pages, embedded XML files by name, the words of
    the first pages with their places, and what its pages hide."""

    text: str
    pages: int
    pages_read: int
    attachments: tuple[tuple[str, bytes], ...]
    words: tuple[Word, ...] = ()
    findings: tuple[Finding, ...] = ()


class PdfPool(ChildPool):
    """Parses PDFs in up to `size` child processes. Safe for threads. Close it, or use it as a context manager.

    `memory_mb` bounds the data of one child, `deadline` (seconds, wall clock) one document. `beside` gives the
    children for other kinds of files, which end with this pool.
    """

    def __init__(
        self, *, size: int = 2, memory_mb: int = MEMORY_MB, deadline: float = 10.0, recycle_after: int = 200
    ) -> None:
        super().__init__(_PDF, size=size, memory_mb=memory_mb, deadline=deadline, recycle_after=recycle_after)
        self._beside: dict[Kind, ChildPool] = {}
        self._lock = threading.Lock()

    def parse(self, content: bytes, allowance: Allowance | None = None) -> PdfContent:
        """One document. Raises Unreadable (reason_code `encrypted_pdf`, `malformed_pdf`, `pdf_limits`), and
        Unavailable where the parser itself does not start or the pool is closed."""
        try:
            answer = self.ask(content, allowance)
        except Lost as lost:
            raise _unreadable(lost.kind) from None
        if "error" in answer:
            raise _unreadable(str(answer["error"]))
        return _content(answer)

    def parse_many(
        self, contents: Sequence[bytes], allowances: Sequence[Allowance | None] = ()
    ) -> list[PdfContent | Unreadable]:
        """One result a document, in order; a refused document is its Unreadable."""

        def one(item: tuple[bytes, Allowance | None]) -> PdfContent | Unreadable:
            try:
                return self.parse(*item)
            except Unreadable as refusal:
                return refusal

        return self.map(one, list(zip(contents, allowances or [None] * len(contents), strict=True)))

    def beside(self, kind: Kind) -> ChildPool:
        """The pool for another kind of file, with the limits of this one."""
        with self._lock:
            if kind not in self._beside:
                made = ChildPool(
                    kind,
                    size=self.size,
                    memory_mb=self.memory_mb,
                    deadline=self.deadline,
                    recycle_after=self.recycle_after,
                )
                if self._closed:
                    made.close()
                self._beside[kind] = made
            return self._beside[kind]

    def close(self) -> None:
        super().close()
        with self._lock:
            others = list(self._beside.values())
        for pool in others:
            pool.close()


def _unreadable(kind: str) -> Unreadable:
    code, reason = _REASONS.get(kind, _REASONS["malformed"])
    return Unreadable(reason, reason_code=code)


def _content(answer: dict[str, Any]) -> PdfContent:
    text = str(answer["text"])
    hidden = [(int(page), str(kind), str(said)) for page, kind, said in answer["hidden"]]
    findings = unseen.on_pages(hidden, answer["layers"], answer["unchecked"]) + unseen.characters(text)
    return PdfContent(
        text=unseen.visible(text),
        pages=int(answer["pages"]),
        pages_read=int(answer["pages_read"]),
        attachments=tuple((str(name), base64.b64decode(data)) for name, data in answer["attachments"]),
        words=tuple(word for place in answer["words"] if (word := _word(*place)).text),
        findings=tuple(findings),
    )


def _word(page: int, left: float, top: float, right: float, bottom: float, text: str) -> Word:
    return Word(page, left, top, right, bottom, unseen.visible(text))
