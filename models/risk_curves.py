"""The days late of each customer's own past as curves, and how a few model chances bend them.

A customer who is always paid by a Tuesday run has a curve of steps. Those are kept: a model gives the chance of
being late at a handful of days only (the anchors), and between them the customer's own curve keeps its shape.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from models.events import Floats, Ints, Stream
from models.features import RATED, Answers, days_late, paid_stream
from models.outlook import falling
from models.risk_ledger import WEEKDAYS, Ledger

PRIOR = 3.0
"""Invoices that the rate of all customers counts for beside a customer's own."""

_PULL = 2.0
_FEW = 2
_LEAST_SHAPE = 30
_EDGE = 1e-3
_MOST_KNOTS = 40
_FIRST, _LAST = -90, 120


def logit(chance: Floats) -> Floats:
    """log(p / (1 - p)) of chances kept within 0.001 and 0.999."""
    kept = np.minimum(np.maximum(chance, _EDGE), 1.0 - _EDGE)
    found: Floats = np.log(kept / (1.0 - kept))
    return found


def chance_of(odds: Floats) -> Floats:
    found: Floats = 1.0 / (1.0 + np.exp(-np.minimum(np.maximum(odds, -30.0), 30.0)))
    return found


def knots_for(days: Ints) -> Ints:
    """The days at which curves are held: dense where these days late lie, sparse where few are. `days`: (m,)."""
    if not len(days):
        days = np.array([-7, 0, 7], dtype=np.int64)
    inner = np.quantile(days, [0.02, 0.96])
    low, high = np.clip(np.round(inner), [_FIRST, 5], [0, 40]).astype(np.int64)
    step = max(1, -(-(high - low) // (_MOST_KNOTS - 12)))
    first, last = np.clip(np.quantile(days, [0.001, 0.999]), [_FIRST, 45], [low - 2, _LAST])
    before, beyond = np.linspace(first - 1, low, 5), np.geomspace(high, last, 7)
    fixed = [0, 15, 30, 60]
    found: Ints = np.unique(np.round(np.concatenate([before, np.arange(low, high, step), beyond, fixed]))).astype(
        np.int64
    )
    return found


def anchors_for(days: Ints, knots: Ints) -> Ints:
    """Positions among the knots at which models are asked: 0, 15, 30 and where the days late spread."""
    spread = np.quantile(days, [0.05, 0.2, 0.7, 0.85, 0.94]) if len(days) else np.array([-7.0, 7.0])
    wanted = np.unique(np.concatenate([np.round(spread), RATED]))
    found: Ints = np.unique([int(np.abs(knots - day).argmin()) for day in wanted])
    return found


@dataclass(frozen=True, slots=True)
class Own:
    """What the past of each item's customer says, (n, ...): before any model.

    curve: (n, k) logits of S at the knots, half the customer's, half that of the customer's invoices due on the same
    weekday, drawn towards all. plain: (n, k) logits of the customer's alone. rated: (n, 3) logits of the shares more
    than 0, 15, 30 days late among invoices whose day had passed, drawn towards all. settled, late: (n,) how many
    had passed, and how many of them late.
    """

    curve: Floats
    plain: Floats
    rated: Floats
    settled: Ints
    late: Ints

    def rule(self, knots: Ints) -> Floats:
        """Logits of the curve (n, k) without a model: with what is overdue yet beside what was paid."""
        at = knots.searchsorted(RATED)
        return self.curve + (self.rated - self.plain[:, at]) @ between(np.array(RATED), knots)


def between(points: Ints, knots: Ints) -> Floats:
    """(points, knots) weights that carry values at points to knots: linear between, constant beyond the ends."""
    return _between(points.astype(np.int64).tobytes(), knots.astype(np.int64).tobytes())


@lru_cache(maxsize=64)
def _between(points: bytes, knots: bytes) -> Floats:
    # The same for every row that a model is asked about.
    places, days = np.frombuffer(points, dtype=np.int64), np.frombuffer(knots, dtype=np.int64)
    made: Floats = np.array([np.interp(days, places, row) for row in np.eye(len(places))])
    made.setflags(write=False)
    return made


@dataclass(frozen=True, slots=True)
class Shape:
    """How payments spread round the mean of each customer, all customers together: what is to be expected of one whose
    mean is known from a few payments (a location family, shrunken as in Efron and Morris, "Data analysis using
    Stein's estimator and its generalizations", JASA 1975).

    mean: days late of all. days: (g,) rising days from the customer's mean. chances: (g,) share paid later than that.
    weight: invoices that it counts for beside a customer's own; 0: it is not asked.
    """

    mean: float
    days: Floats
    chances: Floats
    weight: float

    @classmethod
    def of(cls, said: Answers, cut: int, weight: float) -> Shape:
        """From what was paid and known before `cut`, each seen on the day of the question."""
        item = said.now.item
        known = item.known < cut
        if known.sum() < _LEAST_SHAPE:
            return cls(0.0, np.zeros(1), np.zeros(1), 0.0)
        late = np.where(known, item.clear - item.due, 0)
        mean = float(late[known].mean())
        centre, count = _centre(said, mean)
        apart = (late - centre)[known & (count >= _FEW)]
        if len(apart) < _LEAST_SHAPE:
            return cls(0.0, np.zeros(1), np.zeros(1), 0.0)
        days = np.unique(np.quantile(apart, np.linspace(0.0, 1.0, 101)))
        return cls(mean, days, 1.0 - np.searchsorted(np.sort(apart), days, side="right") / len(apart), weight)

    def at(self, said: Answers, knots: Ints) -> tuple[Floats, Floats]:
        """(n, k) chances at the knots, and (n, 1) the invoices that they count for."""
        centre, count = _centre(said, self.mean)
        found = np.interp(knots[None, :] - centre[:, None], self.days, self.chances, left=1.0, right=0.0)
        return found, (self.weight * count / (count + _PULL))[:, None]


def _centre(said: Answers, mean: float) -> tuple[Floats, Ints]:
    """The customers' mean days late, drawn towards that of all, and how many payments it is of: (n,) each."""
    stream = paid_stream(said.now.past)
    total = stream.total(said.asked(stream))
    count = total[:, 0]
    return (total[:, 2] + _PULL * mean) / (count + _PULL), count


def _curve_stream(past: Ledger, knots: Ints, group: str) -> Stream:
    def made() -> Stream:
        bills = past.bills
        late = (days_late(bills)[:, None] > knots[None, :]).astype(np.int64)
        values = np.column_stack([np.ones(len(late), dtype=np.int64), late])
        codes = bills.customer if group == "customer" else bills.customer * WEEKDAYS + bills.weekday
        return Stream(codes, bills.known, values)

    return past.stream(f"curve {group} {knots.tobytes().hex()}", made)


def own_of(said: Answers, knots: Ints, whole: Floats, shape: Shape | None = None) -> Own:
    """The customers' own curves at a moment. whole: (k,) the curve of all customers."""
    usual, weight = PRIOR * whole[None, :], np.array([[PRIOR]])
    at_rated = knots.searchsorted(RATED)
    if shape is not None and shape.weight > 0:
        expected, more = shape.at(said, knots)
        usual, weight = usual + more * expected, PRIOR + more

    def counted(group: str) -> tuple[Floats, Floats]:
        stream = _curve_stream(said.now.past, knots, group)
        total = stream.total(said.asked(stream, group)).astype(float)
        return total[:, :1], total[:, 1:]

    (count, late), (same, same_late) = counted("customer"), counted("weekday")
    plain = (late + usual) / (count + weight)
    weekday = (same_late + PRIOR * plain) / (same + PRIOR)
    matured = [said.matured(threshold) for threshold in RATED]
    settled, were_late = (np.column_stack([one[:, at] for one in matured]) for at in range(2))
    return Own(
        curve=logit((plain + weekday) / 2.0),
        plain=logit(plain),
        rated=logit((were_late + usual[:, at_rated]) / (settled + weight)),
        settled=matured[0][:, 0],
        late=matured[0][:, 1],
    )


def bent(own: Floats, anchors: Ints, odds: Floats, knots: Ints) -> Floats:
    """The curves of `own` (n, k logits) bent so that they pass through `odds` (n, a logits) at the anchors: (n, k)."""
    return falling(chance_of(own + (odds - own[:, anchors]) @ between(knots[anchors], knots)))
