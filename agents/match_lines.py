"""The three-way match line by line: price, quantity, unit, receipt, sums, tax. Pure.

Quantities run up over an order: what earlier invoices billed counts, and so does every receipt.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from agents.match_terms import (
    DIFFERS,
    MISSING,
    OK,
    RATES,
    UNKNOWN,
    Billed,
    Check,
    Line,
    Ordered,
    Supplier,
    by_key,
    close,
    compared,
    rounding,
    same_unit,
    shown,
)  # fmt: skip
from agents.tolerances import Tolerances

_ZERO = Decimal(0)


def without_sign(billed: Billed) -> Billed:
    """A credit note in positive numbers: some write them with a minus, some without."""

    def plus(value: Decimal | None) -> Decimal | None:
        return None if value is None else abs(value)

    lines = tuple(replace(one, quantity=plus(one.quantity), unit_price=plus(one.unit_price), amount=plus(one.amount))
                  for one in billed.lines)  # fmt: skip
    return replace(billed, total=plus(billed.total), net=plus(billed.net), tax=plus(billed.tax), lines=lines)


def line_checks(billed: Billed, order: Ordered, before: Sequence[Line], limits: Tolerances) -> list[Check]:
    """Price, quantity and, where it differs, unit of every line; the first line that breaks a tolerance is shown."""
    own, agreed, earlier = by_key(billed.lines), by_key(order.lines), by_key(before)
    prices: list[Check | None] = []
    counts: list[Check] = []
    units: list[Check] = []
    for key, line in own.items():
        other = agreed.get(key)
        if other is None:
            counts.append(Check("quantity", DIFFERS, "0", shown(line.quantity)))
        elif not same_unit(line.unit, other.unit):
            units.append(Check("unit", DIFFERS, other.unit, line.unit))
        else:
            prices.append(_price(line, other, billed, limits))
            counts.append(_quantity(line, other, earlier.get(key), billed.credit, limits))
    prices.append(_all_together(billed, own, agreed, limits))
    return [*(_worst("price", prices)), *(_worst("quantity", counts)), *units[:1]]


def _worst(name: str, checks: Sequence[Check | None]) -> list[Check]:
    found = [one for one in checks if one is not None]
    for status in (DIFFERS, UNKNOWN):
        for one in found:
            if one.status == status:
                return [one]
    return [Check(name, OK, None, None)]


def _price(line: Line, other: Line, billed: Billed, limits: Tolerances) -> Check:
    """The unit price, by what the difference costs on this line."""
    price, agreed = line.price, other.price
    if price is None or agreed is None:
        return Check("price", UNKNOWN, shown(agreed), shown(price))
    if billed.credit and price <= agreed:
        # A credit for a difference in price names the difference.
        return Check("price", OK, shown(agreed), shown(price))
    count = abs(line.quantity) if line.quantity else Decimal(1)
    least = rounding(limits, billed.currency)
    same = close(price * count, agreed * count, limits.price_percent, least, limits.line_most)
    return compared("price", agreed, price, same)


def _quantity(line: Line, other: Line, earlier: Line | None, credit: bool, limits: Tolerances) -> Check:
    """Not more than was ordered, earlier invoices counted; a credit not more than was ordered or, if known, billed."""
    if line.quantity is None or other.quantity is None:
        return Check("quantity", UNKNOWN, shown(other.quantity), shown(line.quantity))
    done = earlier.quantity if earlier is not None and earlier.quantity is not None else None
    if credit:
        most = other.quantity if done is None else done
    else:
        most = other.quantity * (1 + limits.quantity_percent / 100) - (done or _ZERO)
    return Check("quantity", DIFFERS if line.quantity > most else OK, shown(max(most, _ZERO)), shown(line.quantity))


def _all_together(
    billed: Billed, own: Mapping[str, Line], agreed: Mapping[str, Line], limits: Tolerances
) -> Check | None:
    """The net total against the agreed prices of what was billed: small differences add up, charges come on top."""
    if billed.net is None or billed.credit or not own.keys() <= agreed.keys():
        return None
    values = [line.quantity * other for key, line in own.items()
              if line.quantity is not None and (other := agreed[key].price) is not None
              and same_unit(line.unit, agreed[key].unit)]  # fmt: skip
    if len(values) < len(own):
        return None
    expected = sum(values, _ZERO)
    least = rounding(limits, billed.currency, len(own))
    same = close(billed.net, expected, limits.total_percent, least, limits.total_most)
    return compared("price", expected, billed.net, same)


def total_check(
    billed: Billed, order: Ordered, arrived: Decimal | None, supplier: Supplier, limits: Tolerances
) -> Check:
    """The order's net total against what was billed where lines are unknown; an unknown tax leaves room for the
    country's rates. Less than the order fits where it is the value of what `arrived`."""
    if order.total is None or (billed.net is None and billed.total is None):
        return Check("price", UNKNOWN, shown(order.total), shown(billed.net or billed.total))
    values = [order.total, *([arrived] if arrived else [])]
    rates = [Decimal(rate) for rate in _rates(supplier)] if billed.net is None else [_ZERO]
    found = billed.net if billed.net is not None else billed.total or _ZERO
    if not rates:
        return Check("price", UNKNOWN, shown(order.total), shown(found))
    least = rounding(limits, billed.currency)
    for value in values:
        for rate in rates:
            if close(found, value * (100 + rate) / 100, limits.total_percent, least, limits.total_most):
                return Check("price", OK, shown(value), shown(found))
    highest = order.total * (100 + max(rates)) / 100
    if billed.credit:
        return Check("price", OK if found <= highest else DIFFERS, shown(order.total), shown(found))
    # Below the order it may be a part of it; above every rate it is too much.
    return Check("price", DIFFERS if found > highest else UNKNOWN, shown(order.total), shown(found))


