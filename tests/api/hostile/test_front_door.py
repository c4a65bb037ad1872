"""Hostile files and names through the doors that people use: the command line and HTTP."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from api.commands import read
from tests.api.conftest import PROBLEM, Api
from tests.api.hostile.markup import MARKUP
from tests.api.hostile.packed import PACKED
from tests.api.hostile.pdfs import PDFS, good
from tests.api.hostile.plain import PLAIN
from tests.api.hostile.runner import NEIGHBOUR

CORPUS = {**MARKUP, **PACKED, **PDFS, **PLAIN}
SAMPLE = (
    "bank_mt940_cut", "bank_mt940_nonsense", "book_far_cell", "book_formulas", "book_laughs", "book_name_of_sheet",
    "book_xxe", "book_cut", "bytes_every_byte", "bytes_noise_100", "bytes_nothing", "bytes_one_nul", "bytes_utf_16_odd",
    "csv_controls", "csv_formula", "csv_surrogate", "csv_turned_around", "json_deep_objects", "json_half_surrogate",
    "json_markup", "json_nul", "json_same_key", "mail_base64_broken", "mail_charset_is_a_codec", "mail_name_controls",
    "mail_name_traversal", "mail_name_turned_around", "mail_subject_controls", "mail_winmail", "mail_mails_deep_20",
    "pdf_attached_traversal", "pdf_cut_at_50", "pdf_encrypted", "pdf_form_in_itself", "pdf_pages_loop",
    "pdf_polyglot_html", "pdf_xref_size", "picture_png_2_billion", "picture_png_cut",
    "text_instructions", "text_template", "text_terminal", "text_turned_around", "xml_billion_laughs",
    "xml_amount_1e400", "xml_cut_at_50", "xml_number_is_a_formula", "xml_number_is_markup", "xml_surrogates",
    "xml_xxe_file",
)  # fmt: skip
NAMES = (
    "=cmd|' C calc'!A0.xml", "-rf", "--json", "a\nb.xml", "a\tb\x1b[31m.xml", "\u202elmx.exe", "zero\u200bwidth.xml",
    "quote\".xml", "%s%n{0}.xml", "<script>.xml", "a" * 240 + ".xml", "COM1", " .xml", "ünï.xml", "$(id).xml",
)  # fmt: skip
BAD_NAMES = (*NAMES, "../../etc/passwd", "C:\\a\\b.xml", "a\x00b", "x" * 4000, "", "/", "..", "\ud800")


@pytest.fixture(autouse=True)
def untrained(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command without a trained model."""
    models = SimpleNamespace(default_bundle=lambda home, progress=None: SimpleNamespace(classifier=None))
    monkeypatch.setitem(sys.modules, "models.bundle", models)


def lines(folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, list[dict[str, object]]]:
    args = argparse.Namespace(paths=[folder], map=None, currency=None, json=True, out=None, home=folder)
    code = read.run(args)
    return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_the_command_reads_a_folder_of_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in SAMPLE:
        (tmp_path / name).write_bytes(CORPUS[name]())
    (tmp_path / "good.txt").write_bytes(NEIGHBOUR)
    code, found = lines(tmp_path, capsys)
    assert code == 1
    told = {Path(str(line["path"]).partition("#")[0]).name for line in found}
    assert told >= {*SAMPLE, "good.txt"} - {"mail_name_traversal"}
    rejected = [line for line in found if line["document_class"] is None]
    assert all(str(line["error"]) for line in rejected)
    (honest,) = [line for line in found if Path(str(line["path"])).name == "good.txt"]
    assert honest["document_class"] == "invoice"


def test_the_command_reads_files_of_any_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in (*NAMES, os.fsdecode(b"\xff\xfe.xml")):
        (tmp_path / name).write_bytes(NEIGHBOUR)
    code, found = lines(tmp_path, capsys)
    assert (code, len(found)) == (0, len(NAMES) + 1)
    assert {line["document_class"] for line in found} == {"invoice"}


def test_http_answers_them_beside_a_good_one(api: Api) -> None:
    files = [("file", (name, CORPUS[name](), "application/pdf")) for name in SAMPLE]
    answer = api.of("service").post("/v1/documents", files=[*files, ("file", ("good", NEIGHBOUR))], timeout=300)
    assert answer.status_code in (202, 413), answer.text
    for start in range(0, len(files), 10):
        answer = api.of("service").post(
            "/v1/documents", files=[*files[start : start + 10], ("file", (f"good-{start}", NEIGHBOUR))], timeout=300
        )
        assert answer.status_code == 202, answer.text
        items = answer.json()["items"]
        assert items[-1]["status"] in ("accepted", "already_known")
        assert all(item["status"] in ("accepted", "already_known", "rejected") for item in items)
        assert all(item["reason"] for item in items if item["status"] == "rejected")


def test_http_answers_each_alone(api: Api) -> None:
    service = api.of("service")
    for name in SAMPLE:
        answer = service.post("/v1/documents", content=CORPUS[name](), params={"name": name}, timeout=300)
        assert answer.status_code in (202, 400, 422), (name, answer.text)
        if answer.status_code != 202:
            assert answer.headers["content-type"] == PROBLEM, name


def test_http_takes_files_of_any_name(api: Api) -> None:
    for number, name in enumerate(BAD_NAMES):
        content = good() + b"\n%% %d" % number
        answer = api.of("service").post(
            "/v1/documents", content=content, params={"name": name.encode("utf-8", "surrogatepass")}
        )
        assert answer.status_code in (202, 400), answer.text
        if answer.status_code == 202:
            path = answer.json()["items"][0]["path"]
            assert path.isprintable() or "\u200b" in path or "\u202e" in path
            assert len(path) <= 200
            assert "/" not in path
            assert "\\" not in path
        else:
            assert answer.headers["content-type"] == PROBLEM
