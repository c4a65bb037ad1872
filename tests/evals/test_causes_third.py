"""The third maker of planted causes: valid, closed, of every type, the same again, and split by place alone."""

from __future__ import annotations

import pytest

from evals import suite_causes
from evals.causes_judged import Judged
from evals.causes_third import KEPT, LATER, SHOWN, STORIES, kept, planted_causes
from evals.suite_causes import KEPT as KEPT_MAKER
from evals.suite_causes import SECOND, under_policy
from evals.suite_causes import SHOWN as SHOWN_MAKER
from governance.case import FIELD_NAMES, QUEUES, Party, parse_amount
from governance.plan import CAUSES
from governance.policy import standard_policy


@pytest.fixture(scope="module")
def cases():
    return [*planted_causes(11, 2), *planted_causes(11, 2, LATER)]


def test_equal_seeds_tell_the_same_and_others_other_numbers(cases):
    assert [*planted_causes(11, 2), *planted_causes(11, 2, LATER)] == cases
    assert planted_causes(12, 2) != planted_causes(11, 2)
    assert len({one.key for one in cases}) == len(cases) == 2 * len(STORIES) + 2 * len(LATER)


def test_every_story_has_its_name_a_closed_cause_and_one_sentence():
    assert len(STORIES) >= 90
    assert len({story.name for story in (*STORIES, *LATER)}) == len(STORIES) + len(LATER)
    for story in (*STORIES, *LATER):
        assert story.cause in CAUSES
        assert story.contributing <= set(CAUSES) - {story.cause, "unknown"}
        assert story.why.endswith(".")
        assert story.why.count(".") == 1


def test_all_types_that_policy_knows_and_all_causes_are_told_of():
    told = {(story.queue, story.exception_type) for story in STORIES}
    assert told == {(flow.queue, flow.exception_type) for flow in standard_policy().workflows}
    assert {story.cause for story in STORIES} == set(CAUSES)


def test_a_fourth_of_each_queue_is_kept_by_place_and_half_of_the_later():
    for queue in QUEUES:
        own = [story for story in STORIES if story.queue == queue]
        assert [kept(story) for story in own] == [at % 4 == 0 for at in range(len(own))]
        later = [story for story in LATER if story.queue == queue]
        assert [kept(story) for story in later] == [at % 2 == 0 for at in range(len(later))]
        assert later
    assert {story.name for story in (*STORIES, *LATER)} == SHOWN | KEPT
    assert not SHOWN & KEPT


def test_a_case_is_one_that_the_record_could_hold(cases):
    policy = standard_policy()
    for one in cases:
        facts, reading = one.brief.facts, one.brief.reading
        assert under_policy(one.brief, policy).allowed_actions
        assert parse_amount(facts.amount, facts.currency) == facts.amount > 0
        assert set(reading["fields"]) <= set(FIELD_NAMES)
        if total := reading["fields"].get("total_amount"):
            assert parse_amount(total, "EUR") == facts.amount
        if order := one.brief.order:
            assert reading["fields"]["purchase_order"] == order["id"]
        for party in (one.brief.supplier, one.brief.customer):
            assert party is None or (isinstance(party, Party) and party.email.endswith(".example"))


def test_nothing_in_a_case_gives_its_cause_away(cases):
    for one in cases:
        shown = repr((one.brief.facts, one.brief.reading, one.brief.order))
        assert one.mechanism not in shown
        assert not [cause for cause in CAUSES if cause != "unknown" and cause != one.exception_type and cause in shown]


def test_no_table_of_the_suite_tells_of_a_kept_case():
    def one(maker, kind):
        return Judged(maker, "accounts_payable", kind, maker, "data_quality", "unknown", frozenset(), 0, (True,),
                      "refer_to_person", None, None, True)  # fmt: skip

    cases = [one(SECOND, "price_variance"), one(SHOWN_MAKER, "tax_mismatch"), one(KEPT_MAKER, "missing_receipt"),
             one(suite_causes.LATER, "missing_receipt")]  # fmt: skip
    assert {row[1] for row in suite_causes._confusions(cases).rows} == {"price variance", "tax mismatch"}
    counts = {row[1]: row[2] for row in suite_causes._by_type(cases).rows}
    assert counts["tax mismatch"] == 1
    assert counts["missing receipt"] == 0
