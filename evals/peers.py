"""Entity-resolution libraries on the same ledger as ours. They come with the extra `peers`; without it they are named.

splink (https://moj-analytical-services.github.io/splink) and dedupe (https://docs.dedupe.io) are run as their
documentation says for one table without labels (splink, EM) and with labels (both), with the comparisons that their
libraries offer for numbers, names, dates and amounts. The labels are the true pairs of other ledgers of the same
generator, which is kinder to them than to ours: our scorer has never seen that generator.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec

from evals.duplicate_ledgers import Planted
from evals.duplicate_scores import Found
from models.duplicates import Invoice

LEAST = 0.01


@dataclass(frozen=True, slots=True)
class PeerRun:
    """What a library found. Seconds of wall clock: learning, and candidates with scores."""

    name: str
    found: list[Found]
    training_seconds: float
    predicting_seconds: float


def installed() -> list[str]:
    """Which of the libraries are there."""
    return [name for name in ("splink", "dedupe") if find_spec(name)]


def runs(ledger: Planted, labelled: Sequence[Planted]) -> list[Callable[[], PeerRun]]:
    """Every peer that is installed, ready to be run on `ledger`."""
    made: list[Callable[[], PeerRun]] = []
    if find_spec("splink"):
        from evals import peers_splink

        made += [
            lambda: timed("splink_em", *peers_splink.unsupervised(ledger)),
            lambda: timed("splink_labels", *peers_splink.supervised(ledger, labelled)),
        ]
    if find_spec("dedupe"):
        from evals import peers_dedupe

        made.append(lambda: timed("dedupe_labels", *peers_dedupe.supervised(ledger, labelled)))
    return made


def timed(name: str, learn: Callable[[], None], predict: Callable[[], list[Found]]) -> PeerRun:
    """A library taught and asked, each on the clock."""
    begun = time.perf_counter()
    learn()
    taught = time.perf_counter()
    found = predict()
    return PeerRun(name, found, taught - begun, time.perf_counter() - taught)


def plain(one: Invoice) -> dict[str, str | float | None]:
    """An invoice as the flat record that these libraries take; '' is nothing."""
    number = "".join(letter for letter in one.invoice_no.upper() if letter.isalnum())
    return {
        "invoice_no": number or None,
        "figures": "".join(letter for letter in number if letter.isdigit()).lstrip("0") or None,
        "vendor_id": one.vendor_id or None,
        "vendor_name": one.vendor_name.lower().strip() or None,
        "tax_id": one.tax_id,
        "iban": one.iban,
        "invoice_date": one.invoice_date.isoformat() if one.invoice_date else None,
        "amount": float(one.amount),
        "currency": one.currency or None,
        "entity": one.entity or None,
        "po": one.po,
        "description": (one.description or "").lower() or None,
    }
