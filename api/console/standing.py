"""Who stands for whom, and who is away: lend a role and take it back, say that one is away, or back."""

from __future__ import annotations

import functools
import re
import zoneinfo
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import RedirectResponse, Response

from api.auth import Scope
from api.console import law
from api.console.once import mark, once
from api.console.pages import HEADERS, ConsoleRoute, address, render
from api.console.plain import label, phrase, utc
from api.console.queue import LISTED
from api.console.session import DeskOf, Sent, SentForm
from governance import permit
from governance.actor import SEAT_ROLES, Actor
from governance.errors import Malformed, NotPermitted, Refusal, Unauthenticated, Unavailable
from governance.record import people, standing, worklist

router = APIRouter(prefix="/console", route_class=ConsoleRoute, include_in_schema=False)

HERE = "/console/standing"
LEND, AWAY = "lend", "away"
QUEUE = "queue."
_BELOW = re.compile(r"([0-9]{1,3}(,[0-9]{3})*|[0-9]{1,15})(\.[0-9]{1,2})?")
_YEARS = range(2000, 2200)

Number = Annotated[int, Path(ge=1, le=2**62)]
Made = Annotated[int, Query(ge=0, le=2**62)]
Row = Mapping[str, Any]


@functools.cache
def zones() -> tuple[str, ...]:
    """UTC, and the time zones that this machine knows."""
    known = (name for name in zoneinfo.available_timezones() if "/" in name and not name.startswith("Etc/"))
    return ("UTC", *sorted(known))


def moment(text: str, zone: str, what: str) -> datetime:
    """A day and a time as a form has them, in a time zone; aware UTC. Raises Malformed in words for the form."""
    if zone not in zones():
        raise Malformed("Choose one of the time zones that are offered.")
    try:
        # Some browsers send seconds too, or leave a blank between day and time.
        given = datetime.strptime(text.strip().replace(" ", "T")[:16] + "Z", "%Y-%m-%dT%H:%M%z")
    except ValueError:
        raise Malformed(f"{what}: give a day and a time, such as 2026-12-24T08:00.") from None
    local = given.replace(tzinfo=None)
    if local.year not in _YEARS:
        raise Malformed(f"{what}: the year {local.year} cannot be meant.")
    place: tzinfo = UTC if zone == "UTC" else zoneinfo.ZoneInfo(zone)
    at = local.replace(tzinfo=place).astimezone(UTC)
    if at.astimezone(place).replace(tzinfo=None) != local:
        raise Malformed(f"{what}: there is no such time in {zone}, for clocks go forward then.")
    return at


def _period(form: Mapping[str, str], now: datetime) -> tuple[datetime, datetime]:
    """From, at once where it is empty, until."""
    zone = form.get("zone") or "UTC"
    if not form.get("until", "").strip():
        raise Malformed("Say until when.")
    starts = moment(form["from"], zone, "From") if form.get("from", "").strip() else now
    ends = moment(form["until"], zone, "Until")
    if ends <= starts:
        raise Malformed("The end must be later than the beginning.")
    if ends <= now:
        raise Malformed("The end is past already.")
    return starts, ends


def _below(text: str) -> Decimal | None:
    """An amount as this console writes amounts; None where there is none."""
    if not text.strip():
        return None
    if not _BELOW.fullmatch(text.strip()):
        raise Malformed("Below: write the amount as 10000 or 10,000.00.")
    found = Decimal(text.strip().replace(",", ""))
    if not found:
        raise Malformed("Below: an amount of zero would lend nothing.")
    return found


def _entities(scope: Scope, text: str) -> Sequence[str]:
    named = [one.strip() for one in text.split(",") if one.strip()]
    known = worklist.entities(scope.conn)
    if strange := [one for one in named if one not in known]:
        raise Malformed(f"There is no entity {', '.join(strange[:3])} in the books.")
    return named or ["*"]


def _lendable(actor: Actor) -> list[str]:
    return sorted(actor.roles & set(SEAT_ROLES))


def _shown(
    request: Request, scope: Scope, *, said: str | None = None, refusal: Refusal | None = None,
    form: Mapping[str, str] | None = None, of: str = "",
) -> Response:  # fmt: skip
    me = scope.actor
    actors = people.actors(scope.conn)
    known = law.read(scope.conn, me, actors)
    delegations, absences = standing.delegations(scope.conn), standing.absences(scope.conn)
    return render(
        request,
        "standing.html",
        refusal.status if refusal else 200,
        me=me,
        in_words=functools.partial(scope_in_words, currency=known.currency),
        names={one["id"]: one["name"] for one in actors},
        may_stand="stand" in permit.allowed(me),
        is_administrator="administrator" in me.roles,
        roles=_lendable(me),
        takers=[one for one in known.people.values() if _can_take(one, me)],
        persons=[one for one in known.people.values() if one.is_person and one.active],
        queues=LISTED,
        entities=worklist.entities(scope.conn),
        currency=known.currency,
        cover=[(role, sorted(known.cover[role])) for role in sorted(known.cover)],
        mine=[one for one in delegations if me.id in (one["from_actor"], one["to_actor"])],
        others=[one for one in delegations if me.id not in (one["from_actor"], one["to_actor"])],
        absences=sorted(absences, key=lambda one: one["actor"] != me.id),
        zones=zones(),
        once=mark,
        said=said,
        problem=refusal.detail if refusal else None,
        kept=form or {},
        kept_of=of,
    )


