"""A ledger's findings in figures: groups and money by kind, vendor, month and probability; each group counts once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from api.audit.exact import Checked, checked
from api.audit.ledger import Ledger
from models.duplicates import DuplicatePair
from models.invoice import Invoice, normal_name
from models.pair_groups import DuplicateGroup

Money = Mapping[str, Decimal]
"""Currency → amount; '' where the ledger names none."""

_VENDORS = 20
_STEPS = 10


@dataclass(frozen=True, slots=True)
class Finding:
    """A group with its documents, earliest first. risk: what would be paid once too often, by currency."""

    number: int
    group: DuplicateGroup
    documents: tuple[Invoice, ...]
    risk: Money

    @property
    def expected(self) -> Decimal:
        """Probability times amount: by this, what is worth looking into first comes first."""
        return Decimal(str(self.group.probability)) * sum(self.risk.values(), Decimal(0))


@dataclass(frozen=True, slots=True)
class Slice:
    """Groups with something in common, and their money at risk."""

    name: str
    groups: int
    risk: Money


@dataclass(frozen=True, slots=True)
class Summary:
    """What the report says. findings: to look into; renumbered: perhaps billed anew under another number; reversed:
    nothing is paid twice. expected: the money at risk, each group's times its probability. flagged:
    documents that another one of their group precedes, of the findings."""

    rows: int
    documents: int
    history: int
    pairs: int
    findings: tuple[Finding, ...]
    renumbered: tuple[Finding, ...]
    reversed: tuple[Finding, ...]
    risk: Money
    expected: Money
    risk_renumbered: Money
    by_kind: tuple[Slice, ...]
    by_vendor: tuple[Slice, ...]
    by_month: tuple[Slice, ...]
    by_probability: tuple[tuple[str, int, int], ...]
    exact: tuple[Checked, ...]
    flagged: int

    @property
    def currency(self) -> str:
        """The currency that most is at risk in, by groups: the one of the plots."""
        counts = Counter(one for finding in (*self.findings, *self.renumbered) for one in finding.risk)
        return counts.most_common(1)[0][0] if counts else ""


def _risk(group: DuplicateGroup, documents: Sequence[Invoice]) -> Money:
    """The group's money at risk by currency: where its documents differ in currency, all but the largest of each
    would be guesswork, so the later ones count in their own."""
    if not group.alert:
        return {}
    if len({one.currency for one in documents}) == 1:
        return {group.currency: group.at_risk}
    later: dict[str, Decimal] = defaultdict(Decimal)
    for one in documents[1:]:
        later[one.currency] += abs(one.amount)
    return dict(later)


def vendor_of(invoice: Invoice) -> str:
    """The vendor as people know it: its name, and its id where the name is missing or redacted."""
    name = " ".join(invoice.vendor_name.split())
    if not name:
        return invoice.vendor_id
    return name if normal_name(name) or not invoice.vendor_id else f"{name} ({invoice.vendor_id})"


def _total(findings: Sequence[Finding], *, weighted: bool = False) -> Money:
    """By currency, the largest first; `weighted` by the probability of each group."""
    total: dict[str, Decimal] = defaultdict(Decimal)
    for finding in findings:
        weight = Decimal(str(finding.group.probability)) if weighted else Decimal(1)
        for currency, amount in finding.risk.items():
            total[currency] += amount * weight
    return dict(sorted(total.items(), key=lambda item: -item[1]))


def _sliced(findings: Sequence[Finding], names: Sequence[str]) -> list[Slice]:
    parts: dict[str, list[Finding]] = defaultdict(list)
    for finding, name in zip(findings, names, strict=True):
        parts[name].append(finding)
    return [Slice(name, len(part), _total(part)) for name, part in parts.items()]


def _most(slices: Sequence[Slice], currency: str) -> tuple[Slice, ...]:
    """Most money first."""
    return tuple(sorted(slices, key=lambda one: (-one.risk.get(currency, Decimal(0)), -one.groups, one.name)))


def _month(finding: Finding) -> str:
    last = finding.documents[-1]
    day = last.posting_date or last.invoice_date
    return f"{day:%Y-%m}" if day else "no date"


def summary(
    ledger: Ledger, history: Ledger, pairs: Sequence[DuplicatePair], groups: Sequence[DuplicateGroup], threshold: float
) -> Summary:
    """The figures of a run. `groups` are numbered from 1 in the order given, as in the table of pairs."""
    wanted = {one for group in groups for one in (*group.ids, *group.credits)}
    known = {one.invoice_id: one for part in (ledger, history) for one in part.invoices if one.invoice_id in wanted}
    all_ = []
    for number, group in enumerate(groups, 1):
        documents = tuple(known[one] for one in dict.fromkeys((*group.ids, *group.credits)))
        all_.append(Finding(number, group, documents, _risk(group, documents)))
    ranked = sorted(all_, key=lambda one: (-one.expected, one.number))
    findings = [one for one in ranked if one.group.alert and one.group.queue == "duplicate"]
    renumbered = [one for one in ranked if one.group.alert and one.group.queue != "duplicate"]
    made = Summary(
        rows=sum(one.rows for one in ledger.files),
        documents=len(ledger.invoices),
        history=len(history.invoices),
        pairs=len(pairs),
        findings=tuple(findings),
        renumbered=tuple(renumbered),
        reversed=tuple(one for one in ranked if not one.group.alert),
        risk=_total(findings),
        expected=_total(findings, weighted=True),
        risk_renumbered=_total(renumbered),
        by_kind=tuple(_sliced(findings, [one.group.kind for one in findings])),
        by_vendor=tuple(_sliced(findings, [vendor_of(one.documents[0]) for one in findings])),
        by_month=tuple(sorted(_sliced(findings, [_month(one) for one in findings]), key=lambda one: one.name)),
        by_probability=_histogram(pairs, threshold),
        exact=tuple(checked([*history.invoices, *ledger.invoices], [one.documents for one in findings], wanted)),
        flagged=sum(len(one.group.ids) - 1 for one in findings),
    )
    return replace(
        made, by_kind=_most(made.by_kind, made.currency), by_vendor=_most(made.by_vendor, made.currency)[:_VENDORS]
    )


def _histogram(pairs: Sequence[DuplicatePair], threshold: float) -> tuple[tuple[str, int, int], ...]:
    """(from, pairs of the first queue, pairs of the other) in ten steps from the least probability to 1."""
    low = min([threshold, *(pair.probability for pair in pairs)])
    width = (1.0 - low) / _STEPS or 1.0
    counts = [[0, 0] for _ in range(_STEPS)]
    for pair in pairs:
        at = min(_STEPS - 1, int((pair.probability - low) / width))
        counts[at][pair.queue != "duplicate"] += 1
    return tuple((f"{low + width * at:.2f}", first, second) for at, (first, second) in enumerate(counts))
