"""The door to MLflow: traces, human assessments, model versions and runs.

Only the courier's lab feed and the evals import this module: importing MLflow takes seconds. Everything here raises
Unavailable where the server cannot be reached or refuses; callers keep what they had and come back later.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import mlflow
from mlflow import MlflowClient
from mlflow.entities import AssessmentSource
from mlflow.environment_variables import (
    MLFLOW_ENABLE_ASYNC_TRACE_LOGGING,
    MLFLOW_HTTP_REQUEST_MAX_RETRIES,
    MLFLOW_HTTP_REQUEST_TIMEOUT,
)
from mlflow.exceptions import MlflowException

from governance.errors import Unavailable

CHAMPION = "champion"
_TIMEOUT_SECONDS = 10
_RETRIES = 1


@contextlib.contextmanager
def _reachable() -> Iterator[None]:
    try:
        yield
    except (MlflowException, OSError) as error:
        raise Unavailable(f"MLflow does not answer or refuses: {type(error).__name__}: {str(error)[:200]}") from error


class Lab:
    """One MLflow tracking server and one experiment in it."""

    def __init__(self, uri: str, experiment: str) -> None:
        self.uri = uri
        self.experiment = experiment
        self._client: MlflowClient | None = None
        self._experiment_id = ""

    def _open(self) -> MlflowClient:
        if self._client is None:
            # A queue of MLflow's own would lose what it holds when the server is away: ours is in Postgres.
            for variable, value in (
                (MLFLOW_HTTP_REQUEST_TIMEOUT, _TIMEOUT_SECONDS),
                (MLFLOW_HTTP_REQUEST_MAX_RETRIES, _RETRIES),
                (MLFLOW_ENABLE_ASYNC_TRACE_LOGGING, False),
            ):
                cast(Any, variable).set(value)
            logging.getLogger("mlflow").setLevel(logging.ERROR)
            with _reachable():
                mlflow.set_tracking_uri(self.uri)
                self._experiment_id = mlflow.set_experiment(self.experiment).experiment_id
                self._client = MlflowClient(self.uri, self.uri)
        return self._client

    def find_trace(self, recommendation_id: str) -> str | None:
        """The id of the trace of a recommendation, by its tag; None where there is none."""
        self._open()
        with _reachable():
            found = mlflow.search_traces(
                locations=[self._experiment_id],
                filter_string=f"tags.recommendation_id = '{recommendation_id}'",
                max_results=1,
                return_type="list",
                include_spans=False,
            )
        return str(found[0].info.trace_id) if found else None

    def trace(self, body: Mapping[str, Any]) -> str:
        """Write the root trace of one triaged case (an observation's body); its id."""
        client = self._open()
        start, spans = _span_times(body)
        inputs: dict[str, Any] = {"case_id": body.get("case_id"), "revision": body.get("revision")}
        tags = {
            key: str(body[key])
            for key in ("case_id", "recommendation_id", "queue", "exception_type", "action", "cause", "risk", "digest")
            if body.get(key) is not None
        }
        tags |= {f"stamp.{name}": str(value) for name, value in (body.get("stamps") or {}).items()}
        with _reachable():
            root = client.start_trace(
                name="triage",
                inputs=inputs,
                attributes={name: str(body[name]) for name in ("policy_version", "thresholds") if name in body},
                tags=tags,
                experiment_id=self._experiment_id,
                start_time_ns=start,
            )
            for name, begin, end in spans:
                span = client.start_span(name=name, trace_id=root.trace_id, parent_id=root.span_id, start_time_ns=begin)
                client.end_span(trace_id=root.trace_id, span_id=span.span_id, end_time_ns=end)
            client.end_trace(
                trace_id=root.trace_id,
                outputs={
                    "action": body.get("action"),
                    "cause": body.get("cause"),
                    "confidence": body.get("confidence"),
                },
                end_time_ns=max([start, *(end for _, _, end in spans)]),
            )
            # The exporter only warns when it fails: what is not there was not written.
            client.get_trace(root.trace_id, display=False)
        return str(root.trace_id)

    def assess(self, trace_id: str, body: Mapping[str, Any]) -> None:
        """A person's decision as HUMAN feedback on the trace; an override also as the expected action."""
        self._open()
        decision = body["decision"]
        person = AssessmentSource(source_type="HUMAN", source_id=decision["actor"])
        about = {
            "decision_id": decision["id"],
            "recommendation_id": str(body.get("recommendation_id")),
            "digest": str(decision.get("digest")),
            "seat": str(decision.get("seat_role")),
            "reason_code": str(decision.get("reason_code")),
        }
        with _reachable():
            known = mlflow.get_trace(trace_id)
            if known is not None and _has_assessment(known.info.assessments, decision["id"]):
                return
            if decision["decision"] == "override" and body.get("becomes"):
                expected = {"action": body["becomes"]["action"], "draft_changed": bool(body.get("draft_changed"))}
                mlflow.log_expectation(
                    trace_id=trace_id, name="override", value=expected, source=person, metadata=about
                )
            mlflow.log_feedback(
                trace_id=trace_id, name="decision", value=decision["decision"], source=person, metadata=about
            )

    def register(self, model: str, folder: Path, digest: str, metrics: Mapping[str, float]) -> str:
        """A new version of a registered model whose artefacts are the files of `folder`; its version number.

        The same digest again is the same version.
        """
        client = self._open()
        with _reachable():
            for version in client.search_model_versions(f"name = '{model}'"):
                if version.tags.get("digest") == digest:
                    return str(version.version)
            with contextlib.suppress(MlflowException):
                client.create_registered_model(model)
            with mlflow.start_run(run_name=f"train {model}", experiment_id=self._experiment_id) as run:
                mlflow.log_metrics(dict(metrics))
                mlflow.log_artifacts(str(folder), "bundle")
                made = client.create_model_version(
                    model, f"{run.info.artifact_uri}/bundle", run.info.run_id, tags={"digest": digest}
                )
        return str(made.version)

    def set_champion(self, model: str, digest: str) -> None:
        """Point the alias `champion` at the version with this digest. Raises Unavailable where it is not registered."""
        client = self._open()
        with _reachable():
            for version in client.search_model_versions(f"name = '{model}'"):
                if version.tags.get("digest") == digest:
                    client.set_registered_model_alias(model, CHAMPION, version.version)
                    return
        raise Unavailable(f"no version of {model} in MLflow has the digest {digest}: register it first")

    def log_run(
        self, name: str, params: Mapping[str, str], metrics: Mapping[str, float], files: Sequence[Path] = ()
    ) -> str:
        """One finished run with its metrics and files; its id."""
        self._open()
        with _reachable(), mlflow.start_run(run_name=name, experiment_id=self._experiment_id) as run:
            mlflow.log_params(dict(params))
            mlflow.log_metrics(dict(metrics))
            for path in files:
                mlflow.log_artifact(str(path))
            return str(run.info.run_id)


def _has_assessment(assessments: Sequence[Any], decision_id: str) -> bool:
    return any(
        (item.metadata or {}).get("decision_id") == decision_id and item.name == "decision" for item in assessments
    )


def _nanoseconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1_000_000) * 1000


def _span_times(body: Mapping[str, Any]) -> tuple[int, list[tuple[str, int, int]]]:
    """Start of the trace and (name, start, end) of its spans, in nanoseconds since 1970."""
    start = _nanoseconds(str(body.get("started_at") or body["at"]))
    spans = []
    for span in body.get("spans") or ():
        begin = start + int(float(span["start_ms"]) * 1e6)
        spans.append((str(span["name"]), begin, begin + max(int(float(span["ms"]) * 1e6), 1000)))
    return start, spans
