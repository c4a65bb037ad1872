"""How likely a customer pays an open invoice late, and how late: a calibrated model, or a plain rate, and why."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from datetime import date
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from models.events import Bools, Floats, Ints
from models.features import RISK_FEATURES, Answers, Receivable, features_at, risk_features
from models.outlook import Curves, Outlook, falling, outlook
from models.risk_choice import RULE, THIN, Book, Heads, choose, shape_chosen, trust, unseen_scores
from models.risk_conformal import Scores
from models.risk_curves import Shape, anchors_for, bent, chance_of, knots_for, own_of
from models.risk_estimates import RiskEstimate, estimates
from models.risk_fitting import Labels, Linear, certain, columns_of, design, told_apart
from models.risk_ledger import Columns, Ledger, Moment, as_ledger
from models.risk_reasons import family_of, model_reasons, rule_reasons
from models.risk_reference import Reference, reference_of
from models.risk_shapley import family_effects
from models.risk_trees import Trees

__all__ = ["RISK_FEATURES", "CollectionRisk", "Ledger", "Receivable", "RiskEstimate", "Seen", "risk_features"]

LATE = (0, 15, 30)
_USUAL = 5.0
"""Invoices that the company which a model was fitted on counts for in another company's rates."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is said about n invoices, as arrays: the curves as seen from the posting, the outlook of what is unpaid
    today, days overdue, settled invoices of the customer and late ones among them, who is judged by the model, and
    what the model saw of those."""

    curves: Curves
    outlook: Outlook
    overdue: Ints
    settled: Ints
    late: Ints
    modelled: Bools
    table: Floats


class CollectionRisk(BaseEstimator):  # type: ignore[misc]
    """Probability and size of late payment, from the past of each customer.

    The curve of a customer's own days late is bent by a model of the chance at a few days: a rule, a logistic
    regression, gradient boosting or the mean of two of them, whichever was best on the later part of the history
    (`candidates_`). Where that helped there, the curve is drawn towards the common shape of payments round each
    customer's mean (`shape_`).
    80 % intervals are conformal over the latest quarter that no fit had seen (models.risk_conformal). Customers with
    fewer than five settled invoices get their own rate, drawn towards that of all customers, and the model by
    as much as it proved itself there. Below `min_rows` settled invoices there is no model: everybody gets the rate.
    """

    def __init__(self, min_rows: int = 500, seed: int = 0) -> None:
        self.min_rows = min_rows
        self.seed = seed

    @property
    def has_model(self) -> bool:
        """False where the history was too short for a model."""
        return bool(getattr(self, "kind_", ""))

    @property
    def reference(self) -> Reference | None:
        """How each feature was spread over the rows of the fit; None where there was no model, or it is older."""
        found = getattr(self, "reference_", None)
        return Reference(found[0], found[1], int(found[2][0])) if found else None

    def fit(self, history: Sequence[Receivable] | Ledger, as_of: date) -> Self:
        """Fits on what was known strictly before `as_of`: later rows, payments and outcomes are not looked at."""
        past, cut = as_ledger(history), as_of.toordinal()
        now = past.at_posting(cut)
        self.fitted_to_ = cut
        self.kind_ = ""
        self.linear_: list[Floats] | None = None
        self.boosters_: list[Any] = []
        self.candidates_: list[dict[str, Any]] = []
        self.thin_weight_ = 0.0
        self._set_scores(Scores.none())
        days = _days_known(now.item, cut)
        self.thresholds_ = knots_for(days)
        self.matured_after_ = int(np.clip(np.quantile(days, 0.92), 5, LATE[-1])) if len(days) else LATE[-1]
        self.usual_ = np.empty(0)
        self.reference_: list[Floats] = []
        self._set_portfolio(now.item, cut)
        shape = shape_chosen(Answers(now), self.thresholds_, self._whole(), cut)
        self.shape_: list[Floats] = [np.array([shape.mean, shape.weight]), shape.days, shape.chances]
        settled = certain(now.item, LATE[-1], cut)
        self.trained_rows_ = int(settled.sum())
        anchors = anchors_for(days, self.thresholds_)
        labels = Labels.before(cut, now.item, self.thresholds_[anchors])
        kept = told_apart(labels)
        if self.trained_rows_ < self.min_rows or not kept[self.thresholds_[anchors] == 0].any():
            return self
        self.anchors_ = anchors[kept]
        self.usual_ = self._whole()
        self._fit(now, cut)
        return self

    def _fit(self, now: Moment, cut: int) -> None:
        book = self._book(now)
        choice = choose(book, cut, self.seed)
        every = np.ones(len(book.settled), dtype=bool)
        heads = book.fit(choice.kind, cut, every, self.seed)
        self.kind_, self.boosters_ = heads.kind, list(heads.boosters)
        one = heads.linear
        self.linear_ = None if one is None else [one.mean, one.scale, one.weights, one.start]
        self.candidates_, self.thin_weight_ = choice.table, choice.thin_weight
        self._set_scores(choice.scores)
        seen = reference_of(book.table[certain(now.item, LATE[0], cut), : len(RISK_FEATURES)])
        self.reference_ = [seen.edges, seen.shares, np.array([float(seen.rows)])]
        with np.errstate(all="ignore"):
            told = ~np.isnan(book.table)
            self.typical_ = np.array([np.median(column[known]) if known.any() else 0.0
                                      for column, known in zip(book.table.T, told.T, strict=True)])  # fmt: skip

    def _book(self, now: Moment) -> Book:
        said = Answers(now)
        own = own_of(said, self.thresholds_, self._whole(), self._shape())
        table = design(features_at(said), own, self.anchors_)
        names = columns_of(self.anchors_, self.thresholds_)
        rule = own.rule(self.thresholds_)
        return Book(
            now.item, table, rule, own.settled, self.thresholds_, self.anchors_, names, self.tail_, self.matured_after_
        )

    def rebased(self, history: Sequence[Receivable] | Ledger, as_of: date, foreign: bool = False) -> CollectionRisk:
        """The same model over the portfolio as `history` shows it before `as_of`: the rates of all customers, and
        intervals that hold what has matured since the fit (with `foreign`, a history that the model was not fitted
        on, what has matured at all).

        Where that history is too thin to say anything, neither do the rates: those of another company would be
        invented.
        """
        check_is_fitted(self, "thresholds_")
        past, cut = as_ledger(history), as_of.toordinal()
        now = past.at_posting(cut)
        other = copy(self)
        other._set_portfolio(now.item, cut)
        if not self.has_model:
            return other
        unseen = now.item.post >= (0 if foreign else self.fitted_to_)
        matured = certain(now.item, self.matured_after_, cut)
        if (unseen & matured).any():
            book = other._book(now.kept(unseen & matured))
            every = np.ones(len(book.settled), dtype=bool)
            later = unseen_scores(book, other._heads(), every, self.thin_weight_, cut)
            other._set_scores(later if foreign else Scores(*self.scores_).followed(later))
        return other

    def _set_scores(self, scores: Scores) -> None:
        self.scores_: list[Any] = [scores.day, scores.score, scores.unpaid, scores.thin]
        self.reach_, self.thin_reach_ = scores.reaches()

    def _set_portfolio(self, table: Columns, cut: int) -> None:
        """How many invoices passed each knot, and how many were later; days beyond the last knot."""
        knots = self.thresholds_
        labels = Labels.before(cut, table, knots)
        self.portfolio_count_ = labels.known.sum(axis=0).astype(np.int64)
        self.portfolio_late_ = (labels.known & labels.late).sum(axis=0).astype(np.int64)
        beyond = _days_known(table, cut)
        beyond = beyond[beyond > knots[-1]] - knots[-1]
        self.tail_ = float(np.clip(beyond.mean(), 5.0, 90.0)) if len(beyond) >= 5 else 30.0

    def _whole(self) -> Floats:
        """The curve of all customers at the knots: (k,)."""
        if len(self.usual_):
            curve = (self.portfolio_late_ + _USUAL * self.usual_) / (self.portfolio_count_ + _USUAL)
        else:
            curve = (self.portfolio_late_ + 0.5) / (self.portfolio_count_ + 1.0)
        fallen: Floats = np.minimum.accumulate(curve)
        return fallen

    def _shape(self) -> Shape:
        return Shape(float(self.shape_[0][0]), self.shape_[1], self.shape_[2], float(self.shape_[0][1]))

    def _heads(self) -> Heads:
        if "_asked" not in self.__dict__:
            linear = None if self.linear_ is None else Linear(*self.linear_)
            trees = Trees.of_boosters(self.boosters_) if self.boosters_ else None
            self._asked = Heads(self.kind_, linear, self.boosters_, trees)
        return self._asked

    def __getstate__(self) -> dict[str, Any]:
        # What can be made again is not saved.
        return {name: value for name, value in super().__getstate__().items() if name != "_asked"}

    def seen(self, items: Sequence[Receivable], as_of: Sequence[date], history: Sequence[Receivable] | Ledger) -> Seen:
        """What is said about the items as arrays; see `predict`."""
        if "thresholds_" not in self.__dict__:  # the check itself takes a tenth of the time of one row
            check_is_fitted(self, "thresholds_")
        now = as_ledger(history).ask(items, as_of)
        said = Answers(now)
        own = own_of(said, self.thresholds_, self._whole(), self._shape())
        odds = own.rule(self.thresholds_)
        modelled = (own.settled >= THIN) & self.has_model & (self.kind_ != RULE)
        table = np.empty((0, 0))
        if self.has_model and len(items):
            whole = design(features_at(said), own, self.anchors_)
            by_rule = odds[:, self.anchors_]
            weight = trust(own.settled, self.thin_weight_)[:, None]
            by_model = self._heads().odds(whole, by_rule)
            chances = bent(odds, self.anchors_, weight * by_model + (1.0 - weight) * by_rule, self.thresholds_)
            table = whole[modelled]
        else:
            chances = falling(chance_of(odds))
        curves = Curves(chances, self.thresholds_, self.tail_)
        overdue = now.day - now.item.due
        reached = np.where(own.settled >= THIN, self.reach_, self.thin_reach_)
        return Seen(curves, outlook(curves, overdue, reached), overdue, own.settled, own.late, modelled, table)

    def predict(
        self,
        items: Sequence[Receivable],
        as_of: Sequence[date],
        history: Sequence[Receivable] | Ledger,
        explain: bool = True,
    ) -> list[RiskEstimate]:
        """One estimate per item, as seen at the start of its `as_of` day, when it is taken to be unpaid.

        `history` needs the rows of the items' customers only. `explain`: with reasons, which cost more time than all
        else. Raises ValueError where the lengths differ.
        """
        seen = self.seen(items, as_of, history)
        words = self._reasons(seen) if explain else [()] * len(items)
        return estimates(items, seen.outlook, seen.overdue, seen.settled, seen.modelled, words, self._known())

    def _known(self) -> int:
        return int(self.portfolio_count_.max())

    def _reasons(self, seen: Seen) -> list[tuple[str, ...]]:
        whole = float(self._whole()[self.thresholds_ == 0][0])
        words = [rule_reasons(int(count), int(late), whole, self._known())
                 for count, late in zip(seen.settled, seen.late, strict=True)]  # fmt: skip
        if seen.modelled.any():
            names = columns_of(self.anchors_, self.thresholds_)
            main = int(np.flatnonzero(self.thresholds_[self.anchors_] == 0)[0])
            family = [family_of(name) for name in names]
            rule = [names.index("weekday_0"), names.index("rated_0")]
            effects = family_effects(self._heads(), main, seen.table, self.typical_, family, rule)
            chance = seen.curves.at(np.zeros(len(seen.modelled), dtype=np.int64))[seen.modelled]
            # Log-odds say little to people: near certainty a large step moves nobody.
            effects = effects * np.maximum(chance * (1.0 - chance), 0.05)[:, None]
            made = model_reasons(seen.table[:, : len(RISK_FEATURES)], effects)
            for at, reason in zip(np.flatnonzero(seen.modelled), made, strict=True):
                words[at] = reason
        return words


def _days_known(table: Columns, cut: int) -> Ints:
    """Days late of what had matured and was known to be paid."""
    paid = certain(table, LATE[-1], cut) & (table.known < cut)
    found: Ints = (table.clear - table.due)[paid]
    return found
