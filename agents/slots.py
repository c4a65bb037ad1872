"""What a language model may fill into the slots of a letter: approved wordings, with courtesy around them. Pure.

A model never writes a figure, a name or an address: facts stand in its text as {names}, and we put them in. What is
left are words, and known words can still be turned into their contrary (a "not", a "without", two facts exchanged).
So a slot is taken only where its words and names, without phrases of courtesy (prompts/words.toml), are in the same
order those of one wording that people have approved for it. A slot that is refused falls back to the approved wording,
alone. What a model that was turned against us can still choose is which approved wording, and how politely.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files

from agents.banned import said_amiss
from agents.letter import LANGUAGES, Letter, filled, slots

_LONGEST, _SENTENCES = 420, 3
_PLACE = re.compile(r"\{(\w+)\}")
_WORD = re.compile(r"[^\W\d_]+")
_SAID = re.compile(r"\{\w+\}|[^\W\d_]+")
_ENDS = re.compile(r"[.?:](?=\s|$)")
_SIGNS = frozenset(" .,;:?'’\"-–—()/«»¿%&")
_OURS = ("party", "sender", "reference")
"""Facts that stand in the frame only."""


@cache
def common(language: str) -> frozenset[str]:
    """Words of grammar and courtesy."""
    source = files("agents").joinpath("prompts", "words.toml").read_text(encoding="utf-8")
    return frozenset(tomllib.loads(source)[language].split())


@cache
def courtesy(language: str) -> tuple[str, ...]:
    """Phrases that may stand around a wording, longest first."""
    source = files("agents").joinpath("prompts", "words.toml").read_text(encoding="utf-8")
    return tuple(sorted(tomllib.loads(source)["courtesy"][language], key=len, reverse=True))


def signature(text: str, language: str) -> tuple[str, ...]:
    """The words and {names} of a text in their order, without courtesy."""
    plain = " ".join(_SAID.findall(text.casefold().replace("’", "'")))
    for phrase in courtesy(language):
        spaced = " ".join(_SAID.findall(phrase))
        plain = re.sub(rf"(?<![\w}}]){re.escape(spaced)}(?![\w{{])", " ", plain)
    return tuple(plain.split())


def words(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(word.casefold() for text in texts for word in _WORD.findall(_PLACE.sub(" ", text)))


def language_of(text: str) -> dict[str, int]:
    """How many words of the text are common ones, by language."""
    told = [word.casefold() for word in _WORD.findall(text)]
    return {language: sum(word in common(language) for word in told) for language in LANGUAGES}


def names(letter: Letter) -> tuple[str, ...]:
    """Facts that a slot may state."""
    return tuple(sorted(name for name in letter.facts if name not in _OURS))


def _own_words(letter: Letter) -> frozenset[str]:
    """Every word of the letter's own template, in all its tones."""
    lines = [line for value in letter.wordings.values() for line in ([value] if isinstance(value, str) else value)]
    return words(lines)


def refusal(letter: Letter, slot: str, text: str) -> tuple[str, str] | None:
    """Why this text may not stand in the slot: (what, the part of it); None where it may."""
    approved = slots(letter)[slot]
    if not text.strip() or len(text) > _LONGEST or len(_ENDS.findall(text)) > _SENTENCES:
        return "form", "empty or too long"
    if odd := next((one for one in text if not (one.isalpha() or one in _SIGNS or one in "{}_")), None):
        return ("number", odd) if odd.isnumeric() else ("form", repr(odd))
    places = _PLACE.findall(text)
    if unknown := next((name for name in places if name not in names(letter)), None):
        return "fact", unknown
    if wanting := next((name for name in _PLACE.findall(approved[0]) if name not in places), None):
        return "missing", wanting
    bare = _PLACE.sub(" ", text)
    if {"{", "}", "_"} & set(bare) or re.search(r"\w\{|\}\w", text):
        return "form", "a name of a fact is not set off"
    if amiss := next(said_amiss(bare, letter.tone), None):
        return amiss
    told = signature(text, letter.language)
    if strange := sorted(words(told) - common(letter.language) - _own_words(letter)):
        return "word", ", ".join(strange)[:60]
    if told not in {signature(line, letter.language) for line in approved}:
        return "wording", "not one of the approved ones"
    return None


def vetted(letter: Letter, answer: Mapping[str, str | None]) -> tuple[dict[str, str], list[dict[str, str]]]:
    """({slot: text, filled in}, what was refused). Slots that were refused or left out say the approved wording."""
    said: dict[str, str] = {}
    refused = []
    for slot, approved in slots(letter).items():
        text = " ".join((answer.get(slot) or "").split())
        why = refusal(letter, slot, text) if text and approved else None
        if why is not None:
            refused.append({"what": why[0], "text": why[1], "slot": slot})
        if approved:
            said[slot] = filled(text if text and why is None else approved[0], letter.facts)
    return said, refused
