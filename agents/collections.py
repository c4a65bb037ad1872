"""What to do about an unpaid invoice: by stage, by what was done before, by expected value. Pure.

Stage: days past due, promises, disputes, reminders that were sent, the chance of a very late payment. Expected value
(models.risk_worklist) ranks the proposals and decides between a call and a letter; its assumed effects are governed.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from agents import facts
from agents.dunning import Lines
from agents.option import Option, call, customer, later, supplier, wait
from agents.state import View
from models.risk_worklist import Stake, Worth, stake, worth

_CENT = Decimal("0.01")
_VALUED = frozenset({"overdue", "open_item", "short_payment", "dispute"})
_KINDS = {
    "friendly": ("effect_friendly", "letter"), "firm": ("effect_firm", "letter"), "final": ("effect_final", "letter"),
    "schedule_call": ("effect_call", "call"), "open_dispute": ("effect_dispute", "dispute"),
    "place_credit_hold": ("effect_hold", "hold"), "escalate_to_collections": ("effect_collections", "collections"),
}  # fmt: skip


def remind(view: View, tone: str, why: str, topic: str = "") -> Option:
    number = facts.identifier(facts.invoice_number(view.brief))
    args = {"customer_id": customer(view), "tone": tone}
    return Option("send_customer_reminder", args | ({"invoice_number": number} if number else {}), why, topic)


def collect(view: View, why: str) -> Option:
    return Option("escalate_to_collections", {"customer_id": customer(view), "reason": why}, why)


def dispute(view: View, why: str) -> Option:
    number = facts.identifier(facts.invoice_number(view.brief))
    args: dict[str, str | None] = {"reason": why, "customer_id": customer(view)}
    if customer(view) is None:
        args = {"reason": why, "supplier_id": supplier(view)}
    return Option("open_dispute", args | ({"invoice_number": number} if number else {}), why)


def credit_hold(view: View, why: str) -> Option:
    return Option("place_credit_hold", {"customer_id": customer(view), "reason": why}, why)


def days_overdue(view: View) -> int | None:
    """Days since the due date, by the due date; else as the case says. None where neither is known."""
    if view.brief.facts.due_date is not None:
        return (view.today - view.brief.facts.due_date).days
    said = facts.number(view.details, "days_overdue")
    return None if said is None else int(said)


def disputed_on(view: View) -> date | None:
    """Since when a dispute of this invoice is known: by the record, the books or the case itself."""
    if view.dunning.disputed_on is not None:
        return view.dunning.disputed_on
    booked = facts.day(view.risk or {}, "disputed_since")
    return booked or (view.today if view.details.get("disputed") is True else None)


def _very_late(view: View, least: Decimal) -> bool:
    late = (view.risk or {}).get("p_late_30")
    return isinstance(late, int | float) and late >= float(least)


def _reminded(view: View) -> int:
    """Reminders that were sent: as the case says, or as the record shows."""
    return max(int(facts.number(view.details, "reminders_sent") or 0), len(view.dunning.reminders()))


def _settled_elsewhere(view: View) -> Iterator[Option]:
    """What stands in the way of dunning: a promise, a dispute, collections at work, a contact that is still fresh."""
    known, today = view.dunning, view.today
    promised = facts.day(view.details, "promised_date")
    if promised is not None and promised >= today:
        yield wait(promised, f"the customer has promised to pay on {promised.isoformat()}")
    if (since := disputed_on(view)) is not None:
        if (opened := known.last("open_dispute")) is None:
            yield dispute(view, f"the invoice is disputed since {since.isoformat()}: dunning waits until it is settled")
        else:
            yield wait(later(view, known.lines.pause_days), f"the dispute of {opened.day.isoformat()} is being settled")
    if (given := known.last("escalate_to_collections")) is not None:
        yield wait(later(view, 2 * known.lines.pause_days), f"with collections since {given.day.isoformat()}")
    last = known.last("send_customer_reminder", "schedule_call")
    if last is not None and (again := last.day + timedelta(days=known.lines.pause_days)) > today:
        what = "a reminder was sent" if last.action == "send_customer_reminder" else "there was a call"
        yield wait(again, f"{what} on {last.day.isoformat()}: the customer has until {again.isoformat()}")


def overdue(view: View) -> Iterator[Option]:
    """An invoice past its due date."""
    days, sent = days_overdue(view) or 0, _reminded(view)
    lines, known = view.tolerances, view.dunning
    promised = facts.day(view.details, "promised_date")
    broken = promised is not None and promised < view.today
    yield from _settled_elsewhere(view)
    if days > lines.collections_after_days:
        yield collect(view, f"{days} days overdue: reminders have had their time")
    last = known.last("send_customer_reminder", "schedule_call")
    finally_asked = last is not None and last.tone == "final"
    if finally_asked and known.last("place_credit_hold") is None and _very_late(view, known.lines.hold_likely):
        yield credit_hold(view, "a final reminder brought nothing, and payment within a month is not likely")
    firm = days > lines.call_after_days or sent >= 2 or broken
    tone = "final" if sent >= 3 else ("firm" if firm or (sent and _very_late(view, lines.late_likely)) else "friendly")
    if days > lines.call_after_days and (last is None or last.action != "schedule_call"):
        if (view.brief.facts.amount or Decimal(0)) > lines.call_from_amount:
            yield call(view, "overdue invoice", f"{days} days overdue and a large amount: a call is due")
        elif _call_pays(view, tone):
            yield call(view, "overdue invoice", f"{days} days overdue: a call is worth more than another letter")
    reminders = f"{sent} reminders sent" if sent != 1 else "one reminder sent"
    promise = f", promised for {promised.isoformat()} and not paid" if broken and promised else ""
    yield remind(view, tone, f"{days} days overdue, {reminders}{promise}")
    yield call(view, "overdue invoice", "a call may show why it is unpaid")
    yield collect(view, f"{days} days overdue")
    yield dispute(view, "if the customer says that the invoice is wrong")


def open_item(view: View) -> Iterator[Option]:
    """An invoice that is not due yet."""
    due = view.brief.facts.due_date
    yield from _settled_elsewhere(view)
    if _very_late(view, view.tolerances.late_likely):
        yield remind(view, "friendly", "likely to be paid more than a month late: a word before it falls due", "ahead")
        yield call(view, "invoice falling due", "likely to be paid late")
    yield wait(max(due, view.today) + timedelta(days=1) if due else None, "it is not due yet")
    yield remind(view, "friendly", "a word before it falls due", "ahead")


def _call_pays(view: View, tone: str) -> bool:
    by_call, by_letter = value_of(view, "schedule_call", None), value_of(view, "send_customer_reminder", tone)
    return by_call is not None and by_letter is not None and by_call.value > max(by_letter.value, Decimal(0))


def stake_of(view: View) -> Stake | None:
    """What late payment of this invoice would cost; None where the amount or the risk is not known."""
    risk, amount = view.risk or {}, view.brief.facts.amount
    p_late, priority = risk.get("p_late"), risk.get("priority")
    known = isinstance(p_late, int | float) and isinstance(priority, int | float) and 0 <= p_late <= 1
    if not known or amount is None or amount <= 0:
        return None
    lines = view.dunning.lines
    share = lines.collectible_disputed if disputed_on(view) is not None else Decimal(1)
    # A priority is the amount times the mean months late, early counting as none.
    mean_late = float(priority or 0.0) * 30.0 / float(amount)
    return stake(amount, share, float(p_late or 0.0), mean_late, days_overdue(view) or 0, lines.capital_percent)


def value_of(view: View, action: str, tone: str | None) -> Worth | None:
    """What an action is worth in the invoice's currency; None where it is not known, or what it costs is not."""
    of, rate = stake_of(view), _rate(view)
    if of is None or rate is None:
        return None
    if action == "wait_until":
        return worth(of, Decimal(0), Decimal(0))
    if (kind := _KINDS.get(tone or action)) is None:
        return None
    effect, cost = getattr(view.dunning.lines, kind[0]), getattr(view.dunning.lines, f"cost_{kind[1]}")
    return worth(of, effect, cost * rate)


