"""Models saved as one: nothing changed, nothing pickled, trained once."""

from __future__ import annotations

import hashlib
import io
import json
import multiprocessing
import shutil
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rfc8785
import skops.io
from sklearn.svm import SVC
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from governance.errors import Tampered, Unavailable
from models import bundle as bundles
from models.bundle import MANIFEST, Bundle, default_bundle, load, save, train_bundle
from models.duplicates import LabelledLedger, PairScorer, find_duplicates, training_pairs
from models.synthetic import company_month


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """On busy cores two OpenMP threads mostly wait for each other."""
    with threadpool_limits(limits=1):
        yield


@pytest.fixture(scope="module")
def stages() -> list[str]:
    return []


def small_scorer(months: Sequence[LabelledLedger], seed: int) -> PairScorer:
    """A scorer without the drills, which take most of the training time."""
    made = [training_pairs(month) for month in months]
    scorer = PairScorer(seed=seed, max_iter=40)
    return scorer.fit(np.vstack([table for table, _ in made]), np.concatenate([labels for _, labels in made]))


@pytest.fixture(scope="module")
def trained(stages: list[str]) -> Iterator[Bundle]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bundles, "train_pair_scorer", small_scorer)
        yield train_bundle(seed=5, progress=stages.append, scale=0.2)


