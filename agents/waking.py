"""Waking a paused thread: only where it waits at that very place and says what the record says.

None of these functions fails a case: where a thread cannot be trusted with the redraft, the answer is None, and the
worker runs the case again from the stored evidence with the same note.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog

from agents import facts
from agents.context import Transaction
from agents.state import BatchContext, Json
from agents.threads import Threads, thread_id
from agents.tracing import where
from governance.errors import Unavailable
from governance.record import candidates
from governance.record.queue import Brief, Returned

log = structlog.get_logger("countersign.worker")


def thread_version(stamps: Mapping[str, str]) -> str:
    """Of graph and models together: a thread's papers hold what its models found, so no others are to sign for them."""
    return f"{stamps['agent']} {stamps['bundle']}"


def wake(threads: Threads, transaction: Transaction, brief: Brief, context: BatchContext) -> Json | None:
    """The state after the redraft, with a new recommendation filed; None where all is to be run again."""
    returned = brief.returned
    thread = thread_id(brief.facts.case_id, brief.facts.revision)
    if returned is None or returned.thread_id != thread or returned.interrupt_id is None:
        return None
    if returned.graph_version != thread_version(context.stamps):
        log.info("thread of another version", case=brief.facts.case_id, version=returned.graph_version)
        return None
    state = _papers(threads, thread, returned.interrupt_id)
    if state is None:
        return None
    if state.get("case_id") != brief.facts.case_id:
        log.warning("thread of another case", case=brief.facts.case_id)
        return None
    with transaction() as conn:
        leaves = candidates.leaves(conn, [returned.recommendation_id]).get(returned.recommendation_id, {})
    if not as_recorded(state, returned, leaves):
        log.warning("thread differs from the record", case=brief.facts.case_id)
        return None
    answer = {"recommendation_id": returned.recommendation_id, "decision_id": returned.decision_id}
    with context.tracer.step("graph"):
        result = threads.wake(thread, returned.interrupt_id, answer, context)
    # A thread that has ended, or waits elsewhere, returns without an error and without a new recommendation.
    filed = result.get("filed", {}).get("recommendation_id")
    return None if filed in (None, returned.recommendation_id) or "__interrupt__" not in result else result


def _papers(threads: Threads, thread: str, interrupt: str) -> Json | None:
    """The state of the thread where it waits at this interrupt; None where it does not, or cannot be read."""
    try:
        return threads.paused(thread, interrupt)
    except Unavailable:
        raise
    except Exception as error:
        log.warning("thread unreadable", thread=thread, error=where(error))
        return None


def as_recorded(state: Json, returned: Returned, leaves: Mapping[str, Any]) -> bool:
    """The thread's papers are those that people saw: action, letter and findings of the filed recommendation.

    `leaves` as the record holds them; where they were erased, nothing can be compared and the answer is no.
    """
    try:
        choice, letter, assessment = state["choice"], state["letter"], state["assessment"]
        papers = {
            "cause": state["cause"],
            "match": state["match"],
            "precedents": state["precedents"],
            "alternatives": choice["alternatives"],
            "duplicates": assessment["duplicates"],
            "risk": assessment["risk"],
        }
        action = {name: value for name, value in choice["action"]["args"].items() if value is not None}
        same = choice["action"]["name"] == returned.action["name"] and action == returned.action["args"]
        drafts = letter["draft"] == (dict(returned.draft) if returned.draft else None)
    except (KeyError, TypeError, AttributeError):
        # Papers of another shape than ours were not written by this graph.
        return False
    found = leaves.get("findings") or {}
    return same and drafts and all(facts.plain(value) == found.get(name, ...) for name, value in papers.items())
