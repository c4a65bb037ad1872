"""Which way a proposal should go: who usually resolves this kind at this amount and entity. Pure.

A route is a suggestion about seats, never a seat: whoever signs is judged by the matrix and the database. It names at
least every seat that the matrix demands, and adds one only where people usually added it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.habits import LEARN, USUAL, About, Habits
from agents.routes_read import Ground

LEAST = 3
"""Recorded cases below which nothing is said of habits."""
_COUNTS, _LIKE = 0.1, 0.01
"""What supports a route: a tenth of the weight of the likest case, where that is like this one at all."""
_OF_TYPE = "who signed in similar cases"
_OF_QUEUE = "who signed in similar cases of this queue: few of this type were decided"
_NOTHING = "the matrix: too few such cases were decided"

Floats = NDArray[np.float64]


def route_of(
    ground: Ground, *, action: str, risk: str, entity: str, excluded: Collection[str]
) -> dict[str, Any] | None:
    """{seats: [{role, person, support, share}], demanded: {role: n}, added: [role], support, basis}.

    None where the matrix was not asked about this action. `person` is None where no habit is known, or nobody of it may
    sign; `share` is that of the weight of all who signed such a seat. `excluded`: who initiated or edited the case.
    """
    if ground.demand is None:
        return None
    demanded = ground.demand.seats.get((action, "high" if risk == "high" else "normal"))
    if not demanded:
        return None
    about = About(action, entity, ground.kind, ground.demand.amount)
    for habits, basis in _usable(ground):
        people = habits.weights(habits.people, about)
        support = int(_counted(people).sum())
        if support >= LEAST:
            sizes = habits.weights(habits.seats, about)
            added = _added(habits, sizes, demanded) if int(_counted(sizes).sum()) >= LEAST else {}
            return _route(demanded, added, _Signers(habits, people), set(excluded), support, basis)
    return _route(demanded, {}, _Signers(Habits(), np.zeros(0)), set(excluded), 0, _NOTHING)


def _counted(weights: Floats) -> Floats:
    """1 for each recorded case that counts."""
    most = float(weights.max(initial=0.0))
    return (weights >= _COUNTS * most).astype(np.float64) if most >= _LIKE else np.zeros(len(weights))


def _usable(ground: Ground) -> list[tuple[Habits, str]]:
    """Of the type where enough are known of it, else of its queue; of few, whatever there is."""
    of_type, of_queue = (ground.of_type, _OF_TYPE), (ground.of_queue, _OF_QUEUE)
    known = [one for one in (of_type, of_queue) if len(one[0]) >= LEARN]
    return [*known, of_type, of_queue]


def _route(
    demanded: Mapping[str, int], added: Mapping[str, int], signers: _Signers, taken: set[str], support: int, basis: str
) -> dict[str, Any]:
    seats = {role: demanded.get(role, 0) + added.get(role, 0) for role in sorted({*demanded, *added})}
    return {
        "seats": signers.named(seats, taken),
        "demanded": dict(demanded),
        "added": [role for role in sorted(added) for _ in range(added[role])],
        "support": support,
        "basis": basis,
    }


def _added(habits: Habits, weights: Floats, demanded: Mapping[str, int]) -> dict[str, int]:
    """Seats beyond the matrix that most of the weight had: role → how many."""
    total = float(weights.sum())
    found: dict[str, int] = {}
    for at, role in enumerate(habits.roles):
        least = demanded.get(role, 0)
        for more in range(1, int(habits.counts[:, at].max(initial=0.0)) - least + 1):
            if total > 0 and float(weights @ (habits.counts[:, at] >= least + more)) / total > USUAL:
                found[role] = more
    return found


class _Signers:
    """Who signed in the recorded cases, by what these say."""

    def __init__(self, habits: Habits, weights: Floats) -> None:
        self._weights: dict[str, dict[str, float]] = defaultdict(dict)
        self._times: dict[tuple[str, str], int] = {}
        if len(habits):
            said, times = weights @ habits.signed, _counted(weights) @ habits.signed
            for (role, actor), weight, count in zip(habits.signers, said.tolist(), times.tolist(), strict=True):
                self._weights[role][actor] = weight
                self._times[role, actor] = int(count) if habits.holds[role, actor] else 0

    def named(self, seats: Mapping[str, int], taken: set[str]) -> list[dict[str, Any]]:
        """Each seat with the person who usually sits there and still may; nobody twice."""
        named: list[dict[str, Any]] = []
        for role, count in seats.items():
            weights = self._weights[role]
            total = sum(weights.values())
            usual = sorted(weights, key=lambda actor: (-weights[actor], actor))
            free = [actor for actor in usual if actor not in taken and self._times[role, actor]]
            for at in range(count):
                person = free[at] if at < len(free) else None
                named.append({
                    "role": role,
                    "person": person,
                    "support": self._times[role, person] if person else 0,
                    "share": round(weights[person] / total, 3) if person else None,
                })  # fmt: skip
            taken |= {str(one["person"]) for one in named if one["person"]}
        return named
