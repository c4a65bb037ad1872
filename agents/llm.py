"""The one door to a language model: one question, one answer of a given form, or a reason why there is none.

Nothing here decides. A case is never held up: whoever asks has an answer or None within the deadline, and goes on
without. A server is asked only for cases of its own region, within a budget of tokens, and left alone while it is down.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as Late
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar

import httpx2
import openai
import structlog
from openai import OpenAI
from pydantic import BaseModel, ValidationError
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from agents.llm_limits import Breaker, Budget, Cache, Limits, Place, Spending

__all__ = ["Answer", "Door", "Limits", "Place", "Question"]

log = structlog.get_logger("countersign.llm")

_MOST_BYTES = 1_000_000
_CHARS_A_TOKEN = 3
_FRAME_TOKENS = 2_000
"""What the form of an answer and the wire may add to a question's tokens."""
_SENT = frozenset({"host", "accept", "content-type", "content-length", "connection", "user-agent"})
"""Headers that leave as the client made them: it takes others from the environment of the process."""
Form = TypeVar("Form", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Question:
    """`prompt`: the digest of the instructions, for the record. `case` and `region`: whose question it is."""

    purpose: str
    system: str
    user: str
    case: str
    region: str

    @property
    def prompt(self) -> str:
        return "sha256:" + hashlib.sha256(self.system.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Answer(Generic[Form]):
    """`value` None: no answer, and `why`: no region | budget | resting | late | down | refused | garbage."""

    value: Form | None
    why: str
    model: str
    prompt: str
    tokens_in: int = 0
    tokens_out: int = 0
    cost: Decimal = Decimal(0)
    cached: bool = False
    ms: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """What it took, for the findings and the trace: nothing of what was asked or answered."""
        return {
            "model": self.model, "prompt": self.prompt, "why": self.why, "tokens_in": self.tokens_in,
            "tokens_out": self.tokens_out, "cost": str(self.cost), "cached": self.cached, "ms": round(self.ms, 1),
        }  # fmt: skip


class Unusable(Exception):
    """The server answered, and the answer is of no use. `why`: refused | garbage."""

    def __init__(self, why: str, tokens_in: int = 0, tokens_out: int = 0) -> None:
        super().__init__(why)
        self.why, self.tokens_in, self.tokens_out = why, tokens_in, tokens_out


class Door:
    """Asks the model of a case's region. `spending` keeps count; by default this process does.

    Raises ValueError where two places are of one region.
    """

    def __init__(
        self,
        places: Sequence[Place],
        limits: Limits | None = None,
        *,
        spending: Spending | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limits = limits or Limits()
        self._places = {place.region: place for place in places}
        if len(self._places) != len(places) or not all(self._places):
            raise ValueError("each place of a language model names a region of its own")
        self._spending = spending or Budget(self.limits, lambda: datetime.now(UTC).date())
        self._cache = Cache(self.limits.cached)
        self._breakers = {region: Breaker(self.limits.rest, clock) for region in self._places}
        self._clients = {region: self._client(place) for region, place in self._places.items()}
        # A read timeout starts again with every byte: only waiting from outside keeps the deadline.
        self._pool = ThreadPoolExecutor(max_workers=4, thread_name_prefix="llm")

    @property
    def models(self) -> tuple[str, ...]:
        return tuple(sorted({place.model for place in self._places.values()}))

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
        for client in self._clients.values():
            client.close()

    def ask(self, question: Question, form: type[Form]) -> Answer[Form]:
        """The answer in this form. Raises nothing; returns within the deadline."""
        start = time.monotonic()
        place = self._places.get(question.region)
        if place is None:
            return Answer(None, "no region", "", question.prompt)
        digest = _digest(place, question, form)
        if (known := self._cache.get(digest)) is not None:
            return Answer(form.model_validate(known), "", place.model, question.prompt, cached=True)
        breaker = self._breakers[question.region]
        reserved = (len(question.system) + len(question.user)) // _CHARS_A_TOKEN + self.limits.answer_tokens
        why, used_in, used_out, value = "", 0, 0, None
        if not self._spending.reserve(question.case, reserved):
            why = "budget"
        elif not breaker.allows():
            self._spending.settle(question.case, reserved, 0)
            why = "resting"
        else:
            try:
                value, used_in, used_out = self._within_deadline(place, question, form)
                breaker.went_well()
                self._cache.put(digest, value.model_dump(mode="json"))
            except Unusable as error:
                why, used_in, used_out = error.why, error.tokens_in, error.tokens_out
                breaker.failed(outage=False)
            except (openai.OpenAIError, httpx2.HTTPError, Late, RuntimeError) as error:
                # RuntimeError: the pool or the client was closed while the worker ends.
                why = "late" if isinstance(error, Late | openai.APITimeoutError | httpx2.TimeoutException) else "down"
                if isinstance(error, Late):
                    self._hang_up(place)
                breaker.failed(outage=True)
            # A question whose answer never came may have been paid for all the same.
            used = used_in + used_out or (reserved if why == "late" else 0)
            self._spending.settle(question.case, reserved, used)
        passed = (time.monotonic() - start) * 1000
        if why not in ("", "resting"):
            log.warning("no answer", model=place.model, purpose=question.purpose, why=why, ms=round(passed))
        cost = place.cost(used_in, used_out)
        return Answer(value, why, place.model, question.prompt, used_in, used_out, cost, False, passed)

    def _within_deadline(self, place: Place, question: Question, form: type[Form]) -> tuple[Form, int, int]:
        ends = time.monotonic() + self.limits.deadline
        asked: Future[tuple[Form, int, int]] = self._pool.submit(self._persistent, place, question, form, ends)
        try:
            return asked.result(timeout=self.limits.deadline)
        except Late:
            asked.cancel()
            raise

    def _hang_up(self, place: Place) -> None:
        """Closing is what frees a thread whose answer drips before it begins: each byte starts its timeout again."""
        hung, self._clients[place.region] = self._clients[place.region], self._client(place)
        hung.close()

    def _persistent(self, place: Place, question: Question, form: type[Form], ends: float) -> tuple[Form, int, int]:
        """Tries again, with jitter, what may pass by itself, as long as there is time."""
        tries = Retrying(
            stop=stop_after_attempt(self.limits.attempts),
            wait=wait_random_exponential(multiplier=0.2, max=2.0),
            retry=retry_if_exception(lambda error: _passes(error) and time.monotonic() + 0.5 < ends),
            reraise=True,
        )
        return tries(self._once, place, question, form, ends)

    def _once(self, place: Place, question: Question, form: type[Form], ends: float) -> tuple[Form, int, int]:
        left = max(0.1, ends - time.monotonic())
        try:
            completion = self._clients[place.region].chat.completions.parse(
                model=place.model,
                messages=[{"role": "system", "content": question.system}, {"role": "user", "content": question.user}],
                response_format=form,
                temperature=0.2,
                max_completion_tokens=self.limits.answer_tokens,
                timeout=left,
            )
            usage = completion.usage
            most = len((question.system + question.user).encode()) + _FRAME_TOKENS
            spent = (
                _counted(usage.prompt_tokens, most) if usage else 0,
                _counted(usage.completion_tokens, self.limits.answer_tokens) if usage else 0,
            )
            message = completion.choices[0].message if completion.choices else None
            value = message.parsed if message else None
            refused = bool(message and message.refusal)
        except (ValidationError, AttributeError, TypeError, ValueError) as error:
            # The client takes any JSON for an answer and stumbles over its shape; bad content is a ValueError.
            raise Unusable("garbage") from error
        except (openai.LengthFinishReasonError, openai.ContentFilterFinishReasonError) as error:
            raise Unusable("garbage") from error
        if not isinstance(value, form):
            raise Unusable("refused" if refused else "garbage", *spent)
        return value, *spent

    def _client(self, place: Place) -> OpenAI:
        transport = _Bounded(self.limits.deadline, place.key)
        http = httpx2.Client(transport=transport, timeout=self.limits.deadline, follow_redirects=False)
        return OpenAI(base_url=place.base_url, api_key=place.key, max_retries=0, http_client=http)


def _counted(said: object, most: int) -> int:
    """Tokens as a server counts them, as far as that can be: what it writes there is not ours."""
    return min(max(said, 0), most) if isinstance(said, int) and not isinstance(said, bool) else 0


def _passes(error: BaseException) -> bool:
    """Whether the same question may be answered a moment later."""
    if isinstance(error, openai.APITimeoutError):
        return False
    if isinstance(error, openai.APIStatusError):
        return error.status_code in (408, 409, 429) or error.status_code >= 500
    return isinstance(error, openai.APIConnectionError)


def _digest(place: Place, question: Question, form: type[BaseModel]) -> str:
    told = [place.base_url, place.model, place.region, question.system, question.user, form.__qualname__]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


class _Bounded(httpx2.HTTPTransport):
    """Answers that drip or do not end are cut off: a thread must not wait longer than whoever asked.

    The key and the question leave, and nothing that the environment adds. What comes back packed stays packed: a small
    answer could unpack into gigabytes.
    """

    def __init__(self, seconds: float, key: str) -> None:
        super().__init__(trust_env=False)
        self._seconds = seconds
        self._key = key

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        start = time.monotonic()
        for name in set(request.headers) - _SENT:
            del request.headers[name]
        request.headers.update({"Authorization": f"Bearer {self._key}", "Accept-Encoding": "identity"})
        found = super().handle_request(request)
        if not isinstance(found.stream, httpx2.SyncByteStream):
            return found
        return httpx2.Response(
            found.status_code,
            headers=[(name, value) for name, value in found.headers.multi_items() if name != "content-encoding"],
            stream=_Cut(found.stream, start + self._seconds, request),
            extensions=found.extensions,
        )


class _Cut(httpx2.SyncByteStream):
    def __init__(self, inner: httpx2.SyncByteStream, until: float, request: httpx2.Request) -> None:
        self._inner = inner
        self._until = until
        self._request = request

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for chunk in self._inner:
            size += len(chunk)
            if time.monotonic() > self._until or size > _MOST_BYTES:
                raise httpx2.ReadTimeout("the answer takes too long or is too large", request=self._request)
            yield chunk

    def close(self) -> None:
        self._inner.close()
