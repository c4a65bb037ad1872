"""How one supplier's documents are read: labels and places that people taught, and never a value.

A memory chooses among the values that stand on the page (`models.extraction.Found`). It invents none, it reads no bank
details, and an amount by memory is never less than what is read without it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from governance.case import Reading
from models.candidates import Candidate
from models.extraction import Evidence, Found
from models.layout import Cell, Sheet

FIELDS = ("invoice_number", "issue_date", "due_date", "total_amount", "amount_due", "purchase_order")
"""What a memory may read. Names and numbers of the supplier say whose memory it is, so they are not among them."""
MONEY = ("total_amount", "amount_due")
RELATIONS = ("before", "left", "above", "place")
_LABEL, _TITLE, _WORDS = 40, 60, 4
_ABOVE = 12  # rows: a table's heading stands no further off
_NEAR, _CLOSE = 1, 2  # tenths of a page: in each direction, in both together
_OTHERS = 3
_NO_LETTERS = re.compile(r"[\W\d_]+")


@dataclass(frozen=True, slots=True)
class FieldRule:
    """Where a value stands: the words before it in its cell, left of it or above it; or only its place.

    `page` from 1; `across`, `down`: tenths of the written part of the page, 0 to 10. They tell apart values with the
    same label.
    """

    relation: str
    label: str | None
    page: int
    across: int
    down: int

    def as_dict(self) -> dict[str, Any]:
        """As `cs._malformed_memory` wants it."""
        label = {} if self.label is None else {"label": self.label}
        return {"relation": self.relation, **label, "page": self.page, "across": self.across, "down": self.down}


@dataclass(frozen=True, slots=True)
class Memory:
    """`fields`: name → rule. `titles`: words that head a document → its class."""

    fields: Mapping[str, FieldRule] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, reading: Mapping[str, Any]) -> Memory:
        """From the JSON that the record keeps, which the database has checked."""
        rules = {
            name: FieldRule(how["relation"], how.get("label"), how["page"], how["across"], how["down"])
            for name, how in (reading.get("fields") or {}).items()
            if name in FIELDS
        }
        return cls(rules, dict(reading.get("titles") or {}))

    def as_dict(self) -> dict[str, Any]:
        return {"fields": {name: rule.as_dict() for name, rule in self.fields.items()}, "titles": dict(self.titles)}

    def __bool__(self) -> bool:
        return bool(self.fields or self.titles)


# Learning -----------------------------------------------------------------------------------------------------------


def learn(found: Found, right: Mapping[str, str | None], names: Sequence[str] = ()) -> Memory:
    """What one corrected document teaches. `right`: `document_class` or a field → what a person said; `names`: the
    supplier's, which head no class. Empty where the right value stands nowhere on the page."""
    rules = {name: rule for name in FIELDS if (rule := _rule(found, name, right.get(name))) is not None}
    title = title_of(found.sheet, names) if right.get("document_class") else None
    return Memory(rules, {title: str(right["document_class"])} if title else {})


def joined(known: Memory, learned: Memory) -> Memory:
    """Both; where they differ, what was learned last."""
    titles = dict(list({**known.titles, **learned.titles}.items())[-20:])
    return Memory({**known.fields, **learned.fields}, titles)


def _rule(found: Found, name: str, value: str | None) -> FieldRule | None:
    """The first relation by which the right value would have been found; None where none does."""
    if value is None:
        return None
    for one in found.by_field[name]:
        if not _same(name, one.value, value):
            continue
        page, across, down = _place(found.sheet, one)
        for relation in RELATIONS:
            label = _label_of(found.sheet, one, relation)
            if label is None and relation != "place":
                continue
            rule = FieldRule(relation, label, page, across, down)
            chosen = _recalled(found, name, rule)
            if chosen is not None and _same(name, chosen.value, value):
                return rule
    return None


def title_of(sheet: Sheet, names: Sequence[str] = ()) -> str | None:
    """The words that head the first page: the largest of its upper third, letters only, that are no part of the
    supplier's name, nor have it in them. None where there are none."""
    first = [cell for cell in sheet.cells if cell.page == 1]
    if not first:
        return None
    bottom = max(cell.bottom for cell in first)
    upper = [cell for cell in first if cell.top <= bottom / 3] or first[:10]
    own = {_letters(name) for name in names} - {""}
    heads = [
        (cell.height, -cell.row, words)
        for cell in upper
        if 2 <= len(words := _words(cell.text)) <= _TITLE
        and not any(letters in name or name in letters for letters in (_letters(cell.text),) for name in own)
    ]
    return max(heads, key=lambda head: (round(head[0]), head[1]))[2] if heads else None


# Reading ------------------------------------------------------------------------------------------------------------


def recall(found: Found, memory: Memory) -> dict[str, Candidate]:
    """Field → the candidate that stands where the memory says; fields without one are left out."""
    chosen = {name: _recalled(found, name, rule) for name, rule in memory.fields.items()}
    return {name: one for name, one in chosen.items() if one is not None}


