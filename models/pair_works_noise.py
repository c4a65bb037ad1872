"""How a number, a name or an amount gets written otherwise: by scanners, by clerks and by habit.

Every function takes the random source first and returns a text that may equal the one given; callers try again.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from random import Random

SCANNED = {
    "0": "OODQ86", "1": "IIl7|", "2": "ZZ7", "3": "8895", "4": "A9", "5": "SS6", "6": "GGb8", "7": "1T1", "8": "BB36",
    "9": "g4", "O": "00Q", "I": "1l", "S": "55", "B": "88", "Z": "22", "G": "66", "l": "1I", "o": "0", "D": "O0",
    "Q": "O",
    "E": "F", "U": "V", "-": "_. ", "/": "1l7", ".": ", ", "A": "4", "T": "7", "R": "K", "N": "M", "e": "c", "m": "n",
}  # fmt: skip
_KEYS = ("1234567890", "QWERTYUIOP", "ASDFGHJKL", "ZXCVBNM", "789", "456", "123", "741", "852", "963")
_BESIDE = {
    key: "".join(
        row[at] for row in _KEYS if key in row for at in (row.index(key) - 1, row.index(key) + 1) if 0 <= at < len(row)
    )
    for key in set("".join(_KEYS))
}
SUFFIXES = (
    "-A", "A", "/A", ".A", "_A", "-B", "B", "/B", "-1", "/1", ".1", "_1", "-2", "/2", ".2", "_2", "(2)", "-01",
    "-02", "/01", "DUP", "-DUP", "_DUP", "COPY", "-COPY", "/COPY", "*", "**", "#", "#2", "+", "R", "-R", "/R",
    ".R", "X", "-X", "BIS", "-BIS", "/II", "KOPIE", "-KOPIE", "DUPLIKAT", "NEU", "-NEU", "-KORR", "KORR", "REV",
    "-REV", "V2", "-v2", ".", "-", "Z", "-C", "C", "RESEND", "-RE", "'", "!", "-D", "DUPL", "2ND", "COPIA",
)  # fmt: skip


def bare(text: str) -> str:
    """Letters and digits in capitals, leading zeros gone: when two numbers are the same to an auditor."""
    return "".join(letter for letter in text.upper() if letter.isalnum()).lstrip("0")


def scanned(rng: Random, text: str, hits: int = 1) -> str:
    """Some characters read as their look-alikes; now and then a separator is lost or a blank appears."""
    letters = list(text)
    for _ in range(hits):
        spots = [at for at, letter in enumerate(letters) if letter in SCANNED]
        if not spots:
            break
        at = rng.choice(spots)
        draw = rng.random()
        if draw < 0.06 and not letters[at].isalnum():
            letters[at] = ""
        elif draw < 0.1:
            letters[at] += " "
        else:
            letters[at] = rng.choice(SCANNED[letters[at]])
        letters = list("".join(letters))
    return "".join(letters).strip()


def mistyped(rng: Random, text: str) -> str:
    """One slip of the hand: two keys swapped, one dropped, doubled, hit beside, or put in."""
    spots = [at for at, letter in enumerate(text) if letter.isalnum()]
    if len(spots) < 3:
        return text + rng.choice("0123456789")
    # Slips fall on the running digits more than on a prefix that the hand knows.
    at = rng.choice(spots[len(spots) // 3 :])
    draw = rng.random()
    if draw < 0.32 and at > 0:
        return text[: at - 1] + text[at] + text[at - 1] + text[at + 1 :]
    if draw < 0.5:
        return text[:at] + text[at + 1 :]
    if draw < 0.66:
        return text[:at] + text[at] + text[at:]
    if draw < 0.93:
        near = rng.choice(_BESIDE.get(text[at].upper(), "0123456789"))
        return text[:at] + near + text[at + 1 :]
    return text[:at] + rng.choice("0123456789") + text[at:]


def mistyped_amount(rng: Random, amount: Decimal, *, scan: bool = False) -> Decimal:
    """An amount with one digit wrong or two swapped; the sign and the cents' place stay."""
    letters = list(format(abs(amount), "f"))
    spots = [at for at, letter in enumerate(letters) if letter != "."]
    at = rng.choice(spots[1:] or spots)
    if scan:
        letters[at] = rng.choice([new for new in SCANNED[letters[at]] if new.isdigit()] or ["0"])
    elif rng.random() < 0.6 and letters[at - 1] != ".":
        letters[at - 1], letters[at] = letters[at], letters[at - 1]
    else:
        letters[at] = rng.choice([new for new in _BESIDE[letters[at]] if new.isdigit()])
    return Decimal("".join(letters)).copy_sign(amount)


