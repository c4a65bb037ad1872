"""What is shown of each workflow: a case of every type, its cause and action as planted, its letter guarded."""

from __future__ import annotations

import argparse
from functools import cache
from typing import Any

import pytest

from evals.show import page, shown
from governance.case import QUEUES
from governance.policy import standard_policy
from models.duplicates import PairScorer, train_pair_scorer
from models.synthetic import company_month


@cache
def scorer() -> PairScorer:
    month = company_month(3, suppliers=20, customers=15, invoices=250, exceptions=40, mail=0)
    return train_pair_scorer([month], seed=1, drills=1)


@cache
def cases() -> tuple[dict[str, Any], ...]:
    return tuple(shown(argparse.Namespace(queues=[], one=False, language=None), scorer()))


def test_every_type_of_every_workflow_is_shown_once() -> None:
    kinds = [(one["queue"], one["exception_type"]) for one in cases()]
    assert len(set(kinds)) == len(kinds)
    assert set(kinds) == {(flow.queue, flow.exception_type) for flow in standard_policy().workflows}


def test_what_is_shown_is_what_was_planted() -> None:
    """Cause and action of the shown cases; what differs is named, so that a change of either is seen."""
    other = {
        one["exception_type"]: (one["planted"]["cause"], one["cause"]["primary"])
        for one in cases()
        if one["planted"]["cause"] != one["cause"]["primary"]
    }
    assert other == {}, "causes"
    moved = {
        f"{one['queue']}/{one['exception_type']}": (one["planted"]["action"], one["action"]["name"])
        for one in cases()
        # Whether two bills are one hangs on the scorer, and this one has seen little.
        if one["planted"]["action"] != one["action"]["name"] and one["exception_type"] != "duplicate_suspect"
    }
    assert moved == {}, "actions"


def test_letters_are_there_and_a_page_reads_like_a_case() -> None:
    written = [one for one in cases() if one["draft"] is not None]
    assert {one["queue"] for one in written} >= {"accounts_payable", "order_to_cash", "customer_onboarding"}
    for one in written:
        assert f"To: {one['draft']['to']}" in page(one)
    assert all(one["cause"]["primary"] in page(one) for one in cases())


@pytest.mark.parametrize("queue", QUEUES)
def test_one_case_of_one_workflow_in_one_language(queue: str) -> None:
    (one,) = shown(argparse.Namespace(queues=[queue], one=True, language="de"), scorer())
    assert one["queue"] == queue
    assert one["draft"] is None or one["draft"]["language"] == "de"
