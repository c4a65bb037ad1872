"""Every name that could be the supplier's, with what speaks for it.

A supplier signs head and foot, stands beside its own bank and tax numbers, and owns the web address; a buyer is
addressed once, below a form of address or a heading.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

from models import labels, party_words
from models.candidates import Candidate
from models.layout import Cell, Sheet

Roles = Mapping[tuple[int, int], str]
"""(row, at) → "seller" or "buyer": of whom the block around a cell speaks."""

_COLUMN = 300.0  # points: no address column is wider
_READ = 200  # characters of a cell
_NO_LETTER, _ALPHA, _DIGIT = re.compile(r"[\W_]+"), re.compile(r"[^\W\d_]"), re.compile(r"\d")
_BANK = re.compile(r"\b(?:\w*bank|sparkasse|banque|banco|banca)\b", re.IGNORECASE)
_LETTERS = 3  # of a name
MOST = 150


def names(sheet: Sheet, roles: Roles, votes: Mapping[str, str | None]) -> list[Candidate]:
    """Names at the start of a cell, behind a label, or with a legal form; the facts tell seller from buyer."""
    if not sheet.cells:
        return []
    marks = _marks(sheet)
    domains = {
        _letters(match[1]) for cell in sheet.cells for match in party_words.DOMAIN.finditer(cell.text)
    } - party_words.PUBLIC
    said = {f"vote_{name}": _letters(value) for name, value in votes.items() if value}
    height = median(cell.height for cell in sheet.cells)
    found: list[Candidate] = []
    for cell in sheet.cells:
        named = _named(sheet, cell)
        if not named:
            continue
        block, second = _block_facts(sheet, cell, roles, marks), _is_second(sheet, cell)
        for value, start, end in named:
            facts = {
                **_name_facts(value),
                **block,
                "joined": float(len(value) > len(cell.text)),
                "goes_on": float(len(named) > 1 and len(named[-1][0]) > len(cell.text) >= len(value)),
                "second_line": second,
                "domain": float(_owns(value, domains)),
                "big": float(cell.height > 1.25 * height),
                "sender_line": float(start == 0 and bool(party_words.SEPARATORS.match(cell.text[end:]))),
                "holder": float(bool(party_words.ACCOUNT_HOLDER.search(cell.text[:start]))),
                "labelled": float(bool(labels.SELLER_NAME.match(cell.text)) and start > 0),
                "first": float(not found),
                "top_rows": float(cell.row < 4),
                "head": float(cell.row < 12),
                "low": cell.row / max(1, len(sheet.rows)),
                "page_one": float(cell.page == 1),
            }
            plain = _letters(value)
            facts |= {name: float(plain == letters) for name, letters in said.items()}
            found.append(Candidate(value, cell, start, end, facts))
        if len(found) >= MOST:
            break
    counts = Counter(_letters(one.value) for one in found)
    for one in found:
        one.facts["often"] = min(3, counts[_letters(one.value)] - 1) / 3
    return found


def _letters(text: str) -> str:
    return _NO_LETTER.sub("", text.casefold())


def _named(sheet: Sheet, cell: Cell) -> list[tuple[str, int, int]]:
    """(name, start, end) of what could be names in a cell; one that goes on in the next line is joined."""
    text = cell.text[:200]
    if len(_ALPHA.findall(text)) < _LETTERS:
        return []
    start = 0
    for pattern in (party_words.LABELLED, labels.SELLER_NAME, party_words.ACCOUNT_HOLDER):
        match = pattern.match(text)
        if match:
            start = match.start(1) if pattern is labels.SELLER_NAME else match.end()
            break
    first = party_words.SEPARATORS.split(text[start:], maxsplit=1)[0].strip(" ,;:-–|•*")
    begin = text.find(first, start) if first else start
    found = [(first, begin, begin + len(first))] if _is_name(first) else []
    holder = party_words.ACCOUNT_HOLDER.search(text)
    if holder and holder.start() > 0:
        rest = party_words.SEPARATORS.split(text[holder.end() :], maxsplit=1)[0].strip(" ,;:-–|•*")
        if _is_name(rest):
            found.append((rest, text.find(rest, holder.end()), text.find(rest, holder.end()) + len(rest)))
    company = labels.COMPANY.search(text) if party_words.has_form(text) else None
    if company:
        name = labels.NAME_START.sub("", labels.NAME_END.split(company[0], maxsplit=1)[0]).strip(" ,;:-–|•")
        at = text.find(name, company.start())
        if _is_name(name) and all(name != known for known, _, _ in found):
            found.append((name, at, at + len(name)))
    if found and found[0][2] == len(text) and not party_words.has_form(found[0][0]):
        below = sheet.below(cell, 1)
        if below and _continues(cell, below[0]):
            found.append((f"{found[0][0]} {below[0].text.strip(' ,;')}", found[0][1], found[0][2]))
    return found


def _is_second(sheet: Sheet, cell: Cell) -> float:
    """Whether this cell goes on with a name that begins in the row above."""
    if cell.row == 0 or not party_words.has_form(cell.text):
        return 0.0
    above = (other for other in sheet.rows[cell.row - 1] if other.page == cell.page)
    return float(
        any(
            _continues(other, cell) and _is_name(other.text) and not party_words.has_form(other.text) for other in above
        )
    )


def _continues(cell: Cell, below: Cell) -> bool:
    """A name's second line: right below, no digits, and with the legal form that the first line lacks."""
    close = below.top - cell.bottom < 0.8 * max(cell.height, 1.0) and abs(below.left - cell.left) < cell.height
    plain = len(below.text) < 60 and not _DIGIT.search(below.text)
    heading = any(pattern.match(cell.text) for pattern in (labels.SELLER_HEADING, labels.BUYER_HEADING))
    if heading or party_words.LABELLED.match(below.text):
        return False
    return close and plain and party_words.has_form(below.text) and not labels.NOT_A_NAME.search(below.text)


