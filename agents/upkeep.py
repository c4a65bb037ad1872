"""What a worker does beside its cases, so that twins are found: keys after an upgrade, vectors when there is time."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import structlog

from agents.context import Encoder, Memory
from agents.twin_keys import rekey
from agents.twin_texts import tell
from governance.record.db import Connection

log = structlog.get_logger("countersign.upkeep")


class Upkeep:
    """The chores of one worker. `transaction` opens one of role `agent`."""

    def __init__(self, transaction: Callable[[], AbstractContextManager[Connection]]) -> None:
        self._transaction = transaction
        self._keyed = False

    def keys(self) -> None:
        """Once, before the first case: invoices are found by this program's keys only after they have them."""
        if self._keyed:
            return
        made = sum(rekey(self._transaction))
        self._keyed = True
        if made:
            log.info("keys made again", invoices=made)

    def texts(self, memory: Memory, encoder: Encoder) -> int:
        """Vectors for some bills of the vendors that cases came from lately; how many bills were looked at."""
        vendors = memory.vendors()
        made = tell(self._transaction, vendors, encoder.encode) if vendors else 0
        if not made:
            memory.forget_vendors(vendors)
        return made
