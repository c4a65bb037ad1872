"""A cause of the closed list, what supports it, and what would refute it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agents import facts
from agents.state import View

CAUSES = (
    "missing_order_reference", "supplier_master_mismatch", "approval_bottleneck", "integration_failure",
    "policy_exception", "data_quality", "counterparty", "unknown",
)  # fmt: skip
Fact = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Reason:
    """One cause with its own support. `refuted_by`: observations that would show that it is another one."""

    cause: str
    facts: tuple[Fact, ...]
    refuted_by: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        return {"cause": self.cause, "facts": as_facts(self.facts), "refuted_by": list(self.refuted_by)}


@dataclass(frozen=True, slots=True)
class Cause:
    """`facts`: (what was found, where: case | books | match | ledger | model).

    `sure`: the evidence is about this case's own documents, so that no failing interface and no waiting signature
    explains it away. `refuted_by`: what would refute it here, beside what would refute such a cause anywhere.
    `reasons`: the primary cause first, then the contributing ones, each with its support.
    """

    primary: str
    facts: tuple[Fact, ...] = ()
    contributing: tuple[str, ...] = ()
    sure: bool = False
    refuted_by: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return {
            "primary": self.primary,
            "contributing": list(self.contributing),
            "facts": as_facts(self.facts),
            "reasons": [one.as_dict() for one in self.reasons],
        }


def as_facts(found: tuple[Fact, ...]) -> list[dict[str, str]]:
    return [{"fact": fact, "source": source} for fact, source in found]


def said(view: View, *names: str) -> tuple[Fact, ...]:
    """The case's own evidence, as it came."""
    found = ((name, facts.text(view.details, name)) for name in names)
    return tuple((f"{name.replace('_', ' ')}: {value}", "case") for name, value in found if value)


# Observations, not opinions: each can be looked up, and each would turn the cause.
_REFUTED: Mapping[str, tuple[str, ...]] = {
    "missing_order_reference": (
        "the document names an order that the books hold for this supplier",
        "the supplier's contract needs no order",
    ),
    "supplier_master_mismatch": (
        "the supplier confirms, by the telephone number in the books, that the details on the document are its own "
        "and the master record is brought up to date",
        "the document was read wrongly: the page says what the books say",
    ),
    "approval_bottleneck": (
        "the person has decided already, and the decision was not carried over",
        "the person never received the request",
    ),
    "integration_failure": (
        "the log shows that interface and job ran in full for these days",
        "the record is still missing after they have run again",
    ),
    "policy_exception": (
        "the value lies inside the limit once the figures are corrected",
        "the limit or tolerance in force is another one",
    ),
    "data_quality": (
        "the source document says the same as our record",
        "the entry was made on purpose, and its reason is on record",
    ),
    "counterparty": (
        "an agreement on our side (contract, amended order, signed receipt) covers what the other side did",
        "our own record of what was ordered, received or paid turns out to be wrong",
    ),
    "unknown": (),
}
_REFUTED_HERE: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("price_variance", "counterparty"): ("the buyer agreed to the billed price before the order was billed",),
    ("quantity_variance", "counterparty"): ("a later receipt or a recount brings the quantity up to the billed one",),
    ("missing_receipt", "counterparty"): ("a signed delivery note exists for these goods",),
    ("tax_mismatch", "counterparty"): ("the billed rate is right for this kind of supply and place",),
    ("duplicate_suspect", "data_quality"): ("both invoices are for deliveries of their own, each with a receipt",),
    ("overdue", "counterparty"): ("a payment of this amount stands on the bank account or was applied elsewhere",),
    ("short_payment", "counterparty"): ("the deduction was agreed in a credit note that is not booked yet",),
    ("short_payment", "policy_exception"): ("the discount was within the agreed terms on the day of the payment",),
    ("dispute", "counterparty"): ("the proof of delivery is not signed, or is for other goods",),
    ("credit_limit", "policy_exception"): ("payments that are not applied yet bring the exposure below the limit",),
    ("usage_mismatch", "counterparty"): ("our own feed lacks records for a part of the period",),
    ("share_variance", "data_quality"): ("a signed amendment of the contract holds the applied share",),
}


def refuted_by(cause: str, exception_type: str) -> tuple[str, ...]:
    """What would show that it is another cause: of this type first, then of the cause in general."""
    return (*_REFUTED_HERE.get((exception_type, cause), ()), *_REFUTED[cause])
