"""What a check of exact fields, as an ERP makes it when an invoice is posted, would have said of a pair. Pure.

Such checks compare the vendor record and the vendor's number, most of them also date, amount, currency and company, and
where no number was typed they compare without it. Text is compared without regard to capitals and outer spaces.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from rapidfuzz.distance import OSA, Levenshtein, Postfix, Prefix

from agents.compare import Document
from models.invoice import clean, normal_name, number_forms

RULES: dict[str, tuple[str, ...]] = {
    "full": ("supplier", "number", "date", "amount", "currency", "entity"),
    "usual": ("supplier", "number", "date", "amount"),
    "number": ("supplier", "number"),
    "no_number": ("supplier", "date", "amount"),
}
"""Name of a check → what must be equal."""

_SIGNS = {
    ".": "dot", "-": "hyphen", "/": "slash", " ": "space", "_": "underscore", "#": "hash sign", ",": "comma",
    "(": "bracket", ")": "bracket", ":": "colon", "'": "apostrophe", "*": "asterisk", "\u2013": "dash",
}  # fmt: skip
_MANY = 3


@dataclass(frozen=True, slots=True)
class ExactCheck:
    """`found_by`: names of RULES that find the pair. `slips`: (field, how it differs) that let it through the usual one
    and the full one. `says`: the verdict in a sentence."""

    found_by: tuple[str, ...]
    slips: tuple[tuple[str, str], ...]
    says: str

    def as_dict(self) -> dict[str, Any]:
        slips = [{"field": field, "difference": words} for field, words in self.slips]
        return {"found_by": list(self.found_by), "slips": slips, "says": self.says}


def exact_check(own: Document, twin: Document) -> ExactCheck:
    """What each exact check says of the two, and which fields let the pair slip through."""
    slips = {
        "supplier": _supplier(own, twin),
        "number": number_difference(own.invoice_no, twin.invoice_no),
        "date": _date(own, twin),
        "amount": _amount(own.amount, twin.amount),
        "currency": _other("the currency is another", own.currency, twin.currency),
        "entity": _other("it is booked in another entity", own.entity, twin.entity),
    }
    found_by = tuple(name for name, names in RULES.items() if all(slips[one] is None for one in names))
    through = tuple((name, words) for name in RULES["full"] if (words := slips[name]) is not None)
    return ExactCheck(found_by, through, _verdict(found_by, dict(through)))


def _verdict(found_by: Sequence[str], slips: dict[str, str]) -> str:
    if "full" in found_by:
        return "an exact check on supplier, number, date and amount would have found this too"
    if "usual" in found_by:
        why = _and([slips[name] for name in ("currency", "entity") if name in slips])
        return f"an exact check would have found this only if it looks beyond one entity and currency: {why}"
    why = _and([slips[name] for name in RULES["usual"] if name in slips])
    said = f"an exact check on supplier, number, date and amount would not have found this: {why}"
    if "number" in found_by:
        return f"{said}; one on supplier and number alone would have"
    if "no_number" in found_by:
        return f"{said}; one without the number would have, among all that only share supplier, date and amount"
    return said


def _and(parts: Sequence[str]) -> str:
    shown = list(parts)[:_MANY]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def _two(left: str, right: str) -> str:
    return f"{_cut(left) or 'none'} and {_cut(right) or 'none'}"


def _other(said: str, left: str, right: str) -> str | None:
    return None if left.strip() == right.strip() else f"{said} ({_two(left, right)})"


def _cut(text: str) -> str:
    tidy = text.strip()
    return tidy if len(tidy) <= 40 else tidy[:39] + "…"


def _supplier(own: Document, twin: Document) -> str | None:
    """By the vendor record; by the name where a ledger does not keep records. A redacted name is none."""
    left, right = own.vendor_id.strip(), twin.vendor_id.strip()
    if left and right:
        return _other("it is booked under another supplier record", left, right)
    names = [one.vendor_name.strip().upper() if normal_name(one.vendor_name) else "" for one in (own, twin)]
    if not all(names):
        return "one of them does not say which supplier it is of"
    return _other("the supplier has another name", *names)


def _date(own: Document, twin: Document) -> str | None:
    left, right = own.invoice_date, twin.invoice_date
    if left is None or right is None:
        return "one of them has no invoice date" if left or right else "neither has an invoice date"
    if left == right:
        return None
    if (left.day, left.month, left.year) == (right.month, right.day, right.year):
        return "day and month of the date are exchanged"
    if (left.day, left.month) == (right.day, right.month):
        return "the date has another year"
    days = abs((left - right).days)
    return f"the date differs by {days} day{'' if days == 1 else 's'}"


def _amount(left: Decimal, right: Decimal) -> str | None:
    if left == right:
        return None
    if left == -right:
        return "the sign of the amount is the opposite"
    return f"the amount differs by {abs(left - right):f}"


def number_difference(own: str, twin: str) -> str | None:
    """How two invoice numbers differ, in words that name the characters; None where an exact check finds them equal."""
    left, right = own.strip().upper(), twin.strip().upper()
    if left == right:
        return None if left else "neither has a number"
    if not left or not right:
        return "one of them has no number"
    how = _how(left, right)
    return f"the number differs {how}" if how else "the number is another one"


def _how(left: str, right: str) -> str | None:
    """None where the two have too little in common to name a difference."""
    if _unseen(left) or _unseen(right):
        return "by characters that nobody sees"
    if _stripped(left, " ") == _stripped(right, " "):
        return "by a space" if abs(left.count(" ") - right.count(" ")) == 1 else "by spaces"
    if _unzeroed(left) == _unzeroed(right):
        return "by leading zeros"
    shorter, longer = sorted((left, right), key=len)
    if longer.startswith(shorter):
        return f"by {_piece(longer[len(shorter) :], 'a trailing')}"
    if longer.endswith(shorter):
        return f"by {_piece(longer[: -len(shorter)], 'a leading')}"
    if clean(left) == clean(right):
        return "by letters of another alphabet that look the same"
    forms = number_forms(left), number_forms(right)
    if forms[0].plain == forms[1].plain:
        return "by its punctuation only"
    return _edited(left, right, forms[0].folded == forms[1].folded)


def _edited(left: str, right: str, alike: bool) -> str | None:
    """Differences inside of the number."""
    steps = list(Levenshtein.editops(left, right))
    swaps = [f"{left[s.src_pos]} for {right[s.dest_pos]}" for s in steps if s.tag == "replace"]
    if alike and swaps and len(swaps) == len(steps):
        return f"by characters that look alike ({', '.join(swaps[:_MANY])})"
    if OSA.distance(left, right) == 1 and len(steps) == 2:
        at = next(n for n in range(len(left)) if left[n] != right[n])
        return f"by two characters that changed places ({left[at : at + 2]} and {right[at : at + 2]})"
    if len(steps) == 1:
        return f"in one character ({swaps[0]})" if swaps else f"by {_piece(_more(left, right), 'an inner')}"
    if alike:
        return "in how it is written"
    return _ends(left, right) or (f"in {len(steps)} characters" if len(steps) <= _MANY < _common(left, right) else None)


def _ends(left: str, right: str) -> str | None:
    """What differs where all that differs stands at one end, and more than half is common."""
    before, after = Prefix.similarity(left, right), Postfix.similarity(left, right)
    half = max(len(left), len(right)) / 2
    if after > half:
        return f"by its beginning (“{_cut(left[:-after])}” and “{_cut(right[:-after])}”)"
    return f"by its ending (“{_cut(left[before:])}” and “{_cut(right[before:])}”)" if before > half else None


def _common(left: str, right: str) -> int:
    return max(len(left), len(right)) - Levenshtein.distance(left, right)


def _more(left: str, right: str) -> str:
    """The one character that the longer of the two has more."""
    shorter, longer = sorted((left, right), key=len)
    at = next((n for n, letter in enumerate(shorter) if letter != longer[n]), len(shorter))
    return longer[at]


def _piece(text: str, where: str) -> str:
    if text in _SIGNS:
        return f"{where} {_SIGNS[text]}"
    return f"{where} “{_cut(text) or 'space'}”"


def _unseen(text: str) -> bool:
    return any(unicodedata.category(letter) in ("Cf", "Cc", "Mn") for letter in text)


def _stripped(text: str, sign: str) -> str:
    return text.replace(sign, "")


def _unzeroed(text: str) -> str:
    return re.sub(r"(?<!\d)0+(?=\d)", "", text)