def _rates(supplier: Supplier) -> Sequence[Decimal | int]:
    return (supplier.rate,) if supplier.rate is not None else RATES.get(supplier.country or "", ())


def value_of(received: Sequence[Line], order: Ordered, before: Sequence[Line]) -> Decimal | None:
    """What arrived and was not billed before, at the order's prices; None where a price is not known."""
    agreed = by_key(order.lines)
    total = _ZERO
    for sign, lines in ((1, received), (-1, before)):
        for line in lines:
            price = agreed[line.key].price if line.key in agreed else None
            if price is None or line.quantity is None:
                return None
            total += sign * line.quantity * price
    return total


def receipt_check(
    billed: Billed, order: Ordered, received: Sequence[Line], before: Sequence[Line], limits: Tolerances
) -> Check:
    """Goods were received: as many as were billed up to now, or as many as were ordered where the lines are unknown."""
    if billed.credit:
        return _return_check(billed, received)
    if not received:
        return Check("receipt", MISSING, None, None)
    arrived, earlier = by_key(received), by_key(before)
    unknown = None
    for key, line in by_key(billed.lines or order.lines).items():
        there = arrived[key].quantity if key in arrived else _ZERO
        if line.quantity is None or there is None:
            unknown = Check("receipt", UNKNOWN, shown(line.quantity), shown(there))
            continue
        due = line.quantity + ((earlier[key].quantity if key in earlier else None) or _ZERO)
        if there < due / (1 + limits.quantity_percent / 100):
            return Check("receipt", DIFFERS, shown(due), shown(there))
    return unknown or Check("receipt", OK, None, None)


def _return_check(billed: Billed, received: Sequence[Line]) -> Check:
    """A credit needs no receipt; where goods went back, as many as were credited."""
    back = by_key([one for one in received if one.quantity is not None and one.quantity < 0])
    if not back or not billed.lines:
        return Check("return", UNKNOWN, None, None)
    for key, line in by_key(billed.lines).items():
        gone = -(back[key].quantity or _ZERO) if key in back else _ZERO
        if line.quantity is not None and line.quantity > gone:
            return Check("return", DIFFERS, shown(gone), shown(line.quantity))
    return Check("return", OK, None, None)


