"""How one bill comes a second time: what clerks, scanners and suppliers do to it, drawn at random.

No list of words: an ending or a beginning is any short run of letters or digits, because the next supplier
writes another one.
"""

from __future__ import annotations

import random
import string
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from models.invoice import Invoice

_SEEN_AS = {
    "0": "OODQ", "O": "00D", "1": "Il7", "I": "1l", "5": "SS", "S": "5", "8": "BB3", "B": "8", "2": "ZZ7", "Z": "2",
    "6": "Gb", "G": "6", "4": "A", "7": "1T", "9": "g", "3": "8", "D": "0", "Q": "O",
}  # fmt: skip
_SEPARATORS = ("-", "/", " ", ".", "_", "")
Change = Callable[[random.Random, Invoice], "Invoice | None"]


def _letters(rng: random.Random, least: int, most: int) -> str:
    word = "".join(rng.choices(string.ascii_uppercase, k=rng.randint(least, most)))
    return rng.choice((word, word.lower(), word.capitalize()))


def _numbered(invoice: Invoice, number: str) -> Invoice | None:
    tidy = number.strip()
    return replace(invoice, invoice_no=number) if tidy and number != invoice.invoice_no else None


def resubmitted(rng: random.Random, invoice: Invoice) -> Invoice:
    """Nothing changed, or a text written anew."""
    return replace(invoice, description=None) if rng.random() < 0.3 else replace(invoice)


