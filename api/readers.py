"""The document reader of one process: made at the first document, for it loads models, kept up with the champion that
the record names, and closed at the end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from api.intake.pdf import PdfPool
from api.intake.reader import DocumentReader
from api.intake.render import PagePictures
from models.classifier import DocumentClassifier


class Readers:
    """`documents()` reads everything; `rows` needs neither models nor PDFs. `make` makes the former, once. `pictures`
    draws pages for people.

    `classifier` gives the champion; it is asked again at most every `seconds`.
    """

    def __init__(
        self,
        make: Callable[[], DocumentReader],
        classifier: Callable[[], DocumentClassifier] | None = None,
        *,
        seconds: float = 10.0,
    ) -> None:
        self.rows = DocumentReader(None, PdfPool(size=1))
        self.pictures = PagePictures()
        self._make = make
        self._classifier = classifier
        self._seconds = seconds
        self._again_at = 0.0
        self._made: DocumentReader | None = None
        self._lock = threading.Lock()

    def documents(self) -> DocumentReader:
        """Raises Unavailable where the champion cannot be loaded: nothing is read with one that it was before."""
        with self._lock:
            now = time.monotonic()
            if self._made is None:
                self._made = self._make()
            elif self._classifier is not None and now >= self._again_at:
                self._made.classifier = self._classifier()
            else:
                return self._made
            self._again_at = now + self._seconds
            return self._made

    def close(self) -> None:
        with self._lock:
            for reader in (self.rows, self._made):
                if reader is not None:
                    reader.pdf.close()
            self.pictures.close()
