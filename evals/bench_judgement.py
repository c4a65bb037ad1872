"""The deterministic path of the agent: CPU of this process for each case, from the cause to what is filed.

Made-up cases of every type go through the agent's own nodes, in six languages. What the models gave (likely twins) is
made before and not counted. Filing is what happens here: the proposal with findings and evidence, and the texts that
are sent to Postgres; its own work is another process's.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np

from agents.graph import NODES, Run
from agents.letter import LANGUAGES
from agents.state import State
from evals.cases import Brought, Runtime, brought, context_of
from governance.policy import standard_policy
from governance.recommendation import Proposal
from governance.record.review import Filed
from models.duplicates import PairScorer
from models.synthetic import CompanyMonth, company_month
from models.synthetic_watched import other_exceptions

STEPS = ("diagnose", "recommend", "draft", "guard", "file")
GOAL = 15.0
"""Milliseconds of CPU a case."""

_BEFORE = ("classify", "match", "assess", "recall")


@dataclass(frozen=True, slots=True)
class Path:
    """CPU milliseconds a case: of the whole path (mean, 95 in 100), of each step (mean), and of the floor: the texts of
    what is filed, made once and nothing else."""

    mean: float
    p95: float
    steps: Mapping[str, float]
    floor: float
    cases: int


def judged(scorer: PairScorer, seed: int, cases: int, repeats: int) -> Path:
    """The best of several runs over the same cases."""
    month = company_month(seed, suppliers=40, customers=30, invoices=300, exceptions=max(10, cases // 6), mail=0)
    month = replace(month, exceptions=[*month.exceptions, *other_exceptions(month)])
    lots = [brought(month, scorer, standard_policy(), language) for language in LANGUAGES]
    _once(month, lots[:1])  # templates and patterns are read once a process
    runs = [_once(month, lots) for _ in range(repeats)]
    times, texts = min(runs, key=lambda run: float(run[0].sum()))
    whole = times.sum(axis=1)
    steps = {name: float(times[:, at].mean()) for at, name in enumerate(STEPS)}
    return Path(float(whole.mean()), float(np.quantile(whole, 0.95)), steps, float(np.mean(texts)), len(whole))


def _once(month: CompanyMonth, lots: Sequence[Brought]) -> tuple[Any, list[float]]:
    """Milliseconds by case and step, and of the floor by case."""
    rows: list[list[float]] = []
    texts: list[float] = []

    def file(brief: object, proposal: Proposal, embedding: object) -> Filed:
        start = time.thread_time()
        proposal.leaf_texts()
        texts.append((time.thread_time() - start) * 1000)
        return Filed("", "", 1, True)

    for lot in lots:
        context = context_of(month.today, lot.briefs, lot.beside, lot.twins, file)
        runtime = cast(Run, Runtime(context))
        for brief in lot.briefs:
            state: State = {"case_id": brief.facts.case_id}
            for name in _BEFORE:
                state = {**state, **NODES[name](state, runtime)}
            spent = []
            for name in STEPS:
                start = time.thread_time()
                state = {**state, **NODES[name](state, runtime)}
                spent.append((time.thread_time() - start) * 1000)
            rows.append(spent)
    return np.array(rows), texts
