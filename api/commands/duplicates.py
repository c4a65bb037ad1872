"""countersign duplicates: likely duplicates in a ledger, or between a ledger and its history."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from api.audit.fields import FIELDS, REQUIRED, invoice
from api.audit.ledger import Ledger, read_ledger
from api.commands.listing import say, say_rejected, show
from api.commands.mapping import ColumnMap, read_map, with_flags
from governance.errors import Malformed, Unavailable

if TYPE_CHECKING:
    from api.audit.rates import RateFile
    from models.duplicates import DuplicatePair, Invoice, Join
    from models.pair_groups import DuplicateGroup

__all__ = ["FIELDS", "REQUIRED", "invoice"]

HELP = "find likely duplicates in a ledger of supplier invoices"

COLUMNS = (
    "left_id", "right_id", "probability", "kind", "reasons", "queue", "group", "alert", "at_risk", "currency",
    "left_no", "right_no", "left_date", "right_date", "left_amount", "right_amount", "left_vendor", "right_vendor",
    "left_at", "right_at",
)  # fmt: skip
"""What is told of a pair. `at_risk` is the group's; `left_at` is the file and line."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "ledger", type=Path, nargs="+", metavar="LEDGER.csv", help="invoices, one a row: CSV, or a spreadsheet"
    )
    parser.add_argument(
        "--against", type=Path, action="append", default=[], metavar="HISTORY.csv",
        help="older invoices to compare the ledger with",
    )  # fmt: skip
    parser.add_argument("--engine", choices=("duckdb", "spark"), default="duckdb", help="what joins the keys")
    parser.add_argument("--threshold", type=float, default=0.5, help="least probability to report (default 0.5)")
    parser.add_argument(
        "--renumbered", type=float, metavar="P",
        help="least probability of pairs with unlike numbers, which have a queue of their own (1.1: none)",
    )  # fmt: skip
    parser.add_argument(
        "--rates", type=Path, metavar="CSV",
        help="exchange rates by day, so that amounts in two currencies are compared: date, from, to, rate; or date and "
        "a column for each currency, in units for one EUR",
    )  # fmt: skip
    parser.add_argument(
        "--rate-days", type=int, metavar="N",
        help="how many days a rate holds where no newer one is known (default 31)",
    )  # fmt: skip
    parser.add_argument("--report", type=Path, metavar="HTML", help="write a report for the audit file there")
    parser.add_argument("--locale", default="en", help="how the report writes amounts, such as de_DE (default en)")
    reading = parser.add_argument_group("how the files are written, where they do not say it themselves")
    reading.add_argument("--map", type=Path, metavar="TOML", help="which column is which field")
    reading.add_argument(
        "--column", action="append", default=[], metavar="FIELD=HEADER",
        help='one column, such as invoice_no="Supplier Ref"; invoice_no=none where the export has none; '
        "fields are " + ", ".join(FIELDS),
    )  # fmt: skip
    reading.add_argument(
        "--constant", action="append", default=[], metavar="FIELD=VALUE", help="for all rows, such as currency=GBP"
    )
    reading.add_argument("--dates", choices=("day_first", "month_first"), help="how 03/04/2018 is read")
    reading.add_argument("--decimal", choices=(",", "."), help="the decimal mark of amounts")
    reading.add_argument("--delimiter", metavar="MARK", help="between cells: one character, or tab")
    reading.add_argument("--encoding", help="such as cp1252 or utf-16")
    reading.add_argument("--sheet", help="of a spreadsheet")
    reading.add_argument(
        "--rows", choices=("lines", "documents"),
        help="what rows with one invoice_id are: lines of one document, which are summed (default), or documents",
    )  # fmt: skip


_STAGES = {"keys": "keys and candidates", "habits": "habits of vendors", "pairs": "comparing pairs"}


def _mapping(args: argparse.Namespace) -> ColumnMap:
    said = {name: getattr(args, name) for name in ("dates", "decimal", "delimiter", "encoding", "sheet", "rows")}
    mapping = with_flags(read_map(args.map, FIELDS), FIELDS, columns=args.column, constants=args.constant, format=said)
    if mapping.columns.get("amount") == ("none",):
        raise Malformed("invoices cannot be compared without their amounts: name the column of amount")
    return mapping


