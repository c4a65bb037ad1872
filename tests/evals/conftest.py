"""A small bundle that every test of this package shares, and a HOME in which it is the standard one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from evals import lab
from models import bundle as bundles
from models.bundle import Bundle, load, save, train_bundle
from models.duplicates import LabelledLedger, PairScorer, training_pairs


def small_scorer(months: Sequence[LabelledLedger], seed: int, drills: int = 0) -> PairScorer:
    """A scorer without the drills, which take most of the training time."""
    made = [training_pairs(month) for month in months]
    scorer = PairScorer(seed=seed, max_iter=40)
    return scorer.fit(np.vstack([table for table, _ in made]), np.concatenate([labels for _, labels in made]))


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """On busy cores two OpenMP threads mostly wait for each other."""
    with threadpool_limits(limits=1):
        yield


@pytest.fixture(scope="session")
def models_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved bundle, fitted on little."""
    folder = tmp_path_factory.mktemp("evals") / "bundle"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bundles, "train_pair_scorer", small_scorer)
        save(train_bundle(seed=5, scale=0.15), folder)
    return folder


@pytest.fixture(scope="session")
def bundle(models_folder: Path) -> Bundle:
    return load(models_folder)


@pytest.fixture
def copy(models_folder: Path, tmp_path: Path) -> Path:
    """A copy of the bundle that the test may spoil."""
    return Path(shutil.copytree(models_folder, tmp_path / "copy"))


@pytest.fixture(autouse=True)
def no_lab(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test finds the MLflow of whoever runs it."""
    monkeypatch.delenv("COUNTERSIGN_MLFLOW_URL", raising=False)


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the command says to a person."""
    heard: list[str] = []
    monkeypatch.setattr(lab, "say", heard.append)
    return heard
