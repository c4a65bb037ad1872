"""What an agent may file: a proposal; and the digest that binds what people sign.

The database composes the envelope itself (functions_review.sql); `digest_of` is its pure twin.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from governance.action import Action
from governance.chain import canonical, sha256_hex
from governance.errors import Malformed

DIGEST_TAG = "countersign/recommendation/v1\n"
RECIPIENT_TAG = "countersign/recipient/v1\n"
LEAVES = ("draft", "evidence", "findings")
RISKS = ("low", "normal", "high")


class RecommendationState(StrEnum):
    AWAITING_REVIEW = "awaiting_review"
    APPROVED = "approved"
    EXECUTED = "executed"
    REJECTED = "rejected"
    SENT_BACK = "sent_back"
    OVERRIDDEN = "overridden"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Draft:
    """A letter. `to` is an address of the master data, never of a document."""

    to: str
    subject: str
    body: str
    language: str

    def as_dict(self) -> dict[str, str]:
        return {"to": self.to, "subject": self.subject, "body": self.body, "language": self.language}


@dataclass(frozen=True, slots=True)
class Proposal:
    """One recommendation as an agent files it.

    What the law judges (amount, currency, payee, entity, region, initiator) is not in here: the
    database takes it from the case revision. `facts_digest` says which facts the agent saw; where they
    are not the case's own, filing is refused. `risk` may raise the seats, never lower them.
    """

    action: Action
    facts_digest: str
    draft: Draft | None
    findings: Mapping[str, Any]
    evidence: Mapping[str, Any]
    stamps: Mapping[str, str] = field(default_factory=dict)
    thresholds: Mapping[str, str] = field(default_factory=dict)
    risk: str = "normal"
    confidence: float | None = None

    def __post_init__(self) -> None:
        if self.risk not in RISKS:
            raise Malformed(f"risk must be one of {', '.join(RISKS)}")
        if (self.action.spec.effect == "mail") != (self.draft is not None):
            raise Malformed("a letter action needs a draft, and no other action may carry one")

    def leaf_texts(self) -> dict[str, str]:
        """Canonical text per leaf; the draft leaf is `null` where there is no letter."""
        return {
            "draft": canonical(self.draft.as_dict() if self.draft else None),
            "evidence": canonical(dict(self.evidence)),
            "findings": canonical(dict(self.findings)),
        }


def digest_of(envelope: Mapping[str, Any]) -> str:
    """SHA-256 over the format tag and the canonical envelope, which carries the hashes of the leaves."""
    return "sha256:" + sha256_hex(DIGEST_TAG + canonical(envelope))


def recipient_of(salt: str, address: str) -> str:
    """How an envelope names whom its letter goes to. `salt`: that of the draft leaf.

    An envelope cannot be erased, so it does not carry the address. Once the letter is erased, and its salt with it,
    nobody can try addresses until one fits.
    """
    return "sha256:" + sha256_hex(f"{RECIPIENT_TAG}{salt}\n{address}")


def is_recipient(named: object, salt: str, address: str | None) -> bool:
    """Whether a letter to `address` is the one that an envelope names. `address` None: there is no letter.

    Envelopes that were made before recipients were hashed name the address itself.
    """
    if address is not None and isinstance(named, str) and named.startswith("sha256:"):
        return named == recipient_of(salt, address)
    return named == address
