"""A trained bundle becomes champion through the gate; what triages is what the record names."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from agents.context import Models
from agents.worker import Worker
from governance.errors import Unavailable
from governance.record.db import Database
from models import champions
from models.bundle import MANIFEST, Bundle, load, manifest_digest
from models.champions import Champions, champion_bundle
from tests.agents.scenes import HashEncoder
from tests.build import world


@pytest.fixture
def home(models_folder: Path, bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A HOME with the shipped bundle, which is the tests' small one, and another with the same models."""
    monkeypatch.setattr(champions, "default_bundle", lambda home: bundle)
    other = tmp_path / "models" / "other"
    shutil.copytree(models_folder, other)
    manifest = json.loads((other / MANIFEST).read_bytes())
    manifest["trained_on"] = "something else"
    import rfc8785

    (other / MANIFEST).write_bytes(rfc8785.dumps(manifest))
    return tmp_path


def test_without_champions_the_shipped_models_triage(home: Path, bundle: Bundle) -> None:
    assert champion_bundle(home, {}) is bundle
    assert champion_bundle(home, dict.fromkeys(("classifier", "pair_scorer", "risk"), bundle.digest)) is bundle


def test_each_model_comes_from_the_bundle_that_is_its_champion(home: Path, bundle: Bundle) -> None:
    other = load(home / "models" / "other")
    assert other.digest != bundle.digest
    mixed = champion_bundle(home, {"risk": other.digest})
    assert mixed.risk is not bundle.risk
    assert mixed.classifier is bundle.classifier
    assert mixed.digest not in (bundle.digest, other.digest)
    assert mixed.digest == champion_bundle(home, {"risk": other.digest}).digest
    whole = champion_bundle(home, dict.fromkeys(("classifier", "pair_scorer", "risk"), other.digest))
    assert whole.digest == other.digest


def test_a_champion_that_is_not_here_stops_the_start(home: Path) -> None:
    with pytest.raises(Unavailable, match="bring its folder here"):
        champion_bundle(home, {"risk": "sha256:" + "0" * 64})


def test_folders_that_hold_no_bundle_are_passed_over(home: Path, bundle: Bundle) -> None:
    broken = home / "models" / "broken"
    broken.mkdir()
    (broken / MANIFEST).write_text("{")
    raw = (home / "models" / "other" / MANIFEST).read_bytes()
    assert champion_bundle(home, {"risk": manifest_digest(raw)}).classifier is bundle.classifier


def test_a_process_that_lives_on_loads_the_new_champion_and_no_other(home: Path, bundle: Bundle) -> None:
    other = load(home / "models" / "other")
    kept = Champions(home)
    assert kept.bundle({}) is kept.shipped is bundle
    first = kept.bundle({"risk": other.digest})
    assert first.risk is not bundle.risk
    assert kept.bundle({"risk": other.digest}) is first, "loaded once"
    with pytest.raises(Unavailable, match="bring its folder here"):
        kept.bundle({"risk": "sha256:" + "0" * 64})
    (home / "models" / "other" / "risk.skops").write_bytes(b"another model")
    with pytest.raises(Unavailable, match="is not the file that the manifest names"):
        kept.bundle({"risk": other.digest})
    assert kept.bundle({}) is bundle


def test_a_worker_triages_with_the_bundle_that_was_promoted(home: Path, bundle: Bundle, database: Database) -> None:
    made = world(database)
    kept = Champions(home)
    models = Models(kept.shipped, HashEncoder())
    digest = load(home / "models" / "other").digest
    stamps = []
    with Worker(
        database, made.tokens["agent"], models, name="worker", champions=kept.bundle, champion_seconds=0
    ) as worker:
        for number in range(2):
            case_id = made.accept(source_key=f"key-{number}", invoice_id=f"INV-{number}")["case_id"]
            assert worker.drain().filed == number + 1
            envelope = made.scalar("SELECT envelope FROM cs.recommendations WHERE case_id = %s", case_id)
            stamps.append(json.loads(envelope)["stamps"]["bundle"])
            for part in ("classifier", "pair_scorer", "risk") if number == 0 else ():
                change = {"digest": digest}
                made.enact("ml_engineer", "model", part, change, signers=("reviewer", "controller"))
    assert stamps == [bundle.digest, digest]
