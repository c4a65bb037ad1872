"""Document numbers that carry the number of a line: 46281108_1, 46281108_2."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from api.commands.tables import Row
from models.invoice import Invoice

_LINE = re.compile(r"(.*\w)\s*[-_/.]\s*(\d{1,3})")
_SHARE = 0.95
_AGREE = 0.99

Made = tuple[Row, Invoice]


def line_stems(made: Sequence[Made], notes: list[str]) -> list[Made]:
    """The rows with ids without their line number, where the ids of the file have one.

    They have where nearly all ids end that way, many share what stands before, and rows that share it have one
    vendor: measured on the file, never assumed.
    """
    parts = [_LINE.fullmatch(one.invoice_id) for _, one in made]
    stems: dict[str, set[str]] = defaultdict(set)
    for part, (_, one) in zip(parts, made, strict=True):
        if part:
            stems[part[1]].add(one.vendor_id or one.vendor_name)
    ending = sum(part is not None for part in parts)
    one_vendor = sum(len(vendors) == 1 for vendors in stems.values())
    if not made or ending < _SHARE * len(made) or one_vendor < _AGREE * len(stems) or len(stems) > 0.98 * ending:
        return list(made)
    notes.append(f"ids such as {made[0][1].invoice_id!r} end with the number of a line, which is left off")
    return [
        (row, replace(one, invoice_id=part[1]) if part else one) for part, (row, one) in zip(parts, made, strict=True)
    ]
