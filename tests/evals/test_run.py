"""countersign-evals run: what it prints and writes, when it fails, and what it leaves in MLflow."""

from __future__ import annotations

import errno
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import rfc8785

import api.cli
from evals import cli, lab, report, suites, thresholds
from governance.errors import Refusal, Unavailable
from models.bundle import MANIFEST, standard
from tests.evals.test_report import assert_self_contained

pytestmark = pytest.mark.xdist_group("evals")  # one worker makes what they share

ROOT = Path(__file__).resolve().parents[2]
SMALL = ("--scale", "0.05", "--resamples", "5", "--no-data")


class FakeLab:
    """An MLflow that remembers, or that refuses."""

    def __init__(self, refusal: Refusal | None = None) -> None:
        self.refusal = refusal
        self.runs: list[tuple[str, Mapping[str, str], Mapping[str, float], list[str]]] = []

    def log_run(
        self, name: str, params: Mapping[str, str], metrics: Mapping[str, float], files: Sequence[Path] = ()
    ) -> str:
        if self.refusal is not None:
            raise self.refusal
        self.runs.append((name, params, metrics, [path.read_text() for path in files]))
        return f"run-{len(self.runs)}"

    def register(
        self, model: str, files: Sequence[Path], digest: str, *, metrics: Mapping[str, float] | None = None
    ) -> str:
        raise AssertionError("a run registers nothing")


def use(monkeypatch: pytest.MonkeyPatch, fake: FakeLab) -> None:
    @contextmanager
    def opened(url: str | None, home: Path) -> Iterator[FakeLab]:
        yield fake

    monkeypatch.setattr(lab, "open_lab", opened)


