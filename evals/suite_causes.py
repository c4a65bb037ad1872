"""Why cases are stuck, and what follows: causes of planted cases of more than one maker, actions, letters, the ceiling,
confidence, and the three-way match."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from agents.diagnosis import CAUSES
from evals.causes_confidence import confidence
from evals.causes_judged import FIRST, Judged, by_stories, first, under_policy
from evals.causes_second import planted_causes
from evals.causes_third import LATER as LATER_STORIES
from evals.causes_third import kept
from evals.causes_third import planted_causes as third_causes
from evals.datasets import held_out, sized
from evals.match_cases import failures, match_cases
from evals.results import Dots, Metric, SuiteResult, Table, words
from evals.scorers import mean, resampled
from evals.suites import Options, tracked
from governance.policy import standard_policy

__all__ = ["run", "under_policy"]
ROUNDS, THIRD_ROUNDS = 10, 5
SECOND, SHOWN, KEPT, LATER = "second_maker", "third_shown", "third_kept", "third_later"
MAKERS = (FIRST, SECOND, SHOWN, KEPT, LATER)
LISTED = (FIRST, SECOND, SHOWN)
"""Makers whose cases a table may tell of. Of the kept stories there are shares alone: who reads more could learn."""
_ABOUT = (
    "Made-up cases whose cause is known go through the agent's own nodes: those of the demo company, with cases of "
    "every type that policy knows, and those of a second maker that was written from the definitions of the causes "
    "alone, before its author read the diagnosing rules, and stories of a third, who knew neither the rules nor the "
    "others' stories. The rules have learned from three of four of these and from half of later ones, told when they "
    "had learned: the shown. Of the others, kept and later, no table tells. Primary: the first cause is the planted "
    "one. Contributing: planted contributing causes that are named too. Supported: named causes with at least one "
    "fact and at least one observation that would refute them. Action: the proposed action is the planted one. Under "
    "the ceiling: no action "
    "above the risk class that the kind of case bears. Intervals are over stories and types. The table of the "
    "three-way match has one right answer for each row."
)


def run(options: Options) -> SuiteResult:
    own, seen = first(options)
    planted = planted_causes(held_out(options.seed, 901), sized(ROUNDS, options.scale, 2))
    cases = [*own, *by_stories(SECOND, planted, options), *_third(options)]
    rows = match_cases()
    wrong = [name for row in tracked(rows, "three-way match", len(rows)) for name in [row.name] if failures(row)]
    metrics = [metric for maker in MAKERS for metric in _metrics(maker, cases, options)]
    metrics += _of_all(cases)
    metrics.append(Metric("three_way_match", "right", 1 - len(wrong) / len(rows), count=len(rows)))
    sure = confidence(options, seen)
    matched = f"{len(rows) - len(wrong)} of {len(rows)} rows of the three-way match are right"
    return SuiteResult(
        suite="causes",
        about=_ABOUT,
        metrics=[*metrics, *sure.metrics],
        tables=[
            _by_type(cases), _by_cause(cases), _confusions(cases), _other_actions(cases), sure.table,
            _wrong_matches(wrong),
        ],
        plots=[
            Dots(
                "Primary cause, by planted cause",
                "Share of cases of all makers in which the first cause is the planted one.",
                "share right",
                [(words(cause), *_share([one for one in cases if one.planted == cause], options)) for cause in CAUSES
                 if any(one.planted == cause for one in cases)],
            ),
            sure.plot,
        ],
        notes=[
            ", ".join(f"{sum(one.maker == maker for one in cases)} cases of {words(maker)}" for maker in MAKERS),
            matched,
            "On its first run, before any rule was changed, the second maker's cases had .65 of their causes found, "
            "the third's .48 of the 56 stories shown at first and .36 of the 61 then kept. The rules learned from the "
            "former; then their author saw two figures of the latter, no story (.65, .68), and 30 of them were shown. "
            "With that learned, .82 of the remaining 31 were found and .70 of 40 later ones, told at that time; half "
            "of the later were shown then. The other half and the 31 were never shown: of them .70 and .82 are found, "
            "before and after a last round of rules. The goal of .95 is missed on them.",
        ],
    )  # fmt: skip


def _third(options: Options) -> list[Judged]:
    seed, rounds = held_out(options.seed, 902), sized(THIRD_ROUNDS, options.scale)
    first_told, told_later = third_causes(seed, rounds), third_causes(seed, rounds, LATER_STORIES)
    return [
        *by_stories(SHOWN, [one for one in (*first_told, *told_later) if not kept(one)], options),
        *by_stories(KEPT, [one for one in first_told if kept(one)], options),
        *by_stories(LATER, [one for one in told_later if kept(one)], options),
    ]


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
    if planned := [one.right_action for one in own if one.right_action is not None]:
        found.append(Metric(maker, "action", sum(planned) / len(planned), count=len(planned)))
    if due:
        share = 1 - sum(len(one.missed) for one in own) / due
        found.append(Metric(maker, "contributing", share, count=due))
    return [*found, Metric(maker, "supported", sum(supported) / len(supported), count=len(supported))]


def _of_all(cases: Sequence[Judged]) -> list[Metric]:
    """Over all makers: is every type of policy there, does nothing go above its class, is every letter written?"""
    known = {(flow.queue, flow.exception_type) for flow in standard_policy().workflows}
    there = {(one.queue, one.exception_type) for one in cases}
    letters = [one.letter for one in cases if one.letter is not None]
    return [
        Metric("types", "covered", len(known & there) / len(known), count=len(known)),
        Metric("actions", "under_the_ceiling", sum(one.inside for one in cases) / len(cases), count=len(cases)),
        Metric("letters", "drafted", sum(letters) / len(letters) if letters else None, count=len(letters)),
    ]


def _by_type(cases: Sequence[Judged]) -> Table:
    """Every type that policy knows, whether a case of it was drawn or not."""
    rows, listed = [], [one for one in cases if one.maker in LISTED]
    for flow in standard_policy().workflows:
        own = [one for one in listed if (one.queue, one.exception_type) == (flow.queue, flow.exception_type)]
        actions = [one.right_action for one in own if one.right_action is not None]
        letters = [one.letter for one in own if one.letter is not None]
        of_maker = [_mean([one.right for one in own if one.maker == maker]) for maker in LISTED]
        rows.append((words(flow.queue), words(flow.exception_type), len(own), *of_maker, _mean(actions),
                     len(letters), _mean(letters)))  # fmt: skip
    columns = ("workflow", "exception", "cases", *(f"cause right, {words(maker)}" for maker in LISTED),
               "action right", "letters due", "letters drafted")  # fmt: skip
    return Table("Every type of every workflow", columns, rows)


def _by_cause(cases: Sequence[Judged]) -> Table:
    rows = []
    for cause in CAUSES:
        of_maker = [[one.right for one in cases if one.planted == cause and one.maker == maker] for maker in MAKERS]
        rows.append((words(cause), *(value for own in of_maker for value in (len(own), _mean(own)))))
    columns = tuple(name for maker in MAKERS for name in (f"cases, {words(maker)}", f"right, {words(maker)}"))
    return Table("Primary cause by planted cause", ("cause", *columns), rows)


def _mean(values: Sequence[bool]) -> float | None:
    return sum(values) / len(values) if values else None


def _other_actions(cases: Sequence[Judged]) -> Table:
    counts = Counter(
        (one.queue, one.exception_type, one.said, one.action) for one in cases if one.right_action is False
    )
    rows = [(words(queue), words(kind), words(said), words(action), count)
            for (queue, kind, said, action), count in counts.most_common(20)]  # fmt: skip
    return Table("Where another action than the planted one is proposed",
                 ("workflow", "exception", "cause named", "proposed", "cases"), rows)  # fmt: skip


def _confusions(cases: Sequence[Judged]) -> Table:
    counts = Counter(
        (one.maker, one.exception_type, one.planted, one.said) for one in cases if not one.right and one.maker in LISTED
    )
    rows = [(words(maker), words(kind), words(planted), words(said), count)
            for (maker, kind, planted, said), count in counts.most_common(20)]  # fmt: skip
    return Table("Where another cause is named", ("maker", "exception", "planted", "named", "cases"), rows)


def _wrong_matches(wrong: Sequence[str]) -> Table:
    return Table("Rows of the three-way match that came out otherwise", ("row",), [(name,) for name in wrong])
