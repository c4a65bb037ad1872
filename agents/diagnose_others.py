"""Why a receivable, a close task, a new customer or a payout is stuck: a rule for each type of exception. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from agents import facts
from agents.diagnose_signs import agreed, blocked_for, counterpart, interface_failed, interface_ran
from agents.diagnosis import Cause, Fact, said
from agents.state import View

Rule = Callable[[View], Cause]


def _number(view: View, *names: str) -> tuple[Decimal | None, ...]:
    return tuple(facts.number(view.details, name) for name in names)


def _overdue(view: View) -> Cause:
    shown = said(view, "days_overdue", "reminders_sent", "promised_date")
    due = view.brief.facts.due_date
    if due is not None and due >= view.today and not any(_number(view, "days_overdue", "reminders_sent")):
        return Cause("unknown", (*shown, (f"not due before {due.isoformat()}: there is nothing to explain", "books")))
    when = ((f"due on {due.isoformat()}, and no payment is on record", "books"),) if due is not None else ()
    return Cause("counterparty", (*shown, *when, *_risk_facts(view)))


def _risk_facts(view: View) -> tuple[Fact, ...]:
    return tuple((str(reason), "model") for reason in (view.risk or {}).get("reasons", ())[:3])


def _short_payment(view: View) -> Cause:
    shown = said(view, "billed", "received", "difference", "remittance_text")
    price, received, billed = _number(view, "agreed_price", "received", "billed")
    if price is not None and price == received and billed is not None and billed > price:
        paid = ("the customer paid the agreed price: we billed another one", "case")
        return Cause("data_quality", (*shown, *said(view, "agreed_price"), paid), ("counterparty",), sure=True)
    if (late := _days_over(view)) is not None:
        return Cause("counterparty", (*shown, *late), sure=True)
    if discount_taken(view):
        return Cause(
            "policy_exception", (*shown, ("the difference is a cash discount", "case")), ("counterparty",), sure=True
        )
    if facts.text(view.details, "remittance_text"):
        return Cause("counterparty", (*shown, ("the customer gave a reason for paying less", "case")))
    return Cause("data_quality", (*shown, ("nothing says why less was paid", "case")))


def _days_over(view: View) -> tuple[Fact, ...] | None:
    """A cash discount that was taken after its days were over."""
    allowed, taken = _number(view, "discount_days", "paid_after_days")
    if allowed is None or taken is None or taken <= allowed or not discount_taken(view):
        return None
    return (
        *said(view, "discount_days", "paid_after_days"),
        ("the discount was taken after its days were over", "case"),
    )


def discount_taken(view: View) -> bool:
    """A deduction of at most 3 % with the word for a cash discount in the payer's own text."""
    words = (facts.text(view.details, "remittance_text") or "").casefold()
    billed, difference = _number(view, "billed", "difference")
    small = billed is None or difference is None or abs(difference) <= abs(billed) * Decimal("0.03")
    return small and any(word in words for word in ("discount", "skonto", "escompte", "descuento", "sconto", "korting"))


def _dispute(view: View) -> Cause:
    shown = said(view, "reason", "proof_of_delivery", "agreed_price", "billed_price")
    if (found := agreed(view)) is not None:
        return Cause(found.primary, (*said(view, "reason", "proof_of_delivery"), *found.facts), sure=True)
    price, billed = _number(view, "agreed_price", "billed_price")
    if price is not None and price == billed and not facts.text(view.details, "proof_of_delivery"):
        nobody = ("the price is the agreed one, and nothing proves the delivery", "case")
        return Cause("unknown", (*shown, nobody), ("counterparty",))
    if (looked := _not_looked_at(view)) is not None:
        return looked
    said_so = ("proof_of_delivery", "agreed_price", "billed_price", "return_note", "complaint")
    if not any(facts.text(view.details, name) for name in said_so):
        return Cause("unknown", (*shown, ("nothing on record says who is right", "case")), ("counterparty",))
    return Cause("counterparty", shown)


def _not_looked_at(view: View) -> Cause | None:
    """The dispute is about the state of the goods, and nobody has looked at them yet."""
    empty = [name for name, value in view.details.items()
             if name.startswith(("inspection", "quality_report", "survey", "test_report")) and not value]  # fmt: skip
    about = (facts.text(view.details, "reason") or "").casefold()
    if not empty or not any(word in about for word in ("quality", "damage", "defect", "condition")):
        return None
    why = ("nobody has looked at the goods yet: either side may be right", "case")
    return Cause("unknown", (*said(view, "reason", "proof_of_delivery"), why), ("counterparty",))


def _credit_limit(view: View) -> Cause:
    shown = said(view, "credit_limit", "exposure", "overdue_amount", "order_id")
    limit, exposure = _number(view, "credit_limit", "exposure")
    if limit is None and exposure is not None:
        return Cause("data_quality", (*shown, ("the books hold no limit for this customer", "case")))
    if limit is not None and exposure is not None and exposure <= limit:
        return Cause(
            "approval_bottleneck", (*shown, ("the exposure is within the limit: nobody has lifted the block", "case"))
        )
    late, reminded = _number(view, "overdue_amount", "reminders_sent")
    if limit is not None and exposure is not None and late is not None and late >= exposure - limit and reminded:
        unpaid = ("what the customer leaves unpaid fills the limit: without it the order would pass", "case")
        return Cause("counterparty", (*shown, *said(view, "reminders_sent"), unpaid), ("policy_exception",))
    return Cause("policy_exception", shown)