@pytest.fixture(scope="module")
def saved(trained: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundle")
    save(trained, folder)
    return folder


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    """A copy that the test may spoil."""
    return Path(shutil.copytree(saved, tmp_path / "copy"))


def rewrite(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Changes the manifest and writes it in canonical form again."""
    manifest = json.loads((folder / MANIFEST).read_bytes())
    change(manifest)
    (folder / MANIFEST).write_bytes(rfc8785.dumps(manifest))


def forge(folder: Path, content: bytes) -> None:
    """Puts other bytes in the place of the classifier, with a manifest that agrees."""
    (folder / "classifier.skops").write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    rewrite(folder, lambda manifest: manifest["files"]["classifier.skops"].update(sha256=digest))


def test_what_is_loaded_answers_as_what_was_saved(trained: Bundle, saved: Path) -> None:
    loaded = load(saved)
    texts = ["Please pay {n} now", "Wir mahnen die Zahlung an", "the parties agree as follows", ""]
    assert np.array_equal(loaded.classifier.predict_proba(texts), trained.classifier.predict_proba(texts))
    for mine, theirs in zip(loaded.classifier.judge(texts), trained.classifier.judge(texts), strict=True):
        assert np.array_equal(mine, theirs)
    month = company_month(9, invoices=120, exceptions=0, mail=0)
    assert find_duplicates(month.invoices, loaded.pair_scorer) == find_duplicates(month.invoices, trained.pair_scorer)
    items = [item for item in month.receivables if item.clear_date is None]
    days = [month.today] * len(items)
    assert trained.risk.has_model
    assert loaded.risk.predict(items, days, month.receivables) == trained.risk.predict(items, days, month.receivables)


def test_the_models_learned_something(trained: Bundle) -> None:
    month = company_month(77, suppliers=60, invoices=500, exceptions=0, mail=0)
    truth = {frozenset(pair[:2]) for pair in month.duplicate_pairs if pair[2] == "resubmitted"}
    found = {frozenset((pair.left_id, pair.right_id)) for pair in find_duplicates(month.invoices, trained.pair_scorer)}
    assert len(truth & found) >= 0.8 * len(truth) > 0


def test_the_digest_is_that_of_the_canonical_manifest(saved: Path) -> None:
    raw = (saved / MANIFEST).read_bytes()
    loaded = load(saved)
    assert loaded.digest == f"sha256:{hashlib.sha256(raw).hexdigest()}"
    assert rfc8785.dumps(json.loads(raw)) == raw
    assert loaded.manifest["versions"]["scikit-learn"]
    assert loaded.manifest["seed"] == 5
    assert loaded.manifest["thresholds"] == {"classifier": loaded.classifier.threshold_}
    assert load(saved, expected=loaded.digest).digest == loaded.digest
    with pytest.raises(Tampered, match="has the digest"):
        load(saved, expected="sha256:" + "0" * 64)


def test_saving_again_gives_the_same_models_under_the_same_manifest_fields(trained: Bundle, tmp_path: Path) -> None:
    save(trained, tmp_path / "deep" / "folder")
    again = load(tmp_path / "deep" / "folder")
    save(again, tmp_path / "second")
    assert load(tmp_path / "second").manifest.keys() == again.manifest.keys()


@pytest.mark.parametrize("name", ["classifier", "pair_scorer", "risk"])
def test_a_changed_file_is_refused(folder: Path, name: str) -> None:
    path = folder / f"{name}.skops"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(Tampered, match="is not the file"):
        load(folder)
    path.unlink()
    with pytest.raises(Tampered, match="cannot be read"):
        load(folder)


@pytest.mark.parametrize("earlier", [b"1", b"2", b"3"])
def test_a_bundle_of_an_earlier_program_says_what_to_do(folder: Path, earlier: bytes) -> None:
    raw = (folder / MANIFEST).read_bytes()
    (folder / MANIFEST).write_bytes(raw.replace(b"countersign-bundle/4", b"countersign-bundle/" + earlier))
    with pytest.raises(Unavailable, match="countersign-evals promote"):
        load(folder)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda raw: raw.replace(b'"seed":5', b'"seed": 5'),
        lambda raw: raw + b"\n",
        lambda raw: raw[:-10],
        lambda raw: b"[]",
        lambda raw: b"",
        lambda raw: b"\xff\xfe",
        lambda raw: raw.replace(b"countersign-bundle/4", b"countersign-bundle/9"),
        lambda raw: raw.replace(b'"files":{', b'"files":{"extra.skops":{},'),
        lambda raw: raw.replace(b'"versions":{', b'"versions":{"a":1e999,'),
        lambda raw: raw.replace(b'"sha256":', b'"sha512":'),
        lambda raw: b"[" * 200_000,
    ],
)
def test_a_manifest_that_is_not_canonical_is_refused(folder: Path, spoil: Callable[[bytes], bytes]) -> None:
    raw = (folder / MANIFEST).read_bytes()
    assert spoil(raw) != raw
    (folder / MANIFEST).write_bytes(spoil(raw))
    with pytest.raises(Tampered, match="not the canonical manifest"):
        load(folder)


def test_another_minor_version_of_scikit_learn_is_refused(folder: Path) -> None:
    rewrite(folder, lambda manifest: manifest["versions"].update({"scikit-learn": "1.2.9"}))
    with pytest.raises(Unavailable, match=r"1\.2\.9.*train again"):
        load(folder)


def test_no_bundle_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="train one with"):
        load(tmp_path / "nothing")


def test_a_type_that_no_bundle_needs_is_refused(folder: Path) -> None:
    class Stranger:
        def __init__(self) -> None:
            self.command = "rm"

    Stranger.__qualname__ = "Stranger"
    globals()["Stranger"] = Stranger
    forge(folder, skops.io.dumps(Stranger()))
    with pytest.raises(Tampered, match="asks for types"):
        load(folder)


def test_another_model_in_its_place_is_refused(folder: Path) -> None:
    forge(folder, skops.io.dumps(SVC()))
    with pytest.raises(Tampered, match="holds a SVC"):
        load(folder)


def test_bytes_that_are_no_model_are_refused(folder: Path) -> None:
    forge(folder, b"not a zip file")
    with pytest.raises(Tampered):
        load(folder)
    empty = io.BytesIO()
    forge(folder, empty.getvalue())
    with pytest.raises(Tampered):
        load(folder)


@pytest.mark.parametrize("schema", ["[]", "{}", '{"__loader__": "ObjectNode"}', "nothing"])
def test_a_zip_file_with_nonsense_in_it_is_refused(folder: Path, schema: str) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("schema.json", schema)
    forge(folder, made.getvalue())
    with pytest.raises(Tampered, match="is no skops file"):
        load(folder)


def test_another_manifest_of_the_default_bundle_is_found_by_its_digest(
    trained: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundles, "train_bundle", lambda seed, progress: trained)
    digest = default_bundle(tmp_path).digest
    (note,) = (tmp_path / "models").glob("*.digest")
    assert note.read_text() == f"{digest}\n"
    (folder,) = (tmp_path / "models").glob("standard-*/")
    before = (folder / MANIFEST).read_bytes()
    rewrite(folder, lambda manifest: manifest.update(seed=99))
    with pytest.raises(Tampered, match=r"has the digest .*train again"):
        default_bundle(tmp_path)
    note.write_bytes(b"\xff")
    with pytest.raises(Tampered, match="holds no digest"):
        default_bundle(tmp_path)
    # A folder that was brought here by hand has no note: what its manifest says holds.
    note.unlink()
    assert default_bundle(tmp_path).manifest["seed"] == 99
    # Moved away, it is trained again, and the note is of the new one.
    (folder / MANIFEST).write_bytes(before)
    folder.rename(tmp_path / "away")
    assert default_bundle(tmp_path).digest == note.read_text().strip()


def test_the_default_bundle_is_trained_once(trained: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def quick(seed: int, progress: object) -> Bundle:
        calls.append(seed)
        return trained

    monkeypatch.setattr(bundles, "train_bundle", quick)
    (tmp_path / "models" / ".training-dead").mkdir(parents=True)
    first = default_bundle(tmp_path)
    second = default_bundle(tmp_path)
    assert calls == [bundles.SEED]
    assert first.digest == second.digest
    assert [path.name for path in (tmp_path / "models").iterdir() if path.name.startswith(".training")] == []


def test_a_training_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(seed: int, progress: object) -> Bundle:
        raise MemoryError

    monkeypatch.setattr(bundles, "train_bundle", broken)
    with pytest.raises(MemoryError):
        default_bundle(tmp_path)
    assert [path.name for path in (tmp_path / "models").iterdir()] == [".lock"]


def test_a_changed_default_bundle_is_not_trained_over(
    trained: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundles, "train_bundle", lambda seed, progress: trained)
    default_bundle(tmp_path)
    (risk,) = (tmp_path / "models").glob("standard-*/risk.skops")
    risk.write_bytes(b"changed")
    with pytest.raises(Tampered):
        default_bundle(tmp_path)


def _ask(home: Path, ready: Any, results: Any) -> None:
    ready.wait()
    results.put(default_bundle(home).digest)


def test_two_processes_at_once_train_once(trained: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "trainings"

    def quick(seed: int, progress: object) -> Bundle:
        with log.open("a") as file:
            file.write("one\n")
        return trained

    monkeypatch.setattr(bundles, "train_bundle", quick)
    context = multiprocessing.get_context("fork")
    ready, results = context.Barrier(3), context.Queue()
    processes = [context.Process(target=_ask, args=(tmp_path, ready, results)) for _ in range(3)]
    for process in processes:
        process.start()
    digests = {results.get(timeout=60) for _ in processes}
    for process in processes:
        process.join(timeout=60)
        assert process.exitcode == 0
    assert len(digests) == 1
    assert log.read_text() == "one\n"


def test_progress_is_told_each_stage(trained: Bundle, stages: list[str]) -> None:
    assert trained.digest == ""
    assert stages == ["document classifier", "duplicate scorer", "collection risk"]


@pytest.mark.slow
def test_the_shipped_models_are_trained_in_a_minute(tmp_path: Path) -> None:
    started = time.monotonic()
    shipped = default_bundle(tmp_path)
    assert time.monotonic() - started < 90
    assert shipped.risk.has_model
    month = company_month(4711, suppliers=80, invoices=1200, exceptions=0, mail=0)
    truth = {frozenset(pair[:2]) for pair in month.duplicate_pairs}
    found = {frozenset((pair.left_id, pair.right_id)) for pair in find_duplicates(month.invoices, shipped.pair_scorer)}
    assert len(truth & found) > 0.75 * len(truth)
    assert len(truth & found) > 0.75 * len(found)
