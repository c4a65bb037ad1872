"""What a document calls itself: headings near the top of its text, in the languages that our suppliers write.

A heading that belongs to one class decides; two that contradict each other, or a bill that was paid at a
till, decide nothing here.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator

from models.headings import TITLES

_CLASS_OF = {title: name for name, titles in TITLES.items() for title in titles}
_LONGEST = max(len(title.split()) for title in _CLASS_OF)
_BEFORE = frozenset(
    ("original", "copy", "duplicate", "kopie", "duplikat", "copie", "duplicata", "copia", "kopia", "final", "draft",
     "1.", "2.", "3.", "1st", "2nd", "3rd", "1e", "2e", "3e", "1er", "2eme", "3eme", "1a", "2a", "1o", "2o")
)  # fmt: skip
_NUMBER_WORD = re.compile(r"(?:no|nr|n|num|number|nummer|numero|nro|id|n°|nº|#)[.:]{0,2}")
_JOINTS = frozenset(
    ("vom", "von", "of", "dated", "from", "du", "del", "della", "van", "dd", "dd.", "le", "il", "der", "to", "for", "-",
     "–", ":", "/", "|")
)  # fmt: skip
# Letters about an invoice quote its number on a line of its own; their own words give them away.
_ABOUT_AN_INVOICE = re.compile(
    r"overdue|past due|remind|arrears|remit|payment advice|disput|complain|credited|credit note|mahn|verzug|erinnerung"
    r"|avis|gutschr|storno|reklam|beanstand|rugen|relance|impaye|retard|avoir|contest|reclam|recordatorio|vencid|abono"
    r"|rectificat|sollecit|scadut|mora\b|accredit|reso\b|aanman|herinner|vervallen|credit(?:nota|eer)|betwist|klacht"
)
_TILL = (
    r"\b(?:cash|tendered|gegeben|bar|especes|efectivo|contanti|contant)\b",
    r"\b(?:change|ruckgeld|rendu|cambio|resto|wisselgeld)\b",
    r"\b(?:cashier|till|pos|operator|kassierer|bediener|caissier|cajero|operatore|kassa|cassa|caisse|served by)\b",
    r"\brou?nd(?:ing|ed| adj)\b",
    r"\b(?:visa|mastercard|maestro|debit card|credit card|carte bancaire|tarjeta|ec-karte|contactless|girocard)\b",
    r"\b(?:come again|not (?:returnable|refundable)|auf wiedersehen|a bientot|hasta pronto|arrivederci|tot ziens)\b",
    r"\d{1,4}[./-]\d{1,2}[./-]\d{2,4}\W{1,3}\d{1,2} ?: ?\d\d",
)
_AGREEMENT = re.compile(
    r"(?:[\w’'&,.()/-]+ ){0,7}agreement(?: no\.? ?\S+)?|\w{4,}(?:vertrag|vereinbarung|overeenkomst)"
    r"|(?:contrat|accord|contrato|acuerdo|contratto|accordo) (?:de|d'|del|di|d) ?[\w' -]{4,50}"
)
_BEYOND_LATIN = re.compile("[^\x00-\u02ff]")
_HEAD_LINES = 40
_QUOTED = frozenset({"purchase_order", "contract", "delivery_note", "dispute", "receipt", "other"})
_COLUMNS = re.compile(r"\s{3,}|\t|\|")


def plain(text: str) -> str:
    """Small letters without accents, one space where there was any white space."""
    flat = text.casefold()
    if not flat.isascii():
        flat = _BEYOND_LATIN.sub(_unless_accent, unicodedata.normalize("NFKD", flat))
    return " ".join(flat.split())


def _unless_accent(match: re.Match[str]) -> str:
    return "" if unicodedata.combining(match[0]) else match[0]


def _tidy(line: str) -> str:
    text = plain(line).replace("’", "'").strip(" *-=_|#.:;<>~•[]")
    if re.fullmatch(r"(?:\w ){4,}\w", text):
        text = text.replace(" ", "")
    return text


def _title_of(line: str) -> tuple[str, bool] | None:
    """(class, bare) where the line is a heading; not bare where a number follows, as in "Invoice no. 471"."""
    words = line.split()
    while words and words[0] in _BEFORE and " ".join(words) not in _CLASS_OF:
        words = words[1:]
    if not words or len(words) > 12:
        return None
    for length in range(min(_LONGEST, len(words)), 0, -1):
        name = _CLASS_OF.get(" ".join(words[:length]).rstrip(" .:,;-–#"))
        if name is not None:
            tail = words[length:]
            if all(_NUMBER_WORD.fullmatch(w) or w in _JOINTS or any(map(str.isdigit, w)) for w in tail):
                return name, not tail
            break
    return ("contract", True) if _AGREEMENT.fullmatch(line) else None


def heading_of(line: str) -> tuple[str, bool] | None:
    """(class, bare) where a line as it stands on the page is a heading, else None."""
    return _title_of(_tidy(line))


def headings(text: str) -> Iterator[tuple[str, bool]]:
    """(class, bare) of each heading near the top; bare: no number follows it."""
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) == 1 and len(lines[0]) > 120:
        # An export without line ends: only its first words can be a heading.
        words = plain(lines[0][:200]).split()
        for length in range(min(_LONGEST, len(words)), 0, -1):
            name = _named(" ".join(words[:length]))
            if name is not None:
                yield name, False
                return
    for at, line in enumerate(lines[: max(12, min(_HEAD_LINES, len(lines) // 2))]):
        # What stands far apart on a line stands in two columns.
        for piece in _COLUMNS.split(line):
            if 0 < len(piece) <= 120:
                tidy = _tidy(piece)
                found = _title_of(tidy)
                if found is None and at == 0 and (name := _named(tidy)) is not None:
                    found = name, True
                if found is not None:
                    yield found


def _named(words: str) -> str | None:
    """The class of a heading, also in the plural: at the very top "Purchase orders" is a heading, too."""
    return _CLASS_OF.get(words) or _CLASS_OF.get(words.removesuffix("s"))


def paid_at_till(text: str) -> bool:
    """Whether two kinds of till evidence stand in the text: cash, change, a cashier, rounding, a card, a clock time."""
    flat = plain(text[:20_000])
    return sum(1 for pattern in _TILL if re.search(pattern, flat)) >= 2


def swift_statement(text: str) -> bool:
    """Whether the text is a SWIFT MT940 or MT942 message: its tags stand at the start of lines."""
    tags = set(re.findall(r"^:(\d\d)[A-Z]?:", text[:4000], flags=re.MULTILINE))
    return "61" in tags and bool(tags & {"20", "25", "60", "86"})


def title_class(text: str) -> str | None:
    """The class that the headings name, or None where there is none or they contradict each other.

    A class whose heading comes three times or more is a list of such documents, not a heading. A numbered
    heading counts only for classes that other documents seldom quote: an order number proves no order.
    """
    found = list(headings(text))
    counts = Counter(name for name, _ in found)
    bare = {name for name, alone in found if alone and counts[name] < 3}
    if bare:
        names = bare
    else:
        names = {name for name, _ in found if counts[name] < 3} - _QUOTED
        if len(names) > 1:
            names -= {"invoice"}
        if names == {"invoice"} and _ABOUT_AN_INVOICE.search(plain(text[:6000])):
            return None
    if len(names) != 1:
        return None
    name = names.pop()
    return None if name == "invoice" and paid_at_till(text) else name
