"""What this person may say to a recommendation, and what a form said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from api.console import override
from api.console.plain import phrase
from api.schemas import DecisionBody
from governance import gate, permit
from governance.action import Action
from governance.actor import Actor
from governance.decision import Decision, DecisionKind
from governance.errors import CommentRequired, Malformed, Refusal, SegregationOfDuties
from governance.recommendation import RecommendationState

_WORDS: Mapping[str, tuple[str, str]] = {
    "approve": ("Approve", "Sign exactly this. It takes effect when every seat is filled."),
    "override": ("Change", "Record your own action or letter. Others must sign it, not you."),
    "reject": ("Reject", "Nothing is sent or done, and the case is closed as rejected."),
    "send_back": ("Send back", "It is drafted again. Say in the comment what to change."),
    "escalate": ("Escalate", "Ask for a controller's signature as well."),
    "withdraw": ("Withdraw", "Take back what you said, as long as it has not left."),
}
_ESCALATE_ROLES = frozenset({"analyst", "reviewer", "controller"})


@dataclass(frozen=True, slots=True)
class Offer:
    """One decision that is open to this person."""

    verb: str
    label: str
    hint: str


@dataclass(frozen=True, slots=True)
class Offers:
    """`notes` say why what one might expect is not offered. `seats`: roles to choose from where several fit."""

    decisions: tuple[Offer, ...]
    notes: tuple[str, ...]
    seats: tuple[str, ...] = ()


def _standing(recommendation: Mapping[str, Any]) -> gate.Standing:
    return gate.Standing(
        state=RecommendationState(recommendation["state"]),
        digest=recommendation["digest"],
        expires_at=recommendation["expires_at"],
        seats=[gate.Seat(seat["role"], seat["filled_by"]) for seat in recommendation["required_seats"]],
        excluded=frozenset(recommendation["excluded"]),
    )


def _withdrawable(recommendation: Mapping[str, Any], actor: Actor) -> bool:
    signed = any(
        one["actor"] == actor.id and one["decision"] == "approve" and one["withdrawn_at"] is None
        for one in recommendation["decisions"]
    )
    state, effect = recommendation["state"], recommendation["effect"]
    if state == "approved":
        return signed and effect is not None and effect["state"] == "ready"
    mine = recommendation["drafted_by"] == actor.id
    return state in ("awaiting_review", "sent_back") and (signed or mine)


def offers(recommendation: Mapping[str, Any], actor: Actor, now: datetime) -> Offers:
    """Asked only to be polite: the database decides. `recommendation` has the shape of api.shapes."""
    may = permit.allowed(actor)
    if "decide" not in may and "escalate" not in may:
        return Offers((), ("Your role reads here; it does not decide.",))
    verbs: list[str] = []
    notes: list[str] = []
    seats: tuple[str, ...] = ()
    standing = _standing(recommendation)
    waiting = standing.state is RecommendationState.AWAITING_REVIEW and now < standing.expires_at
    if "decide" in may and waiting:
        judged = gate.judge_approval(standing, actor, gate.Asked(standing.digest), now)
        involved = actor.id in standing.excluded
        if isinstance(judged, gate.Seat):
            verbs.append("approve")
            fitting = [one.role for one in standing.seats if one.filled_by is None and one.role in actor.roles]
            seats = tuple(dict.fromkeys(fitting)) if len(set(fitting)) > 1 else ()
        else:
            notes.append(_why_not(judged, recommendation, actor))
        verbs += [] if involved else ["override", "reject", "send_back"]
    has_controller = any(seat.role == "controller" for seat in standing.seats)
    if waiting and actor.roles & _ESCALATE_ROLES and not has_controller:
        verbs.append("escalate")
    if "decide" in may and _withdrawable(recommendation, actor):
        verbs.append("withdraw")
    if standing.state is RecommendationState.SENT_BACK and recommendation["returned_to"] == actor.id:
        verbs.append("override")
    if not waiting and not verbs:
        notes.append(_closed(recommendation, now))
    return Offers(tuple(Offer(verb, *_WORDS[verb]) for verb in verbs), tuple(notes), seats)


def _why_not(judged: Refusal, recommendation: Mapping[str, Any], actor: Actor) -> str:
    if isinstance(judged, SegregationOfDuties):
        part = "drafted or edited" if recommendation["drafted_by"] == actor.id else "had a hand in"
        return f"You {part} this, so somebody else must decide on it."
    return judged.detail


def _closed(recommendation: Mapping[str, Any], now: datetime) -> str:
    state = recommendation["state"]
    if state == "awaiting_review" and now >= recommendation["expires_at"]:
        return "It has expired: a new recommendation will be made."
    return f"It is {phrase(state)}: there is nothing to decide here."


def asked(recommendation: Mapping[str, Any], form: Mapping[str, str]) -> Decision:
    """The decision that a form asks for. Raises Malformed, CommentRequired, UnknownAction in words for the form."""
    verb = form.get("decision", "")
    if verb not in _WORDS:
        raise Malformed("Choose a decision first.")
    edited = override.edited(recommendation, form)
    changing = verb == DecisionKind.OVERRIDE.value
    if edited.changed and not changing:
        raise Malformed(
            f"You changed the action or the letter, but chose “{_WORDS[verb][0]}”. Choose “Change” to record your "
            "changes, or undo them."
        )
    if changing and not edited.changed:
        raise Malformed("Nothing was changed: edit the action or the letter below, or choose another decision.")
    comment = form.get("comment", "").strip() or None
    if comment is None and verb == DecisionKind.SEND_BACK.value:
        raise CommentRequired("To send it back, say in the comment what to change.")
    if comment is None and form.get("reason_code") == "other":
        raise CommentRequired("For the reason “Other”, say in the comment what it is.")
    if edited.action is not None:
        Action(edited.action["name"], edited.action["args"])
    values: dict[str, Any] = {
        "decision": verb,
        "digest": form.get("digest", ""),
        "seat": form.get("seat") or None,
        "reason_code": form.get("reason_code") or None,
        "comment": comment,
        "action": edited.action,
        "draft": edited.draft,
    }
    try:
        return DecisionBody.model_validate(values).decision_asked()
    except ValidationError as error:
        raise Malformed("; ".join(_mistake(one["loc"], one["msg"]) for one in error.errors()[:3])) from None


def _mistake(place: tuple[int | str, ...], message: str) -> str:
    words = " ".join(phrase(part) for part in place)
    return f"{words}: {message.removeprefix('Value error, ')}"


def confirmation(decision: Mapping[str, Any], recommendation: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """What a decision that was just recorded has brought about."""
    verb, state = decision["decision"], recommendation["state"]
    if verb == "approve":
        missing = [seat["role"] for seat in recommendation["required_seats"] if seat["filled_by"] is None]
        if missing:
            return f"You signed as {decision['seat_role']}. Still to sign: {', '.join(phrase(one) for one in missing)}."
        undo = " You can withdraw until it leaves." if state == "approved" else ""
        return f"You signed as {decision['seat_role']}. Every seat is filled: it is carried out now.{undo}"
    if verb == "send_back":
        back_to = recommendation["returned_to"]
        whom = names.get(back_to, back_to) if back_to else "the agent"
        return f"Sent back to {whom} with your comment."
    return {
        "override": "Your change is recorded. It now waits for the signatures of others.",
        "reject": "Rejected. Nothing will be sent or done.",
        "escalate": "Escalated: a controller must sign as well.",
        "withdraw": "Withdrawn. Your earlier decision no longer counts.",
    }[verb]
