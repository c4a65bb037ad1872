"""Routes whose JSON bodies are parsed by api.wire, and the parameters that many of them share."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import Path, Query
from fastapi.routing import APIRoute
from pydantic import AfterValidator
from starlette.requests import Request
from starlette.responses import Response

from api import wire
from governance.errors import NotFound

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@-]{0,199}")


class _StrictRequest(Request):
    async def json(self) -> Any:
        return wire.parse(await self.body())


class StrictRoute(APIRoute):
    """Refuses JSON that two readers could understand differently."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def strict(request: Request) -> Response:
            return await handle(_StrictRequest(request.scope, request.receive))

        return strict


def _known_form(value: str) -> str:
    # What cannot be an id is simply not there; Postgres could not even be asked for a NUL.
    if not _ID.fullmatch(value):
        raise NotFound
    return value


Id = Annotated[str, Path(), AfterValidator(_known_form)]
Limit = Annotated[int, Query(ge=1, le=500, description="Items a page.")]
CursorText = Annotated[str | None, Query(max_length=1000, description="next_cursor of the page before.")]


def answer(value: Any, status: int = 200) -> Response:
    """A JSON response in the one way that values are written."""
    return Response(wire.dumps(value), status, media_type="application/json")


def page(items: Sequence[Any], limit: int, listing: str, places: Sequence[tuple[datetime, str]]) -> Response:
    """One page of a list that was read with one item more than `limit`; `places` are the items' (time, id)."""
    more = len(items) > limit
    following = wire.cursor(listing, *places[limit - 1]) if more else None
    return answer({"items": list(items[:limit]), "next_cursor": following})


def listing_name(kind: str, **filters: object) -> str:
    """A listing with its filters: a cursor goes on in the same one only."""
    return wire.sorted_dumps([kind, filters])