def minutes_of(lines: Lines, action: str, tone: str | None) -> int:
    kind = _KINDS.get(tone or action)
    return int(getattr(lines, f"minutes_{kind[1]}")) if kind else 0


def _rate(view: View) -> Decimal | None:
    return Decimal(1) if view.brief.facts.currency == "EUR" else view.dunning.per_eur


def finding(view: View, chosen: Option, control: dict[str, Any] | None) -> dict[str, Any] | None:
    """What a person sees of the worth of a proposal: {value (with its parts) or None, compared, control}.

    None for cases that are no debt of a customer. Money as decimal strings in the invoice's currency.
    """
    if view.brief.facts.queue != "order_to_cash" or view.kind.get("exception_type") not in _VALUED:
        return None
    compared = [_priced(view, name, tone) for name, tone in _choices(chosen)]
    return {
        "value": _value(view, chosen),
        "unknown": None if _value(view, chosen) else _unknown(view),
        "compared": [one for one in compared if one is not None],
        "contacts": [
            {"action": one.action, "tone": one.tone, "day": one.day.isoformat(), "id": one.recommendation_id}
            for one in view.dunning.contacts[-10:]
        ],
        "control": control,
    }


def _choices(chosen: Option) -> list[tuple[str, str | None]]:
    every: list[tuple[str, str | None]] = [("send_customer_reminder", tone) for tone in ("friendly", "firm", "final")]
    every += [(name, None) for name in ("schedule_call", "place_credit_hold", "escalate_to_collections")]
    return [one for one in every if one != (chosen.name, chosen.args.get("tone"))]


def _priced(view: View, action: str, tone: str | None) -> dict[str, Any] | None:
    found = value_of(view, action, tone)
    if found is None:
        return None
    said = {"action": action, "tone": tone, "gain": str(found.gain), "cost": str(found.cost)}
    return {**said, "value": str(found.value), "minutes": minutes_of(view.dunning.lines, action, tone)}


def _value(view: View, chosen: Option) -> dict[str, Any] | None:
    tone = chosen.args.get("tone")
    priced, of, rate = _priced(view, chosen.name, tone), stake_of(view), _rate(view)
    if priced is None or of is None or rate is None:
        return None
    kind = _KINDS.get(tone or chosen.name)
    return priced | {
        "currency": view.brief.facts.currency,
        "collectible": str(of.collectible),
        "probability": str(of.probability),
        "days": str(of.days),
        "capital_percent": str(of.percent),
        "at_stake": str(of.cost.quantize(_CENT)),
        "effect": str(getattr(view.dunning.lines, kind[0])) if kind else "0",
        "value_eur": str((Decimal(priced["value"]) / rate).quantize(_CENT)),
        "rate_day": view.dunning.rate_day.isoformat() if view.dunning.rate_day else None,
    }


def _unknown(view: View) -> str:
    if stake_of(view) is None:
        return "the amount or the risk of late payment is not known"
    if _rate(view) is None:
        return f"no dated rate says what an action costs in {view.brief.facts.currency}"
    return "no effect is assumed for this action"
