"""Pages out of templates: one frame, one set of headers, and every refusal as a page that can be read."""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from importlib import resources
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from api.console import plain
from api.console.session import SESSION, VISIT, csrf_of, new_token, set_cookie, token_in
from api.oidc import sign_in_of
from governance.errors import Malformed, Refusal, Unauthenticated, Unavailable

HOME = "/console/queue"
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    # A form's Origin would be hidden by no-referrer.
    "Referrer-Policy": "same-origin",
}
_LOCAL = re.compile(r"/console/(?!.*\.\.)[A-Za-z0-9._:@/-]{0,300}(\?[A-Za-z0-9._~%&=+:@-]{0,1000})?")
_FOLLOWED = "followed"
_ASSETS = {"console.css": "text/css; charset=utf-8", "icon.svg": "image/svg+xml"}


@functools.cache
def asset(name: str) -> tuple[bytes, str] | None:
    """(content, media type) of a static file of ours; None where there is none of this name."""
    if name not in _ASSETS:
        return None
    return (resources.files("api.console") / "static" / name).read_bytes(), _ASSETS[name]


@functools.cache
def asset_url(name: str) -> str:
    """The address changes with the content, so browsers may keep it for ever."""
    found = asset(name)
    assert found is not None, name
    return f"/console/static/{name}?v={hashlib.sha256(found[0]).hexdigest()[:16]}"


def address(path: str, **parameters: str | None) -> str:
    """A link with those parameters that have a value."""
    given = {name: value for name, value in parameters.items() if value}
    return f"{path}?{urlencode(given)}" if given else path


def named(values: Mapping[str, object]) -> list[tuple[str, object]]:
    """Labels and values, for a list of pairs."""
    return [(plain.label(name), value) for name, value in values.items()]


def made_with(record: Mapping[str, Any]) -> list[tuple[str, object]]:
    """The models and thresholds that a recommendation names."""
    models = [(plain.label(one["name"]), one["version"]) for one in record["models"]]
    return [*models, *((f"Threshold: {plain.phrase(name)}", value) for name, value in record["thresholds"].items())]


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("api.console", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=plain.shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        name: getattr(plain, name)
        for name in (
            "amount", "day", "due", "iso", "label", "language_name", "language_tag", "percent", "phrase",
            "sentence", "short_digest", "size", "urgency", "utc", "visible",
        )
    }  # fmt: skip
    environment.globals |= {"asset_url": asset_url, "address": address, "named": named, "made_with": made_with}
    return environment


def render(request: Request, template: str, status: int = 200, **values: object) -> Response:
    """A page in the frame of whoever is signed in."""
    token = token_in(request, SESSION)
    state = request.state
    frame = {
        "actor": getattr(state, "actor", None),
        "tasks_waiting": getattr(state, "tasks", 0),
        "csrf": csrf_of(token) if token else "",
        "path": request.scope["path"],
        "now": datetime.now(UTC),
    }
    text = _environment().get_template(template).render(frame | values)
    return HTMLResponse(text, status, HEADERS)


def local(text: str) -> str:
    """`text` where it is the address of a page of this console, else nothing."""
    return text if _LOCAL.fullmatch(text) else ""


def _here(request: Request) -> str:
    """Where to go on after sign-in: the page that was asked for."""
    query = request.scope["query_string"].decode("latin-1")
    return local(request.scope["path"] + (f"?{query}" if query else "")) if request.method == "GET" else ""


def sign_in(
    request: Request, status: int, *, problem: str | None = None, next_page: str = "", user: str = ""
) -> Response:
    """The page that asks who is there."""
    visit = token_in(request, VISIT) or new_token()
    door = sign_in_of(request.app.state)
    values = {
        "problem": problem,
        "next_page": next_page,
        "user": user,
        "csrf": csrf_of(visit),
        "actor": None,
        "provider": door and door.choice.name,
    }
    response = render(request, "sign_in.html", status, **values)
    set_cookie(request, response, VISIT, visit)
    return response


def _unknown_visitor(request: Request, refusal: Unauthenticated) -> Response:
    here = _here(request)
    response = sign_in(request, refusal.status, next_page=here)
    if here and request.headers.get("sec-fetch-site") == "cross-site" and _FOLLOWED not in request.query_params:
        # The cookie is strict: it does not come with a link in a mail. A second request from our own page brings it.
        response.headers["Refresh"] = f"0; url={here}{'&' if '?' in here else '?'}{_FOLLOWED}=1"
    return response


def refused(request: Request, refusal: Refusal) -> Response:
    """A refusal as a page: sign in, or what is wrong in words."""
    if isinstance(refusal, Unauthenticated):
        return _unknown_visitor(request, refusal)
    response = render(
        request, "problem.html", refusal.status, detail=refusal.detail, heading=HTTPStatus(refusal.status).phrase
    )
    if isinstance(refusal, Unavailable):
        response.headers["Retry-After"] = "5"
    return response


class ConsoleRoute(APIRoute):
    """Answers refusals as pages; the API's problem documents are for programs."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def readable(request: Request) -> Response:
            try:
                return await handle(request)
            except Refusal as refusal:
                return refused(request, refusal)
            except RequestValidationError:
                return refused(
                    request, Malformed("this address holds something that it should not: begin at the queue")
                )

        return readable
