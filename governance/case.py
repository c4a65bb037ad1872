"""A case and what stands in it: documents, readings, parties, money, and one state machine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from governance.errors import (
    AmountInvalid,
    AmountTooFine,
    AmountTooLarge,
    CurrencyUnknown,
    IllegalState,
    Malformed,
)

DOCUMENT_CLASSES = (
    "invoice", "credit_note", "purchase_order", "order_response", "delivery_note", "statement_of_account",
    "remittance_advice", "payment_reminder", "dispute", "contract", "bank_statement", "receipt", "tax_form",
    "other",
)  # fmt: skip

FIELD_NAMES = (
    "supplier", "supplier_vat_id", "invoice_number", "issue_date", "due_date", "currency", "total_amount",
    "amount_due", "iban", "purchase_order",
)  # fmt: skip

QUEUES = ("accounts_payable", "order_to_cash", "record_to_report", "customer_onboarding", "partner_settlement")

# Minor units by ISO 4217; a currency that is not listed here has two.
_MINOR_UNITS = {
    "BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0, "RWF": 0, "UGX": 0,
    "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0, "BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3,
    "TND": 3,
}  # fmt: skip
_LIMIT = Decimal(10) ** 15
_DECIMAL = re.compile(r"[+-]?[0-9]{1,40}(\.[0-9]{1,40})?")


def minor_units(currency: str) -> int:
    """Decimal places of an ISO 4217 currency."""
    return _MINOR_UNITS.get(currency, 2)


def parse_amount(text: object, currency: str) -> Decimal:
    """An exact amount from a decimal string. Units: the currency's major unit.

    Raises AmountInvalid for NaN, infinities and digits that are not ASCII, AmountTooFine for more decimals than the
    currency has, AmountTooLarge for a magnitude of 10**15 and more.
    """
    if isinstance(text, bool) or not isinstance(text, str | int | Decimal):
        raise AmountInvalid(f"an amount must be a decimal string, not {type(text).__name__}")
    raw = format(text, "f") if isinstance(text, Decimal) else str(text).strip()
    if not _DECIMAL.fullmatch(raw):
        raise AmountInvalid(f"{raw[:40]!r} is not a finite amount in plain decimal notation")
    value = Decimal(raw)
    if abs(value) >= _LIMIT:
        raise AmountTooLarge("an amount must be below 10**15")
    places = minor_units(currency)
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and -exponent > places:
        quantized = value.quantize(Decimal(1).scaleb(-places))
        if quantized != value:
            raise AmountTooFine(f"{currency} has {places} decimals; {raw[:40]!r} has more")
        value = quantized
    return value.quantize(Decimal(1).scaleb(-places))


def parse_currency(text: object) -> str:
    """An ISO 4217 code, three capital letters. Raises CurrencyUnknown."""
    if not (isinstance(text, str) and len(text) == 3 and text.isascii() and text.isalpha() and text.isupper()):
        raise CurrencyUnknown("a currency must be an ISO 4217 code in capital letters, such as EUR")
    return text


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount in one currency. Sums and comparisons across currencies are refused."""

    amount: Decimal
    currency: str

    @classmethod
    def parse(cls, amount: object, currency: object) -> Money:
        code = parse_currency(currency)
        return cls(parse_amount(amount, code), code)

    def _same(self, other: Money) -> None:
        if self.currency != other.currency:
            raise Malformed(f"cannot combine {self.currency} with {other.currency}")

    def __add__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.amount + other.amount, self.currency)

    def __sub__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.amount - other.amount, self.currency)

    def __lt__(self, other: Money) -> bool:
        self._same(other)
        return self.amount < other.amount

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"


