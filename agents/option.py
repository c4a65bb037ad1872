"""One thing that could be done about a case, before it is known whether policy and the books allow it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from agents import facts
from agents.state import View


@dataclass(frozen=True, slots=True)
class Option:
    """`args` may hold None where the record does not know: then the option falls away. `topic` picks the letter."""

    name: str
    args: Mapping[str, str | None]
    why: str
    topic: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)


def refer(why: str) -> Option:
    return Option("refer_to_person", {"reason": why}, why)


def route(role: str, why: str) -> Option:
    return Option("route_for_approval", {"role": role, "reason": why}, why)


def hold(view: View, why: str) -> Option:
    return Option("hold_payment", {"invoice_id": facts.invoice_ref(view.brief), "reason": why}, why)


def wait(until: date | None, why: str) -> Option:
    return Option("wait_until", {"date": until.isoformat() if until else None, "reason": why}, why)


def call(view: View, topic: str, why: str) -> Option:
    return Option("schedule_call", {"topic": topic, **party(view)}, why)


def party(view: View) -> dict[str, str]:
    """The party of the case as an argument; the customer where there are both."""
    if view.brief.customer is not None:
        return {"customer_id": view.brief.customer.id}
    return {"supplier_id": view.brief.supplier.id} if view.brief.supplier is not None else {}


def supplier(view: View) -> str | None:
    return view.brief.supplier.id if view.brief.supplier else None


def matched_supplier(view: View) -> Mapping[str, object]:
    """What intake found in the supplier master (models.supplier_match); empty where it did not look."""
    said = view.brief.reading.get("supplier_match")
    return said if isinstance(said, Mapping) else {}


def customer(view: View) -> str | None:
    return view.brief.customer.id if view.brief.customer else None


def later(view: View, days: int) -> date:
    """A working day `days` from today: what falls on a weekend moves to Monday."""
    day = view.today + timedelta(days=days)
    return day + timedelta(days=7 - day.weekday()) if day.weekday() > 4 else day
