"""What this person may say to a recommendation, and what a form said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from api.console import override
from api.console.law import Law, Signing, is_change
from api.console.plain import phrase
from api.schemas import DecisionBody
from governance import gate, permit
from governance.action import Action
from governance.actor import Actor
from governance.decision import Decision, DecisionKind
from governance.errors import (
    CommentRequired,
    EvidenceNotOpened,
    Malformed,
    NotDelegated,
    NotPermitted,
    PayeeChanged,
    PolicyChanged,
    Refusal,
    SegregationOfDuties,
    SignatureRequired,
)
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


_OF_A_CHANGE: Mapping[str, str] = {
    "send_back": "It goes back to its author, who can withdraw it and propose it anew. Say why in the comment.",
    "reject": "Nothing is changed, and the proposal is closed.",
}
"""What is said otherwise of a governed change."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One decision that is open to this person."""

    verb: str
    label: str
    hint: str


@dataclass(frozen=True, slots=True)
class Offers:
    """`notes` say why what one might expect is not offered.

    `signings`: the ways to sign, where it is not simply one's own seat. `unopened`: what policy wants opened before an
    approval. `key`: policy wants a signature, which no page can make.
    """

    decisions: tuple[Offer, ...]
    notes: tuple[str, ...]
    signings: tuple[Signing, ...] = ()
    unopened: tuple[str, ...] = ()
    key: bool = False


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


@dataclass(frozen=True, slots=True)
class _Approval:
    """Whether an approval is offered, how, and what is said."""

    offered: bool
    note: str | None = None
    signings: tuple[Signing, ...] = ()
    unopened: tuple[str, ...] = ()
    key: bool = False


def _approval(recommendation: Mapping[str, Any], standing: gate.Standing, law: Law, now: datetime) -> _Approval:
    signings = law.signings(standing, now)
    if not signings:
        judged = gate.judge_approval(standing, law.me, gate.Asked(standing.digest, signed=True), now)
        if isinstance(judged, gate.Seat | NotPermitted):
            return _Approval(False)
        return _Approval(False, _why_not(judged, recommendation, law.me))
    plain = len(signings) == 1 and not signings[0].acting_for and not signings[0].stands_in_as
    unopened = standing.evidence - standing.opened.get(law.me.id, frozenset())
    return _Approval(
        not standing.signature, None, () if plain else signings, tuple(sorted(unopened)), standing.signature
    )


def offers(recommendation: Mapping[str, Any], standing: gate.Standing, law: Law, now: datetime) -> Offers:
    """Asked only to be polite: the database decides. `recommendation` has the shape of api.shapes."""
    actor, may = law.me, permit.allowed(law.me)
    waiting = standing.state is RecommendationState.AWAITING_REVIEW and now < standing.expires_at
    approval = _approval(recommendation, standing, law, now) if waiting else _Approval(False)
    decides = "decide" in may
    if not decides and "escalate" not in may and not approval.signings:
        return Offers((), ("Your role reads here; it does not decide.",))
    verbs = ["approve"] if approval.offered else []
    notes = [approval.note] if approval.note else []
    change = is_change(recommendation)
    if decides and waiting and actor.id not in standing.excluded:
        verbs += ["reject", "send_back"] if change else ["override", "reject", "send_back"]
    has_controller = any(seat.role == "controller" for seat in standing.seats)
    if waiting and actor.roles & _ESCALATE_ROLES and not has_controller:
        verbs.append("escalate")
    if decides and _withdrawable(recommendation, actor):
        verbs.append("withdraw")
    if standing.state is RecommendationState.SENT_BACK and recommendation["returned_to"] == actor.id:
        if change:
            notes.append("It was sent back to you. A proposed change is not edited: propose it anew instead.")
        else:
            verbs.append("override")
    if not waiting and not verbs:
        notes.append(_closed(recommendation, now))
    said = tuple(_offer(verb, change, approval.unopened) for verb in verbs)
    return Offers(said, tuple(notes), approval.signings, approval.unopened, approval.key)


def _offer(verb: str, change: bool, unopened: Sequence[str]) -> Offer:
    words, hint = _WORDS[verb]
    if change:
        hint = _OF_A_CHANGE.get(verb, hint)
    if verb == "approve" and unopened:
        hint = f"Open the {' and the '.join(unopened)} first. {hint}"
    return Offer(verb, words, hint)


def _why_not(judged: Refusal, recommendation: Mapping[str, Any], actor: Actor) -> str:
    if isinstance(judged, SegregationOfDuties):
        part = "drafted or edited" if recommendation["drafted_by"] == actor.id else "had a hand in"
        return f"You {part} this, so somebody else must decide on it."
    if isinstance(judged, PolicyChanged):
        return (
            "The policy changed since this was proposed. It is asked anew under the new one, usually within a minute."
        )
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
    # Only an approval takes a seat, or is given for somebody.
    seat, _, person = form.get("seat", "").partition("|") if verb == DecisionKind.APPROVE.value else ("", "", "")
    values: dict[str, Any] = {
        "decision": verb,
        "digest": form.get("digest", ""),
        "seat": seat or None,
        "acting_for": person or None,
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


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do about a refusal: words, the parts of the case to open, or a command to run."""

    words: str
    unopened: tuple[str, ...] = ()
    command: str | None = None


def command(recommendation_id: str) -> str:
    """What signs a digest: the key never comes near this service."""
    return f"countersign sign {recommendation_id} --key FILE"


def advice(refusal: Refusal, recommendation_id: str) -> Advice | None:
    """None where the refusal says it all."""
    if isinstance(refusal, EvidenceNotOpened):
        parts = refusal.extensions.get("unopened")
        unopened = tuple(str(part) for part in parts) if isinstance(parts, list) else ("document",)
        if "document" in unopened:
            return Advice("Open it, then record your decision again: what you filled in is still there.", unopened)
        return Advice("You have it open now: read it, then record your decision again.")
    if isinstance(refusal, SignatureRequired):
        return Advice("Sign it where your key is, with this command:", command=command(recommendation_id))
    if isinstance(refusal, PayeeChanged):
        return Advice("Send it back or reject it, and check the new bank details before anything is paid.")
    if isinstance(refusal, PolicyChanged):
        return Advice("It will be asked anew under the policy that holds now, within a minute.")
    if isinstance(refusal, NotDelegated):
        return Advice("Who lends a role to whom, and for what, stands on the page Standing.")
    return None


def confirmation(decision: Mapping[str, Any], recommendation: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """What a decision that was just recorded has brought about."""
    verb, state = decision["decision"], recommendation["state"]
    if verb == "approve":
        person = decision["acting_for"]
        whose = f" for {names.get(person, person)}" if person else ""
        signed = f"You signed as {phrase(decision['seat_role'])}{whose}."
        missing = [seat["role"] for seat in recommendation["required_seats"] if seat["filled_by"] is None]
        if missing:
            return f"{signed} Still to sign: {', '.join(phrase(one) for one in missing)}."
        undo = " You can withdraw until it leaves." if state == "approved" else ""
        return f"{signed} Every seat is filled: it is carried out now.{undo}"
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
