"""countersign intake PATH...: documents and rows become cases."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from governance.case import QUEUES

if TYPE_CHECKING:
    from api.intake.door import IntakeDoor, Item, Receipt

HELP = "documents and rows become cases; what is known already stays one case"
COLUMNS = ("path", "row", "source_key", "status", "case_id", "document_class", "reason")
_SHOWN = 20


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a file, or a folder that is walked")
    parser.add_argument("--queue", choices=QUEUES, help="where documents and ledger rows go that name no queue")
    parser.add_argument("--map", type=Path, metavar="TOML", help='column names of row files: our_name = "their name"')


def run(args: argparse.Namespace) -> int:
    """Exit code 1 when anything was rejected."""
    from api.acting import own_key
    from api.commands.listing import say
    from api.commands.read import walk
    from api.intake.door import IntakeDoor
    from api.intake.pdf import PdfPool
    from api.intake.reader import DocumentReader
    from api.intake.tables import column_map
    from api.language_model import second_reader
    from api.wiring import connect
    from models.bundle import default_bundle

    paths = list(walk(args.paths))
    columns = None if args.map is None else column_map(args.map)
    with connect(args.home) as system, PdfPool() as pool:
        token = own_key(args) or system.token("intake")
        reader = DocumentReader(
            default_bundle(args.home, say).classifier,
            pool,
            size_limit=system.settings.max_upload_bytes,
            columns=columns,
            default_currency=system.settings.default_currency,
            second=second_reader(system.settings, system.tenant),
        )
        counts = _write(args, receipts(IntakeDoor(system.database, token, reader, queue=args.queue), paths))
    say(", ".join(f"{count} {status}" for status, count in sorted(counts.items())) or "there was nothing to bring in")
    return 1 if counts["rejected"] else 0


def receipts(door: IntakeDoor, paths: Sequence[Path]) -> Iterator[Receipt]:
    """What became of each file and row, in order, with progress where somebody watches."""
    from tqdm import tqdm

    watched = sys.stderr.isatty()
    files = tqdm(paths, unit="file", file=sys.stderr, disable=not watched or len(paths) < 50)
    rows = tqdm(unit="row", file=sys.stderr, disable=not watched or len(paths) >= 50, leave=False, miniters=500)
    with files, rows:
        for receipt in door.receive(_items(files, door.reader.size_limit)):
            rows.update()
            yield receipt


def _items(paths: Iterable[Path], size_limit: int) -> Iterator[Item]:
    from api.intake.door import File, Unopened

    for path in paths:
        try:
            with path.open("rb") as file:
                # One byte more than is allowed is enough to refuse it.
                yield File(str(path), file.read(size_limit + 1))
        except OSError as error:
            yield Unopened(str(path), f"The file cannot be opened: {error.strerror}.")


def _write(args: argparse.Namespace, found: Iterable[Receipt]) -> Counter[str]:
    from api.commands.listing import say, show
    from api.commands.output import cell, emit

    counts: Counter[str] = Counter()
    rejected: list[Receipt] = []

    def counted() -> Iterator[dict[str, object]]:
        for receipt in found:
            counts[receipt.status] += 1
            if receipt.status == "rejected":
                rejected.append(receipt)
            yield receipt.as_dict()

    if args.json or args.out is not None:
        emit(args, COLUMNS, counted())
    else:
        kinds = Counter((str(one["status"]), one["document_class"] or one["reason"] or "row") for one in counted())
        summary = [{"status": s, "what": cell(w), "count": str(n)} for (s, w), n in sorted(kinds.items())]
        show(args, ("status", "what", "count"), summary)
        for receipt in rejected[:_SHOWN]:
            place = receipt.path if receipt.row is None else f"{receipt.path}, row {receipt.row}"
            say(f"{cell(place)}: {cell(receipt.reason)}")
        if len(rejected) > _SHOWN:
            say(f"and {len(rejected) - _SHOWN} more were rejected: --json or --out FILE shows them all")
    return counts
