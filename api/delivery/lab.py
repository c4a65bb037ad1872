"""The feed from the record to MLflow. Its outage blocks no one: what was not written waits in Postgres."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import structlog

from governance.errors import Refusal, Unavailable
from governance.record import telemetry
from governance.record.db import Connection, Database
from governance.record.telemetry import Observation

Body = Mapping[str, Any]

log = structlog.get_logger(__name__)

_LONGEST_PAUSE = 10.0
_LONGEST_BACKOFF = 300.0
_LONGEST_AWAY = 20.0
"""The same for a row that met an outage: it may be its cause, but mostly is not, and then it waits for nothing."""
_STUBBORN = 3
"""So many refusals in a row are not about the rows any more."""
_KEPT = "nothing is lost: it waits in the database and is tried again by itself"


class Notebook(Protocol):
    """What the feed needs of MLflow (models.tracking.Lab). Raises Unavailable, or another Refusal for this request."""

    def find_trace(self, recommendation_id: str) -> str | None: ...

    def write(self, bodies: Sequence[Body]) -> list[str]: ...

    def assess(self, trace: str, body: Body, *, again: bool = False) -> None: ...


class LabFeed:
    """Sends observation rows to MLflow, oldest first, each until it is written, and written once.

    `token` is the courier's. `round` is called when a round is over and MLflow answers. A row that fails bears the wait
    itself, so that no row holds up those behind it; rows are never given up, only counted.
    """

    def __init__(
        self,
        database: Database,
        token: str,
        lab: Notebook,
        *,
        round: Callable[[], None] = lambda: None,
        batch: int = 50,
        lease_seconds: int = 120,
    ) -> None:
        self._database = database
        self._token = token
        self._lab = lab
        self._round = round
        self._batch = batch
        self._lease_seconds = lease_seconds
        self._size = batch
        self._refusals = 0
        self._said = ""
        self._held: dict[int, Observation] = {}

    def run_once(self) -> int:
        """Send one batch; the number of rows written. Where MLflow is away all are given back: Unavailable."""
        with self._transaction() as conn:
            rows = telemetry.claim(conn, self._batch, self._lease_seconds)
        self._held = {row.id: row for row in rows}
        self._refusals = 0
        try:
            done = self._traces([row for row in rows if row.kind == "triage"])
            return done + sum(self._decision(row) for row in rows if row.kind != "triage")
        except Unavailable as error:
            self._settle(list(self._held.values()), "retry", error.detail)
            raise

    # Traces: many in one request ---------------------------------------------------------------------------

    def _traces(self, rows: list[Observation]) -> int:
        done = 0
        while rows:
            some, rows = rows[: self._size], rows[self._size :]
            done += self._write(some)
        return done

    def _write(self, rows: list[Observation]) -> int:
        try:
            traces = self._written(rows) or self._lab.write([row.body for row in rows])
        except Unavailable as error:
            # A slow server may manage fewer at once.
            self._size = max(1, len(rows) // 2)
            if len(rows) == 1:
                self._wait(rows[0], error, _LONGEST_AWAY)
            raise
        except Refusal as error:
            if len(rows) > 1:
                return sum(self._write([row]) for row in rows)
            self._refused(rows[0], error)
            return 0
        self._size = min(self._batch, self._size * 2)
        return self._sent(rows, traces)

    def _written(self, rows: list[Observation]) -> list[str] | None:
        """What a server that is slower than our patience wrote after all. Elsewhere writing again changes nothing."""
        if len(rows) > 1 or rows[0].attempts == 1:
            return None
        known = self._lab.find_trace(str(rows[0].body["recommendation_id"]))
        return [known] if known else None

    # Decisions: one by one ---------------------------------------------------------------------------------

    def _decision(self, row: Observation) -> int:
        trace: str | None = row.body.get("trace_id")
        if row.kind != "decision" or trace is None:
            self._settle([row], "dead", "there is no trace that it could hang on")
            return 0
        try:
            self._lab.assess(trace, row.body, again=row.attempts > 1)
        except Unavailable as error:
            self._wait(row, error, _LONGEST_AWAY)
            raise
        except Refusal as error:
            self._refused(row, error)
            return 0
        return self._sent([row], [trace])

    # What became of them -----------------------------------------------------------------------------------

    def _sent(self, rows: list[Observation], traces: list[str]) -> int:
        self._refusals = 0
        self._settle(rows, "sent", *traces)
        return len(rows)

    def _refused(self, row: Observation, error: Refusal) -> None:
        self._wait(row, error)
        if error.detail != self._said:
            # Once, not at each attempt: how many rows wait is in /metrics.
            log.warning("lab.refused", kind=row.kind, recommendation=row.body.get("recommendation_id"),
                        reason=error.detail, kept=_KEPT)  # fmt: skip
        self._said = error.detail
        self._refusals += 1
        if self._refusals >= _STUBBORN:
            raise Unavailable(f"refused one after the other: {error.detail}") from error

    def _wait(self, row: Observation, error: Refusal, longest: float = _LONGEST_BACKOFF) -> None:
        seconds = min(longest, 2.0 ** min(row.attempts, 10))
        self._settle([row], "retry", error.detail, seconds=seconds)

    def _settle(self, rows: list[Observation], outcome: str, *why: str, seconds: float = 0.0) -> None:
        if not rows:
            return
        texts = list(why) if len(why) == len(rows) else [*why] * len(rows)
        with self._transaction() as conn:
            telemetry.settle(conn, rows, outcome, texts, seconds)
        for row in rows:
            self._held.pop(row.id, None)

    def _transaction(self) -> AbstractContextManager[Connection]:
        return self._database.transaction("courier", self._token)

    # Loops -------------------------------------------------------------------------------------------------

    def drain(self, patience: float = 0.0) -> int:
        """Send until nothing waits, or nothing could be sent for `patience` seconds; the number of rows written."""
        total = 0
        last = time.monotonic()
        while True:
            try:
                sent = self.run_once()
            except Unavailable:
                if time.monotonic() - last > patience:
                    raise
                sent = 0
            total += sent
            if sent:
                last = time.monotonic()
            elif time.monotonic() - last >= patience or not self._waiting():
                break
            else:
                time.sleep(0.5)
        self._round()
        return total

    def _waiting(self) -> int:
        with self._transaction() as conn:
            return sum(part.rows for state, part in telemetry.backlog(conn).items() if state != "dead")

    def run_forever(self, stop: threading.Event, every: float = 2.0) -> None:
        """Until `stop` is set. An outage is logged once, and once when it ends."""
        down = False
        pause = 0.0
        while not stop.wait(pause):
            answered = False
            try:
                while self.run_once() and not stop.is_set():
                    answered = True
                self._round()
            except Unavailable as error:
                if not down:
                    log.warning("lab.away", reason=error.detail, kept=_KEPT)
                down = True
                pause = min(_LONGEST_PAUSE, max(every, pause * 2))
            else:
                # While all that waits is held back, nobody was asked: that is no answer.
                if down and answered:
                    log.info("lab.back")
                down = down and not answered
                pause = every
