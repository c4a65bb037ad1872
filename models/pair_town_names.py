"""Names, bank accounts and tax numbers of a town's suppliers, and how a second clerk enters the same firm again."""

from __future__ import annotations

import re
import string
import unicodedata
from random import Random

from models.pair_town_numbers import misread, mistyped
from models.pair_town_words import FIRST, FORMS, LANGUAGES, LAST, PLACES, listed, trades

_VOWELS, _CONSONANTS = "aeiou", "bcdfglmnprstvz"
_SWAPS = {
    "Ltd": "Limited", "Limited": "Ltd", "Ltd.": "LTD", "&": "and", "and": "&", "Services": "Svcs", "Services.": "Serv",
    "Company": "Co", "Co": "Company", "GmbH": "G.m.b.H.", "S.L.": "SL", "SL": "S.L.", "BV": "B.V.", "B.V.": "BV",
    "SARL": "S.A.R.L.", "S.r.l.": "SRL", "SRL": "S.r.l.", "Inc": "Incorporated", "Inc.": "Inc", "Corp": "Corporation",
    "LLC": "L.L.C.", "PLC": "plc", "LLP": "L.L.P.", "AB": "Aktiebolag", "AG": "Aktiengesellschaft", "St": "Saint",
    "Solutions": "Solns", "Engineering": "Eng", "Recruitment": "Recruit", "Management": "Mgmt", "University": "Univ",
    "Council": "Cncl", "Association": "Assoc", "Pty": "Proprietary", "Community": "Comm", "Technologies": "Tech",
    "Construction": "Constr", "(UK)": "UK", "Medical": "Med", "International": "Intl", "Building": "Bldg",
}  # fmt: skip
_ACCENTS = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "å": "a", "ı": "i"}
)
_BODIES = {
    "en": "{} District Council|{} University|NHS {} Trust|{} College|{} Housing Association|{} Parish Council|"
    "Diocese of {}|{} Primary School|Friends of {}|{} Fire Authority|The {} Foundation",
    "de": "Stadt {}|Gemeinde {}|Universität {}|Kreisklinik {}|Landkreis {}|Förderverein {}",
    "fr": "Commune de {}|Université de {}|CHU {}|Syndicat mixte {}|Lycée {}",
    "nl": "Gemeente {}|Hogeschool {}|Stichting {}",
    "es": "Ayuntamiento de {}|Universidad de {}|Consorcio {}",
    "it": "Comune di {}|Università di {}|ASL {}",
    "sv": "{} kommun|{} universitet|Region {}",
}


def person_name(rng: Random, language: str) -> str:
    """A private person as a clerk enters one."""
    first, last = rng.choice(listed(FIRST[language])), rng.choice(listed(LAST[language]))
    middle = rng.choice(string.ascii_uppercase)
    return rng.choice(
        [f"{first} {last}", f"{first[0]} {last}", f"{last}, {first}", f"{last} {first[0]}", f"{first} {middle} {last}"]
    )


def _brand(rng: Random) -> str:
    made = "".join(rng.choice(_CONSONANTS) + rng.choice(_VOWELS) for _ in range(rng.randint(2, 3)))
    return (made + rng.choice(["", "n", "x", "s", "tec", "care", "med", "co", "ia", "lis"])).title()


def firm_name(rng: Random, country: str, kind: str) -> str:
    """A firm, body or sole trader of that country and trade."""
    language = LANGUAGES[country]
    place, last = rng.choice(listed(PLACES[language])), rng.choice(listed(LAST[language]))
    if kind == "person" or rng.random() < 0.06:
        return person_name(rng, language)
    if (kind == "grant" and rng.random() < 0.6) or rng.random() < 0.04:
        return rng.choice(listed(_BODIES[language])).format(place)
    trade = rng.choice(trades(language, kind))
    root = rng.choice([place, last, last, _brand(rng), _brand(rng), f"{last} & {rng.choice(listed(LAST[language]))}"])
    if rng.random() < 0.08:
        root = "".join(rng.choices(string.ascii_uppercase, k=rng.randint(2, 4)))
    if rng.random() < 0.1:
        root = f"{root} {rng.choice(listed(PLACES[language]))}"
    front = "The " if language == "en" and rng.random() < 0.04 else ""
    form = rng.choice(listed(FORMS[country]))
    return " ".join(f"{front}{root} {trade if rng.random() < 0.85 else ''} {form}".split())


