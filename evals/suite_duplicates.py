"""How many duplicates are found, how many alerts that costs, and what blocking loses. Misses in blocking are misses."""

from __future__ import annotations

import time
from collections.abc import Sequence

from evals import (
    duplicate_background,
    duplicate_beside,
    duplicate_curves,
    duplicate_figures,
    duplicate_goals,
    duplicate_injection,
    duplicate_ledgers,
    duplicate_real,
    duplicate_unseen,
)
from evals.datasets import Ledger
from evals.duplicate_goals import MOST_ALERTS
from evals.duplicate_ledgers import Planted
from evals.duplicate_parts import Part
from evals.duplicate_scores import Scored, measured, merged, ours
from evals.duplicate_scores import scored as judged
from evals.results import Metric, SuiteResult, words
from evals.suites import Options, tracked
from models.duplicates import PairScorer

__all__ = ["Scored", "measured", "run", "scored"]

_ABOUT = (
    "Supplier ledgers with known duplicates. A pair that blocking does not propose counts as missed, an invoice that a "
    "person is asked to look at is one alert. Intervals are over vendors: bills of one vendor are not independent. "
    "company, near misses: the generators of the training data, with seeds of their own. second, third: generators "
    "that no training knows. The second was looked at while the scorer was made, the third was not: it was written "
    "without sight of the others, of the features and of any result. Others: real ledgers with noise planted in them."
)


def run(options: Options) -> SuiteResult:
    part = Part()
    own = duplicate_ledgers.companies(options.seed, options.scale)
    second = duplicate_ledgers.second(options.seed, options.scale)
    real = _real(options, part)
    third = duplicate_ledgers.third(options.seed, options.scale)
    sets = [own, duplicate_ledgers.near_misses(options.seed, options.scale), second, third]
    sets += [[duplicate_injection.injected(one, options.seed)] for one in real]
    figures = [_measured(some, options, part) for some in sets]
    _curves(figures, part)
    part.add(duplicate_beside.rules(second, figures[2], options))
    for one in real:
        if one.numbered:
            part.add(duplicate_background.run(one, options.bundle.pair_scorer))
    part.add(duplicate_unseen.run(options, {"company": own, "second": second[:2], "third": third[:8]}))
    part.add(duplicate_curves.candidates({"second": second[:2], "third": third[:4]}))
    part.add(duplicate_curves.labels(options))
    part.add(duplicate_beside.libraries(options))
    tables = [duplicate_goals.table(part.metrics), *part.tables]
    return SuiteResult("duplicates", _ABOUT, part.metrics, tables, part.plots, part.notes)


def scored(ledger: Ledger, scorer: PairScorer) -> Scored:
    """Every pair that the product finds in a ledger with its truth, and the duplicates that it does not."""
    planted = duplicate_ledgers.of_ledger(ledger)
    return judged(planted, *ours(planted, scorer))


def _real(options: Options, part: Part) -> list[duplicate_real.RealLedger]:
    if options.folder is None:
        part.notes.append("No folder with real ledgers was given: made-up ledgers only.")
        return []
    real = duplicate_real.real_ledgers(options.folder, options.seed, options.scale)
    for one in real:
        part.notes.append(
            f"{one.name}: a real ledger of {len(one.invoices)} invoices with duplicates planted in it. Its own are not "
            "known: what is obvious among them counts neither way, all else as no duplicate."
            + ("" if one.numbered else " It leaves the suppliers' numbers out, so they are made up here.")
        )
    return real


def _measured(ledgers: Sequence[Planted], options: Options, part: Part) -> Scored:
    """The figures of all ledgers of one kind."""
    parts, seconds, count = [], 0.0, 0
    for one in tracked(ledgers, ledgers[0].name, len(ledgers)):
        begun = time.process_time()
        reported, proposed = ours(one, options.bundle.pair_scorer)
        seconds += time.process_time() - begun
        count += len(one.invoices)
        parts.append(judged(one, reported, proposed))
    figures = merged(parts)
    part.metrics += measured(figures, options)
    part.metrics += duplicate_figures.candidate_classes(figures)
    part.metrics += duplicate_figures.false_alerts(figures)
    part.metrics.append(Metric(figures.name, "cpu_per_1000_invoices", 1e6 * seconds / count, count=count, unit="ms"))
    errors, table = duplicate_figures.calibration(figures, options)
    dots, classes = duplicate_figures.by_class(figures, options)
    part.metrics += errors
    part.tables += [classes, table]
    part.plots.append(dots)
    part.notes.append(f"{words(figures.name)}: {figures.size} invoices, {int(figures.truth.sum())} true pairs.")
    return figures


def _curves(figures: Sequence[Scored], part: Part) -> None:
    named = {one.name: one for one in figures}
    part.plots[:0] = [
        duplicate_figures.curve(
            named,
            "Precision and recall",
            "Precision against recall as the threshold falls, one curve for each kind of ledger. Pairs that blocking "
            "lost limit the recall.",
        ),
        duplicate_figures.alerts({name: one for name, one in named.items() if name != "near_misses"}, MOST_ALERTS),
        duplicate_figures.reliability(figures),
    ]
