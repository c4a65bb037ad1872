"""Node 2b: likely duplicates and collection risk, as findings that a person can read."""

from __future__ import annotations

from typing import Any

from agents import facts
from agents.tolerances import Tolerances
from governance.record.candidates import BookedInvoice
from models.duplicates import DuplicatePair
from models.risk import RiskEstimate


def twin_finding(pair: DuplicatePair, twin: BookedInvoice, earlier: bool) -> dict[str, Any]:
    """A twin as a finding. `earlier`: it was on record before this invoice, so this one would be the copy."""
    return {
        "invoice_id": twin.invoice_id,
        "case_id": twin.case_id,
        "probability": pair.probability,
        "kind": pair.kind,
        "reasons": list(pair.reasons),
        "earlier": earlier,
        "invoice_number": twin.invoice_no,
        "invoice_date": facts.plain(twin.invoice_date),
        "posting_date": facts.plain(twin.posting_date),
        "amount": facts.amount_text(twin.amount),
        "currency": twin.currency,
        "supplier_id": twin.vendor_id,
        "supplier": twin.vendor_name,
        "entity": twin.entity,
        "purchase_order": twin.po,
    }


def risk_finding(estimate: RiskEstimate) -> dict[str, Any]:
    """A collection risk as a finding; probabilities are rounded, unknown numbers stay null."""

    def rounded(value: float | None, places: int) -> float | None:
        return None if value is None else round(float(value), places)

    return {
        "invoice_id": estimate.invoice_id,
        "p_late": rounded(estimate.p_late, 3),
        "p_late_15": rounded(estimate.p_late_15, 3),
        "p_late_30": rounded(estimate.p_late_30, 3),
        "expected_days_late": rounded(estimate.expected_days_late, 1),
        "days_late_low": rounded(estimate.days_late_low, 1),
        "days_late_high": rounded(estimate.days_late_high, 1),
        "priority": rounded(estimate.priority, 2),
        "basis": estimate.basis,
        "reasons": list(estimate.reasons),
    }


def shown(duplicates: list[dict[str, Any]], tolerances: Tolerances) -> list[dict[str, Any]]:
    """The twins that a person should see, likeliest first."""
    least = float(tolerances.duplicate_shown)
    return sorted(
        (one for one in duplicates if one["probability"] >= least),
        key=lambda one: (-one["probability"], one["invoice_id"]),
    )[:10]
