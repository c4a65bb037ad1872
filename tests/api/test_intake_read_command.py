"""countersign read: one line a document or row, nothing stored, exit code 1 where something was rejected."""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from api.commands import read
from governance.case import FIELD_NAMES
from governance.errors import Malformed
from tests.api.intake_samples import pdf, ubl
from tests.api.mail_samples import eml

SHAPE = {
    "path", "document_class", "confidence", "abstained", "basis", "fields", "field_confidence", "warnings",
    "evidence", "alternatives", "findings", "details",
}  # fmt: skip


@pytest.fixture(autouse=True)
def untrained(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command without a trained model: titles and structure alone."""

    models = SimpleNamespace(default_bundle=lambda home, progress=None: SimpleNamespace(classifier=None))
    monkeypatch.setitem(sys.modules, "models.bundle", models)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inbox = tmp_path / "inbox"
    (inbox / "deep").mkdir(parents=True)
    (inbox / "a.xml").write_text(ubl())
    (inbox / "deep" / "b.pdf").write_bytes(pdf("Rechnung Nr. 5 vom 01.02.2026"))
    (inbox / "deep" / "c.csv").write_text(
        "invoice_id,customer_id,posting_date,due_date,amount\n1,C,2026-01-01,2026-01-31,5\n2,C,2026-01-01,2026-01-31,x\n"
    )
    (inbox / ".hidden.xml").write_text("<a/>")
    return inbox


def run(capsys: pytest.CaptureFixture[str], *argv: str, home: Path) -> tuple[int, list[dict[str, Any]]]:
    parser = argparse.ArgumentParser()
    read.configure(parser)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args(argv)
    args.home = home
    code = read.run(args)
    out = capsys.readouterr().out
    return code, [json.loads(line) for line in out.splitlines()] if args.json and out else []


def test_a_folder_is_walked_and_rows_are_lines(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, lines = run(capsys, str(folder), "--json", "--currency", "EUR", home=tmp_path)
    assert code == 1
    assert [(Path(line["path"]).name, line.get("row"), line["document_class"]) for line in lines] == [
        ("a.xml", None, "invoice"),
        ("b.pdf", None, "invoice"),
        ("c.csv", 1, "invoice"),
        ("c.csv", 2, None),
    ]
    for line in lines:
        assert set(line) >= SHAPE
        assert set(line["fields"]) == set(line["field_confidence"]) == set(FIELD_NAMES)
    assert lines[0]["fields"]["total_amount"] == "1190.00"
    assert lines[1]["fields"]["issue_date"] == "2026-02-01"
    assert lines[2]["fields"]["due_date"] == "2026-01-31"
    assert lines[3]["error"] in lines[3]["warnings"]


def test_all_good_is_zero(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, lines = run(capsys, str(folder / "a.xml"), "--json", home=tmp_path)
    assert (code, len(lines)) == (0, 1)
    assert list(tmp_path.iterdir()) == [folder], "nothing is stored"


def test_out_is_a_table(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out.csv"
    code, _ = run(capsys, str(folder), "--out", str(out), home=tmp_path)
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert (code, len(rows)) == (1, 4)
    assert rows[0]["invoice_number"] == "RE-2026/0042"
    assert rows[3]["document_class"] == ""


def test_a_missing_path_and_a_wrong_currency_are_usage_errors(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(FileNotFoundError) as error:
        run(capsys, str(tmp_path / "nothing"), home=tmp_path)
    assert error.value.filename == str(tmp_path / "nothing")
    with pytest.raises(Malformed):
        run(capsys, str(tmp_path), "--currency", "euro", home=tmp_path)


def test_a_name_of_any_bytes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / os.fsdecode(b"r\xe9chnung.xml")).write_text(ubl())
    code, lines = run(capsys, str(inbox), "--json", home=tmp_path)
    assert (code, lines[0]["document_class"]) == (0, "invoice")


def test_a_file_that_cannot_be_opened_is_rejected(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Path.open

    def refuse(path: Path, *args: Any, **options: Any) -> Any:
        if path.name == "a.xml":
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *args, **options)

    monkeypatch.setattr(Path, "open", refuse)
    code, lines = run(capsys, str(folder / "a.xml"), str(folder / "deep" / "b.pdf"), "--json", home=tmp_path)
    assert code == 1
    assert "Permission denied" in lines[0]["error"]
    assert lines[1]["document_class"] == "invoice"


def test_a_mail_gives_a_line_a_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    mail = eml("Our invoice 5 is attached.", ("e.xml", ubl().encode()), ("scan.gif", b"GIF89a"))
    (inbox / "mail.eml").write_bytes(bytes(mail))
    code, lines = run(capsys, str(inbox), "--json", home=tmp_path)
    assert code == 1
    assert [(line["path"].removeprefix(f"{inbox}/"), line["document_class"]) for line in lines] == [
        ("mail.eml#1 e.xml", "invoice"),
        ("mail.eml#2 scan.gif", None),
    ]
    assert set(lines[0]) >= SHAPE
    assert lines[0]["details"]["mail"]["subject"] == "Invoice 42"
    assert "GIF" in lines[1]["error"]
