"""What the recommended route of each case of a batch is made of: two queries whatever its size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from governance.record import precedents
from governance.record.db import Connection
from governance.record.precedents import Demand, Route
from governance.record.queue import Brief

MOST_ROUTES = 300
"""Recorded routes of a kind that are looked at, the latest."""


@dataclass(frozen=True, slots=True)
class Ground:
    """`recorded`: who signed in cases of this queue and type, the latest first. `demand`: what the matrix says; None
    where nothing was asked."""

    recorded: tuple[Route, ...] = ()
    demand: Demand | None = None


def read_routes(conn: Connection, briefs: Mapping[str, Brief]) -> dict[str, Ground]:
    """By case id."""
    facts = {case_id: brief.facts for case_id, brief in briefs.items()}
    kinds = {(one.queue, one.exception_type) for one in facts.values()}
    recorded = precedents.routes(conn, kinds, most=MOST_ROUTES)
    demands = precedents.demands(conn, [(one.case_id, one.revision) for one in facts.values()])
    return {
        case_id: Ground(tuple(recorded.get((one.queue, one.exception_type or ""), ())), demands.get(case_id))
        for case_id, one in facts.items()
    }
