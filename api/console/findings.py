"""An agent's findings as a page shows them. They are JSON of any shape: what is not as expected is shown plainly or
left out, and never an error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from api.console import letter_shown, route_shown, twins, worth
from api.console.loose import Pair as Pair
from api.console.loose import chosen, items, mapping, texts
from api.console.loose import pairs as pairs
from api.console.loose import text as text
from api.console.plain import label, percent, phrase


@dataclass(frozen=True, slots=True)
class Cause:
    primary: str
    contributing: tuple[str, ...]
    facts: tuple[Pair, ...]
    """(what was found, where)"""


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison. `status`: ok | differs | missing | unknown."""

    name: str
    status: str
    expected: str | None
    found: str | None


@dataclass(frozen=True, slots=True)
class Match:
    outcome: str
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class Risk:
    facts: tuple[Pair, ...]
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Precedent:
    action: str
    decision: str
    outcome: str | None
    role: str | None
    similarity: str | None
    case_id: str | None


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another action. `obstacle` says why it cannot be done here; None where it can."""

    name: str
    reason: str | None
    obstacle: str | None


@dataclass(frozen=True, slots=True)
class Sender:
    """Which supplier of the books it is, by what; or which it could be (name, reason)."""

    outcome: str
    facts: tuple[Pair, ...]
    candidates: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class Findings:
    """All that the agent found. Parts that it did not look for are None or empty."""

    why: str | None
    cause: Cause | None
    match: Match | None
    twins: tuple[twins.Twin, ...]
    risk: Risk | None
    precedents: tuple[Precedent, ...]
    alternatives: tuple[Alternative, ...]
    document: tuple[Pair, ...]
    supplier: Sender | None
    warnings: tuple[str, ...]
    note: str | None
    recognised: tuple[str, ...]
    story: letter_shown.Story
    worth: worth.Worth | None
    route: route_shown.Route | None
    others: tuple[Pair, ...]


_KNOWN = frozenset(
    {
        "document",
        "duplicates",
        "risk",
        "cause",
        "precedents",
        "match",
        "why",
        "alternatives",
        "reviewer_note",
        "before",
        "collections",
        "route",
        "support",
        "language_model",
        "refused",
    }
)
_SHARES = frozenset({"p_late", "p_late_15", "p_late_30", "confidence"})
_RISK = ("p_late", "p_late_15", "p_late_30", "expected_days_late", "days_late_low", "days_late_high", "basis")


def _cause(value: object) -> Cause | None:
    found = mapping(value)
    primary = text(found.get("primary"))
    if primary is None:
        return None
    facts = tuple(
        (said, phrase(text(mapping(one).get("source")) or "unknown"))
        for one in items(found.get("facts"))
        if (said := text(mapping(one).get("fact"))) is not None
    )
    return Cause(label(primary), tuple(label(one) for one in texts(found.get("contributing"))), facts)


_WORST = ("differs", "missing", "unknown", "ok")


def _match(value: object) -> Match | None:
    found = mapping(value)
    checks = tuple(
        Check(label(name), text(one.get("status")) or "unknown", text(one.get("expected")), text(one.get("found")))
        for one in map(mapping, items(found.get("checks")))
        if (name := text(one.get("name"))) is not None
    )
    # What is wrong comes first.
    ordered = tuple(sorted(checks, key=lambda check: _WORST.index(check.status) if check.status in _WORST else 2))
    return Match(phrase(text(found.get("outcome")) or "unknown"), ordered) if ordered else None


_SENDER = {
    "matched": "in the books", "probable": "not certain", "unknown": "not in the books",
    "bank_details_differ": "in the books, with other bank details",
}  # fmt: skip
_EVIDENCE = {
    "supplier_id": "the id that the sending system gave", "vat_id": "VAT id", "tax_number": "tax number",
    "name": "name", "name_folded": "name without legal form and abbreviations", "account": "bank account",
    "near_name": "a name that is near",
}  # fmt: skip
_ACCOUNT = {
    "known": "one that the books hold for this supplier", "differs": "none that the books hold for this supplier",
    "other_supplier": "one of another supplier", "own": "one of our own",
    "none_in_books": "the books hold none to compare it with",
}  # fmt: skip


def _sender(value: object) -> Sender | None:
    found = mapping(value)
    outcome = _SENDER.get(text(found.get("outcome")) or "")
    if outcome is None:
        return None
    known = [_EVIDENCE.get(one, phrase(one)) for one in texts(found.get("evidence"))]
    said = {
        "supplier": _named(found),
        "found_by": ", ".join(known) or None,
        "account": _ACCOUNT.get(text(found.get("account")) or ""),
    }
    facts = tuple((label(name), words) for name, words in said.items() if words)
    candidates = tuple(
        (name, text(one.get("reason")) or "")
        for one in map(mapping, items(found.get("candidates")))
        if (name := _named(one)) is not None
    )
    return Sender(outcome, facts, candidates)


def _named(value: Mapping[str, Any]) -> str | None:
    name, known = text(value.get("supplier")), text(value.get("supplier_id"))
    return f"{name} ({known})" if name and known else known


def _risk(value: object) -> Risk | None:
    found = mapping(value)
    facts = chosen(found, _RISK, _SHARES)
    reasons = texts(found.get("reasons"))
    return Risk(facts, reasons) if facts or reasons else None


def _precedents(value: object) -> tuple[Precedent, ...]:
    return tuple(
        Precedent(
            label(text(one.get("action")) or "unknown"),
            label(text(one.get("decision")) or "unknown"),
            text(one.get("outcome")),
            text(one.get("role")),
            percent(one.get("similarity")),
            text(one.get("case_id")),
        )
        for one in map(mapping, items(value))
        if one
    )


def _alternatives(value: object) -> tuple[Alternative, ...]:
    return tuple(
        Alternative(name, text(one.get("reason")), text(one.get("obstacle")))
        for one in map(mapping, items(value))
        if (name := text(one.get("action"))) is not None
    )


def read(findings: object) -> Findings:
    """The `findings` of a recommendation (api.shapes), in whatever shape they were filed."""
    found = mapping(findings)
    document = mapping(found.get("document"))
    note = mapping(found.get("reviewer_note"))
    return Findings(
        why=text(found.get("why")),
        cause=_cause(found.get("cause")),
        match=_match(found.get("match")),
        twins=twins.read(found.get("duplicates")),
        risk=_risk(found.get("risk")),
        precedents=_precedents(found.get("precedents")),
        alternatives=_alternatives(found.get("alternatives")),
        document=chosen(document, ("document_class", "exception_type", "basis", "confidence", "abstained"), _SHARES),
        supplier=_sender(document.get("supplier_match")),
        warnings=texts(document.get("warnings")),
        note=text(note.get("note")),
        recognised=texts(note.get("recognised")),
        story=letter_shown.read(found),
        worth=worth.read(found.get("collections")),
        route=route_shown.read(found.get("route")),
        others=pairs({name: value for name, value in found.items() if name not in _KNOWN}),
    )