def _can_take(one: Actor, me: Actor) -> bool:
    return one.is_person and one.active and one.id != me.id and "auditor" not in one.roles


@router.get("/standing")
def show(request: Request, desk: DeskOf, lent: Made = 0, away: Made = 0, ended: Made = 0, back: Made = 0) -> Response:
    with desk.open() as scope:
        return _shown(request, scope, said=_said(scope, lent, away, ended, back))


def _said(scope: Scope, lent: int, away: int, ended: int, back: int) -> str | None:
    """What was done, as the record has it: an address that anybody could write claims nothing that is not so."""
    delegations = {one["id"]: one for one in standing.delegations(scope.conn) if one["from_actor"] == scope.actor.id}
    absences = {one["id"]: one for one in standing.absences(scope.conn)}
    if lent in delegations:
        one = delegations[lent]
        return f"Lent: {one['to_actor']} may sign as {phrase(one['role'])} for you until {utc(one['ends_at'])}."
    if away in absences:
        one = absences[away]
        who = "You are" if one["actor"] == scope.actor.id else f"{one['actor']} is"
        return f"Recorded: {who} away from {utc(one['starts_at'])} until {utc(one['ends_at'])}."
    if ended and ended not in delegations:
        return "Ended: that role is lent no more. What was signed under it and has not left is refused."
    if back and back not in absences:
        return "Recorded: back again."
    return None


def _acted(request: Request, sent: Sent, of: str, subject: str, act: Callable[[Scope], str]) -> Response:
    """One write; a refusal shows the page again with what was filled in."""

    def permitted(scope: Scope) -> str:
        permit.may_stand(scope.actor)
        return act(scope)

    try:
        location = once(sent.desk, sent.fields, subject, permitted)
    except (Unauthenticated, Unavailable):
        raise
    except Refusal as refusal:
        with sent.desk.open() as scope:
            return _shown(request, scope, refusal=refusal, form=sent.fields, of=of)
    return RedirectResponse(location, 303, HEADERS)


@router.post("/standing/lend")
def lend(request: Request, sent: SentForm) -> Response:
    form = sent.fields

    def act(scope: Scope) -> str:
        if form.get("role") not in _lendable(scope.actor):
            raise NotPermitted("Only a role of your own that fills seats can be lent.")
        if not form.get("to"):
            raise Malformed("Choose to whom.")
        starts, ends = _period(form, datetime.now(UTC))
        made = standing.delegate(
            scope.conn, form["to"], form["role"], starts, ends,
            queues=[name for name in LISTED if form.get(QUEUE + name)] or ["*"],
            entities=_entities(scope, form.get("entities", "")), amount_below=_below(form.get("below", "")),
        )  # fmt: skip
        return address(HERE, lent=str(made))

    return _acted(request, sent, LEND, "standing lend", act)


@router.post("/standing/away")
def away(request: Request, sent: SentForm) -> Response:
    form = sent.fields

    def act(scope: Scope) -> str:
        starts, ends = _period(form, datetime.now(UTC))
        made = standing.set_absence(scope.conn, form.get("who") or scope.actor.id, starts, ends)
        return address(HERE, away=str(made))

    return _acted(request, sent, AWAY, "standing away", act)


@router.post("/standing/delegations/{number}/end")
def take_back(request: Request, sent: SentForm, number: Number) -> Response:
    def act(scope: Scope) -> str:
        standing.revoke_delegation(scope.conn, number)
        return address(HERE, ended=str(number))

    return _acted(request, sent, "", f"standing end {number}", act)


@router.post("/standing/absences/{number}/end")
def come_back(request: Request, sent: SentForm, number: Number) -> Response:
    def act(scope: Scope) -> str:
        standing.end_absence(scope.conn, number)
        return address(HERE, back=str(number))

    return _acted(request, sent, "", f"standing back {number}", act)


def scope_in_words(one: Row, currency: str) -> str:
    """For which cases a delegation holds."""
    queues = "every queue" if "*" in one["queues"] else ", ".join(label(name) for name in one["queues"])
    entities = "every entity" if "*" in one["entities"] else ", ".join(one["entities"])
    below = "" if one["amount_below"] is None else f", below {one['amount_below']:,.2f} {currency}"
    return f"{queues}, {entities}{below}"
