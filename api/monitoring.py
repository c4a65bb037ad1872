"""The day's judgement of the model of collection risk: once a day and tenant, whoever's clock comes first.

What it finds is kept, and what follows from it is proposed to people: to train anew where estimates no longer hold, to
make a challenger champion where it was better. Nothing is changed here.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import structlog

from governance.errors import Unavailable
from governance.record import risk_outcomes
from governance.record.db import Connection, Database
from governance.record.risk_outcomes import Outcome

if TYPE_CHECKING:
    from models.risk_monitor import Judged, Lines, Portfolio
    from models.risk_reference import Reference
    from models.risk_report import Report

log = structlog.get_logger(__name__)

AGAIN_SECONDS = 600.0
"""How often a clock that runs for ever asks whether a new day's judgement is due."""
_BACK_DAYS = 260
"""Estimates older than this say nothing any more."""
_YEAR_DAYS = 460


class RiskWatch:
    """Call it as often as you like. `token` is the courier's; asks the record at most every `seconds`."""

    def __init__(self, database: Database, token: str, *, seconds: float = AGAIN_SECONDS) -> None:
        self._database = database
        self._token = token
        self._seconds = seconds
        self._again_at = 0.0

    def __call__(self) -> dict[str, Any] | None:
        """{judged, causes, proposed}; None where nothing is due, or where it failed, which is logged.

        Raises Unavailable where the database is away.
        """
        if time.monotonic() < self._again_at:
            return None
        try:
            with self._database.transaction("courier", self._token) as conn:
                done = judge(conn)
        except Unavailable:
            raise
        except Exception as error:
            # Expiry, leases and checkpoints must not wait for a figure that cannot be made.
            log.error("the model of collection risk could not be judged", error=type(error).__name__, reason=str(error))
            done = None
        self._again_at = time.monotonic() + self._seconds
        if done is not None and done["proposed"]:
            log.warning("the model of collection risk", causes=done["causes"], proposed=len(done["proposed"]))
        return done


def judge(conn: Connection) -> dict[str, Any] | None:
    """Judge the model that scored last, today, unless it was judged: {judged, causes, proposed}. Role `courier`."""
    state = risk_outcomes.due(conn)
    if not state["due"]:
        return None
    from models.risk_challenge import duel
    from models.risk_report import report

    lines = _lines(state["lines"])
    # What the books do not know yet is not unpaid: they may be imported once a week.
    until = date.fromisoformat(state["until"] or state["today"])
    model, today = str(state["model"]), date.fromisoformat(state["today"])
    rows = risk_outcomes.outcomes(conn, model, today - timedelta(days=_BACK_DAYS), today)
    judged, portfolio = _judged(rows, until), _portfolio(conn, until)
    begun = date.fromisoformat(state["began"])
    known = state["references"] or {}
    start, fresh = _start(known.get("start"), judged, begun, until, lines)
    challenger = state["challenger"]
    fought = None
    if challenger is not None and challenger not in (state["champion"], model):
        asked = [row for row in rows if row.challenger == challenger]
        fought = duel(_judged(asked, until), _chances(asked), until.toordinal(), lines)
    made = report(judged, portfolio, until, lines, start=start, trained=_reference(known.get("trained")), duel=fought)
    better = fought is not None and fought.better
    noted = risk_outcomes.note(
        conn,
        model,
        {**made.figures, "model": model, "challenger_model": challenger},
        [{"cause": cause, "why": _why(made, cause)} for cause in made.causes],
        promote={"digest": str(challenger), "why": _better(made.figures["challenger"])} if better else None,
        start=fresh,
        quiet_days=lines.quiet_days,
    )
    return {"judged": noted["judged"], "causes": list(made.causes), "proposed": noted["proposed"]}


def _lines(content: Mapping[str, Any] | None) -> Lines:
    from models.risk_monitor import Lines

    return Lines.of(content or {})


