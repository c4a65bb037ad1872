"""Where language models are: a TOML file with a place per region, for all tenants or for those that it names.

    [[place]]
    region = "EU"
    base_url = "https://models.eu.example/v1"
    model = "some-model"
    key = "COUNTERSIGN_LLM_KEY_EU"   # the variable, or the file beside the secrets, that holds the key; without: no key
    tenants = ["acme"]               # without: every tenant that has no place of its own in this region
    price_in = "0.5"                 # of a million tokens, for the record
    price_out = "1.5"

A case is asked about at the place of its own region and nowhere else. What is not understood is refused at the start.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from agents.llm_limits import Place
from governance.errors import Malformed

_LINES = ("region", "base_url", "model", "key", "tenants", "price_in", "price_out")
_NEEDED = ("region", "base_url", "model")
_KEY = re.compile(r"COUNTERSIGN_LLM_KEY_[A-Z0-9_]+")
_ADDRESS = re.compile(
    r"https://[^\s/?#@]+(?:/[^\s?#]*)?|http://(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?(?:/[^\s?#]*)?"
)
_LOCAL_KEY = "none"
"""Servers on one's own machine ask for no key; the client wants a text."""


def places(path: Path, tenant: str, secret: Callable[[str], str | None]) -> list[Place]:
    """The places of one tenant, one a region. `secret` gives the clear text that a variable holds.

    Raises Malformed, naming the place and what to write, where anything in the file is not understood.
    """
    try:
        read = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Malformed(f"COUNTERSIGN_LLM_PLACES names {path}, and there is no such file") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Malformed(f"COUNTERSIGN_LLM_PLACES: {path} cannot be read: {error}") from None
    rows = read.get("place")
    if set(read) != {"place"} or not isinstance(rows, list) or not rows or not all(isinstance(r, dict) for r in rows):
        raise Malformed(f"{path} must hold [[place]] tables and nothing else")
    found: dict[tuple[str, str | None], Place] = {}
    for at, row in enumerate(rows, 1):
        place, tenants = _place(row, f"{path}, place {at}", secret)
        for one in tenants or (None,):
            if (place.region, one) in found:
                raise Malformed(f"{path}, place {at}: region {place.region} has a place for {one or 'all'} already")
            found[place.region, one] = place
    regions = sorted({region for region, one in found if one in (None, tenant)})
    return [found.get((region, tenant)) or found[region, None] for region in regions]


def _place(row: Mapping[str, Any], where: str, secret: Callable[[str], str | None]) -> tuple[Place, tuple[str, ...]]:
    if unknown := sorted(set(row) - set(_LINES)):
        raise Malformed(f"{where}: {unknown[0]} is no line of a place; it has {', '.join(_LINES)}")
    for name in _NEEDED:
        if not isinstance(row.get(name), str) or not row[name].strip():
            raise Malformed(f"{where}: {name} is missing")
    if not _ADDRESS.fullmatch(row["base_url"]):
        raise Malformed(f"{where}: base_url must begin with https:// (http:// on this machine alone)")
    tenants = row.get("tenants", [])
    if not isinstance(tenants, list) or not all(isinstance(one, str) and one for one in tenants):
        raise Malformed(f"{where}: tenants is a list of names")
    if "tenants" in row and not tenants:
        raise Malformed(f"{where}: tenants is empty: name some, or leave the line out for all")
    prices = [_price(row.get(name, "0"), f"{where}: {name}") for name in ("price_in", "price_out")]
    key = _key(row.get("key"), where, secret)
    return Place(row["base_url"], row["model"], row["region"], key, *prices), tuple(dict.fromkeys(tenants))


def _key(name: object, where: str, secret: Callable[[str], str | None]) -> str:
    if name is None:
        return _LOCAL_KEY
    if not isinstance(name, str) or not _KEY.fullmatch(name):
        raise Malformed(f"{where}: key is the name of a variable such as COUNTERSIGN_LLM_KEY_EU, never the key itself")
    found = secret(name)
    if found is None:
        raise Malformed(f"{where}: set {name}, or leave out the line key where the server asks for none")
    return found


def _price(text: object, where: str) -> Decimal:
    try:
        price = Decimal(str(text))
    except InvalidOperation:
        price = Decimal(-1)
    if not price.is_finite() or price < 0:
        raise Malformed(f'{where} is a number such as "0.5", not below 0')
    return price
