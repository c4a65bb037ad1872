"""Classes of documents on wording that was never seen: phrase books, sources, writers and classes left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evals import class_figures, datasets
from evals.class_figures import Answers, Bools, measured
from evals.datasets import Labelled, held_out, sized
from evals.results import Metric, SuiteResult, Table
from evals.scorers import Floats, auc, mean, resampled
from evals.suites import Options, tracked
from governance.errors import Unavailable
from models.classifier import DocumentClassifier, classify
from models.synthetic_numbers import stream
from models.synthetic_text import FAMILIES, labelled_texts

BASE_TEXTS = 2400
"""Made-up texts that every trial model here is fitted on: half of what the shipped one has, for time's sake."""


_WRITER_FOLDS = 5
_LEAST_OF_CLASS = 10
"""Texts of a class that must be there before it is left out."""
_MOST = 14
"""Sources, and classes, that are left out in turn at scale 1; every model that is fitted takes its minute."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Answers of models that were not taught a class, to n texts: which of them are of that class, the chance that they
    give their best answer, whether they give it, and the chance of it being a class at all and not `other`."""

    name: str
    stranger: Bools
    answered: Bools
    assigned: Bools
    chance: Floats
    other: Bools


def run(options: Options) -> SuiteResult:
    """Metrics, tables and plots of the classes alone: a part of the suite `documents`."""
    judged = [_held_out_wording(options)]
    notes: list[str] = []
    tables: list[Table] = []
    strangers: list[Metric] = []
    if options.folder is not None:
        try:
            texts = _thinned(datasets.labelled_documents(options.folder), options)
        except Unavailable as missing:
            notes.append(missing.detail)
        else:
            shipped, sources = (
                ask("sources_shipped", options.bundle.classifier, texts),
                _sources_left_out(texts, options),
            )
            judged += [shipped, sources, _writers_left_out(texts, options)]
            left_out = _classes_left_out(texts, options)
            strangers = _stranger_metrics(left_out, options)
            tables = [
                class_figures.by_source(shipped, sources, BASE_TEXTS),
                class_figures.confusion(shipped),
                _strangers_table(left_out),
            ]
    return SuiteResult(
        suite="documents",
        about="",
        metrics=[*(metric for one in judged for metric in measured(one, options)), *strangers],
        tables=tables,
        plots=[class_figures.coverage(judged), class_figures.calibration(judged), class_figures.by_class(judged[-1])],
        notes=notes,
    )


