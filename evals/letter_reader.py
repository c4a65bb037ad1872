"""Reads a letter back as its reader would, and looks up on record every fact that it states. Pure.

It shares nothing with the program that writes letters or guards them: months, signs of currencies and ways of writing a
number are its own, so that a mistake there is seen here. What holds a digit and is no fact on record is untraceable.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from governance.recommendation import Draft
from governance.record.queue import Brief

_MONTHS = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "nl": "januari februari maart april mei juni juli augustus september oktober november december",
}
_DAY = {
    "en": r"(\d{1,2}) ({m}) (\d{4})",
    "de": r"(\d{1,2})\. ({m}) (\d{4})",
    "fr": r"(1er|[2-9]|[12]\d|3[01]) ({m}) (\d{4})",
    "es": r"(\d{1,2}) de ({m}) de (\d{4})",
    "it": r"(\d{1,2}) ({m}) (\d{4})",
    "nl": r"(\d{1,2}) ({m}) (\d{4})",
}
# The sign between thousands, and the one before decimals.
_SIGNS = {"en": (",", "."), "de": (".", ","), "fr": (" ", ","), "es": (".", ","), "it": (".", ","), "nl": (".", ",")}
_CURRENCIES = {"€": "EUR", "£": "GBP", "$": "USD", "US$": "USD", "$US": "USD", "£GB": "GBP"}
_SIGN = r"US\$|\$US|£GB|[€£$]|[A-Z]{3}"


@dataclass(frozen=True, slots=True)
class Stated:
    """One fact that a letter states. `kind`: code | name | day | money | percent | number | stray (none of them)."""

    kind: str
    value: object


@dataclass(frozen=True, slots=True)
class Held:
    """What the record says about a case, in types: nothing here is written in any language."""

    codes: frozenset[str]
    names: frozenset[str]
    days: frozenset[date]
    money: frozenset[tuple[Decimal, str]]
    percents: frozenset[Decimal]
    numbers: frozenset[Decimal]

    def holds(self, fact: Stated) -> bool:
        known: dict[str, frozenset[object]] = {
            "code": frozenset(self.codes), "name": frozenset(self.names), "day": frozenset(self.days),
            "money": frozenset(self.money), "percent": frozenset(self.percents), "number": frozenset(self.numbers),
        }  # fmt: skip
        return fact.value in known.get(fact.kind, frozenset())


def held(brief: Brief, sender: str | None, twins: tuple[str, ...] = ()) -> Held:
    """The record of a case. `twins`: numbers of other invoices that the ledger holds beside it."""
    facts, details = brief.facts, brief.facts.details
    fields = brief.reading.get("fields") or {}
    named = [fields.get("invoice_number"), details.get("invoice_number"), fields.get("purchase_order"),
             details.get("purchase_order"), (brief.order or {}).get("id"), (brief.order or {}).get("number"),
             facts.case_id[:8].strip("-").upper(), *_listed(details.get("missing")), *twins]  # fmt: skip
    parties = [one.name for one in (brief.supplier, brief.customer) if one is not None]
    figures = [found for name in sorted(details) if (found := _figure(details[name])) is not None]
    currency = facts.currency or ""
    return Held(
        codes=frozenset(str(one) for one in named if one),
        names=frozenset(" ".join(one.split()) for one in (*parties, sender) if one),
        days=frozenset(day for day in (facts.issue_date, facts.due_date) if day),
        money=frozenset((one, currency) for one in (facts.amount, *figures) if one is not None),
        percents=frozenset(figures),
        numbers=frozenset(figures),
    )


def _listed(value: object) -> list[str]:
    """Papers that were asked for, as the record names them."""
    return [one for one in value if isinstance(one, str)] if isinstance(value, list | tuple) else []


def _figure(value: object) -> Decimal | None:
    try:
        return Decimal(value) if isinstance(value, str) and value.strip() else None
    except InvalidOperation:
        return None


def stated(draft: Draft, record: Held) -> list[Stated]:
    """Every fact of the letter: names and codes of the record first, then days, money, per cents, numbers, and the
    rest that holds a digit."""
    found: list[Stated] = []
    text = f"{draft.subject}\n{draft.body}"
    for kind, known in (("name", record.names), ("code", record.codes)):
        for one in sorted(known, key=len, reverse=True):
            text, count = re.subn(rf"(?<![\w.,/-]){re.escape(one)}(?![\w/-]|[.,]\d)", " ", text)
            found += [Stated(kind, one)] * count
    text = _taken(text, _day_pattern(draft.language), lambda one: _day(one, draft.language), found)
    number = _number_pattern(draft.language)
    money = rf"(?<![\w$€£])(?:({_SIGN}) ?({number})|({number}) ?({_SIGN}))(?![\w$€£])"
    text = _taken(text, money, lambda one: _money(one, draft.language), found)
    text = _taken(text, rf"(?<!\w)({number}) ?%", lambda one: _plain("percent", one[1], draft.language), found)
    text = _taken(text, rf"(?<!\w)({number})(?![\w])", lambda one: _plain("number", one[1], draft.language), found)
    return [*found, *(Stated("stray", word) for word in text.split() if any(sign.isnumeric() for sign in word))]


def _taken(text: str, pattern: str, read: Callable[[re.Match[str]], Stated | None], found: list[Stated]) -> str:
    def one(match: re.Match[str]) -> str:
        fact = read(match)
        if fact is None:
            return match[0]
        found.append(fact)
        return " "

    return re.sub(pattern, one, text)


def _day_pattern(language: str) -> str:
    return r"(?<!\w)" + _DAY[language].replace("{m}", "|".join(_MONTHS[language].split())) + r"(?!\w)"


def _day(match: re.Match[str], language: str) -> Stated | None:
    month = _MONTHS[language].split().index(match[2]) + 1
    try:
        return Stated("day", date(int(match[3]), month, int(match[1].removesuffix("er"))))
    except ValueError:
        return None


def _number_pattern(language: str) -> str:
    thousands, point = (re.escape(sign) for sign in _SIGNS[language])
    return rf"\d{{1,3}}(?:{thousands}\d{{3}})+(?:{point}\d+)?(?!\d)|\d+(?:{point}\d+)?(?!\d)"


def _number(text: str, language: str) -> Decimal:
    thousands, point = _SIGNS[language]
    return Decimal(text.replace(thousands, "").replace(point, "."))


def _money(match: re.Match[str], language: str) -> Stated:
    sign, number = (match[1], match[2]) if match[1] else (match[4], match[3])
    return Stated("money", (_number(number, language), _CURRENCIES.get(sign, sign)))


def _plain(kind: str, text: str, language: str) -> Stated:
    return Stated(kind, _number(text, language))
