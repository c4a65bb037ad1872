"""What the recommended route of each case of a batch is made of, read at once for all of them."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from agents.habits import Habits
from governance.record import precedents
from governance.record.db import Connection
from governance.record.precedents import Demand
from governance.record.queue import Brief

MOST_ROUTES = 300
"""Recorded routes of a kind that are looked at, the latest."""
ANY = "*"
"""Every type of a queue."""
_AGAIN_SECONDS = 60.0
_LEARN_AGAIN, _MOST_KINDS = 25, 500

Kind = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Ground:
    """Habits in cases of this queue and type (`kind`), and of its whole queue. `demand`: what the matrix says; None
    where nothing was asked."""

    of_type: Habits = field(default_factory=Habits)
    demand: Demand | None = None
    of_queue: Habits = field(default_factory=Habits)
    kind: str = ""


class HabitsRead:
    """The habits of a worker's tenant, kind by kind, each read again at most every `seconds`.

    Who left in between is still named for so long: a route is a suggestion, and who signs is judged by the database.
    """

    def __init__(self, seconds: float = _AGAIN_SECONDS) -> None:
        self._seconds = seconds
        self._held: dict[Kind, tuple[float, Habits]] = {}
        self._learned_at: dict[Kind, str] = {}

    def of(self, conn: Connection, kinds: Collection[Kind]) -> dict[Kind, Habits]:
        """`conn`: of role `agent`. Kinds are (queue, type), a type may be ANY."""
        now = time.monotonic()
        due = [kind for kind in kinds if kind not in self._held or now >= self._held[kind][0]]
        if len(self._held) + len(due) > _MOST_KINDS:
            self._held.clear()
            self._learned_at.clear()
            due = list(kinds)
        if due:
            read = precedents.routes(conn, due, most=MOST_ROUTES)
            for kind in due:
                found = tuple(read.get(kind, ()))
                self._held[kind] = (now + self._seconds, self._made(kind, found))
        return {kind: self._held[kind][1] for kind in kinds}

    def _made(self, kind: Kind, found: tuple[precedents.Route, ...]) -> Habits:
        """With the sights that were learned a few cases ago, or with new ones."""
        fresh = Habits(found, tuple(one.kind for one in found))
        held = self._held.get(kind)
        lately = {one.case_id for one in found[:_LEARN_AGAIN]}
        if held is not None and self._learned_at.get(kind) in lately:
            return Habits(fresh.recorded, fresh.kinds, held[1].people, held[1].seats)
        if found:
            self._learned_at[kind] = found[0].case_id
        return fresh.learned()


def read_routes(conn: Connection, briefs: Mapping[str, Brief], known: HabitsRead) -> dict[str, Ground]:
    """By case id."""
    facts = {case_id: brief.facts for case_id, brief in briefs.items()}
    kinds = {case_id: (one.queue, one.exception_type or "") for case_id, one in facts.items()}
    habits = known.of(conn, {*kinds.values(), *((queue, ANY) for queue, _ in kinds.values())})
    demands = precedents.demands(conn, [(one.case_id, one.revision) for one in facts.values()])
    return {
        case_id: Ground(habits[queue, kind], demands.get(case_id), habits[queue, ANY], kind)
        for case_id, (queue, kind) in kinds.items()
    }
