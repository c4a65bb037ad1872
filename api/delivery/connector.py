"""What carries an approved effect out, and what became of it."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from governance.errors import Refusal
from governance.record.outbox import Effect

State = Literal["sent", "manual", "retry", "unknown", "refused", "dead"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """sent | manual (a person carries it out) | retry (surely not done) | unknown (may have been done)
    | refused (the gate said no) | dead (surely not done, and trying again is no use).

    `controls`: ids of those that refused it.
    """

    state: State
    why: str
    controls: tuple[str, ...] = ()

    @classmethod
    def of_refusal(cls, refusal: Refusal) -> Outcome:
        """What the gate's last look refused."""
        named = refusal.extensions.get("controls")
        return cls("refused", refusal.detail, tuple(str(one) for one in named) if isinstance(named, list) else ())


class NotDelivered(Exception):
    """Surely nothing happened. `for_good`: trying again is no use."""

    def __init__(self, why: str, *, for_good: bool = False) -> None:
        self.outcome = Outcome("dead" if for_good else "retry", why)
        super().__init__(why)


class Ready(Protocol):
    """A delivery that is ready to go: `send` is the only part whose failure leaves the outcome open."""

    def send(self, approved: Mapping[str, Any], now: datetime) -> Outcome:
        """Carry out what outbox.execute returned. Raises NotDelivered; any other error means that it is unknown."""
        ...


class Connector(Protocol):
    """One way out. The recommendation's id is the idempotency key."""

    def prepare(self, effect: Effect, envelope: Mapping[str, Any]) -> AbstractContextManager[Ready]:
        """Everything that can fail before the effect may have happened. Raises NotDelivered."""
        ...


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
