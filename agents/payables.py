"""What to do about a supplier's invoice or document, best first. Pure rules on what the earlier nodes found."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from agents import facts
from agents.arguments import stated
from agents.diagnose import foreign_account, over_tolerance
from agents.option import Option, call, hold, later, matched_supplier, refer, route, supplier, wait
from agents.state import Json, View

Rule = Callable[[View], Iterator[Option]]
_LONGEST = 1900


def credit_note(view: View, topic: str, why: str) -> Option:
    args = {"supplier_id": supplier(view), "invoice_number": facts.identifier(facts.invoice_number(view.brief))}
    return Option("request_credit_note", args, why, topic)


def ask_order(view: View, why: str) -> Option:
    args = {"supplier_id": supplier(view), "invoice_number": facts.identifier(facts.invoice_number(view.brief))}
    return Option("request_purchase_order", args, why)


def ask_document(view: View, document: str, why: str) -> Option:
    args = {"supplier_id": supplier(view), "document": document}
    return Option("request_missing_document", args, why, extra={"document": document})


def write(view: View, topic: str, about: str, why: str) -> Option:
    return Option("send_supplier_email", {"supplier_id": supplier(view), "topic": about}, why, topic)


def call_back(view: View, why: str) -> Option:
    return Option("verify_bank_details_by_callback", {"supplier_id": supplier(view), "reason": why}, why)


def duplicate(view: View) -> Iterator[Option]:
    """Another invoice is likely to be the same one: what is not paid yet is stopped, what was paid twice is claimed."""
    twin = view.twin
    if twin is None:
        return
    said = twin.get("remedy") or {"action": "mark_duplicate", "about": "own", "why": ""}
    evidence = "; ".join(str(reason) for reason in twin["reasons"][:3])
    sure = "may be the same work as" if twin.get("queue") == "renumbered" else "likely the same as"
    why = "; ".join(part for part in (f"{sure} {_called(twin)}", said["why"], evidence) if part)[:_LONGEST]
    mine, other = facts.invoice_ref(view.brief), str(twin["invoice_id"])
    late, kept = (mine, other) if said["about"] == "own" else (other, mine)
    stop = Option("hold_payment", {"invoice_id": late, "reason": why}, why)
    if said["action"] == "mark_duplicate":
        yield Option("mark_duplicate", {"invoice_id": late, "duplicate_of": kept}, why)
        yield stop
    elif said["action"] == "hold_payment":
        yield stop
    elif said["action"] == "request_credit_note":
        yield _credit_twice(view, twin, said["about"] == "own", why)
    yield refer(why)


def _called(twin: Json) -> str:
    """A twin by the books' id, and by its own number where that says more."""
    number = facts.identifier(str(twin.get("invoice_number") or ""))
    return str(twin["invoice_id"]) + (f" (number {number})" if number and number != twin["invoice_id"] else "")


def _credit_twice(view: View, twin: Json, own: bool, why: str) -> Option:
    """Both were paid: the later one's number is credited, with its amount where that is the case's own."""
    told = (facts.invoice_number(view.brief), facts.text(twin, "invoice_number"))
    numbers = (facts.identifier(told[0]), facts.identifier(told[1]))
    late, kept = numbers if own else numbers[::-1]
    args: dict[str, str | None] = {"supplier_id": supplier(view), "invoice_number": late}
    case = view.brief.facts
    if (
        case.amount is not None
        and facts.number(twin, "amount") == case.amount
        and twin.get("currency") == case.currency
    ):
        args |= {"amount": facts.amount_text(case.amount), "currency": case.currency}
    extra = {
        "late": "own" if own else "twin",
        "late_number": late or "",
        "kept_number": (kept or "") if kept != late else "",
    }
    return Option("request_credit_note", args, why, "duplicate", extra)


def _foreign_account(view: View) -> Iterator[Option]:
    why = "the bank account on the document is not one that the books hold for this supplier"
    yield call_back(view, why + ": ask the supplier by the telephone number in the books, not the one on the document")
    yield hold(view, why)
    yield refer(why)


