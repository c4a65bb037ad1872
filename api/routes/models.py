"""How the models hold on live cases."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from api import watched
from api.auth import CallerOf
from api.strict import StrictRoute, answer
from governance import permit

router = APIRouter(prefix="/v1", tags=["models"], route_class=StrictRoute)


@router.get("/models/risk/monitor")
def show_monitor(caller: CallerOf) -> Response:
    """The model of collection risk, judged once a day by what became of the invoices: calibration, coverage of its
    intervals, late rate, drift of features, the challenger beside it, and what was proposed because of it."""
    with caller.transaction() as scope:
        permit.may_read(scope.actor)
        return answer(watched.state(scope.conn))
