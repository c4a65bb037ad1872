"""What comes in over HTTP, strictly: unknown keys, wrong types and texts too long are refused."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, Tag

from governance.action import Action
from governance.case import DOCUMENT_CLASSES
from governance.decision import REASON_CODES, Decision, DecisionKind
from governance.errors import UnknownAction

QueueName = Literal[
    "accounts_payable", "order_to_cash", "record_to_report", "customer_onboarding", "partner_settlement"
]
ListedQueue = Literal[
    "accounts_payable", "order_to_cash", "record_to_report", "customer_onboarding", "partner_settlement", "governance"
]
"""Queues as a list names them: governed changes are cases of a queue of their own, which nobody sends cases to."""
CaseStateName = Literal[
    "received", "queued", "triaging", "awaiting_review", "approved", "delivering", "awaiting_reconciliation", "done",
    "rejected", "superseded", "dead_letter",
]  # fmt: skip
RecommendationStateName = Literal[
    "awaiting_review", "approved", "executed", "rejected", "sent_back", "overridden", "expired", "superseded",
    "withdrawn",
]  # fmt: skip
IntakeStatus = Literal["accepted", "already_known", "rejected"]
DecisionName = Literal["approve", "override", "reject", "send_back", "escalate", "withdraw"]

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _one_line(value: str) -> str:
    if _CONTROL.search(value):
        raise ValueError("must be one line without control characters")
    return value


def _iso_date(value: str) -> str:
    if not _ISO_DATE.fullmatch(value):
        raise ValueError("must be a date as YYYY-MM-DD")
    date.fromisoformat(value)
    return value


def _aware(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("must say its offset, such as 2026-12-24T08:00:00Z")
    return value


class Strict(BaseModel):
    """Nothing is coerced, nothing unknown is let through, nothing changes afterwards."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


Line = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_one_line)]
Title = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_one_line)]
Prose = Annotated[str, Field(min_length=1, max_length=10_000)]
IsoDate = Annotated[str, AfterValidator(_iso_date)]
Amount = Annotated[int | Annotated[str, Field(pattern=r"^-?[0-9]{1,15}(\.[0-9]{1,4})?$")], Field()]
Money = Annotated[str, Field(pattern=r"^-?[0-9]{1,15}(\.[0-9]{1,4})?$")]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


