"""A made-up supplier master and documents that name its suppliers as documents do: cut, misspelt, dressed up."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from governance.case import Party
from models.supplier_match import Clues
from models.supplier_names import core
from models.synthetic_numbers import iban, stream, vat_id

_SOUNDS = (
    "b br c d dr f g gr h k kl l m n p pr r s st t tr v w z",
    "a e i o u au ei ie",
    "b ck d f g ld lm ln m n nd ng nt p r rd rk rn s st t tz",
)
_FRONT, _VOWEL, _END = (sounds.split() for sounds in _SOUNDS)
_TRADES = {
    "DE": ("Maschinenbau", "Spedition", "Bürobedarf", "Gebäudetechnik", "Elektro", "Druck", "Logistik", "Handels"),
    "FR": ("Transports", "Fournitures", "Conseil", "Bâtiment", "Imprimerie", "Électricité", "Énergie", "Équipements"),
    "GB": ("Supplies", "Engineering", "Consulting", "Freight", "Services", "Brothers", "International", "Print"),
    "ES": ("Suministros", "Transportes", "Construcción", "Consultores"),
    "IT": ("Forniture", "Trasporti", "Costruzioni", "Società Servizi"),
    "NL": ("Transport", "Techniek", "Onderhoud", "Advies"),
}
_FORMS = {
    "DE": ("GmbH", "AG", "GmbH & Co. KG", "e.K."), "FR": ("SARL", "SAS", "S.A."), "GB": ("Ltd", "plc", "LLP"),
    "ES": ("S.L.", "S.A."), "IT": ("S.r.l.", "S.p.A."), "NL": ("B.V.", "N.V."),
}  # fmt: skip
_LONG = {
    "GmbH": "Gesellschaft mit beschränkter Haftung", "Ltd": "Limited", "SARL": "S. à r. l.", "plc": "PLC",
    "S.p.A.": "Società per Azioni", "B.V.": "BV", "GmbH & Co. KG": "GmbH u. Co KG", "AG": "Aktiengesellschaft",
}  # fmt: skip
_SHORTER = {"International": "Int'l", "Brothers": "Bros.", "Services": "Svcs", "Engineering": "Eng."}
_FOREIGN = dict(zip("aeiopcyxABEKMHOPCTX", "аеіорсухАВЕКМНОРСТХ", strict=True))
_UNSEEN = "\u200b\u200c\u200d\u2060\ufeff"
_PLACES = ("Nord", "Niederlassung Köln", "West Branch", "Agence Lyon", "Division")


@dataclass(frozen=True, slots=True)
class Sighting:
    """One document's clues, how its name was changed, and the supplier that it is; None for a stranger."""

    clues: Clues
    how: str
    supplier_id: str | None


def made_up_master(seed: int, size: int) -> list[tuple[Party, str]]:
    """`size` suppliers with an account each; no two of them have the same name without legal form."""
    rng = stream(seed, "supplier master")
    found: list[tuple[Party, str]] = []
    taken: set[str] = set()
    while len(found) < size:
        country = rng.choice(list(_TRADES))
        name = f"{_firm(rng)} {rng.choice(_TRADES[country])} {rng.choice(_FORMS[country])}"
        if core(name) in taken:
            continue
        taken.add(core(name))
        party = Party(f"S-{len(found):05d}", name, "supplier", vat_id=vat_id(rng, country), country=country)
        found.append((party, iban(rng, country)))
    return found


def _firm(rng: random.Random) -> str:
    def word() -> str:
        middle = "".join(rng.choice(_FRONT) + rng.choice(_VOWEL) for _ in range(rng.choice((0, 1, 1))))
        return (rng.choice(_FRONT) + rng.choice(_VOWEL) + middle + rng.choice(_END)).capitalize()

    return rng.choice((word, word, lambda: f"{word()} & {word()}", lambda: f"{word()} {word()}"))()


def _letter_changed(rng: random.Random, name: str) -> str:
    at = rng.randrange(1, max(len(name.rpartition(" ")[0]), 2))
    letter = rng.choice("abcdefghiklmnoprstu")
    return rng.choice((name[:at] + letter + name[at + 1 :], name[:at] + name[at + 1 :], name[:at] + letter + name[at:]))


def _unseen(rng: random.Random, name: str) -> str:
    at = rng.randrange(len(name))
    return name[:at] + rng.choice(_UNSEEN) + name[at:]


def _foreign(rng: random.Random, name: str) -> str:
    able = [at for at, letter in enumerate(name) if letter in _FOREIGN]
    chosen = set(rng.sample(able, min(len(able), rng.choice((1, 2, 9))))) if able else set()
    return "".join(_FOREIGN[letter] if at in chosen else letter for at, letter in enumerate(name))


def _without_form(name: str) -> str:
    forms = sorted({form for some in _FORMS.values() for form in some}, key=len, reverse=True)
    return next((name.removesuffix(form).rstrip() for form in forms if name.endswith(" " + form)), name)


def _other_form(rng: random.Random, name: str) -> str:
    bare = _without_form(name)
    form = name.removeprefix(bare).strip()
    return f"{bare} {_LONG.get(form, form.replace('.', ''))}"


def _shortened(rng: random.Random, name: str) -> str:
    return " ".join(_SHORTER.get(word, word) for word in name.replace(" & ", " und ").split())


def _turned(rng: random.Random, name: str) -> str:
    words = _without_form(name).split()
    return " ".join(words[1:] + words[:1])


def _plain(rng: random.Random, name: str) -> str:
    table = str.maketrans({"ü": "ue", "ä": "ae", "ö": "oe", "é": "e", "É": "E", "â": "a", "ó": "o", "à": "a"})
    return name.translate(table)


CHANGES: dict[str, Callable[[random.Random, str], str]] = {
    "as written": lambda rng, name: name,
    "capitals": lambda rng, name: name.upper(),
    "without legal form": lambda rng, name: _without_form(name),
    "legal form otherwise": _other_form,
    "without accents": _plain,
    "abbreviated": _shortened,
    "unseen characters": _unseen,
    "one letter": _letter_changed,
    "two letters": lambda rng, name: _letter_changed(rng, _letter_changed(rng, name)),
    "word order": _turned,
    "a place added": lambda rng, name: f"{_without_form(name)} {rng.choice(_PLACES)}",
    "look-alike letters": _foreign,
}
"""How documents write a name. The first seven are the same name, the next four are near it, the last poses as it."""
SAME, NEAR, POSES = tuple(CHANGES)[:7], tuple(CHANGES)[7:11], tuple(CHANGES)[11:]


def sightings(seed: int, known: Sequence[tuple[Party, str]], strangers: Sequence[Party], each: int) -> list[Sighting]:
    """`each` documents for every change, and as many of strangers, by their name alone."""
    rng = stream(seed, "supplier sightings")
    found = []
    for how, change in CHANGES.items():
        for party, _ in rng.choices(known, k=each):
            found.append(Sighting(Clues(name=change(rng, party.name)), how, party.id))
    for party in rng.choices(strangers, k=each) if strangers else ():
        found.append(Sighting(Clues(name=party.name), "stranger", None))
    return found


def with_numbers(seen: Sighting, party: Party, account: str | None) -> Sighting:
    """The same document with the supplier's VAT id, and an account."""
    return replace(seen, clues=replace(seen.clues, vat_id=party.vat_id, iban=account))
