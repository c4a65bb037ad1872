"""OPEN FIRST: the HTTP service. Requests come in here; routes ask the permits and the database, and answer.

`create` makes the app from parts that api.wiring gives; nothing happens at import.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import html
from collections.abc import AsyncIterator, Callable
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from api import console, mcp_endpoint, problems
from api.edge import Edge
from api.metrics import Metrics
from api.readers import Readers
from api.routes import (
    audit,
    change,
    inbox,
    intake,
    learning,
    models,
    people,
    review,
    standing,
    telemetry,
    triage,
    worklist,
)
from api.system import System

OVERHEAD_BYTES = 1024 * 1024
"""What a multipart form may add to the documents in it."""

ROUTES = (
    intake, triage, review, inbox, worklist, change, learning, models, standing, people, audit, telemetry,
)  # fmt: skip
"""Modules with a `router`; the first that knows a path answers."""

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a}"
    "code{font:14px ui-monospace,monospace}dt{margin-top:1rem}dd{margin-left:1.5rem}"
)


def create(
    system: System,
    readers: Readers,
    *,
    public_key: str | None = None,
    sign: Callable[[], object] | None = None,
    seal: Callable[[str], str] | None = None,
) -> FastAPI:
    """The app on one system. `readers` are closed with it; `public_key` is the text of ledger.pub.

    `sign` makes a checkpoint of the ledger as it stands, so that evidence needs no waiting, and `seal` seals evidence;
    None where only the clock can.
    """

    protocol = mcp_endpoint.Mcp()

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with protocol.running():
            yield
        readers.close()

    app = _Service(
        title="Countersign",
        version="1",
        description="Governed exception triage: an agent proposes, people countersign, one record proves it.",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        responses=problems.RESPONSES,
    )
    metrics = Metrics()
    app.state.system = system
    app.state.metrics = metrics
    app.state.readers = readers
    app.state.public_key = public_key
    app.state.sign = sign
    app.state.seal = seal
    problems.install(app)
    for module in ROUTES:
        app.include_router(module.router)
    app.router.routes.append(Route(mcp_endpoint.PATH, endpoint=protocol, include_in_schema=False))
    app.add_route("/", _front, include_in_schema=False)
    app.add_route("/docs", _docs, include_in_schema=False)
    console.mount(app)
    app.add_middleware(Edge, max_body_bytes=system.settings.max_upload_bytes + OVERHEAD_BYTES, observe=metrics.observe)
    return app


class _Service(FastAPI):
    """Describes its refusals in one place of the OpenAPI document."""

    def openapi(self) -> dict[str, Any]:
        document = super().openapi()
        document["components"]["schemas"]["Problem"] = problems.SCHEMA
        return document


async def _front(request: Request) -> Response:
    """Who types the address alone is a person with a browser."""
    return RedirectResponse("/console", 303)


async def _docs(request: Request) -> Response:
    """A page of our own: FastAPI's would load scripts from elsewhere."""
    style = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    headers = {"Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{style}'; frame-ancestors 'none'"}
    return HTMLResponse(docs_page(request.app.openapi()), headers=headers)


def docs_page(document: dict[str, Any]) -> str:
    """The operations of an OpenAPI document as plain HTML."""
    parts = []
    for path, operations in sorted(document["paths"].items()):
        for method, operation in operations.items():
            words = html.escape(str(operation.get("description") or operation.get("summary") or ""))
            parts.append(f"<dt><code>{method.upper()} {html.escape(path)}</code></dt><dd>{words}</dd>")
    title = html.escape(document["info"]["title"])
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title} API</title>'
        f"<style>{_STYLE}</style></head><body><h1>{title} API</h1>"
        f"<p>{html.escape(document['info']['description'])}</p>"
        "<p>Send <code>Authorization: Bearer KEY</code>. In detail: "
        f'<a href="/openapi.json">openapi.json</a>.</p><dl>{"".join(parts)}</dl></body></html>'
    )
