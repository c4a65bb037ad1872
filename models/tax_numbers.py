"""Tax numbers as two records write them: with or without country, with or without what a country adds."""

from __future__ import annotations

import re
from functools import lru_cache

from models.identifiers import vat_checks
from models.invoice import normal_id

_COUNTRY = re.compile(
    r"(CHE|ATU|AT|BE|BG|CY|CZ|DE|DK|EE|EL|ES|FI|FR|GB|HR|HU|IE|IT|LT|LU|LV|MT|NL|NO|PL|PT|RO|SE|SI|SK|XI)(?=\w{7})"
)
_ADDED = re.compile(r"(?<=\d)(?:MWST|TVA|IVA|MVA)$")
_LEAST = 8  # a shorter number without its country says too little


@lru_cache(maxsize=131072)
def tax_key(text: str | None) -> str:
    """The number with its country in one spelling; '' for what cannot be one."""
    key = _ADDED.sub("", normal_id(text))
    if key.startswith("GR"):
        key = "EL" + key[2:]
    if re.fullmatch(r"BE\d{9}", key):
        key = "BE0" + key[2:]
    figures = re.sub(r"\D", "", key)
    return key if len(figures) >= 3 and figures.strip("0") else ""


def _parted(key: str) -> tuple[str, str]:
    found = _COUNTRY.match(key)
    return (found[0], key[found.end() :]) if found else ("", key)


def _short(country: str, body: str) -> list[str]:
    """The number without its country; of a French one also the company's number within it."""
    found = [body]
    if country == "FR" and re.fullmatch(r"\w{2}\d{9}", body):
        found.append(body[2:])  # SIREN
    elif not country and re.fullmatch(r"\d{14}", body):
        found.append(body[:9])  # SIRET: the same company's number and a place of business
    return [one for one in found if len(one) >= _LEAST]


def kept_under(text: str | None) -> list[str]:
    """The keys under which a number of the master is found by one without country, or has none itself."""
    country, body = _parted(tax_key(text))
    return [("country " if country else "bare ") + one for one in _short(country, body)]


def asked_for(text: str | None) -> list[str]:
    """The keys to ask for; two countries that are both said and differ never meet."""
    country, body = _parted(tax_key(text))
    kinds = ("bare ",) if country else ("country ", "bare ")
    return [kind + one for one in _short(country, body) for kind in kinds]


def differ(said: str | None, known: str | None) -> bool:
    """Both are numbers of one country and are not the same. A second country's number is no contradiction."""
    one, other = tax_key(said), tax_key(known)
    if not one or not other or one == other:
        return False
    if set(asked_for(said)) & set(kept_under(known)):
        return False
    return _parted(one)[0] == _parted(other)[0]


def contradict(said: str | None, known: str | None) -> bool:
    """They differ, and the one on the document passes its checksum: it was not misread."""
    return differ(said, known) and vat_checks(tax_key(said))
