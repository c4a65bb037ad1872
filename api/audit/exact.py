"""What checks of exact fields flag on a whole ledger: those that accounting systems have built in, for comparison."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass
from itertools import combinations

from agents.exact_check import RULES
from models.invoice import Invoice, normal_name

_FIELDS: dict[str, Callable[[Invoice], Hashable]] = {
    # Behind a redacted name without an id may stand anybody.
    "supplier": lambda one: one.vendor_id or (normal_name(one.vendor_name) and one.vendor_name.strip().casefold()),
    "number": lambda one: one.invoice_no.strip().casefold(),
    "date": lambda one: one.invoice_date,
    "amount": lambda one: one.amount,
    "currency": lambda one: one.currency,
    "entity": lambda one: one.entity.strip().casefold(),
}


def _key(names: Sequence[str], one: Invoice) -> Hashable | None:
    """What must be equal; None where the invoice does not say it. A ledger may lack currency and entity."""
    said = tuple(_FIELDS[name](one) for name in names)
    if any(not value for name, value in zip(names, said, strict=True) if name not in ("currency", "entity")):
        return None
    return said


@dataclass(frozen=True, slots=True)
class Checked:
    """One rule on a ledger. flagged: documents that another one precedes; found: of the given groups, those in which
    the rule sees two documents as one; unreported: documents that it takes for one and that no group has, rule by
    key."""

    rule: str
    flagged: int
    found: int
    unreported: tuple[tuple[Invoice, ...], ...]


def checked(
    invoices: Sequence[Invoice], groups: Sequence[Sequence[Invoice]], reported: Collection[str]
) -> list[Checked]:
    """Every rule on the ledger, and on the groups of documents that were found. `reported`: ids in any group."""
    return [_checked(names, invoices, groups, reported) for names in RULES.values()]


def _checked(
    names: Sequence[str], invoices: Sequence[Invoice], groups: Sequence[Sequence[Invoice]], reported: Collection[str]
) -> Checked:
    seen: dict[int, int] = defaultdict(int)
    for one in invoices:
        key = _key(names, one)
        if key is not None:
            seen[hash(key)] += 1
    twice = {key for key, count in seen.items() if count > 1}
    members: dict[Hashable, list[Invoice]] = defaultdict(list)
    for one in invoices:
        key = _key(names, one)
        if key is not None and hash(key) in twice:
            members[key].append(one)
    missing = [
        tuple(part)
        for part in members.values()
        if len(part) > 1 and not any(one.invoice_id in reported for one in part)
    ]
    return Checked(
        " + ".join(names),
        sum(len(part) - 1 for part in members.values()),
        sum(_sees(names, documents) for documents in groups),
        tuple(missing),
    )


def _sees(names: Sequence[str], members: Sequence[Invoice]) -> bool:
    keys = [_key(names, one) for one in members]
    return any(a is not None and a == b for a, b in combinations(keys, 2))
