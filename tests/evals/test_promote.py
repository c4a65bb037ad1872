"""A trained bundle becomes champion through the gate; what triages is what the record names."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from governance.errors import Unavailable
from models import champions
from models.bundle import MANIFEST, Bundle, load, manifest_digest
from models.champions import champion_bundle


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
