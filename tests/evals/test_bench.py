"""countersign-evals bench: ratios to a floor of the same run, and a floor that does the least."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest

from evals import bench, cli
from models.pair_drills import drill

pytestmark = pytest.mark.xdist_group("evals")  # one worker makes what they share


def test_every_part_is_timed_beside_its_floor(
    models_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("bench", "--bundle", models_folder, "--home", tmp_path, "--scale", "0.02", "--repeats", "1")
    assert cli.main([*map(str, words), "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["unit"] for line in lines] == ["ms", "ms", "us"]
    for line in lines:
        assert line["time"] > 0
        assert line["floor_time"] > 0
        assert line["items"] > 0
        assert line["ratio"] > 1, "the floor does less than the part"
    out = tmp_path / "bench.csv"
    assert cli.main([*map(str, words), "--out", str(out)]) == 0
    with out.open() as stream:
        assert [row["part"] for row in csv.DictReader(stream)] == [line["part"] for line in lines]


def test_the_exact_join_finds_what_agrees_in_everything() -> None:
    invoices = drill(5, vendors=6).invoices[:120]
    invoices += [replace(invoices[0], invoice_id="copy-1"), replace(invoices[0], invoice_id="copy-2")]

    def key(one: object) -> tuple[object, ...]:
        return tuple(getattr(one, name) for name in ("vendor_id", "invoice_no", "amount"))

    slow = {frozenset((a.invoice_id, b.invoice_id)) for a, b in combinations(invoices, 2) if key(a) == key(b)}
    assert {frozenset(pair) for pair in bench.exact_pairs(invoices)} == slow
    assert len(slow) >= 3


def test_the_best_of_several_runs_counts() -> None:
    calls = iter(range(3))
    assert 0.0 <= bench.best(lambda: sum(range(next(calls) * 1000)), 3) < 1.0
    with pytest.raises(StopIteration):
        next(calls)
