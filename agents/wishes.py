"""What became of a reviewer's wishes in the draft that came after: followed, or not and why. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from agents.draft import letter_for
from agents.letter import Letter, TemplateComposer, draft_of
from agents.notes import Instructions, read_notes
from agents.state import View

_MOST = 40
_NO_LETTER = "what is proposed goes without a letter"


def outcome(view: View, choice: Mapping[str, Any], draft: Mapping[str, str] | None) -> list[dict[str, Any]]:
    """[{wish, followed, why}] of all notes on the case; `why` is None for a wish that was followed. Where nothing was
    recognised in the last note, that is said."""
    read = read_notes(view.notes)
    task = letter_for(view, dict(choice)) if draft is not None else None
    found = [_said(wish, why) for wish, why in _wishes(view, read, choice, task, draft)]
    if view.notes and not read_notes(view.notes[-1:]).recognised:
        found.append(_said("what the last note says", "it was not recognised: change the letter yourself, by override"))
    return found


def _said(wish: str, why: str | None) -> dict[str, Any]:
    return {"wish": wish, "followed": why is None, "why": why}


def _wishes(
    view: View,
    read: Instructions,
    choice: Mapping[str, Any],
    task: Letter | None,
    draft: Mapping[str, str] | None,
) -> Iterator[tuple[str, str | None]]:
    """(wish, why it was not followed)"""
    if read.action is not None:
        yield f"action: {read.action}", _not_proposed(view, read.action, choice)
    if read.tone is not None:
        yield f"tone: {read.tone}", _NO_LETTER if task is None else _other_tone(task, read.tone)
    if read.language is not None:
        other = draft is not None and draft["language"] != read.language
        yield f"language: {read.language}", _NO_LETTER if draft is None else "no such letter" if other else None
    if read.short:
        yield "shorter", _NO_LETTER if task is None or draft is None else _not_shorter(task, draft)
    for name in read.mention:
        wish = f"mention: {name.replace('_', ' ')}"
        if task is None or draft is None:
            yield wish, _NO_LETTER
        elif name not in task.facts:
            yield wish, "the record does not say it"
        else:
            yield wish, None if task.facts[name] in draft["body"] else "the letter has no place for it"


def _not_proposed(view: View, wanted: str, choice: Mapping[str, Any]) -> str | None:
    if choice["action"]["name"] == wanted:
        return None
    if wanted not in view.brief.allowed_actions:
        return "policy does not allow it for this kind of case"
    obstacles = [one["obstacle"] for one in choice["alternatives"] if one["action"] == wanted and one["obstacle"]]
    return obstacles[0] if obstacles else "nothing on record leads to it"


def _other_tone(task: Letter, tone: str) -> str | None:
    if task.tone != tone:
        return f"the letter's tone is {task.tone}: this action has no other here"
    return None if tone == "neutral" or task.wordings.get(tone) else "this letter has no wording of that tone"


def _not_shorter(task: Letter, draft: Mapping[str, str]) -> str | None:
    whole = replace(task, short=False)
    said = draft_of(whole, TemplateComposer().paragraphs(whole) or ())
    return None if len(draft["body"]) < len(said.body) else "every sentence of it is needed"


def changes(before: Mapping[str, str] | None, now: Mapping[str, str] | None) -> list[dict[str, str]]:
    """Sentence by sentence from the letter that was sent back to this one: [{change: same | gone | new, text}]."""
    if not before or not now or not before.get("body"):
        return []
    old, new = (_sentences(one) for one in (before, now))
    found: list[dict[str, str]] = []
    for kind, start, end, first, last in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            found += [{"change": "same", "text": text} for text in old[start:end]]
        else:
            found += [{"change": "gone", "text": text} for text in old[start:end]]
            found += [{"change": "new", "text": text} for text in new[first:last]]
    return found[:_MOST]


def _sentences(letter: Mapping[str, str]) -> Sequence[str]:
    lines = (letter.get("subject", ""), *letter["body"].split("\n"))
    return [one for line in lines for one in re.split(r"(?<=[^\d][.?!]) (?=\S)", line.strip()) if one]
