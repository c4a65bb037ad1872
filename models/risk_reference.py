"""What the rows that a model learned from looked like, feature by feature: what later rows are compared with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.events import Floats

BINS = 10
_FLOOR = 1e-4


@dataclass(frozen=True, slots=True)
class Reference:
    """edges: (f, BINS - 1) rising ends of each feature's bins, each bin up to and with its end; a feature of few values
    has equal ends, and empty bins between them. shares: (f, BINS + 1) of the rows in each bin, the last share is of
    those without a value; a row adds up to 1. rows: how many there were."""

    edges: Floats
    shares: Floats
    rows: int

    def shares_of(self, table: Floats) -> Floats:
        """(f, BINS + 1) shares of other rows in the same bins. table: (n, f), nan where nothing is known."""
        return _shares(self.edges, table)

    def drift(self, table: Floats) -> Floats:
        """(f,) population stability index of each feature: 0 where the rows are spread as at the fit; by custom 0.1 to
        0.25 is a moderate change and more is a large one (Siddiqi, "Credit Risk Scorecards", 2006).

        Shares below 0.0001 count as that. nan where `table` has no rows.
        """
        if not len(table):
            return np.full(len(self.edges), np.nan)
        before, now = np.maximum(self.shares, _FLOOR), np.maximum(self.shares_of(table), _FLOOR)
        found: Floats = ((now - before) * np.log(now / before)).sum(axis=1)
        return found


def reference_of(table: Floats) -> Reference:
    """Bins of about equal shares of these rows, as they were at the fit. Raises ValueError where there is none."""
    if not len(table):
        raise ValueError("no rows to compare later ones with")
    steps = np.arange(1, BINS) / BINS
    edges = np.zeros((table.shape[1], BINS - 1))
    for at, column in enumerate(table.T):
        known = column[~np.isnan(column)]
        if len(known):
            edges[at] = np.quantile(known, steps)
    return Reference(edges, _shares(edges, table), len(table))


def _shares(edges: Floats, table: Floats) -> Floats:
    made = np.zeros((len(edges), BINS + 1))
    for at, (ends, column) in enumerate(zip(edges, table.T, strict=True)):
        unknown = np.isnan(column)
        places = np.searchsorted(ends, column[~unknown], side="left")
        made[at, :BINS] = np.bincount(places, minlength=BINS)
        made[at, BINS] = unknown.sum()
    return made / max(1, len(table))
