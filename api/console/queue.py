"""The queue: recommendations that wait for people, the most urgent first, filtered by what stands in the address."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from api import wire
from api.console.pages import HEADERS, HOME, ConsoleRoute, address, render
from api.console.session import DeskOf
from api.strict import listing_name
from governance.actor import Actor
from governance.case import QUEUES
from governance.errors import Malformed
from governance.recommendation import RecommendationState
from governance.record import worklist

router = APIRouter(prefix="/console", route_class=ConsoleRoute, include_in_schema=False)

PAGE = 50
WAITING = RecommendationState.AWAITING_REVIEW.value
ANY = "any"
STATES = (*(state.value for state in RecommendationState), ANY)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    id: str
    title: str
    party: str | None
    queue: str
    exception_type: str | None
    state: str
    action: str
    risk: str
    amount: Decimal | None
    currency: str | None
    due_at: datetime
    created_at: datetime
    seats: tuple[str, ...]
    """Roles of the seats that are still open."""
    mine: bool
    """Whether an open seat fits this person."""


def _row(row: dict[str, Any], actor: Actor) -> Row:
    seats = row["seats"] or []
    open_roles = tuple(seat["role"] for seat in seats if seat["filled_by"] is None)
    involved = actor.id in row["excluded"] or any(seat["filled_by"] == actor.id for seat in seats)
    waiting = row["state"] == WAITING
    return Row(
        **{name: row[name] for name in Row.__dataclass_fields__ if name not in ("seats", "mine")},
        seats=open_roles if waiting else (),
        mine=waiting and actor.is_person and not involved and bool(actor.roles.intersection(open_roles)),
    )


@dataclass(frozen=True, slots=True)
class Tab:
    name: str
    count: int
    link: str
    current: bool


def _tabs(queue: str, state: str, q: str, counts: dict[str, int]) -> list[Tab]:
    shown = "" if state == WAITING else state
    names = {"": sum(counts.values()), **{name: counts.get(name, 0) for name in QUEUES}}
    return [
        Tab(name or "All queues", count, address(HOME, queue=name, state=shown, q=q), name == queue)
        for name, count in names.items()
    ]


@router.get("")
@router.get("/")
def home() -> Response:
    return RedirectResponse(HOME, 307, HEADERS)


@router.get("/queue")
def show(
    request: Request,
    desk: DeskOf,
    queue: Annotated[str, Query(max_length=100)] = "",
    state: Annotated[str, Query(max_length=100)] = "",
    q: Annotated[str, Query(max_length=200)] = "",
    cursor: Annotated[str, Query(max_length=1000)] = "",
) -> Response:
    state = state or WAITING
    if queue not in ("", *QUEUES) or state not in STATES or _CONTROL.search(q):
        raise Malformed("there is no such filter: choose one of those on the queue's page")
    q = q.strip()
    name = listing_name("console", queue=queue, state=state, q=q)
    after = wire.read_cursor(name, cursor or None)
    urgent = state == WAITING
    chosen = None if state == ANY else state
    with desk.open() as scope:
        listing = worklist.most_urgent if urgent else worklist.newest
        rows = listing(scope.conn, state=chosen, queue=queue or None, q=q or None, after=after, limit=PAGE + 1)
        counts = worklist.counts(scope.conn, state=chosen, q=q or None)
        items = [_row(row, scope.actor) for row in rows[:PAGE]]
    following = None
    if len(rows) > PAGE:
        last = items[-1]
        place = wire.cursor(name, last.due_at if urgent else last.created_at, last.id)
        following = address(HOME, queue=queue, state="" if urgent else state, q=q, cursor=place)
    return render(
        request,
        "queue.html",
        items=items,
        tabs=_tabs(queue, state, q, counts),
        queue=queue,
        state=state,
        q=q,
        states=STATES,
        urgent=urgent,
        following=following,
        first=address(HOME, queue=queue, state="" if urgent else state, q=q) if after else None,
    )
