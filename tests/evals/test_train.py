"""countersign-evals train: files of no use are refused with a reason, good ones give a new bundle that loads."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evals import cli, lab, training
from evals.datasets import Labelled, Ledger
from models.bundle import Bundle, load
from models.duplicates import PAIR_FEATURES
from models.synthetic import company_month
from models.synthetic_text import labelled_texts
from tests.evals.conftest import small_scorer
from tests.evals.sample_folder import write_csv

pytestmark = pytest.mark.xdist_group("evals")  # one worker makes what they share

SMALL = ("--scale", "0.02", "--resamples", "5")
Rows = list[dict[str, Any]]


def text_rows(count: int = 60) -> Rows:
    return [
        {"text": one.text, "document_class": one.document_class, "source": "abc"[at % 3], "group": f"g{at % 12}"}
        for at, one in enumerate(labelled_texts(31, count))
    ]


def ledger_rows() -> Rows:
    made = company_month(31, suppliers=20, customers=5, invoices=300, exceptions=0, mail=0)
    copies = {copy: original for original, copy, _ in made.duplicate_pairs}
    return [{**asdict(one), "duplicate_of": copies.get(one.invoice_id, "")} for one in made.invoices]


def risk_rows(customers: int = 60) -> Rows:
    month = company_month(31, suppliers=5, customers=customers, invoices=10, exceptions=0, mail=0)
    return [{**asdict(one), "clear_date": one.clear_date or ""} for one in month.receivables]


ROWS: dict[str, Callable[[], Rows]] = {"documents": text_rows, "duplicates": ledger_rows, "risk": risk_rows}


SAME: dict[str, Callable[[Bundle, Bundle], bool]] = {
    "classifier": lambda old, new: np.array_equal(
        old.classifier.predict_proba(["please pay the invoice"]),
        new.classifier.predict_proba(["please pay the invoice"]),
    ),
    "pair_scorer": lambda old, new: np.array_equal(
        old.pair_scorer.predict_proba(np.eye(len(PAIR_FEATURES))),
        new.pair_scorer.predict_proba(np.eye(len(PAIR_FEATURES))),
    ),
    "risk": lambda old, new: np.array_equal(old.risk.portfolio_count_, new.risk.portfolio_count_),
}
"""Part → whether two bundles have the same one."""


def evals(*words: str | Path) -> int:
    return cli.main([str(word) for word in words])


class FakeLab:
    def __init__(self) -> None:
        self.versions: list[tuple[str, list[str], str, dict[str, float]]] = []

    def log_run(
        self, name: str, params: Mapping[str, str], metrics: Mapping[str, float], files: Sequence[Path] = ()
    ) -> str:
        raise AssertionError("training logs no run")

    def register(
        self, model: str, files: Sequence[Path], digest: str, *, metrics: Mapping[str, float] | None = None
    ) -> str:
        self.versions.append((model, [path.name for path in files], digest, dict(metrics or {})))
        assert all(path.is_file() for path in files)
        return "4"


@pytest.fixture(autouse=True)
def few_folds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "_FOLDS", 2)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeLab:
    made = FakeLab()

    @contextmanager
    def opened(url: str | None, home: Path) -> Iterator[FakeLab]:
        yield made

    monkeypatch.setattr(lab, "open_lab", opened)
    return made


@pytest.mark.parametrize(
    ("model", "part", "metric"),
    [("documents", "classifier", "model_accuracy"), ("duplicates", "pair_scorer", "pr_auc"), ("risk", "risk", "auc")],
)
def test_a_part_is_replaced_and_the_others_stay(
    model: str,
    part: str,
    metric: str,
    models_folder: Path,
    tmp_path: Path,
    fake: FakeLab,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(training, "train_pair_scorer", small_scorer)
    data = tmp_path / "own data.csv"
    write_csv(data, ROWS[model]())
    words = ("--data", data, "--bundle", models_folder, "--home", tmp_path / "home", "--json", *SMALL)
    assert evals("train", model, *words) == 0
    shown = capsys.readouterr()
    said = json.loads(shown.out)
    old, new = load(models_folder), load(Path(said["folder"]))
    assert new.digest == said["digest"] != old.digest == said["parent"]
    assert Path(said["folder"]).parent == tmp_path / "home" / "models"
    assert said["part"] == part
    assert 0.0 <= said["metrics"][metric] <= 1.0
    assert set(said["current"]) == set(said["metrics"])
    rules = {"customer rate", "due date", "plain boosting", "random trees"} if model == "risk" else set()
    assert set(said["beside"]) == rules
    assert all("brier" in said["beside"][name] for name in rules)
    assert said["champion"] is False
    assert "it is not champion" in shown.err
    note = new.manifest["replaced"][part]
    assert new.manifest["parent"] == old.digest
    assert note["file"] == "own data.csv"
    assert note["rows"] == len(ROWS[model]())
    assert note["metrics"][metric] == pytest.approx(said["metrics"][metric], abs=1e-6)
    assert str(tmp_path) not in json.dumps(new.manifest)
    for name, same in SAME.items():
        assert same(old, new) is (name != part), name
    assert fake.versions == [
        (f"countersign-local-{part}", [f"{part}.skops", "manifest.json"], new.digest, fake.versions[0][3])
    ]
    assert fake.versions[0][3][metric] == said["metrics"][metric]
    assert said["registered_version"] == "4"


def test_json_lines_are_as_good_and_out_is_where_it_goes(
    models_folder: Path, tmp_path: Path, fake: FakeLab, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "texts.jsonl"
    data.write_text(
        "\n".join(json.dumps({"label": one["document_class"], "Content": one["text"]}) for one in text_rows())
    )
    out = tmp_path / "mine"
    words = ("--data", data, "--bundle", models_folder, "--home", tmp_path, "--out", out, *SMALL)
    assert evals("train", "documents", *words) == 0
    shown = capsys.readouterr()
    assert load(out).manifest["replaced"]["classifier"]["split"].startswith("rows held out")
    assert load(out).digest in shown.out
    assert evals("train", "documents", *words) == cli.USAGE
    assert "give a folder that is empty" in capsys.readouterr().err


def test_a_place_that_cannot_be_written_is_said_before_anything_is_fitted(
    models_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(training, "documents", lambda *given: pytest.fail("fitted"))
    data = tmp_path / "texts.csv"
    write_csv(data, text_rows())
    words = ("--data", data, "--bundle", models_folder, "--home", tmp_path)
    assert evals("train", "documents", *words, "--out", data / "deep") == cli.FAILED
    assert "texts.csv: File exists" in capsys.readouterr().err
    assert evals("train", "documents", *words, "--out", data) == cli.USAGE
    assert "give a folder that is empty" in capsys.readouterr().err


def test_vendors_are_on_one_side_of_the_split() -> None:
    made = company_month(8, suppliers=20, customers=5, invoices=300, exceptions=0, mail=0)
    ledger = Ledger("given", list(made.invoices), list(made.duplicate_pairs))
    seen, unseen = training._by_vendor(ledger, 1)
    assert not {one.vendor_id for one in seen.invoices} & {one.vendor_id for one in unseen.invoices}
    assert len(seen.invoices) + len(unseen.invoices) == len(ledger.invoices)
    assert seen.duplicate_pairs
    assert unseen.duplicate_pairs
    assert (seen, unseen) == training._by_vendor(ledger, 1)
    one_vendor = [replace(one, vendor_id="V") for one in made.invoices]
    assert not training._by_vendor(Ledger("given", one_vendor, made.duplicate_pairs), 1)[1].invoices


def test_whole_sources_are_held_out_where_there_are_several() -> None:
    texts = [Labelled("t", "invoice", source, f"{source}|{at}") for source in "abc" for at in range(4)]
    folds, split = training._folds(texts, True, 1)
    assert split == "whole sources held out"
    assert sorted(at for fold in folds for at in fold) == list(range(12))
    assert not {texts[at].source for at in folds[0]} & {texts[at].source for at in folds[1]}
    folds, split = training._folds([replace(one, source="") for one in texts], True, 1)
    assert split == "whole groups held out"
    assert len(folds) == 2
