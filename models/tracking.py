"""The door to MLflow: traces, human assessments, model versions and runs.

Only the lab feed and the evals import this module: importing MLflow takes seconds. Traces go by OpenTelemetry's
protocol, fifty in one request; the rest by MLflow's client. Everything here raises Unavailable where the server does
not answer, and another Refusal where it answers that it will not; callers keep what they had and come back later.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import httpx
import mlflow
from mlflow import MlflowClient
from mlflow.entities import Assessment, AssessmentSource, Expectation, Feedback
from mlflow.entities.model_registry import ModelVersion
from mlflow.environment_variables import (
    MLFLOW_ENABLE_ASYNC_TRACE_LOGGING,
    MLFLOW_HTTP_REQUEST_MAX_RETRIES,
    MLFLOW_HTTP_REQUEST_TIMEOUT,
    MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT,
)
from mlflow.exceptions import MlflowException, RestException

from governance.errors import Refusal, Unavailable
from models.traces import assessment_id, otlp, trace_id

CHAMPION = "champion"
TIMEOUT_SECONDS = 10
_MOST_DELETED = 100
_LONGEST = 200
_MISSING = "RESOURCE_DOES_NOT_EXIST"
_TRACES = "/v1/traces"
# What says that the server as a whole cannot now, whoever asks.
_AWAY = frozenset({401, 403, 408, 429, 502, 503, 504})
_AWAY_CODES = frozenset({"TEMPORARILY_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED", "UNAUTHENTICATED", "PERMISSION_DENIED"})


# What databases say of a write that they do not take: Postgres, SQLite, MySQL.
_READ_ONLY = ("in a read-only transaction", "readonly database", "--read-only option", "--super-read-only option")


def _refusal(uri: str, said: str, away: bool) -> Refusal:
    """The error for what MLflow answered. The statement that failed, which SQLAlchemy appends, helps nobody here."""
    if any(mark in said for mark in _READ_ONLY):
        return Unavailable(f"MLflow at {uri} writes nothing, for its database is read-only: make that writable again")
    message = f"MLflow at {uri} refuses: {said.partition('[SQL:')[0].strip()[:_LONGEST]}"
    return Unavailable(message) if away else Refusal(message)


def _first_cause(error: BaseException) -> str:
    """Under what the libraries wrapped around it: Connection refused, timed out."""
    for _ in range(10):
        if (inner := error.__cause__ or error.__context__) is None:
            break
        error = inner
    return str(error)[:_LONGEST] or type(error).__name__


class Lab:
    """One MLflow tracking server and one experiment in it. `close` it."""

    def __init__(self, uri: str, experiment: str) -> None:
        self.uri = uri.rstrip("/")
        self.experiment = experiment
        self._client: MlflowClient | None = None
        self._http = httpx.Client(timeout=TIMEOUT_SECONDS)
        self._experiment_id = ""

    def close(self) -> None:
        self._http.close()

    @contextlib.contextmanager
    def _reachable(self) -> Iterator[None]:
        try:
            yield
        except RestException as error:
            raise _refusal(self.uri, str(error), error.error_code in _AWAY_CODES) from error
        except (MlflowException, httpx.HTTPError, OSError) as error:
            why = _first_cause(error)
            raise Unavailable(f"MLflow does not answer at {self.uri} ({why}): see that it runs, and its log") from error

    def _open(self) -> MlflowClient:
        if self._client is None:
            # A queue of MLflow's own would lose what it holds when the server is away: ours is in Postgres. So are
            # the next attempts.
            for variable, value in (
                (MLFLOW_HTTP_REQUEST_TIMEOUT, TIMEOUT_SECONDS),
                (MLFLOW_HTTP_REQUEST_MAX_RETRIES, 0),
                (MLFLOW_ENABLE_ASYNC_TRACE_LOGGING, False),
                (MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT, True),
            ):
                cast(Any, variable).set(value)
            logging.getLogger("mlflow").setLevel(logging.ERROR)
            try:
                with self._reachable():
                    mlflow.set_tracking_uri(self.uri)
                    self._experiment_id = mlflow.set_experiment(self.experiment).experiment_id
                    self._client = MlflowClient(self.uri, self.uri)
            except Refusal as refusal:
                # Without its experiment nothing can be written, whatever it is.
                raise Unavailable(refusal.detail) from refusal
        return self._client

    # Traces ----------------------------------------------------------------------------------------------

    def write(self, bodies: Sequence[Mapping[str, Any]]) -> list[str]:
        """Write the root traces of triaged cases (observations' bodies), all or none; their ids in the same order.

        The same body again changes nothing.
        """
        self._open()
        with self._reachable():
            answer = self._http.post(
                self.uri + _TRACES,
                json=otlp(self.experiment, bodies),
                headers={"x-mlflow-experiment-id": self._experiment_id},
            )
        if answer.status_code == 404:
            # The experiment is not there any more: the server lost its database, or has another one.
            self._client = None
            raise Unavailable("MLflow does not know the experiment any more: it is made again")
        if answer.status_code != 200:
            raise _refusal(self.uri, f"{answer.status_code} {answer.text}", answer.status_code in _AWAY)
        return [trace_id(self.experiment, str(body["recommendation_id"])) for body in bodies]

    def find_trace(self, recommendation_id: str) -> str | None:
        """The id of the trace of a recommendation, by its tag; None where there is none."""
        self._open()
        with self._reachable():
            found = mlflow.search_traces(
                locations=[self._experiment_id],
                filter_string=f"tags.recommendation_id = '{recommendation_id}'",
                max_results=1,
                return_type="list",
                include_spans=False,
            )
        return str(found[0].info.trace_id) if found else None

    def erase(self, recommendation_ids: Sequence[str]) -> None:
        """Delete the traces of these recommendations with all that hangs on them; those that are not there are not."""
        client = self._open()
        found = [trace for one in recommendation_ids if (trace := self.find_trace(one)) is not None]
        for at in range(0, len(found), _MOST_DELETED):
            with self._reachable():
                client.delete_traces(self._experiment_id, trace_ids=found[at : at + _MOST_DELETED])

    # People's decisions ----------------------------------------------------------------------------------

    def assess(self, trace: str, body: Mapping[str, Any], *, again: bool = False) -> None:
        """A person's decision as HUMAN feedback on the trace; an override also as the expected action.

        Each is written once: `again` says that it was tried before, so that what is there is looked up first.
        """
        self._open()
        for said in self._said(trace, body):
            if again and self._has(trace, str(said.assessment_id)):
                continue
            with self._reachable():
                mlflow.log_assessment(trace, said)

    def _said(self, trace: str, body: Mapping[str, Any]) -> Iterator[Assessment]:
        decision = body["decision"]
        name = str(decision["decision"])
        at = int(datetime.fromisoformat(str(decision["at"])).timestamp() * 1000)
        common: dict[str, Any] = {
            "trace_id": trace,
            "source": AssessmentSource(source_type="HUMAN", source_id=str(decision["actor"])),
            "create_time_ms": at,
            "last_update_time_ms": at,
            "metadata": {
                shown: str(value)
                for shown, value in (
                    ("decision_id", decision["id"]),
                    ("recommendation_id", body.get("recommendation_id")),
                    ("digest", decision.get("digest")),
                    ("seat", decision.get("seat_role")),
                    ("reason_code", decision.get("reason_code")),
                )
                if value is not None
            },
        }
        if name == "override" and body.get("becomes"):
            value = {"action": body["becomes"]["action"], "draft_changed": bool(body.get("draft_changed"))}
            yield self._named(Expectation(name="override", value=value, **common), decision)
        yield self._named(Feedback(name="decision", value=name, **common), decision)

    def _named(self, said: Assessment, decision: Mapping[str, Any]) -> Assessment:
        said.assessment_id = assessment_id(self.experiment, str(decision["id"]), said.name)
        return said

    def _has(self, trace: str, assessment: str) -> bool:
        with self._reachable():
            try:
                mlflow.get_assessment(trace, assessment)
            except RestException as error:
                if error.error_code != _MISSING:
                    raise
                return False
        return True

    # Models ----------------------------------------------------------------------------------------------

    def register(
        self,
        model: str,
        files: Sequence[Path],
        digest: str,
        *,
        params: Mapping[str, str] | None = None,
        metrics: Mapping[str, float] | None = None,
    ) -> str:
        """A new version of a registered model whose artefacts are `files`; its version number.

        The same digest again is the same version.
        """
        client = self._open()
        known = self._version(model, digest)
        if known is not None:
            return str(known.version)
        with self._reachable():
            try:
                client.create_registered_model(model)
            except RestException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
            with mlflow.start_run(run_name=model, experiment_id=self._experiment_id) as run:
                mlflow.log_params({"digest": digest, **(params or {})})
                mlflow.log_metrics(dict(metrics or {}))
                for path in files:
                    mlflow.log_artifact(str(path), "model")
            made = client.create_model_version(
                model, f"{run.info.artifact_uri}/model", run.info.run_id, tags={"digest": digest}
            )
        return str(made.version)

    def champion(self, model: str) -> str | None:
        """The digest of the version that the alias `champion` points at; None where it points at none."""
        client = self._open()
        with self._reachable():
            try:
                found = client.get_model_version_by_alias(model, CHAMPION)
            except RestException as error:
                if error.error_code not in (_MISSING, "INVALID_PARAMETER_VALUE"):
                    raise
                return None
        return found.tags.get("digest")

    def set_champion(self, model: str, digest: str) -> None:
        """Point the alias `champion` at the version with this digest. Raises Refusal where it is not registered."""
        version = self._version(model, digest)
        if version is None:
            raise Refusal(f"no version of {model} in MLflow has the digest {digest}: register it first")
        with self._reachable():
            self._open().set_registered_model_alias(model, CHAMPION, str(version.version))

    def _version(self, model: str, digest: str) -> ModelVersion | None:
        client = self._open()
        with self._reachable():
            found = client.search_model_versions(f"name = '{model}' and tags.digest = '{digest}'")
        return found[0] if found else None

    # Runs ------------------------------------------------------------------------------------------------

    def log_run(
        self, name: str, params: Mapping[str, str], metrics: Mapping[str, float], files: Sequence[Path] = ()
    ) -> str:
        """One finished run with its metrics and files; its id."""
        self._open()
        with self._reachable(), mlflow.start_run(run_name=name, experiment_id=self._experiment_id) as run:
            mlflow.log_params(dict(params))
            mlflow.log_metrics(dict(metrics))
            for path in files:
                mlflow.log_artifact(str(path))
            return str(run.info.run_id)
