"""What a worker does about its estimates of collection risk after its cases are filed: it keeps what the model saw, and
asks a challenger, if people named one, what it would have said.

It happens beside the cases, in a thread of its own: a challenger that fails, or takes too long, costs a note in the
record and nothing else. What it says goes into the record alone: into no finding, no letter and no page.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import structlog

from agents.risk_scores import Portfolio, Scored
from agents.tracing import where
from governance.record import risk_outcomes, telemetry
from governance.record.db import Connection
from models.disputes import estimated
from models.features import Ledger, Receivable, risk_features
from models.risk import CollectionRisk, RiskEstimate
from models.risk_shift import as_json

log = structlog.get_logger("countersign.shadow")

_PLACES = 6


Give = Callable[[Mapping[str, str]], tuple[str, CollectionRisk] | None]
"""The challenger among these champions (model → digest): its bundle's digest and its model; None where none is named.
Raises Unavailable where it cannot be had."""


@dataclass(frozen=True, slots=True)
class _Batch:
    """What was asked of the champion. `wanted`: case → revision, in the order of `items`."""

    wanted: Mapping[str, int]
    items: list[Receivable]
    asked: Scored
    history: Ledger
    champion: CollectionRisk
    digest: str


class Shadow:
    """Of one worker. `transaction` opens one of role `agent`; `give` gives the challenger; `seconds` is how long it may
    take for a batch. One batch is looked after at a time: while it is, those that come are kept without a challenger.
    """

    def __init__(
        self,
        transaction: Callable[[], AbstractContextManager[Connection]],
        give: Give | None = None,
        *,
        seconds: float = 5.0,
    ) -> None:
        self._transaction = transaction
        self._give = give
        self._portfolio = Portfolio()
        self._seconds = seconds
        self._thread: threading.Thread | None = None
        self._asking: threading.Thread | None = None
        self._known: str | None = None

    def follow_all(self, parts: Iterable[tuple[Scored | None, Sequence[tuple[str, int]]]], digest: str) -> None:
        """`follow` for each part of a batch: mostly one."""
        for asked, cases in parts:
            self.follow(cases, asked, digest)

    def follow(self, cases: Sequence[tuple[str, int]], asked: Scored | None, digest: str) -> None:
        """Look after a batch that is filed; returns at once. `cases`: (case, revision); `digest`: of the champion."""
        wanted = {} if asked is None else {case: revision for case, revision in cases if case in asked.items}
        if asked is None or asked.risk is None or asked.history is None or not wanted:
            return
        batch = _Batch(wanted, [asked.items[case] for case in wanted], asked, asked.history, asked.risk, digest)
        if self._thread is not None and self._thread.is_alive():
            self._guarded(lambda: self._keep(batch, {}))
            return
        look = (lambda: self._keep(batch, self._challenge(batch)),)
        self._thread = threading.Thread(target=self._guarded, args=look, daemon=True, name="shadow")
        self._thread.start()

    def wait(self, seconds: float) -> bool:
        """Wait for what is under way; whether it is over."""
        if self._thread is not None:
            self._thread.join(seconds)
            return not self._thread.is_alive()
        return True

    def _guarded(self, work: Callable[[], None]) -> None:
        """Whatever goes wrong here is logged, and is nobody's business that waits for a case."""
        try:
            work()
        except Exception as error:
            log.warning("what a model saw was not kept", error=where(error))

    def _keep(self, batch: _Batch, said: Mapping[str, Any]) -> None:
        table = risk_features(batch.items, [batch.asked.today] * len(batch.items), batch.history)
        rows = [
            {"case_id": case, "revision": revision, "features": _plain(row), "challenger": said.get(case)}
            for (case, revision), row in zip(batch.wanted.items(), table, strict=True)
        ]
        with self._transaction() as conn:
            risk_outcomes.note_scores(conn, rows)
        reference = batch.champion.reference
        if reference is not None and self._known != batch.digest:
            with self._transaction() as conn:
                risk_outcomes.note_reference(conn, batch.digest, as_json(reference))
            self._known = batch.digest

    def _challenge(self, batch: _Batch) -> dict[str, Any]:
        """What the challenger says, by case; {} where there is none. What it does not manage is `failed` or `late`."""
        if self._give is None:
            return {}
        with self._transaction() as conn:
            named = telemetry.champions(conn)
        if named.get(risk_outcomes.CHALLENGER) in (None, named.get("risk"), batch.digest):
            return {}
        digest = named[risk_outcomes.CHALLENGER]
        answer: list[list[RiskEstimate]] = []
        if self._asking is None or not self._asking.is_alive():
            ask = (lambda: answer.append(self._asked(batch, named)),)
            self._asking = threading.Thread(target=self._tried, args=ask, daemon=True, name="challenger")
            self._asking.start()
        self._asking.join(self._seconds)
        if not answer or len(answer[0]) != len(batch.items):
            late = self._asking.is_alive()
            log.warning("the challenger gave no scores", late=late, cases=len(batch.items))
            none = {"model": digest, "outcome": "late" if late else "failed"}
            return {case: dict(none) for case in batch.wanted}
        return {case: _row(digest, one) for case, one in zip(batch.wanted, answer[0], strict=True)}

    def _asked(self, batch: _Batch, named: Mapping[str, str]) -> list[RiskEstimate]:
        """As the champion was asked: over the tenant's portfolio, with the disputes that were known."""
        given = None if self._give is None else self._give(named)
        if given is None:
            return []
        digest, risk = given
        today = batch.asked.today
        stand = self._portfolio.standing(self._transaction, risk, digest, today)
        since = [batch.asked.findings[case].get("disputed_since") for case in batch.wanted]
        disputed = [None if day is None else date.fromisoformat(day) for day in since]
        return list(estimated(stand.risk, batch.items, today, batch.history, disputed, stand.effect)[0])

    def _tried(self, ask: Callable[[], None]) -> None:
        try:
            ask()
        except Exception as error:
            log.warning("the challenger failed", error=where(error))


def _plain(row: Any) -> list[float | None]:
    """A row of features as JSON has it: what is not known is null."""
    return [round(float(value), _PLACES) if np.isfinite(value) else None for value in row]


def _row(digest: str, one: RiskEstimate) -> dict[str, Any]:
    chances = {"p_late": one.p_late, "p_late_15": one.p_late_15, "p_late_30": one.p_late_30}
    plain = {name: None if value is None else float(value) for name, value in chances.items()}
    return {"model": digest, "outcome": "scored", **plain}
