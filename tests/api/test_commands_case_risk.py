"""countersign case says how late an invoice is likely to be paid, and leaves out what nobody knows."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from rich.console import Console

from agents.assess import no_risk_finding, risk_finding
from api.commands import case
from models.risk import RiskEstimate
from models.risk_cash import CashWeek


def said(risk: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> str:
    case._print_risk(Console(highlight=False, markup=False, soft_wrap=True), risk)
    return capsys.readouterr().out


def test_all_that_is_known_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    estimate = RiskEstimate("I1", 0.62, 0.12, 0.031, 4.0, -2.0, 12.0, "model", ("raises: terms of 10 days",), 5.0,
                            "1-15 days late", 4.4)  # fmt: skip
    cash = [CashWeek(date(2026, 11, 20), Decimal("80.00")), CashWeek(None, Decimal("20.00"))]
    shown = said(risk_finding(estimate, cash, date(2026, 11, 4)), capsys)
    for words in (
        "likely           late 62%, over 15 days 12%, over 30 days 3%", "days late        4 (80 %: -2 to 12)",
        "most likely      1-15 days late", "in dispute since 2026-11-04", "raises: terms of 10 days",
        "expected cash    80.00 in the week of 2026-11-20, 20.00 later",
    ):  # fmt: skip
        assert words in shown


def test_nothing_is_invented(capsys: pytest.CaptureFixture[str]) -> None:
    shown = said(no_risk_finding("I1", "no due date is known: nothing can be said"), capsys)
    assert [line.strip() for line in shown.splitlines() if line.strip()] == [
        "Collection risk", "no due date is known: nothing can be said",
    ]  # fmt: skip


def test_findings_of_an_earlier_program_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    old = {"invoice_id": "I1", "p_late": 0.5, "p_late_15": None, "basis": "rule", "reasons": ["few"]}
    assert "late 50%" in said(old, capsys)
