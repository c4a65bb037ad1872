"""Erasure outside the record: paused threads, letters on disk, traces in MLflow follow what was erased in Postgres.

The record erases its own words in the transaction of the governed change, and leaves a row for every other store. A
store that is down follows later; what it has done is one ledger entry.
"""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import structlog

from governance.record import changes, checkpoints
from governance.record.changes import Erasure
from governance.record.db import Database, retrying

log = structlog.get_logger(__name__)

_BATCH = 100


class Store(Protocol):
    """Something outside the record that may hold words of a case. `erase` may be called twice for the same."""

    @property
    def name(self) -> str: ...

    def erase(self, erasures: Sequence[Erasure]) -> None: ...


class Threads:
    """The agent's paused threads, named `case:revision`, with every state that they went through."""

    name = "threads"

    def __init__(self, database: Database) -> None:
        self._database = database

    def erase(self, erasures: Sequence[Erasure]) -> None:
        """Raises Unavailable."""
        with checkpoints.connect(self._database) as conn:
            checkpoints.erase(conn, [one.case_id for one in erasures])


class Letters:
    """The folder of the demo's mail server, one file a letter. A letter that went to a real server is the reader's."""

    name = "letters"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def erase(self, erasures: Sequence[Erasure]) -> None:
        """Files are named `<recommendation>@<domain>.eml` (api.delivery.sink)."""
        for one in (recommendation for erasure in erasures for recommendation in erasure.recommendations):
            for file in self._folder.glob(f"{glob.escape(one)}@*.eml"):
                file.unlink(missing_ok=True)


class Traces(Protocol):
    """What is needed of MLflow (models.tracking.Lab)."""

    def erase(self, recommendation_ids: Sequence[str]) -> None: ...


class Lab:
    """Traces in MLflow, with the assessments on them."""

    name = "mlflow"

    def __init__(self, traces: Traces) -> None:
        self._traces = traces

    def erase(self, erasures: Sequence[Erasure]) -> None:
        """Raises Unavailable."""
        self._traces.erase([one for erasure in erasures for one in erasure.recommendations])


class Follower:
    """Brings stores up to the record's erasures. `token`: session token of a service."""

    def __init__(self, database: Database, token: str, stores: Sequence[Store]) -> None:
        self._database = database
        self._token = token
        self._stores = stores

    def follow(self) -> dict[str, int]:
        """How many cases each store erased now. Raises Unavailable where one cannot be reached; it is asked again."""
        return {store.name: self._one(store) for store in self._stores}

    def _one(self, store: Store) -> int:
        def waiting() -> list[Erasure]:
            with self._database.transaction("courier", self._token) as conn:
                return changes.erasures(conn, store.name, _BATCH)

        total = 0
        while todo := retrying(waiting):
            store.erase(todo)
            with self._database.transaction("courier", self._token) as conn:
                changes.erased(conn, store.name, todo)
            log.info("a store followed erasures", store=store.name, cases=len(todo))
            total += len(todo)
        return total
