"""Does a page show this value, however it is written there? And what on the page looks almost like it?

Values come as the fields of a reading hold them: ISO dates, decimal strings, compact IBANs. A page writes thousands
with dots, months as words and accounts in groups.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property, lru_cache

from rapidfuzz import fuzz
from rapidfuzz.distance import OSA

from models import identifiers
from models.invoice import normal_id, normal_name
from models.layout import Box, Sheet, Word, from_text, from_words
from models.notation import amounts, dates, decimal_comma

_SEPARATOR = r"[\W_]{0,3}"
_GROUP = r"[.,'’\s]?"
_SYMBOLS = {
    "EUR": "€|EURO?S?|Eur", "USD": r"\$|USD", "GBP": "£|GBP", "CHF": r"CHF|SFr\.?", "PLN": "zł|PLN",
    "CZK": "Kč|CZK", "SEK": "kr|SEK", "NOK": "kr|NOK", "DKK": "kr|DKK", "HUF": "Ft|HUF", "JPY": "¥|円|JPY",
    "CAD": r"\$|CAD", "AUD": r"\$|AUD", "NZD": r"\$|NZD", "RON": "lei|RON", "BGN": "лв|BGN", "TRY": "₺|TRY|TL",
}  # fmt: skip
# The first letters of the months, by number: Germanic, Romance, Slavic, Baltic, Finnic, Hungarian, Greek.
_MONTH_STEMS = (
    "jan jän ene gen ian sty led sij tam saus jaan ιαν",
    "feb fév fev lut úno vel hel vas veeb φεβ",
    "mar mär maa már bře ožu kov μαρ μάρ",
    "apr avr abr ápr kwi dub tra huh bal απρ",
    "may mai maj mei máj mag kvě svi tou geg μαΐ μαι",
    "jun jui giu iun jún cze čer lip kes bir juun ιουν ιούν",
    "jul jui lug iul júl lip čer srp hei lie juul ιουλ ιούλ",
    "aug aoû aou ago sie srp kol elo rug αυγ αύγ",
    "sep set szep wrz zář ruj syy rugs σεπ",
    "oct okt out ott paź říj lis lok spa οκτ",
    "nov noi lis stu mar lap νοε νοέ",
    "dec dez déc dic gru pro jou gruo dets δεκ",
)
_TOKEN = re.compile(r"\S+")
_PIECE_NEAR = 92.0
_NAME_NEAR = 88.0  # percent: `Lieferent` for `Lieferant`, and not another firm of the same trade
_MOST_CELLS = 3000


@dataclass(frozen=True, slots=True)
class Near:
    """Something on the page that looks like a value: normalised, as it is written, and where (PDFs with places)."""

    value: str
    text: str
    box: Box | None


class Page:
    """The visible text of a document, asked for values."""

    def __init__(self, text: str, words: Sequence[Word] = ()) -> None:
        self.text = text
        self._words = words

    @cached_property
    def _sheet(self) -> Sheet:
        return from_words(self._words) if self._words else from_text(self.text)

    @cached_property
    def _name(self) -> str:
        return normal_name(self.text[:50_000]).replace(" ", "")

    def shows(self, name: str, value: str) -> bool:
        """True where the page has the value of this field in any way of writing it."""
        if name in ("total_amount", "amount_due"):
            return amount_pattern(value).search(self.text) is not None
        if name in ("issue_date", "due_date"):
            return self._shows_day(value)
        if name == "currency":
            return currency_pattern(value).search(self.text) is not None
        if name == "supplier":
            folded = normal_name(value).replace(" ", "")
            return not folded or folded in self._name
        patterns = [token_pattern(value)]
        if name == "supplier_vat_id":
            patterns += [token_pattern(part) for part in _without_country(value)]
        return any(pattern.search(self.text) for pattern in patterns)

    def _shows_day(self, value: str) -> bool:
        day = date.fromisoformat(value)
        written = (one for line in self.text.splitlines() for one in dates(line[:2000]))
        if any(one.resolve(first) == day for one in written for first in (True, False)):
            return True
        return day_pattern(value).search(self.text) is not None

    def near(self, name: str, value: str) -> Near | None:
        """What looks like a copy of the value with a character or two changed."""
        if name == "supplier":
            return self._near_name(value)
        folded = _folded(name, value)
        slack = 2 if len(folded) > 6 else 1
        best: tuple[int, Near] | None = None
        for candidate in self._candidates(name) if len(folded) > 4 else ():
            off = OSA.distance(folded, _folded(name, candidate.value), score_cutoff=slack)
            if 0 < off <= slack and (best is None or off < best[0]):
                best = (off, candidate)
        return best[1] if best else None

    def account(self, known: Collection[str]) -> Near | None:
        """The first account with a right checksum that is none of those."""
        found = (one for one in self._candidates("iban") if identifiers.iban_checks(one.value))
        return next((one for one in found if one.value not in known), None)

    def _candidates(self, name: str) -> Iterator[Near]:
        comma = decimal_comma(self.text) if name.endswith(("amount", "due")) else None
        for cell in self._sheet.cells[:_MOST_CELLS]:
            spans: list[tuple[str, int, int]] = []
            if name == "iban":
                spans = identifiers.iban_spans(cell.text)
            elif name == "supplier_vat_id":
                spans = identifiers.vat_spans(cell.text)
            elif name in ("total_amount", "amount_due"):
                spans = [(str(one.value), one.start, one.end) for one in amounts(cell.text, comma)]
            elif name in ("invoice_number", "purchase_order"):
                spans = [(match[0].strip(".,;:()"), match.start(), match.end()) for match in _TOKEN.finditer(cell.text)]
            for found, start, end in spans:
                yield Near(found, cell.text[start:end], cell.box(start, end) if self._words else None)

    def _near_name(self, value: str) -> Near | None:
        """With and without the legal form, which may be what was changed; in a longer line, the piece that is alike."""
        wanted = [form for form in (normal_name(value).replace(" ", ""), normal_id(value)) if len(form) > 5]
        for cell in self._sheet.cells[:_MOST_CELLS] if wanted else ():
            forms = (normal_name(cell.text[:200]).replace(" ", ""), normal_id(cell.text[:200]))
            if any(_alike(a, b) for a in wanted for b in forms):
                return Near(cell.text, cell.text, cell.box() if self._words else None)
        if not wanted or len(wanted[0]) < 10:
            return None
        # A name over two lines: letters of the whole page, and no place.
        found = fuzz.partial_ratio_alignment(wanted[0], self._name, score_cutoff=_PIECE_NEAR)
        piece = self._name[found.dest_start : found.dest_end] if found else ""
        return Near(piece, piece, None) if piece else None

    def has_word_of(self, name: str) -> bool:
        """True where any word of a name stands somewhere on the page, be it in a web address."""
        return any(word in self._name for word in normal_name(name).split() if len(word) > 3)


def _alike(name: str, other: str) -> bool:
    if abs(len(other) - len(name)) <= 3:
        return fuzz.ratio(name, other) >= _NAME_NEAR
    return len(other) > len(name) > 9 and fuzz.partial_ratio(name, other) >= _PIECE_NEAR


def _folded(name: str, value: str) -> str:
    if name in ("total_amount", "amount_due"):
        return f"{abs(Decimal(value)):.2f}"
    return normal_id(value)


def _without_country(vat_id: str) -> list[str]:
    """How pages shorten a VAT number: without the country, and without the Swiss or Norwegian ending."""
    bare = re.sub(r"(MWST|TVA|IVA|MVA)$", "", vat_id)
    return [part for part in {bare, vat_id[2:], bare[3:] if bare.startswith("CHE") else ""} if len(part) >= 8]


@lru_cache(maxsize=4096)
def token_pattern(value: str) -> re.Pattern[str]:
    """The letters and digits of a value as a word of its own, with marks and spaces between them or not."""
    letters = re.sub(r"[\W_]", "", value)[:100]
    if not letters:
        return re.compile(r"(?!)")
    body = _SEPARATOR.join(map(re.escape, letters))
    # A long number is itself even where the page runs the next word into it.
    alone = len(letters) < 8 or letters.isdigit()
    before, after = (r"(?<![^\W_])", r"(?![^\W_])") if alone else (r"(?<!\d)", r"(?!\d)")
    return re.compile(before + body + after, re.IGNORECASE)


@lru_cache(maxsize=4096)
def amount_pattern(value: str) -> re.Pattern[str]:
    """An amount of money without its sign, by any convention of thousands and decimals."""
    whole, _, decimals = f"{abs(Decimal(value)):f}".partition(".")
    groups: list[str] = []
    while whole:
        groups.insert(0, whole[-3:])
        whole = whole[:-3]
    decimals = decimals.rstrip("0").ljust(2, "0")
    if decimals == "00":
        tail = r"(?:\s?[.,]\s?(?:0+|-+|[–—]))?"
    else:
        tail = rf"\s?[.,]?\s?{decimals}0*"
    return re.compile(r"(?<!\d)(?<!\d[.,'’])" + _GROUP.join(groups) + tail + r"(?!\d|[.,'’]\d)")


@lru_cache(maxsize=1024)
def day_pattern(value: str) -> re.Pattern[str]:
    """A day by its parts in any order, the month as a number or by its name in most languages of Europe."""
    day = date.fromisoformat(value)
    names = "|".join(stem for stem in _MONTH_STEMS[day.month - 1].split())
    month = rf"(?:0?{day.month}|(?:{names})[^\W\d_]{{0,10}}\.?)"
    year = f"(?:{day.year}|'?{day.year % 100:02d})"
    numeral = rf"0?{day.day}(?:st|nd|rd|th|er|º|\.)?"
    gap = r"[\s./,'-]{0,3}(?:de[l]?\s)?"
    orders = ((numeral, month, year), (year, month, numeral), (month, numeral, year))
    written = "|".join(gap.join(order) for order in orders)
    return re.compile(rf"(?<![^\W_])(?:{written}|{day:%Y%m%d})(?![^\W_])", re.IGNORECASE)


@lru_cache(maxsize=64)
def currency_pattern(code: str) -> re.Pattern[str]:
    """The code or a sign of a currency."""
    signs = _SYMBOLS.get(code, re.escape(code))
    return re.compile(rf"(?<![^\W\d_])(?:{signs})(?![^\W\d_])")
