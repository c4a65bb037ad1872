"""How much each family of columns moves the odds of being late: Shapley values over families, exact.

The reference is what is usual. For the linear part the value is a plain sum; for the boosted part all coalitions of
families are asked (eight families: 256 of them), so that no order and no sampling decides which of two families that
say the same gets the credit (Shapley 1953; Lundberg and Lee, NeurIPS 2017, for its use on models).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import factorial

import numpy as np

from models.events import Floats, Ints
from models.risk_choice import BLEND, STACK, Heads

_ROWS = 64


def _coalitions(families: int) -> tuple[Ints, Floats]:
    """(2^m, m) members of each coalition, and (2^m, m) weights of its worth in each family's value."""
    members = (np.arange(2**families)[:, None] >> np.arange(families)) & 1
    size = members.sum(axis=1)
    share = [factorial(one) * factorial(families - one - 1) / factorial(families) for one in range(families)]
    joined = np.array([0.0, *share])[size]
    left_out = np.array([*share, 0.0])[size]
    return members.astype(np.int64), np.where(members == 1, joined[:, None], -left_out[:, None])


def family_effects(
    heads: Heads, main: int, table: Floats, usual: Floats, family: Sequence[int], rule: Sequence[int] = ()
) -> Floats:
    """(n, families) by how much each family moves the log-odds at the anchor `main`, against the usual row.

    table: (n, f). usual: (f,). family: the number of each column's family, from 0. rule: the columns whose sum is the
    rule's log-odds. The values of a row add up to the
    difference between its log-odds and those of the usual row.
    """
    place = np.array(family)
    count = int(place.max()) + 1
    effects = np.zeros((len(table), count))
    if heads.linear is not None:
        moved = (heads.linear.standard(table) - heads.linear.standard(usual[None, :])) * heads.linear.weights[:, main]
        if heads.kind == STACK:
            moved[:, list(rule)] += (table - usual)[:, list(rule)]
        effects += moved @ (place[:, None] == np.arange(count)).astype(float)
    if heads.boosters:
        effects += _of_booster(heads, main, table, usual, place, count)
    return effects / 2.0 if heads.kind in (BLEND, STACK) else effects


def _of_booster(heads: Heads, main: int, table: Floats, usual: Floats, place: Ints, count: int) -> Floats:
    members, weights = _coalitions(count)
    shown = members[:, place].astype(bool)
    made = []
    for at in range(0, len(table), _ROWS):
        part = table[at : at + _ROWS]
        asked = np.where(shown[None, :, :], part[:, None, :], usual)
        worth = heads.boosters[main].decision_function(asked.reshape(-1, table.shape[1]))
        made.append(worth.reshape(len(part), -1) @ weights)
    return np.vstack(made) if made else np.empty((0, count))
