"""Fictional identifiers whose check digits are right: IBANs, VAT ids, and one random stream per part.

Bank codes are ones that no bank holds, so an IBAN passes ISO 13616 and reaches nobody.
"""

from __future__ import annotations

import random
from decimal import Decimal

from stdnum import iban as iban_check
from stdnum import luhn
from stdnum.es import ccc, cif
from stdnum.iso7064 import mod_11_10

_BANK = {"DE": "99990000", "FR": "99999" + "00001", "ES": "9999" + "0001", "IT": "99999" + "00001", "NL": "CSBK"}


def stream(seed: int, part: str) -> random.Random:
    """The random stream of one part: adding draws to one part leaves the others as they were."""
    return random.Random(f"countersign:{seed}:{part}")  # noqa: S311  (made-up data, no secret)


def digits(rng: random.Random, count: int) -> str:
    """`count` random digits, the first of them not zero."""
    return str(rng.randint(10 ** (count - 1), 10**count - 1))


def cents(value: int) -> Decimal:
    """An amount of `value` hundredths."""
    return Decimal(value).scaleb(-2)


def iban(rng: random.Random, country: str) -> str:
    """A fictional IBAN of DE, FR, GB, ES, IT or NL with right check digits (ISO 13616)."""
    if country == "DE":
        bban = _BANK["DE"] + digits(rng, 10)
    elif country == "FR":
        account = digits(rng, 11)
        key = 97 - (int(_BANK["FR"] + account) * 100) % 97
        bban = f"{_BANK['FR']}{account}{key:02d}"
    elif country == "GB":
        bban = "CSBK" + "999999" + digits(rng, 8)
    elif country == "ES":
        account = digits(rng, 10)
        bban = _BANK["ES"] + ccc.calc_check_digits(f"{_BANK['ES']}00{account}") + account
    elif country == "IT":
        bban = "X" + _BANK["IT"] + digits(rng, 12)
    elif country == "NL":
        bban = _BANK["NL"] + digits(rng, 10)
    else:
        raise ValueError(f"no IBAN layout for {country!r}")
    return f"{country}{iban_check.calc_check_digits(country + '00' + bban)}{bban}"


def bic(country: str) -> str:
    """A well-formed BIC of a bank that does not exist."""
    return f"CSBK{country}2XXXX"[:11]


def vat_id(rng: random.Random, country: str) -> str:
    """A fictional VAT id of DE, FR, GB, ES, IT or NL whose check digits are right."""
    if country == "DE":
        body = digits(rng, 8)
        return f"DE{body}{mod_11_10.calc_check_digit(body)}"
    if country == "FR":
        body = digits(rng, 8)
        siren = body + luhn.calc_check_digit(body)
        return f"FR{int(siren + '12') % 97:02d}{siren}"
    if country == "GB":
        body = digits(rng, 7)
        rest = sum(weight * int(digit) for weight, digit in zip((8, 7, 6, 5, 4, 3, 2), body, strict=True)) % 97
        return f"GB{body}{97 - rest:02d}"
    if country == "ES":
        body = "B" + digits(rng, 7)
        return f"ES{body}{cif.calc_check_digits(body)[0]}"
    if country == "IT":
        body = digits(rng, 7) + "015"
        return f"IT{body}{luhn.calc_check_digit(body)}"
    if country == "NL":
        while True:
            body = digits(rng, 8)
            check = sum((9 - place) * int(digit) for place, digit in enumerate(body)) % 11
            if check < 10:
                return f"NL{body}{check}B01"
    raise ValueError(f"no VAT layout for {country!r}")
