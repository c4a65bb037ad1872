"""Labelled documents of the record: what people corrected, as texts to fit on, and whether they are enough."""

from __future__ import annotations

import argparse
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from api.learning import LEAST_OF_CLASS, LEAST_TEXTS, words
from evals.datasets import Labelled
from evals.material import Source
from governance.case import DOCUMENT_CLASSES
from governance.record.corrections import LabelledText


@dataclass(frozen=True, slots=True)
class Record:
    """`texts`: of classes with enough documents. `classes`: every class that anybody named, with its state."""

    texts: list[Labelled]
    source: Source
    classes: list[dict[str, Any]]

    @property
    def state(self) -> str:
        """In words: `enough`, or how far it is."""
        return words(len(self.texts), LEAST_TEXTS)

    @property
    def enough(self) -> bool:
        return len(self.texts) >= LEAST_TEXTS


def read(args: argparse.Namespace) -> Record:
    """The rows of this installation's record, as whoever holds the key may read them: of people who may still correct,
    and nothing that was erased. Raises Unavailable without a database, NotPermitted."""
    from api.acting import reader_key
    from api.wiring import connect
    from governance import permit
    from governance.record import corrections, people

    with connect(args.home) as system, system.database.transaction("review", reader_key(args, system)) as conn:
        permit.may_read(people.whoami(conn))
        return of(corrections.labelled_texts(conn))


def of(rows: Sequence[LabelledText]) -> Record:
    """Documents of one supplier are one writer's; those of nobody known are writers of their own."""
    counts = Counter(row.document_class for row in rows)
    used = [row for row in rows if counts[row.document_class] >= LEAST_OF_CLASS]
    lines = "".join(f"{row.document_sha256} {row.document_class}\n" for row in used)
    return Record(
        [
            Labelled(row.text, row.document_class, "", f"record|{row.supplier_id or row.document_sha256}")
            for row in used
        ],
        Source("the record", hashlib.sha256(lines.encode()).hexdigest(), len(used)),
        [
            {
                "document_class": name,
                "documents": counts[name],
                "needed": LEAST_OF_CLASS,
                "state": words(counts[name], LEAST_OF_CLASS),
            }
            for name in DOCUMENT_CLASSES
            if counts[name]
        ],
    )
