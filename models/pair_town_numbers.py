"""How suppliers number their bills, and how a number comes to be written otherwise."""

from __future__ import annotations

import re
import string
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_LEADS = (
    "INV|Inv|SI|SIN|S|I|No|RE|RG|FA|F|A|BILL|DOC|R|T|W|CI|PSI|SLI|IN|INV No |Invoice |TS|WE|GR|Rech|FACT|FV|N|ORD|SO|"
    "JOB|PF|V|Z|INVC|UKI|#|SINV|CUST"
)
_MISREAD = {
    "0": "O8D", "1": "Il7", "2": "Z7", "3": "8", "4": "A9", "5": "S6", "6": "G8b", "7": "1T", "8": "B36", "9": "g4",
    "O": "0Q", "I": "1l", "S": "5", "B": "8", "Z": "2", "G": "6", "D": "0", "Q": "O", "T": "7", "/": "1l", "-": ".~",
    "l": "1I", "E": "F", "F": "P", "C": "G", "U": "V", "N": "M", "V": "U", "e": "c", "n": "ri", "a": "o", "i": "l",
}  # fmt: skip
_KEYS = {
    "1": "24", "2": "135", "3": "26", "4": "157", "5": "2468", "6": "359", "7": "48", "8": "579", "9": "68", "0": "19",
    "A": "SQ", "B": "VN", "C": "XV", "D": "SF", "E": "WR", "F": "DG", "G": "FH", "H": "GJ", "I": "UO", "J": "HK",
    "K": "JL", "L": "K", "M": "N", "N": "BM", "O": "IP", "P": "O", "Q": "WA", "R": "ET", "S": "AD", "T": "RY",
    "U": "YI", "V": "CB", "W": "QE", "X": "ZC", "Y": "TU", "Z": "XA",
}  # fmt: skip
_ENDINGS = (
    "-A|A|/A|-B|/1|-1|.2|-2|_2|/2| 2|(2)|(1)| DUP|-DUP|DUP| COPY|-COPY|COPY|*|**|-R|R|/R| REV|-REV|.|-01|/01| bis|"
    "-BIS| KOPIE|-KOPIE|#2| II|-NEW| RESUB|X|-X|+| (COPY)|_copy|-D| RE-ISSUE|a|!"
)


@dataclass(frozen=True, slots=True)
class Series:
    """A supplier's numbering. parts: a literal after '=', a counter '#width' or a date part; pace: numbers a day."""

    parts: tuple[str, ...]
    first: int
    pace: float
    restarts: bool

    @property
    def counts(self) -> bool:
        """Whether a counter tells two bills of one day apart."""
        return any(part[0] in "#@" for part in self.parts)


def draw_series(rng: Random, code: str, pace: float) -> Series:
    """One supplier's series; code: the letters of its name; pace: how many numbers it uses a day."""
    sep = "=" + rng.choice(["", "", "-", "/", " ", ".", "_", "-"])
    other = "=" + rng.choice(["", "-", "/", " "])
    run = f"#{rng.choice([0, 0, 0, 3, 4, 5, 5, 6, 6, 7, 8, 10])}"
    lead = "=" + rng.choice([code, code[:2], code[:1], code.title(), *_LEADS.split("|")])
    account = "=" + "".join(rng.choices(string.digits, k=rng.randint(3, 9)))
    recipes: list[tuple[str, ...]] = [
        (run,), (run,), (run,), (lead, sep, run), (lead, sep, run), (lead, run), (lead, run), ("Y4", sep, run),
        ("Y2", run), (run, "=/", "Y2"), (run, sep, "Y4"), (lead, other, "Y2", "MM", sep, run), (lead, "Y4", sep, run),
        (account, sep, run), (run, sep, account), ("@",), ("@", "=-", run), (lead, other, "@"), ("Y4", "MM", sep, run),
        ("DD", "MM", "Y2", lead), (lead, other, "DD", "MM", "Y2"), ("MON", "Y2", sep, "=" + code), ("DD", "MM", "Y4"),
        ("=W/E ", "DD", "=.", "MM", "=.", "Y2"), ("=" + code, "=WK", "WK", "=/", "Y2"), ("FY", "=/", run),
        (lead, run, sep, "%"), (lead, other, "Y4", "=/", "MM", "=/", run), (run, "=" + code[:1]),
        ("Y2", "WK", sep, run),
        (account, other, "DD", "MM", "Y2"), (lead, sep, "Y4", sep, run), (run, sep, lead), ("=51", "#8"),
    ]  # fmt: skip
    parts = tuple(part for part in rng.choice(recipes) if part != "=")
    restarts = any(part[0] == "Y" for part in parts) and rng.random() < 0.6
    return Series(parts, 1 if restarts else int(10 ** rng.uniform(0, 6.3)), pace, restarts)


