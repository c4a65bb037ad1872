"""Two invoices side by side: field by field, with what differs marked to the character. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from rapidfuzz.distance import Levenshtein

from agents import facts
from governance.record.candidates import BookedInvoice
from models.invoice import Invoice, clean, normal_id, normal_name

Document = Invoice | BookedInvoice
Segment = tuple[str, str]
"""(side, text): `same` stands in both texts, `own` in this invoice's alone, `twin` in the other's alone."""

FIELDS = (
    "invoice_number", "invoice_date", "posting_date", "amount", "currency", "supplier", "supplier_id", "tax_id",
    "bank_account", "purchase_order", "entity", "document_type", "description",
)  # fmt: skip
_LONGEST = {"description": 200, "supplier": 120}
_LIMIT = 80
_WORDS = frozenset({"supplier", "description", "invoice_date", "posting_date"})
"""Compared word by word, dates by day, month and year; all other texts character by character."""
_FORMS: Mapping[str, Callable[[str], str]] = {
    "supplier": normal_name,
    "tax_id": normal_id,
    "bank_account": normal_id,
    "purchase_order": normal_id,
    "description": clean,
    "amount": lambda text: format(Decimal(text).normalize(), "f"),
}
"""How two texts are written alike: what differs only in this is the same thing."""
_ALIKE = 0.35
"""Share of equal characters below which two texts are two texts, and marks would only be confetti."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One field of both invoices. `agreement`: same | differs | missing_here | missing_there; what is missing on both
    sides is not compared. `segments`: where they differ, both texts in one, in order."""

    name: str
    own: str | None
    twin: str | None
    agreement: str
    segments: tuple[Segment, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        found: dict[str, Any] = {"name": self.name, "own": self.own, "twin": self.twin, "agreement": self.agreement}
        if self.segments:
            found["segments"] = [list(one) for one in self.segments]
        return found


def compared(own: Document, twin: Document) -> list[Compared]:
    """The fields that at least one of the two has, in the order of FIELDS. Bank accounts are masked, texts cut."""
    return [
        _field(name, left, right)
        for name in FIELDS
        for left, right in [(_text(own, name), _text(twin, name))]
        if left is not None or right is not None
    ]


def _text(one: Document, name: str) -> str | None:
    """One field as text; None where it is missing."""
    if name in ("invoice_date", "posting_date"):
        day = one.invoice_date if name == "invoice_date" else one.posting_date
        return day.isoformat() if day else None
    if name == "amount":
        return facts.amount_text(one.amount)
    if name == "supplier" and not normal_name(one.vendor_name):
        return None  # redacted: two such names are not one name
    value = {
        "invoice_number": one.invoice_no, "currency": one.currency, "supplier": one.vendor_name,
        "supplier_id": one.vendor_id, "tax_id": one.tax_id, "bank_account": one.iban, "purchase_order": one.po,
        "entity": one.entity, "document_type": one.doc_type.replace("_", " "), "description": one.description,
    }[name]  # fmt: skip
    return value.strip() or None if value else None


def _field(name: str, left: str | None, right: str | None) -> Compared:
    if left is None or right is None:
        agreement = "missing_here" if left is None else "missing_there"
        return Compared(name, _shown(name, left), _shown(name, right), agreement)
    form = _FORMS.get(name)
    same = left == right or (form is not None and form(left) == form(right) != "")
    own, twin = _shown(name, left), _shown(name, right)
    if name == "bank_account" or own == twin or own is None or twin is None:
        return Compared(name, own, twin, "same" if same else "differs")
    return Compared(name, own, twin, "same" if same else "differs", segments(own, twin, words=name in _WORDS))


def _shown(name: str, text: str | None) -> str | None:
    if text is None:
        return None
    if name == "bank_account":
        return masked(text)
    limit = _LONGEST.get(name, _LIMIT)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def masked(account: str) -> str:
    """A bank account by its country, check digits and last four: enough to tell two apart, too little to pay to."""
    plain = normal_id(account)
    return f"{plain[:4]} … {plain[-4:]}" if len(plain) >= 12 else f"… {plain[-2:]}"


def segments(own: str, twin: str, *, words: bool = False) -> tuple[Segment, ...]:
    """Both texts in one. The `same` and `own` parts make up the one, the `same` and `twin` parts the other."""
    left, right = _pieces(own, words), _pieces(twin, words)
    if Levenshtein.normalized_similarity(own, twin) < _ALIKE:
        return tuple((side, text) for side, text in (("own", own), ("twin", twin)) if text)
    found: list[Segment] = []
    for step in Levenshtein.opcodes(left, right):
        before, after = "".join(left[step.src_start : step.src_end]), "".join(right[step.dest_start : step.dest_end])
        if step.tag == "equal":
            found.append(("same", before))
        else:
            found += [(side, text) for side, text in (("own", before), ("twin", after)) if text]
    return tuple(_joined(found))


def _pieces(text: str, words: bool) -> Sequence[str]:
    return re.findall(r"\s+|\w+|[^\w\s]", text) if words else list(text)


def _joined(parts: Iterable[Segment]) -> Iterator[Segment]:
    """Neighbouring parts of one side in one piece; between two equal stretches, what is this one's comes first."""
    held = {"own": "", "twin": ""}
    for side, text in parts:
        if side == "same":
            yield from ((kept, held[kept]) for kept in ("own", "twin") if held[kept])
            held = {"own": "", "twin": ""}
            yield side, text
        else:
            held[side] += text
    yield from ((kept, held[kept]) for kept in ("own", "twin") if held[kept])
