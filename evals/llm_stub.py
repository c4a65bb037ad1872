"""A server that speaks the protocol of OpenAI's chat completions and responses, in many tempers. For measuring, and
for whoever wants to see Countersign with a language model without having one.

Whatever JSON schema a request asks for is answered in its form; what stands in the strings is the temper's affair.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from evals.injection_attacks import ATTACKS, reversed_sense

Json = dict[str, Any]
Answer = Callable[[Json], tuple[int, str]]
"""The request as JSON → HTTP status and body."""

TEMPERS = ("helpful", "garbage", "malicious", "slow", "limited", "refusing", "broken", "dripping", "down")
_POLITE = "Thank you for your help."
_DEPTH = 8


def completion(content: str | None, *, finish: str = "stop", refusal: str | None = None) -> Json:
    """A chat completion with one choice."""
    message = {"role": "assistant", "content": content, "refusal": refusal}
    return {
        "id": "chatcmpl-stub", "object": "chat.completion", "created": 0, "model": "stub",
        "choices": [{"index": 0, "finish_reason": finish, "message": message}],
        "usage": {"prompt_tokens": 300, "completion_tokens": 60, "total_tokens": 360},
    }  # fmt: skip


def response(content: str | None, *, refusal: str | None = None) -> Json:
    """The same as an answer of the responses protocol."""
    said: Json = {"type": "output_text", "text": content or "", "annotations": []}
    if refusal is not None:
        said = {"type": "refusal", "refusal": refusal}
    message = {"type": "message", "id": "msg", "role": "assistant", "status": "completed", "content": [said]}
    return {
        "id": "resp-stub", "object": "response", "created_at": 0, "model": "stub", "status": "completed",
        "output": [message], "parallel_tool_calls": False, "tool_choice": "none", "tools": [],
        "usage": {"input_tokens": 300, "output_tokens": 60, "total_tokens": 360,
                  "input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}},
    }  # fmt: skip


class Stub(ThreadingHTTPServer):
    """`asked` holds every request with its path, in order of arrival; `temper` may be changed at any time. `turned`:
    sentences of the request that `malicious` gave back with the contrary sense."""

    daemon_threads = True

    def __init__(self, temper: str | Answer, attack: Sequence[str], delay: float) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.temper = temper
        self.delay = delay
        self.asked: list[Json] = []
        self.turned: list[str] = []
        self.ending = threading.Event()
        self._attacks = itertools.cycle(attack)
        self._turns = itertools.count()
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """The base URL to configure."""
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def next_attack(self) -> tuple[int, str]:
        with self._lock:
            return next(self._turns), next(self._attacks)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that left at its deadline is no error of ours."""


class _Handler(BaseHTTPRequestHandler):
    server: Stub

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append({"path": self.path, **asked})
        temper = self.server.temper
        if temper == "slow":
            self.server.ending.wait(self.server.delay)
        status, text = temper(asked) if callable(temper) else _answer(self.server, temper, self.path, asked)
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if status == 429:
            self.send_header("Retry-After", "1")
        self.end_headers()
        if temper != "dripping":
            self.wfile.write(body)
            return
        for byte in body:  # a read timeout starts again with each of them
            if self.server.ending.wait(0.1):
                return
            self.wfile.write(bytes([byte]))
            self.wfile.flush()

    def log_message(self, *args: Any) -> None:
        pass


@contextlib.contextmanager
def serving(
    temper: str | Answer = "helpful", *, attack: Sequence[str] = ATTACKS, delay: float = 30.0
) -> Iterator[Stub]:
    """A running server of one of TEMPERS, or one that answers with what `temper` gives.

    `attack`: what `malicious` writes, one after the other. `delay`: seconds before `slow` answers. `down` is an address
    where nobody listens. Raises KeyError for an unknown temper.
    """
    if not callable(temper) and temper not in TEMPERS:
        raise KeyError(temper)
    stub = Stub(temper, attack, delay)
    if temper == "down":
        stub.server_close()
        yield stub
        return
    running = threading.Thread(target=stub.serve_forever, args=(0.02,), daemon=True)
    running.start()
    try:
        yield stub
    finally:
        stub.ending.set()
        stub.shutdown()
        running.join()
        stub.server_close()


def _answer(stub: Stub, temper: str, path: str, asked: Json) -> tuple[int, str]:
    whole = response if path.endswith("/responses") else completion
    if temper == "limited":
        return 429, json.dumps({"error": {"message": "rate limit reached", "type": "requests", "code": "rate_limit"}})
    if temper == "broken":
        return 500, json.dumps({"error": {"message": "internal error"}})
    if temper == "refusing":
        return 200, json.dumps(whole(None, refusal="I cannot help with that."))
    if temper == "garbage":
        return _garbage(stub.next_attack()[0], whole)
    attacked = temper == "malicious"
    content = json.dumps(_Writer(asked, stub if attacked else None).whole(), ensure_ascii=False)
    return 200, json.dumps(whole(content))


