"""What the report shows of likely duplicates: curves, honest look-alikes, calibration, classes, and alerts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from evals import scorers
from evals.duplicate_scores import (
    BAND,
    LEAST,
    LOST,
    RECALL,
    THRESHOLD,
    Scored,
    alert_curve,
    class_names,
    is_shown,
    share,
)
from evals.results import Cell, Dots, Lines, Metric, Plot, Table, heading, words
from evals.scorers import Floats, Ints
from evals.suites import Options

RECURRING = ("recurring_sequence", "recurring_reference")
_POINTS = 160
_LEAST_IN_BAND = 40
_DRAWS = 200


def false_alerts(one: Scored) -> list[Metric]:
    """Reported pairs of one kind of look-alike for 1,000 invoices that are part of it."""
    shown = is_shown(one) & (one.truth == 0)
    by_kind = {
        kind: len({int(one.record[at]) for at in np.flatnonzero(shown) if one.lookalike[at] == kind})
        for kind in one.lookalikes
    }
    made = [
        Metric(f"{one.name}_lookalikes", f"alerts_per_1000_{kind}", 1000 * count / one.lookalikes[kind],
               count=one.lookalikes[kind])
        for kind, count in sorted(by_kind.items())
    ]  # fmt: skip
    recurring = sum(one.lookalikes.get(kind, 0) for kind in RECURRING)
    if recurring:
        alerts = sum(by_kind.get(kind, 0) for kind in RECURRING)
        made.append(
            Metric(f"{one.name}_lookalikes", "alerts_per_1000_recurring", 1000 * alerts / recurring, count=recurring)
        )
    return made


def in_band(one: Scored) -> tuple[Ints, Floats]:
    """Truth and probability where the scorer is in doubt."""
    doubt = (one.probability >= BAND[0]) & (one.probability <= BAND[1])
    return one.truth[doubt], one.probability[doubt]


def noise(probability: Floats, seed: int) -> float:
    """The calibration error that so few pairs would show though every probability were right: the mean of draws."""
    rng = np.random.default_rng(seed)
    drawn = (rng.random(len(probability)) < probability for _ in range(_DRAWS))
    return float(np.mean([scorers.ece(truth.astype(np.int64), probability) or 0.0 for truth in drawn]))


def calibration(one: Scored, options: Options) -> tuple[list[Metric], Table]:
    """The calibration error in the band, over all and for what the scorer says that a pair is."""
    truth, probability = in_band(one)
    made = [Metric(one.name, "ece_in_band", scorers.ece(truth, probability), count=len(truth))] if len(truth) else []
    rows: list[Sequence[Cell]] = []
    doubt = (one.probability >= BAND[0]) & (one.probability <= BAND[1])
    for kind in ("", *sorted({said for at, said in enumerate(one.said) if doubt[at] and said})):
        mine = doubt & np.array([not kind or said == kind for said in one.said], dtype=bool)
        said, seen = one.probability[mine], one.truth[mine]
        if len(said) < (1 if not kind else _LEAST_IN_BAND):
            continue
        rows.append(
            (words(kind) if kind else "all", len(said), float(said.mean()), float(seen.mean()),
             scorers.ece(seen, said), noise(said, options.seed))
        )  # fmt: skip
        if kind:
            made.append(Metric(one.name, f"ece_in_band_{kind}", scorers.ece(seen, said), count=len(said)))
    kinds = [metric for metric in made if metric.name != "ece_in_band"]
    if kinds:
        worst = max(kinds, key=lambda metric: metric.value or 0.0)
        made.append(replace(worst, name="ece_in_band_worst_kind"))
    table = Table(
        f"{heading(one.name)}: calibration in doubt",
        (
            "what it is said to be",
            "pairs",
            "mean probability",
            "share that is true",
            "calibration error",
            "of that noise",
        ),
        rows,
        f"Probabilities from {BAND[0]:g} to {BAND[1]:g}; kinds with {_LEAST_IN_BAND} of them or more. Noise: "
        "the error that so few pairs would show on average though every probability were right.",
    )
    return made, table


def reliability(sets: Sequence[Scored]) -> Plot:
    series = {}
    for one in sets:
        truth, probability = in_band(one)
        points = [(said, seen) for said, seen, count in scorers.reliability(truth, probability) if count >= 5]
        if points:
            series[words(one.name)] = points
    return Lines(
        "Reliability where the scorer is in doubt",
        f"Share of true duplicates against the probability that was said, from {BAND[0]:g} to {BAND[1]:g}, in bins of "
        "five pairs or more. On the dashed line every probability is right.",
        "probability",
        "share of duplicates",
        series,
        diagonal=True,
    )


def curve(named: Mapping[str, Scored], title: str, note: str) -> Plot:
    """Precision against recall, one curve for each finder or ledger."""
    series = {}
    for name, one in named.items():
        order = np.argsort(-one.probability, kind="stable")
        order = order[one.probability[order] >= LEAST]
        hits = np.cumsum(one.truth[order])
        # Precision peaks where a duplicate has just been found: those are the points to show.
        seen = np.flatnonzero(one.truth[order])
        kept = seen[np.unique(np.linspace(0, len(seen) - 1, _POINTS).astype(int))] if len(seen) else seen
        series[words(name)] = [(float(hits[at] / one.truth.sum()), float(hits[at] / (at + 1))) for at in kept]
    return Lines(title, note, "recall", "precision", {name: points for name, points in series.items() if points})


def alerts(named: Mapping[str, Scored], goal: float, title: str = "Alerts against recall", most: float = 120.0) -> Plot:
    series = {}
    for name, one in named.items():
        points = alert_curve(one)
        step = max(1, len(points) // _POINTS)
        kept = [(found, said) for found, said, _ in [*points[::step], *points[-1:]] if said <= most]
        if kept:
            series[words(name)] = kept
    return Lines(
        title,
        f"Invoices that a person is asked to look at, of 1,000, against the share of planted duplicates found. Wanted: "
        f"at most {goal:g} at a recall of {RECALL:g}; 20 are duplicates.",
        "recall",
        "alerts per 1,000 invoices",
        series,
        y_range=(0.0, most),
    )


def by_class(one: Scored, options: Options) -> tuple[Plot, Table]:
    """How many of each class are proposed by blocking, and how many reported."""
    shown, points, rows = is_shown(one), [], []
    for name in class_names(one):
        at = [place for place, kind in enumerate(one.kind) if kind == name]
        vendors = [one.vendor[place] for place in at]
        seen = share(shown[at].astype(float), vendors, options)
        points.append((words(name), seen.value, seen.low, seen.high))
        rows.append((words(name), len(at), float((one.probability[at] > LOST).mean()), seen.value,
                     float((one.probability[at] >= 0.9).mean())))  # fmt: skip
    dots = Dots(
        f"{heading(one.name)}: share of duplicates reported, by class",
        f"Share of planted duplicates with a probability of at least {THRESHOLD:g}, or of the threshold of the queue "
        "of renumbered invoices, with 95 % intervals over vendors.",
        "recall",
        points,
    )
    table = Table(
        f"{heading(one.name)}: duplicates by class",
        ("class", "planted", "proposed by blocking", "reported", "at 0.9 or more"),
        rows,
        "How the copy differs from its original. Proposed is the most that any scorer could still find.",
    )
    return dots, table


def candidate_classes(one: Scored) -> list[Metric]:
    """The class that blocking loses most of."""
    recalls = []
    for name in class_names(one):
        at = [place for place, kind in enumerate(one.kind) if kind == name]
        recalls.append(float((one.probability[at] > LOST).mean()))
    return [Metric(one.name, "candidate_recall_worst_class", min(recalls), count=int(one.truth.sum()))]
