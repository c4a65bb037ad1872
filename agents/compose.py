"""Letters phrased by a language model, which sees neither a document nor a fact: only names of facts, and wordings."""

from __future__ import annotations

import json

from pydantic import BaseModel, ConfigDict

from agents.letter import Letter, Phrased, joined, prompt, slots
from agents.llm import Door, Question
from agents.slots import courtesy, names, vetted

_NOTE, _NOTES = 400, 3


class Slots(BaseModel):
    """What the model must answer: a text for each slot that it was given, with {names} where facts go."""

    model_config = ConfigDict(extra="forbid")

    opening: str
    background: str | None
    request: str


class ModelComposer:
    """Asks the door; whatever it does not get, or may not use, is said by the templates."""

    def __init__(self, door: Door) -> None:
        self._door = door

    @property
    def name(self) -> str:
        return ", ".join(self._door.models)

    def close(self) -> None:
        self._door.close()

    def paragraphs(self, letter: Letter) -> tuple[str, ...] | None:
        return self.phrase(letter).paragraphs

    def phrase(self, letter: Letter) -> Phrased:
        question = Question("letter", prompt("letter"), request_text(letter), letter.case, letter.region)
        answer = self._door.ask(question, Slots)
        asked = {**answer.as_dict(), "purpose": question.purpose}
        if answer.value is None:
            return Phrased(None, asked=asked)
        given = answer.value.model_dump()
        said, refused = vetted(letter, given)
        if not {slot for slot in said if given[slot]} - {one["slot"] for one in refused}:
            return Phrased(None, tuple(refused), {**asked, "why": "nothing of it may be said"})
        return Phrased(joined(letter, said), tuple(refused), asked)


def request_text(letter: Letter) -> str:
    """Everything that the model is told about one letter. No fact, no party, no document: names and wordings."""
    told = {
        "language": letter.language,
        "tone": letter.tone,
        "short": letter.short,
        "template": letter.template,
        "names": names(letter),
        "courtesy": courtesy(letter.language),
        "slots": {name: {"wordings": lines} for name, lines in slots(letter).items() if lines},
    }
    if letter.notes:
        told["instructions"] = [
            {"from": "a reviewer, a person of this company", "note": " ".join(note.split())[:_NOTE]}
            for note in letter.notes[-_NOTES:]
        ]
    return json.dumps(told, ensure_ascii=False, sort_keys=True)
