"""What evaluations leave in a real MLflow, and what they do without one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from api.processes import free_port
from evals import cli, lab
from tests.lab import running_mlflow

pytestmark = pytest.mark.xdist_group("evals")  # one worker makes what they share


def test_runs_and_versions_arrive(
    models_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    folder = tmp_path / "mlflow"
    folder.mkdir()
    with running_mlflow(folder) as server:
        url = server.url
        words = ("--bundle", str(models_folder), "--home", str(tmp_path), "--mlflow-url", url)
        small = ("--scale", "0.05", "--resamples", "5", "--no-data", "--json")
        assert cli.main(["run", "gate", *words, *small]) == 0
        shown = capsys.readouterr()
        assert "not logged" not in shown.err
        with lab.open_lab(url, tmp_path) as opened:
            assert opened is not None
            digest = "sha256:" + "a" * 64
            first = lab.register(opened, tmp_path, "risk", models_folder, digest, {"auc": 0.8})
            again = lab.register(opened, tmp_path, "risk", models_folder, digest, {"auc": 0.8})
            assert first == again == "1"
        _assert_arrived(url, [json.loads(line) for line in shown.out.splitlines()], digest)


def _assert_arrived(url: str, lines: list[dict[str, object]], digest: str) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(url, url)
    experiment = client.get_experiment_by_name(lab.EXPERIMENT)
    assert experiment is not None
    runs = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    run = runs["eval gate"]
    said = {f"{line['dataset']}/{line['metric']}": line["value"] for line in lines}
    assert dict(run.data.metrics) == pytest.approx(said)
    assert run.data.params["models"].startswith("sha256:")
    assert next(item.path for item in client.list_artifacts(run.info.run_id)).endswith("-gate.html")
    (version,) = client.search_model_versions("name = 'countersign-local-risk'")
    assert version.tags["digest"] == digest


def test_a_server_that_is_away_costs_a_warning(
    models_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    words = ("--bundle", str(models_folder), "--home", str(tmp_path), "--json", "--scale", "0.05", "--resamples", "5")
    url = f"http://127.0.0.1:{free_port('127.0.0.1')}"
    assert cli.main(["run", "gate", *words, "--no-data", "--mlflow-url", url]) == 0
    shown = capsys.readouterr()
    assert "eval gate is not logged: MLflow does not answer" in shown.err
    assert shown.out.count("\n") > 5


def test_without_a_url_nothing_is_opened(tmp_path: Path, said: list[str]) -> None:
    with lab.open_lab(None, tmp_path) as opened:
        assert opened is None
    assert len(said) == 1
    assert lab.log(None, "eval gate", {}, {}, []) is None
    assert lab.register(None, tmp_path, "risk", tmp_path, "sha256:0", {}) is None
