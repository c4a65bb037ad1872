"""dedupe on a ledger: blocking rules and a regularised regression, both learned from labelled pairs.

dedupe 3.0.3 asks its index for `byValue`, which BTrees 6 no longer has: the extra pins BTrees below 6.
"""

from __future__ import annotations

import importlib
import io
import json
import logging
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

import numpy as np

from evals.duplicate_ledgers import Planted
from evals.duplicate_rules import PACK, hits
from evals.duplicate_scores import Found
from evals.peers import LEAST, plain

Steps = tuple[Callable[[], None], Callable[[], list[Found]]]
Record = dict[str, Any]

# By name, because the extra may be missing where types are checked.
dedupe: Any = importlib.import_module("dedupe")
variables: Any = importlib.import_module("dedupe.variables")

_SEED, _MOST_LABELS, _SAMPLE = 7, 150, 1000


def _fields() -> list[Any]:
    """Company and currency are left out: as keys of a block they hold half of the ledger, and the library tries."""
    return [
        variables.String("invoice_no"),
        variables.ShortString("figures", has_missing=True),
        variables.String("vendor_name", has_missing=True),
        variables.ShortString("vendor_id", has_missing=True),
        variables.Price("amount"),
        variables.ShortString("invoice_date", has_missing=True),
        variables.String("description", has_missing=True),
        variables.ShortString("po", has_missing=True),
    ]


def _records(ledger: Planted) -> dict[int, Record]:
    """Prices must be above zero, so credit notes stay out, as the library's documentation has it."""
    return {
        row: {**plain(one), "amount": float(one.amount)} for row, one in enumerate(ledger.invoices) if one.amount > 0
    }


def _labels(labelled: Sequence[Planted]) -> dict[str, list[tuple[Record, Record]]]:
    """True pairs, and as many again of pairs that a rule pack flags without reason: a clerk labels what is shown."""
    match: list[tuple[Record, Record]] = []
    distinct: list[tuple[Record, Record]] = []
    for ledger in labelled:
        records = _records(ledger)
        match += [(records[left], records[right]) for left, right in ledger.twins if {left, right} <= set(records)]
        flagged = sorted({pair for rule in PACK for pair in hits(ledger.invoices, rule)} - set(ledger.twins))
        order = np.random.default_rng(_SEED).permutation(len(flagged))
        chosen = (flagged[at] for at in order if flagged[at] not in ledger.aside)
        distinct += [(records[left], records[right]) for left, right in islice(chosen, 2 * len(ledger.twins))]
    return {"match": match[:_MOST_LABELS], "distinct": distinct[:_MOST_LABELS]}


def supervised(ledger: Planted, labelled: Sequence[Planted]) -> Steps:
    """Labels of other ledgers; blocking is learned on them and on a sample of this one."""
    logging.getLogger("dedupe").setLevel(logging.ERROR)
    data = _records(ledger)
    chosen = np.random.default_rng(_SEED).permutation(sorted(data))[:_SAMPLE]
    sample = {int(row): data[int(row)] for row in chosen}
    finder = dedupe.Dedupe(_fields(), num_cores=1)
    training = io.StringIO(json.dumps(_labels(labelled)))

    def learn() -> None:
        # Candidate rules are tried on every pair of the sample: with a whole ledger that takes many minutes.
        np.random.seed(_SEED)  # the library draws from the global generator
        finder.prepare_training(sample, training_file=training)
        finder.train(recall=0.95, index_predicates=False)

    def predict() -> list[Found]:
        scores = finder.score(finder.pairs(data))
        return [
            Found((min(pair), max(pair)), float(said))
            for pair, said in zip(scores["pairs"].tolist(), scores["score"].tolist(), strict=True)
            if said >= LEAST
        ]

    return learn, predict
