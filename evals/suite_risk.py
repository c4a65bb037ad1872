"""How well late payment is foreseen: fitted on the past, measured on what was posted later, beside simple rules.

Every invoice is looked at from its own posting date. An outcome counts only where it was certain before the data
ends, thirty days after the due date.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from evals import datasets
from evals.datasets import Portfolio
from evals.results import Dots, Lines, Metric, Plot, SuiteResult, Table, heading
from evals.scorers import Floats, Ints, auc, average_precision, brier, ece, mean, reliability, resampled
from evals.suites import Options, tracked
from models.features import RISK_FEATURES, Receivable, risk_features
from models.risk import CollectionRisk, RiskEstimate

TRAINED_SHARE = 0.65
MATURE_DAYS = 30
_PRIOR = 3.0
"""Payments that the rate of all customers counts for in the customer-rate rule."""

_ABOUT = (
    "Receivables split by time: models see what was known before the cut, invoices posted from then on are scored "
    "from their own posting date. 'own' is fitted on the company's past, 'shipped' comes with the product and knows "
    "only the rates of this company; the customer-rate rule and the due date are what they have to beat. Intervals "
    "are over customers."
)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one way to judge says about n invoices: P(late), days late, ends of its 80 % interval; nan where nothing."""

    name: str
    p_late: Floats
    days: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What happened to n invoices: late, days late (nan: never paid before the end), and whose they are."""

    late: Ints
    days: Floats
    customers: list[str]
    terms: Floats


def run(options: Options) -> SuiteResult:
    portfolios = [datasets.company_portfolio(options.seed, options.scale)]
    notes = []
    if options.folder is not None:
        portfolios += list(datasets.real_portfolios(options.folder))
    else:
        notes.append("No folder with real receivables was given: a made-up company only.")
    metrics: list[Metric] = []
    tables: list[Table] = []
    plots: list[Plot] = []
    for portfolio in tracked(portfolios, "risk"):
        cut, tested = split(portfolio)
        if len(tested) < 20:
            notes.append(
                f"{portfolio.name}: only {len(tested)} invoices were settled after the cut, too few to measure"
            )
            continue
        outcomes = outcomes_of(tested, portfolio.end)
        judged = _judgements(portfolio, cut, tested, options)
        found = {one.name: measured(portfolio.name, one, outcomes, options) for one in judged}
        metrics += [metric for part in found.values() for metric in part]
        tables.append(_table(portfolio.name, cut, found))
        plots += [_reliability(portfolio.name, judged, outcomes), _ranking(portfolio.name, found)]
        notes.append(f"{portfolio.name}: {len(tested)} invoices posted from {cut} on, {outcomes.late.mean():.0%} late")
    return SuiteResult("risk", _ABOUT, metrics, tables, plots, notes)


def split(portfolio: Portfolio, share: float = TRAINED_SHARE) -> tuple[date, list[Receivable]]:
    """(the cut, invoices posted from then on whose outcome is certain). The cut lies at `share` of the certain ones."""
    certain = [one for one in portfolio.items if one.due_date + timedelta(days=MATURE_DAYS) < portfolio.end]
    if not certain:
        return portfolio.end, []
    posted = sorted(one.posting_date for one in certain)
    cut = posted[min(len(posted) - 1, round(share * len(posted)))]
    return cut, [one for one in certain if one.posting_date >= cut]


def outcomes_of(tested: Sequence[Receivable], end: date) -> Outcomes:
    paid = [one.clear_date if one.clear_date is not None and one.clear_date <= end else None for one in tested]
    days = [np.nan if day is None else (day - one.due_date).days for one, day in zip(tested, paid, strict=True)]
    late = np.array([int(not day <= 0) for day in days], dtype=np.int64)
    terms = np.array([(one.due_date - one.posting_date).days for one in tested], dtype=float)
    return Outcomes(late, np.array(days, dtype=float), [one.customer_id for one in tested], terms)


def _judgements(portfolio: Portfolio, cut: date, tested: Sequence[Receivable], options: Options) -> list[Judgement]:
    history = [one for one in portfolio.items if one.posting_date < portfolio.end]
    own = CollectionRisk(seed=options.seed % 2**31).fit(history, cut)
    shipped = options.bundle.risk.rebased(history, cut)
    days = [one.posting_date for one in tested]
    return [
        judgement("own", own.predict(tested, days, history)),
        judgement("shipped", shipped.predict(tested, days, history)),
        *_rules(tested, days, history, cut),
    ]


def judgement(name: str, estimates: Sequence[RiskEstimate]) -> Judgement:
    """Estimates as arrays; nan where they say nothing."""

    def column(field: str) -> Floats:
        return np.array([getattr(one, field) for one in estimates], dtype=float)

    return Judgement(
        name, column("p_late"), column("expected_days_late"), column("days_late_low"), column("days_late_high")
    )


def _rules(
    tested: Sequence[Receivable], days: Sequence[date], history: Sequence[Receivable], cut: date
) -> list[Judgement]:
    """The customer's own rate so far, drawn towards the rate of all, and the due date with the rate of all."""
    known = [one for one in history if one.due_date < cut]
    late = [one.clear_date is None or one.clear_date > one.due_date for one in known]
    whole = sum(late) / len(late) if late else 0.5
    table = risk_features(tested, days, history)
    rate, count, past = (
        np.nan_to_num(table[:, RISK_FEATURES.index(name)]) for name in ("late_rate", "mature_count", "days_late_mean")
    )
    seen = np.expm1(count)
    own = (seen * rate + _PRIOR * whole) / (seen + _PRIOR)
    none = np.full(len(tested), np.nan)
    return [
        Judgement("customer rate", own, past, none, none),
        Judgement("due date", np.full(len(tested), whole), np.zeros(len(tested)), none, none),
    ]


