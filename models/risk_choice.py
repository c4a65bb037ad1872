"""Which kind of model a ledger carries: each candidate is fitted on the earlier part of it and judged on the later.

What the choice was made from stays with the model, and is logged.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.events import Bools, Floats, Ints
from models.features import RATED, Answers
from models.outlook import Curves, reach_of
from models.risk_conformal import Scores
from models.risk_curves import Shape, bent, chance_of, own_of
from models.risk_fitting import Labels, Linear, boosted
from models.risk_ledger import Columns
from models.risk_trees import FEW, Trees

RULE, LOGISTIC, BOOSTING, BLEND, STACK = "rule", "logistic", "boosting", "blend", "rule and logistic"
CANDIDATES = (RULE, STACK, LOGISTIC, BOOSTING, BLEND)
"""BLEND: the mean of the log-odds of logistic and boosting; STACK: of rule and logistic."""
THIN = 5
"""Settled invoices from which a model alone answers for a customer."""

_WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)
_USUAL_WEIGHT = 0.5
_SHAPES = (0.0, 24.0)
_GAIN = 0.997
_LEAST_THIN = 50
_LEAST_TESTED = 60
_SMALL = 3000
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Heads:
    """A fitted model of the anchors. `kind`: one of CANDIDATES; the parts that it does not need are missing."""

    kind: str
    linear: Linear | None
    boosters: Sequence[Any]
    trees: Trees | None = None

    def odds(self, table: Floats, rule: Floats) -> Floats:
        """Logits at the anchors: (n, a). rule: (n, a) those of the rule."""
        if self.kind == RULE:
            return rule
        if self.kind == LOGISTIC:
            return self._linear(table)
        if self.kind == STACK:
            return (rule + self._linear(table)) / 2.0
        if self.kind == BOOSTING:
            return self._boosted(table)
        return (self._linear(table) + self._boosted(table)) / 2.0

    def _linear(self, table: Floats) -> Floats:
        assert self.linear is not None
        return self.linear.odds(table)

    def _boosted(self, table: Floats) -> Floats:
        if self.trees is not None and len(table) <= FEW:
            found = self.trees.odds(table)
        else:
            found = np.column_stack([one.decision_function(table) for one in self.boosters])
        # Both ways sum the same trees in another order: the last digits are none of ours.
        return np.round(found, 9)


@dataclass(frozen=True, slots=True)
class Book:
    """What candidates are fitted on and judged by, for n invoices.

    table: (n, f) what models see. own: (n, k) logits of the rule's curve at the knots. settled: (n,) invoices of the
    customer that had passed. matured_after: days late by which most invoices are paid.
    """

    items: Columns
    table: Floats
    own: Floats
    settled: Ints
    knots: Ints
    anchors: Ints
    names: Sequence[str]
    tail: float
    matured_after: int

    def labels(self, cut: int) -> Labels:
        return Labels.before(cut, self.items, self.knots[self.anchors])

    @property
    def main(self) -> int:
        """The anchor of 'late or not'."""
        return int(np.flatnonzero(self.knots[self.anchors] == 0)[0])

    def matured(self, cut: int) -> Bools:
        found: Bools = np.maximum(self.items.due + self.matured_after, self.items.post) < cut
        return found

    def fit(self, kind: str, cut: int, rows: Bools, seed: int) -> Heads:
        """A candidate, from what was certain before `cut` of `rows`."""
        labels = self.labels(cut).kept(rows)
        linear = Linear.fit(self.table, labels, self.names) if kind in (LOGISTIC, BLEND, STACK) else None
        boosters = boosted(self.table, labels, self.names, self.main, seed) if kind in (BOOSTING, BLEND) else []
        return Heads(kind, linear, boosters)

    def curves(self, heads: Heads, rows: Bools, thin_weight: float = 1.0) -> Curves:
        own = self.own[rows]
        by_rule = own[:, self.anchors]
        weight = trust(self.settled[rows], thin_weight)[:, None]
        odds = weight * heads.odds(self.table[rows], by_rule) + (1.0 - weight) * by_rule
        return Curves(bent(own, self.anchors, odds, self.knots), self.knots, self.tail)


def trust(settled: Ints, thin_weight: float) -> Floats:
    """What the model counts for beside the rule, by settled invoices of the customer: (n,)."""
    return np.where(settled >= THIN, 1.0, np.where(settled > 0, thin_weight, 0.0))


@dataclass(frozen=True, slots=True)
class Choice:
    """What the later part of a ledger said. kind: the candidate chosen. table: one dict a candidate and window.
    thin_weight: what the model counts for beside the rule with a customer of few settled invoices. scores: of invoices
    that no fit had seen."""

    kind: str
    table: list[dict[str, Any]]
    thin_weight: float
    scores: Scores


def choose(book: Book, cut: int, seed: int) -> Choice:
    """The simplest candidate that is within one standard error of the best (Breiman et al., "Classification and
    Regression Trees", 1984), by the squared error of probabilities, at 'late or not' and over all anchors."""
    made: list[dict[str, Any]] = []
    errors: dict[str, list[Floats]] = {kind: [] for kind in CANDIDATES}
    blends: list[tuple[Heads, Bools]] = []
    for start, end in _windows(book, cut):
        earlier, later = book.items.post < start, (book.items.post >= start) & (book.items.post < end)
        labels = book.labels(cut).kept(later)
        if labels.known[:, book.main].sum() < _LEAST_TESTED or not _can_fit(book.labels(start).kept(earlier)):
            continue
        blend = book.fit(BLEND, start, earlier, seed)
        for kind in CANDIDATES:
            heads = Heads(kind, blend.linear, blend.boosters)
            row, lost = _judged(book, heads, later, labels)
            errors[kind].append(lost)
            made.append({"candidate": kind, "from": start, "until": end, **row})
        blends.append((blend, later))
    if not blends:
        return Choice(RULE, made, _USUAL_WEIGHT, Scores.none())
    kind = _simplest({name: np.concatenate(parts) for name, parts in errors.items()})
    for one in made:
        _log.info("collection risk candidate %s", one)
    _log.info("collection risk model chosen: %s", kind)
    chosen = [(Heads(kind, blend.linear, blend.boosters), later) for blend, later in blends]
    weight = _thin_weight(book, *chosen[-1], cut)
    scored = [unseen_scores(book, heads, later, weight, cut) for heads, later in chosen]
    return Choice(kind, made, weight, Scores.joined(*scored))


def shape_chosen(said: Answers, knots: Ints, whole: Floats, cut: int) -> Shape:
    """How much the shape of all customers counts for beside each one's own payments: by the squared error of the rule's
    curves on the later part of what was certain before `cut`, from what was known when it began. 0 where little
    is gained."""
    item = said.now.item
    matured = np.maximum(item.due + RATED[-1], item.post) < cut
    if matured.sum() < 2 * _LEAST_TESTED:
        return Shape.of(said, cut, _SHAPES[1])
    middle = int(np.quantile(item.post[matured], 0.6))
    later = matured & (item.post >= middle)
    days = np.where(item.known < cut, item.clear - item.due, cut - item.due)[later, None]
    error = {}
    for weight in _SHAPES:
        shape = Shape.of(said, middle, weight)
        chances = chance_of(own_of(said, knots, whole, shape).rule(knots)[later])
        error[weight] = float(((chances - (days > knots)) ** 2).mean())
    best = min(_SHAPES, key=lambda weight: error[weight])
    _log.info("collection risk weight of the common shape: %s", error)
    return Shape.of(said, cut, best if error[best] < _GAIN * error[0.0] else 0.0)


def _windows(book: Book, cut: int) -> list[tuple[int, int]]:
    """(first day, day after the last) of the later parts of what had matured: one, or two of a short ledger."""
    post = book.items.post[book.matured(cut)]
    if not len(post):
        return []
    shares = (0.5, 0.75) if len(post) < _SMALL else (0.75,)
    marks = [int(np.quantile(post, share)) for share in shares]
    return list(zip(marks, [*marks[1:], int(book.items.post.max()) + 1], strict=True))


def _can_fit(labels: Labels) -> bool:
    late = (labels.late & labels.known).sum(axis=0)
    return bool((np.minimum(late, labels.known.sum(axis=0) - late) >= 2).all())


def _simplest(errors: dict[str, Floats]) -> str:
    """errors: (m,) of each candidate over the same invoices. The rule alone only where it is the best: half of it
    is in the next."""
    best = min(CANDIDATES, key=lambda name: errors[name].mean())
    for name in CANDIDATES if best == RULE else CANDIDATES[1:]:
        apart = errors[name] - errors[best]
        if apart.mean() <= apart.std() / np.sqrt(len(apart)):
            return name
    return best


def _judged(book: Book, heads: Heads, later: Bools, labels: Labels) -> tuple[dict[str, Any], Floats]:
    """A row of the table, and the squared error of each invoice of which it is certain whether it was late: that of
    'late or not' and the mean over the anchors."""
    chances = book.curves(heads, later).chances[:, book.anchors]
    known, late = labels.known[later], labels.late[later]
    squares = np.where(known, (chances - late) ** 2, 0.0)
    errors = squares.sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    rows = known[:, book.main]
    row = {
        "rows": int(rows.sum()),
        "brier": round(float(errors[book.main]), 5),
        "brier_all": round(float(errors.mean()), 5),
        "auc": _auc(late[rows, book.main], chances[rows, book.main]),
    }
    return row, (squares[:, book.main] + squares.sum(axis=1) / np.maximum(known.sum(axis=1), 1))[rows]


def _auc(late: Bools, chance: Floats) -> float | None:
    """The chance that a late invoice ranks above one that is not (Mann and Whitney)."""
    order = np.argsort(chance, kind="stable")
    _, place, count = np.unique(chance[order], return_inverse=True, return_counts=True)
    ranks = np.empty(len(chance))
    ranks[order] = (np.cumsum(count) - (count - 1) / 2.0)[place]
    positive = int(late.sum())
    if not 0 < positive < len(late):
        return None
    pairs = positive * (len(late) - positive)
    return round(float((ranks[late].sum() - positive * (positive + 1) / 2) / pairs), 5)


def _thin_weight(book: Book, heads: Heads, later: Bools, cut: int) -> float:
    labels = book.labels(cut)
    rows = later & labels.known[:, book.main] & (book.settled > 0) & (book.settled < THIN)
    if rows.sum() < _LEAST_THIN:
        return _USUAL_WEIGHT
    rule = book.own[rows][:, book.anchors]
    by_model, by_rule = heads.odds(book.table[rows], rule)[:, book.main], rule[:, book.main]
    late = labels.late[rows, book.main]

    def error(weight: float) -> float:
        return float(((chance_of(weight * by_model + (1 - weight) * by_rule) - late) ** 2).mean())

    return min(_WEIGHTS, key=error)


def unseen_scores(book: Book, heads: Heads, later: Bools, thin_weight: float, cut: int) -> Scores:
    """Conformity scores of invoices among `later` that had matured before `cut`, paid by then or not."""
    rows = later & book.matured(cut)
    due, unpaid = book.items.due[rows], book.items.known[rows] >= cut
    curves = book.curves(heads, rows, thin_weight)
    paid_score = reach_of(curves, np.where(unpaid, 0, book.items.clear[rows] - due))
    so_far = 0.5 - curves.at(cut - due - 1)
    score = np.where(unpaid, np.maximum(so_far, 0.0), paid_score)
    return Scores(book.items.post[rows], score, unpaid, book.settled[rows] < THIN)
