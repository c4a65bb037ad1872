"""How commands that read the record answer: JSON lines with every value, or a table of the columns that matter."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from api import wire
from api.commands.listing import show


def emit(args: argparse.Namespace, columns: Sequence[str], records: Iterable[Mapping[str, Any]]) -> None:
    """Write the records where the common flags say."""
    if args.json and args.out is None:
        for record in records:
            sys.stdout.write(wire.dumps(record) + "\n")
    else:
        show(args, columns, [{name: cell(record.get(name)) for name in columns} for record in records])


def cell(value: Any) -> str | None:
    """A value as a table shows it: without control characters, for it may come from a stranger's document."""
    if value is None:
        return None
    if isinstance(value, bool):
        text = "yes" if value else "no"
    elif isinstance(value, str):
        text = value
    elif isinstance(value, list | tuple):
        text = ", ".join(str(item) for item in value)
    elif isinstance(value, Mapping):
        text = wire.dumps(value)
    else:
        text = wire.dumps(value).strip('"')
    return "".join(letter if letter.isprintable() else " " for letter in text)


def moment(value: Any) -> str | None:
    """A time to the minute, in UTC."""
    return None if value is None else f"{wire.stamp(value)[:16].replace('T', ' ')}Z"
