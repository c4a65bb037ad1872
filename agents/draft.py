"""Node 5: the letter that goes with the action, from typed facts; after a send-back another one, heeding the note."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from agents import facts, letter
from agents.arguments import documents
from agents.letter import LANGUAGES, TEMPLATE, Composer, Letter, Phrased, TemplateComposer, draft_of, phrased, texts
from agents.notes import read_notes
from agents.recommend import recipient
from agents.state import View
from governance.action import CATALOGUE
from governance.chain import canonical, sha256_hex
from governance.recommendation import Draft

_VARIANTS = 6
_UNIT_PRICES = {"ordered_price": "ordered_unit_price", "billed_price": "billed_unit_price"}
_QUANTITIES = ("billed_quantity", "received_quantity")
_RATES = {"billed_rate": "billed_rate_percent", "expected_rate": "expected_rate_percent"}


def heeded(choice: dict[str, Any], notes: tuple[str, ...]) -> dict[str, Any]:
    """The choice with the tone that reviewers asked for, where the action has one."""
    tone = read_notes(notes).tone
    action = choice["action"]
    if tone not in ("friendly", "firm", "final") or "tone" not in action["args"]:
        return choice
    return {**choice, "action": {**action, "args": {**action["args"], "tone": tone}}}


def letter_for(view: View, choice: dict[str, Any]) -> Letter | None:
    """What is to be written; None for an action without a letter, a party without an address, or where policy names no
    template of the action for this type."""
    action = choice["action"]
    party = recipient(view, action["args"])
    if CATALOGUE[action["name"]].effect != "mail" or party is None or not party.email:
        return None
    wishes = read_notes(view.notes)
    language = wishes.language or (party.language if party.language in LANGUAGES else "en")
    if (found := _template(view, action["name"], choice["topic"], language)) is None:
        return None
    template, table = found
    return Letter(
        to=party.email,
        queue=view.brief.facts.queue,
        template=template,
        language=language,
        tone=str(action["args"].get("tone") or wishes.tone or "neutral"),
        facts=letter_facts(view, choice, party.name, language),
        mention=wishes.mention,
        short=wishes.short,
        table=table,
        case=view.brief.facts.case_id,
        region=view.brief.facts.region,
        notes=view.notes,
    )


def _template(view: View, action: str, topic: str, language: str) -> tuple[str, Mapping[str, Any] | None] | None:
    """The template of an action and its topic, and its table where the tenant has one of its own. None where policy
    names others for this type."""
    named = view.brief.letters
    for name in [f"{action}_{topic}", action] if topic else [action]:
        if named and name not in named:
            continue
        if (own := view.templates.get((name, language))) is not None:
            return name, own
        if name in texts(language):
            return name, None
    return None


def letter_facts(view: View, choice: dict[str, Any], name: str, language: str) -> dict[str, str]:
    """The typed facts, as the reader of this language will see them. What is not known is left out."""
    case, details = view.brief.facts, view.details
    found: dict[str, str | None] = {
        "party": " ".join(name.split()),
        "sender": view.sender,
        "reference": _reference(case.case_id),
        "invoice_number": facts.identifier(facts.invoice_number(view.brief)),
        "order": facts.identifier(facts.order_number(view.brief)),
        "document": _document(choice["extra"].get("document"), language),
    }
    if case.amount is not None and case.currency:
        found["amount"] = letter.money(case.amount, case.currency, language)
    difference = facts.number(details, "difference")
    if difference is not None and difference > 0 and case.currency:
        found["difference"] = letter.money(difference, case.currency, language)
    for fact, day in (("invoice_date", case.issue_date), ("due_date", case.due_date)):
        found[fact] = letter.long_date(day, language) if day else None
    for fact, key in _UNIT_PRICES.items():
        price = facts.number(details, key)
        found[fact] = letter.money(price, case.currency, language) if price is not None and case.currency else None
    for key in _QUANTITIES:
        count = facts.number(details, key)
        found[key] = letter.quantity(count, language) if count is not None else None
    for fact, key in _RATES.items():
        rate = facts.number(details, key)
        found[fact] = letter.percent(rate, language) if rate is not None and 0 <= rate <= Decimal(100) else None
    found |= _paid_twice(choice, found)
    return {fact: text for fact, text in found.items() if text}


def _reference(case_id: str) -> str:
    """The case as the other side quotes it: the first part of its id."""
    return case_id[:8].strip("-").upper()


def _paid_twice(choice: dict[str, Any], found: Mapping[str, str | None]) -> dict[str, str | None]:
    """Which of two invoices that were both paid is to be credited. Where it is the other one, this one's dates are not
    its dates, and where the amount is not claimed, this one's is not its amount."""
    extra = choice["extra"]
    if "late_number" not in extra:
        return {}
    own, claimed = extra["late"] == "own", "amount" in choice["action"]["args"]
    return {
        "invoice_number": facts.identifier(extra["late_number"]),
        "kept_number": facts.identifier(extra["kept_number"]),
        "amount": found.get("amount") if own or claimed else None,
        **{name: found.get(name) if own else None for name in ("invoice_date", "due_date", "order")},
    }


def _document(named: str | None, language: str) -> str | None:
    """Names of documents in the reader's language; one that we do not know stands as recorded, if it reads like one."""
    known = texts(language)["documents"]
    return ", ".join(known.get(one, one) for one in documents(named)) or None


def _written(task: Letter, variant: int) -> Draft:
    varied = replace(task, variant=variant)
    return draft_of(varied, TemplateComposer().paragraphs(varied) or ())


def compose(task: Letter, composer: Composer, returned: Mapping[str, str] | None) -> tuple[Draft, str, Phrased]:
    """The draft, who phrased it, and what the composer answered. After a send-back it always differs from the draft
    that was sent back."""
    answer = phrased(task, composer) if composer.name != TEMPLATE else Phrased(None)
    if answer.paragraphs:
        draft = draft_of(task, answer.paragraphs)
        if returned is None or draft.body != returned.get("body"):
            return draft, composer.name, answer
    return *compose_plain(task, returned), answer


def compose_plain(task: Letter, returned: Mapping[str, str] | None) -> tuple[Draft, str]:
    """The same from the templates alone: the wording after the one that was sent back, round and round."""
    drafts = [_written(task, at) for at in range(_VARIANTS)]
    bodies = [made.body for made in drafts]
    before = (returned or {}).get("body")
    start = bodies.index(before) + 1 if before in bodies else 0
    return drafts[start % len(drafts)], TEMPLATE


def drafted(view: View, choice: dict[str, Any], composer: Composer) -> dict[str, Any]:
    """{draft (or None), composer (or None), refused: [], asked (or None), template, wording}: `wording` is the digest
    of the tenant's own table, None where the template is the product's."""
    task = letter_for(view, choice)
    if task is None:
        return {"draft": None, "composer": None, "refused": [], "asked": None, "template": None, "wording": None}
    returned = view.brief.returned
    # A language model is asked only where the workflow is in mode "ai".
    asked = composer if view.mode == "ai" else TemplateComposer()
    draft, name, answer = compose(task, asked, returned.draft if returned is not None else None)
    return {
        "draft": draft.as_dict(),
        "composer": name,
        "refused": [dict(one) for one in answer.refused],
        "asked": dict(answer.asked) if answer.asked else None,
        "template": task.template,
        "wording": None if task.table is None else f"sha256:{sha256_hex(canonical(dict(task.table)))}",
    }
