"""Every letter template in every language and tone, with and without facts, from the templates and through a language
model: each goes through the agent's own drafting and guard, on made-up cases whose record is known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from random import Random
from typing import Any

from agents.compose import ModelComposer
from agents.draft import drafted
from agents.guard import guarded
from agents.letter import LANGUAGES, TEMPLATE, TONES, Composer, TemplateComposer, texts
from agents.llm import Door, Limits, Place
from evals import letters
from evals.cases import Triaged
from evals.letter_reader import Stated, held, stated
from evals.llm_stub import serving
from governance.recommendation import Draft
from models.synthetic_numbers import stream

RECORDS = ("whole", "sparse", "bare")
"""How much is known: everything; no order, no dates, no details; not even an invoice number and an amount."""

_NO_TEMPLATES = ("frame", "teams", "documents", "mention")
_ACTIONS = ("request_purchase_order", "request_credit_note", "request_missing_document", "send_supplier_email",
            "send_customer_reminder")  # fmt: skip
_QUEUES = {
    "request_missing_document_remittance": "order_to_cash",
    "request_missing_document_onboarding": "customer_onboarding",
    "request_missing_document_contract": "customer_onboarding",
}
_DOCUMENTS: Mapping[str, tuple[str, ...]] = {
    "": ("delivery_note", "proof_of_delivery", "delivery_note, proof_of_delivery"),
    "remittance": ("remittance_advice",),
    "onboarding": ("register_extract", "tax_form", "tax_form, register_extract", "ISO 9001 certificate"),
    "contract": ("signed_contract",),
    "usage": ("usage_statement",),
}


@dataclass(frozen=True, slots=True)
class Made:
    """One letter of the grid. `facts`: what it states, each with whether the record holds it. `elements`: what it must
    have and whether it does. `draft` None: the guard let nothing of it pass."""

    template: str
    language: str
    tone: str
    record: str
    composer: str
    asked_model: bool
    draft: Draft | None
    facts: tuple[tuple[Stated, bool], ...] = ()
    elements: Mapping[str, bool] = field(default_factory=dict)

    @property
    def phrased_by_model(self) -> bool:
        return self.asked_model and self.composer not in ("", TEMPLATE)


@dataclass(frozen=True, slots=True)
class Spot:
    """One of the grid's places. `record`: one of RECORDS."""

    template: str
    language: str
    tone: str
    record: str


def templates() -> dict[str, tuple[str, str]]:
    """Template → (action, topic), of every template that the agent has."""
    found = {}
    for name in texts("en"):
        if name not in _NO_TEMPLATES:
            action = next(one for one in _ACTIONS if name == one or name.startswith(f"{one}_"))
            found[name] = (action, name.removeprefix(action).removeprefix("_"))
    return found


def grid() -> Iterator[Spot]:
    for name in templates():
        for language in LANGUAGES:
            for tone in TONES:
                if tone == "neutral" or tone in texts(language)[name]:
                    yield from (Spot(name, language, tone, record) for record in RECORDS)


def every_letter(cases: Sequence[Triaged], seed: int, share: float = 1.0) -> list[Made]:
    """All of them, or a share, each by the templates and by a helpful language model behind the agent's own door."""
    rng = stream(seed, "every letter")
    places = [one for one in grid() if share >= 1.0 or rng.random() < share]
    regions = sorted({one.view.brief.facts.region or "" for one in cases} - {""})
    limits = Limits(tokens_per_case=10**9, tokens_per_day=10**12)
    with serving("helpful") as stub:
        model = ModelComposer(Door([Place(stub.url, "stub", region) for region in regions], limits))
        try:
            composers: tuple[Composer, ...] = (TemplateComposer(), model)
            return [_made(place, _case(place, cases, rng), composer)
                    for place in places for composer in composers]  # fmt: skip
        finally:
            model.close()


