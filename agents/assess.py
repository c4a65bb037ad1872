"""Node 2b: likely duplicates and collection risk, as findings that a person can read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from agents import facts
from agents.compare import Document, compared
from agents.exact_check import exact_check
from agents.remedy import WEAK, Both, remedy, state_json
from agents.tolerances import Tolerances
from governance.record.candidates import BookedInvoice
from governance.record.twin_states import TwinState
from models.duplicates import AGAINST, DuplicatePair
from models.pair_groups import DuplicateGroup
from models.risk import RiskEstimate
from models.risk_cash import CashWeek
from models.twin_memory import DampedPair

_MOST_REASONS, _LONGEST, _MOST_MEMBERS, _SHOWN = 12, 300, 12, 10


def twin_finding(
    pair: DuplicatePair, twin: BookedInvoice, own: Document, earlier: bool, states: Mapping[str, TwinState]
) -> dict[str, Any]:
    """A twin as a finding: both documents field by field, what each field adds, what became of both, what to do.

    `earlier`: it was on record before this invoice, so this one would be the copy. `states`: by invoice id, as
    governance.record.twin_states gives them; what is missing there is unknown. Bounded in size, numbers rounded.
    """
    own_state, twin_state = (states.get(one.invoice_id) or TwinState(one.invoice_id) for one in (own, twin))
    sure = pair.queue == "duplicate" and pair.kind not in WEAK
    both = Both(own, twin, own_state, twin_state, earlier, sure, has_case=twin.case_id is not None)
    found = {
        "invoice_id": twin.invoice_id,
        "case_id": twin.case_id,
        "probability": round(float(pair.probability), 4),
        "kind": pair.kind,
        "queue": pair.queue,
        "reasons": [reason[:_LONGEST] for reason in pair.reasons[:_MOST_REASONS]],
        "earlier": earlier,
        "invoice_number": twin.invoice_no[:_LONGEST],
        "invoice_date": facts.plain(twin.invoice_date),
        "posting_date": facts.plain(twin.posting_date),
        "amount": facts.amount_text(twin.amount),
        "currency": twin.currency,
        "supplier_id": twin.vendor_id,
        "supplier": twin.vendor_name[:_LONGEST],
        "entity": twin.entity,
        "purchase_order": twin.po and twin.po[:_LONGEST],
        "fields": [one.as_dict() for one in compared(own, twin)],
        "parts": [{"field": name, "adds": adds} for name, value in pair.parts if (adds := _rounded(value))],
        "own_state": state_json(own_state),
        "twin_state": state_json(twin_state),
        "exact_check": exact_check(own, twin).as_dict(),
        "remedy": remedy(both).as_dict(),
    }
    if isinstance(pair, DampedPair):
        found |= {"memory": pair.notes(), "probability_without_memory": round(float(pair.without), 4)}
    return found


def as_taken_back(found: dict[str, Any]) -> dict[str, Any] | None:
    """A twin that would be one without a credit note, with what was done about it as counter-evidence; None where no
    credit note of the books took one of the two back. It is shown, and alerts nobody: its probability is low."""
    number = found["invoice_number"] or found["invoice_id"]
    if found["twin_state"]["state"] == "reversed":
        said = f"was twin of {number}, which {found['twin_state']['says']}: nothing to do"
    elif found["own_state"]["state"] == "reversed":
        said = f"was twin of {number}, but this one {found['own_state']['says']}: nothing to do"
    else:
        return None
    at = next((n for n, one in enumerate(found["reasons"]) if one.startswith(AGAINST)), len(found["reasons"]))
    reasons = [*found["reasons"][:at], (AGAINST + said)[:_LONGEST], *found["reasons"][at:]]
    return {**found, "reasons": reasons[:_MOST_REASONS], "taken_back": said[:_LONGEST]}


def _rounded(value: float) -> float:
    """To two places, so that the same pair gives the same text; never a minus before a zero."""
    return round(float(value), 2) + 0.0


def with_groups(found: Iterable[dict[str, Any]], own_id: str, groups: Iterable[DuplicateGroup]) -> list[dict[str, Any]]:
    """The twins of one invoice, each with the group of documents that it belongs to, where those are more than the two.

    Where credit notes may have put a group right, and nothing says which invoice they took back, a person looks.
    """
    of = {one: group for group in groups if own_id in group.ids for one in group.ids}
    return [{**one, **_group(one, of.get(str(one["invoice_id"])))} for one in found]


def _group(twin: Mapping[str, Any], group: DuplicateGroup | None) -> dict[str, Any]:
    if group is None or (group.alert and len(group.ids) < 3):
        return {}
    said = {
        "kind": group.kind,
        "members": list(group.ids[:_MOST_MEMBERS]),
        "more": max(0, len(group.ids) - _MOST_MEMBERS),
        "whole": group.whole,
        "credits": list(group.credits[:_MOST_MEMBERS]),
        "at_risk": facts.amount_text(group.at_risk),
        "currency": group.currency,
        "alert": group.alert,
        "reason": group.reason[:_LONGEST],
    }
    if group.alert or twin["remedy"]["action"] is None:
        return {"group": said}
    why = f"{said['reason']}, if the credit notes are for these invoices"
    return {"group": said, "remedy": {**twin["remedy"], "action": "refer_to_person", "why": why}}


def risk_finding(estimate: RiskEstimate, cash: Sequence[CashWeek] = (), disputed: date | None = None) -> dict[str, Any]:
    """A collection risk as a finding; probabilities are rounded, unknown numbers stay null.

    cash: what the invoice brings in by week, as [first day or null for later, decimal string]. disputed: the first day
    on which a dispute is known.
    """
    return {
        "invoice_id": estimate.invoice_id,
        "p_late": _places(estimate.p_late, 3),
        "p_late_15": _places(estimate.p_late_15, 3),
        "p_late_30": _places(estimate.p_late_30, 3),
        "expected_days_late": _places(estimate.expected_days_late, 1),
        "days_late_low": _places(estimate.days_late_low, 1),
        "days_late_high": _places(estimate.days_late_high, 1),
        "priority": _places(estimate.priority, 2),
        "basis": estimate.basis,
        "reasons": list(estimate.reasons),
        "bucket": estimate.bucket,
        "mean_days_late": _places(estimate.mean_days_late, 1),
        "expected_cash": [[facts.plain(week.start), str(week.expected)] for week in cash] or None,
        "disputed_since": facts.plain(disputed),
    }


def no_risk_finding(invoice_id: str | None, why: str) -> dict[str, Any]:
    """The finding about an invoice of which too little is known: every number is null, and it says why."""
    nothing = RiskEstimate(invoice_id or "", None, None, None, None, None, None, "", (why,), None)
    return {**risk_finding(nothing), "invoice_id": invoice_id, "basis": None}


def _places(value: float | None, places: int) -> float | None:
    return None if value is None else round(float(value), places)


def shown(duplicates: list[dict[str, Any]], tolerances: Tolerances) -> list[dict[str, Any]]:
    """The twins that a person should see, likeliest first; also those that only a supplier's memory or a credit note
    makes unlikely."""
    least = float(tolerances.duplicate_shown)
    return sorted(
        (
            one
            for one in duplicates
            if max(one["probability"], one.get("probability_without_memory") or 0.0) >= least or one.get("taken_back")
        ),
        key=lambda one: (-one["probability"], one["invoice_id"]),
    )[:_SHOWN]
