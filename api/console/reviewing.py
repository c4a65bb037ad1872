"""The page of one recommendation: read it, decide on it, save its document."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import RedirectResponse, Response

from api import deciding, shapes, showing
from api.auth import Scope
from api.console import decisions, item
from api.console.once import once
from api.console.pages import HEADERS, ConsoleRoute, address, render
from api.console.session import DeskOf, SentForm
from api.intake.render import Pages
from api.routes.triage import disposition
from api.strict import Id
from governance.decision import REASON_CODES
from governance.errors import NotFound, Refusal, Unauthenticated, Unavailable, Unreadable
from governance.record import cases, corrections, review, standing

router = APIRouter(prefix="/console", route_class=ConsoleRoute, include_in_schema=False)


def page(recommendation_id: str) -> str:
    return f"/console/recommendations/{recommendation_id}"


def opened(scope: Scope, recommendation_id: str) -> None:
    """Who sees the facts as they stand has opened the case; a page of earlier facts opens nothing."""
    record = review.get(scope.conn, recommendation_id)
    if cases.get(scope.conn, record["case_id"])["revision"] == record["case_revision"]:
        standing.opened(scope.conn, record["case_id"], "case")


def _shown(
    request: Request,
    scope: Scope,
    recommendation_id: str,
    *,
    chosen: str | None = None,
    made: str | None = None,
    refusal: Refusal | None = None,
    form: Mapping[str, str] | None = None,
    pages: Pages | None = None,
    unshown: str | None = None,
) -> Response:
    kept = dict(form or {})
    opened(scope, recommendation_id)
    found = item.gather(
        scope.conn, recommendation_id, actor=scope.actor, chosen=chosen, kept=kept, made=made, pages=pages
    )
    made_now = found.just_made
    return render(
        request,
        "item.html",
        refusal.status if refusal else 200,
        item=found,
        unshown=unshown,
        # What a memory of a supplier would read otherwise: its values go with the cases that they are from.
        effects=corrections.effects(scope.conn, recommendation_id)
        if found.record["exception_type"] == "memory"
        else [],
        offers=decisions.offers(found.record, found.standing, found.law, datetime.now(UTC)),
        said=decisions.confirmation(made_now, found.record, found.names) if made_now else None,
        problem=refusal.detail if refusal else None,
        controls=refusal.extensions.get("controls") if refusal else None,
        advice=decisions.advice(refusal, recommendation_id) if refusal else None,
        command=decisions.command(recommendation_id),
        kept=kept,
        # Somebody who decides on what changed meanwhile must choose anew.
        decided=kept.get("decision", "") if kept.get("digest") == found.record["digest"] else "",
        editing=found.editor is not None and (chosen is not None or found.editor.changed),
        reasons=REASON_CODES,
    )


@router.get("/recommendations/{recommendation_id}")
def show(
    request: Request,
    desk: DeskOf,
    recommendation_id: Id,
    chosen: Annotated[str | None, Query(alias="as", max_length=100)] = None,
    made: Annotated[str | None, Query(alias="decision", max_length=100)] = None,
    pages: Annotated[str | None, Query(max_length=10)] = None,
) -> Response:
    """`pages`: somebody asks for the document's pages, which is to open it; nobody has opened what is not asked for."""
    looked, unshown = _pages(request, desk, recommendation_id) if pages else (None, None)
    with desk.open() as scope:
        return _shown(
            request, scope, recommendation_id, chosen=chosen or None, made=made, pages=looked, unshown=unshown
        )


def _pages(request: Request, desk: DeskOf, recommendation_id: str) -> tuple[Pages | None, str | None]:
    """The pages of the document that the recommendation is about, or why there are none to show. Drawing waits for
    another process, so it is done outside of a transaction."""
    try:
        with desk.open() as scope:
            record = shapes.one_recommendation(scope.conn, recommendation_id)
            content, sha256 = showing.kept(scope, record["case_id"])
        if sha256 != record["document"]["sha256"]:
            return None, "The document was replaced by another one: go to the newest recommendation to see it."
        return request.app.state.readers.pictures.pages(content), None
    except (NotFound, Unreadable, Unavailable) as refusal:
        return None, refusal.detail


@router.get("/cases/{case_id}/pages/{page}")
def picture(
    request: Request, desk: DeskOf, case_id: Id, page: Annotated[int, Path(ge=1, le=showing.LARGEST_PAGE)]
) -> Response:
    """One page of the case's document as a picture."""
    with desk.open() as scope:
        content, sha256 = showing.kept(scope, case_id)
    shown = showing.picture(request, request.app.state.readers.pictures, content, sha256, page)
    with desk.open() as scope:
        showing.note(scope, case_id, sha256)
    return shown


@router.post("/recommendations/{recommendation_id}")
def decide(request: Request, sent: SentForm, recommendation_id: Id) -> Response:
    """The decision goes through api.deciding with the session as the transaction's token: the same law as the API."""
    form = sent.fields
    try:
        database = request.app.state.system.database
        with deciding.noting(database, sent.desk.token, recommendation_id, form.get("decision", "")):
            location = once(sent.desk, form, recommendation_id, lambda scope: _decide(scope, recommendation_id, form))
    except (Unauthenticated, NotFound, Unavailable):
        raise
    except Refusal as refusal:
        with sent.desk.open() as scope:
            return _shown(request, scope, recommendation_id, refusal=refusal, form=form)
    return RedirectResponse(location, 303, HEADERS)


def _decide(scope: Scope, recommendation_id: str, form: Mapping[str, str]) -> str:
    record = shapes.one_recommendation(scope.conn, recommendation_id)
    decision = decisions.asked(record, form)
    made = deciding.decide(scope.conn, scope.actor, recommendation_id, decision)
    return address(page(made["recommendation_id"]), decision=made["decision_id"])


@router.get("/cases/{case_id}/document")
def save(desk: DeskOf, case_id: Id) -> Response:
    """The case's document, to be saved and never shown: a browser must make nothing of it."""
    with desk.open() as scope:
        found = cases.document(scope.conn, case_id)
        if found.content is not None:
            standing.opened(scope.conn, case_id, "document")
    if found.content is None:
        raise NotFound("The document of this case was erased.")
    headers = {"Content-Disposition": disposition(found.name), "Content-SHA256": found.sha256}
    return Response(found.content, 200, headers, "application/octet-stream")
