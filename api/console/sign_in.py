"""Sign in with user id and API key, sign out. People only; the key opens the session and is not kept."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from api.auth import caller_with
from api.console.pages import HEADERS, HOME, ConsoleRoute, local, sign_in
from api.console.session import (
    MINUTES,
    SESSION,
    VISIT,
    SentForm,
    VisitorsForm,
    forget_cookie,
    new_token,
    set_cookie,
    token_in,
)
from governance import permit
from governance.errors import Refusal, Unauthenticated, Unavailable
from governance.record import sessions
from governance.record.db import Database

router = APIRouter(prefix="/console", route_class=ConsoleRoute, include_in_schema=False)


@router.get("/sign-in")
def ask(request: Request, next_page: Annotated[str, Query(alias="next", max_length=1500)] = "") -> Response:
    return sign_in(request, 200, next_page=local(next_page))


@router.post("/sign-in")
def answer(request: Request, form: VisitorsForm) -> Response:
    user, next_page = form.get("user", "").strip(), local(form.get("next", ""))
    database: Database = request.app.state.system.database
    token = new_token()
    try:
        _open(database, user, form.get("key", "").strip(), token)
    except Unavailable:
        raise
    except Refusal as refusal:
        words = "This user id and this key do not belong together."
        problem = words if isinstance(refusal, Unauthenticated) else refusal.detail
        return sign_in(request, refusal.status, problem=problem, next_page=next_page, user=user[:100])
    before = token_in(request, SESSION)
    if before is not None:
        _close(database, before)
    response = RedirectResponse(next_page or HOME, 303, HEADERS)
    set_cookie(request, response, SESSION, token, MINUTES * 60)
    forget_cookie(request, response, VISIT)
    return response


def _open(database: Database, user: str, key: str, token: str) -> None:
    """A session of `user`, whose key it must be. Raises Unauthenticated, HumanRequired, NotPermitted."""
    with caller_with(database, key).transaction() as scope:
        if scope.actor.id != user:
            raise Unauthenticated
        permit.may_read(scope.actor)
        sessions.open_session(scope.conn, token, MINUTES)


def _close(database: Database, token: str) -> None:
    try:
        with database.transaction("review", token) as conn:
            sessions.close_session(conn)
    except Unauthenticated:
        # It had ended already.
        return


@router.post("/sign-out")
def leave(request: Request, sent: SentForm) -> Response:
    _close(request.app.state.system.database, sent.desk.token)
    response = RedirectResponse("/console/sign-in", 303, HEADERS)
    forget_cookie(request, response, SESSION)
    return response
