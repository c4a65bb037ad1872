"""The closed catalogue of actions that may ever be proposed.

There is no action that changes bank details. The database holds the same catalogue
(governance/record/schema/functions_catalogue.sql); a test holds the two together.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from governance.case import parse_currency
from governance.errors import Malformed, UnknownAction

MAIL, TASK, TIMER, CHANGE = "mail", "task", "timer", "change"
"""Effects: a letter; a task that a person confirms as done (or a connector carries out); a wake-up; a governed change,
which the record itself applies."""


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """One kind of action.

    `risk_class`: 0 informs, 1 writes to a counterparty, 2 holds or marks (reversible), 3 moves money or
    credit. `required` and `optional` map argument name to type: text, id, date, amount, currency, or a
    choice `a|b|c`.
    """

    name: str
    effect: str
    risk_class: int
    required: Mapping[str, str]
    optional: Mapping[str, str]


def _spec(name: str, effect: str, risk: int, required: str, optional: str = "") -> ActionSpec:
    def pairs(text: str) -> dict[str, str]:
        return dict(item.split(":", 1) for item in text.split())

    return ActionSpec(name, effect, risk, pairs(required), pairs(optional))


_SPECS = (
    _spec("refer_to_person", TASK, 0, "reason:text"),
    _spec("request_purchase_order", MAIL, 1, "supplier_id:id invoice_number:text"),
    _spec("request_credit_note", MAIL, 1, "supplier_id:id invoice_number:text", "amount:amount currency:currency"),
    _spec("request_missing_document", MAIL, 1, "document:text", "supplier_id:id customer_id:id"),
    _spec("send_supplier_email", MAIL, 1, "supplier_id:id topic:text"),
    _spec("send_customer_reminder", MAIL, 1, "customer_id:id tone:friendly|firm|final", "invoice_number:text"),
    _spec("schedule_call", TASK, 0, "topic:text", "supplier_id:id customer_id:id"),
    _spec("wait_until", TIMER, 0, "date:date reason:text"),
    _spec("open_dispute", TASK, 2, "reason:text", "supplier_id:id customer_id:id invoice_number:text"),
    _spec("route_for_approval", TASK, 0, "role:text reason:text"),
    _spec("mark_duplicate", TASK, 2, "invoice_id:id duplicate_of:id"),
    _spec("undo_duplicate", TASK, 2, "invoice_id:id"),
    _spec("hold_payment", TASK, 2, "invoice_id:id reason:text"),
    _spec("release_payment_hold", TASK, 3, "invoice_id:id reason:text"),
    _spec("release_payment", TASK, 3, "invoice_id:id", "amount:amount currency:currency supplier_id:id"),
    _spec("place_credit_hold", TASK, 3, "customer_id:id reason:text"),
    _spec("release_credit_hold", TASK, 3, "customer_id:id reason:text"),
    _spec("release_order", TASK, 3, "order_id:id reason:text"),
    _spec("escalate_to_collections", TASK, 2, "customer_id:id reason:text"),
    _spec("escalate_credit_review", TASK, 2, "customer_id:id reason:text"),
    _spec("escalate_close_task", TASK, 0, "task:text reason:text"),
    _spec("propose_match", TASK, 2, "left:id right:id"),
    _spec("hold_payout", TASK, 2, "partner_id:id reason:text"),
    _spec("approve_payout", TASK, 3, "partner_id:id", "amount:amount currency:currency"),
    _spec("verify_bank_details_by_callback", TASK, 1, "supplier_id:id reason:text"),
)

_CHANGES = {
    "change_policy": 3, "change_roles": 3, "register_signing_key": 3, "change_fx": 3, "change_retention": 3,
    "change_connector": 3, "change_identity": 3, "erase_personal_data": 3, "release_legal_hold": 3, "promote_model": 2,
    "change_threshold": 2, "change_tolerance": 2, "change_prompt": 2, "change_template": 2, "change_mapping": 2,
    "change_calendar": 2, "retrain_model": 2, "change_memory": 1, "place_legal_hold": 1,
}  # fmt: skip
"""Governed changes and their risk class. People propose them; an agent never does."""

CATALOGUE: Mapping[str, ActionSpec] = {
    spec.name: spec
    for spec in (*_SPECS, *(_spec(name, CHANGE, risk, "subject:id change:text") for name, risk in _CHANGES.items()))
}

_ID = re.compile(r"[^\x00-\x1f\x7f]{1,200}")


def _check(name: str, kind: str, value: object) -> None:
    if not isinstance(value, str):
        raise UnknownAction(f"argument {name} must be a string")
    if kind == "text" and not (1 <= len(value) <= 2000 and "\x00" not in value):
        raise UnknownAction(f"argument {name} must have 1 to 2000 characters and no NUL")
    if kind == "id" and not _ID.fullmatch(value):
        raise UnknownAction(f"argument {name} must be an identifier of 1 to 200 characters")
    if kind == "date":
        try:
            # Python also reads week dates; Postgres and people do not.
            good = date.fromisoformat(value).isoformat() == value
        except ValueError:
            good = False
        if not good:
            raise UnknownAction(f"argument {name} must be a date, YYYY-MM-DD")
    if kind == "amount" and not re.fullmatch(r"-?[0-9]{1,15}(\.[0-9]{1,3})?", value):
        raise UnknownAction(f"argument {name} must be a decimal string")
    if kind == "currency":
        try:
            parse_currency(value)
        except Malformed as error:
            raise UnknownAction(f"argument {name}: {error.detail}") from None
    if "|" in kind and value not in kind.split("|"):
        raise UnknownAction(f"argument {name} must be one of {kind.replace('|', ', ')}")


@dataclass(frozen=True, slots=True)
class Action:
    """One action with its typed arguments. Raises UnknownAction where it is not in the catalogue."""

    name: str
    args: Mapping[str, str]

    def __post_init__(self) -> None:
        spec = CATALOGUE.get(self.name)
        if spec is None:
            raise UnknownAction(f"{self.name!r} is not in the catalogue of actions")
        allowed = {**spec.required, **spec.optional}
        if missing := [name for name in spec.required if name not in self.args]:
            raise UnknownAction(f"{self.name} needs {', '.join(missing)}")
        if unknown := [name for name in self.args if name not in allowed]:
            raise UnknownAction(f"{self.name} knows no argument {', '.join(map(repr, unknown))}")
        for name, value in self.args.items():
            _check(name, allowed[name], value)

    @property
    def spec(self) -> ActionSpec:
        return CATALOGUE[self.name]

    def as_dict(self) -> dict[str, Any]:
        return {"name": self.name, "args": dict(self.args)}
