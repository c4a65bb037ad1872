"""How suppliers, scanners and clerks write numbers and names: the noise of the second ledger generator.

Written from the list of duplicate classes and from what happens to a piece of paper alone: printed by a supplier,
scanned, keyed by two people into systems with short fields, carried through a spreadsheet.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")

# What stands for a character when ink runs, a stroke breaks or a font has no serifs. One way: as it is read.
_SEEN_AS = {
    "0": "O8Q6D",
    "1": "7Il|4",
    "2": "Z7",
    "3": "8S5",
    "4": "9A1",
    "5": "S63$",
    "6": "G8b5",
    "7": "1T2",
    "8": "B3690",
    "9": "g4q8",
    "A": "4R",
    "B": "8E",
    "C": "GO",
    "D": "O0",
    "E": "FB",
    "F": "EP",
    "G": "6C",
    "H": "NM",
    "I": "1l",
    "K": "XR",
    "L": "IE",
    "M": "NH",
    "N": "MH",
    "P": "RF",
    "Q": "O",
    "R": "PK",
    "S": "5",
    "T": "7I",
    "V": "UY",
    "X": "K",
    "a": "o",
    "b": "6h",
    "c": "eo",
    "d": "cl",
    "e": "c",
    "f": "t",
    "-": "~_.",
    "/": "1I",
    ".": ",",
}
# A typewriter's row of figures and a block of figures beside the letters: neighbours on either.
_ROW, _BLOCK = "1234567890", ("789", "456", "123", "0  ")
_HYPHENS = "-\u2010\u2011\u2013\u2014/_. "
_LABELS = (
    "Inv",
    "INV#",
    "Invoice",
    "invoice no ",
    "Re.-Nr. ",
    "RNr",
    "Rg ",
    "Facture ",
    "N\u00b0",
    "Bill ",
    "Ref: ",
    "SI-",
)
_MARKS = (
    *"123",
    *"ABCRXZ",
    "copy",
    "DUP",
    "Kopie",
    "rev",
    "resend",
    "corr",
    "neu",
    "2ND",
    "dd",
    "OK",
    "rec'd",
    "final",
)


def pick(rng: np.random.Generator, options: Sequence[T]) -> T:
    """One of the options, each as likely."""
    return options[int(rng.integers(len(options)))]


def _full_width(number: str) -> str:
    """Letters and figures as East Asian and some banking fonts have them (U+FF01 to U+FF5E)."""
    return "".join(chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" else letter for letter in number)


def _zeros_gone(number: str) -> str:
    """Every figure group without its leading zeros, as a spreadsheet or a hurried clerk leaves it."""
    return re.sub(r"(?<!\d)0+(?=\d)", "", number)


def _zeros_added(number: str, rng: np.random.Generator) -> str:
    """The last figure group filled up to the width of a field."""
    wide = int(rng.integers(2, 5))
    return re.sub(r"(\d+)(\D*)$", lambda found: found[1].zfill(len(found[1]) + wide) + found[2], number, count=1)


def _pieces(number: str) -> list[str]:
    return [piece for piece in re.split(r"[^0-9A-Za-z]+|(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])", number) if piece]


def _grouped(number: str, rng: np.random.Generator) -> str:
    """A long run of figures in groups, as it is read aloud or formatted as a quantity."""
    mark, width = pick(rng, (" ", "-", ".", ",", "\u00a0")), pick(rng, (2, 3, 4))
    return re.sub(rf"(?<=\d)(?=(?:\d{{{width}}})+(?!\d))", mark, number)


def rewritten(number: str, rng: np.random.Generator) -> str:
    """The same number in another form; the longest run of figures keeps its order and, but for zeros, its figures."""
    pieces = _pieces(number)
    longest = max(pieces, key=lambda piece: (sum(letter.isdigit() for letter in piece), len(piece)))
    ways = [
        "".join(pieces),
        pick(rng, _HYPHENS).join(pieces if len(pieces) < 5 else [number]),
        _zeros_gone(number) if len(pieces) < 5 else number.upper(),
        _zeros_added(number, rng),
        _grouped(number, rng),
        f"{pick(rng, _LABELS)}{number}",
        number.swapcase(),
        _full_width(number),
        f"{number}{pick(rng, ('.', '-', '--', '.0', ' ', ',', '*', ';'))}",
        f"{pick(rng, (chr(39), ' ', '#', '/', '(', chr(0x200B), chr(0xFEFF), chr(0x200E)))}{number}",
        number[: len(number) // 2] + pick(rng, ("\u00ad", "\u200d", "\u2009")) + number[len(number) // 2 :],
    ]
    if len(pieces) > 1:
        ways += [longest, " ".join(reversed(pieces))] if longest.isdigit() and len(longest) > 3 else []
        ways += [number.replace(pieces[0], pieces[0][2:], 1)] if re.fullmatch(r"20\d\d", pieces[0]) else []
    elif number.isdigit():
        ways.append(f"{pick(rng, 'ARFSI')}{number.lstrip('0')}")
    return pick(rng, sorted({way for way in ways if way and way != number}))


def scanned(number: str, rng: np.random.Generator) -> str:
    """One character, in one of four cases two, read as what it looks like; the length stays."""
    letters = list(number)
    # Most of what is misread are figures, because a dictionary mends words and nothing mends numbers.
    weight = np.array([(3.0 if letter.isdigit() else 1.0) * (letter in _SEEN_AS) for letter in letters])
    many = min(1 + int(rng.random() < 0.25), int((weight > 0).sum()))
    for place in rng.choice(len(letters), size=many, replace=False, p=weight / weight.sum()):
        seen = _SEEN_AS[letters[place]]
        likely = 0.5 ** np.arange(len(seen))
        letters[place] = seen[int(rng.choice(len(seen), p=likely / likely.sum()))]
    return "".join(letters)


def _beside(figure: str) -> str:
    """The keys next to a figure's key."""
    at = _ROW.index(figure)
    found = set(_ROW[max(0, at - 1) : at + 2])
    for row, keys in enumerate(_BLOCK):
        if figure in keys:
            column = keys.index(figure)
            near = [_BLOCK[y][column] for y in (row - 1, row + 1) if 0 <= y < len(_BLOCK)]
            found |= {*near, *keys[max(0, column - 1) : column + 2]}
    return "".join(sorted(found - {figure, " "}))


