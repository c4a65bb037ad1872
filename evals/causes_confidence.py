"""Confidence: fitted on what made-up people answered to earlier proposals, looked at on later ones.

Three months of proposals are answered by people who agree with nine of ten right ones and two of ten wrong ones; the
curves of agents.confidence are fitted on that, and the fourth month's proposals carry what they say. How often people
agreed with those is drawn beside it. Nothing of the sort happens before decisions are on record: then it is null.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

import numpy as np

from agents.confidence import calibrated
from agents.recommend import choice_of
from agents.tolerances import Tolerances
from evals.cases import Triaged, triaged
from evals.causes_judged import first_month
from evals.results import Lines, Metric, Table, words
from evals.scorers import ece, reliability
from evals.suites import Options, tracked
from governance.policy import standard_policy
from governance.record.agreed import Answered
from models.agreement import Calibration
from models.synthetic_numbers import stream

MONTHS = 3
_AGREES = {True: 0.9, False: 0.2}


@dataclass(frozen=True, slots=True)
class Confidence:
    metrics: list[Metric]
    plot: Lines
    table: Table


def confidence(options: Options, later: Sequence[Triaged]) -> Confidence:
    """`later`: the month that is looked at."""
    policy, scorer = standard_policy(), options.bundle.pair_scorer
    numbers = tracked(range(910, 910 + MONTHS), "months of answers", MONTHS)
    earlier = [one for number in numbers for one in triaged(first_month(options, number), scorer, policy)]
    least = Tolerances().confidence_least
    fitted = calibrated(_answers(earlier, stream(options.seed, "answers before")), least)
    said = [choice_of(replace(one.view, calibration=fitted))["confidence"] for one in later]
    asked = _answers(later, stream(options.seed, "answers after"))
    with_one = [(float(value), answer.agreed) for value, answer in zip(said, asked, strict=True) if value is not None]
    chances = np.array([value for value, _ in with_one], dtype=float)
    agreed = np.array([answer for _, answer in with_one], dtype=int)
    alone = [choice_of(replace(one.view, calibration=Calibration()))["confidence"] for one in later]
    silent = sum(value is None for value in alone) / len(later)
    metrics = [
        Metric("confidence", "share_with", len(with_one) / len(later), count=len(later)),
        Metric("confidence", "null_without_decisions", silent, count=len(later)),
    ]
    if with_one:  # in a small run no action has been decided often enough to say one
        metrics.append(Metric("confidence", "ece", ece(agreed, chances), count=len(with_one)))
    points = [(p, share) for p, share, _ in reliability(agreed, chances)]
    plot = Lines(
        "Confidence: said and seen",
        "Share of proposals that people agreed with against the confidence that was said, in tenths. On the dashed "
        "line the two agree. The people are made up; on a real record their decisions take the place.",
        "confidence", "share agreed", {"later month": points}, diagonal=True,
    )  # fmt: skip
    return Confidence(metrics, plot, _by_action(later, said, asked, fitted))


def _answers(cases: Sequence[Triaged], rng: Random) -> list[Answered]:
    """What people answered. The score is the one that is filed with a proposal."""
    return [
        Answered(one.action, one.planted.exception_type, float(one.choice["support"]["score"]),
                 rng.random() < _AGREES[one.action == one.planted.action])
        for one in cases
    ]  # fmt: skip


def _by_action(
    cases: Sequence[Triaged], said: Sequence[float | None], asked: Sequence[Answered], fitted: Calibration
) -> Table:
    rows = []
    for action in sorted({one.action for one in cases}):
        own = [at for at, one in enumerate(cases) if one.action == action]
        values = [value for at in own if (value := said[at]) is not None]
        curve = fitted.curves.get(action)
        rows.append((
            words(action), len(own), curve.answers if curve else 0, curve.method if curve else "none: null",
            sum(values) / len(values) if values else None, sum(asked[at].agreed for at in own) / len(own),
        ))  # fmt: skip
    columns = ("action", "proposals", "earlier answers", "curve", "mean confidence", "people agreed")
    return Table("Confidence by action", columns, rows)