def measured(dataset: str, one: Judgement, outcomes: Outcomes, options: Options) -> list[Metric]:
    """AUC, AP, Brier, ECE of lateness; MAE in days; how much of what happened the interval holds, and its width."""
    prefix = _prefix(one.name)
    said = np.flatnonzero(~np.isnan(one.p_late))
    paid = np.flatnonzero(~np.isnan(one.days) & ~np.isnan(outcomes.days))
    bounded = np.flatnonzero(~np.isnan(one.low))
    held = (outcomes.days >= one.low) & (outcomes.days <= one.high)  # what was never paid, nan, is in no interval

    def metric(name: str, rows: Ints, statistic: Callable[[Ints], float | None], unit: str = "") -> Metric:
        groups = [outcomes.customers[at] for at in rows]
        found = resampled(lambda at: statistic(rows[at]), groups, options.seed, options.resamples)
        return Metric(dataset, prefix + name, found.value, found.low, found.high, len(rows), unit)

    late, p_late = outcomes.late, one.p_late
    errors = np.abs(one.days - outcomes.days)
    made = [
        metric("brier", said, lambda at: brier(late[at], p_late[at])),
        metric("mae_days", paid, lambda at: mean(errors[at]), "days"),
    ]
    if len(np.unique(p_late[said])) > 1:  # one number for all ranks nobody
        made += [
            metric("auc", said, lambda at: auc(late[at], p_late[at])),
            metric("average_precision", said, lambda at: average_precision(late[at], p_late[at])),
            Metric(dataset, f"{prefix}ece", ece(late[said], p_late[said]), count=len(said)),
        ]
    if len(bounded):
        made += [
            metric("interval_coverage", bounded, lambda at: mean(held[at].astype(float))),
            metric("interval_width_days", bounded, lambda at: mean((one.high - one.low)[at]), "days"),
        ]
    return made


def _prefix(judge: str) -> str:
    return "" if judge == "own" else f"{judge.replace(' ', '_')}_"


def _of(found: Mapping[str, Sequence[Metric]], judge: str, name: str) -> Metric | None:
    return next((one for one in found[judge] if one.name == _prefix(judge) + name), None)


def _table(name: str, cut: date, found: Mapping[str, Sequence[Metric]]) -> Table:
    wanted = {"auc": "AUC", "average_precision": "average precision", "brier": "Brier", "mae_days": "mean error, days"}
    rows = [
        (judge, *(None if (one := _of(found, judge, metric)) is None else one.value for metric in wanted))
        for judge in found
    ]
    return Table(
        f"{heading(name)}: side by side", ("who judges", *wanted.values()), rows, f"Invoices posted from {cut} on."
    )


def _reliability(name: str, judged: Sequence[Judgement], outcomes: Outcomes) -> Plot:
    series = {}
    for one in judged[:3]:
        said = ~np.isnan(one.p_late)
        series[one.name] = [(p, share) for p, share, _ in reliability(outcomes.late[said], one.p_late[said])]
    return Lines(
        f"{heading(name)}: said and seen",
        "Share of invoices that were late against the probability that was said, in tenths. On the dashed line the "
        "two agree.",
        "probability of being late",
        "share late",
        series,
        diagonal=True,
    )


def _ranking(name: str, found: Mapping[str, Sequence[Metric]]) -> Plot:
    return Dots(
        f"{heading(name)}: who ranks late payers best",
        "Area under the ROC curve with 95 % intervals over customers; 0.5 is no better than chance.",
        "AUC",
        [(judge, one.value, one.low, one.high) for judge in found if (one := _of(found, judge, "auc")) is not None],
        (0.4, 1.0),
    )
