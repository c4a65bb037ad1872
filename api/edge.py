"""The outer layer of the HTTP service: size limit while streaming, security headers, the last catch, measurements."""

from __future__ import annotations

import time
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import problems
from governance.errors import TooLarge

Observe = Callable[[str, str, int, float], None]
"""(method, route, status, seconds)"""

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Cache-Control": "no-store",
}


class BrokenOff(Exception):
    """An answer that had begun could not be finished: the log says why."""


class Edge:
    """Wraps the whole app. A route that sets one of the headers itself keeps its own."""

    def __init__(self, app: ASGIApp, *, max_body_bytes: int, observe: Observe) -> None:
        self.app = app
        self.max_body_bytes = max_body_bytes
        self.observe = observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._guarded(scope, receive, answer)
        finally:
            route = getattr(scope.get("route"), "path", "(none)")
            self.observe(scope["method"], route, status, time.perf_counter() - started)

    async def _guarded(self, scope: Scope, receive: Receive, answer: Send) -> None:
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            begun = True
            await answer(message)

        try:
            self._check_length(scope)
            await self.app(scope, self._counted(receive), sending)
        except ClientDisconnect:
            return
        except Exception as error:  # the last catch: nothing above this could answer
            if begun:
                problems.of_unexpected(error, scope["path"])
                # The server must close the connection, and log none of the error's words.
                raise BrokenOff from None
            response = (
                problems.of_refusal(error)
                if isinstance(error, TooLarge)
                else problems.of_unexpected(error, scope["path"])
            )
            await response(scope, receive, answer)

    def _refusal(self) -> TooLarge:
        return TooLarge(f"the request is larger than {self.max_body_bytes} bytes", limit_bytes=self.max_body_bytes)

    def _check_length(self, scope: Scope) -> None:
        stated = Headers(scope=scope).get("content-length", "0")
        if stated.isascii() and stated.isdigit() and (len(stated) > 18 or int(stated) > self.max_body_bytes):
            raise self._refusal()

    def _counted(self, receive: Receive) -> Receive:
        size = 0

        async def receiving() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > self.max_body_bytes:
                raise self._refusal()
            return message

        return receiving
