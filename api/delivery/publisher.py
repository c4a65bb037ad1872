"""Signed checkpoints by webhook: each one that HOME keeps, smallest first, until the receiver has acknowledged it.

The body is the checkpoint's text (C2SP tlog-checkpoint), which names the ledger and its size; webhook-id is made from
it, and the same on every attempt. What waits, waits in HOME/checkpoints: nothing is lost by a restart.
"""

from __future__ import annotations

import contextlib
import fcntl
import math
import os
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import structlog

from api.checkpoints import KeptCheckpoints
from api.delivery.connector import NotDelivered
from api.delivery.webhook import SignedPost, WebhookTarget
from governance.chain import sha256_hex

log = structlog.get_logger(__name__)

MEDIA_TYPE = "text/plain; charset=utf-8"


class CheckpointPublisher:
    """Publishes in a thread of its own, one at a time: a receiver that is slow or away holds nobody up.

    After a failed attempt the next one waits `retry_seconds`.
    """

    def __init__(self, target: WebhookTarget, kept: KeptCheckpoints, *, retry_seconds: float = 30.0) -> None:
        self.patience = target.timeout
        self._target = target
        self._kept = kept
        self._retry_seconds = retry_seconds
        self._again_at = -math.inf
        self._thread: threading.Thread | None = None
        self._failing = False
        self._asked_at = math.inf

    def publish(self, tenant: str, wait: float = 0.0) -> None:
        """Send what the receiver lacks, waiting at most `wait` seconds for that."""
        if self._thread is not None and self._thread.is_alive():
            if time.monotonic() - self._asked_at > 2 * self.patience:
                self._failed("the receiver does not come to the end of its answer")
        elif time.monotonic() >= self._again_at:
            self._thread = threading.Thread(target=self._publish, args=(tenant,), name="checkpoints", daemon=True)
            self._thread.start()
        if self._thread is not None and wait > 0:
            self._thread.join(wait)

    def _publish(self, tenant: str) -> None:
        try:
            waiting = self._kept.unpublished(tenant)
            if not waiting:
                return
            with _alone(waiting[0].parent) as mine, contextlib.closing(SignedPost(self._target)) as post:
                # Asked again: whoever was at it before may have sent some.
                for path in self._kept.unpublished(tenant) if mine else ():
                    self._send(post, tenant, path.read_text("utf-8"))
        except NotDelivered as error:
            self._again_at = time.monotonic() + self._retry_seconds
            self._failed(error.outcome.why)
        except OSError as error:
            self._again_at = time.monotonic() + self._retry_seconds
            self._failed(f"HOME/checkpoints cannot be used: {error}")
        finally:
            self._asked_at = math.inf

    def _send(self, post: SignedPost, tenant: str, note: str) -> None:
        self._asked_at = time.monotonic()
        status = post.send(f"checkpoint_{sha256_hex(note)[:32]}", note, MEDIA_TYPE, datetime.now(UTC))
        if not 200 <= status < 300:
            raise NotDelivered(_in_words(status))
        self._kept.published(tenant, note)
        if self._failing:
            self._failing = False
            log.info("signed checkpoints reach their webhook again")

    def _failed(self, reason: str) -> None:
        """Said once, until one arrives again."""
        if not self._failing:
            self._failing = True
            log.error(
                "signed checkpoints do not reach their webhook",
                reason=reason,
                todo="look at COUNTERSIGN_CHECKPOINT_WEBHOOK_URL and its receiver; signing goes on, what was signed is "
                "kept in HOME/checkpoints and sent when the receiver answers",
            )


def _in_words(status: int) -> str:
    if 300 <= status < 400:
        return f"the receiver answered {status}, a redirect, which is not followed: set the address that it leads to"
    if status in (401, 403):
        return f"the receiver answered {status}: does it know the same secret?"
    if status in (404, 405, 410):
        return f"the receiver answered {status}: is the address right?"
    return f"the receiver answered {status}"


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[bool]:
    """Whether no other process is publishing from this folder; the kernel lets go when a process dies."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
    finally:
        os.close(fd)
