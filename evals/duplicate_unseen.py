"""Classes of duplicates that a scorer has never seen: it is trained without one class at a time and asked for that.

The class is taken out of the training ledgers with its invoices, so that its pairs teach nothing, not even as
negatives. Which classes there are, the generator of the training data says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from evals.datasets import Ledger, held_out, sized
from evals.duplicate_ledgers import COMPANY_INVOICES, RENUMBERED, Planted
from evals.duplicate_parts import Part
from evals.duplicate_scores import THRESHOLD, Scored, is_shown, merged, ours, scored
from evals.results import Dots, Metric, words
from evals.scorers import Interval, mean, resampled
from evals.suites import Options, tracked
from models.duplicates import train_pair_scorer
from models.synthetic import company_month

# The same class goes by another name in the other generators.
_CALLED = {
    "second": {"resubmitted": "exact", "penny": "amount", "other_vendor_record": "vendor_double"},
    "third": {"resubmitted": "exact", "amount": "penny", "other_vendor_record": "vendor", "other_entity": "entity"},
}
_COMPANIES, _DRILLS = 1, 28


def run(options: Options, asked: Mapping[str, Sequence[Planted]]) -> Part:
    """One scorer for each class of the training generator, asked for the true pairs of that class in ledgers of each
    generator (name → ledgers)."""
    training = _training(options)
    kinds = _kinds(training, options.scale)
    found: list[tuple[str, str, Interval, int]] = []
    for kind in tracked(kinds, "classes left out", len(kinds)):
        scorer = train_pair_scorer(
            [without(one, kind) for one in training],
            seed=held_out(options.seed, 660) % 2**20,
            drills=sized(_DRILLS, options.scale),
            without=(kind,),
        )
        for name, tested in asked.items():
            own = _CALLED.get(name, {}).get(kind, kind)
            some = [one for one in tested if own in one.twins.values()]
            if some:
                seen, count = _recall(merged([scored(one, *ours(one, scorer)) for one in some]), own, options)
                found.append((kind, name, seen, count))
    return Part(_metrics(found), plots=[_plot(found)] if found else [])


def _training(options: Options) -> list[Ledger]:
    months = [
        company_month(held_out(options.seed, 650 + number), suppliers=sized(120, options.scale, 20), customers=5,
                      invoices=sized(COMPANY_INVOICES, options.scale, 150), exceptions=0, mail=0)
        for number in range(_COMPANIES)
    ]  # fmt: skip
    return [Ledger("company", month.invoices, month.duplicate_pairs) for month in months]


def _kinds(training: Sequence[Ledger], scale: float) -> list[str]:
    """The generator's classes; in a trial few of them, as each takes the training of a scorer."""
    kinds = sorted({kind for one in training for *_, kind in one.duplicate_pairs})
    return kinds if scale >= 1.0 else kinds[:: max(1, len(kinds) // sized(len(kinds), scale))]


def without(ledger: Ledger, kind: str) -> Ledger:
    """The ledger as if nobody had ever made a duplicate of that class."""
    gone = {twin for _, twin, said in ledger.duplicate_pairs if said == kind}
    return replace(
        ledger,
        invoices=[one for one in ledger.invoices if one.invoice_id not in gone],
        duplicate_pairs=[pair for pair in ledger.duplicate_pairs if not gone & set(pair[:2])],
    )


def _recall(one: Scored, kind: str, options: Options) -> tuple[Interval, int]:
    """The share of the class that is reported, renumbered invoices through their own queue, and of how many."""
    rows = [at for at, said in enumerate(one.kind) if said == kind]
    shown = is_shown(one)[rows].astype(float)
    seen = resampled(lambda at: mean(shown[at]), [one.vendor[at] for at in rows], options.seed, options.resamples)
    return seen, len(rows)


def _metrics(found: Sequence[tuple[str, str, Interval, int]]) -> list[Metric]:
    """Every class, and the worst one of each generator: renumbered invoices apart, as little is promised of them."""
    made = [Metric(f"{name}_unseen", kind, seen.value, seen.low, seen.high, count) for kind, name, seen, count in found]
    for name in dict.fromkeys(name for _, name, _, _ in found):
        rest = [(seen.value, count) for kind, own, seen, count in found if own == name and kind != RENUMBERED]
        values = [value for value, _ in rest if value is not None]
        if values:
            made.append(Metric(f"{name}_unseen", "worst_class", min(values), count=sum(count for _, count in rest)))
            made.append(
                Metric(f"{name}_unseen", "mean_of_classes", float(np.mean(values)), count=sum(n for _, n in rest))
            )
    return made


def _plot(found: Sequence[tuple[str, str, Interval, int]]) -> Dots:
    return Dots(
        "Classes that the scorer never saw",
        f"Share of a class reported at {THRESHOLD:g} by a scorer that was trained without it, with 95 % intervals over "
        "vendors; renumbered invoices from the threshold of their own queue.",
        "recall",
        [(f"{words(kind)}, {name}", seen.value, seen.low, seen.high) for kind, name, seen, _ in found],
    )
