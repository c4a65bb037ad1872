"""No type of exception is ever given an action above its class: not by policy, not by habit, not by a note."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from agents.ceiling import CEILINGS, SUMMARISE, above, ceiling
from agents.recommend import choice_of
from agents.state import View
from evals.causes_second import planted_causes
from evals.causes_stage import TODAY
from evals.suite_causes import under_policy
from governance.action import CATALOGUE, CHANGE
from governance.policy import standard_policy
from governance.record.queue import Brief
from tests.agents.scenes import CUSTOMER, OTHER_IBAN, SUPPLIER, brief, twin, view

FLOWS = standard_policy().workflows
ACTIONS = tuple(name for name, spec in CATALOGUE.items() if spec.effect != CHANGE)
EVERYTHING: dict[str, Any] = {
    "candidates": ["AR-1"], "bank_line": "BL-1", "order_id": "SO-1", "exposure": "10", "credit_limit": "100",
    "overdue_amount": "5", "block_reason": "approval", "statement_agreed": True, "task": "Accruals",
    "missing": ["tax_form"], "feed_status": "complete", "blocked_by": "credit_hold", "score": "10", "threshold": "40",
    "days_overdue": "90", "reminders_sent": "3",
}  # fmt: skip


def wide(queue: str, kind: str, **values: Any) -> Brief:
    """A case of this type under a policy that would allow everything."""
    both = {"supplier": SUPPLIER, "customer": CUSTOMER} if queue != "accounts_payable" else {}
    return brief(kind, queue, details=EVERYTHING, actions=ACTIONS, **{**both, **values})


def habit(action: str) -> list[dict[str, Any]]:
    return [
        {"case_id": f"c{n}", "similarity": 0.99, "action": action, "decision": "override", "role": "controller",
         "outcome": "done", "roles": ["controller"], "decided_on": "2026-11-01"} for n in range(9)
    ]  # fmt: skip


def within(seen: View, most: int) -> None:
    choice = choice_of(seen)
    named = [choice["action"]["name"], *(one["action"] for one in choice["alternatives"] if one["obstacle"] is None)]
    assert {name for name in named if CATALOGUE[name].risk_class > most} == set()
    assert choice["why"]
    if choice["action"]["name"] == "refer_to_person":
        assert choice["action"]["args"]["reason"]


@pytest.mark.parametrize("flow", FLOWS, ids=[f"{one.queue}-{one.exception_type}" for one in FLOWS])
def test_no_type_is_given_an_action_above_its_class(flow: Any) -> None:
    made = wide(flow.queue, flow.exception_type)
    most = ceiling(flow.exception_type, flow.plan.judgement)
    seen = view(made)
    for action in ACTIONS:
        within(replace(seen, precedents=habit(action)), most)
        within(replace(seen, notes=(f"{action} instead",)), most)
        assert (above(seen, action) is None) == (CATALOGUE[action].risk_class <= most)
    within(view(made, duplicates=[twin()]), most)


# A foreign account is the one exception, and such a case is always about one.
OTHERS = [one for one in FLOWS if one.exception_type != "bank_detail_mismatch"]


@pytest.mark.parametrize("flow", OTHERS, ids=[f"{one.queue}-{one.exception_type}" for one in OTHERS])
def test_what_takes_judgement_is_only_summarised(flow: Any) -> None:
    made = wide(flow.queue, flow.exception_type)
    made = replace(made, plan=replace(flow.plan, judgement=True))
    for action in (None, *ACTIONS):
        within(replace(view(made), precedents=habit(action) if action else []), SUMMARISE)


def test_every_type_of_the_standard_policy_has_a_class_and_a_new_one_is_never_trusted_with_money() -> None:
    assert {flow.exception_type for flow in FLOWS} == set(CEILINGS)
    assert CATALOGUE["release_payment"].risk_class > ceiling("brand new", False)
    assert ceiling("brand new", True) == SUMMARISE


def test_a_foreign_account_is_asked_about_in_types_that_are_only_summarised() -> None:
    for kind in ("approval_stalled", "case_abandoned", "missing_order_reference"):
        choice = choice_of(view(wide("accounts_payable", kind, iban=OTHER_IBAN)))
        assert choice["action"]["name"] == "verify_bank_details_by_callback"
        within(view(wide("accounts_payable", kind, iban=OTHER_IBAN)), 2)


# mechanism of the second maker -> what must not be proposed on it, and what is
FIRST_BY_CAUSE: dict[str, tuple[set[str], str]] = {
    "paid_but_not_seen": ({"send_customer_reminder", "escalate_to_collections"}, "wait_until"),
    "paid_but_not_applied": ({"send_customer_reminder", "escalate_to_collections"}, "refer_to_person"),
    "price_list_not_kept": ({"request_credit_note", "open_dispute"}, "route_for_approval"),
    "priced_by_the_box": ({"request_credit_note", "open_dispute"}, "route_for_approval"),
    "miscounted": ({"request_credit_note", "open_dispute"}, "route_for_approval"),
    "nothing_told": ({"request_credit_note", "open_dispute"}, "refer_to_person"),
    "other_establishment": ({"request_credit_note"}, "send_supplier_email"),
    "paid_as_agreed": ({"send_customer_reminder", "open_dispute"}, "route_for_approval"),
    "second_part_not_loaded": ({"send_customer_reminder", "open_dispute"}, "route_for_approval"),
    "payments_not_counted": ({"place_credit_hold"}, "refer_to_person"),
    "limit_never_entered": ({"place_credit_hold", "release_order"}, "escalate_credit_review"),
    "bureau_did_not_answer": ({"place_credit_hold", "escalate_credit_review"}, "refer_to_person"),
    "payment_run_failed": ({"approve_payout"}, "route_for_approval"),
    "statement_not_agreed": ({"approve_payout"}, "route_for_approval"),
    "payout_to_another_account": ({"approve_payout"}, "verify_bank_details_by_callback"),
    "counts_differ_and_nothing_else": ({"open_dispute"}, "hold_payout"),
    "no_access_on_site": ({"release_order"}, "schedule_call"),
    "hold_deserved": ({"release_order"}, "route_for_approval"),
    "service_unconfirmed": ({"request_missing_document"}, "route_for_approval"),
}


@pytest.mark.parametrize("planted", [one for one in planted_causes(6, 2) if one.mechanism in FIRST_BY_CAUSE],
                         ids=lambda one: one.key)  # fmt: skip
def test_nobody_is_blamed_reminded_or_paid_over_our_own_failure(planted: Any) -> None:
    never, first = FIRST_BY_CAUSE[planted.mechanism]
    choice = choice_of(view(under_policy(planted.brief, standard_policy()), today=TODAY))
    assert choice["action"]["name"] not in never
    assert choice["action"]["name"] == first
