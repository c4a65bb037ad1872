"""What a proposal about an unpaid invoice is worth, as a page shows it. The findings are JSON of any shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from api.console.loose import Pair, items, mapping, text
from api.console.plain import amount, label, phrase
from governance.case import minor_units


@dataclass(frozen=True, slots=True)
class Priced:
    """One action with its value, in words."""

    name: str
    value: str
    gain: str
    cost: str
    minutes: str


@dataclass(frozen=True, slots=True)
class Worth:
    """value: what the proposal brings; sum: how it comes about, on one line; parts: the same as pairs. unknown: why
    there is none. control: what is said of the control group, `delayed` whether this reminder waits for it."""

    value: str | None
    sum: str | None
    parts: tuple[Pair, ...]
    unknown: str | None
    compared: tuple[Priced, ...]
    contacts: tuple[Pair, ...]
    control: str | None
    delayed: bool


def read(value: object) -> Worth | None:
    """The `collections` of a recommendation's findings."""
    found = mapping(value)
    if not found:
        return None
    said = mapping(found.get("value"))
    control = mapping(found.get("control"))
    currency = text(said.get("currency"))
    worth = money(said.get("value"), currency)
    return Worth(
        value=worth,
        sum=_sum(said, currency) if worth else None,
        parts=_parts(said, currency) if worth else (),
        unknown=text(found.get("unknown")),
        compared=tuple(_priced(one, currency) for one in map(mapping, items(found.get("compared"))) if one)
        if worth
        else (),
        contacts=tuple(
            (text(one.get("day")) or "?", action_words(text(one.get("action")), text(one.get("tone"))))
            for one in map(mapping, items(found.get("contacts")))
        ),
        control=_control(control),
        delayed=text(control.get("group")) == "delayed",
    )


def money(value: object, currency: str | None) -> str | None:
    found = decimal(value)
    return None if found is None else amount(found, currency).replace("-", "\u2212")


def decimal(value: object) -> Decimal | None:
    try:
        found = Decimal(str(value)) if isinstance(value, str | int | float) and not isinstance(value, bool) else None
    except InvalidOperation:
        return None
    return found if found is not None and found.is_finite() and abs(found) < Decimal(10) ** 15 else None


def share(value: object) -> str | None:
    """A share as `12 %`, with as many places as it needs up to one."""
    found = decimal(value)
    return None if found is None else f"{float(found) * 100:.1f}".removesuffix(".0") + " %"


def action_words(name: str | None, tone: str | None) -> str:
    """Such as: send customer reminder, friendly."""
    said = label(name or "unknown")
    return f"{said}, {phrase(tone)}" if tone else said


def _sum(said: Mapping[str, Any], currency: str | None) -> str | None:
    names = ("collectible", "probability", "days", "capital_percent", "effect", "cost")
    found = {name: decimal(said.get(name)) for name in names}
    if any(one is None for one in found.values()):
        return None
    places = minor_units(currency or "")
    cost = f"{found['cost']:,.{places}f}"
    return (
        f"{found['collectible']:,.{places}f} × {share(said['probability'])} × {found['days']:f} days × "
        f"{found['capital_percent']:f} % a year × {share(said['effect'])} saved −\u00a0{cost}"
    )


def _parts(said: Mapping[str, Any], currency: str | None) -> tuple[Pair, ...]:
    rate = text(said.get("rate_day"))
    days = text(said.get("days"))
    lines = (
        ("Amount that can be collected", money(said.get("collectible"), currency)),
        ("Chance of being late", share(said.get("probability"))),
        ("Late days still to come", f"{days} days" if days else None),
        ("Cost of capital a year", f"{text(said.get('capital_percent'))} %" if said.get("capital_percent") else None),
        ("At stake if nobody acts", money(said.get("at_stake"), currency)),
        ("Late days saved, assumed", share(said.get("effect"))),
        ("Brings", money(said.get("gain"), currency)),
        ("Costs", money(said.get("cost"), currency)),
        ("Minutes of a collector", text(said.get("minutes"))),
        ("In EUR, for ranking", money(said.get("value_eur"), "EUR") if currency != "EUR" else None),
        ("Rate of", rate if currency != "EUR" else None),
    )
    return tuple((name, words) for name, words in lines if words)


def _priced(one: Mapping[str, Any], currency: str | None) -> Priced:
    return Priced(
        action_words(text(one.get("action")), text(one.get("tone"))),
        money(one.get("value"), currency) or "–",
        money(one.get("gain"), currency) or "–",
        money(one.get("cost"), currency) or "–",
        text(one.get("minutes")) or "–",
    )


def _control(found: Mapping[str, Any]) -> str | None:
    group, of = text(found.get("group")), share(found.get("share"))
    if group == "delayed":
        return (
            f"Control group: reminder delayed to {text(found.get('delayed_to')) or '?'}, chosen by lot among friendly "
            f"reminders ({of or 'a share'} of them), so that their effect can be measured."
        )
    if group == "as_usual":
        return f"Not delayed: {of or 'a share'} of such reminders wait some days for comparison, by lot."
    return None
