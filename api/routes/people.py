"""Who am I, and which policy holds?"""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from api import shapes
from api.auth import CallerOf
from api.strict import StrictRoute, answer
from governance import permit
from governance.errors import NotFound
from governance.record import people

router = APIRouter(prefix="/v1", tags=["people"], route_class=StrictRoute)


@router.get("/me")
def get_me(caller: CallerOf) -> Response:
    """The actor of this key, and what they may ask for."""
    with caller.transaction() as scope:
        actor = scope.actor
    return answer(
        {
            "tenant": actor.tenant,
            "id": actor.id,
            "kind": actor.kind.value,
            "name": actor.name,
            "roles": sorted(actor.roles),
            "may": permit.allowed(actor),
        }
    )


@router.get("/policy")
def get_policy(caller: CallerOf) -> Response:
    """The active approval matrix, workflow templates and modes."""
    with caller.transaction() as scope:
        permit.may_read(scope.actor)
        row = people.active_policy(scope.conn)
    if row is None:
        raise NotFound("no policy is active")
    return answer(shapes.policy(row))