def _case(place: Spot, cases: Sequence[Triaged], rng: Random) -> Triaged:
    """A case of the right side, with the record that the place asks for and a choice that leads to its template."""
    action, topic = templates()[place.template]
    queue = _QUEUES.get(place.template, "order_to_cash" if action == "send_customer_reminder" else "accounts_payable")
    ours = queue != "accounts_payable"
    fit = [one for one in cases if _addressed(one, queue)]
    base = rng.choice(fit)
    brief = base.view.brief
    facts, fields = brief.facts, dict(brief.reading.get("fields") or {})
    details: dict[str, Any] = {name: facts.details[name] for name in ("invoice_id",) if name in facts.details}
    if place.record == "whole":
        details |= _details(facts.amount or Decimal(1000), rng)
    else:
        facts = replace(facts, issue_date=None, due_date=None)
        fields |= dict.fromkeys(("purchase_order", "issue_date", "due_date"))
    if place.record == "bare":
        facts = replace(facts, amount=None, currency=None)
        fields["invoice_number"] = None
        details = {}
    document = rng.choice(_DOCUMENTS.get(topic, ("",)))
    if action == "request_missing_document":
        details["missing"] = document.split(", ")
    addressed = brief.customer if ours else brief.supplier
    assert addressed is not None, "a case is chosen by whom it addresses"
    addressed = replace(addressed, language=place.language)
    brief = replace(
        brief, facts=replace(facts, details=details), reading={**brief.reading, "fields": fields},
        supplier=None if ours else addressed, customer=addressed if ours else None,
        order=brief.order if place.record == "whole" else None, allowed_actions=(action, "refer_to_person"),
        mode="ai", returned=None,
    )  # fmt: skip
    view = replace(base.view, brief=brief, mode="ai", notes=(), duplicates=[])
    args: dict[str, Any] = {"customer_id" if ours else "supplier_id": addressed.id, "tone": place.tone}
    extra: dict[str, str] = {}
    if action == "request_missing_document":
        args["document"] = extra["document"] = document
    if action == "send_supplier_email":
        args["topic"] = "company details"
    choice = {"action": {"name": action, "args": args}, "topic": topic, "extra": extra, "why": "", "alternatives": []}
    return Triaged(base.planted, view, choice, {}, base.beside)


def _addressed(case: Triaged, queue: str) -> bool:
    """Whether the case is of this queue, with whoever is written to and what a whole record holds."""
    brief = case.view.brief
    party = brief.supplier if queue == "accounts_payable" else brief.customer
    dated = queue == "customer_onboarding" or (brief.facts.amount is not None and brief.facts.issue_date is not None)
    ordered = queue != "accounts_payable" or brief.order is not None
    return brief.facts.queue == queue and party is not None and bool(party.email) and dated and ordered


def _details(amount: Decimal, rng: Random) -> dict[str, str]:
    """What a bill and a record may differ by: more was billed than ordered or received, less was paid than billed."""
    price, count = Decimal(rng.randint(100, 90_000)) / 100, rng.randint(2, 2_000)
    return {
        "ordered_unit_price": str(price),
        "billed_unit_price": str((price * rng.randint(101, 130) / 100).quantize(Decimal("0.01"))),
        "billed_quantity": str(count + rng.randint(1, 900)),
        "received_quantity": str(count),
        "billed_rate_percent": rng.choice(("19", "21", "22", "5.5")),
        "expected_rate_percent": rng.choice(("7", "0", "10")),
        "difference": str((amount * rng.randint(2, 60) / 100).quantize(Decimal("0.01"))),
    }


def _made(place: Spot, case: Triaged, composer: Composer) -> Made:
    made = drafted(case.view, case.choice, composer)
    choice, letter = guarded(case.view, case.choice, made)
    known = (place.template, place.language, place.tone, place.record)
    asked = composer.name != TEMPLATE
    if letter["draft"] is None:
        return Made(*known, "", asked, None)
    draft = Draft(**letter["draft"])
    record = held(case.view.brief, case.view.sender)
    facts = tuple((one, record.holds(one)) for one in stated(draft, record))
    elements = letters.elements(replace(case, choice=choice), draft, place.language)
    return Made(*known, str(letter["composer"]), asked, draft, facts, elements)
