"""Figures on answers to texts: accuracy, coverage, calibration, confusion; as metrics, tables and plots."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evals.results import Lines, Metric, Plot, Stacks, Table, words
from evals.scorers import Floats, Ints, coverage_curve, ece, mean, reliability, resampled
from evals.suites import Options
from models.classifier import Classified

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Answers:
    """n texts with the answer to each; best: what it would say if it had to;
    confidence: the chance that this is right, whether it abstained or not."""

    name: str
    truth: Sequence[str]
    groups: Sequence[str]
    answers: Sequence[Classified]
    best: Sequence[str]
    confidence: Floats

    @property
    def best_right(self) -> Ints:
        return np.array([said == seen for said, seen in zip(self.best, self.truth, strict=True)], dtype=np.int64)

    @property
    def unstructured(self) -> Bools:
        """Where structure did not answer: it has no confidence, and needs none."""
        return np.array([one.basis != "structured" for one in self.answers], dtype=bool)

    @property
    def answered(self) -> Bools:
        return np.array([not one.abstained for one in self.answers])

    @property
    def order(self) -> Floats:
        """(n,) higher for what is answered sooner: answers by confidence, then what is left to a person."""
        return np.where(self.unstructured, self.confidence, 1.0) + self.answered

    @property
    def right(self) -> Bools:
        return np.array([one.document_class == said for one, said in zip(self.answers, self.truth, strict=True)])


def measured(one: Answers, options: Options) -> list[Metric]:
    """Answers given, right and wrong; all texts as if each had to be answered; what the confidence is worth."""
    answered, right, best = one.answered, one.right, one.best_right

    def share(name: str, values: Bools, rows: Ints) -> Metric:
        numbers = values.astype(float)
        found = resampled(
            lambda at: mean(numbers[rows[at]]), [one.groups[at] for at in rows], options.seed, options.resamples
        )
        return Metric(one.name, name, found.value, found.low, found.high, len(rows))

    everything = np.arange(len(one.truth))
    known, said = np.array(one.truth, dtype=object).astype(str), np.array(one.best, dtype=object).astype(str)
    f1 = resampled(lambda at: macro_f1(known[at], said[at]), one.groups, options.seed, options.resamples)
    own, given = one.unstructured, one.unstructured & answered
    return [
        share("accuracy_of_answers", right, np.flatnonzero(answered)),
        share("answered_share", answered, everything),
        share("wrong_share", answered & ~right, everything),
        share("model_accuracy", best.astype(bool), everything),
        Metric(one.name, "macro_f1", f1.value, f1.low, f1.high, len(known)),
        share(
            "accuracy_of_surest_70", best.astype(bool), np.argsort(-one.order, kind="stable")[: round(0.7 * len(known))]
        ),
        Metric(one.name, "ece_of_answers", ece(best[given], one.confidence[given]), count=int(given.sum())),
        Metric(one.name, "ece_of_model", ece(best[own], one.confidence[own]), count=int(own.sum())),
    ]


def macro_f1(truth: NDArray[np.str_], said: NDArray[np.str_]) -> float | None:
    """The mean F1 of the classes that `truth` has."""
    scores = []
    for name in np.unique(truth):
        hits = int(((truth == name) & (said == name)).sum())
        scores.append(2 * hits / int((truth == name).sum() + (said == name).sum()))
    return float(np.mean(scores)) if scores else None


def by_source(shipped: Answers, left_out: Answers, base: int) -> Table:
    """One line a source: how the shipped model and one that never saw the source do."""
    rows: list[tuple[str | int | float | None, ...]] = []
    for source in sorted({group.split("|")[0] for group in shipped.groups}):
        cells: list[str | int | float | None] = [source]
        for one in (shipped, left_out):
            at = np.array([group.split("|")[0] == source for group in one.groups])
            answered, right = one.answered[at], one.right[at]
            if one is shipped:
                cells.append(int(at.sum()))
            cells.append(float(answered.mean()) if at.any() else None)
            cells.append(float(right[answered].mean()) if answered.any() else None)
        rows.append(tuple(cells))
    columns = ("source", "texts", "shipped: answered", "shipped: right", "left out: answered", "left out: right")
    note = (
        "Right: share of the answers that were given. The shipped model saw none of these sources; the others were "
        f"fitted on fewer made-up texts ({base}) and on all sources but the one in question."
    )
    return Table("Classes by source", columns, rows, note)


def confusion(one: Answers) -> Table:
    """One line for each class and each wrong or missing answer to it, the most frequent first."""
    pairs = Counter(
        (truth, "a person" if answer.abstained else answer.document_class)
        for truth, answer in zip(one.truth, one.answers, strict=True)
    )
    rows = [(truth, said, count) for (truth, said), count in pairs.most_common() if truth != said]
    note = "Texts that were not answered right, by the shipped model: the class, and what was said instead."
    return Table("Confusion", ("class", "said", "texts"), rows[:20], note)


def coverage(judged: Sequence[Answers]) -> Plot:
    series = {}
    for one in judged:
        curve = coverage_curve(one.order, one.best_right)
        series[words(one.name)] = curve[:: max(1, len(curve) // 80)]
    return Lines(
        "Answers given and answers right",
        "Share of right answers when only the most confident share of texts is answered. A curve that falls to the "
        "right means that the confidence is worth something.",
        "share of texts answered",
        "share right",
        series,
    )


def calibration(judged: Sequence[Answers]) -> Plot:
    series = {
        words(one.name): [(said, seen) for said, seen, _ in reliability(one.best_right[own], one.confidence[own])]
        for one in judged
        if (own := one.unstructured).any()
    }
    return Lines(
        "Confidence and truth",
        "Share of right answers among texts of like confidence. On the diagonal the confidence is what it says.",
        "confidence",
        "share right",
        series,
        diagonal=True,
    )


def by_class(one: Answers) -> Plot:
    names = sorted(set(one.truth))
    kinds = {
        "right": one.answered & one.right, "left to a person": ~one.answered, "wrong": one.answered & ~one.right,
    }  # fmt: skip
    truth = np.array(one.truth, dtype=object)
    return Stacks(
        f"Answers by class: {words(one.name)}",
        "Texts of each class: answered right, left to a person, answered wrong.",
        "texts",
        [words(name) for name in names],
        {kind: [float((rows & (truth == name)).sum()) for name in names] for kind, rows in kinds.items()},
        "class",
    )
