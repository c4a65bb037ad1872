"""What the figures of a case say whatever their names: money that came and stands elsewhere, an item that explains a
gap to the cent, a limit that is passed, a record that was not brought up to date. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

from agents import facts
from agents.diagnosis import Cause
from agents.match_terms import same_unit
from agents.record_words import plain, words
from agents.state import View

_AGREED_ON = re.compile(r"\b(effective|valid from|in force since|signed on|agreed on|amended on)\b")
_NEWER = frozenset({"newer", "newest", "latest", "current"})
_LONG = timedelta(days=90)
_TABLES = frozenset({"price_variance", "tax_mismatch", "dispute", "share_variance", "contract_billing_mismatch"})
_BOTH = (
    ("our_units", "partner_units"), ("billed", "received"), ("ledger_balance", "statement_balance"),
    ("goods_received_value", "accrued_value"), ("billed_quantity", "received_quantity"),
)  # fmt: skip
_GAP = ("difference", "variance", "gap")
_SIDES = re.compile(
    r"\b(balance|difference|variance|billed|received|ordered|credit limit|exposure|total|our units|partner units|"
    r"amount overdue|overdue amount|threshold|requested limit)\b"
)
_LIMITING = frozenset(
    [
        "max",
        "maximum",
        "limit",
        "ceiling",
        "cap",
        "highest",
        "largest",
        "allowed",
        "permitted",
        "authority",
        "upto",
        "most",
    ]
)
_LEASTS = frozenset(["min", "minimum", "least", "lowest", "floor"])
_IDLE = frozenset(
    [
        "percent",
        "amount",
        "of",
        "per",
        "days",
        "value",
        "eur",
        "in",
        "by",
        "to",
        "the",
        "count",
        "number",
        "granted",
        "requested",
        "given",
        "taken",
        "current",
        "agreed",
        "actual",
        "applied",
    ]
)
_OF_A_TYPE = frozenset({"credit_limit", "requested_limit"})  # their own rules judge them


def _numbers(view: View) -> Iterator[tuple[str, str, Decimal]]:
    for name in view.details:
        value = facts.number(view.details, name)
        if value is not None:
            yield name, plain(name), value


def _said(name: str, value: object) -> tuple[str, str]:
    return f"{name.replace('_', ' ')}: {value}", "case"


def misposted(view: View) -> Cause | None:
    """The money came, and stands on another account than the one that it is for."""
    own = {view.brief.facts.customer_id, view.brief.facts.supplier_id}
    for name, value in view.details.items():
        if not words().says("posted_to", plain(name)) or not isinstance(value, str | int) or not value:
            continue
        party = re.search(r"customer|supplier|partner|account", name) or words().says("elsewhere", plain(value))
        if party and str(value) not in own:
            because = ("what was paid stands there and not where it belongs", "books")
            return Cause("data_quality", (_said(name, facts.text(view.details, name)), because), sure=True)
    return None


def rules_broken(view: View) -> Cause | None:
    """A rule of the house is in the way: said so, or a figure is above its own limit or below its own least."""
    for name, value in view.details.items():
        called = plain(name)
        if value is False and words().says("within", called):
            return Cause(
                "policy_exception", (_said(name, "no"), ("it goes beyond what the rules allow", "case")), sure=True
            )
        if isinstance(value, str) and words().says("beyond", plain(value)):
            return Cause("policy_exception", (_said(name, facts.text(view.details, name)),), sure=True)
        if value == 0 and value is not False and re.search(r"\beligible (approvers?|signers?)\b", called):
            return Cause(
                "policy_exception", (_said(name, 0), ("the rules name nobody who may sign it", "case")), sure=True
            )
        if words().says("screened", called) and (
            value is True or (isinstance(value, str) and words().says("hit", plain(value)))
        ):
            return Cause("policy_exception", (_said(name, "yes" if value is True else facts.text(view.details, name)),),
                         sure=True)  # fmt: skip
    return _nothing_ordered(view) or _same_person(view) or _beyond(view)


def _nothing_ordered(view: View) -> Cause | None:
    """An order (or a contract) is demanded above an amount, and nobody ever asked for one."""
    amount = view.brief.facts.amount
    asked = [name for name, value in view.details.items() if not value
             and re.search(r"requisition|orders_raised|order_requested|request_for_order", name)]  # fmt: skip
    for name, called, value in _numbers(view):
        demanded = re.search(r"\b(required|demanded|obligatory|mandatory|needed) (above|from|over)\b", called)
        if demanded and asked and amount is not None and amount > value:
            why = ("the rules demand it at this amount, and nobody asked for it", "case")
            return Cause("policy_exception", (_said(name, facts.amount_text(value)), _said(asked[0], "none"), why),
                         ("missing_order_reference",), sure=True)  # fmt: skip
    return None


def _same_person(view: View) -> Cause | None:
    """Who made it is the one who is to approve it: the rules want four eyes."""
    makers = [name for name in view.details if re.search(r"(created|entered|requested|prepared|posted)_by$", name)]
    for maker in makers:
        for checker in ("approver", "approved_by", "released_by", "next_approver"):
            who = facts.text(view.details, maker)
            if who and who == facts.text(view.details, checker):
                why = ("who made it may not approve it", "case")
                return Cause("policy_exception", (_said(maker, who), _said(checker, who), why), sure=True)
    return None


def _beyond(view: View) -> Cause | None:
    """A figure above its own limit or below its own least: both names are of the same words but for those that say
    limit. An approver's limit is for the amount of the case."""
    found = {name: value for name, _, value in _numbers(view)}
    cores = {name: frozenset(name.split("_")) - _LIMITING - _LEASTS - _IDLE for name in found}
    for name, limit in found.items():
        parts = set(name.split("_"))
        least = bool(parts & _LEASTS)
        if name in _OF_A_TYPE or not parts & (_LIMITING | _LEASTS):
            continue
        others = [one for one in found if one != name and cores[one] == cores[name] and cores[name]
                  and not set(one.split("_")) & (_LIMITING | _LEASTS)]  # fmt: skip
        for one in others:
            if found[one] < limit if least else found[one] > limit:
                return _passed(one, found[one], name, limit, "below" if least else "above")
        amount = view.brief.facts.amount
        theirs = (
            not least
            and not others
            and "percent" not in parts
            and re.search(r"approv|author|sign|mandate|posting", name)
        )
        if amount is not None and theirs and amount > limit:
            return _passed("amount", amount, name, limit, "above")
    return None


