"""Cause and action: what a careful clerk would do, and never anything that policy does not allow."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.diagnose import CAUSES, cause_of
from agents.recommend import choice_of
from governance.action import CATALOGUE, Action
from governance.case import Party
from governance.policy import standard_policy
from governance.record.queue import Brief
from tests.agents.scenes import CUSTOMER, IBAN, ORDER, OTHER_IBAN, RECEIPT, SUPPLIER, TODAY, brief, twin, view

AP, O2C, R2R, ONB, PRT = (
    "accounts_payable", "order_to_cash", "record_to_report", "customer_onboarding", "partner_settlement",
)  # fmt: skip
LATE = {"days_overdue": 12, "reminders_sent": 1}

# (queue, exception type, details) -> (cause, action)
CLERK: list[tuple[str, str, dict[str, Any], str, str]] = [
    (AP, "missing_order_reference", {}, "missing_order_reference", "request_purchase_order"),
    (AP, "price_variance", {"variance_percent": "12", "tolerance_percent": "2"}, "counterparty", "request_credit_note"),
    (AP, "price_variance", {"variance_percent": "3", "tolerance_percent": "2"}, "policy_exception",
     "route_for_approval"),
    (AP, "quantity_variance", {"billed_quantity": "10", "received_quantity": "7", "delivery_note_quantity": "7"},
     "counterparty", "request_credit_note"),
    (AP, "quantity_variance", {"billed_quantity": "10", "received_quantity": "7", "delivery_note_quantity": "10"},
     "integration_failure", "route_for_approval"),
    (AP, "missing_receipt", {"expected_delivery": "2026-12-01"}, "counterparty", "wait_until"),
    (AP, "missing_receipt", {"delivery_note": "DN-1", "expected_delivery": "2026-11-01"}, "integration_failure",
     "route_for_approval"),
    (AP, "missing_receipt", {}, "counterparty", "request_missing_document"),
    (AP, "tax_mismatch", {"billed_rate_percent": "7"}, "counterparty", "request_credit_note"),
    (AP, "supplier_master_mismatch", {}, "supplier_master_mismatch", "send_supplier_email"),
    (AP, "bank_detail_mismatch", {"_iban": OTHER_IBAN}, "supplier_master_mismatch", "verify_bank_details_by_callback"),
    (AP, "approval_stalled", {"approver": "m-1", "waiting_days": 9}, "approval_bottleneck", "route_for_approval"),
    (O2C, "overdue", LATE, "counterparty", "send_customer_reminder"),
    (O2C, "overdue", {**LATE, "promised_date": "2026-11-25"}, "counterparty", "wait_until"),
    (O2C, "short_payment", {"billed": "100", "difference": "30", "remittance_text": "damaged"}, "counterparty",
     "open_dispute"),
    (O2C, "dispute", {"reason": "not received"}, "unknown", "open_dispute"),
    (O2C, "dispute", {"reason": "not received", "proof_of_delivery": "POD-1"}, "counterparty", "open_dispute"),
    (O2C, "credit_limit", {"credit_limit": "100", "exposure": "150", "overdue_amount": "20"}, "policy_exception",
     "place_credit_hold"),
    (O2C, "credit_limit", {"credit_limit": "100", "exposure": "150", "overdue_amount": "0"}, "policy_exception",
     "escalate_credit_review"),
    (O2C, "unapplied_cash", {"bank_line": "BL-1", "candidates": ["AR-1"]}, "data_quality", "propose_match"),
    (R2R, "unmatched_bank_line", {"bank_line": "BL-1", "candidates": []}, "unknown", "refer_to_person"),
    (R2R, "unmatched_bank_line", {"bank_line": "BL-1", "candidates": ["A", "B"]}, "data_quality", "refer_to_person"),
    (R2R, "reconciliation_break", {"interface_status": "failed"}, "integration_failure", "escalate_close_task"),
    (R2R, "reconciliation_break", {"interface_status": "ok"}, "unknown", "refer_to_person"),
    (R2R, "close_task_overdue", {"task": "Accruals"}, "approval_bottleneck", "escalate_close_task"),
    (R2R, "accrual_missing", {"posting_job": "done"}, "data_quality", "route_for_approval"),
    (ONB, "document_missing", {"missing": ["tax_form"]}, "counterparty", "request_missing_document"),
    (ONB, "credit_check_adverse", {"score": 10, "threshold": 40}, "policy_exception", "escalate_credit_review"),
    (ONB, "contract_billing_mismatch", {}, "unknown", "route_for_approval"),
    (ONB, "contract_billing_mismatch", {"contract_rate": "9.10", "billing_rate": "9.90"}, "data_quality",
     "route_for_approval"),
    (ONB, "provisioning_stalled", {"blocked_by": "interface_error"}, "integration_failure", "route_for_approval"),
    (PRT, "usage_mismatch", {"feed_status": "complete", "partner_units": "10", "our_units": "8"}, "counterparty",
     "open_dispute"),
    (PRT, "usage_mismatch", {"feed_status": "complete"}, "counterparty", "request_missing_document"),
    (PRT, "payout_blocked", {"block_reason": "bank_details"}, "supplier_master_mismatch",
     "verify_bank_details_by_callback"),
    (PRT, "payout_blocked", {"block_reason": "approval", "statement_agreed": True}, "approval_bottleneck",
     "approve_payout"),
]  # fmt: skip


def case(queue: str, kind: str, details: dict[str, Any]) -> Brief:
    values: dict[str, Any] = {"details": {k: v for k, v in details.items() if not k.startswith("_")}}
    if "_iban" in details:
        values["iban"] = details["_iban"]
    if queue in (O2C, ONB):
        values |= {"supplier": None, "customer": CUSTOMER, "document_class": None, "iban": None}
        values["due"] = TODAY.replace(day=8)
    if queue == R2R:
        values |= {"supplier": None, "document_class": None, "iban": None}
    if queue == PRT:
        values |= {"document_class": None, "iban": None}
    return brief(kind, queue, **values)


@pytest.mark.parametrize(("queue", "kind", "details", "cause", "action"), CLERK)
def test_cause_and_action_of_a_careful_clerk(
    queue: str, kind: str, details: dict[str, Any], cause: str, action: str
) -> None:
    seen = view(case(queue, kind, details))
    assert seen.cause["primary"] == cause
    choice = choice_of(seen)
    assert choice["action"]["name"] == action
    assert choice["confidence"] is None
    assert choice["why"]


@pytest.mark.parametrize(
    ("changes", "action"),
    [
        ({}, "release_payment"),
        ({"amount": None}, "refer_to_person"),
        ({"iban": OTHER_IBAN}, "verify_bank_details_by_callback"),
        ({"receipts": ()}, "request_missing_document"),
        ({"order": None}, "route_for_approval"),
        ({"fields": {}}, "request_purchase_order"),
        ({"supplier": None}, "refer_to_person"),
        ({"reading": {"abstained": True}}, "refer_to_person"),
        ({"document_class": "credit_note"}, "route_for_approval"),
    ],
)
def test_a_received_invoice_is_released_only_where_everything_agrees(changes: dict[str, Any], action: str) -> None:
    values: dict[str, Any] = {"fields": {"purchase_order": "PO-7"}, "order": ORDER, "receipts": (RECEIPT,), **changes}
    assert choice_of(view(brief("invoice_received", **values)))["action"]["name"] == action


def test_a_supplier_that_never_has_orders_is_not_asked_for_one() -> None:
    received = brief("invoice_received", iban=None)
    assert choice_of(view(received, order_habit=(10, 0)))["action"]["name"] == "route_for_approval"
    assert choice_of(view(received, order_habit=(10, 9)))["action"]["name"] == "request_purchase_order"


def test_a_likely_duplicate_comes_before_everything_but_a_foreign_account() -> None:
    suspect = brief("duplicate_suspect")
    choice = choice_of(view(suspect, duplicates=[twin()]))
    assert choice["action"] == {"name": "mark_duplicate", "args": {"invoice_id": "INV-1", "duplicate_of": "AP-000123"}}
    assert choice["risk"] == "high"
    later = choice_of(view(suspect, duplicates=[twin(earlier=False)]))
    assert later["action"]["name"] == "refer_to_person", "the earlier of two is not the copy"
    unsure = choice_of(view(suspect, duplicates=[twin(0.5)]))
    assert unsure["action"]["name"] == "refer_to_person"
    foreign = brief("invoice_received", iban=OTHER_IBAN)
    assert choice_of(view(foreign, duplicates=[twin()]))["action"]["name"] == "verify_bank_details_by_callback"
    # Where policy knows no action against duplicates, a person looks before anything goes out.
    assert choice_of(view(brief(), duplicates=[twin()]))["action"]["name"] == "refer_to_person"


FOREIGN: dict[str, dict[str, Any]] = {
    "nothing else": {},
    "no class that is certain": {"reading": {"abstained": True}},
    "no amount": {"amount": None},
    "no order": {"order": None, "fields": {}},
    "a reminder": {"document_class": "payment_reminder"},
    "a letter": {"document_class": "other"},
    "data and page differ": {"reading": {"findings": [
        {"code": "xml_text_mismatch", "level": "contested", "fields": ["total_amount"], "detail": "total: 1 or 2"}]}},
    "another VAT id": {"reading": {"supplier_match": {"outcome": "bank_details_differ", "supplier_id": "S-1",
                                                      "findings": ["vat_id_differs"], "candidates": []}}},
    "a name that only looks right": {"reading": {"findings": [
        {"code": "lookalike_name", "level": "contested", "fields": ["supplier"], "detail": "it only looks right"}]}},
    "no address to write to": {"supplier": replace(SUPPLIER, email=None)},
}  # fmt: skip


@pytest.mark.parametrize("also", FOREIGN)
def test_a_foreign_account_is_asked_about_whatever_else_is_wrong(also: str) -> None:
    habit = [
        {"case_id": f"c{n}", "similarity": 0.99, "action": "refer_to_person", "decision": "override",
         "role": "controller", "outcome": "done"} for n in range(9)
    ]  # fmt: skip
    for workflow in standard_policy().workflows:
        if workflow.queue == AP:
            made = brief(workflow.exception_type, iban=OTHER_IBAN, **FOREIGN[also])
            for duplicates in ([], [twin()]):
                seen = view(made, duplicates=duplicates, precedents=habit)
                choice = choice_of(seen)
                assert choice["action"]["name"] == "verify_bank_details_by_callback", workflow.exception_type
                assert choice["action"]["args"]["supplier_id"] == "S-1"
                assert (choice["risk"], seen.cause["primary"]) == ("high", "supplier_master_mismatch")
                assert not {"release_payment", "mark_duplicate"} & {one["action"] for one in choice["alternatives"]}


def test_where_policy_knows_no_callback_a_foreign_account_is_held_or_goes_to_a_person() -> None:
    for actions, name in ((("refer_to_person", "hold_payment"), "hold_payment"), (("refer_to_person",),) * 2):
        made = brief("price_variance", iban=OTHER_IBAN, actions=actions)
        assert choice_of(view(made))["action"]["name"] == (name if isinstance(name, str) else name[0])


def test_our_own_account_on_a_statement_or_an_advice_is_no_foreign_one() -> None:
    for document_class in ("bank_statement", "remittance_advice"):
        made = brief("document_received", iban=OTHER_IBAN, document_class=document_class)
        assert view(made).match is None


def _matched(**values: Any) -> dict[str, Any]:
    return {"supplier_match": {"outcome": "bank_details_differ", "supplier_id": "S-1", "findings": [], **values}}


@pytest.mark.parametrize(
    ("changes", "action"),
    [
        ({}, "verify_bank_details_by_callback"),
        ({"reading": _matched(supplier_id="S-2")}, "request_purchase_order"),  # said of another supplier
        ({"fields": {"iban": IBAN}}, "request_purchase_order"),  # said of another account
        ({"ibans": (OTHER_IBAN,)}, "request_purchase_order"),  # the books have learnt the account since
    ],
)
def test_an_account_of_somebody_else_is_asked_about_where_the_books_hold_none(
    changes: dict[str, Any], action: str
) -> None:
    values: dict[str, Any] = {"ibans": (), "fields": {"iban": OTHER_IBAN}, "reading": _matched(), **changes}
    reading = {**values.pop("reading"), "fields": {"invoice_number": "2026-1", **values["fields"]}}
    made = brief("invoice_received", iban=OTHER_IBAN, **{**values, "reading": reading})
    assert choice_of(view(made))["action"]["name"] == action


def test_what_is_contested_goes_to_a_person_and_not_to_payment() -> None:
    finding = {"code": "lookalike_name", "level": "contested", "fields": ["supplier"], "detail": "it only looks right"}
    ready: dict[str, Any] = {"fields": {"purchase_order": "PO-7"}, "order": ORDER, "receipts": (RECEIPT,)}
    assert choice_of(view(brief("invoice_received", **ready)))["action"]["name"] == "release_payment"
    seen = view(brief("invoice_received", **ready, reading={"findings": [finding]}))
    choice = choice_of(seen)
    assert choice["action"]["name"] == "refer_to_person"
    assert "it only looks right" in choice["why"]
    assert {"fact": "it only looks right", "source": "case"} in seen.cause["facts"]
    odd = view(brief("invoice_received", **ready, reading={"findings": ["?", None, {"level": "contested"}]}))
    assert choice_of(odd)["action"]["name"] == "release_payment"


@pytest.mark.parametrize("code", ["vat_id_differs", "name_of_another"])
def test_nothing_is_released_to_a_supplier_whose_details_differ(code: str) -> None:
    ready: dict[str, Any] = {"fields": {"purchase_order": "PO-7"}, "order": ORDER, "receipts": (RECEIPT,)}
    match = {"supplier_match": {"outcome": "matched", "supplier_id": "S-1", "findings": [code], "candidates": []}}
    assert choice_of(view(brief("invoice_received", **ready, reading=match)))["action"]["name"] == "refer_to_person"


def test_a_person_is_told_which_suppliers_it_could_be() -> None:
    candidates = [{"supplier_id": "S-7", "supplier": "Nearly Ltd", "reason": "the name differs in one letter"}]
    match = {"supplier_match": {"outcome": "probable", "supplier_id": None, "candidates": candidates, "findings": []}}
    choice = choice_of(view(brief("invoice_received", supplier=None, reading=match)))
    assert choice["action"]["name"] == "refer_to_person"
    assert "Nearly Ltd (S-7: the name differs in one letter)" in choice["why"]


def test_no_letter_where_the_books_hold_no_address() -> None:
    mute = replace(SUPPLIER, email=None)
    choice = choice_of(view(brief(supplier=mute)))
    assert CATALOGUE[choice["action"]["name"]].effect != "mail"
    obstacle = next(one for one in choice["alternatives"] if one["action"] == "request_purchase_order")["obstacle"]
    assert obstacle == "the books hold no e-mail address of this party"


def test_the_ladder_of_dunning() -> None:
    def ask(day: int, month: int, amount: str, sent: int) -> dict[str, Any]:
        made = brief("overdue", O2C, supplier=None, customer=CUSTOMER, document_class=None, iban=None, amount=amount,
                     due=TODAY.replace(month=month, day=day), details={"reminders_sent": sent})  # fmt: skip
        return dict(choice_of(view(made))["action"])

    assert ask(15, 11, "500", 0)["args"]["tone"] == "friendly"
    assert ask(20, 10, "500", 1)["args"]["tone"] == "firm"
    assert ask(20, 10, "500", 3)["args"]["tone"] == "final"
    assert ask(20, 10, "50000", 1)["name"] == "schedule_call"
    assert ask(1, 9, "500", 3)["name"] == "escalate_to_collections"


def test_people_who_always_decide_otherwise_are_followed() -> None:
    seen = view(brief())
    habit = [
        {"case_id": f"c{n}", "similarity": 0.95, "action": "route_for_approval", "decision": "override",
         "role": "reviewer", "outcome": "done"} for n in range(4)
    ]  # fmt: skip
    assert choice_of(seen)["action"]["name"] == "request_purchase_order"
    turned = choice_of(replace(seen, precedents=habit))
    assert turned["action"]["name"] == "route_for_approval"
    assert "people did this in 4 similar cases" in turned["why"]
    assert choice_of(replace(seen, precedents=habit[:2]))["action"]["name"] == "request_purchase_order"
    pay = [{**one, "action": "release_payment"} for one in habit]
    assert choice_of(replace(seen, precedents=pay))["action"]["name"] == "request_purchase_order", "not an option here"


def test_a_reviewer_may_ask_for_another_allowed_action() -> None:
    seen = view(brief())
    asked = replace(seen, notes=("please route it for approval instead",))
    assert choice_of(asked)["action"]["name"] == "route_for_approval"
    refused = replace(seen, notes=("release_payment instead",))
    assert choice_of(refused)["action"]["name"] == "request_purchase_order"


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=True), st.text(max_size=30),
    st.lists(st.text(max_size=10), max_size=3), st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)  # fmt: skip
KEYS = (
    "variance_percent", "tolerance_percent", "billed_quantity", "delivery_note_quantity", "expected_delivery",
    "delivery_note", "approver", "absent_until", "promised_date", "reminders_sent", "remittance_text", "billed",
    "difference", "agreed_price", "billed_price", "overdue_amount", "exposure", "credit_limit", "order_id",
    "bank_line", "candidates", "interface_status", "task", "missing", "requested_on", "block_reason",
    "statement_agreed", "reason", "days_overdue", "invoice_id", "lines", "net_amount", "tax_amount",
)  # fmt: skip
WORKFLOWS = [(one.queue, one.exception_type) for one in standard_policy().workflows] + [(AP, "never heard of")]
PARTIES = st.sampled_from([None, SUPPLIER, replace(SUPPLIER, email=None)])
CUSTOMERS: st.SearchStrategy[Party | None] = st.sampled_from([None, CUSTOMER])


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_never_an_action_that_policy_does_not_allow(data: st.DataObject) -> None:
    queue, kind = data.draw(st.sampled_from(WORKFLOWS))
    made = brief(
        kind,
        queue,
        details=data.draw(st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=6)),
        supplier=data.draw(PARTIES),
        customer=data.draw(CUSTOMERS),
        iban=data.draw(st.sampled_from([None, OTHER_IBAN])),
        amount=data.draw(st.sampled_from([None, "0.00", "-5.00", "99999.99"])),
        document_class=data.draw(st.sampled_from([None, "invoice", "credit_note", "contract", "other"])),
        due=data.draw(st.sampled_from([None, TODAY])),
    )
    cut = data.draw(st.lists(st.sampled_from(made.allowed_actions), unique=True))
    made = replace(made, allowed_actions=tuple({"refer_to_person", *cut}))
    seen = view(made, duplicates=data.draw(st.sampled_from([[], [twin()]])))
    assert cause_of(seen).primary in CAUSES
    choice = choice_of(seen)
    name, args = choice["action"]["name"], choice["action"]["args"]
    assert name in made.allowed_actions
    Action(name, args)
    if CATALOGUE[name].effect == "mail":
        assert (made.customer if "customer_id" in args else made.supplier) is not None
    for argument, owner in (("supplier_id", made.supplier), ("customer_id", made.customer)):
        if argument in args:
            assert owner is not None
            assert args[argument] == owner.id
    if "amount" in args:
        assert args["amount"] == str(made.facts.amount)
