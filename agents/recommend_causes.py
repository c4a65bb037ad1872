"""What to do first because of the cause, where the rules of the type look at the type alone. Pure.

Nobody is reminded, charged or paid over data that have not arrived; nobody is blamed for what stands wrongly in our own
books; what nobody can know goes to a person.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from agents import facts
from agents.option import Option, call, customer, later, refer, route, supplier, wait
from agents.state import View

Rule = Callable[[View], Iterator[Option]]
_NOT_LOADED = "a job or an interface failed: what is missing may be there once it has run again"


def _routed(role: str, why: str) -> Rule:
    def rule(view: View) -> Iterator[Option]:
        yield route(role, why)

    return rule


def _referred(why: str) -> Rule:
    def rule(view: View) -> Iterator[Option]:
        yield refer(why)

    return rule


def _payments_not_loaded(view: View) -> Iterator[Option]:
    why = "payments of these days have not been loaded: a reminder might ask for what is paid"
    yield wait(later(view, 2), why)
    yield refer(why)


def _payment_not_applied(view: View) -> Iterator[Option]:
    found = [named for one in facts.texts(view.details, "candidates")[:3] if (named := facts.identifier(one))]
    line = facts.identifier(facts.text(view.details, "bank_line"))
    where = f" ({line})" if line else ""
    yield refer(f"a payment that fits{where} was not applied: it may settle {', '.join(found) or 'this item'}")


def _hold_payout(why: str) -> Rule:
    def rule(view: View) -> Iterator[Option]:
        yield Option("hold_payout", {"partner_id": supplier(view) or customer(view), "reason": why}, why)
        yield refer(why)

    return rule


def _credit_review(why: str) -> Rule:
    def rule(view: View) -> Iterator[Option]:
        yield Option("escalate_credit_review", {"customer_id": customer(view), "reason": why}, why)
        yield refer(why)

    return rule


def _journal_waits(view: View) -> Iterator[Option]:
    why = "an entry waits for its approval"
    task = facts.identifier(facts.text(view.details, "ledger_account")) or "reconciliation"
    yield Option("escalate_close_task", {"task": task, "reason": why}, why)


def _company_details(view: View) -> Iterator[Option]:
    why = "the document's tax number is not the one in the books: the supplier is to confirm its company details first"
    yield Option("send_supplier_email", {"supplier_id": supplier(view), "topic": "company details"}, why, "master")
    yield Option("hold_payment", {"invoice_id": facts.invoice_ref(view.brief), "reason": why}, why)
    yield refer(why)


def _waits_for_customer(view: View) -> Iterator[Option]:
    yield call(view, "order that waits for the customer", "the order waits for the customer: a call may settle it")


_INTEGRATION, _DATA, _APPROVAL, _MASTER = (
    "integration_failure", "data_quality", "approval_bottleneck", "supplier_master_mismatch",
)  # fmt: skip
_NOT_PAID_TWICE = "a job or an interface failed: nothing is paid before it is known what it did"
_RULES: Mapping[tuple[str, str], Rule] = {
    ("missing_order_reference", _INTEGRATION): _routed("purchasing systems", _NOT_LOADED),
    ("approval_stalled", _INTEGRATION): _routed("workflow systems", "the request did not reach the approver"),
    ("overdue", _INTEGRATION): _payments_not_loaded,
    ("open_item", _INTEGRATION): _payments_not_loaded,
    ("short_payment", _INTEGRATION): _routed("treasury", "the payment may have another part that was not loaded"),
    ("credit_limit", _INTEGRATION): _referred("payments have not been loaded: the exposure may be lower than it looks"),
    ("unapplied_cash", _INTEGRATION): _referred(_NOT_LOADED),
    ("unmatched_bank_line", _INTEGRATION): _referred(_NOT_LOADED),
    ("document_missing", _INTEGRATION): _referred("the document may have been sent already: the upload failed"),
    ("credit_check_adverse", _INTEGRATION): _referred("the check did not come through: there is no result to act on"),
    ("usage_mismatch", _INTEGRATION): _hold_payout("our usage feed is not complete: the payout waits until it is"),
    ("payout_blocked", _INTEGRATION): _routed("settlement lead", _NOT_PAID_TWICE),
    ("price_variance", _DATA): _routed("buyer", "our order is to be corrected: the supplier billed what was agreed"),
    ("quantity_variance", _DATA): _routed(
        "warehouse", "our entry is to be corrected: the papers confirm what was billed"
    ),
    ("overdue", _DATA): _payment_not_applied,
    ("open_item", _DATA): _payment_not_applied,
    ("credit_limit", _DATA): _credit_review("the books hold no limit for this customer"),
    ("missing_receipt", _APPROVAL): _routed("requester", "the receipt waits for the one who asked for the service"),
    ("reconciliation_break", _APPROVAL): _journal_waits,
    ("tax_mismatch", _MASTER): _company_details,
    ("price_variance", _MASTER): _company_details,
    ("quantity_variance", _MASTER): _company_details,
    ("missing_receipt", _MASTER): _company_details,
    ("missing_order_reference", _MASTER): _company_details,
    ("provisioning_stalled", "counterparty"): _waits_for_customer,
    ("price_variance", "unknown"): _referred("nothing on record says which price was agreed"),
    ("quantity_variance", "unknown"): _referred("nothing on record says how many came"),
    ("usage_mismatch", "unknown"): _hold_payout("nothing says whether our usage feed is complete: the payout waits"),
}


def options(view: View) -> Iterator[Option]:
    """What comes before the rules of the type; nothing where they look at the cause themselves."""
    if view.twin is not None:
        return
    rule = _RULES.get((str(view.kind.get("exception_type")), str(view.cause.get("primary"))))
    if rule is not None:
        yield from rule(view)
    if view.kind.get("exception_type") == "short_payment" and facts.number(view.details, "agreed_price") is not None:
        yield from _billed_wrongly(view)


def _billed_wrongly(view: View) -> Iterator[Option]:
    """The customer paid the agreed price: nothing is open but our own invoice."""
    if view.cause.get("primary") == _DATA:
        yield route(
            "accounts receivable lead", "we billed another price than was agreed: our invoice is to be corrected"
        )
