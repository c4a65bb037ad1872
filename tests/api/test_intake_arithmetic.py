"""The sums of EN 16931: what adds up is silent, what does not is told with the figures that disagree."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.intake import arithmetic, einvoice, xml
from api.intake.arithmetic import Figures, Line, TaxGroup

CORE = "urn:cen.eu:en16931:2017"
CENT = Decimal("0.01")
cents = st.decimals(min_value=0, max_value=100_000, places=2)


def bill(nets: list[Decimal], off: Decimal, on: Decimal, rate: int, prepaid: Decimal, profile: str = CORE) -> Figures:
    """A bill whose sums are right."""
    total = sum(nets, Decimal(0))
    net = total - off + on
    tax = (net * rate / 100).quantize(CENT)
    return Figures(
        currency="EUR",
        profile=profile,
        lines=tuple(Line(str(number), value) for number, value in enumerate(nets, start=1)),
        allowances=(off,) if off else (),
        charges=(on,) if on else (),
        taxes=(TaxGroup(net, Decimal(rate), tax),),
        line_total=total,
        allowance_total=off or None,
        charge_total=on or None,
        net=net,
        tax=tax,
        gross=net + tax,
        prepaid=prepaid or None,
        payable=net + tax - prepaid,
    )


bills = st.builds(
    bill, st.lists(cents, min_size=1, max_size=8), cents, cents, st.sampled_from([0, 5, 7, 19, 20, 25]), cents
)


@settings(max_examples=100, deadline=None)
@given(bills)
def test_a_bill_that_adds_up_is_silent(figures: Figures) -> None:
    assert arithmetic.check(figures) == []


TOTALS = ("line_total", "net", "tax", "gross", "payable")


@settings(max_examples=100, deadline=None)
@given(bills, st.sampled_from(TOTALS), st.sampled_from([CENT, -CENT, Decimal(100), Decimal("-3.60")]))
def test_any_total_that_is_off_by_a_cent_is_named(figures: Figures, name: str, off: Decimal) -> None:
    wrong = getattr(figures, name) + off
    found = arithmetic.check(replace(figures, **{name: wrong}))
    assert found
    assert any(str(wrong) in one.detail for one in found)
    assert {one.code for one in found} == {"arithmetic"}
    assert {one.level for one in found} == {"warning"}


RIGHT = bill([Decimal("100.00"), Decimal("50.00")], Decimal("10.00"), Decimal("5.00"), 19, Decimal("20.00"))


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"line_total": Decimal("151.00")}, "BR-CO-10"),
        ({"allowance_total": Decimal("9.00")}, "BR-CO-11"),
        ({"charge_total": Decimal("6.00")}, "BR-CO-12"),
        ({"net": Decimal("146.00")}, "BR-CO-13"),
        ({"tax": Decimal("27.56")}, "BR-CO-14"),
        ({"gross": Decimal("172.56")}, "BR-CO-15"),
        ({"payable": Decimal("172.55")}, "BR-CO-16"),
        ({"prepaid": None}, "BR-CO-16"),
        ({"taxes": (TaxGroup(Decimal("145.00"), Decimal(19), Decimal("10.00")),)}, "BR-CO-17"),
    ],
)
def test_each_rule(change: dict[str, object], rule: str) -> None:
    assert arithmetic.check(RIGHT) == []
    found = arithmetic.check(replace(RIGHT, **change))  # type: ignore[arg-type]
    assert rule in {one.values["rule"] for one in found}
    assert all(rule in one.detail for one in found if one.values["rule"] == rule)


def test_the_message_has_the_figures() -> None:
    (found,) = arithmetic.check(replace(RIGHT, payable=Decimal("172.55")))
    assert found.detail == (
        "amount_due: the total less what was paid come to 152.55 (172.55 - 20.00), and the amount due says 172.55 "
        "(EN 16931 BR-CO-16)"
    )
    assert found.fields == ("amount_due",)
    assert found.values == {"rule": "BR-CO-16", "computed": "152.55", "stated": "172.55"}


def test_the_tax_of_a_rate_may_be_off_by_less_than_one() -> None:
    """The official rules leave that much room for rounding line by line."""
    near = TaxGroup(Decimal("145.00"), Decimal(19), Decimal("28.54"))
    figures = replace(RIGHT, taxes=(near,), tax=Decimal("28.54"), gross=Decimal("173.54"), payable=Decimal("153.54"))
    assert arithmetic.check(figures) == []


def test_what_is_left_out_breaks_no_rule() -> None:
    minimum = Figures("EUR", CORE, net=Decimal(100), tax=Decimal(19), gross=Decimal(119), payable=Decimal(119))
    assert arithmetic.check(minimum) == []
    assert arithmetic.check(Figures("EUR", CORE)) == []


def test_rounding_of_the_amount_due() -> None:
    assert arithmetic.check(replace(RIGHT, rounding=Decimal("0.45"), payable=Decimal("153.00"))) == []


def test_other_formats_are_held_to_the_plainest_sums_alone() -> None:
    """UBL 2.0 puts the rounding into the total, and its net total is another one."""
    old = replace(RIGHT, profile="urn:www.cenbii.eu:transaction:biicoretrdm010:ver1.0")
    assert arithmetic.check(replace(old, net=Decimal("145.00"), payable=Decimal(1), allowance_total=Decimal(-10))) == []
    rounded = replace(old, rounding=Decimal("0.45"), gross=Decimal("173.00"))
    assert arithmetic.check(rounded) == []
    found = arithmetic.check(replace(old, gross=Decimal("190.00")))
    assert [one.values["rule"] for one in found] == ["BR-CO-15"]


def test_the_extended_profile_has_a_cent_for_each_figure() -> None:
    figures = replace(RIGHT, profile=CORE + "#conformant#urn:factur-x.eu:1p0:extended")
    assert arithmetic.check(replace(figures, line_total=Decimal("150.02"), net=Decimal("145.02"))) == []
    assert arithmetic.check(replace(figures, line_total=Decimal("150.03")))


def test_lines_are_held_to_price_and_quantity_where_the_profile_says_so_and_only_noted() -> None:
    line = Line("1", Decimal("150.00"), Decimal(3), Decimal("49.00"), Decimal(1), Decimal("2.00"), Decimal(0))
    figures = replace(RIGHT, lines=(line,))
    assert arithmetic.check(figures) == []
    peppol = replace(figures, profile=CORE + "#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0")
    (found,) = arithmetic.check(peppol)
    assert (found.level, found.values["computed"], found.values["stated"]) == ("note", "149.00", "150.00")
    assert arithmetic.check(replace(peppol, lines=(replace(line, charges=Decimal("3.01")),))) == []


def test_a_thousand_wrong_lines_are_a_few_messages() -> None:
    lines = tuple(Line(str(n), Decimal(1), Decimal(2), Decimal(2)) for n in range(1000))
    figures = Figures("EUR", CORE + "xrechnung", lines=lines)
    assert len(arithmetic.check(figures)) == 5


def test_yen_have_no_decimals() -> None:
    figures = Figures("JPY", CORE, net=Decimal(1000), tax=Decimal(100), gross=Decimal(1101))
    (found,) = arithmetic.check(figures)
    assert found.values["computed"] == "1100"


FLAWED = {
    "not_validating_full_invoice_based_onTest_EeISI_300_CENfullmodel.ubl.xml": {"BR-CO-10", "BR-CO-15"},
}
"""The file of the public suites whose sums are wrong: a test of errors, as its name says."""


@pytest.mark.shared
def test_no_valid_public_invoice_is_warned_about(shared: Path) -> None:
    named = {entry["file"] for entry in json.loads((shared / "documents/expected_fields.json").read_text())}
    seen = 0
    for path in sorted((shared / "documents/einvoice_xml").rglob("*.xml")):
        assert str(path.relative_to(shared / "documents")) in named
        reading = einvoice.read(xml.parse(path.read_bytes()))
        found = {one.values["rule"] for one in reading.findings if one.code == "arithmetic" and one.level != "note"}
        assert found == FLAWED.get(path.name, set()), path.name
        seen += 1
    assert seen > 150
