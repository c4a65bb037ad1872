"""What people answered to the agent's proposals, for calibration: agreed or not, and what says nothing."""

from __future__ import annotations

from typing import Any

import pytest

from governance.record import agreed
from governance.record.agreed import Answered
from governance.record.db import Database
from tests.build import World, world

ORDER = {"name": "request_purchase_order", "args": {"supplier_id": "S-1", "invoice_number": "2026-1"}}


@pytest.fixture
def acme(database: Database) -> World:
    return world(database)


def scored(made: World, key: str, score: str | None) -> dict[str, Any]:
    """A filed proposal with this score among its findings."""
    made.accept(source_key=key)
    job = made.claim(1)[0]
    findings = {"cause": {"primary": "missing_order_reference"}} | ({} if score is None else {"support": score})
    return made.recommendation(made.file(job, findings=findings).recommendation_id)


def answers(made: World, most: int = 100) -> list[Answered]:
    with made.database.transaction("agent", made.tokens["agent"]) as conn:
        return agreed.answered(conn, most=most)


def test_approved_and_rejected_proposals_are_answers_with_their_score(acme: World) -> None:
    yes, no = scored(acme, "yes", "0.75"), scored(acme, "no", "0.5")
    scored(acme, "open", "0.9")
    acme.decide("reviewer", yes, "approve")
    acme.decide("reviewer2", no, "reject", reason_code="wrong_data")
    assert answers(acme) == [
        Answered("request_purchase_order", "missing_order_reference", 0.75, True),
        Answered("request_purchase_order", "missing_order_reference", 0.5, False),
    ]
    assert [one.support for one in answers(acme, most=1)] == [0.5]


def test_another_action_disagrees_and_another_letter_does_not(acme: World) -> None:
    other, same = scored(acme, "other", "0.6"), scored(acme, "same", "0.7")
    refer = {"name": "refer_to_person", "args": {"reason": "ask the buyer"}}
    acme.decide("reviewer", other, "override", action=refer, reason_code="wrong_action")
    draft = {"to": "ap@supplier.example", "subject": "Order", "body": "Please send it soon.", "language": "en"}
    acme.decide("reviewer", same, "override", action=ORDER, draft=draft, reason_code="wrong_data")
    assert [(one.support, one.agreed) for one in answers(acme)] == [(0.6, False), (0.7, True)]


def test_what_was_sent_back_has_no_score_or_a_wrong_one_says_nothing(acme: World) -> None:
    back, bare, odd = scored(acme, "back", "0.8"), scored(acme, "bare", None), scored(acme, "odd", "high")
    acme.decide("reviewer", back, "send_back", comment="shorter, please")
    for row in (bare, odd):
        acme.decide("reviewer", row, "approve")
    assert answers(acme) == []


def test_nobody_else_s_answers_and_nothing_that_was_brought_in_to_try(acme: World) -> None:
    tried = scored(acme, "tried", "0.4")
    acme.decide("reviewer", tried, "approve")
    acme.scalar("UPDATE cs.cases SET canary = true WHERE id = %s RETURNING 1", tried["case_id"])
    assert answers(acme) == []


def test_what_a_person_drafted_instead_is_no_answer_to_the_agent(acme: World) -> None:
    """It carries the agent's findings, score and all: signed by another, it would pass for the agent's own success."""
    first = scored(acme, "first", "0.6")
    refer = {"name": "refer_to_person", "args": {"reason": "ask the buyer"}}
    made = acme.decide("reviewer", first, "override", action=refer, reason_code="wrong_action")
    acme.decide("reviewer2", acme.recommendation(made["recommendation_id"]), "approve")
    assert [(one.action, one.agreed) for one in answers(acme)] == [("request_purchase_order", False)]
