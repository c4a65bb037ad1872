"""What similar cases say: the text that is compared, the nearest ones, the vote."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.precedents import AGREED, Precedent, Vote, case_text, nearest, vote


def precedent(action: str, similarity: float, decision: str = "approve", **rest: str | None) -> Precedent:
    return Precedent("c", similarity, action, decision, rest.get("role"), rest.get("outcome"))


def test_text_names_queue_type_cause_and_facts() -> None:
    text = case_text("accounts_payable", "price_variance", "counterparty", {"entity": "DE01", "amount": "2310.50"})
    assert text == "accounts payable; price variance; cause counterparty; amount about 2000; entity DE01"
    assert case_text("order_to_cash", None, None, {}) == "order to cash"


def test_text_leaves_out_what_identifies_people_and_papers() -> None:
    facts = {
        "iban": "DE92999900007485193203", "details": {"document_iban": "FR76", "books_name": "Talvane"},
        "contact_email": "a@b.example", "invoice_number": "2026-1", "purchase_order": "PO-1", "missing": None,
        "empty": " ",
    }  # fmt: skip
    assert case_text("accounts_payable", None, None, facts) == "accounts payable; details books name Talvane"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (True, "yes"), (False, "no"), (0, "nothing"), (7, "about 5"), ("19.99", "about 10"), (-420, "about -200"),
        (Decimal("0.03"), "about 0.02"), ("2026-11-20", "given"), ("2026-11-20T10:00:00Z", "given"),
        ("2026-11", "given"),
        (date(2026, 1, 1), "given"), (["a", "b"], "a, b"), (1e6, "about 1000000"), (float("nan"), "unknown"),
        ("accountant-4", "accountant-4"), (99999, "about 50000"), ("SO-123456", "given"),
        (["AR-0001", "x"], "given, x"), ("DE01", "DE01"), ("2% cash discount", "2% cash discount"),
    ],
)  # fmt: skip
def test_values_are_said_in_words(value: object, said: str) -> None:
    assert case_text("q", None, None, {"fact": value}) == f"q; fact {said}"


def test_parties_are_named_but_papers_are_not() -> None:
    facts = {"supplier_id": "S-0012", "order_id": "SO-4711", "cubic": "7"}
    assert case_text("q", None, None, facts) == "q; cubic about 5; order id given; supplier id S-0012"


def test_order_of_facts_does_not_matter() -> None:
    assert case_text("q", None, None, {"b": "1", "a": "x"}) == case_text("q", None, None, {"a": "x", "b": "1"})


def test_nearest_first_and_none_below_least() -> None:
    vectors = np.eye(4, dtype=np.float32)
    query = np.array([0.8, 0.6, 0.0, 0.0], dtype=np.float32)
    found = nearest(query, vectors, 3, least=0.1)
    assert [row for row, _ in found] == [0, 1]
    assert [cosine for _, cosine in found] == pytest.approx([0.8, 0.6])
    assert nearest(query, np.zeros((0, 4), dtype=np.float32), 3) == []


def test_the_heavier_action_wins_and_its_usual_role_is_named() -> None:
    said = vote(
        [
            precedent("hold_payment", 0.9, role="analyst"),
            precedent("hold_payment", 0.8, role="controller"),
            precedent("hold_payment", 0.4, "override", role="controller"),
            precedent("wait_until", 0.95, role="analyst"),
        ]
    )
    assert said.action == "hold_payment"
    assert said.share == pytest.approx(2.1 / 3.05)
    assert (said.support, said.against, said.role) == (3, 0, "controller")
    assert [action for action, _ in said.weights] == ["hold_payment", "wait_until"]
    assert [weight for _, weight in said.weights] == pytest.approx([2.1, 0.95])


def test_rejected_and_undone_cases_weigh_against() -> None:
    said = vote([precedent("open_dispute", 0.9, "reject"), precedent("open_dispute", 0.5)])
    assert (said.action, said.share, said.support, said.against) == (None, 0.0, 0, 1)
    assert dict(said.weights) == pytest.approx({"open_dispute": -0.4})
    undone = vote([precedent("mark_duplicate", 0.9, outcome="undone"), precedent("hold_payment", 0.2)])
    assert undone.action == "hold_payment"


def test_what_settles_nothing_weighs_nothing() -> None:
    silent = [
        precedent("a", 0.9, "send_back"),
        precedent("a", 0.9, "escalate"),
        precedent("a", -0.5),
        precedent("a", 0.0),
    ]
    assert vote(silent) == Vote(None, 0.0, 0, 0, (), None)
    assert vote([]) == vote(silent)


_PRECEDENTS = st.lists(
    st.builds(
        Precedent,
        st.text(max_size=3),
        st.floats(-1, 1),
        st.sampled_from(["hold_payment", "wait_until", "open_dispute"]),
        st.sampled_from(["approve", "override", "reject", "send_back", "escalate", "withdraw"]),
        st.sampled_from([None, "analyst", "controller"]),
        st.sampled_from([None, "done", "undone", "failed"]),
    ),
    max_size=12,
)


@given(_PRECEDENTS)
def test_a_vote_is_sound(precedents: list[Precedent]) -> None:
    said = vote(precedents)
    assert 0.0 <= said.share <= 1.0 + 1e-9
    assert (said.action is None) == (said.support == 0)
    if said.action is not None:
        assert said.support <= sum(one.decision in AGREED and one.action == said.action for one in precedents)


@given(_PRECEDENTS)
def test_order_of_precedents_does_not_matter(precedents: list[Precedent]) -> None:
    assert dict(vote(precedents).weights) == pytest.approx(dict(vote(precedents[::-1]).weights))


@given(_PRECEDENTS, st.sampled_from(["hold_payment", "wait_until"]))
def test_one_more_agreement_never_hurts_its_action(precedents: list[Precedent], action: str) -> None:
    before, after = vote(precedents), vote([*precedents, precedent(action, 0.5)])
    if before.action == action:
        assert after.action == action
        assert after.support == before.support + 1
