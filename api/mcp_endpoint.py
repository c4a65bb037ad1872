"""The Model Context Protocol at /mcp: who asks is known before the protocol is reached.

Each request carries the key or token by which it is answered, and nothing is kept between two. The protocol itself
(api.mcp_door) is loaded when somebody first speaks it: most services never do, and it takes half a second.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import AsyncIterator

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api import problems
from api.auth import Caller, caller_by
from governance import permit
from governance.errors import Refusal, Unauthenticated

PATH = "/mcp"
CALLER = "countersign.caller"
"""Where the caller stands in the scope of a request that reached the protocol."""


class Mcp:
    """An ASGI endpoint; `running` must surround the service's life."""

    def __init__(self) -> None:
        self._tasks: TaskGroup | None = None
        self._protocol: ASGIApp | None = None
        self._loading = anyio.Lock()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        try:
            async with anyio.create_task_group() as self._tasks:
                yield
                self._tasks.cancel_scope.cancel()
        finally:
            self._tasks = self._protocol = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (await self._answering(Request(scope)))(scope, receive, send)

    async def _answering(self, request: Request) -> ASGIApp:
        if request.method != "POST":
            detail = "the protocol is spoken by POST alone: there are no sessions to listen to"
            return problems.problem(405, "method-not-allowed", detail, headers={"Allow": "POST"})
        if self._tasks is None:
            return problems.problem(503, "unavailable", "the service is not running yet")
        try:
            caller = await _caller(request)
            await anyio.to_thread.run_sync(_welcome, caller)
        except Refusal as refusal:
            return problems.of_refusal(refusal)
        request.scope[CALLER] = caller
        return await self._loaded(self._tasks)

    async def _loaded(self, tasks: TaskGroup) -> ASGIApp:
        async with self._loading:
            if self._protocol is None:
                door = await anyio.to_thread.run_sync(importlib.import_module, "api.mcp_door")
                self._protocol = await tasks.start(door.serve)
            found: ASGIApp = self._protocol
            return found


async def _caller(request: Request) -> Caller:
    """Raises Unauthenticated where there is no key, or one that is not live; NotPermitted, Unavailable."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise Unauthenticated
    return await caller_by(request, key.strip())


def _welcome(caller: Caller) -> None:
    """Raises Unauthenticated, NotPermitted."""
    with caller.transaction() as scope:
        permit.may_read(scope.actor)
