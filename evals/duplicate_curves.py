"""What more of something buys: kinds of keys for candidates, labels for the scorer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice

from evals import duplicate_ledgers, few_labels
from evals.datasets import Ledger, held_out, sized
from evals.duplicate_ledgers import Planted
from evals.duplicate_parts import Part
from evals.results import Lines, Metric
from evals.suites import Options
from models.blocking import KINDS, blocking_keys, candidate_pairs

_LABEL_LEDGERS, _LABEL_ROWS = 3, 1200


def candidates(sets: Mapping[str, Sequence[Planted]]) -> Part:
    """What each kind of key buys: the kinds are added one after the other, in the order of their table."""
    curves = {name: _bought(ledgers) for name, ledgers in sets.items()}
    return Part(
        plots=[
            Lines(
                "Candidate recall against candidates for each invoice",
                "As the kinds of keys are added one after the other; the last point is what is used.",
                "candidates for each invoice",
                "candidate recall",
                curves,
                x_range=(0.0, max(x for points in curves.values() for x, _ in points) * 1.05),
            )
        ]
    )


def _bought(ledgers: Sequence[Planted]) -> list[tuple[float, float]]:
    points = []
    tables = [list(blocking_keys(one.invoices, one.rates)) for one in ledgers]
    invoices, true = sum(len(one.invoices) for one in ledgers), sum(len(one.twins) for one in ledgers)
    for count in range(1, 1 + len(KINDS)):
        kinds = set(islice(KINDS, count))
        found = proposed = 0
        for one, table in zip(ledgers, tables, strict=True):
            pairs = {
                (int(left), int(right)) for left, right in candidate_pairs([key for key in table if key[1] in kinds])
            }
            proposed += len(pairs)
            found += len(pairs & set(one.twins))
        points.append((proposed / invoices, found / true))
    return points


def labels(options: Options) -> Part:
    """What the first labels of a ledger buy, from none at all."""
    part = Part()
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
    for number in (0, 50):
        best = [point for point in points if point.labels == number and point.selection == "active"]
        part.metrics += [
            Metric("second_labels", f"pr_auc_{number}_labels", one.pr_auc, one.low, one.high, one.runs) for one in best
        ]
    part.plots.append(
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
    return part
