"""Pairs of invoices that people labelled, in a file or by deciding on them, and whether they are enough."""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from api.audit.fields import FIELDS
from api.audit.ledger import read_ledger
from api.commands.cells import BadCell, Habit
from api.commands.listing import say
from api.commands.mapping import Synonyms, read_map
from api.commands.tables import Row
from api.learning import words
from evals import material
from evals.material import How, Source
from governance.errors import Malformed
from models.blocking import candidate_pairs, key_tables
from models.duplicates import Invoice
from models.invoice import vendor_key
from models.pair_columns import columns
from models.pair_context import LedgerContext
from models.pair_features import column_features
from models.pair_learning import LEAST_EACH, Floats, LabelledPairs

MOST = 50_000
"""Invoices of the record that are looked at: those of the labelled pairs' suppliers, the last ones."""
_UNLABELLED = 20_000
_PAIRS: Synonyms = {
    "left_id": ("left", "id a", "first id", "invoice a"),
    "right_id": ("right", "id b", "second id", "invoice b"),
    "label": ("is duplicate", "duplicate", "match", "verdict"),
}
_YES = frozenset(("1", "yes", "y", "true", "duplicate", "same"))
_NO = frozenset(("0", "no", "n", "false", "other", "different"))

Label = tuple[str, str, bool]


@dataclass(frozen=True, slots=True)
class PairLabels:
    """Invoices and which pairs of them are one bill: (left id, right id, duplicate), no pair twice."""

    invoices: Sequence[Invoice]
    labels: Sequence[Label]
    source: Source

    @property
    def duplicates(self) -> int:
        return sum(duplicate for _, _, duplicate in self.labels)

    @property
    def enough(self) -> bool:
        return min(self.duplicates, len(self.labels) - self.duplicates) >= LEAST_EACH

    @property
    def state(self) -> str:
        """In words: `enough`, or how far the rarer label is."""
        return words(min(self.duplicates, len(self.labels) - self.duplicates), LEAST_EACH)

    @property
    def classes(self) -> list[dict[str, Any]]:
        """{label, pairs, needed, state} of both labels."""
        counts = {"duplicate": self.duplicates, "other": len(self.labels) - self.duplicates}
        return [
            {"label": name, "pairs": count, "needed": LEAST_EACH, "state": words(count, LEAST_EACH)}
            for name, count in counts.items()
        ]


def read(args: argparse.Namespace) -> PairLabels | None:
    """What is asked for: a ledger with a file of pairs, or the record; None for a ledger that says it all itself.

    A file of pairs is the newer word on a pair than the record. Raises Malformed, OSError, Unavailable, NotPermitted.
    """
    if args.data is not None and args.from_record:
        raise Malformed("a ledger file and the record are different books: give --data FILE or --from-record, not both")
    how = How(args.encoding, args.map)
    if args.data is None:
        made = recorded(args)
        return made if args.pairs is None else with_file(made, args.pairs, How(args.encoding))
    if args.pairs is None:
        return None
    return with_file(of_ledger(args.data, how), args.pairs, How(args.encoding))


def of_ledger(path: Path, how: How) -> PairLabels:
    """The invoices of a file as `countersign duplicates` reads them, none of them labelled yet."""
    mapping = read_map(how.mapping, FIELDS)
    if how.encoding != "utf-8":
        mapping = replace(mapping, format={**mapping.format, "encoding": how.encoding})
    ledger = read_ledger([path], mapping)
    for file in ledger.files:
        for note in file.notes:
            say(f"{file.path}: {note}")
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return PairLabels(ledger.invoices, (), Source(path.name, sha256, len(ledger.invoices)))


