"""countersign import KIND FILE: reference data into the books."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from api.intake.reference import Reference
    from api.system import System

HELP = "reference data into the books: CSV, JSON or JSON Lines; a row that is there already is brought up to date"
COLUMNS = ("path", "kind", "rows", "changed", "rejected")
_KINDS = (
    "entities", "suppliers", "customers", "bank_accounts", "orders", "receipts", "payments", "fx", "open_items",
    "invoices", "close_tasks", "expected_documents",
)  # fmt: skip
_CHUNK = 5000
_SHOWN = 20


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", choices=_KINDS, metavar="KIND", help=", ".join(_KINDS))
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument(
        "--propose", action="store_true",
        help="exchange rates once work has begun: a governed change per currency, which others sign",
    )  # fmt: skip
    parser.add_argument("--map", type=Path, metavar="TOML", help='column names: our_name = "their name"')


def run(args: argparse.Namespace) -> int:
    """All good rows in one transaction; exit code 1 when a row was left out."""
    from api.acting import own_key
    from api.commands.listing import say
    from api.commands.output import cell, emit
    from api.intake.reference import read
    from api.intake.tables import column_map
    from api.wiring import connect
    from governance.record import books

    content = args.file.read_bytes()
    columns = None if args.map is None else column_map(args.map)
    with connect(args.home) as system:
        found = read(
            args.kind, args.file.name, content, columns=columns, default_currency=system.settings.default_currency
        )
        if args.kind == "fx" and args.propose:
            return _propose_rates(args, system, found)
        with system.database.transaction("intake", own_key(args) or system.token("intake")) as conn:
            changed = sum(
                books.import_books(conn, args.kind, found.rows[at : at + _CHUNK], f"import: {args.file.name}")
                for at in range(0, len(found.rows), _CHUNK)
            )
    emit(args, COLUMNS, [_summary(args, found, changed)])
    for note in found.notes:
        say(f"{args.file}: {note}")
    for one in found.bad[:_SHOWN]:
        say(f"{args.file}, row {one.row}: {cell(one.reason)}")
    if len(found.bad) > _SHOWN:
        say(f"and {len(found.bad) - _SHOWN} more rows were left out: --json shows them all")
    return 1 if found.bad else 0


def _propose_rates(args: argparse.Namespace, system: System, found: Reference) -> int:
    """One change a currency, for each is signed by itself."""
    from api.acting import person_key
    from api.commands.listing import say
    from api.commands.output import emit
    from governance import permit
    from governance.record import changes, people

    rates: dict[str, dict[str, str]] = {}
    for row in found.rows:
        rates.setdefault(row["currency"], {})[str(row["day"])] = str(row["per_eur"])
    with system.database.transaction("review", person_key(args)) as conn:
        permit.may_propose_change(people.whoami(conn))
        made = [
            {"currency": currency, "days": len(days), **changes.propose(
                conn, "fx", currency, {"rates": days}, f"rates of {args.file.name}")}
            for currency, days in sorted(rates.items())
        ]  # fmt: skip
    emit(args, ("currency", "days", "recommendation_id", "digest"), made)
    say("the rates hold once others have signed each of these")
    for one in found.bad[:_SHOWN]:
        say(f"{args.file}, row {one.row}: {one.reason}")
    return 1 if found.bad else 0


def _summary(args: argparse.Namespace, found: Reference, changed: int) -> dict[str, object]:
    rejected: object = len(found.bad)
    if args.json:
        rejected = [{"row": one.row, "reason": one.reason} for one in found.bad]
    return {
        "path": str(args.file),
        "kind": args.kind,
        "rows": len(found.rows),
        "changed": changed,
        "rejected": rejected,
    }
