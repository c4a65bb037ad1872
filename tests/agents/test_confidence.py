"""A confidence is what people's decisions say, or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents import dossier
from agents.confidence import calibrated, support
from agents.recommend import choice_of
from governance.record.agreed import Answered
from models.agreement import Calibration, Curve, fitted
from tests.agents.scenes import brief, view

LETTER = {"draft": None, "composer": None, "refused": None}


def answers(count: int, seed: int = 1, low: float = 0.2, high: float = 0.95) -> tuple[list[float], list[bool]]:
    """Scores, and answers that agree the more often the higher the score is."""
    rng = np.random.default_rng(seed)
    scores = rng.uniform(0, 1, count)
    return scores.tolist(), (rng.uniform(0, 1, count) < low + (high - low) * scores).tolist()


@pytest.mark.parametrize(("count", "method"), [(2000, "isotonic")])
def test_what_is_said_is_what_comes(count: int, method: str) -> None:
    curve = fitted(*answers(count), least=100)
    assert curve is not None
    assert (curve.method, curve.answers) == (method, count)
    scores, agreed = answers(4000, seed=2)
    said = np.array([curve.at(one) for one in scores])
    for low, high in ((0.2, 0.45), (0.45, 0.7), (0.7, 1.0)):
        there = (said >= low) & (said < high)
        if there.sum() > 200:
            assert abs(said[there].mean() - np.array(agreed)[there].mean()) < 0.12


def test_some_answers_make_a_sigmoid() -> None:
    curve = fitted(*answers(350, low=0.05, high=0.98), least=100)
    assert curve is not None
    assert (curve.method, curve.answers) == ("platt", 350)
    assert curve.at(0.1) < 0.35 < 0.65 < curve.at(0.9)


def test_too_few_answers_say_nothing() -> None:
    assert fitted(*answers(99), least=100) is None
    assert fitted([], [], least=0) is None
    assert fitted(*answers(100), least=100) is not None


def test_a_score_that_says_nothing_leaves_the_share_of_agreement() -> None:
    rng = np.random.default_rng(3)
    said = (rng.uniform(0, 1, 300) < 0.8).tolist()
    curve = fitted([0.6] * 300, said, least=100)
    assert curve is not None
    assert curve.method == "share"
    assert abs(curve.at(0.1) - 0.8) < 0.06


def test_people_who_have_changed_their_minds_leave_no_confidence() -> None:
    scores, _ = answers(300)
    assert fitted(scores, [True] * 200 + [False] * 100, least=100) is None


def test_no_number_of_agreements_is_certainty() -> None:
    curve = fitted([0.5] * 120, [True] * 120, least=100)
    assert curve is not None
    assert 0.98 < curve.at(0.5) < 1.0
    assert Calibration({"hold_payment": curve}).confidence("mark_duplicate", 0.5) is None


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(0, 700), st.lists(st.floats(0, 1), min_size=1, max_size=5))
def test_a_confidence_is_a_share_or_null(seed: int, count: int, asked: Sequence[float]) -> None:
    scores, agreed = answers(count, seed)
    curve = fitted(scores, agreed, least=100)
    assert (curve is None) or count >= 100
    if curve is not None:
        found = [curve.at(one) for one in sorted(asked)]
        assert all(0 < one < 1 for one in found)
        assert found == sorted(found), "a better score is never less likely to be agreed with"


def test_curves_are_made_action_by_action() -> None:
    scores, agreed = answers(240)
    record = [Answered("request_purchase_order", "missing_order_reference", score, yes)
              for score, yes in zip(scores, agreed, strict=True)]  # fmt: skip
    record += [Answered("hold_payment", None, 0.5, True)] * 99
    found = calibrated(record, least=100)
    assert set(found.curves) == {"request_purchase_order"}
    assert found.confidence("hold_payment", 0.5) is None


def test_a_proposal_says_what_it_is_calibrated_by_and_nothing_without_decisions() -> None:
    seen = view(brief())
    choice = choice_of(seen)
    assert choice["confidence"] is None
    assert choice["support"]["action"] == "request_purchase_order"
    score = float(choice["support"]["score"])
    assert 0 <= score <= 1
    learned = Calibration({"request_purchase_order": Curve("platt", (0.0, 1.0), (0.5, 0.9), 200)})
    again = choice_of(replace(seen, calibration=learned))
    assert again["confidence"] == pytest.approx(0.5 + 0.4 * score, abs=0.006)
    assert again["action"] == choice["action"], "a confidence never changes what is proposed"
    assert dossier.findings(seen, again, LETTER)["support"] == choice["support"]["score"]


def test_what_the_guard_has_turned_has_no_confidence() -> None:
    learned = Calibration({"request_purchase_order": Curve("share", (0.0, 1.0), (0.9, 0.9), 200)})
    seen = replace(view(brief()), calibration=learned)
    choice = choice_of(seen)
    turned = {**choice, "action": {"name": "refer_to_person", "args": {"reason": "the letter was refused"}}}
    filed = dossier.proposal(seen, turned, LETTER, None, {})
    assert choice["confidence"] == 0.9
    assert filed.confidence is None
    assert "support" not in filed.findings


def test_better_backed_proposals_score_higher() -> None:
    seen = view(brief())
    backed = replace(seen, precedents=[
        {"case_id": f"c{n}", "similarity": 0.95, "action": "request_purchase_order", "decision": "approve",
         "role": "reviewer", "outcome": "done", "roles": ["reviewer"], "decided_on": "2026-11-01"} for n in range(3)
    ])  # fmt: skip
    assert support(backed, "request_purchase_order", 0) > support(seen, "request_purchase_order", 0)
    assert support(seen, "request_purchase_order", 0) > support(seen, "request_purchase_order", 3)
    unsure = replace(seen, kind={**seen.kind, "abstained": True})
    assert support(unsure, "request_purchase_order", 0) < support(seen, "request_purchase_order", 0)
