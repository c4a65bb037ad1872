"""What is put side by side in the three-way match, and what a comparison may say. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from agents import facts
from agents.tolerances import Tolerances
from governance.case import minor_units

OK, DIFFERS, MISSING, UNKNOWN = "ok", "differs", "missing", "unknown"
# Standard and reduced rates in percent where the books know the country; an order's total is net, an invoice's gross.
RATES = {
    "DE": (19, 7, 0), "FR": (20, 10, Decimal("5.5"), 0), "GB": (20, 5, 0), "ES": (21, 10, 0), "IT": (22, 10, 0),
    "NL": (21, 9, 0), "AT": (20, 10, 0), "BE": (21, 6, 0), "PL": (23, 8, 0), "IE": (23, 0), "PT": (23, 0),
    "SE": (25, 0), "DK": (25, 0), "LU": (17, 0), "CH": (Decimal("8.1"), 0),
}  # fmt: skip
# Codes of UN/ECE recommendation 20 and what ERPs write for them.
_PIECES = frozenset({"c62", "ea", "h87", "pce", "pcs", "pc", "st", "stk", "stck", "piece", "pieces", "each", "unit"})


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an invoice, an order or a receipt; None = not said. Money net.

    `unit_price` is for `per` units. `amount`: of the whole line. `unit`: of the quantity. `tax_rate` in percent.
    """

    key: str
    quantity: Decimal | None
    unit_price: Decimal | None = None
    amount: Decimal | None = None
    per: Decimal = Decimal(1)
    unit: str | None = None
    tax_rate: Decimal | None = None

    @property
    def price(self) -> Decimal | None:
        """For one unit: as said, else by amount and quantity."""
        if self.unit_price is not None:
            return self.unit_price / self.per if self.per > 0 else None
        return self.amount / self.quantity if self.amount is not None and self.quantity else None


@dataclass(frozen=True, slots=True)
class Billed:
    """What the invoice says. `total` is gross, `net` and `tax` are None where it was not read. `adjustment`: charges
    less allowances of the whole document, net. `credit`: it is a credit note; its signs do not matter."""

    order: str | None
    currency: str | None
    total: Decimal | None
    net: Decimal | None = None
    tax: Decimal | None = None
    iban: str | None = None
    lines: tuple[Line, ...] = ()
    adjustment: Decimal = Decimal(0)
    credit: bool = False


@dataclass(frozen=True, slots=True)
class Ordered:
    """The order in the books. `total` is net."""

    id: str
    supplier_id: str | None
    currency: str | None
    total: Decimal | None
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Supplier:
    """The master record: `ibans` are those that the books hold now. `elsewhere`: intake found that the account on the
    document belongs to somebody else. `rate`: the tax rate in percent that is expected of it, where one is."""

    id: str | None
    country: str | None
    ibans: tuple[str, ...]
    elsewhere: bool = False
    rate: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison. `status`: ok | differs | missing | unknown."""

    name: str
    status: str
    expected: str | None
    found: str | None


@dataclass(frozen=True, slots=True)
class Match:
    """All comparisons. `outcome`: matched (every check ok) | differs | incomplete (something is missing or unknown).
    `limits`: what was let pass, in words."""

    checks: tuple[Check, ...]
    limits: str = ""

    @property
    def outcome(self) -> str:
        statuses = {check.status for check in self.checks}
        if DIFFERS in statuses:
            return DIFFERS
        return "matched" if statuses == {OK} else "incomplete"

    def status(self, name: str) -> str:
        return next((check.status for check in self.checks if check.name == name), UNKNOWN)

    def as_dict(self) -> dict[str, Any]:
        return {
            "outcome": self.outcome,
            "limits": self.limits,
            "checks": [
                {"name": one.name, "status": one.status, "expected": one.expected, "found": one.found}
                for one in self.checks
            ],
        }


def shown(value: Decimal | str | None) -> str | None:
    """A number without exponent and without idle zeros behind the point."""
    if not isinstance(value, Decimal):
        return value
    return facts.amount_text(value if value == value.to_integral_value() and value.as_tuple().exponent == 0
                             else _short(value))  # fmt: skip


def _short(value: Decimal) -> Decimal:
    """At most six decimals: a price by division has no end."""
    exponent = value.as_tuple().exponent
    return round(value, 6) if isinstance(exponent, int) and exponent < -6 else value


def compared(name: str, expected: Decimal | str | None, found: Decimal | str | None, same: bool) -> Check:
    """UNKNOWN where one side is not known: a check that nothing was read for is never ok."""
    if expected is None or found is None:
        return Check(name, UNKNOWN, shown(expected), shown(found))
    return Check(name, OK if same else DIFFERS, shown(expected), shown(found))


def rounding(tolerances: Tolerances, currency: str | None, times: int = 1) -> Decimal:
    """What rounding may cost in this currency, `times` for as many sums: the tolerance is for two decimals."""
    return tolerances.rounding.scaleb(2 - minor_units(currency or "")) * max(1, times)


def close(found: Decimal, expected: Decimal, percent: Decimal, least: Decimal, most: Decimal) -> bool:
    """Equal within `percent` of what is expected, but at least within `least` and never beyond `most`. Amounts."""
    allowed = min(max(abs(expected) * percent / 100, least), max(most, least))
    return abs(found - expected) <= allowed


def same_unit(one: str | None, other: str | None) -> bool:
    """Whether two lines count in the same unit. What is not said does not differ."""
    left, right = ((unit or "").strip().casefold() for unit in (one, other))
    return not left or not right or left == right or {left, right} <= _PIECES


def by_key(lines: Iterable[Line]) -> dict[str, Line]:
    """Lines of one key are one line: quantities and amounts add up, the highest price stands."""
    merged: dict[str, Line] = {}
    for line in lines:
        before = merged.get(line.key)
        merged[line.key] = line if before is None else _together(before, line)
    return merged


def _together(one: Line, two: Line) -> Line:
    counts = [line.quantity for line in (one, two) if line.quantity is not None]
    prices = [line.price for line in (one, two) if line.price is not None]
    whole = one.amount + two.amount if one.amount is not None and two.amount is not None else None
    unit = one.unit if same_unit(one.unit, two.unit) else f"{one.unit}+{two.unit}"
    rate = one.tax_rate if one.tax_rate == two.tax_rate else None
    return Line(one.key, sum(counts, Decimal(0)) if counts else None, max(prices) if prices else None, whole,
                unit=unit, tax_rate=rate)  # fmt: skip
