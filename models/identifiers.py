"""IBANs and VAT numbers in running text. A checksum that fails is a warning for people, never a refusal.

Sources: ISO 13616 (IBAN, lengths by country from schwifty's registry), the VAT number formats of the EU member
states, GB, CH and NO; checksums by python-stdnum.
"""

from __future__ import annotations

import re

from schwifty import IBAN
from schwifty.exceptions import SchwiftyException
from stdnum.ch import vat as ch_vat
from stdnum.eu import vat as eu_vat
from stdnum.exceptions import ValidationError
from stdnum.gb import vat as gb_vat
from stdnum.no import mva as no_vat

_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\s?\d{2}(?:[ \u00a0.-]?[A-Z0-9]){11,30}(?![A-Za-z0-9])")
_IBAN_LABEL = re.compile(
    r"\bI\.?B\.?A\.?N\b|\bBIC\b|\bSWIFT\b|bankverbindung|\bkonto|bank account|\bcompte\b|\bcuenta\b|\bconto\b|rekening",
    re.IGNORECASE,
)

_VAT_FORMATS = (
    "ATU\\d{8}", "BE[01]?\\d{9}", "BG\\d{9,10}", "CY\\d{8}[A-Z]", "CZ\\d{8,10}", "DE\\d{9}", "DK\\d{8}", "EE\\d{9}",
    "EL\\d{9}", "ES[A-Z0-9]\\d{7}[A-Z0-9]", "FI\\d{8}", "FR[A-Z0-9]{2}\\d{9}", "GB(?:\\d{9}|\\d{12}|GD\\d{3}|HA\\d{3})",
    "HR\\d{11}", "HU\\d{8}", "IE\\d[A-Z0-9+*]\\d{5}[A-Z]{1,2}", "IT\\d{11}", "LT(?:\\d{9}|\\d{12})", "LU\\d{8}",
    "LV\\d{11}", "MT\\d{8}", "NL\\d{9}B\\d{2}", "NO\\d{9}MVA", "PL\\d{10}", "PT\\d{9}", "RO\\d{2,10}", "SE\\d{12}",
    "SI\\d{8}", "SK\\d{10}", "CHE\\d{9}(?:MWST|TVA|IVA)?", "XI\\d{9}",
)  # fmt: skip
_VAT = re.compile("|".join(_VAT_FORMATS))
_VAT_TOKEN = re.compile(
    r"(?<![A-Za-z0-9])(?:AT|BE|BG|CY|CZ|DE|DK|EE|EL|ES|FI|FR|GB|HR|HU|IE|IT|LT|LU|LV|MT|NL|NO|PL|PT|RO|SE|SI|SK|CHE|XI)"
    r"(?:[ .-]{0,2}[A-Z0-9+*]){7,14}(?![A-Za-z0-9])"
)


def iban(text: str) -> tuple[str | None, str | None]:
    """The IBAN of a text (compact) and a warning. A valid one beats one that is only labelled as a bank account."""
    valid: list[str] = []
    labelled: list[str] = []
    lines = text.splitlines()
    for index, line in enumerate(lines):
        for match in _IBAN.finditer(line):
            label = _IBAN_LABEL.search("\n".join(lines[max(index - 1, 0) : index + 1]))
            compact = re.sub(r"[^A-Z0-9]", "", match[0])
            found = _valid_prefix(compact)
            if found:
                valid.append(found)
            elif label and (length := _length(compact)) and (len(compact) >= length or "IBAN" in line[: match.start()]):
                labelled.append(compact[:length])
    if valid:
        others = sorted(set(valid) - {valid[0]})
        return valid[0], f"iban: the document names {len(others) + 1} accounts" if others else None
    if labelled:
        return labelled[0], "iban: the checksum or the length of the IBAN does not fit"
    return None, None


def iban_spans(line: str) -> list[tuple[str, int, int]]:
    """Whatever has the form of an IBAN in a line, compact and cut to its country's length, and where it stands."""
    found = []
    for match in _IBAN.finditer(line):
        compact = re.sub(r"[^A-Z0-9]", "", match[0])
        length = _length(compact)
        if length is None:
            continue
        seen, end = 0, match.start()
        while end < match.end() and seen < length:
            seen += line[end].isalnum()
            end += 1
        found.append((compact[:length], match.start(), end))
    return found


def iban_checks(compact: str) -> bool:
    """True when length, form and checksum of an IBAN fit."""
    return _valid_prefix(compact) == compact


def vat_spans(line: str) -> list[tuple[str, int, int]]:
    """VAT numbers of a line, compact, and where they stand."""
    taken = [(start, end) for value, start, end in iban_spans(line) if iban_checks(value)]
    found = []
    for match in _VAT_TOKEN.finditer(line):
        if any(start <= match.start() < end for start, end in taken):
            continue
        compact = re.sub(r"[ .-]", "", match[0])
        number = _VAT.match(compact)
        if number:
            seen, end = 0, match.start()
            while end < match.end() and seen < len(number[0]):
                seen += line[end] not in " .-"
                end += 1
            found.append((number[0], match.start(), end))
    return found


def _length(compact: str) -> int | None:
    """The length of an IBAN of the country that `compact` begins with."""
    try:
        return int(IBAN(compact[:4] + "0" * 11, allow_invalid=True).spec.iban_length)
    except SchwiftyException:
        return None


def _valid_prefix(compact: str) -> str | None:
    """The valid IBAN that `compact` starts with: words after it (`BIC …`) may have been drawn in."""
    try:
        return str(IBAN(compact[: _length(compact)]))
    except SchwiftyException:
        return None


def vat_ids(line: str) -> list[str]:
    """VAT numbers of a line, compact, in order: the country's letters and its format decide, not the checksum."""
    found = []
    ibans = {match.start() for match in _IBAN.finditer(line) if _valid_prefix(re.sub(r"[^A-Z0-9]", "", match[0]))}
    for match in _VAT_TOKEN.finditer(line):
        if match.start() in ibans:
            continue
        compact = re.sub(r"[ .-]", "", match[0])
        number = _VAT.match(compact)
        if number:
            found.append(number[0])
    return found


def vat_checks(number: str) -> bool:
    """True when the number's checksum fits, False when it does not or its country has no check here."""
    try:
        if number.startswith("GB"):
            gb_vat.validate(number)
        elif number.startswith("CHE"):
            ch_vat.validate(number)
        elif number.startswith("NO"):
            no_vat.validate(number)
        else:
            eu_vat.validate(number)
    except ValidationError:
        return False
    return True
