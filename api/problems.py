"""Refusals as application/problem+json (RFC 9457). No answer repeats what was sent."""

from __future__ import annotations

import traceback
import uuid
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from api import wire
from governance.errors import (
    PROBLEM_BASE,
    Malformed,
    NotFound,
    Refusal,
    TooLarge,
    Unauthenticated,
    Unavailable,
)

MEDIA_TYPE = "application/problem+json"
SCHEMA: dict[str, Any] = {
    "title": "Problem",
    "description": "A refusal (RFC 9457). `type` is stable, `detail` says what to do; some types carry more members.",
    "type": "object",
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "controls": {
            "type": "array",
            "items": {"type": "string", "pattern": "^[A-Z]{2,4}-[0-9]{2}$"},
            "description": "Ids of the controls that refused it, as docs/governance.md lists them.",
        },
    },
    "required": ["type", "title", "status", "detail"],
}
_REFUSED = {"content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
RESPONSES: dict[int | str, dict[str, Any]] = {
    "4XX": {"description": "Refused: nothing was changed.", **_REFUSED},
    503: {"description": "A part is not available now: try again later.", **_REFUSED},
}
"""What every operation may answer, for the OpenAPI document."""
_TAGS = frozenset({"row", "rows"})  # of the union in api.schemas.CaseRows
_log = structlog.get_logger("countersign.api")


def problem(
    status: int,
    slug: str,
    detail: str,
    extensions: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """One problem document. `slug` ends its stable type."""
    body = {
        **(extensions or {}),
        "type": PROBLEM_BASE + slug,
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    return Response(wire.dumps(body), status, dict(headers or {}), MEDIA_TYPE)


def of_refusal(refusal: Refusal) -> Response:
    """The problem that a refusal is."""
    headers: dict[str, str] = {}
    if isinstance(refusal, Unauthenticated):
        headers["WWW-Authenticate"] = 'Bearer realm="countersign"'
    if isinstance(refusal, Unavailable):
        headers["Retry-After"] = "5"
    return problem(refusal.status, refusal.slug, refusal.detail, refusal.extensions, headers)


def _pointer(place: Sequence[object]) -> dict[str, str]:
    """Where the mistake stands: a JSON pointer (RFC 6901) into the body, or the name of a parameter."""
    where, rest = (str(place[0]), place[1:]) if place else ("body", ())
    if where != "body":
        return {"in": where, "name": ".".join(str(part) for part in rest)}
    if rest and rest[0] in _TAGS:
        rest = rest[1:]
    return {"in": "body", "pointer": "".join("/" + str(p).replace("~", "~0").replace("/", "~1") for p in rest)}


def of_validation(errors: Sequence[Mapping[str, Any]]) -> Response:
    """All mistakes of a request at once, by place, without the values that were sent."""
    found = [{**_pointer(error["loc"]), "detail": str(error["msg"]).removeprefix("Value error, ")} for error in errors]
    detail = "the request is malformed: " + "; ".join(
        f"{item.get('pointer') or item.get('name') or 'body'}: {item['detail']}" for item in found[:3]
    )
    return problem(Malformed.status, Malformed.slug, detail, {"errors": found})


def of_http(error: HTTPException) -> Response:
    """Starlette's own refusals: unknown routes, wrong methods, bodies that cannot be parsed."""
    if isinstance(error.__cause__, Refusal):
        return of_refusal(error.__cause__)
    if error.status_code == NotFound.status:
        return problem(404, NotFound.slug, "there is no such address: /openapi.json lists those that are")
    if error.status_code == TooLarge.status:
        return problem(413, TooLarge.slug, "the request is larger than the limit")
    slug = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
    if error.status_code in (400, 422):
        slug = Malformed.slug
    return problem(error.status_code, slug, str(error.detail), headers=error.headers)


def of_unexpected(error: Exception, path: str) -> Response:
    """A problem that names an id; the log has the same id with type and place of the error, and none of its words."""
    error_id = uuid.uuid4().hex
    frames = traceback.extract_tb(error.__traceback__)
    _log.error(
        "unexpected_error",
        error_id=error_id,
        path=path,
        error_type=f"{type(error).__module__}.{type(error).__qualname__}",
        frames=[f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-12:]],
    )
    return problem(
        500, "internal-error", "an unexpected error happened: tell the operator its id", {"error_id": error_id}
    )


def _on_refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return of_refusal(error)


def _on_validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return of_validation(error.errors())


def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        # Starlette names those of one route; an address may have several.
        described = request.app.openapi()["paths"].get(getattr(request.scope.get("route"), "path", None), {})
        if described:
            error = HTTPException(error.status_code, error.detail, {"Allow": ", ".join(sorted(described)).upper()})
    return of_http(error)


def install(app: FastAPI) -> None:
    """Make every refusal of this app a problem document."""
    app.add_exception_handler(Refusal, _on_refusal)
    app.add_exception_handler(RequestValidationError, _on_validation)
    app.add_exception_handler(HTTPException, _on_http)
