"""countersign risk: how likely open customer invoices are paid late, from the payments of the past."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from api.audit.receivables import (
    FIELDS,
    REQUIRED,
    Booked,
    ReceivablesFile,
    Scorable,
    beside,
    read_receivables,
    receivable,
    scorable,
)
from api.commands.listing import Record, say, say_rejected, show
from api.commands.reading import add_flags, mapping_of
from governance.errors import Malformed

if TYPE_CHECKING:
    from api.audit.cash import Forecast
    from api.commands.tables import Rejected
    from models.features import Receivable
    from models.risk import CollectionRisk, RiskEstimate, Seen

__all__ = ["FIELDS", "REQUIRED", "receivable"]

HELP = "score open customer invoices by how late they are likely to be paid"

POSTING = "posting"
COLUMNS = ("invoice_id", "p_late", "p_late_15", "p_late_30", "expected_days_late", "days_late_low", "days_late_high",
           "basis", "reasons", "priority", "bucket", "mean_days_late", "customer_id", "due_date", "amount",
           "currency")  # fmt: skip
"""What is told of an invoice; what came later stands behind."""
_STALE_DAYS = 120
_MOST_WEEKS = 52


@dataclass(frozen=True, slots=True)
class Told:
    """The estimates, in the order of what was asked; the arrays behind them where all were asked on one day."""

    estimates: list[RiskEstimate]
    seen: Seen | None
    model: str


def _as_of(text: str) -> date | str:
    if text == POSTING:
        return text
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a date such as 2026-11-20 nor '{POSTING}'") from None


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date such as 2026-11-20") from None


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("open", type=Path, metavar="OPEN.csv", help="invoices to score, one a row")
    parser.add_argument(
        "--history", type=Path, required=True, metavar="PAID.csv", help="earlier invoices with clear_date"
    )
    parser.add_argument(
        "--as-of", type=_as_of, metavar="DATE|posting",
        help="the day from which to look (default today); posting: each invoice from its own posting date",
    )  # fmt: skip
    parser.add_argument(
        "--fit-before", type=_day, metavar="DATE",
        help="with --as-of posting: one model, fitted on what was known before that day, for invoices posted from then "
        "on, instead of models that follow from month to month",
    )  # fmt: skip
    parser.add_argument("--weeks", type=int, metavar="N", help="tell the cash of the next N weeks, by currency")
    parser.add_argument("--cash", type=Path, metavar="CSV", help="write that table there (default 13 weeks)")
    parser.add_argument("--report", type=Path, metavar="HTML", help="write a report with plots there")
    parser.add_argument("--locale", default="en", help="how the report writes amounts, such as de_DE (default en)")
    add_flags(parser, FIELDS, 'due_date="Net due"')


def _say_history(path: Path, history: Sequence[Receivable], as_of: date | str) -> None:
    if not isinstance(as_of, date) or not history:
        return
    later = sum(one.posting_date >= as_of for one in history)
    unknown = sum(one.clear_date is not None and one.clear_date >= as_of > one.posting_date for one in history)
    if later:
        say(f"{path}: {later} rows posted on or after {as_of} are not used")
    if unknown:
        say(f"{path}: {unknown} payments dated on or after {as_of} are not known yet: those invoices count as open")
    newest = max(one.posting_date for one in history)
    if (as_of - newest).days > _STALE_DAYS:
        say(f"{path}: the newest row is of {newest}; is --as-of {as_of} the day that you mean?")


def _estimates(args: argparse.Namespace, asked: list[Booked], past: list[Booked], owed: list[Booked]) -> Told:
    """past: the history. owed: what the file of open invoices adds to it: what else the customers owe."""
    as_of = args.as_of
    if not isinstance(as_of, date):
        return _as_posted(args, [one.item for one in asked], [one.item for one in (*past, *owed)])
    from models.disputes import dispute_effect, estimated, known_since
    from models.risk import Ledger

    # After the newest row of the history only unpaid invoices are known: a model that saw them alone would
    # take everybody for late.
    newest = max((one.item.posting_date for one in past), default=None)
    known = [*past, *(one for one in owed if newest is not None and one.item.posting_date <= newest)]
    risk, model = _model(args, [one.item for one in known], as_of)
    ledger = Ledger([one.item for one in (*past, *owed)])
    since = [known_since(one.disputed_at, None) for one in asked]
    disputed = [(one.item, day) for one in known if (day := known_since(one.disputed_at, None)) is not None]
    effect = dispute_effect(risk, ledger, disputed, as_of)
    if effect.count:
        say(f"{effect.count} settled disputes move the log-odds of lateness by {effect.shift:+.2f}")
    estimates, seen = estimated(risk, [one.item for one in asked], as_of, ledger, since, effect)
    return Told(estimates, seen, model)


def _model(args: argparse.Namespace, known: list[Receivable], as_of: date) -> tuple[CollectionRisk, str]:
    """The model of a day, and what it is in words."""
    from models.bundle import default_bundle
    from models.risk import CollectionRisk

    risk = CollectionRisk().fit(known, as_of)
    if risk.has_model:
        words = f"model trained on {risk.trained_rows_} invoices of this history, settled before {as_of}"
        say(words)
        return risk, words
    say(f"{risk.trained_rows_} settled invoices before {as_of} are too few to train on ({risk.min_rows} needed)")
    words = "standard model for customers with five settled invoices, the rates of this history for the others"
    say(words)
    return default_bundle(args.home).risk.rebased(known, as_of), words


def _as_posted(args: argparse.Namespace, items: list[Receivable], history: list[Receivable]) -> Told:
    from models.as_posted import estimate_as_of_posting
    from models.bundle import default_bundle
    from models.risk import CollectionRisk

    if args.fit_before is not None:
        return _fitted_once(args.fit_before, items, history)
    settled = sum(one.clear_date is not None for one in history)
    fallback = None if settled >= 2 * CollectionRisk().min_rows else default_bundle(args.home).risk
    words = "each invoice as seen on its posting date; models trained month by month on what was settled by then"
    say(words)
    if fallback is not None:
        say(f"only {settled} payments: the standard model answers until there are enough to train on")
    return Told(estimate_as_of_posting(items, history, fallback=fallback) if items else [], None, words)


def _fitted_once(cut: date, items: list[Receivable], history: list[Receivable]) -> Told:
    """As the evaluation does it: one model; rates and intervals are those of the first day of each month."""
    from models.risk import CollectionRisk, Ledger

    past = Ledger(history)
    model = CollectionRisk().fit(past, cut)
    words = (
        f"each invoice as seen on its posting date; one model of {model.trained_rows_} invoices settled before {cut}"
    )
    say(words)
    months: dict[date, list[int]] = {}
    for at, one in enumerate(items):
        months.setdefault(max(cut, one.posting_date.replace(day=1)), []).append(at)
    made: dict[int, RiskEstimate] = {}
    for first, places in sorted(months.items()):
        own = [items[at] for at in places]
        found = model.rebased(past, first).predict(own, [one.posting_date for one in own], past)
        made.update(zip(places, found, strict=True))
    return Told([made[at] for at in range(len(items))], None, words)


def _records(asked: Sequence[Booked], estimates: Sequence[RiskEstimate]) -> list[Record]:
    return [
        {
            **{name: getattr(one, name, None) for name in COLUMNS},
            "reasons": list(one.reasons),
            "customer_id": row.item.customer_id,
            "due_date": row.item.due_date.isoformat(),
            "amount": str(row.item.amount),
            "currency": row.currency or None,
        }
        for row, one in zip(asked, estimates, strict=True)
    ]


def _checked(args: argparse.Namespace) -> None:
    """Said now, not after the work. Raises Malformed."""
    if args.as_of is None:
        args.as_of = datetime.now(UTC).astimezone().date()
    for flag, path in (("--out", args.out), ("--report", args.report), ("--cash", args.cash)):
        if path is not None and (path.is_dir() or not path.absolute().parent.is_dir()):
            raise Malformed(f"{flag} {path}: there is no folder to write that file into")
    if args.report is not None:
        from api.audit.amounts import Amounts

        Amounts(args.locale)
    if args.weeks is not None and not 1 <= args.weeks <= _MOST_WEEKS:
        raise Malformed(f"--weeks must be between 1 and {_MOST_WEEKS}")
    if args.fit_before is not None and args.as_of != POSTING:
        raise Malformed("--fit-before goes with --as-of posting")
    for flag in ("weeks", "cash", "report"):
        if getattr(args, flag) is not None and args.as_of == POSTING:
            raise Malformed(f"--{flag} looks from one day: give --as-of DATE, not posting")


def _read(args: argparse.Namespace) -> tuple[ReceivablesFile, ReceivablesFile, Scorable]:
    mapping = mapping_of(args, FIELDS)
    open_, past = (
        read_receivables(path, mapping, history=history) for path, history in ((args.open, False), (args.history, True))
    )
    as_of = args.as_of if isinstance(args.as_of, date) else None
    found = scorable(open_.rows, as_of)
    if args.fit_before is not None:
        early = sum(one.item.posting_date < args.fit_before for one in found.rows)
        if early:
            say(f"{args.open}: {early} invoices were posted before {args.fit_before} and are not scored")
        kept = [one for one in found.rows if one.item.posting_date >= args.fit_before]
        found = Scorable(kept, found.rejected, found.notes)
    for file in (open_, past):
        for note in file.notes:
            say(f"{file.path}: {note}")
    for note in found.notes:
        say(f"{args.open}: {note}")
    return open_, past, found


def run(args: argparse.Namespace) -> int:
    """0 done, 1 rows were left out (the result holds the others). Raises Malformed for files or flags of no use."""
    _checked(args)
    open_, past, found = _read(args)
    rejected = sorted([*open_.rejected, *found.rejected], key=lambda one: one.line)
    say_rejected(args.open, rejected, open_.count)
    say_rejected(args.history, past.rejected, past.count)
    history = [one.item for one in past.rows]
    _say_history(args.history, history, args.as_of)
    told = _estimates(args, found.rows, list(past.rows), beside(past.rows, open_.rows))
    estimates = told.estimates
    show(args, COLUMNS, _records(found.rows, estimates))
    strangers = {one.item.customer_id for one in found.rows} - {one.customer_id for one in history}
    if strangers:
        say(f"{len(strangers)} customers have no row in the history")
    _say_cash(args, found.rows, told, (open_, past), rejected)
    bases = ", ".join(f"{number} {basis}" for basis, number in Counter(one.basis for one in estimates).most_common())
    say(f"{len(estimates)} invoices scored" + (f": {bases}" if bases else ""))
    if not estimates:
        say("there is no invoice to score: is it the right file, and the right --as-of?")
    return 1 if rejected or past.rejected else 0


def _say_cash(
    args: argparse.Namespace,
    asked: list[Booked],
    told: Told,
    files: tuple[ReceivablesFile, ReceivablesFile],
    rejected: Sequence[Rejected],
) -> None:
    """The forecast of cash and the report, where they are asked for."""
    if told.seen is None or (args.weeks is None and args.cash is None and args.report is None):
        return
    from api.audit import cash

    forecasts = cash.forecasts(asked, told.estimates, told.seen, args.as_of, args.weeks or cash.WEEKS)
    if args.cash is not None:
        cash.write(args.cash, forecasts)
        say(f"{sum(len(one.weeks) for one in forecasts)} weeks written to {args.cash}")
    elif args.weeks is not None:
        _say_table(forecasts)
    if args.report is not None:
        from api.audit.amounts import Amounts
        from api.audit.receivables_report import Run, write

        about = Run(files, asked, told.estimates, forecasts, args.as_of, told.model, rejected, datetime.now(UTC))
        write(args.report, about, Amounts(args.locale))
        say(f"report written to {args.report}")


def _say_table(forecasts: Sequence[Forecast]) -> None:
    for one in forecasts:
        say(f"expected cash{f' in {one.currency}' if one.currency else ''}, and where 80 % of the draws lie:")
        for week in one.weeks:
            name = f"week of {week.start.isoformat()}" if week.start else "later"
            between = "" if week.low is None else f"  {week.low:>16} to {week.high:>16}"
            say(f"  {name:<19} {week.expected:>16}{between}")
        if one.unknown_count:
            say(f"  not in it: {one.unknown_count} invoices of {one.unknown} of which nothing is known")