def _scrambled(count: int) -> str:
    letters = string.digits + string.ascii_uppercase
    value = (count * 48271 + 12345) % 36**5
    found = ""
    for _ in range(5):
        value, rest = divmod(value, 36)
        found += letters[rest]
    return found


def written(series: Series, when: date, since: date, ahead: int) -> str:
    """The number of a bill of that day; `since`: the day the counter stood at first; `ahead`: how many to pass by."""
    start = date(when.year, 1, 1) if series.restarts else since
    count = max(series.first + int(series.pace * (when - start).days), 1) + ahead
    if not series.counts:
        when += timedelta(days=ahead)
    fiscal = when.year - (when.month < 4)
    known = {
        "Y4": f"{when.year}", "Y2": f"{when.year % 100:02d}", "MM": f"{when.month:02d}", "DD": f"{when.day:02d}",
        "WK": f"{when.isocalendar()[1]:02d}", "MON": _MONTHS[when.month - 1], "%": str(count % 9),
        "FY": f"{fiscal % 100:02d}/{(fiscal + 1) % 100:02d}", "@": _scrambled(count),
    }  # fmt: skip
    made = ""
    for part in series.parts:
        if part[0] == "=":
            made += part[1:]
        elif part[0] == "#":
            made += f"{count:0{part[1:]}d}"
        else:
            made += known[part]
    return made


def squeezed(number: str) -> str:
    """Letters and digits alone, in capitals, without zeros in front: what two bills of one supplier never share."""
    return re.sub(r"[^A-Z0-9]", "", number.upper()).lstrip("0")


def reformatted(rng: Random, number: str) -> str:
    """The same number as another clerk writes it; the same text where nothing about it can change."""
    runs = re.findall(r"[A-Za-z]+|\d+", number)
    ways = [
        re.sub(r"[^A-Za-z0-9]", "", number),
        re.sub(r"[^A-Za-z0-9]+", rng.choice(["-", "/", " ", ".", ""]), number),
        rng.choice(["-", " ", "/", "."]).join(runs),
        re.sub(r"^\W*[A-Za-z]+\W*", "", number),
        re.sub(r"\b0+(?=\d)|(?<=[A-Za-z])0+(?=\d)", "", number),
        re.sub(r"\d+(?=\D*$)", lambda run: run.group().zfill(len(run.group()) + rng.randint(1, 4)), number),
        number.lower(),
        number.upper(),
        rng.choice(["INV", "Inv ", "INV-", "No. ", "#", "N°", "RE ", "Inv No: ", "F-", "'"]) + number,
        re.sub(r"(?:19|20)(?=\d\d)", "", number, count=1),
        re.sub(r"(?:19|20)\d\d\W?|\W(?:19|20)\d\d$|/\d\d$", "", number, count=1),
        number + rng.choice([".0", " ", ".", ".00"]),
        re.sub(r"(?<=\d{3})(?=\d{3})", " ", number),
        rng.choice(["0", "00", "000"]) + number,
        " " + number,
    ]
    rng.shuffle(ways)
    return next((way for way in ways if way != number and sum(map(str.isalnum, way)) >= 2), number)


def misread(rng: Random, text: str, count: int) -> str:
    """Text with up to `count` characters confused as a scanner does."""
    for _ in range(count):
        places = [place for place, letter in enumerate(text) if letter in _MISREAD]
        if places:
            place = rng.choice(places)
            text = text[:place] + rng.choice(_MISREAD[text[place]]) + text[place + 1 :]
    return text


def mistyped(rng: Random, text: str) -> str:
    """Text with one slip of the fingers: two characters swapped, one dropped, doubled, or its neighbour key."""
    places = [place for place, letter in enumerate(text) if letter.isalnum()]
    if not places:
        return text
    # A slip in the last digits is commoner than one in a prefix that everybody knows.
    place = rng.choice(places[len(places) // 3 :])
    way = rng.random()
    if way < 0.35 and place:
        return text[: place - 1] + text[place] + text[place - 1] + text[place + 1 :]
    if way < 0.55 and len(places) > 2:
        return text[:place] + text[place + 1 :]
    if way < 0.75:
        return text[:place] + text[place] + text[place:]
    near = rng.choice(_KEYS.get(text[place].upper(), "0"))
    return text[:place] + near + text[place + 1 :]


def suffixed(rng: Random, number: str) -> str:
    """The number with what a clerk adds to pass the check for a second copy."""
    if rng.random() < 0.08:
        return rng.choice(["X", "DUP ", "COPY ", "R-", "2/", "*"]) + number
    return number + rng.choice(_ENDINGS.split("|"))
