"""The editor of a recommendation: another action, other arguments, another letter. And what came back from it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from api.console.plain import label, visible
from governance.action import CATALOGUE, CHANGE, MAIL, ActionSpec
from governance.errors import UnknownAction

ACTION_FIELD, ARGUMENT, LETTER = "as", "arg.", "draft."
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_LETTER = ("to", "subject", "language", "body")


@dataclass(frozen=True, slots=True)
class Field:
    """One argument of an action. `kind`: text | id | date | amount | currency | choice."""

    name: str
    kind: str
    value: str
    optional: bool
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Letter:
    """`addresses`: (e-mail, whose) as the books hold them; no other may be written to."""

    to: str
    subject: str
    body: str
    language: str
    addresses: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Editor:
    """What the form shows. `changed`: something in it differs from what was recommended."""

    action: str
    fields: tuple[Field, ...]
    letter: Letter | None
    actions: tuple[tuple[str, str], ...]
    changed: bool


@dataclass(frozen=True, slots=True)
class Edited:
    """What came back. `action` and `draft` are None where they are as recommended."""

    action: dict[str, Any] | None
    draft: dict[str, str] | None

    @property
    def changed(self) -> bool:
        return self.action is not None or self.draft is not None


def _spec(name: str) -> ActionSpec:
    # A governed change is proposed, never edited into being.
    if name not in CATALOGUE or CATALOGUE[name].effect == CHANGE:
        raise UnknownAction("this action is not in the catalogue")
    return CATALOGUE[name]


def editor(
    recommendation: Mapping[str, Any],
    facts: Mapping[str, Any],
    parties: Sequence[Mapping[str, Any]],
    chosen: str | None,
    kept: Mapping[str, str],
) -> Editor:
    """The editor for the action `chosen`, by default the recommended one.

    `facts`: argument name → text that the case knows. `kept`: a refused form, whose words must not be lost.
    Raises UnknownAction.
    """
    proposed = recommendation["action"]
    name = kept.get(ACTION_FIELD) or chosen or proposed["name"]
    spec = _spec(name)
    # What the recommended action leaves out stays out: a form that filled it in would change it.
    known = proposed["args"] if name == proposed["name"] else facts
    fields = tuple(
        _field(argument, kind, kept.get(ARGUMENT + argument, visible(known.get(argument) or "")), optional)
        for arguments, optional in ((spec.required, False), (spec.optional, True))
        for argument, kind in arguments.items()
        if not (optional and argument not in proposed["args"] and argument in ("amount", "currency"))
    )
    letter = _letter(recommendation["draft"], parties, kept) if spec.effect == MAIL else None
    actions = tuple(
        sorted(
            ((one, label(one)) for one, other in CATALOGUE.items() if other.effect != CHANGE), key=lambda pair: pair[1]
        )
    )
    changed = name != proposed["name"] or (ACTION_FIELD in kept and edited(recommendation, kept).changed)
    return Editor(name, fields, letter, actions, changed)


def _field(name: str, kind: str, value: str, optional: bool) -> Field:
    if "|" in kind:
        choices = kind.split("|")
        # A form that cannot show the value would change it.
        return Field(name, "choice", value, optional, tuple(choices if value in ("", *choices) else [value, *choices]))
    if kind == "date" and value and not _DAY.fullmatch(value):
        return Field(name, "text", value, optional)
    return Field(name, kind, value, optional)


def _letter(draft: Mapping[str, str] | None, parties: Sequence[Mapping[str, Any]], kept: Mapping[str, str]) -> Letter:
    addresses = tuple((party["email"], f"{party['name']} ({party['kind']})") for party in parties if party["email"])
    start = dict(draft) if draft else {}
    if draft and draft["to"] not in dict(addresses):
        addresses = ((draft["to"], "not an address in the books"), *addresses)
    start.setdefault("language", next((party["language"] for party in parties if party["email"]), "en"))
    start.setdefault("to", addresses[0][0] if addresses else "")
    values = {name: kept.get(LETTER + name, visible(start.get(name, ""))) for name in _LETTER}
    return Letter(**values, addresses=addresses)


def edited(recommendation: Mapping[str, Any], form: Mapping[str, str]) -> Edited:
    """What a form changes of a recommendation; nothing where it carries no editor. Raises UnknownAction."""
    if ACTION_FIELD not in form:
        return Edited(None, None)
    proposed, draft = recommendation["action"], recommendation["draft"]
    spec = _spec(form[ACTION_FIELD])
    before = proposed["args"] if spec.name == proposed["name"] else {}
    args: dict[str, str] = {}
    for name in (*spec.required, *spec.optional):
        value = form.get(ARGUMENT + name)
        if value is None:
            # The form does not offer it, so it stays.
            args |= {name: before[name]} if name in before else {}
        elif value.strip():
            args[name] = _same(value, before.get(name))
    action = {"name": spec.name, "args": args}
    letter = None
    if spec.effect == MAIL:
        old = draft or {}
        letter = {name: _same(form.get(LETTER + name, old.get(name, "")), old.get(name)) for name in _LETTER[:-1]}
        letter["body"] = _same_text(form.get(LETTER + "body", old.get("body", "")), old.get("body"))
    same_action = action == {"name": proposed["name"], "args": dict(proposed["args"])}
    return Edited(None if same_action else action, letter if letter != draft else None)


def _same(value: str, before: str | None) -> str:
    """The value before, where what came back is how a field of one line showed it: spaces make no change."""
    return before if before is not None and value.split() == visible(before).split() else value.strip()


def _same_text(value: str, before: str | None) -> str:
    """The text before, where what came back is how the form showed it, line by line."""
    return before if before is not None and value.strip() == visible(before).strip() else value.strip()
