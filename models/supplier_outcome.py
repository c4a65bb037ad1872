"""What was found in the supplier master for one document: whose it is, on what evidence, and what is odd about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from governance.case import Finding, Party

MATCHED, PROBABLE, UNKNOWN, BANK = "matched", "probable", "unknown", "bank_details_differ"
CANDIDATES = 5
"""How many suppliers are named where none is certain."""

_FINDINGS: Mapping[str, tuple[str, str, str]] = {
    "lookalike_name": (
        "contested", "supplier", "the name only looks like {name}: it is written with other letters, as impostors do"
    ),
    "hidden_characters": ("warning", "supplier", "the name holds characters that nobody sees"),
    "own_company": ("warning", "supplier", "this is a company of our own, which is never the supplier"),
    "name_differs": ("note", "supplier", "the books have another name for this supplier: {name}"),
    "name_of_another": ("warning", "supplier", "this is the name of another supplier: {name}"),
    "vat_id_differs": ("warning", "supplier_vat_id", "the books have another VAT id for {name}: {vat_id}"),
    BANK: ("contested", "iban", "the account is not one that the books hold for {name}"),
    "account_of_another": ("contested", "iban", "the account is not one of {owner}, it belongs to {name}"),
    "account_of_our_own": ("contested", "iban", "the account is one of our own, and none of {name}"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Clues:
    """What a document or row says of its sender; None = not said. `supplier_id` only ever comes from a system."""

    supplier_id: str | None = None
    vat_id: str | None = None
    name: str | None = None
    iban: str | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A supplier that it could be, and what speaks for it."""

    party: Party
    reason: str


@dataclass(frozen=True, slots=True)
class SupplierMatch:
    """`outcome`: matched | probable | unknown | bank_details_differ (matched, and the money is to go elsewhere).

    `account` is of the master: known | differs | other_supplier | own | none_in_books | not_said; `owner` whose it is.
    """

    outcome: str
    supplier: Party | None = None
    evidence: tuple[str, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    account: str = "not_said"
    owner: Party | None = None
    findings: tuple[Finding, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON. Candidates carry no score: none is calibrated."""
        return {
            "outcome": self.outcome,
            "supplier_id": self.supplier.id if self.supplier else None,
            "supplier": self.supplier.name if self.supplier else None,
            "evidence": list(self.evidence),
            "account": self.account,
            "account_owner": self.owner.id if self.owner else None,
            "candidates": [
                {"supplier_id": one.party.id, "supplier": one.party.name, "reason": one.reason, "score": None}
                for one in self.candidates
            ],
            "findings": [one.code for one in self.findings],
        }


def finding(code: str, party: Party | None = None, owner: str = "") -> Finding:
    """In words, the field that it is about in front, as warnings are written."""
    level, field, words = _FINDINGS[code]
    known = party or Party("", "", "supplier")
    said = words.format(name=known.name, vat_id=known.vat_id, owner=owner)
    return Finding(code, f"{field}: {said}", (field,), level)


def other_account(party: Party, account: str, owner: Party | None) -> Finding | None:
    """That the money is to go to an account which the books do not hold for the supplier."""
    if account == "other_supplier" and owner is not None:
        return finding("account_of_another", owner, party.name)
    if account == "own":
        return finding("account_of_our_own", party)
    return finding(BANK, party) if account == "differs" else None
