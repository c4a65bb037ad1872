"""Node 7: nothing leaves that the record does not hold. Every figure, date, name, address and link is checked.

Allowed are the typed facts, written exactly as the letter was given them; whatever figure is left after taking them
away was invented. Links, bank details, promises, threats and commands are banned whoever wrote them, a letter keeps to
its language and tone, and it states what the other side needs: what it is about, the amount, a date, how to answer.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agents import facts
from agents.arguments import cleaned, words_of
from agents.banned import foreign_script, said_amiss
from agents.draft import compose_plain, letter_for
from agents.letter import Letter, slots, texts
from agents.slots import common, language_of, words
from agents.state import View
from governance.action import CATALOGUE
from governance.recommendation import Draft

LIMIT = 6000
"""Characters of a letter."""

# What before or after a fact makes it a part of something longer.
_TAIL = re.compile(r"(?:\w|\d[.,'’ ])\Z")
_HEAD = re.compile(r"\w|[.,'’ ]\d")
_MAIL = re.compile(r"\S+@\S+|@")
_ACCOUNT = re.compile(r"\b[A-Z]{2}[0-9]{2}(?:[ -]?[0-9A-Z]{2,4}){3,8}\b", re.IGNORECASE)
_ADDRESS = re.compile(r"://|\bwww\.|\]\(|<[a-z/!]|\b(?:tel|mailto|javascript|data|sms):", re.IGNORECASE)
_NAMES = ("party", "sender")
_NUMERALS = {
    "en": "two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fourteen|fifteen|twenty|thirty|forty|fifty|sixty|"
    "ninety|hundred|thousand|million",
    "de": "zwei|drei|vier|fünf|sechs|sieben|acht|neun|zehn|elf|zwölf|vierzehn|fünfzehn|zwanzig|dreißig|vierzig|fünfzig|"
    "sechzig|neunzig|hundert|tausend|million",
    "fr": "deux|trois|quatre|cinq|six|sept|huit|neuf|dix|onze|douze|quatorze|quinze|vingt|trente|quarante|cinquante|"
    "soixante|cent|mille|million",
    "es": "dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez|once|doce|catorce|quince|veinte|treinta|cuarenta|cincuenta|"
    "sesenta|noventa|cien|mil|millón",
    "it": "due|tre|quattro|cinque|sette|otto|nove|dieci|undici|dodici|quattordici|quindici|venti|trenta|quaranta|"
    "cinquanta|sessanta|novanta|cento|mille|milione",
    "nl": "twee|drie|vier|vijf|zes|zeven|acht|negen|tien|elf|twaalf|veertien|vijftien|twintig|dertig|veertig|vijftig|"
    "zestig|negentig|honderd|duizend|miljoen",
}


@dataclass(frozen=True, slots=True)
class Refused:
    """What a letter may not say. `what`: number | number in words | address | link | bank details | payment details |
    promise | threat | instruction | name | tone | language | missing | form."""

    what: str
    text: str

    def as_dict(self) -> dict[str, str]:
        return {"what": self.what, "text": self.text}


def _without(text: str, allowed: Mapping[str, str]) -> str:
    """`text` without the facts, each only where it stands alone: 12 does not make 1,212 known."""
    for fact in sorted(set(allowed.values()), key=len, reverse=True):
        at = text.find(fact) if fact.strip() else -1
        while at >= 0:
            end = at + len(fact)
            if not (_TAIL.search(text, max(0, at - 2), at) or _HEAD.match(text, end)):
                text = f"{text[:at]} \u0000 {text[end:]}"
                end = at + 3
            at = text.find(fact, end)
    return text


def _figures(text: str) -> list[str]:
    """Runs around every character that is numeric in any script."""
    return [word for word in text.split() if any(letter.isnumeric() for letter in word)]


def _hidden(text: str) -> bool:
    """Control and direction marks, which a person would not see, and line breaks that pass for none."""
    return any(
        unicodedata.category(letter) in ("Cc", "Cf", "Co", "Cn", "Zl", "Zp") and letter not in "\n" for letter in text
    )


def refusals(
    draft: Draft,
    recipient: str | None,
    allowed: Mapping[str, str],
    *,
    tone: str | None = None,
    required: Sequence[str] = (),
) -> tuple[Refused, ...]:
    """Everything in the letter that the facts do not hold; empty where it may go out.

    `recipient` is the address in the books; `allowed` maps fact names to the texts that the letter was given. `tone` is
    the tone that it was to have (None: not checked), `required` names the facts that it must state.
    """
    found: list[Refused] = []
    if recipient is None or draft.to != recipient:
        found.append(Refused("address", draft.to[:60]))
    whole = f"{draft.subject}\n{draft.body}"
    if len(whole) > LIMIT:
        # Before any pattern: on a text without end some take as long.
        return (*found, Refused("form", "too long"))
    if _hidden(whole) or "\n" in draft.subject or not draft.subject or not draft.body:
        found.append(Refused("form", "hidden characters, or empty"))
    found += [Refused("bank details", m[0]) for m in _ACCOUNT.finditer(whole) if facts.is_iban(m[0])]
    rest = _without(
        unicodedata.normalize("NFKC", whole), {k: unicodedata.normalize("NFKC", v) for k, v in allowed.items()}
    )
    if (strange := foreign_script(rest)) is not None:
        found.append(Refused("form", f"a letter of another script: {strange}"))
    found += [Refused("address", m[0][:60]) for m in _MAIL.finditer(rest)]
    found += [Refused(what, said) for what, said in said_amiss(rest, tone)]
    numerals = _NUMERALS.get(draft.language, "|".join(_NUMERALS.values()))
    found += [Refused("number in words", m[0]) for m in re.finditer(rf"\b(?:{numerals})\b", rest, re.IGNORECASE)]
    # As written too: the normal form of a Roman numeral sign is letters.
    found += [Refused("number", word[:60]) for word in (*_figures(rest), *_figures(_without(whole, allowed)))]
    found += [Refused("language", said) for said in _other_language(rest, draft.language)]
    found += [Refused("missing", name) for name in required if name in allowed and allowed[name] not in whole]
    return tuple(dict.fromkeys(found))


def _other_language(text: str, language: str) -> Iterator[str]:
    """Paragraphs whose common words are of another language than the letter's."""
    for paragraph in text.split("\n\n"):
        counts = language_of(paragraph)
        own, most = counts.get(language, 0), max(counts, key=counts.__getitem__)
        if most != language and counts[most] >= own + 2:
            yield f"{most}: {' '.join(paragraph.split())[:50]}"


