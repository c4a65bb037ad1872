"""The forms in which two firms' names are compared: as a reader sees them, without legal form, and by their looks.

Three steps, each folding more than the one before. `written` takes away what nobody sees (zero-width characters, case,
compatibility forms). `cores` also takes away accents, punctuation, legal form and abbreviations. `skeleton` also takes
letters of other alphabets for the Latin ones that they look like (after Unicode Technical Standard 39): names that
are equal only in this form look alike and are not the same.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

# Blank letters and joiners that no category tells: Hangul fillers, the grapheme joiner, variation selectors.
_BLANKS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0") | {chr(code) for code in range(0xFE00, 0xFE10)}
# Soft hyphens come with every justified text; the others are put there.
_HARMLESS = frozenset("\u00ad\u200e\ufeff")
_ROUNDS = 8

# Letters of other alphabets, each above the Latin letter that it looks like.
_LOOKS = (
    ("АВЕЅЗІЈКМНОРСТУХҮԌԛԜѴҺԀҲЬ", "ABES3IJKMHOPCTYXYGQWVhDXb"),
    ("аеѕіјорсухһԁԛԝѵүґгкмтьӏқҳбѡҽ", "aesijopcyxhdqwvyrrkmtblkx6we"),
    ("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧϹϺϳ", "ABEZHIKMNOPTYXCMj"),
    ("αβγεηικνορτυχϲσω", "abyenikvoptuxcow"),
    ("ՍՏՕԼԱհոսցքօեյզ", "USOLUhnugpoejq"),
    ("ɑɡɩıɪɴʀʏʟʜɢʙᴀᴄᴅᴇᴊᴋᴍᴏᴘᴛᴜᴠᴡᴢꜱſƖǀ", "agiiinrylhgbacdejkmoptuvwzssll"),
    ("ᎪᏴᏟᎠᎬᏀᎻᎫᏦᏞᎷᏢᎡᏚᎢᏙᎳᏃ", "ABCDEGHJKLMPRSTVWZ"),
    ("ⲀⲂⲈⲎⲒⲔⲘⲚⲞⲢⲤⲦⲨⲬ", "ABEHIKMNOPCTYX"),
)
_LATIN = str.maketrans("".join(row[0] for row in _LOOKS), "".join(row[1] for row in _LOOKS))
_DIGITS = str.maketrans("01", "ol")
_CAPITAL_I = re.compile(r"(?<=[a-zà-ÿ])I|\|")
# Letters that have no decomposition.
_PLAIN = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"})
_SPELT_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})

_LONG_FORMS = {
    "gesellschaft mit beschrankter haftung": "gmbh", "gesellschaft mit beschraenkter haftung": "gmbh",
    "gesellschaft m b h": "gmbh", "gesellschaft mbh": "gmbh", "ges m b h": "gmbh", "ges mbh": "gmbh",
    "aktiengesellschaft": "ag", "kommanditgesellschaft": "kg", "offene handelsgesellschaft": "ohg",
    "haftungsbeschrankt": "", "haftungsbeschraenkt": "", "eingetragener kaufmann": "ek",
    "public limited company": "plc", "limited liability partnership": "llp", "limited liability company": "llc",
    "societe a responsabilite limitee": "sarl", "societe par actions simplifiee": "sas", "societe anonyme": "sa",
    "societa a responsabilita limitata": "srl", "societa per azioni": "spa", "sociedad limitada": "sl",
    "sociedad anonima": "sa", "besloten vennootschap": "bv", "naamloze vennootschap": "nv",
}  # fmt: skip
_LONG_FORM = re.compile(r"\b(?:" + "|".join(_LONG_FORMS) + r")\b")
_KNOWN_FORMS = (
    "gmbh ag kg kgaa ohg ug gbr ev ek eg se sa sas sasu sarl eurl snc sci scop sl slu sll srl srls spa sapa bv bvba nv"
    " vof cv ltd plc llp lp llc inc corp cic pty pte pvt oy oyj ab as asa aps ks sp zoo oo sro doo kft zrt nyrt ood"
    " eood kk sdn bhd ltda lda eirl co"
)
_FORMS = {
    **{form: form for form in _KNOWN_FORMS.split()},
    "mbh": "gmbh", "ggmbh": "gmbh", "limited": "ltd", "incorporated": "inc", "corporation": "corp", "company": "co",
    "eingetragener": "ev", "cie": "co",
}  # fmt: skip
_LEADING = frozenset({"sarl", "sas", "sasu", "eurl", "sci", "snc", "the", "firma", "messrs", "fa"})
_JOINING = frozenset({"and", "und", "et", "en", "y", "e", "i", "u", "og", "och"})
_SHORT = {
    "intl": "international", "internat": "international", "natl": "national", "mfg": "manufacturing",
    "svc": "services", "svcs": "services", "serv": "services", "bros": "brothers", "assoc": "associates",
    "gebr": "gebruder", "ges": "gesellschaft", "dt": "deutsche", "ets": "etablissements", "ste": "societe",
    "cia": "compania", "soc": "societa", "flli": "fratelli", "mgmt": "management", "mgt": "management",
    "eng": "engineering", "engg": "engineering", "grp": "group", "hldgs": "holdings", "bldg": "building",
    "dept": "department", "univ": "university", "govt": "government", "tech": "technology",
    "technologies": "technology", "dist": "distribution", "equip": "equipment", "constr": "construction",
    "transp": "transport", "transporte": "transport", "transports": "transport", "st": "saint",
    "gebrueder": "gebruder",
}  # fmt: skip
_WORDS = re.compile(r"[^\W_]+")
_APOSTROPHES = str.maketrans("", "", "'\u2019\u2018`´")
_REDACTED = re.compile(r"redact|withheld|\banonymi[sz]ed|^x{3,}$|^\*+$|^n/?a$|^unknown|personal data|^none$|^-+$")


@dataclass(frozen=True, slots=True)
class NameForms:
    """One name. `cores` are its forms without legal form (two where umlauts may be spelt out; none for a name that is
    missing or redacted), `legal` the legal forms in one spelling each, `hidden` whether it held unseen characters."""

    written: str
    cores: tuple[str, ...]
    legal: frozenset[str]
    hidden: bool


def _is_put_there(letter: str) -> bool:
    """An unseen character that no typesetting leaves behind; control characters come from broken fonts."""
    return letter not in _HARMLESS and not seen(letter) and unicodedata.category(letter) not in ("Cc", "Cs")


def seen(text: str) -> str:
    """The text without characters that have no width."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        letter
        for letter in (" " if one.isspace() else one for one in text)
        if letter not in _BLANKS
        and not 0xE0000 <= ord(letter) <= 0xE0FFF
        and unicodedata.category(letter) not in ("Cf", "Cc", "Cs")
    )


