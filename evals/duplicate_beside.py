"""Other ways to find duplicates on the same ledgers: an ERP's check, a rule pack, entity-resolution libraries."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from evals import duplicate_figures, duplicate_ledgers, duplicate_rules, peers
from evals.datasets import held_out
from evals.duplicate_goals import MOST_ALERTS
from evals.duplicate_ledgers import Planted
from evals.duplicate_parts import Part
from evals.duplicate_scores import Found, Scored, measured, merged, ours, scored
from evals.results import Metric, Table, words
from evals.suites import Options, tracked

_ROWS, _LABELLED = 4000, 3


def rules(ledgers: Sequence[Planted], our: Scored, options: Options) -> Part:
    """What departments have without a model, on the ledgers of the second generator."""
    part = Part()
    finders: dict[str, Callable[[Planted], list[Found]]] = {
        "erp_exact_check": duplicate_rules.exact_check,
        "rule_pack": duplicate_rules.rule_pack,
    }
    named = {"countersign": our}
    for name, finder in finders.items():
        named[name] = merged([scored(one, finder(one)) for one in ledgers])
        part.metrics += [
            Metric(f"{name}_on_second", one.name, one.value, one.low, one.high, one.count, one.unit)
            for one in measured(named[name], options)
            if one.name in ("recall_planted", "precision", "pr_auc", "alerts_per_1000")
        ]
    part.plots.append(duplicate_figures.alerts(named, MOST_ALERTS, "Alerts against recall, beside rules", 200.0))
    return part


def libraries(options: Options) -> Part:
    """Libraries of entity resolution beside ours, on one ledger that none of them has seen."""
    part, there = Part(), peers.installed()
    missing = [name for name in ("splink", "dedupe") if name not in there]
    if missing:
        part.notes.append(f"{' and '.join(missing)}: not installed (extra `peers`), so not compared.")
    if not there or options.scale < 1.0:
        return part
    ledger, *labelled = [
        duplicate_ledgers.second_planted(held_out(options.seed, 680 + number), _ROWS, duplicate_ledgers.SECOND_SHARE)
        for number in range(1 + _LABELLED)
    ]
    scorer = options.bundle.pair_scorer
    done = [peers.timed("countersign", lambda: None, lambda: ours(ledger, scorer)[0])]
    done += [run() for run in tracked(peers.runs(ledger, labelled), "peers")]
    named = {one.name: scored(ledger, one.found) for one in done}
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
        part.metrics += [
            replace(figures[name], dataset=f"{one.name}_beside_peers")
            for name in ("pr_auc", "recall_at_precision_95", "recall_planted")
        ]
    part.tables.append(
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
    part.plots.append(
        duplicate_figures.curve(
            named,
            "Beside entity-resolution libraries",
            "Precision against recall on one ledger of the second generator.",
        )
    )
    return part
