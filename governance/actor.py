"""Who acts: people, services and agents, with their roles."""

from __future__ import annotations

from dataclasses import dataclass
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
