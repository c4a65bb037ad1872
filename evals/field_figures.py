"""Figures on fields that were read: how many are right, what the confidence is worth, what may go without a person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evals.fields import LEAST_DOCUMENTS, judged_field, same_name, shown
from evals.readings import Corpus
from evals.results import Dots, Lines, Metric, Plot, Table, words
from evals.scorers import coverage_curve, ece, mean, reliability, resampled
from evals.suites import Options
from governance.case import FIELD_NAMES
from models.extraction import ACCEPT


@dataclass(frozen=True, slots=True)
class Judged:
    """One field of one document that has it. confidence: None where none was given; right_but_form: right, or a
    supplier that differs in its legal form only; shown: whether the text that was read has the value at all."""

    at: int
    field: str
    given: bool
    right: bool
    right_but_form: bool
    shown: bool
    confidence: float | None

    @property
    def accepted(self) -> bool:
        """Whether it needs no second look."""
        return self.given and self.confidence is not None and self.confidence >= ACCEPT


def judged(corpus: Corpus) -> list[Judged]:
    """Every field of every document, where the truth is known and there is one."""
    return [one for at in range(len(corpus.files)) for one in _of_document(corpus, at)]


def _of_document(corpus: Corpus, at: int) -> Iterator[Judged]:
    truth, reading = corpus.files[at].fields, corpus.readings[at]
    for field in FIELD_NAMES:
        said, read = truth.get(field), reading.fields.get(field)
        right = judged_field(field, truth, reading.fields)
        if right is not None and said is not None and said.strip():
            alike = right or (field == "supplier" and same_name(said, read))
            there = shown(field, said, reading.text)
            yield Judged(at, field, read is not None, right, alike, there, reading.field_confidence.get(field))


def measured(corpus: Corpus, options: Options) -> list[Metric]:
    """Shares of fields that were read right, by field and together; for what a model chose, what it is sure of."""
    everything = judged(corpus)
    metrics = [_share(corpus, "field_accuracy", everything, [one.right for one in everything], options)]
    for field in FIELD_NAMES:
        rows = [one for one in everything if one.field == field]
        if len(rows) >= LEAST_DOCUMENTS:
            metrics.append(_share(corpus, field, rows, [one.right for one in rows], options))
    chosen = [one for one in everything if one.field != "currency"]
    if not chose(corpus) or not chosen:
        return metrics if everything else []
    names = [one for one in everything if one.field == "supplier"]
    if len(names) >= LEAST_DOCUMENTS:
        metrics.append(_share(corpus, "supplier_but_form", names, [one.right_but_form for one in names], options))
    there = [one for one in everything if one.shown]
    metrics += [
        _share(corpus, "field_accuracy_where_shown", there, [one.right for one in there], options),
        _share(corpus, "accepted_share", chosen, [one.accepted for one in chosen], options),
    ]
    taken = [one for one in chosen if one.accepted]
    if taken:
        metrics += [
            _share(corpus, "accepted_right", taken, [one.right for one in taken], options),
            _share(corpus, "accepted_right_but_form", taken, [one.right_but_form for one in taken], options),
        ]
    seen = [one for one in taken if one.shown]
    if seen:
        hits = [one.right_but_form for one in seen]
        metrics.append(_share(corpus, "accepted_right_where_shown", seen, hits, options))
    sure, right = _confidences(chosen)
    return [*metrics, Metric(corpus.name, "field_ece", ece(right, sure), count=len(right))]


def chose(corpus: Corpus) -> bool:
    """Whether fields of this corpus were chosen among candidates, and not read out of a structure."""
    return any(one.basis != "structured" and any(one.field_confidence.values()) for one in corpus.readings)


def invented(corpus: Corpus, options: Options) -> list[Metric]:
    """The share of fields that were read where the document has none."""
    rows = []
    for at, (file, found) in enumerate(zip(corpus.files, corpus.fields, strict=True)):
        for field in FIELD_NAMES:
            said = file.fields.get(field, "unknown")
            if said is None or not said.strip():
                rows.append((at, found.get(field) is not None))
    if not rows:
        return []
    values = np.array([float(one) for _, one in rows])
    groups = [corpus.writers[at] for at, _ in rows]
    found_share = resampled(lambda at: mean(values[at]), groups, options.seed, options.resamples)
    return [Metric(corpus.name, "invented_share", found_share.value, found_share.low, found_share.high, len(rows))]


def _share(corpus: Corpus, name: str, rows: Sequence[Judged], hits: Sequence[bool], options: Options) -> Metric:
    """The share of True with an interval over writers: bills of one writer are read right or wrong together."""
    values, writers = np.array(hits, dtype=float), corpus.writers
    found = resampled(lambda at: mean(values[at]), [writers[one.at] for one in rows], options.seed, options.resamples)
    return Metric(corpus.name, name, found.value, found.low, found.high, len(rows))


def _confidences(rows: Sequence[Judged]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """(confidence, right) of what was read with a confidence."""
    given = [one for one in rows if one.given and one.confidence is not None]
    return np.array([one.confidence for one in given], dtype=float), np.array([one.right for one in given], dtype=int)


def by_corpus(corpora: Sequence[Corpus]) -> Table:
    rows: list[list[str | int | float | None]] = []
    for corpus in corpora:
        everything = judged(corpus)
        row: list[str | int | float | None] = [words(corpus.name), len(corpus.files)]
        row += [_mean([one.right for one in everything if one.field == field]) for field in FIELD_NAMES]
        if everything:
            rows.append(row)
    columns = ("corpus", "documents", *(words(name) for name in FIELD_NAMES))
    note = "Share of documents whose field was read exactly, where it is in the document. Empty: none has it."
    return Table("Fields by corpus", columns, rows, note)


def by_field(corpora: Sequence[Corpus]) -> Table:
    """One line for each field that was chosen among candidates."""
    rows: list[list[str | int | float | None]] = []
    for corpus in corpora:
        if not chose(corpus):
            continue
        everything = judged(corpus)
        for field in FIELD_NAMES:
            own = [one for one in everything if one.field == field]
            if not own:
                continue
            taken = [one for one in own if one.accepted]
            rows.append(
                [words(corpus.name), words(field), len(own), sum(one.shown for one in own),
                 _mean([one.right for one in own]), _mean([one.right for one in own if one.shown]),
                 _mean([one.right_but_form for one in own]), len(taken) / len(own),
                 _mean([one.right for one in taken]), _mean([one.right_but_form for one in taken])]
            )  # fmt: skip
    columns = ("corpus", "field", "documents", "shown", "right", "right where shown", "right but for the legal form",
               "accepted", "accepted: right", "accepted: right but for the legal form")  # fmt: skip
    note = (
        "Documents: those whose truth has the field. Shown: those whose text has the value. Accepted: read with a "
        f"confidence of {ACCEPT:g} and more, so that nobody need look again. Currencies have no confidence."
    )
    return Table("Fields that were chosen on the page", columns, rows, note)


def _mean(hits: Sequence[bool]) -> float | None:
    return sum(hits) / len(hits) if hits else None


def times(corpora: Sequence[Corpus]) -> Table:
    rows: list[list[str | int | float | None]] = [
        [words(one.name), len(one.files), *(float(np.quantile(one.cpu_ms, at)) for at in (0.5, 0.95, 1.0))]
        for one in corpora
        if one.cpu_ms
    ]
    note = "CPU of one document, read by itself: this process and the child that parses, start-up left out."
    return Table("CPU per document", ("corpus", "documents", "median ms", "p95 ms", "most ms"), rows, note)


def plots(corpora: Sequence[Corpus]) -> list[Plot]:
    """Coverage, reliability and accuracy by field of what was chosen on pages."""
    curves, sure_right = {}, {}
    for corpus in corpora:
        sure, right = _confidences([one for one in judged(corpus) if one.field != "currency"])
        if chose(corpus) and len(right):
            curve = coverage_curve(sure, right)
            curves[words(corpus.name)] = curve[:: max(1, len(curve) // 80)]
            sure_right[words(corpus.name)] = [(said, seen) for said, seen, _ in reliability(right, sure)]
    return [
        Lines(
            "Fields taken and fields right",
            "Share of right fields when only the most confident share of what was read is taken without a look.",
            "share of fields taken",
            "share right",
            curves,
        ),
        Lines(
            "Confidence in a field and truth",
            "Share of right fields among those of like confidence. On the diagonal the confidence is what it says.",
            "confidence",
            "share right",
            sure_right,
            diagonal=True,
        ),
    ]


def dots(metrics: Sequence[Metric]) -> list[Plot]:
    """All fields by corpus; each field of text PDFs."""
    points = [(words(one.dataset), one.value, one.low, one.high) for one in metrics if one.name == "field_accuracy"]
    fields = [
        (words(one.name), one.value, one.low, one.high)
        for one in metrics
        if one.dataset == "hybrid_pdf_text" and one.name in (*FIELD_NAMES, "supplier_but_form")
    ]
    note = "Share of fields that were read exactly, where the document has them, with 95 % intervals over writers."
    found: list[Plot] = [Dots("Fields read exactly, by corpus", note, "share of fields", points)]
    return [*found, Dots("Fields of text PDFs", note, "share of documents", fields)] if fields else found