def _judged(rows: Sequence[Outcome], until: date) -> Judged:
    import numpy as np

    from models.features import RISK_FEATURES
    from models.risk_monitor import UNPAID, Judged

    width = len(RISK_FEATURES)
    codes = {name: at for at, name in enumerate(sorted({row.customer_id for row in rows}))}
    table = np.full((len(rows), width), np.nan)
    for at, row in enumerate(rows):
        # Of another program's features nothing is known.
        if row.features is not None and len(row.features) == width:
            table[at] = [np.nan if value is None else value for value in row.features]
    paid = [
        row.clear_date.toordinal() if row.clear_date is not None and row.clear_date <= until else UNPAID for row in rows
    ]

    def numbers(values: Sequence[float | None]) -> Any:
        return np.array([np.nan if value is None else value for value in values], dtype=float)

    return Judged(
        np.array([codes[row.customer_id] for row in rows], dtype=np.int64),
        np.array([row.scored_on.toordinal() for row in rows], dtype=np.int64),
        np.array([row.due_date.toordinal() for row in rows], dtype=np.int64),
        np.array(paid, dtype=np.int64),
        np.column_stack(
            [numbers([getattr(row, name) for row in rows]) for name in ("p_late", "p_late_15", "p_late_30")]
        ),
        numbers([row.days_late_low for row in rows]),
        numbers([row.days_late_high for row in rows]),
        table,
    )


def _chances(rows: Sequence[Outcome]) -> Any:
    import numpy as np

    none = (None, None, None)
    said = [[np.nan if value is None else value for value in (row.other or none)] for row in rows]
    return np.array(said, dtype=float).reshape(len(rows), 3)


def _portfolio(conn: Connection, until: date) -> Portfolio:
    import numpy as np

    from models.risk_monitor import Portfolio

    rows = risk_outcomes.portfolio(conn, until - timedelta(days=_YEAR_DAYS), until)
    codes = {name: at for at, name in enumerate(sorted({row[0] for row in rows}))}
    return Portfolio(
        np.array([codes[row[0]] for row in rows], dtype=np.int64),
        np.array([row[1].toordinal() for row in rows], dtype=np.int64),
        np.array([row[2] for row in rows], dtype=np.int64),
        np.array([row[3] for row in rows], dtype=np.int64),
    )


def _reference(body: Mapping[str, Any] | None) -> Reference | None:
    """None where there is none, or one of another program's features."""
    from models.features import RISK_FEATURES
    from models.risk_shift import of_json

    found = None if body is None else of_json(body)
    return found if found is not None and len(found.edges) == len(RISK_FEATURES) else None


def _start(
    body: Mapping[str, Any] | None, judged: Judged, began: date, until: date, lines: Lines
) -> tuple[Reference | None, dict[str, Any] | None]:
    """How the first estimates' features were spread, and the same to be kept where it is not yet. They are those of two
    periods, and enough; until these are over there is nothing to compare with."""
    import numpy as np

    from models.risk_reference import reference_of
    from models.risk_shift import as_json

    if body is not None:
        return _reference(body), None
    over = began.toordinal() + 2 * lines.period_days
    first = (judged.scored < over) & ~np.isnan(judged.features).all(axis=1)
    if until.toordinal() < over or first.sum() < 2 * lines.least_rows:
        return None, None
    made = reference_of(judged.features[first])
    return made, as_json(made)


def _why(made: Report, cause: str) -> str:
    """What signers are told: the cause and its figures."""
    figures = made.figures
    if cause == "features":
        moved = [f"{one['name']} {one['index']:.2f}" for one in figures["features"] if one["alarms"]]
        return f"{made.why(cause)}: stability index of {', '.join(moved[:5])}"
    both, target = figures[cause]["both"], figures[cause]["target"]
    told = f"{both['mean']:+.1%}" if cause == "calibration" else f"{both['mean']:.1%} instead of {target:.1%}"
    span = "" if both["low"] is None else f" (95 % interval {both['low']:+.1%} to {both['high']:+.1%})"
    seen = f"{both['rows']} invoices of {both['customers']} customers"
    return f"{made.why(cause)}: {told}{span}, {seen}, two periods running"


def _better(shown: Mapping[str, Any]) -> str:
    return (
        f"the challenger was better on {shown['rows']} invoices of {shown['customers']} customers that both judged and "
        f"whose outcome is known: Brier score {shown['challenger']:.4f} instead of {shown['champion']:.4f} "
        f"(difference {shown['difference']:+.4f}, 95 % interval {shown['low']:+.4f} to {shown['high']:+.4f})"
    )
