"""Why a supplier's invoice or document is stuck: a rule for each type of exception, on its own evidence. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal

from agents import facts
from agents.diagnose_signs import agreed, interface_ran, units
from agents.diagnosis import Cause, Fact, said
from agents.state import Json, View

Rule = Callable[[View], Cause]


def over_tolerance(view: View) -> Decimal | None:
    """How many times its tolerance the price is above the order; None where it is not known."""
    percent = facts.number(view.details, "variance_percent")
    ordered, billed = (facts.number(view.details, name) for name in ("ordered_unit_price", "billed_unit_price"))
    if percent is None and ordered and billed is not None:
        percent = (billed - ordered) / ordered * 100
    # What people set comes before what a row says of its system's own limit.
    said_ = None if view.tolerances.governed else facts.number(view.details, "tolerance_percent")
    tolerance = said_ or view.tolerances.price_percent
    return None if percent is None or not tolerance else percent / tolerance


def limits_said(view: View) -> tuple[Fact, ...]:
    """What the match let pass, where it was made."""
    return (((view.match or {})["limits"], "match"),) if (view.match or {}).get("limits") else ()


def _missing_order(view: View) -> Cause:
    if view.check("order_reference") == "ok" and view.check("order") in ("missing", "differs"):
        return Cause("missing_order_reference", (("the order that it names is not one of this supplier's", "books"),))
    # No interface loses what the document itself does not say.
    return Cause("missing_order_reference", (("the invoice names no purchase order", "case"),), sure=True)


def _price(view: View) -> Cause:
    if found := agreed(view) or units(view):
        return Cause(found.primary, found.facts, ("counterparty",), sure=True)
    named = said(view, "ordered_unit_price", "billed_unit_price", "variance_percent", "tolerance_percent")
    shown = (*named, *limits_said(view))
    times = over_tolerance(view)
    if times is not None and 0 < times <= 2:
        near = "the variance is at most twice the tolerance: a surcharge may have been agreed"
        if times <= 1:
            near = "the variance is inside the tolerance: a stricter limit of our own stopped it"
        return Cause("policy_exception", (*shown, (near, "case")), ("counterparty",))
    if times is None and view.check("price") != "differs":
        return Cause(
            "unknown", (*shown, ("neither order nor case says which price was agreed", "books")), ("counterparty",)
        )
    return Cause("counterparty", (*shown, ("the billed price is above the order", "match")), sure=True)


def _quantity(view: View) -> Cause:
    if found := units(view):
        return Cause(found.primary, found.facts, ("counterparty",), sure=True)
    named = said(view, "billed_quantity", "received_quantity", "delivery_note_quantity", "expected_delivery")
    shown = (*named, *limits_said(view))
    names = ("billed_quantity", "received_quantity", "delivery_note_quantity")
    billed, received, noted = (facts.number(view.details, name) for name in names)
    if billed is not None and received is not None and received >= billed:
        return Cause(
            "counterparty", (*shown, ("all that was billed arrived: it is more than was ordered", "match")), sure=True
        )
    ordered = facts.number(view.details, "ordered_quantity")
    if billed is not None and received is not None and ordered is not None and received >= ordered and billed > ordered:
        more = (*said(view, "ordered_quantity"), ("what was ordered arrived; more was sent or billed", "match"))
        return Cause("counterparty", (*shown, *more), sure=True)
    if billed is not None and noted is not None and noted >= billed:
        return _posted_short(view, shown)
    if billed is not None and noted is not None:
        return Cause("counterparty", (*shown, ("the delivery note holds less than was billed", "case")), sure=True)
    if billed is None and received is None and "differs" not in (view.check("quantity"), view.check("receipt")):
        return Cause("unknown", (*shown, ("neither receipt nor case says how many came", "books")), ("counterparty",))
    return Cause("counterparty", (*shown, ("less was received than billed", "match")))


def _posted_short(view: View, shown: tuple[Fact, ...]) -> Cause:
    """The goods came and the books hold fewer: lost on the way, unless every interface is known to have run."""
    if interface_ran(view):
        typed = (
            "the delivery note confirms the billed quantity and every interface ran: it was entered wrongly",
            "case",
        )
        return Cause("data_quality", (*shown, *said(view, "interface_status", "posting_job"), typed))
    lost = ("the delivery note confirms the billed quantity, the receipt was posted short", "case")
    return Cause("integration_failure", (*shown, lost), ("data_quality",))


def _receipt(view: View) -> Cause:
    shown = said(view, "delivery_note", "expected_delivery")
    expected = facts.day(view.details, "expected_delivery")
    if expected is not None and expected > view.today:
        return Cause("counterparty", (*shown, ("the goods are not due yet", "case")), sure=True)
    if facts.text(view.details, "delivery_note"):
        if interface_ran(view):
            forgotten = ("a delivery note exists and every interface ran: the receipt was not entered", "case")
            return Cause("data_quality", (*shown, forgotten))
        return Cause("integration_failure", (*shown, ("a delivery note exists, but no receipt was posted", "books")))
    return Cause("counterparty", (*shown, ("no goods receipt is on record", "books")))


def _tax(view: View) -> Cause:
    shown = said(view, "billed_rate_percent", "expected_rate_percent")
    billed, expected = (facts.number(view.details, name) for name in ("billed_rate_percent", "expected_rate_percent"))
    if billed is not None and billed == expected:
        return Cause(
            "policy_exception", (*shown, ("the rates agree: only the rounding differs", "case")), ("counterparty",)
        )
    if billed is None and expected is None and view.check("tax") != "differs":
        return Cause("unknown", (*shown, ("neither case nor document says which rate was billed", "case")))
    return Cause("counterparty", shown)


def _master(view: View) -> Cause:
    shown = said(view, "books_name", "document_name", "books_vat_id", "document_vat_id")
    if view.brief.supplier is None:
        shown = (*shown, ("the supplier is not in the books", "books"))
    return Cause("supplier_master_mismatch", shown, sure=True)


def bank(view: View) -> Cause:
    """The account is not one of the supplier's; the books' own one may be no account at all."""
    own = [*view.brief.supplier_ibans, *filter(None, [facts.text(view.details, "books_iban")])]
    checked = (facts.text(view.details, "books_iban_check") or "").casefold()
    if own and ("invalid" in checked or not any(facts.is_iban(one) for one in own)):
        wrong = ("the account in the books fails its check digits: it was entered wrongly", "books")
        return Cause("data_quality", (wrong,), ("supplier_master_mismatch",), sure=True)
    fact = ("the account on the document is not one of the supplier's", "books")
    proofs = [name for name in view.details if re.search(r"call_?back|change_letter|notice|confirmation", name)]
    if len(proofs) > 1 and not any(view.details[name] for name in proofs):
        none = ("no letter, call-back or notice says whether it is a new account or a fraud", "case")
        return Cause("unknown", (fact, none), ("supplier_master_mismatch",), sure=True)
    return Cause("supplier_master_mismatch", (fact,), sure=True)


def _duplicate(view: View) -> Cause:
    twin = view.twin or next(iter(view.likely_twins), None)
    if twin is None:
        return Cause("data_quality", (("no earlier invoice is likely enough to be the same one", "ledger"),))
    return Cause("data_quality", twin_facts(twin))


def twin_facts(twin: Json) -> tuple[Fact, ...]:
    """That another invoice may be the same one, and what the books say became of the two."""
    may = (
        "may be for the same work under another number" if twin.get("queue") == "renumbered" else "may be the same one"
    )
    fact = f"invoice {twin['invoice_id']} {may} (probability {twin['probability']:.2f})"
    why = (twin.get("remedy") or {}).get("why")
    return ((fact, "ledger"), *(((str(why), "books"),) if why else ()))


def _approval(view: View) -> Cause:
    return Cause("approval_bottleneck", said(view, "approver", "waiting_days", "absent_until"))


def _received(view: View) -> Cause:
    """An invoice that came without a named exception: the match tells."""
    if view.twin is not None:
        return _duplicate(view)
    if view.brief.supplier is None:
        return Cause("supplier_master_mismatch", (("the supplier is not in the books", "books"),), sure=True)
    if view.check("order_reference") == "missing":
        return _missing_order(view)
    if view.check("order") in ("missing", "differs"):
        return Cause("data_quality", (("the order that it names is not one of this supplier's", "books"),))
    for name, reason in (
        ("currency", "another currency than the order's"), ("arithmetic", "the sums do not add up"),
        ("unit", "another unit than the order's"), ("tax", "the tax is not that of any rate of the country"),
    ):  # fmt: skip
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


RULES: Mapping[str, Rule] = {
    "missing_order_reference": _missing_order, "price_variance": _price, "quantity_variance": _quantity,
    "missing_receipt": _receipt, "tax_mismatch": _tax, "supplier_master_mismatch": _master,
    "bank_detail_mismatch": bank, "duplicate_suspect": _duplicate, "approval_stalled": _approval,
    "invoice_received": _received, "document_received": _document,
}  # fmt: skip
