"""One letter from typed facts: fixed frame, templates per action and language, formats of the language.

The recipient is the address that the books hold. Document text has no way in here: a fact is a number, a date,
an amount or an identifier that passed its pattern, already written as the reader will see it.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any, Protocol

from babel.dates import format_date
from babel.numbers import format_currency, format_decimal, format_percent

from governance.recommendation import Draft

LANGUAGES = ("en", "de", "fr", "es", "it", "nl")
TONES = ("neutral", "friendly", "firm", "final")
TEMPLATE = "template"
"""The name of the composer that needs no language model."""

_OPTIONAL = re.compile(r"\[([^\[\]]*)\]")
_SLOT = re.compile(r"\{(\w+)\}")
_LOCALE = {"en": "en_GB", "de": "de_DE", "fr": "fr_FR", "es": "es_ES", "it": "it_IT", "nl": "nl_NL"}
_SPACES = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2009": " "})


@dataclass(frozen=True, slots=True)
class Letter:
    """What is to be written. `facts`: name → text in the letter's language. `mention`: facts to state expressly.

    `template` names a table of prompts/letters. `variant` picks among equal wordings; `short` leaves out what is
    not needed.
    """

    to: str
    queue: str
    template: str
    language: str
    tone: str
    facts: Mapping[str, str]
    mention: tuple[str, ...] = ()
    short: bool = False
    variant: int = 0


class Composer(Protocol):
    """Phrases the paragraphs between greeting and closing. `name` is stamped on the recommendation."""

    @property
    def name(self) -> str: ...

    def paragraphs(self, letter: Letter) -> tuple[str, ...] | None:
        """The paragraphs, or None where it cannot answer: the templates then do. Raises nothing."""
        ...


class TemplateComposer:
    """The composer without a model."""

    @property
    def name(self) -> str:
        return TEMPLATE

    def paragraphs(self, letter: Letter) -> tuple[str, ...] | None:
        table = texts(letter.language)[letter.template]
        opening = _filled(_pick(table["opening"], letter.variant), letter.facts)
        request = _filled(_pick(table.get(letter.tone) or table["request"], letter.variant), letter.facts)
        told = [] if letter.short else [_filled(line, letter.facts) for line in table.get("background", ())]
        said = " ".join((opening, *told))
        sentences = texts(letter.language)["mention"]
        for name in letter.mention:
            if name in sentences and name in letter.facts and letter.facts[name] not in said:
                told.append(_filled(sentences[name], letter.facts))
        middle = " ".join(part for part in told if part)
        if letter.short:
            return (" ".join(part for part in (opening, middle, request) if part),)
        return tuple(part for part in (opening, middle, request) if part)


@cache
def texts(language: str) -> Mapping[str, Any]:
    """The templates of one language. Raises KeyError for a language that LANGUAGES does not name."""
    if language not in LANGUAGES:
        raise KeyError(language)
    source = files("agents").joinpath("prompts", "letters", f"{language}.toml").read_text(encoding="utf-8")
    return tomllib.loads(source)


@cache
def prompts_digest() -> str:
    """SHA-256 over every template and prompt, by name."""
    folder = files("agents").joinpath("prompts")
    found = {f"letters/{language}.toml" for language in LANGUAGES} | {"letter.md"}
    digest = hashlib.sha256()
    for name in sorted(found):
        digest.update(f"{name}\n".encode() + folder.joinpath(*name.split("/")).read_bytes() + b"\n")
    return "sha256:" + digest.hexdigest()


@cache
def prompt(name: str) -> str:
    """One prompt for a language model."""
    return files("agents").joinpath("prompts", f"{name}.md").read_text(encoding="utf-8")


def money(amount: Decimal, currency: str, language: str) -> str:
    """An amount as the language writes it, with plain spaces."""
    return str(format_currency(amount, currency, locale=_LOCALE[language])).translate(_SPACES)


def long_date(day: date, language: str) -> str:
    return str(format_date(day, format="long", locale=_LOCALE[language])).translate(_SPACES)


def quantity(value: Decimal, language: str) -> str:
    return str(format_decimal(value, locale=_LOCALE[language])).translate(_SPACES)


def percent(value: Decimal, language: str) -> str:
    """19 as 19 %, the way the language writes it."""
    written = format_percent(value / 100, locale=_LOCALE[language], decimal_quantization=False)
    return str(written).translate(_SPACES)


def _pick(choices: list[str], variant: int) -> str:
    return choices[variant % len(choices)]


def _filled(line: str, facts: Mapping[str, str]) -> str:
    """The line with its facts; a bracket with a missing fact falls away, a missing fact outside one leaves nothing."""

    def optional(match: re.Match[str]) -> str:
        return match[1] if all(name in facts for name in _SLOT.findall(match[1])) else ""

    line = _OPTIONAL.sub(optional, line)
    if any(name not in facts for name in _SLOT.findall(line)):
        return ""
    return " ".join(_SLOT.sub(lambda slot: facts[slot[1]], line).split())


def subject(letter: Letter) -> str:
    return _filled(texts(letter.language)[letter.template]["subject"], letter.facts)


def _closing(letter: Letter) -> str:
    if letter.short:
        return ""
    frame = texts(letter.language)["frame"]
    wanted = {"friendly": "closing_friendly", "firm": "closing_firm", "final": "closing_firm"}.get(letter.tone)
    return _pick(frame[wanted] if wanted else frame["closing"], letter.variant)


def draft_of(letter: Letter, paragraphs: tuple[str, ...]) -> Draft:
    """The whole letter: greeting, the paragraphs, closing, signature. The frame is ours whoever phrased the body."""
    words = texts(letter.language)
    frame = words["frame"]
    greeting = _filled(_pick(frame["greeting"], letter.variant), letter.facts)
    signature = "\n".join(
        line for line in (frame["regards"], words["teams"].get(letter.queue), letter.facts.get("sender")) if line
    )
    body = "\n\n".join(part for part in (greeting, *paragraphs, _closing(letter), signature) if part)
    return Draft(letter.to, subject(letter), body, letter.language)