def _is_name(text: str) -> bool:
    if len(text) >= 90 or len(text.split()) > 9:
        return False
    letters = len(_ALPHA.findall(text))
    if letters < _LETTERS or letters * 2 <= len(text):
        return False
    return not (labels.NOT_A_NAME.search(text) or text.endswith(":")) or party_words.has_form(text)


def _name_facts(value: str) -> dict[str, float]:
    return {
        "legal": float(party_words.has_form(value)),
        "digits": float(bool(_DIGIT.search(value))),
        "street": float(bool(party_words.STREET.search(value)) or bool(party_words.ADDRESS.search(value))),
        "one_word": float(len(value.split()) == 1),
        "wordy": float(len(value.split()) > 5),
        "small_letters": float(value[:1].islower()),
        "bank": float(bool(_BANK.search(value))),
        "salutation_itself": float(bool(party_words.SALUTATION.match(value))),
        "greeting": float(bool(party_words.GREETING.match(value))),
    }


@dataclass(frozen=True, slots=True)
class _Marks:
    """What a cell says for the names around it."""

    salutation: bool
    address: bool
    own_number: bool


def _marks(sheet: Sheet) -> dict[tuple[int, int], _Marks]:
    return {
        (cell.row, cell.at): _Marks(
            bool(party_words.SALUTATION.match(cell.text)),
            bool(party_words.ADDRESS.search(cell.text[:_READ]) or party_words.STREET.search(cell.text[:_READ])),
            bool(party_words.OWN_NUMBERS.search(cell.text[:_READ])),
        )
        for cell in sheet.cells
    }


def _block_facts(sheet: Sheet, cell: Cell, roles: Roles, marks: Mapping[tuple[int, int], _Marks]) -> dict[str, float]:
    above, below = neighbours(sheet, cell, -1), neighbours(sheet, cell, 1)
    role = roles.get((cell.row, cell.at))
    own_row = sheet.rows[cell.row]
    around = [marks[other.row, other.at] for other in (*above, *below)]
    under = [marks[other.row, other.at] for other in below[:3]]
    beside = [marks[other.row, other.at] for other in own_row]
    return {
        "seller_role": float(role == "seller"),
        "buyer_role": float(role == "buyer"),
        "buyer_word": float(bool(labels.BUYER_WORD.search(cell.text[:_READ]))),
        "bank_line": float(bool(labels.BANK_LINE.search(cell.text[:_READ]))),
        "salutation": float(any(mark.salutation for mark in around)),
        "address_below": float(any(mark.address for mark in under)),
        "own_numbers": float(any(mark.own_number for mark in (*around, *beside))),
        "above_empty": float(not above),
        "name_label": float(
            any(party_words.LABELLED.fullmatch(other.text.strip() + " ") for other in own_row[: cell.at][-1:])
        ),
    }


def neighbours(sheet: Sheet, cell: Cell, step: int) -> list[Cell]:
    """Up to five cells of the same block above or below, nearest first."""
    found: list[Cell] = []
    last = cell
    for offset in range(1, 7):
        at = cell.row + step * offset
        if not 0 <= at < len(sheet.rows):
            break
        row = sheet.rows[at]
        gap = row[0].top - last.bottom if step > 0 else last.top - row[0].bottom
        if row[0].page != cell.page or gap > 1.6 * max(last.height, 1.0):
            break
        lined = [other for other in row if other.left < cell.right and other.right > cell.left]
        if lined:
            last = lined[0]
            found.append(last)
    return found[:5]


def _owns(value: str, domains: set[str]) -> bool:
    """Whether a web or mail address carries the name: its letters in a row, or its first long word."""
    if not domains:
        return False
    plain = _letters(party_words.LEGAL.sub(" ", value))
    words = [_letters(word) for word in value.split()]
    initials = "".join(word[:1] for word in words)
    return any(
        (len(plain) >= 4 and (plain in domain or (domain in plain and len(domain) >= 4)))
        or (words and len(words[0]) >= 5 and words[0] in domain)
        or (len(initials) >= 3 and domain == initials)
        for domain in domains
    )


def block_roles(sheet: Sheet) -> Roles:
    """The roles of the cells below a heading such as `Seller:`, within its column."""
    roles: dict[tuple[int, int], str] = {}
    for cell in sheet.cells:
        role = (
            "buyer"
            if labels.BUYER_HEADING.match(cell.text)
            else "seller"
            if labels.SELLER_HEADING.match(cell.text)
            else None
        )
        if role is None:
            continue
        roles[cell.row, cell.at] = role
        right = min((other.left for other in sheet.right_of(cell)), default=cell.left + _COLUMN)
        roles |= dict.fromkeys(_column(sheet, cell, right), role)
    return roles


def _column(sheet: Sheet, heading: Cell, right: float) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    last = heading
    for row in sheet.rows[heading.row + 1 : heading.row + 11]:
        band = [cell for cell in row if cell.left < right - 1 and cell.right > heading.left - 3]
        if row[0].page != heading.page or row[0].top - last.bottom > 3.5 * max(heading.height, 1.0):
            break
        if any(labels.BUYER_HEADING.match(cell.text) or labels.SELLER_HEADING.match(cell.text) for cell in band):
            break
        if any(labels.BLOCK_END.search(cell.text) for cell in band):
            break
        if band:
            last = band[0]
        found += [(cell.row, cell.at) for cell in band]
    return found