def _missing_order(view: View) -> Iterator[Option]:
    yield ask_order(view, "the invoice names no purchase order, and nothing can be matched without it")
    yield write(view, "", "purchase order missing", "the supplier can say what the invoice is based on")
    yield route("budget owner", "the budget owner may know the order")


def _without_order(view: View) -> Iterator[Option]:
    """An invoice without an order that nobody has called an exception yet: some suppliers never have one."""
    known, with_order = view.order_habit
    if known >= 3 and with_order * 5 < known:
        yield route(
            "budget owner", f"{with_order} of the supplier's last {known} invoices named an order: its owner decides"
        )
    yield from _missing_order(view)


def _price(view: View) -> Iterator[Option]:
    times = over_tolerance(view)
    if times is not None and 0 < times <= 2:
        yield route(
            "buyer", "the price is at most twice the tolerance above the order: the buyer may have agreed to it"
        )
    yield credit_note(view, "price", "the billed price is above the order: the difference is to be credited")
    yield Option("open_dispute", {"reason": "price above the order", "supplier_id": supplier(view)},
                 "if the supplier insists on its price")  # fmt: skip
    yield hold(view, "the price is not agreed")
    yield route("buyer", "the buyer knows the agreed price")


def _quantity(view: View) -> Iterator[Option]:
    if view.cause["primary"] == "integration_failure":
        yield route("warehouse", "the delivery note confirms the billed quantity: the receipt is to be corrected")
    yield credit_note(view, "quantity", "more was billed than received: the difference is to be credited")
    yield Option("open_dispute", {"reason": "quantity above the receipt", "supplier_id": supplier(view)},
                 "if the supplier insists on its quantity")  # fmt: skip
    yield hold(view, "the quantity is not confirmed")
    yield route("warehouse", "the warehouse knows what arrived")


def _receipt(view: View) -> Iterator[Option]:
    expected = facts.day(view.details, "expected_delivery")
    if expected is not None and expected > view.today:
        yield wait(expected, f"the delivery is expected on {expected.isoformat()}")
    if facts.text(view.details, "delivery_note"):
        yield route("warehouse", "a delivery note exists, but no receipt was posted")
    yield ask_document(view, "delivery_note", "no goods receipt is on record: the supplier can prove the delivery")
    yield route("warehouse", "the warehouse knows whether the goods arrived")
    yield hold(view, "nothing proves that the goods arrived")
    yield wait(later(view, 5), "the receipt may still be posted")


def _tax(view: View) -> Iterator[Option]:
    yield credit_note(view, "tax", "the tax is not the expected one: a corrected invoice is needed")
    yield hold(view, "the tax is to be corrected first")
    yield write(view, "", "tax on the invoice", "the supplier may have a reason for the rate")


def _master(view: View) -> Iterator[Option]:
    why = "name or VAT id on the invoice differ from the books: the supplier is to confirm its company details"
    yield write(view, "master", "company details", why)
    yield hold(view, "it is not certain who sent the invoice")
    yield route("master data", "the supplier's record may be out of date")


def _suspect(view: View) -> Iterator[Option]:
    if resembled := view.likely_twins or [one for one in view.duplicates if _taken_back(one)]:
        said = resembled[0].get("remedy") or {"why": "this one was here first"}
        why = f"it resembles {_called(resembled[0])}, but {said['why']}"
        yield route("accounts payable lead", why)
        yield refer(why)
        return
    yield route("accounts payable lead", "it resembles earlier invoices, but none closely enough to be the same one")
    yield refer("it was suspected to be a duplicate, but no earlier invoice is likely enough to be the same one")
    yield hold(view, "until the suspicion is cleared")


def _taken_back(twin: Json) -> bool:
    return (twin.get("twin_state") or {}).get("state") == "reversed"


