"""Does a bill add up? The calculation rules of EN 16931-1 (BR-CO-10 to BR-CO-17) and of Peppol BIS 3 (R120).

A sum that does not fit is told with the figures that disagree; nobody is turned away for it. Only what the document
states is compared: a figure that is left out breaks no rule here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from governance.case import Finding, minor_units

LINE_SLACK = Decimal("0.02")
"""What a line may be off (Peppol R120)."""
TAX_SLACK = Decimal(1)
"""What the tax of one rate may be off, in major units (the official rules for BR-CO-17 allow less than one)."""
_ALWAYS = frozenset({"BR-CO-10", "BR-CO-15"})
_CORE = _ALWAYS | {"BR-CO-11", "BR-CO-12", "BR-CO-13", "BR-CO-14", "BR-CO-16", "BR-CO-17"}
_NOTES = 5  # findings of one rule: a bill of a thousand wrong lines is one message, not a thousand


@dataclass(frozen=True, slots=True)
class Line:
    """One line: BT-126 number, BT-131 net amount, BT-129 quantity, BT-146 price, BT-149 quantity of the price,
    and the sums of its charges and allowances."""

    number: str
    net: Decimal | None
    quantity: Decimal | None = None
    price: Decimal | None = None
    per: Decimal | None = None
    charges: Decimal = Decimal(0)
    allowances: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class TaxGroup:
    """BT-116 taxable amount, BT-119 rate in percent, BT-117 tax amount."""

    basis: Decimal | None
    rate: Decimal | None
    tax: Decimal | None


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of one bill in its own currency; None = not stated. `profile` is what the bill says that it follows
    (BT-24): it decides which rules hold."""

    currency: str
    profile: str = ""
    lines: tuple[Line, ...] = ()
    allowances: tuple[Decimal, ...] = ()
    charges: tuple[Decimal, ...] = ()
    taxes: tuple[TaxGroup, ...] = ()
    line_total: Decimal | None = None  # BT-106
    allowance_total: Decimal | None = None  # BT-107
    charge_total: Decimal | None = None  # BT-108
    net: Decimal | None = None  # BT-109
    tax: Decimal | None = None  # BT-110
    gross: Decimal | None = None  # BT-112
    prepaid: Decimal | None = None  # BT-113
    rounding: Decimal | None = None  # BT-114
    third_party: Decimal | None = None  # BT-DEX-002 of the XRechnung extension: collected for others
    payable: Decimal | None = None  # BT-115

    @property
    def core(self) -> bool:
        """The bill follows EN 16931, or the part of it that has no lines (Factur-X BASIC WL)."""
        return "en16931" in self.profile or "basicwl" in self.profile

    @property
    def rules(self) -> frozenset[str]:
        """What must hold. Other formats mean other things by the same names: of them only the plainest sums."""
        if not self.core:
            return _ALWAYS
        rules = _CORE
        if "extension" in self.profile and self.third_party is None:
            rules -= {"BR-CO-16"}  # the XRechnung extension may collect for others, who are not stated here
        return rules | {"R120"} if "peppol" in self.profile or "xrechnung" in self.profile else rules

    @property
    def slack(self) -> Decimal:
        """What a sum may be off for each figure in it: nothing in the core, a minor unit in Factur-X EXTENDED and in
        what is not EN 16931."""
        strict = self.core and "extended" not in self.profile
        return Decimal(0) if strict else Decimal(1).scaleb(-minor_units(self.currency))


def check(figures: Figures) -> list[Finding]:
    """The rules that the figures break, at most a few of each kind."""
    found = [*_sums(figures), *list(_taxes(figures))[:_NOTES], *list(_lines(figures))[:_NOTES]]
    return [one for one in found if one.values["rule"] in figures.rules]


