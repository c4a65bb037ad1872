"""Where a new document begins in a file of many pages: invoices scanned in one go, a delivery note behind its bill."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from models.layout import Word, from_words
from models.titles import heading_of, plain

_TOP = 0.45
_FIRST_PAGE = re.compile(r"\b(?:page|seite|pagina|pag\.?|p\.|blatt|bladzijde)\s*:?\s*1\s*(?:/|of|von|de|di|sur|van|$)")


@dataclass(frozen=True, slots=True)
class Part:
    """A document within a file: its first page (from 1) and the class that its heading names."""

    page: int
    document_class: str


@dataclass(frozen=True, slots=True)
class _Top:
    """The upper part of a page: headings as (text, class, bare), and whether the page calls itself a first page."""

    named: Sequence[tuple[str, str, bool]]
    first: bool


def parts(words: Sequence[Word]) -> list[Part]:
    """The documents that begin in a file, by what stands at the top of its pages; at most one where they are one.

    A page begins a document where its heading has not been shown by the document so far and names another class or a
    number of its own, or where it has a heading and calls itself a first page. What comes again on every page is the
    same document's.
    """
    found: list[Part] = []
    shown: set[str] = set()
    for page, own in groupby(sorted(words, key=lambda word: word.page), key=lambda word: word.page):
        top = _top(list(own))
        fresh = [one for one in top.named if one[0] not in shown]
        another = any(not found or name != found[-1].document_class or not bare for _, name, bare in fresh)
        if top.named and (not found or another or top.first):
            found.append(Part(page, (fresh or top.named)[0][1]))
            shown = set()
        shown |= {said for said, _, _ in top.named}
    return found


def _top(words: Sequence[Word]) -> _Top:
    sheet = from_words(words)
    limit = _TOP * max((word.bottom for word in words), default=0.0)
    named = []
    for cell in sheet.cells:
        heading = heading_of(cell.text) if cell.top <= limit and len(cell.text) <= 120 else None
        if heading is not None:
            named.append((plain(cell.text), *heading))
    return _Top(named, any(_FIRST_PAGE.search(plain(cell.text)) for cell in sheet.cells))
