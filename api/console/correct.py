"""Correct what was read of a document, and see what people have taught so far."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from api import correcting, habits, learning
from api.auth import Scope
from api.console import change
from api.console.once import mark, once
from api.console.pages import HEADERS, ConsoleRoute, address, render
from api.console.plain import label, visible
from api.console.session import DeskOf, SentForm
from api.schemas import CorrectedBody
from api.strict import Id
from governance import permit
from governance.case import DOCUMENT_CLASSES, FIELD_NAMES
from governance.errors import Malformed, NotFound, Refusal, Unauthenticated, Unavailable
from governance.record import cases, changes, corrections

router = APIRouter(prefix="/console", route_class=ConsoleRoute, include_in_schema=False)

CLASS, SUPPLIER, VALUE, WAS = "document_class", "supplier_id", "value.", "was."


@dataclass(frozen=True, slots=True)
class Field:
    """One line of the form. `read`: what stands there now; `others`: what else stands on the document."""

    name: str
    title: str
    read: str
    value: str
    others: tuple[str, ...]
    corrected_by: str | None


def page(case_id: str) -> str:
    return f"/console/cases/{case_id}/correct"


def _fields(case: Mapping[str, Any], reading: Mapping[str, Any], kept: Mapping[str, str]) -> list[Field]:
    values, others, said = (reading.get(name) or {} for name in ("fields", "alternatives", "corrected_by"))
    rows = [(name, values.get(name)) for name in FIELD_NAMES] + [(SUPPLIER, case["supplier_id"])]
    return [
        Field(
            name,
            label(name),
            visible(str(value or "")),
            kept.get(VALUE + name, visible(str(value or ""))),
            tuple(visible(str(one)) for one in others.get(name) or ()),
            said.get(name),
        )
        for name, value in rows
    ]


def right_of(form: Mapping[str, str]) -> dict[str, str | None]:
    """What a form says otherwise than the page showed it; an emptied field is not on the document. Raises Malformed."""
    right: dict[str, str | None] = {}
    if form.get(CLASS, "") and (form[CLASS] != form.get(WAS + CLASS) or form.get("sure") == "yes"):
        right[CLASS] = form[CLASS]
    for name in (*FIELD_NAMES, SUPPLIER):
        value = form.get(VALUE + name)
        if value is not None and value.split() != form.get(WAS + name, "").split():
            right[name] = value.strip() or None
    if not right:
        raise Malformed("Nothing differs from what was read: change what is wrong first.")
    for name, value in right.items():
        try:
            CorrectedBody.model_validate({name: value})
        except ValueError:
            example = "2026-12-24" if name.endswith("_date") else "1234.50" if "amount" in name else "EUR"
            raise Malformed(f"{label(name)}: write it such as {example}.") from None
    return right


def _shown(
    request: Request,
    scope: Scope,
    case_id: str,
    *,
    refusal: Refusal | None = None,
    form: Mapping[str, str] | None = None,
) -> Response:
    case = cases.get(scope.conn, case_id)
    reading = cases.reading(scope.conn, case_id, case["revision"])["reading"] or {}
    kept = dict(form or {})
    return render(
        request,
        "correct.html",
        refusal.status if refusal else 200,
        case=case,
        reading=reading,
        fields=_fields(case, reading, kept),
        classes=[(name, label(name)) for name in DOCUMENT_CLASSES],
        chosen=kept.get(CLASS) or case[CLASS] or "other",
        rows=corrections.of_case(scope.conn, case_id),
        may_correct="correct" in permit.allowed(scope.actor),
        problem=refusal.detail if refusal else None,
        once=mark(),
    )


@router.get("/cases/{case_id}/correct")
def show(request: Request, desk: DeskOf, case_id: Id) -> Response:
    with desk.open() as scope:
        return _shown(request, scope, case_id)


@router.post("/cases/{case_id}/correct")
def correct(request: Request, sent: SentForm, case_id: Id) -> Response:
    """The same as POST /v1/cases/{id}/corrections, with the session as the transaction's token."""
    form = sent.fields
    pdf = request.app.state.readers.rows.pdf

    def act(scope: Scope) -> str:
        made = correcting.correct(scope, pdf, case_id, form.get("facts_digest", ""), right_of(form))
        memory = (made["memory"] or {}).get("recommendation_id")
        return address("/console/learning", case=case_id, memory=memory)

    try:
        location = once(sent.desk, form, f"correct {case_id}", act)
    except (Unauthenticated, NotFound, Unavailable):
        raise
    except Refusal as refusal:
        with sent.desk.open() as scope:
            return _shown(request, scope, case_id, refusal=refusal, form=form)
    return RedirectResponse(location, 303, HEADERS)


