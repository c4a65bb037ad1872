"""Over 400 hostile files: each ends in time and within memory, with an answer that says what to do, and harms no
neighbour. They are built here and read in a process of their own, which is measured."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.api.hostile.markup import MARKUP
from tests.api.hostile.packed import PACKED
from tests.api.hostile.pdfs import PDFS
from tests.api.hostile.plain import PLAIN
from tests.api.hostile.runner import SECONDS

ROOT = Path(__file__).resolve().parents[3]
CORPUS = {**MARKUP, **PACKED, **PDFS, **PLAIN}
MEMORY_MB = 512
# Their outcome is what the test is about; the others must only end well.
REFUSED = {
    "bytes_nothing": "empty",
    "bytes_too_large": "too_large",
    "bytes_gzip_bomb": "unsupported",
    "bytes_program": "unsupported",
    "bytes_utf_16_odd": "encoding",
    "csv_million_rows": "too_many_rows",
    "csv_million_short_rows": "too_many_rows",
    "csv_open_quote_late": "malformed_rows",
    "json_deep_arrays": "malformed_json",
    "json_many_objects": "too_many_rows",
    "json_same_key": "malformed_json",
    "mail_mails_deep_100000": "mail_limits",
    "pdf_encrypted": "encrypted_pdf",
    "pdf_flate_300_mb": "pdf_limits",
    "pdf_header_only": "malformed_pdf",
    "picture_png_30000": "picture_limits",
    "picture_png_cut": "malformed_picture",
    "book_shared_bomb": "workbook_limits",
    "book_overlapping": "workbook_limits",
    "xml_billion_laughs": "doctype",
    "xml_billion_laughs_utf16": "doctype",
    "xml_deep_100000": "malformed_xml",
    "xml_elements_20_mb": "xml_limits",
    "xml_quadratic": "doctype",
    "xml_xxe_file": "doctype",
}


SHARE = sorted({*REFUSED, *sorted(CORPUS)[::10]})


@pytest.fixture(scope="module", params=[pytest.param("share"), pytest.param("all", marks=pytest.mark.slow)])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files, each under its name: those that are refused for a reason of their own and each tenth, or all."""
    made: Path = tmp_path_factory.mktemp("hostile")
    for name in SHARE if request.param == "share" else CORPUS:
        (made / name).write_bytes(CORPUS[name]())
    return made


@pytest.fixture(scope="module")
def answers(folder: Path) -> dict[str, dict[str, Any]]:
    """What the runner says of each file, by name."""
    paths = sorted(folder.iterdir())
    with subprocess.Popen(
        [sys.executable, "-m", "tests.api.hostile.runner"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    ) as running:
        said, _ = running.communicate("".join(f"{path}\n" for path in paths))
    lines = [json.loads(line) for line in said.splitlines()]
    assert [line["path"] for line in lines] == [str(path) for path in paths], "the runner did not survive"
    return {Path(line["path"]).name: line for line in lines}


def test_the_corpus_is_large_and_no_two_files_are_the_same(folder: Path) -> None:
    files = list(folder.iterdir())
    assert len({hashlib.sha256(path.read_bytes()).digest() for path in files}) == len(files)
    assert len(CORPUS) >= 400


def test_each_ends_in_time(answers: dict[str, dict[str, Any]]) -> None:
    """Seconds of CPU: the clock would measure what else this machine does."""
    slow = {name: answer["cpu"] for name, answer in answers.items() if answer["cpu"] > SECONDS}
    assert not slow


def test_each_stays_within_memory(answers: dict[str, dict[str, Any]]) -> None:
    large = {
        name: (answer["parent_mb"], answer["child_mb"])
        for name, answer in answers.items()
        if max(answer["parent_mb"], answer["child_mb"]) > MEMORY_MB
    }
    assert not large


def test_no_neighbour_is_harmed(answers: dict[str, dict[str, Any]]) -> None:
    assert [name for name, answer in answers.items() if not answer["neighbour"]] == []


def test_each_refusal_says_what_to_do(answers: dict[str, dict[str, Any]]) -> None:
    for name, answer in answers.items():
        if answer["outcome"] == "rejected":
            assert answer["code"], name
            assert answer["reason"].endswith("."), name
            assert len(answer["reason"]) < 400, name
            assert any(word in answer["reason"] for word in ("Send", "send", "Ask", "Save", "Export", "Add", "Name",
                "Delete", "Rename", "Unpack", "install")), (name, answer["reason"])  # fmt: skip


def test_refused_for_their_own_reason(answers: dict[str, dict[str, Any]]) -> None:
    assert {name: answers[name]["code"] for name in REFUSED} == REFUSED


def test_no_process_is_left_over(answers: dict[str, dict[str, Any]]) -> None:
    """One child of each kind at most: those that were killed are gone, with all that they started."""
    assert max(answer["children"] for answer in answers.values()) <= 5


def test_nothing_from_this_machine_is_read_out(answers: dict[str, dict[str, Any]]) -> None:
    assert not [name for name, answer in answers.items() if "root:" in json.dumps(answer)]
