"""Do the balances of a bank statement add up? What opens a statement plus its entries is what closes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from governance.case import Finding

_TOLD = 5


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of one account. Amounts are signed, in the account's currency; None = not stated. `day` is ISO,
    that of the closing balance. `whole` is False where an entry could not be read or is not booked yet."""

    account: str | None
    currency: str | None
    opening: Decimal | None
    entries: tuple[Decimal, ...]
    closing: Decimal | None
    day: str | None = None
    whole: bool = True


def checked(statements: Sequence[Statement]) -> list[Finding]:
    """What does not add up, with its figures, and that a file holds several statements."""
    found: list[Finding] = []
    for number, one in enumerate(statements, start=1):
        where = f"statement {number}: " if len(statements) > 1 else ""
        if one.opening is None or one.closing is None or not one.whole:
            continue
        moved = sum(one.entries, Decimal(0))
        if one.opening + moved != one.closing:
            detail = (
                f"{where}the balances do not add up: {one.opening} and {len(one.entries)} entries of {moved} make "
                f"{one.opening + moved}, the closing balance says {one.closing} {one.currency or ''}".rstrip()
            )
            values = {"opening": str(one.opening), "entries": str(moved), "closing": str(one.closing)}
            found.append(Finding("balance_mismatch", detail, values=values))
    found += _gaps(statements)
    if len(found) > _TOLD:
        rest = f"{len(found) - _TOLD} more statements whose balances do not add up"
        found = [*found[:_TOLD], Finding("balance_mismatch", rest, values={"statements": str(len(found))})]
    if len(statements) > 1:
        accounts = {one.account for one in statements}
        said = f"the file holds {len(statements)} statements" + (
            f" of {len(accounts)} accounts; what was read is of the first account" if len(accounts) > 1 else ""
        )
        level = "warning" if len(accounts) > 1 else "note"
        found.append(Finding("several_statements", said, level=level, values={"statements": str(len(statements))}))
    return found


def _gaps(statements: Sequence[Statement]) -> list[Finding]:
    """Statements of one account that do not begin where the one before ended: one is missing, or was altered."""
    last: dict[str, Decimal] = {}
    found: list[Finding] = []
    for number, one in enumerate(statements, start=1):
        if one.account is None:
            continue
        before = last.get(one.account)
        if before is not None and one.opening is not None and one.opening != before:
            detail = f"statement {number} opens with {one.opening}, the one before closed with {before}"
            found.append(Finding("statement_gap", detail, values={"opening": str(one.opening), "before": str(before)}))
        if one.closing is not None:
            last[one.account] = one.closing
    return found
