"""The flags by which a person says how a file is written, where it does not say it itself."""

from __future__ import annotations

import argparse
from pathlib import Path

from api.commands.mapping import ColumnMap, Synonyms, read_map, with_flags

_FORMAT = ("dates", "decimal", "delimiter", "encoding", "sheet")


def add_flags(parser: argparse.ArgumentParser, fields: Synonyms, example: str) -> None:
    """The flags for a command that reads tables of these fields. `example`: FIELD=HEADER, for the help."""
    reading = parser.add_argument_group("how the files are written, where they do not say it themselves")
    reading.add_argument("--map", type=Path, metavar="TOML", help="which column is which field")
    reading.add_argument(
        "--column", action="append", default=[], metavar="FIELD=HEADER",
        help=f"one column, such as {example}; FIELD=none where the export has none; fields are {', '.join(fields)}",
    )  # fmt: skip
    reading.add_argument(
        "--constant", action="append", default=[], metavar="FIELD=VALUE", help="for all rows, such as currency=GBP"
    )
    reading.add_argument("--dates", choices=("day_first", "month_first"), help="how 03/04/2018 is read")
    reading.add_argument("--decimal", choices=(",", "."), help="the decimal mark of amounts")
    reading.add_argument("--delimiter", metavar="MARK", help="between cells: one character, or tab")
    reading.add_argument("--encoding", help="such as cp1252 or utf-16")
    reading.add_argument("--sheet", help="of a spreadsheet")


def mapping_of(args: argparse.Namespace, fields: Synonyms) -> ColumnMap:
    """What the mapping file and the flags say together; flags win. Raises Malformed."""
    said = {name: getattr(args, name) for name in _FORMAT}
    return with_flags(read_map(args.map, fields), fields, columns=args.column, constants=args.constant, format=said)
