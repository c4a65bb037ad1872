"""What MLflow is told: the shape of a trace, and a real server that keeps it."""

from __future__ import annotations

import contextlib
import json
import re
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mlflow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.errors import Refusal, Unavailable
from models import tracking
from models.traces import assessment_id, otlp, trace_id
from models.tracking import Lab
from tests.lab import Mlflow, stub_mlflow

DIGEST = "sha256:" + "a" * 64


def body(recommendation_id: str = "R-1", **values: Any) -> dict[str, Any]:
    spans = [{"name": name, "start_ms": 2.0 * n, "ms": 1.5, "ended": "ok"} for n, name in enumerate("abc")]
    return {
        "recommendation_id": recommendation_id, "case_id": "C-1", "revision": 2, "draft_number": 1, "digest": DIGEST,
        "queue": "accounts_payable", "exception_type": "overdue", "action": "schedule_call", "cause": "counterparty",
        "confidence": 0.75, "risk": "normal", "policy_version": 3, "stamps": {"bundle": DIGEST, "prompts": "p-1"},
        "scores": {"late": 0.9, "document": None}, "thresholds": {"duplicate": 0.5},
        "control": {"group": "delayed", "propensity": "0.05", "delayed_to": None},
        "at": "2026-11-01T10:00:01.000000Z", "started_at": "2026-11-01T10:00:00.500000+00:00", "spans": spans, **values,
    }  # fmt: skip


def decided(decision: str, number: str = "D-1", **values: Any) -> dict[str, Any]:
    return {
        "recommendation_id": "R-1",
        "decision": {
            "id": number, "decision": decision, "actor": "rita", "seat_role": "reviewer", "digest": DIGEST,
            "reason_code": "wrong_action", "at": "2026-11-01T11:00:00+00:00",
        },
        **values,
    }  # fmt: skip


# The shape -----------------------------------------------------------------------------------------------

JUNK = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
SPAN = st.fixed_dictionaries(
    {"name": JUNK, "start_ms": st.floats(-10, 1e9) | JUNK, "ms": st.floats(-10, 1e9) | JUNK}, optional={"ended": JUNK}
)


@settings(deadline=None, max_examples=150)
@given(
    spans=st.lists(SPAN | JUNK, max_size=6) | JUNK,
    started=st.datetimes().map(lambda at: at.isoformat()) | JUNK,
    stamps=JUNK, scores=JUNK | st.dictionaries(st.text(max_size=8), st.just(10**400) | st.floats() | JUNK, max_size=3),
    words=JUNK,
)  # fmt: skip
def test_whatever_a_worker_reports_makes_a_sound_trace(
    spans: Any, started: Any, stamps: Any, scores: Any, words: Any
) -> None:
    made = otlp("x", [body(spans=spans, started_at=started, stamps=stamps, scores=scores, cause=words, action=words)])
    json.dumps(made, allow_nan=False)
    root, *inner = made["resourceSpans"][0]["scopeSpans"][0]["spans"]
    first, last = int(root["startTimeUnixNano"]), int(root["endTimeUnixNano"])
    assert 0 < first <= last
    assert "parentSpanId" not in root
    for one in inner:
        assert one["parentSpanId"] == root["spanId"]
        assert one["traceId"] == root["traceId"]
        assert first <= int(one["startTimeUnixNano"]) < int(one["endTimeUnixNano"]) <= last
    ids = [one["spanId"] for one in (root, *inner)]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch("[0-9a-f]{16}", one) for one in ids)


def test_ids_hang_on_tenant_and_recommendation_alone() -> None:
    assert trace_id("x", "R-1") == trace_id("x", "R-1")
    assert len({trace_id(scope, name) for scope in ("x", "y") for name in ("R-1", "R-2")}) == 4
    assert len({assessment_id("x", "D-1", name) for name in ("decision", "override")}) == 2
    first, second = otlp("x", [body(spans=[])]), otlp("x", [body(action="wait_until")])
    spans = [one["resourceSpans"][0]["scopeSpans"][0]["spans"][0] for one in (first, second)]
    assert spans[0]["traceId"] == spans[1]["traceId"] == trace_id("x", "R-1").removeprefix("tr-")


def test_the_words_of_a_trace_need_nothing() -> None:
    """A body that lacks what it could not have makes a trace with a name all the same."""
    (root,) = otlp("x", [{"recommendation_id": "R-1"}])["resourceSpans"][0]["scopeSpans"][0]["spans"]
    said = {one["key"]: one["value"]["stringValue"] for one in root["attributes"]}
    assert said["mlflow.traceTag.mlflow.traceName"] == "triage"
    assert json.loads(said["mlflow.spanInputs"])["messages"][0]["content"] == "Case"
    assert json.loads(said["mlflow.spanOutputs"]) == {"messages": [{"role": "assistant", "content": "No action"}]}


