"""One letter from typed facts: fixed frame, templates per action and language, formats of the language.

The recipient is the address that the books hold. Document text has no way in here: a fact is a number, a date,
an amount or an identifier that passed its pattern, already written as the reader will see it.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any, Protocol, runtime_checkable

from babel.dates import format_date
from babel.numbers import format_currency, format_decimal, format_percent

from governance.recommendation import Draft

LANGUAGES = ("en", "de", "fr", "es", "it", "nl")
TONES = ("neutral", "friendly", "firm", "final")
TEMPLATE = "template"
"""The name of the composer that needs no language model."""

_OPTIONAL = re.compile(r"\[([^\[\]]*)\]")
_SLOT = re.compile(r"\{(\w+)\}")
# "del 8 marzo" is no Italian: "dell'8 marzo". No other language of ours has these words before a month of its own.
_ARTICLES = {"il": "l'", "del": "dell'", "dal": "dall'", "al": "all'"}
_ELIDED = re.compile(
    r"\b(il|del|dal|al) (8|11) (?=(?:gennaio|febbraio|marzo|aprile|maggio|giugno|luglio|agosto|settembre|ottobre|"
    r"novembre|dicembre) [0-9])"
)
_LOCALE = {"en": "en_GB", "de": "de_DE", "fr": "fr_FR", "es": "es_ES", "it": "it_IT", "nl": "nl_NL"}
_SPACES = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2009": " "})


@dataclass(frozen=True, slots=True)
class Letter:
    """What is to be written. `facts`: name → text in the letter's language. `mention`: facts to state expressly.

    `template` names a table of prompts/letters, unless `table` is such a table itself. `variant` picks among equal
    wordings; `short` leaves out what is not needed. `case` and `region`: whose letter it is, for the door to a
    language model; `notes`: what people asked for when they sent drafts back, oldest first.
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
    table: Mapping[str, Any] | None = None
    case: str = ""
    region: str = ""
    notes: tuple[str, ...] = ()

    @property
    def wordings(self) -> Mapping[str, Any]:
        """The table of this letter. Raises KeyError for a template that its language does not have."""
        found: Mapping[str, Any] = texts(self.language)[self.template] if self.table is None else self.table
        return found

    @property
    def required(self) -> tuple[str, ...]:
        """Facts that the letter must state: what it is about, the amount, a date; as far as they are known."""
        known = self.facts
        about = [name for name in ("invoice_number", "order") if name in known][:1]
        days = (
            ("due_date", "invoice_date") if self.template.startswith("send_customer") else ("invoice_date", "due_date")
        )
        day = [name for name in days if name in known][:1]
        # A paper that is asked for on its own has no invoice whose amount could be meant.
        return (*about, *(name for name in ("amount", *day) if name in known and about))


@dataclass(frozen=True, slots=True)
class Phrased:
    """What a composer answered: None where it did not. `refused`: slots of its answer that may not go out, and why.
    `asked`: what the answer took (model, prompt, tokens, cost), for the findings and the trace."""

    paragraphs: tuple[str, ...] | None
    refused: tuple[Mapping[str, str], ...] = ()
    asked: Mapping[str, Any] | None = None


class Composer(Protocol):
    """Phrases the paragraphs between greeting and closing. `name` is stamped on the recommendation."""

    @property
    def name(self) -> str: ...

    def paragraphs(self, letter: Letter) -> tuple[str, ...] | None:
        """The paragraphs, or None where it cannot answer: the templates then do. Raises nothing."""
        ...


@runtime_checkable
class AskingComposer(Composer, Protocol):
    """One that asks a language model, and says what that took."""

    def phrase(self, letter: Letter) -> Phrased: ...


def phrased(letter: Letter, composer: Composer) -> Phrased:
    return composer.phrase(letter) if isinstance(composer, AskingComposer) else Phrased(composer.paragraphs(letter))


class TemplateComposer:
    """The composer without a model."""

    @property
    def name(self) -> str:
        return TEMPLATE

    def paragraphs(self, letter: Letter) -> tuple[str, ...] | None:
        chosen = {name: lines[letter.variant % len(lines)] for name, lines in slots(letter).items() if lines}
        return joined(letter, {name: filled(line, letter.facts) for name, line in chosen.items()})


