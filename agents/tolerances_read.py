"""The tenant's governed tolerances, read once for a batch whatever its size: two short queries."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from agents.tolerances import Setting, Tolerances, in_currency, lines_for
from governance.record import changes, collections
from governance.record.db import Connection
from governance.record.queue import Brief

_QUEUE = "accounts_payable"


def read_tolerances(
    conn: Connection, briefs: Mapping[str, Brief], today: date, standard: Tolerances
) -> dict[str, Tolerances]:
    """Case id → its lines, by entity and in the case's currency at the latest rate; the payables of the batch."""
    billed = {case_id: brief.facts for case_id, brief in briefs.items() if brief.facts.queue == _QUEUE}
    if not billed:
        return {}
    settings = {
        str(one["subject"]): Setting(int(one["version"]), one["content"]) for one in changes.settings(conn, "tolerance")
    }
    foreign = sorted({case.currency for case in billed.values() if case.currency and case.currency != "EUR"})
    rates = collections.rates(conn, foreign, today) if foreign else {}
    found = {}
    for case_id, case in billed.items():
        rate = rates.get(case.currency or "")
        lines = lines_for(standard, settings, case.entity)
        found[case_id] = in_currency(lines, case.currency, rate.per_eur if rate else None)
    return found
