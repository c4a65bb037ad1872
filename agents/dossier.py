"""What a recommendation carries for the people who decide: findings, evidence, stamps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agents import collections, facts, wishes
from agents.assess import shown
from agents.letter import TEMPLATE
from agents.notes import read_notes
from agents.option import Option
from agents.route import route_of
from agents.state import View
from governance.action import Action
from governance.case import Party
from governance.recommendation import Draft, Proposal
from governance.record.candidates import Beside


def findings(view: View, choice: Mapping[str, Any], letter: Mapping[str, Any]) -> dict[str, Any]:
    """{document, duplicates, risk, cause, precedents, match, why, alternatives, route?, reviewer_note?,
    collections?,
    refused?, language_model?, would_propose?}"""
    reading = view.brief.reading
    found = {
        "document": {
            "document_class": view.kind.get("document_class"),
            "exception_type": view.kind.get("exception_type"),
            "abstained": view.kind.get("abstained"),
            "basis": view.kind.get("basis"),
            "confidence": reading.get("confidence"),
            "fields": reading.get("fields") or {},
            "warnings": view.kind.get("warnings", []),
            "findings": reading.get("findings") or [],
            "supplier_match": reading.get("supplier_match"),
        },
        "duplicates": shown(view.duplicates, view.tolerances),
        "risk": view.risk,
        "cause": view.cause,
        "precedents": view.precedents,
        "match": view.match,
        "why": choice["why"],
        "alternatives": choice["alternatives"],
    }
    if (supported := choice.get("support")) and supported["action"] == choice["action"]["name"]:
        # A number that orders proposals, for later calibration; it is no probability and shown to nobody.
        found["support"] = supported["score"]
    if choice.get("would"):
        found["would_propose"] = choice["would"]
    if (route := _route(view, choice)) is not None:
        found["route"] = route
    if view.notes:
        found["reviewer_note"] = _sent_back(view, choice, letter)
    if (valued := _collections(view, choice)) is not None:
        found["collections"] = valued
    if letter["refused"]:
        found["refused"] = letter["refused"]
    if letter.get("asked"):
        found["language_model"] = letter["asked"]
    plain: dict[str, Any] = facts.plain(found)
    return plain


def _sent_back(view: View, choice: Mapping[str, Any], letter: Mapping[str, Any]) -> dict[str, Any]:
    """The words of people, what was recognised in them, what became of it, and how the letter differs from the one that
    they sent back."""
    returned = view.brief.returned
    return {
        "note": view.notes[-1],
        "earlier": list(view.notes[:-1]),
        "recognised": list(read_notes(view.notes).recognised),
        "wishes": wishes.outcome(view, choice, letter["draft"]),
        "changes": wishes.changes(returned.draft if returned is not None else None, letter["draft"]),
    }


def _route(view: View, choice: Mapping[str, Any]) -> Mapping[str, Any] | None:
    case = view.brief.facts
    action = choice["action"]["name"]
    return route_of(
        view.routes, action=action, risk=str(choice["risk"]), entity=case.entity, excluded=(case.initiator,)
    )


def _collections(view: View, choice: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What the proposal is worth: valued again where a later node turned it, or a reviewer asked for another tone."""
    said: Mapping[str, Any] | None = choice.get("collections")
    value, action = (said or {}).get("value"), choice["action"]
    if not said or not value or (value["action"], value["tone"]) == (action["name"], action["args"].get("tone")):
        return said or None
    return collections.finding(view, Option(action["name"], action["args"], choice["why"]), said["control"])


def _party(party: Party | None, version: int | None) -> dict[str, Any] | None:
    if party is None:
        return None
    return {
        "id": party.id,
        "name": party.name,
        "email": party.email,
        "language": party.language,
        "vat_id": party.vat_id,
        "country": party.country,
        "version": version,
    }


def evidence(view: View, beside: Beside | None) -> dict[str, Any]:
    """{document, order, receipts, supplier, customer, twins}: what an approver must be able to look at."""
    brief = view.brief
    supplier = _party(brief.supplier, beside.supplier_version if beside else None)
    if supplier is not None:
        supplier["ibans"] = list(brief.supplier_ibans)
    document = None
    if beside is not None and beside.document_sha256 is not None:
        document = {"sha256": beside.document_sha256, "name": beside.document_name, "media_type": beside.media_type}
    found = {
        "document": {**(document or {"sha256": None}), "fields": brief.reading.get("fields") or {}},
        "order": brief.order,
        "receipts": brief.receipts,
        "supplier": supplier,
        "customer": _party(brief.customer, beside.customer_version if beside else None),
        "payee_iban": brief.facts.payee_iban,
        "twins": [one["invoice_id"] for one in shown(view.duplicates, view.tolerances)],
    }
    plain: dict[str, Any] = facts.plain(found)
    return plain


def _prompt(letter: Mapping[str, Any]) -> dict[str, str]:
    """The instructions that a language model had, where it phrased the letter."""
    asked = letter.get("asked")
    return {"composer_prompt": asked["prompt"]} if asked and letter["composer"] not in (None, TEMPLATE) else {}


def _wording(letter: Mapping[str, Any]) -> dict[str, str]:
    """Which template the letter follows, which the record checks against policy; the digest of the tenant's own."""
    if letter["draft"] is None:
        return {}
    return {name: letter[name] for name in ("template", "wording") if letter.get(name)}


def proposal(
    view: View,
    choice: Mapping[str, Any],
    letter: Mapping[str, Any],
    beside: Beside | None,
    stamps: Mapping[str, str],
) -> Proposal:
    """What is filed. Raises UnknownAction, Malformed for what the catalogue does not know."""
    action = choice["action"]
    return Proposal(
        action=Action(action["name"], {name: value for name, value in action["args"].items() if value is not None}),
        facts_digest=view.brief.facts_digest,
        draft=Draft(**letter["draft"]) if letter["draft"] else None,
        findings=findings(view, choice, letter),
        evidence=evidence(view, beside),
        stamps={**stamps, "composer": letter["composer"] or TEMPLATE, **_prompt(letter), **_wording(letter)},
        thresholds=view.tolerances.as_texts() | (view.dunning.lines.as_texts() if choice.get("collections") else {}),
        risk=choice["risk"],
        confidence=_confidence(choice),
    )


def _confidence(choice: Mapping[str, Any]) -> float | None:
    """That of the action that was recommended; none where a later node turned it."""
    supported = choice.get("support")
    turned = supported is not None and supported["action"] != choice["action"]["name"]
    return None if turned else choice["confidence"]