def _passed(stem: str, value: Decimal, name: str, limit: Decimal, side: str) -> Cause:
    why = (f"{stem.replace('_', ' ')} is {side} its limit", "case")
    shown = (_said(stem, facts.amount_text(value)), _said(name, facts.amount_text(limit)))
    return Cause("policy_exception", (*shown, why), sure=True)


def sums(view: View) -> Cause | None:
    """An item, or two entries of the same thing, that explain the gap to the cent; a gap that is none at the right
    rate; the same value in another unit."""
    return _at_the_right_one(view) or _explained(view) or _other_unit(view)


def _gap(view: View) -> Decimal | None:
    """By how much two sides differ: as said, or by the figures that the type is about."""
    for name in _GAP:
        if (found := facts.number(view.details, name)) is not None:
            return abs(found)
    for one, other in _BOTH:
        left, right = (facts.number(view.details, name) for name in (one, other))
        if left is not None and right is not None and left != right:
            return abs(left - right)
    return None


def _at_the_right_one(view: View) -> Cause | None:
    for name, called, value in _numbers(view):
        if value == 0 and re.search(r"^(difference|gap|variance) (at|if|with|after|without)\b", called):
            why = ("with this nothing differs: our own figure is not right", "case")
            return Cause("data_quality", (_said(name, "0"), why), sure=True)
    return None


