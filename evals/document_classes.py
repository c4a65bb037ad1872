"""Classes of documents on wording that was never seen: a held-out third of the phrase books, and sources left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evals import datasets
from evals.datasets import Labelled, held_out, sized
from evals.results import Lines, Metric, Plot, SuiteResult, Table, words
from evals.scorers import Floats, Ints, coverage_curve, ece, mean, resampled
from evals.suites import Options, tracked
from governance.errors import Unavailable
from models.classifier import Classified, DocumentClassifier, classify
from models.synthetic_text import FAMILIES, labelled_texts

BASE_TEXTS = 1000
"""Made-up texts that every trial model here is fitted on."""


@dataclass(frozen=True, slots=True)
class Answers:
    """n texts with the answer to each; confidence: of the model's own best class, whether it abstained or not."""

    name: str
    truth: Sequence[str]
    groups: Sequence[str]
    answers: Sequence[Classified]
    best: Sequence[str]
    confidence: Floats

    @property
    def answered(self) -> NDArray[np.bool_]:
        return np.array([not one.abstained for one in self.answers])

    @property
    def right(self) -> NDArray[np.bool_]:
        return np.array([one.document_class == said for one, said in zip(self.answers, self.truth, strict=True)])


def run(options: Options) -> SuiteResult:
    """Metrics, tables and plots of the classes alone: a part of the suite `documents`."""
    judged = [_held_out_wording(options)]
    notes: list[str] = []
    tables: list[Table] = []
    if options.folder is not None:
        try:
            texts = _thinned(datasets.labelled_documents(options.folder), options)
        except Unavailable as missing:
            notes.append(missing.detail)
        else:
            shipped = ask("sources_shipped", options.bundle.classifier, texts)
            judged += [shipped, _leave_one_source_out(texts, options)]
            tables = [_by_source(judged[1:])]
    return SuiteResult(
        suite="documents",
        about="",
        metrics=[metric for one in judged for metric in measured(one, options)],
        tables=tables,
        plots=[_coverage(judged)],
        notes=notes,
    )


def ask(name: str, model: DocumentClassifier, texts: Sequence[Labelled]) -> Answers:
    """What `classify` answers to texts without structure, and what the model alone would say."""
    words = [one.text for one in texts]
    probabilities = model.predict_proba(words)
    best = probabilities.argmax(axis=1) if len(words) else np.zeros(0, dtype=int)
    return Answers(
        name,
        [one.label for one in texts],
        [one.group for one in texts],
        classify(words, [None] * len(words), model),
        [str(model.classes_[at]) for at in best],
        probabilities.max(axis=1) if len(words) else np.zeros(0),
    )


def joined(name: str, parts: Sequence[Answers]) -> Answers:
    """Answers to the parts of one collection as one."""
    return Answers(
        name,
        [one for part in parts for one in part.truth],
        [one for part in parts for one in part.groups],
        [one for part in parts for one in part.answers],
        [one for part in parts for one in part.best],
        np.concatenate([part.confidence for part in parts]),
    )


def _held_out_wording(options: Options) -> Answers:
    """Each third of the phrase books in turn is read by a model that was fitted on the other two."""
    made = labelled_texts(held_out(options.seed, 600), sized(BASE_TEXTS, options.scale, 360))
    parts = []
    for family in tracked(range(FAMILIES), "unseen wording"):
        seen = [one for one in made if one.family != family]
        model = fitted([Labelled(one.text, one.document_class, "", str(one.family)) for one in seen], options.seed)
        unseen = [
            Labelled(one.text, one.document_class, "made up", f"{one.family} {one.language} {one.document_class}")
            for one in made
            if one.family == family
        ]
        parts.append(ask("", model, unseen))
    return joined("unseen_wording", parts)


def _leave_one_source_out(texts: Sequence[Labelled], options: Options) -> Answers:
    """Each source is read by a model fitted on made-up texts and all other sources: never a random split."""
    base = [
        Labelled(one.text, one.document_class, "", f"family {one.family}")
        for one in labelled_texts(held_out(options.seed, 601), sized(BASE_TEXTS, options.scale, 360))
    ]
    parts = []
    for source in tracked(sorted({one.source for one in texts}), "sources left out"):
        model = fitted([*base, *(one for one in texts if one.source != source)], options.seed)
        parts.append(ask("", model, [one for one in texts if one.source == source]))
    return joined("sources_left_out", parts)


