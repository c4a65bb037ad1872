"""What to do about the other queues' exceptions, best first: receivables, the close, onboarding, partners. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal

from agents import facts
from agents.collections import credit_hold, dispute, open_item, overdue, remind
from agents.diagnose import discount_taken, interface_failed
from agents.option import Option, call, customer, later, refer, route, supplier, wait
from agents.state import View

Rule = Callable[[View], Iterator[Option]]


def _credit_review(view: View, why: str) -> Option:
    return Option("escalate_credit_review", {"customer_id": customer(view), "reason": why}, why)


def _close_task(task: str, why: str) -> Option:
    return Option("escalate_close_task", {"task": task, "reason": why}, why)


def _hold_payout(view: View, why: str) -> Option:
    return Option("hold_payout", {"partner_id": supplier(view) or customer(view), "reason": why}, why)


def _short_payment(view: View) -> Iterator[Option]:
    said = facts.text(view.details, "remittance_text")
    if discount_taken(view):
        yield route("accounts receivable lead", "a cash discount was deducted: the lead decides whether to accept it")
        yield refer("a cash discount was deducted: a person decides whether to accept it")
    elif said:
        yield dispute(view, "the customer paid less and gave a reason")
    else:
        yield Option("request_missing_document", {"document": "remittance_advice", "customer_id": customer(view)},
                     "nothing says why less was paid", extra={"document": "remittance_advice"})  # fmt: skip
        yield call(view, "short payment", "nothing says why less was paid: a call may show it")
    yield remind(view, "friendly", "the difference is still open")
    yield dispute(view, "the customer paid less than billed")


def _disputed(view: View) -> Iterator[Option]:
    reason = facts.text(view.details, "reason")
    yield dispute(
        view, f"the customer disputes the invoice: {reason}" if reason else "the customer disputes the invoice"
    )
    yield call(view, "disputed invoice", "a call may settle it")
    yield route("account manager", "the account manager knows what was agreed")


def _credit_limit(view: View) -> Iterator[Option]:
    overdue = facts.number(view.details, "overdue_amount") or Decimal(0)
    exposure, limit = facts.number(view.details, "exposure"), facts.number(view.details, "credit_limit")
    if overdue > 0:
        yield credit_hold(view, f"the exposure is above the limit and {facts.amount_text(overdue)} of it is overdue")
    elif exposure is not None and limit is not None and exposure <= limit:
        order = facts.text(view.details, "order_id")
        yield Option("release_order", {"order_id": order, "reason": "the exposure is within the limit"},
                     "the exposure is within the limit again")  # fmt: skip
    yield _credit_review(view, "the exposure is above the limit, nothing of it is overdue")
    yield credit_hold(view, "the exposure is above the limit")


def _matching(view: View) -> Iterator[Option]:
    line = facts.text(view.details, "bank_line")
    candidates = facts.texts(view.details, "candidates")
    if len(candidates) == 1:
        yield Option("propose_match", {"left": line, "right": candidates[0]},
                     f"{candidates[0]} is the only counterpart that fits")  # fmt: skip
    elif candidates:
        yield refer(f"several counterparts fit: {', '.join(candidates[:5])}")
    else:
        yield refer("no counterpart was found")
    yield call(view, "payment without a reference", "the payer can say what it was for")
    yield route("treasury", "treasury may know the payer")


def _reconciliation(view: View) -> Iterator[Option]:
    account = facts.text(view.details, "ledger_account") or "reconciliation"
    if interface_failed(view):
        yield _close_task(account, "the interface failed: its postings are missing until it has run again")
    else:
        yield refer("ledger and statement differ, and no failed interface explains it")
    yield _close_task(account, "the difference stands in the way of the close")
    yield route("general ledger lead", "the lead decides how to clear the difference")


def _close(view: View) -> Iterator[Option]:
    owner = facts.text(view.details, "owner") or "its owner"
    task = facts.text(view.details, "task") or view.brief.title or "close task"
    yield _close_task(task, f"the task is overdue with {owner}")
    yield call(view, task, f"a call to {owner} may settle it")


def _accrual(view: View) -> Iterator[Option]:
    period = facts.text(view.details, "period") or "this period"
    if interface_failed(view):
        yield _close_task(f"accruals {period}", "the posting job failed: it must run again before the close")
    yield route("general ledger lead", "goods were received but not accrued: the lead approves the accrual")
    yield _close_task(f"accruals {period}", "goods were received but not accrued")


def _document_missing(view: View) -> Iterator[Option]:
    missing = facts.texts(view.details, "missing")
    requested = facts.day(view.details, "requested_on")
    document = ", ".join(missing) or None
    if requested is not None and (view.today - requested).days < 3:
        yield wait(later(view, 3), f"it was requested on {requested.isoformat()}")
    yield Option("request_missing_document", {"document": document, "customer_id": customer(view)},
                 "onboarding cannot go on without it", extra={"document": document or ""})  # fmt: skip
    yield call(view, "missing onboarding document", "a call may speed it up")
    yield wait(later(view, 5), "it may be on its way")


def _credit_check(view: View) -> Iterator[Option]:
    score, threshold = facts.text(view.details, "score"), facts.text(view.details, "threshold")
    said = f"score {score}, threshold {threshold}" if score and threshold else "adverse result"
    yield _credit_review(view, f"the credit check is adverse ({said}): credit decides on terms")
    yield credit_hold(view, f"the credit check is adverse ({said})")
    yield route("credit manager", f"the credit check is adverse ({said})")


def _contract(view: View) -> Iterator[Option]:
    yield route("contract owner", "the billing set-up differs from the contract: its owner says which is right")
    yield call(view, "contract and billing", "the customer may have a later version")
    yield Option("request_missing_document", {"document": "signed contract", "customer_id": customer(view)},
                 "the signed contract settles it", extra={"document": "signed contract"})  # fmt: skip


def _provisioning(view: View) -> Iterator[Option]:
    exposure, limit = facts.number(view.details, "exposure"), facts.number(view.details, "credit_limit")
    order = facts.text(view.details, "order_id")
    if interface_failed(view):
        yield route("provisioning", "an interface error stops the order")
    elif exposure is not None and limit is not None and exposure <= limit:
        yield Option("release_order", {"order_id": order, "reason": "the exposure is within the credit limit"},
                     "the order is held for credit, but the exposure is within the limit")  # fmt: skip
    yield route("credit manager", "the order is held: credit decides whether it may go on")
    yield call(view, "stalled order", "a call may show what is missing")


def _usage(view: View) -> Iterator[Option]:
    if interface_failed(view):
        yield _hold_payout(view, "our usage feed has a gap: the payout waits until it is complete")
    else:
        yield dispute(view, "the partner reports other usage than we do, and our feed is complete")
    yield _hold_payout(view, "usage is not agreed")
    yield route("settlement lead", "usage is not agreed: the lead decides")


def _share(view: View) -> Iterator[Option]:
    yield _hold_payout(view, "the applied share is not the contract's")
    yield route("contract owner", "the applied share is not the contract's")
    yield dispute(view, "the applied share is not the contract's")


def _payout(view: View) -> Iterator[Option]:
    reason = facts.text(view.details, "block_reason") or ""
    if "bank" in reason:
        why = "the payout is blocked for bank details: they are to be confirmed by telephone"
        yield Option("verify_bank_details_by_callback", {"supplier_id": supplier(view), "reason": why}, why)
        yield refer("the payout is blocked for bank details: a person must confirm them outside this system")
        return
    if view.details.get("statement_agreed") is True:
        case = view.brief.facts
        args = {"partner_id": supplier(view) or customer(view), "amount": facts.amount_text(case.amount)}
        yield Option(
            "approve_payout", args | {"currency": case.currency}, "the statement is agreed, only an approval is missing"
        )
    yield route("settlement lead", "the payout is blocked: the lead decides")
    yield _hold_payout(view, "until the statement is agreed")


RULES: dict[str, Rule] = {
    "overdue": overdue, "open_item": open_item, "short_payment": _short_payment, "dispute": _disputed,
    "credit_limit": _credit_limit, "unapplied_cash": _matching, "unmatched_bank_line": _matching,
    "reconciliation_break": _reconciliation, "close_task_overdue": _close, "accrual_missing": _accrual,
    "document_missing": _document_missing, "credit_check_adverse": _credit_check,
    "contract_billing_mismatch": _contract, "provisioning_stalled": _provisioning, "usage_mismatch": _usage,
    "share_variance": _share, "payout_blocked": _payout,
}  # fmt: skip


def options(view: View) -> Iterator[Option]:
    """What could be done, best first; nothing for a kind that no rule knows."""
    rule = RULES.get(str(view.kind.get("exception_type")))
    if rule is not None:
        yield from rule(view)
