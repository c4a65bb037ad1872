"""How well documents are read: fields against what is in them, classes on writers never seen, and when it abstains."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from api.intake.pdf import PdfPool
from api.intake.reader import Accepted, DocumentReader, Incoming
from evals import datasets, document_classes
from evals.datasets import Expected
from evals.fields import LEAST_DOCUMENTS, judged_field, written_day
from evals.results import Dots, Metric, Plot, SuiteResult, Table, words
from evals.scorers import mean, resampled
from evals.suites import Options, tracked
from governance.case import FIELD_NAMES
from governance.errors import Unavailable
from models.extraction import extract

_BATCH = 16
_ABOUT = (
    "Fields: the share of documents whose field was read exactly, where the document has it, and the share of fields "
    "invented where it has none. Classes: accuracy of the answers that were given, on writers that no model has seen; "
    "where the model is unsure it says so. Intervals are over documents, for classes over groups of one writer."
)


@dataclass(frozen=True, slots=True)
class Read:
    """One corpus after reading: per document its file, whether it was accepted, class, fields; and the time it took."""

    name: str
    files: Sequence[Expected]
    classes: Sequence[str | None]
    fields: Sequence[Mapping[str, str | None]]
    seconds: float


def run(options: Options) -> SuiteResult:
    notes: list[str] = []
    with PdfPool() as pool:
        corpora = [
            read for name, files in _corpora(options, notes).items() for read in _read(name, files, options, pool)
        ]
    classes = document_classes.run(options)
    metrics = [metric for corpus in corpora for metric in _metrics(corpus, options)]
    return SuiteResult(
        suite="documents",
        about=_ABOUT,
        metrics=[*metrics, *classes.metrics],
        tables=[_fields_table(corpora), *classes.tables],
        plots=[_plot(metrics), *classes.plots],
        notes=[*notes, *classes.notes],
    )


def _corpora(options: Options, notes: list[str]) -> dict[str, list[Expected]]:
    """Every corpus with its files. What is not there is noted."""
    month = datasets.company_documents(options.seed, options.scale)
    bills = [one for one in month.documents if one.fields]
    notes.append("Made-up documents come from the generator that the models were trained on, from seeds of their own.")
    corpora = {
        "made_up_xml": [Expected(one.name, one.content, _complete(one.fields), "invoice") for one in bills],
        "made_up_text": [
            Expected(f"{one.name}.txt", one.text.encode(), _complete(one.fields), "invoice") for one in bills
        ],
    }
    if options.folder is None:
        notes.append("No folder with real documents was given: made-up bills only.")
        return corpora
    try:
        named, gone = datasets.expected_documents(options.folder, options.seed, options.scale)
    except Unavailable as missing:
        notes.append(missing.detail)
    else:
        corpora |= named
        notes += [f"{gone} files that expected_fields.json names are not there"] if gone else []
    if slips := datasets.receipts(options.folder, options.seed, options.scale, written_day):
        corpora["receipts"] = slips
    return corpora


def _complete(fields: Mapping[str, str]) -> dict[str, str | None]:
    """A made-up bill tells everything that is in it: what is not named is not there."""
    return {name: fields.get(name) for name in FIELD_NAMES}


def _read(name: str, files: Sequence[Expected], options: Options, pool: PdfPool) -> list[Read]:
    """The corpus as the reader reads it; PDFs with data inside also as if they had none."""
    reader = DocumentReader(options.bundle.classifier, pool)
    classes: list[str | None] = []
    fields: list[Mapping[str, str | None]] = []
    texts: list[str] = []
    started = time.perf_counter()
    for at in tracked(range(0, len(files), _BATCH), f"reading {name}"):
        part = files[at : at + _BATCH]
        for result in reader.read([Incoming(one.name, one.content) for one in part]):
            accepted = result if isinstance(result, Accepted) else None
            classes.append(accepted.reading.document_class if accepted and not accepted.reading.abstained else None)
            fields.append(accepted.reading.fields if accepted else {})
            texts.append(accepted.reading.text if accepted else "")
    read = [Read(name, files, classes, fields, time.perf_counter() - started)]
    if name == "hybrid_pdf":
        started = time.perf_counter()
        found = [one.fields for one in extract(texts)]
        read.append(Read("hybrid_pdf_text", files, [None] * len(files), found, time.perf_counter() - started))
    return read


def _metrics(corpus: Read, options: Options) -> list[Metric]:
    metrics = []
    everything: list[tuple[int, bool]] = []
    invented: list[tuple[int, bool]] = []
    for field in FIELD_NAMES:
        rows = []
        for at, (file, found) in enumerate(zip(corpus.files, corpus.fields, strict=True)):
            right = judged_field(field, file.fields, found)
            if right is not None and file.fields.get(field) is not None:
                rows.append((at, right))
            elif right is not None:
                invented.append((at, not right))
        if len(rows) >= LEAST_DOCUMENTS:
            metrics.append(_share(corpus.name, field, rows, options))
        everything += rows
    if everything:
        metrics.insert(0, _share(corpus.name, "field_accuracy", everything, options))
    # A page may well say what the data inside it leaves out, so there only the data itself can be said to invent.
    if invented and corpus.name not in ("hybrid_pdf_text", "receipts"):
        metrics.append(_share(corpus.name, "invented_share", invented, options))
    named = [
        (at, corpus.classes[at] == one.document_class) for at, one in enumerate(corpus.files) if one.document_class
    ]
    if named and corpus.name != "hybrid_pdf_text":
        metrics.append(_share(corpus.name, "class_accuracy", named, options))
    per_file = 1000 * corpus.seconds / max(1, len(corpus.files))
    return [*metrics, Metric(corpus.name, "time_per_document", per_file, count=len(corpus.files), unit="ms")]


def _share(corpus: str, name: str, rows: Sequence[tuple[int, bool]], options: Options) -> Metric:
    """The share of True with an interval over documents."""
    right = np.array([float(one) for _, one in rows])
    found = resampled(lambda at: mean(right[at]), [at for at, _ in rows], options.seed, options.resamples)
    return Metric(corpus, name, found.value, found.low, found.high, len(rows))


def _fields_table(corpora: Sequence[Read]) -> Table:
    rows: list[list[str | int | float | None]] = []
    for corpus in corpora:
        row: list[str | int | float | None] = [words(corpus.name), len(corpus.files)]
        for field in FIELD_NAMES:
            judged = [
                right
                for file, found in zip(corpus.files, corpus.fields, strict=True)
                if file.fields.get(field) is not None and (right := judged_field(field, file.fields, found)) is not None
            ]
            row.append(sum(judged) / len(judged) if judged else None)
        if any(isinstance(cell, float) for cell in row):
            rows.append(row)
    columns = ("corpus", "documents", *(words(name) for name in FIELD_NAMES))
    note = "Share of documents whose field was read exactly, where it is in the document. Empty: none has it."
    return Table("Fields by corpus", columns, rows, note)


def _plot(metrics: Sequence[Metric]) -> Plot:
    points = [(words(one.dataset), one.value, one.low, one.high) for one in metrics if one.name == "field_accuracy"]
    note = (
        "Share of all fields that were read exactly, where the document has them, with 95 % intervals over documents."
    )
    return Dots("Fields read exactly, by corpus", note, "share of fields", points)