def _settled(text: str, latin: bool) -> str:
    """Foldings undo each other's normal form, so they are repeated until nothing changes."""
    if not latin and text.isascii():
        return " ".join(seen(text).lower().split())
    for _ in range(_ROUNDS):
        before = text
        if latin:
            text = _CAPITAL_I.sub("l", text).translate(_LATIN)
        text = unicodedata.normalize("NFKC", seen(text))
        text = " ".join(text.casefold().split())
        if text == before:
            break
    return text


def written(name: str) -> str:
    """The name as a reader sees it: one case, one space between words, nothing unseen. Idempotent."""
    return _settled(name, latin=False)


@lru_cache(maxsize=131072)
def forms(name: str) -> NameForms:
    """All that is compared of a name but its looks."""
    plain = _settled(name, latin=False)
    hidden = not name.isascii() and any(map(_is_put_there, name))
    if not plain or _REDACTED.search(plain):
        return NameForms(plain, (), frozenset(), hidden)
    core, legal = _parts(plain)
    spelt = plain.translate(_SPELT_OUT)
    cores = [core] if spelt == plain else [core, _parts(spelt)[0]]
    return NameForms(plain, tuple(dict.fromkeys(filter(None, cores))), legal, hidden)


def core(name: str) -> str:
    """The name without accents, punctuation, legal form and abbreviations. '' for nothing. Idempotent."""
    return _parts(_settled(name, latin=False))[0]


@lru_cache(maxsize=131072)
def skeleton(name: str) -> str:
    """What the name looks like to a quick eye. '' for nothing. Idempotent."""
    text = _parts(_settled(name, latin=True))[0]
    for _ in range(_ROUNDS):
        before = text
        text = _parts(_settled(text.translate(_DIGITS).replace("rn", "m").replace("vv", "w"), latin=True))[0]
        if text == before:
            break
    return text


def _parts(text: str) -> tuple[str, frozenset[str]]:
    """A settled text without legal form, and the legal form."""
    legal: set[str] = set()
    text = _flat(text)
    for _ in range(_ROUNDS):
        before = text
        text = _LONG_FORM.sub(_in_short, text)
        words = _stripped(_joined(text.split()), legal)
        text = " ".join([_SHORT.get(word, word) for word in words])
        if text == before:
            break
    return text, frozenset(legal)


def _in_short(found: re.Match[str]) -> str:
    return _LONG_FORMS[found[0]]


def _flat(text: str) -> str:
    """Words of plain letters and figures with single spaces."""
    if not text.isascii():
        text = text.translate(_PLAIN)
        text = "".join(one for one in unicodedata.normalize("NFKD", text) if unicodedata.category(one) != "Mn")
        text = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(_WORDS.findall(text.translate(_APOSTROPHES)))


def _joined(words: list[str]) -> list[str]:
    """Without `and`; letters that stand alone become one word, as in S. A. R. L."""
    last = len(words) - 1
    if not _JOINING.isdisjoint(words):
        words = [word for at, word in enumerate(words) if word not in _JOINING or not _between(words, at, last)]
    found: list[str] = []
    alone = False
    for word in words:
        single = len(word) == 1 and word.isalpha()
        if single and alone:
            found[-1] += word
        else:
            found.append(word)
        alone = single
    return found


def _between(words: list[str], at: int, last: int) -> bool:
    """Whether a joining word joins: a letter among letters is an initial."""
    return 0 < at < last and (len(words[at]) > 1 or (len(words[at - 1]) > 1 and len(words[at + 1]) > 1))


def _stripped(words: list[str], legal: set[str]) -> list[str]:
    """Without the legal forms at the end and before the name; what is nothing else keeps its last word."""
    while len(words) > 1 and words[-1] in _FORMS:
        legal.add(_FORMS[words.pop()])
    while len(words) > 1 and words[0] in _LEADING:
        first = words[0]
        if first in _FORMS:
            legal.add(_FORMS[first])
        words = words[1:]
    legal.discard("co")
    return words
