"""What is wanted of the finder of duplicates, beside what was measured: the first table of the report.

Pass marks say "no worse than what is known to work"; these say what would be good.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evals.results import Cell, Metric, Table, words
from evals.thresholds import Mark

MOST_ALERTS = 22.0
"""Of 1,000 invoices, where 20 are duplicates and 19 of them are found."""
_SETS = ("third", "second", "oxford", "sheffield")


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure that is wanted of every one of these data sets."""

    metric: str
    mark: Mark
    datasets: Sequence[str] = _SETS


GOALS = (
    Goal("candidate_recall", Mark(at_least=0.995), ("company", *_SETS)),
    Goal("candidate_recall_worst_class", Mark(at_least=0.95), ("company", *_SETS)),
    Goal("candidates_per_invoice", Mark(at_most=5), ("company", *_SETS)),
    Goal("pr_auc", Mark(at_least=0.97), ("company", *_SETS)),
    Goal("recall_at_precision_95", Mark(at_least=0.95), ("company", *_SETS)),
    Goal("recall_at_precision_99", Mark(at_least=0.90), ("company", *_SETS)),
    Goal("alerts_at_recall_95", Mark(at_most=MOST_ALERTS)),
    Goal("ece_in_band", Mark(at_most=0.05), ("company", *_SETS)),
    Goal("ece_in_band_worst_kind", Mark(at_most=0.05)),
    Goal("worst_class", Mark(at_least=0.80), ("company_unseen", "second_unseen", "third_unseen")),
    Goal("renumbered", Mark(at_least=0.50), ("company_unseen", "second_unseen", "third_unseen")),
    Goal("pr_auc_0_labels", Mark(at_least=0.90), ("second_labels",)),
    Goal("pr_auc_50_labels", Mark(at_least=0.95), ("second_labels",)),
    Goal("alerts_per_1000_recurring", Mark(at_most=0.5), ("second_lookalikes", "third_lookalikes")),
    Goal("alerts_per_1000_credit_and_rebill", Mark(at_most=0), ("second_lookalikes", "third_lookalikes")),
    Goal("alerts_cut_times", Mark(at_least=5), ("sheffield_as_it_is",)),
    Goal("obvious_kept", Mark(at_least=1), ("sheffield_as_it_is",)),
)


def table(metrics: Sequence[Metric]) -> Table:
    """Every goal that was measured, in the order of GOALS."""
    found = {one.key: one for one in metrics}
    rows: list[Sequence[Cell]] = []
    for goal in GOALS:
        for name in goal.datasets:
            one = found.get(f"{name}/{goal.metric}")
            if one is not None:
                # Not measured: the recall that it is measured at is never reached.
                rows.append((words(goal.metric), words(name), str(goal.mark), one.value,
                             "met" if goal.mark.holds(one.value) else "missed"))  # fmt: skip
    return Table(
        "What is wanted",
        ("figure", "data", "wanted", "measured", "result"),
        rows,
        "Goals, not pass marks. Nothing measured means that what it is measured at (a recall of 0.95) is not reached.",
    )
