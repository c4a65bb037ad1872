"""Node 3: why did this case arise? One cause of a closed list, with the facts that say so. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from agents import facts
from agents.state import View

CAUSES = (
    "missing_order_reference", "supplier_master_mismatch", "approval_bottleneck", "integration_failure",
    "policy_exception", "data_quality", "counterparty", "unknown",
)  # fmt: skip
Fact = tuple[str, str]
_OF_THE_ACCOUNT = frozenset({"bank_details_differ", "account_of_another", "account_of_our_own"})


@dataclass(frozen=True, slots=True)
class Cause:
    """`facts`: (what was found, where: case | books | match | ledger | model)."""

    primary: str
    facts: tuple[Fact, ...] = ()
    contributing: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return {
            "primary": self.primary,
            "contributing": list(self.contributing),
            "facts": [{"fact": fact, "source": source} for fact, source in self.facts],
        }


def _said(view: View, *names: str) -> tuple[Fact, ...]:
    """The case's own evidence, as it came."""
    found = ((name, facts.text(view.details, name)) for name in names)
    return tuple((f"{name.replace('_', ' ')}: {value}", "case") for name, value in found if value)


def over_tolerance(view: View) -> Decimal | None:
    """How many times its tolerance the price is above the order; None where it is not known."""
    percent = facts.number(view.details, "variance_percent")
    ordered, billed = (facts.number(view.details, name) for name in ("ordered_unit_price", "billed_unit_price"))
    if percent is None and ordered and billed is not None:
        percent = (billed - ordered) / ordered * 100
    tolerance = facts.number(view.details, "tolerance_percent") or view.tolerances.price_percent
    return None if percent is None or not tolerance else percent / tolerance


def _missing_order(view: View) -> Cause:
    return Cause("missing_order_reference", (("the invoice names no purchase order", "case"),))


def _price(view: View) -> Cause:
    said = _said(view, "ordered_unit_price", "billed_unit_price", "variance_percent", "tolerance_percent")
    times = over_tolerance(view)
    if times is not None and 0 < times <= 2:
        near = ("the variance is at most twice the tolerance: a surcharge may have been agreed", "case")
        return Cause("policy_exception", (*said, near), ("counterparty",))
    return Cause("counterparty", (*said, ("the billed price is above the order", "match")))


def _quantity(view: View) -> Cause:
    said = _said(view, "billed_quantity", "received_quantity", "delivery_note_quantity")
    billed, noted = (facts.number(view.details, name) for name in ("billed_quantity", "delivery_note_quantity"))
    if billed is not None and noted is not None and noted >= billed:
        lost = ("the delivery note confirms the billed quantity, the receipt was posted short", "case")
        return Cause("integration_failure", (*said, lost), ("data_quality",))
    return Cause("counterparty", (*said, ("less was received than billed", "match")))


def _receipt(view: View) -> Cause:
    said = _said(view, "delivery_note", "expected_delivery")
    expected = facts.day(view.details, "expected_delivery")
    if expected is not None and expected > view.today:
        return Cause("counterparty", (*said, ("the goods are not due yet", "case")))
    if facts.text(view.details, "delivery_note"):
        return Cause("integration_failure", (*said, ("a delivery note exists, but no receipt was posted", "books")))
    return Cause("counterparty", (*said, ("no goods receipt is on record", "books")))


def _tax(view: View) -> Cause:
    return Cause("counterparty", (*_said(view, "billed_rate_percent", "expected_rate_percent"),))


def _master(view: View) -> Cause:
    return Cause(
        "supplier_master_mismatch", _said(view, "books_name", "document_name", "books_vat_id", "document_vat_id")
    )


def _bank(view: View) -> Cause:
    return Cause("supplier_master_mismatch", (("the account on the document is not one of the supplier's", "books"),))


def _duplicate(view: View) -> Cause:
    twin = view.twin or next(iter(view.likely_twins), None)
    if twin is None:
        return Cause("data_quality", (("no earlier invoice is likely enough to be the same one", "ledger"),))
    return Cause("data_quality", twin_facts(twin))


