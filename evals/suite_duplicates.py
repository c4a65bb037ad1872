"""How many duplicates are found, how many alerts that costs, and what blocking loses. Misses in blocking are misses."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from evals import (
    duplicate_background,
    duplicate_figures,
    duplicate_injection,
    duplicate_ledgers,
    duplicate_real,
    duplicate_rules,
    duplicate_unseen,
    few_labels,
    peers,
)
from evals.datasets import Ledger, held_out, sized
from evals.duplicate_ledgers import Planted
from evals.duplicate_scores import Found, Scored, measured, merged, ours
from evals.duplicate_scores import scored as judged
from evals.results import Lines, Metric, Plot, SuiteResult, Table, words
from evals.suites import Options, tracked
from models.duplicates import PairScorer, blocking_keys, candidate_pairs

__all__ = ["Scored", "measured", "run", "scored"]

MOST_ALERTS = 22.0
_PEER_ROWS, _PEER_LABELLED = 4000, 3
_CAPS = (2, 5, 10, 25, 50, 100)
_LABEL_LEDGERS, _LABEL_ROWS = 3, 1200
_ABOUT = (
    "Supplier ledgers with known duplicates. A pair that blocking does not propose counts as missed, an invoice that a "
    "person is asked to look at is one alert. Intervals are over vendors: bills of one vendor are not independent. "
    "company, near misses: the generator of the training data, with seeds of their own. second: a generator whose "
    "noise no training knows. Others: real ledgers with noise planted in them."
)


@dataclass(slots=True)
class _Report:
    """What the parts of the suite have found so far."""

    metrics: list[Metric] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    plots: list[Plot] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def run(options: Options) -> SuiteResult:
    report = _Report()
    own = duplicate_ledgers.companies(options.seed, options.scale)
    second = duplicate_ledgers.second(options.seed, options.scale)
    real = _real(options, report)
    sets = [own, duplicate_ledgers.near_misses(options.seed, options.scale), second]
    sets += [[duplicate_injection.injected(one, options.seed)] for one in real]
    figures = [_measured(some, options, report) for some in sets]
    _curves(figures, report)
    _rules(second, figures[2], options, report)
    for one in real:
        if one.numbered:
            background = duplicate_background.run(one, options.bundle.pair_scorer)
            report.metrics += background.metrics
            report.tables.append(background.table)
    unseen = duplicate_unseen.run(options, own, second[:2])
    report.metrics += unseen.metrics
    report.plots += unseen.plots
    _candidates(second[:2], report)
    _labels(options, report)
    _peers(options, report)
    return SuiteResult("duplicates", _ABOUT, report.metrics, report.tables, report.plots, report.notes)


def scored(ledger: Ledger, scorer: PairScorer) -> Scored:
    """Every pair that the product finds in a ledger with its truth, and the duplicates that it does not."""
    planted = duplicate_ledgers.of_ledger(ledger)
    return judged(planted, *ours(planted, scorer))


def _real(options: Options, report: _Report) -> list[duplicate_real.RealLedger]:
    if options.folder is None:
        report.notes.append("No folder with real ledgers was given: made-up ledgers only.")
        return []
    real = duplicate_real.real_ledgers(options.folder, options.seed, options.scale)
    for one in real:
        report.notes.append(
            f"{one.name}: a real ledger of {len(one.invoices)} invoices with duplicates planted in it. Its own are not "
            "known: what is obvious among them counts neither way, all else as no duplicate."
            + ("" if one.numbered else " It leaves the suppliers' numbers out, so they are made up here.")
        )
    return real


def _measured(ledgers: Sequence[Planted], options: Options, report: _Report) -> Scored:
    """The figures of all ledgers of one kind."""
    parts, seconds, count = [], 0.0, 0
    for one in tracked(ledgers, ledgers[0].name, len(ledgers)):
        begun = time.process_time()
        reported, proposed = ours(one, options.bundle.pair_scorer)
        seconds += time.process_time() - begun
        count += len(one.invoices)
        parts.append(judged(one, reported, proposed))
    figures = merged(parts)
    report.metrics += measured(figures, options)
    report.metrics += duplicate_figures.candidate_classes(figures)
    report.metrics += duplicate_figures.false_alerts(figures)
    report.metrics.append(Metric(figures.name, "cpu_per_1000_invoices", 1e6 * seconds / count, count=count, unit="ms"))
    errors, table = duplicate_figures.calibration(figures, options)
    dots, classes = duplicate_figures.by_class(figures, options)
    report.metrics += errors
    report.tables += [classes, table]
    report.plots.append(dots)
    report.notes.append(f"{words(figures.name)}: {figures.size} invoices, {int(figures.truth.sum())} true pairs.")
    return figures


def _curves(figures: Sequence[Scored], report: _Report) -> None:
    named = {one.name: one for one in figures}
    report.plots[:0] = [
        duplicate_figures.curve(
            named,
            "Precision and recall",
            "Precision against recall as the threshold falls, one curve for each kind of ledger. Pairs that blocking "
            "lost limit the recall.",
        ),
        duplicate_figures.alerts({name: one for name, one in named.items() if name != "near_misses"}, MOST_ALERTS),
        duplicate_figures.reliability(figures),
    ]


def _rules(ledgers: Sequence[Planted], our: Scored, options: Options, report: _Report) -> None:
    """What departments have without a model, on the ledgers of the second generator."""
    finders: dict[str, Callable[[Planted], list[Found]]] = {
        "erp_exact_check": duplicate_rules.exact_check,
        "rule_pack": duplicate_rules.rule_pack,
    }
    named = {"countersign": our}
    for name, finder in finders.items():
        named[name] = merged([judged(one, finder(one)) for one in ledgers])
        report.metrics += [
            Metric(f"{name}_on_second", one.name, one.value, one.low, one.high, one.count, one.unit)
            for one in measured(named[name], options)
            if one.name in ("recall_planted", "precision", "pr_auc", "alerts_per_1000")
        ]
    report.plots.append(duplicate_figures.alerts(named, MOST_ALERTS, most=200.0))


def _peers(options: Options, report: _Report) -> None:
    """Libraries of entity resolution beside ours, on one ledger that none of them has seen."""
    there = peers.installed()
    missing = [name for name in ("splink", "dedupe") if name not in there]
    if missing:
        report.notes.append(f"{' and '.join(missing)}: not installed (extra `peers`), so not compared.")
    if not there or options.scale < 1.0:
        return
    ledger, *labelled = [
        duplicate_ledgers.second_planted(
            held_out(options.seed, 680 + number), _PEER_ROWS, duplicate_ledgers.SECOND_SHARE
        )
        for number in range(1 + _PEER_LABELLED)
    ]
    scorer = options.bundle.pair_scorer
    done = [peers.timed("countersign", lambda: None, lambda: ours(ledger, scorer)[0])]
    done += [run() for run in tracked(peers.runs(ledger, labelled), "peers")]
    named = {one.name: judged(ledger, one.found) for one in done}
    own = done[0].predicting_seconds
    rows = []
    for one in done:
        figures = {metric.name: metric for metric in measured(named[one.name], options)}
        rows.append(
            (
                words(one.name),
                figures["pr_auc"].value,
                figures["recall_at_precision_95"].value,
                figures["alerts_at_recall_95"].value,
                one.training_seconds,
                1e6 * one.predicting_seconds / len(ledger.invoices),
                one.predicting_seconds / own,
            )
        )
        report.metrics += [
            replace(figures[name], dataset=f"{one.name}_beside_peers")
            for name in ("pr_auc", "recall_at_precision_95", "recall_planted")
        ]
    report.tables.append(
        Table(
            "Beside entity-resolution libraries",
            (
                "finder",
                "PR AUC",
                "recall at precision 0.95",
                "alerts per 1,000 at recall 0.95",
                "training, s",
                "ms per 1,000 invoices",
                "times ours",
            ),
            rows,
            f"One ledger of {len(ledger.invoices)} invoices of the second generator, in one run on one machine. The "
            "libraries with labels learned from three other ledgers of that generator; ours never saw any.",
        )
    )
    report.plots.append(
        duplicate_figures.curve(
            named,
            "Beside entity-resolution libraries",
            "Precision against recall on one ledger of the second generator.",
        )
    )


def _candidates(ledgers: Sequence[Planted], report: _Report) -> None:
    """What more candidates would buy: the largest number of invoices that may share a key is moved."""
    points = []
    keys = [blocking_keys(one.invoices) for one in ledgers]
    invoices, true = sum(len(one.invoices) for one in ledgers), sum(len(one.twins) for one in ledgers)
    for cap in _CAPS:
        found = proposed = 0
        for one, table in zip(ledgers, keys, strict=True):
            pairs = {(int(left), int(right)) for left, right in candidate_pairs(table, cap=cap)}
            proposed += len(pairs)
            found += len(pairs & set(one.twins))
        points.append((proposed / invoices, found / true))
    report.plots.append(
        Lines(
            "Candidate recall against candidates for each invoice",
            f"Second generator; a key that more invoices share proposes nothing: {', '.join(map(str, _CAPS))}.",
            "candidates for each invoice",
            "candidate recall",
            {"second": points},
            x_range=(0.0, max(x for x, _ in points) * 1.05),
            y_range=(min(0.8, *(y for _, y in points)), 1.0),
        )
    )


def _labels(options: Options, report: _Report) -> None:
    """What the first labels of a ledger buy, from none at all."""
    count = sized(_LABEL_LEDGERS, options.scale)
    ledgers = [
        duplicate_ledgers.second_planted(held_out(options.seed, 690 + number), _LABEL_ROWS, 0.05)
        for number in range(count)
    ]
    named = [
        Ledger(
            "second",
            list(one.invoices),
            [(one.invoices[a].invoice_id, one.invoices[b].invoice_id, kind) for (a, b), kind in one.twins.items()],
        )
        for one in ledgers
    ]
    selections = ("active", "random") if options.scale >= 1.0 else ("active",)
    counts = few_labels.COUNTS[:6] if options.scale >= 1.0 else (0, 50)
    points = few_labels.few_label_curve(
        named, options.bundle.pair_scorer, counts=counts, selections=selections, seeds=(options.seed,)
    )
    curves: dict[str, list[tuple[float, float]]] = {}
    for point in points:
        curves.setdefault(point.selection, []).append((float(point.labels), point.pr_auc))
    for labels in (0, 50):
        best = [point for point in points if point.labels == labels and point.selection == "active"]
        report.metrics += [
            Metric("second_labels", f"pr_auc_{labels}_labels", one.pr_auc, one.low, one.high, one.runs) for one in best
        ]
    report.plots.append(
        Lines(
            "What labels of the own ledger buy",
            "PR AUC on vendors that nobody labelled, after so many labelled pairs of ledgers of the second generator; "
            "chosen because they teach most, or at random.",
            "labelled pairs",
            "PR AUC",
            curves,
            x_range=(0.0, float(max(counts))),
            y_range=(min(0.7, *(y for curve in curves.values() for _, y in curve)), 1.0),
        )
    )
