"""The report on open receivables: one HTML page, no script, nothing from elsewhere, printable."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from babel.numbers import format_compact_decimal
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from api.audit import charts, curves
from api.audit.amounts import Amounts
from api.audit.cash import Forecast
from api.audit.receivables import Booked, ReceivablesFile
from api.audit.report import version
from api.commands.tables import Rejected
from models.risk import RiskEstimate

SHOWN, SHOWN_ROWS, _REASONS = 40, 200, 3
_AGES = ((0, "not due"), (30, "1 to 30 days"), (60, "31 to 60 days"), (90, "61 to 90 days"), (None, "over 90 days"))
_LONGEST, _SENTENCE = 80, 300
BASES = {
    "model": "the model, from the customer's own payments",
    "rule": "the customer's own rate, of few payments",
    "cold_start": "the rate of all customers: no payment of this one is known",
}


@dataclass(frozen=True, slots=True)
class Run:
    """What was run, with its result. files: open invoices and history. model: what scored, in words."""

    files: tuple[ReceivablesFile, ReceivablesFile]
    asked: Sequence[Booked]
    estimates: Sequence[RiskEstimate]
    forecasts: Sequence[Forecast]
    as_of: date
    model: str
    rejected: Sequence[Rejected]
    made: datetime


@dataclass(frozen=True, slots=True)
class Age:
    """Invoices overdue by some days: how many, their amount, and of it what is expected to come over 30 days late."""

    name: str
    count: int
    amount: Decimal
    doubtful: Decimal


@dataclass(frozen=True, slots=True)
class Line:
    """One invoice of the worklist."""

    row: Booked
    one: RiskEstimate
    overdue: int


def write(path: Path, run: Run, amounts: Amounts) -> None:
    """Writes the report. Raises OSError."""
    path.write_text(html(run, amounts), encoding="utf-8")


def html(run: Run, amounts: Amounts) -> str:
    """The report as one HTML document."""
    environment = Environment(
        loader=PackageLoader("api.audit"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters.update(n=amounts.count, plain=_plain, sentence=lambda text: _plain(text, _SENTENCE))
    environment.globals.update(money=amounts.money, share=charts.share, columns=charts.columns)
    ranked = worklist(run)
    return environment.get_template("receivables.html").render(
        run=run,
        ages={one.currency: aging(run, one.currency) for one in run.forecasts},
        curve=lambda one, at: curve(one, at, amounts),
        top=ranked[:SHOWN],
        more=len(ranked) - SHOWN,
        late=sum(line.overdue > 0 for line in ranked),
        bases=[(BASES[name], count) for name, count in Counter(one.basis for one in run.estimates).most_common()],
        unknown=sum(one.p_late is None for one in run.estimates),
        limits={"rows": SHOWN_ROWS, "reasons": _REASONS},
        version=version(),
    )


def worklist(run: Run) -> list[Line]:
    """All invoices, those first of which most money is expected to be late longest; what is unknown comes last."""
    lines = [
        Line(row, one, (run.as_of - row.item.due_date).days) for row, one in zip(run.asked, run.estimates, strict=True)
    ]
    return sorted(lines, key=lambda line: (line.one.priority is None, -(line.one.priority or 0.0), line.row.line))


def aging(run: Run, currency: str) -> list[Age]:
    """Open amounts of a currency by days overdue."""
    made = []
    low: int | None = None
    for most, name in _AGES:
        inside = [
            (row.item.amount, one.p_late_30)
            for row, one in zip(run.asked, run.estimates, strict=True)
            if row.currency == currency
            and (low is None or (run.as_of - row.item.due_date).days > low)
            and (most is None or (run.as_of - row.item.due_date).days <= most)
        ]
        doubtful = sum((amount * Decimal(str(p)) for amount, p in inside if p is not None), Decimal(0))
        made.append(Age(name, len(inside), sum((amount for amount, _ in inside), Decimal(0)), doubtful))
        low = most
    return made


def curve(one: Forecast, at: int, amounts: Amounts) -> Markup:
    """The cash of a currency as it adds up, with its band."""
    weeks = [week for week in one.weeks if week.start is not None]
    middle = [float(week.so_far) for week in weeks]
    low, high = ([float(getattr(week, name) or 0) for week in weeks] for name in ("low_so_far", "high_so_far"))
    words = [
        format_compact_decimal(value, locale=amounts.locale, fraction_digits=1) for value in curves.ticks(high, middle)
    ]
    labels = [(week.start + timedelta(days=6)).strftime("%d %b") if week.start else "" for week in weeks]
    title = f"Expected cash{f' in {one.currency}' if one.currency else ''}, adding up week by week"
    return curves.band(f"cash-{at}", title, labels, middle, low, high, words)


def _plain(text: object, longest: int = _LONGEST) -> str:
    """A stranger's text on one line, without control characters, cut where it would fill the page."""
    tidy = " ".join("".join(letter if letter.isprintable() else " " for letter in str(text)).split())
    return tidy if len(tidy) <= longest else f"{tidy[:longest]}…"
