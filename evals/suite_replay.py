"""Replay as a suite: what people made of proposals and what today's agent would propose, as metrics with intervals.

It is no part of `all`: its cases are those of one company's record, and nobody else's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from evals.replay import Counted, counted
from evals.results import Dots, Metric, SuiteResult, Table, words
from evals.scorers import resampled

if TYPE_CHECKING:
    from evals.replay_agent import Action
    from governance.record.overrides import Override

_ABOUT = (
    "Proposals of the agent that people have settled, beside what they sent. Agreed: the proposed action was sent. "
    "Agreed now: today's agent proposes what was sent; mended: it does where people had changed it; spoilt: it does "
    "not where they had approved; dropped: it no longer proposes what they rejected. Facts are those of the case's "
    "revision, books those of today. Intervals are over proposals."
)
_JUDGED = ("agreed_now", "mended", "spoilt", "dropped")


def result(rows: Sequence[Override], now: Mapping[str, Action] | None, *, seed: int, resamples: int) -> SuiteResult:
    """Metrics by measure and group: all, each queue, type and reason code. What has no proposals has no metric."""
    metrics = [_metric(one, seed, resamples) for one in counted(rows, now) if one.hits]
    return SuiteResult(
        suite="replay",
        about=_ABOUT,
        metrics=metrics,
        plots=[
            Dots(
                "Agreed, then and now",
                "Shares of the settled proposals with their intervals.",
                "share",
                [
                    (f"{words(one.name)}: {words(one.dataset)}", one.value, one.low, one.high)
                    for one in metrics
                    if one.name in ("agreed", *_JUDGED)
                ],
            )
        ],
        tables=[_changed(rows), *([_spoilt(rows, now)] if now is not None else [])],
        notes=[
            f"{len(rows):,} settled proposals; letters and arguments of actions stay in the record",
            "not every change is a mistake of the agent: people also know what no record says",
        ],
    )


def _metric(one: Counted, seed: int, resamples: int) -> Metric:
    hits, weights = np.array(one.hits, dtype=float), np.array(one.weights or [1.0] * len(one.hits))
    groups = [str(at) for at in range(len(hits))]
    found = resampled(lambda at: float(np.average(hits[at], weights=weights[at])), groups, seed, resamples)
    return Metric(one.group, one.measure, found.value, found.low, found.high, len(hits))


def _changed(rows: Sequence[Override]) -> Table:
    counts = Counter(
        (one.queue, one.exception_type, one.action, one.sent_action or one.decided, one.reason_code or "")
        for one in rows
        if not one.agreed
    )
    return Table(
        "What people changed",
        ("queue", "exception", "proposed", "sent", "reason", "proposals"),
        [(*map(words, key), count) for key, count in counts.most_common(20)],
    )


def _spoilt(rows: Sequence[Override], now: Mapping[str, Action]) -> Table:
    from evals.replay import is_now

    counts = Counter(
        (one.queue, one.exception_type, one.action, str(now[one.recommendation_id]["name"]))
        for one in rows
        if one.agreed and not is_now(now[one.recommendation_id], one)
    )
    return Table(
        "What people approved and is proposed otherwise now",
        ("queue", "exception", "approved", "proposed now", "proposals"),
        [(*map(words, key), count) for key, count in counts.most_common(20)],
        note="the same action stands here where an argument of it differs",
    )
