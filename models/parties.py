"""Who a document comes from: the supplier and its VAT number, told apart from the buyer's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from models import identifiers, labels

_LINES, _LINE_LENGTH = 2000, 500  # no invoice is longer; hostile text must not cost minutes


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a document, and of whom its block speaks."""

    text: str
    role: str | None  # "seller", "buyer" or None: of whom the block speaks


def read_lines(text: str) -> Iterator[Line]:
    """Lines with white space joined; a heading such as `Seller:` rules the lines below it for a while."""
    role: str | None = None
    left = 0
    for raw in text[: 2 * _LINES * _LINE_LENGTH].splitlines()[:_LINES]:
        line = " ".join(raw[: 4 * _LINE_LENGTH].split())[:_LINE_LENGTH]
        if not line:
            continue
        heading = (
            "buyer" if labels.BUYER_HEADING.match(line) else "seller" if labels.SELLER_HEADING.match(line) else None
        )
        if heading:
            role, left = heading, 10
        elif left and not labels.BLOCK_END.search(line):
            left -= 1
        else:
            role, left = None, 0
        yield Line(line, role)


def vat_id(lines: Sequence[Line]) -> str | None:
    """The first VAT number that does not stand with the buyer; a block of the seller goes first."""
    candidates = []
    for line in lines:
        if line.role == "buyer" or labels.BUYER_WORD.search(line.text):
            continue
        candidates += [(line.role != "seller", value) for value in identifiers.vat_ids(line.text)]
    if not candidates:
        return None
    return min(candidates, key=lambda candidate: candidate[0])[1]


def supplier(lines: Sequence[Line]) -> str | None:
    """The supplier's name: as labelled, else from the seller's block, a line with a legal form, the letterhead."""
    return (
        next((name for line in lines if (name := _labelled_name(line.text))), None)
        or _seller_block(lines)
        or _company_line(lines)
        or _letterhead(lines)
    )


def _seller_block(lines: Sequence[Line]) -> str | None:
    block = [line.text for line in lines if line.role == "seller"][:8]
    for index, text in enumerate(block):
        match = labels.NAME_LABEL.match(text)
        if match:
            return _name(match[1] or "".join(block[index + 1 : index + 2]))
    return _name(next((text for text in block[1:] if _is_name(text)), None))


def _company_line(lines: Sequence[Line]) -> str | None:
    """The name with a legal form that the document repeats most: a supplier signs head and foot, a buyer is
    addressed once."""
    found: Counter[str] = Counter()
    for line in lines:
        if line.role == "buyer" or labels.BUYER_WORD.search(line.text) or labels.BANK_LINE.search(line.text):
            continue
        match = labels.COMPANY.search(line.text)
        name = _name(match[0]) if match else None
        if name:
            found[name] += 1
    return found.most_common(1)[0][0] if found else None


def _letterhead(lines: Sequence[Line]) -> str | None:
    names = (_name(line.text) for line in lines[:6])
    return next((name for name in names if name and _is_name(name)), None)


def _labelled_name(line: str) -> str | None:
    match = labels.SELLER_NAME.match(line)
    return _name(match[1]) if match and _is_name(match[1]) else None


def _is_name(line: str) -> bool:
    """Words that could name a company: mostly letters, no label, no address, not the document's title."""
    letters = sum(character.isalpha() for character in line)
    return letters >= 3 and letters * 2 > len(line) and len(line) < 80 and not labels.NOT_A_NAME.search(line)


def _name(text: str | None) -> str | None:
    if text is None:
        return None
    return labels.NAME_START.sub("", labels.NAME_END.split(text, maxsplit=1)[0]).strip(" ,;:-–|•") or None
