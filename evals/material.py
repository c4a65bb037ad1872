"""Training files of users, read strictly: what is wrong with one is said before anything is fitted.

CSV with any delimiter, or JSON lines (.jsonl, .ndjson); UTF-8 unless another encoding is named. Headers may be the
synonyms that `countersign duplicates` and `countersign risk` know, or what a mapping file says of a CSV file.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from api.commands import duplicates as ledgers
from api.commands import risk as receivables
from api.commands.cells import BadCell, Habit, habit
from api.commands.listing import SHOWN, say
from api.commands.mapping import ColumnMap, Synonyms, read_map
from api.commands.tables import Row, Table, normal_header, read_table
from evals.datasets import Labelled, Ledger, Portfolio
from governance.case import DOCUMENT_CLASSES
from governance.errors import Malformed
from models.duplicates import Invoice
from models.features import Receivable

Made = TypeVar("Made")

LEAST_TEXTS = 20
LEAST_INVOICES = 40
_JSON = (".jsonl", ".ndjson")
_TEXTS: Synonyms = {
    "text": ("content", "body", "ocr text"),
    "document_class": ("label", "class", "category", "document type"),
    "source": ("collection", "corpus", "origin system"),
    "group": ("writer", "sender", "supplier"),
}
_LEDGER: Synonyms = {**ledgers.FIELDS, "duplicate_of": ("duplicate", "duplicate id", "original", "original id")}


@dataclass(frozen=True, slots=True)
class Source:
    """The file as it was read: what the manifest of a bundle says about it."""

    name: str
    sha256: str
    rows: int


@dataclass(frozen=True, slots=True)
class How:
    """How a file is written. `mapping`: a mapping file as `countersign duplicates --map` takes it, for CSV."""

    encoding: str = "utf-8"
    mapping: Path | None = None


def texts(path: Path, how: How) -> tuple[list[Labelled], Source, bool]:
    """(texts with their classes, the file, whether it names groups or sources). Raises Malformed, OSError."""
    table = _read(path, how, _TEXTS, (("text",), ("document_class",)))

    def made(row: Row, habit: Habit) -> Labelled:
        label = row.required("document_class").strip()
        if label not in DOCUMENT_CLASSES:
            raise BadCell(f"{label[:40]!r} is no class; classes are {', '.join(DOCUMENT_CLASSES)}")
        source = row.optional("source") or ""
        group = row.optional("group") or f"row {row.line}"
        return Labelled(row.required("text"), label, source, f"{source}|{group}")

    found = _made(path, table, made)
    counts = Counter(one.label for one in found)
    _enough(path, len(found), LEAST_TEXTS, "texts")
    if len(counts) < 2:
        raise Malformed(
            f"{path}: every text is {next(iter(counts))!r}; a classifier needs two classes or more: add texts of others"
        )
    return found, source(path, len(found)), bool({"group", "source"} & table.fields)


def ledger(path: Path, how: How) -> tuple[Ledger, Source]:
    """A ledger whose column duplicate_of names the invoice that a row repeats. Raises Malformed, OSError."""
    required = (*ledgers.REQUIRED, ("duplicate_of",))
    table = _read(path, how, _LEDGER, required, ("amount",), ("invoice_date", "posting_date"))

    def made(row: Row, habit: Habit) -> tuple[Invoice, str | None]:
        return ledgers.invoice(row, habit), row.optional("duplicate_of")

    rows = _made(path, table, made)
    _enough(path, len(rows), LEAST_INVOICES, "invoices")
    ids = Counter(invoice.invoice_id for invoice, _ in rows)
    if repeated := [name for name, count in ids.items() if count > 1]:
        raise Malformed(f"{path}: invoice_id {repeated[0]} stands on {ids[repeated[0]]} rows; every row needs its own")
    pairs = [(original, invoice.invoice_id, "given") for invoice, original in rows if original is not None]
    if unknown := [pair for pair in pairs if pair[0] not in ids or pair[0] == pair[1]]:
        raise Malformed(
            f"{path}: {unknown[0][1]} says that it repeats {unknown[0][0]}, which is not another row that could be read"
        )
    if not pairs:
        raise Malformed(f"{path}: duplicate_of is empty on every row; a scorer needs duplicates to learn from")
    if len(pairs) == len(rows):
        raise Malformed(f"{path}: every row is a duplicate; a scorer needs invoices that are none, too")
    return Ledger(path.stem, [invoice for invoice, _ in rows], pairs), source(path, len(rows))


def portfolio(path: Path, how: How, least: int) -> tuple[Portfolio, Source]:
    """Receivables with their payments, at least `least` of them settled. Raises Malformed, OSError."""
    required = (*receivables.REQUIRED, ("clear_date",))
    table = _read(path, how, receivables.FIELDS, required, ("amount",), ("posting_date", "due_date", "clear_date"))
    items = _made(path, table, receivables.receivable)
    invoices = [one for one in items if one.amount >= 0]
    paid = [one.clear_date for one in invoices if one.clear_date is not None]
    if len(invoices) < len(items):
        say(f"{path}: {len(items) - len(invoices)} negative amounts are read as credit notes")
    _enough(path, len(paid), least, "paid invoices")
    end = max(paid)
    settled = [_late(one, end) for one in invoices if one.due_date < end]
    if len(set(settled)) < 2:
        said = "late" if settled and settled[0] else "on time"
        raise Malformed(f"{path}: every settled invoice was paid {said}; a model needs both kinds")
    return Portfolio(path.stem, items, end), source(path, len(items))


def rows(
    path: Path, how: How, fields: Synonyms, required: Sequence[Sequence[str]], make: Callable[[Row, Habit], Made]
) -> list[Made]:
    """What can be made of the rows of any such file. Raises Malformed where most cannot, OSError."""
    return _made(path, _read(path, how, fields, required), make)


def _late(one: Receivable, end: date) -> bool:
    return one.clear_date is None or one.clear_date > one.due_date or one.clear_date > end


def _read(
    path: Path,
    how: How,
    fields: Synonyms,
    required: Sequence[Sequence[str]],
    amounts: Sequence[str] = (),
    dates: Sequence[str] = (),
) -> Table:
    said = read_map(how.mapping, fields)
    encoding = said.format.get("encoding", how.encoding)
    text = _decoded(path, encoding)
    if path.suffix.lower() in _JSON:
        if how.mapping is not None:
            raise Malformed(f"{path}: --map is for CSV files; name the keys of JSON lines as the fields")
        return _json_table(path, text, fields, required, amounts, dates)
    chosen = "utf-8-sig" if encoding.lower().replace("_", "-") in ("utf-8", "utf8") else encoding
    mapping = ColumnMap(said.columns, said.constants, {**said.format, "encoding": chosen})
    return read_table(path, fields, required, mapping, amounts=amounts, dates=dates)


def _decoded(path: Path, encoding: str) -> str:
    """The text of the file. Nothing is guessed: a model would learn what a wrong guess makes of names and amounts."""
    if path.is_dir():
        raise Malformed(f"{path} is a folder: give one file of it")
    content = path.read_bytes()
    wide = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    hint = "say --encoding utf-16" if wide else "name its encoding with --encoding, such as cp1252"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        where = f"byte 0x{content[error.start]:02x} at {error.start} does not belong there"
        raise Malformed(f"{path}: not readable as {encoding} ({where}): {hint}") from None
    except (LookupError, ValueError):
        raise Malformed(f"{path}: there is no encoding {encoding!r}: give one such as utf-8, cp1252, utf-16") from None
    if "\0" in text:
        raise Malformed(
            f"{path}: not text in {encoding} (it has NUL characters): export it as CSV, or name its encoding with "
            "--encoding, such as utf-16"
        )
    return text


def _json_table(
    path: Path,
    text: str,
    fields: Synonyms,
    required: Sequence[Sequence[str]],
    amounts: Sequence[str],
    dates: Sequence[str],
) -> Table:
    """JSON lines as a table: keys are headers, whatever is not text becomes text."""
    objects = _objects(path, text)
    names = {normal_header(own): name for name, others in fields.items() for own in reversed((name, *others))}
    keys = list(dict.fromkeys(key for _, found in objects for key in found))
    columns: dict[str, str] = {}
    for key in sorted(keys, key=lambda key: key not in fields):  # a field's own name wins over its synonyms
        if (name := names.get(normal_header(key))) is not None:
            columns.setdefault(name, key)
    if missing := [" or ".join(group) for group in required if not set(group) & set(columns)]:
        raise Malformed(f"{path}: no key for {', '.join(missing)}; the file has {', '.join(keys)}")
    rows = [Row(line, {name: _cell(found.get(key)) for name, key in columns.items()}) for line, found in objects]
    samples = [[row[name] for row in rows for name in names if row[name]] for names in (amounts, dates)]
    how = habit(*samples, decimal=None, order=None)
    return Table(path, tuple(rows), frozenset(columns), how, (), how.assumed)


def _objects(path: Path, text: str) -> list[tuple[int, Mapping[str, Any]]]:
    found: list[tuple[int, Mapping[str, Any]]] = []
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        if not line.strip():
            continue
        try:
            one = json.loads(line)
        except ValueError as error:
            raise Malformed(f"{path}:{number}: not JSON ({error})") from None
        if not isinstance(one, dict):
            raise Malformed(f"{path}:{number}: a line must be one JSON object")
        found.append((number, one))
    if not found:
        raise Malformed(f"{path}: the file is empty")
    return found


def _cell(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)


def _made(path: Path, table: Table, make: Callable[[Row, Habit], Made]) -> list[Made]:
    """What can be made of the rows; the others are named on stderr. Raises Malformed where most cannot."""
    good, bad = table.made(make)
    if len(bad) > len(good):
        raise Malformed(
            f"{path}: {len(bad)} of {len(bad) + len(good)} rows are of no use; the first, on line {bad[0].line}: "
            f"{bad[0].reason}"
        )
    for one in bad[:SHOWN]:
        say(f"{path}:{one.line}: {one.reason}")
    if bad:
        say(f"{path}: {len(bad)} of {len(bad) + len(good)} rows are left out; the model learns from the others")
    return good


def _enough(path: Path, found: int, least: int, what: str) -> None:
    if found < least:
        raise Malformed(f"{path}: {found} {what}, but it takes at least {least} to learn anything")


def beside(one: Source, other: Source) -> Source:
    """Two sources as one."""
    both = hashlib.sha256(f"{one.sha256}\n{other.sha256}\n".encode()).hexdigest()
    return Source(f"{one.name} and {other.name}", both, one.rows + other.rows)


def source(path: Path, rows: int) -> Source:
    """A file as it was read."""
    return Source(path.name, hashlib.sha256(path.read_bytes()).hexdigest(), rows)
