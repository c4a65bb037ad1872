"""The agent of today on cases that were decided before: what would it propose? Nothing is written.

Facts are those of the case's revision, the day is that of the first proposal; precedents and contacts of later days are
left out. Books (orders, receipts, masters) and the states of twins are those of today.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any, cast

from agents.context import Memory, Models, Parts, build_context
from agents.graph import NODES, Run
from agents.letter import TemplateComposer
from agents.state import BatchContext, State
from agents.tolerances import Tolerances
from agents.tracing import Tracer
from governance.recommendation import Proposal
from governance.record.db import Connection, Database
from governance.record.overrides import Override
from governance.record.queue import Brief, Job
from governance.record.review import Filed

BATCH = 16
_UP_TO = "recommend"
_NEVER = datetime(2000, 1, 1, tzinfo=UTC)

Action = Mapping[str, Any]
"""{name, args}."""


@dataclass(frozen=True, slots=True)
class _Runtime:
    context: BatchContext


def proposals(database: Database, token: str, models: Models, rows: Sequence[Override]) -> dict[str, Action]:
    """By recommendation id: what the agent would propose now, before it writes a letter. `token`: the agent's.

    Raises Unavailable, and what a node raises.
    """
    parts = Parts(
        models=models,
        memory=Memory(),
        composer=TemplateComposer(),
        stamps={},
        tolerances=Tolerances(),
        file=_nothing_is_filed,
        tracer=Tracer(),
    )
    by_day: dict[date, list[Override]] = defaultdict(list)
    for one in rows:
        by_day[one.proposed_at.date()].append(one)
    found: dict[str, Action] = {}
    for day, of_day in sorted(by_day.items()):
        on_day = replace(parts, today=day)
        for batch in _batches(of_day):
            jobs = [Job(one.job, one.case_id, one.revision, "triage", None, 0, 1, _NEVER) for one in batch]
            context = as_of(build_context(_undone(database, token), jobs, on_day), day)
            found |= {one.recommendation_id: _proposal(one.case_id, context) for one in batch}
    return found


def _batches(rows: Sequence[Override]) -> Iterator[list[Override]]:
    """Up to BATCH rows; a case is in a batch once."""
    waiting = list(rows)
    while waiting:
        taken: dict[str, Override] = {}
        for one in waiting:
            if len(taken) < BATCH:
                taken.setdefault(one.case_id, one)
        yield list(taken.values())
        chosen = {one.recommendation_id for one in taken.values()}
        waiting = [one for one in waiting if one.recommendation_id not in chosen]


def as_of(context: BatchContext, day: date) -> BatchContext:
    """Without precedents, contacts and disputes that were not known on the morning of that day."""
    precedents = {
        case_id: [one for one in found if one["decided_on"] < day.isoformat()]
        for case_id, found in context.precedents.items()
    }
    dunning = {
        case_id: replace(
            known,
            contacts=tuple(one for one in known.contacts if one.day < day),
            disputed_on=known.disputed_on if known.disputed_on and known.disputed_on < day else None,
        )
        for case_id, known in context.dunning.items()
    }
    return replace(context, precedents=precedents, dunning=dunning, notes={})


def _proposal(case_id: str, context: BatchContext) -> Action:
    runtime = cast(Run, _Runtime(context.only(case_id)))
    state: State = {"case_id": case_id}
    for name, node in NODES.items():
        state = {**state, **node(state, runtime)}
        if name == _UP_TO:
            break
    action: Action = state["choice"]["action"]
    return {"name": action["name"], "args": {key: value for key, value in action["args"].items() if value is not None}}


def _undone(database: Database, token: str) -> Callable[[], AbstractContextManager[Connection]]:
    """Transactions of the agent that leave nothing behind: a batch's context remembers texts."""

    @contextlib.contextmanager
    def opened() -> Iterator[Connection]:
        with database.transaction("agent", token) as conn, conn.transaction(force_rollback=True):
            yield conn

    return opened


def _nothing_is_filed(brief: Brief, proposal: Proposal, embedding: Sequence[float]) -> Filed:
    raise AssertionError("nothing is filed in a replay")
