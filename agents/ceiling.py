"""How far an agent may go by itself in proposing, type by type, whatever policy allows. Pure.

Policy says which actions may be proposed at all; this says above which risk class (governance.action) nothing is
proposed for a type, so that a wide policy, a habit of people or a reviewer's note never makes an agent bolder than the
kind of case bears. Types that take a person's judgement are summarised: what informs people inside, and nothing else.
A person may still decide for any action that policy allows.
"""

from __future__ import annotations

from collections.abc import Mapping

from agents.diagnose import foreign_account
from agents.state import View
from governance.action import CATALOGUE

SUMMARISE, WRITE, HOLD, MOVE = 0, 1, 2, 3
CEILINGS: Mapping[str, int] = {
    # What takes judgement: what was meant, who is right, whom to trust.
    "contract_billing_mismatch": SUMMARISE, "reconciliation_break": SUMMARISE, "close_task_overdue": SUMMARISE,
    "accrual_missing": SUMMARISE, "approval_stalled": SUMMARISE, "case_abandoned": SUMMARISE,
    # What a letter may move on.
    "missing_order_reference": WRITE, "document_missing": WRITE,
    # What may be held, marked or contested until people have decided; never paid, released or refused credit.
    "price_variance": HOLD, "quantity_variance": HOLD, "missing_receipt": HOLD, "tax_mismatch": HOLD,
    "supplier_master_mismatch": HOLD, "bank_detail_mismatch": HOLD, "duplicate_suspect": HOLD,
    "document_received": HOLD, "short_payment": HOLD, "dispute": HOLD, "unapplied_cash": HOLD, "open_item": HOLD,
    "unmatched_bank_line": HOLD, "credit_check_adverse": HOLD, "usage_mismatch": HOLD, "share_variance": HOLD,
    # Where the whole question is whether money, credit or an order moves.
    "invoice_received": MOVE, "overdue": MOVE, "credit_limit": MOVE, "provisioning_stalled": MOVE,
    "payout_blocked": MOVE,
}  # fmt: skip
_UNKNOWN_TYPE = HOLD
# A foreign account is asked about and the money stopped, whatever the type.
_AGAINST_FRAUD = frozenset({"verify_bank_details_by_callback", "hold_payment"})


def ceiling(exception_type: str | None, judgement: bool) -> int:
    """The highest risk class that may be proposed. `judgement`: policy says that the type takes a person's."""
    return SUMMARISE if judgement else CEILINGS.get(str(exception_type), _UNKNOWN_TYPE)


def above(view: View, action: str) -> str | None:
    """Why this action goes too far for this kind of case, in words; None where it does not."""
    if action in _AGAINST_FRAUD and foreign_account(view):
        return None
    most = ceiling(view.kind.get("exception_type"), view.brief.plan.judgement)
    if CATALOGUE[action].risk_class <= most:
        return None
    if most == SUMMARISE:
        return "this kind of case takes a person's judgement: it is summarised, not acted upon"
    return "it goes further than an agent may propose for this kind of case"
