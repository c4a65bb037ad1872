"""OPEN FIRST: the agent on one screen.

    classify → {match ∥ assess ∥ recall} → diagnose → recommend → draft → guard → file → wait

Every node but two is a pure function of the batch's context (runtime.context) and of what the nodes before it found.
`file` writes the recommendation, once, in a transaction of its own. `wait` holds one typed interrupt and nothing else:
a waiting room, never an authority. When a person sends the draft back, the worker wakes the thread; what was decided
and noted stands in the context, read from the record, and the thread goes back to `draft` (or to `recommend`, where
the reviewer asked for another action).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from typing import Any, Protocol

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import interrupt

from agents import dossier
from agents.assess import shown
from agents.classify import kind_json
from agents.diagnose import cause_of
from agents.draft import drafted, heeded
from agents.guard import guarded
from agents.letter import prompts_digest
from agents.match import match_brief
from agents.notes import read_notes
from agents.pause import Resume, pause_of
from agents.recommend import choice_of
from agents.state import BatchContext, State, view

Run = Runtime[BatchContext]
Graph = CompiledStateGraph[State, BatchContext, State, State]


class Node(Protocol):
    """One step of the agent; LangGraph hands it the batch's context as `runtime`."""

    def __call__(self, state: State, runtime: Run) -> State: ...


def classify(state: State, runtime: Run) -> State:
    """What kind of exception it is, and whether we know whose."""
    return {"kind": kind_json(runtime.context.briefs[state["case_id"]], runtime.context.today)}


def match(state: State, runtime: Run) -> State:
    """Invoice, order, receipts and the supplier's accounts side by side."""
    context, case_id = runtime.context, state["case_id"]
    found = match_brief(context.briefs[case_id], context.lines_of(case_id))
    return {"match": found.as_dict() if found else None}


def assess(state: State, runtime: Run) -> State:
    """Likely duplicates and collection risk."""
    context, case_id = runtime.context, state["case_id"]
    duplicates = shown(context.duplicates.get(case_id, []), context.tolerances)
    return {"assessment": {"duplicates": duplicates, "risk": context.risks.get(case_id)}}


def recall(state: State, runtime: Run) -> State:
    """How people decided similar cases."""
    return {"precedents": runtime.context.precedents.get(state["case_id"], [])}


def diagnose(state: State, runtime: Run) -> State:
    """One cause of the closed list, with the facts that say so."""
    return {"cause": cause_of(view(state, runtime.context)).as_dict()}


def recommend(state: State, runtime: Run) -> State:
    """One action of those that policy allows here; a person where none is certain."""
    return {"choice": choice_of(view(state, runtime.context))}


def draft(state: State, runtime: Run) -> State:
    """The letter, if the action is one; after a send-back, another letter that heeds the note."""
    seen = view(state, runtime.context)
    choice = heeded(state["choice"], seen.notes)
    return {"choice": choice, "letter": drafted(seen, choice, runtime.context.composer)}


def guard(state: State, runtime: Run) -> State:
    """Nothing in the letter that the record does not hold, no action that policy does not allow."""
    choice, letter = guarded(view(state, runtime.context), state["choice"], state["letter"])
    return {"choice": choice, "letter": letter}


def file(state: State, runtime: Run) -> State:
    """The recommendation enters the record. The job and its fencing token come from the context, never from here."""
    context, case_id = runtime.context, state["case_id"]
    beside = context.beside.get(case_id)
    proposal = dossier.proposal(view(state, context), state["choice"], state["letter"], beside, context.stamps)
    return {"filed": asdict(context.file(context.briefs[case_id], proposal, context.embeddings[case_id]))}


def wait(state: State, runtime: Run) -> State:
    """Until people have decided."""
    interrupt(pause_of(state["choice"], state["filed"]), response_schema=Resume)
    return {}


def after_wait(state: State, runtime: Run) -> str:
    """Where the recorded decision leads; the answer that woke the thread is not asked."""
    returned = runtime.context.briefs[state["case_id"]].returned
    if returned is None or returned.recommendation_id != state["filed"]["recommendation_id"]:
        return END
    wanted = read_notes(runtime.context.notes.get(state["case_id"], ())).action
    return "draft" if wanted in (None, state["choice"]["action"]["name"]) else "recommend"


NODES: Mapping[str, Node] = {
    "classify": classify, "match": match, "assess": assess, "recall": recall, "diagnose": diagnose,
    "recommend": recommend, "draft": draft, "guard": guard, "file": file, "wait": wait,
}  # fmt: skip


def build(checkpointer: BaseCheckpointSaver[Any]) -> Graph:
    """The compiled graph. Without a checkpointer `wait` could not pause, so there is no default."""
    graph = StateGraph(State, context_schema=BatchContext)
    for name, node in NODES.items():
        graph.add_node(name, timed(name, node))
    graph.add_edge(START, "classify")
    for side in ("match", "assess", "recall"):
        graph.add_edge("classify", side)
    graph.add_edge(["match", "assess", "recall"], "diagnose")
    for before, after in (("diagnose", "recommend"), ("recommend", "draft"), ("draft", "guard"), ("guard", "file")):
        graph.add_edge(before, after)
    graph.add_edge("file", "wait")
    graph.add_conditional_edges("wait", after_wait, ["draft", "recommend", END])
    return graph.compile(checkpointer=checkpointer, name="countersign")


def timed(name: str, node: Node) -> Node:
    """The node, with its time in the batch's tracer."""

    def run(state: State, runtime: Run) -> State:
        with runtime.context.tracer.step(name):
            return node(state, runtime)

    return run


@cache
def graph_version() -> str:
    """Changes with the nodes and with every template: a thread of another version is run again, not resumed."""
    return "graph-" + hashlib.sha256(f"{','.join(NODES)}\n{prompts_digest()}".encode()).hexdigest()[:16]