def keyed(number: str, rng: np.random.Generator) -> str:
    """The number with one slip of a hand: swapped, beside the key, left out, or twice. Slips come where figures are."""
    figures = [place for place, letter in enumerate(number) if letter.isdigit()]
    while True:
        place, chance = pick(rng, figures), rng.random()
        before, letter, after = number[:place], number[place], number[place + 1 :]
        if chance < 0.35 and after:
            changed = before + after[0] + letter + after[1:]
        elif chance < 0.6:
            changed = before + pick(rng, _beside(letter)) + after
        elif chance < 0.8:
            changed = before + after
        elif chance < 0.92:
            changed = before + letter * 2 + after
        else:  # the wrong one of two figures is doubled: 5667 for 5567
            changed = before + after[:1] + after if after[:1].isdigit() else number
        if changed != number:
            return changed


def ending(rng: np.random.Generator) -> str:
    """What a clerk adds so that the system takes a number it has already: a sign, a figure, a letter, a word."""
    chance = rng.random()
    if chance < 0.2:
        return pick(rng, (".", "-", "*", "+", "'", "/", "_", "x")) * int(rng.integers(1, 3))
    joint = pick(rng, ("", "", "-", "/", " ", "_", "."))
    mark = pick(rng, _MARKS) if chance < 0.9 else f"{int(rng.integers(1, 13)):02d}{pick(rng, ('', '24', '23'))}"
    return f"{joint}{mark}" if rng.random() < 0.85 else f" ({mark})"


_LEGAL = {
    "Ltd": ("Limited", "Ltd.", "LTD"),
    "Limited": ("Ltd", "Ltd."),
    "LLP": ("L.L.P.", ""),
    "plc": ("PLC", "p.l.c."),
}
_LEGAL |= {"GmbH": ("Gesellschaft mbH", "G.m.b.H.", "Ges.m.b.H."), "AG": ("Aktiengesellschaft", ""), "KG": ("K.G.", "")}
_LEGAL |= {"OG": ("Offene Gesellschaft", ""), "DAC": ("Designated Activity Company", "")}
_PLACES = ("Leeds", "Wien", "Cork", "Hamburg", "South", "Branch 2", "Head Office", "Ireland")


def other_spelling(rng: np.random.Generator, name: str) -> str:
    """The same firm as a second clerk enters it in the vendor master; never the same spelling."""
    words = name.split()
    form = words[-1] if words[-1] in _LEGAL else ""
    stem = " ".join(words[:-1] if form else words)
    words = [*stem.split(), form or pick(rng, ("Ltd", "(UK)"))]
    long = next((at for at, word in enumerate(words[:-1]) if len(word) > 4), 0)
    at = int(rng.integers(1, max(2, len(words[long]) - 1)))
    slipped = words[long][:at] + words[long][at + 1 :]
    ways = (
        f"{stem} {pick(rng, _LEGAL.get(form, ('Limited', 'Ltd', 'Co')))}".strip(),
        stem,
        name.upper()[: int(rng.integers(12, 26))].strip(),
        f"{stem} {pick(rng, _PLACES)}",
        f"{name} ({pick(rng, ('EUR', 'CIS', 'new bank', 'factored', 'old'))})",
        f"{pick(rng, ('Messrs', 'Firma', 'DO NOT USE'))} {name}",
        " ".join([*words[:long], slipped, *words[long + 1 :]]),
        " ".join(word[:5] for word in words[:-1]) + f" {words[-1]}",
        f"{words[-2]}, {' '.join(words[:-2])} {form}".strip(" ,"),
        "".join(words[:-1]) + f" {words[-1]}",
        stem.replace(" & ", " and ") if "&" in stem else f"{stem} & Co {form}",
        f"{pick(rng, ('R.', 'J & M', 'H.'))} {pick(rng, ('Harte', 'Moser', 'Doyle'))} t/a {stem}",
    )
    return pick(rng, [way for way in ways if way and way != name])
