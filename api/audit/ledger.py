"""A ledger out of one or several exports: rows become documents, and nothing is lost in silence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from math import gcd
from pathlib import Path

from api.audit import fields
from api.audit.numbering import line_stems
from api.commands.cells import BadCell, blank, day
from api.commands.headers import unwanted
from api.commands.mapping import ROW, ColumnMap
from api.commands.tables import Rejected, Row, Table, Tick, read_table
from models.invoice import Invoice, normal_name

_LOOKED_AT = 2_000
_NO_DATES = 0.1

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class LedgerFile:
    """One file as it was read. `rows`: below its header; `rejected`: those of no use, in order of their lines."""

    path: Path
    sha256: str
    rows: int
    documents: int
    headers: tuple[tuple[str, str], ...]
    unused: tuple[str, ...]
    notes: tuple[str, ...]
    rejected: tuple[Rejected, ...]


@dataclass(frozen=True, slots=True)
class Ledger:
    """The documents of some files, each with an id of its own. `places`: (file, line) of each document."""

    invoices: list[Invoice]
    places: list[tuple[int, int]]
    files: tuple[LedgerFile, ...]

    @property
    def rejected(self) -> int:
        return sum(len(one.rejected) for one in self.files)


@dataclass(slots=True)
class _Document:
    """Lines of one document. `key`: the ledger's own id for it, '' where it has none."""

    invoice: Invoice
    line: int
    key: str


def read_ledger(
    paths: Sequence[Path], mapping: ColumnMap, *, before: Ledger | None = None, tick: Tick | None = None
) -> Ledger:
    """The documents of the files. `before`: documents whose ids are taken, such as the ledger of a history.

    Raises Malformed where a file is no table or a column is missing.
    """
    taken = {one.invoice_id: one for one in before.invoices} if before else {}
    own: set[str] = set()
    ledger = Ledger([], [], ())
    files = []
    for at, (path, label) in enumerate(zip(paths, _labels(paths), strict=True)):
        file, documents = _read(path, label, mapping, tick)
        notes = list(file.notes)
        repeated = renamed = 0
        for document in documents:
            one = document.invoice
            first = taken.get(one.invoice_id)
            if first is not None and replace(first, amount=one.amount) == one and first.amount == one.amount:
                if one.invoice_id in own:
                    repeated += 1
                    continue
            elif first is not None:
                renamed += 1
                one = replace(one, invoice_id=_free(f"{label}/{one.invoice_id}", taken))
            taken[one.invoice_id] = one
            own.add(one.invoice_id)
            ledger.invoices.append(one)
            ledger.places.append((at, document.line))
        if repeated:
            notes.append(f"{repeated} documents stand in an earlier file already and count once")
        if renamed:
            notes.append(
                f"{renamed} documents have the id of another one in an earlier file: {label}/ stands before it"
            )
        files.append(replace(file, notes=tuple(notes)))
    return replace(ledger, files=tuple(files))


def _labels(paths: Sequence[Path]) -> list[str]:
    """The shortest end of each path that is its own."""
    labels = []
    for path in paths:
        parts = path.parts
        mine = next(
            (
                "/".join(parts[-count:])
                for count in range(1, len(parts) + 1)
                if sum(other.parts[-count:] == parts[-count:] for other in paths) == 1
            ),
            str(path),
        )
        labels.append(mine)
    return labels


def _free(wanted: str, taken: dict[str, Invoice]) -> str:
    at, name = 1, wanted
    while name in taken:
        at += 1
        name = f"{wanted}#{at}"
    return name


def _read(path: Path, label: str, mapping: ColumnMap, tick: Tick | None) -> tuple[LedgerFile, list[_Document]]:
    required = [group for group in fields.REQUIRED if group != ("invoice_id",)]
    table = read_table(
        path, fields.FIELDS, required, mapping, amounts=("amount",), dates=("invoice_date", "posting_date"), tick=tick
    )
    missing = unwanted(mapping.columns) & {"invoice_no", "invoice_date"}
    notes = list(table.notes)
    if "invoice_date" not in missing and _dateless(table):
        missing |= {"invoice_date"}
        notes.append(
            f"{table.headers.get('invoice_date', 'invoice_date')} holds no dates: invoices are compared without"
        )
    if "invoice_no" in missing:
        notes.append("no invoice numbers: pairs rest on vendor, amount, date and text, so expect more false alarms")
    numbered = mapping.columns.get("invoice_id") == (ROW,) or _is_number_again(table)
    rejected = list(table.rejected)
    made = [*_made(table, missing, rejected)]
    if not numbered and "invoice_no" in missing:
        made = line_stems(made, notes)
    documents, more = _documents(made, label, numbered, mapping.format.get("rows") == "documents")
    notes += more
    kept = [one for one in documents if one.invoice.amount]
    if len(kept) < len(documents):
        notes.append(f"{len(documents) - len(kept)} documents of amount 0 are not compared")
    notes += unusual([one.invoice for one in kept])
    rows = len(table.rows) + len(table.rejected)
    headers = tuple(sorted(table.headers.items(), key=lambda item: list(fields.FIELDS).index(item[0])))
    bad = tuple(sorted(rejected, key=lambda one: one.line))
    return LedgerFile(path, table.sha256, rows, len(kept), headers, table.unused, tuple(notes), bad), kept


