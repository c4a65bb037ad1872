"""Recommendations, what people decide on them, and the tasks that follow."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from api import deciding, shapes, wire
from api.auth import CallerOf, IdempotencyKey, Scope
from api.schemas import BulkBody, BulkItem, ConfirmBody, DecisionBody, ListedQueue, RecommendationStateName
from api.strict import CursorText, Id, Limit, StrictRoute, answer, listing_name, page
from governance import permit
from governance.decision import Decision, DecisionKind
from governance.errors import Refusal
from governance.record import cases, outbox, review, standing
from governance.record.db import translated

router = APIRouter(prefix="/v1", tags=["review"], route_class=StrictRoute)


@router.get("/recommendations")
def list_recommendations(
    caller: CallerOf,
    state: Annotated[RecommendationStateName | None, Query()] = None,
    queue: Annotated[ListedQueue | None, Query()] = None,
    case_id: Annotated[str | None, Query(pattern=r"^[A-Za-z0-9._:@-]{1,200}$")] = None,
    limit: Limit = 50,
    cursor: CursorText = None,
) -> Response:
    """Recommendations, oldest first."""
    name = listing_name("recommendations", state=state, queue=queue, case_id=case_id)
    after = wire.read_cursor(name, cursor)
    with caller.transaction() as scope:
        permit.may_read(scope.actor)
        place = (wire.stamp(after[0]), after[1]) if after else None
        rows = review.listing(scope.conn, state=state, queue=queue, case=case_id, after=place, limit=limit + 1)
        items = shapes.recommendations(scope.conn, rows)
    return page(items, limit, name, [(row["created_at"], row["id"]) for row in rows])


@router.get("/recommendations/{recommendation_id}")
def get_recommendation(caller: CallerOf, recommendation_id: Id) -> Response:
    """One recommendation as it stands, with its decisions and effect."""
    with caller.transaction() as scope:
        permit.may_read(scope.actor)
        found = shapes.one_recommendation(scope.conn, recommendation_id)
        standing.opened(scope.conn, found["case_id"], "case")
        return answer(found)


@router.post("/recommendations/{recommendation_id}/decisions")
def decide(caller: CallerOf, recommendation_id: Id, body: DecisionBody, idempotency_key: IdempotencyKey) -> Response:
    """Approve, override, reject, send_back, escalate or withdraw, on the digest that was read.

    `recommendation` in the answer is the one that stands now: after an override the new one.
    """
    decision = body.decision_asked()

    def act(scope: Scope) -> tuple[int, Any]:
        made = deciding.decide(scope.conn, scope.actor, recommendation_id, decision)
        current = shapes.one_recommendation(scope.conn, made["recommendation_id"])
        return 200, {
            "decision_id": made["decision_id"],
            "state": made["state"],
            "recommendation": current,
            "case_state": current["case_state"],
        }

    asked = wire.request_hash("decide", recommendation_id, wire.sorted_dumps(body.model_dump()))
    with deciding.noting(caller.database, caller.key, recommendation_id, body.decision):
        return caller.write(act, idempotency_key=idempotency_key, request=asked)


@router.post("/decisions")
def approve_in_bulk(caller: CallerOf, body: BulkBody, idempotency_key: IdempotencyKey) -> Response:
    """Approve many at once, where policy lets each be approved so. One that is refused does not hold up the others."""

    refused: dict[str, Refusal] = {}

    def act(scope: Scope) -> tuple[int, Any]:
        permit.may_decide(scope.actor, "approve")
        refused.clear()
        return 200, {"items": [_one_of_many(scope, item, body.comment, refused) for item in body.items]}

    asked = wire.request_hash("bulk", wire.sorted_dumps(body.model_dump()))
    try:
        return caller.write(act, idempotency_key=idempotency_key, request=asked)
    except Refusal as refusal:
        refused.update({item.recommendation_id: refusal for item in body.items})
        raise
    finally:
        for recommendation_id, why in refused.items():
            deciding.note(caller.database, caller.key, recommendation_id, "approve", why)


def _one_of_many(scope: Scope, item: BulkItem, comment: str | None, refused: dict[str, Refusal]) -> dict[str, Any]:
    """One approval; what refuses it is answered, and put under its id into `refused`."""
    found: dict[str, Any] = {
        "recommendation_id": item.recommendation_id,
        "decision_id": None,
        "state": None,
        "problem": None,
    }
    try:
        with translated(), scope.conn.transaction():
            decision = Decision(DecisionKind.APPROVE, item.digest, comment=comment)
            made = deciding.decide(scope.conn, scope.actor, item.recommendation_id, decision, in_bulk=True)
    except Refusal as error:
        refused[item.recommendation_id] = error
        problem = {"type": error.type, "status": error.status, "detail": error.detail}
        if error.extensions.get("controls"):
            problem["controls"] = error.extensions["controls"]
        return {**found, "problem": problem}
    return {**found, "decision_id": made["decision_id"], "state": made["state"]}


@router.get("/tasks")
def list_tasks(caller: CallerOf, limit: Limit = 50, cursor: CursorText = None) -> Response:
    """Effects that wait for a person: manual tasks, unknown outcomes (reconcile), given-up deliveries (dead)."""
    after = wire.read_cursor("tasks", cursor)
    with caller.transaction() as scope:
        permit.may_read(scope.actor)
        rows = cases.tasks(scope.conn, after=after, limit=limit + 1)
    return page(rows, limit, "tasks", [(row["created_at"], row["id"]) for row in rows])


@router.post("/tasks/{recommendation_id}/confirm")
def confirm_task(
    caller: CallerOf, recommendation_id: Id, body: ConfirmBody, idempotency_key: IdempotencyKey
) -> Response:
    """A person says what became of it."""

    def act(scope: Scope) -> tuple[int, Any]:
        permit.may_confirm(scope.actor)
        outbox.confirm(scope.conn, recommendation_id, body.outcome, body.note)
        current = shapes.one_recommendation(scope.conn, recommendation_id)
        return 200, {
            "recommendation_id": recommendation_id,
            "outcome": body.outcome,
            "state": current["state"],
            "recommendation": current,
            "case_state": current["case_state"],
        }

    asked = wire.request_hash("confirm", recommendation_id, wire.sorted_dumps(body.model_dump()))
    return caller.write(act, idempotency_key=idempotency_key, request=asked)
