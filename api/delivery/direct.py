"""Effects that need nobody outside: wake-ups, and tasks that a person carries out."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from api.delivery.connector import Outcome, Ready
from governance.record.outbox import Effect


@dataclass(frozen=True, slots=True)
class Direct:
    """Settles with one outcome and does nothing else."""

    outcome: Outcome

    def prepare(self, effect: Effect, envelope: Mapping[str, Any]) -> AbstractContextManager[Ready]:
        return contextlib.nullcontext(self)

    def send(self, approved: Mapping[str, Any], now: datetime) -> Outcome:
        return self.outcome


TIMER = Direct(Outcome("sent", "the time has come: the case is queued again"))
"""wait_until: the database made it due on its day."""
MANUAL_TASK = Direct(Outcome("manual", "a person carries this out and confirms it"))
