"""Ledger entries in words, for the timeline of a case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_WORDS = {
    "genesis": "{actor} founded the tenant",
    "case.received": "{actor} brought in the case",
    "case.revised": "{actor} brought in new facts: revision {revision}",
    "case.requeued": "{actor} put the case back in the queue",
    "case.dead_letter": "triage failed {attempts} times: the case waits for a person",
    "case.sla_breached": "the case is late: it was due {due}",
    "intake.rejected": "{actor} sent something that could not become a case",
    "recommendation.filed": "{actor} recommended an action (draft {draft_number})",
    "recommendation.expired": "the recommendation expired before it was decided",
    "decision.approve": "{actor} approved as {seat}{complete}",
    "decision.override": "{actor} changed the recommendation{reason}",
    "decision.reject": "{actor} rejected the recommendation{reason}",
    "decision.send_back": "{actor} sent the recommendation back{reason}",
    "decision.escalate": "{actor} asked for a controller as well{reason}",
    "decision.withdraw": "{actor} withdrew an earlier decision{reason}",
    "effect.started": "{actor} began to carry it out ({connector}, attempt {attempt})",
    "effect.sent": "it was carried out",
    "effect.manual": "it waits for a person to carry it out",
    "effect.retry": "it could not be delivered yet: it will be tried again",
    "effect.unknown": "it may or may not have left: a person must look",
    "effect.refused": "the last check refused it",
    "effect.dead": "delivery was given up: a person must look",
    "effect.confirmed_done": "{actor} confirmed that it was done",
    "effect.confirmed_not_done": "{actor} said that it was not done",
    "effect.confirmed_abandoned": "{actor} gave it up",
}


class _Known(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return "?"


def in_words(entry: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """One sentence for a ledger entry; `names` maps actor ids to names. An unknown kind is given as it is."""
    body: Mapping[str, Any] = entry.get("body") or {}
    reason = body.get("reason_code")
    values = _Known(
        {
            **body,
            "actor": names.get(str(entry.get("actor")), str(entry.get("actor"))),
            "reason": f": {str(reason).replace('_', ' ')}" if reason else "",
            "complete": ", which completes the seats" if body.get("complete") else "",
        }
    )
    kind = str(entry.get("kind"))
    return _WORDS.get(kind, kind.replace(".", " ").replace("_", " ")).format_map(values)
