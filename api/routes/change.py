"""Governed change: proposed here, signed like everything else, applied by the courier."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from agents import own_templates
from api import shapes, wire
from api.auth import CallerOf, IdempotencyKey, Scope
from api.schemas import ChangeBody
from api.strict import Id, StrictRoute, answer
from governance import permit
from governance.record import changes

router = APIRouter(prefix="/v1", tags=["change"], route_class=StrictRoute)


@router.get("/changes/kinds")
def list_kinds(caller: CallerOf) -> Response:
    """What can be changed, by which action, and who may propose it."""
    with caller.transaction() as scope:
        permit.may_read(scope.actor)
        return answer({"items": changes.kinds(scope.conn), "next_cursor": None})


@router.get("/settings")
def list_settings(caller: CallerOf, kind: Annotated[str | None, Query(pattern=r"^[a-z_]{1,40}$")] = None) -> Response:
    """The settings that hold, each by its newest version."""
    with caller.transaction() as scope:
        permit.may_read(scope.actor)
        return answer({"items": changes.settings(scope.conn, kind), "next_cursor": None})


@router.post("/changes", status_code=201)
def propose_change(caller: CallerOf, body: ChangeBody, idempotency_key: IdempotencyKey) -> Response:
    """Propose a change. It is a case with a recommendation of its own, whose author holds no seat."""

    def act(scope: Scope) -> tuple[int, Any]:
        permit.may_propose_change(scope.actor)
        own_templates.checked(body.kind, body.subject, body.content)
        made = changes.propose(scope.conn, body.kind, body.subject, body.content, body.why)
        return 201, shapes.one_recommendation(scope.conn, made["recommendation_id"])

    asked = wire.request_hash("change", wire.sorted_dumps(body.model_dump()))
    return caller.write(act, idempotency_key=idempotency_key, request=asked)


@router.delete("/signing-keys/{key_id}", status_code=204)
def revoke_signing_key(caller: CallerOf, key_id: Id) -> Response:
    """Give up a signing key at once: its owner, or an administrator."""
    with caller.transaction() as scope:
        permit.may_stand(scope.actor)
        changes.revoke_signing_key(scope.conn, key_id)
    return Response(status_code=204)
