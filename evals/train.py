"""countersign-evals train: one model fitted on data of your own, as a new bundle."""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from governance.errors import Malformed

if TYPE_CHECKING:
    from evals.labels import Record
    from evals.material import Source
    from evals.pair_labels import PairLabels
    from evals.results import Metric
    from evals.suites import Options
    from evals.training import Trained
    from models.bundle import Bundle

HELP = "fit one model on data of your own, measure it beside the present one, save it in a new bundle"
MODELS = ("documents", "duplicates", "risk")
_NEEDS = """\
The file is CSV or JSON lines (.jsonl), in UTF-8, with the columns
  documents   text, document_class; source and group where they are known
  duplicates  those of `countersign duplicates`, and duplicate_of: the invoice_id that a row repeats, or empty;
              or any ledger, and with --pairs a file of left_id, right_id and label: 1 one bill twice, 0 two bills,
              empty not looked at (countersign learning pairs writes one with the pairs that would teach most)
  risk        those of `countersign risk`, clear_date empty while an invoice is open
Without a file, documents are those that people corrected in the record of this installation (add them to a file's with
--from-record): of people who may still correct, and none that was erased. A class counts from 5 documents on, and it
takes 20 in all; countersign learning state says how far that is. Without a file, duplicates are what people decided on
in the record: marked as duplicate and signed, or rejected, undone, or paid instead; --pairs adds to it. Few labels only
correct the present scorer, and where they do not show that it errs, nothing is made: give all labels that there are.
The new bundle does not take effect: a new champion goes through the gate like any other change.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _NEEDS
    parser.add_argument("model", choices=MODELS, metavar="MODEL", help=f"one of {', '.join(MODELS)}")
    parser.add_argument("--data", type=Path, metavar="FILE", help="what to fit on (default, but for risk: the record)")
    parser.add_argument("--pairs", type=Path, metavar="FILE", help="duplicates: labelled pairs of the ledger")
    parser.add_argument(
        "--from-record", action="store_true", help="what people corrected or decided; documents: beside the file's"
    )
    parser.add_argument("--key-file", metavar="FILE", help="your API key for the record (default $COUNTERSIGN_API_KEY)")
    parser.add_argument("--encoding", default="utf-8", metavar="NAME", help="the file's encoding (default utf-8)")
    parser.add_argument(
        "--map",
        type=Path,
        metavar="TOML",
        help="which column of a CSV file is which field, as of countersign duplicates",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="the new bundle (default HOME/models/MODEL-DIGEST)")
    parser.add_argument(
        "--scale", type=float, default=1.0, metavar="SHARE", help="size of the made-up base, for trials: 0 to 1"
    )
    parser.add_argument("--resamples", type=int, default=200, metavar="N", help="bootstrap resamples (default 200)")
    parser.add_argument("--mlflow-url", metavar="URL", help="register it there (default as of run)")


def run(args: argparse.Namespace) -> int:
    """0 done, 1 not enough data yet. Raises Malformed for a file of no use, Tampered, Unavailable, OSError."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    from evals import lab as labs
    from evals.run import load_bundle
    from evals.suites import Options
    from models.bundle import replace

    if not 0.0 < args.scale <= 1.0 or args.resamples < 2:
        raise Malformed("--scale must be above 0 and at most 1, --resamples at least 2")
    if args.out is not None and args.out.exists() and (not args.out.is_dir() or any(args.out.iterdir())):
        raise Malformed(f"--out {args.out}: give a folder that is empty or not there yet")
    record = _record(args)
    if record is not None and not record.enough and (args.data is None or args.model == "duplicates"):
        return _not_yet(args, record)
    material, source = _material(args, record)
    _must_be_writable(args)  # before the fitting rather than after it
    current = load_bundle(args)
    with threadpool_limits(limits=1):
        done = _fitted(args.model, material, Options(current, args.seed, args.scale, None, args.resamples))
    if done.estimator is getattr(current, done.part):
        return _no_better(args, done, current.digest, record)
    bundle = replace(current, done.part, done.estimator, _note(args, done, source))
    digest, folder = _save(bundle, args)
    metrics = {one.name: one.value for one in done.new if one.value is not None}
    with labs.open_lab(args.mlflow_url, args.home) as lab:
        version = labs.register(lab, args.home, done.part, folder, digest, metrics)
    _show(args, done, digest, current.digest, folder, version, record)
    labs.say("it is not champion: a new champion is proposed and decided in the gate, like any other change")
    return 0


def _record(args: argparse.Namespace) -> Record | PairLabels | None:
    """What people labelled, where that is asked for: by a flag, or because there is no file."""
    if args.model != "duplicates" and args.pairs is not None:
        raise Malformed("--pairs is for duplicates")
    if args.model == "duplicates":
        from evals import pair_labels

        return pair_labels.read(args)
    if args.model == "risk":
        if args.data is None or args.from_record:
            raise Malformed("risk is fitted on a file: give --data FILE, without --from-record")
        return None
    if args.data is not None and not args.from_record:
        return None
    from evals import labels

    return labels.read(args)


def _not_yet(args: argparse.Namespace, record: Record | PairLabels) -> int:
    """1, with the state in words: nothing is fitted on so little."""
    from evals.lab import say

    if args.json:
        said = {"model": args.model, "part": None, "state": record.state, "labelled": record.classes}
        sys.stdout.write(json.dumps(said) + "\n")
    for line in _counted(record):
        say(line)
    more = "label more pairs (countersign learning pairs)" if args.model == "duplicates" else "correct more documents"
    say(f"{record.state}: {more}, or give --data FILE as well")
    return 1


