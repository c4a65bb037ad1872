"""A real ledger as it is: how many alerts the usual rule raises and how many we do, and whether the obvious stays."""

from __future__ import annotations

from collections.abc import Sequence

from evals.duplicate_injection import obvious
from evals.duplicate_ledgers import Planted
from evals.duplicate_parts import Part
from evals.duplicate_real import RealLedger
from evals.duplicate_rules import Rule, hits
from evals.duplicate_scores import is_shown, ours, scored, vendor_name
from evals.results import Cell, Metric, Table, heading
from models.duplicates import PairScorer

SAME_DAY = Rule("vendor, amount, date", lambda one: (vendor_name(one), one.amount, one.invoice_date))
_MOST_SHOWN = 40


def run(real: RealLedger, scorer: PairScorer) -> Part:
    """The ledger without any plant. Its own duplicates are real and nobody labelled them."""
    ledger = Planted(real.name, real.invoices, {})
    pairs, _ = ours(ledger, scorer)
    plain = scored(ledger, pairs)
    shown = is_shown(plain)
    raised = len(set(plain.record[shown].tolist()))
    rule = len({max(pair) for pair in hits(real.invoices, SAME_DAY)})
    kept = {one.pair for one, there in zip(pairs, shown, strict=True) if there}
    plainly = sorted(obvious(real.invoices))
    count, name = len(real.invoices), f"{real.name}_as_it_is"
    made = [
        Metric(name, "alerts_per_1000", 1000 * raised / count, count=count),
        Metric(name, "alerts_per_1000_same_vendor_amount_date", 1000 * rule / count, count=count),
        Metric(name, "alerts_cut_times", rule / max(1, raised), count=count),
    ]
    if plainly:
        made.append(
            Metric(name, "obvious_kept", sum(pair in kept for pair in plainly) / len(plainly), count=len(plainly))
        )
    said = {one.pair: one.probability for one in pairs}
    return Part(made, [_table(real, plainly, said)])


def _table(real: RealLedger, plainly: Sequence[tuple[int, int]], said: dict[tuple[int, int], float]) -> Table:
    cells: list[Sequence[Cell]] = [
        (real.invoices[left].invoice_no, real.invoices[right].invoice_no, str(real.invoices[left].amount),
         str(real.invoices[left].invoice_date), str(real.invoices[right].invoice_date), said.get((left, right), 0.0))
        for left, right in plainly[:_MOST_SHOWN]
    ]  # fmt: skip
    return Table(
        f"{heading(real.name)} as it is: obvious pairs",
        ("number", "number", "amount", "date", "date", "probability"),
        cells,
        "One vendor, one amount, and numbers that differ in punctuation alone. Each should be reported.",
    )
