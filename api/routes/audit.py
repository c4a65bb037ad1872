"""The ledger and its signed checkpoints."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from api.auth import CallerOf
from api.strict import Limit, StrictRoute, answer
from governance import permit
from governance.errors import NotFound
from governance.record import ledger

router = APIRouter(prefix="/v1", tags=["audit"], route_class=StrictRoute)


@router.get("/ledger")
def list_ledger(caller: CallerOf, after: Annotated[int, Query(ge=0, le=2**62)] = 0, limit: Limit = 100) -> Response:
    """Ledger entries after sequence number `after`, in order. `next_cursor` is the next page's `after`."""
    with caller.transaction("audit") as scope:
        permit.may_read_ledger(scope.actor)
        entries = ledger.page(scope.conn, after, limit + 1)
    more = str(entries[limit - 1]["seq"]) if len(entries) > limit else None
    return answer({"items": entries[:limit], "next_cursor": more})


@router.get("/ledger/checkpoint")
def get_checkpoint(caller: CallerOf, request: Request) -> Response:
    """The newest signed checkpoint (C2SP tlog-checkpoint) and the public key that it verifies with."""
    with caller.transaction("audit") as scope:
        permit.may_read_ledger(scope.actor)
        found = ledger.last_checkpoint(scope.conn)
    if found is None:
        raise NotFound("no checkpoint was signed yet: the clock signs one")
    return answer({**found, "public_key": request.app.state.public_key})