def plain_letters(text: str) -> str:
    """Text without accents, as an old system keeps it."""
    flat = unicodedata.normalize("NFKD", text.translate(_ACCENTS))
    return "".join(letter for letter in flat if unicodedata.category(letter) != "Mn")


def iban(rng: Random, country: str) -> str:
    """A bank account with a sound IBAN check number (ISO 13616), or a bare account where the country has no IBAN."""
    digits = "".join(rng.choices(string.digits, k=20))
    bank = "".join(rng.choices(string.ascii_uppercase, k=4))
    bodies = {
        "GB": bank + digits[:14], "IE": bank + digits[:14], "DE": digits[:18], "AT": digits[:16], "CH": digits[:17],
        "FR": digits[:20] + "000", "BE": digits[:12], "NL": bank + digits[:10], "ES": digits[:20],
        "IT": "X" + digits[:20] + "00", "SE": digits[:20],
    }  # fmt: skip
    if country not in bodies:
        return digits[: rng.randint(8, 12)]
    turned = "".join(str(int(letter, 36)) for letter in bodies[country] + country + "00")
    return f"{country}{98 - int(turned) % 97:02d}{bodies[country]}"


def tax_number(rng: Random, country: str) -> str:
    """A tax id in the shape of that country; its check digits are not meant to hold."""
    digits = "".join(rng.choices(string.digits, k=12))
    made = {
        "US": f"{digits[:2]}-{digits[2:9]}", "CA": digits[:9] + "RT0001", "AU": digits[:11], "AT": "ATU" + digits[:8],
        "CH": f"CHE-{digits[:3]}.{digits[3:6]}.{digits[6:9]} MWST", "FR": "FR" + digits[:11], "BE": "BE0" + digits[:9],
        "NL": f"NL{digits[:9]}B01", "ES": "B" + digits[:8], "IT": "IT" + digits[:11], "SE": f"SE{digits[:10]}01",
        "IE": f"IE{digits[:7]}W",
    }.get(country, country + digits[:9])  # fmt: skip
    return made if rng.random() < 0.85 else re.sub(r"^[A-Z]{2}(?=\d)", "", made)


def _reordered(rng: Random, name: str) -> str:
    words = name.replace(",", "").split()
    turn = rng.randrange(1, len(words)) if len(words) > 1 else 0
    return " ".join(words[turn:] + words[:turn]) if rng.random() < 0.5 else ", ".join([words[-1], " ".join(words[:-1])])


def other_spelling(rng: Random, name: str, place: str, noise: float) -> str:
    """The same firm's name as entered a second time; always another text than `name`."""
    words = name.split()
    made = name
    for _ in range(1 + (rng.random() < noise) + (rng.random() < noise / 2)):
        words = made.split()
        ways = [
            " ".join(_SWAPS.get(word, word) for word in words),
            " ".join(words[:-1]) if len(words) > 2 else made,
            plain_letters(made),
            re.sub(r"[.,'&()-]", "", made).replace("  ", " "),
            made.upper(),
            made.title(),
            mistyped(rng, made),
            misread(rng, made, 1),
            f"{made} ({place})",
            f"{made} - {place}",
            f"{made} t/a {place} {words[0]}",
            made[: max(8, len(made) * 2 // 3)].strip(),
            _reordered(rng, made),
            made.removeprefix("The ") if made.startswith("The ") else f"The {made}",
            f"{made} {rng.choice(['Ltd', 'Limited', 'Group', 'UK', 'A/C', '*DO NOT USE*', 'NEW', '(BACS)', 'Co'])}",
            words[0][0] + " " + " ".join(words[1:]) if len(words) > 2 else made,
        ]
        made = rng.choice([way for way in ways if way.strip() and way != made])
    return made if made != name else f"{name} {place}"
