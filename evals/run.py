"""countersign-evals run: suites measured, judged, reported."""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from governance.errors import Malformed

if TYPE_CHECKING:
    from evals.lab import Runs
    from evals.report import Run
    from evals.results import SuiteResult
    from evals.thresholds import Judged, Marks
    from models.bundle import Bundle

HELP = "measure suites, write an HTML report, compare with the pass marks"
SUITE_NAMES = ("documents", "duplicates", "risk", "causes", "precedents", "drafts", "injection", "gate", "all")
REPLAY = "replay"
"""A suite of one company's record: run alone, from the file that `countersign-evals replay` wrote."""


_EXIT = "Exit code: 0 every pass mark is met, 1 one is missed, 2 wrong usage, 3 the models were tampered with."


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = _EXIT
    parser.add_argument(
        "suites",
        nargs="+",
        choices=(*SUITE_NAMES, REPLAY),
        metavar="SUITE",
        help=f"one or more of {', '.join(SUITE_NAMES)}; or {REPLAY} alone, with --data FILE",
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="the report (default HOME/evals/TIME-SUITES.html)")
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--data", type=Path, metavar="DIR",
        help="real files to measure on as well: folders documents, duplicates, risk, injection (default ../shared/data "
        "if there); for replay the suite that `countersign-evals replay` wrote",
    )  # fmt: skip
    where.add_argument("--no-data", action="store_true", help="measure on made-up sets only")
    parser.add_argument(
        "--scale", type=float, default=1.0, metavar="SHARE", help="size of the sets, for trials: 0 to 1 (default 1)"
    )
    parser.add_argument("--resamples", type=int, default=200, metavar="N", help="bootstrap resamples (default 200)")
    parser.add_argument("--thresholds", type=Path, metavar="TOML", help="pass marks (default those of the product)")
    parser.add_argument(
        "--mlflow-url",
        metavar="URL",
        help="log runs there (default $COUNTERSIGN_MLFLOW_URL, else the server of `countersign up`)",
    )


