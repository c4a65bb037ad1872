"""How clerks, scanners and vendor masters spoil a number, a name or a text. Each function may give back what it got."""

from __future__ import annotations

import re
import unicodedata
from random import Random

_SCAN = {
    "0": "OD8",
    "1": "Il7",
    "2": "Z",
    "3": "8",
    "5": "S6",
    "6": "G5b",
    "7": "1",
    "8": "B3",
    "9": "g",
    "4": "A",
    "O": "0Q",
    "I": "1l",
    "Z": "2",
    "S": "5",
    "B": "8",
    "G": "6C",
    "D": "0O",
    "E": "F",
    "l": "1",
    "m": "rn",
}
_KEYS = ("1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "789", "456", "123")
_SPELT = (
    ("Ltd", "Limited"), ("GmbH", "Gesellschaft mbH"), ("GmbH", "G.m.b.H."), ("Inc.", "Incorporated"), ("Inc", "Inc."),
    ("Corp.", "Corporation"), ("Co.", "Company"), ("S.r.l.", "SRL"), ("S.L.", "SL"), ("B.V.", "BV"), 
    ("Sp. z o.o.", "Spzoo"),
    ("International", "Intl"), ("Technologies", "Tech"), ("Services", "Svcs"), ("Manufacturing", "Mfg"),
    ("Engineering", "Eng."), ("Logistics", "Log."), ("Management", "Mgmt"), ("Transport", "Transp."), 
    ("Pvt", "Private"),
    (" & ", " and "), (" & ", " + "), ("Private Limited", "P. Ltd"), ("Maschinenbau", "Masch.bau"), 
    ("technik", "-Technik"),
)  # fmt: skip
_FORM = re.compile(
    r"[ ,]+(GmbH & Co\. KG|GmbH|AG|e\.K\.|KG|UG|Ltd|Limited|PLC|LLP|Inc\.?|LLC|Corp\.|Co\.|LP|SARL|SAS|SA|EURL|"
    r"S\.L\.|SL|S\.A\.|SLU|S\.r\.l\.|Srl|S\.p\.A\.|BV|B\.V\.|NV|AB|HB|Sp\. ?z ?o\. ?o\.|Pvt\.? Ltd\.?|\(?Pty\)? Ltd)$"
)
_TAG = re.compile(r"^[^\W\d]+[\W_]*(?=\d{3})")
_YEAR = re.compile(r"(?<!\d)(20)(\d\d)(?=\D|$)")
_YEAR_PART = re.compile(r"(?<=\d{3})[-/.](?:20)?[12]\d$|^(?:20)?[12]\d[-/.](?=\d{3})")


def plain(number: str) -> str:
    """Letters and digits in capitals, each run of digits without its leading zeros: what makes two numbers the same."""
    return re.sub(r"(?<!\d)0+(?=\d)", "", re.sub(r"[\W_]", "", number.upper()))


def ascii_text(text: str) -> str:
    """As a system without accents keeps it."""
    for old, new in (
        ("ß", "ss"),
        ("ä", "ae"),
        ("ö", "oe"),
        ("ü", "ue"),
        ("Ö", "Oe"),
        ("Ü", "Ue"),
        ("Ł", "L"),
        ("ł", "l"),
    ):
        text = text.replace(old, new)
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()


def _separators(rng: Random, number: str) -> str:
    return re.sub(r"[-/. _]", rng.choice(["", "", "-", "/", " ", ".", "_"]), number)


def _spread(rng: Random, number: str) -> str:
    return re.sub(r"(?<=[^\W\d])(?=\d)", rng.choice([" ", "-", "/", ". "]), number, count=1)


def _zeros(rng: Random, number: str) -> str:
    if re.search(r"(?<!\d)0+\d", number):
        return re.sub(r"(?<!\d)0+(?=\d)", "", number)
    runs = list(re.finditer(r"\d+", number))
    longest = max(runs, key=lambda run: len(run.group()), default=None)
    return (
        number
        if longest is None
        else f"{number[: longest.start()]}{'0' * rng.randint(1, 4)}{number[longest.start() :]}"
    )


def _untagged(rng: Random, number: str) -> str:
    return _TAG.sub("", number)


def _tagged(rng: Random, number: str) -> str:
    before = rng.choice(["INV", "INV-", "Inv. ", "#", "No. ", "Nr.", "RE ", "F-", "Invoice ", "RG-", "No:"])
    return number if number[:1].isalpha() else before + number


def _cased(rng: Random, number: str) -> str:
    return number.lower() if number != number.lower() else number.upper()


def _spaced(rng: Random, number: str) -> str:
    at = rng.randrange(1, max(len(number), 2))
    return rng.choice([f"{number[:at]} {number[at:]}", f" {number}", f"{number} ", f"{number}."])


def _year(rng: Random, number: str) -> str:
    changes = (_YEAR.sub(r"\2", number), _YEAR_PART.sub("", number))
    return rng.choice([text for text in changes if text != number] or [number])


FORMATS = (_separators, _separators, _spread, _zeros, _zeros, _untagged, _tagged, _cased, _spaced, _year)


def reformat(rng: Random, number: str) -> str:
    """The same number written otherwise: separators, prefix, zeros, case, spaces, the year left out or short."""
    for write in rng.sample(FORMATS, len(FORMATS)):
        changed = write(rng, number)
        if changed != number and any(letter.isdigit() for letter in changed):
            return changed
    return number


def scan(rng: Random, text: str, changes: int = 1) -> str:
    """As a scanner misreads it: look-alikes, an m for rn, a lost separator."""
    letters = list(text)
    places = [at for at, letter in enumerate(letters) if letter in _SCAN or letter in "-/."]
    heavy = [at for at in places if letters[at] in _SCAN] or places
    for at in rng.sample(heavy, min(changes, len(heavy))):
        letters[at] = rng.choice(_SCAN.get(letters[at], " "))
    return "".join(letters)


def scan_digit(rng: Random, digits: str) -> str:
    """One digit of an amount read as another digit."""
    swaps = {"0": "68", "1": "7", "3": "8", "5": "6", "6": "58", "7": "1", "8": "3"}
    places = [at for at, digit in enumerate(digits) if digit in swaps]
    if not places:
        return digits
    at = rng.choice(places)
    return digits[:at] + rng.choice(swaps[digits[at]]) + digits[at + 1 :]


def slip(rng: Random, text: str) -> str:
    """One slip at the keyboard: two letters swapped, one dropped, doubled, or the key beside it."""
    at = rng.randrange(max(len(text) - 1, 1))
    for kind in rng.sample(("swap", "drop", "double", "key"), 4):
        if kind == "swap":
            changed = text[:at] + text[at : at + 2][::-1] + text[at + 2 :]
        elif kind == "drop" and len(text) > 4:
            changed = text[:at] + text[at + 1 :]
        elif kind == "double":
            changed = text[: at + 1] + text[at:]
        else:
            changed = text[:at] + neighbour(rng, text[at : at + 1]) + text[at + 1 :]
        if changed != text:
            return changed
    return text


def neighbour(rng: Random, letter: str) -> str:
    """A key beside this one, on the same row."""
    near = [
        row[place]
        for row in _KEYS
        if letter and letter.lower() in row
        for place in (row.index(letter.lower()) - 1, row.index(letter.lower()) + 1)
        if 0 <= place < len(row)
    ]
    key = rng.choice(near) if near else letter
    return key.upper() if letter.isupper() else key


def other_name(rng: Random, name: str, towns: tuple[str, ...]) -> str:
    """The firm's name as a second clerk entered it; the telling words mostly stay."""
    spelt = [name.replace(old, new) for old, new in _SPELT if old in name]
    bare = _FORM.sub("", name)
    tokens = bare.split()
    choices = [
        *(spelt * 2),
        bare,
        bare,
        name.upper(),
        ascii_text(name),
        name.replace("-", " ").replace(".", "").replace(",", ""),
        f"{name} {rng.choice(towns)}",
        f"{bare}, {rng.choice(towns)}",
        slip(rng, name),
        re.sub(r"\W+", "", bare) if len(tokens) == 2 else name.title(),
        " ".join(tokens[1:] + tokens[:1]) if len(tokens) > 1 else name.lower(),
        " ".join([tokens[0], *(token[:4] + "." for token in tokens[1:])]) if len(tokens) > 1 else name.lower(),
    ]
    changed = rng.choice(choices)
    return rng.choice([changed, changed, changed.upper(), other_name(rng, changed, towns) if changed != name else name])


def retell(rng: Random, text: str) -> str:
    """A line's text as somebody else types it: shorter, other case, words added or turned."""
    tokens = text.split()
    return rng.choice(
        [
            text.upper(),
            text.lower(),
            text[: max(8, len(text) * 2 // 3)].strip(),
            " ".join(tokens[: max(1, len(tokens) - 1)]),
            " ".join(tokens[1:] + tokens[:1]),
            slip(rng, text),
            f"{text} {rng.choice(['- resend', 'copy', '2nd', 'as discussed', 'see mail', 'urgent'])}",
        ]
    )
