"""The reviewers' console: pages that work without scripts, over the same record and the same law as the API."""

from __future__ import annotations

from fastapi import FastAPI, Request
from starlette.responses import Response

from api.console import (
    changes,
    collections,
    correct,
    models,
    queue,
    reviewing,
    sign_in,
    standing,
    tasks,
    twins,
    workflows,
)
from api.console.pages import asset, refused
from governance.errors import NotFound

_KEEP = "public, max-age=31536000, immutable"


def mount(app: FastAPI) -> None:
    """Add /console to the app, whose `state.system` is the installation that the pages show."""
    pages = (sign_in, queue, collections, reviewing, correct, tasks, changes, workflows, models, standing, twins)
    for module in pages:
        app.include_router(module.router)
    app.add_route("/console/static/{name}", _static, include_in_schema=False)
    app.add_route("/console/{rest:path}", _nowhere, include_in_schema=False)


async def _static(request: Request) -> Response:
    found = asset(request.path_params["name"])
    if found is None:
        return await _nowhere(request)
    content, media_type = found
    return Response(content, 200, {"Cache-Control": _KEEP}, media_type)


async def _nowhere(request: Request) -> Response:
    return refused(request, NotFound("There is no such page in the console: begin at the queue."))
