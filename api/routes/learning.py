"""What people correct and what is learned of it: corrections of a case, memories of suppliers, labelled rows."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from api import correcting, learning, shapes, wire
from api.auth import CallerOf, IdempotencyKey, Scope
from api.schemas import CorrectionBody
from api.strict import Id, StrictRoute, answer
from governance import permit
from governance.record import cases, corrections

router = APIRouter(prefix="/v1", tags=["learning"], route_class=StrictRoute)


@router.post("/cases/{case_id}/corrections", status_code=201)
def correct(
    request: Request, caller: CallerOf, case_id: Id, body: CorrectionBody, idempotency_key: IdempotencyKey
) -> Response:
    """A person says what a document says. The case gets new facts, its pending recommendation is superseded, and who
    corrected holds no seat on it. Bank details are not corrected: they are settled by a call-back."""
    readers = request.app.state.readers

    def act(scope: Scope) -> tuple[int, Any]:
        made = correcting.correct(scope, readers.rows.pdf, case_id, body.facts_digest, body.right())
        return 201, {**made, "case": shapes.case(cases.get(scope.conn, case_id))}

    asked = wire.request_hash("correct", case_id, wire.sorted_dumps(body.model_dump()))
    return caller.write(act, idempotency_key=idempotency_key, request=asked)


@router.get("/cases/{case_id}/corrections")
def list_corrections(caller: CallerOf, case_id: Id) -> Response:
    """The labelled rows of a case with their origin, oldest first; values are null once they are erased."""
    with caller.transaction() as scope:
        permit.may_read(scope.actor)
        cases.get(scope.conn, case_id)
        return answer({"items": corrections.of_case(scope.conn, case_id), "next_cursor": None})


@router.get("/memories")
def list_memories(caller: CallerOf) -> Response:
    """How the documents of suppliers are read: memories that hold, and those that wait for a signature."""
    with caller.transaction() as scope:
        permit.may_read(scope.actor)
        return answer({"items": learning.memories(scope.conn), "next_cursor": None})


@router.get("/learning")
def show_learning(caller: CallerOf) -> Response:
    """How much people have taught: labelled rows by class and field, and where that is not enough yet."""
    with caller.transaction() as scope:
        permit.may_read(scope.actor)
        return answer(learning.state(scope.conn))