def formatted(rng: random.Random, invoice: Invoice) -> Invoice | None:
    """The same number spelled in another way."""
    number = invoice.invoice_no
    kept = "".join(letter for letter in number if letter.isalnum())
    separated = "".join(letter if letter.isalnum() else rng.choice(_SEPARATORS) for letter in number)
    ways = (
        lambda: kept,
        lambda: separated,
        lambda: number.lower() if number.lower() != number else f" {number}",
        lambda: f"{_letters(rng, 1, 7)}{rng.choice(_SEPARATORS[:5])}{number}",
        lambda: f"{rng.choice('#*:.')}{number}",
        lambda: f"{number}{rng.choice('.,-/*;')}" * 1 + rng.choice(("", "-", ".")),
        lambda: "0" * rng.randint(1, 4) + number,
        lambda: number.lstrip("0"),
        lambda: number.replace("0", "", 1) if number[:1] == "0" else f"{number[:2]}{rng.choice('-/ .')}{number[2:]}",
        lambda: number.lstrip(string.ascii_letters + " -/.:#") if any(map(str.isdigit, number)) else kept,
        lambda: " ".join((kept[: len(kept) // 2], kept[len(kept) // 2 :])),
    )
    return _numbered(invoice, rng.choice(ways)())


def misread(rng: random.Random, invoice: Invoice) -> Invoice | None:
    """Characters seen as others that look like them."""
    letters = list(invoice.invoice_no)
    places = [at for at, letter in enumerate(letters) if letter in _SEEN_AS]
    if not places:
        return None
    for at in rng.sample(places, k=min(len(places), rng.choice((1, 1, 1, 2)))):
        letters[at] = rng.choice(_SEEN_AS[letters[at]])
    return _numbered(invoice, "".join(letters))


def mistyped(rng: random.Random, invoice: Invoice) -> Invoice | None:
    """One slip of the hand: swapped, dropped, doubled, wrong or one too many."""
    number = invoice.invoice_no
    places = [at for at, letter in enumerate(number) if letter.isalnum()]
    if len(places) < 3:
        return None
    at = rng.choice(places)
    draw = rng.random()
    if draw < 0.3 and at + 1 < len(number):
        return _numbered(invoice, number[:at] + number[at + 1] + number[at] + number[at + 2 :])
    if draw < 0.5:
        return _numbered(invoice, number[:at] + number[at + 1 :])
    if draw < 0.65:
        return _numbered(invoice, number[:at] + number[at] + number[at:])
    other = rng.choice(string.digits if number[at].isdigit() else string.ascii_uppercase)
    return _numbered(invoice, number[:at] + other + number[at + (draw < 0.9) :])


def suffixed(rng: random.Random, invoice: Invoice) -> Invoice | None:
    """The number with something behind it."""
    end = rng.choice((_letters(rng, 1, 1), _letters(rng, 1, 2), _letters(rng, 3, 9), str(rng.randint(1, 9))))
    if rng.random() < 0.3:
        end += str(rng.randint(1, 9))
    glue = rng.choice(_SEPARATORS if end[0].isalpha() else _SEPARATORS[:5])
    made = f"{invoice.invoice_no}({end})" if rng.random() < 0.12 else f"{invoice.invoice_no}{glue}{end}"
    return _numbered(invoice, made)


def dated(rng: random.Random, invoice: Invoice) -> Invoice | None:
    """Another date: days off, day and month exchanged, another month or year, the day of receipt."""
    day = invoice.invoice_date
    if day is None:
        return None
    if rng.random() < 0.25 and day.day <= 12 and day.day != day.month:
        return replace(invoice, invoice_date=date(day.year, day.day, day.month))
    apart = rng.choice((-14, -9, -7, -5, -3, -2, -1, -1, 1, 1, 1, 2, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 21, 30))
    return replace(invoice, invoice_date=day + timedelta(days=apart))


def penny(rng: random.Random, invoice: Invoice) -> Invoice | None:
    """The amount off by less than one unit."""
    cents = rng.choice((1, 1, 1, 2, 2, 3, 4, 5, 9, 10, 25, 50, 90, 99))
    return _worth(invoice, invoice.amount + Decimal(rng.choice((-cents, cents))).scaleb(-2))


def amount(rng: random.Random, invoice: Invoice) -> Invoice | None:
    """The amount with or without tax, a slipped decimal point, swapped digits, or rounded."""
    draw = rng.random()
    if draw < 0.4:
        rate = 1 + Decimal(rng.choice(("0.05", "0.07", "0.10", "0.19", "0.20", "0.21", "0.23", "0.25")))
        return _worth(invoice, invoice.amount * rate if rng.random() < 0.5 else invoice.amount / rate)
    if draw < 0.6:
        return _worth(invoice, invoice.amount * Decimal(rng.choice(("10", "100", "0.1", "0.01"))))
    if draw < 0.8:
        return _worth(invoice, Decimal(round(invoice.amount)))
    figures = list(f"{invoice.amount:.2f}")
    places = [at for at in range(len(figures) - 1) if figures[at].isdigit() and figures[at + 1].isdigit()]
    at = rng.choice(places)
    figures[at], figures[at + 1] = figures[at + 1], figures[at]
    return _worth(invoice, Decimal("".join(figures)))


def _worth(invoice: Invoice, value: Decimal) -> Invoice | None:
    rounded = value.quantize(Decimal("0.01"))
    return replace(invoice, amount=rounded) if rounded > 0 and rounded != invoice.amount else None


def other_vendor_record(rng: random.Random, invoice: Invoice) -> Invoice:
    """A second record of the vendor: its own id, a like name, tax id and account kept or not."""
    words = invoice.vendor_name.split()
    at = rng.randrange(max(1, len(invoice.vendor_name) - 1)) if invoice.vendor_name else 0
    name = rng.choice((
        invoice.vendor_name, invoice.vendor_name.upper(), " ".join(words[:2]), " ".join(words[:-1]) or "A",
        f"{invoice.vendor_name} {rng.choice(('Ltd', 'Limited', 'GmbH', 'Group', 'UK', 'Inc'))}",
        invoice.vendor_name[:at] + invoice.vendor_name[at + 1 :],
        " ".join(f"{word[:4]}." if len(word) > 6 else word for word in words),
    ))  # fmt: skip
    made = replace(invoice, vendor_id=f"9{invoice.vendor_id}" if invoice.vendor_id else "", vendor_name=name)
    if rng.random() < 0.4:
        made = replace(made, tax_id=None)
    return replace(made, iban=None) if rng.random() < 0.4 else made


def other_entity(rng: random.Random, invoice: Invoice) -> Invoice:
    """Booked in another company of the group."""
    return replace(invoice, entity=rng.choice([one for one in ("E1", "E2", "E3") if one != invoice.entity]))


def currency(rng: random.Random, invoice: Invoice) -> Invoice:
    """Keyed in another currency: the same figure, or the figure converted."""
    other = rng.choice([one for one in ("EUR", "GBP", "USD", "CHF", "SEK") if one != invoice.currency])
    rate = Decimal(str(round(rng.choice((1.09, 0.85, 0.95, 1.16, 1.3, 11.2)) * rng.uniform(0.97, 1.03), 4)))
    value = invoice.amount if rng.random() < 0.5 else (invoice.amount * rate).quantize(Decimal("0.01"))
    return replace(invoice, currency=other, amount=value)


def renumbered(rng: random.Random, invoice: Invoice) -> Invoice | None:
    """The same work under a number that says nothing of the first."""
    number = "".join(rng.choice(string.digits) if letter.isdigit() else letter for letter in invoice.invoice_no)
    if rng.random() < 0.3:
        number = f"{_letters(rng, 0, 3)}{rng.randint(100, 999_999)}"
    if invoice.invoice_date is None or number == invoice.invoice_no:
        return None
    later = invoice.invoice_date + timedelta(days=rng.choice((0, 0, 1, 2, 3, 5, 7, 9, 14)))
    return replace(invoice, invoice_no=number, invoice_date=later)


CHANGES: dict[str, tuple[Change, float]] = {
    "resubmitted": (resubmitted, 0.17),
    "format": (formatted, 0.14),
    "ocr": (misread, 0.09),
    "typo": (mistyped, 0.11),
    "suffix": (suffixed, 0.11),
    "other_vendor_record": (other_vendor_record, 0.09),
    "date": (dated, 0.08),
    "penny": (penny, 0.06),
    "amount": (amount, 0.03),
    "other_entity": (other_entity, 0.04),
    "renumbered": (renumbered, 0.10),
    "currency": (currency, 0.05),
}
"""Kind → maker and share. `split` is made beside them (`parts`)."""
SPLIT_SHARE = 0.07


def parts(rng: random.Random, invoice: Invoice) -> list[Invoice]:
    """One bill posted as two to four whose amounts sum to it."""
    count = rng.choice((2, 2, 2, 3, 4))
    weights = [1] * count if rng.random() < 0.3 else [rng.randint(1, 9) for _ in range(count)]
    cents = int(invoice.amount * 100)
    shares = [cents * weight // sum(weights) for weight in weights]
    shares[-1] += cents - sum(shares)
    way, glue = rng.choice(("digit", "letter", "same", "of", "next")), rng.choice(("-", "/", " ", ".", ""))
    made = []
    for at, share in enumerate(shares, 1):
        number = invoice.invoice_no
        end = {"digit": f"{glue or '-'}{at}", "letter": f"{glue}{'ABCD'[at - 1]}", "of": f" {at}/{count}"}.get(way, "")
        if way == "next" and number[-1:].isdigit():
            number = f"{number[:-1]}{(int(number[-1]) + at) % 10}"
        if share > 0:
            made.append(replace(invoice, invoice_no=f"{number}{end}", amount=Decimal(share).scaleb(-2)))
    return made


def rekeyed(rng: random.Random, invoice: Invoice) -> Invoice:
    """What a second keying leaves out or writes in other words."""
    draw = rng.random()
    if draw < 0.10:
        return replace(invoice, po=None)
    if draw < 0.20:
        return replace(invoice, tax_id=None)
    if draw < 0.30:
        return replace(invoice, iban=None)
    if draw < 0.40:
        return replace(invoice, description=None)
    if draw < 0.48 and invoice.description:
        return replace(invoice, description=f"{invoice.description} {_letters(rng, 2, 8)}")
    return invoice


def copies(rng: random.Random, invoice: Invoice, without: Sequence[str] = ()) -> tuple[str, list[Invoice]] | None:
    """(kind, copies): one copy with one change, now and then two, or the parts of a split. None where the draw fails.

    Kinds in `without` are never made, nor a second change of that kind.
    """
    if "split" not in without and invoice.invoice_no and rng.random() < SPLIT_SHARE:
        return "split", parts(rng, invoice)
    kinds = [kind for kind in CHANGES if kind not in without]
    if not invoice.invoice_no:
        kinds = [kind for kind in kinds if kind in ("resubmitted", "other_entity", "currency")]
    if not kinds:
        return None
    kind = rng.choices(kinds, weights=[CHANGES[one][1] for one in kinds])[0]
    made = CHANGES[kind][0](rng, invoice)
    if made is None:
        return None
    second = [one for one in ("format", "date", "penny", "suffix") if one not in (*without, kind)]
    if second and invoice.invoice_no and kind != "renumbered" and rng.random() < 0.1:
        made = CHANGES[rng.choice(second)][0](rng, made) or made
    return kind, [rekeyed(rng, made)]
