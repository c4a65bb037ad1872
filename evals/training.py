"""One part of a bundle fitted on given data, and measured beside the part that it would replace.

Measured on what the trial model did not see (other sources or writers, other vendors, a later time); what goes into
the bundle is then fitted on all of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from sklearn.model_selection import GroupKFold

from evals import class_figures, suite_duplicates, suite_risk
from evals.datasets import Labelled, Ledger, Portfolio, sized
from evals.document_classes import ask, fitted, joined
from evals.pair_labels import PairLabels, rows_of
from evals.results import Metric
from evals.risk_rivals import rivals
from evals.scorers import average_precision, brier, resampled
from evals.suites import Options, tracked
from governance.errors import Malformed
from models.blocking import candidate_pairs, key_tables
from models.bundle import SEED
from models.classifier import DocumentClassifier
from models.duplicates import PairScorer, train_pair_scorer, training_pairs
from models.invoice import vendor_key
from models.pair_learning import Floats, LabelledPairs, bare, tuned
from models.risk import CollectionRisk
from models.risk_ledger import Ledger as RiskLedger
from models.synthetic import CompanyMonth, company_month
from models.synthetic_numbers import stream
from models.synthetic_text import labelled_texts

_FOLDS = 5
_TEXTS = 4500
_HELD_OUT = 0.3
LEAST_TESTED = 20


@dataclass(frozen=True, slots=True)
class Trained:
    """A fitted part. `new`, `current`: the same metrics of the trial model and of the bundle's own part.

    `split`: how they were measured apart from what was fitted on. `base`: what else it was fitted on. `beside`: the
    same metrics of what it has to beat, by name.
    """

    part: str
    estimator: DocumentClassifier | PairScorer | CollectionRisk
    new: Sequence[Metric]
    current: Sequence[Metric]
    split: str
    base: str
    beside: Mapping[str, Sequence[Metric]] = field(default_factory=dict)


# Documents ---------------------------------------------------------------------------------------------------------


def documents(texts: Sequence[Labelled], grouped: bool, options: Options) -> Trained:
    """The classifier, on these texts and the made-up ones that the standard models know."""
    folds, split = _folds(texts, grouped, options.seed)
    count = sized(_TEXTS, options.scale, 360)
    base = _base_texts(count)
    new, current = [], []
    for held in tracked(folds, "held out", len(folds)):
        inside = set(held)
        model = fitted([*base, *(one for at, one in enumerate(texts) if at not in inside)], options.seed)
        own = [texts[at] for at in held]
        new.append(ask("", model, own))
        current.append(ask("", options.bundle.classifier, own))
    return Trained(
        part="classifier",
        estimator=fitted([*base, *texts], options.seed),
        new=class_figures.measured(joined("given", new), options),
        current=class_figures.measured(joined("given", current), options),
        split=split,
        base=f"{count} made-up texts",
    )


def _base_texts(count: int) -> list[Labelled]:
    """Made-up texts of the seed that the standard models are fitted on; families share no wording."""
    return [Labelled(one.text, one.document_class, "", f"family {one.family}") for one in labelled_texts(SEED, count)]


def _folds(texts: Sequence[Labelled], grouped: bool, seed: int) -> tuple[list[list[int]], str]:
    """Rows held out together, and in words how: whole sources where there are several, else whole writers."""
    by_source = len({one.source for one in texts}) > 1
    names = [one.source if by_source else one.group for one in texts]
    units = sorted(set(names))
    stream(seed, "folds").shuffle(units)
    place = {name: at % _FOLDS for at, name in enumerate(units)}
    folds = [[at for at, name in enumerate(names) if place[name] == fold] for fold in range(min(_FOLDS, len(units)))]
    if len(folds) < 2:
        raise Malformed("all texts are of one group: nothing is left to measure on. Add texts of other groups")
    if by_source:
        return folds, "whole sources held out"
    return folds, "whole groups held out" if grouped else "rows held out: without a column group this flatters"


# Duplicates --------------------------------------------------------------------------------------------------------


def duplicates(ledger: Ledger, options: Options) -> Trained:
    """The pair scorer on a ledger whose duplicates are known: fitted anew on it and the made-up ones that the standard
    models know, or the present one corrected, whichever finds more on the vendors held out."""
    seen, unseen = _by_vendor(ledger, options.seed)
    for part, what in ((seen, "to fit on"), (unseen, "to measure on")):
        if not part.duplicate_pairs:
            raise Malformed(
                f"too few vendors have duplicates: none is left {what} when whole vendors are held "
                "out. Mark the duplicates of more vendors"
            )
    months = _base_months(options.scale)
    drills = sized(16, options.scale, 2)
    seed, present = options.seed % 2**20, options.bundle.pair_scorer
    trials = {
        "fitted anew": train_pair_scorer([*months, seen], seed, drills),
        "the present one corrected": tuned(present, *_all_pairs(seen), seed),
    }
    current = suite_duplicates.measured(suite_duplicates.scored(unseen, present), options)
    found = {
        name: suite_duplicates.measured(suite_duplicates.scored(unseen, one), options) for name, one in trials.items()
    }
    best = max(found, key=lambda name: _value(found[name], "pr_auc"))
    if best == "fitted anew":
        estimator = train_pair_scorer([*months, ledger], seed, drills)
        rows = sum(len(month.invoices) for month in months)
        base = f"{rows} made-up invoices and {drills} ledgers of near misses"
    else:
        estimator = tuned(present, *_all_pairs(ledger), seed)
        base = "the present scorer, corrected"
    return Trained(
        part="pair_scorer",
        estimator=estimator,
        new=found[best],
        current=current,
        split=f"whole vendors held out: {len(unseen.invoices)} invoices; of two ways the better one: {best}",
        base=base,
    )


def _value(metrics: Sequence[Metric], name: str) -> float:
    return next((one.value for one in metrics if one.name == name and one.value is not None), 0.0)


def _all_pairs(ledger: Ledger) -> tuple[LabelledPairs, Floats]:
    """Every candidate pair of a ledger, labelled, and the same pairs as what is usual in it."""
    rows, truth = training_pairs(ledger)
    invoices = ledger.invoices
    firsts = [invoices[int(a)] for a, _ in candidate_pairs(key_tables(invoices))]
    return LabelledPairs(rows, truth, [vendor_key(one) or one.invoice_id for one in firsts]), rows


def labelled_pairs(given: PairLabels, options: Options) -> Trained:
    """The present pair scorer without earlier corrections, corrected by labelled pairs where that errs less on vendors
    that the correction did not see."""
    labelled, others = rows_of(given, options.seed)
    present, seed = options.bundle.pair_scorer, options.seed % 2**20
    vendors = np.asarray(labelled.vendors)
    new, folds = np.zeros(len(labelled)), min(_FOLDS, len(np.unique(vendors)))
    if folds < 2:
        raise Malformed(
            "all labelled pairs are of one vendor: nothing is left to measure on. Label pairs of others too "
            "(countersign learning pairs)"
        )
    for train, test in GroupKFold(n_splits=folds, shuffle=True, random_state=seed).split(labelled.rows, groups=vendors):
        trial = tuned(present, labelled.taken(train), others, seed)
        new[test] = trial.predict_proba(labelled.rows[test])[:, 1]
    prior = bare(present)
    before = prior.predict_proba(labelled.rows)[:, 1]
    better = (brier(labelled.labels, new) or 0.0) < (brier(labelled.labels, before) or 0.0)
    seen = "" if prior is present else "; the present one may have learned from them"
    return Trained(
        part="pair_scorer",
        estimator=tuned(prior, labelled, others, seed) if better else prior,
        new=_on_pairs(labelled, new, options),
        current=_on_pairs(labelled, present.predict_proba(labelled.rows)[:, 1], options),
        split=f"whole vendors held out, each once: {len(labelled)} labelled pairs of {len(np.unique(vendors))} vendors"
        + seen,
        base="the present scorer, corrected",
    )


def _on_pairs(labelled: LabelledPairs, said: Floats, options: Options) -> list[Metric]:
    """Ranking and error of probabilities on labelled pairs, with intervals over their vendors."""
    statistics = {"pr_auc": average_precision, "brier": brier}
    made = []
    for name, statistic in statistics.items():
        found = resampled(
            lambda at, of=statistic: of(labelled.labels[at], said[at]),  # type: ignore[misc]
            labelled.vendors,
            options.seed,
            options.resamples,
        )
        made.append(Metric("labelled pairs", name, found.value, found.low, found.high, len(labelled)))
    return made


def _base_months(scale: float) -> list[CompanyMonth]:
    return [
        company_month(
            SEED + number, suppliers=120, customers=40, invoices=sized(1800, scale, 150), exceptions=0, mail=0
        )
        for number in (1, 2)
    ]


def _by_vendor(ledger: Ledger, seed: int) -> tuple[Ledger, Ledger]:
    """(ledger to fit on, ledger to measure on) by whole vendors. A duplicate across the two is in neither."""
    vendor = {one.invoice_id: one.vendor_id or one.vendor_name for one in ledger.invoices}
    with_pairs = sorted({vendor[left] for left, _, _ in ledger.duplicate_pairs})
    others = sorted(set(vendor.values()) - set(with_pairs))
    rng = stream(seed, "vendors")
    held: set[str] = set()
    for names in (with_pairs, others):
        held |= set(rng.sample(names, k=min(len(names) - 1, max(1, round(len(names) * _HELD_OUT)))) if names else ())
    parts = []
    for inside in (False, True):
        invoices = [one for one in ledger.invoices if (vendor[one.invoice_id] in held) is inside]
        ids = {one.invoice_id for one in invoices}
        pairs = [pair for pair in ledger.duplicate_pairs if pair[0] in ids and pair[1] in ids]
        parts.append(replace(ledger, name="given", invoices=invoices, duplicate_pairs=pairs))
    return parts[0], parts[1]


# Risk --------------------------------------------------------------------------------------------------------------


def risk(portfolio: Portfolio, options: Options) -> Trained:
    """The collection model, on this portfolio alone: how others pay says little about these customers."""
    cut, tested = suite_risk.split(portfolio)
    tested = [one for one in tested if one.amount >= 0]  # nobody pays a credit note late
    outcomes = suite_risk.outcomes_of(tested, portfolio.end)
    if len(tested) < LEAST_TESTED or len(np.unique(outcomes.late)) < 2:
        raise Malformed(
            f"{len(tested)} invoices were settled after the cut at {cut}, or all of them alike: a longer history is "
            "needed to measure what was learned"
        )
    history = [one for one in portfolio.items if one.posting_date < portfolio.end]
    past, seed = RiskLedger(history), options.seed % 2**31
    trial = CollectionRisk(seed=seed).fit(past, cut)
    if not trial.has_model:
        raise Malformed(
            f"only {trial.trained_rows_} invoices were settled before {cut}; a model needs {trial.min_rows} to fit on"
        )
    days = [one.posting_date for one in tested]
    present = options.bundle.risk.rebased(past, cut, foreign=True)
    judged = [
        suite_risk.judgement("own", model.predict(tested, days, past, explain=False)) for model in (trial, present)
    ]
    new, current = (suite_risk.measured("given", one, outcomes, options) for one in judged)
    beside = {
        one.name: suite_risk.measured("given", replace(one, name="own"), outcomes, options)
        for one in rivals(tested, past, history, cut)
    }
    estimator = CollectionRisk(seed=seed).fit(portfolio.items, portfolio.end)
    return Trained(
        part="risk",
        estimator=estimator,
        new=new,
        current=current,
        split=f"time: fitted before {cut}, measured on {len(tested)} invoices posted from then on",
        base=f"nothing else; of {len(estimator.candidates_)} candidates the best on the later part of the history: "
        f"{estimator.kind_}",
        beside={name: found for name, found in beside.items() if found},
    )
