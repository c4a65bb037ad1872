"""What a language model may cost, how often it is asked, and when it is left alone. Pure but for locks.

Prices are per million tokens in the currency of whoever is paid; tokens are the server's own count.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Protocol

_MILLION = Decimal(1_000_000)
_CENT_OF_A_CENT = Decimal("0.000001")
_CASES_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Place:
    """A server and its model. `region`: whose cases it may see; a case of another region never goes there.

    `key` is kept out of everything that is printed.
    """

    base_url: str
    model: str
    region: str
    key: str = field(default="none", repr=False, compare=False)
    price_in: Decimal = Decimal(0)
    price_out: Decimal = Decimal(0)

    def cost(self, tokens_in: int, tokens_out: int) -> Decimal:
        return ((self.price_in * tokens_in + self.price_out * tokens_out) / _MILLION).quantize(_CENT_OF_A_CENT)


@dataclass(frozen=True, slots=True)
class Limits:
    """`deadline`: seconds for one question, tries included, whatever the server does. Tokens count in and out."""

    deadline: float = 8.0
    attempts: int = 3
    answer_tokens: int = 800
    tokens_per_case: int = 20_000
    tokens_per_day: int = 2_000_000
    rest: float = 30.0
    cached: int = 2048


class Spending(Protocol):
    """Who keeps count. A question is counted before it is asked, by what it may take at most."""

    def reserve(self, case: str, tokens: int) -> bool:
        """False where the case or the day has no room for so many tokens; then nothing is asked."""
        ...

    def settle(self, case: str, reserved: int, used: int) -> None:
        """What it took in the end."""
        ...


class Budget:
    """Spending of one process. `today` tells the day that is counted."""

    def __init__(self, limits: Limits, today: Callable[[], date]) -> None:
        self._limits = limits
        self._today = today
        self._lock = threading.Lock()
        self._day: date | None = None
        self._spent = 0
        self._cases: OrderedDict[str, int] = OrderedDict()

    @property
    def spent(self) -> int:
        """Tokens of this day."""
        with self._lock:
            return self._spent

    def reserve(self, case: str, tokens: int) -> bool:
        with self._lock:
            if (day := self._today()) != self._day:
                self._day, self._spent = day, 0
            of_case = self._cases.get(case, 0) + tokens
            if self._spent + tokens > self._limits.tokens_per_day or of_case > self._limits.tokens_per_case:
                return False
            self._spent += tokens
            self._cases[case] = of_case
            self._cases.move_to_end(case)
            while len(self._cases) > _CASES_REMEMBERED:
                self._cases.popitem(last=False)
            return True

    def settle(self, case: str, reserved: int, used: int) -> None:
        with self._lock:
            self._spent = max(0, self._spent - reserved + used)
            if case in self._cases:
                self._cases[case] = max(0, self._cases[case] - reserved + used)


class Breaker:
    """Leaves a server alone for `rest` seconds after an outage or `most` bad answers in a row; then one question goes
    through, and what becomes of it decides. `clock` counts seconds."""

    def __init__(self, rest: float, clock: Callable[[], float], *, most: int = 3) -> None:
        self._rest = rest
        self._clock = clock
        self._most = most
        self._lock = threading.Lock()
        self._bad = 0
        self._closed_until: float | None = None
        self._probing = False

    def allows(self) -> bool:
        """True where the server may be asked now."""
        with self._lock:
            if self._closed_until is None:
                return True
            if self._probing or self._clock() < self._closed_until:
                return False
            self._probing = True
            return True

    def went_well(self) -> None:
        with self._lock:
            self._bad, self._closed_until, self._probing = 0, None, False

    def failed(self, *, outage: bool) -> None:
        """`outage`: nothing came in time, or an error of the server; else an answer that is of no use."""
        with self._lock:
            self._bad += 1
            if outage or self._probing or self._bad >= self._most:
                self._closed_until, self._bad = self._clock() + self._rest, 0
            self._probing = False


class Cache:
    """Answers by the digest of everything that was asked; the last `most` of them."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._known: OrderedDict[str, Mapping[str, object]] = OrderedDict()

    def get(self, digest: str) -> Mapping[str, object] | None:
        with self._lock:
            if digest in self._known:
                self._known.move_to_end(digest)
            return self._known.get(digest)

    def put(self, digest: str, answer: Mapping[str, object]) -> None:
        with self._lock:
            self._known[digest] = answer
            while len(self._known) > self._most:
                self._known.popitem(last=False)
