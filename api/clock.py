"""The clock: expiry, lost leases and breaches every few seconds, a signed checkpoint every minute or thousand entries.

Safe to run anywhere, twice at once and as often as wanted: the database lets one tick in at a time.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from api.checkpoints import KeptCheckpoints, said_size
from governance.errors import Tampered, Unavailable
from governance.record import ledger, outbox, people
from governance.record.db import Database, retrying

log = structlog.get_logger(__name__)
_WATCH_SECONDS = 60.0
"""At the latest so often the clock looks for cases that nobody sends."""


class Publisher(Protocol):
    """Tells somebody outside of the checkpoints that were kept."""

    patience: float
    """Seconds that one attempt may take."""

    def publish(self, tenant: str, wait: float = 0.0) -> None:
        """Begin to send what they lack, and wait so many seconds for it. Raises nothing where they are away."""


class Clock:
    """One tenant's clock. `token`: session token of a service; `key` signs the checkpoints, `kept` keeps them.

    `follow` brings the stores outside the record up to what was erased in it; `publisher` passes checkpoints on;
    `watch` judges the models, once a day.
    """

    def __init__(
        self,
        database: Database,
        token: str,
        key: Ed25519PrivateKey,
        kept: KeptCheckpoints,
        follow: Callable[[], object] = lambda: None,
        publisher: Publisher | None = None,
        watch: Callable[[], Mapping[str, Any] | None] = lambda: None,
    ) -> None:
        self._database = database
        self._token = token
        self._key = key
        self._kept = kept
        self._follow = follow
        self._publisher = publisher
        self._watch = watch
        self._tenant: str | None = None

    def tick(self) -> dict[str, Any]:
        """Everything that is due: {expired, swept, dead, breached, unstaffed, regated, purged, stalled, overdue,
        missing, abandoned, settled, checkpoint}: counts (from `stalled` on, of the cases that the clock itself opened,
        and of those of its own that were over before anybody decided), and the checkpoint's size or None; with a
        webhook also `unpublished`, the checkpoints that its receiver lacks; where the day's judgement of models was due
        also `causes`, for which one should be trained anew.

        `busy` stands instead of the counts where another clock is at work. Raises Tampered, after the rest is done,
        where the ledger does not begin with what was signed before.
        """
        swept = self.sweep()
        self._follow()
        done = {**swept, "checkpoint": self.sign()}
        if (seen := self._watch()) is not None:
            done["causes"] = seen["causes"]
        if self._publisher is not None and self._tenant is not None:
            self._publisher.publish(self._tenant, self._publisher.patience)
            done["unpublished"] = self._kept.waiting(self._tenant)
        return done

    def sweep(self, watch: bool = True) -> dict[str, Any]:
        """Expiry, lost leases, breaches, seats nobody can take, re-gating, retention, and with `watch` the cases that
        nobody sends: how many of each."""
        return retrying(partial(self._sweep, watch))

    def _sweep(self, watch: bool) -> dict[str, Any]:
        with self._database.transaction("courier", self._token) as conn:
            return outbox.tick(conn, watch)

    def sign(self) -> int | None:
        """Sign the ledger as it stands, keep the note inside and outside the database; its size, None for no entries.

        Raises Tampered, and signs nothing, where the ledger does not begin with what was signed before.
        """
        with self._database.transaction("courier", self._token) as conn:
            tenant = self._tenant = people.whoami(conn).tenant
            newest = self._kept.newest(tenant)
            ledger.checkpoint(conn, tenant, self._key, newest)
            known = None if newest is None else said_size(newest, tenant)
            stored = ledger.checkpoints_since(conn, tenant, known, self._key.public_key())
        # Also what another clock signed, and what a crash between commit and file left unwritten.
        for size, note in stored:
            self._kept.keep(tenant, size, note)
        return stored[-1][0] if stored else None

    def _unsigned(self) -> int:
        with self._database.transaction("courier", self._token) as conn:
            tenant = people.whoami(conn).tenant
            stored = ledger.newest_checkpoint(conn, tenant)
            return ledger.head(conn, tenant) - (stored[0] if stored else 0)

    def run_forever(
        self,
        stop: threading.Event,
        *,
        sweep_seconds: float = 5.0,
        checkpoint_seconds: float = 60.0,
        checkpoint_entries: int = 1000,
    ) -> None:
        """Sweep and sign until `stop` is set. An outage of the database is waited out; a broken ledger is logged."""
        signed_at = watch_at = -math.inf
        while not stop.is_set():
            try:
                began = time.monotonic()
                self.sweep(watch := began >= watch_at)
                if watch:
                    # Where very many wait, looking for what nobody sends takes a twentieth of the time at most.
                    watch_at = time.monotonic() + min(_WATCH_SECONDS, 20 * (time.monotonic() - began))
                self._follow()
                self._watch()
                now = time.monotonic()
                if now - signed_at >= checkpoint_seconds or self._unsigned() >= checkpoint_entries:
                    signed_at = now
                    self.sign()
            except Unavailable as error:
                log.warning("the clock waits", reason=error.detail)
            except Tampered as error:
                log.error("the ledger is broken: run countersign verify", reason=error.detail)
            if self._publisher is not None and self._tenant is not None:
                self._publisher.publish(self._tenant)
            stop.wait(sweep_seconds)
