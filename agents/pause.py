"""What a paused thread shows to the world, and the one answer that it takes.

The value has the keys of LangChain's human-in-the-loop middleware (action_requests, review_configs) beside those of
Agent Inbox (action_request, config, description), so that either can list a waiting thread. Neither decides: people
decide through the gate, and the answer only names the decision that the record already holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypedDict


class InboxRequest(TypedDict):
    action: str
    args: dict[str, Any]


class InboxConfig(TypedDict):
    allow_ignore: bool
    allow_respond: bool
    allow_edit: bool
    allow_accept: bool


class ActionRequest(TypedDict):
    name: str
    args: dict[str, Any]
    description: str


class ReviewConfig(TypedDict):
    action_name: str
    allowed_decisions: list[str]


class Pause(TypedDict):
    """The value of the interrupt: plain JSON."""

    action_request: InboxRequest
    config: InboxConfig
    description: str
    action_requests: list[ActionRequest]
    review_configs: list[ReviewConfig]
    recommendation_id: str
    digest: str


@dataclass(frozen=True, slots=True)
class Resume:
    """The answer: which recorded decision woke the thread. Anything else is refused and not stored."""

    recommendation_id: str
    decision_id: str


def pause_of(choice: Mapping[str, Any], filed: Mapping[str, Any]) -> Pause:
    name, args = choice["action"]["name"], dict(choice["action"]["args"])
    description = f"{choice['why']} — decide on recommendation {filed['recommendation_id']}"
    return {
        "action_request": {"action": name, "args": args},
        "config": {"allow_ignore": False, "allow_respond": True, "allow_edit": True, "allow_accept": True},
        "description": description,
        "action_requests": [{"name": name, "args": args, "description": description}],
        "review_configs": [{"action_name": name, "allowed_decisions": ["approve", "edit", "reject"]}],
        "recommendation_id": filed["recommendation_id"],
        "digest": filed["digest"],
    }
