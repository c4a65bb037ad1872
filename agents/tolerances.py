"""Where the agent draws its lines. Stamped on every recommendation, so that a person sees them beside the proposal.

What the three-way match lets pass is a governed setting of kind `tolerance`, for all or for one entity; what it does
not name stays as it is here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from governance.case import minor_units

FOR_ALL = "*"
"""Subject of the setting that holds for every entity without one of its own."""
STANDARD = "standard"
OF_THE_MATCH = (
    "price_percent", "quantity_percent", "total_percent", "tax_percent", "line_most", "total_most", "rounding",
)  # fmt: skip
_AMOUNTS = ("line_most", "total_most")


@dataclass(frozen=True, slots=True)
class Tolerances:
    """price_percent, quantity_percent: how far a line may be above its order; total_percent: the whole invoice;
    tax_percent: the tax. line_most, total_most: what such a difference may cost at most, on a line and in all, in EUR,
    however small a share it is; `of` reads them in a case's currency. rounding: allowance in the major unit of a
    currency with two decimals. match_lines: where those of the match come from: `standard`, or the setting's subject
    and version. duplicate_shown, duplicate_likely: probability from which a twin is shown, and from which
    it decides; duplicate_renumbered: the latter for an invoice that may have come under a new number, which is held at
    most. late_likely: probability of paying more than 30 days late that makes an open item risky.
    call_after_days, call_from_amount, collections_after_days: the ladder of dunning. precedent_similarity:
    cosine from which a decided case counts. precedents: how many are looked at. confidence_least: decisions
    about an action from which its confidence is calibrated; below, it is null.
    """

    price_percent: Decimal = Decimal("2")
    quantity_percent: Decimal = Decimal("0")
    total_percent: Decimal = Decimal("2")
    tax_percent: Decimal = Decimal("0")
    line_most: Decimal = Decimal("250")
    total_most: Decimal = Decimal("1000")
    rounding: Decimal = Decimal("0.05")
    duplicate_shown: Decimal = Decimal("0.30")
    duplicate_likely: Decimal = Decimal("0.80")
    duplicate_renumbered: Decimal = Decimal("0.50")
    late_likely: Decimal = Decimal("0.50")
    call_after_days: int = 20
    call_from_amount: Decimal = Decimal("15000")
    collections_after_days: int = 60
    precedent_similarity: Decimal = Decimal("0.75")
    precedents: int = 5
    confidence_least: int = 100
    match_lines: str = STANDARD

    @property
    def governed(self) -> bool:
        """Whether people have set lines of the match for this case."""
        return self.match_lines != STANDARD

    def as_texts(self) -> dict[str, str]:
        """Every line as text, as a recommendation carries it."""
        return {one.name: _text(getattr(self, one.name)) for one in fields(self)}

    def said(self) -> str:
        """The lines of the match in words, for those who decide."""
        whose = "as the product has them" if not self.governed else f"set by people: {self.match_lines}"
        price, count, whole = (_short(one) for one in (self.price_percent, self.quantity_percent, self.total_percent))
        return (
            f"allowed above the order: price {price} %, quantity {count} %, in all {whole} %; "
            f"at most {_short(self.line_most)} a line and {_short(self.total_most)} in all ({whose})"
        )


def _text(value: object) -> str:
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _short(value: Decimal) -> str:
    return format(value.normalize(), "f")


def in_currency(lines: Tolerances, currency: str | None, per_eur: Decimal | None) -> Tolerances:
    """What a difference may cost at most, in this currency's major unit: at a rate, units for one EUR.

    Without a rate, by the smallest unit that the currency has, as if it were worth a cent: a hundred times the number
    for a currency without decimals, a tenth for one with three. That is less than in EUR for all of them but a few.
    """
    if currency in (None, "", "EUR"):
        return lines
    if per_eur is not None and per_eur > 0:
        amounts = {name: round(getattr(lines, name) * per_eur, minor_units(currency or "")) for name in _AMOUNTS}
    else:
        amounts = {name: getattr(lines, name).scaleb(2 - minor_units(currency or "")) for name in _AMOUNTS}
    return replace(lines, **amounts)


@dataclass(frozen=True, slots=True)
class Setting:
    """A governed setting that holds. `content`: lines of the match as texts or whole numbers."""

    version: int
    content: Mapping[str, Any]


def lines_for(standard: Tolerances, settings: Mapping[str, Setting], entity: str) -> Tolerances:
    """The lines of one entity: its own setting over the one for all over `standard`. `settings`: by subject. What
    cannot be read is left as it was."""
    made, whose = standard, []
    for subject in dict.fromkeys((FOR_ALL, entity)):
        held = settings.get(subject)
        if held is None:
            continue
        given: dict[str, Any] = {
            name: value for name in OF_THE_MATCH if (value := not_negative(held.content.get(name))) is not None
        }
        if given:
            made = replace(made, **given)
            whose.append(f"tolerance {subject} version {held.version}")
    return replace(made, match_lines=", ".join(whose)) if whose else made


def not_negative(value: object) -> Decimal | None:
    """A number of a governed setting, written as a text or a whole number; None for what is none, or below zero."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return number if number.is_finite() and number >= 0 else None
