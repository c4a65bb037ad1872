"""How well late payment is foreseen: fitted on the past, measured on what was posted later, beside simple rules.

Every invoice is looked at from its own posting date. An outcome counts only where it was certain before the data
ends, thirty days after the due date.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from evals import datasets, risk_plots
from evals.datasets import Portfolio
from evals.results import Metric, Plot, SuiteResult, Table
from evals.risk_countries import countries_of
from evals.risk_cuts import MOST_ROWS, SHARES, at_cut, over_cuts
from evals.risk_figures import (
    Outcomes,
    by_period,
    group_rows,
    groups,
    late_value,
    lift,
    owed_late,
    periods,
    wape,
    weekly_cash,
)  # fmt: skip
from evals.risk_proofs import left_out, proofs, speed
from evals.risk_rivals import Judgement, judgement, rivals
from evals.scorers import Floats, Ints, auc, average_precision, brier, ece, mean, resampled
from evals.suites import Options, tracked
from models.features import Receivable
from models.risk import CollectionRisk, Ledger, RiskEstimate, Seen

__all__ = ["Judgement", "Outcomes", "judgement", "measured", "outcomes_of", "run", "split"]

TRAINED_SHARE = 0.65
MATURE_DAYS = 30
NEAR = 3.0
_FEW = (1, 4)

_ABOUT = (
    "Receivables split by time: models see what was known before the cut, invoices posted from then on are scored "
    "from their own posting date. 'own' is fitted on the company's past, 'shipped' comes with the product and knows "
    "only the rates of this company; rates and the reach of intervals follow from month to month, models do not. The "
    "customer-rate rule, the due date and two boosters as they come are what they have to beat. Intervals are over "
    "customers."
)


@dataclass(frozen=True, slots=True)
class _Told:
    """What one model said, month by month: estimates in the order of `tested`, arrays and the places of each month."""

    estimates: list[RiskEstimate]
    seen: list[Seen]
    rows: list[Ints]

    @property
    def settled(self) -> Ints:
        found = np.empty(len(self.estimates), dtype=np.int64)
        for part, places in zip(self.seen, self.rows, strict=True):
            found[places] = part.settled
        return found


def run(options: Options) -> SuiteResult:
    portfolios = [datasets.company_portfolio(options.seed, options.scale)]
    notes: list[str] = []
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
        found = _portfolio(portfolio, cut, tested, options)
        metrics += found[0]
        tables += found[1]
        plots += found[2]
        late = np.mean([one > 0 for one in outcomes_of(tested, portfolio.end).late])
        notes.append(f"{portfolio.name}: {len(tested)} invoices posted from {cut} on, {late:.0%} late")
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


def _portfolio(
    portfolio: Portfolio, cut: date, tested: list[Receivable], options: Options
) -> tuple[list[Metric], list[Table], list[Plot]]:
    history = [one for one in portfolio.items if one.posting_date < portfolio.end]
    past, outcomes, name = Ledger(history), outcomes_of(tested, portfolio.end), portfolio.name
    model = CollectionRisk(seed=options.seed % 2**31).fit(past, cut)
    own = _told(model, tested, past, cut)
    shipped = _told(options.bundle.risk, tested, past, cut, foreign=True)
    judged = [
        judgement("own", own.estimates), judgement("shipped", shipped.estimates), *rivals(tested, past, history, cut)
    ]  # fmt: skip
    found = {one.name: measured(name, one, outcomes, options) for one in judged}
    metrics = [metric for part in found.values() for metric in part]
    owed = owed_late(np.array([float(one.amount) for one in tested]), outcomes.days)
    metrics += [_worklist(name, one, owed, outcomes, options) for one in judged if not np.isnan(one.priority).any()]
    foreseen, received = weekly_cash(tested, own.seen, own.rows, portfolio.end)
    if (error := wape(foreseen, received)) is not None:
        metrics.append(Metric(name, "cash_wape", min(1.0, error), count=len(received)))
    ours, quarters = judged[0], by_period(periods(tested, 3), _held(judged[0], outcomes))
    if quarters and model.has_model:
        shares = [share for _, share, _ in quarters]
        metrics += [Metric(name, "coverage_least_quarter", min(shares), count=len(tested)),
                    Metric(name, "coverage_most_quarter", max(shares), count=len(tested))]  # fmt: skip
    metrics += _few(name, own.settled, judged, outcomes)
    metrics += left_out(portfolio, cut, tested, outcomes, model, options)
    metrics += [*proofs(portfolio, options), *speed(name, model, past, tested)]
    parts = groups(tested, own.settled, countries_of(options.folder, name, tested))
    rows = group_rows(parts, ours.p_late, ours.days, outcomes, options.seed, options.resamples)
    tables = [risk_plots.side_by_side(name, cut, found), risk_plots.grouped(name, rows)]
    tables += [risk_plots.quarters(name, quarters), *risk_plots.candidates(name, model.candidates_, model.kind_)]
    tables += _over_cuts(portfolio, past, options)
    months = by_period(periods(tested, 1), _held(ours, outcomes))
    plots = [
        risk_plots.reliability_of(name, judged[:3], outcomes),
        risk_plots.ranking(name, found),
        risk_plots.lifts(name, {one.name: lift(owed, one.priority) for one in judged
                                if not np.isnan(one.priority).any()}),
        *risk_plots.coverage(name, months),
        *risk_plots.cash(name, foreseen, received),
    ]  # fmt: skip
    return metrics, tables, plots


def _over_cuts(portfolio: Portfolio, past: Ledger, options: Options) -> list[Table]:
    if len(portfolio.items) > MOST_ROWS:
        return []
    cuts = [split(portfolio, share) for share in SHARES]
    seed = options.seed % 2**31
    return over_cuts(
        portfolio.name,
        [at_cut(cut, tested, outcomes_of(tested, portfolio.end), past, seed) for cut, tested in cuts if tested],
    )


def _told(model: CollectionRisk, tested: Sequence[Receivable], past: Ledger, cut: date, foreign: bool = False) -> _Told:
    """What a model says of each invoice on its posting day, with the rates and intervals of the first of its month."""
    months: dict[date, list[int]] = {}
    for at, one in enumerate(tested):
        months.setdefault(max(cut, one.posting_date.replace(day=1)), []).append(at)
    made: dict[int, RiskEstimate] = {}
    seen, rows = [], []
    for first, places in sorted(months.items()):
        today = model.rebased(past, first, foreign=foreign)
        items = [tested[at] for at in places]
        days = [one.posting_date for one in items]
        made.update(zip(places, today.predict(items, days, past, explain=False), strict=True))
        seen.append(today.seen(items, days, past))
        rows.append(np.array(places, dtype=np.int64))
    return _Told([made[at] for at in range(len(tested))], seen, rows)


def _held(one: Judgement, outcomes: Outcomes) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """1 where what happened lies in the interval; what was never paid, nan, is in none."""
    held: np.ndarray[tuple[int], np.dtype[np.float64]] = (
        (outcomes.days >= one.low) & (outcomes.days <= one.high)
    ).astype(float)
    return held


def _worklist(name: str, one: Judgement, owed: Floats, outcomes: Outcomes, options: Options) -> Metric:
    found = resampled(
        lambda at: late_value(owed[at], one.priority[at]), outcomes.customers, options.seed, options.resamples
    )
    return Metric(name, f"{_prefix(one.name)}late_value_in_top_fifth", found.value, found.low, found.high, len(owed))


def _few(name: str, settled: Ints, judged: Sequence[Judgement], outcomes: Outcomes) -> list[Metric]:
    """AUC for customers of one to four settled invoices, beside that of the customer-rate rule."""
    rows = np.flatnonzero((settled >= _FEW[0]) & (settled <= _FEW[1]) & ~np.isnan(judged[0].p_late))
    late = outcomes.late[rows]
    rule = next(one for one in judged if one.name == "customer rate")
    ours, theirs = auc(late, judged[0].p_late[rows]), auc(late, rule.p_late[rows])
    if len(rows) < 20 or ours is None or theirs is None:
        return []
    return [
        Metric(name, "few_payments_auc", ours, count=len(rows)),
        Metric(name, "few_payments_customer_rate_auc", theirs, count=len(rows)),
        Metric(name, "few_payments_auc_above_rule", ours - theirs, count=len(rows), unit="difference"),
    ]


def measured(dataset: str, one: Judgement, outcomes: Outcomes, options: Options) -> list[Metric]:
    """AUC, AP, Brier, ECE of lateness; MAE in days; how much of what happened the interval holds, and its width."""
    prefix = _prefix(one.name)
    said = np.flatnonzero(~np.isnan(one.p_late))
    paid = np.flatnonzero(~np.isnan(one.days) & ~np.isnan(outcomes.days))
    bounded = np.flatnonzero(~np.isnan(one.low))
    far = np.flatnonzero(~np.isnan(one.p_late_30))

    def metric(name: str, rows: Ints, statistic: Callable[[Ints], float | None], unit: str = "") -> Metric:
        groups = [outcomes.customers[at] for at in rows]
        found = resampled(lambda at: statistic(rows[at]), groups, options.seed, options.resamples)
        return Metric(dataset, prefix + name, found.value, found.low, found.high, len(rows), unit)

    late, p_late = outcomes.late, one.p_late
    # What was never paid before the end is more than thirty days late: only matured invoices are measured.
    very_late = (~(outcomes.days <= MATURE_DAYS)).astype(np.int64)
    errors, held = np.abs(one.days - outcomes.days), _held(one, outcomes)
    made = []
    if len(said):
        made.append(metric("brier", said, lambda at: brier(late[at], p_late[at])))
    if len(paid):
        near = (errors <= NEAR).astype(float)
        made.append(metric("mae_days", paid, lambda at: mean(errors[at]), "days"))
        made.append(metric("within_3_days", paid, lambda at: mean(near[at])))
    if len(np.unique(p_late[said])) > 1:  # one number for all ranks nobody
        made += [
            metric("auc", said, lambda at: auc(late[at], p_late[at])),
            metric("average_precision", said, lambda at: average_precision(late[at], p_late[at])),
            Metric(dataset, f"{prefix}ece", ece(late[said], p_late[said]), count=len(said)),
        ]
    if len(far) and very_late[far].sum() >= 10:
        p_far = one.p_late_30
        made += [
            metric("over_30_auc", far, lambda at: auc(very_late[at], p_far[at])),
            metric("over_30_average_precision", far, lambda at: average_precision(very_late[at], p_far[at])),
        ]
    if len(bounded):
        made += [
            metric("interval_coverage", bounded, lambda at: mean(held[at])),
            metric("interval_width_days", bounded, lambda at: mean((one.high - one.low)[at]), "days"),
        ]
    return made


def _prefix(judge: str) -> str:
    return risk_plots.prefix(judge)


Found = Mapping[str, Sequence[Metric]]
