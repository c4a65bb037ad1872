"""Recommendations in the shapes of Agent Inbox (LangGraph's threads API), and its answers as decisions. Pure.

Every recommendation that awaits review is an interrupted thread. Its id carries the digest, so that an answer is bound
to what was read; whoever answers needs their own key, and the answer is a decision like any other. Wire shapes:
https://github.com/langchain-ai/agent-inbox (HumanInterrupt, HumanResponse) and the threads of langgraph-sdk.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.schemas import ActionBody, DraftBody
from governance.decision import Decision, DecisionKind
from governance.errors import Malformed, NotFound

ASSISTANT = "countersign"
NODE = "wait"
SUBJECT, BODY = "letter_subject", "letter_body"
"""Names under which the letter stands among the arguments that a person may edit."""
_THREAD = re.compile(r"([A-Za-z0-9][A-Za-z0-9_:@-]{0,99})\.([0-9a-f]{64})")
IGNORED = (
    "a case is never ignored: somebody has to answer for what becomes of it. Accept, edit, or respond with what to "
    "change; to reject it, POST /v1/recommendations/ID/decisions with a reason"
)


class Loose(BaseModel):
    """Clients send more than is meant here; what is meant is checked strictly."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)


class Search(Loose):
    """What to list. Only interrupted threads exist: what was decided waits for nobody."""

    status: Literal["idle", "busy", "interrupted", "error"] | None = None
    limit: Annotated[int, Field(ge=1, le=500)] = 10
    offset: Annotated[int, Field(ge=0, le=5000)] = 0
    metadata: Annotated[dict[str, Any], Field(max_length=20)] | None = None


class Answer(Loose):
    """A HumanResponse. args: accept: nothing or the request as shown; edit: the request as it shall be; response: words
    for whoever drafts it again."""

    type: Literal["accept", "edit", "response", "ignore"]
    args: dict[str, Any] | Annotated[str, Field(max_length=10_000)] | None = None


class Command(Loose):
    resume: list[Answer] | Answer


class RunBody(Loose):
    """A run that resumes a thread; there are no others."""

    command: Command
    assistant_id: Annotated[str, Field(max_length=200)] = ASSISTANT

    def answer(self) -> Answer:
        """Raises Malformed for several answers at once."""
        given = self.command.resume
        answers = given if isinstance(given, list) else [given]
        if len(answers) != 1:
            raise Malformed("one thread takes one answer: resume with a list of one")
        return answers[0]


def thread_id(recommendation: Mapping[str, Any]) -> str:
    return f"{recommendation['id']}.{str(recommendation['digest']).removeprefix('sha256:')}"


def named(thread: str) -> tuple[str, str]:
    """(recommendation id, digest) of a thread's id. Raises NotFound for what is none."""
    found = _THREAD.fullmatch(thread)
    if found is None:
        raise NotFound("there is no such thread")
    return found[1], f"sha256:{found[2]}"


def interrupt(found: Mapping[str, Any], allowed: Callable[[str], bool]) -> dict[str, Any]:
    """The HumanInterrupt of a recommendation. `allowed`: whether the asker may make such a decision at all."""
    draft = found["draft"]
    args = dict(found["action"]["args"]) | ({SUBJECT: draft["subject"], BODY: draft["body"]} if draft else {})
    return {
        "action_request": {"action": found["action"]["name"], "args": args},
        "config": {
            "allow_ignore": False,
            "allow_respond": allowed("send_back"),
            "allow_edit": found["change"] is None and allowed("override"),
            "allow_accept": allowed("approve"),
        },
        "description": _description(found),
    }


def _description(found: Mapping[str, Any]) -> str:
    facts = found["facts"]
    amount = f"{facts['amount']} {facts['currency']}" if facts["amount"] is not None else "amount unknown"
    lines = [f"**{plain(found['title'])}** ({amount})", "", plain(found["findings"].get("why") or "")]
    if found["draft"]:
        lines += ["", f"The letter goes to {plain(found['draft']['to'])}; nobody can change that here."]
    seats = [f"{one['role']}: {one['filled_by'] or 'open'}" for one in found["required_seats"]]
    lines += ["", f"Seats: {', '.join(seats)}", f"Digest: {found['digest']}", f"Expires: {found['expires_at']}"]
    return "\n".join(lines)


def plain(text: object) -> str:
    """Words of strangers for a reader who renders Markdown: no link, picture or heading, nothing without a shape."""
    shaped = "".join(mark if mark.isprintable() else " " for mark in str(text))
    # A bare address becomes a link by itself: a space keeps it from being one.
    cut = re.sub(r"(?i)(https?|ftp|mailto|www)(?=[:.])", r"\1 ", shaped)
    return re.sub(r"([\\`*_{}\[\]()<>#+!|~&])", r"\\\1", " ".join(cut.split()))


