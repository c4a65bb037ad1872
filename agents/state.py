"""What flows through the graph: plain JSON from node to node, and the batch that every node may look at.

Nodes that run side by side write disjoint keys. The state is a working paper in LangGraph's own tables: what the
law judges is read from the record each time, never from here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Protocol, TypedDict

from agents.dunning import Dunning
from agents.letter import Composer
from agents.risk_scores import Scored
from agents.routes_read import Ground
from agents.tolerances import Tolerances
from agents.tracing import Tracer
from governance.recommendation import Proposal
from governance.record.candidates import Beside
from governance.record.queue import Brief
from governance.record.review import Filed
from models.agreement import Calibration

Json = dict[str, Any]


class State(TypedDict, total=False):
    """Keys by the node that writes them. A redraft writes choice, letter and filed again."""

    case_id: str
    kind: Json  # classify
    match: Json | None  # match
    assessment: Json  # assess: duplicates, risk
    precedents: list[Json]  # recall
    cause: Json  # diagnose: primary, contributing, facts
    choice: Json  # recommend: action, topic, why, risk, alternatives; draft and guard may turn it
    letter: Json  # draft, guard: draft (or None), composer, refused, asked (what a language model took)
    filed: Json  # file: recommendation_id, digest, draft_number


class Filing(Protocol):
    """Writes one recommendation in a transaction of its own; the job and the embedding are the batch's."""

    def __call__(self, brief: Brief, proposal: Proposal, embedding: Sequence[float]) -> Filed: ...


@dataclass(frozen=True, slots=True)
class BatchContext:
    """Everything that the nodes of a batch may look at, computed once, by case id.

    Findings that models made (duplicates, risks, precedents) are plain JSON already. `notes`: what reviewers wrote
    when they sent drafts back, oldest first. `file` is the only way out.
    """

    today: date
    briefs: Mapping[str, Brief]
    beside: Mapping[str, Beside]
    embeddings: Mapping[str, Sequence[float]]
    duplicates: Mapping[str, list[Json]]
    risks: Mapping[str, Json]
    precedents: Mapping[str, list[Json]]
    notes: Mapping[str, tuple[str, ...]]
    order_habits: Mapping[str, tuple[int, int]]  # supplier id -> (invoices known, of them with an order)
    composer: Composer
    stamps: Mapping[str, str]
    tolerances: Tolerances
    file: Filing
    tracer: Tracer
    scored: Scored | None = None
    dunning: Mapping[str, Dunning] = field(default_factory=dict)
    routes: Mapping[str, Ground] = field(default_factory=dict)
    templates: Mapping[tuple[str, str], Json] = field(default_factory=dict)  # (template, language) -> its table
    calibration: Calibration = field(default_factory=Calibration)
    limits: Mapping[str, Tolerances] = field(default_factory=dict)  # the tenant's own, where they are not `tolerances`

    def lines_of(self, case_id: str) -> Tolerances:
        """Where lines are drawn for this case: by the tenant's governed settings, in the case's currency."""
        return self.limits.get(case_id, self.tolerances)

    def only(self, case_id: str) -> BatchContext:
        """The same batch with this one case: a thread that names another one finds nothing."""
        return replace(self, briefs={case_id: self.briefs[case_id]})


@dataclass(frozen=True, slots=True)
class View:
    """One case as the later nodes see it: what is on record, and what the earlier nodes found."""

    brief: Brief
    today: date
    tolerances: Tolerances
    kind: Json
    match: Json | None
    duplicates: list[Json]
    risk: Json | None
    precedents: list[Json]
    cause: Json
    notes: tuple[str, ...] = ()
    order_habit: tuple[int, int] = (0, 0)
    sender: str | None = None
    dunning: Dunning = field(default_factory=Dunning)
    routes: Ground = field(default_factory=Ground)
    mode: str = "ai"  # of the workflow; a language model is asked in no other
    templates: Mapping[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)  # the tenant's own letters
    calibration: Calibration = field(default_factory=Calibration)  # without decisions, every confidence is null

    @property
    def details(self) -> Mapping[str, Any]:
        return self.brief.facts.details

    def check(self, name: str) -> str:
        """The status of one comparison of the three-way match; 'unknown' where it was not made."""
        checks = self.match["checks"] if self.match else []
        return next((str(one["status"]) for one in checks if one["name"] == name), "unknown")

    @property
    def likely_twins(self) -> list[Json]:
        """Twins that are likely enough to decide, likeliest first; renumbered invoices have a line of their own."""
        found = [one for one in self.duplicates if float(one["probability"]) >= self._least(one)]
        return sorted(found, key=lambda one: -float(one["probability"]))

    @property
    def twin(self) -> Json | None:
        """The twin that decides: one of the likely ones about which something is to be done. What is certain enough to
        be marked or claimed comes before what is only held."""
        ranked = [(rank, one) for one in self.likely_twins if (rank := _rank(one)) > 0]
        return max(ranked, key=lambda pair: pair[0])[1] if ranked else None

    @property
    def suspected(self) -> bool:
        """A twin would be likely enough to decide if no memory of the supplier, and no credit note, explained it: seats
        hang on this one."""
        return any(
            (one["earlier"] or _rank(one) > 0)
            and float(one.get("probability_without_memory") or one["probability"]) >= self._least(one)
            for one in self.duplicates
        )

    def _least(self, twin: Json) -> float:
        limits = self.tolerances
        return float(limits.duplicate_renumbered if twin.get("queue") == "renumbered" else limits.duplicate_likely)


_RANKS = {"mark_duplicate": 3, "request_credit_note": 3, "hold_payment": 2, "refer_to_person": 1}


def _rank(twin: Json) -> int:
    """How much is to be done about a twin; 0 for nothing."""
    said = twin.get("remedy")
    # Papers of a thread that an older program wrote hold no remedy.
    return _RANKS.get(said["action"] or "", 0) if said is not None else 3 * bool(twin["earlier"])


def view(state: State, context: BatchContext) -> View:
    case_id = state["case_id"]
    brief = context.briefs[case_id]
    assessment = state.get("assessment", {})
    beside = context.beside.get(case_id)
    return View(
        brief=brief,
        today=context.today,
        tolerances=context.lines_of(case_id),
        kind=state.get("kind", {}),
        match=state.get("match"),
        duplicates=assessment.get("duplicates", []),
        risk=assessment.get("risk"),
        precedents=state.get("precedents", []),
        cause=state.get("cause", {}),
        notes=context.notes.get(case_id, ()),
        order_habit=context.order_habits.get(brief.facts.supplier_id or "", (0, 0)),
        sender=beside.entity_name if beside else None,
        dunning=context.dunning.get(case_id, Dunning()),
        routes=context.routes.get(case_id, Ground()),
        mode=brief.mode,
        templates=context.templates,
        calibration=context.calibration,
    )
