"""The ledger, its signed checkpoints, and the evidence of one case."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from api.auth import CallerOf
from api.evidence import build_bundle
from api.strict import Id, Limit, StrictRoute, answer
from governance import permit
from governance.chain import read_public_key
from governance.errors import NotFound, Unavailable
from governance.record import cases, ledger

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


@router.get("/cases/{case_id}/evidence")
def get_evidence(
    caller: CallerOf,
    request: Request,
    case_id: Id,
    with_document: Annotated[bool, Query(description="Put the documents themselves in, not only hashes.")] = False,
) -> Response:
    """One case with everything that proves it; `countersign verify` checks it with the public key alone.

    Entries that came after the last signed checkpoint are listed under `unsigned`, where this service does not hold the
    key that signs: they are not proven until the next one, at most a minute later.
    """
    state = request.app.state
    with caller.transaction("audit") as scope:
        permit.may_export(scope.actor)
        cases.get(scope.conn, case_id)
    key = None if state.public_key is None else read_public_key(state.public_key)

    def bundle(unsigned: bool) -> str:
        if state.sign is not None:
            # So that a checkpoint covers the case's last entry.
            state.sign()
        with caller.transaction("audit") as scope:
            tenant = scope.actor.tenant
            return build_bundle(scope.conn, tenant, case_id, key, with_document=with_document, unsigned=unsigned)

    try:
        text = bundle(unsigned=state.sign is None)
    except Unavailable:
        if state.sign is None:
            raise
        # An entry came in between: once more, and then it is said.
        text = bundle(unsigned=True)
    text = text if state.seal is None else state.seal(text)
    headers = {"Content-Disposition": f'attachment; filename="{case_id}.evidence.json"'}
    return Response(text, 200, headers, "application/json")
