"""What policy says of an exception type as data (governance.plan), applied to one case. Pure.

The agent's own rules know the types that need more than the case's evidence: the three-way match, the history of
dunning.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from agents import facts
from agents.arguments import documents, stated
from agents.banned import foreign_script, said_amiss
from agents.option import Option, customer, later, party, supplier
from agents.state import View
from governance.action import CATALOGUE
from governance.conditions import filled
from governance.plan import CauseRule, Step

_WORDS = re.compile(r"[\w.,/#&+()°' -]+")
# A host, whatever its ending, and what poses as one.
_DOTTED = re.compile(r"\w\.\w|xn--", re.IGNORECASE)
_BIDS = re.compile(
    r"pay|send|wire|call|phone|ring|mail|write|give|move|use|open|click|visit|see|confirm|release|approve|ignore|skip|"
    r"forget|accept|transfer|remit|change|update|contact|reply|report|stop|cancel|do|please|now|urgent|zahl\w*|ruf\w*|"
    r"send\w*|überweis\w*|bestätig\w*|bitte|paye[rz]|virez|appel\w*|envoy\w*|confirm\w*|pag\w+|llam\w+|envi\w+|invia\w*|"
    r"chiama\w*|betaal|stuur|bel|bevestig",
    re.IGNORECASE,
)
_STYLE = ("tone", "name")


@dataclass(frozen=True, slots=True)
class PlannedCause:
    """What agents.diagnose makes its cause of. `facts`: (what was found, where)."""

    primary: str
    facts: tuple[tuple[str, str], ...]
    contributing: tuple[str, ...]
    refuted_by: str


def evidence(view: View) -> Mapping[str, Any]:
    """What conditions and texts may name: the case's details, and over them what the law judges."""
    case = view.brief.facts
    return {
        **view.details, "amount": case.amount, "currency": case.currency, "entity": case.entity,
        "issue_date": case.issue_date, "due_date": case.due_date, "title": view.brief.title,
    }  # fmt: skip


def told(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the findings may repeat of it: numbers, days, and names of at most four plain words. An ERP's details come
    from outside, too: sentences, commands, links and accounts stay where they are, in the evidence. What leaves, an
    action's arguments and reasons, repeats less (arguments.stated)."""
    return {name: kept for name, value in values.items() if (kept := _plain(value)) is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        kept = [_plain(one) for one in value[:5]]
        return None if None in kept else kept
    if not isinstance(value, str):
        return None if isinstance(value, Mapping) else value
    text = " ".join(value.split())
    if facts.identifier(text) is not None:
        return text
    words = text.split()
    named = len(text) <= 60 and 0 < len(words) <= 4 and _WORDS.fullmatch(text) and not _DOTTED.search(text)
    if not named or _BIDS.fullmatch(words[0]) or sum(letter.isdigit() for letter in text) > 6:
        return None
    amiss = facts.is_iban(text) or foreign_script(text) or any(what not in _STYLE for what, _ in said_amiss(text))
    return None if amiss else text


def cause_by_plan(view: View) -> PlannedCause | None:
    """The first cause whose conditions hold; None where the plan names none that does."""
    values = evidence(view)
    for rule in view.brief.plan.causes:
        if all(condition.holds(values, view.today) for condition in rule.when):
            return PlannedCause(rule.cause, tuple(_said(rule, told(values))), rule.contributing,
                                filled(rule.refuted_by, told(values)) or "")  # fmt: skip
    return None


def _said(rule: CauseRule, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in rule.facts:
        if told := filled(f"{{{name}}}", values):
            yield f"{name.replace('_', ' ')}: {told}", "case"
    if because := filled(rule.because, values):
        yield because, "case"


def options(view: View) -> Iterator[Option]:
    """The plan's steps whose conditions hold, in its order."""
    values = evidence(view)
    for step in view.brief.plan.steps:
        if all(condition.holds(values, view.today) for condition in step.when):
            yield _option(view, step, values)


def _option(view: View, step: Step, values: Mapping[str, Any]) -> Option:
    spec, raw, values = CATALOGUE[step.action], values, stated(values)
    why = filled(step.why, values) or "policy names this step for such a case"
    given: dict[str, str | None] = {name: filled(text, values) for name, text in step.args.items()}
    if "document" in given:
        given["document"] = ", ".join(documents(filled(step.args["document"], raw))) or None
    if "task" in given:
        # One whose name is no name of bookkeeping is still this case's.
        given["task"] = given["task"] or "the close task of this case"
    kinds = {**spec.required, **spec.optional}
    # What names a thing of the books looks like its number, or the step falls away.
    given = {name: facts.identifier(text) if kinds[name] == "id" else text for name, text in given.items()}
    own = _of_the_record(view, step, why)
    args = {name: given.get(name, own.get(name)) for name in spec.required} | given
    for name in spec.optional:
        # A payment has its amount; a letter or a call its party, where there is one.
        if name in own and name not in args and (own[name] or name in ("amount", "currency")):
            args[name] = own[name]
    return Option(step.action, args, why, step.topic, {"document": given.get("document") or ""} if given else {})


def _of_the_record(view: View, step: Step, why: str) -> dict[str, str | None]:
    """Arguments that no policy text can give: whom it is about, which invoice, how much."""
    case, risk = view.brief.facts, CATALOGUE[step.action].risk_class
    found: dict[str, str | None] = {
        "supplier_id": supplier(view), "customer_id": customer(view), "partner_id": supplier(view) or customer(view),
        "invoice_id": facts.invoice_ref(view.brief), "reason": why,
        "invoice_number": facts.identifier(facts.invoice_number(view.brief)),
        "date": later(view, step.days).isoformat() if step.days else None,
    }  # fmt: skip
    if step.action in ("request_missing_document", "open_dispute", "schedule_call"):
        # One party, not two: the customer where there are both.
        found |= {"supplier_id": None, "customer_id": None, **party(view)}
    if risk >= 3:
        found |= {"amount": facts.amount_text(case.amount), "currency": case.currency}
    return found