def _candidates(view: View) -> Cause:
    if (found := counterpart(view)) is not None:
        return Cause(found.primary, found.facts, sure=True)
    shown = said(view, "bank_line", "payer", "booking_text", "remittance_text")
    return Cause("unknown", (*shown, ("no counterpart was found", "case")))


def _reconciliation(view: View) -> Cause:
    shown = said(view, "ledger_account", "ledger_balance", "statement_balance", "difference", "interface_status")
    return Cause("unknown", shown)


def _always(cause: str, *names: str) -> Rule:
    return lambda view: Cause(cause, said(view, *names))


def _credit_check(view: View) -> Cause:
    shown = said(view, "score", "threshold", "requested_limit")
    score, threshold = _number(view, "score", "threshold")
    if score is None or threshold is None:
        return Cause("policy_exception", shown)
    if score < threshold:
        return Cause("policy_exception", (*shown, ("the score is below the threshold", "case")), sure=True)
    return Cause("data_quality", (*shown, ("the score is not below the threshold", "case")))


def _contract(view: View) -> Cause:
    shown = said(view, "contract", "contract_rate", "billing_rate")
    agreed_rate, billed = _number(view, "contract_rate", "billing_rate")
    if agreed_rate is not None and agreed_rate == billed:
        return Cause("unknown", (*shown, ("contract and billing hold the same rate", "case")))
    if agreed_rate is None and billed is None:
        return Cause("unknown", (*shown, ("neither contract nor billing rate is on record", "case")))
    return Cause("data_quality", shown)


def _provisioning(view: View) -> Cause:
    shown = said(view, "order_id", "stalled_days", "blocked_by", "exposure", "credit_limit")
    if blocked_for(view, "customer", "site", "access", "document"):
        return Cause("counterparty", (*shown, ("it waits for the customer", "case")), sure=True)
    exposure, limit = _number(view, "exposure", "credit_limit")
    if exposure is not None and limit is not None and exposure > limit and blocked_for(view, "credit", "limit"):
        return Cause("policy_exception", (*shown, ("the exposure is above the credit limit", "case")), sure=True)
    if not _somebody_is_asked(view, "blocked_by"):
        return Cause("unknown", (*shown, ("nothing says what it waits for", "case")))
    return Cause("approval_bottleneck", shown)


def _usage(view: View) -> Cause:
    shown = said(view, "partner_units", "our_units", "feed_status")
    if interface_failed(view) or interface_ran(view):
        return Cause("counterparty", shown)
    return Cause("unknown", (*shown, ("nothing says whether our feed is complete", "case")), ("counterparty",))


def _share(view: View) -> Cause:
    shown = said(view, "contract_share_percent", "applied_share_percent", "period")
    contract, applied = _number(view, "contract_share_percent", "applied_share_percent")
    if contract is not None and contract == applied:
        return Cause("counterparty", (*shown, ("we applied the share of the contract", "case")))
    if contract is None or applied is None:
        return Cause("unknown", (*shown, ("contract or applied share is not on record", "case")))
    return Cause("data_quality", shown)


def _payout(view: View) -> Cause:
    shown = said(view, "blocked_days", "block_reason", "statement_agreed")
    if blocked_for(view, "bank", "account", "iban"):
        return Cause("supplier_master_mismatch", shown, sure=True)
    if view.details.get("statement_agreed") is False:
        return Cause("counterparty", (*shown, ("the partner has not agreed to the statement", "case")), sure=True)
    if blocked_for(view, "compliance", "sanction", "limit", "policy"):
        return Cause("policy_exception", shown, sure=True)
    if not _somebody_is_asked(view, "block_reason"):
        return Cause("unknown", (*shown, ("nothing says what it waits for", "case")))
    return Cause("approval_bottleneck", shown)


def _somebody_is_asked(view: View, reason: str) -> bool:
    """Whether anything at all says what the case waits for."""
    return any(facts.text(view.details, name) for name in (reason, "approver", "waiting_days", "released_by"))


RULES: Mapping[str, Rule] = {
    "overdue": _overdue, "open_item": _overdue, "short_payment": _short_payment, "dispute": _dispute,
    "credit_limit": _credit_limit, "unapplied_cash": _candidates, "unmatched_bank_line": _candidates,
    "reconciliation_break": _reconciliation,
    "close_task_overdue": _always("approval_bottleneck", "task", "owner", "due", "depends_on"),
    "accrual_missing": _always("data_quality", "goods_received_value", "accrued_value", "period", "posting_job"),
    "document_missing": _always("counterparty", "missing", "requested_on"),
    "credit_check_adverse": _credit_check, "contract_billing_mismatch": _contract,
    "provisioning_stalled": _provisioning, "usage_mismatch": _usage, "share_variance": _share,
    "payout_blocked": _payout,
}  # fmt: skip