def _explained(view: View) -> Cause | None:
    gap = _gap(view)
    if not gap:
        return None
    items = [(name, called, value) for name, called, value in _numbers(view) if value and not _SIDES.search(called)]
    for name, called, value in items:
        if abs(value) == gap and (found := _by_name(view, called)) is not None:
            cause, because = found
            why = (f"this explains the difference to the cent: {because}", "case")
            return Cause(cause, (_said(name, facts.amount_text(value)), why), sure=True)
    for at, (name, called, value) in enumerate(items):
        for other, too, second in items[at + 1 :]:
            found, again = _by_name(view, called), _by_name(view, too)
            if abs(value) + abs(second) == gap and found is not None and again is not None and found[0] == again[0]:
                why = (f"together they explain the difference to the cent: {found[1]}", "case")
                shown = (_said(name, facts.amount_text(value)), _said(other, facts.amount_text(second)))
                return Cause(found[0], (*shown, why), sure=True)
    for at, (name, _, value) in enumerate(items):
        for other, _, second in items[at + 1 :]:
            if abs(abs(value) - abs(second)) == gap:
                why = ("they differ by just the difference: one of them was entered wrongly", "case")
                shown = (_said(name, facts.amount_text(value)), _said(other, facts.amount_text(second)))
                return Cause("data_quality", (*shown, why), sure=True)
    return None


def _by_name(view: View, called: str) -> tuple[str, str] | None:
    """The cause that an item's name stands for, and in words."""
    if view.brief.facts.queue == "order_to_cash" and words().says("deducted", called):
        return "counterparty", "the other side deducted it"
    return next(((one.cause, one.because) for one in words().items if one.named.search(called)), None)


def above_by_less(view: View) -> Cause | None:
    """The exposure is above the limit only as long as what came, and is not put to it, is left out."""
    limit, exposure = (facts.number(view.details, name) for name in ("credit_limit", "exposure"))
    if limit is None or exposure is None or exposure <= limit:
        return None
    for name, called, value in _numbers(view):
        found = _by_name(view, called)
        if found is None or found[0] in ("counterparty", "policy_exception") or value < exposure - limit:
            continue
        why = (f"with it the exposure is within the limit: {found[1]}", "case")
        return Cause(found[0], (_said(name, facts.amount_text(value)), why), sure=True)
    return None


def small_enough(view: View) -> Cause | None:
    """A gap that the rules of the house would write off, and nobody has."""
    gap = _gap(view)
    for name, called, value in _numbers(view):
        if (
            gap
            and gap <= value
            and re.search(r"\b(write ?off|small difference|tolerated)\b.*\b(limit|most|amount|up to)\b", called)
        ):
            why = ("the difference is within what the rules would write off", "case")
            return Cause("policy_exception", (_said(name, facts.amount_text(value)), why))
    return None


def an_older_one(view: View) -> Cause | None:
    """Of two papers of one kind, the older one was used: `report_used_of` and `newer_report_of`."""
    days = {name: day for name in view.details if (day := facts.day(view.details, name)) is not None}
    newer = {name: day for name, day in days.items() if _NEWER & set(name.split("_"))}
    for name, day in days.items():
        if "used" not in name.split("_") or name in newer:
            continue
        for other, later in newer.items():
            if set(name.split("_")) & set(other.split("_")) - {"of", "on", "date"} and later > day:
                why = ("an older one was used, though a newer one is there", "case")
                return Cause(
                    "data_quality", (_said(name, day.isoformat()), _said(other, later.isoformat()), why), sure=True
                )
    return None


def not_brought_up_to_date(view: View) -> Cause | None:
    """What was agreed holds since long, and our table or record was last changed long before."""
    if view.kind.get("exception_type") not in _TABLES:
        return None
    days = [(name, plain(name), day) for name in view.details if (day := facts.day(view.details, name)) is not None]
    ours = [(name, day) for name, called, day in days if re.search(r"\blast (changed|updated|maintained)\b", called)]
    for name, _, since in [one for one in days if _AGREED_ON.search(one[1]) and one[2] <= view.today]:
        for table, changed in ours:
            if since - changed > _LONG:
                why = ("our record was not brought up to date", "case")
                return Cause("data_quality", (_said(name, since.isoformat()), _said(table, changed.isoformat()), why))
    return None


def _other_unit(view: View) -> Cause | None:
    ordered, billed = (facts.text(view.details, name) for name in ("ordered_unit", "billed_unit"))
    before, after = (facts.number(view.details, name) for name in ("ordered_net", "billed_net"))
    if same_unit(ordered, billed) or before is None or before != after:
        return None
    why = ("the value is the same: it was billed in another unit, which our master data do not convert", "case")
    return Cause("data_quality", (_said("ordered_unit", ordered), _said("billed_unit", billed), why), sure=True)
