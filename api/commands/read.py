"""countersign read PATH...: what files say, without storing anything."""

from __future__ import annotations

import argparse
import errno
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from api.commands.listing import say, show
from api.intake.tables import ColumnMap, column_map
from governance.case import FIELD_NAMES, Reading, parse_currency

if TYPE_CHECKING:
    from api.intake.reader import ReadResult

HELP = "class and fields of documents; stores nothing"

COLUMNS = ("path", "row", "document_class", "confidence", "abstained", "basis", *FIELD_NAMES, "warnings")
_ON_SCREEN = ("path", "document_class", "supplier", "invoice_number", "issue_date", "total_amount", "warnings")
_BATCH = 32
# Our field names, by the names that rows of invoices and receivables have.
_ROW_FIELDS: Mapping[str, tuple[str, ...]] = {
    "supplier": ("vendor_name",),
    "supplier_vat_id": ("tax_id",),
    "invoice_number": ("invoice_number", "invoice_no", "invoice_id"),
    "issue_date": ("issue_date", "invoice_date", "posting_date"),
    "total_amount": ("amount",),
    "purchase_order": ("purchase_order", "po"),
}


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a file, or a folder that is walked")
    parser.add_argument("--map", type=Path, metavar="TOML", help='columns of row files: our_name = "Their name"')
    parser.add_argument("--currency", metavar="CODE", help="ISO 4217 code for rows that state none")


def run(args: argparse.Namespace) -> int:
    """0 when everything was read, 1 when something was rejected. Raises FileNotFoundError, Malformed, Tampered."""
    columns = None if args.map is None else column_map(args.map)
    currency = None if args.currency is None else parse_currency(args.currency)
    lines = read(list(walk(args.paths)), args.home, columns, currency)
    total = rejected = 0
    kept: list[dict[str, Any]] = []
    for line in lines:
        total += 1
        rejected += line["document_class"] is None
        if args.json and args.out is None:
            # ASCII, because a file's name may hold any bytes.
            sys.stdout.write(json.dumps(line) + "\n")
        else:
            kept.append({"row": None, **line, **line["fields"]})
    if kept:
        on_screen = args.out is None and sys.stdout.isatty()
        show(args, _ON_SCREEN if on_screen else COLUMNS, kept)
    say(f"{total} read, {rejected} of them rejected")
    return 1 if rejected else 0


def walk(paths: Iterable[Path]) -> Iterator[Path]:
    """The files that are meant, by name; hidden ones only where they are named. Raises FileNotFoundError."""
    for path in paths:
        if path.is_dir():
            inside = (file for file in path.rglob("*") if not _hidden(file.relative_to(path)))
            yield from sorted(file for file in inside if file.is_file())
        elif path.is_file():
            yield path
        else:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def read(
    paths: Sequence[Path], home: Path, columns: ColumnMap | None = None, currency: str | None = None
) -> Iterator[dict[str, Any]]:
    """The wire shape of each document, and of each row of a row file, in batches."""
    from tqdm import tqdm

    from api.intake.pdf import PdfPool
    from api.intake.reader import SIZE_LIMIT, DocumentReader, Incoming
    from models.bundle import default_bundle

    classifier = default_bundle(home, lambda stage: say(f"training the models, once: {stage}")).classifier
    quiet = not sys.stderr.isatty() or len(paths) < 100
    with PdfPool() as pool, tqdm(total=len(paths), unit="file", file=sys.stderr, disable=quiet) as progress:
        reader = DocumentReader(classifier, pool, columns=columns, default_currency=currency)
        remaining = iter(paths)
        while batch := list(islice(remaining, _BATCH)):
            items = []
            for path in batch:
                try:
                    with path.open("rb") as file:
                        items.append(Incoming(str(path), file.read(SIZE_LIMIT + 1)))
                except OSError as error:
                    yield _rejected(str(path), f"The file cannot be opened: {error.strerror}.")
            for result in reader.read(items):
                yield from wire(result)
            progress.update(len(batch))


def wire(result: ReadResult) -> Iterator[dict[str, Any]]:
    """One object a document, one a row. What was rejected has no class, and its reason in `warnings` and `error`."""
    from api.intake.reader import Accepted, Rejected, Several

    if isinstance(result, Several):
        for _, member in result.members:
            yield from wire(member)
    elif isinstance(result, Accepted):
        yield {"path": result.name, **result.reading.as_dict()}
    elif isinstance(result, Rejected):
        yield _rejected(result.name, result.reason)
    else:
        for row in result.rows:
            reading = _row_reading(row.values, result.notes)
            yield {"path": result.name, "row": row.index, **reading.as_dict()}
        for bad in result.rejected_rows:
            yield _rejected(result.name, bad.reason, row=bad.index)


def _rejected(path: str, reason: str, **place: int) -> dict[str, Any]:
    shape = Reading("other", None, False, "none", warnings=(reason,)).as_dict()
    return {"path": path, **place, **shape, "document_class": None, "error": reason}


def _row_reading(values: Mapping[str, Any], notes: Sequence[str]) -> Reading:
    fields = {}
    for name in FIELD_NAMES:
        found = (values.get(other) for other in _ROW_FIELDS.get(name, (name,)))
        fields[name] = next((value for value in found if value is not None), None)
    receivable = "invoice" if "posting_date" in values else "other"
    document_class = values.get("doc_type") or values.get("document_class") or receivable
    return Reading(
        document_class, None, False, "structured", fields, {}, (*notes, *values["details"].get("warnings", ()))
    )
