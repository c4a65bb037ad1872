"""How a letter came to be, in plain words: a reviewer's wishes, what changed, and a language model's part in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from api.console.loose import items, mapping, text
from api.console.plain import label, language_name

_SLOTS = {"opening": "opening", "background": "background", "request": "request"}
_WHAT = {
    "number": "a figure that is not on record",
    "number in words": "a number in words",
    "address": "an address that is not the one in the books",
    "link": "a link",
    "bank details": "bank details",
    "payment details": "other payment details",
    "promise": "a promise",
    "threat": "a threat",
    "instruction": "an instruction",
    "name": "a name that is not on record",
    "tone": "another tone than was wanted",
    "language": "another language",
    "missing": "less than a letter must state; missing was",
    "form": "not the form of a letter",
    "fact": "a fact that is not known",
    "word": "words that no approved wording has",
    "wording": "no approved wording",
}
_WHY = {
    "no region": "no language model may see cases of this region",
    "budget": "the budget for language models is used up, for this case or for today",
    "resting": "the language model is left alone after an outage",
    "late": "the language model did not answer in time",
    "down": "the language model could not be reached",
    "refused": "the language model would not answer",
    "garbage": "the answer of the language model was of no use",
    "nothing of it may be said": "nothing of what the language model wrote may be said",
}
_CHANGES = ("same", "gone", "new")


@dataclass(frozen=True, slots=True)
class Wish:
    """What a reviewer wanted. `why`: why it was not followed; None where it was."""

    what: str
    followed: bool
    why: str | None


@dataclass(frozen=True, slots=True)
class Change:
    """A sentence of the letter that was sent back and of this one. `kind`: same | gone | new."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Story:
    """`made`: who phrased the letter, None where no model was to. `refused`: what was not let out, one a line."""

    wishes: tuple[Wish, ...]
    changes: tuple[Change, ...]
    made: str | None
    refused: tuple[str, ...]

    @property
    def differs(self) -> bool:
        return any(one.kind != "same" for one in self.changes)


def read(findings: Mapping[str, Any]) -> Story:
    """From the `findings` of a recommendation, in whatever shape they were filed."""
    note = mapping(findings.get("reviewer_note"))
    return Story(
        wishes=tuple(_wishes(note.get("wishes"))),
        changes=tuple(_changes(note.get("changes"))),
        made=_made(mapping(findings.get("language_model"))),
        refused=tuple(dict.fromkeys(_refused(findings.get("refused")))),
    )


def _wishes(value: object) -> Iterator[Wish]:
    for one in map(mapping, items(value)):
        if (what := text(one.get("wish"))) is not None:
            followed = one.get("followed") is True
            yield Wish(_plain(what), followed, None if followed else text(one.get("why")) or "not said why")


def _plain(wish: str) -> str:
    """`language: de` as language: German, `action: hold_payment` as action: Hold payment."""
    kind, _, which = wish.partition(": ")
    if kind == "language":
        return f"{kind}: {language_name(which) or which}"
    return f"{kind}: {label(which)}" if kind == "action" else wish


def _changes(value: object) -> Iterator[Change]:
    for one in map(mapping, items(value)):
        kind, said = text(one.get("change")), text(one.get("text"))
        if kind in _CHANGES and said is not None:
            yield Change(str(kind), said)


def _made(asked: Mapping[str, Any]) -> str | None:
    if not asked:
        return None
    why, model = text(asked.get("why")), text(asked.get("model"))
    if why is not None:
        return f"Our templates wrote this letter: {_WHY.get(why, why)}."
    tokens = sum(one for name in ("tokens_in", "tokens_out") if isinstance(one := asked.get(name), int))
    took = "an answer that was known already" if asked.get("cached") is True else f"{tokens:,} tokens"
    chose = f"A language model ({model or 'not named'}) chose among approved wordings"
    return f"{chose}: {took}. It saw no fact and no document."


def _refused(value: object) -> Iterator[str]:
    for one in map(mapping, items(value)):
        what, said, slot = (text(one.get(name)) for name in ("what", "text", "slot"))
        if what is None:
            continue
        part = f"The {_SLOTS.get(slot, slot)} that a language model wrote" if slot else "A first version of the letter"
        quoted = f": “{said}”" if said else ""
        yield f"{part} was not used, for it held {_WHAT.get(what, what)}{quoted}."
