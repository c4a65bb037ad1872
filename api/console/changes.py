"""Governed changes: those that wait for signatures, and all that there were."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from api import wire
from api.console import law
from api.console.pages import HOME, ConsoleRoute, address, render
from api.console.queue import WAITING, rows
from api.console.session import DeskOf
from governance.record import people, worklist

router = APIRouter(prefix="/console", route_class=ConsoleRoute, include_in_schema=False)

HERE = "/console/changes"
PAGE = 50
_LISTING = "console changes"


@router.get("/changes")
def show(request: Request, desk: DeskOf, cursor: Annotated[str, Query(max_length=1000)] = "") -> Response:
    after = wire.read_cursor(_LISTING, cursor or None)
    with desk.open() as scope:
        actors = people.actors(scope.conn)
        known, now = law.read(scope.conn, scope.actor, actors), datetime.now(UTC)
        pending = worklist.most_urgent(scope.conn, state=WAITING, queue=law.GOVERNANCE, limit=PAGE + 1)
        found = worklist.newest(scope.conn, state=None, queue=law.GOVERNANCE, after=after, limit=PAGE + 1)
    recent = rows(found[:PAGE], known, now)
    following = None
    if len(found) > PAGE:
        following = address(HERE, cursor=wire.cursor(_LISTING, recent[-1].created_at, recent[-1].id))
    return render(
        request,
        "changes.html",
        waiting=rows(pending[:PAGE], known, now),
        more=address(HOME, queue=law.GOVERNANCE) if len(pending) > PAGE else None,
        recent=recent,
        names={one["id"]: one["name"] for one in actors},
        following=following,
        first=HERE if after else None,
    )
