"""Two transactions in a fixed order: one holds what the other must wait for, so that losing an update takes no luck."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg

from governance.errors import Refusal
from governance.record.db import Connection
from tests.build import World

Part = Callable[[Connection], Any]
_LONGEST = 30.0
_WAITS = """SELECT EXISTS (SELECT FROM pg_stat_activity
             WHERE wait_event_type = 'Lock' AND %s = ANY (pg_blocking_pids(pid)))"""


@dataclass(frozen=True, slots=True)
class Meeting:
    """`by` does `first` and, while `act` waits for it in a transaction of its own, `then`; and only then commits.

    `first` and `then` run on the owner's connection with the key of `by`.
    """

    by: str
    first: Part
    act: Callable[[], Any]
    then: Part | None = None

    def hold(self, acme: World) -> Any:
        """What `act` gave, a refusal included. Raises AssertionError where it did not wait, and what `then` raised."""
        given: list[Any] = []
        acting = threading.Thread(target=self._act, args=(given,))
        try:
            with acme.database.transaction("owner", acme.tokens[self.by]) as conn:
                self.first(conn)
                acting.start()
                waited = waits_for(acme, conn.info.backend_pid, acting)
                if self.then is not None:
                    self.then(conn)
        finally:
            if acting.ident is not None:
                acting.join(_LONGEST)
        assert waited, f"it waited for nobody: {given}"
        assert given, "it waits still"
        if isinstance(given[0], psycopg.Error):
            raise given[0]
        return given[0]

    def _act(self, given: list[Any]) -> None:
        try:
            given.append(self.act())
        except (Refusal, psycopg.Error) as error:
            given.append(error)


def said(statement: str, *values: Any) -> Part:
    """One statement as a part of a meeting."""
    return lambda conn: conn.execute(statement.encode(), values)


def waits_for(acme: World, holder: int, acting: threading.Thread) -> bool:
    """Whether a session comes to wait for a lock of `holder` before `acting` ends."""
    until = time.monotonic() + _LONGEST
    while acting.is_alive() and time.monotonic() < until:
        if acme.scalar(_WAITS, holder):
            return True
        time.sleep(0.005)
    return False