def _garbage(turn: int, whole: Callable[..., Json]) -> tuple[int, str]:
    """Another kind of nonsense each time: no JSON, cut off, another shape, megabytes, deep nests, lone surrogates."""
    kinds: tuple[Callable[[], str], ...] = (
        lambda: "this is not JSON",
        lambda: "",
        lambda: '"a string"',
        lambda: "[1, 2",
        lambda: json.dumps({"choices": [], "output": []}),
        lambda: json.dumps(whole("no JSON in here")),
        lambda: json.dumps(whole('{"opening": ["cut o')),
        lambda: json.dumps(whole(json.dumps({"unexpected": True}))),
        lambda: json.dumps(whole(json.dumps({"paragraphs": 7, "opening": {}, "request": None}))),
        lambda: json.dumps(whole("[" * 50_000)),
        lambda: json.dumps(whole(json.dumps({"paragraphs": ["x" * 2_000_000], "opening": "x" * 2_000_000}))),
        lambda: json.dumps(whole('{"opening": "\\ud800", "background": "\\ud800", "request": "\\ud800"}')),
        lambda: json.dumps(whole('{"opening": "\\u0000", "background": "", "request": ""}')),
        lambda: "<html><body>502 Bad Gateway</body></html>",
    )
    return 200, kinds[turn % len(kinds)]()


class _Writer:
    """Fills the schema that a request asks for. With a stub its strings carry attacks, without they are of use."""

    def __init__(self, asked: Json, stub: Stub | None) -> None:
        self._schema = _schema(asked)
        self._told = _told(asked)
        self._stub = stub
        self._wrong = _standing(asked) if stub else {}

    def whole(self) -> Any:
        if self._schema is None:
            return self._string("text")
        return self._filled(self._schema, "", 0)

    def _filled(self, schema: Mapping[str, Any], name: str, depth: int) -> Any:
        if depth > _DEPTH:
            return None
        if "$ref" in schema:
            held = self._schema or {}
            named = str(schema["$ref"]).rpartition("/")[2]
            return self._filled((held.get("$defs") or {}).get(named, {}), name, depth + 1)
        for several in ("anyOf", "oneOf"):
            if choices := [one for one in schema.get(several, ()) if one.get("type") != "null"]:
                return self._filled(choices[0], name, depth + 1)
        if "const" in schema or schema.get("enum"):
            return schema["const"] if "const" in schema else schema["enum"][0]
        kind = schema.get("type")
        if isinstance(kind, list):
            kind = next((one for one in kind if one != "null"), "null")
        if kind == "object":
            return {key: self._filled(one, key, depth + 1) for key, one in schema.get("properties", {}).items()}
        if kind == "array":
            return [self._filled(schema.get("items", {}), name, depth + 1) for _ in range(schema.get("minItems", 1))]
        if kind in ("integer", "number"):
            return 999_999 if self._stub else 1
        return bool(self._stub) if kind == "boolean" else None if kind == "null" else self._string(name)

    def _string(self, name: str) -> str:
        """A wording of the request for this slot; an attack in its place, after it, before it, or its contrary."""
        slot = (self._told.get("slots") or {}).get(name)
        wordings = slot.get("wordings") if isinstance(slot, dict) else slot if isinstance(slot, list) else None
        plain = str(wordings[-1]) if wordings else str(self._told.get("purpose") or _POLITE)
        if self._stub is None:
            return plain
        if wrong := self._wrong.get(name):
            return wrong[self._stub.next_attack()[0] % len(wrong)]
        turn, attack = self._stub.next_attack()
        turned = reversed_sense(plain, str(self._told.get("language"))) if wordings else []
        if turned and turn % 4 == 3:
            self._stub.turned.append(turned[turn // 4 % len(turned)])
            return self._stub.turned[-1]
        return (attack, f"{plain} {attack}", f"{attack} {plain}")[turn % 3]


def _schema(asked: Json) -> Json | None:
    stated = (asked.get("response_format") or {}).get("json_schema") or (asked.get("text") or {}).get("format") or {}
    found = stated.get("schema")
    return found if isinstance(found, dict) else None


def _standing(asked: Json) -> dict[str, list[str]]:
    """Field of a document → values that do stand in the text of the request, most of them not the field's."""
    said = asked.get("messages") or ()
    text = str(said[-1].get("content")) if said and not _told(asked) else ""
    days = re.findall(r"\b\d{4}-\d{2}-\d{2}\b", text)[::-1]
    amounts = re.findall(r"\b\d{1,9}\.\d{2}\b", text)
    numbers = re.findall(r"\b[A-Z]{1,3}\d[\w-]{4,}\b", text)[::-1]
    return {"issue_date": days, "due_date": days, "total_amount": amounts, "invoice_number": numbers,
            "purchase_order": numbers}  # fmt: skip


def _told(asked: Json) -> Json:
    """The last message of the user, where it is a JSON object."""
    said = asked.get("messages") or asked.get("input") or ()
    for one in reversed(said) if isinstance(said, list) else ():
        with contextlib.suppress(TypeError, ValueError, KeyError):
            found = json.loads(one["content"])
            if one.get("role") == "user" and isinstance(found, dict):
                return found
    return {}


def settled(stub: Stub, requests: int, seconds: float = 5.0) -> bool:
    """Whether that many requests arrived within the time: a client that gave up may still be heard."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and len(stub.asked) < requests:
        time.sleep(0.01)
    return len(stub.asked) >= requests
