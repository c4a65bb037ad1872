"""Ledger entries in words, for the timeline of a case."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_WORDS = {
    "genesis": "{actor} founded the tenant",
    "case.received": "{actor} brought in the case",
    "case.revised": "{actor} brought in new facts: revision {revision}",
    "case.corrected": "{actor} corrected what was read ({names}): revision {revision}",
    "case.requeued": "{actor} put the case back in the queue",
    "case.settled": "what the case was opened for is over",
    "case.dead_letter": "triage failed {attempts} times: the case waits for a person",
    "case.sla_breached": "the case is late: it was due {due}",
    "intake.rejected": "{actor} sent something that could not become a case",
    "recommendation.filed": "{actor} recommended an action (draft {draft_number})",
    "case.erased": "{actor} erased the words of the case",
    "case.purged": "{actor} erased the words of the case: the time for which they are kept is over",
    "recommendation.expired": "the recommendation expired before it was decided",
    "recommendation.regated": "the policy changed: it is asked anew under version {policy_version}",
    "recommendation.unstaffed": "nobody can take the open seat now ({roles}): it waits, and nobody is skipped",
    "change.proposed": "{actor} proposed a change: {of}",
    "change.applied": "the change took effect: {of}, {subject}{version}",
    "decision.approve": "{actor} approved as {seat}{acting_for}{stands_in_as}{opened}{signature}{complete}",
    "decision.override": "{actor} changed the recommendation{reason}",
    "decision.reject": "{actor} rejected the recommendation{reason}",
    "decision.send_back": "{actor} sent the recommendation back{reason}",
    "decision.escalate": "{actor} asked for a controller as well{reason}",
    "decision.withdraw": "{actor} withdrew an earlier decision{reason}",
    "decision.refused": "{actor} asked for the decision “{decision}” and was refused{controls}",
    "effect.started": "{actor} began to carry it out ({connector}, attempt {attempt})",
    "effect.sent": "it was carried out",
    "effect.manual": "it waits for a person to carry it out",
    "effect.retry": "it could not be delivered yet: it will be tried again",
    "effect.unknown": "it may or may not have left: a person must look",
    "effect.refused": "the last check refused it{controls}",
    "effect.dead": "delivery was given up: a person must look",
    "effect.confirmed_done": "{actor} confirmed that it was done",
    "effect.confirmed_not_done": "{actor} said that it was not done",
    "effect.confirmed_abandoned": "{actor} gave it up",
    "delegation.made": "{actor} lent the role {role} to {to} from {starts_at} until {ends_at}",
    "delegation.revoked": "{actor} ended the delegation from {from} to {to}",
    "absence.set": "{actor} said that {subject} is away from {starts_at} until {ends_at}",
    "absence.ended": "{actor} said that {subject} is back",
    "control.key_made": "{actor} made the secret by which delayed reminders are drawn; its hash is in this entry",
    "signing_key.revoked": "{actor} revoked a signing key of {whose}",
    "erasure.followed": "{subject} has erased the same words",
    "recovery": "the database's owner took over: {people} became administrators ({why})",
}
_OF = {"fx": "exchange rates", "hold": "a legal hold", "hold_release": "the end of a legal hold"}
_ACTORS = ("from", "to")
_MOMENTS = ("starts_at", "ends_at", "due")
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:.*Z")


class _Known(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return "?"


def _moment(stamp: object) -> str:
    """`2026-11-23T09:40:00.000000Z` as "2026-11-23 09:40 UTC"; anything else as it is."""
    text = str(stamp)
    return f"{text[:10]} {text[11:16]} UTC" if _STAMP.fullmatch(text) else text


def _approval(body: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, str]:
    """How an approval was given; nothing where it was the plain case."""
    acting, stands_in, opened = body.get("acting_for"), body.get("stands_in_as"), _listed(body.get("opened"))
    return {
        "acting_for": f" for {names.get(str(acting), str(acting))}" if acting else "",
        "stands_in_as": f", standing in as {stands_in}" if stands_in else "",
        "opened": f", having opened the {' and the '.join(opened)}" if opened else "",
        "signature": ", with a signature of their own key" if body.get("signature") else "",
        "complete": ", which completes the seats" if body.get("complete") else "",
    }


def _listed(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []


def in_words(entry: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """One sentence for a ledger entry; `names` maps actor ids to names. An unknown kind is given as it is."""
    body: Mapping[str, Any] = entry.get("body") or {}

    def name(actor: object) -> str:
        return names.get(str(actor), str(actor))

    kind, reason, of = str(entry.get("kind")), body.get("reason_code"), str(body.get("of"))
    controls = _listed(body.get("controls"))
    values = _Known(
        {
            "subject": name(entry.get("subject")),
            **body,
            **{key: name(body[key]) for key in _ACTORS if key in body},
            **{key: _moment(body[key]) for key in _MOMENTS if key in body},
            **_approval(body, names),
            "actor": name(entry.get("actor")),
            "whose": name(body.get("actor")),
            "reason": f": {str(reason).replace('_', ' ')}" if reason else "",
            "of": _OF.get(of, of.replace("_", " ")),
            "controls": f" (control {', '.join(controls)})" if controls else "",
            "version": f", version {body['version']}" if body.get("version") else "",
            "roles": ", ".join(_listed(body.get("roles"))),
            "names": ", ".join(one.replace("_", " ") for one in _listed(body.get("names"))),
            "people": ", ".join(name(one) for one in _listed(body.get("people"))),
        }
    )
    return _WORDS.get(kind, kind.replace(".", " ").replace("_", " ")).format_map(values)
