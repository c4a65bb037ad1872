"""Who stands for whom, and who is away."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Path
from starlette.responses import Response

from api import wire
from api.auth import CallerOf, IdempotencyKey, Scope
from api.schemas import AbsenceBody, DelegationBody
from api.strict import StrictRoute, answer
from governance import permit
from governance.record import standing

router = APIRouter(prefix="/v1", tags=["people"], route_class=StrictRoute)

Number = Annotated[int, Path(ge=1, le=2**62)]


@router.get("/delegations")
def list_delegations(caller: CallerOf) -> Response:
    """Live and coming delegations."""
    with caller.transaction() as scope:
        permit.may_read(scope.actor)
        return answer({"items": standing.delegations(scope.conn), "next_cursor": None})


@router.post("/delegations", status_code=201)
def lend_role(caller: CallerOf, body: DelegationBody, idempotency_key: IdempotencyKey) -> Response:
    """Lend a role of your own for a while. Who borrows it approves with `acting_for`."""

    def act(scope: Scope) -> tuple[int, Any]:
        permit.may_stand(scope.actor)
        made = standing.delegate(
            scope.conn, body.to, body.role, body.starts_at, body.ends_at, queues=body.queues, entities=body.entities,
            amount_below=Decimal(body.amount_below) if body.amount_below is not None else None,
        )  # fmt: skip
        return 201, {"id": made}

    asked = wire.request_hash("delegate", body.model_dump_json())
    return caller.write(act, idempotency_key=idempotency_key, request=asked)


@router.delete("/delegations/{number}", status_code=204)
def end_delegation(caller: CallerOf, number: Number) -> Response:
    """End a delegation: who gave it, who has it, or an administrator."""
    with caller.transaction() as scope:
        permit.may_stand(scope.actor)
        standing.revoke_delegation(scope.conn, number)
    return Response(status_code=204)


@router.get("/absences")
def list_absences(caller: CallerOf) -> Response:
    """Who is, or will be, away."""
    with caller.transaction() as scope:
        permit.may_read(scope.actor)
        return answer({"items": standing.absences(scope.conn), "next_cursor": None})


@router.post("/absences", status_code=201)
def say_away(caller: CallerOf, body: AbsenceBody, idempotency_key: IdempotencyKey) -> Response:
    """Say when somebody is away. Whom policy names stands in, except who said it."""

    def act(scope: Scope) -> tuple[int, Any]:
        permit.may_stand(scope.actor)
        made = standing.set_absence(scope.conn, body.actor or scope.actor.id, body.starts_at, body.ends_at)
        return 201, {"id": made}

    asked = wire.request_hash("absence", body.model_dump_json())
    return caller.write(act, idempotency_key=idempotency_key, request=asked)


@router.delete("/absences/{number}", status_code=204)
def say_back(caller: CallerOf, number: Number) -> Response:
    """Somebody is back."""
    with caller.transaction() as scope:
        permit.may_stand(scope.actor)
        standing.end_absence(scope.conn, number)
    return Response(status_code=204)
