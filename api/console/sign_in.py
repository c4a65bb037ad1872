"""Sign in with user id and API key or with the identity provider, sign out. People only; no key is kept."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from api.auth import caller_with
from api.console.pages import HEADERS, HOME, ConsoleRoute, local, render, sign_in
from api.console.session import (
    MINUTES,
    SESSION,
    VISIT,
    SentForm,
    VisitorsForm,
    forget_cookie,
    new_token,
    secure,
    set_cookie,
    token_in,
)
from api.oidc import SIGN_IN_SECONDS, SignIn, sign_in_of
from governance import permit
from governance.errors import NotFound, Refusal, Unauthenticated, Unavailable
from governance.record import sessions
from governance.record.db import Database

WAY_BACK = "countersign-way-back"
"""Cookie: state, nonce and verifier of a sign-in that has begun, sealed."""

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


@router.get("/sign-in/oidc")
def go(request: Request, next_page: Annotated[str, Query(alias="next", max_length=1500)] = "") -> Response:
    """To the identity provider. What the browser keeps meanwhile is for the way back alone."""
    begun = _door(request).begin(local(next_page))
    response = RedirectResponse(begun.location, 303, HEADERS)
    # Lax, for the provider sends the browser back from another site.
    response.set_cookie(
        _way_back(request),
        begun.sealed,
        max_age=SIGN_IN_SECONDS,
        path="/",
        secure=secure(request),
        httponly=True,
        samesite="lax",
    )
    return response


@router.get("/sign-in/oidc/callback")
def come_back(request: Request) -> Response:
    """From the identity provider: a session, and on to the page that was asked for."""
    query = dict(request.query_params)
    try:
        if len(query) < len(request.query_params.multi_items()):
            raise Unauthenticated("the identity provider's answer says a thing twice: begin again")
        made = _door(request).finish(query, request.cookies.get(_way_back(request)), MINUTES)
    except Unavailable:
        raise
    except Refusal as refusal:
        response = sign_in(request, refusal.status, problem=refusal.detail)
    else:
        before = token_in(request, SESSION)
        if before is not None:
            _close(request.app.state.system.database, before)
        response = render(request, "signed_in.html", next_page=made.next_page or HOME)
        # A redirect would still count as coming from the other site, and the strict cookie would stay behind.
        response.headers["Refresh"] = f"0; url={made.next_page or HOME}"
        set_cookie(request, response, SESSION, made.token, MINUTES * 60)
        forget_cookie(request, response, VISIT)
    response.delete_cookie(_way_back(request), path="/", secure=secure(request), httponly=True, samesite="lax")
    return response


def _door(request: Request) -> SignIn:
    door = sign_in_of(request.app.state)
    if door is None:
        raise NotFound("There is no identity provider to sign in with: use your API key.")
    return door


def _way_back(request: Request) -> str:
    return f"{'__Host-' if secure(request) else ''}{WAY_BACK}"


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
