"""The workflows as the active policy has them: each type with owner, deadline, actions, letters, causes and steps."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from agents.letter import LANGUAGES, texts
from api.console.pages import ConsoleRoute, render
from api.console.plain import label, phrase
from api.console.session import DeskOf
from governance.action import CATALOGUE, MAIL
from governance.case import QUEUES
from governance.conditions import Condition, readable
from governance.errors import NotFound
from governance.matrix import Workflow, policy_from_rows
from governance.record import changes, people, templates
from governance.record.baseline import Baseline, baseline

router = APIRouter(prefix="/console", route_class=ConsoleRoute, include_in_schema=False)

MODES = {
    "observe": "only observed: the agent proposes nothing, people decide as before",
    "rules": "by rules: no language model is asked, and precedents change no proposal",
    "ai": "rules, precedents, and a language model for the wording where one is configured",
}
_LINES = ("threshold", "tolerance", "calendar")


@dataclass(frozen=True, slots=True)
class Letter:
    """A template; `lacks`: languages in which nobody has written it; `own`: those in the tenant's own words."""

    name: str
    lacks: str
    own: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A cause or a step: what it is, when it holds, and what is told."""

    name: str
    when: str
    told: str


@dataclass(frozen=True, slots=True)
class Type:
    """One exception type for a reader."""

    name: str
    owner: str
    due: str
    actions: str
    letters: tuple[Letter, ...]
    causes: tuple[Rule, ...]
    steps: tuple[Rule, ...]
    judgement: bool
    observed: str


@dataclass(frozen=True, slots=True)
class Queue:
    name: str
    mode: str
    types: tuple[Type, ...]


@router.get("/workflows")
def show(request: Request, desk: DeskOf) -> Response:
    with desk.open() as scope:
        active = people.active_policy(scope.conn)
        if active is None:
            raise NotFound("no policy is active")
        own = templates.current(scope.conn)
        lines = changes.settings(scope.conn)
        policy = policy_from_rows(json.loads(active["canon"]))
        # Of what was observed earlier `countersign policy baseline` tells: it reads every referral to a person.
        watched = [queue for queue, mode in policy.modes.items() if mode == "observe"]
        seen = {(one.queue, one.exception_type): one for queue in watched for one in baseline(scope.conn, queue)}
    found = [
        Queue(
            label(queue),
            MODES.get(policy.modes.get(queue, "ai"), policy.modes.get(queue, "ai")),
            tuple(_type(flow, own, seen) for flow in policy.workflows if flow.queue == queue),
        )
        for queue in QUEUES
    ]
    return render(
        request, "workflows.html", active=active, queues=found,
        lines=[_line(one) for one in lines if one["kind"] in _LINES],
    )  # fmt: skip


def _type(flow: Workflow, own: Iterable[tuple[str, str]], seen: Mapping[tuple[str, str], Baseline]) -> Type:
    working = " of working days, by the entity's calendar" if flow.calendar == "working" else ""
    return Type(
        name=label(flow.exception_type),
        owner=flow.owner,
        due=f"{flow.sla_hours} hours{working}",
        actions=", ".join("any" if name == "*" else phrase(name) for name in flow.actions),
        letters=tuple(_letter(name, own) for name in _templates(flow)),
        causes=tuple(
            Rule(label(one.cause), _when(one.when), _told(one.because, one.refuted_by)) for one in flow.plan.causes
        ),
        steps=tuple(Rule(label(one.action), _when(one.when), readable(one.why)) for one in flow.plan.steps),
        judgement=flow.plan.judgement,
        observed=_observed(seen.get((flow.queue, flow.exception_type))),
    )


def _templates(flow: Workflow) -> Sequence[str]:
    """The templates that policy names; where it names none, those of the actions that write a letter."""
    return flow.letters or [name for name in flow.actions if name in CATALOGUE and CATALOGUE[name].effect == MAIL]


def _letter(name: str, own: Iterable[tuple[str, str]]) -> Letter:
    ours = [language for template, language in own if template == name]
    lacks = [language for language in LANGUAGES if language not in ours and name not in texts(language)]
    return Letter(label(name), ", ".join(lacks), ", ".join(sorted(ours)))


def _when(conditions: Iterable[Condition]) -> str:
    return " and ".join(one.words for one in conditions) or "always"


def _told(because: str, refuted_by: str) -> str:
    against = f"refuted by {readable(refuted_by)}" if refuted_by else ""
    return "; ".join(part for part in (readable(because), against) if part)


def _observed(one: Baseline | None) -> str:
    if one is None:
        return ""
    time = f"; half of the decisions took at most {one.hours} hours" if one.hours is not None else ""
    cases = "1 case" if one.cases == 1 else f"{one.cases} cases"
    return f"{cases}, {one.decided} decided; in {one.agreed} people did what rules would have proposed{time}"


def _line(setting: Mapping[str, Any]) -> tuple[str, str]:
    return f"{label(setting['kind'])} {setting['subject']}", "; ".join(_values(setting["content"]))


def _values(content: Mapping[str, Any]) -> Iterator[str]:
    for name, value in content.items():
        text = ", ".join(str(one) for one in value) if isinstance(value, list) else str(value)
        yield f"{phrase(name)}: {text}"