def _approval(view: View) -> Iterator[Option]:
    approver = stated({"approver": facts.text(view.details, "approver")}).get("approver")
    absent = facts.day(view.details, "absent_until")
    waited = facts.amount_text(facts.number(view.details, "waiting_days"))
    said = f"{approver or 'the approver'} has not decided" + (f" for {waited} days" if waited else "")
    if absent is not None and absent > view.today:
        yield route("deputy approver", f"{said} and is absent until {absent.isoformat()}: the deputy decides")
    yield route("deputy approver", f"{said}: the deputy or the manager decides")
    yield call(view, "pending approval", f"{said}: a call may settle it")
    yield wait(later(view, 2), said)


def _received(view: View) -> Iterator[Option]:
    """An invoice that came without a named exception: the first obstacle decides; without one it may be paid."""
    statuses = {
        name: view.check(name) for name in ("order_reference", "order", "currency", "price", "quantity", "receipt")
    }
    if view.kind.get("document_class") == "credit_note":
        yield route("accounts payable lead", "a credit note is to be matched with the invoice that it corrects")
    elif view.brief.facts.amount is None:
        yield refer("the amount could not be read")
    elif statuses["order_reference"] == "missing":
        yield from _without_order(view)
    elif statuses["order"] != "ok":
        yield route("buyer", "the order that it names is not an order of this supplier in the books")
        yield ask_order(view, "the order that it names is not in the books")
    elif statuses["currency"] == "differs" or view.check("arithmetic") == "differs":
        yield credit_note(view, "", "the invoice does not agree with the order or does not add up")
        yield refer("the invoice does not agree with the order or does not add up")
    elif statuses["price"] == "differs":
        yield from _price(view)
    elif "differs" in (statuses["quantity"], statuses["receipt"]):
        yield from _quantity(view)
    elif statuses["receipt"] == "missing":
        yield from _receipt(view)
    elif doubt := _other_details(view):
        yield refer(doubt)
    elif view.match is not None and view.match["outcome"] == "matched":
        yield _release(view)
    yield route("budget owner", "order and receipt do not settle every question: the budget owner confirms it")


def _other_details(view: View) -> str | None:
    """That name or VAT id on the document are not those of the supplier whom other evidence names."""
    found = facts.texts(matched_supplier(view), "findings")
    if "vat_id_differs" in found:
        return "the VAT id on the document is not the one that the books hold for this supplier"
    return "the name on the document is that of another supplier" if "name_of_another" in found else None


def _release(view: View) -> Option:
    case = view.brief.facts
    args = {
        "invoice_id": facts.invoice_ref(view.brief),
        "amount": facts.amount_text(case.amount),
        "currency": case.currency,
        "supplier_id": supplier(view),
    }
    return Option("release_payment", args, "invoice, order and receipt agree, and the account is the supplier's")


_READERS = {
    "purchase_order": "sales", "order_response": "buyer", "delivery_note": "warehouse", "contract": "contract owner",
    "statement_of_account": "accounts payable lead", "remittance_advice": "accounts receivable lead",
    "payment_reminder": "accounts payable lead", "dispute": "accounts receivable lead", "bank_statement": "treasury",
    "receipt": "expense approver", "tax_form": "tax",
}  # fmt: skip


def _document(view: View) -> Iterator[Option]:
    kind = str(view.kind.get("document_class") or "other")
    if kind in _READERS:
        yield route(_READERS[kind], f"a {kind.replace('_', ' ')} arrived: it belongs to this role")
    yield refer("a document arrived that no rule knows what to do with")


RULES: dict[str, Rule] = {
    "missing_order_reference": _missing_order, "price_variance": _price, "quantity_variance": _quantity,
    "missing_receipt": _receipt, "tax_mismatch": _tax, "supplier_master_mismatch": _master,
    "bank_detail_mismatch": _foreign_account, "duplicate_suspect": _suspect, "approval_stalled": _approval,
    "invoice_received": _received, "document_received": _document,
}  # fmt: skip


def options(view: View) -> Iterator[Option]:
    """What could be done, best first. A foreign account and a likely duplicate come before everything else."""
    kind = str(view.kind.get("exception_type"))
    if foreign_account(view):
        yield from _foreign_account(view)
        return
    if view.twin is not None:
        yield from duplicate(view)
        return
    rule = RULES.get(kind)
    if rule is not None:
        yield from rule(view)