def thread(found: Mapping[str, Any], allowed: Callable[[str], bool]) -> dict[str, Any]:
    """A waiting recommendation as a thread with its one interrupt."""
    shown = interrupt(found, allowed)
    return {
        "thread_id": thread_id(found),
        "created_at": found["created_at"],
        "updated_at": found["created_at"],
        "metadata": {
            "graph_id": ASSISTANT,
            "recommendation_id": found["id"],
            "case_id": found["case_id"],
            "queue": found["queue"],
            "digest": found["digest"],
        },
        "status": "interrupted",
        "config": {},
        "values": {"case_id": found["case_id"]},
        "interrupts": {found["id"]: [_raised(found, shown)]},
    }


def state(found: Mapping[str, Any], allowed: Callable[[str], bool]) -> dict[str, Any]:
    """A ThreadState: with its task while the recommendation awaits review, without one once it is decided."""
    waiting = found["state"] == "awaiting_review"
    shown = _raised(found, interrupt(found, allowed))
    task = {"id": found["id"], "name": NODE, "error": None, "interrupts": [shown], "checkpoint": None, "state": None,
            "result": None}  # fmt: skip
    return {
        "values": {"case_id": found["case_id"], "recommendation": found},
        "next": [NODE] if waiting else [],
        "tasks": [task] if waiting else [],
        "interrupts": [shown] if waiting else [],
        "checkpoint": {"thread_id": thread_id(found), "checkpoint_ns": "", "checkpoint_id": found["digest"]},
        "metadata": {"graph_id": ASSISTANT, "state": found["state"]},
        "created_at": found["created_at"],
        "parent_checkpoint": None,
    }


def _raised(found: Mapping[str, Any], value: Mapping[str, Any]) -> dict[str, Any]:
    # Agent Inbox reads a list of requests, the SDK an interrupt with an id.
    return {"id": found["id"], "value": [value], "when": "during", "resumable": True, "ns": [f"{NODE}:{found['id']}"]}


def run(thread: str, run_id: str, now: datetime, made: Mapping[str, Any]) -> dict[str, Any]:
    """A run that is over: what the decision made stands in its metadata."""
    return {
        "run_id": run_id,
        "thread_id": thread,
        "assistant_id": ASSISTANT,
        "created_at": now,
        "updated_at": now,
        "status": "success",
        "metadata": dict(made),
        "kwargs": {},
        "multitask_strategy": "reject",
    }


def decision_of(answer: Answer, digest: str, found: Mapping[str, Any]) -> Decision:
    """The decision that an answer is, on the digest that the thread's id names.

    Raises Malformed for `ignore` and for what fits no answer, UnknownAction, CommentRequired.
    """
    if answer.type == "ignore":
        raise Malformed(IGNORED)
    if answer.type == "response":
        words = answer.args if isinstance(answer.args, str) else None
        return Decision(DecisionKind.SEND_BACK, digest, comment=words)
    if answer.type == "accept":
        _as_shown(answer, found)
        return Decision(DecisionKind.APPROVE, digest)
    return _edited(answer, digest, found)


def _request(answer: Answer) -> tuple[str, dict[str, Any]]:
    args = answer.args if isinstance(answer.args, dict) else {}
    name, given = args.get("action"), args.get("args")
    if not isinstance(name, str) or not isinstance(given, dict):
        raise Malformed('args must be {"action": NAME, "args": {…}}')
    return name, given


def _as_shown(answer: Answer, found: Mapping[str, Any]) -> None:
    """Who accepts something else than what is there would believe to have approved it."""
    if answer.args in (None, {}):
        return
    shown = interrupt(found, lambda verb: True)["action_request"]
    name, given = _request(answer)
    if (name, given) != (shown["action"], shown["args"]):
        raise Malformed("what was accepted is not what is proposed: send type edit, or accept it as it is shown")


def _edited(answer: Answer, digest: str, found: Mapping[str, Any]) -> Decision:
    """Another action, another wording, or both. To whom a letter goes is not among what can be edited."""
    name, given = _request(answer)
    args = {key: value for key, value in given.items() if key not in (SUBJECT, BODY)}
    draft = found["draft"]
    action = ActionBody.model_validate({"name": name, "args": args}).checked().as_dict()
    changed = {
        key: given[field]
        for key, field in (("subject", SUBJECT), ("body", BODY))
        if draft and field in given and given[field] != draft[key]
    }
    letter = None
    if changed:
        kept = {key: draft[key] for key in DraftBody.model_fields}
        letter = DraftBody.model_validate({**kept, **changed}).model_dump()
    other = action if action != found["action"] else None
    return Decision(DecisionKind.OVERRIDE, digest, action=other, draft=letter)
