"""Figures of collection risk beside ranking and calibration: the worklist, cash by week, coverage over time, groups."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from evals.scorers import Floats, Ints, auc, brier, mean, resampled
from models.events import Bools
from models.features import Receivable
from models.outlook import paid_between
from models.risk import Seen

WORKED = 0.2
"""Share of the invoices that collectors have time for."""
_LEAST = 30
_WEEK = 7
_NEVER_PAID = 60.0


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What happened to n invoices: late, days late (nan: never paid before the end), and whose they are."""

    late: Ints
    days: Floats
    customers: list[str]
    terms: Floats


def owed_late(amounts: Floats, days: Floats) -> Floats:
    """Money times days late of each invoice: (n,). What was never paid before the end counts sixty days."""
    found: Floats = amounts * np.maximum(np.where(np.isnan(days), _NEVER_PAID, days), 0.0)
    return found


def late_value(owed: Floats, priority: Floats, share: float = WORKED) -> float | None:
    """Of all that is `owed` late, the share that stands in the first `share` of the list."""
    if owed.sum() <= 0:
        return None
    worked = np.argsort(-priority, kind="stable")[: max(1, round(share * len(owed)))]
    return float(owed[worked].sum() / owed.sum())


def lift(owed: Floats, priority: Floats) -> list[tuple[float, float]]:
    """(share of the list, share of the money times days late) in steps of 5 %."""
    points = [(share, late_value(owed, priority, share)) for share in np.arange(1, 21) / 20]
    return [(0.0, 0.0), *((float(share), value) for share, value in points if value is not None)]


def weekly_cash(
    tested: Sequence[Receivable], seen: Sequence[Seen], rows: Sequence[Ints], end: date
) -> tuple[Floats, Floats]:
    """(foreseen, received) in each full week before `end`, of all invoices, each foreseen on its posting day.

    seen, rows: what was said, part by part, and the places in `tested` that each part is about.
    """
    first = min(one.posting_date for one in tested).toordinal()
    weeks = max(0, (end.toordinal() - first) // _WEEK)
    foreseen, received = np.zeros(weeks), np.zeros(weeks)
    amounts = np.array([float(one.amount) for one in tested])
    due = np.array([one.due_date.toordinal() for one in tested])
    for part, places in zip(seen, rows, strict=True):
        for week in range(weeks):
            start = first + week * _WEEK - due[places]
            chance = paid_between(part.curves, part.overdue, start, start + _WEEK - 1)
            foreseen[week] += float((chance * amounts[places]).sum())
    for one, amount in zip(tested, amounts, strict=True):
        week = (one.clear_date.toordinal() - first) // _WEEK if one.clear_date is not None else weeks
        if week < weeks:
            received[week] += amount
    return foreseen, received


def wape(foreseen: Floats, received: Floats) -> float | None:
    """Weighted absolute percentage error: how much is in the wrong week, as a share of all that came."""
    return float(np.abs(foreseen - received).sum() / received.sum()) if received.sum() > 0 else None


def periods(tested: Sequence[Receivable], months: int) -> list[str]:
    """The quarter (months=3) or month (months=1) of each posting, as 2019-Q3 or 2019-09."""

    def name(day: date) -> str:
        return f"{day.year}-{day.month:02d}" if months == 1 else f"{day.year}-Q{(day.month - 1) // months + 1}"

    return [name(one.posting_date) for one in tested]


def by_period(names: Sequence[str], values: Floats) -> list[tuple[str, float, int]]:
    """(period, mean, count) of periods with at least 30 invoices."""
    made = []
    for name in sorted(set(names)):
        rows = np.array([one == name for one in names])
        if rows.sum() >= _LEAST:
            made.append((name, float(values[rows].mean()), int(rows.sum())))
    return made


def groups(
    tested: Sequence[Receivable], settled: Ints, countries: Sequence[str] | None
) -> list[tuple[str, str, Bools]]:
    """(kind, group, rows) by length of history, size of the invoice and, where it is known, country."""
    edges = [(0, 0, "none"), (1, 4, "1 to 4"), (5, 19, "5 to 19"), (20, 99, "20 to 99"), (100, 10**9, "100 and more")]
    made = [("settled invoices", name, (settled >= low) & (settled <= high)) for low, high, name in edges]
    amounts = np.array([float(one.amount) for one in tested])
    cuts = np.quantile(amounts, [0.25, 0.5, 0.75])
    place = np.searchsorted(cuts, amounts)
    sizes = ("smallest quarter", "second quarter", "third quarter", "largest quarter")
    made += [("amount", name, place == at) for at, name in enumerate(sizes)]
    if countries is not None:
        made += [("country", name, np.array([one == name for one in countries])) for name in sorted(set(countries))]
    return [(kind, name, rows) for kind, name, rows in made if rows.sum() >= _LEAST]


def group_rows(
    parts: Sequence[tuple[str, str, Bools]], p_late: Floats, days: Floats, outcomes: Outcomes, seed: int, resamples: int
) -> list[tuple[str, str, int, float, float | None, str, float | None, float | None, str]]:
    """(kind, group, invoices, share late, AUC, its interval, Brier, mean error in days, its interval) of each group;
    95 % intervals over customers, empty for a single one."""
    errors = np.abs(days - outcomes.days)
    made = []
    for kind, name, rows in parts:
        late, said, wrong = outcomes.late[rows], p_late[rows], errors[rows]
        owners = [outcomes.customers[at] for at in np.flatnonzero(rows)]

        def spread(statistic: Callable[[Ints], float | None], owners: list[str] = owners) -> tuple[float | None, str]:
            found = resampled(statistic, owners, seed, resamples)
            if found.low is None or found.high is None or len(set(owners)) < 2:
                return found.value, ""
            return found.value, f"{found.low:.2f} to {found.high:.2f}"

        ranked = spread(lambda at, late=late, said=said: auc(late[at], said[at]))  # type: ignore[misc]
        missed = spread(lambda at, wrong=wrong: mean(wrong[at][~np.isnan(wrong[at])]))  # type: ignore[misc]
        made.append((kind, name, int(rows.sum()), float(late.mean()), *ranked, brier(late, said), *missed))
    return made
