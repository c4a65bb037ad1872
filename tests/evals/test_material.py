"""Training files of users: what is wrong with one is said in a sentence, before anything is fitted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evals import cli, material
from evals.material import How
from governance.errors import Malformed
from tests.evals.sample_folder import write_csv
from tests.evals.test_train import ROWS, Rows, evals, ledger_rows, risk_rows, text_rows

pytestmark = pytest.mark.xdist_group("evals")  # one worker makes what they share

HEADERS = ("text", "document_class", *ledger_rows()[0], *risk_rows(2)[0])
"""A header of no rows that every model would take."""


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
        ("risk", every(amount="-1.00"), "0 paid invoices"),
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
