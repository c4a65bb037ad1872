"""Tables and plots of collection risk, as data for the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np

from evals.results import Dots, Lines, Metric, Plot, Table, heading
from evals.risk_figures import Outcomes
from evals.risk_rivals import Judgement
from evals.scorers import Floats, reliability

_UNITS = ((1, ""), (10**3, ", thousands"), (10**6, ", millions"), (10**9, ", thousand millions"))
_LIFTED = 5
Found = Mapping[str, Sequence[Metric]]


def prefix(judge: str) -> str:
    return "" if judge == "own" else f"{judge.replace(' ', '_')}_"


def _of(found: Found, judge: str, name: str) -> Metric | None:
    return next((one for one in found[judge] if one.name == prefix(judge) + name), None)


def side_by_side(name: str, cut: date, found: Found) -> Table:
    wanted = {"auc": "AUC", "average_precision": "average precision", "brier": "Brier", "mae_days": "mean error, days"}
    rows = [
        (judge, *(None if (one := _of(found, judge, metric)) is None else one.value for metric in wanted))
        for judge in found
        if judge != "amount"
    ]
    return Table(
        f"{heading(name)}: side by side", ("who judges", *wanted.values()), rows, f"Invoices posted from {cut} on."
    )


def grouped(name: str, rows: Sequence[Sequence[Any]]) -> Table:
    columns = (
        "by", "group", "invoices", "share late", "AUC", "95 % interval", "Brier", "mean error, days", "95 % interval",
    )  # fmt: skip
    return Table(
        f"{heading(name)}: by group", columns, rows,
        "The model fitted on the company's own past; it never sees the country (or, where the file has none, the "
        "selling company's code). Intervals are over customers.",
    )  # fmt: skip


def quarters(name: str, rows: Sequence[tuple[str, float, int]]) -> Table:
    columns = ("quarter of posting", "share held", "invoices")
    return Table(f"{heading(name)}: what the 80 % interval held", columns, rows)


def candidates(name: str, rows: Sequence[Mapping[str, Any]], chosen: str) -> list[Table]:
    """What the choice of the model was made from; nothing where the history was too short for one."""
    if not rows:
        return []
    columns = ("candidate", "from", "until", "invoices", "Brier", "Brier over all days", "AUC")
    wanted = ("rows", "brier", "brier_all", "auc")
    made = [
        (one["candidate"], _day(one["from"]), _day(one["until"]), *map(one.get, wanted))
        for one in rows
    ]  # fmt: skip
    return [
        Table(
            f"{heading(name)}: how the model was chosen", columns, made,
            f"Inside the history, before the cut. Chosen: {chosen}.",
        )
    ]  # fmt: skip


def _day(ordinal: int) -> str:
    return date.fromordinal(ordinal).isoformat()


def reliability_of(name: str, judged: Sequence[Judgement], outcomes: Outcomes) -> Plot:
    series = {}
    for one in judged:
        said = ~np.isnan(one.p_late)
        series[one.name] = [(p, share) for p, share, _ in reliability(outcomes.late[said], one.p_late[said])]
    return Lines(
        f"{heading(name)}: said and seen",
        "Share of invoices that were late against the probability that was said, in tenths. On the dashed line the "
        "two agree.",
        "probability of being late",
        "share late",
        series,
        diagonal=True,
    )


def ranking(name: str, found: Found) -> Plot:
    return Dots(
        f"{heading(name)}: who ranks late payers best",
        "Area under the ROC curve with 95 % intervals over customers; 0.5 is no better than chance.",
        "AUC",
        [(judge, one.value, one.low, one.high) for judge in found if (one := _of(found, judge, "auc")) is not None],
        (0.4, 1.0),
    )


def lifts(name: str, series: Mapping[str, Sequence[tuple[float, float]]]) -> Plot:
    return Lines(
        f"{heading(name)}: late money in the worklist",
        "Share of money times days late against the share of the list that is worked, first places first.",
        "share of invoices worked",
        "share of money times days late",
        dict(list(series.items())[:_LIFTED]),
        diagonal=True,
    )


def coverage(name: str, months: Sequence[tuple[str, float, int]]) -> list[Plot]:
    """The share that the interval held, month by month; nothing for a single month."""
    if len(months) < 2:
        return []
    places = [float(at) for at in range(len(months))]
    least = min(0.5, *(share for _, share, _ in months))
    return [
        Lines(
            f"{heading(name)}: what the 80 % interval held over time",
            f"By month of posting, {months[0][0]} to {months[-1][0]}.",
            "months after the cut",
            "share held",
            {
                "held": [(at, share) for at, (_, share, _) in zip(places, months, strict=True)],
                "promised": [(places[0], 0.8), (places[-1], 0.8)],
            },
            (0.0, places[-1]),
            (least, 1.0),
        )
    ]


def cash(name: str, foreseen: Floats, received: Floats) -> list[Plot]:
    """Cash by week, foreseen and received; nothing for a single week."""
    if len(received) < 2:
        return []
    most = float(max(foreseen.max(), received.max(), 1.0))
    # Short numbers: long ones run into the words beside the axis.
    unit, word = next((unit, word) for unit, word in _UNITS if most < 1000 * unit or word == _UNITS[-1][1])
    return [
        Lines(
            f"{heading(name)}: cash by week",
            "Of all measured invoices, each foreseen on its posting day, against what came in.",
            "weeks after the cut",
            f"cash{word}",
            {
                "foreseen": [(float(at), float(one) / unit) for at, one in enumerate(foreseen)],
                "received": [(float(at), float(one) / unit) for at, one in enumerate(received)],
            },
            (0.0, float(len(received) - 1)),
            (0.0, most / unit),
        )
    ]
