"""The queue: recommendations that wait for people, the most urgent first, filtered by what stands in the address."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from api import wire
from api.console import law
from api.console.law import Law
from api.console.pages import HEADERS, HOME, ConsoleRoute, address, render
from api.console.session import DeskOf
from api.strict import listing_name
from governance.case import QUEUES
from governance.errors import Malformed
from governance.recommendation import RecommendationState
from governance.record import people, worklist

router = APIRouter(prefix="/console", route_class=ConsoleRoute, include_in_schema=False)

PAGE = 50
LISTED = (*QUEUES, law.GOVERNANCE)
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
    drafted_by: str
    seats: tuple[str, ...]
    """Roles of the seats that are still open."""
    mine: bool
    """Whether an open seat fits this person, by a role of their own, a lent one, or standing in."""
    change: bool


def rows(listed: Sequence[Mapping[str, Any]], known: Law, now: datetime) -> list[Row]:
    """Rows of the worklist as a table shows them to whom the law is read for."""
    return [_row(row, known, now) for row in listed]


def _row(row: Mapping[str, Any], known: Law, now: datetime) -> Row:
    waiting = row["state"] == WAITING
    seats = row["seats"] or []
    return Row(
        **{name: row[name] for name in Row.__dataclass_fields__ if name not in ("seats", "mine", "change")},
        seats=tuple(seat["role"] for seat in seats if seat["filled_by"] is None) if waiting else (),
        mine=waiting and bool(known.signings(law.of_row(known, row), now)),
        change=law.is_change(row),
    )


@dataclass(frozen=True, slots=True)
class Tab:
    name: str
    count: int
    link: str
    current: bool


def _tabs(queue: str, state: str, q: str, counts: dict[str, int]) -> list[Tab]:
    shown = "" if state == WAITING else state
    names = {"": sum(counts.values()), **{name: counts.get(name, 0) for name in LISTED}}
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
    if queue not in ("", *LISTED) or state not in STATES or _CONTROL.search(q):
        raise Malformed("there is no such filter: choose one of those on the queue's page")
    q = q.strip()
    name = listing_name("console", queue=queue, state=state, q=q)
    after = wire.read_cursor(name, cursor or None)
    urgent = state == WAITING
    chosen = None if state == ANY else state
    with desk.open() as scope:
        listing = worklist.most_urgent if urgent else worklist.newest
        found = listing(scope.conn, state=chosen, queue=queue or None, q=q or None, after=after, limit=PAGE + 1)
        counts = worklist.counts(scope.conn, state=chosen, q=q or None)
        known = law.read(scope.conn, scope.actor, people.actors(scope.conn))
        items = rows(found[:PAGE], known, datetime.now(UTC))
    following = None
    if len(found) > PAGE:
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
