"""Node 4: one action with typed arguments, out of those that policy allows here; else a person. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from agents import collections, control, payables, plan, recommend_causes, workflows
from agents.ceiling import above
from agents.confidence import support
from agents.diagnose import contested, foreign_account
from agents.notes import read_notes
from agents.option import Option, matched_supplier, refer
from agents.recall import leaning
from agents.state import View
from governance.action import CATALOGUE, Action
from governance.case import Party
from governance.errors import UnknownAction

_LONGEST, _NAMED = 500, 3
_QUIET = frozenset({"refer_to_person", "schedule_call", "wait_until", "route_for_approval", "escalate_close_task"})


def recipient(view: View, args: Any) -> Party | None:
    """Whom a letter with these arguments goes to: the party that they name, as the books know it."""
    if "customer_id" in args:
        return view.brief.customer
    if "supplier_id" in args:
        return view.brief.supplier
    return view.brief.supplier or view.brief.customer


def obstacle(view: View, option: Option) -> str | None:
    """Why this option cannot be proposed here, in words; None where it can."""
    found = _obstacle(view, option)
    if found is None and view.mode == "observe" and option.name != "refer_to_person":
        return "this queue is only observed: people decide as before"
    return found


def _obstacle(view: View, option: Option) -> str | None:
    if option.name not in view.brief.allowed_actions:
        return "policy does not allow it for this kind of case"
    if too_far := above(view, option.name):
        return too_far
    if missing := [name for name, value in option.args.items() if not value]:
        return f"the record does not say: {', '.join(name.replace('_', ' ') for name in missing)}"
    try:
        Action(option.name, {name: value for name, value in option.args.items() if value})
    except UnknownAction as error:
        return error.detail
    facts = view.brief.facts
    if "partner_id" in option.args and option.args["partner_id"] != (facts.supplier_id or facts.customer_id):
        return "the partner is not the party of this case"
    if CATALOGUE[option.name].effect == "mail":
        party = recipient(view, option.args)
        if party is None or not party.email:
            return "the books hold no e-mail address of this party"
    return None


def _contested(view: View) -> Iterator[Option]:
    """What the document says in two ways, or a name that only looks right: nobody acts on it before a person looked."""
    if words := contested(view):
        yield refer(f"a person must look at the document first: {'; '.join(words)}"[:_LONGEST])


def _unsure(view: View) -> Iterator[Option]:
    """Reasons to leave the case to a person whatever the rules say."""
    if view.kind.get("abstained"):
        yield refer("it is not certain what kind of document this is")
    if not view.kind.get("party_known"):
        party = view.kind.get("party")
        yield refer(_who(view) or f"the {party} is not in the books: a person must say who it is")


def _who(view: View) -> str | None:
    """Which suppliers of the books it could be; None where there is none that is near."""
    match = matched_supplier(view)
    candidates = match.get("candidates")
    if match.get("outcome") != "probable" or not isinstance(candidates, list | tuple):
        return None
    said = [f"{one['supplier']} ({one['supplier_id']}: {one['reason']})" for one in candidates[:_NAMED]]
    return f"the supplier is not certain, a person must say who it is: it could be {'; or '.join(said)}"[:_LONGEST]


def _options(view: View) -> list[Option]:
    last = refer("no rule fits this case: a person should look")
    if foreign_account(view):
        return [*payables.options(view), last]
    # A document that is only passed on needs no party; everything that addresses one does.
    free = view.kind.get("exception_type") == "document_received" and not view.kind.get("abstained")
    found = [*_contested(view), *([] if free else _unsure(view))]
    return [*found, *recommend_causes.options(view), *_ruled(view), last]


def _ruled(view: View) -> Iterator[Option]:
    """What policy's data says of the type, where it says anything; else the agent's own rules. A likely duplicate comes
    before both."""
    payable = view.brief.facts.queue == "accounts_payable"
    if view.brief.plan.steps and not (payable and view.twin is not None):
        return plan.options(view)
    return payables.options(view) if payable else workflows.options(view)


def _preferred(view: View, possible: list[Option]) -> tuple[Option, str | None]:
    """The first possible option, unless a reviewer asked for another or people did otherwise in such cases."""
    wanted = read_notes(view.notes).action
    for option in possible:
        if option.name == wanted:
            return option, "a reviewer asked for it"
    first = possible[0]
    action, support, share = leaning(view.precedents)
    # However people decided before: an account that is not the supplier's is asked about each time.
    settled = view.mode == "ai" and support >= 3 and share >= 0.8 and not foreign_account(view)
    if settled and action != first.name and first.name != "refer_to_person":
        for option in possible:
            if option.name == action:
                return option, f"people did this in {support} similar cases"
    return first, None


def _risk(view: View, chosen: Option) -> str:
    """high: money may go astray. low: nothing leaves and nothing is written. A person decides either way."""
    amount = view.brief.facts.amount
    spends = CATALOGUE[chosen.name].risk_class >= 3
    if foreign_account(view) or view.suspected or (spends and amount is None):
        return "high"
    if "supplier_master_mismatch" in (view.cause.get("primary"), *view.cause.get("contributing", ())):
        return "high"
    return "low" if chosen.name in _QUIET else "normal"


def choice_of(view: View) -> dict[str, Any]:
    """{action, topic, extra, why, risk, confidence, support, alternatives, collections, would?}; the action is always
    an allowed one. `would`: in a queue that is only observed, the action that rules would have proposed.

    Confidence is calibrated on what people decided about this action before, null where that is too little.
    `support`: {action, score}, what it is calibrated by; the score means nothing by itself.
    """
    options = _options(view)
    would = {}
    if view.mode == "observe":
        # What rules would propose is kept for the baseline; nobody decides on it.
        would = {"would": next(option.name for option in options if _obstacle(view, option) is None)}
        options.insert(0, refer("this queue is only observed: a person decides as before"))
    reasons = [obstacle(view, option) for option in options]
    possible = [option for option, reason in zip(options, reasons, strict=True) if reason is None]
    chosen, because = _preferred(view, possible)
    # Last, so that the lot is drawn among the reminders that would have gone out.
    chosen, lot = control.drawn(view, chosen)
    alternatives: dict[str, dict[str, Any]] = {}
    for option, reason in zip(options, reasons, strict=True):
        if option.name != chosen.name and option.name not in alternatives:
            alternatives[option.name] = {"action": option.name, "reason": option.why, "obstacle": reason}
    alternatives.setdefault(
        "refer_to_person", {"action": "refer_to_person", "reason": "a person may know more", "obstacle": None}
    )
    alternatives.pop(chosen.name, None)
    score = support(view, chosen.name, possible.index(chosen) if chosen in possible else 1)
    return {
        "action": {"name": chosen.name, "args": dict(chosen.args)},
        "topic": chosen.topic,
        "extra": dict(chosen.extra),
        "why": chosen.why if because is None else f"{chosen.why} ({because})",
        "risk": _risk(view, chosen),
        "confidence": view.calibration.confidence(chosen.name, score),
        "support": {"action": chosen.name, "score": str(score)},
        "alternatives": list(alternatives.values()),
        "collections": collections.finding(view, chosen, lot),
        **would,
    }