def ask(name: str, model: DocumentClassifier, texts: Sequence[Labelled]) -> Answers:
    """What `classify` answers to texts without structure, and what it would say if it had to answer."""
    words = [one.text for one in texts]
    answers = classify(words, [None] * len(words), model)
    probabilities, chance, _ = model.judge(words)
    best = probabilities.argmax(axis=1) if len(words) else np.zeros(0, dtype=int)
    return Answers(
        name,
        [one.label for one in texts],
        [one.group for one in texts],
        answers,
        [
            one.document_class if not one.abstained else str(model.classes_[at])
            for one, at in zip(answers, best, strict=True)
        ],
        chance,
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
    for family in tracked(range(sized(FAMILIES, options.scale)), "unseen wording"):
        seen = [one for one in made if one.family != family]
        model = fitted([Labelled(one.text, one.document_class, "", str(one.family)) for one in seen], options.seed)
        unseen = [
            Labelled(one.text, one.document_class, "made up", f"{one.family} {one.language} {one.document_class}")
            for one in made
            if one.family == family
        ]
        parts.append(ask("", model, unseen))
    return joined("unseen_wording", parts)


def _base(options: Options) -> list[Labelled]:
    """Made-up texts of a seed that no training uses."""
    return [
        Labelled(one.text, one.document_class, "", f"family {one.family}")
        for one in labelled_texts(held_out(options.seed, 601), sized(BASE_TEXTS, options.scale, 360))
    ]


def _sources_left_out(texts: Sequence[Labelled], options: Options) -> Answers:
    """Each source is read by a model fitted on made-up texts and all other sources: never a random split."""
    base, parts = _base(options), []
    sources = sorted({one.source for one in texts})[: sized(_MOST, options.scale, 2)]
    for source in tracked(sources, "sources left out"):
        model = fitted([*base, *(one for one in texts if one.source != source)], options.seed)
        parts.append(ask("", model, [one for one in texts if one.source == source]))
    return joined("sources_left_out", parts)


def _writers_left_out(texts: Sequence[Labelled], options: Options) -> Answers:
    """A fifth of the writers in turn is read by a model fitted on made-up texts and all others: a new supplier."""
    base, parts = _base(options), []
    writers = sorted({one.group for one in texts})
    stream(options.seed, "writers").shuffle(writers)
    folds = min(sized(_WRITER_FOLDS, options.scale, 2), len(writers))
    place = {name: at % folds for at, name in enumerate(writers)}
    for fold in tracked(range(folds), "writers left out"):
        model = fitted([*base, *(one for one in texts if place[one.group] != fold)], options.seed)
        parts.append(ask("", model, [one for one in texts if place[one.group] == fold]))
    return joined("writers_left_out", parts)


def _classes_left_out(texts: Sequence[Labelled], options: Options) -> list[LeftOut]:
    """Each class in turn is kept from the model, its headings too; the model then reads texts of all classes.

    No real text is taught here, so that none was seen of any class.
    """
    base, found = _base(options), []
    counts = Counter(one.label for one in texts)
    names = sorted(name for name, count in counts.items() if count >= sized(_LEAST_OF_CLASS, options.scale, 2))
    for name in tracked(names[: sized(_MOST, options.scale, 2)], "classes left out"):
        model = fitted([one for one in base if one.label != name], options.seed)
        probabilities, chance, novel, titles = model.judge_titled([one.text for one in texts])
        best = model.classes_[probabilities.argmax(axis=1)]
        other = best == "other"
        known = set(model.classes_)
        torn = [title in known and title != said for title, said in zip(titles, best, strict=True)]
        answered = (chance >= model.threshold_) & ~novel & ~np.array(torn, dtype=bool)
        stranger = np.array([one.label == name for one in texts])
        was_other = np.array([one.label == "other" for one in texts])
        found.append(LeftOut(name, stranger, answered, answered & ~other, np.where(other, 0.0, chance), was_other))
    return found


def _stranger_metrics(left_out: Sequence[LeftOut], options: Options) -> list[Metric]:
    """Means over the classes, with intervals over classes. `other` is where texts of no class belong."""

    def over(name: str, values: Sequence[float | None]) -> Metric:
        known = np.array([one for one in values if one is not None])
        found = resampled(lambda at: mean(known[at]), list(range(len(known))), options.seed, options.resamples)
        return Metric("classes_left_out", name, found.value, found.low, found.high, len(known))

    return [
        over("not_assigned_share", [float(1 - one.assigned[one.stranger].mean()) for one in left_out]),
        over("abstained_share", [float(1 - one.answered[one.stranger].mean()) for one in left_out]),
        over("known_answered_share", [float(one.answered[~one.stranger].mean()) for one in left_out]),
        over("auroc", [_auroc(one) for one in left_out]),
    ]


def _auroc(one: LeftOut) -> float | None:
    """The chance that a text of a class that was taught has more confidence than one of the class that was not."""
    rows = one.stranger | ~one.other
    return auc((~one.stranger[rows]).astype(np.int64), one.chance[rows])


def _strangers_table(left_out: Sequence[LeftOut]) -> Table:
    rows = [
        (one.name, int(one.stranger.sum()), float(1 - one.assigned[one.stranger].mean()),
         float(1 - one.answered[one.stranger].mean()), float(one.answered[~one.stranger].mean()), _auroc(one))
        for one in left_out
    ]  # fmt: skip
    columns = ("class kept back", "texts", "not assigned", "abstained", "known: answered", "AUROC")
    note = (
        "Models that were never shown a class read its texts. Not assigned: no answer, or `other`, where texts of no "
        "class belong. AUROC: confidence in an assignment, texts of taught classes against those of the class left out."
    )
    return Table("Classes left out", columns, rows, note)


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