def sums_check(billed: Billed, supplier: Supplier, limits: Tolerances) -> Check | None:
    """Line by line, lines to net, net and tax to total. None where nothing can be added up."""
    one = rounding(limits, billed.currency)
    pairs: list[tuple[Decimal, Decimal, Decimal]] = []
    for line in billed.lines:
        if line.amount is not None and line.quantity is not None and line.unit_price is not None and line.per > 0:
            pairs.append((line.quantity * line.unit_price / line.per, line.amount, one))
    amounts = [line.amount for line in billed.lines if line.amount is not None]
    if billed.net is not None and amounts and len(amounts) == len(billed.lines):
        pairs.append((sum(amounts, billed.adjustment), billed.net, one * len(amounts)))
    if billed.net is not None and billed.tax is not None and billed.total is not None:
        pairs.append((billed.net + billed.tax, billed.total, one))
    wrong = [(expected, found) for expected, found, least in pairs if abs(expected - found) > least]
    if wrong:
        return compared("arithmetic", *wrong[0], False)
    if (whole := _whole_check(billed, supplier, limits)) is not None and whole.status != OK:
        return whole
    return compared("arithmetic", *pairs[-1][:2], True) if pairs else whole


def _whole_check(billed: Billed, supplier: Supplier, limits: Tolerances) -> Check | None:
    """What will be paid against what the lines (or the net) say, where net and tax were not both read: else a total
    would be compared with nothing. None where both were read, or where there is nothing to compare it with."""
    if not billed.lines and billed.net is None:
        return None
    if billed.total is None:
        return Check("arithmetic", UNKNOWN, shown(billed.net), None)
    if billed.net is not None and billed.tax is not None:
        return None
    base = billed.net if billed.net is not None else _lines_value(billed)
    if base is None:
        return Check("arithmetic", UNKNOWN, None, shown(billed.total))
    least = rounding(limits, billed.currency, len(billed.lines))
    if billed.tax is not None:
        return compared("arithmetic", base + billed.tax, billed.total, abs(base + billed.tax - billed.total) <= least)
    if not (rates := _rates(supplier)):
        return Check("arithmetic", UNKNOWN, shown(base), shown(billed.total))
    wholes = [base * (100 + Decimal(rate)) / 100 for rate in rates]
    if any(abs(whole - billed.total) <= least for whole in wholes):
        return Check("arithmetic", OK, shown(base), shown(billed.total))
    # Between the rates it may be a mixture.
    mixed = min(wholes) < billed.total < max(wholes)
    return Check("arithmetic", UNKNOWN if mixed else DIFFERS, shown(max(wholes)), shown(billed.total))


def _lines_value(billed: Billed) -> Decimal | None:
    """What the lines come to, net, with charges and allowances; None where a line does not say."""
    total = billed.adjustment
    for line in billed.lines:
        value = line.amount
        if value is None and line.price is not None and line.quantity is not None:
            value = line.price * line.quantity
        if value is None:
            return None
        total += value
    return total


def tax_check(billed: Billed, supplier: Supplier, limits: Tolerances) -> Check | None:
    """The tax against the expected rate, that of the lines, or any of the country. None where no rate is known."""
    if billed.net is None or billed.tax is None:
        return None
    net, tax = billed.net, billed.tax
    by_line = [(line.amount, line.tax_rate) for line in billed.lines]
    if supplier.rate is None and by_line and all(amount is not None and rate is not None for amount, rate in by_line):
        rated = sum(((amount or _ZERO) * (rate or _ZERO) / 100 for amount, rate in by_line), _ZERO)
        allowed = {Decimal(rate) for rate in RATES.get(supplier.country or "", ())}
        if allowed and not {rate for _, rate in by_line} <= allowed:
            return Check("tax", DIFFERS, shown(rated), shown(tax))
        return compared("tax", rated, tax, _taxed(tax, rated, billed, limits))
    expected = [net * Decimal(rate) / 100 for rate in _rates(supplier)]
    if not expected:
        return None
    if any(_taxed(tax, one, billed, limits) for one in expected):
        return Check("tax", OK, None, shown(tax))
    # Between the rates it may be a mixture.
    mixed = len(expected) > 1 and min(expected) < tax < max(expected)
    return Check("tax", UNKNOWN if mixed else DIFFERS, shown(max(expected)), shown(tax))


def _taxed(tax: Decimal, expected: Decimal, billed: Billed, limits: Tolerances) -> bool:
    least = rounding(limits, billed.currency, len(billed.lines))
    return close(tax, expected, limits.tax_percent, least, limits.line_most)