def _sums(f: Figures) -> Iterator[Finding]:
    """Each rule as what, its terms, and the figure that they should come to."""
    zero = Decimal(0)
    nets = [line.net for line in f.lines if line.net is not None]
    groups = [group.tax for group in f.taxes if group.tax is not None]
    if nets and len(nets) == len(f.lines):
        yield from _compare(f, "BR-CO-10", "the lines", nets, "the total of the lines", f.line_total)
    if f.allowances:
        yield from _compare(f, "BR-CO-11", "the allowances", f.allowances, "their total", f.allowance_total)
    if f.charges:
        yield from _compare(f, "BR-CO-12", "the charges", f.charges, "their total", f.charge_total)
    if f.line_total is not None:
        parts = [f.line_total, -(f.allowance_total or zero), f.charge_total or zero]
        yield from _compare(f, "BR-CO-13", "lines less allowances plus charges", parts, "the net total", f.net)
    if groups and len(groups) == len(f.taxes):
        yield from _compare(f, "BR-CO-14", "the taxes of all rates", groups, "the tax total", f.tax)
    if f.net is not None:
        parts = [f.net, f.tax if f.tax is not None else sum(groups, zero)]
        if not f.core and f.gross is not None and f.rounding and abs(sum(parts) + f.rounding - f.gross) <= f.slack:
            return  # UBL 2.0: the rounding is already in the total
        yield from _compare(f, "BR-CO-15", "net plus tax", parts, "the total", f.gross, "total_amount")
    if f.gross is not None:
        parts = [f.gross, -(f.prepaid or zero), f.rounding or zero, f.third_party or zero]
        said = "the total less what was paid"
        yield from _compare(f, "BR-CO-16", said, parts, "the amount due", f.payable, "amount_due")


def _compare(
    f: Figures,
    rule: str,
    what: str,
    parts: Sequence[Decimal],
    target: str,
    stated: Decimal | None,
    field: str | None = None,
) -> Iterator[Finding]:
    terms = [part for part in parts if part]
    computed = sum(terms, Decimal(0)).quantize(Decimal(1).scaleb(-minor_units(f.currency)))
    if stated is None or abs(computed - stated) <= f.slack * max(1, len(terms)):
        return
    figures = f" ({' + '.join(map(str, terms)).replace('+ -', '- ')})" if 1 < len(terms) <= 4 else ""
    yield _finding(rule, f"{what} come to {computed}{figures}, and {target} says {stated}", computed, stated, field)


def _taxes(f: Figures) -> Iterator[Finding]:
    for group in f.taxes:
        if group.basis is None or group.rate is None or group.tax is None:
            continue
        computed = (group.basis * group.rate / 100).quantize(Decimal(1).scaleb(-minor_units(f.currency)))
        if abs(abs(computed) - abs(group.tax)) >= TAX_SLACK:
            said = f"{group.rate.normalize():f} % of {group.basis} are {computed}, and the tax says {group.tax}"
            yield _finding("BR-CO-17", said, computed, group.tax)


def _lines(f: Figures) -> Iterator[Finding]:
    unit = Decimal(1).scaleb(-minor_units(f.currency))
    for line in f.lines:
        if line.net is None or line.quantity is None or line.price is None or line.per == 0:
            continue
        computed = line.quantity * line.price / (line.per or Decimal(1)) + line.charges - line.allowances
        if abs(computed - line.net) > LINE_SLACK + unit / 2:
            said = f"line {line.number}: quantity times price come to {computed.quantize(unit)}, and it says {line.net}"
            yield _finding("R120", said, computed.quantize(unit), line.net)


def _finding(rule: str, said: str, computed: Decimal, stated: Decimal, field: str | None = None) -> Finding:
    lead = f"{field}: " if field else ""
    return Finding(
        "arithmetic",
        f"{lead}{said} ({'Peppol' if rule == 'R120' else 'EN 16931'} {rule})",
        (field,) if field else (),
        # Prices are often rounded for the eye: a line alone is no reason to stop anybody.
        level="note" if rule == "R120" else "warning",
        values={"rule": rule, "computed": str(computed), "stated": str(stated)},
    )
