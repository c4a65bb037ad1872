"""Reading cases: lists, facts, documents, what happened to them."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from api import shapes, showing, wire
from api.auth import CallerOf, IdempotencyKey, Scope
from api.schemas import CaseStateName, IntakeStatus, ListedQueue
from api.strict import CursorText, Id, Limit, StrictRoute, answer, listing_name, page
from api.words import in_words
from governance import permit
from governance.errors import NotFound
from governance.record import cases, people, review, standing

router = APIRouter(prefix="/v1", tags=["triage"], route_class=StrictRoute)

# Anything else would let a document's sender choose what a browser makes of it.
_MEDIA_TYPES = frozenset({"application/pdf", "application/xml", "text/plain", "text/csv", "application/json"})

_ANY_BYTES: dict[int | str, dict[str, Any]] = {
    200: {"content": {kind: {"schema": {}} for kind in (*sorted(_MEDIA_TYPES), "application/octet-stream")}}
}
_PICTURE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/png": {"schema": {"type": "string", "format": "binary"}}}},
    304: {"description": "The caller's copy is still good."},
}


@router.get("/cases")
def list_cases(
    caller: CallerOf,
    queue: Annotated[ListedQueue | None, Query()] = None,
    state: Annotated[CaseStateName | None, Query()] = None,
    limit: Limit = 50,
    cursor: CursorText = None,
) -> Response:
    """Cases, oldest first."""
    name = listing_name("cases", state=state, queue=queue)
    after = wire.read_cursor(name, cursor)
    with caller.transaction() as scope:
        permit.may_read(scope.actor)
        rows = cases.listing(scope.conn, state=state, queue=queue, after=after, limit=limit + 1)
    return page([shapes.case(row) for row in rows], limit, name, [(row["created_at"], row["id"]) for row in rows])


@router.get("/cases/{case_id}")
def get_case(caller: CallerOf, case_id: Id) -> Response:
    """One case: facts that the law judges, what was read, every recommendation, the work on it."""
    with caller.transaction() as scope:
        permit.may_read(scope.actor)
        row = cases.get(scope.conn, case_id)
        read = cases.reading(scope.conn, case_id, row["revision"])
        proposed = review.listing(scope.conn, case=case_id, limit=500)
        standing.opened(scope.conn, case_id, "case")
        return answer(
            {
                **shapes.case(row),
                "facts": shapes.facts(row),
                "reading": read["reading"],
                "details": read["details"],
                "recommendations": shapes.recommendations(scope.conn, proposed),
                "job": cases.job(scope.conn, case_id),
            }
        )


@router.get("/cases/{case_id}/timeline")
def get_timeline(caller: CallerOf, case_id: Id) -> Response:
    """The ledger's entries about the case and its recommendations, in order: in words, and as they stand."""
    with caller.transaction() as scope:
        permit.may_read(scope.actor)
        entries = cases.timeline(scope.conn, case_id)
        names = {actor["id"]: actor["name"] for actor in people.actors(scope.conn)}
    return answer({"items": [moment(entry, names) for entry in entries], "next_cursor": None})


def moment(row: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """One ledger entry as a timeline shows it."""
    entry = json.loads(row["entry"])
    return {
        "seq": row["seq"],
        "at": entry["at"],
        "actor": entry["actor"],
        "actor_name": names.get(entry["actor"]),
        "kind": entry["kind"],
        "subject": entry["subject"],
        "words": in_words(entry, names),
        "entry": entry,
        "raw": row["entry"],
        "hash": row["hash"],
    }


@router.get("/cases/{case_id}/document", response_class=Response, responses=_ANY_BYTES)
def get_document(caller: CallerOf, case_id: Id) -> Response:
    """The bytes of the case's document, to be saved and not shown."""
    with caller.transaction() as scope:
        permit.may_read(scope.actor)
        found = cases.document(scope.conn, case_id)
        standing.opened(scope.conn, case_id, "document")
    if found.content is None:
        raise NotFound("the document of this case was erased", sha256=found.sha256)
    media_type = found.media_type if found.media_type in _MEDIA_TYPES else "application/octet-stream"
    headers = {"Content-Disposition": disposition(found.name), "Content-SHA256": found.sha256}
    return Response(found.content, 200, headers, media_type)


@router.get("/cases/{case_id}/pages/{page}", response_class=Response, responses=_PICTURE)
def get_page(
    request: Request, caller: CallerOf, case_id: Id, page: Annotated[int, Path(ge=1, le=showing.LARGEST_PAGE)]
) -> Response:
    """One page of the case's document, from 1, as a picture to look at. PDFs and pictures have pages."""
    with caller.transaction() as scope:
        permit.may_read(scope.actor)
        content, sha256 = showing.kept(scope, case_id)
    shown = showing.picture(request, request.app.state.readers.pictures, content, sha256, page)
    with caller.transaction() as scope:
        permit.may_read(scope.actor)
        showing.note(scope, case_id, sha256)
    return shown


def disposition(name: str) -> str:
    """An attachment under its own name, in the two forms of RFC 6266."""
    last = re.sub(r"[\x00-\x1f\x7f]", "", re.split(r"[/\\]", name)[-1]).strip(" .") or "document"
    plain = re.sub(r"[^A-Za-z0-9._ -]", "_", last)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(last, safe='')}"


@router.post("/cases/{case_id}/requeue")
def requeue(caller: CallerOf, case_id: Id, idempotency_key: IdempotencyKey) -> Response:
    """A person puts a case from the dead-letter room back in the queue."""

    def act(scope: Scope) -> tuple[int, Any]:
        permit.may_requeue(scope.actor)
        cases.get(scope.conn, case_id)
        review.requeue(scope.conn, case_id)
        return 200, shapes.case(cases.get(scope.conn, case_id))

    return caller.write(act, idempotency_key=idempotency_key, request=wire.request_hash("requeue", case_id))


@router.get("/intake")
def list_intake(
    caller: CallerOf,
    status: Annotated[IntakeStatus | None, Query()] = None,
    after: Annotated[int, Query(ge=0, le=2**62)] = 0,
    limit: Limit = 50,
) -> Response:
    """What came in and what became of it, in order. `next_cursor` is the next page's `after`."""
    with caller.transaction() as scope:
        permit.may_read(scope.actor)
        rows = cases.intake_log(scope.conn, status=status, after=after, limit=limit + 1)
    more = str(rows[limit - 1]["id"]) if len(rows) > limit else None
    return answer({"items": rows[:limit], "next_cursor": more})
