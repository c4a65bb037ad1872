"""How long a language model held somebody up, apart from how busy the machine was.

A thread that asks to wake every few hundredths of a second notes how late it wakes: for so long nobody on this machine
got on. A wait is late by what is left. One who is blocked by an answer that does not come finds the machine idle.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from agents.letter import Composer, Letter, Phrased, phrased
from agents.quarantine import SecondReader

_STEP, _USUAL, _SPARE = 0.02, 0.02, 0.5
BATCH = 16
"""Cases that the worker claims at a time."""


class Pulse:
    """Notes stalls of the machine from `start` to `stop`, or inside a `with` block."""

    def __init__(self) -> None:
        self._stalls: list[tuple[float, float]] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True, name="pulse")

    def __enter__(self) -> Pulse:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._over.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._over.is_set():
            start = time.monotonic()
            self._over.wait(_STEP)
            woke = time.monotonic()
            if woke - start > _STEP + _USUAL:
                self._stalls.append((start + _STEP, woke))

    def stalled(self, start: float, end: float) -> float:
        """Seconds of that time in which the machine did not get on."""
        return sum(max(0.0, min(end, woke) - max(start, since)) for since, woke in list(self._stalls))


@dataclass(frozen=True, slots=True)
class Wait:
    """One question to a model. `case` '' at intake; `held`: seconds without the machine's own stalls."""

    case: str
    seconds: float
    held: float

    def late(self, deadline: float) -> bool:
        return self.held > deadline + _SPARE


@dataclass(slots=True)
class Waits:
    """Every wait of a round."""

    pulse: Pulse
    all: list[Wait] = field(default_factory=list)

    def since(self, case: str, start: float) -> None:
        end = time.monotonic()
        self.all.append(Wait(case, end - start, end - start - self.pulse.stalled(start, end)))


class ClockedComposer:
    """The composer, and how long each letter waited for it, whatever it waited for."""

    def __init__(self, inner: Composer, waits: Waits) -> None:
        self._inner = inner
        self._waits = waits

    @property
    def name(self) -> str:
        return self._inner.name

    def paragraphs(self, letter: Letter) -> tuple[str, ...] | None:
        return self.phrase(letter).paragraphs

    def phrase(self, letter: Letter) -> Phrased:
        start = time.monotonic()
        try:
            return phrased(letter, self._inner)
        finally:
            self._waits.since(letter.case, start)


class ClockedReader:
    """The second reader, and how long each document waited for it."""

    def __init__(self, inner: SecondReader, waits: Waits) -> None:
        self._inner = inner
        self._waits = waits

    def suggest(self, text: str, missing: Sequence[str]) -> Mapping[str, str]:
        start = time.monotonic()
        try:
            return self._inner.suggest(text, missing)
        finally:
            self._waits.since("", start)


def by_batch(filed: Sequence[str], waits: Sequence[Wait]) -> tuple[float, float]:
    """(median, worst) of the seconds that a batch of cases waited for a model. `filed`: cases in order of filing."""
    of_case: dict[str, float] = {}
    for one in waits:
        of_case[one.case] = of_case.get(one.case, 0.0) + one.seconds
    batches = [filed[at : at + BATCH] for at in range(0, len(filed), BATCH)]
    sums = [sum(of_case.get(case, 0.0) for case in batch) for batch in batches] or [0.0]
    return statistics.median(sums), max(sums)
