"""Three more made-up companies, by another rule than those of route_habits: people share work, not entities.

by_bands: juniors, seniors and a head sign by size, and half of the amounts stand close to the lines between them.
moving: teams change hands, two people leave and their successors sign. small: few cases, many types, so that a type
alone says little. One seat in twenty-five is taken by whoever is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from random import Random

from evals.route_habits import ENTITIES, KINDS, Company, Signing

FIRMS = ("by_bands", "moving", "small")
LINES = (Decimal(2_000), Decimal(15_000), Decimal(50_000))
_ANYBODY, _NEAR, _PARTS = 0.04, 0.08, 8
_SMALL_KINDS = {(queue, f"{kind}_{number}"): actions for (queue, kind), actions in KINDS.items() for number in range(6)}
_LEAVING = {"moving": {3: "reviewer-team-1", 6: "controller-1"}}
"""In which part of the time who leaves."""


def firm(name: str, seed: int, cases: int, demanded: Mapping[str, Mapping[str, int]]) -> Company:
    """Like route_habits.company, of FIRMS."""
    rng = Random(f"firm-{name}-{seed}")  # noqa: S311  (made-up data)
    made = [_signing(name, rng, demanded, number * _PARTS // cases) for number in range(cases)]
    cut = cases * 4 // 5
    gone = {who for part, who in _LEAVING.get(name, {}).items() if part * cases // _PARTS < cut}
    return Company(name, made[:cut], made[cut:], frozenset(gone))


def _signing(name: str, rng: Random, demanded: Mapping[str, Mapping[str, int]], part: int) -> Signing:
    kinds = _SMALL_KINDS if name == "small" else KINDS
    kind = rng.choice(list(kinds))
    action = kinds[kind][0] if rng.random() < 0.8 else rng.choice(kinds[kind][1:])
    entity = rng.choice(ENTITIES)
    amount = _amount(rng)
    need = dict(demanded[action])
    if amount >= LINES[-1]:
        need["controller"] = max(1, need.get("controller", 0))
    seats = []
    for role, count in sorted(need.items()):
        for number in range(count):
            who = _sits(name, role, kind[0], entity, amount, part) if number == 0 else f"{role}-deputy"
            seats.append((role, f"{role}-{rng.randrange(9)}" if rng.random() < _ANYBODY else who))
    return Signing(kind, action, entity, amount, tuple(seats))


def _amount(rng: Random) -> Decimal:
    """Half of the amounts are within a few percent of a line."""
    if rng.random() < 0.5:
        line = rng.choice(LINES)
        return (line * Decimal(str(1 + rng.uniform(-_NEAR, _NEAR)))).quantize(Decimal("0.01"))
    return Decimal(str(round(rng.lognormvariate(8.5, 1.6), 2)))


def _sits(name: str, role: str, queue: str, entity: str, amount: Decimal, part: int) -> str:
    if role == "controller":
        return "controller-2" if name == "moving" and part >= 6 else "controller-1"
    if name == "by_bands":
        return ("junior", "senior", "head", "head")[sum(amount >= line for line in LINES)] + f"-{queue}"
    if name == "moving":
        team = ENTITIES.index(entity) % 3
        if team == 1 and part >= 3:
            return "reviewer-successor"
        return f"reviewer-team-{(team + (part >= 5 and team == 2)) % 3 if team == 2 else team}"
    return f"{role}-{queue}-{'large' if amount >= LINES[1] else 'usual'}"
