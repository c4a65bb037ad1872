"""The document reader of one process: made at the first document, for it loads models, and closed at the end."""

from __future__ import annotations

import threading
from collections.abc import Callable

from api.intake.pdf import PdfPool
from api.intake.reader import DocumentReader


class Readers:
    """`documents()` reads everything; `rows` needs neither models nor PDFs. `make` makes the former, once."""

    def __init__(self, make: Callable[[], DocumentReader]) -> None:
        self.rows = DocumentReader(None, PdfPool(size=1))
        self._make = make
        self._made: DocumentReader | None = None
        self._lock = threading.Lock()

    def documents(self) -> DocumentReader:
        """Raises Unavailable where the models cannot be loaded."""
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made

    def close(self) -> None:
        with self._lock:
            for reader in (self.rows, self._made):
                if reader is not None:
                    reader.pdf.close()
