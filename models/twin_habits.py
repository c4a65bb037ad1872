"""Habits of a supplier that its ledger shows and people's decisions point to: what may be proposed as memory.

Nothing is proposed from the ledger alone. People must have said of two pairs or more that they are no duplicates, and
the supplier's own bills must show the habit by counting: what recurs, how often, how far apart.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from models.invoice import Invoice, number_forms
from models.twin_memory import RHYTHMS, SupplierHabit, explaining, same_habit

LEAST_DISMISSED = 2
"""Pairs that people called no duplicates, each of which the habit helps to explain."""
LEAST_SEEN = 3
"""Days on which a reference or an amount must have come, or numbers that must have come in more than one year."""
DAYS = 365
"""How long a habit holds unless people say otherwise."""
_WEEK = 7
_FITTING = 0.75

Pair = tuple[Invoice, Invoice]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A habit that may be proposed. `dismissed`: ids of the pairs that point to it; `facts`: what the ledger shows."""

    habit: SupplierHabit
    dismissed: tuple[tuple[str, str], ...]
    facts: str

    def why(self) -> str:
        """What the signer is told."""
        return f"{self.habit.words()}: {self.facts}; {len(self.dismissed)} pairs were called no duplicates"


def suggested(
    ledger: Sequence[Invoice], dismissed: Sequence[Pair], today: date, *, known: Sequence[SupplierHabit] = ()
) -> list[Suggestion]:
    """Habits of the suppliers of `dismissed` that `ledger` shows. `known`: what holds already is not suggested again.

    The same input gives the same suggestions, in the order of suppliers and habits. A pair counts for a habit only
    where, with the other suggestions, it explains the pair.
    """
    bills: dict[str, list[Invoice]] = defaultdict(list)
    for one in {one.invoice_id: one for one in ledger}.values():
        if one.vendor_id and one.doc_type != "credit_note" and one.amount > 0 and _day(one):
            bills[one.vendor_id].append(one)
    pairs: dict[str, dict[tuple[str, str], Pair]] = defaultdict(dict)
    for a, b in dismissed:
        if a.vendor_id and a.vendor_id == b.vendor_id:
            pairs[a.vendor_id][min(a.invoice_id, b.invoice_id), max(a.invoice_id, b.invoice_id)] = (a, b)
    found: list[Suggestion] = []
    for supplier in sorted(pairs):
        held = [habit for habit in known if habit.supplier_id == supplier]
        found += _of_supplier(supplier, bills[supplier], pairs[supplier], held, today + timedelta(days=DAYS))
    return found


def _of_supplier(
    supplier: str,
    bills: Sequence[Invoice],
    pairs: dict[tuple[str, str], Pair],
    held: Sequence[SupplierHabit],
    until: date,
) -> list[Suggestion]:
    shown = {
        habit: facts
        for habit, facts in _shown(supplier, bills, until)
        if not any(same_habit(habit, one) for one in held)
    }
    used: dict[SupplierHabit, list[tuple[str, str]]] = defaultdict(list)
    for key, (a, b) in sorted(pairs.items()):
        for habit in explaining(a, b, [*held, *shown]):
            if habit in shown:
                used[habit].append(key)
    return [
        Suggestion(habit, tuple(used[habit]), facts)
        for habit, facts in shown.items()
        if len(used[habit]) >= LEAST_DISMISSED
    ]


def _shown(supplier: str, bills: Sequence[Invoice], until: date) -> list[tuple[SupplierHabit, str]]:
    """Every habit that the bills show, with the counts that show it."""
    days: dict[str, set[date]] = defaultdict(set)
    amounts: dict[tuple[str, str], list[Invoice]] = defaultdict(list)
    for one in bills:
        if (day := _day(one)) and (number := number_forms(one.invoice_no).folded):
            days[number].add(day)
        amounts[format(one.amount.normalize(), "f"), one.currency].append(one)
    reused = {number: found for number, found in days.items() if _comes_again(found)}
    shown = [
        (
            SupplierHabit(supplier, "reference_reused", until, reference=number),
            f"{number} stands on bills of {len(found)} days",
        )
        for number, found in sorted(reused.items())
        if number.isascii() and len(number) <= 64
    ]
    yearly = {number: found for number, found in days.items() if number not in reused and len(_years(found)) > 1}
    if len(yearly) >= LEAST_SEEN and _starts_again(bills):
        shown.insert(
            0,
            (SupplierHabit(supplier, "numbers_restart", until), f"{len(yearly)} numbers came in more than one year"),
        )
    for (text, currency), own in sorted(amounts.items()):
        rhythm = _rhythm(sorted({day for one in own if (day := _day(one))}))
        if rhythm and len(currency) == 3:
            habit = SupplierHabit(
                supplier, "recurring_amount", until, amount=own[0].amount, currency=currency, rhythm=rhythm
            )
            shown.append((habit, f"{text} {currency} came on {len({_day(one) for one in own})} days, {rhythm}"))
    return shown


def _comes_again(days: set[date]) -> bool:
    """On many days, and more than once in a year: no number that starts again does that."""
    ordered = sorted(days)
    apart = [day for at, day in enumerate(ordered) if at == 0 or (day - ordered[at - 1]).days >= _WEEK]
    return len(apart) >= LEAST_SEEN and max(Counter(day.year for day in apart).values()) > 1


def _years(days: Iterable[date]) -> set[int]:
    return {day.year for day in days}


def _starts_again(bills: Sequence[Invoice]) -> bool:
    """In most years the first number is lower than the last of the year before."""
    serials: dict[int, list[tuple[date, int]]] = defaultdict(list)
    for one in bills:
        day, serial = _day(one), number_forms(one.invoice_no).serial
        if day and serial is not None:
            serials[day.year].append((day, serial))
    turns = [min(serials[year])[1] < max(serials[before])[1] for before, year in pairwise(sorted(serials))]
    return bool(turns) and sum(turns) > len(turns) / 2


def _rhythm(days: Sequence[date]) -> str | None:
    """The rhythm in which these days follow each other; None where they do not."""
    gaps = [(after - before).days for before, after in pairwise(days)]
    if len(days) <= LEAST_SEEN:
        return None
    for name, (period, slack) in RHYTHMS.items():
        near = sum(abs(gap - period) <= slack for gap in gaps)
        if near >= _FITTING * len(gaps):
            return name
    return None


def _day(one: Invoice) -> date | None:
    return one.invoice_date or one.posting_date
