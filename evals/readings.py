"""Files as the reader reads them, one at a time: class, fields, what it is sure of, and the CPU that it took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from api.intake.children import Allowance
from api.intake.pdf import PdfContent, PdfPool
from api.intake.reader import Accepted, DocumentReader, Incoming
from evals.cpu import cpu_seconds
from evals.datasets import Expected
from evals.suites import tracked
from governance.case import Reading
from governance.errors import Unreadable
from models.classifier import DocumentClassifier

_REFUSED = Reading("other", None, True, "none")


@dataclass(frozen=True, slots=True)
class Corpus:
    """Files of one kind with what was read of each; `cpu_ms`: CPU of each, child processes included."""

    name: str
    files: Sequence[Expected]
    readings: Sequence[Reading]
    cpu_ms: Sequence[float]

    @property
    def fields(self) -> list[Mapping[str, str | None]]:
        return [one.fields for one in self.readings]

    @property
    def classes(self) -> list[str | None]:
        """The class that was answered; None where a person must say."""
        return [None if one.abstained else one.document_class for one in self.readings]

    @property
    def writers(self) -> list[str]:
        """What stands for the writer of each file: its supplier, else the file itself."""
        return [str(one.fields.get("supplier") or one.name).casefold() for one in self.files]


class TextPool(PdfPool):
    """A pool that does not hand on the files inside a PDF: a hybrid is then read as a PDF that is only text."""

    def parse(self, content: bytes, allowance: Allowance | None = None) -> PdfContent:
        return replace(super().parse(content, allowance), attachments=())

    def parse_many(
        self, contents: Sequence[bytes], allowances: Sequence[Allowance | None] = ()
    ) -> list[PdfContent | Unreadable]:
        return [
            replace(one, attachments=()) if isinstance(one, PdfContent) else one
            for one in super().parse_many(contents, allowances)
        ]


def read_corpus(name: str, files: Sequence[Expected], classifier: DocumentClassifier, pool: PdfPool) -> Corpus:
    """One file after the other: what a single document costs, and whose CPU it was, can be told apart."""
    reader = DocumentReader(classifier, pool)
    reader.read([Incoming(one.name, one.content) for one in files[:1]])  # starts the child, loads what is loaded once
    readings, cpu = [], []
    for one in tracked(files, f"reading {name.replace('_', ' ')}"):
        started = cpu_seconds()
        (result,) = reader.read([Incoming(one.name, one.content)])
        cpu.append(1000 * max(0.0, cpu_seconds() - started))
        readings.append(result.reading if isinstance(result, Accepted) else _REFUSED)
    return Corpus(name, files, readings, cpu)
