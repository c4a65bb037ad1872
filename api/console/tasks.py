"""Effects that wait for a person: what to carry out by hand, what to look up, what could not be delivered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from api import shapes, wire
from api.auth import Scope
from api.console.once import mark, once
from api.console.pages import HEADERS, ConsoleRoute, address, render
from api.console.plain import phrase
from api.console.session import DeskOf, SentForm
from api.strict import Id
from governance import permit
from governance.errors import Malformed, NotFound, Refusal, Unauthenticated, Unavailable
from governance.record import cases, outbox

router = APIRouter(prefix="/console", route_class=ConsoleRoute, include_in_schema=False)

HERE = "/console/tasks"
PAGE = 50
MOST_NOTE = 2000
KINDS: Mapping[str, tuple[str, tuple[tuple[str, str], ...]]] = {
    "manual": (
        "To carry out by hand",
        (("done", "I did it"), ("not_done", "It will not be done: look at the case again")),
    ),
    "reconcile": (
        "To look up: it may or may not have left",
        (("done", "It arrived"), ("not_done", "It surely did not leave: send it again"),
         ("abandoned", "It is not needed any more: look at the case again")),
    ),
    "dead": (
        "Could not be delivered",
        (("not_done", "Try again"), ("abandoned", "Give up: look at the case again")),
    ),
}  # fmt: skip
"""State of the effect → heading, and the outcomes that a person may state."""


def _shown(
    request: Request,
    scope: Scope,
    cursor: str,
    *,
    refusal: Refusal | None = None,
    form: Mapping[str, str] | None = None,
    of: str = "",
    confirmed: str = "",
) -> Response:
    after = wire.read_cursor("console tasks", cursor or None)
    rows = cases.tasks(scope.conn, after=after, limit=PAGE + 1)
    following = None
    if len(rows) > PAGE:
        last = rows[PAGE - 1]
        following = address(HERE, cursor=wire.cursor("console tasks", last["created_at"], last["id"]))
    return render(
        request,
        "tasks.html",
        refusal.status if refusal else 200,
        items=rows[:PAGE],
        kinds=KINDS,
        may_confirm="confirm" in permit.allowed(scope.actor),
        problem=refusal.detail if refusal else None,
        kept=form or {},
        kept_of=of,
        said=_outcome(scope, confirmed) if confirmed else None,
        following=following,
        first=HERE if after else None,
        once={row["id"]: mark() for row in rows},
    )


def _outcome(scope: Scope, recommendation_id: str) -> str | None:
    """What became of a task that was just confirmed, as the record has it; None where there is none of this id."""
    try:
        found = shapes.one_recommendation(scope.conn, recommendation_id)
    except NotFound:
        return None
    return f"Recorded for “{found['title']}”: the case is now {phrase(found['case_state'])}."


@router.get("/tasks")
def show(
    request: Request,
    desk: DeskOf,
    cursor: Annotated[str, Query(max_length=1000)] = "",
    confirmed: Annotated[str, Query(pattern=r"^[A-Za-z0-9-]{0,64}$")] = "",
) -> Response:
    with desk.open() as scope:
        return _shown(request, scope, cursor, confirmed=confirmed)


@router.post("/tasks/{recommendation_id}")
def confirm(request: Request, sent: SentForm, recommendation_id: Id) -> Response:
    form = sent.fields

    def act(scope: Scope) -> str:
        permit.may_confirm(scope.actor)
        outcome, note = form.get("outcome", ""), form.get("note", "").strip()
        if not outcome:
            raise Malformed("Choose what became of it first.")
        if len(note) > MOST_NOTE:
            raise Malformed(f"The note is longer than {MOST_NOTE} characters.")
        outbox.confirm(scope.conn, recommendation_id, outcome, note or None)
        return address(HERE, confirmed=recommendation_id)

    try:
        location = once(sent.desk, form, recommendation_id, act)
    except (Unauthenticated, NotFound, Unavailable):
        raise
    except Refusal as refusal:
        with sent.desk.open() as scope:
            return _shown(request, scope, "", refusal=refusal, form=form, of=recommendation_id)
    return RedirectResponse(location, 303, HEADERS)
