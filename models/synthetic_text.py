"""Texts of every document class in six languages, in many layouts, with the noise that scans and exports bring.

The wording stands in the phrase books `models/phrases/<language>.toml`. A label is `Name|kind` and a sentence
carries `{kind}`, where the kind says which made-up value goes there: n number, d date, m money, p party,
w person, i IBAN, v VAT id, t days, x percent, q quantity, a address. `layouts` and `rows` stand in the
English book and hold for all languages. The wording of a book is dealt out to FAMILIES that share no
heading, label or sentence, so that a model can be judged on wording that it has not seen.
"""

from __future__ import annotations

import random
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from importlib.resources import files

from governance.case import DOCUMENT_CLASSES
from models.synthetic_company import LANGUAGE
from models.synthetic_numbers import digits, iban, stream, vat_id

LANGUAGES = ("en", "de", "fr", "es", "it", "nl")
FAMILIES = 3
_COUNTRY = {language: country for country, language in LANGUAGE.items()}
_LANGUAGE_WEIGHTS = (6, 4, 3, 2, 2, 2)
_FIRMS = (
    "Talvane",
    "Merwick",
    "Solberry",
    "Kestorin",
    "Drulund",
    "Fengard",
    "Elmquist",
    "Novarra",
    "Bransano",
    "Lordelle",
)
_FORMS = ("GmbH", "Ltd", "SARL", "S.L.", "S.r.l.", "B.V.", "plc", "AG", "SAS", "Inc.", "LLC", "Sdn Bhd", "Pty Ltd")


@dataclass(frozen=True, slots=True)
class LabelledText:
    """One text with its true class. Texts of one `family` share wording; families share none in a language."""

    text: str
    document_class: str
    language: str
    family: int


@dataclass(frozen=True, slots=True)
class _Book:
    """The wording of one class, language and family; `manners` is shared by all classes of the language."""

    titles: tuple[str, ...]
    labels: tuple[str, ...]
    heads: tuple[str, ...]
    sentences: tuple[str, ...]
    layouts: tuple[str, ...]
    rows: tuple[str, ...]
    manners: Mapping[str, Sequence[str]]


@lru_cache(maxsize=1)
def _books() -> dict[tuple[str, str], tuple[_Book, ...]]:
    """(language, class) → one book per family."""
    folder = files("models") / "phrases"
    raw = {name: tomllib.loads((folder / f"{name}.toml").read_text("utf-8")) for name in LANGUAGES}
    books: dict[tuple[str, str], tuple[_Book, ...]] = {}
    for language in LANGUAGES:
        for name in DOCUMENT_CLASSES:
            words, shape = raw[language]["classes"][name], raw["en"]["classes"][name]
            books[language, name] = tuple(
                _Book(
                    titles=_dealt(words["titles"], family),
                    labels=_dealt(words["labels"], family),
                    heads=_dealt(words["heads"], family),
                    sentences=_dealt(words["sentences"], family),
                    layouts=tuple(shape["layouts"]),
                    rows=(shape["rows"],) if isinstance(shape["rows"], str) else tuple(shape["rows"]),
                    manners=raw[language]["manners"],
                )
                for family in range(FAMILIES)
            )
    return books


def _dealt(pieces: Sequence[str], family: int) -> tuple[str, ...]:
    """Every FAMILIES-th piece, from a different start for each family."""
    return tuple(pieces[family::FAMILIES]) or (pieces[0],)