def slots(letter: Letter) -> dict[str, list[str]]:
    """{opening, background, request}: the approved wordings of each slot, with {names} of known facts still in them."""
    table = letter.wordings
    lines = {
        "opening": table["opening"],
        "background": [] if letter.short else [" ".join(table.get("background", ()))],
        "request": table.get(letter.tone) or table["request"],
    }
    known = {name: [_resolved(line, letter.facts) for line in found] for name, found in lines.items()}
    return {name: [line for line in found if line] for name, found in known.items()}


def joined(letter: Letter, said: Mapping[str, str]) -> tuple[str, ...]:
    """The paragraphs from filled slots, with the facts that a person wants mentioned and those that no letter lacks."""
    opening, request = said.get("opening", ""), said.get("request", "")
    told = [said["background"]] if said.get("background") else []
    # Before the request, so that nobody has to ask what it is about; the request may state some of it too.
    told += mentions(letter, dict.fromkeys((*letter.mention, *letter.required)), " ".join((opening, *told, request)))
    middle = " ".join(told)
    if letter.short:
        return (" ".join(part for part in (opening, middle, request) if part),)
    return tuple(part for part in (opening, middle, request) if part)


def mentions(letter: Letter, names: Iterable[str], text: str) -> list[str]:
    """A sentence for each of these facts that is known and that `text` does not state."""
    sentences = texts(letter.language)["mention"]
    return [
        filled(sentences[name], letter.facts)
        for name in names
        if name in sentences and name in letter.facts and letter.facts[name] not in text
    ]


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
    found = {f"letters/{language}.toml" for language in LANGUAGES} | {"words.toml", "letter.md", "extract.md"}
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
    written = str(format_date(day, format="long", locale=_LOCALE[language])).translate(_SPACES)
    # babel writes "1 octobre"; French has the first of a month as an ordinal.
    return f"1er{written[1:]}" if language == "fr" and day.day == 1 else written


def quantity(value: Decimal, language: str) -> str:
    return str(format_decimal(value, locale=_LOCALE[language])).translate(_SPACES)


def percent(value: Decimal, language: str) -> str:
    """19 as 19 %, the way the language writes it."""
    written = format_percent(value / 100, locale=_LOCALE[language], decimal_quantization=False)
    return str(written).translate(_SPACES)


def _pick(choices: list[str], variant: int) -> str:
    return choices[variant % len(choices)]


def _resolved(line: str, facts: Mapping[str, str]) -> str:
    """The line, its slots still in it; a bracket with a missing fact falls away, a missing fact outside one leaves
    nothing."""

    def optional(match: re.Match[str]) -> str:
        return match[1] if all(name in facts for name in _SLOT.findall(match[1])) else ""

    line = _OPTIONAL.sub(optional, line)
    return "" if any(name not in facts for name in _SLOT.findall(line)) else line.strip()


def filled(line: str, facts: Mapping[str, str]) -> str:
    """The line with its facts, and Italian articles as they stand before an eight or an eleven."""
    said = " ".join(_SLOT.sub(lambda slot: facts[slot[1]], _resolved(line, facts)).split())
    return _ELIDED.sub(lambda found: f"{_ARTICLES[found[1]]}{found[2]} ", said)


def subject(letter: Letter) -> str:
    return filled(letter.wordings["subject"], letter.facts)


def _closing(letter: Letter) -> str:
    """Thanks, and how to reach us, which no letter lacks."""
    frame = texts(letter.language)["frame"]
    contact = filled(frame["contact"], letter.facts)
    if letter.short:
        return contact
    wanted = {"friendly": "closing_friendly", "firm": "closing_firm", "final": "closing_firm"}.get(letter.tone)
    return f"{_pick(frame[wanted] if wanted else frame['closing'], letter.variant)} {contact}"


def draft_of(letter: Letter, paragraphs: tuple[str, ...]) -> Draft:
    """The whole letter: greeting, paragraphs, what they left out of the required facts, closing, signature. The frame
    is ours whoever phrased the body."""
    words = texts(letter.language)
    frame = words["frame"]
    greeting = "\n".join(filled(line, letter.facts) for line in _pick(frame["greeting"], letter.variant).split("\n"))
    left_out = " ".join(mentions(letter, letter.required, "\n".join(paragraphs)))
    signature = "\n".join(
        line for line in (frame["regards"], words["teams"].get(letter.queue), letter.facts.get("sender")) if line
    )
    body = "\n\n".join(part for part in (greeting, *paragraphs, left_out, _closing(letter), signature) if part)
    return Draft(letter.to, subject(letter), body, letter.language)
