"""Twins that share no key: bills of nearly the same amount that say in other words that they are for the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from governance.record import twin_texts
from governance.record.db import Connection
from governance.record.twin_texts import Asked
from models.duplicates import Invoice

MOST = 5
FACTOR = 1.25
SIMILARITY = 0.6
"""Of the same vendor and of all: how many neighbours, how far apart their amounts, how alike their texts at least."""

_WINDOW = 500
_WORD = re.compile(r"[^\W\d_]{3,}")
_LIMIT = 500


def spoken(description: str | None) -> str | None:
    """The words of a description, without its numbers, which keys compare; None below two words."""
    words = _WORD.findall((description or "")[:_LIMIT].lower())
    return " ".join(words) if len(words) > 1 else None


def neighbours(
    conn: Connection, bills: Mapping[str, Invoice], vectors: Mapping[str, Sequence[float]]
) -> list[tuple[str, str]]:
    """(case id, invoice id) of the bills near these, by case id. `vectors`: of those cases whose bill says enough."""
    asked = [
        Asked(case_id, bills[case_id].vendor_id, float(abs(bills[case_id].amount)), vector)
        for case_id, vector in vectors.items()
    ]
    return twin_texts.near(conn, asked, most=MOST, factor=FACTOR, similarity=SIMILARITY)


def tell(
    transaction: Callable[[], AbstractContextManager[Connection]],
    vendors: Collection[str],
    encode: Callable[[Sequence[str]], Any],
    *,
    most: int = 64,
) -> int:
    """Gives vectors to the latest bills of these vendors that have none, `most` of them; how many were looked at.

    `encode`: texts to rows of 384 numbers, in order.
    """
    with transaction() as conn:
        found = twin_texts.untold(conn, vendors, window=_WINDOW, most=most)
    # A bill that says too little is told all the same, else it would be found again for ever.
    texts = [spoken(one.description) or "" for one in found]
    vectors = encode(texts) if texts else ()
    rows = [(one.invoice_id, text, vector) for one, text, vector in zip(found, texts, vectors, strict=True)]
    if rows:
        with transaction() as conn:
            twin_texts.remember(conn, rows)
    return len(rows)
