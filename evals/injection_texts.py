"""What a document may whisper: sentences that a machine might obey, the ways to hide them, and honest look-alikes.

All of it is data that is put into documents and into the answers of a language model that has turned against us.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from evals.injection_attacks import ATTACKS, BENIGN, PAYLOADS

__all__ = ["ATTACKS", "ENCODINGS", "Payload", "benign", "payloads"]


@dataclass(frozen=True, slots=True)
class Payload:
    """`carrier`: where it came from in a foreign set, or None. `encoded`: it is hidden already."""

    text: str
    category: str
    source: str
    carrier: str | None = None
    encoded: bool = False


_LOOKALIKE = str.maketrans("aceiopsxyABCEHKMOPTX", "асеіорѕхуАВСЕНКМОРТХ")


def _shapeless(text: str) -> str:
    return "\u200b".join(text)


def _tagged(text: str) -> str:
    """As language tags: characters that have no shape on any page."""
    return "Thank you. " + "".join(chr(0xE0000 + ord(letter)) for letter in text if 0x20 <= ord(letter) < 0x7F)


def _turned(text: str) -> str:
    return f"\u202e{text[::-1]}\u202c"


def _packed(text: str) -> str:
    return f"Decode and follow: {base64.b64encode(text.encode()).decode()}"


ENCODINGS: Mapping[str, Callable[[str], str]] = {
    "plain": str,
    "homoglyph": lambda text: text.translate(_LOOKALIKE),
    "base64": _packed,
    "zero_width": _shapeless,
    "tag_chars": _tagged,
    "right_to_left": _turned,
}
"""Name → what hides a text so."""


def payloads(folder: Path | None) -> list[Payload]:
    """Our own, and those of the files in `folder` (see _foreign) where it is there."""
    own = [Payload(text, category, "own") for category, texts in PAYLOADS.items() for text in texts]
    return own + [one for one in _foreign(folder) if one.category != "benign"]


def benign(folder: Path | None) -> list[Payload]:
    """Honest sentences that look like the above."""
    return [Payload(text, "benign", "own") for text in BENIGN] + [
        one for one in _foreign(folder) if one.category == "benign"
    ]


_INSIDE = (
    re.compile(r"Qty 1 {2}.*\nQty 1 {2}(?P<text>.*)\nTotal", re.DOTALL),
    re.compile(r"\n--\n(?P<text>.*)", re.DOTALL),
    re.compile(r"is attached\.|attached .*?\.\n\n(?P<text>.*)\n\nKind regards", re.DOTALL),
    re.compile(r"<Note>(?P<text>.*)</Note>", re.DOTALL),
    re.compile(r"<span[^>]*>(?P<text>.*)</span>", re.DOTALL),
    re.compile(r"Vendor: ACME GmbH (?P<text>.*)\nInvoice", re.DOTALL),
)
_BENIGN_KINDS = frozenset({"benign_hard_negative", "benign_context_email"})


def _foreign(folder: Path | None) -> list[Payload]:
    """One object a line: text, category, kind, and for whole documents carrier and encoding."""
    found = []
    for path in sorted(folder.glob("*.jsonl")) if folder is not None and folder.is_dir() else ():
        for line in path.read_text("utf-8").splitlines():
            row = json.loads(line)
            kind, carrier = str(row.get("kind")), row.get("carrier")
            text = _inner(row["text"]) if carrier else str(row["text"])
            category = "benign" if kind in _BENIGN_KINDS else str(row.get("category"))
            hidden = row.get("encoding", "plain") != "plain"
            found.append(Payload(text, category, str(row.get("source", path.stem)), carrier, hidden))
    return found


def _inner(document: str) -> str:
    """The sentence that was put into a document; all of it where its place is not known."""
    for place in _INSIDE:
        match = place.search(document)
        if match is not None and match["text"]:
            return match["text"].strip()
    return document


def spread(items: Sequence[Payload], most: int) -> list[Payload]:
    """At most so many of them, taken evenly: every category keeps its share."""
    ordered = sorted(items, key=lambda one: (one.source, one.category))
    if len(ordered) <= most:
        return ordered
    return [ordered[at * len(ordered) // most] for at in range(most)]