def run(args: argparse.Namespace) -> int:
    """0 every pass mark met, 1 one missed. Raises Malformed, Tampered, Unavailable, OSError."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    from evals import lab as labs
    from evals.datasets import data_folder
    from evals.report import html
    from evals.thresholds import read_marks

    if not 0.0 < args.scale <= 1.0 or args.resamples < 2:
        raise Malformed("--scale must be above 0 and at most 1, --resamples at least 2")
    if REPLAY in args.suites:
        return _replay(args)
    marks = read_marks(args.thresholds)
    started = datetime.now(UTC)
    path = args.out or args.home / "evals" / f"{started:%Y%m%dT%H%M%SZ}-{_names(args.suites)}.html"
    folder = None if args.no_data else data_folder(args.data)
    bundle = load_bundle(args)
    must_be_writable(path)  # before minutes of measuring rather than after them
    # Two threads that wait for each other on busy cores take longer than one.
    with threadpool_limits(limits=1):
        done = _measured(args, bundle, folder, marks, started)
    try:
        path.write_text(html(done), encoding="utf-8")
    finally:  # a disk that is full by now takes the report, not the figures
        _show(args, done)
    labs.say(f"report: {path}")
    with labs.open_lab(args.mlflow_url, args.home) as lab:
        for result in done.results:
            _log(lab, result, dict(done.about), path)
    for one in done.missed:
        labs.say(f"missed: {one.suite} {one.metric.key} is {_number(one.metric.value)}, must be {one.mark}")
    return 1 if done.missed else 0


def _replay(args: argparse.Namespace) -> int:
    """Raises Malformed where other suites are asked for too, or there is no file."""
    from evals.replay import again

    if set(args.suites) != {REPLAY} or args.data is None:
        raise Malformed("run replay alone, with --data FILE: the suite that countersign-evals replay wrote")
    return again(args.data, args)


def must_be_writable(path: Path) -> None:
    """Raises Malformed for a folder, OSError where no file can be written. A file that is there stays as it is."""
    if path.is_dir():
        raise Malformed(f"--out {path} is a folder: give the name of a file in it, such as {path / 'report.html'}")
    path.parent.mkdir(parents=True, exist_ok=True)
    there = path.exists()
    path.open("ab").close()
    if not there:
        path.unlink()


def _names(asked: Sequence[str]) -> str:
    from evals.suites import SUITES, chosen

    names = chosen(asked)
    return "all" if len(names) == len(SUITES) else "-".join(names)


def _measured(args: argparse.Namespace, bundle: Bundle, folder: Path | None, marks: Marks, started: datetime) -> Run:
    from evals import suites
    from evals.report import Run
    from evals.thresholds import judge

    options = suites.Options(bundle, args.seed, args.scale, folder, args.resamples)
    results, judged = [], {}
    for name in suites.chosen(args.suites):
        begun = time.perf_counter()
        result = suites.run(name, options)
        results.append(result)
        judged[name] = judge(result, marks)
        if sys.stderr.isatty():
            sys.stderr.write(f"{name}: {time.perf_counter() - begun:.0f} s\n")
    return Run(results, judged, _about(args, bundle, folder), started)


def load_bundle(args: argparse.Namespace) -> Bundle:
    """The bundle of --bundle, or the standard one. Raises Tampered, Unavailable."""
    from evals.lab import say
    from models.bundle import default_bundle, load

    if args.bundle is not None:
        return load(args.bundle)
    return default_bundle(args.home, lambda stage: say(f"training the standard models, once: {stage}"))


def _about(args: argparse.Namespace, bundle: Bundle, folder: Path | None) -> list[tuple[str, str]]:
    from models.bundle import versions

    return [
        ("Models", bundle.digest),
        ("Seed", str(args.seed)),
        ("Scale", f"{args.scale:g}" + ("" if args.scale == 1.0 else ": pass marks are meant for scale 1")),
        ("Real files", "none: made-up sets only" if folder is None else f"folder {folder.name!r}"),
        ("Versions", ", ".join(f"{name} {number}" for name, number in versions().items())),
        ("Machine", f"{platform.system()} {platform.machine()}"),
    ]


def _show(args: argparse.Namespace, done: Run) -> None:
    if args.json:
        for judged in done.judged.values():
            for one in judged:
                sys.stdout.write(json.dumps(as_json(one)) + "\n")
        return
    from rich.console import Console
    from rich.table import Table

    console = Console()
    for result in done.results:
        judged = done.judged[result.suite]
        marked = [one for one in judged if one.mark is not None] or list(judged)
        table = Table(title=result.suite, title_justify="left")
        for column in ("data", "metric", "value", "95 %", "pass mark", ""):
            table.add_column(column, justify="right" if column in ("value", "95 %") else "left", overflow="fold")
        for one in marked:
            metric = one.metric
            interval = "" if metric.low is None else f"{_number(metric.low)} to {_number(metric.high)}"
            verdict = {True: "met", False: "[bold red]missed[/]", None: ""}[one.passed]
            table.add_row(metric.dataset, metric.name, _number(metric.value), interval, str(one.mark or ""), verdict)
        console.print(table)
        if len(marked) < len(judged):
            console.print(f"{len(judged) - len(marked)} more metrics without a pass mark: in the report, or --json")


def as_json(one: Judged) -> dict[str, object]:
    """One metric as it stands in the output of --json."""
    metric = one.metric
    return {
        "suite": one.suite,
        "dataset": metric.dataset,
        "metric": metric.name,
        "value": metric.value,
        "low": metric.low,
        "high": metric.high,
        "count": metric.count,
        "unit": metric.unit,
        "at_least": one.mark.at_least if one.mark else None,
        "at_most": one.mark.at_most if one.mark else None,
        "passed": one.passed,
    }


def _number(value: float | None) -> str:
    from evals.report import shown

    return "not measured" if value is None else shown(value)


def _log(lab: Runs | None, result: SuiteResult, about: dict[str, str], report: Path) -> None:
    from evals import lab as labs

    metrics = {one.key: one.value for one in result.metrics if one.value is not None}
    params = {name.lower().replace(" ", "_"): text[:250] for name, text in about.items()}
    labs.log(lab, f"eval {result.suite}", params, metrics, [report])
