"""A facade for Agent Inbox and other clients of LangGraph's threads API: list, look, answer.

The answer is a decision of whose key it is, on the digest that the thread's id names; it goes where all decisions go.
Not in the OpenAPI document: these shapes are LangGraph's (https://langchain-ai.github.io/langgraph/cloud/reference/api),
whose clients know them; what is ours to promise stands under /v1.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from api import deciding, inbox, shapes
from api.auth import Caller, Credentials, Scope, caller_by, caller_of
from api.strict import StrictRoute, answer
from governance import permit
from governance.errors import EvidenceNotOpened, Malformed, NotFound, StaleDigest
from governance.record import review, standing

router = APIRouter(prefix="/inbox", tags=["inbox"], route_class=StrictRoute, include_in_schema=False)

Thread = Annotated[str, Path(max_length=300)]


async def _caller(
    request: Request,
    credentials: Credentials,
    key: Annotated[str | None, Header(alias="X-Api-Key")] = None,
) -> Caller:
    """The same keys as everywhere; LangGraph's clients send them in a header of their own."""
    if credentials is None and key is not None:
        return await caller_by(request, key)
    return await caller_of(request, credentials)


CallerOf = Annotated[Caller, Depends(_caller)]


@router.post("/threads/search")
def search(caller: CallerOf, body: inbox.Search) -> Response:
    """Recommendations that await review, oldest first."""
    with caller.transaction() as scope:
        permit.may_read(scope.actor)
        if body.status not in (None, "interrupted") or not _ours(body.metadata):
            return answer([])
        rows = review.listing(scope.conn, state="awaiting_review", limit=body.offset + body.limit)[body.offset :]
        found = shapes.recommendations(scope.conn, rows)
        return answer([inbox.thread(one, _allowed(scope)) for one in found])


@router.get("/threads/{thread}")
def get_thread(caller: CallerOf, thread: Thread) -> Response:
    """One thread with its interrupt. 404 once it is decided."""
    with caller.transaction() as scope:
        found = _found(scope, thread)
        if found["state"] != "awaiting_review":
            raise NotFound("this recommendation awaits review no longer")
        return answer(inbox.thread(found, _allowed(scope)))


@router.get("/threads/{thread}/state")
def get_state(caller: CallerOf, thread: Thread) -> Response:
    """What a person reads before they answer; that they opened the case is noted."""
    with caller.transaction() as scope:
        found = _found(scope, thread)
        standing.opened(scope.conn, found["case_id"], "case")
        return answer(inbox.state(found, _allowed(scope)))


@router.post("/threads/{thread}/state")
def set_state(caller: CallerOf, thread: Thread) -> Response:
    """Agent Inbox would end a thread so. Refused: nothing ends without a decision."""
    with caller.transaction() as scope:
        _found(scope, thread)
    raise Malformed(inbox.IGNORED)


@router.post("/threads/{thread}/runs")
def resume(caller: CallerOf, thread: Thread, body: inbox.RunBody) -> Response:
    """Answer a thread; the run is over when this returns."""
    made = _decided(caller, thread, body)
    return answer(inbox.run(thread, str(uuid.uuid4()), datetime.now(UTC), made))


@router.post("/threads/{thread}/runs/wait")
def resume_and_wait(caller: CallerOf, thread: Thread, body: inbox.RunBody) -> Response:
    """The same; the answer is what the decision made."""
    return answer(_decided(caller, thread, body))


def _decided(caller: Caller, thread: str, body: inbox.RunBody) -> dict[str, Any]:
    recommendation_id, digest = inbox.named(thread)
    given = body.answer()
    with caller.transaction() as scope:
        found = _found(scope, thread, fresh=False)
    try:
        decision = inbox.decision_of(given, digest, found)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise Malformed(f"what was edited does not fit: {where or 'args'}") from None
    with (
        _saying_where(found["case_id"]),
        deciding.noting(caller.database, caller.key, recommendation_id, decision.kind.value),
        caller.transaction() as scope,
    ):
        made = deciding.decide(scope.conn, scope.actor, recommendation_id, decision)
        current = shapes.one_recommendation(scope.conn, made["recommendation_id"])
    return {
        "decision_id": made["decision_id"],
        "decision": decision.kind.value,
        "state": made["state"],
        "recommendation_id": made["recommendation_id"],
        "thread_id": inbox.thread_id(current),
        "case_state": current["case_state"],
    }


@contextlib.contextmanager
def _saying_where(case_id: str) -> Iterator[None]:
    """What must be opened cannot be opened in an inbox: the refusal says where it can."""
    try:
        yield
    except EvidenceNotOpened as refusal:
        raise EvidenceNotOpened(
            f"{refusal.detail}. Here it cannot be shown: GET /v1/cases/{case_id}/document with your key, or open it in "
            "the console; then answer again",
            **refusal.extensions,
        ) from None


def _found(scope: Scope, thread: str, *, fresh: bool = True) -> dict[str, Any]:
    """Raises NotFound, NotPermitted; StaleDigest where the thread names another digest and `fresh` is asked for."""
    permit.may_read(scope.actor)
    recommendation_id, digest = inbox.named(thread)
    found = shapes.one_recommendation(scope.conn, recommendation_id)
    if fresh and found["digest"] != digest:
        raise StaleDigest(current_digest=found["digest"])
    return found


def _allowed(scope: Scope) -> Any:
    permits = permit.standard_permits()
    return lambda verb: permits.ask(scope.actor, "decide", {"decision": verb}).allowed


def _ours(metadata: dict[str, Any] | None) -> bool:
    """Agent Inbox names the graph or the assistant whose threads it wants."""
    return all((metadata or {}).get(key, inbox.ASSISTANT) == inbox.ASSISTANT for key in ("graph_id", "assistant_id"))
