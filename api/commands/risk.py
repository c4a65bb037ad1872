"""countersign risk: how likely open customer invoices are paid late, from the payments of the past."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from api.commands.cells import BadCell, Habit, amount, day
from api.commands.listing import say, say_rejected, show
from api.commands.mapping import ColumnMap, read_map
from api.commands.tables import Rejected, Row, read_table

if TYPE_CHECKING:
    from models.features import Receivable
    from models.risk import RiskEstimate

HELP = "score open customer invoices by how late they are likely to be paid"

POSTING = "posting"
FIELDS = {
    "invoice_id": ("id", "invoice no", "invoice number", "invoice", "document no", "document number", "doc id",
                   "belegnummer", "rechnungsnummer"),
    "customer_id": ("customer", "customer no", "customer number", "cust number", "debtor", "debtor id", "client",
                    "client id", "account", "account id", "kunde", "kundennummer", "debitor"),
    "posting_date": ("invoice date", "document date", "issue date", "document create date", "posted", "date",
                     "rechnungsdatum", "buchungsdatum", "belegdatum"),
    "due_date": ("due", "due in date", "net due date", "payment due date", "falligkeit", "faelligkeit",
                 "falligkeitsdatum"),
    "amount": ("invoice amount", "total", "total amount", "total open amount", "open amount", "gross amount", "value",
               "betrag"),
    "clear_date": ("clearing date", "paid date", "payment date", "settled date", "date paid", "settlement date",
                   "paid on", "zahldatum", "ausgleichsdatum"),
}  # fmt: skip
REQUIRED = (("invoice_id",), ("customer_id",), ("posting_date",), ("due_date",), ("amount",))
COLUMNS = ("invoice_id", "p_late", "p_late_15", "p_late_30", "expected_days_late", "days_late_low", "days_late_high",
           "basis", "reasons", "priority")  # fmt: skip
_STALE_DAYS = 120


def _as_of(text: str) -> date | str:
    if text == POSTING:
        return text
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a date such as 2026-11-20 nor '{POSTING}'") from None


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("open", type=Path, metavar="OPEN.csv", help="invoices to score, one a row")
    parser.add_argument(
        "--history", type=Path, required=True, metavar="PAID.csv", help="earlier invoices with clear_date"
    )
    parser.add_argument(
        "--as-of", type=_as_of, metavar="DATE|posting",
        help="the day from which to look (default today); posting: each invoice from its own posting date",
    )  # fmt: skip
    parser.add_argument("--map", type=Path, metavar="TOML", help="which column is which field")


def receivable(row: Row, how: Habit) -> Receivable:
    """One row as a receivable. Raises BadCell where a required cell is unusable or the amount is negative."""
    from models.features import Receivable

    value = amount(row.required("amount"), how)
    if value < 0:
        raise BadCell(f"amount {value} is negative: a credit is nothing to collect")
    cleared = row.optional("clear_date")
    return Receivable(
        invoice_id=row.required("invoice_id").strip(),
        customer_id=row.required("customer_id").strip(),
        posting_date=day(row.required("posting_date"), how),
        due_date=day(row.required("due_date"), how),
        amount=value,
        clear_date=day(cleared, how) if cleared else None,
    )


Numbered = list[tuple[int, "Receivable"]]


def _read(path: Path, mapping: ColumnMap, *, history: bool) -> tuple[Numbered, list[Rejected], int]:
    """(line and receivable of each usable row, rows left out, rows in the file)."""
    required = (*REQUIRED, ("clear_date",)) if history else REQUIRED
    dates = ("posting_date", "due_date", "clear_date")
    table = read_table(path, FIELDS, required, mapping, amounts=("amount",), dates=dates)
    for note in table.notes:
        say(f"{path}: {note}")
    made, rejected = table.made(lambda row, how: (row.line, receivable(row, how)))
    seen: set[tuple[str, str]] = set()
    kept = []
    for line, one in made:
        key = (one.customer_id, one.invoice_id)
        if key in seen:
            rejected.append(Rejected(line, f"invoice_id {one.invoice_id} stands on an earlier row already"))
        else:
            seen.add(key)
            kept.append((line, one))
    return kept, rejected, len(table.rows) + len(table.rejected)


def _scorable(rows: Numbered, as_of: date | str) -> tuple[list[Receivable], list[Rejected]]:
    """The invoices that were open on the day, and those that were not."""
    kept, rejected = [], []
    for line, one in rows:
        if isinstance(as_of, date) and one.posting_date > as_of:
            rejected.append(Rejected(line, f"posted on {one.posting_date}, after {as_of}: not known yet"))
        elif isinstance(as_of, date) and one.clear_date is not None and one.clear_date < as_of:
            rejected.append(Rejected(line, f"paid on {one.clear_date}, before {as_of}: nothing to collect"))
        else:
            kept.append(one)
    return kept, rejected


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


def _estimates(
    args: argparse.Namespace, items: list[Receivable], past: list[Receivable], owed: list[Receivable], as_of: date | str
) -> list[RiskEstimate]:
    """past: the history. owed: what the file of open invoices adds to it: what else the customers owe."""
    from models.as_posted import estimate_as_of_posting
    from models.bundle import default_bundle
    from models.risk import CollectionRisk

    history = [*past, *owed]
    # After the newest row of the history only unpaid invoices are known: a model that saw them alone would
    # take everybody for late.
    newest = max((one.posting_date for one in past), default=None)
    whole = [*past, *(one for one in owed if newest is not None and one.posting_date <= newest)]
    if isinstance(as_of, date):
        risk = CollectionRisk().fit(whole, as_of)
        if risk.has_model:
            say(f"model trained on {risk.trained_rows_} invoices of this history, settled before {as_of}")
        else:
            say(
                f"{risk.trained_rows_} settled invoices before {as_of} are too few to train on ({risk.min_rows} needed)"
            )
            say("standard model for customers with five settled invoices, the rates of this history for the others")
            risk = default_bundle(args.home).risk.rebased(whole, as_of)
        return risk.predict(items, [as_of] * len(items), history)
    settled = sum(one.clear_date is not None for one in history)
    fallback = None if settled >= 2 * CollectionRisk().min_rows else default_bundle(args.home).risk
    say("each invoice as seen on its posting date; models trained month by month on what was settled by then")
    if fallback is not None:
        say(f"only {settled} payments: the standard model answers until there are enough to train on")
    return estimate_as_of_posting(items, history, fallback=fallback)


def _records(estimates: Sequence[RiskEstimate]) -> list[dict[str, object]]:
    return [
        {name: list(one.reasons) if name == "reasons" else getattr(one, name) for name in COLUMNS} for one in estimates
    ]


def run(args: argparse.Namespace) -> int:
    """0 done, 1 rows were left out (the result holds the others). Raises Malformed for files of no use."""
    as_of = args.as_of or datetime.now(UTC).astimezone().date()
    mapping = read_map(args.map, FIELDS)
    rows, rejected, count = _read(args.open, mapping, history=False)
    past, past_rejected, past_count = _read(args.history, mapping, history=True)
    items, closed = _scorable(rows, as_of)
    rejected = sorted([*rejected, *closed], key=lambda one: one.line)
    say_rejected(args.open, rejected, count)
    say_rejected(args.history, past_rejected, past_count)
    history = [one for _, one in past]
    _say_history(args.history, history, as_of)
    known = {(one.customer_id, one.invoice_id) for one in history}
    owed = [one for _, one in rows if (one.customer_id, one.invoice_id) not in known]
    estimates = _estimates(args, items, history, owed, as_of)
    show(args, COLUMNS, _records(estimates))
    strangers = {one.customer_id for one in items} - {one.customer_id for one in history}
    if strangers:
        say(f"{len(strangers)} customers have no row in the history")
    bases = ", ".join(f"{number} {basis}" for basis, number in Counter(one.basis for one in estimates).most_common())
    say(f"{len(estimates)} invoices scored" + (f": {bases}" if bases else ""))
    return 1 if rejected or past_rejected else 0