# A real server -------------------------------------------------------------------------------------------


@pytest.fixture
def lab(mlflow_server: Mlflow) -> Iterator[Lab]:
    made = Lab(mlflow_server.url, f"countersign/test-{uuid.uuid4().hex[:8]}")
    yield made
    made.close()


def traces_of(lab: Lab) -> list[Any]:
    found = mlflow.search_traces(locations=[lab._experiment_id], return_type="list")
    return list(found)


def test_a_trace_is_found_by_its_tag_and_written_once(lab: Lab) -> None:
    names = [f"R-{number}" for number in range(3)]
    ids = lab.write([body(name) for name in names])
    assert lab.write([body(name) for name in names]) == ids
    assert lab.write([body("R-1")]) == [ids[1]]
    assert lab.find_trace("R-1") == ids[1]
    assert lab.find_trace("R-9") is None
    assert len(traces_of(lab)) == 3
    found = mlflow.get_trace(ids[1])
    assert found is not None
    expected = {
        "recommendation_id": "R-1", "case_id": "C-1", "queue": "accounts_payable", "exception_type": "overdue",
        "stamp.bundle": DIGEST, "stamp.prompts": "p-1", "control.group": "delayed",
        "control.propensity": "0.05", "confidence": "0.75", "score.late": "0.9",
        "policy_version": "3", "mlflow.traceName": "triage overdue",
    }  # fmt: skip
    assert expected.items() <= found.info.tags.items()
    assert "score.document" not in found.info.tags
    assert found.info.state == "OK"
    assert found.info.execution_duration == 5
    assert found.info.request_time == 1793527200500
    assert found.info.request_preview == "Overdue in accounts payable, revision 2"
    assert found.info.response_preview == "Schedule call (cause: counterparty, confidence 0.75, late 0.90)"
    spans = {span.name: span for span in found.data.spans}
    assert set(spans) == {"triage", "a", "b", "c"}
    assert {span.parent_id for name, span in spans.items() if name != "triage"} == {spans["triage"].span_id}
    assert spans["triage"].outputs["scores"] == {"late": 0.9}


def test_a_decision_is_feedback_of_a_human_and_an_override_an_expectation(lab: Lab) -> None:
    (trace,) = lab.write([body()])
    approval = decided("approve")
    override = decided("override", "D-2", becomes={"id": "R-2", "action": "hold_payment"}, draft_changed=True)
    lab.assess(trace, approval)
    lab.assess(trace, override)
    for _ in range(2):
        lab.assess(trace, override, again=True)
    with pytest.raises(Refusal):
        lab.assess(trace, approval)
    found = mlflow.get_trace(trace)
    assert found is not None
    said = {(one.name, one.metadata["decision_id"]): one for one in found.info.assessments}
    assert set(said) == {("decision", "D-1"), ("decision", "D-2"), ("override", "D-2")}
    assert len(found.info.assessments) == 3
    for one in said.values():
        assert (one.source.source_type, one.source.source_id) == ("HUMAN", "rita")
        assert one.metadata["seat"] == "reviewer"
    assert said["decision", "D-1"].feedback.value == "approve"
    assert said["override", "D-2"].expectation.value == {"action": "hold_payment", "draft_changed": True}


