"""What must hold beside accuracy: no look ahead, the same figures online and offline, strangers, and time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import date

import numpy as np

from evals.datasets import Portfolio
from evals.results import Metric
from evals.risk_figures import Outcomes
from evals.risk_leak import rows_that_moved, rows_unlike_alone
from evals.scorers import auc, resampled
from evals.suites import Options
from models.features import Receivable
from models.risk import CollectionRisk, Ledger
from models.synthetic_numbers import stream

_FOLDS = 3
_LEAST_CUSTOMERS = 60
_DAYS = 60
_BATCH = 10_000
_SINGLE = 60


def left_out(
    portfolio: Portfolio,
    cut: date,
    tested: Sequence[Receivable],
    outcomes: Outcomes,
    model: CollectionRisk,
    options: Options,
) -> list[Metric]:
    """AUC for customers that the fit never saw: each third of them is judged by a model of the others, from its own
    past. Nothing where there are few customers or no model."""
    customers = sorted({one.customer_id for one in portfolio.items})
    if not model.has_model or len(customers) < _LEAST_CUSTOMERS:
        return []
    stream(options.seed, "left out").shuffle(customers)
    fold = {name: at % _FOLDS for at, name in enumerate(customers)}
    past, chance = Ledger(portfolio.items), np.zeros(len(tested))
    for number in range(_FOLDS):
        others = [one for one in portfolio.items if fold[one.customer_id] != number]
        stranger = CollectionRisk(seed=options.seed % 2**31).fit(others, cut)
        rows = [at for at, one in enumerate(tested) if fold[one.customer_id] == number]
        items = [tested[at] for at in rows]
        said = stranger.predict(items, [one.posting_date for one in items], past, explain=False)
        chance[rows] = [0.5 if one.p_late is None else one.p_late for one in said]
    found = resampled(
        lambda at: auc(outcomes.late[at], chance[at]), outcomes.customers, options.seed, options.resamples
    )
    return [Metric(portfolio.name, "unseen_customers_auc", found.value, found.low, found.high, len(tested))]


def proofs(portfolio: Portfolio, options: Options) -> list[Metric]:
    """Shares of invoices whose features do not see the future, and are the same from their customer's rows alone.

    The future is changed on up to 60 days, spread evenly; the tests do it on all of them.
    """
    past = Ledger(portfolio.items)
    days = np.unique(past.bills.post)
    chosen = days[np.unique(np.linspace(0, len(days) - 1, min(_DAYS, len(days))).astype(int))]
    asked, moved = rows_that_moved(past, chosen.tolist(), options.seed)
    alone, unlike = rows_unlike_alone(portfolio.items)
    return [
        Metric(portfolio.name, "features_blind_to_the_future", 1.0 - moved / asked, count=asked),
        Metric(portfolio.name, "features_same_online", 1.0 - unlike / alone, count=alone),
    ]


def speed(name: str, model: CollectionRisk, past: Ledger, tested: Sequence[Receivable]) -> list[Metric]:
    """CPU microseconds for a row of a batch of 10,000 and for a single one, from a prepared ledger; with reasons, which
    are made for what is shown, apart."""
    items = (list(tested) * (_BATCH // len(tested) + 1))[:_BATCH]
    days = [one.posting_date for one in items]
    shown = items[:200]

    def taken(call: object, times: int, rows: int) -> float:
        best = float("inf")
        for _ in range(times):
            start = time.process_time()
            call()  # type: ignore[operator]
            best = min(best, time.process_time() - start)
        return best * 1e6 / rows

    batch = taken(lambda: model.predict(items, days, past, explain=False), 3, len(items))
    single = taken(
        lambda: [model.predict([one], [day], past, explain=False) for one, day in
                 zip(items[:_SINGLE], days[:_SINGLE], strict=True)], 3, _SINGLE,
    )  # fmt: skip
    explained = taken(lambda: model.predict(shown, days[: len(shown)], past), 1, len(shown))
    return [
        Metric(name, "batch_row_time", batch, count=len(items), unit="us"),
        Metric(name, "single_row_time", single, count=_SINGLE, unit="us"),
        Metric(name, "explained_row_time", explained, count=len(shown), unit="us"),
    ]
