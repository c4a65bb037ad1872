"""How the name of a firm gets written otherwise: by scanners, old systems, and clerks who enter it once more."""

from __future__ import annotations

import re
import unicodedata
from random import Random

from models.pair_works_noise import mistyped, scanned

_JOINED = (("rn", "m"), ("m", "rn"), ("cl", "d"), ("vv", "w"), ("w", "vv"), ("ü", "ii"), ("ö", "o"), ("ä", "a"), ("ß",
"B"),
           ("li", "h"), ("ll", "II"), (" & ", " 8 "), ("é", "e"), ("tt", "it"))  # fmt: skip


def scanned_name(rng: Random, name: str) -> str:
    """A firm's name off a scan: joined letters, lost accents, look-alikes, a cut end."""
    found = [pair for pair in _JOINED if pair[0] in name]
    if found and rng.random() < 0.6:
        old, new = rng.choice(found)
        return name.replace(old, new, 1)
    if rng.random() < 0.15 and len(name) > 12:
        return name[: len(name) - rng.randint(1, 5)].rstrip()
    return scanned(rng, name)


def plain_letters(text: str) -> str:
    """Accents gone the way a system without them drops them."""
    flat = unicodedata.normalize("NFKD", text.replace("ß", "ss").replace("ø", "o").replace("ł", "l"))
    return "".join(letter for letter in flat if unicodedata.category(letter) != "Mn")


_UMLAUTS = {ord(old): new for old, new in zip("äöüÄÖÜß", ["ae", "oe", "ue", "Ae", "Oe", "Ue", "ss"], strict=True)}


def german_letters(text: str) -> str:
    """Umlauts written out."""
    return text.translate(_UMLAUTS)


def renamed(rng: Random, name: str, towns: list[str]) -> str:
    """The same firm as another clerk would enter it: legal form, accents, order, short forms, a town behind it."""
    words = name.split()
    for _ in range(12):
        draw = rng.random()
        made = name
        if draw < 0.16:
            made = name.upper() if name != name.upper() else name.title()
        elif draw < 0.32 and len(words) > 1:
            made = " ".join(words[:-1])
        elif draw < 0.42:
            made = german_letters(name) if rng.random() < 0.5 else plain_letters(name)
        elif draw < 0.52:
            made = name.replace(" & ", rng.choice((" and ", " + ", "&", " u. ", " "))).replace(".", "")
        elif draw < 0.62 and len(words) > 2:
            made = " ".join([words[1], words[0], *words[2:]])
        elif draw < 0.7 and len(words) > 1:
            made = f"{words[0]}, {' '.join(words[1:])}"
        elif draw < 0.8:
            made = f"{name} {rng.choice(('-', '/', '(', ''))}{rng.choice(towns)}".strip()
        elif draw < 0.88:
            made = re.sub(r"(\w{4,6})\w{3,}", r"\1.", name, count=1)
        elif draw < 0.94:
            made = mistyped(rng, name)
        else:
            made = name[: rng.choice((12, 16, 20, 25))].rstrip()
        if made != name:
            return made
    return name.upper() + " *"
