"""Whether the service lives, whether it can work, and what it measures."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import PlainTextResponse, Response

from api.auth import Credentials, caller_with
from api.checkpoints import KeptCheckpoints
from api.metrics import CONTENT_TYPE, Metrics
from api.strict import answer
from api.system import System
from governance import permit
from governance.errors import Unauthenticated, Unavailable
from governance.record import cases, people
from governance.record.telemetry import backlog

router = APIRouter(tags=["telemetry"])


@router.get("/healthz")
async def healthz() -> Response:
    """This process answers."""
    return answer({"status": "ok"})


@router.get("/readyz")
def readyz(request: Request) -> Response:
    """The database is reachable and holds this program's functions."""
    system: System = request.app.state.system
    with system.database.transaction("review") as conn:
        if not people.migrated(conn):
            raise Unavailable("the database is not migrated: run countersign migrate")
    return answer({"status": "ready"})


@router.get("/metrics", response_class=PlainTextResponse)
def metrics(request: Request, credentials: Credentials) -> Response:
    """Prometheus's text format. Needs a key that may read measurements, unless COUNTERSIGN_METRICS_OPEN is set."""
    system: System = request.app.state.system
    measured: Metrics = request.app.state.metrics
    if credentials is not None:
        key = credentials.credentials
    elif system.settings.metrics_open:
        key = system.token("intake")
    else:
        raise Unauthenticated
    with caller_with(system.database, key).transaction() as scope:
        permit.may_read_telemetry(scope.actor)
        depths, waiting = cases.depths(scope.conn), backlog(scope.conn)
        unpublished = KeptCheckpoints(system.home).waiting(scope.actor.tenant)
    return Response(measured.text(depths, waiting, unpublished), media_type=CONTENT_TYPE)
