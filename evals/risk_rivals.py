"""What the collection model has to beat: naive rules, and two boosters as a data scientist would first try them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)

from evals.scorers import Floats
from models.boosting import filled
from models.features import RISK_FEATURES, Ledger, Receivable, risk_features
from models.risk import RiskEstimate

_PRIOR = 3.0
"""Payments that the rate of all customers counts for in the customer-rate rule."""
_LEAST = 100
_MISSING = -99.0


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one way to judge says about n invoices: P(late), days late, ends of its 80 % interval, P(over 30 days
    late), place in the worklist (higher is earlier); nan where nothing."""

    name: str
    p_late: Floats
    days: Floats
    low: Floats
    high: Floats
    p_late_30: Floats
    priority: Floats


def judgement(name: str, estimates: Sequence[RiskEstimate]) -> Judgement:
    """Estimates as arrays; nan where they say nothing."""

    def column(field: str) -> Floats:
        return np.array([getattr(one, field) for one in estimates], dtype=float)

    return Judgement(
        name, column("p_late"), column("expected_days_late"), column("days_late_low"), column("days_late_high"),
        column("p_late_30"), column("priority"),
    )  # fmt: skip


def rivals(tested: Sequence[Receivable], past: Ledger, history: Sequence[Receivable], cut: date) -> list[Judgement]:
    """Rules and boosters, fitted on what was due before the cut and judged from each invoice's posting day."""
    days = [one.posting_date for one in tested]
    table = risk_features(tested, days, past)
    amounts = np.array([float(one.amount) for one in tested])
    none = np.full(len(tested), np.nan)
    known = [one for one in history if one.due_date < cut and one.posting_date < cut]
    whole = float(np.mean(_late(known, cut))) if known else 0.5
    own, mean_days = _customer_rate(table, whole)
    made = [
        Judgement("customer rate", own, mean_days, none, none, none, own * amounts),
        Judgement("due date", np.full(len(tested), whole), np.zeros(len(tested)), none, none, none, none),
        Judgement("amount", none, none, none, none, none, amounts),
    ]
    late = _late(known, cut)
    if len(known) < _LEAST or len(np.unique(late)) < 2:
        return made
    seen = risk_features(known, [one.posting_date for one in known], past)
    return [*made, *_boosters(seen, known, late, cut, table, amounts)]


def _late(known: Sequence[Receivable], cut: date) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.array([int(one.clear_date is None or one.clear_date > one.due_date) for one in known], dtype=np.int64)


def _customer_rate(table: Floats, whole: float) -> tuple[Floats, Floats]:
    """The customer's own rate so far, drawn towards the rate of all, and its mean days late."""
    rate, count, days = (
        np.nan_to_num(table[:, RISK_FEATURES.index(name)]) for name in ("late_rate", "mature_count", "days_late_mean")
    )
    seen = np.expm1(count)
    return (seen * rate + _PRIOR * whole) / (seen + _PRIOR), days


def _boosters(
    seen: Floats, known: Sequence[Receivable], late: Any, cut: date, table: Floats, amounts: Floats
) -> list[Judgement]:
    """Plain gradient boosting and a forest of random trees, with the settings that scikit-learn comes with."""
    paid = np.array([one.clear_date is not None and one.clear_date < cut for one in known])
    days = np.array([(one.clear_date - one.due_date).days for one, is_paid in zip(known, paid, strict=True)
                     if is_paid and one.clear_date is not None], dtype=float)  # fmt: skip
    none = np.full(len(table), np.nan)
    boost = HistGradientBoostingClassifier(random_state=0).fit(filled(seen), late)
    size = HistGradientBoostingRegressor(loss="absolute_error", random_state=0).fit(filled(seen)[paid], days)
    trees = ExtraTreesClassifier(100, min_samples_leaf=5, random_state=0).fit(_whole(seen), late)
    length = ExtraTreesRegressor(100, min_samples_leaf=5, random_state=0).fit(_whole(seen)[paid], days)
    said = [("plain boosting", boost.predict_proba(table)[:, 1], size.predict(table)),
            ("random trees", trees.predict_proba(_whole(table))[:, 1], length.predict(_whole(table)))]  # fmt: skip
    return [Judgement(name, p, expected, none, none, none, p * amounts) for name, p, expected in said]


def _whole(table: Floats) -> Floats:
    return np.where(np.isnan(table), _MISSING, table)
