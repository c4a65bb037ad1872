"""The recommended route as a reviewer reads it: which seats, and who usually takes them."""

from __future__ import annotations

from dataclasses import dataclass

from api.console.loose import items, mapping, text, texts


@dataclass(frozen=True, slots=True)
class RouteSeat:
    """One seat. `person` None: nobody is usual there. `times`: in how many similar cases this person signed so."""

    role: str
    person: str | None
    times: int


@dataclass(frozen=True, slots=True)
class Route:
    """`added`: seats that policy does not demand and people usually fill."""

    seats: tuple[RouteSeat, ...]
    added: tuple[str, ...]
    basis: str | None


def read(value: object) -> Route | None:
    """The `route` of the findings, in whatever shape it was filed."""
    found = mapping(value)
    seats = tuple(_seat(one) for one in items(found.get("seats")))
    if not seats:
        return None
    added = texts(found.get("added"))
    return Route(seats, added, text(found.get("basis")))


def _seat(value: object) -> RouteSeat:
    one = mapping(value)
    support = one.get("support")
    return RouteSeat(
        text(one.get("role")) or "unknown", text(one.get("person")), support if isinstance(support, int) else 0
    )