@dataclass(frozen=True, slots=True)
class Party:
    """A supplier or customer as the books know it."""

    id: str
    name: str
    kind: str
    email: str | None = None
    language: str = "en"
    vat_id: str | None = None
    country: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a document that a person should know, in a form that programs can act on.

    `code` is stable, `fields` are those it speaks of, `detail` is the sentence for people. `level`: `contested` (two
    sources disagree: nothing may be done with these fields before a person has looked), `warning` or `note`. `values`
    are the figures that disagree, `evidence` says where on the page (plain JSON).
    """

    code: str
    detail: str
    fields: tuple[str, ...] = ()
    level: str = "warning"
    values: Mapping[str, str | None] = field(default_factory=dict)
    evidence: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "code": self.code,
            "level": self.level,
            "fields": list(self.fields),
            "detail": self.detail,
            "values": dict(self.values),
            "evidence": dict(self.evidence),
        }


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read from one document. Dates are ISO strings, money decimal strings, None = not found.

    `confidence` is the calibrated probability that the class is right, or None where the stage that
    answered cannot give one. `basis` names that stage: structured | title_rule | model | memory | person | none, with
    `ocr:` before it where the text was read by OCR. `evidence` says where
    a field stands on the page (plain JSON), `alternatives` what else it could be. `findings` are checks that failed,
    each of which above a note is also in `warnings`; `details` is what else the document says of itself. Where the
    answer abstains, `likeliest` is the class that a person may look for first and `likelihood` its calibrated chance.
    """

    document_class: str
    confidence: float | None
    abstained: bool
    basis: str
    fields: Mapping[str, str | None] = field(default_factory=dict)
    field_confidence: Mapping[str, float | None] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    text: str = ""
    evidence: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    alternatives: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    likeliest: str | None = None
    likelihood: float | None = None

    @property
    def contested(self) -> frozenset[str]:
        """The fields that two sources in the document state differently."""
        return frozenset(name for one in self.findings if one.level == "contested" for name in one.fields)

    def as_dict(self) -> dict[str, Any]:
        """The wire shape of `countersign read`, without the path."""
        return {
            "document_class": self.document_class,
            "confidence": self.confidence,
            "abstained": self.abstained,
            "basis": self.basis,
            "fields": {name: self.fields.get(name) for name in FIELD_NAMES},
            "field_confidence": {name: self.field_confidence.get(name) for name in FIELD_NAMES},
            "warnings": list(self.warnings),
            "evidence": {name: dict(place) for name, place in self.evidence.items()},
            "alternatives": {name: list(others) for name, others in self.alternatives.items()},
            "findings": [one.as_dict() for one in self.findings],
            "details": dict(self.details),
            "likeliest": self.likeliest,
            "likelihood": self.likelihood,
        }


class CaseState(StrEnum):
    RECEIVED = "received"
    QUEUED = "queued"
    TRIAGING = "triaging"
    AWAITING_REVIEW = "awaiting_review"
    APPROVED = "approved"
    DELIVERING = "delivering"
    AWAITING_RECONCILIATION = "awaiting_reconciliation"
    DONE = "done"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"
    DEAD_LETTER = "dead_letter"


_S = CaseState
MOVES: Mapping[CaseState, frozenset[CaseState]] = {
    _S.RECEIVED: frozenset({_S.QUEUED, _S.REJECTED, _S.SUPERSEDED}),
    _S.QUEUED: frozenset({_S.TRIAGING, _S.DEAD_LETTER, _S.SUPERSEDED}),
    _S.TRIAGING: frozenset({_S.AWAITING_REVIEW, _S.QUEUED, _S.DEAD_LETTER, _S.SUPERSEDED}),
    _S.AWAITING_REVIEW: frozenset({_S.APPROVED, _S.REJECTED, _S.QUEUED, _S.SUPERSEDED}),
    _S.APPROVED: frozenset({_S.DELIVERING, _S.AWAITING_REVIEW, _S.QUEUED, _S.SUPERSEDED}),
    _S.DELIVERING: frozenset({_S.DONE, _S.AWAITING_RECONCILIATION, _S.APPROVED, _S.DEAD_LETTER, _S.QUEUED}),
    _S.AWAITING_RECONCILIATION: frozenset({_S.DONE, _S.QUEUED, _S.DELIVERING}),
    _S.DEAD_LETTER: frozenset({_S.QUEUED, _S.APPROVED, _S.SUPERSEDED}),
    _S.DONE: frozenset({_S.QUEUED}),
    _S.REJECTED: frozenset({_S.QUEUED}),
    _S.SUPERSEDED: frozenset(),
}
"""Legal moves. `done` and `rejected` go back to `queued` only with a new case revision."""

TERMINAL = frozenset({_S.DONE, _S.REJECTED, _S.SUPERSEDED})


def move(current: CaseState, to: CaseState) -> CaseState:
    """The new state. Raises IllegalState where the move is not in MOVES."""
    if to not in MOVES[current]:
        raise IllegalState(f"a case cannot go from {current} to {to}")
    return to


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """What the law judges, as intake wrote it: one case revision.

    `amount` is None when intake could not read it: the law then uses the top band. `details` holds
    everything else that was read (plain JSON), untouched by the agent.
    """

    case_id: str
    revision: int
    queue: str
    exception_type: str | None
    document_class: str | None
    amount: Decimal | None
    currency: str | None
    entity: str
    region: str
    initiator: str
    supplier_id: str | None = None
    customer_id: str | None = None
    payee_iban: str | None = None
    issue_date: date | None = None
    due_date: date | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
