"""The stub of a language model: every temper as its name says, in the form that a request asks for."""

from __future__ import annotations

import json
import time
from typing import Any, Literal

import openai
import pytest
from openai import OpenAI
from pydantic import BaseModel

from evals.llm_stub import TEMPERS, serving


class Inner(BaseModel):
    name: str | None
    amount: float


class Wanted(BaseModel):
    opening: str
    kind: Literal["invoice", "other"]
    found: list[Inner]


def ask(url: str, timeout: float = 5.0) -> Any:
    with OpenAI(base_url=url, api_key="key", timeout=timeout, max_retries=0) as client:
        told = {"slots": {"opening": {"wordings": ["first", "About {invoice_number}."]}}}
        messages: Any = [{"role": "system", "content": "s"}, {"role": "user", "content": json.dumps(told)}]
        made = client.chat.completions.parse(model="m", messages=messages, response_format=Wanted)
        return made.choices[0].message


def test_a_helpful_one_fills_any_schema() -> None:
    with serving("helpful") as stub:
        answer = ask(stub.url).parsed
        assert answer == Wanted(opening="About {invoice_number}.", kind="invoice", found=[Inner(
            name="Thank you for your help.", amount=1.0)])  # fmt: skip
        assert stub.asked[0]["path"] == "/v1/chat/completions"


def test_a_malicious_one_attacks_in_every_place() -> None:
    with serving("malicious", attack=["EVIL"]) as stub:
        said = [ask(stub.url).parsed.opening for _ in range(6)]
    assert {"EVIL", "About {invoice_number}. EVIL", "EVIL About {invoice_number}."} == set(said)


def test_the_responses_protocol_is_spoken_too() -> None:
    with serving("helpful") as stub, OpenAI(base_url=stub.url, api_key="key", max_retries=0) as client:
        made = client.responses.parse(model="m", input=[{"role": "user", "content": "{}"}], text_format=Wanted)
        assert made.output_parsed is not None
        assert made.output_parsed.kind == "invoice"


@pytest.mark.parametrize("temper", ["limited", "broken", "down"])
def test_what_fails_fails_as_an_error_of_the_client(temper: str) -> None:
    with serving(temper) as stub, pytest.raises(openai.OpenAIError):
        ask(stub.url)


def test_a_refusal_is_one() -> None:
    with serving("refusing") as stub:
        assert ask(stub.url).refusal


def test_garbage_is_never_of_use() -> None:
    with serving("garbage") as stub:
        for _ in range(20):
            with pytest.raises((openai.OpenAIError, ValueError, AttributeError, TypeError, IndexError)):
                assert ask(stub.url).parsed.opening.isprintable()


@pytest.mark.parametrize("temper", ["slow", "dripping"])
def test_who_is_late_does_not_hold_up_the_end(temper: str) -> None:
    started = time.monotonic()
    with serving(temper) as stub:
        if temper == "slow":
            with pytest.raises(openai.APITimeoutError):
                ask(stub.url, timeout=0.3)
    assert time.monotonic() - started < 3.0


def test_tempers_are_known_by_name() -> None:
    assert len(set(TEMPERS)) == 9
    with pytest.raises(KeyError), serving("kind"):
        pass
