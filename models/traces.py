"""One triaged case as an OpenTelemetry trace that MLflow understands: pure, without MLflow itself.

The shape is OTLP/HTTP's JSON encoding (opentelemetry.io/docs/specs/otlp), which MLflow takes at /v1/traces, any number
of traces in one request. MLflow reads tags of the trace from attributes of its root span, and so name and content of
the previews. Ids hang on the recommendation alone: the same trace written again is the same trace.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

Json = dict[str, Any]
Body = Mapping[str, Any]

TAGS = (
    "case_id", "revision", "recommendation_id", "draft_number", "digest", "queue", "exception_type", "action", "cause",
    "confidence", "risk", "policy_version",
)  # fmt: skip
"""Fields of an observation that become tags of its trace, beside `stamp.<name>` for every stamp (models, prompts…) and
`score.<name>` for how sure each model was."""
_CONTROL = ("group", "propensity", "share", "period", "delayed_to")

_LONGEST = 1000
_MOST_SPANS = 200
_INTERNAL, _OK, _ERROR = 1, 1, 2
_A_DAY_MS = 86_400_000.0


def trace_id(scope: str, recommendation_id: str) -> str:
    """MLflow's id of the trace of a recommendation. `scope` (the experiment) keeps tenants apart."""
    return "tr-" + _hex(scope, recommendation_id, 32)


def assessment_id(scope: str, decision_id: str, name: str) -> str:
    """The id of what a decision says on a trace: MLflow refuses it a second time."""
    return "a-" + _hex(scope, f"{decision_id}\n{name}", 32)


def otlp(scope: str, bodies: Sequence[Body]) -> Json:
    """One export request with the traces of all bodies (see governance.record.telemetry)."""
    spans = [span for body in bodies for span in _trace(scope, body)]
    resource = {"attributes": [_text("service.name", "countersign")]}
    return {
        "resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": "countersign"}, "spans": spans}]}]
    }


def _trace(scope: str, body: Body) -> Iterator[Json]:
    recommendation = str(body["recommendation_id"])
    ids = {"traceId": _hex(scope, recommendation, 32)}
    root = _hex(scope, recommendation, 16)
    start = _nanoseconds(body.get("started_at")) or _nanoseconds(body.get("at")) or 0
    inner = list(_inner(body.get("spans"), start))
    yield {
        **ids, "spanId": root, "name": "triage", "kind": _INTERNAL, "status": {"code": _OK},
        "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(max([start, *(one[2] for one in inner)])),
        "attributes": _root_attributes(body),
    }  # fmt: skip
    for number, (name, begin, end, ended, asked) in enumerate(inner):
        yield {
            **ids, "spanId": _hex(scope, f"{recommendation}\n{number}", 16), "parentSpanId": root, "name": name,
            "kind": _INTERNAL, "status": {"code": _ERROR if ended == "failed" else _OK},
            "startTimeUnixNano": str(begin), "endTimeUnixNano": str(end),
            "attributes": [
                _text("mlflow.spanType", "LLM" if asked else "CHAIN"), _text("ended", ended), *_model(asked),
            ],
        }  # fmt: skip


def _root_attributes(body: Body) -> list[Json]:
    tags = _picked(body, *TAGS)
    tags |= {f"stamp.{name}": value for name, value in _mapping(body.get("stamps")).items()}
    scores = _scores(body)
    tags |= {f"score.{name}": value for name, value in scores.items()}
    control = _mapping(body.get("control"))
    tags |= {f"control.{name}": control[name] for name in _CONTROL if control.get(name) is not None}
    tags["mlflow.traceName"] = f"triage {body.get('exception_type') or ''}".strip()
    asked = _picked(body, "case_id", "revision", "queue", "exception_type")
    answered = _picked(body, "action", "cause", "confidence") | ({"scores": scores} if scores else {})
    return [
        _text("mlflow.spanType", "AGENT"),
        _text("mlflow.spanInputs", json.dumps(_message("user", _question(body)) | asked)),
        _text("mlflow.spanOutputs", json.dumps(_message("assistant", _answer(body)) | answered)),
        # Redrafts of a case stand together.
        _text("session.id", str(body.get("case_id"))),
        _text("thresholds", json.dumps(_mapping(body.get("thresholds")), sort_keys=True)),
        *(_text(f"mlflow.traceTag.{name}", str(value)) for name, value in tags.items()),
    ]


