"""Made-up ledgers full of near misses: what the pair scorer must not take for duplicates.

The demo company pays as most firms do. Real ledgers hold more that looks alike and is not, and they differ in
what their columns say; so every drill draws its own columns, and every vendor its own way to bill
(models/pair_drill_vendors.py). Copies come from models/pair_noise.py.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from models.invoice import Invoice
from models.pair_drill_bills import bills
from models.pair_drill_vendors import START, Fashion, Vendor, fashion, vendors_of
from models.pair_noise import copies
from models.synthetic_numbers import stream

_RUN_DAYS = (1, 7, 7, 14, 30)
_OF_CREDITS = ("resubmitted", "format", "suffix", "typo", "ocr", "date")


@dataclass(frozen=True, slots=True)
class Drill:
    """One made-up ledger and its duplicates: (first id, second id, kind)."""

    invoices: list[Invoice]
    duplicate_pairs: list[tuple[str, str, str]]


def _as_recorded(rng: random.Random, way: Fashion, posted: Sequence[Invoice]) -> list[Invoice]:
    """The bills as this ledger shows them: names withheld, the date of the payment run, numbers of its own."""
    withheld = {one.vendor_id for one in posted if rng.random() < way.withheld}
    run = rng.choice(_RUN_DAYS) if way.numbers != "document" else 30
    lines: Counter[tuple[str, date | None]] = Counter()
    documents: dict[tuple[str, date | None], int] = {}
    made = []
    for at, one in enumerate(posted):
        shown = one
        if one.vendor_id in withheld:
            shown = replace(shown, vendor_name=way.mask, tax_id=None, iban=None)
        if way.masks_ids and shown.vendor_name == way.mask:
            shown = replace(shown, vendor_id="")
        if not way.vendor_ids:
            shown = replace(shown, vendor_id="")
        if (way.dates == "run" or way.numbers == "document") and one.posting_date:
            day = one.posting_date + timedelta(days=-one.posting_date.toordinal() % run)
            shown = replace(shown, invoice_date=day, posting_date=day)
        elif way.dates == "posting":
            shown = replace(shown, invoice_date=None)
        if way.numbers == "document":
            # The ledger's own number of a payment to one vendor, and the line in it.
            of = (one.vendor_id, shown.invoice_date)
            lines[of] += 1
            shown = replace(shown, invoice_no=f"{documents.setdefault(of, 46_000_000 + at)}_{lines[of]}")
        elif way.numbers == "none":
            shown = replace(shown, invoice_no="")
        made.append(replace(shown, invoice_id=f"D{at:06d}"))
    return made


def _copied(
    rng: random.Random, way: Fashion, ledger: list[Invoice], count: int, without: Sequence[str]
) -> list[tuple[str, str, str]]:
    """Adds copies of `count` bills to the ledger; (first id, second id, kind) of each."""
    pool = [one for one in ledger if abs(one.amount) > 1]
    count = count if way.numbers != "none" else count // 4
    rng.shuffle(pool)
    pairs: list[tuple[str, str, str]] = []
    for original in pool:
        if len(pairs) >= count:
            break
        drawn = copies(rng, original, without)
        if drawn is None:
            continue
        kind, made = drawn
        if kind == "split" and len(made) < 2:
            continue
        if original.doc_type != "invoice" and kind not in _OF_CREDITS:
            continue
        ids = [original.invoice_id]
        delay = rng.choice((0, 0, 1, 3, 7, rng.randint(0, 60), 30))
        for copy in made:
            later = (original.posting_date or START) + timedelta(days=delay)
            shown = copy
            if way.dates == "run" and kind not in ("date", "renumbered"):
                shown = replace(copy, invoice_date=rng.choice((copy.invoice_date, later)))
            ids.append(f"D{len(ledger):06d}")
            ledger.append(replace(shown, invoice_id=ids[-1], posting_date=later))
            pairs.append((original.invoice_id, ids[-1], kind))
        if kind not in ("split", "renumbered") and "resubmitted" not in without and rng.random() < 0.1:
            ids.append(f"D{len(ledger):06d}")
            ledger.append(replace(made[0], invoice_id=ids[-1], posting_date=later + timedelta(days=rng.randint(1, 30))))
            pairs.append((original.invoice_id, ids[-1], kind))
    return pairs


def drill(seed: int, vendors: int = 24, share: float = 0.05, without: Sequence[str] = ()) -> Drill:
    """A ledger of about 700 invoices with duplicates of `share` of them; one seed gives one ledger.

    Kinds in `without` (of models.pair_noise.CHANGES, or split) are not made.
    """
    rng = stream(seed, "pair drill")
    way = fashion(rng)
    parties: list[Vendor] = vendors_of(rng, way, vendors)
    ledger = _as_recorded(rng, way, [invoice for vendor in parties for invoice in bills(vendor)])
    billed = sum(one.doc_type == "invoice" for one in ledger)
    return Drill(ledger, _copied(rng, way, ledger, round(billed * share), without))