def _learned(
    request: Request, scope: Scope, *, said: str | None = None, link: str = "", refusal: Refusal | None = None
) -> Response:
    found = learning.memories(scope.conn)
    suggested = habits.rows(habits.suggestions(scope.conn))
    return render(
        request,
        "learning.html",
        refusal.status if refusal else 200,
        state=learning.state(scope.conn),
        memories=[{**one, "rules": change.rules(one["reading"])} for one in found],
        suggested=_by_supplier(
            suggested, corrections.supplier_names(scope.conn, [one["supplier_id"] for one in suggested])
        ),
        may_propose="propose_change" in permit.allowed(scope.actor),
        said=said,
        link=link if any(one["recommendation_id"] == link for one in found) else None,
        problem=refusal.detail if refusal else None,
        once=[mark() for _ in found],
    )


@router.get("/learning")
def show_learning(
    request: Request,
    desk: DeskOf,
    case: Annotated[str, Query(pattern=r"^[A-Za-z0-9-]{0,64}$")] = "",
    memory: Annotated[str, Query(pattern=r"^[A-Za-z0-9-]{0,64}$")] = "",
) -> Response:
    with desk.open() as scope:
        return _learned(request, scope, said=_said(scope, case, memory) if case else None, link=memory)


def _by_supplier(rows: list[dict[str, Any]], names: Mapping[str, str]) -> list[dict[str, Any]]:
    """Suggested habits, one entry a supplier: they are proposed together."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["supplier_id"], []).append(row)
    return [
        {"supplier_id": supplier, "name": names.get(supplier), "habits": own, "once": mark()}
        for supplier, own in found.items()
    ]


@router.post("/learning/forget")
def forget(request: Request, sent: SentForm) -> Response:
    """The memory of a supplier is taken back as it came: proposed here, signed by a reviewer."""

    def made(scope: Scope, form: Mapping[str, str]) -> Mapping[str, Any]:
        supplier = form.get("supplier", "")
        without = habits.without if form.get("what") == "habits" else learning.without
        content = without(scope.conn, supplier, None)
        return changes.propose(scope.conn, "memory", supplier, content, form.get("why", ""))

    return _proposed(request, sent, "forget", made)


@router.post("/learning/propose")
def propose(request: Request, sent: SentForm) -> Response:
    """What decisions say of a supplier's bills is proposed as its memory: a reviewer signs it."""

    def made(scope: Scope, form: Mapping[str, str]) -> Mapping[str, Any]:
        return habits.propose(scope.conn, form.get("supplier", ""), why=form.get("why", ""))

    return _proposed(request, sent, "propose", made)


def _proposed(
    request: Request, sent: SentForm, what: str, made: Callable[[Scope, Mapping[str, str]], Mapping[str, Any]]
) -> Response:
    form = sent.fields

    def act(scope: Scope) -> str:
        permit.may_propose_change(scope.actor)
        return f"/console/recommendations/{made(scope, form)['recommendation_id']}"

    try:
        location = once(sent.desk, form, what, act)
    except (Unauthenticated, Unavailable):
        raise
    except Refusal as refusal:
        with sent.desk.open() as scope:
            return _learned(request, scope, refusal=refusal)
    return RedirectResponse(location, 303, HEADERS)


def _said(scope: Scope, case_id: str, memory: str) -> str | None:
    """What was just recorded, as the record has it; None where somebody only wrote the address."""
    try:
        case = cases.get(scope.conn, case_id)
    except NotFound:
        return None
    if case["initiator"] != scope.actor.id:
        return None
    follows = " A memory of the supplier is proposed and waits for a reviewer." if memory else ""
    return f"Corrected: “{case['title']}” has new facts (revision {case['revision']}) and is triaged anew.{follows}"