def read_with(reading: Reading, found: Found, memory: Memory, whose: str, names: Sequence[str] = ()) -> Reading:
    """The reading as the memory has it. `whose` in words: of which supplier, by whose approval.

    What structured data says stays.
    """
    if reading.basis == "structured":
        return reading
    made = _with_class(reading, found, memory, whose, names)
    fields, sure = dict(made.fields), dict(made.field_confidence)
    evidence, others = dict(made.evidence), dict(made.alternatives)
    notes = list(made.warnings)
    for name, one in recall(found, memory).items():
        old = fields.get(name)
        if old is not None and _same(name, old, one.value):
            continue
        if name == "total_amount" and (old is None or abs(Decimal(one.value)) < abs(Decimal(old))):
            # Who signs hangs on this amount: a memory must be no way to have fewer people sign.
            without = "nothing was sure" if old is None else f"more was read: {old}"
            notes.append(f"{name}: by memory of {whose} it is {one.value}, where {without}; a person must say so")
            others[name] = _distinct(one.value, *others.get(name, ()))
            continue
        fields[name], sure[name] = one.value, None
        others[name] = _distinct(*([old] if old else []), *(v for v in others.get(name, ()) if v != one.value))
        evidence.pop(name, None)
        if found.placed:
            evidence[name] = Evidence(one.cell.box(one.start, one.end), one.text).as_dict()
        notes = [note for note in notes if not note.startswith(f"{name}:")]
        notes.append(f"{name}: by memory of {whose}; without it {old or 'nothing'}")
    return replace(
        made, fields=fields, field_confidence=sure, evidence=evidence, alternatives=others, warnings=tuple(notes)
    )


def _with_class(reading: Reading, found: Found, memory: Memory, whose: str, names: Sequence[str]) -> Reading:
    said = memory.titles.get(title_of(found.sheet, names) or "") if memory.titles else None
    if said is None or (said == reading.document_class and not reading.abstained):
        return reading
    before = "not sure" if reading.abstained else reading.document_class
    note = f"document_class: by memory of {whose}; without it {before}"
    return replace(
        reading,
        document_class=said,
        confidence=None,
        abstained=False,
        basis="memory",
        warnings=(*reading.warnings, note),
    )


def _recalled(found: Found, name: str, rule: FieldRule) -> Candidate | None:
    """The candidate with the label; of several values the one near its place. Without a label, one that stands there.

    None where that is nobody, or where two of different values are as near: what is not certain is not said.
    """
    fits: list[tuple[int, int, Candidate]] = []
    for at, one in enumerate(found.by_field[name]):
        page, across, down = _place(found.sheet, one)
        off = abs(across - rule.across), abs(down - rule.down)
        if rule.relation == "place":
            if page == rule.page and max(off) <= _NEAR:
                fits.append((sum(off), at, one))
        # A label in another column is another layout's.
        elif off[0] <= _NEAR and _label_of(found.sheet, one, rule.relation) == rule.label:
            fits.append((sum(off) + 10 * abs(page - rule.page), at, one))
    fits.sort(key=lambda fit: fit[:2])
    rivals = [off for off, _, one in fits[1:] if not _same(name, one.value, fits[0][2].value)]
    if rivals and (fits[0][0] > _CLOSE or rivals[0] <= fits[0][0]):
        return None
    return fits[0][2] if fits else None


# Places and labels --------------------------------------------------------------------------------------------------


def _place(sheet: Sheet, one: Candidate) -> tuple[int, int, int]:
    """(page, tenths across, tenths down), of the written part of the page."""
    box = one.cell.box(one.start, one.end)
    right = max(cell.right for cell in sheet.cells if cell.page == box.page)
    bottom = max(cell.bottom for cell in sheet.cells if cell.page == box.page)
    across, down = (box.left + box.right) / 2 / max(right, 1.0), (box.top + box.bottom) / 2 / max(bottom, 1.0)
    return min(box.page, 999), *(max(0, min(10, round(10 * share))) for share in (across, down))  # type: ignore[return-value]


def _label_of(sheet: Sheet, one: Candidate, relation: str) -> str | None:
    """The words that stand so to a candidate; None where there are none, or for its mere place."""
    if relation == "before":
        return _label(one.cell.text[: one.start])
    if relation == "left":
        return _label(sheet.rows[one.cell.row][one.cell.at - 1].text) if one.cell.at else None
    if relation == "above":
        return _above(sheet, one.cell, one.start)
    return None


def _above(sheet: Sheet, cell: Cell, start: int) -> str | None:
    box = cell.box(start)
    for row in reversed(sheet.rows[max(0, cell.row - _ABOVE) : cell.row]):
        if row[0].page != cell.page:
            return None
        for other in row:
            if other.left < box.right and other.right > box.left and (label := _label(other.text)) is not None:
                return label
    return None


def _label(text: str) -> str | None:
    """The last words before a value, small letters only: at most four, and no digit."""
    words = _words(text).split()[-_WORDS:]
    while words and len(" ".join(words)) > _LABEL:
        words = words[1:]
    label = " ".join(words)
    return label if len(label) >= 2 else None


def _words(text: str) -> str:
    return " ".join(_NO_LETTERS.sub(" ", text.casefold()).split())


def _letters(text: str) -> str:
    return _words(text).replace(" ", "")


def _same(name: str, left: str, right: str) -> bool:
    if name in MONEY:
        return Decimal(left) == Decimal(right)
    return left.casefold() == right.casefold()


def _distinct(*values: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))[:_OTHERS]
