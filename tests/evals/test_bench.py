"""countersign-evals bench: ratios to a floor of the same run, and a floor that does the least."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest

from api.intake.bills import ledger_rows
from evals import bench, bench_twins, cli
from evals.bench_judgement import GOAL, STEPS
from governance.record.db import Database
from models.pair_drills import drill
from tests.build import world

pytestmark = pytest.mark.xdist_group("evals")  # one worker makes what they share


def test_every_part_is_timed_beside_its_floor(
    models_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench_twins, "CASES", 10)
    monkeypatch.setattr(bench_twins, "_TOLD", 20)
    words = ("bench", "--bundle", models_folder, "--home", tmp_path, "--scale", "0.02", "--repeats", "1",
             "--ledger", "2000")  # fmt: skip
    assert cli.main([*map(str, words), "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["unit"] for line in lines] == ["ms", "ms", "us", *["ms CPU"] * 7, "ms", "ms"]
    for line in lines:
        assert line["time"] > 0
        assert line["floor_time"] > 0
        assert line["items"] > 0
    assert all(line["ratio"] > 1 for line in lines[:3]), "the floor does less than the part"
    judging = {line["part"]: line for line in lines[3:10]}
    assert judging["judge a case, mean"]["time"] <= judging["judge a case, 95 in 100"]["time"] <= GOAL
    assert {part.rpartition(": ")[2] for part in judging} >= set(STEPS)
    assert lines[-2]["part"] == "twins of a case in 2,000, median"
    assert lines[-2]["time"] <= lines[-1]["time"]
    assert cli.main([*map(str, words), "--ledger", "999"]) == 2
    out = tmp_path / "bench.csv"
    assert cli.main([*map(str, words), "--ledger", "1000", "--out", str(out)]) == 0
    with out.open() as stream:
        parts = [row["part"] for row in csv.DictReader(stream)]
    assert parts == [str(line["part"]).replace("2,000", "1,000") for line in lines]


def test_a_ledger_is_loaded_as_the_intake_would_write_it(database: Database) -> None:
    acme, invoices = world(database), drill(5, vendors=6).invoices[:150]
    acme.import_books(
        "invoices", ledger_rows([(one, one.invoice_id if n < 9 else None) for n, one in enumerate(invoices)])
    )
    kept = "SELECT jsonb_object_agg(invoice_id, to_jsonb(i) - 'as_of') FROM cs.invoices i"
    before = acme.scalar(kept)
    acme.scalar("WITH gone AS (DELETE FROM cs.invoices RETURNING 1) SELECT count(*) FROM gone")
    bench_twins.load(database.url("owner"), "acme", invoices, {one.invoice_id for one in invoices[:9]})
    assert acme.scalar(kept) == before
    indexed = "SELECT indexdef FROM pg_indexes WHERE indexname = 'invoices_keys'"
    assert acme.scalar(indexed).endswith("USING gin (keys) WITH (fastupdate=off)")


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
