"""Causes: what lies deepest is named first, each with its support, and what says nothing changes nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.diagnose import CAUSES, cause_of
from agents.diagnosis import refuted_by
from agents.state import View
from evals.causes_second import STORIES, planted_causes
from evals.causes_stage import TODAY, PlantedCause
from tests.agents.scenes import CUSTOMER, OTHER_IBAN, brief, twin, view

PLANTED = planted_causes(5, 1)
BROKEN_WORDS = ("failed", "ERROR 500", "timed out", "time_out", "gap", "Partial load", "interface_error", "abgebrochen")
FINE_WORDS = ("ok", "done", "complete", "no errors", "0 gaps", "without failures", "download finished", "success")


def seen(planted: PlantedCause, **details: Any) -> View:
    case = planted.brief
    twins = [twin(invoice_id=one.invoice_id) for one in planted.ledger]
    more = replace(case, facts=replace(case.facts, details={**case.facts.details, **details}))
    return view(more, duplicates=twins, today=TODAY)


@pytest.mark.parametrize("planted", PLANTED, ids=[one.key for one in PLANTED])
def test_every_story_of_the_second_maker_is_understood(planted: PlantedCause) -> None:
    found = cause_of(seen(planted))
    assert found.primary == planted.cause
    assert planted.contributing <= set(found.contributing)


@pytest.mark.parametrize("planted", PLANTED, ids=[one.key for one in PLANTED])
def test_every_cause_says_what_supports_it_and_what_would_refute_it(planted: PlantedCause) -> None:
    found = cause_of(seen(planted)).as_dict()
    named = [found["primary"], *found["contributing"]]
    assert [one["cause"] for one in found["reasons"]] == named
    assert len(set(named)) == len(named)
    for one in found["reasons"]:
        if one["cause"] != "unknown":
            assert one["facts"], one
            assert one["refuted_by"], one
        assert all(fact in found["facts"] for fact in one["facts"])


NOISE: dict[str, Any] = {
    "cost_center": "CC1", "created_by": "batch", "waiting_days": "1", "absent_until": "2026-11-01",
    "candidates": [], "missing": [], "note": "please pay", "tolerance_percent": None,
}  # fmt: skip


@settings(deadline=None, max_examples=120)
@given(st.sampled_from(PLANTED), st.sampled_from(sorted(NOISE)))
def test_what_says_nothing_changes_no_cause(planted: PlantedCause, name: str) -> None:
    if name not in planted.brief.facts.details:
        assert cause_of(seen(planted, **{name: NOISE[name]})).primary == planted.cause


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(PLANTED), st.data())
def test_less_evidence_never_names_a_cause_that_nothing_supports(planted: PlantedCause, data: st.DataObject) -> None:
    known = planted.brief.facts.details
    left = data.draw(st.sets(st.sampled_from(sorted(known)))) if known else set()
    case = replace(planted.brief, facts=replace(planted.brief.facts, details={name: known[name] for name in left}))
    found = cause_of(view(case, today=TODAY))
    assert found.primary in CAUSES
    assert set(found.contributing) <= set(CAUSES) - {"unknown", found.primary}


@pytest.mark.parametrize("word", BROKEN_WORDS)
def test_a_failing_interface_is_read_in_whatever_words(word: str) -> None:
    made = brief("usage_mismatch", "partner_settlement", details={"feed_status": word}, iban=None, document_class=None)
    assert cause_of(view(made)).primary == "integration_failure"


@pytest.mark.parametrize("word", FINE_WORDS)
def test_one_that_ran_is_none(word: str) -> None:
    made = brief("usage_mismatch", "partner_settlement", details={"feed_status": word}, iban=None, document_class=None)
    assert cause_of(view(made)).primary == "counterparty"


def test_a_failing_interface_explains_no_delivery_note_that_holds_less() -> None:
    short = {"billed_quantity": "10", "received_quantity": "7", "delivery_note_quantity": "7", "posting_job": "failed"}
    found = cause_of(view(brief("quantity_variance", details=short)))
    assert (found.primary, found.contributing[0]) == ("counterparty", "integration_failure")
    low = {"score": "10", "threshold": "40", "interface_status": "failed"}
    made = brief(
        "credit_check_adverse", "customer_onboarding", details=low, supplier=None, customer=CUSTOMER, iban=None
    )
    assert cause_of(view(made)).primary == "policy_exception"


def test_whoever_was_asked_yesterday_holds_nothing_up() -> None:
    for days, cause in ((1, "counterparty"), (9, "approval_bottleneck")):
        made = brief(
            "missing_receipt", details={"approver": "m-1", "waiting_days": days}, fields={"purchase_order": "P"}
        )
        assert cause_of(view(made)).primary == cause


def test_a_foreign_account_comes_before_everything_and_keeps_what_else_is_wrong() -> None:
    made = brief("price_variance", iban=OTHER_IBAN, details={"variance_percent": "12"})
    found = cause_of(view(made, duplicates=[twin()]))
    assert found.primary == "supplier_master_mismatch"
    assert set(found.contributing) == {"counterparty", "missing_order_reference", "data_quality"}


def test_every_type_of_the_second_maker_has_a_story_and_every_cause_a_refutation() -> None:
    assert sum(len(stories) for types in STORIES.values() for stories in types.values()) == len(PLANTED)
    assert {one.cause for one in PLANTED} == set(CAUSES)
    assert all(refuted_by(cause, "overdue") for cause in CAUSES if cause != "unknown")
