"""countersign-evals train documents on what people corrected: used when it is enough, and said when it is not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from evals import cli, lab, labels, training
from governance.record import corrections
from governance.record.corrections import LabelledText
from governance.record.db import Database
from models.bundle import load
from models.synthetic_text import labelled_texts
from tests.build import World, world
from tests.conftest import PASSWORDS
from tests.evals.sample_folder import write_csv

pytestmark = pytest.mark.xdist_group("evals")

Train = Callable[..., int]


@pytest.fixture
def acme(database: Database, monkeypatch: pytest.MonkeyPatch) -> World:
    """A tenant that the command finds through the environment."""
    made = world(database)
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", database.url("owner"))
    monkeypatch.setenv("COUNTERSIGN_TENANT", made.tenant)
    for role, password in PASSWORDS.items():
        monkeypatch.setenv(f"COUNTERSIGN_{role.upper()}_PASSWORD", password)
    monkeypatch.setenv("COUNTERSIGN_API_KEY", made.tokens["ml_engineer"])
    return made


@pytest.fixture
def train(models_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Train:
    """The command with small models and no MLflow."""

    @contextmanager
    def opened(url: str | None, home: Path) -> Iterator[None]:
        yield None

    monkeypatch.setattr(lab, "open_lab", opened)
    monkeypatch.setattr(lab, "register", lambda *given: None)
    monkeypatch.setattr(training, "_FOLDS", 2)
    common = ("--bundle", models_folder, "--home", tmp_path, "--json", "--scale", "0.02", "--resamples", "5")
    return lambda *given: cli.main([str(word) for word in ("train", *given, *common)])


def teach(acme: World, count: int, document_class: str | None = None) -> None:
    """So many documents that an analyst has put into their class."""
    for at, one in enumerate(labelled_texts(77, count)):
        reading = {"text": one.text, "document_class": "other", "abstained": True, "basis": "none", "fields": {}}
        made = acme.accept(
            content=f"{at}".encode(), source_key=f"k{at}", document_class="other", reading=reading, supplier_id=None
        )
        digest = acme.scalar("SELECT facts_digest FROM cs.case_revisions WHERE case_id = %s", made["case_id"])
        right = document_class or ("invoice", "contract")[at % 2]
        with acme.database.transaction("review", acme.tokens["analyst"]) as conn:
            corrections.correct(conn, made["case_id"], digest, {"document_class": right}, None)


def test_not_enough_is_a_state_and_nothing_is_fitted(
    acme: World, train: Train, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(training, "documents", lambda *given: pytest.fail("fitted"))
    teach(acme, 7)
    assert train("documents") == cli.FAILED
    shown = capsys.readouterr()
    said = json.loads(shown.out)
    assert said["state"] == "not enough data yet (0 of 20)"
    assert {one["document_class"]: one["state"] for one in said["labelled"]} == {
        "invoice": "not enough data yet (4 of 5)", "contract": "not enough data yet (3 of 5)",
    }  # fmt: skip
    assert "not enough data yet" in shown.err


def test_what_people_corrected_is_fitted_on_beside_made_up_texts(
    acme: World, train: Train, capsys: pytest.CaptureFixture[str]
) -> None:
    teach(acme, 22)
    assert train("documents") == 0
    said = json.loads(capsys.readouterr().out)
    assert [one["state"] for one in said["labelled"]] == ["enough", "enough"]
    note = load(Path(said["folder"])).manifest["replaced"]["classifier"]
    assert (note["file"], note["rows"]) == ("the record", 22)
    assert said["champion"] is False


def test_a_file_may_stand_beside_the_record(
    acme: World, train: Train, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    teach(acme, 6, "receipt")
    data = tmp_path / "own.csv"
    rows = [{"text": one.text, "document_class": one.document_class} for one in labelled_texts(31, 40)]
    write_csv(data, rows)
    assert train("documents", "--data", data, "--from-record") == 0
    said = json.loads(capsys.readouterr().out)
    note = load(Path(said["folder"])).manifest["replaced"]["classifier"]
    assert (note["file"], note["rows"]) == ("own.csv and the record", 46)


def test_other_models_are_fitted_on_a_file(acme: World, train: Train, capsys: pytest.CaptureFixture[str]) -> None:
    assert train("risk") == cli.USAGE
    assert "give --data FILE" in capsys.readouterr().err


def test_without_a_database_it_says_what_to_do(train: Train, capsys: pytest.CaptureFixture[str]) -> None:
    assert train("documents") == cli.FAILED
    assert "database" in capsys.readouterr().err


def test_a_class_of_few_waits_and_a_supplier_is_one_writer() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)

    def row(at: int, name: str, supplier: str | None) -> LabelledText:
        return LabelledText(f"{at:064x}", name, f"text {at}", supplier, "analyst", "correction", now)

    rows = [row(at, "receipt", "S-1" if at < 3 else None) for at in range(6)] + [row(9, "contract", None)]
    found = labels.of(rows)
    assert {one.label for one in found.texts} == {"receipt"}
    assert len({one.group for one in found.texts}) == 4
    assert [(one["document_class"], one["documents"]) for one in found.classes] == [("contract", 1), ("receipt", 6)]
    assert labels.of(rows[:6]).source.sha256 == found.source.sha256 != labels.of(rows[:5]).source.sha256
