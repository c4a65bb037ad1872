"""Node 2c: how people decided similar cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agents.tolerances import Tolerances
from governance.record.precedents import Neighbour
from models.precedents import Precedent, vote


def precedent_findings(found: Sequence[Neighbour], tolerances: Tolerances) -> list[dict[str, Any]]:
    """The precedents that are near enough to say something, nearest first: what was decided, by which role, with what
    outcome, and the roles of all who signed."""
    least = float(tolerances.precedent_similarity)
    return [_finding(one) for one in found if one.similarity >= least]


def _finding(one: Neighbour) -> dict[str, Any]:
    return {
        "case_id": one.case_id,
        "similarity": round(one.similarity, 3),
        "action": one.action,
        "decision": one.decision,
        "role": one.role,
        "outcome": one.outcome,
        "roles": list(one.roles),
        "decided_on": one.decided_at.date().isoformat(),
    }


def leaning(precedents: Sequence[Mapping[str, Any]]) -> tuple[str | None, int, float]:
    """What people did in such cases: (action, how many did it, its share of all weight); None where they disagree."""
    found = vote([_precedent(one) for one in precedents])
    return found.action, found.support, found.share


def _precedent(one: Mapping[str, Any]) -> Precedent:
    names = ("case_id", "similarity", "action", "decision", "role", "outcome")
    return Precedent(**{name: one[name] for name in names})
