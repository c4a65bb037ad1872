"""The table of the three-way match: invoices, orders and receipts with the one right answer (match_cases.toml)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from agents.match import Billed, Line, Match, Ordered, Supplier, three_way
from agents.tolerances import Tolerances

_FILE = Path(__file__).with_name("match_cases.toml")
_MONEY = ("net", "tax", "total", "adjustment")
_OF_LINE = ("quantity", "unit_price", "amount", "tax_rate")


@dataclass(frozen=True, slots=True)
class MatchCase:
    """One row: what goes in, the statuses that must come out of the checks named, and the outcome."""

    name: str
    billed: Billed
    order: Ordered | None
    received: tuple[Line, ...]
    before: tuple[Line, ...]
    supplier: Supplier
    limits: Tolerances
    expect: Mapping[str, str]
    outcome: str

    def matched(self) -> Match:
        return three_way(self.billed, self.order, self.received, self.supplier, self.limits, self.before)


def match_cases() -> list[MatchCase]:
    """The rows of the table. Raises KeyError for a row that lacks name, expect or outcome."""
    table = tomllib.loads(_FILE.read_text("utf-8"))
    return [_case(table["base"], row) for row in table["case"]]


def failures(case: MatchCase) -> list[str]:
    """What came out otherwise; empty where the row is right."""
    found = case.matched()
    there = {check.name: check.status for check in found.checks}
    wrong = [
        f"{name}: {there.get(name, 'not made')}, not {status}"
        for name, status in case.expect.items()
        if there.get(name) != status
    ]
    return wrong if found.outcome == case.outcome else [*wrong, f"outcome: {found.outcome}, not {case.outcome}"]


def _case(base: Mapping[str, Any], row: Mapping[str, Any]) -> MatchCase:
    order = {**base["order"], **row.get("order", {})}
    return MatchCase(
        name=row["name"],
        billed=_billed({**base["billed"], **row.get("billed", {})}),
        order=None if order.get("none") else _ordered(order),
        received=_lines(row.get("received", base["received"])),
        before=_lines(row.get("before", ())),
        supplier=_supplier({**base["supplier"], **row.get("supplier", {})}),
        limits=_limits(row.get("limits", {})),
        expect=row["expect"],
        outcome=row["outcome"],
    )


def _limits(said: Mapping[str, str]) -> Tolerances:
    values: dict[str, Any] = {name: Decimal(value) for name, value in said.items()}
    return replace(Tolerances(), **values)


def _decimal(values: Mapping[str, Any], name: str) -> Decimal | None:
    return Decimal(values[name]) if values.get(name) else None


def _billed(said: Mapping[str, Any]) -> Billed:
    money = {name: _decimal(said, name) for name in _MONEY}
    adjustment = money.pop("adjustment") or Decimal(0)
    return Billed(
        order=said["order"] or None, currency=said["currency"] or None, total=money["total"], net=money["net"],
        tax=money["tax"], iban=said["iban"], lines=_lines(said["lines"]), adjustment=adjustment,
        credit=bool(said.get("credit")),
    )  # fmt: skip


def _ordered(said: Mapping[str, Any]) -> Ordered:
    return Ordered(
        said["id"], said["supplier_id"] or None, said["currency"], Decimal(said["total"]), _lines(said["lines"])
    )


def _supplier(said: Mapping[str, Any]) -> Supplier:
    return Supplier(said["id"], said["country"], tuple(said["ibans"]), rate=_decimal(said, "rate"))


def _lines(rows: Sequence[Mapping[str, Any]]) -> tuple[Line, ...]:
    return tuple(
        Line(
            key=row["key"],
            **{name: _decimal(row, name) for name in _OF_LINE},
            per=_decimal(row, "per") or Decimal(1),
            unit=row.get("unit"),
        )
        for row in rows
    )