def twin_facts(twin: dict[str, Any]) -> tuple[Fact, ...]:
    """That another invoice may be the same one, and what the books say became of the two."""
    may = (
        "may be for the same work under another number" if twin.get("queue") == "renumbered" else "may be the same one"
    )
    fact = f"invoice {twin['invoice_id']} {may} (probability {twin['probability']:.2f})"
    said = (twin.get("remedy") or {}).get("why")
    return ((fact, "ledger"), *(((str(said), "books"),) if said else ()))


def _approval(view: View) -> Cause:
    return Cause("approval_bottleneck", _said(view, "approver", "waiting_days", "absent_until"))


def _received(view: View) -> Cause:
    """An invoice that came without a named exception: the match tells."""
    if view.twin is not None:
        return _duplicate(view)
    if view.brief.supplier is None:
        return Cause("supplier_master_mismatch", (("the supplier is not in the books", "books"),))
    if view.check("order_reference") == "missing":
        return _missing_order(view)
    if view.check("order") in ("missing", "differs"):
        return Cause("data_quality", (("the order that it names is not one of this supplier's", "books"),))
    for name, reason in (("currency", "another currency than the order's"), ("arithmetic", "the sums do not add up")):
        if view.check(name) == "differs":
            return Cause("counterparty", ((reason, "match"),))
    if view.check("price") == "differs":
        return _price(view)
    if view.check("quantity") == "differs" or view.check("receipt") == "differs":
        return _quantity(view)
    if view.check("receipt") == "missing":
        return _receipt(view)
    return Cause("unknown", (("nothing in the books contradicts it", "match"),))


def _document(view: View) -> Cause:
    return Cause("unknown", (("a document arrived that nobody asked about yet", "case"),))


def _overdue(view: View) -> Cause:
    said = _said(view, "days_overdue", "reminders_sent", "promised_date")
    return Cause("counterparty", (*said, *_risk_facts(view)))


def _risk_facts(view: View) -> tuple[Fact, ...]:
    return tuple((str(reason), "model") for reason in (view.risk or {}).get("reasons", ())[:3])


def _short_payment(view: View) -> Cause:
    said = _said(view, "billed", "received", "difference", "remittance_text")
    if discount_taken(view):
        return Cause("policy_exception", (*said, ("the difference is a cash discount", "case")), ("counterparty",))
    if facts.text(view.details, "remittance_text"):
        return Cause("counterparty", (*said, ("the customer gave a reason for paying less", "case")))
    return Cause("data_quality", (*said, ("nothing says why less was paid", "case")))


def discount_taken(view: View) -> bool:
    """A deduction of at most 3 % with the word for a cash discount in the payer's own text."""
    words = (facts.text(view.details, "remittance_text") or "").casefold()
    billed, difference = (facts.number(view.details, name) for name in ("billed", "difference"))
    small = billed is None or difference is None or abs(difference) <= abs(billed) * Decimal("0.03")
    return small and any(word in words for word in ("discount", "skonto", "escompte", "descuento", "sconto", "korting"))


def _dispute(view: View) -> Cause:
    agreed, billed = (facts.number(view.details, name) for name in ("agreed_price", "billed_price"))
    said = _said(view, "reason", "proof_of_delivery", "agreed_price", "billed_price")
    if agreed is not None and billed is not None and billed > agreed:
        return Cause("data_quality", (*said, ("we billed more than was agreed", "case")))
    return Cause("counterparty", said)


def _credit_limit(view: View) -> Cause:
    return Cause("policy_exception", _said(view, "credit_limit", "exposure", "overdue_amount", "order_id"))


def _candidates(view: View) -> Cause:
    candidates = facts.texts(view.details, "candidates")
    said = _said(view, "bank_line", "payer", "booking_text", "remittance_text")
    if candidates:
        return Cause("data_quality", (*said, (f"possible counterpart: {', '.join(candidates[:5])}", "case")))
    return Cause("unknown", (*said, ("no counterpart was found", "case")))


def _failing(*names: str) -> Callable[[View], bool]:
    def failed(view: View) -> bool:
        words = " ".join(facts.text(view.details, name) or "" for name in names).casefold()
        return any(word in words for word in ("fail", "error", "gap", "down", "timeout", "abort", "interface"))

    return failed


interface_failed = _failing("interface_status", "posting_job", "feed_status", "blocked_by")


