"""Synthetic cases as the agent sees them, run through the agent's own nodes up to the guard. No database.

What intake and the books would have put on record is taken from the demo company's month: facts, parties, order,
receipts, accounts, likely twins in the ledger.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, cast

from agents.assess import twin_finding
from agents.graph import NODES, Run
from agents.letter import TemplateComposer
from agents.state import BatchContext, Filing, State, View, view
from agents.tolerances import Tolerances
from agents.tracing import Tracer
from agents.twins import invoice_of
from governance.case import CaseFacts, Party
from governance.matrix import Policy
from governance.record.candidates import Beside, BookedInvoice
from governance.record.queue import Brief, Job
from models.duplicates import Invoice, PairScorer, find_duplicates
from models.synthetic import CompanyMonth, PlantedException

Json = dict[str, Any]
_BEFORE_FILING = tuple(name for name in NODES if name not in ("file", "wait"))
BEFORE_LETTERS = tuple(name for name in _BEFORE_FILING if name not in ("draft", "guard"))
_NEVER = datetime(2000, 1, 1, tzinfo=UTC)
_SHOWN = 0.05


@dataclass(frozen=True, slots=True)
class Triaged:
    """One case after the guard: what was planted, what the agent saw, what it proposes, and the letter or None."""

    planted: PlantedException
    view: View
    choice: Json
    letter: Json
    beside: Beside

    @property
    def action(self) -> str:
        return str(self.choice["action"]["name"])


@dataclass(frozen=True, slots=True)
class Runtime:
    """All that the agent's nodes ask of LangGraph's runtime."""

    context: BatchContext


class Books:
    """The month's reference data by key, as the record would hold it."""

    def __init__(self, month: CompanyMonth, policy: Policy) -> None:
        self.month = month
        self.policy = policy
        self.rows = {
            kind: {row["id"]: row for row in month.books[kind]} for kind in ("entity", "supplier", "customer", "order")
        }
        self.receipts: dict[str, list[Json]] = {}
        for row in month.books["receipt"]:
            self.receipts.setdefault(row["order_id"], []).append(row)
        self.ibans: dict[str, list[str]] = {}
        for row in month.books["bank_account"]:
            self.ibans.setdefault(row["owner_id"], []).append(row["iban"])
        self.flows = {(flow.queue, flow.exception_type): flow for flow in policy.workflows}

    def party(self, kind: str, identity: str | None, language: str | None) -> Party | None:
        """A supplier or customer; `language` replaces the one that the books hold."""
        row = self.rows[kind].get(identity or "")
        if row is None:
            return None
        return Party(
            id=row["id"],
            name=row["name"],
            kind=kind,
            email=row["email"],
            language=language or row["language"],
            vat_id=row.get("vat_id"),
            country=row["country"],
        )

    def brief(self, planted: PlantedException, language: str | None = None) -> Brief:
        """The case as the worker would hand it to the graph."""
        row = planted.row
        payable = planted.queue == "accounts_payable"
        order = self.rows["order"].get(row["purchase_order"] or "")
        fields = {name: row[name] for name in ("invoice_number", "purchase_order", "issue_date", "due_date", "iban")}
        flow = self.flows[planted.queue, planted.exception_type]
        return Brief(
            job=Job(0, planted.source_key, 1, "triage", None, 0, 1, _NEVER),
            facts=_facts(planted, planted.source_key if payable else row["invoice_number"]),
            facts_digest="",
            title=row["title"],
            reading={
                "document_class": row["document_class"] or "other",
                "abstained": False,
                "basis": "structured",
                "fields": {**fields, "currency": row["currency"], "total_amount": row["amount"]},
            },
            supplier=self.party("supplier", row["supplier_id"], language),
            supplier_ibans=tuple(self.ibans.get(row["supplier_id"] or "", ())),
            customer=self.party("customer", row["customer_id"], language),
            order=order,
            receipts=tuple(self.receipts.get(order["id"], ())) if order else (),
            allowed_actions=("refer_to_person", *(name for name in flow.actions if name != "refer_to_person")),
            returned=None,
            mode=self.policy.modes[planted.queue],
            plan=flow.plan,
        )