@pytest.fixture(autouse=True)
def marks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pass marks that hold for any size of the sets: those of the product are meant for the full one."""
    path = tmp_path / "own-marks.toml"
    path.write_text(
        "[gate.promises]\nalways_a_person = { at_least = 1.0 }\n[drafts.letters]\nrefused_iban = { at_least = 1.0 }\n"
    )
    read = thresholds.read_marks
    monkeypatch.setattr(thresholds, "read_marks", lambda given: read(given or path))


def evals(*words: str | Path) -> int:
    return cli.main([str(word) for word in words])


def test_a_run_prints_json_lines_writes_a_report_and_passes(
    models_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], said: list[str]
) -> None:
    assert evals("run", "gate", "drafts", "--bundle", models_folder, "--home", tmp_path, "--json", *SMALL) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {line["suite"] for line in lines} == {"gate", "drafts"}
    assert all(set(line) >= {"dataset", "metric", "value", "low", "high", "count", "passed"} for line in lines)
    assert any(line["passed"] for line in lines)
    assert not any(line["passed"] is False for line in lines)
    (report,) = (tmp_path / "evals").glob("*.html")
    assert re.fullmatch(r"\d{8}T\d{6}Z-drafts-gate\.html", report.name)
    text = report.read_text()
    page = assert_self_contained(text)
    assert str(tmp_path) not in text
    assert len(page.of("svg")) == 2
    assert json.loads((models_folder / MANIFEST).read_text())["versions"]["scikit-learn"] in text
    assert f"report: {report}" in said
    assert any("nothing is logged to MLflow" in line for line in said)


def test_a_table_for_people_names_what_has_a_mark(
    models_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "deep" / "report.html"
    assert evals("run", "gate", "--bundle", models_folder, "--home", tmp_path, "--out", out, *SMALL) == 0
    shown = capsys.readouterr()
    assert "always_a_person" in shown.out
    assert "people_per_case" not in shown.out
    assert "more metrics without a pass mark" in shown.out
    assert_self_contained(out.read_text())


def test_a_raised_pass_mark_is_missed(models_folder: Path, tmp_path: Path, said: list[str]) -> None:
    marks = tmp_path / "marks.toml"
    marks.write_text("[gate.promises]\nalways_a_person = { at_least = 1.01 }\n")
    out = tmp_path / "report.html"
    words = ("--home", tmp_path, "--out", out, "--thresholds", marks)
    assert evals("run", "gate", "--bundle", models_folder, *words, *SMALL) == 1
    assert "missed: gate promises/always_a_person is 1.000, must be at least 1.01" in said
    assert "1 of 1 pass marks missed" in out.read_text()


def test_the_same_seed_prints_the_same(models_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outputs = []
    for seed in ("7", "7", "8"):
        evals("run", "drafts", "--bundle", models_folder, "--home", tmp_path, "--json", "--seed", seed, *SMALL)
        outputs.append(capsys.readouterr().out)
    assert outputs[0] == outputs[1] != outputs[2]


def test_every_suite_is_logged_with_its_metrics_and_the_report(
    models_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakeLab()
    use(monkeypatch, fake)
    assert evals("run", "gate", "drafts", "--bundle", models_folder, "--home", tmp_path, "--json", *SMALL) == 0
    assert [name for name, *_ in fake.runs] == ["eval drafts", "eval gate"]
    _, params, metrics, files = fake.runs[1]
    assert params["seed"] == "1"
    assert params["models"].startswith("sha256:")
    assert metrics["promises/always_a_person"] == 1.0
    assert files[0].startswith("<!DOCTYPE html>")


@pytest.mark.parametrize("refusal", [Unavailable("MLflow does not answer: gone"), Refusal("MLflow refuses: quota")])
def test_a_lab_that_does_not_take_it_costs_a_warning(
    models_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: list[str], refusal: Refusal
) -> None:
    use(monkeypatch, FakeLab(refusal))
    out = tmp_path / "report.html"
    assert evals("run", "gate", "--bundle", models_folder, "--home", tmp_path, "--out", out, *SMALL) == 0
    assert out.exists()
    assert f"eval gate is not logged: {refusal.detail}" in said


def flip_a_bit(folder: Path) -> None:
    path = folder / "risk.skops"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def edit_manifest(folder: Path) -> None:
    path = folder / MANIFEST
    path.write_bytes(path.read_bytes().replace(b'"seed":', b'"seed": '))


def of_another_version(folder: Path) -> None:
    manifest = json.loads((folder / MANIFEST).read_bytes())
    manifest["versions"]["scikit-learn"] = "0.24.2"
    (folder / MANIFEST).write_bytes(rfc8785.dumps(manifest))


@pytest.mark.parametrize(
    ("spoil", "code", "words"),
    [
        (flip_a_bit, cli.TAMPERED, "is not the file that the manifest names"),
        (edit_manifest, cli.TAMPERED, "is not the canonical manifest"),
        (lambda folder: (folder / "classifier.skops").unlink(), cli.TAMPERED, "cannot be read"),
        (of_another_version, cli.FAILED, "made with scikit-learn 0.24.2"),
    ],
)
def test_a_bundle_of_no_use_is_refused_by_evals_and_read_alike(
    spoil: Callable[[Path], object],
    code: int,
    words: str,
    copy: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    spoil(copy)
    assert evals("run", "gate", "--bundle", copy, "--home", tmp_path / "home", *SMALL) == code
    first = capsys.readouterr()
    folder = standard(tmp_path / "home" / "models")
    shutil.copytree(copy, folder)
    letter = tmp_path / "letter.txt"
    letter.write_text("please pay")
    assert api.cli.main(["read", str(letter), "--json", "--home", str(tmp_path / "home")]) == code
    second = capsys.readouterr()
    for shown in (first, second):
        assert words in shown.err
        assert "train again" in shown.err
        assert len(shown.err.splitlines()) == 1
        assert shown.out == ""
    assert not (tmp_path / "home" / "evals").exists()
    assert sorted(path.name for path in (tmp_path / "home" / "models").iterdir()) == [folder.name]


@pytest.mark.parametrize(
    ("out", "code", "words"),
    [
        ("folder", cli.USAGE, "is a folder: give the name of a file"),
        ("file/report.html", cli.FAILED, "File exists"),
        ("file/deep/report.html", cli.USAGE, "Not a directory"),
        ("x" * 300, cli.FAILED, "File name too long"),
    ],
)
def test_a_report_that_cannot_be_written_is_said_before_anything_is_measured(
    out: str,
    code: int,
    words: str,
    models_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(suites, "run", lambda *given: pytest.fail("measured"))
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("mine")
    words_given = ("--bundle", models_folder, "--home", tmp_path, "--out", tmp_path / out)
    assert evals("run", "gate", *words_given, *SMALL) == code
    assert words in capsys.readouterr().err
    assert (tmp_path / "file").read_text() == "mine"


def test_figures_are_shown_even_where_the_report_is_lost(
    models_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(done: object) -> str:
        raise OSError(errno.ENOSPC, "No space left on device", "report.html")

    monkeypatch.setattr(report, "html", full)
    out = tmp_path / "report.html"
    words = ("--bundle", models_folder, "--home", tmp_path, "--out", out, "--json")
    assert evals("run", "gate", *words, *SMALL) == cli.FAILED
    shown = capsys.readouterr()
    assert "report.html: No space left" in shown.err
    assert "always_a_person" in shown.out
    assert not out.exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("run",), "required"),
        (("run", "everything"), "invalid choice"),
        (("run", "gate", "--scale", "0"), "--scale must be above 0"),
        (("run", "gate", "--scale", "nan"), "--scale must be above 0"),
        (("run", "gate", "--data", "/nowhere/at/all"), "there is no such folder"),
        (("run", "gate", "--data", ".", "--no-data"), "not allowed with"),
        (("run", "gate", "--thresholds", "/nowhere/marks.toml"), "No such file"),
        (("train", "gate", "--data", "x.csv"), "invalid choice"),
        (("train", "risk"), "give --data FILE"),
        (("bench", "--repeats", "0"), "--repeats at least 1"),
        (("benhc",), "do you mean bench?"),
        (("relpay",), "do you mean replay?"),
    ],
)
def test_what_a_person_can_get_wrong_is_exit_2(
    words: tuple[str, ...], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = () if words[0] in ("benhc", "replay") else ("--home", str(tmp_path))
    assert evals(*words, *home) == cli.USAGE
    shown = capsys.readouterr()
    assert message in shown.err
    assert shown.out == ""


def test_help_lists_what_there_is_and_imports_nothing_heavy() -> None:
    code = (
        "import sys; from evals import cli; cli.main(['--help'])\n"
        "for name in cli.COMMANDS: cli.parser_of(name)\n"
        "heavy = {'numpy', 'sklearn', 'mlflow', 'pandas', 'torch', 'duckdb', 'langgraph', 'rich'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert re.search(r"^  run .*\n  train .*\n  replay .*\n  promote .*\n(  .*\n)*  bench ", done.stdout, re.MULTILINE)


def test_without_a_command_it_says_how_to_use_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert evals() == cli.USAGE
    assert evals("--help") == cli.OK
    assert evals("--version") == cli.OK
    assert "countersign-evals" in capsys.readouterr().out