def fitted(texts: Sequence[Labelled], seed: int) -> DocumentClassifier:
    """A classifier of these texts; the folds of its calibration share no group."""
    groups = {name: at for at, name in enumerate(sorted({one.group for one in texts}))}
    model = DocumentClassifier(seed=seed % 2**31)
    return model.fit([one.text for one in texts], [one.label for one in texts], [groups[one.group] for one in texts])


def _thinned(texts: Sequence[Labelled], options: Options) -> list[Labelled]:
    """At a smaller scale, the first groups of every source and class."""
    kept: list[Labelled] = []
    seen: dict[tuple[str, str], set[str]] = {}
    for one in texts:
        groups = seen.setdefault((one.source, one.label), set())
        if one.group in groups or options.scale >= 1.0 or len(groups) < sized(100, options.scale, 3):
            groups.add(one.group)
            kept.append(one)
    return kept


def measured(one: Answers, options: Options) -> list[Metric]:
    """Answers given, right and wrong, the model's own accuracy, and what its confidence is worth."""
    answered, right = one.answered, one.right
    best = np.array([said == seen for said, seen in zip(one.best, one.truth, strict=True)], dtype=np.int64)
    # A rule has no confidence: calibration is asked of the model's own answers.
    own = np.array([answer.basis == "model" for answer in one.answers], dtype=bool)

    def share(name: str, values: NDArray[np.bool_], rows: Ints) -> Metric:
        numbers = values.astype(float)
        found = resampled(
            lambda at: mean(numbers[rows[at]]), [one.groups[at] for at in rows], options.seed, options.resamples
        )
        return Metric(one.name, name, found.value, found.low, found.high, len(rows))

    everything = np.arange(len(one.truth))
    confidence = np.array([answer.confidence or 0.0 for answer in one.answers])
    return [
        share("accuracy_of_answers", right, np.flatnonzero(answered)),
        share("answered_share", answered, everything),
        share("wrong_share", answered & ~right, everything),
        share("model_accuracy", best.astype(bool), everything),
        Metric(one.name, "ece_of_answers", ece(right[own].astype(np.int64), confidence[own]), count=int(own.sum())),
        Metric(one.name, "ece_of_model", ece(best, one.confidence), count=len(best)),
    ]


def _by_source(judged: Sequence[Answers]) -> Table:
    """One line a source: how the shipped model and one that never saw the source do."""
    rows: list[tuple[str | int | float | None, ...]] = []
    shipped, left_out = judged
    for source in sorted({group.split("|")[0] for group in shipped.groups}):
        cells: list[str | int | float | None] = [source]
        for one in (shipped, left_out):
            at = np.array([group.split("|")[0] == source for group in one.groups])
            answered, right = one.answered[at], one.right[at]
            if one is shipped:
                cells.append(int(at.sum()))
            cells += [float(answered.mean()), float(right[answered].mean()) if answered.any() else None]
        rows.append(tuple(cells))
    columns = ("source", "texts", "shipped: answered", "shipped: right", "left out: answered", "left out: right")
    note = (
        "Right: share of the answers that were given. The shipped model saw none of these sources; the others were "
        f"fitted on fewer made-up texts ({BASE_TEXTS}) and on all sources but the one in question."
    )
    return Table("Classes by source", columns, rows, note)


def _coverage(judged: Sequence[Answers]) -> Plot:
    series = {}
    for one in judged:
        best = np.array([said == seen for said, seen in zip(one.best, one.truth, strict=True)], dtype=np.int64)
        curve = coverage_curve(one.confidence, best)
        series[words(one.name)] = curve[:: max(1, len(curve) // 80)]
    return Lines(
        "Answers given and answers right",
        "Share of right answers of the model alone when only its most confident share of texts is answered. A curve "
        "that falls to the right means that its confidence is worth something.",
        "share of texts answered",
        "share right",
        series,
    )
