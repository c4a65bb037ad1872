"""What an evaluation leaves in MLflow: one run a suite, one version a trained model. Losing it loses no result."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from governance.errors import Refusal

EXPERIMENT = "countersign-evals"


class Runs(Protocol):
    """The part of models.tracking.Lab that evaluations use."""

    def log_run(
        self, name: str, params: Mapping[str, str], metrics: Mapping[str, float], files: Sequence[Path] = ()
    ) -> str: ...

    def register(
        self, model: str, files: Sequence[Path], digest: str, *, metrics: Mapping[str, float] | None = None
    ) -> str: ...


def say(message: str) -> None:
    """A message for the person at the terminal; stdout stays clean for the result."""
    sys.stderr.write(f"countersign-evals: {message}\n")


@contextlib.contextmanager
def open_lab(url: str | None, home: Path) -> Iterator[Runs | None]:
    """The server at `url`, else that of COUNTERSIGN_MLFLOW_URL, else the one beside HOME; None, and a word, without."""
    from api.lab_server import read_note
    from api.settings import load_settings

    found = url or load_settings(home).mlflow_url or read_note(home)
    if not found:
        say("nothing is logged to MLflow: give --mlflow-url or set COUNTERSIGN_MLFLOW_URL")
        yield None
        return
    # Importing MLflow takes seconds: only those who log pay for it.
    from models.tracking import Lab

    with contextlib.closing(Lab(found, EXPERIMENT)) as lab:
        yield lab


def log(
    lab: Runs | None, name: str, params: Mapping[str, str], metrics: Mapping[str, float], files: Sequence[Path]
) -> str | None:
    """One run; its id, or None where nothing could be logged. A server that does not answer costs a warning."""
    if lab is None:
        return None
    try:
        return lab.log_run(name, params, metrics, files)
    except Refusal as refusal:
        say(f"{name} is not logged: {refusal.detail}")
        return None


def register(
    lab: Runs | None, home: Path, part: str, folder: Path, digest: str, metrics: Mapping[str, float]
) -> str | None:
    """A new version of the model `part` under the name by which the champion's alias knows it; its number, or None."""
    from api.delivery.champions import MANIFEST, registered_name

    if lab is None:
        return None
    name = registered_name(_tenant(home), part)
    try:
        return lab.register(name, [folder / f"{part}.skops", folder / MANIFEST], digest, metrics=metrics)
    except Refusal as refusal:
        say(f"{name} is not registered: {refusal.detail}")
        return None


def _tenant(home: Path) -> str:
    """The tenant of this installation, or `local` where none was founded here."""
    from api.keyring import read_keyring
    from api.settings import load_settings

    known = read_keyring(home)
    return load_settings(home).tenant or (known.tenant if known is not None else "local")
