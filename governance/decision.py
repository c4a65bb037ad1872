"""What a person may say to a recommendation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from governance.chain import canonical
from governance.errors import CommentRequired, Malformed

APPROVAL_TAG = "countersign/approval/v1\n"


class DecisionKind(StrEnum):
    APPROVE = "approve"
    OVERRIDE = "override"
    REJECT = "reject"
    SEND_BACK = "send_back"
    ESCALATE = "escalate"
    WITHDRAW = "withdraw"


REASON_CODES = (
    "wrong_data", "wrong_classification", "wrong_match", "wrong_action", "business_exception", "other",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision as it was asked for: checked here for form only, judged by the database."""

    kind: DecisionKind
    digest: str
    seat: str | None = None
    acting_for: str | None = None
    reason_code: str | None = None
    comment: str | None = None
    action: Mapping[str, Any] | None = None
    draft: Mapping[str, Any] | None = None
    signature: str | None = None

    def __post_init__(self) -> None:
        if self.reason_code is not None and self.reason_code not in REASON_CODES:
            raise Malformed(f"reason_code must be one of {', '.join(REASON_CODES)}")
        if self.reason_code == "other" and not (self.comment or "").strip():
            raise CommentRequired("reason_code other needs a comment that says the reason")
        if self.kind is DecisionKind.SEND_BACK and not (self.comment or "").strip():
            raise CommentRequired("send_back needs a comment that says what to change")
        if self.kind is DecisionKind.OVERRIDE and self.action is None and self.draft is None:
            raise Malformed("override needs an action, a draft, or both")
        if self.kind is not DecisionKind.OVERRIDE and (self.action is not None or self.draft is not None):
            raise Malformed("only an override may carry an action or a draft")


def signed_statement(tenant: str, recommendation_id: str, digest: str) -> bytes:
    """The bytes that a signer of an approval signs (governance/signature.py): tag, then canonical JSON of what is
    approved. `digest`: `sha256:` and 64 hex digits, of the recommendation."""
    said = {"digest": digest, "recommendation": recommendation_id, "tenant": tenant, "decision": "approve"}
    return (APPROVAL_TAG + canonical(said)).encode()
