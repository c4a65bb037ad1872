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

from evals import cli, lab, material, training
from evals.datasets import Labelled, Ledger
from evals.material import How
from governance.errors import Malformed
from models.bundle import Bundle, load
from models.duplicates import PAIR_FEATURES
from models.pair_drills import drill
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
    made = drill(31, vendors=10, share=0.12)
    copies = {copy: original for original, copy, _ in made.duplicate_pairs}
    return [{**asdict(one), "duplicate_of": copies.get(one.invoice_id, "")} for one in made.invoices]


def risk_rows(customers: int = 60) -> Rows:
    month = company_month(31, suppliers=5, customers=customers, invoices=10, exceptions=0, mail=0)
    return [{**asdict(one), "clear_date": one.clear_date or ""} for one in month.receivables]


ROWS: dict[str, Callable[[], Rows]] = {"documents": text_rows, "duplicates": ledger_rows, "risk": risk_rows}


HEADERS = ("text", "document_class", *ledger_rows()[0], *risk_rows(2)[0])
"""A header of no rows that every model would take."""


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


def without(column: str) -> Callable[[Rows], Rows]:
    return lambda rows: [{name: cell for name, cell in row.items() if name != column} for row in rows]


def every(**cells: Any) -> Callable[[Rows], Rows]:
    return lambda rows: [{**row, **cells} for row in rows]


