"""Why cases are stuck: primary and contributing causes on planted cases of two makers, and the three-way match."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from agents.diagnosis import CAUSES
from evals.cases import BEFORE_LETTERS, likely_twins, through, triaged
from evals.causes_second import planted_causes
from evals.causes_stage import TODAY
from evals.datasets import held_out, sized
from evals.match_cases import failures, match_cases
from evals.results import Dots, Metric, SuiteResult, Table, words
from evals.scorers import mean, resampled
from evals.suites import Options, tracked
from governance.matrix import Policy
from governance.policy import standard_policy
from governance.record.queue import Brief
from models.synthetic import company_month

CASES, ROUNDS = 900, 10
FIRST, SECOND = "demo_company", "second_maker"
_ABOUT = (
    "Made-up cases whose cause is known go through the agent's own nodes: those of the demo company, and those of a "
    "second maker that was written from the definitions of the causes alone, before its author read the diagnosing "
    "rules. Primary: the first cause is the planted one. Contributing: planted contributing causes that are named "
    "too. Supported: named causes with at least one fact and at least one observation that would refute them. "
    "Intervals are over stories and types. The table of the three-way match has one right answer for each row."
)


@dataclass(frozen=True, slots=True)
class Judged:
    """One planted case and what the agent said of it. `support`: for each cause but unknown, is it backed up?"""

    maker: str
    exception_type: str
    group: str
    planted: str
    said: str
    missed: frozenset[str]
    contributing: int
    support: tuple[bool, ...]

    @property
    def right(self) -> bool:
        return self.planted == self.said


def run(options: Options) -> SuiteResult:
    cases = [*_first(options), *_second(options)]
    rows = match_cases()
    wrong = [name for row in tracked(rows, "three-way match", len(rows)) for name in [row.name] if failures(row)]
    metrics = [metric for maker in (FIRST, SECOND) for metric in _metrics(maker, cases, options)]
    metrics.append(Metric("three_way_match", "right", 1 - len(wrong) / len(rows), count=len(rows)))
    return SuiteResult(
        suite="causes",
        about=_ABOUT,
        metrics=metrics,
        tables=[_by_type(cases), _confusions(cases), _wrong_matches(wrong)],
        plots=[
            Dots(
                "Primary cause, by planted cause",
                "Share of cases of both makers in which the first cause is the planted one.",
                "share right",
                [(words(cause), *_share([one for one in cases if one.planted == cause], options)) for cause in CAUSES
                 if any(one.planted == cause for one in cases)],
            )
        ],
        notes=[
            f"{sum(one.maker == FIRST for one in cases)} cases of the demo company, "
            f"{sum(one.maker == SECOND for one in cases)} of the second maker, {len(rows)} rows of the match",
            "On its first run, before any rule was changed, the second maker's cases had .65 of their causes found.",
        ],
    )  # fmt: skip


def _first(options: Options) -> list[Judged]:
    month = company_month(
        held_out(options.seed, 900), suppliers=60, customers=30, invoices=sized(400, options.scale, 120),
        exceptions=sized(CASES, options.scale, 60), mail=0,
    )  # fmt: skip
    return [
        _judged(
            FIRST, one.planted.exception_type, one.planted.source_key, one.planted.cause, frozenset(), one.view.cause
        )
        for one in triaged(month, options.bundle.pair_scorer, standard_policy())
    ]


def _second(options: Options) -> list[Judged]:
    planted = planted_causes(held_out(options.seed, 901), sized(ROUNDS, options.scale, 2))
    briefs = [under_policy(one.brief, standard_policy()) for one in planted]
    booked = [invoice for one in planted for invoice in one.ledger]
    twins = likely_twins(briefs, booked, options.bundle.pair_scorer) if booked else {}
    seen = through(briefs, TODAY, twins=twins, nodes=BEFORE_LETTERS)
    return [
        _judged(SECOND, one.exception_type, one.mechanism, one.cause, one.contributing, view.cause)
        for one, (view, _) in zip(planted, seen, strict=True)
    ]


def under_policy(brief: Brief, policy: Policy) -> Brief:
    """The case with what policy allows for its type."""
    facts = brief.facts
    flow = next(
        one for one in policy.workflows if (one.queue, one.exception_type) == (facts.queue, facts.exception_type)
    )
    actions = ("refer_to_person", *(name for name in flow.actions if name != "refer_to_person"))
    return replace(brief, allowed_actions=actions, plan=flow.plan, mode=policy.modes[facts.queue])


def _judged(
    maker: str, kind: str, group: str, planted: str, contributing: frozenset[str], said: Mapping[str, object]
) -> Judged:
    reasons = said["reasons"] if isinstance(said["reasons"], list) else []
    named = {str(said["primary"]), *(str(one["cause"]) for one in reasons)}
    return Judged(
        maker=maker,
        exception_type=kind,
        group=group,
        planted=planted,
        said=str(said["primary"]),
        missed=contributing - named,
        contributing=len(contributing),
        support=tuple(bool(one["facts"] and one["refuted_by"]) for one in reasons if one["cause"] != "unknown"),
    )


def _share(cases: Sequence[Judged], options: Options) -> tuple[float | None, float | None, float | None]:
    right = np.array([one.right for one in cases], dtype=float)
    groups = [f"{one.maker} {one.group}" for one in cases]
    found = resampled(lambda at: mean(right[at]), groups, options.seed, options.resamples)
    return found.value, found.low, found.high


def _metrics(maker: str, cases: Sequence[Judged], options: Options) -> list[Metric]:
    own = [one for one in cases if one.maker == maker]
    supported = [hit for one in own for hit in one.support]
    due = sum(one.contributing for one in own)
    found = [Metric(maker, "primary", *_share(own, options), len(own))]
    if due:
        share = 1 - sum(len(one.missed) for one in own) / due
        found.append(Metric(maker, "contributing", share, count=due))
    return [*found, Metric(maker, "supported", sum(supported) / len(supported), count=len(supported))]


def _by_type(cases: Sequence[Judged]) -> Table:
    rows = []
    for kind in sorted({one.exception_type for one in cases}):
        of_type = [[one.right for one in cases if one.exception_type == kind and one.maker == maker]
                   for maker in (FIRST, SECOND)]  # fmt: skip
        shares = [value for own in of_type for value in (len(own), sum(own) / len(own) if own else None)]
        rows.append((words(kind), *shares))
    columns = ("exception", "cases, demo company", "primary right", "cases, second maker", "primary right there")
    return Table("Primary cause by type of exception", columns, rows)


def _confusions(cases: Sequence[Judged]) -> Table:
    counts = Counter((one.maker, one.exception_type, one.planted, one.said) for one in cases if not one.right)
    rows = [(words(maker), words(kind), words(planted), words(said), count)
            for (maker, kind, planted, said), count in counts.most_common(20)]  # fmt: skip
    return Table("Where another cause is named", ("maker", "exception", "planted", "named", "cases"), rows)


def _wrong_matches(wrong: Sequence[str]) -> Table:
    return Table("Rows of the three-way match that came out otherwise", ("row",), [(name,) for name in wrong])