def read_invoices(path: Path, mapping: ColumnMap) -> tuple[list[Invoice], bool]:
    """The invoices of a file, and True where rows were left out. What a person should know goes to stderr."""
    ledger = read_ledger([path], mapping)
    _say_ledger(ledger)
    return ledger.invoices, bool(ledger.rejected)


class _Progress:
    """A bar for each stage on a terminal, and nothing elsewhere."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()
        self._bar: Any = None
        self._stage = ""

    def __call__(self, stage: str, done: int, total: int) -> None:
        if not self._shown:
            return
        stage = _STAGES.get(stage, stage)
        if stage != self._stage:
            from tqdm import tqdm

            self.close()
            self._stage, self._bar = stage, tqdm(desc=stage, total=total or None, unit_scale=True, delay=1, leave=False)
        self._bar.total = total or None
        self._bar.update(done - self._bar.n)

    def reading(self, count: int) -> None:
        self("reading rows", count + (self._bar.n if self._bar is not None else 0), 0)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def _say_ledger(ledger: Ledger) -> None:
    """How each file was read, on stderr: the columns, what was assumed, what was left out."""
    for file in ledger.files:
        say(f"{file.path}: " + ", ".join(f"{name} = {header}" for name, header in file.headers))
        for note in file.notes:
            say(f"{file.path}: {note}")
        say_rejected(file.path, file.rejected, file.rows)


def _rates(args: argparse.Namespace) -> RateFile | None:
    """The table of rates, and what it holds on stderr. Raises Malformed."""
    if args.rates is None:
        if args.rate_days is not None:
            raise Malformed("--rate-days says how long the rates of a table hold: give the table with --rates")
        return None
    from api.audit.rates import read_rates
    from models.duplicates import WITHIN_DAYS

    within = WITHIN_DAYS if args.rate_days is None else args.rate_days
    if not 0 <= within <= 3660:
        raise Malformed("--rate-days must be between 0 and 3660")
    found = read_rates(args.rates, within)
    for note in (found.says(), *found.notes):
        say(f"{found.path}: {note}")
    return found


def _join(engine: str) -> Join:
    from models.duplicates import candidate_pairs, spark_candidate_pairs

    return spark_candidate_pairs if engine == "spark" else candidate_pairs


def _records(
    pairs: Sequence[DuplicatePair], groups: Sequence[DuplicateGroup], ledgers: Sequence[Ledger]
) -> list[dict[str, object]]:
    wanted = {one for pair in pairs for one in (pair.left_id, pair.right_id)}
    found: dict[str, tuple[Invoice, str]] = {}
    for ledger in ledgers:
        for one, (file, line) in zip(ledger.invoices, ledger.places, strict=True):
            if one.invoice_id in wanted:
                found.setdefault(one.invoice_id, (one, f"{ledger.files[file].path}:{line}"))
    group_of = {(pair.left_id, pair.right_id): at for at, group in enumerate(groups, 1) for pair in group.pairs}
    records = []
    for pair in pairs:
        at = group_of[pair.left_id, pair.right_id]
        record: dict[str, object] = {
            "left_id": pair.left_id, "right_id": pair.right_id, "probability": pair.probability, "kind": pair.kind,
            "reasons": list(pair.reasons), "queue": pair.queue, "group": at, "alert": groups[at - 1].alert,
            "at_risk": str(groups[at - 1].at_risk), "currency": groups[at - 1].currency,
        }  # fmt: skip
        for side, (one, place) in (("left", found[pair.left_id]), ("right", found[pair.right_id])):
            day = one.invoice_date or one.posting_date
            record |= {
                f"{side}_no": one.invoice_no, f"{side}_date": day.isoformat() if day else None,
                f"{side}_amount": str(one.amount), f"{side}_vendor": one.vendor_name or one.vendor_id,
                f"{side}_at": place,
            }  # fmt: skip
        records.append(record)
    return records


def run(args: argparse.Namespace) -> int:
    """0 done, 1 rows were left out (the result holds the others). Raises Malformed for files or options of no use."""
    from api.audit.rates import unrated
    from models.bundle import default_bundle
    from models.duplicates import find_duplicates, require_spark
    from models.pair_groups import groups

    if not 0.0 <= args.threshold <= 1.0:
        raise Malformed("--threshold must be between 0 and 1")
    for flag, path in (("--out", args.out), ("--report", args.report)):
        # Said now, not after an hour of work.
        if path is not None and (path.is_dir() or not path.absolute().parent.is_dir()):
            raise Malformed(f"{flag} {path}: there is no folder to write that file into")
    if args.engine == "spark":
        try:
            require_spark()
        except Unavailable as missing:
            raise Malformed(missing.detail) from None
    if args.report is not None:
        from api.audit.amounts import Amounts

        amounts = Amounts(args.locale)
    mapping = _mapping(args)
    rates = _rates(args)
    progress = _Progress()
    try:
        history = read_ledger(args.against, mapping, tick=progress.reading)
        ledger = read_ledger(args.ledger, mapping, before=history, tick=progress.reading)
        progress.close()
        _say_ledger(ledger)
        _say_ledger(history)
        dated = None if rates is None else rates.rates
        currencies = unrated([*ledger.invoices, *history.invoices], dated)
        for note in currencies:
            say(note)
        bundle = default_bundle(args.home)
        found = find_duplicates(
            ledger.invoices, bundle.pair_scorer, against=history.invoices, threshold=args.threshold,
            renumbered=args.renumbered, join=_join(args.engine), rates=dated, progress=progress,
        )  # fmt: skip
        grouped = groups([*ledger.invoices, *history.invoices], found)
    finally:
        progress.close()
    show(args, COLUMNS, _records(found, grouped, (ledger, history)))
    if args.report is not None:
        from api.audit.report import Run, write

        about = Run(ledger, history, found, grouped, args.threshold, args.engine, bundle.digest, datetime.now(UTC),
                    rates, tuple(currencies))  # fmt: skip
        write(args.report, about, amounts)
        say(f"report written to {args.report}")
    _say_found(ledger, found, grouped)
    return 1 if ledger.rejected or history.rejected else 0


def _unreported(ledger: Ledger, found: Sequence[DuplicatePair]) -> int:
    """Sets of documents with one supplier, number, date and amount of which no pair is reported."""
    told = {one for pair in found for one in (pair.left_id, pair.right_id)}
    sets: dict[tuple[object, ...], list[str]] = {}
    for one in ledger.invoices:
        if one.invoice_no and (one.vendor_id or one.vendor_name):
            same = (one.vendor_id or one.vendor_name, one.invoice_no, one.invoice_date, one.amount, one.currency)
            sets.setdefault((*same, one.entity, one.doc_type), []).append(one.invoice_id)
    return sum(len(ids) > 1 and told.isdisjoint(ids) for ids in sets.values())


def _say_found(ledger: Ledger, found: Sequence[DuplicatePair], grouped: Sequence[DuplicateGroup]) -> None:
    kinds = ", ".join(f"{count} {kind}" for kind, count in Counter(pair.kind for pair in found).most_common())
    say(f"{len(found)} likely pairs among {len(ledger.invoices)} invoices" + (f": {kinds}" if kinds else ""))
    alerts = sum(group.alert and group.queue == "duplicate" for group in grouped)
    apart = sum(group.alert and group.queue != "duplicate" for group in grouped)
    if equal := _unreported(ledger, found):
        say(
            f"{equal} sets of documents with the same supplier, number, date and amount are not reported: where a "
            "supplier repeats itself that often, it says little (--report lists them)"
        )
    if not ledger.invoices:
        say("there is no row to compare: is it the right file, and the right column for each field?")
    if grouped:
        say(
            f"{len(grouped)} groups: {alerts} to look into, {apart} that may be billed anew under another number, "
            f"{len(grouped) - alerts - apart} reversed already"
        )
