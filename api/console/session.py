"""Who is signed in: the session cookie, the form token against forged requests, and the desk that a request gets.

The cookie holds an opaque token; the record knows its SHA-256. Every form carries an HMAC of that token, which another
site can neither read nor compute. Before sign-in a visitor's cookie of its own takes the session's place.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import Depends, Request
from starlette.responses import Response

from api.auth import Caller, Scope
from governance import permit
from governance.errors import Malformed, NotPermitted, TooLarge, Unauthenticated
from governance.record import sessions, worklist

MINUTES = 480
"""How long a session lasts: a working day."""
SESSION, VISIT = "countersign", "countersign-visit"
LARGEST_FORM = 512 * 1024
MOST_FIELDS = 100
CSRF_FIELD = "csrf"

_TAG = b"countersign/csrf/v1"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_LOOPBACK = re.compile(r"(localhost|127(\.[0-9]{1,3}){3}|\[::1\])(:[0-9]{1,5})?", re.IGNORECASE)


class Forged(NotPermitted):
    """This form is out of date or did not come from this console: nothing was done. Open the page again and repeat."""

    slug = "forged-request"


def new_token() -> str:
    """256 random bits, base64url."""
    return secrets.token_urlsafe(32)


def csrf_of(token: str) -> str:
    """What the forms of this session carry."""
    return hmac.new(token.encode(), _TAG, hashlib.sha256).hexdigest()


def secure(request: Request) -> bool:
    """Whether cookies are for https only: always, except on this machine itself over http.

    Behind a proxy that ends TLS the scheme says http, so the host decides.
    """
    return request.scope["scheme"] != "http" or not _LOOPBACK.fullmatch(request.headers.get("host", ""))


def _cookie(request: Request, name: str) -> str:
    return f"__Host-{name}" if secure(request) else name


def token_in(request: Request, name: str) -> str | None:
    """The token in a cookie of ours; None where there is none or it cannot be one."""
    value = request.cookies.get(_cookie(request, name), "")
    return value if _TOKEN.fullmatch(value) else None


def set_cookie(request: Request, response: Response, name: str, token: str, seconds: int | None = None) -> None:
    """Without `seconds` the browser forgets it when it closes."""
    response.set_cookie(
        _cookie(request, name),
        token,
        max_age=seconds,
        path="/",
        secure=secure(request),
        httponly=True,
        samesite="strict",
    )


def forget_cookie(request: Request, response: Response, name: str) -> None:
    response.delete_cookie(_cookie(request, name), path="/", secure=secure(request), httponly=True, samesite="strict")


async def _form(request: Request) -> Mapping[str, str]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise Malformed("send the page's own form")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_FORM:
            raise TooLarge("the form is larger than the limit", limit_bytes=LARGEST_FORM)
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS, separator="&"
        )
    except ValueError:
        raise Malformed("the form cannot be read") from None
    fields = dict(pairs)
    if len(fields) < len(pairs) or any("\x00" in value for pair in pairs for value in pair):
        raise Malformed("the form holds a field twice, or a NUL character")
    # Browsers end lines with CR LF, whatever the text had.
    return {name: value.replace("\r\n", "\n") for name, value in fields.items()}


def _own_form(request: Request, fields: Mapping[str, str], token: str | None) -> None:
    """Raises Forged unless this console made the form for the holder of `token`."""
    # Browsers that say where a request comes from are believed when they say: from elsewhere.
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Forged
    given = fields.get(CSRF_FIELD, "")
    if token is None or not hmac.compare_digest(given.encode(), csrf_of(token).encode()):
        raise Forged


@dataclass(frozen=True, slots=True)
class Desk:
    """A request with a session cookie. Whether the session is live is known when a transaction asks the record."""

    request: Request
    token: str = field(repr=False)

    @property
    def csrf(self) -> str:
        return csrf_of(self.token)

    @contextlib.contextmanager
    def open(self) -> Iterator[Scope]:
        """One transaction by the session's person, who may read. Raises Unauthenticated where there is no session."""
        with Caller(self.request.app.state.system.database, self.token).transaction() as scope:
            sessions.current(scope.conn)
            # What the frame of every page shows, problem pages included.
            self.request.state.actor = scope.actor
            permit.may_read(scope.actor)
            self.request.state.tasks = worklist.tasks(scope.conn)
            yield scope


@dataclass(frozen=True, slots=True)
class Sent:
    """A form that the session's own page sent."""

    desk: Desk
    fields: Mapping[str, str]


async def _desk(request: Request) -> Desk:
    token = token_in(request, SESSION)
    if token is None:
        raise Unauthenticated
    return Desk(request, token)


async def _sent(request: Request) -> Sent:
    desk = await _desk(request)
    fields = await _form(request)
    _own_form(request, fields, desk.token)
    return Sent(desk, fields)


async def _visited(request: Request) -> Mapping[str, str]:
    fields = await _form(request)
    token = token_in(request, VISIT)
    if token is None:
        raise Forged(
            "your browser sent no cookie: allow cookies for this address, and use https unless the console runs on "
            "your own machine"
        )
    _own_form(request, fields, token)
    return fields


DeskOf = Annotated[Desk, Depends(_desk)]
SentForm = Annotated[Sent, Depends(_sent)]
VisitorsForm = Annotated[Mapping[str, str], Depends(_visited)]
