"""Where the agent draws its lines. Stamped on every recommendation, so that a person sees them beside the proposal."""

from __future__ import annotations

from dataclasses import dataclass, fields
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Tolerances:
    """price_percent, quantity_percent: how far a line may be above its order; total_percent: the whole invoice;
    tax_percent: the tax. line_most, total_most: what such a difference may cost at most, on a line and in all, in the
    currency's major unit, however small a share it is. rounding: allowance in the major unit of a currency with two
    decimals. duplicate_shown, duplicate_likely: probability from which a twin is shown, and from which
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

    def as_texts(self) -> dict[str, str]:
        """Every line as text, as a recommendation carries it."""
        return {one.name: str(getattr(self, one.name)) for one in fields(self)}