def with_file(given: PairLabels, path: Path, how: How) -> PairLabels:
    """The same invoices with the labels of a file: left_id, right_id, label; rows without a label are passed over.

    Raises Malformed where a row names an invoice that is not there, or a pair is said to be both.
    """
    known = {one.invoice_id for one in given.invoices}

    def made(row: Row, habit: Habit) -> Label | None:
        said = row["label"].strip().casefold()
        if not said:
            return None
        if said not in _YES | _NO:
            raise BadCell(f"{said[:40]!r} is no label: write 1 for one bill twice, 0 for two bills, or nothing")
        left, right = row.required("left_id").strip(), row.required("right_id").strip()
        if unknown := [one for one in (left, right) if one not in known]:
            raise BadCell(f"the ledger has no invoice {unknown[0]}")
        if left == right:
            raise BadCell(f"{left} is on both sides")
        return min(left, right), max(left, right), said in _YES

    rows = [one for one in material.rows(path, how, _PAIRS, [(name,) for name in _PAIRS], made) if one is not None]
    found: dict[tuple[str, str], bool] = {}
    for left, right, duplicate in rows:
        if found.setdefault((left, right), duplicate) != duplicate:
            raise Malformed(f"{path}: {left} and {right} are said to be one bill and two: keep one of the rows")
    before = {(left, right): duplicate for left, right, duplicate in given.labels}
    labels = [(left, right, duplicate) for (left, right), duplicate in sorted({**before, **found}.items())]
    source = material.beside(given.source, material.source(path, len(rows)))
    return PairLabels(given.invoices, labels, replace(source, rows=len(labels)))


def recorded(args: argparse.Namespace) -> PairLabels:
    """What people decided on likely duplicates in this installation's record, with the bills of those suppliers."""
    from api.acting import reader_key
    from api.wiring import connect
    from governance import permit
    from governance.record import people, twin_memories

    with connect(args.home) as system, system.database.transaction("review", reader_key(args, system)) as conn:
        permit.may_read(people.whoami(conn))
        judged = twin_memories.judged(conn)
        ids = sorted({side for one in judged for side in (one.left_id, one.right_id)})
        rows = twin_memories.bills_beside(conn, ids, MOST)
        if args.pairs is not None:  # a file of pairs may be of any bill
            rows += twin_memories.newest_bills(conn, MOST)
    bills = {row["invoice_id"]: Invoice(**row) for row in rows}
    return of_record(list(bills.values()), [(one.left_id, one.right_id, one.duplicate) for one in judged])


def of_record(invoices: Sequence[Invoice], labels: Sequence[Label]) -> PairLabels:
    """Labels whose invoices are there."""
    there = {one.invoice_id for one in invoices}
    kept = sorted(
        (min(left, right), max(left, right), duplicate) for left, right, duplicate in labels if {left, right} <= there
    )
    lines = "".join(f"{left} {right} {duplicate}\n" for left, right, duplicate in kept)
    return PairLabels(invoices, kept, Source("the record", hashlib.sha256(lines.encode()).hexdigest(), len(kept)))


def rows_of(given: PairLabels, seed: int) -> tuple[LabelledPairs, Floats]:
    """(the labelled pairs as features, features of other pairs of the same ledger). Raises Malformed where none is."""
    invoices = list(given.invoices)
    at: Mapping[str, int] = {one.invoice_id: row for row, one in enumerate(invoices)}
    table = columns(invoices, LedgerContext.fit(invoices))
    left = np.array([at[one] for one, _, _ in given.labels], dtype=np.int64)
    right = np.array([at[other] for _, other, _ in given.labels], dtype=np.int64)
    others = candidate_pairs(key_tables(invoices))
    if len(others) > _UNLABELLED:
        others = others[np.sort(np.random.default_rng(seed).choice(len(others), _UNLABELLED, replace=False))]
    vendors = [vendor_key(invoices[int(row)]) or invoices[int(row)].invoice_id for row in left]
    truth = np.array([duplicate for _, _, duplicate in given.labels], dtype=np.int64)
    labelled = LabelledPairs(column_features(table, left, right), truth, vendors)
    return labelled, column_features(table, others[:, 0], others[:, 1])
