"""Text that is there and that nobody sees: what a page hides, and characters without a shape.

It is untrusted: kept out of the text that is classified and searched for fields, and told with a short excerpt.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from governance.case import Finding

EXCERPT = 80
"""Characters of hidden text that a finding quotes."""
_TOLD = 5  # places a document; the rest is counted

_KINDS = {
    "invisible": "is written with invisible letters",
    "off_page": "lies outside the page",
    "tiny": "is too small to be read",
    "same_colour": "has the colour of its ground",
    "covered": "is covered by something else",
    "clipped": "is cut away or in a layer that is not shown",
    "tags": "is written with characters that have no shape",
}
# Soft hyphens and joiners are in honest text too: they are dropped. Unicode 16, chapters 23.2, 23.4, 23.8 and 23.9.
_SHAPELESS = re.compile(
    "[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb"
    "\ufe00-\ufe0f\U000e0000-\U000e0fff]"
)
_OVERRIDE = re.compile("[\u202d\u202e][^\n\u202c]{1,200}")
_TAGS = re.compile("[\U000e0020-\U000e007e]{8,}")  # fewer make the flags of England, Scotland and Wales
_SPLIT = re.compile(r"\w*\w[\u200b\u200c\u2060\ufeff]\w[\w\u200b\u200c\u2060\ufeff]*")


def visible(text: str) -> str:
    """The text without the characters that have no shape."""
    return _SHAPELESS.sub("", text) if not text.isascii() else text


def characters(text: str) -> list[Finding]:
    """What was written with characters that have no shape or that turn the reading direction."""
    if text.isascii() or not _SHAPELESS.search(text):
        return []
    found: list[Finding] = []
    for tags in _TAGS.findall(text)[:_TOLD]:
        found.append(_hidden("tags", "".join(chr(ord(letter) - 0xE0000) for letter in tags), None))
    if match := _OVERRIDE.search(text):
        said = f"characters that turn the reading direction: what is shown is not what is written, {_quoted(match[0])}"
        found.append(Finding("reading_direction", said, values={"text": excerpt(match[0])}))
    if match := _SPLIT.search(text):
        said = f"characters without a shape inside words, such as {_quoted(match[0])}: they were left out"
        found.append(Finding("shapeless_characters", said, level="note", values={"text": excerpt(match[0])}))
    return found


def on_pages(hidden: Sequence[tuple[int, str, str]], layers: Iterable[int], unchecked: Iterable[int]) -> list[Finding]:
    """What a PDF hides: page, kind (see pdf_hidden) and text of each, pages whose text lies under their picture,
    pages that could not be looked at."""
    found = [_hidden(kind, text, page) for page, kind, text in hidden[:_TOLD]]
    if len(hidden) > _TOLD:
        said = f"{len(hidden) - _TOLD} more places with text that nobody sees"
        found.append(Finding("hidden_text", said, values={"places": str(len(hidden))}))
    if pages := _listed(layers):
        said = f"page {pages}: a picture; its text lies unseen beneath, as scanners write it, and may differ from it"
        found.append(Finding("text_under_picture", said, level="note", values={"pages": pages}))
    if pages := _listed(unchecked):
        said = f"page {pages}: draws more than is looked at, so hidden text may be in what was read"
        found.append(Finding("unchecked_page", said, values={"pages": pages}))
    return found


def excerpt(text: str) -> str:
    """A short printable piece of hidden text."""
    shown = "".join(letter if letter.isprintable() else " " for letter in visible(text[: 4 * EXCERPT]))
    joined = " ".join(shown.split())
    return joined if len(joined) <= EXCERPT else joined[: EXCERPT - 1] + "…"


def _hidden(kind: str, text: str, page: int | None) -> Finding:
    where = "" if page is None else f"page {page}: "
    said = f"{where}text that nobody sees was not read, it {_KINDS.get(kind, 'is hidden')}: {_quoted(text)}"
    place = {} if page is None else {"page": page}
    return Finding("hidden_text", said, values={"kind": kind, "text": excerpt(text)}, evidence=place)


def _quoted(text: str) -> str:
    return f"“{excerpt(text)}”"


def _listed(pages: Iterable[int]) -> str:
    several = [str(page) for page in pages]
    return ", ".join(several[:5]) + (f" and {len(several) - 5} more" if len(several) > 5 else "")
