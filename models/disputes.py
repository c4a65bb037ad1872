"""What a known dispute changes: a shift of the curve in log-odds, from the firm's own settled ones.

A dispute is known after the fact, so it is no feature of a new invoice: it enters when an invoice is scored again after
the books knew of it, never before. Both clocks count: it was raised before the day *and* recorded by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np

from models.events import Bools, Floats, Ints
from models.outlook import Curves, falling, outlook
from models.receivable import Receivable
from models.risk import LATE, CollectionRisk, Ledger, RiskEstimate, Seen
from models.risk_choice import THIN
from models.risk_estimates import estimates
from models.risk_ledger import as_ledger

LEAST = 5
"""Settled disputes below which nothing is said of what one changes."""

_GRID = np.linspace(-4.0, 4.0, 801)
_SPREAD = 1.0
"""Standard deviation of the shift before anything was seen: few disputes move little."""
_EDGE = 1e-9


@dataclass(frozen=True, slots=True)
class DisputeEffect:
    """shift: what is added to the log-odds of being later than any day. count: the settled disputes that say so."""

    shift: float = 0.0
    count: int = 0

    @property
    def told(self) -> bool:
        return self.count >= LEAST

    def words(self, since: date) -> str:
        """The dispute as a reason, for a person."""
        said = f"in dispute, known since {since.isoformat()}"
        if not self.told:
            return f"{said}: too few settled disputes ({self.count}) to say what that changes"
        if abs(self.shift) < 0.05:
            return f"{said}: {self.count} settled disputes were paid no later than others"
        return f"{said}: {self.count} settled disputes were paid {'later' if self.shift > 0 else 'earlier'} than others"


def known_since(raised: date | None, recorded: date | None) -> date | None:
    """The first day on which a dispute is known: after the day it was raised, from the day it was recorded (None: when
    it was raised). None where there is none."""
    if raised is None:
        return None
    after = raised + timedelta(days=1)
    return after if recorded is None else max(after, recorded)


def dispute_effect(
    risk: CollectionRisk,
    history: Sequence[Receivable] | Ledger,
    disputed: Sequence[tuple[Receivable, date]],
    as_of: date,
) -> DisputeEffect:
    """What disputes did to the invoices of a history, by what was known before `as_of`.

    disputed: invoices with the first day on which their dispute was known. Each is asked for on that day, when it was
    unpaid; the shift is the likeliest one for what became of them, drawn towards 0.
    """
    asked = [(one, day) for one, day in disputed if one.amount > 0 and day < as_of and not _paid(one, day)]
    if not asked:
        return DisputeEffect()
    items, days = [one for one, _ in asked], [day for _, day in asked]
    seen = risk.seen([replace(one, clear_date=None, recorded=None) for one in items], days, as_ledger(history))
    reached = np.array([next((most for most in LATE if overdue <= most), -1) for overdue in seen.overdue.tolist()])
    late, sure = np.empty(len(items)), np.zeros(len(items), dtype=bool)
    for at, (one, most) in enumerate(zip(items, reached.tolist(), strict=True)):
        sure[at] = most >= 0 and one.due_date + timedelta(days=most) < as_of
        in_time = _paid(one, as_of) and one.clear_date is not None and (one.clear_date - one.due_date).days <= most
        late[at] = not in_time
    if not sure.any():
        return DisputeEffect()
    rows = np.flatnonzero(sure)
    curves = Curves(seen.curves.chances[rows], seen.curves.knots, seen.curves.tail)
    beyond, still = curves.at(reached[rows]), curves.at(seen.overdue[rows] - 1)
    chance = np.clip(_moved(beyond, _GRID) / _moved(still, _GRID), _EDGE, 1.0 - _EDGE)
    worth = np.where(late[rows][:, None] > 0, np.log(chance), np.log1p(-chance)).sum(axis=0) - 0.5 * (
        (_GRID / _SPREAD) ** 2
    )
    return DisputeEffect(round(float(_GRID[int(worth.argmax())]), 2), len(rows))


def estimated(
    risk: CollectionRisk,
    items: Sequence[Receivable],
    today: date,
    history: Sequence[Receivable] | Ledger,
    disputed: Sequence[date | None],
    effect: DisputeEffect,
) -> tuple[list[RiskEstimate], Seen]:
    """One estimate per unpaid item as seen today, with what a dispute adds, and the arrays behind them.

    disputed: the first day on which each item's dispute is known (see known_since); a later day than today counts as
    none.
    """
    past = as_ledger(history)
    days = [today] * len(items)
    said, seen = risk.predict(items, days, past), risk.seen(items, days, past)
    known = [day if day is not None and day <= today else None for day in disputed]
    if not any(known):
        return said, seen
    if effect.told and effect.shift:
        seen = _bent(risk, seen, np.array([day is not None for day in known]), effect.shift)
    words = [
        (*(() if day is None else (effect.words(day),)), *(one.reasons[1:] if overdue > 0 else one.reasons))
        for one, day, overdue in zip(said, known, seen.overdue.tolist(), strict=True)
    ]
    count = int(risk.portfolio_count_.max())
    return estimates(items, seen.outlook, seen.overdue, seen.settled, seen.modelled, words, count), seen


def _paid(one: Receivable, day: date) -> bool:
    """True where the payment is known on a day."""
    return one.clear_date is not None and one.clear_date < day and (one.recorded is None or one.recorded <= day)


def _moved(chance: Floats, shift: Floats | float) -> Floats:
    """Chances with the log-odds shifted: (n, m) for m shifts, (n,) for one."""
    inside = np.clip(chance, _EDGE, 1.0 - _EDGE)
    odds = np.log(inside) - np.log1p(-inside)
    moved: Floats = 1.0 / (1.0 + np.exp(-(odds[..., None] + shift if isinstance(shift, np.ndarray) else odds + shift)))
    return moved


def _bent(risk: CollectionRisk, seen: Seen, rows: Bools, shift: float) -> Seen:
    chances = seen.curves.chances.copy()
    inner = (chances[rows] > 0.0) & (chances[rows] < 1.0)
    chances[rows] = np.where(inner, _moved(chances[rows], shift), chances[rows])
    curves = Curves(falling(chances), seen.curves.knots, seen.curves.tail)
    reached: Floats = np.where(seen.settled >= THIN, risk.reach_, risk.thin_reach_)
    overdue: Ints = seen.overdue
    return replace(seen, curves=curves, outlook=outlook(curves, overdue, reached))
