"""What a few labels buy: the scorer of likely duplicates after 0, 10, 20, … labelled pairs of a ledger new to it.

Half of the vendors are asked about, the others are measured on: their labels are nobody's. A duplicate that blocking
does not propose counts as missed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from evals.scorers import Floats, Ints, average_precision
from models.blocking import candidate_pairs, key_tables
from models.invoice import vendor_key
from models.pair_learning import LabelledPairs, bare, teaching, tuned
from models.pair_scorer import LabelledLedger, PairScorer
from models.pair_training import training_pairs

COUNTS = (0, 10, 20, 50, 100, 200, 500, 1000)
SELECTIONS = ("active", "random", "alerts")
"""active: models.pair_learning.teaching, asked again as labels come. random: candidate pairs by chance. alerts: by
chance among those at 0.3 or above, as people decide on them."""
BATCH = 20
_ALERT = 0.3
_CHUNK = 50_000
_HELD_OUT = 0.5


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """pr_auc: the mean over `runs` (ledgers × seeds); low, high: their 10th and 90th percentile; worst: the least gain
    over no labels. used: labels that were there to be had, on average; corrected: share of runs with a correction."""

    selection: str
    labels: int
    pr_auc: float
    low: float
    high: float
    worst: float
    used: float
    corrected: float
    runs: int


@dataclass(frozen=True, slots=True)
class _Run:
    """One selection and number of labels on one ledger. start: PR AUC of the prior; used: labels that there were."""

    selection: str
    labels: int
    pr_auc: float
    start: float
    used: int
    corrected: bool


@dataclass(frozen=True, slots=True)
class _Ground:
    """The pairs of one ledger, (n,) each, and the vendors of duplicates that blocking lost."""

    rows: Floats
    truth: Ints
    vendors: list[str]
    lost: list[str]


def few_label_curve(
    ledgers: Sequence[LabelledLedger],
    prior: PairScorer,
    *,
    counts: Sequence[int] = COUNTS,
    selections: Sequence[str] = SELECTIONS,
    seeds: Sequence[int] = (0, 1, 2),
) -> list[CurvePoint]:
    """One point for each selection and number of labels, over all ledgers and seeds (which split vendors and labels).

    A ledger should have 1,000 invoices or more. Runs whose measured half has no duplicate are left out.
    """
    grounds = [_ground(ledger) for ledger in ledgers]
    found: dict[tuple[str, int], list[_Run]] = {}
    for ground in grounds:
        for seed in seeds:
            for run in _runs(ground, bare(prior), counts, selections, seed):
                found.setdefault((run.selection, run.labels), []).append(run)
    return [_point(runs) for runs in found.values()]


def _point(runs: Sequence[_Run]) -> CurvePoint:
    values = np.array([run.pr_auc for run in runs])
    return CurvePoint(
        selection=runs[0].selection,
        labels=runs[0].labels,
        pr_auc=float(values.mean()),
        low=float(np.quantile(values, 0.1)),
        high=float(np.quantile(values, 0.9)),
        worst=min(run.pr_auc - run.start for run in runs),
        used=float(np.mean([run.used for run in runs])),
        corrected=float(np.mean([run.corrected for run in runs])),
        runs=len(runs),
    )


def _ground(ledger: LabelledLedger) -> _Ground:
    invoices = list(ledger.invoices)
    pairs = candidate_pairs(key_tables(invoices))
    rows, truth = training_pairs(ledger)
    vendors = [vendor_key(one) for one in invoices]
    at = {one.invoice_id: place for place, one in enumerate(invoices)}
    proposed = {frozenset((int(a), int(b))) for a, b in pairs}
    named = {frozenset((at[left], at[right])) for left, right, _ in ledger.duplicate_pairs}
    return _Ground(rows, truth, [vendors[int(a)] for a, _ in pairs], [vendors[min(pair)] for pair in named - proposed])


def _runs(
    ground: _Ground, prior: PairScorer, counts: Sequence[int], selections: Sequence[str], seed: int
) -> Iterator[_Run]:
    rng = np.random.default_rng(seed)
    names = sorted(set(ground.vendors))
    held = set(rng.permutation(names)[: round(len(names) * _HELD_OUT)].tolist())
    measured = np.array([vendor in held for vendor in ground.vendors])
    pool, test = np.flatnonzero(~measured), np.flatnonzero(measured)
    lost = sum(vendor in held for vendor in ground.lost)
    truth = np.concatenate([ground.truth[test], np.ones(lost, dtype=np.int64)])
    if not truth.any():
        return
    labelled = LabelledPairs(ground.rows[pool], ground.truth[pool], [ground.vendors[int(at)] for at in pool])

    def value(scorer: PairScorer) -> float:
        said = np.concatenate([probabilities(scorer, ground.rows[test]), np.full(lost, -1.0)])
        return average_precision(truth, said) or 0.0

    start, first = value(prior), probabilities(prior, labelled.rows)
    for selection in selections:
        order = _order(selection, first, seed)
        known: list[int] = []
        scorer = prior
        for count in sorted(counts):
            while len(known) < count:
                step = min(max(BATCH, len(known) // 2), count - len(known))
                new = (
                    teaching(
                        probabilities(scorer, labelled.rows), labelled.vendors, [""] * len(labelled), step, seed, known
                    )
                    if order is None
                    else order[len(known) : len(known) + step]
                )
                if not new:
                    break
                known += new
                scorer = tuned(prior, labelled.taken(np.array(known)), labelled.rows, seed)
            yield _Run(selection, count, value(scorer), start, len(known), scorer is not prior)


def _order(selection: str, probability: Floats, seed: int) -> list[int] | None:
    """The rows as they would be labelled; None where that hangs on the labels."""
    if selection == "active":
        return None
    shuffled = np.random.default_rng([seed, 1]).permutation(len(probability))
    return [int(at) for at in (shuffled if selection == "random" else shuffled[probability[shuffled] >= _ALERT])]


def probabilities(scorer: PairScorer, rows: Floats) -> Floats:
    """(n,) chances, in slices that fit in memory."""
    said = [scorer.predict_proba(rows[at : at + _CHUNK])[:, 1] for at in range(0, len(rows), _CHUNK)]
    return np.concatenate(said) if said else np.empty(0)