def suffixed(rng: Random, number: str) -> str:
    """The number with a mark that says: once more."""
    if rng.random() < 0.04:
        return rng.choice(("DUP ", "C-", "COPY-", "2/", "X", "R-")) + number
    mark = rng.choice(SUFFIXES)
    gap = " " if mark[0].isalpha() and (len(mark) > 2 or rng.random() < 0.2) and rng.random() < 0.6 else ""
    return number + gap + (mark.lower() if rng.random() < 0.1 else mark)


def _tight(_rng: Random, number: str) -> str:
    return re.sub(r"[^0-9A-Za-z]", "", number)


def _other_separator(rng: Random, number: str) -> str:
    return re.sub(r"[^0-9A-Za-z]+", rng.choice("-/. _"), number)


def _no_prefix(_rng: Random, number: str) -> str:
    return re.sub(r"^[A-Za-z]+[^0-9A-Za-z]*(?=\d)", "", number)


def _prefix(rng: Random, number: str) -> str:
    return rng.choice(("INV", "INV-", "INV ", "RE", "RE-", "RG", "RG.", "R", "No. ", "Nr. ", "#", "FA", "FT ", "F-",
    "Rechnung ",
                       "Invoice ", "IN", "SI-", "BILL ", "F.", "Re.Nr. ", "N°", "Fra. ", "FV "))+ number  # fmt: skip


def _no_zeros(_rng: Random, number: str) -> str:
    return re.sub(r"(?<!\d)0+(?=\d)", "", number)


def _zeros(rng: Random, number: str) -> str:
    runs = list(re.finditer(r"\d+", number))
    if not runs:
        return number
    run = runs[-1] if rng.random() < 0.7 else runs[0]
    return number[: run.start()] + "0" * rng.randint(1, 4) + number[run.start() :]


def _case(_rng: Random, number: str) -> str:
    return number.lower() if number != number.lower() else number.upper()


def _blanks(rng: Random, number: str) -> str:
    size = rng.choice((2, 3, 3, 4))
    return re.sub(r"\d{5,}", lambda run: " ".join(re.findall(rf".{{1,{size}}}", run.group())), number)


def _no_year(_rng: Random, number: str) -> str:
    short = re.sub(r"(?<!\d)(?:20)?(?:1[5-9]|2[0-9])(?!\d)[^0-9A-Za-z]?", "", number, count=1)
    return short.strip("-/. _") if sum(letter.isdigit() for letter in short) >= 3 else number


def _long_year(_rng: Random, number: str) -> str:
    if re.search(r"(?<!\d)20[12]\d(?!\d)", number):
        return re.sub(r"(?<!\d)20([12]\d)(?!\d)", r"\1", number, count=1)
    return re.sub(r"(?<![\dA-Za-z])([12]\d)(?!\d)", r"20\1", number, count=1)


def _turned(_rng: Random, number: str) -> str:
    parts = re.fullmatch(r"(\w+)([-/. ])(\w+)", number)
    return f"{parts[3]}{parts[2]}{parts[1]}" if parts else number


def _digits(_rng: Random, number: str) -> str:
    digits = re.sub(r"\D", "", number)
    return digits if len(digits) >= 3 else number


def _last_part(_rng: Random, number: str) -> str:
    run = re.findall(r"\d+", number)[-1:]
    return run[0] if run and len(run[0]) >= 4 else number


def _blank_ends(rng: Random, number: str) -> str:
    return rng.choice((" " + number, number + " ", number + ".", "'" + number))


_WAYS: tuple[tuple[Callable[[Random, str], str], float], ...] = (
    (_tight, 3), (_other_separator, 3), (_no_prefix, 2.5), (_prefix, 2.5), (_no_zeros, 2.5), (_zeros, 2), (_case, 1),
    (_blanks, 1.5), (_no_year, 1.5), (_long_year, 1), (_turned, 0.5), (_digits, 1.5), (_last_part, 0.7),
    (_blank_ends, 0.4),
)  # fmt: skip
WAYS = tuple(way for way, _ in _WAYS)


def rewritten(rng: Random, number: str, weights: tuple[float, ...] | None = None) -> str:
    """The number in another writing, certainly another text; `weights` are one per way of WAYS."""
    for _ in range(24):
        made = rng.choices(WAYS, weights or tuple(weight for _, weight in _WAYS))[0](rng, number)
        if rng.random() < 0.2:
            made = rng.choice(WAYS)(rng, made)
        if made != number and len(bare(made)) >= 2:
            return made
    return "0" + number