class _Pen:
    """Writes values in one document's own style: one date format, one number format, one currency."""

    def __init__(self, rng: random.Random, language: str, book: _Book) -> None:
        self.rng, self.language, self.book = rng, language, book
        self.comma = rng.random() < (0.15 if language == "en" else 0.8)
        formats = {"en": ("%m/%d/%Y", "%d %B %Y", "%d/%m/%Y", "%Y-%m-%d", "%b %d, %Y", "%d-%m-%Y")}
        self.date = rng.choice(formats.get(language, ("%d.%m.%Y", "%d/%m/%Y", "%Y-%m-%d", "%d-%m-%Y", "%d.%m.%y")))
        self.money = rng.choice(("{} EUR", "€ {}", "{} €", "{}", "EUR {}", "$ {}", "GBP {}", "£{}", "{} USD", "CHF {}"))
        self.rows = book.rows[0] if len(book.rows) == 1 else rng.choice(book.rows)
        self.day = date(2015, 1, 1) + timedelta(days=rng.randint(0, 5500))

    def value(self, kind: str) -> str:
        rng = self.rng
        match kind:
            case "n":
                return rng.choice(("", "", "RE-", "INV", "A", "2024-", "K/", "No ")) + digits(rng, rng.randint(3, 9))
            case "d":
                return (self.day + timedelta(days=rng.randint(-40, 60))).strftime(self.date)
            case "m":
                return self.money.format(self.amount())
            case "p":
                return f"{rng.choice(_FIRMS)} {rng.choice(_FORMS)}"
            case "w":
                return rng.choice(self.book.manners["people"])
            case "i":
                number = iban(rng, _COUNTRY[self.language])
                return (
                    number if rng.random() < 0.4 else " ".join(number[at : at + 4] for at in range(0, len(number), 4))
                )
            case "v":
                return vat_id(rng, _COUNTRY[self.language])
            case "t":
                return str(rng.choice((7, 8, 10, 14, 21, 30, 45, 60)))
            case "x":
                return f"{rng.choice((2, 4, 5, 7, 8, 9, 19, 20, 21, 22))} %"
            case "q":
                return str(rng.randint(1, 400))
            case _:
                return f"{rng.choice(self.book.manners['streets'])}, {rng.choice(self.book.manners['towns'])}"

    def amount(self) -> str:
        text = f"{self.rng.lognormvariate(6, 1.6):,.2f}"
        return text.translate(str.maketrans(",.", ".,")) if self.comma else text

    def sentence(self, text: str) -> str:
        while "{" in text:
            at = text.index("{")
            text = text[:at] + self.value(text[at + 1]) + text[at + 3 :]
        return text

    def label(self, label: str) -> str:
        name, kind = label.rsplit("|", 1)
        return f"{name}{self.rng.choice((': ', ' ', ':  ', ' : ', chr(10)))}{self.value(kind)}"

    def some(self, pieces: Sequence[str], low: int, high: int) -> list[str]:
        return self.rng.sample(pieces, k=min(len(pieces), self.rng.randint(low, max(low, high))))

    def table(self) -> list[str]:
        """The headings and the rows below them."""
        rng, rows = self.rng, []
        for number in range(rng.randint(1, 9)):
            goods = rng.choice(self.book.manners["goods"])
            match self.rows:
                case "goods":
                    cells = [str(number + 1), goods, self.value("q"), self.amount(), self.amount()]
                case "parcels":
                    cells = [digits(rng, 5), goods, self.value("q"), self.value("q")]
                case "bills":
                    cells = [self.value("d"), self.value("n"), self.amount(), self.amount()]
                case "bookings":
                    cells = [self.value("d"), f"{self.value('p')} {digits(rng, 6)}", self.amount()]
                case _:
                    return []
            rows.append("  ".join(cells[rng.random() < 0.4 :]))
        return [" ".join(self.some(self.book.heads, 2, len(self.book.heads))), *rows]


def _sheet(pen: _Pen, title: list[str]) -> list[str]:
    manners, rng = pen.book.manners, pen.rng
    sender = [pen.value("p"), pen.value("a"), *pen.some(manners["footers"], 0, 2)]
    receiver = [pen.value("p"), rng.choice(manners["people"]), pen.value("a")]
    totals = [f"{word} {pen.amount()}" for word in pen.some(manners["totals"], 1, 3)]
    foot = pen.some(manners["footers"], 0, 3) + ([f"IBAN {pen.value('i')}"] if rng.random() < 0.5 else [])
    labels = [pen.label(label) for label in pen.some(pen.book.labels, 2, 8)]
    texts = [pen.sentence(text) for text in pen.some(pen.book.sentences, 0, 3)]
    head = [sender, title, receiver] if rng.random() < 0.5 else [title, sender, receiver]
    priced = pen.rows == "goods"
    return [
        *(line for block in head for line in block),
        *labels,
        *pen.table(),
        *(totals if priced else []),
        *texts,
        *foot,
    ]


def _letter(pen: _Pen, title: list[str]) -> list[str]:
    manners, rng = pen.book.manners, pen.rng
    head = [pen.value("p"), pen.value("a"), pen.value("p"), pen.value("a"), pen.value("d")]
    body = [pen.sentence(text) for text in pen.some(pen.book.sentences, 2, 6)]
    table = pen.table() if rng.random() < 0.35 else []
    labels = [pen.label(label) for label in pen.some(pen.book.labels, 0, 4)]
    close = [rng.choice(manners["closings"]), rng.choice(manners["people"])]
    return [*head, *title, rng.choice(manners["greetings"]), *body, *labels, *table, *close]


def _mail(pen: _Pen, title: list[str]) -> list[str]:
    manners, rng = pen.book.manners, pen.rng
    subject = [f"{rng.choice(('Subject', 'Re', 'Betreff', 'Objet', 'Fwd'))}: {(title or [pen.value('n')])[0]}"]
    body = [pen.sentence(text) for text in pen.some(pen.book.sentences, 2, 7)]
    start = [rng.choice(manners["greetings"])] if rng.random() < 0.7 else []
    return [*(subject if rng.random() < 0.7 else []), *start, *body, rng.choice(manners["people"])]


