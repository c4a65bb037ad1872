"""The feed from the record to MLflow. Its outage blocks no one: what was not written waits in Postgres."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, Protocol

import structlog

from governance.errors import Unavailable
from governance.record import telemetry
from governance.record.db import Database
from governance.record.telemetry import Observation

Body = Mapping[str, Any]

log = structlog.get_logger(__name__)

_LONGEST_WAIT = 30.0


class Notebook(Protocol):
    """What the feed needs of MLflow (models.tracking.Lab)."""

    def find_trace(self, recommendation_id: str) -> str | None: ...

    def trace(self, body: Body) -> str: ...

    def assess(self, trace_id: str, body: Body) -> None: ...


class LabFeed:
    """Sends observation rows to MLflow, oldest first, each at least once and written once.

    `token` is the courier's. A row that MLflow refuses waits with backoff; it is never given up, only counted.
    """

    def __init__(
        self, database: Database, token: str, lab: Notebook, *, batch: int = 50, lease_seconds: int = 120
    ) -> None:
        self._database = database
        self._token = token
        self._lab = lab
        self._batch = batch
        self._lease_seconds = lease_seconds

    def run_once(self) -> int:
        """Send one batch; the number of rows written. Where MLflow is away all are given back: Unavailable."""
        with self._database.transaction("courier", self._token) as conn:
            rows = telemetry.claim(conn, self._batch, self._lease_seconds)
        done = 0
        for place, row in enumerate(rows):
            try:
                trace = self._send(row)
            except Unavailable as error:
                self._return(rows[place:], error.detail)
                raise
            if trace is None:
                self._return([row], "its trace is not written yet")
                continue
            with self._database.transaction("courier", self._token) as conn:
                telemetry.settle(conn, [row], "sent", [trace])
            done += 1
        return done

    def _send(self, row: Observation) -> str | None:
        if row.kind == "triage":
            # Looked up first: a courier that was killed after writing must not write it twice.
            known = self._lab.find_trace(row.body["recommendation_id"]) if row.attempts > 1 else None
            return known or self._lab.trace(row.body)
        trace: str | None = row.body.get("trace_id")
        if trace is not None:
            self._lab.assess(trace, row.body)
        return trace

    def _return(self, rows: list[Observation], why: str) -> None:
        worst = max(row.attempts for row in rows)
        seconds = min(_LONGEST_WAIT, 2.0 ** min(worst, 5))
        with self._database.transaction("courier", self._token) as conn:
            telemetry.settle(conn, rows, "retry", [why] * len(rows), seconds)

    def drain(self) -> int:
        """Send all that is due; the number of rows written."""
        total = 0
        while sent := self.run_once():
            total += sent
        return total

    def run_forever(self, stop: threading.Event, every: float = 2.0) -> None:
        """Until `stop` is set. An outage is logged once and once when it ends."""
        down = False
        while not stop.wait(every):
            try:
                while self.run_once() and not stop.is_set():
                    pass
            except Unavailable as error:
                if not down:
                    log.warning("lab.away", reason=error.detail)
                down = True
            else:
                if down:
                    log.info("lab.back")
                down = False