def _says_more(name: str) -> bool:
    """Whether a name of the books says what no name does: an account, an address, an order, something unseen. A host
    may be a name."""
    plain = unicodedata.normalize("NFKC", name)
    account = any(facts.is_iban(match[0]) for match in _ACCOUNT.finditer(plain))
    figures = sum(letter.isdigit() for letter in plain) > 8
    amiss = any(what in ("payment details", "instruction", "promise", "threat") for what, _ in said_amiss(plain))
    return account or figures or amiss or _hidden(name) or "@" in plain or _ADDRESS.search(plain) is not None


def refusals_of(draft: Draft, task: Letter) -> tuple[Refused, ...]:
    """The same for a letter that was asked for, with its tone, what it must state, and how to reach us."""
    found = refusals(draft, task.to, task.facts, tone=task.tone, required=task.required)
    ask = words(slots(task)["request"]) - common(task.language)
    asked = not ask or bool(ask & words([draft.body]))
    contact = texts(task.language)["frame"]["contact"].partition("[")[0]
    lacking = [name for name, there in (("a request", asked), ("how to reach us", contact in draft.body)) if not there]
    found += tuple(Refused("name", task.facts[one][:60]) for one in _NAMES if _says_more(task.facts.get(one, "")))
    if draft.language != task.language:
        lacking.append(f"the language {task.language}")
    return (*found, *(Refused("missing", name) for name in lacking))


def guarded(view: View, choice: dict[str, Any], written: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The choice and the letter as they may be filed.

    A letter that says too much is written again from the templates; where even that is refused, the case goes to a
    person. What was refused is kept for the findings. An action outside the allowed ones never passes.
    """
    action = choice["action"]
    choice = {**choice, "action": {**action, "args": cleaned(action["args"], _strange(view))}}
    spec = CATALOGUE.get(action["name"])
    if spec is not None and any(action["args"].get(one) and not choice["action"]["args"][one] for one in spec.required):
        return _to_person(choice, "what the record says cannot be written into this action"), _no_letter(written)
    if choice["action"]["name"] not in view.brief.allowed_actions:
        return _to_person(choice, "the action is not one that policy allows here"), _no_letter(written)
    if CATALOGUE[choice["action"]["name"]].effect != "mail":
        return choice, _no_letter(written)
    task = letter_for(view, choice)
    if task is None or written["draft"] is None:
        return _to_person(choice, "no letter can be written to this party"), _no_letter(written)
    found = refusals_of(Draft(**written["draft"]), task)
    if not found:
        return choice, written
    returned = view.brief.returned
    plain, name = compose_plain(task, returned.draft if returned is not None else None)
    refused = [*written["refused"], *(one.as_dict() for one in found)]
    if not refusals_of(plain, task):
        return choice, {**written, "draft": plain.as_dict(), "composer": name, "refused": refused}
    why = "the letter would say what the record does not hold"
    return _to_person(choice, why), {**_no_letter(written), "refused": refused}


def _strange(view: View) -> frozenset[str]:
    """Words of the case's texts that no argument may repeat; those of the books and of policy may stand in one."""
    brief = view.brief
    reading = brief.reading
    told = [
        brief.title,
        brief.facts.details,
        reading.get("fields"),
        [one.get("invoice_number") for one in view.duplicates],
    ]
    ours = [party.name for party in (brief.supplier, brief.customer) if party is not None]
    ours += [rule for step in brief.plan.steps for rule in (step.why, *step.args.values())]
    return words_of(told) - words_of(ours)


def _to_person(choice: dict[str, Any], why: str) -> dict[str, Any]:
    tried = {"action": choice["action"]["name"], "reason": choice["why"], "obstacle": why}
    others = [one for one in choice["alternatives"] if one["action"] not in (tried["action"], "refer_to_person")]
    return {
        **choice,
        "action": {"name": "refer_to_person", "args": {"reason": why}},
        "why": why,
        "alternatives": [tried, *others],
    }


def _no_letter(written: dict[str, Any]) -> dict[str, Any]:
    return {**written, "draft": None, "composer": None}
