"""How systems name and word things in a case's details: the tables of record_words.toml, compiled once.

A table is read over a name or a value in plain words (`plain`). What is data is there: a word that another system uses
is a line in that file and no rule.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a name stands for: a cause of the closed list, and in words."""

    cause: str
    because: str
    named: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Words:
    """tables: by name. items: what an amount that explains a gap is, the first that fits. denied: what it means that
    something is said not to be so, by the last words of its name."""

    tables: Mapping[str, re.Pattern[str]]
    items: Sequence[Meaning]
    denied: Sequence[Meaning]

    def says(self, table: str, text: str) -> bool:
        """Whether `text` holds a word of this table. Raises KeyError for a table that is not there."""
        return self.tables[table].search(text) is not None


@cache
def words() -> Words:
    """The tables that come with the product."""
    data = tomllib.loads(resources.files("agents").joinpath("record_words.toml").read_text("utf-8"))
    tables = {name: _pattern(kind, entries) for kind in _KINDS for name, entries in data[kind].items()}
    return Words(tables, *([_meaning(row) for row in data[name]] for name in ("items", "denied")))


_KINDS: Mapping[str, tuple[str, str]] = {
    "words": (r"\b(?:", r")\b"), "endings": (r"\b(?:", ")$"), "patterns": ("(?:", ")"),
}  # fmt: skip


def _pattern(kind: str, entries: Sequence[str]) -> re.Pattern[str]:
    start, end = _KINDS[kind]
    return re.compile(start + "|".join(entries) + end)


def _meaning(row: Mapping[str, Any]) -> Meaning:
    kind = next(one for one in _KINDS if one in row)
    return Meaning(row["cause"], row["because"], _pattern(kind, row[kind]))


def plain(text: object) -> str:
    """As the tables read it: small letters, words apart by blanks."""
    return " ".join(str(text).replace("_", " ").replace("-", " ").casefold().split())