def _interface(otherwise: str, *names: str) -> Callable[[View], Cause]:
    def cause(view: View) -> Cause:
        return Cause("integration_failure" if interface_failed(view) else otherwise, _said(view, *names))

    return cause


def _always(cause: str, *names: str) -> Callable[[View], Cause]:
    return lambda view: Cause(cause, _said(view, *names))


def _payout(view: View) -> Cause:
    said = _said(view, "blocked_days", "block_reason", "statement_agreed")
    bank = "bank" in (facts.text(view.details, "block_reason") or "")
    return Cause("supplier_master_mismatch" if bank else "approval_bottleneck", said)


def _provisioning(view: View) -> Cause:
    said = _said(view, "order_id", "stalled_days", "blocked_by", "exposure", "credit_limit")
    return Cause("integration_failure" if interface_failed(view) else "approval_bottleneck", said)


_BY_TYPE: dict[str, Callable[[View], Cause]] = {
    "missing_order_reference": _missing_order, "price_variance": _price, "quantity_variance": _quantity,
    "missing_receipt": _receipt, "tax_mismatch": _tax, "supplier_master_mismatch": _master,
    "bank_detail_mismatch": _bank, "duplicate_suspect": _duplicate, "approval_stalled": _approval,
    "invoice_received": _received, "document_received": _document,
    "overdue": _overdue, "open_item": _overdue, "short_payment": _short_payment, "dispute": _dispute,
    "credit_limit": _credit_limit, "unapplied_cash": _candidates, "unmatched_bank_line": _candidates,
    "reconciliation_break": _interface("unknown", "ledger_account", "ledger_balance", "statement_balance",
                                       "difference", "interface_status"),
    "close_task_overdue": _always("approval_bottleneck", "task", "owner", "due", "depends_on"),
    "accrual_missing": _interface("data_quality", "goods_received_value", "accrued_value", "period", "posting_job"),
    "document_missing": _always("counterparty", "missing", "requested_on"),
    "credit_check_adverse": _always("policy_exception", "score", "threshold", "requested_limit"),
    "contract_billing_mismatch": _always("data_quality", "contract", "contract_rate", "billing_rate"),
    "provisioning_stalled": _provisioning,
    "usage_mismatch": _interface("counterparty", "partner_units", "our_units", "feed_status"),
    "share_variance": _always("data_quality", "contract_share_percent", "applied_share_percent", "period"),
    "payout_blocked": _payout,
}  # fmt: skip


def foreign_account(view: View) -> bool:
    """Whether the money of a supplier's document is to go to an account that the books do not hold for it."""
    stated = view.kind.get("exception_type") == "bank_detail_mismatch"
    return view.brief.facts.queue == "accounts_payable" and (stated or view.check("bank") == "differs")


def contested(view: View) -> tuple[str, ...]:
    """What a person must look at before anything is done, in words: sources in the document that disagree, a name that
    only looks right. The account is the match's to judge, by the books as they are now."""
    said = view.brief.reading.get("findings")
    found = [one for one in said if isinstance(one, Mapping)] if isinstance(said, list | tuple) else []
    return tuple(
        words
        for one in found
        if one.get("level") == "contested" and one.get("code") not in _OF_THE_ACCOUNT
        if (words := facts.text(one, "detail"))
    )


def cause_of(view: View) -> Cause:
    """The primary cause by exception type and evidence; `unknown` where neither tells.

    A foreign bank account is the cause whatever the type. A likely duplicate contributes, and so does what is contested
    in the document.
    """
    find = _BY_TYPE.get(str(view.kind.get("exception_type")))
    cause = find(view) if find else Cause("unknown")
    more, also = list(cause.facts), list(cause.contributing)
    if foreign_account(view) and cause.primary != "supplier_master_mismatch":
        more = [*_bank(view).facts, *more]
        also += [cause.primary] if cause.primary != "unknown" else []
        cause = _bank(view)
    if view.twin is not None and cause.primary != "data_quality":
        more += [fact for fact in twin_facts(view.twin) if fact not in more]
        also.append("data_quality")
    if words := contested(view):
        more += [(one, "case") for one in words]
        also += ["data_quality"] if cause.primary != "data_quality" else []
    return Cause(cause.primary, tuple(more), tuple(dict.fromkeys(also)))
