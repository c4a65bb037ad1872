"""The gate's promises over a grid of questions, and what the standard policy asks of people for made-up cases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from evals.cases import triaged
from evals.datasets import held_out, sized
from evals.promises import PROMISES, questions
from evals.results import Metric, Stacks, SuiteResult, Table, words
from evals.scorers import Floats, mean, resampled
from evals.suites import Options
from governance.gate import Question, required_seats
from governance.matrix import Policy
from governance.policy import standard_policy
from models.synthetic import CompanyMonth, company_month

CASES = 300
BANDS = (Decimal(0), Decimal(1000), Decimal(10_000), Decimal(25_000), Decimal(50_000))
_ABOUT = (
    "Every action, at amounts around every band of the standard policy, unknown ones too, at every risk, entity and "
    "region: each promise either holds at every point or is broken. Below: who would be asked about made-up cases, by "
    "the action that the agent proposes. Intervals are over cases."
)


def run(options: Options) -> SuiteResult:
    policy = standard_policy()
    grid = questions(policy)
    kept = {name: [check(policy, one, options.seed) for one in grid] for name, check in PROMISES.items()}
    metrics = [Metric("promises", name, sum(holds) / len(holds), count=len(holds)) for name, holds in kept.items()]
    asked = _asked(policy, options)
    return SuiteResult(
        suite="gate",
        about=_ABOUT,
        metrics=[*metrics, *_replayed(asked, options)],
        tables=[_by_action(asked)],
        plots=[_by_band(asked)],
        notes=[f"{len(grid)} questions in the grid; amounts in {policy.currency}, converted at the month's last rates"],
    )


@dataclass(frozen=True, slots=True)
class Asked:
    """One case: its amount in the policy's currency, what is proposed, and whom that asks."""

    case: str
    amount: Decimal
    action: str
    seats: dict[str, int]


def _rates(month: CompanyMonth) -> dict[str, Decimal]:
    """Units of each currency for one euro, as last known."""
    return {"EUR": Decimal(1)} | {row["currency"]: Decimal(row["per_eur"]) for row in month.books["fx"]}


def _asked(policy: Policy, options: Options) -> list[Asked]:
    month = company_month(
        held_out(options.seed, 800), suppliers=60, customers=40, invoices=sized(400, options.scale, 120),
        exceptions=sized(CASES, options.scale, 40), mail=0,
    )  # fmt: skip
    rates = _rates(month)
    found = []
    for one in triaged(month, options.bundle.pair_scorer, policy):
        facts = one.view.brief.facts
        amount = (facts.amount or Decimal(0)) / rates[facts.currency or "EUR"]
        question = Question(one.action, amount, str(one.choice["risk"]), facts.entity, facts.region)
        found.append(Asked(facts.case_id, amount, one.action, required_seats(policy, question)))
    return found


def _replayed(asked: Sequence[Asked], options: Options) -> list[Metric]:
    people = np.array([float(sum(one.seats.values())) for one in asked])
    cases = [one.case for one in asked]

    def metric(name: str, values: Floats) -> Metric:
        found = resampled(lambda at: mean(values[at]), cases, options.seed, options.resamples)
        return Metric("standard_policy", name, found.value, found.low, found.high, len(values))

    return [
        metric("people_per_case", people),
        metric("four_eyes_share", (people >= 2).astype(float)),
        metric("no_person_share", (people < 1).astype(float)),
    ]


def _band(amount: Decimal) -> int:
    return max(at for at, low in enumerate(BANDS) if abs(amount) >= low)


def _band_names() -> list[str]:
    ends = [*BANDS[1:], None]
    return [
        f"from {low:,.0f}" if high is None else (f"below {high:,.0f}" if not low else f"{low:,.0f} to {high:,.0f}")
        for low, high in zip(BANDS, ends, strict=True)
    ]


def _by_band(asked: Sequence[Asked]) -> Stacks:
    series: dict[str, list[float]] = {}
    for role in sorted({role for one in asked for role in one.seats}):
        heights = []
        for at in range(len(BANDS)):
            own = [one.seats.get(role, 0) for one in asked if _band(one.amount) == at]
            heights.append(sum(own) / len(own) if own else 0.0)
        series[role] = heights
    return Stacks(
        "People asked per case, by amount",
        "Mean number of seats per case and role under the standard policy, for the actions that the agent proposes.",
        "seats per case",
        _band_names(),
        series,
        "amount in EUR",
    )


def _by_action(asked: Sequence[Asked]) -> Table:
    counts = Counter(one.action for one in asked)
    rows = []
    for action, count in counts.most_common():
        own = [one for one in asked if one.action == action]
        people = [sum(one.seats.values()) for one in own]
        rows.append((words(action), count, sum(people) / count, min(people), max(people)))
    return Table("People by proposed action", ("action", "cases", "seats, mean", "fewest", "most"), rows)
