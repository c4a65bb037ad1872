"""Who acts: people, services and agents, with their roles."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


class ActorKind(StrEnum):
    PERSON = "person"
    SERVICE = "service"
    AGENT = "agent"


ROLES = ("analyst", "reviewer", "controller", "auditor", "ml_engineer", "administrator", "service")
"""Roles that policy knows. Seats are filled by reviewer and controller."""

SEAT_ROLES = ("reviewer", "controller", "administrator")


@dataclass(frozen=True, slots=True)
class Actor:
    """One identity of one tenant. Services and agents never decide."""

    tenant: str
    id: str
    kind: ActorKind
    name: str
    roles: frozenset[str]
    active: bool = True

    @property
    def is_person(self) -> bool:
        return self.kind is ActorKind.PERSON


@dataclass(frozen=True, slots=True)
class Delegation:
    """A role of one's own, lent for a while: at least `starts_at`, before `ends_at`. `*` = every queue or entity."""

    from_actor: str
    to_actor: str
    role: str
    starts_at: datetime
    ends_at: datetime
    queues: frozenset[str] = frozenset({"*"})
    entities: frozenset[str] = frozenset({"*"})
    amount_below: Decimal | None = None

    def covers(self, now: datetime, queue: str, entity: str, amount: Decimal | None) -> bool:
        """Whether it holds now for such a case; `amount` in the policy's currency, None = unknown."""
        if not self.starts_at <= now < self.ends_at:
            return False
        if not {queue, "*"} & self.queues or not {entity, "*"} & self.entities:
            return False
        return self.amount_below is None or (amount is not None and abs(amount) < self.amount_below)


@dataclass(frozen=True, slots=True)
class Absence:
    """A person is away, as somebody said."""

    actor: str
    set_by: str
    starts_at: datetime
    ends_at: datetime
