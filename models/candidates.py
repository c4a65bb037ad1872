"""Every value that could be a field, with what speaks for it: its label, its place, its form, sums that fit.

The facts are about layout and labels, never about the words of one supplier, so that they carry over to writers that
nobody has seen.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from models import identifiers
from models.binding import Binder, Bond
from models.layout import Cell, Sheet
from models.notation import WrittenDate, amounts, dates

REFERENCE_KINDS = ("number", "order", "other_number")
DATE_KINDS = ("issued", "due", "other_date", "number")
AMOUNT_KINDS = ("gross", "payable", "net", "tax", "other_amount")
_TOKEN = re.compile(r"(?<![\w.,/-])(?:[A-Z]{1,5}[ -](?=\d))?(?=[\w./|+-]*\d)\w[\w./|+-]*")
_NO_REFERENCE = re.compile(
    r"\d{1,2}:\d\d(?::\d\d)?|[\d.]+\.\d\d-[\d.]+\.\d\d|\d+[.,]\d{2}|\d{1,3}(?:[.,]\d{3})+[.,]\d{2}|\d{1,3}(?:st|nd|rd|th)"
    r"|\d+(?:x|kg|g|l|ml|cm|mm|m|pcs|stk|std|h|kw|kwh|gb|mb)|www\..*|.*\.(?:com|de|fr|org|net|eu)",
    re.IGNORECASE,
)
_DIGIT = re.compile(r"\d")
_SIGN = re.compile(r"[€$£]|\b[A-Z]{3}\b")
_MARKS = re.compile(r"\W")
_RANGE_BEGINS = re.compile(r"\s*(?:-|–|bis|to|until|au|al|hasta el|t/m|tot)\s*(?:\d|$)", re.IGNORECASE)
_RANGE_ENDS = re.compile(r"\d\s*(?:-|–|bis|to|until|au|al|hasta el|t/m|tot)\s*$", re.IGNORECASE)
_BEFORE = frozenset({"adjacent", "right"})
_END = 10**6  # behind everything in a cell
_MOST = 400  # candidates of one kind: no bill has more, hostile text must not cost minutes


@dataclass(slots=True)
class Candidate:
    """A value in its normal form, where it stands, and the facts about it (name → strength, mostly 0 or 1). `label`:
    the words beside it that name the field; `other`: what it is where day and month change places."""

    value: str
    cell: Cell
    start: int
    end: int
    facts: dict[str, float] = field(default_factory=dict)
    label: str = ""
    other: str | None = None

    @property
    def text(self) -> str:
        return self.cell.text[self.start : self.end]


@dataclass(frozen=True, slots=True)
class Notation:
    """How this document writes: decimal comma, day before month, decimals of its money."""

    comma: bool | None
    day_first: bool
    places: frozenset[int]


def _label_facts(bonds: Sequence[Bond], own: str) -> dict[str, float]:
    facts: dict[str, float] = {}
    for bond in bonds:
        who = "rival" if bond.hit.kind != own else "own_strong" if bond.hit.strong else "own_weak"
        facts[f"{bond.relation}:{who}"] = 1.0
    return facts


def _label(bonds: Sequence[Bond], own: str, cell: Cell, start: int) -> str:
    """The words of the label that stands right before the value, but for a currency, and names the field."""
    for bond in bonds:
        if bond.hit.kind == own and (
            bond.relation in _BEFORE
            or (bond.relation == "near" and not _MARKS.sub("", _SIGN.sub("", cell.text[bond.hit.end : start])))
        ):
            return bond.hit.text
    return ""


def _place_facts(sheet: Sheet, cell: Cell) -> dict[str, float]:
    return {"page_one": float(cell.page == 1), "low": cell.row / max(1, len(sheet.rows))}


def tokens(sheet: Sheet, binder: Binder) -> list[tuple[Candidate, list[Bond]]]:
    """Tokens with a digit that are no date, amount, account or quantity, each with its labels."""
    found: list[tuple[Candidate, list[Bond]]] = []
    for cell in sheet.cells:
        if not _DIGIT.search(cell.text):
            continue
        taken = [(day.start, day.end) for day in dates(cell.text)]
        taken += [(start, end) for _, start, end in identifiers.iban_spans(cell.text)]
        for match in _TOKEN.finditer(cell.text):
            text = match[0].rstrip(".-/|,+")
            start, end = match.start(), match.start() + len(text)
            if not text or any(start < right and left < end for left, right in taken):
                continue
            if len(text) > 40 or _NO_REFERENCE.fullmatch(text) or cell.text[end : end + 2].strip().startswith("%"):
                continue
            if len(text) < 3 and cell.text != text and not binder.before(cell, start, REFERENCE_KINDS):
                continue  # a quantity, a rate, a part of an address
            facts = _place_facts(sheet, cell) | _form_facts(text) | {"alone": float(text == cell.text)}
            found.append((Candidate(text, cell, start, end, facts), binder.bonds(cell, start, REFERENCE_KINDS)))
            if len(found) >= _MOST:
                break
    _repeated([one for one, _ in found])
    return found


def references(
    found: Sequence[tuple[Candidate, list[Bond]]], own: str, votes: Mapping[str, str | None]
) -> list[Candidate]:
    """The tokens as candidates for the field whose labels are of the kind `own`: "number" or "order"."""
    said = {f"vote_{name}": _bare(value) for name, value in votes.items() if value}
    return [
        Candidate(
            one.value,
            one.cell,
            one.start,
            one.end,
            one.facts
            | _label_facts(bonds, own)
            | {name: float(_bare(one.value) == value) for name, value in said.items()},
            _label(bonds, own, one.cell, one.start),
        )
        for one, bonds in found
    ]


def _bare(text: str) -> str:
    return _MARKS.sub("", text).upper()


def _form_facts(text: str) -> dict[str, float]:
    digits = sum(character.isdigit() for character in text)
    return {
        "letters": float(any(character.isalpha() for character in text)),
        "short": float(len(text) < 3),
        "long": float(len(text) > 16),
        "digits": min(digits, 10) / 10,
        "broken": float(bool(re.search(r"[/-]", text))),
        "postcode": float(bool(re.fullmatch(r"(?:[A-Z]{1,2}-)?\d{4,5}", text))),
    }


def _repeated(found: list[Candidate]) -> list[Candidate]:
    counts = Counter(one.value for one in found)
    for one in found:
        one.facts["repeated"] = float(counts[one.value] > 1)
    return found


def written_dates(sheet: Sheet) -> list[tuple[Cell, WrittenDate]]:
    return [(cell, day) for cell in sheet.cells for day in dates(cell.text)][:_MOST]


def days(
    sheet: Sheet,
    binder: Binder,
    written: Sequence[tuple[Cell, WrittenDate]],
    notation: Notation,
    own: str,
    votes: Mapping[str, str | None],
) -> list[Candidate]:
    """All dates. `own`: "issued" or "due"."""
    resolved = [(cell, day, day.resolve(notation.day_first)) for cell, day in written]
    known = sorted({value for _, _, value in resolved if value})
    found: list[Candidate] = []
    for cell, day, value in resolved:
        if value is None:
            continue
        bonds, row = binder.bonds(cell, day.start, DATE_KINDS), sheet.rows[cell.row]
        before = binder.before(cell, day.start, DATE_KINDS)
        facts = _label_facts(bonds, own) | _place_facts(sheet, cell)
        facts |= {f"vote_{name}": float(said == value.isoformat()) for name, said in votes.items()}
        facts |= {
            "other_before": float("other_date" in before),
            "number_before": float("number" in before),
            "other_beside": float(cell.at > 0 and "other_date" in binder.before(row[cell.at - 1], _END, DATE_KINDS)),
            "first": float(not found),
            "only": float(len(known) == 1),
            "earliest": float(value == known[0]),
            "latest": float(value == known[-1] and len(known) > 1),
            "range": float(bool(_RANGE_BEGINS.match(cell.text, day.end))),
            "range_end": float(bool(_RANGE_ENDS.search(cell.text[: day.start]))),
            "alone": float(cell.text == cell.text[day.start : day.end]),
            "odd_year": float(not 1995 <= value.year <= 2045),
        }
        other = day.resolve(not notation.day_first)
        turned = other.isoformat() if other and other != value else None
        found.append(
            Candidate(value.isoformat(), cell, day.start, day.end, facts, _label(bonds, own, cell, day.start), turned)
        )
    return _repeated(found)


def money(sheet: Sheet, binder: Binder, notation: Notation) -> list[tuple[Candidate, list[Bond], dict[str, bool]]]:
    """All amounts with the decimals of money, each with its labels and the kinds of label before it in its row."""
    placed = [
        (cell, amount)
        for cell in sheet.cells
        for amount in amounts(cell.text, notation.comma)
        if amount.decimals in notation.places
    ][:_MOST]
    if not placed:
        return []
    values = Counter(abs(amount.value) for _, amount in placed)
    sums = _sums(values)
    parts = {part for pair in sums.values() for part in pair}
    largest, last_row = max(values), placed[-1][0].row
    last_in_row = {cell.row: cell.at for cell, _ in placed}
    found: list[tuple[Candidate, list[Bond], dict[str, bool]]] = []
    for cell, amount in placed:
        size = abs(amount.value)
        facts = _place_facts(sheet, cell) | {
            "largest": float(size == largest),
            "sum": float(size in sums),
            "part": float(size in parts),
            "repeated": float(values[size] > 1),
            "zero": float(size == 0),
            "last_in_row": float(last_in_row[cell.row] == cell.at),
            "last_rows": float(last_row - cell.row < 4),
            "money_sign": float(bool(_SIGN.search(cell.text))),
        }
        one = Candidate(format(amount.value, "f"), cell, amount.start, amount.end, facts)
        found.append((one, binder.bonds(cell, amount.start, AMOUNT_KINDS), _row_kinds(binder, cell, amount.start)))
    return found


def _row_kinds(binder: Binder, cell: Cell, start: int) -> dict[str, bool]:
    return {
        hit.kind: hit.strong
        for other in binder.sheet.rows[cell.row][: cell.at + 1]
        for hit in binder.hits(other, AMOUNT_KINDS)
        if other is not cell or hit.end <= start + 1
    }


def sums_of_money(
    found: Sequence[tuple[Candidate, list[Bond], dict[str, bool]]], own: str, votes: Mapping[str, str | None]
) -> list[Candidate]:
    """The amounts as candidates for the field whose labels are of the kind `own`: "gross" or "payable"."""
    said = {f"vote_{name}": Decimal(value) for name, value in votes.items() if value is not None}
    return [
        Candidate(
            one.value,
            one.cell,
            one.start,
            one.end,
            one.facts
            | _amount_labels(bonds, row, own)
            | {name: float(Decimal(one.value) == value) for name, value in said.items()},
            _label(bonds, own, one.cell, one.start),
        )
        for one, bonds, row in found
    ]


def _amount_labels(bonds: Sequence[Bond], row: Mapping[str, bool], own: str) -> dict[str, float]:
    """Which kinds of label stand in the words before the amount, and which above it; sums carry several at once."""
    facts: dict[str, float] = {}
    for bond in bonds:
        place = {"adjacent": "in", "near": "in"}.get(bond.relation, bond.relation)
        strength = "strong" if bond.hit.strong else "weak"
        facts[f"{place}:{'own' if bond.hit.kind == own else bond.hit.kind}_{strength}"] = 1.0
    return facts | {f"row:{'own' if kind == own else kind}": 1.0 for kind in row}


def _sums(values: Mapping[Decimal, int]) -> dict[Decimal, tuple[Decimal, Decimal]]:
    """Amounts that are the sum of two others, the smaller a plausible tax (3 to 30 %) on the larger: gross → parts."""
    found: dict[Decimal, tuple[Decimal, Decimal]] = {}
    ranked = sorted(values, reverse=True)[:60]
    for gross in ranked:
        for net in ranked:
            tax = gross - net
            if net and tax in values and Decimal("0.03") <= tax / net <= Decimal("0.30"):
                found[gross] = (net, tax)
                break
    return found