def _dateless(table: Table) -> bool:
    """True where hardly a cell of the date's column is a date: a column of times, say."""
    filled = good = 0
    for row in table.rows[:_LOOKED_AT]:
        if blank(row["invoice_date"]):
            continue
        filled += 1
        try:
            day(row["invoice_date"], table.how, "invoice_date")
            good += 1
        except BadCell:
            continue
    return filled > 0 and good < _NO_DATES * filled


def _is_number_again(table: Table) -> bool:
    """True where the id is the supplier's number itself: it cannot tell one document from its copy."""
    if "invoice_id" not in table.fields:
        return True
    if table.headers.get("invoice_id") == table.headers.get("invoice_no"):
        return True
    both = [(row["invoice_id"].strip(), row["invoice_no"].strip()) for row in table.rows[:_LOOKED_AT]]
    return len(both) > 20 and sum(left == right for left, right in both) > 0.98 * len(both)


Made = tuple[Row, Invoice]


def _made(table: Table, missing: frozenset[str], rejected: list[Rejected]) -> Iterator[Made]:
    """Every row as an invoice of its id ('' where it has none); what is of no use goes to `rejected`."""
    for row in table.rows:
        try:
            one = fields.loose(row, table.how, row.optional("invoice_id") or "", missing)
        except BadCell as error:
            rejected.append(Rejected(row.line, str(error)))
        else:
            yield Row(row.line, {}, row.seal), one


def _documents(made: Sequence[Made], label: str, numbered: bool, rows: bool) -> tuple[list[_Document], list[str]]:
    """Documents in order of their first line, and what a person should know.

    Rows with one id, vendor, number and currency are lines of one document. Where the ledger gives no id, rows of one
    vendor, number and date are, but for repeated rows: twice the same rows are two documents.
    """
    documents: dict[tuple[str, ...], _Document] = {}
    loose: dict[tuple[str, ...], list[Made]] = {}
    used: set[str] = set()
    summed = apart = 0
    for row, one in made:
        key, vendor = "" if numbered else one.invoice_id, one.vendor_id or one.vendor_name
        if not key:
            known = (one.vendor_id or normal_name(one.vendor_name)) and one.invoice_no and not rows
            group = (vendor, one.invoice_no, str(one.invoice_date), one.entity, one.currency, one.doc_type)
            loose.setdefault(group if known else (str(row.line),), []).append((row, one))
            continue
        first = None if rows else documents.get((key, vendor, one.invoice_no, one.currency))
        if first is not None:
            first.invoice = replace(first.invoice, amount=first.invoice.amount + one.amount)
            summed += 1
            continue
        if key in used:
            apart += 1
            one = replace(one, invoice_id=f"{key}#{row.line}")
        used.add(key)
        place = (key, vendor, one.invoice_no, one.currency, str(row.line) if rows else "")
        documents[place if rows else place[:4]] = _Document(one, row.line, key)
    copies = list(_copies(loose, label))
    notes = []
    if apart:
        notes.append(f"{apart} rows repeat the id of another invoice: their line stands behind it")
    unnamed = sum(map(len, loose.values()))
    if unnamed:
        why = "no column identifies documents" if numbered else f"{unnamed} rows have no id"
        notes.append(f"{why}: they are named by file and line ({label}:{next(iter(loose.values()))[0][0].line})")
    summed += unnamed - len(copies)
    if summed:
        notes.append(f"{summed} rows are further lines of a document and were added to it (--rows documents: no sums)")
    return sorted([*documents.values(), *copies], key=lambda one: one.line), notes


def _copies(loose: dict[tuple[str, ...], list[Made]], label: str) -> Iterator[_Document]:
    """Rows without an id as documents: as many copies as every row of the group occurs."""
    for group in loose.values():
        counts = Counter(row.seal for row, _ in group)
        copies = gcd(*counts.values())
        part: Counter[int] = Counter()
        found: list[list[Made]] = [[] for _ in range(copies)]
        for row, one in group:
            found[part[row.seal] * copies // counts[row.seal]].append((row, one))
            part[row.seal] += 1
        for lines in found:
            (row, one), amount = lines[0], sum((line.amount for _, line in lines), Decimal(0))
            yield _Document(replace(one, invoice_id=f"{label}:{row.line}", amount=amount), row.line, "")


def unusual(invoices: Sequence[Invoice]) -> list[str]:
    """What a person should know of the documents: credit notes by sign, redacted names."""
    negative = sum(one.amount < 0 for one in invoices)
    hidden = [one for one in invoices if not blank(one.vendor_name) and not normal_name(one.vendor_name)]
    nameless = sum(not one.vendor_id for one in hidden)
    notes = []
    if negative:
        notes.append(f"{negative} rows with a negative amount are read as credit notes")
    if hidden:
        notes.append(
            f"{len(hidden)} vendor names are redacted and not compared; {nameless} of these rows have no "
            "vendor_id and are compared by number and amount alone"
        )
    return notes
