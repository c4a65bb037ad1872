"""How the model of collection risk holds, as API and console show it: figures of many cases, never of one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from governance.record import risk_outcomes, telemetry
from governance.record.db import Connection

MOST_DAYS = 90
_EACH_DAY = ("calibration", "coverage", "late_rate")


def state(conn: Connection) -> dict[str, Any]:
    """{champion, challenger, estimates, newest, days, proposals}.

    `newest`: the latest judgement with its figures, None where there is none yet. `days`: the last ninety, newest
    first, with the means of both periods.
    """
    named = telemetry.champions(conn)
    kept = risk_outcomes.kept(conn)
    days = risk_outcomes.judgements(conn, MOST_DAYS)
    newest = days[0] if days else None
    return {
        "champion": named.get("risk"),
        "challenger": named.get(risk_outcomes.CHALLENGER),
        "estimates": {
            "kept": kept.estimates, "with_features": kept.with_features, "first": kept.first, "last": kept.last,
        },
        "newest": newest and {
            "day": newest.day, "model": newest.model, "causes": list(newest.causes), "figures": newest.figures,
        },
        "days": [
            {"day": one.day, "model": one.model, "causes": list(one.causes), **_means(one.figures)} for one in days
        ],
        "proposals": [
            {"recommendation_id": one.id, "case_id": one.case_id, "action": one.action, "subject": one.subject,
             "state": one.state, "created_at": one.created_at}
            for one in risk_outcomes.proposed(conn)
        ],
    }  # fmt: skip


def _means(figures: Any) -> dict[str, Any]:
    return {name: ((figures.get(name) or {}).get("both") or {}).get("mean") for name in _EACH_DAY}


def rows(judgement: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The figures of `newest` as a table: {figure, value, low, high, should_be, rows, customers, raised}."""
    figures = judgement["figures"]
    found = []
    for name in _EACH_DAY:
        trial = figures.get(name) or {}
        both = trial.get("both") or {}
        found.append({
            "figure": name, "value": both.get("mean"), "low": both.get("low"), "high": both.get("high"),
            "should_be": trial.get("target"), "rows": both.get("rows"), "customers": both.get("customers"),
            "raised": name in judgement["causes"],
        })  # fmt: skip
    for one in figures.get("features") or ():
        if one.get("alarms") is True:
            found.append({"figure": f"index of {one['name']}", "value": one.get("index"), "rows": one.get("rows"),
                          "raised": True})  # fmt: skip
    duel = figures.get("challenger")
    if duel:
        found.append({
            "figure": "challenger's Brier score less the champion's", "value": duel.get("difference"),
            "low": duel.get("low"), "high": duel.get("high"), "rows": duel.get("rows"),
            "customers": duel.get("customers"), "raised": duel.get("better"),
        })  # fmt: skip
    return found