class ActionBody(Strict):
    """An action of the catalogue with its arguments."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    args: Annotated[dict[str, Annotated[str, Field(max_length=2000)]], Field(max_length=20)] = {}

    def checked(self) -> Action:
        """The action of the catalogue. Raises UnknownAction.

        Dates must be YYYY-MM-DD: Python also reads week dates, which Postgres does not.
        """
        action = Action(self.name, self.args)
        for name, kind in {**action.spec.required, **action.spec.optional}.items():
            if kind == "date" and name in self.args and not _ISO_DATE.fullmatch(self.args[name]):
                raise UnknownAction(f"argument {name} must be a date as YYYY-MM-DD")
        return action


class DraftBody(Strict):
    """A letter. `to` must be the address that the books hold for the party."""

    to: Line
    subject: Title
    body: Annotated[str, Field(min_length=1, max_length=50_000)]
    language: Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35)]


class DecisionBody(Strict):
    """Only decision and digest are required; the seat is inferred where one fits."""

    decision: DecisionName
    digest: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
    seat: Line | None = None
    acting_for: Line | None = None
    reason_code: Annotated[Line | None, Field(json_schema_extra={"enum": [*REASON_CODES, None]})] = None
    comment: Prose | None = None
    action: ActionBody | None = None
    draft: DraftBody | None = None
    signature: Annotated[str, Field(max_length=10_000)] | None = None

    def decision_asked(self) -> Decision:
        """Raises Malformed or CommentRequired where the parts do not fit each other, UnknownAction."""
        return Decision(
            kind=DecisionKind(self.decision),
            digest=self.digest,
            seat=self.seat,
            acting_for=self.acting_for,
            reason_code=self.reason_code,
            comment=self.comment,
            action=self.action.checked().as_dict() if self.action else None,
            draft=self.draft.model_dump() if self.draft else None,
            signature=self.signature,
        )


class CaseRowBody(Strict):
    """One case as an ERP states it. Amounts are decimal strings in `currency`, dates ISO."""

    queue: QueueName
    exception_type: Line
    source_key: Line | None = None
    title: Title | None = None
    entity: Line | None = None
    region: Line | None = None
    amount: Amount | None = None
    currency: Currency | None = None
    supplier_id: Line | None = None
    customer_id: Line | None = None
    invoice_number: Line | None = None
    purchase_order: Line | None = None
    iban: Line | None = None
    issue_date: IsoDate | None = None
    due_date: IsoDate | None = None
    document_class: Annotated[Line | None, Field(json_schema_extra={"enum": [*DOCUMENT_CLASSES, None]})] = None
    details: dict[str, Any] = {}


MOST_ROWS = 500
CaseRows = Annotated[
    Annotated[CaseRowBody, Tag("row")]
    | Annotated[list[CaseRowBody], Field(min_length=1, max_length=MOST_ROWS), Tag("rows")],
    Discriminator(lambda value: "rows" if isinstance(value, list) else "row"),
]


class ConfirmBody(Strict):
    """What became of a manual task, or of an effect that may or may not have happened."""

    outcome: Literal["done", "not_done", "abandoned"]
    note: Prose | None = None


class BulkItem(Strict):
    """One approval of a bulk: the recommendation and the digest of it that was read."""

    recommendation_id: Line
    digest: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]


class BulkBody(Strict):
    """Approvals in bulk. Policy says of each whether it may be given so."""

    items: Annotated[list[BulkItem], Field(min_length=1, max_length=100)]
    comment: Prose | None = None


class ChangeBody(Strict):
    """A governed change: what it is about, what shall hold, and why. Numbers are whole, or strings."""

    kind: Line
    subject: Line
    content: dict[str, Any]
    why: Prose


Moment = Annotated[datetime, Field(strict=False), AfterValidator(_aware)]


class DelegationBody(Strict):
    """A role of one's own, lent to another person for a while. `amount_below` in the policy's currency."""

    to: Line
    role: Literal["analyst", "reviewer", "controller", "administrator"]
    starts_at: Moment
    ends_at: Moment
    queues: Annotated[list[Line], Field(min_length=1, max_length=50)] = ["*"]
    entities: Annotated[list[Line], Field(min_length=1, max_length=500)] = ["*"]
    amount_below: Annotated[str, Field(pattern=r"^[0-9]{1,15}(\.[0-9]{1,4})?$")] | None = None


class AbsenceBody(Strict):
    """When somebody is away; oneself where `actor` is left out."""

    actor: Line | None = None
    starts_at: Moment
    ends_at: Moment


class CorrectedBody(Strict):
    """Class and fields as they are right. Dates ISO, money decimal strings."""

    document_class: Annotated[Line, Field(json_schema_extra={"enum": list(DOCUMENT_CLASSES)})] | None = None
    supplier_id: Line | None = None
    supplier: Line | None = None
    supplier_vat_id: Line | None = None
    invoice_number: Line | None = None
    issue_date: IsoDate | None = None
    due_date: IsoDate | None = None
    currency: Currency | None = None
    total_amount: Money | None = None
    amount_due: Money | None = None
    iban: Line | None = None
    purchase_order: Line | None = None


class CorrectionBody(Strict):
    """What a document says: `right` names what was read wrong. null: the document does not say it.

    `facts_digest` is that of the case's facts as they were read. `supplier_id` names a supplier of the books.
    """

    facts_digest: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
    corrected: Annotated[CorrectedBody, Field(description="Only what was read wrong.")]

    def right(self) -> dict[str, str | None]:
        """Only what was said, null included."""
        return {name: getattr(self.corrected, name) for name in self.corrected.model_fields_set}