def _counted(record: Record | PairLabels) -> list[str]:
    return [
        f"{one['label' if 'label' in one else 'document_class']}: "
        f"{one['pairs' if 'pairs' in one else 'documents']} labelled, {one['state']}"
        for one in record.classes
    ]


def _no_better(args: argparse.Namespace, done: Trained, digest: str, record: Record | PairLabels | None) -> int:
    """0: the labels do not show that the present model errs, so there is nothing to promote."""
    from evals.lab import say

    if args.json:
        said = {
            "model": args.model,
            "part": None,
            "digest": digest,
            "split": done.split,
            "metrics": _plain(done.new),
            "current": _plain(done.current),
            **({} if record is None else {"labelled": record.classes}),
        }
        sys.stdout.write(json.dumps(said) + "\n")
    for line in () if record is None else _counted(record):
        say(line)
    say("the labels do not show that the present model errs on other vendors: no bundle is made")
    return 0


def _material(args: argparse.Namespace, record: Record | PairLabels | None) -> tuple[Any, Source]:
    """What is given, in the shape that its model is fitted on."""
    from evals import material
    from evals.labels import Record
    from evals.pair_labels import PairLabels
    from models.risk import CollectionRisk

    how = material.How(args.encoding, args.map)
    if args.model == "documents":
        if args.data is None:
            assert isinstance(record, Record)
            return (record.texts, True), record.source
        texts, source, grouped = material.texts(args.data, how)
        if not isinstance(record, Record):
            return (texts, grouped), source
        return ([*texts, *record.texts], grouped), material.beside(source, record.source)
    if isinstance(record, PairLabels):
        return record, record.source
    if args.model == "duplicates":
        return material.ledger(args.data, how)
    return material.portfolio(args.data, how, CollectionRisk().min_rows)


def _fitted(model: str, material: Any, options: Options) -> Trained:
    from evals import training
    from evals.pair_labels import PairLabels

    if model == "documents":
        texts, grouped = material
        return training.documents(texts, grouped, options)
    if model == "risk":
        return training.risk(material, options)
    if isinstance(material, PairLabels):
        return training.labelled_pairs(material, options)
    return training.duplicates(material, options)


def _note(args: argparse.Namespace, done: Trained, source: Source) -> dict[str, Any]:
    """What the manifest says about the part: plain JSON, no path of this machine."""
    return {
        "file": source.name,
        "sha256": source.sha256,
        "rows": source.rows,
        "base": done.base,
        "split": done.split,
        "seed": args.seed,
        "metrics": {one.name: round(one.value, 6) for one in done.new if one.value is not None and not one.is_time},
    }


def _save(bundle: Bundle, args: argparse.Namespace) -> tuple[str, Path]:
    """The bundle in its own folder, which appears whole or not at all."""
    from models.bundle import save

    draft = _draft(args)
    try:
        digest = save(bundle, draft)
        folder = args.out.absolute() if args.out is not None else draft.parent / f"{args.model}-{digest[7:19]}"
        draft.chmod(0o755)
        draft.replace(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return digest, folder


def _must_be_writable(args: argparse.Namespace) -> None:
    """Raises OSError where the new bundle could not be written. Nothing stays behind in HOME."""
    draft = _draft(args)
    draft.rmdir()
    if args.out is None:
        with contextlib.suppress(OSError):  # other bundles are in it
            draft.parent.rmdir()


def _draft(args: argparse.Namespace) -> Path:
    """An empty folder beside the place of the new bundle. Raises OSError where none can be made."""
    parent = args.out.absolute().parent if args.out is not None else args.home / "models"
    parent.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix=".new-bundle-", dir=parent))


def _show(
    args: argparse.Namespace,
    done: Trained,
    digest: str,
    parent: str,
    folder: Path,
    version: str | None,
    record: Record | PairLabels | None,
) -> None:
    if args.json:
        said = {
            "model": args.model,
            "part": done.part,
            "digest": digest,
            "parent": parent,
            "folder": str(folder),
            "split": done.split,
            "base": done.base,
            "metrics": _plain(done.new),
            "current": _plain(done.current),
            "beside": {name: _plain(found) for name, found in done.beside.items()},
            "registered_version": version,
            "champion": False,
            **({} if record is None else {"labelled": record.classes}),
        }
        sys.stdout.write(json.dumps(said) + "\n")
        return
    from rich.console import Console
    from rich.table import Table

    from evals.report import shown
    from evals.results import words

    others = {"present": done.current, **done.beside}
    table = Table(title=f"{args.model}: {done.split}", title_justify="left")
    for column in ("metric", "new", "95 %", *others):
        table.add_column(column, justify="left" if column == "metric" else "right", overflow="fold")
    theirs = [{one.name: one.value for one in found} for found in others.values()]
    for one in done.new:
        interval = "" if one.low is None else f"{shown(one.low)} to {shown(one.high)}"
        table.add_row(words(one.name), shown(one.value), interval, *(shown(found.get(one.name)) for found in theirs))
    console = Console()
    console.print(table)
    for line in () if record is None else _counted(record):
        console.print(line)
    console.print(f"fitted on what is given; beside it: {done.base}")
    console.print(f"bundle {digest}\nin {folder}", soft_wrap=True)
    if version is not None:
        console.print(f"registered as version {version}")


def _plain(metrics: Sequence[Metric]) -> dict[str, float | None]:
    return {one.name: one.value for one in metrics}
