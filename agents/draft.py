"""Node 5: the letter that goes with the action, from typed facts; after a send-back another one, heeding the note."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from agents import facts, letter
from agents.banned import is_banned
from agents.letter import LANGUAGES, TEMPLATE, Composer, Letter, TemplateComposer, draft_of, texts
from agents.notes import read_notes
from agents.recommend import recipient
from agents.state import View
from governance.action import CATALOGUE
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
    """What is to be written; None for an action without a letter or a party without an address."""
    action = choice["action"]
    party = recipient(view, action["args"])
    if CATALOGUE[action["name"]].effect != "mail" or party is None or not party.email:
        return None
    wishes = read_notes(view.notes)
    language = wishes.language or (party.language if party.language in LANGUAGES else "en")
    return Letter(
        to=party.email,
        queue=view.brief.facts.queue,
        template=_template(action["name"], choice["topic"]),
        language=language,
        tone=str(action["args"].get("tone") or wishes.tone or "neutral"),
        facts=letter_facts(view, choice, party.name, language),
        mention=wishes.mention,
        short=wishes.short,
    )


def _template(action: str, topic: str) -> str:
    named = f"{action}_{topic}" if topic else action
    return named if named in texts("en") else action


def letter_facts(view: View, choice: dict[str, Any], name: str, language: str) -> dict[str, str]:
    """The typed facts, as the reader of this language will see them. What is not known is left out."""
    case, details = view.brief.facts, view.details
    found: dict[str, str | None] = {
        "party": " ".join(name.split()),
        "sender": view.sender,
        "invoice_number": facts.identifier(facts.invoice_number(view.brief)),
        "order": facts.identifier(facts.order_number(view.brief)),
        "document": _document(choice["extra"].get("document"), language),
    }
    if case.amount is not None and case.currency:
        found["amount"] = letter.money(case.amount, case.currency, language)
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
    """Names of documents in the reader's language; one that we do not know stands as recorded, if it is short."""
    if not named:
        return None
    known = texts(language)["documents"]
    found = []
    for one in named.split(","):
        words = " ".join(one.split())
        letters = all(letter.isalnum() or letter in " -_/.&" for letter in words)
        plain = letters and len(words) <= 60 and not is_banned(words)
        found.append(known.get(words.casefold().replace(" ", "_")) or (words if plain and words else known["other"]))
    return ", ".join(dict.fromkeys(found))


def _written(task: Letter, composer: Composer, variant: int) -> tuple[Draft, str] | None:
    varied = replace(task, variant=variant)
    paragraphs = composer.paragraphs(varied)
    return (draft_of(varied, paragraphs), composer.name) if paragraphs else None


def compose(task: Letter, composer: Composer, returned: dict[str, str] | None) -> tuple[Draft, str]:
    """The draft and who phrased it. After a send-back it always differs from the draft that was sent back."""
    if composer.name != TEMPLATE:
        written = _written(task, composer, 0)
        if written is not None and (returned is None or written[0].body != returned.get("body")):
            return written
    return compose_plain(task, returned)


def compose_plain(task: Letter, returned: dict[str, str] | None) -> tuple[Draft, str]:
    """The same from the templates alone: the wording after the one that was sent back, round and round."""
    drafts = [made for at in range(_VARIANTS) if (made := _written(task, TemplateComposer(), at)) is not None]
    bodies = [made[0].body for made in drafts]
    before = (returned or {}).get("body")
    start = bodies.index(before) + 1 if before in bodies else 0
    return drafts[start % len(drafts)]


def drafted(view: View, choice: dict[str, Any], composer: Composer) -> dict[str, Any]:
    """{draft (or None), composer (or None), refused: []}"""
    task = letter_for(view, choice)
    if task is None:
        return {"draft": None, "composer": None, "refused": []}
    returned = view.brief.returned
    before = dict(returned.draft) if returned is not None and returned.draft else None
    draft, name = compose(task, composer, before)
    return {"draft": draft.as_dict(), "composer": name, "refused": []}
