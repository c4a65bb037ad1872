"""How well documents are read: fields against what is in them, classes on writers never seen, and when it abstains."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from api.intake.pdf import PdfPool
from evals import datasets, document_classes, field_figures
from evals.datasets import Expected
from evals.fields import written_day
from evals.readings import Corpus, TextPool, read_corpus
from evals.results import Metric, SuiteResult
from evals.scorers import mean, resampled
from evals.suites import Options
from governance.case import FIELD_NAMES
from governance.errors import Unavailable

_ABOUT = (
    "Fields: the share of documents whose field was read exactly, where the document has it, and the share of fields "
    "invented where it has none; for fields that were chosen on a page, how many may go without a second look and how "
    "many of these are right. Classes: accuracy of the answers that were given, on writers that no model has seen; "
    "where the model is unsure it says so. Intervals are over writers: what one writer sends stands or falls together."
)
_TEXT = "hybrid_pdf_text"
# A page may well say what the data inside it leaves out, and a key what nobody asked for.
_NOT_COMPLETE = frozenset({_TEXT, "receipts"})


def run(options: Options) -> SuiteResult:
    notes: list[str] = []
    corpora = _read(_corpora(options, notes), options)
    classes = document_classes.run(options)
    metrics = [metric for corpus in corpora for metric in _metrics(corpus, options)]
    return SuiteResult(
        suite="documents",
        about=_ABOUT,
        metrics=[*metrics, *classes.metrics],
        tables=[
            field_figures.by_corpus(corpora),
            field_figures.by_field(corpora),
            field_figures.times(corpora),
            *classes.tables,
        ],
        plots=[*field_figures.dots(metrics), *field_figures.plots(corpora), *classes.plots],
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
    if filed := datasets.filed_pdfs(options.folder, options.seed, options.scale):
        corpora["filed_pdf"] = filed
    return corpora


def _complete(fields: Mapping[str, str]) -> dict[str, str | None]:
    """A made-up bill tells everything that is in it: what is not named is not there."""
    return {name: fields.get(name) for name in FIELD_NAMES}


def _read(files: Mapping[str, list[Expected]], options: Options) -> list[Corpus]:
    """Every corpus as the reader reads it; PDFs with data inside also as if they had none."""
    corpora = []
    with PdfPool(size=1) as pool, TextPool(size=1) as text_pool:
        for name, some in files.items():
            corpora.append(read_corpus(name, some, options.bundle.classifier, pool))
            if name == "hybrid_pdf":
                corpora.append(read_corpus(_TEXT, some, options.bundle.classifier, text_pool))
    return corpora


def _metrics(corpus: Corpus, options: Options) -> list[Metric]:
    metrics = field_figures.measured(corpus, options)
    if corpus.name not in _NOT_COMPLETE:
        metrics += field_figures.invented(corpus, options)
    return [*metrics, *_class_metrics(corpus, options), *_cpu(corpus)]


def _class_metrics(corpus: Corpus, options: Options) -> list[Metric]:
    """Right answers among all documents whose class is known, answers given, and right ones among those."""
    known = [at for at, one in enumerate(corpus.files) if one.document_class]
    said = corpus.classes

    def share(name: str, rows: list[int], hits: list[bool]) -> Metric:
        values = np.array(hits, dtype=float)
        writers = [corpus.writers[at] for at in rows]
        found = resampled(lambda at: mean(values[at]), writers, options.seed, options.resamples)
        return Metric(corpus.name, name, found.value, found.low, found.high, len(rows))

    def right(at: int) -> bool:
        return said[at] == corpus.files[at].document_class

    if not known:
        return []
    answered = [at for at in known if said[at] is not None]
    metrics = [
        share("class_accuracy", known, [right(at) for at in known]),
        share("class_answered_share", known, [said[at] is not None for at in known]),
    ]
    return [*metrics, share("class_of_answers", answered, [right(at) for at in answered])] if answered else metrics


def _cpu(corpus: Corpus) -> list[Metric]:
    """Of one document, child processes included."""
    return (
        [
            Metric(corpus.name, name, float(np.quantile(corpus.cpu_ms, at)), count=len(corpus.files), unit="ms")
            for name, at in (("cpu_per_document", 0.5), ("cpu_p95", 0.95))
        ]
        if corpus.cpu_ms
        else []
    )
