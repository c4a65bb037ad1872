"""One house's way to print: its labels, its notation, and a page on which lines are placed."""

from __future__ import annotations

import random
import tomllib
from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from importlib.resources import files

from models import synthetic_page_words as words
from models.layout import Word
from models.synthetic_numbers import cents, digits

_LETTER, _SPACE = 0.5, 0.28  # of the size of the type


@lru_cache(maxsize=6)
def _phrases(language: str) -> Mapping[str, Sequence[str]]:
    book = tomllib.loads((files("models") / "phrases" / f"{language}.toml").read_text("utf-8"))
    rows: dict[str, Sequence[str]] = {**book["manners"], **book["bill"]}
    return rows


class Page:
    """Blocks of lines that are placed on one page."""

    def __init__(self) -> None:
        self.words: list[Word] = []
        self.blocks: list[list[str]] = [[]]

    def block(self) -> None:
        self.blocks.append([])

    def put(self, left: float, top: float, text: str, size: float = 9.0) -> float:
        """Places one line; the right edge comes back."""
        self.blocks[-1].append(text)
        at = left
        for part in text.split():
            right = at + len(part) * size * _LETTER
            self.words.append(Word(1, at, top, right, top + size * 1.15, part))
            at = right + size * _SPACE
        return at

    def put_right(self, right: float, top: float, text: str, size: float = 9.0) -> None:
        width = sum(len(part) * size * _LETTER for part in text.split()) + max(0, len(text.split()) - 1) * size * _SPACE
        self.put(right - width, top, text, size)


class Style:
    """What one supplier does the same on all of a page, and the truth that gathers in `fields`."""

    def __init__(self, rng: random.Random) -> None:
        self.rng, self.page = rng, Page()
        self.language = rng.choice(words.LANGUAGES)
        self.country = words.COUNTRY[self.language]
        self.phrases, self.more = _phrases(self.language), words.MORE[self.language]
        self.form = rng.choice(words.DATES[self.language])
        self.comma = self.language != "en" and rng.random() < 0.95
        self.sign = rng.choice(("after", "after", "before", "code", "code_before", "none"))
        self.currency = "GBP" if self.language == "en" else "EUR"
        self.broken = False
        self.odd = rng.random() < 0.07
        self.fields: dict[str, str] = {"currency": self.currency}
        self.colon = rng.choice((":", ":", ":", " :", "", ""))

    # words

    def label(self, name: str) -> str:
        if self.odd and self.rng.random() < 0.4:
            return self.rng.choice(words.ODD)
        return self.rng.choice([*self.phrases.get(name, ()), *self.more.get(name, ())])

    def number(self, forms: Sequence[str] = words.FORMS) -> str:
        rng = self.rng
        text = rng.choice(forms)
        for count in (10, 8, 6, 5, 4, 3, 2):
            text = text.replace(f"{{d{count}}}", digits(rng, count))
        year = rng.randint(2015, 2026)
        text = text.replace("{y2}", str(year)[2:]).replace("{y}", str(year))
        while "{a}" in text:
            text = text.replace("{a}", rng.choice("ABCDEFGKLMNPRSTVW"), 1)
        return text

    def name(self, legal: float) -> str:
        rng = self.rng
        parts = [rng.choice(words.STEMS) + (rng.choice(words.STEMS).lower() if rng.random() < 0.4 else "")]
        if rng.random() < 0.7:
            parts.append(rng.choice(words.TRADES[self.language]))
        if rng.random() < legal:
            parts.append(rng.choice(words.LEGAL[self.language]))
        text = " ".join(parts)
        return text.upper() if rng.random() < 0.12 else text

    def money(self, hundredths: int) -> str:
        text = f"{cents(hundredths):,.2f}"
        if self.comma:
            text = text.translate(str.maketrans(",.", self.rng.choice((".,", ".,", " ,"))))
        sign = {"EUR": "€", "GBP": "£"}[self.currency]
        forms = {
            "after": f"{text} {sign}",
            "before": f"{sign}{text}",
            "code": f"{text} {self.currency}",
            "code_before": f"{self.currency} {text}",
        }
        return forms.get(self.sign, text)

    def day(self, day: date) -> str:
        return day.strftime(self.form)

    def lost(self, name: str) -> bool:
        """Whether a field that bills have is not on this one, or only in a picture."""
        if self.rng.random() < 0.07:
            del self.fields[name]
            return True
        return False

    def in_lines(self, name: str) -> list[str]:
        """The name as it is set: some break before the legal form's line."""
        if not self.broken:
            return [name]
        first, rest = name.split(" ", 1)
        return [first, rest]

    def address(self) -> list[str]:
        return [self.rng.choice(self.phrases["streets"]), self.rng.choice(self.phrases["towns"])]
