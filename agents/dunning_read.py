"""What is known of a batch's unpaid invoices besides their cases: four queries whatever its size."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date

from agents.dunning import SUBJECT, Contact, Dunning, Lines, lines_of
from governance.record import changes, collections
from governance.record.collections import DunningRow
from governance.record.db import Connection
from governance.record.queue import Brief

_QUEUE, _DRAWN = "order_to_cash", "overdue"


def governed_lines(conn: Connection) -> Lines:
    """The lines that hold today, by the governed setting."""
    held = [one for one in changes.settings(conn, "threshold") if one["subject"] == SUBJECT]
    return lines_of(held[0]["content"]) if held else Lines()


def read_dunning(conn: Connection, briefs: Mapping[str, Brief], today: date) -> dict[str, Dunning]:
    """Case id → what is known, for the cases about money that customers owe."""
    owed = {case_id: brief.facts for case_id, brief in briefs.items() if brief.facts.queue == _QUEUE}
    if not owed:
        return {}
    lines, period = governed_lines(conn), f"{today:%Y-%m}"
    rates = collections.rates(conn, [case.currency for case in owed.values() if case.currency], today)
    late = [case_id for case_id, case in owed.items() if case.exception_type == _DRAWN]
    draws = collections.draws(conn, late if lines.control_share > 0 else [], period)
    rows: dict[str, list[DunningRow]] = defaultdict(list)
    for row in collections.contacts(conn, owed):
        rows[row.case_id].append(row)
    found = {}
    for case_id, case in owed.items():
        rate = rates.get(case.currency or "")
        disputes = [row.day for row in rows[case_id] if row.action == "disputed"]
        found[case_id] = Dunning(
            lines=lines,
            contacts=tuple(
                Contact(row.recommendation_id, row.action, row.tone, row.day)
                for row in rows[case_id]
                if row.action != "disputed"
            ),
            disputed_on=min(disputes, default=None),
            draw=draws.get(case_id),
            period=period if case_id in draws else "",
            per_eur=rate.per_eur if rate else None,
            rate_day=rate.day if rate else None,
        )
    return found