def test_half_an_override_is_completed(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed between expectation and feedback: the next attempt writes what is missing."""
    (trace,) = lab.write([body()])
    override = decided("override", becomes={"id": "R-2", "action": "hold_payment"})
    log = mlflow.log_assessment

    def dies(trace_id: str, assessment: Any) -> Any:
        if assessment.name == "decision":
            raise KeyboardInterrupt
        return log(trace_id, assessment)

    monkeypatch.setattr(mlflow, "log_assessment", dies)
    with pytest.raises(KeyboardInterrupt):
        lab.assess(trace, override)
    monkeypatch.setattr(mlflow, "log_assessment", log)
    lab.assess(trace, override, again=True)
    found = mlflow.get_trace(trace)
    assert found is not None
    assert sorted(one.name for one in found.info.assessments) == ["decision", "override"]


def test_a_decision_on_a_trace_that_is_not_there_is_refused(lab: Lab) -> None:
    lab.write([body()])
    with pytest.raises(Refusal) as refused:
        lab.assess("tr-" + "0" * 32, decided("approve"))
    assert not isinstance(refused.value, Unavailable)


def test_an_experiment_that_is_gone_is_made_again(lab: Lab) -> None:
    lab.write([body()])
    lab._experiment_id = "987654"
    with pytest.raises(Unavailable, match="made again"):
        lab.write([body("R-2")])
    assert lab.write([body("R-2")]) == [lab.find_trace("R-2")]


def test_the_alias_champion_points_at_the_digest(lab: Lab, tmp_path: Path) -> None:
    name = f"countersign-test-{uuid.uuid4().hex[:6]}"
    other = "sha256:" + "b" * 64
    file = tmp_path / "risk.skops"
    file.write_bytes(b"model")
    assert lab.champion(name) is None
    with pytest.raises(Refusal, match="register it first"):
        lab.set_champion(name, DIGEST)
    assert lab.register(name, [file], DIGEST, params={"seed": "1"}) == "1"
    assert lab.champion(name) is None
    lab.set_champion(name, DIGEST)
    assert lab.register(name, [file], DIGEST) == "1"
    assert lab.register(name, [file], other) == "2"
    assert lab.champion(name) == DIGEST
    lab.set_champion(name, other)
    assert lab.champion(name) == other
    kept = mlflow.artifacts.download_artifacts(f"models:/{name}@champion", dst_path=str(tmp_path / "kept"))
    assert [path.read_bytes() for path in Path(kept).rglob("risk.skops")] == [b"model"]


def test_a_run_is_logged_with_its_files(lab: Lab, tmp_path: Path) -> None:
    report = tmp_path / "report.txt"
    report.write_text("all well")
    run = mlflow.get_run(lab.log_run("suite", {"seed": "1"}, {"auc": 0.9}, [report]))
    assert (run.info.status, run.data.params["seed"], run.data.metrics["auc"]) == ("FINISHED", "1", 0.9)


# No server, or none that wants ---------------------------------------------------------------------------


@pytest.fixture
def answering() -> Iterator[Callable[..., str]]:
    """Starts a server that answers everything alike; its URL."""
    with contextlib.ExitStack() as stack:
        yield lambda *alike, **more: stack.enter_context(stub_mlflow(*alike, **more))


def connected(url: str, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """A Lab that was connected to a server before it was this one."""
    monkeypatch.setattr(tracking, "TIMEOUT_SECONDS", 1)
    lab = Lab(url, "countersign/test")
    with pytest.raises(Unavailable):
        lab.find_trace("R-1")
    lab._client = mlflow.MlflowClient(url, url)
    lab._experiment_id = "1"
    return lab


@pytest.mark.parametrize(("status", "away"), [(500, False), (422, False), (400, False), (503, True), (429, True)])
def test_a_refusal_of_the_request_is_not_an_outage(
    status: int, away: bool, answering: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = connected(answering(status), monkeypatch)
    with pytest.raises(Refusal) as refused:
        lab.write([body()])
    assert isinstance(refused.value, Unavailable) is away
    lab.close()


@pytest.mark.parametrize(
    "said",
    ["(psycopg.errors.ReadOnlySqlTransaction) cannot execute INSERT in a read-only transaction",
     "(sqlite3.OperationalError) attempt to write a readonly database"],
)  # fmt: skip
def test_a_read_only_database_is_an_outage_that_says_what_to_do(said: str) -> None:
    found = tracking._refusal("http://lab", f"400 {said}\n[SQL: INSERT INTO spans]", away=False)
    assert isinstance(found, Unavailable)
    assert "read-only: make that writable" in found.detail
    other = tracking._refusal("http://lab", "400 (x.Other) value too long\n[SQL: INSERT INTO spans]", away=False)
    assert not isinstance(other, Unavailable)
    assert other.detail == "MLflow at http://lab refuses: 400 (x.Other) value too long"


@pytest.mark.parametrize("code", ["TEMPORARILY_UNAVAILABLE", "PERMISSION_DENIED"])
def test_a_server_that_cannot_now_is_away(
    code: str, answering: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = connected(answering(400, code=code), monkeypatch)
    with pytest.raises(Unavailable):
        lab.assess("tr-1", decided("approve"))
    lab.close()


def test_a_server_that_hangs_is_away_after_the_timeout(
    answering: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = connected(answering(200, seconds=4.0), monkeypatch)
    for attempt in (lambda: lab.write([body()]), lambda: lab.assess("tr-1", decided("approve"))):
        start = time.monotonic()
        with pytest.raises(Unavailable):
            attempt()
        assert time.monotonic() - start < 3.5
    lab.close()


def test_nobody_there() -> None:
    lab = Lab("http://127.0.0.1:9", "countersign/test")
    with pytest.raises(Unavailable, match=r"at http://127.0.0.1:9 \(.*Connection refused\)"):
        lab.write([body()])
    lab.close()
