"""How people decided similar cases, and who signed: pgvector with structured filters. Role `agent`.

What may be recalled is the database's to say (schema/functions_38_precedents.sql): cases of the same tenant that ended
by a decision, were not erased and not brought in to try the process out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from pgvector import Vector
from psycopg import Connection

MOST = 500
"""Cases in one question to the database."""
EXACT = 2000
"""Up to so many precedents of a kind all are compared; of more the index finds the nearest."""
Asked = tuple[str, str, str | None, Sequence[float]]
"""(case id, queue, exception type, 384 floats)."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """One decided case. `similarity`: cosine. `decision`: approve | override | reject by the last person to decide,
    `role` that person's seat; `action` is what was decided on; `outcome` the case's final state; `roles` of all seats.
    """

    case_id: str
    similarity: float
    action: str
    decision: str
    role: str | None
    outcome: str
    roles: Sequence[str]
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class Signed:
    """One filled seat of a recorded route. `holds`: whether this person holds the role still, is active and not away."""

    role: str
    actor: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Route:
    """Who signed what was done about one case. `amount` in the policy's currency; None = unknown. `kind`: its type."""

    case_id: str
    action: str
    entity: str
    amount: Decimal | None
    risk: str
    seats: tuple[Signed, ...]
    kind: str = ""


_RECALL = """
SELECT asked, case_id, similarity, action, decision, role, outcome,
       ARRAY(SELECT s ->> 'role' FROM jsonb_array_elements(seats) AS s), decided_at
FROM cs.recall(%s, %s, %s, %s, %s, %s)
"""
_ROUTES = "SELECT queue, asked, case_id, action, entity, amount, risk, seats, exception_type FROM cs.routes(%s, %s, %s)"
_SEATS = "SELECT case_id, worth, action, risk, seats FROM cs.seats_asked(%s, %s)"


def recall(
    conn: Connection[Any], asked: Sequence[Asked], *, most: int, exact: int = EXACT
) -> dict[str, list[Neighbour]]:
    """For each case the `most` nearest precedents of its tenant, queue and type, nearest first.

    `exact` 0 always asks the index. Raises Malformed, NotPermitted.
    """
    found: dict[str, list[Neighbour]] = {case: [] for case, *_ in asked}
    for start in range(0, len(asked), MOST):
        part = asked[start : start + MOST]
        values = (
            [case for case, *_ in part],
            [queue for _, queue, _, _ in part],
            [kind for _, _, kind, _ in part],
            [Vector(list(vector)).to_text() for *_, vector in part],
            most,
            exact,
        )
        for row in conn.execute(_RECALL, values):
            found[row[0]].append(Neighbour(*row[1:]))
    return found


def routes(
    conn: Connection[Any], kinds: Collection[tuple[str, str | None]], *, most: int
) -> dict[tuple[str, str], list[Route]]:
    """By (queue, exception type or ''): who signed in the `most` latest cases of that kind, the latest first. Type '*' is
    any type of the queue."""
    found: dict[tuple[str, str], list[Route]] = {}
    wanted = sorted({(queue, kind or "") for queue, kind in kinds})
    for row in conn.execute(_ROUTES, ([one[0] for one in wanted], [one[1] for one in wanted], most)):
        seats = tuple(Signed(one["role"], one["actor"], one["holds"]) for one in row[7])
        found.setdefault((row[0], row[1]), []).append(Route(row[2], row[3], row[4], row[5], row[6], seats, row[8]))
    return found


@dataclass(frozen=True, slots=True)
class Demand:
    """amount: of a case in the policy's currency, None = unknown. seats: (action, risk) → seats per role that the matrix
    demands now, for every action that policy allows for the case; risk is normal or high."""

    amount: Decimal | None
    seats: Mapping[tuple[str, str], Mapping[str, int]]


def demands(conn: Connection[Any], cases: Collection[tuple[str, int]]) -> dict[str, Demand]:
    """By case id. `cases`: (case id, revision)."""
    wanted = sorted(cases)
    amounts: dict[str, Decimal | None] = {}
    seats: dict[str, dict[tuple[str, str], dict[str, int]]] = {}
    for case_id, worth, action, risk, asked in conn.execute(
        _SEATS, ([one[0] for one in wanted], [one[1] for one in wanted])
    ):
        amounts[case_id] = worth
        seats.setdefault(case_id, {})[action, risk] = dict(asked)
    return {case_id: Demand(amounts[case_id], asked) for case_id, asked in seats.items()}