def _facts(planted: PlantedException, invoice_id: str | None) -> CaseFacts:
    row = planted.row
    return CaseFacts(
        case_id=planted.source_key,
        revision=1,
        queue=planted.queue,
        exception_type=planted.exception_type,
        document_class=row["document_class"],
        amount=Decimal(row["amount"]),
        currency=row["currency"],
        entity=row["entity"],
        region=row["region"],
        initiator="intake",
        supplier_id=row["supplier_id"],
        customer_id=row["customer_id"],
        payee_iban=row["iban"],
        issue_date=_day(row["issue_date"]),
        due_date=_day(row["due_date"]),
        details={"invoice_id": invoice_id, **row["details"]},
    )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def likely_twins(briefs: Sequence[Brief], ledger: Sequence[Invoice], scorer: PairScorer) -> dict[str, list[Json]]:
    """Likely twins in the ledger by case id, scored in one call."""
    arrived = [replace(one, invoice_id=brief.facts.case_id) for brief in briefs if (one := invoice_of(brief))]
    arriving, booked = {one.invoice_id: one for one in arrived}, {one.invoice_id: one for one in ledger}
    found: dict[str, list[Json]] = {}
    for pair in find_duplicates(arrived, scorer, against=ledger, threshold=_SHOWN):
        mine, other = (pair.left_id, pair.right_id) if pair.left_id in arriving else (pair.right_id, pair.left_id)
        if other in booked:
            twin = BookedInvoice(
                **{name: getattr(booked[other], name) for name in Invoice.__dataclass_fields__},
                case_id=None,
                as_of=_NEVER,
            )
            found.setdefault(mine, []).append(twin_finding(pair, twin, arriving[mine], True, {}))
    return found


@dataclass(frozen=True, slots=True)
class Brought:
    """What intake, the books and the models would have brought to the agent."""

    briefs: list[Brief]
    beside: dict[str, Beside]
    twins: dict[str, list[Json]]


def brought(month: CompanyMonth, scorer: PairScorer, policy: Policy, language: str | None = None) -> Brought:
    """Every planted exception of the month; with `language`, all parties read that one."""
    books = Books(month, policy)
    briefs = [books.brief(planted, language) for planted in month.exceptions]
    beside = {
        brief.facts.case_id: Beside(
            brief.facts.case_id, None, None, None, books.rows["entity"][brief.facts.entity]["name"], None, None
        )
        for brief in briefs
    }
    return Brought(briefs, beside, likely_twins(briefs, month.invoices, scorer))


def triaged(month: CompanyMonth, scorer: PairScorer, policy: Policy, language: str | None = None) -> list[Triaged]:
    """Every planted exception of the month through the agent's nodes; with `language`, all parties read that one."""
    made = brought(month, scorer, policy, language)
    passed = through(made.briefs, month.today, made.beside, made.twins)
    return [
        Triaged(planted, seen, state["choice"], state["letter"], made.beside[planted.source_key])
        for planted, (seen, state) in zip(month.exceptions, passed, strict=True)
    ]


def through(
    briefs: Sequence[Brief],
    today: date,
    beside: dict[str, Beside] | None = None,
    twins: dict[str, list[Json]] | None = None,
    nodes: Sequence[str] = _BEFORE_FILING,
) -> list[tuple[View, State]]:
    """Every case through these of the agent's nodes: what the last one saw, and all that they wrote."""
    context = context_of(today, briefs, beside or {}, twins or {})
    runtime = cast(Run, Runtime(context))
    passed = []
    for brief in briefs:
        state: State = {"case_id": brief.facts.case_id}
        for name in nodes:
            state = {**state, **NODES[name](state, runtime)}
        passed.append((view(state, context), state))
    return passed


def _nothing(brief: Brief, proposal: Any, embedding: Any) -> Any:
    raise AssertionError("nothing is filed in an evaluation")


def context_of(
    today: date,
    briefs: Sequence[Brief],
    beside: dict[str, Beside],
    twins: dict[str, list[Json]],
    file: Filing = _nothing,
) -> BatchContext:
    """A batch of cases with what was brought along, for the agent's nodes; `file` takes what is filed."""
    return BatchContext(
        today=today,
        briefs={brief.facts.case_id: brief for brief in briefs},
        beside=beside,
        embeddings={brief.facts.case_id: () for brief in briefs},
        duplicates=twins,
        risks={},
        precedents={},
        notes={},
        order_habits={},
        composer=TemplateComposer(),
        stamps={},
        tolerances=Tolerances(),
        file=file,
        tracer=Tracer(),
    )