def _message(role: str, words: str) -> Json:
    """What MLflow shows of a trace in its lists: a message as it is, anything else as raw JSON."""
    return {"messages": [{"role": role, "content": words}]}


def _scores(body: Body) -> Json:
    return {name: value for name, value in _mapping(body.get("scores")).items() if isinstance(value, int | float)}


def _question(body: Body) -> str:
    """Such as: Missing order reference in accounts payable, revision 2."""
    what = _words(body.get("exception_type")) or "Case"
    where = f" in {_words(body['queue']).lower()}" if body.get("queue") else ""
    again = f", revision {body['revision']}" if body.get("revision", 1) != 1 else ""
    return what + where + again


def _answer(body: Body) -> str:
    """Such as: Schedule call (cause: counterparty, late 0.75). Rules have no confidence; models have a score each."""
    why = [f"cause: {_words(body['cause']).lower()}"] if body.get("cause") else []
    sure = _picked(body, "confidence") | _scores(body)
    why += [
        f"{_words(name).lower()} {value:.2f}"
        for name, value in sure.items()
        if isinstance(value, int | float) and 0 <= value <= 1
    ]
    return (_words(body.get("action")) or "No action") + (f" ({', '.join(why)})" if why else "")


def _words(name: Any) -> str:
    """A name of the catalogue as a person says it."""
    return str(name or "").replace("_", " ").capitalize()


def _model(asked: Mapping[str, Any]) -> Iterator[Json]:
    """What a language model took in a step: which one, its instructions, tokens and cost."""
    for name in ("model", "prompt", "why", "cost", "cached", "ms"):
        if name in asked:
            yield _text(f"llm.{name}", str(asked[name])[:200])
    tokens = [asked.get(name) for name in ("tokens_in", "tokens_out")]
    if all(isinstance(count, int) for count in tokens):
        told = dict(zip(("input_tokens", "output_tokens"), tokens, strict=True))
        yield _text("mlflow.chat.tokenUsage", json.dumps({**told, "total_tokens": sum(told.values())}))


def _inner(spans: Any, start: int) -> Iterator[tuple[str, int, int, str, Mapping[str, Any]]]:
    """(name, start, end, how it ended, what a language model took). What is no span is left out: a worker's report must
    not stop the feed."""
    for span in (spans if isinstance(spans, list) else [])[:_MOST_SPANS]:
        try:
            since, long = float(span["start_ms"]), float(span["ms"])
            name, ended = str(span["name"])[:100], str(span.get("ended", "ok"))[:20]
        except (TypeError, KeyError, ValueError, AttributeError):
            continue
        if math.isfinite(since) and math.isfinite(long) and 0 <= since < _A_DAY_MS and 0 <= long < _A_DAY_MS:
            begin = start + int(since * 1e6)
            yield name, begin, begin + max(int(long * 1e6), 1000), ended, _mapping(span.get("llm"))


def _picked(body: Body, *names: str) -> Json:
    return {name: body[name] for name in names if body.get(name) is not None}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _nanoseconds(text: Any) -> int | None:
    """Since 1970; None for what is no time with a zone between 1970 and 2200."""
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    if moment.tzinfo is None or not 1970 < moment.year < 2200:
        return None
    return int(moment.timestamp() * 1_000_000) * 1000


def _text(key: str, value: str) -> Json:
    return {"key": key[:200], "value": {"stringValue": value[:_LONGEST]}}


def _hex(scope: str, name: str, digits: int) -> str:
    return hashlib.sha256(f"countersign/trace/v1\n{digits}\n{scope}\n{name}".encode()).hexdigest()[:digits]