@pytest.mark.parametrize(
    ("model", "spoil", "words"),
    [
        ("documents", without("text"), "no column for text"),
        ("documents", without("document_class"), "no column for document_class"),
        (
            "documents",
            every(document_class="invoice"),
            "every text is 'invoice'; a classifier needs two classes or more",
        ),
        ("documents", every(document_class="bill"), "'bill' is no class; classes are invoice"),
        ("documents", every(text=" "), "60 of 60 rows are of no use; the first, on line 2: text is empty"),
        ("documents", every(text="NaN", document_class="NaN"), "60 of 60 rows are of no use"),
        ("documents", lambda rows: rows[:10], "10 texts, but it takes at least 20"),
        ("documents", every(source="s", group="one writer"), "all texts are of one group"),
        ("duplicates", without("duplicate_of"), "no column for duplicate_of"),
        ("duplicates", without("amount"), "no column for amount"),
        ("duplicates", every(duplicate_of=""), "duplicate_of is empty on every row"),
        ("duplicates", every(duplicate_of="D-UNKNOWN"), "which is not another row"),
        ("duplicates", every(invoice_id="D1"), "every row needs its own"),
        ("duplicates", every(amount="a lot"), "is not a number"),
        ("duplicates", every(amount="NaN"), "amount is empty"),
        ("duplicates", every(amount="1e999"), "is not a number"),
        ("duplicates", every(vendor_id="V1"), "Mark the duplicates of more vendors"),
        ("duplicates", lambda rows: rows[:20], "20 invoices, but it takes at least 40"),
        ("risk", without("clear_date"), "no column for clear_date"),
        ("risk", without("due_date"), "no column for due_date"),
        ("risk", every(clear_date=""), "0 paid invoices"),
        ("risk", lambda rows: [{**row, "clear_date": row["due_date"]} for row in rows], "was paid on time"),
        ("risk", lambda rows: [{**row, "clear_date": "2031-01-01"} for row in rows], "was paid late"),
        ("risk", lambda rows: rows[:30], "it takes at least 500"),
        ("risk", every(due_date="someday"), "is not a date"),
        ("risk", every(due_date="9999-12-31"), "is not between"),
        ("risk", every(amount="-1.00"), "is negative"),
    ],
)
def test_files_of_no_use_are_refused_with_a_reason(
    model: str,
    spoil: Callable[[Rows], Rows],
    words: str,
    models_folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    data = tmp_path / "data.csv"
    write_csv(data, spoil(ROWS[model]()))
    assert evals("train", model, "--data", data, "--bundle", models_folder, "--home", tmp_path) == cli.USAGE
    shown = capsys.readouterr()
    assert words in shown.err
    assert "Traceback" not in shown.err
    assert shown.out == ""
    assert not (tmp_path / "models").exists()


@pytest.mark.parametrize("model", list(ROWS))
@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("gone.csv", None, "No such file"),
        ("empty.csv", b"", "the file is empty"),
        ("empty.jsonl", b"\n\n", "the file is empty"),
        ("latin.csv", "text;document_class\nRückfrage;other\n".encode("cp1252"), "not readable as utf-8"),
        ("latin.jsonl", '{"text": "Rückfrage"}'.encode("cp1252"), "not readable as utf-8"),
        ("broken.jsonl", b'{"text": "a"}\n{"text": ', "broken.jsonl:2: not JSON"),
        ("list.jsonl", b"[1, 2]", "one JSON object"),
        ("keys.jsonl", b'{"colour": "red"}', "no key for"),
        ("picture.csv", b"\x89PNG\r\n\x1a\n\x00\x00", "not readable as utf-8"),
        ("wide.csv", "text;document_class\nRückfrage;other\n".encode("utf-16"), "say --encoding utf-16"),
        ("wide.csv", "text;document_class\nquestion;other\n".encode("utf-16-le"), "it has NUL characters"),
        ("nothing.csv", b"\0" * 200, "it has NUL characters"),
        ("header.csv", (",".join(HEADERS) + "\n").encode(), "it takes at least"),
        ("../", None, "is a folder: give one file of it"),
        ("gone/deep.csv", None, "No such file"),
    ],
)
def test_files_that_cannot_be_read_are_refused(
    model: str, name: str, content: bytes | None, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / name
    if content is not None:
        data.write_bytes(content)
    assert evals("train", model, "--data", data, "--home", tmp_path) == cli.USAGE
    shown = capsys.readouterr()
    assert words in shown.err
    assert len(shown.err.splitlines()) == 1
    assert shown.out == ""
    assert not (tmp_path / "models").exists(), "nothing is trained before the file is read"


def test_another_encoding_is_read_where_it_is_named(tmp_path: Path) -> None:
    data = tmp_path / "texts.csv"
    rows = text_rows(30)
    rows[0]["text"] = "Rückfrage zur Überweisung"
    lines = [
        "text,label",
        *(
            json.dumps(row["text"], ensure_ascii=False).replace('\\"', '""') + f",{row['document_class']}"
            for row in rows
        ),
    ]
    data.write_bytes("\n".join(lines).encode("cp1252", errors="replace"))
    found, source, grouped = material.texts(data, How("cp1252"))
    assert found[0].text == "Rückfrage zur Überweisung"
    assert (source.rows, grouped) == (30, False)
    with pytest.raises(Malformed, match="--encoding"):
        material.texts(data, How())
    with pytest.raises(Malformed, match="nonsense"):
        material.texts(data, How("nonsense"))


def test_a_mapping_file_says_which_column_is_which(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"Wortlaut": one["text"], "Art": one["document_class"]} for one in text_rows(30)]
    data, mapping = tmp_path / "texts.csv", tmp_path / "map.toml"
    write_csv(data, rows)
    assert evals("train", "documents", "--data", data, "--home", tmp_path) == cli.USAGE
    assert "Say which is which with --map" in capsys.readouterr().err
    mapping.write_text('[columns]\ntext = "Wortlaut"\ndocument_class = "Art"\n[format]\nencoding = "utf-8"\n')
    found, _, _ = material.texts(data, How(mapping=mapping))
    assert [(one.text, one.label) for one in found] == [(row["Wortlaut"], row["Art"]) for row in rows]
    (tmp_path / "texts.jsonl").write_text("{}\n")
    with pytest.raises(Malformed, match="for CSV files"):
        material.texts(tmp_path / "texts.jsonl", How(mapping=mapping))


def test_bad_rows_are_left_out_and_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = text_rows(40)
    rows[3]["document_class"] = "bill"
    data = tmp_path / "texts.csv"
    write_csv(data, rows)
    found, source, grouped = material.texts(data, How())
    assert (len(found), source.rows, grouped) == (39, 39, True)
    assert "'bill' is no class" in capsys.readouterr().err


def test_vendors_are_on_one_side_of_the_split() -> None:
    made = drill(8, vendors=12, share=0.15)
    ledger = Ledger("given", made.invoices, made.duplicate_pairs)
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
