"""What table commands print: rows as JSON lines, CSV or a table for people, and counted messages on stderr."""

from __future__ import annotations

import argparse
import csv
import json
import re
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from api.commands.tables import Rejected

Record = Mapping[str, Any]

SHOWN = 5
_TERMINAL_ROWS = 50


def say(message: str) -> None:
    """A message for the person at the terminal; stdout stays clean for the result."""
    sys.stderr.write(message + "\n")


def say_rejected(path: Path, rejected: Sequence[Rejected], of: int) -> None:
    """The first few rows that were left out, and how many there were."""
    if not rejected:
        return
    for one in rejected[:SHOWN]:
        say(f"{path}:{one.line}: {one.reason}")
    if len(rejected) > SHOWN:
        say(f"{path}: and {len(rejected) - SHOWN} more")
    say(f"{path}: {len(rejected)} of {of} rows were left out; the others are in the result")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return "; ".join(map(str, value)) if isinstance(value, tuple | list) else str(value)


def _as_csv(stream: IO[str], columns: Sequence[str], records: Sequence[Record]) -> None:
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_guarded(_cell(record[name])) for name in columns] for record in records)


_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
_NEXT = re.compile(r"(?<=[;\t\n])(?=[=+@\uff1d\uff0b\uff20])")


def _guarded(cell: str) -> str:
    """Spreadsheets run cells that start like formulas: a leading apostrophe keeps them text (OWASP, CSV injection).

    Wide forms of the signs count, and what a program that divides at semicolons takes for the start of a cell. Signs
    that steer a terminal or turn the direction of the text are shown by their code.
    """
    if cell.isalnum():
        return cell
    cell = "".join(letter if letter in "\n\t" or not _steers(letter) else f"\\u{ord(letter):04x}" for letter in cell)
    cell = _NEXT.sub("'", cell)
    numeric = cell[:1] in "+-" and cell[1:].replace(".", "", 1).isdigit()
    starts = unicodedata.normalize("NFKC", cell[:1]).startswith(_STARTS)
    return f"'{cell}" if starts and not numeric else cell


def _steers(letter: str) -> bool:
    return unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp")


def _as_table(columns: Sequence[str], records: Sequence[Record]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table()
    for name in columns:
        table.add_column(name, overflow="fold")
    for record in records[:_TERMINAL_ROWS]:
        table.add_row(*(Text(_cell(record[name])) for name in columns))
    Console().print(table)
    if len(records) > _TERMINAL_ROWS:
        say(f"{len(records) - _TERMINAL_ROWS} more rows: use --out FILE or --json to see them all")


def show(args: argparse.Namespace, columns: Sequence[str], records: Sequence[Record]) -> None:
    """Writes the result: CSV into --out, JSON lines with --json, a table on a terminal, CSV into a pipe."""
    if args.out is not None:
        with Path(args.out).open("w", encoding="utf-8", newline="") as stream:
            _as_csv(stream, columns, records)
        say(f"{len(records)} rows written to {args.out}")
    elif args.json:
        for record in records:
            sys.stdout.write(json.dumps({name: record[name] for name in columns}, ensure_ascii=False) + "\n")
    elif sys.stdout.isatty():
        _as_table(columns, records)
    else:
        _as_csv(sys.stdout, columns, records)
