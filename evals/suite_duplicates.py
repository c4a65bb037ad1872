"""How many duplicates are found, how many alerts that costs, and what blocking loses. Misses in blocking are misses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evals import datasets, scorers
from evals.datasets import Ledger
from evals.results import Dots, Lines, Metric, Plot, SuiteResult, Table, heading, words
from evals.scorers import Floats, Interval, Ints, mean, resampled
from evals.suites import Options, tracked
from models.duplicates import PairScorer, blocking_keys, candidate_pairs, training_pairs
from models.invoice import vendor_key

THRESHOLD = 0.5
"""From which probability `countersign duplicates` reports a pair."""
PRECISION = 0.95

_ABOUT = (
    "Supplier ledgers with known duplicates. A pair that blocking does not propose counts as missed. Intervals are "
    "over vendors: bills of one vendor are not independent."
)


@dataclass(frozen=True, slots=True)
class Scored:
    """Pairs of one kind of ledger, (n,) each: truth, probability, vendor, and kind of duplicate.

    probability: -1 where blocking lost the pair. kind: '' for a pair that nobody planted. invoices: count by vendor.
    """

    name: str
    complete: bool
    truth: Ints
    probability: Floats
    vendor: list[str]
    kind: list[str]
    invoices: dict[str, int]


def run(options: Options) -> SuiteResult:
    ledgers = [
        *datasets.company_ledgers(options.seed, options.scale),
        *datasets.near_miss_ledgers(options.seed, options.scale),
    ]
    notes = ["Made-up ledgers come from the generators that the scorer was trained on, from seeds of their own."]
    if options.folder is not None:
        real = list(datasets.real_ledgers(options.folder, options.seed, options.scale))
        ledgers += real
        notes += [
            f"{one.name}: a real ledger of {len(one.invoices)} invoices with {len(one.duplicate_pairs)} copies planted "
            "in it. Its own duplicates are not known, so there is no precision."
            for one in real
        ]
    else:
        notes.append("No folder with real ledgers was given: made-up ledgers only.")
    by_name: dict[str, list[Scored]] = {}
    for ledger in tracked(ledgers, "duplicates"):
        by_name.setdefault(ledger.name, []).append(scored(ledger, options.bundle.pair_scorer))
    kinds = [merged(parts) for parts in by_name.values()]
    return SuiteResult(
        suite="duplicates",
        about=_ABOUT,
        metrics=[metric for one in kinds for metric in measured(one, options)],
        tables=[_kinds(one) for one in kinds],
        plots=[_curve([one for one in kinds if one.complete]), *(_by_kind(one, options) for one in kinds)],
        notes=notes,
    )


def scored(ledger: Ledger, scorer: PairScorer) -> Scored:
    """Every candidate pair of a ledger with its truth, and the duplicates that blocking does not propose."""
    invoices = ledger.invoices
    pairs = candidate_pairs(blocking_keys(invoices))
    features, labels = training_pairs(ledger)
    probability = scorer.predict_proba(features)[:, 1]
    vendors = [vendor_key(one) for one in invoices]
    row = {one.invoice_id: at for at, one in enumerate(invoices)}
    named = {frozenset((row[left], row[right])): kind for left, right, kind in ledger.duplicate_pairs}
    kinds = [named.get(frozenset((int(a), int(b))), "") for a, b in pairs]
    proposed = {frozenset((int(a), int(b))) for a, b in pairs}
    lost = [pair for pair in named if pair not in proposed]
    counts: dict[str, int] = {}
    for vendor in vendors:
        counts[vendor] = counts.get(vendor, 0) + 1
    return Scored(
        name=ledger.name,
        complete=ledger.complete,
        truth=np.concatenate([labels, np.ones(len(lost), dtype=np.int64)]),
        probability=np.concatenate([probability, np.full(len(lost), -1.0)]),
        vendor=[vendors[int(a)] for a, _ in pairs] + [vendors[min(pair)] for pair in lost],
        kind=kinds + [named[pair] for pair in lost],
        invoices=counts,
    )


def merged(parts: Sequence[Scored]) -> Scored:
    """Ledgers of one kind as one; their vendors stay apart."""
    return Scored(
        name=parts[0].name,
        complete=parts[0].complete,
        truth=np.concatenate([one.truth for one in parts]),
        probability=np.concatenate([one.probability for one in parts]),
        vendor=[f"{at} {vendor}" for at, one in enumerate(parts) for vendor in one.vendor],
        kind=[kind for one in parts for kind in one.kind],
        invoices={f"{at} {vendor}": count for at, one in enumerate(parts) for vendor, count in one.invoices.items()},
    )


def measured(one: Scored, options: Options) -> list[Metric]:
    """Recall, alerts and what blocking leaves; where the truth is complete, precision and ranking too."""
    found = one.probability >= THRESHOLD
    proposed = one.probability >= 0
    planted = np.flatnonzero([bool(kind) for kind in one.kind])

    def metric(name: str, statistic: Callable[[Ints], float | None], rows: Ints) -> Metric:
        """A statistic of these pairs, with an interval over their vendors."""
        groups = [one.vendor[at] for at in rows]
        found = resampled(lambda at: statistic(rows[at]), groups, options.seed, options.resamples)
        return Metric(one.name, name, found.value, found.low, found.high, len(rows))

    made = [
        metric("recall_planted", lambda at: mean(found[at].astype(float)), planted),
        metric("candidate_recall", lambda at: mean(proposed[at].astype(float)), planted),
        _alerts(one, np.flatnonzero(found), options),
    ]
    if not one.complete:
        return made
    everything, reported, scored = np.arange(len(one.truth)), np.flatnonzero(found), np.flatnonzero(proposed)
    truth, probability = one.truth, one.probability
    return [
        metric("pr_auc", lambda at: scorers.average_precision(truth[at], probability[at]), everything),
        metric(
            "recall_at_precision_95",
            lambda at: scorers.recall_at_precision(truth[at], probability[at], PRECISION),
            everything,
        ),
        metric("precision", lambda at: mean(truth[at].astype(float)), reported),
        Metric(one.name, "ece", scorers.ece(truth[scored], probability[scored]), count=len(scored)),
        *made,
    ]


def _alerts(one: Scored, reported: Ints, options: Options) -> Metric:
    """Reported pairs for 1,000 invoices; vendors without a pair count too."""
    vendors = list(one.invoices)
    place = {vendor: at for at, vendor in enumerate(vendors)}
    alerts = np.zeros(len(vendors))
    np.add.at(alerts, [place[one.vendor[at]] for at in reported], 1.0)
    invoices = np.array([one.invoices[vendor] for vendor in vendors], dtype=float)
    found = resampled(
        lambda at: float(1000 * alerts[at].sum() / invoices[at].sum()), vendors, options.seed, options.resamples
    )
    return Metric(one.name, "alerts_per_1000", found.value, found.low, found.high, int(invoices.sum()))


def _kind_names(one: Scored) -> list[str]:
    return sorted({kind for kind in one.kind if kind})


def _kinds(one: Scored) -> Table:
    rows = []
    for name in _kind_names(one):
        at = np.array([kind == name for kind in one.kind])
        rows.append(
            (
                words(name),
                int(at.sum()),
                float((one.probability[at] >= 0).mean()),
                float((one.probability[at] >= THRESHOLD).mean()),
            )
        )
    return Table(
        f"{heading(one.name)}: duplicates by kind",
        ("kind", "planted", "proposed by blocking", f"reported at {THRESHOLD:g}"),
        rows,
        "How the copy differs from its original. Proposed is the most that any scorer could still find.",
    )


def _curve(complete: Sequence[Scored]) -> Plot:
    series = {}
    for one in complete:
        order = np.argsort(-one.probability, kind="stable")
        order = order[one.probability[order] >= 0]
        hits = np.cumsum(one.truth[order])
        # Precision peaks where a duplicate has just been found: those are the points to show.
        found = np.flatnonzero(one.truth[order])
        kept = found[np.unique(np.linspace(0, len(found) - 1, 160).astype(int))] if len(found) else found
        series[words(one.name)] = [(float(hits[at] / one.truth.sum()), float(hits[at] / (at + 1))) for at in kept]
    return Lines(
        "Precision and recall",
        "Precision against recall as the threshold falls, one curve for each kind of ledger. Pairs that blocking "
        "lost limit the recall.",
        "recall",
        "precision",
        series,
    )


def _by_kind(one: Scored, options: Options) -> Plot:
    points = []
    for name in _kind_names(one):
        rows = [at for at, kind in enumerate(one.kind) if kind == name]
        found = _share(one.probability[rows] >= THRESHOLD, [one.vendor[at] for at in rows], options)
        points.append((words(name), found.value, found.low, found.high))
    return Dots(
        f"{heading(one.name)}: share of duplicates reported, by kind",
        f"Share of planted duplicates with a probability of at least {THRESHOLD:g}, with 95 % intervals over vendors.",
        "recall",
        points,
    )


def _share(right: NDArray[np.bool_], groups: Sequence[str], options: Options) -> Interval:
    return resampled(lambda at: mean(right[at].astype(float)), groups, options.seed, options.resamples)
