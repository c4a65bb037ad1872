"""Who asks: `Authorization: Bearer` with an API key, or with a token of the identity provider, which gets a session.

The key or the session is what the request's transaction acts by.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends, Header, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api import wire
from api.oidc import sign_in_of
from api.oidc_token import looks_like_token
from governance.actor import Actor
from governance.errors import Malformed, Unauthenticated
from governance.record import answers, people
from governance.record.answers import Answer
from governance.record.db import Connection, Database, retrying

_KEY = re.compile(r"[\x21-\x7e]{1,512}")
_IDEMPOTENCY_KEY = re.compile(r"[\x20-\x7e]{1,200}")

Act = Callable[["Scope"], tuple[int, Any]]
"""A write and what to answer: (HTTP status, JSON value)."""


@dataclass(frozen=True, slots=True)
class Scope:
    """One transaction and who acts in it."""

    conn: Connection
    actor: Actor


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody with a key. Nothing is known of them before a transaction asks the database."""

    database: Database
    key: str = field(repr=False)

    @contextlib.contextmanager
    def transaction(self, role: str = "review") -> Iterator[Scope]:
        """One transaction of a database role. Raises Unauthenticated where the key is not a live one."""
        with self.database.transaction(role, self.key) as conn:
            yield Scope(conn, people.whoami(conn))

    def write(self, act: Act, *, idempotency_key: str | None, request: str) -> Response:
        """Run a write in one transaction, once per Idempotency-Key.

        `request` is the hash of what was asked (wire.request_hash). The same key with the same request gets the
        stored answer; with another request IdempotencyConflict is raised.
        """

        def whole() -> tuple[Answer, bool]:
            with self.transaction() as scope:
                if idempotency_key is not None:
                    known = answers.known(scope.conn, idempotency_key, request)
                    if known is not None:
                        return known, True
                status, value = act(scope)
                answer = Answer(status, wire.dumps(value))
                if idempotency_key is not None:
                    answers.remember(scope.conn, idempotency_key, request, answer)
                return answer, False

        answer, replayed = retrying(whole)
        headers = {"Idempotent-Replayed": "true"} if replayed else {}
        return Response(answer.body, answer.status, headers, "application/json")


_bearer = HTTPBearer(
    auto_error=False, description="An API key of a person or a service, or a token of the identity provider."
)


Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


def caller_with(database: Database, key: str) -> Caller:
    """Raises Unauthenticated for what cannot be a key."""
    if not _KEY.fullmatch(key):
        raise Unauthenticated
    return Caller(database, key)


async def caller_of(request: Request, credentials: Credentials) -> Caller:
    """Whoever sends a key or a token. Raises Unauthenticated, NotPermitted, Unavailable."""
    if credentials is None:
        raise Unauthenticated
    return await caller_by(request, credentials.credentials)


async def caller_by(request: Request, key: str) -> Caller:
    """By an API key, or by a token of the identity provider. Raises Unauthenticated, NotPermitted, Unavailable."""
    if looks_like_token(key):
        key = await run_in_threadpool(_session_of, request, key)
    return caller_with(request.app.state.system.database, key)


def _session_of(request: Request, token: str) -> str:
    """The session of who holds a token of the identity provider. Raises Unauthenticated, NotPermitted, Unavailable."""
    door = sign_in_of(request.app.state)
    if door is None:
        raise Unauthenticated("no identity provider is configured here: use an API key")
    return door.session_for(token)


async def _idempotency_key(
    value: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            description="Repeating a write under the same key returns the first answer.",
            json_schema_extra={"pattern": f"^{_IDEMPOTENCY_KEY.pattern}$"},
        ),
    ] = None,
) -> str | None:
    if value is not None and not _IDEMPOTENCY_KEY.fullmatch(value):
        raise Malformed("Idempotency-Key must have 1 to 200 printable ASCII characters")
    return value


CallerOf = Annotated[Caller, Depends(caller_of)]
IdempotencyKey = Annotated[str | None, Depends(_idempotency_key)]
