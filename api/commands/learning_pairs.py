"""countersign learning pairs: of all likely pairs of a ledger, those whose labels would teach most."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from governance.errors import Malformed

if TYPE_CHECKING:
    from models.duplicates import DuplicatePair, Invoice

COUNT = 20
MOST = 20_000
"""Invoices of the record that are looked at: the last ones."""
LEAST = 0.01
COLUMNS = (
    "left_id", "right_id", "label", "probability", "kind", "left_no", "right_no", "left_date", "right_date",
    "left_amount", "right_amount", "currency", "left_vendor", "right_vendor", "reasons",
)  # fmt: skip


def configure(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "The pairs of invoices that the present model knows least about, and of those that it would report, over many "
        "vendors and kinds. Write 1 (one bill twice) or 0 (two bills) into the column label, and give the file to "
        "countersign-evals train duplicates --pairs."
    )
    parser.add_argument("ledger", type=Path, nargs="?", metavar="LEDGER.csv", help="default the bills of the record")
    parser.add_argument("--map", type=Path, metavar="TOML", help="which column is which field")
    parser.add_argument("--count", type=int, default=COUNT, metavar="N", help=f"how many pairs (default {COUNT})")
    parser.add_argument(
        "--known", type=Path, action="append", default=[], metavar="FILE",
        help="labelled pairs (left_id, right_id) that are not asked for again; may be repeated",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """0 done, 1 rows of the ledger were left out. Raises Malformed, NotPermitted, Unavailable."""
    from api.commands.listing import say
    from api.commands.output import emit
    from models.bundle import default_bundle
    from models.duplicates import find_duplicates
    from models.pair_learning import teaching

    if args.count < 1:
        raise Malformed("--count must be 1 or more")
    known = {pair for path in args.known for pair in _known(path)}
    if args.ledger is None:
        invoices, judged, rejected = _recorded(args)
        known |= judged
    else:
        invoices, rejected = _ledger(args)
    found = find_duplicates(invoices, default_bundle(args.home).pair_scorer, threshold=LEAST, renumbered=LEAST)
    by_id = {one.invoice_id: one for one in invoices}
    asked = teaching(
        [pair.probability for pair in found],
        [_group(by_id[pair.left_id], by_id[pair.right_id]) for pair in found],
        [pair.kind for pair in found],
        args.count,
        known=[at for at, pair in enumerate(found) if frozenset((pair.left_id, pair.right_id)) in known],
    )
    emit(args, COLUMNS, _rows([found[at] for at in asked], by_id))
    say(
        f"{len(asked)} of {len(found)} pairs; label them, and countersign-evals train duplicates --pairs takes the file"
    )
    return 1 if rejected else 0


def _group(a: Invoice, b: Invoice) -> str:
    """Whom one answer is about: a vendor, or the number that two vendors share (a payment run's stands on hundreds)."""
    from models.invoice import number_forms, vendor_key

    vendors = {vendor_key(one) for one in (a, b)}
    return f"vendor {vendors.pop()}" if len(vendors) == 1 else f"number {number_forms(a.invoice_no).folded}"


def _ledger(args: argparse.Namespace) -> tuple[list[Invoice], int]:
    from api.audit.fields import FIELDS
    from api.audit.ledger import read_ledger
    from api.commands.listing import say, say_rejected
    from api.commands.mapping import read_map

    ledger = read_ledger([args.ledger], read_map(args.map, FIELDS))
    for file in ledger.files:
        for note in file.notes:
            say(f"{file.path}: {note}")
        say_rejected(file.path, file.rejected, file.rows)
    return ledger.invoices, ledger.rejected


def _recorded(args: argparse.Namespace) -> tuple[list[Invoice], set[frozenset[str]], int]:
    """The newest bills of the record, and the pairs that people have decided on."""
    from api.acting import reader_key
    from api.wiring import connect
    from governance import permit
    from governance.record import people, twin_memories
    from models.duplicates import Invoice

    with connect(args.home) as system, system.database.transaction("review", reader_key(args, system)) as conn:
        permit.may_read(people.whoami(conn))
        rows = twin_memories.newest_bills(conn, MOST)
        judged = {frozenset((one.left_id, one.right_id)) for one in twin_memories.judged(conn)}
    return [Invoice(**row) for row in rows], judged, 0


def _known(path: Path) -> Iterator[frozenset[str]]:
    from api.commands.mapping import read_map
    from api.commands.tables import read_table

    fields = {"left_id": (), "right_id": ()}
    table = read_table(path, fields, [(name,) for name in fields], read_map(None, fields))
    for row in table.rows:
        yield frozenset((row.required("left_id").strip(), row.required("right_id").strip()))


def _rows(pairs: Sequence[DuplicatePair], by_id: Mapping[str, Invoice]) -> Iterator[dict[str, Any]]:
    for pair in pairs:
        row: dict[str, Any] = {
            "left_id": pair.left_id,
            "right_id": pair.right_id,
            "label": None,
            "probability": pair.probability,
            "kind": pair.kind,
            "currency": by_id[pair.left_id].currency or None,
            "reasons": list(pair.reasons),
        }
        for side, one in (("left", by_id[pair.left_id]), ("right", by_id[pair.right_id])):
            day = one.invoice_date or one.posting_date
            row |= {
                f"{side}_no": one.invoice_no,
                f"{side}_date": day.isoformat() if day else None,
                f"{side}_amount": str(one.amount),
                f"{side}_vendor": one.vendor_name or one.vendor_id,
            }
        yield row
