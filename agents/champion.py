"""Which models triage: those that the record names as champions, asked again while a worker runs."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping

from agents.context import Models, ModelSet, Transaction
from agents.graph import graph_version
from agents.letter import prompts_digest
from governance.errors import Unavailable
from governance.record import telemetry

Give = Callable[[Mapping[str, str]], ModelSet]
"""The bundle of these champions (model → digest). Raises Unavailable where it cannot be had."""


class NoChampion(Exception):
    """The models that the record names cannot be had, so nothing is triaged. The text says what to do."""


class Champion:
    """Asks the record, at most every `seconds`, and gives the models where they are other ones than before."""

    def __init__(self, give: Give | None, seconds: float) -> None:
        self.seconds = seconds
        self.missed = ""
        """Why the last look found no models to go on with; empty where it found some."""
        self._give = give
        self._again_at = -math.inf

    def since(self, held: Models, transaction: Transaction) -> Models | None:
        """The models to go on with, None for those that are held. Without `give` they are never changed.

        Raises NoChampion: then those that are held are no longer champion, and nothing is to be triaged with them.
        """
        if self._give is None or time.monotonic() < self._again_at:
            return None
        with transaction() as conn:
            named = telemetry.champions(conn)
        try:
            bundle = self._give(named)
        except Unavailable as error:
            raise NoChampion(error.detail) from error
        self.missed = ""
        self._again_at = time.monotonic() + self.seconds
        return None if bundle.digest == held.bundle.digest else Models(bundle, held.embedder)


def stamps_of(models: Models) -> dict[str, str]:
    """What a recommendation says of who made it."""
    return {
        "agent": graph_version(),
        "bundle": models.bundle.digest,
        "embedding": models.embedder.name,
        "prompts": prompts_digest(),
    }
