"""How likely a customer pays an open invoice late, and how late: a calibrated model, or a plain rate, and why."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from datetime import date
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.utils.validation import check_is_fitted

from models.events import Floats, Ints
from models.features import (
    RISK_FEATURES,
    Columns,
    Moment,
    Receivable,
    features_at,
    lateness,
    moment,
    risk_features,
)
from models.outlook import REACH, Outlook, falling, outlook, reach_of
from models.risk_fitting import certain, fitted, stacked
from models.risk_reasons import FAMILIES, model_reasons, rule_reasons

__all__ = ["RISK_FEATURES", "CollectionRisk", "Receivable", "RiskEstimate", "risk_features"]

LATE = (0, 15, 30)
THIN = 5
_PRIOR = 3.0
_LEAST_PORTFOLIO = 5
_LEAST_FOR_INTERVAL = 20
_SPREAD = (0.03, 0.1, 0.25, 0.5, 0.75, 0.9, 0.97)
_CALIBRATION_SHARE = 0.25
_LEAST_CALIBRATION = 60
_COVERAGE = 0.8


@dataclass(frozen=True, slots=True)
class RiskEstimate:
    """How late one invoice will be paid. Days count from the due date, early is negative.

    p_late, p_late_15, p_late_30: probability of more than 0, 15, 30 days late. days_late_low, days_late_high:
    where 80 % of such invoices fall. basis: model | rule (the customer's own rate) | cold_start (the rate of
    all). priority: amount times expected months late (early counts as 0). None where nothing is known.
    """

    invoice_id: str
    p_late: float | None
    p_late_15: float | None
    p_late_30: float | None
    expected_days_late: float | None
    days_late_low: float | None
    days_late_high: float | None
    basis: str
    reasons: tuple[str, ...]
    priority: float | None


class CollectionRisk(BaseEstimator):  # type: ignore[misc]
    """Probability and size of late payment, from the past of each customer.

    One gradient boosting model gives P(more than k days late) for every k, falling in k by constraint; its
    level is set by Platt scaling and its 80 % interval by split conformal prediction (see models.outlook) on
    the latest quarter of the history, which an earlier model did not see. Customers with fewer than five
    settled invoices get their own rate, drawn towards that of all customers. Below `min_rows` settled
    invoices there is no model: everybody gets the rate.
    """

    def __init__(self, min_rows: int = 500, seed: int = 0) -> None:
        self.min_rows = min_rows
        self.seed = seed

    @property
    def has_model(self) -> bool:
        """False where the history was too short for a model."""
        return getattr(self, "booster_", None) is not None

    def fit(self, history: Sequence[Receivable], as_of: date) -> Self:
        """Fits on what was known strictly before `as_of`: later rows, payments and outcomes are not looked at."""
        known = [one for one in history if one.posting_date < as_of]
        cut = as_of.toordinal()
        now = moment(known, [one.posting_date for one in known], known)
        self._set_portfolio(now.item, cut)
        self.booster_: Any = None
        self.slope_, self.intercept_, self.reach_ = 1.0, 0.0, REACH
        self.typical_ = np.full(len(RISK_FEATURES), np.nan)
        settled = certain(now.item, LATE[-1], cut)
        late = (now.item.clear > now.item.due)[settled]
        self.trained_rows_ = int(settled.sum())
        if self.trained_rows_ < self.min_rows or late.all() or not late.any():
            return self
        X = features_at(now)  # noqa: N806
        self.typical_ = np.array([np.median(column[~np.isnan(column)]) if (~np.isnan(column)).any() else 0.0
                                  for column in X.T])  # fmt: skip
        self._calibrate(X, now.item, cut)
        self.booster_ = fitted(X, now.item, self.thresholds_, cut, np.ones(len(X), dtype=bool), self.seed)
        return self

    def rebased(self, history: Sequence[Receivable], as_of: date) -> CollectionRisk:
        """The same model over another portfolio: rates of all customers as `history` shows them before `as_of`.

        Where that history is too thin to say anything, neither do the rates: those of another company would be
        invented.
        """
        check_is_fitted(self, "thresholds_")
        known = [one for one in history if one.posting_date < as_of]
        table = moment(known, [one.posting_date for one in known], known).item
        other = copy(self)
        other._set_portfolio(table, as_of.toordinal(), None if not self.has_model else self.thresholds_)
        return other

    def _set_portfolio(self, table: Columns, cut: int, thresholds: Ints | None = None) -> None:
        """Thresholds where the days late of all customers spread, and how many invoices passed each."""
        days = np.sort((table.clear - table.due)[certain(table, LATE[-1], cut) & (table.clear < cut)])
        if thresholds is None:
            spread = np.round(np.quantile(days, _SPREAD)) if len(days) else np.array([-7.0, -3.0, 3.0, 7.0])
            thresholds = np.unique(np.clip(np.concatenate([spread, LATE, (60.0,)]), -90, 120)).astype(np.int64)
        self.thresholds_ = thresholds
        known = [certain(table, int(threshold), cut) for threshold in thresholds]
        self.portfolio_count_ = np.array([rows.sum() for rows in known], dtype=np.int64)
        self.portfolio_late_ = np.array(
            [
                (table.clear > table.due + threshold)[rows].sum()
                for rows, threshold in zip(known, thresholds, strict=True)
            ],
            dtype=np.int64,
        )
        beyond, before = days[days > thresholds[-1]], days[days < thresholds[0]]
        self.tail_ = float(np.clip((beyond - thresholds[-1]).mean(), 5.0, 90.0)) if len(beyond) >= 5 else 30.0
        self.head_ = float(np.clip((thresholds[0] - before).mean(), 1.0, 30.0)) if len(before) >= 5 else 5.0

    def _calibrate(self, X: Floats, table: Columns, cut: int) -> None:  # noqa: N803
        """Sets slope, intercept and reach by a model of the earlier three quarters, on the quarter after them."""
        earlier_cut = int(np.quantile(table.post, 1.0 - _CALIBRATION_SHARE))
        later = table.post >= earlier_cut
        fresh, truth = stacked(X, table, self.thresholds_, cut, later)
        settled = later & certain(table, LATE[-1], cut)
        earlier = fitted(X, table, self.thresholds_, earlier_cut, ~later, self.seed)
        if earlier is None or settled.sum() < _LEAST_CALIBRATION or len(np.unique(truth)) < 2:
            return
        platt = LogisticRegression(C=1e3).fit(earlier.decision_function(fresh)[:, None], truth)
        self.slope_, self.intercept_ = float(np.clip(platt.coef_[0, 0], 0.3, 3.0)), float(platt.intercept_[0])
        # What is still unpaid is later than anything seen: no interval holds it.
        days = np.where(table.clear < cut, table.clear - table.due, 10**4)[settled]
        curves = self._curves(X[settled], earlier)
        scores = np.sort(reach_of(curves, self.thresholds_, self.tail_, self.head_, days))
        rank = min(len(scores), int(np.ceil(_COVERAGE * (len(scores) + 1))))
        self.reach_ = float(np.clip(scores[rank - 1], 0.05, 0.495))

    def _curves(self, X: Floats, booster: Any) -> Floats:  # noqa: N803
        """P(more than k days late) at every threshold: (n, k), falling."""
        logits = [
            booster.decision_function(np.column_stack([X, np.full(len(X), float(threshold))]))
            for threshold in self.thresholds_
        ]
        curve = 1.0 / (1.0 + np.exp(-np.clip(self.slope_ * np.column_stack(logits) + self.intercept_, -30, 30)))
        return falling(curve)

    def _rates(self, now: Moment) -> tuple[Floats, Ints, Ints]:
        """(curves by rate (n, k), settled invoices (n,), late among them (n,)) of each item's customer."""
        whole = (self.portfolio_late_ + 0.5) / (self.portfolio_count_ + 1.0)
        counts = [lateness(now, int(threshold)) for threshold in self.thresholds_]
        certain = np.column_stack([count for count, _ in counts])
        late = np.column_stack([one for _, one in counts])
        zero = int(np.flatnonzero(self.thresholds_ == 0)[0])
        return falling((late + _PRIOR * whole) / (certain + _PRIOR)), certain[:, zero], late[:, zero]

    def predict(
        self, items: Sequence[Receivable], as_of: Sequence[date], history: Sequence[Receivable]
    ) -> list[RiskEstimate]:
        """One estimate per item, as seen at the start of its `as_of` day, when it is taken to be unpaid.

        `history` needs the rows of the items' customers only. Raises ValueError where the lengths differ.
        """
        check_is_fitted(self, "thresholds_")
        if not items:
            return []
        now = moment(items, as_of, history)
        curves, settled, late = self._rates(now)
        modelled = (settled >= THIN) & self.has_model
        words: list[tuple[str, ...]] = [()] * len(items)
        if modelled.any():
            X = features_at(now)[modelled]  # noqa: N806
            curves[modelled] = self._curves(X, self.booster_)
            for at, reason in zip(np.flatnonzero(modelled), self._reasons(X), strict=True):
                words[at] = reason
        rate = (self.portfolio_late_ + 0.5) / (self.portfolio_count_ + 1.0)
        whole = float(rate[self.thresholds_ == 0][0])
        for at in np.flatnonzero(~modelled):
            words[at] = rule_reasons(int(settled[at]), int(late[at]), whole, int(self.portfolio_count_.max()))
        overdue = now.day - now.item.due
        reach = np.where(modelled, self.reach_, REACH)
        seen = outlook(curves, self.thresholds_, self.tail_, self.head_, overdue, reach)
        return [
            self._estimate(one, seen, at, bool(modelled[at]), int(settled[at]), int(overdue[at]), words[at])
            for at, one in enumerate(items)
        ]

    def _late(self, X: Floats) -> Floats:  # noqa: N803
        """p_late by the model: (n,)."""
        logit = self.booster_.decision_function(np.column_stack([X, np.zeros(len(X))]))
        chance: Floats = 1.0 / (1.0 + np.exp(-np.clip(self.slope_ * logit + self.intercept_, -30, 30)))
        return chance

    def _reasons(self, X: Floats) -> list[tuple[str, ...]]:  # noqa: N803
        """Words for what moved p_late most.

        The effect of a family of features is the mean of what p_late loses when the family is replaced by
        what is typical, and of what it gains when everything else is: two of the orders of a Shapley value,
        so that families which say the same do not hide each other.
        """
        typical = np.broadcast_to(self.typical_, X.shape)
        whole, nothing = self._late(X), self._late(typical[:1])
        effects = []
        for family in FAMILIES:
            places = [RISK_FEATURES.index(name) for name in family.features]
            without, alone = X.copy(), typical.copy()
            without[:, places] = self.typical_[places]
            alone[:, places] = X[:, places]
            effects.append((whole - self._late(without) + self._late(alone) - nothing) / 2.0)
        return model_reasons(X, np.column_stack(effects))

    def _estimate(
        self,
        item: Receivable,
        seen: Outlook,
        at: int,
        modelled: bool,
        settled: int,
        overdue: int,
        words: tuple[str, ...],
    ) -> RiskEstimate:
        basis = "model" if modelled else ("rule" if settled else "cold_start")
        already = (f"already {overdue} days overdue",) if overdue > 0 else ()
        known = int(self.portfolio_count_.max())
        if basis == "cold_start" and known < _LEAST_PORTFOLIO:
            return _facts_alone(item.invoice_id, overdue, (*already, *words))
        low = max(float(overdue), float(seen.low[at]))
        told = modelled or known >= _LEAST_FOR_INTERVAL
        return RiskEstimate(
            invoice_id=item.invoice_id,
            p_late=round(float(seen.late[at]), 4),
            p_late_15=round(float(seen.late_15[at]), 4),
            p_late_30=round(float(seen.late_30[at]), 4),
            expected_days_late=round(float(seen.expected[at]), 1),
            days_late_low=low if told else None,
            days_late_high=max(low, float(seen.high[at])) if told else None,
            basis=basis,
            reasons=(*already, *words),
            priority=round(max(0.0, float(item.amount)) * float(seen.expected_late[at]) / 30.0, 2),
        )


def _facts_alone(invoice_id: str, overdue: int, words: tuple[str, ...]) -> RiskEstimate:
    """What the calendar says is certain; everything else would be invented."""
    late, late_15, late_30 = (1.0 if overdue > days else None for days in LATE)
    low = float(overdue) if overdue > 0 else None
    return RiskEstimate(invoice_id, late, late_15, late_30, None, low, None, "cold_start", words, None)
