"""Which way a proposal should go: who usually resolves this kind at this amount and entity. Pure.

A route is a suggestion about seats, never a seat: whoever signs is judged by the matrix and the database. It names at
least every seat that the matrix demands, and adds one only where people usually added it.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any

from agents.routes_read import Ground
from governance.record.precedents import Route

LEAST = 3
"""Recorded cases below which nothing is said of habits."""
USUAL = 0.5
"""Share of the weight from which a seat more than the matrix demands is recommended."""
# How many seats depends on the size of the amount, who sits there on the entity: amounts are weighed by a kernel over
# powers of ten, another entity or action by a share.
_SEATS = (0.2, 0.2, 0.1)  # width, other entity, other action
_PEOPLE = (0.7, 0.05, 0.6)
_UNKNOWN_AMOUNT = 0.5
_COUNTS = 0.1  # a recorded case of this weight and more supports the route


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
    amount = ground.demand.amount
    sized = [(one, weight_of(one, action, entity, amount)) for one in ground.recorded]
    seated = [(one, weight_of(one, action, entity, amount, people=True)) for one in ground.recorded]
    support = sum(weight >= _COUNTS for _, weight in seated)
    added = _added(sized, demanded) if sum(weight >= _COUNTS for _, weight in sized) >= LEAST else {}
    seats = {role: demanded.get(role, 0) + added.get(role, 0) for role in sorted({*demanded, *added})}
    return {
        "seats": _people(seats, seated if support >= LEAST else (), set(excluded)),
        "demanded": dict(demanded),
        "added": sorted(Counter(added).elements()),
        "support": support,
        "basis": "who signed in similar cases" if support >= LEAST else "the matrix: too few such cases were decided",
    }


def weight_of(recorded: Route, action: str, entity: str, amount: Decimal | None, *, people: bool = False) -> float:
    """How much a recorded route says about a case, 0 to 1: how many seats there are, or (`people`) who sits there."""
    width, other_entity, other_action = _PEOPLE if people else _SEATS
    weight = 1.0 if recorded.action == action else other_action
    weight *= 1.0 if recorded.entity == entity else other_entity
    if amount is None or recorded.amount is None:
        return weight * (1.0 if amount is recorded.amount else _UNKNOWN_AMOUNT)
    apart = math.log10(float(abs(amount)) + 1.0) - math.log10(float(abs(recorded.amount)) + 1.0)
    return weight * math.exp(-0.5 * (apart / width) ** 2)


def _added(weighed: Sequence[tuple[Route, float]], demanded: Mapping[str, int]) -> dict[str, int]:
    """Seats beyond the matrix that most of the weight had: role → how many."""
    total = sum(weight for _, weight in weighed)
    having: defaultdict[tuple[str, int], float] = defaultdict(float)
    for one, weight in weighed:
        for role, count in Counter(seat.role for seat in one.seats).items():
            for more in range(1, count - demanded.get(role, 0) + 1):
                having[role, more] += weight
    usual = [key for key, weight in having.items() if total > 0 and weight / total > USUAL]
    return {role: max(more for other, more in usual if other == role) for role, _ in usual}


def _people(seats: Mapping[str, int], weighed: Sequence[tuple[Route, float]], taken: set[str]) -> list[dict[str, Any]]:
    """Each seat with the person who usually sits there and still may; nobody twice."""
    weights: dict[str, defaultdict[str, float]] = {role: defaultdict(float) for role in seats}
    times: Counter[tuple[str, str]] = Counter()
    for one, weight in weighed:
        for seat in one.seats:
            if seat.role in weights:
                weights[seat.role][seat.actor if seat.holds else ""] += weight
                times[seat.role, seat.actor] += weight >= _COUNTS
    named: list[dict[str, Any]] = []
    for role, count in seats.items():
        total = sum(weights[role].values())
        usual = sorted(weights[role], key=lambda actor: (-weights[role][actor], actor))
        free = [actor for actor in usual if actor and actor not in taken and times[role, actor]]
        for at in range(count):
            person = free[at] if at < len(free) else None
            named.append(
                {
                    "role": role,
                    "person": person,
                    "support": times[role, person] if person else 0,
                    "share": round(weights[role][person] / total, 3) if person else None,
                }
            )
        taken |= {str(one["person"]) for one in named if one["person"]}
    return named
