"""The one door to a language model: it may phrase the paragraphs of a letter, from typed facts, and nothing else.

What it is given are the facts that the letter may state anyway; document text never reaches it. What it answers is
checked by the guard like any other letter, and whenever it fails, is late or says too much, the templates write.
"""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as Late

import openai
import structlog
from openai import OpenAI
from pydantic import BaseModel, ConfigDict

from agents.letter import Letter, TemplateComposer, prompt

log = structlog.get_logger("countersign.llm")

_REST_SECONDS = 30.0


class Body(BaseModel):
    """What the model must answer."""

    model_config = ConfigDict(extra="forbid")

    paragraphs: list[str]


class OpenAIComposer:
    """Phrases letters by any server that speaks the chat-completions protocol with structured outputs.

    `deadline`: seconds for one letter, whatever the server does. After a failure it is left alone for `rest` seconds,
    so that a server that is down costs one deadline and not one a case.
    """

    def __init__(
        self, base_url: str, model: str, api_key: str, deadline: float = 20.0, *, rest: float = _REST_SECONDS
    ) -> None:
        self.model = model
        self.deadline = deadline
        self.rest = rest
        self._client = OpenAI(base_url=base_url, api_key=api_key, timeout=deadline, max_retries=0)
        # A read timeout starts again with every byte: only waiting from outside keeps the deadline.
        self._pool = ThreadPoolExecutor(max_workers=4, thread_name_prefix="composer")
        self._lock = threading.Lock()
        self._silent_until = 0.0

    @property
    def name(self) -> str:
        return self.model

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._client.close()

    def paragraphs(self, letter: Letter) -> tuple[str, ...] | None:
        """The paragraphs, or None where the model fails, is late, or answers with nothing usable."""
        with self._lock:
            if time.monotonic() < self._silent_until:
                return None
        asked: Future[tuple[str, ...]] = self._pool.submit(self._ask, letter)
        try:
            return asked.result(timeout=self.deadline)
        except (openai.OpenAIError, Late) as error:
            asked.cancel()
            with self._lock:
                self._silent_until = time.monotonic() + self.rest
            log.warning("composer failed", model=self.model, error=type(error).__name__)
            return None

    def _ask(self, letter: Letter) -> tuple[str, ...]:
        try:
            completion = self._client.chat.completions.parse(
                model=self.model,
                messages=[
                    {"role": "system", "content": prompt("letter")},
                    {"role": "user", "content": request_text(letter)},
                ],
                response_format=Body,
                temperature=0.2,
            )
        except (AttributeError, TypeError, ValueError) as error:
            # The client takes any JSON for an answer and stumbles over its shape; bad content is a ValueError.
            raise openai.OpenAIError("the answer is not a chat completion of the asked form") from error
        answer = completion.choices[0].message.parsed if completion.choices else None
        written = tuple(" ".join(one.split()) for one in answer.paragraphs if one.strip()) if answer else ()
        if not 1 <= len(written) <= 4:
            raise openai.OpenAIError("the model refused, or answered with nothing or too much")
        return written


def request_text(letter: Letter) -> str:
    """Everything that the model is told about one letter: typed facts and the plain wording of its purpose."""
    purpose = TemplateComposer().paragraphs(letter) or ()
    told = {
        "language": letter.language,
        "tone": letter.tone,
        "short": letter.short,
        "mention": [letter.facts[name] for name in letter.mention if name in letter.facts],
        "facts": {name: text for name, text in letter.facts.items() if name not in ("party", "sender")},
        "purpose": " ".join(purpose),
    }
    return json.dumps(told, ensure_ascii=False, sort_keys=True)
