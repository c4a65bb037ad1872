"""How far the features of live estimates have moved, by the population stability index (PSI); more than noise or not.

Rows of one customer are alike: what the index would be without any drift hangs on the number of customers, and is
computed from their rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.features import RISK_FEATURES
from models.risk_monitor import Floats, Ints, Judged, Lines, rounded
from models.risk_reference import Reference

BY_THEMSELVES = frozenset({
    "due_month", "due_month_day", "days_to_month_end", "tenure", "paid_count", "mature_count",
})  # fmt: skip
"""Features that move with the calendar or with the length of the history, and say nothing of the customers."""

_FLOOR, _THIN, _TIMES = 1e-3, 0.02, 2.0


def as_json(reference: Reference) -> dict[str, Any]:
    """For the record; `of_json` reads it again."""
    return {"edges": reference.edges.tolist(), "shares": reference.shares.tolist(), "rows": reference.rows}


def of_json(body: Mapping[str, Any]) -> Reference:
    return Reference(np.array(body["edges"], dtype=float), np.array(body["shares"], dtype=float), int(body["rows"]))


def binned(column: Floats, edges: Floats) -> Floats:
    """(n, b + 2) one 1 in each row; the last column is for what is not known."""
    places = np.searchsorted(edges, column, side="left")
    places = np.where(np.isnan(column), len(edges) + 1, places)
    found: Floats = np.eye(len(edges) + 2)[places]
    return found


def psi(shares: Floats, reference: Floats) -> float:
    """Population stability index: the sum of (share - reference) ln(share / reference). Bins count at least 1/1000."""
    one, other = np.maximum(shares, _FLOOR), np.maximum(reference, _FLOOR)
    return float(((one - other) * np.log(one / other)).sum())


def _noise(bins: Floats, customer: Ints, reference: Floats) -> float:
    """What the index would be without any drift, from so many customers: the sum of each share's variance over its
    reference (second order)."""
    _, group = np.unique(customer, return_inverse=True)
    count = int(group.max()) + 1
    off = bins - bins.mean(axis=0)
    sums = np.zeros((count, bins.shape[1]))
    np.add.at(sums, group, off)
    variance = (sums**2).sum(axis=0) / len(bins) ** 2
    return float((variance / np.maximum(reference, _THIN)).sum())


@dataclass(frozen=True, slots=True)
class Moved:
    """One feature. index: against the estimates that the model began with (else None); trained: against the rows that
    it was trained on; noise: of the former without any drift."""

    name: str
    index: float | None
    older: float | None
    newer: float | None
    trained: float | None
    noise: float | None
    rows: int
    alarms: bool

    def shown(self) -> dict[str, Any]:
        numbers = {name: getattr(self, name) for name in ("index", "older", "newer", "trained", "noise")}
        shown = {name: None if value is None else rounded(value) for name, value in numbers.items()}
        return {"name": self.name, **shown, "rows": self.rows, "alarms": self.alarms}


def features(
    judged: Judged, start: Reference | None, trained: Reference | None, ends: int, lines: Lines
) -> list[Moved]:
    """How far each feature has moved, by estimates that were made in the two periods.

    An alarm is against `start`, the first estimates of this model: live cases are not drawn like training rows, so the
    distance to those (`trained`) says where a model came from and not that anything has changed.
    """
    middle, begin = ends - lines.period_days, ends - 2 * lines.period_days
    rows = (judged.scored >= begin) & (judged.scored < ends) & ~np.isnan(judged.features).all(axis=1)
    table, customer, late = judged.features[rows], judged.customer[rows], judged.scored[rows] >= middle
    least = min(late.sum(), (~late).sum()) if len(late) else 0
    customers = min(len(np.unique(customer[late])), len(np.unique(customer[~late]))) if least else 0
    if least < lines.least_rows or customers < lines.least_customers:
        return []
    found = []
    for at, name in enumerate(RISK_FEATURES[: table.shape[1]]):
        far = None if trained is None else psi(binned(table[:, at], trained.edges[at]).mean(axis=0), trained.shares[at])
        index = older = newer = noise = None
        if start is not None:
            bins, usual = binned(table[:, at], start.edges[at]), start.shares[at]
            index = psi(bins.mean(axis=0), usual)
            older, newer = psi(bins[~late].mean(axis=0), usual), psi(bins[late].mean(axis=0), usual)
            # The beginning was noisy, too.
            noise = _noise(bins, customer, usual) * (1.0 + len(bins) / max(start.rows, 1))
        moved = index is not None and older is not None and newer is not None and noise is not None
        alarms = moved and min(older, newer) >= lines.psi and index >= lines.psi + _TIMES * noise  # type: ignore[operator,type-var]
        found.append(Moved(name, index, older, newer, far, noise, len(table), alarms and name not in BY_THEMSELVES))
    return found
