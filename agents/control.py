"""A few friendly reminders wait some days, chosen by lot, so that the effect of reminders can be estimated later. Pure.

The lot is a hash of tenant, case and month with the tenant's secret: the same whenever it is asked, and nobody's
choice. It only ever delays a friendly reminder, up to an amount, and once (new facts on a case that has not waited yet
do not count, but reminders turn firm with the days past due, and firm ones are not delayed). Share and ceiling are
governed, and the share never exceeds a tenth. Whoever reviews it is told.
"""

from __future__ import annotations

from typing import Any

from agents.option import Option, later, wait
from agents.state import View

DELAYED, AS_USUAL = "delayed", "as_usual"


def eligible(view: View, chosen: Option) -> bool:
    """Whether the lot decides here. The same for those that are delayed and those that are not."""
    known, case = view.dunning, view.brief.facts
    lines, rate = known.lines, view.dunning.per_eur
    if known.draw is None or lines.control_share <= 0 or case.amount is None or rate is None:
        return False
    return (
        chosen.name == "send_customer_reminder"
        and chosen.args.get("tone") == "friendly"
        and view.kind.get("exception_type") == "overdue"
        and 0 < case.amount <= lines.control_ceiling * rate
        and not view.notes
        # Once: what has waited before, for whatever reason, is reminded now.
        and known.last("wait_until") is None
        and "wait_until" in view.brief.allowed_actions
    )


def drawn(view: View, chosen: Option) -> tuple[Option, dict[str, Any] | None]:
    """The option after the lot was drawn, and what is said about it: {group, propensity, share, period, delayed_to}.

    propensity: how likely the case came into the group that it is in, for estimates that weigh by it.
    """
    if not eligible(view, chosen):
        return chosen, None
    lines, draw = view.dunning.lines, view.dunning.draw
    said: dict[str, Any] = {
        "group": AS_USUAL,
        "propensity": str(1 - lines.control_share),
        "share": str(lines.control_share),
        "period": view.dunning.period,
        "delayed_to": None,
    }
    if draw is None or draw >= float(lines.control_share):
        return chosen, said
    until = later(view, lines.control_days)
    why = (
        f"control group: this friendly reminder is delayed to {until.isoformat()}, chosen by lot among such reminders, "
        "so that the effect of reminders can be measured; nothing else is delayed"
    )
    said |= {"group": DELAYED, "propensity": str(lines.control_share), "delayed_to": until.isoformat()}
    return wait(until, why), said
