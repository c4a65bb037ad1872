"""A small ledger's figures hang on where it is cut: the same model fitted before several cuts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np

from evals.results import Cell, Table, heading
from evals.risk_figures import Outcomes
from evals.scorers import auc, brier, ece, mean
from models.features import Receivable
from models.risk import CollectionRisk, Ledger

MOST_ROWS = 5_000
"""Invoices up to which a ledger is small: of a larger one a single cut says enough, and fits take long."""
SHARES = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8)


def at_cut(
    cut: date, tested: Sequence[Receivable], outcomes: Outcomes, past: Ledger, seed: int
) -> tuple[Cell, ...] | None:
    """(cut, invoices, share late, AUC, Brier, Brier of the share late itself, ECE, mean error in days, model); None
    where the history before the cut is too short for a model."""
    model = CollectionRisk(seed=seed).fit(past, cut)
    if not model.has_model:
        return None
    said = model.predict(tested, [one.posting_date for one in tested], past, explain=False)
    chance, days = (np.array([getattr(one, name) for one in said], dtype=float)
                    for name in ("p_late", "expected_days_late"))  # fmt: skip
    errors = np.abs(days - outcomes.days)
    base = float(outcomes.late.mean())
    return (
        cut.isoformat(), len(tested), base, auc(outcomes.late, chance), brier(outcomes.late, chance),
        base * (1.0 - base), ece(outcomes.late, chance), mean(errors[~np.isnan(errors)]), model.kind_,
    )  # fmt: skip


def over_cuts(name: str, rows: Sequence[tuple[Cell, ...] | None]) -> list[Table]:
    """The table of several cuts; nothing where no cut has a model."""
    made = [row for row in rows if row is not None]
    columns = (
        "cut", "invoices", "share late", "AUC", "Brier", "Brier of the share late", "ECE", "mean error, days", "model",
    )  # fmt: skip
    note = "Everything posted from each cut on; the later rows are the same in all. The last cuts rest on few invoices."
    return [Table(f"{heading(name)}: over several cuts", columns, made, note)] if made else []