def _narrow(pen: _Pen, title: list[str]) -> list[str]:
    """A till slip or a scan that was read piece by piece: one piece a line."""
    pieces = [pen.value("p"), pen.value("a"), *title, pen.value("d")]
    for label in pen.some(pen.book.labels, 3, 9):
        pieces += pen.label(label).split(": ")
    for line in pen.table():
        pieces += line.split("  ")
    pieces += [pen.sentence(text) for text in pen.some(pen.book.sentences, 1, 3)]
    return [piece.upper() for piece in pieces] if pen.rng.random() < 0.6 else pieces


def _account(pen: _Pen, title: list[str]) -> list[str]:
    labels = [pen.label(label) for label in pen.some(pen.book.labels, 3, 9)]
    texts = [pen.sentence(text) for text in pen.some(pen.book.sentences, 0, 3)]
    head = [pen.value("p"), pen.value("a")]
    return [
        *(title + head if pen.rng.random() < 0.5 else head + title),
        *labels,
        *pen.table(),
        *pen.table()[1:],
        *texts,
    ]


def _clauses(pen: _Pen, title: list[str]) -> list[str]:
    texts = [pen.sentence(text) for text in pen.some(pen.book.sentences, 3, len(pen.book.sentences))]
    style = pen.rng.choice(("{}. {}", "§ {} {}", "({}) {}", "{}.1 {}", "Article {}: {}", "{1}"))
    labels = [pen.label(label) for label in pen.some(pen.book.labels, 0, 3)]
    return [*title, *labels, *(style.format(at, text) for at, text in enumerate(texts, 1))]


_LAYOUTS: dict[str, Callable[[_Pen, list[str]], list[str]]] = {
    "sheet": _sheet, "letter": _letter, "mail": _mail, "narrow": _narrow, "account": _account, "clauses": _clauses,
}  # fmt: skip


def _mt940(pen: _Pen) -> list[str]:
    """A bank statement in SWIFT MT940."""
    rng = pen.rng
    lines = [f":20:{digits(rng, 7)}", f":25:{digits(rng, 8)}/{digits(rng, 9)}", f":28C:{rng.randint(1, 250)}/1"]
    stamp = pen.day.strftime("%y%m%d")
    lines.append(f":60F:C{stamp}EUR{rng.randint(100, 99999)},{rng.randint(0, 99):02d}")
    for _ in range(rng.randint(1, 8)):
        lines.append(f":61:{stamp}{rng.choice('CD')}{rng.randint(5, 9000)},{rng.randint(0, 99):02d}NTRFNONREF")
        purpose = rng.choice(("UEBERWEISUNG", "SEPA CREDIT", "DIRECT DEBIT"))
        lines.append(f":86:166?00{purpose}?20{digits(rng, 8)}?32{pen.value('p')}")
    return [*lines, f":62F:C{stamp}EUR{rng.randint(100, 99999)},{rng.randint(0, 99):02d}"]


_SCAN = {"0": "O", "O": "0", "1": "l", "l": "1", "5": "S", "rn": "m", "B": "8", "e": "c", "i": "l", "u": "ii"}


def _worn(rng: random.Random, lines: list[str]) -> str:
    """What export and scan do to a text: flattened, lower case, misread letters, lost lines."""
    draw = rng.random()
    if draw < 0.20:
        words = " ".join(lines).lower()
        return " ".join("".join(letter if letter.isalnum() else " " for letter in words).split())
    if draw < 0.34:
        text = list("\n".join(lines))
        for at in rng.sample(range(len(text)), k=max(1, len(text) // rng.choice((25, 40, 80)))):
            text[at] = _SCAN.get(text[at], text[at])
        return "".join(text)
    if draw < 0.42:
        return "\n".join(line for line in lines if rng.random() > 0.2)
    return "\n".join(lines)


def write(rng: random.Random, document_class: str, language: str, family: int) -> str:
    """One text of a class. In a third of them no heading says what it is."""
    book = _books()[language, document_class][family]
    pen = _Pen(rng, language, book)
    if document_class == "bank_statement" and rng.random() < 0.12:
        return "\n".join(_mt940(pen))
    title = [rng.choice(book.titles)] if rng.random() < 0.65 else []
    if title and rng.random() < 0.4:
        title = [f"{title[0]} {rng.choice(('', 'No. ', 'Nr. ', 'N° ', '# '))}{pen.value('n')}"]
    return _worn(rng, _LAYOUTS[rng.choice(book.layouts)](pen, title))


def labelled_texts(seed: int, count: int, languages: Sequence[str] = LANGUAGES) -> list[LabelledText]:
    """`count` texts, the classes in turn; `other` comes twice as often as any other class."""
    rng = stream(seed, "texts")
    turn = (*DOCUMENT_CLASSES, "other")
    weights = [_LANGUAGE_WEIGHTS[LANGUAGES.index(language)] for language in languages]
    made = []
    for number in range(count):
        name, family = turn[number % len(turn)], rng.randrange(FAMILIES)
        language = rng.choices(languages, weights=weights)[0]
        made.append(LabelledText(write(rng, name, language, family), name, language, family))
    return made
